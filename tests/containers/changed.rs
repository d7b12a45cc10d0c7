//! A bit or a byte that is not what it was, and ways of packing that nothing here opens: never clean, and what is left is
//! read.

use super::common::key;
use super::*;

fn key_shop() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("key.pem"), key("rsa2048.pkcs8.pem")).unwrap();
    fs::write(directory.path().join("text"), "some text\n".repeat(100)).unwrap();
    directory
}

#[track_caller]
fn assert_faulty(path: &Path, reason: &str, is_found: bool) -> Vec<DumpOutcome> {
    let outcomes = scan(path);
    assert_never_clean(&path.to_string_lossy(), &outcomes);
    let told = reasons(&outcomes);
    assert!(told.contains(&reason), "{}: {told:?}", path.display());
    let found = outcomes.iter().any(|outcome| !outcome.findings.is_empty());
    assert_eq!(found, is_found, "{}", path.display());
    outcomes
}

#[test]
fn a_frame_with_a_wrong_beginning_hides_none_behind_it() {
    if !has(&["gzip", "zstd", "xz", "bzip2"]) {
        return;
    }
    let directory = key_shop();
    for program in ["gzip", "zstd", "xz", "bzip2"] {
        let line = format!("{program} -qc text > text.x; {program} -qc key.pem > key.x");
        shell(directory.path(), &line);
        let read = |name: &str| fs::read(directory.path().join(name)).unwrap();
        let (text, packed) = (read("text.x"), read("key.x"));
        for at in 0..3 {
            let mut wrong = text.clone();
            wrong[at] ^= 1;
            let name = format!("{program}-{at}");
            let file = [&text[..], &wrong, &packed].concat();
            assert_faulty(&write(directory.path(), &name, &file), "damaged", true);
            let mut last = packed.clone();
            last[at] ^= 1;
            let file = [&text[..], &last].concat();
            assert_faulty(&write(directory.path(), &name, &file), "damaged", false);
        }
        let between = [&text[..], b"junk", &packed].concat();
        assert_faulty(
            &write(directory.path(), "between", &between),
            "damaged",
            true,
        );
        let zeros = [&text[..], &[0; 3], &packed].concat();
        let outcomes = scan(&write(directory.path(), "zeros", &zeros));
        let is_found = |outcome: &DumpOutcome| outcome.verdict == Verdict::Found;
        assert!(outcomes.iter().any(is_found), "{program}");
    }
}

#[test]
fn parts_in_other_encodings_are_told() {
    let directory = key_shop();
    let part = |headers: &str, body: &str| {
        format!("--X\r\nContent-Type: a/b\r\n{headers}\r\n\r\n{body}\r\n--X--\r\n")
    };
    let pem = String::from_utf8(key("rsa2048.pkcs8.pem")).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    for (headers, body, reason) in [
        ("Content-Encoding: br", "abc", "unsupported-method"),
        ("Content-Encoding: 7b0ec733", "abc", "unsupported-method"),
        (
            "Content-Transfer-Encoding: x-uuencode",
            "abc",
            "unsupported-method",
        ),
        ("Content-Transfer-Encoding: base64", "YWJjZ", "damaged"),
        (
            "Content-Transfer-Encoding:\r\n base64",
            "YW=jZGVm",
            "damaged",
        ),
    ] {
        let path = write(directory.path(), "body", part(headers, body).as_bytes());
        assert_faulty(&path, reason, false);
    }
    for headers in [
        "Content-Transfer-Encoding:\r\n base64",
        "Content-Transfer-Encoding: base64; x=y",
        "Content-Transfer-Encoding: (c) BASE64",
        "Content-Transfer-Encoding : base64",
    ] {
        let path = write(directory.path(), "body", part(headers, &base64).as_bytes());
        let outcomes = scan(&path);
        assert!(
            outcomes
                .iter()
                .any(|outcome| outcome.verdict == Verdict::Found),
            "{headers}"
        );
    }
}

#[test]
fn a_packed_body_behind_the_headers_of_a_request_is_opened() {
    if !has(&["gzip"]) {
        return;
    }
    let directory = key_shop();
    shell(
        directory.path(),
        "{ printf -- '--X\\r\\nContent-Type: a/b\\r\\n\\r\\n'; cat key.pem; printf '\\r\\n--X--\\r\\n'; } | gzip -c > body; \
         { printf 'POST / HTTP/1.1\\r\\nContent-Type: multipart/form-data; boundary=X\\r\\nContent-Encoding: gzip\\r\\n\\r\\n'; \
         cat body; } > request",
    );
    let outcomes = scan(&directory.path().join("request"));
    assert!(
        outcomes
            .iter()
            .any(|outcome| outcome.members.len() > 1 && outcome.verdict == Verdict::Found)
    );
}

#[test]
fn reports_of_apport_with_a_wrong_letter_are_read() {
    if !has(&["gzip", "base64"]) {
        return;
    }
    let directory = key_shop();
    for (announced, is_right) in [
        ("CoreDump: bcse64\\n", false),
        ("SHELL=sh\\013CoreDump: base64\\n", false),
        ("CoreDump:base64\\n", true),
        ("CoreDump: Base64 \\n", true),
    ] {
        let line = format!(
            "{{ printf 'ProblemType: Crash\\n{announced} '; gzip -c key.pem | base64 -w 0; echo; }} > a.crash"
        );
        shell(directory.path(), &line);
        let path = directory.path().join("a.crash");
        if is_right {
            let outcomes = scan(&path);
            assert!(reasons(&outcomes).is_empty(), "{announced}");
            assert!(
                outcomes
                    .iter()
                    .any(|outcome| outcome.verdict == Verdict::Found),
                "{announced}"
            );
        } else {
            assert_faulty(&path, "damaged", true);
        }
    }
}

#[test]
fn a_wrong_header_of_a_tar_hides_no_member_behind_it() {
    if !has(&["tar", "gzip"]) {
        return;
    }
    let directory = key_shop();
    shell(
        directory.path(),
        "gzip -k key.pem; tar --format=gnu -cf a.tar text text key.pem.gz",
    );
    let mut file = fs::read(directory.path().join("a.tar")).unwrap();
    // The second header, behind 1000 bytes.
    file[512 + 1024] ^= 1;
    assert_faulty(&write(directory.path(), "b.tar", &file), "damaged", true);
}

#[test]
fn names_show_no_key() {
    let directory = tempfile::tempdir().unwrap();
    let pem = String::from_utf8(key("p256.sec1.pem")).unwrap();
    // Memory that looks like the header of a member without a directory.
    let header = |name: &str| {
        let length = (name.len() as u16).to_le_bytes();
        [
            &b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\x05\0\0\0"[..],
            &length,
            b"\0\0",
            name.as_bytes(),
            b"abcde",
        ]
        .concat()
    };
    let line = pem.lines().nth(1).unwrap();
    for name in [
        &*pem,
        line,
        &format!("a/{line}/b"),
        &pem.replace('\n', "\\n"),
    ] {
        let file = [header("first"), header(name)].concat();
        let outcomes = scan(&write(directory.path(), "a.zip", &file));
        assert_never_clean(name, &outcomes);
        for outcome in &outcomes {
            let faults = outcome.faults.iter().map(|fault| format!("{fault:?}"));
            let shown = [outcome.members.join("!"), faults.collect()].concat();
            assert!(!shown.contains(&line[..20]), "a name shows the key");
        }
    }
}

#[test]
fn what_stands_behind_a_packed_value_or_member_is_read() {
    if !has(&["python3"]) {
        return;
    }
    let directory = key_shop();
    python(
        directory.path(),
        "import base64, bz2, gzip, struct, zlib\n\
         key, text = open('key.pem', 'rb').read(), b'some text' * 9\n\
         value = lambda data: b'ProblemType: Crash\\nCoreDump: base64\\n ' + base64.b64encode(data) + b'\\n'\n\
         open('pem', 'wb').write(value(gzip.compress(text) + key))\n\
         open('packed', 'wb').write(value(zlib.compress(text) + gzip.compress(key)))\n\
         def zip(method, packed):\n\
        \x20 rest = struct.pack('<HHHHIIIHH', 0, method, 0, 33, zlib.crc32(text), len(packed), len(text), 1, 0)\n\
        \x20 local = b'PK\\3\\4\\x14\\0' + rest + b'a' + packed\n\
        \x20 entry = b'PK\\1\\2\\x14\\0\\x14\\0' + rest + struct.pack('<HHHII', 0, 0, 0, 0, 0) + b'a'\n\
        \x20 return local + entry + struct.pack('<4sHHHHIIH', b'PK\\5\\6', 0, 0, 1, 1, len(entry), len(local), 0)\n\
         deflate = zlib.compressobj(9, zlib.DEFLATED, -15)\n\
         deflated = deflate.compress(text) + deflate.flush()\n\
         open('deflate.zip', 'wb').write(zip(8, deflated + gzip.compress(key)))\n\
         open('bzip2.zip', 'wb').write(zip(12, bz2.compress(text) + bz2.compress(key)))\n\
         open('sound.zip', 'wb').write(zip(8, deflated))",
    );
    for file in ["pem", "packed", "deflate.zip", "bzip2.zip"] {
        assert_faulty(&directory.path().join(file), "damaged", true);
    }
    assert!(reasons(&scan(&directory.path().join("sound.zip"))).is_empty());
}

#[test]
fn the_rest_of_a_member_of_another_volume_is_not_whole() {
    if !has(&["tar"]) {
        return;
    }
    let directory = key_shop();
    shell(
        directory.path(),
        "head -c 150000 /dev/zero | tr '\\0' x > core; tar -cM -L 100 -f v1.tar -f v2.tar core",
    );
    for file in ["v1.tar", "v2.tar"] {
        assert_faulty(&directory.path().join(file), "damaged", false);
    }
}
