//! The policy file: what it changes, who may write it, and keys that must never leave.

use super::{House, clean_dump, code, files, key, program, root, text};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A policy beside the house's directories.
fn policy(house: &House, text: &str) -> PathBuf {
    let path = house.release.with_file_name("policy.toml");
    fs::write(&path, format!("version = 1\n{text}")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

fn check(path: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(program());
    command.args(["policy", "check", "--config"]).arg(path);
    let output = command.output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    (code(&output), said)
}

fn public(name: &str) -> String {
    root()
        .join("tests/keys")
        .join(name)
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_watched_key_is_called_by_its_name_and_critical() {
    for (watch, name) in [
        (
            format!(
                "file = \"{}\"\nname = \"token signer\"",
                public("p256.spki.pem")
            ),
            "token signer",
        ),
        (
            format!("file = \"{}\"", public("p256.spki.der")),
            "p256.spki.der",
        ),
        (
            format!("file = \"{}\"", public("p256.cert.pem")),
            CERTIFICATE,
        ),
        (
            format!("file = \"{}\"", public("p256.cert.der")),
            CERTIFICATE,
        ),
    ] {
        let house = House::new();
        let path = policy(&house, &format!("[[watch]]\n{watch}\n"));
        let (exit, said) = check(&path);
        assert_eq!(exit, Some(0), "{said}");
        assert!(said.contains("watched: ") && said.contains(name), "{said}");
        house.put("k.core", &key());
        let output = house.run(&["--config", path.to_str().unwrap()]);
        assert_eq!(code(&output), Some(1), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(
            said.contains(&format!("critical: the watched key `{name}`")),
            "{said}"
        );
        let keys = &house.events()[0]["keys"];
        assert_eq!(keys[0]["watched"], name);
        assert_eq!(keys[0]["severity"], "critical");
        let manifest = fs::read(house.quarantine.join("k.core.dumpgate.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["dumps"][0]["findings"][0]["watched"], name);
    }
}

#[test]
fn a_watch_list_of_which_an_entry_cannot_be_watched_is_refused() {
    let house = House::new();
    let good = fs::read_to_string(public("p256.spki.pem")).unwrap();
    let begin = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let spki = fs::read(public("ed25519.spki.der")).unwrap();
    let wire = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20", &spki[spki.len() - 32..]].concat();
    let wire = <base64ct::Base64 as base64ct::Encoding>::encode_string(&wire);
    let line = format!("ssh-ed25519 {wire} ours");
    let key = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}";
    for (name, list, entry) in [
        ("keys.pem", format!("{good}{begin}"), 2),
        ("jwks.json", format!("{{\"keys\":[{key}]}}"), 1),
        (
            "authorized_keys",
            format!("# ours\n{line}\nssh-ed25519 AAAA x\n"),
            2,
        ),
    ] {
        let file = house.release.with_file_name(name);
        fs::write(&file, list).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let path = policy(&house, &format!("[[watch]]\nfile = \"{name}\"\n"));
        let (exit, said) = check(&path);
        assert_ne!(exit, Some(0), "{name}");
        assert!(
            said.contains(&format!("entry {entry} is no public key")),
            "{said}"
        );
    }
}

#[test]
fn a_watched_key_counts_whatever_else_is_said() {
    let house = House::new();
    let kinds = "[policy]\nkinds = [\"rsa-private-key\"]\nfail_on = \"arithmetic\"\n";
    let path = policy(&house, kinds);
    house.put("k.core", &key());
    let output = house.run(&["--config", path.to_str().unwrap()]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert_eq!(files(&house.release).len(), 1);
    let watch = format!("{kinds}[[watch]]\nfile = \"{}\"\n", public("p256.spki.pem"));
    let path = policy(&house, &watch);
    house.put("l.core", &key());
    let output = house.run(&["--config", path.to_str().unwrap()]);
    assert_eq!(code(&output), Some(1), "{}", text(&output.stderr));
    assert!(house.quarantine.join("l.core").exists());
}

#[test]
fn the_policy_says_what_becomes_of_truncated_dumps() {
    let house = House::new();
    let cut = &clean_dump()[..1_200_000];
    house.put("cut.core", cut);
    let path = policy(&house, "[policy]\ntruncated = \"release\"\n");
    let path = path.to_str().unwrap();
    let output = house.run(&["--config", path]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    house.put("again.core", cut);
    let output = house.run(&["--config", path, "--truncated", "quarantine"]);
    assert_eq!(code(&output), Some(3));
}

#[test]
fn a_policy_that_others_can_write_is_refused() {
    let house = House::new();
    house.put("a.core", b"nothing");
    let path = policy(&house, "");
    let watched = house.release.with_file_name("watched.pem");
    fs::copy(public("p256.spki.pem"), &watched).unwrap();
    let refused = |path: &Path, why: &str| {
        let output = house.run(&["--config", path.to_str().unwrap()]);
        assert_eq!(code(&output), Some(2));
        assert!(
            text(&output.stderr).contains(why),
            "{}",
            text(&output.stderr)
        );
        assert!(house.spool.join("a.core").exists());
        let (exit, said) = check(path);
        assert!(exit == Some(2) && said.contains(why), "{said}");
    };
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&path, 0o646);
    refused(&path, "others can write to it");
    mode(&path, 0o664);
    refused(&path, "others can write to it");
    mode(&path, 0o644);
    mode(path.parent().unwrap(), 0o777);
    refused(&path, "others can write to it");
    mode(path.parent().unwrap(), 0o700);
    // Nor may what it names be anybody's.
    fs::write(&path, "version = 1\n[[watch]]\nfile = \"watched.pem\"\n").unwrap();
    mode(&watched, 0o666);
    refused(&path, "others can write to it");
    mode(&watched, 0o644);
    fs::write(&path, "version = 1\n[gate]\n").unwrap();
    refused(&path, "line 2: expected `version`");
    fs::write(&path, "version = 1\n[[watch]]\nfile = \"policy.toml\"\n").unwrap();
    refused(&path, "entry 1 is no public key");
    fs::write(&path, "version = 1\n[[watch]]\nfile = \"watched.pem\"\n").unwrap();
    assert_eq!(
        code(&house.run(&["--config", path.to_str().unwrap()])),
        Some(0)
    );
}

#[test]
fn only_scan_reads_a_policy_of_the_working_directory() {
    let house = House::new();
    let above = house.release.parent().unwrap();
    let policy = "version = 1\n[policy]\nkinds = [\"rsa-private-key\"]\n";
    fs::write(above.join("dumpgate.toml"), policy).unwrap();
    let dump = house.put("k.core", &key());
    let scan = |options: &[&str]| {
        let mut command = Command::new(program());
        command.arg("scan").args(options).arg(&dump);
        code(&command.current_dir(&house.spool).output().unwrap())
    };
    assert_eq!(scan(&[]), Some(0));
    let none = above.join("none.toml");
    fs::write(&none, "version = 1\n").unwrap();
    assert_eq!(scan(&["--config", none.to_str().unwrap()]), Some(1));
    let output = house.gate(&[]).current_dir(&house.spool).output().unwrap();
    assert_eq!(code(&output), Some(1), "{}", text(&output.stderr));
}

/// The common name in the certificate of the sample key.
const CERTIFICATE: &str = "p256.demo.test";
