//! Where packed bytes could pass for noise, or a key for part of a container.

use super::common::key;
use super::*;

/// A directory with a key as `key.pem`, and as `late` behind a mebibyte that packs badly.
fn key_shop() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let pem = key("rsa2048.pkcs8.pem");
    fs::write(directory.path().join("key.pem"), &pem).unwrap();
    let late = [common::noise(1 << 20, 7), pem, vec![b'\n'; 3000]].concat();
    fs::write(directory.path().join("late"), late).unwrap();
    directory
}

/// Whether the key is found anywhere.
fn is_found(outcomes: &[DumpOutcome]) -> bool {
    outcomes.iter().any(|outcome| !outcome.findings.is_empty())
}

#[track_caller]
fn assert_found(path: &Path, what: &str) -> Vec<DumpOutcome> {
    let outcomes = scan(path);
    let places: Vec<_> = outcomes
        .iter()
        .map(|outcome| (outcome.place(), outcome.verdict))
        .collect();
    assert!(is_found(&outcomes), "{what}: {places:?}");
    outcomes
}

#[test]
fn a_short_packed_tail_is_opened() {
    if !has(&["gzip", "zstd", "xz", "bzip2"]) {
        return;
    }
    let directory = key_shop();
    shell(
        directory.path(),
        "echo x > x; for p in gzip zstd xz bzip2; do $p -qc x > x.$p; $p -qc key.pem > k.$p; done",
    );
    for first in ["gzip", "zstd", "xz", "bzip2"] {
        for second in ["gzip", "zstd", "xz", "bzip2"] {
            shell(
                directory.path(),
                &format!("cat x.{first} k.{second} > both"),
            );
            assert_found(
                &directory.path().join("both"),
                &format!("{second} behind {first}"),
            );
        }
    }
}

#[test]
fn text_in_gzip_headers_is_searched() {
    if !has(&["python3"]) {
        return;
    }
    let directory = key_shop();
    fs::write(directory.path().join("key.der"), key("ed25519.pkcs8.der")).unwrap();
    python(
        directory.path(),
        "import zlib\nkey = open('key.pem', 'rb').read()\nder = open('key.der', 'rb').read()\n\
         packer = zlib.compressobj(9, zlib.DEFLATED, -15)\nbody = packer.compress(b'x') + packer.flush()\n\
         end = zlib.crc32(b'x').to_bytes(4, 'little') + b'\\1\\0\\0\\0'\n\
         head = lambda flags: b'\\x1f\\x8b\\x08' + bytes([flags]) + b'\\0' * 4 + b'\\0\\3'\n\
         open('comment.gz', 'wb').write(head(16) + key + b'\\0' + body + end)\n\
         open('extra.gz', 'wb').write(head(4) + len(der).to_bytes(2, 'little') + der + body + end)",
    );
    for file in ["comment.gz", "extra.gz"] {
        let outcomes = assert_found(&directory.path().join(file), file);
        assert!(reasons(&outcomes).is_empty(), "{file}");
    }
}

#[test]
fn what_comes_before_damage_is_whole() {
    if !has(&["xz", "bzip2", "zstd", "gzip"]) {
        return;
    }
    for program in ["gzip", "xz", "bzip2", "zstd"] {
        let directory = key_shop();
        shell(directory.path(), &format!("{program} -qc late > packed"));
        let mut packed = fs::read(directory.path().join("packed")).unwrap();
        // In the checksum of the stream, or cut off just before the end.
        let at = packed.len() - if program == "xz" { 40 } else { 3 };
        packed[at] ^= 1;
        let outcomes = assert_found(&write(directory.path(), "sum", &packed), program);
        assert_eq!(reasons(&outcomes), ["damaged"], "{program}");
        if program == "gzip" {
            let cut = &packed[..packed.len() - 9];
            assert_found(&write(directory.path(), "cut", cut), "gzip, cut");
        }
    }
}

#[test]
fn what_comes_behind_a_damaged_frame_is_read() {
    if !has(&["zstd", "gzip"]) {
        return;
    }
    for program in ["gzip", "zstd"] {
        let directory = key_shop();
        shell(
            directory.path(),
            &format!("seq 1 3000 | {program} -qc > one; {program} -qc key.pem > two"),
        );
        let one = fs::read(directory.path().join("one")).unwrap();
        let two = fs::read(directory.path().join("two")).unwrap();
        for (place, at) in [("sum", one.len() - 6), ("middle", one.len() / 2)] {
            let mut one = one.clone();
            one[at] ^= 0x11;
            let path = write(directory.path(), "both", &[&one[..], &two].concat());
            let outcomes = assert_found(&path, &format!("{program}, {place}"));
            assert_eq!(reasons(&outcomes), ["damaged"], "{program}, {place}");
        }
    }
}

#[test]
fn skippable_frames_are_members_and_open_nothing_twice() {
    if !has(&["zstd"]) {
        return;
    }
    let directory = key_shop();
    shell(directory.path(), "echo x | zstd -qc > x.zst");
    let frame = fs::read(directory.path().join("x.zst")).unwrap();
    let skippable = |payload: &[u8]| {
        let length = (payload.len() as u32).to_le_bytes();
        [&b"\x50\x2a\x4d\x18"[..], &length, payload].concat()
    };
    let text = vec![b'a'; 5000];
    for file in [
        [skippable(&text), frame.clone()].concat(),
        [frame.clone(), skippable(&text)].concat(),
    ] {
        let outcomes = scan(&write(directory.path(), "clean.zst", &file));
        assert!(reasons(&outcomes).is_empty());
        assert!(outcomes.iter().all(|outcome| outcome.members.len() <= 1));
    }
    let file = [frame, skippable(&key("rsa2048.pkcs8.pem"))].concat();
    assert_found(
        &write(directory.path(), "key.zst", &file),
        "a skippable frame",
    );
}

#[test]
fn the_sum_and_the_method_of_a_zip_member_are_checked() {
    if !has(&["python3"]) {
        return;
    }
    let directory = key_shop();
    python(
        directory.path(),
        "import zipfile\n\
         z = zipfile.ZipFile('stored.zip', 'w', zipfile.ZIP_STORED); z.writestr('a', b'some text'); z.close()\n\
         z = zipfile.ZipFile('packed.zip', 'w', zipfile.ZIP_DEFLATED); z.write('key.pem'); z.close()",
    );
    let mut zip = fs::read(directory.path().join("stored.zip")).unwrap();
    let at = zip
        .windows(9)
        .position(|window| window == b"some text")
        .unwrap();
    zip[at] ^= 1;
    let outcomes = scan(&write(directory.path(), "sum.zip", &zip));
    assert_eq!(reasons(&outcomes), ["damaged"]);
    let mut zip = fs::read(directory.path().join("packed.zip")).unwrap();
    let entry = zip
        .windows(4)
        .rposition(|window| window == b"PK\x01\x02")
        .unwrap();
    zip[entry + 10] = 0;
    let outcomes = assert_found(&write(directory.path(), "method.zip", &zip), "method");
    assert_eq!(reasons(&outcomes), ["damaged"]);
}

#[test]
fn messages_with_headers_are_opened() {
    if !has(&["python3"]) {
        return;
    }
    let directory = key_shop();
    python(
        directory.path(),
        "import gzip\nfrom email.mime.multipart import MIMEMultipart\nfrom email.mime.application import MIMEApplication\n\
         m = MIMEMultipart('form-data')\n\
         m.attach(MIMEApplication(gzip.compress(open('key.pem', 'rb').read()), name='upload'))\n\
         body = m.as_bytes()\nopen('message', 'wb').write(body)\n\
         open('request', 'wb').write(b'POST /crash HTTP/1.1\\r\\nHost: a\\r\\n' + body.replace(b'\\n', b'\\r\\n'))\n\
         open('blank', 'wb').write(b'\\r\\n' + body.split(b'\\n\\n', 1)[1].replace(b'\\n', b'\\r\\n'))",
    );
    for file in ["message", "request", "blank"] {
        assert_found(&directory.path().join(file), file);
    }
}

#[test]
fn reports_of_apport_in_any_dress_are_opened() {
    if !has(&["python3"]) {
        return;
    }
    let directory = key_shop();
    python(
        directory.path(),
        "import base64, gzip, zlib\nkey = open('key.pem', 'rb').read()\n\
         line = lambda data, end: b' ' + base64.b64encode(data) + end\n\
         report = lambda data, end: b'ProblemType: Crash' + end + b'CoreDump: base64' + end + line(data, end)\n\
         open('old', 'wb').write(report(zlib.compress(key), b'\\n'))\n\
         open('crlf', 'wb').write(report(gzip.compress(key), b'\\r\\n'))\n\
         open('text', 'wb').write(b'ProblemType: Crash\\nTraceback:\\n' + b' some line\\n' * 500)",
    );
    for file in ["old", "crlf"] {
        assert_found(&directory.path().join(file), file);
    }
    let outcomes = scan(&directory.path().join("text"));
    assert!(reasons(&outcomes).is_empty());
    assert!(outcomes.iter().all(|outcome| outcome.members.len() <= 1));
}

#[test]
fn an_envelope_may_have_long_headers() {
    let directory = tempfile::tempdir().unwrap();
    let pem = key("rsa2048.pkcs8.pem");
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packer, &pem).unwrap();
    let packed = packer.finish().unwrap();
    let long = "x".repeat(100_000);
    for (header, item) in [(&*long, ""), ("", &*long)] {
        let head = format!(
            "{{\"event_id\":\"{header}\"}}\n{{\"type\":\"attachment\",\"length\":{},\"x\":\"{item}\"}}\n",
            packed.len()
        );
        let file = [head.as_bytes(), &packed, b"\n"].concat();
        assert_found(&write(directory.path(), "envelope", &file), "a long header");
    }
}

#[test]
fn sparse_members_have_their_own_offsets() {
    if !has(&["tar", "truncate"]) {
        return;
    }
    let directory = key_shop();
    shell(
        directory.path(),
        "truncate -s 20000000 dump; dd if=key.pem of=dump bs=1 seek=12000000 conv=notrunc status=none; \
         truncate -s 20000000 dump",
    );
    for version in ["0.0", "0.1", "1.0"] {
        shell(
            directory.path(),
            &format!("tar -S --format=posix --sparse-version={version} -cf a.tar dump"),
        );
        let outcomes = assert_found(&directory.path().join("a.tar"), version);
        let dump = outcomes.iter().find(|outcome| outcome.size == 20_000_000);
        let places = found(dump.unwrap());
        assert!(
            places.iter().any(|(_, _, at)| *at == 12_000_000),
            "{version}: {places:?}"
        );
    }
}

#[test]
fn a_container_cut_by_the_budget_is_not_whole() {
    if !has(&["tar", "zstd"]) {
        return;
    }
    let directory = key_shop();
    shell(
        directory.path(),
        "tar -cf - late late | zstd -qc > a.tar.zst",
    );
    let budget = Budget {
        bytes: 500_000,
        ..Budget::default()
    };
    let outcomes = scan_within(&directory.path().join("a.tar.zst"), &budget);
    let inner = outcomes
        .iter()
        .find(|outcome| outcome.format == "tar")
        .unwrap();
    assert_eq!(inner.verdict, Verdict::Incomplete);
    assert!(inner.notes.is_empty());
}

#[test]
fn a_directory_of_nothing_before_packed_bytes_is_damage() {
    let Some(seven) = seven() else { return };
    let directory = key_shop();
    shell(directory.path(), &format!("{seven} a -bd a.7z key.pem"));
    let mut file = fs::read(directory.path().join("a.7z")).unwrap();
    file[20..28].fill(0);
    let mut crc = flate2::Crc::new();
    file[28..32].fill(0);
    crc.update(&file[12..32]);
    file[8..12].copy_from_slice(&crc.sum().to_le_bytes());
    let outcomes = scan(&write(directory.path(), "b.7z", &file));
    assert_never_clean("an empty directory", &outcomes);
}

#[test]
fn what_is_recognised_and_not_opened_is_never_clean() {
    if !has(&["python3", "xz"]) {
        return;
    }
    let directory = key_shop();
    shell(directory.path(), "xz --format=lzma -qc late > a.lzma");
    python(
        directory.path(),
        "import zlib\nopen('a.z', 'wb').write(zlib.compress(open('late', 'rb').read()))",
    );
    for file in ["a.lzma", "a.z"] {
        let outcomes = scan(&directory.path().join(file));
        assert_eq!(outcomes[0].verdict, Verdict::Incomplete, "{file}");
        assert_eq!(reasons(&outcomes), ["container-not-opened"], "{file}");
    }
    for magic in [
        &b"Rar!\x1a\x07\x01\0"[..],
        b"\x89LZO\0\r\n\x1a\n",
        b"!<arch>\ndebian-binary   ",
        b"070701000A1B2C",
        b"MSWIM\0\0\0",
        b"makedumpfile\0\0\0\0",
    ] {
        let file = [magic, &common::noise(5000, 3)].concat();
        let outcomes = scan(&write(directory.path(), "packed", &file));
        assert_eq!(outcomes[0].verdict, Verdict::Incomplete, "{magic:?}");
    }
}
