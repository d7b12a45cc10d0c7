//! Containers that are made to cost: each ends within its budget, and is never clean.

use super::*;
use std::time::{Duration, Instant};

fn small() -> Budget {
    Budget {
        bytes: 64 << 20,
        ..Budget::default()
    }
}

#[test]
fn bytes_in_all() {
    if !has(&["gzip", "zstd"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for pack in ["gzip -c", "zstd -qc"] {
        shell(
            directory.path(),
            &format!("head -c 300M /dev/zero | {pack} > bomb"),
        );
        let outcomes = scan_within(&directory.path().join("bomb"), &small());
        assert_never_clean(pack, &outcomes);
        assert_eq!(reasons(&outcomes), ["budget-reached"]);
        assert!(
            outcomes
                .iter()
                .all(|outcome| outcome.size <= (64 << 20) + 1)
        );
        // What came out until then was scanned.
        assert!(outcomes.iter().any(|outcome| outcome.size > 60 << 20));
    }
}

#[test]
fn a_ratio_that_no_dump_has() {
    if !has(&["zstd"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    shell(
        directory.path(),
        "head -c 200M /dev/zero | tr '\\0' '\\200' | zstd -qc > bomb; head -c 200M /dev/zero | zstd -qc > sparse",
    );
    let outcomes = scan(&directory.path().join("bomb"));
    assert_never_clean("ratio", &outcomes);
    assert_eq!(reasons(&outcomes), ["budget-reached"]);
    // Zeros are what dumps are made of.
    let outcomes = scan(&directory.path().join("sparse"));
    assert_eq!((outcomes.len(), outcomes[0].verdict), (1, Verdict::Clean));
    assert_eq!(outcomes[0].size, 200 << 20);
}

#[test]
fn depth() {
    if !has(&["gzip"]) {
        return;
    }
    let directory = workshop();
    shell(
        directory.path(),
        "cp core x; for i in 1 2 3 4 5 6 7 8 9; do gzip -nc x > y; mv y x; done",
    );
    let path = directory.path().join("x");
    let outcomes = scan(&path);
    assert_never_clean("nine deep", &outcomes);
    let shallow = Budget {
        depth: 9,
        ..Budget::default()
    };
    let outcomes = scan_within(&path, &shallow);
    assert!(outcomes.iter().any(|outcome| found(outcome) == expected()));
    assert!(reasons(&outcomes).is_empty());
}

#[test]
fn members() {
    if !has(&["tar"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    shell(
        directory.path(),
        "mkdir d; for i in 1 2 3 4 5 6 7 8 9; do echo $i > d/$i; done; tar -cf a.tar d",
    );
    let few = Budget {
        members: 5,
        ..Budget::default()
    };
    let outcomes = scan_within(&directory.path().join("a.tar"), &few);
    assert_never_clean("members", &outcomes);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| !outcome.members.is_empty())
            .count(),
        5
    );
}

#[test]
fn time() {
    if !has(&["gzip"]) {
        return;
    }
    let directory = workshop();
    shell(directory.path(), "gzip -k core");
    let none = Budget {
        time: Duration::ZERO,
        ..Budget::default()
    };
    let outcomes = scan_within(&directory.path().join("core.gz"), &none);
    assert_never_clean("time", &outcomes);
    assert!(reasons(&outcomes).contains(&"budget-reached"));
}

#[test]
fn overlapping_entries() {
    if !has(&["python3"]) {
        return;
    }
    let directory = workshop();
    // Forty entries of the directory that all name one local header, and its bytes.
    python(
        directory.path(),
        "import zipfile, struct\n\
         z = zipfile.ZipFile('a.zip', 'w', zipfile.ZIP_DEFLATED)\nz.write('core')\nz.close()\n\
         b = open('a.zip', 'rb').read()\n\
         e = b.rindex(b'PK\\5\\6')\nsize, at = struct.unpack('<LL', b[e + 12:e + 20])\n\
         c = b[at:at + size]\n\
         out = b[:at] + c * 40 + b[e:e + 8] + struct.pack('<HHLL', 40, 40, size * 40, at) + b'\\0\\0'\n\
         open('b.zip', 'wb').write(out)",
    );
    let path = directory.path().join("b.zip");
    let outcomes = scan(&path);
    assert_never_clean("overlapping", &outcomes);
    assert_eq!(reasons(&outcomes), ["damaged"]);
    assert_sample(&path, &["core"], &outcomes);
}

#[test]
fn a_huge_window() {
    if !has(&["zstd"]) {
        return;
    }
    let directory = workshop();
    shell(
        directory.path(),
        "zstd -q --ultra --long=30 < core > core.zst",
    );
    let outcomes = scan(&directory.path().join("core.zst"));
    assert_never_clean("window", &outcomes);
    assert_eq!(reasons(&outcomes), ["budget-reached"]);
}

#[test]
fn a_tar_that_lies_about_sizes() {
    if !has(&["python3"]) {
        return;
    }
    for size in ["0o77777777777", "len(c) * 2", "1 << 62"] {
        let directory = workshop();
        let program = format!(
            "import tarfile\nc = open('core', 'rb').read()\nh = tarfile.TarInfo('core')\nh.size = {size}\n\
             open('a.tar', 'wb').write(h.tobuf(tarfile.GNU_FORMAT) + c)"
        );
        python(directory.path(), &program);
        let outcomes = scan(&directory.path().join("a.tar"));
        assert_never_clean(size, &outcomes);
        assert!(
            outcomes
                .iter()
                .any(|outcome| outcome.members == ["core"] && found(outcome) == expected())
        );
    }
}

#[test]
fn a_sparse_member_that_claims_exabytes() {
    if !has(&["python3"]) {
        return;
    }
    let directory = workshop();
    python(
        directory.path(),
        "import tarfile\nc = open('core', 'rb').read()\nm = b'1\\n0\\n%d\\n' % len(c)\nm += b'\\0' * (512 - len(m))\n\
         h = tarfile.TarInfo('core')\nh.size = len(m) + len(c)\n\
         h.pax_headers = {'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'core', 'GNU.sparse.realsize': str(1 << 60)}\n\
         open('a.tar', 'wb').write(h.tobuf(tarfile.PAX_FORMAT) + m + c)",
    );
    let started = Instant::now();
    let outcomes = scan_within(&directory.path().join("a.tar"), &small());
    assert_never_clean("exabytes", &outcomes);
    assert!(outcomes.iter().any(|outcome| found(outcome) == expected()));
    assert!(
        started.elapsed() < Duration::from_secs(120),
        "bounded by bytes"
    );
}
