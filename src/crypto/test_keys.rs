//! The throwaway keys of `tests/keys`, for unit tests.

use super::der::{Reader, tag};
use std::fs;
use std::path::{Path, PathBuf};

/// A row of `tests/keys/index.tsv`.
#[derive(Clone, Debug)]
pub struct Row {
    /// File name.
    pub file: String,
    /// Size of modulus or field.
    pub bits: u32,
    /// Fingerprint in lower-case hexadecimal.
    pub spki_sha256: String,
    /// Form, as `der.pkcs1`.
    pub form: String,
}

/// All rows.
pub fn index() -> Vec<Row> {
    let text = fs::read_to_string(directory().join("index.tsv")).expect("the index of test keys");
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, _, bits, _, spki_sha256, form] = fields[..] else {
            panic!("six fields in `{line}`")
        };
        Row {
            file: file.to_owned(),
            bits: bits.parse().expect("a number of bits"),
            spki_sha256: spki_sha256.to_owned(),
            form: form.to_owned(),
        }
    });
    rows.collect()
}

/// Bytes of a key file.
pub fn read(file: &str) -> Vec<u8> {
    fs::read(directory().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The bytes of an SPKI in DER; `None` for rows of other forms.
pub fn spki_der(row: &Row) -> Option<Vec<u8>> {
    (row.form == "der.spki").then(|| read(&row.file))
}

/// Numbers of an RSA key.
pub struct RsaKey {
    pub n: Vec<u8>,
    pub e: Vec<u8>,
    pub d: Vec<u8>,
    pub p: Vec<u8>,
    pub q: Vec<u8>,
    /// d mod p-1, d mod q-1, q⁻¹ mod p.
    pub crt: [Vec<u8>; 3],
}

/// The RSA keys of the index.
pub fn rsa_keys() -> Vec<RsaKey> {
    index()
        .into_iter()
        .filter(|row| row.form == "der.pkcs1")
        .map(|row| rsa_key(&row.file))
        .collect()
}

/// The numbers in a PKCS#1 file.
pub fn rsa_key(file: &str) -> RsaKey {
    let data = read(file);
    let mut reader = Reader::new(&data)
        .inside(tag::SEQUENCE)
        .expect("a sequence");
    let mut number = || reader.unsigned().expect("an integer").to_vec();
    number();
    RsaKey {
        n: number(),
        e: number(),
        d: number(),
        p: number(),
        q: number(),
        crt: [number(), number(), number()],
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys")
}
