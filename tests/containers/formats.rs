//! Every format, by the program people use for it.

use super::*;

/// Programs, a line of the shell that makes a file of `core`, that file, and the chain that leads to the sample.
const BY_SHELL: &[(&[&str], &str, &str, &[&str])] = &[
    (&["gzip"], "gzip -k core", "core.gz", &["core"]),
    (&["gzip"], "gzip -nc core > packed", "packed", &["unpacked"]),
    (&["gzip"], "gzip -c core > dump.gz", "dump.gz", &["core"]),
    (
        &["gzip", "split"],
        "split -b 100000 core p.; for p in p.*; do gzip -nc $p; done > core.gz",
        "core.gz",
        &["core"],
    ),
    (&["zstd"], "zstd -q core", "core.zst", &["core"]),
    (
        &["zstd"],
        "zstd -q19 --long=27 < core > core.zst",
        "core.zst",
        &["core"],
    ),
    (
        &["zstd", "split"],
        "split -b 100000 core p.; for p in p.*; do zstd -qc $p; done > core.zst",
        "core.zst",
        &["core"],
    ),
    (
        &["zstd"],
        "printf 'P*M\\030\\003\\0\\0\\0abc' > core.zst; zstd -qc core >> core.zst",
        "core.zst",
        &["core"],
    ),
    (&["lz4"], "lz4 -q core core.lz4", "core.lz4", &["core"]),
    (
        &["lz4"],
        "lz4 -q9 -BD -BX --content-size core core.lz4",
        "core.lz4",
        &["core"],
    ),
    (&["lz4"], "lz4 -ql core core.lz4", "core.lz4", &["core"]),
    (
        &["lz4", "split"],
        "split -b 100000 core p.; for p in p.*; do lz4 -qc $p; done > core.lz4",
        "core.lz4",
        &["core"],
    ),
    (&["xz"], "xz -k core", "core.xz", &["core"]),
    (&["xz"], "xz -k9e --x86 --lzma2 core", "core.xz", &["core"]),
    (
        &["xz", "split"],
        "split -b 100000 core p.; for p in p.*; do xz -c $p; done > core.xz",
        "core.xz",
        &["core"],
    ),
    (&["bzip2"], "bzip2 -k core", "core.bz2", &["core"]),
    (
        &["bzip2", "split"],
        "split -b 100000 core p.; for p in p.*; do bzip2 -c $p; done > core.bz2",
        "core.bz2",
        &["core"],
    ),
    (&["zip"], "zip -q a.zip core", "a.zip", &["core"]),
    (&["zip"], "zip -q0 a.zip core", "a.zip", &["core"]),
    (&["zip"], "zip -qZ bzip2 a.zip core", "a.zip", &["core"]),
    (&["zip"], "zip -q a.zip - < core", "a.zip", &["-"]),
    (
        &["zip"],
        "mkdir d; cp core d; echo hello > d/notes; zip -qr a.zip d",
        "a.zip",
        &["d/core"],
    ),
    (
        &["zip"],
        "zip -q a.zip core; printf 'MZ and a program' | cat - a.zip > a.exe",
        "a.exe",
        &["core"],
    ),
    (&["tar"], "tar -cf a.tar core", "a.tar", &["core"]),
    (
        &["tar"],
        "tar --format=v7 -cf a.tar core",
        "a.tar",
        &["core"],
    ),
    (
        &["tar"],
        "tar --format=oldgnu -cf a.tar core",
        "a.tar",
        &["core"],
    ),
    (
        &["tar"],
        "tar --format=ustar -cf a.tar core",
        "a.tar",
        &["core"],
    ),
    (
        &["tar"],
        "tar --format=pax -cf a.tar core",
        "a.tar",
        &["core"],
    ),
    (
        &["tar"],
        "tar --format=gnu -cSf a.tar core",
        "a.tar",
        &["core"],
    ),
    (
        &["tar"],
        "tar --format=pax -cSf a.tar core",
        "a.tar",
        &["core"],
    ),
    (
        &["tar"],
        "mkdir d; echo x > d/x; tar -cf a.tar d core d/x",
        "a.tar",
        &["core"],
    ),
    (
        &["tar", "gzip"],
        "tar -czf dumps.tgz core",
        "dumps.tgz",
        &["dumps.tar", "core"],
    ),
    (
        &["tar", "zstd"],
        "tar --zstd -cf dumps.tar.zst core",
        "dumps.tar.zst",
        &["dumps.tar", "core"],
    ),
    (
        &["tar", "xz"],
        "tar -cJf dumps.tar.xz core",
        "dumps.tar.xz",
        &["dumps.tar", "core"],
    ),
    (
        &["tar", "bzip2"],
        "tar -cjf dumps.tar.bz2 core",
        "dumps.tar.bz2",
        &["dumps.tar", "core"],
    ),
    (
        &["tar", "zip", "gzip"],
        "gzip -n core; tar -cf b.tar core.gz; zip -q a.zip b.tar",
        "a.zip",
        &["b.tar", "core.gz", "core"],
    ),
    (&["gcab"], "gcab -cn a.cab core", "a.cab", &["core"]),
    (&["gcab"], "gcab -czn a.cab core", "a.cab", &["core"]),
    (
        &["gcab"],
        "echo x > a; echo y > z; gcab -czn a.cab a core z",
        "a.cab",
        &["core"],
    ),
];

#[test]
fn programs() {
    for (programs, line, file, chain) in BY_SHELL {
        if has(programs) {
            let directory = workshop();
            shell(directory.path(), line);
            assert_holds(&directory.path().join(file), chain);
        }
    }
}

/// Options of 7-Zip, the file, and the chain.
const BY_SEVEN: &[(&str, &str)] = &[
    ("", "a.7z"),
    ("-mhc=off", "a.7z"),
    ("-m0=lzma", "a.7z"),
    ("-m0=bzip2", "a.7z"),
    ("-m0=deflate", "a.7z"),
    ("-m0=deflate64", "a.7z"),
    ("-m0=copy", "a.7z"),
    ("-m0=BCJ -m1=LZMA2", "a.7z"),
    ("-m0=Delta:4 -m1=LZMA2", "a.7z"),
    ("-ms=off", "a.7z"),
    ("-mm=Deflate64", "a.zip"),
    ("-mm=LZMA", "a.zip"),
    ("-mm=xz", "a.zip"),
    ("-mm=BZip2", "a.zip"),
];

#[test]
fn seven_zip() {
    let Some(seven) = seven() else { return };
    for (options, file) in BY_SEVEN {
        let directory = workshop();
        let line = format!(
            "echo x > a; echo y > z; : > empty; {seven} a -bd {options} {file} a core empty z"
        );
        shell(directory.path(), &line);
        let path = directory.path().join(file);
        assert_holds(&path, &["core"]);
        let names: Vec<String> = scan(&path)
            .into_iter()
            .map(|outcome| outcome.members.join("!"))
            .collect();
        assert!(
            names.contains(&"a".to_owned()) && names.contains(&"z".to_owned()),
            "{options}: {names:?}"
        );
    }
}

/// A program that makes `out` of `core`, and the chain.
const BY_PYTHON: &[(&str, &[&str])] = &[
    (
        "import gzip\ngzip.open('out', 'wb').write(open('core', 'rb').read())",
        &["out"],
    ),
    (
        "import zipfile\nz = zipfile.ZipFile('out', 'w', zipfile.ZIP_LZMA)\nz.write('core')\nz.close()",
        &["core"],
    ),
    (
        "import zipfile\nz = zipfile.ZipFile('out', 'w', zipfile.ZIP_DEFLATED)\nwith z.open('core', 'w', force_zip64=True) as f: f.write(open('core', 'rb').read())\nz.close()",
        &["core"],
    ),
    // A stream, in which sizes stand behind the members.
    (
        "import zipfile\nclass Out:\n def __init__(self): self.f = open('out', 'wb')\n def write(self, b): return self.f.write(b)\n def flush(self): self.f.flush()\nz = zipfile.ZipFile(Out(), 'w', zipfile.ZIP_DEFLATED)\nz.write('core')\nz.close()",
        &["core"],
    ),
    (
        "import tarfile\nt = tarfile.open('out', 'w', format=tarfile.PAX_FORMAT)\nt.add('core', 'a' * 200 + '/core')\nt.close()",
        &[
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/core",
        ],
    ),
    (
        "import tarfile\nt = tarfile.open('out', 'w', format=tarfile.GNU_FORMAT)\nt.add('core', 'b' * 120 + '/core')\nt.close()",
        &[
            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/core",
        ],
    ),
    // A form in the encodings of mail.
    (
        "from email.mime.multipart import MIMEMultipart\nfrom email.mime.application import MIMEApplication\nm = MIMEMultipart('form-data')\np = MIMEApplication(open('core', 'rb').read())\np.add_header('Content-Disposition', 'form-data', name='upload_file_minidump', filename='a.dmp')\nm.attach(p)\nb = m.as_bytes()\nopen('out', 'wb').write(b[b.index(b'\\n\\n') + 2:])",
        &["a.dmp"],
    ),
    // As Crashpad sends it: bytes as they are, the body packed.
    (
        "import gzip\nc = open('core', 'rb').read()\nb = b'---MultipartBoundary-x---\\r\\nContent-Disposition: form-data; name=\"prod\"\\r\\n\\r\\nApp\\r\\n---MultipartBoundary-x---\\r\\nContent-Disposition: form-data; name=\"upload_file_minidump\"; filename=\"a.dmp\"\\r\\nContent-Type: application/octet-stream\\r\\n\\r\\n' + c + b'\\r\\n---MultipartBoundary-x-----\\r\\n'\nopen('out', 'wb').write(gzip.compress(b))",
        &["unpacked", "a.dmp"],
    ),
    (
        "c = open('core', 'rb').read()\nimport json\nopen('out', 'wb').write(b'{\"event_id\":\"9e\"}\\n' + json.dumps({'type': 'event'}).encode() + b'\\n{\"message\":\"x\"}\\n' + json.dumps({'type': 'attachment', 'length': len(c), 'filename': 'a.dmp'}).encode() + b'\\n' + c + b'\\n')",
        &["a.dmp"],
    ),
    // Laid out after apport's problem_report.py: a header and its body in base64, each line of its own.
    (
        "import base64, zlib, struct\nc = open('core', 'rb').read()\nz = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, 0)\nf = open('out', 'wb')\nf.write(b'ProblemType: Crash\\nArchitecture: amd64\\nProcEnviron:\\n LANG=C\\n SHELL=/bin/sh\\nCoreDump: base64\\n ')\nf.write(base64.b64encode(b'\\037\\213\\010\\010\\000\\000\\000\\000\\002\\377CoreDump\\000') + b'\\n ')\nfor i in range(0, len(c), 1 << 16):\n  b = z.compress(c[i:i + (1 << 16)])\n  if b: f.write(base64.b64encode(b) + b'\\n ')\nb = z.flush() + struct.pack('<L', zlib.crc32(c)) + struct.pack('<L', len(c))\nf.write(base64.b64encode(b) + b'\\n')\nf.write(b'Signal: 6\\n')",
        &["CoreDump"],
    ),
];

#[test]
fn pythons_modules() {
    if !has(&["python3"]) {
        return;
    }
    for (program, chain) in BY_PYTHON {
        let directory = workshop();
        python(directory.path(), program);
        assert_holds(&directory.path().join("out"), chain);
    }
}

/// No program at hand writes such members: local header, directory and end by APPNOTE 6.3.10 round what zstd made.
const ZSTD_IN_ZIP: &str = "\
import struct, sys, zlib
raw, packed = open('core', 'rb').read(), open('core.zst', 'rb').read()
for method in 93, 20:
  rest = struct.pack('<HHHHIIIHH', 0, method, 0, 33, zlib.crc32(raw), len(packed), len(raw), 4, 0)
  local = b'PK\\3\\4' + struct.pack('<H', 63) + rest + b'core' + packed
  entry = b'PK\\1\\2' + struct.pack('<HH', 63, 63) + rest + struct.pack('<HHHII', 0, 0, 0, 0, 0) + b'core'
  end = b'PK\\5\\6' + struct.pack('<HHHHIIH', 0, 0, 1, 1, len(entry), len(local), 0)
  open('%d.zip' % method, 'wb').write(local + entry + end)
";

#[test]
fn zstd_in_zip() {
    if !has(&["python3", "zstd"]) {
        return;
    }
    let directory = workshop();
    shell(directory.path(), "zstd -q core");
    python(directory.path(), ZSTD_IN_ZIP);
    for file in ["93.zip", "20.zip"] {
        assert_holds(&directory.path().join(file), &["core"]);
    }
}

#[test]
fn an_apport_report_with_zstd_and_text_round_it() {
    if !has(&["zstd", "base64"]) {
        return;
    }
    let directory = workshop();
    let line = "{ printf 'ProblemType: Crash\\nCoreDump: base64\\n'; zstd -qc core | base64 -w 400 | sed 's/^/ /'; \
                printf 'ProcEnviron:\\n KEY=x\\n'; } > a.crash";
    shell(directory.path(), line);
    assert_holds(&directory.path().join("a.crash"), &["CoreDump"]);
    // The key of a service in its environment, in the text behind the core.
    let pem = String::from_utf8(common::key("p256.sec1.pem")).unwrap();
    let text = pem.replace('\n', "\n ");
    let mut report = fs::read(directory.path().join("a.crash")).unwrap();
    report.extend(format!(" {text}\n").bytes());
    let outcomes = scan(&write(directory.path(), "b.crash", &report));
    let own = outcomes
        .iter()
        .find(|outcome| outcome.members.is_empty())
        .unwrap();
    assert_eq!((own.format, own.verdict), ("apport", Verdict::Found));
    assert_sample(directory.path(), &["CoreDump"], &outcomes);
}

#[test]
fn slack_is_scanned_too() {
    if !has(&["zip", "gzip"]) {
        return;
    }
    let directory = workshop();
    shell(directory.path(), "echo x > x; zip -q x.zip x; gzip -k x");
    for file in ["x.zip", "x.gz"] {
        let packed = fs::read(directory.path().join(file)).unwrap();
        let tail = write(directory.path(), "tail", &[&packed[..], sample()].concat());
        let outcomes = scan(&tail);
        let name = format!("(rest at {:#x})", packed.len());
        assert_sample(&tail, &[&name], &outcomes);
        // A short text is no leaf of its own; a key there is the container's.
        let short = write(
            directory.path(),
            "short",
            &[&packed[..], &common::key("p256.sec1.pem")].concat(),
        );
        let outcomes = scan(&short);
        let own = outcomes
            .iter()
            .find(|outcome| outcome.members.is_empty())
            .unwrap();
        assert_eq!(own.verdict, Verdict::Found);
        assert_eq!(found(own)[0].2, packed.len() as u64);
    }
    let packed = fs::read(directory.path().join("x.zip")).unwrap();
    let front = write(directory.path(), "front", &[sample(), &packed].concat());
    let outcomes = scan(&front);
    // A core is a core, whatever is appended to it.
    assert!(outcomes.iter().any(|outcome| found(outcome) == expected()));
}

#[test]
fn empty_containers_are_said() {
    let directory = tempfile::tempdir().unwrap();
    let empty = write(
        directory.path(),
        "a.zip",
        &[b"PK\x05\x06".as_slice(), &[0; 18]].concat(),
    );
    let outcomes = scan(&empty);
    assert_eq!(outcomes.len(), 1);
    assert_eq!(
        (outcomes[0].format, outcomes[0].verdict),
        ("zip", Verdict::Clean)
    );
    assert_eq!(outcomes[0].notes[0].name(), "empty-container");
}

#[test]
fn a_container_inside_a_dump_is_said_and_not_opened() {
    if !has(&["zip"]) {
        return;
    }
    let directory = workshop();
    shell(directory.path(), "zip -q a.zip core");
    let zip = fs::read(directory.path().join("a.zip")).unwrap();
    let segment = common::Segment::new(0x10000, [vec![0; 0x1000], zip].concat());
    let core = common::elf_core(&[segment], 0);
    let outcomes = scan(&write(directory.path(), "outer", &core));
    assert_eq!((outcomes.len(), outcomes[0].verdict), (1, Verdict::Clean));
    // The segment starts behind the headers, so the archive is at no page; it is found at the region's start only.
    let segment = common::Segment::new(0x10000, fs::read(directory.path().join("a.zip")).unwrap());
    let outcomes = scan(&write(
        directory.path(),
        "outer",
        &common::elf_core(&[segment], 0),
    ));
    assert_eq!(outcomes[0].verdict, Verdict::Clean);
    assert_eq!(outcomes[0].notes[0].name(), "embedded-container");
}
