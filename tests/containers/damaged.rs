//! Damaged, cut, encrypted and unsupported: said, and what can be read is scanned.

use super::*;

#[test]
fn cut_at_any_length() {
    let programs: &[(&[&str], &str, &str)] = &[
        (&["gzip"], "gzip -k core", "core.gz"),
        (&["zstd"], "zstd -q core", "core.zst"),
        (&["lz4"], "lz4 -q core core.lz4", "core.lz4"),
        (&["lz4"], "lz4 -ql core core.lz4", "core.lz4"),
        (&["xz"], "xz -k core", "core.xz"),
        (&["bzip2"], "bzip2 -k core", "core.bz2"),
        (&["zip"], "zip -q core.zip core", "core.zip"),
        (&["zip"], "zip -q0 core.zip core", "core.zip"),
        (&["gcab"], "gcab -cn core.cab core", "core.cab"),
        (&["gcab"], "gcab -czn core.cab core", "core.cab"),
        (&["tar", "gzip"], "tar -czf core.tgz core", "core.tgz"),
        (
            &["gzip", "base64"],
            "{ printf 'ProblemType: Crash\\nCoreDump: base64\\n'; gzip -c core | base64 | sed 's/^/ /'; } > core.crash",
            "core.crash",
        ),
    ];
    for (programs, line, file) in programs {
        if !has(programs) {
            continue;
        }
        let directory = workshop();
        shell(directory.path(), line);
        cut(&directory, file, line);
    }
    if let Some(seven) = seven() {
        let directory = workshop();
        shell(directory.path(), &format!("{seven} a -bd a.7z core"));
        cut(&directory, "a.7z", "7z");
    }
}

#[track_caller]
fn cut(directory: &tempfile::TempDir, file: &str, what: &str) {
    let whole = fs::read(directory.path().join(file)).unwrap();
    for length in [
        40,
        600,
        whole.len() / 3,
        whole.len() / 2,
        whole.len() - 30,
        whole.len() - 3,
        whole.len() - 1,
    ] {
        let path = write(directory.path(), &format!("cut-{file}"), &whole[..length]);
        assert_never_clean(&format!("{length} bytes of {what}"), &scan(&path));
    }
}

#[test]
fn what_comes_before_damage_is_scanned() {
    if !has(&["gzip"]) {
        return;
    }
    let directory = workshop();
    // The key is in the first 30 KiB of the core.
    shell(directory.path(), "cat core core core > dump; gzip -nk dump");
    let whole = fs::read(directory.path().join("dump.gz")).unwrap();
    let outcomes = scan(&write(
        directory.path(),
        "cut.gz",
        &whole[..whole.len() / 2],
    ));
    let member = outcomes
        .iter()
        .find(|outcome| outcome.members == ["cut"])
        .unwrap();
    assert_eq!(member.verdict, Verdict::Found);
    assert!(
        member
            .reasons()
            .iter()
            .any(|reason| reason.name() == "damaged")
    );
    let own = outcomes
        .iter()
        .find(|outcome| outcome.members.is_empty())
        .unwrap();
    assert_eq!(own.verdict, Verdict::Incomplete);
    assert_eq!(own.faults[0].member.as_deref(), Some("cut"));
    assert_eq!(own.faults[0].offset, (whole.len() / 2) as u64);
}

#[test]
fn a_lost_directory_hides_no_member() {
    if !has(&["zip"]) {
        return;
    }
    for options in ["-q", "-q0"] {
        let directory = workshop();
        shell(
            directory.path(),
            &format!("echo x > a; echo y > z; zip {options} a.zip a core z"),
        );
        let whole = fs::read(directory.path().join("a.zip")).unwrap();
        let start = whole
            .windows(4)
            .position(|window| window == b"PK\x01\x02")
            .unwrap();
        let path = write(directory.path(), "cut.zip", &whole[..start]);
        let outcomes = scan(&path);
        assert_never_clean("lost", &outcomes);
        assert_sample(&path, &["core"], &outcomes);
    }
}

#[test]
fn a_directory_that_keeps_silent_hides_no_member() {
    if !has(&["python3"]) {
        return;
    }
    let directory = workshop();
    python(
        directory.path(),
        "import zipfile\nz = zipfile.ZipFile('a.zip', 'w', zipfile.ZIP_DEFLATED)\nz.writestr('a', 'x' * 100)\nz.write('core')\n\
         z.filelist.pop()\nz.close()",
    );
    let path = directory.path().join("a.zip");
    let outcomes = scan(&path);
    assert_never_clean("silent", &outcomes);
    assert_sample(&path, &["core"], &outcomes);
}

#[test]
fn a_wrong_checksum_is_said() {
    if !has(&["zip"]) {
        return;
    }
    let directory = workshop();
    shell(directory.path(), "zip -q a.zip core");
    let mut zip = fs::read(directory.path().join("a.zip")).unwrap();
    let start = zip
        .windows(4)
        .rposition(|window| window == b"PK\x01\x02")
        .unwrap();
    zip[start + 16] ^= 1;
    let path = write(directory.path(), "b.zip", &zip);
    let outcomes = scan(&path);
    assert_never_clean("checksum", &outcomes);
    assert_sample(&path, &["core"], &outcomes);
}

#[test]
fn encrypted_members_are_named() {
    let lines: &[(&[&str], &str, &str)] = &[(
        &["zip"],
        "zip -qP secret a.zip core; echo x > x; zip -q a.zip x",
        "a.zip",
    )];
    for (programs, line, file) in lines {
        if has(programs) {
            let directory = workshop();
            shell(directory.path(), line);
            assert_encrypted(&directory.path().join(file), Some("core"));
        }
    }
    let Some(seven) = seven() else { return };
    for (options, file, member) in [
        ("-tzip -mem=AES256 -psecret", "a.zip", Some("core")),
        ("-psecret", "a.7z", Some("core")),
        ("-psecret -mhe=on", "a.7z", None),
    ] {
        let directory = workshop();
        shell(
            directory.path(),
            &format!("{seven} a -bd {options} {file} core"),
        );
        assert_encrypted(&directory.path().join(file), member);
    }
}

#[track_caller]
fn assert_encrypted(path: &Path, member: Option<&str>) {
    let outcomes = scan(path);
    assert_never_clean("encrypted", &outcomes);
    assert_eq!(reasons(&outcomes), ["encrypted"]);
    let own = outcomes
        .iter()
        .find(|outcome| outcome.members.is_empty())
        .unwrap();
    assert_eq!(own.faults[0].member.as_deref(), member);
    assert!(own.faults[0].offset > 0);
}

#[test]
fn an_unknown_method_hides_no_other_member() {
    let Some(seven) = seven() else { return };
    let directory = workshop();
    shell(
        directory.path(),
        &format!(
            "seq 1 5000 > x; {seven} a -bd -m0=ppmd a.7z x; {seven} a -bd -m0=lzma2 a.7z core; \
             {seven} a -bd -tzip -mm=PPMd a.zip x; {seven} a -bd -tzip -mm=deflate a.zip core"
        ),
    );
    for file in ["a.7z", "a.zip"] {
        let path = directory.path().join(file);
        let outcomes = scan(&path);
        assert_never_clean(file, &outcomes);
        assert_eq!(reasons(&outcomes), ["unsupported-method"], "{file}");
        assert_sample(&path, &["core"], &outcomes);
    }
}

/// Every byte of the tables of small archives, changed: no panic, no endless work.
#[test]
fn lies_in_headers() {
    if !has(&["zip", "tar"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    shell(
        directory.path(),
        "echo hello > a; echo you > b; zip -q a.zip a b; tar -cf a.tar a b; : > a.cab; : > a.7z",
    );
    if has(&["gcab"]) {
        shell(directory.path(), "rm a.cab; gcab -czn a.cab a b");
    }
    if let Some(seven) = seven() {
        shell(
            directory.path(),
            &format!("rm a.7z; {seven} a -bd -mhc=off a.7z a b"),
        );
    }
    let budget = Budget {
        bytes: 16 << 20,
        ..Budget::default()
    };
    for file in ["a.zip", "a.tar", "a.cab", "a.7z"] {
        let whole = fs::read(directory.path().join(file)).unwrap();
        for at in (0..whole.len().min(700)).step_by(7) {
            for lie in [0x00, 0x7f, 0xff] {
                let mut lying = whole.clone();
                lying[at] = lie;
                let outcomes = scan_within(&write(directory.path(), "lie", &lying), &budget);
                assert!(
                    !reasons(&outcomes).contains(&"internal-error"),
                    "{file} with {lie:#x} at {at:#x}"
                );
            }
        }
    }
}
