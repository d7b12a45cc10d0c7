//! Keys of SSH and OpenPGP programs in the forms their own tools write: the true ones, as wide text, with other
//! line breaks, cut at every length, changed at every byte, and things that only look like keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod common;

use common::{each, key, noise, scan};
use dumpgate::finding::{Finding, Proof};
use std::collections::BTreeMap;

/// A row of `tests/keys/forms/index.tsv`.
#[derive(Clone, Debug)]
struct Sample {
    kind: String,
    bits: String,
    curve: String,
    spki_sha256: String,
    form: String,
}

const FAMILIES: &[&str] = &["ssh.", "pgp.", "pem.pgp", "pem.sshcom", "pem.openssh"];

/// The samples of this family: each file with the keys in it.
fn samples() -> BTreeMap<String, Vec<Sample>> {
    let text = String::from_utf8(key("forms/index.tsv")).unwrap();
    let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, kind, bits, curve, spki_sha256, form, _tool, _note] = fields[..] else {
            panic!("eight fields in `{line}`")
        };
        if FAMILIES.iter().any(|family| form.starts_with(family)) {
            samples.entry(file.to_owned()).or_default().push(Sample {
                kind: kind.to_owned(),
                bits: bits.to_owned(),
                curve: curve.to_owned(),
                spki_sha256: spki_sha256.to_owned(),
                form: form.to_owned(),
            });
        }
    }
    samples
}

impl Sample {
    fn is_encrypted(&self) -> bool {
        self.form.ends_with("-encrypted")
    }

    /// Whether the form and the algorithm allow that the key is named.
    fn is_named(&self) -> bool {
        self.spki_sha256 != "-"
            && !["ed448", "other"].contains(&self.kind.as_str())
            && !self.form.ends_with("sshcom-encrypted")
    }

    fn is(&self, found: &Finding) -> bool {
        let name = found.spki_sha256.map(|name| name.to_string());
        let kind = found.kind.name();
        let is_kind = match self.kind.as_str() {
            _ if self.is_encrypted() => kind == "encrypted-private-key",
            "other" | "ed448" => kind == "private-key",
            _ => kind != "private-key" && kind != "encrypted-private-key",
        };
        let proof = if self.is_encrypted() || !self.is_named() {
            Proof::Parsed
        } else {
            Proof::Arithmetic
        };
        let is_name = match self.is_named() {
            true => {
                name.as_deref() == Some(&*self.spki_sha256)
                    && found.bits.map(|bits| bits.to_string()).as_deref() == Some(&*self.bits)
                    && found.curve.map_or("-", |curve| curve.name()) == self.curve
            }
            false => name.is_none(),
        };
        is_kind && is_name && found.proof == proof
    }
}

/// A key whose form has a text.
fn is_text(data: &[u8]) -> bool {
    data.is_ascii()
}

fn wide(data: &[u8], big: bool) -> Vec<u8> {
    data.iter()
        .flat_map(|&byte| if big { [0, byte] } else { [byte, 0] })
        .collect()
}

/// Scans `data` among other bytes and checks that it holds these keys and no others.
fn check(name: &str, data: &[u8], keys: &[Sample], encoding: &str) {
    let outcome = scan(&[noise(999, 1), data.to_vec(), noise(1000, 2)].concat());
    let mut findings = outcome.findings;
    for sample in keys {
        let at = findings.iter().position(|found| sample.is(found));
        let at = at.unwrap_or_else(|| panic!("{name}: {sample:?} not in {findings:#?}"));
        let found = findings.remove(at);
        let place = found
            .places
            .iter()
            .find(|place| place.form == sample.form)
            .unwrap_or_else(|| panic!("{name}: {sample:?} {found:?}"));
        // Wide text of one byte order reads as the other one too, but for the byte at one end.
        assert!(place.encoding.starts_with(encoding), "{name}");
        assert_eq!(place.fragment, None, "{name}");
        let piece = &place.pieces[0];
        assert!(piece.offset >= 999, "{name}");
        let end = piece.offset + piece.length;
        assert!(end <= 999 + data.len() as u64, "{name}");
    }
    assert!(findings.is_empty(), "{name}: further {findings:#?}");
}

#[test]
fn every_sample_is_found_named_and_proven() {
    let samples = samples();
    assert!(samples.len() > 60, "only {} samples", samples.len());
    let mut failed = Vec::new();
    for (file, keys) in samples {
        let data = key(&format!("forms/{file}"));
        let is_written = is_text(&data) || file.ends_with(".key");
        let encoding = if is_written { "ascii" } else { "raw" };
        if std::panic::catch_unwind(|| check(&file, &data, &keys, encoding)).is_err() {
            failed.push(file);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn texts_are_found_in_every_encoding_and_with_any_line_break() {
    let mut tried = 0;
    for (file, keys) in samples() {
        let form = &keys[0].form;
        let data = key(&format!("forms/{file}"));
        if !is_text(&data) || form.starts_with("pem.openssh") {
            continue;
        }
        tried += 1;
        let text = String::from_utf8(data).unwrap();
        let breaks = ["\r\n", "\r", "\\n", "\\r\\n", "\\\\n"];
        for replacement in breaks {
            let written = text.replace('\n', replacement);
            check(
                &format!("{file} with {replacement:?}"),
                written.as_bytes(),
                &keys,
                "ascii",
            );
        }
        check(&file, &wide(text.as_bytes(), false), &keys, "utf16");
        check(&file, &wide(text.as_bytes(), true), &keys, "utf16");
    }
    assert!(tried > 30, "only {tried} texts");
}

/// Samples small enough to be changed thousands of times.
const SMALL: &[&str] = &[
    "putty-ed25519.v3.ppk",
    "p256.v2.ppk",
    "p256.v3-encrypted.ppk",
    "dsa1024.v2.ppk",
    "dsa1024.sshcom.bin",
    "dsa1024.sshcom.pem",
    "gpg-ed25519.clear.pgp",
    "gpg-p256.clear.asc",
    "gpg-p256.encrypted.pgp",
    "gpg-ed25519.clear.0.key",
    "gpg-p256.clear.0.canonical.sexp",
    "gpg-p256.clear.1.internal.sexp",
    "ssh-ed25519.openssh.bin",
    "p256.openssh.bin",
    "dsa1024.openssh.bin",
];

/// Whether `found` has a proven name that is not one of `keys`.
fn is_another(found: &Finding, keys: &[Sample]) -> bool {
    found.proof == Proof::Arithmetic
        && found.spki_sha256.is_none_or(|name| {
            let name = name.to_string();
            keys.iter().all(|key| key.spki_sha256 != name)
        })
}

#[test]
fn a_cut_key_is_a_fragment_or_nothing() {
    let samples = samples();
    for file in SMALL {
        let keys = &samples[*file];
        let whole = key(&format!("forms/{file}"));
        for length in 0..whole.len() {
            for found in scan(&whole[..length]).findings {
                assert!(
                    !is_another(&found, keys),
                    "{file} cut at {length}: {found:?}"
                );
            }
        }
    }
}

#[test]
fn a_changed_key_is_never_proven_under_another_name() {
    let samples = samples();
    for file in SMALL {
        let keys = &samples[*file];
        let whole = key(&format!("forms/{file}"));
        each(0..whole.len(), |at| {
            for flip in [1, 0x80] {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                for found in scan(&changed).findings {
                    assert!(
                        !is_another(&found, keys),
                        "{file} changed at {at}: {found:?}"
                    );
                }
            }
        });
    }
}

/// What is left of an RSA key once n, e and d are whole determines it.
#[test]
fn the_rest_of_an_rsa_key_is_named() {
    let samples = samples();
    for (file, part) in [
        ("rsa2048.v3.ppk", 0.72),
        ("rsa2048.sshcom.bin", 0.72),
        ("rsa2048.sshcom.pem", 0.75),
        ("rsa2048.openssh.bin", 0.68),
        ("gpg-rsa.clear.0.canonical.sexp", 0.68),
        ("gpg-rsa.clear.0.internal.sexp", 0.68),
        ("gpg-rsa.clear.0.key", 0.68),
    ] {
        let whole = key(&format!("forms/{file}"));
        let length = (whole.len() as f64 * part) as usize;
        let keys = &samples[file];
        let found = scan(&whole[..length]).findings;
        assert_eq!(found.len(), 1, "{file}: {found:?}");
        assert!(keys[0].is(&found[0]), "{file}: {:?}", found[0]);
        assert!(found[0].places[0].fragment.is_some(), "{file}");
    }
}

#[test]
fn what_only_looks_like_a_key_is_no_finding() {
    let decoys: Vec<(&str, Vec<u8>)> = vec![
        ("labels", b"-----BEGIN PGP PRIVATE KEY BLOCK-----\0-----END PGP PRIVATE KEY BLOCK-----\0---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\0PuTTY-User-Key-File-3: \0PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n\0".to_vec()),
        ("templates", b"(private-key (rsa (n %m)(e %m)(d %m)(p %m)(q %m)(u %m)))\0(private-key (ecc (curve %s)(q %m)(d %m)))\0(11:private-key(3:rsa(1:n".to_vec()),
        ("identifiers", b"\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01\x0a\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01\x05\x2b\x81\x04\x00\x22\x05\x2b\x81\x04\x00\x23".repeat(3)),
        ("types", b"\0\0\0\x07ssh-rsa\0\0\0\0\0\0\0\x0bssh-ed25519\0\0\0\x20\0\0\0\x13ecdsa-sha2-nistp256".to_vec()),
        ("sizes", b"\x06\0\0\0\0\x1b\0\0\0\x20\0\0\0\x19\0\0\0\x20\0\0".repeat(9)),
        ("secret key of zeros", [&b"\x94\x58\x04\x5f\0\0\0\x16\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01\x01\x07\x40"[..], &[0; 80]].concat()),
        ("magic and zeros", [&b"\x3f\x6f\xf9\xeb\0\0\x01\0"[..], &[0; 300]].concat()),
    ];
    for (name, decoy) in decoys {
        let outcome = scan(&[noise(64, 1), decoy, vec![0; 64]].concat());
        assert!(
            outcome.findings.is_empty(),
            "{name}: {:?}",
            outcome.findings
        );
    }
}

/// The string of SSH's wire form that starts at `at`, and where the next field starts.
fn string(data: &[u8], at: usize) -> (&[u8], usize) {
    let length = u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
    (&data[at + 4..at + 4 + length], at + 4 + length)
}

/// A field of SSH's wire form.
fn field(data: &[u8]) -> Vec<u8> {
    [&(data.len() as u32).to_be_bytes()[..], data].concat()
}

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The public key and the entry of the private section in a file of one key in clear.
fn parts(file: &str) -> (Vec<u8>, Vec<u8>) {
    let data = key(&format!("forms/{file}"));
    let mut at = MAGIC.len();
    for _ in 0..3 {
        at = string(&data, at).1;
    }
    let (public, at) = string(&data, at + 4);
    let (private, _) = string(&data, at);
    let end = private.iter().rposition(|&byte| byte != 0 && byte > 16);
    (public.to_vec(), private[8..=end.unwrap()].to_vec())
}

#[test]
fn an_openssh_file_may_hold_several_keys() {
    let files = [
        "ssh-ed25519.openssh.bin",
        "p256.openssh.bin",
        "rsa2048.openssh.bin",
    ];
    let parts: Vec<_> = files.iter().map(|file| parts(file)).collect();
    let public = parts.iter().flat_map(|(public, _)| field(public));
    let private = parts.iter().flat_map(|(_, private)| private.clone());
    let mut section = [7u8; 8].to_vec();
    section.extend(private);
    let mut file = MAGIC.to_vec();
    file.extend([field(b"none"), field(b"none"), field(b""), vec![0, 0, 0, 3]].concat());
    file.extend(public);
    file.extend(field(&section));
    let samples = samples();
    let keys: Vec<Sample> = files.iter().map(|file| samples[*file][0].clone()).collect();
    check("three keys", &file, &keys, "raw");
}

#[test]
fn keys_are_found_as_they_are_passed_to_an_agent() {
    let samples = samples();
    for file in [
        "ssh-ed25519.openssh.bin",
        "p256.openssh.bin",
        "p521.openssh.bin",
        "rsa2048.openssh.bin",
        "dsa1024.openssh.bin",
    ] {
        let (_, private) = parts(file);
        let sample = Sample {
            form: "ssh.private".to_owned(),
            ..samples[file][0].clone()
        };
        check(file, &private, &[sample], "raw");
    }
}

/// The names of the public keys in `data`, which holds nothing else.
fn clues(data: Vec<u8>) -> Vec<String> {
    let outcome = scan(&[noise(99, 1), data, noise(99, 2)].concat());
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    // DSA's prime may be taken for a modulus whose exponent is not known.
    let names = outcome.public_keys.iter().filter(|key| !key.e_assumed);
    names.map(|key| key.spki_sha256.to_string()).collect()
}

#[test]
fn ssh_public_keys_are_clues_in_wire_form_and_in_any_text() {
    let rows = common::rows();
    for row in rows.iter().filter(|row| row.form == "ssh.public") {
        let text = key(&row.file);
        for data in [text.clone(), wide(&text, false), wide(&text, true)] {
            assert_eq!(clues(data), [&*row.spki_sha256], "{}", row.file);
        }
    }
    let samples = samples();
    for file in [
        "ssh-ed25519.openssh.bin",
        "p384.openssh.bin",
        "rsa2048.openssh.bin",
        "dsa1024.openssh.bin",
    ] {
        assert_eq!(
            clues(parts(file).0),
            [&*samples[file][0].spki_sha256],
            "{file}"
        );
    }
}
