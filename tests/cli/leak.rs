//! No byte of a sample's private key in anything the program or the library says: raw, in hexadecimal or in
//! base64, in reports, remarks, `Debug` output and panics.

use super::common::{key, root, rows, scan};
use super::{command, samples::samples, stderr, stdout};
use base64ct::{Base64, Encoding};
use std::collections::BTreeSet;
use std::fs;

/// Short runs of secret bytes in every way they could be printed.
struct Secrets {
    marks: BTreeSet<Vec<u8>>,
}

impl Secrets {
    /// Marks of the private numbers and texts in key files.
    fn new(files: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut marks = BTreeSet::new();
        for text in files {
            let text = String::from_utf8(text).expect("a PEM file");
            let body: String = text
                .lines()
                .filter(|line| !line.starts_with("-----"))
                .collect();
            let structure = Base64::decode_vec(&body).expect("base64");
            // Modulus and exponent are the first quarter of an RSA structure, the point the end of an EC one.
            let end = match structure.len() {
                100..300 => structure.len() - PUBLIC_POINT,
                length => length,
            };
            let secret = &structure[structure.len() / 4..end];
            for window in secret.windows(BYTES_MARK) {
                let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
                marks.insert(window.to_vec());
                marks.insert(hex.to_uppercase().into_bytes());
                marks.insert(hex.into_bytes());
                marks.insert(
                    format!("{window:?}")
                        .trim_matches(['[', ']'])
                        .as_bytes()
                        .to_vec(),
                );
            }
            for skip in 0..3 {
                let encoded = Base64::encode_string(&secret[skip..]).into_bytes();
                marks.extend(
                    encoded[..encoded.len() - 4]
                        .windows(TEXT_MARK)
                        .map(<[u8]>::to_vec),
                );
            }
        }
        Self { marks }
    }

    /// Whether `said` holds one of them.
    fn are_in(&self, said: &[u8]) -> bool {
        let lengths: BTreeSet<usize> = self.marks.iter().map(Vec::len).collect();
        lengths.iter().any(|&length| {
            said.windows(length)
                .any(|window| self.marks.contains(window))
        })
    }
}

/// The private keys of the samples.
fn secrets() -> Secrets {
    let files = fs::read_dir(root().join("tests/keys/samples"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    Secrets::new(files.map(|path| fs::read(path).unwrap()))
}

#[test]
fn the_test_sees_a_leak() {
    let secrets = secrets();
    assert!(secrets.marks.len() > 1000);
    for (path, expected) in samples() {
        let holds = secrets.are_in(&fs::read(&path).unwrap());
        assert_eq!(holds, expected["verdict"] == "found", "{}", path.display());
    }
}

#[test]
fn no_output_shows_a_secret() {
    let secrets = secrets();
    for options in [
        &["scan", "--public", "--shapes", "--hash", "samples"][..],
        &[
            "scan", "--format", "json", "--public", "--shapes", "samples",
        ],
        &["scan", "--format", "jsonl", "--shapes", "samples"],
        &[
            "scan",
            "--format",
            "sarif",
            "--shapes",
            "samples",
            "tests/keys",
        ],
        &["scan", "--color", "always", "samples"],
        &["scan", "--baseline", "tests/baselines/far.toml", "samples"],
        &[
            "scan",
            "--baseline",
            "tests/keys/samples/nginx-rsa2048.pem",
            "samples",
        ],
        &[
            "scan",
            "--fail-on",
            "shape",
            "--strict",
            "samples",
            "tests/keys",
        ],
        &["baseline", "list", "tests/keys/samples/nginx-rsa2048.pem"],
        &["scan", "tests/keys"],
    ] {
        let output = command().args(options).output().unwrap();
        assert!(
            !secrets.are_in(&output.stdout),
            "{options:?} on standard output"
        );
        assert!(
            !secrets.are_in(&output.stderr),
            "{options:?} on standard error"
        );
    }
    for (path, _) in samples() {
        for format in ["text", "json"] {
            let output = command()
                .args(["info", "--format", format])
                .arg(&path)
                .output()
                .unwrap();
            assert!(
                !secrets.are_in(&output.stdout),
                "info {} on standard output",
                path.display()
            );
            assert!(
                !secrets.are_in(&output.stderr),
                "info {} on standard error",
                path.display()
            );
        }
    }
}

#[test]
fn no_debug_output_shows_a_secret() {
    let secrets = secrets();
    for (path, _) in samples() {
        let outcome = scan(&fs::read(&path).unwrap());
        assert!(
            !secrets.are_in(format!("{outcome:?} {outcome:#?}").as_bytes()),
            "{}",
            path.display()
        );
    }
    let every_key = Secrets::new(
        rows()
            .iter()
            .filter(|row| ["pem.pkcs1", "pem.pkcs8"].contains(&&*row.form))
            .map(|row| key(&row.file)),
    );
    for row in rows() {
        let outcome = scan(&key(&row.file));
        assert!(
            !every_key.are_in(format!("{outcome:?}").as_bytes()),
            "{}",
            row.file
        );
    }
}

#[test]
fn errors_of_damaged_leaking_dumps_show_no_secret() {
    let secrets = secrets();
    let directory = tempfile::tempdir().unwrap();
    for (path, _) in samples() {
        let data = fs::read(&path).unwrap();
        let cut = super::write(directory.path(), "cut", &data[..data.len() * 2 / 3]);
        let output = command()
            .args(["scan", "--public", "--shapes"])
            .arg(cut)
            .output()
            .unwrap();
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert!(!secrets.are_in(said.as_bytes()), "{}", path.display());
    }
}

/// Bytes of a mark: fewer could stand in a report by chance.
const BYTES_MARK: usize = 8;
/// Characters of a base64 mark.
const TEXT_MARK: usize = 12;
/// Bytes of an uncompressed P-256 point and its header.
const PUBLIC_POINT: usize = 72;
