//! Private numbers planted alone, in every encoding, at every alignment it promises, into real memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

#[path = "raw/between.rs"]
mod between;
mod common;
#[path = "raw/deep.rs"]
mod deep;
#[path = "raw/exponents.rs"]
mod exponents;
#[path = "raw/large.rs"]
mod large;
#[path = "raw/short.rs"]
mod short;
#[path = "raw/texts.rs"]
mod texts;
#[path = "raw/unannounced.rs"]
mod unannounced;

use common::{Segment, elf_core, key, noise, root};
use dumpgate::crypto::der::{Reader, tag};
use dumpgate::crypto::{Curve, Identity, PublicKey};
use dumpgate::finding::Proof;
use dumpgate::outcome::{Answer, DumpOutcome, Verdict};
use dumpgate::scan::{Question, Scanner};
use dumpgate::source::Source;
use dumpgate::sweep::codec::{CODECS, Class, Codec, limbs_of};
use proptest::prelude::*;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

/// Numbers of a key, big-endian, with the bits a library reserves for them.
struct Key {
    name: &'static str,
    identity: Arc<Identity>,
    numbers: Vec<(&'static str, Vec<u8>, u32)>,
}

/// RSA keys by size; EC keys by curve; Ed25519 and X25519.
fn keys() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let rsa =
            ["rsa1024", "rsa2048", "rsa2048e3", "rsa3072", "rsa4096"].map(|name| rsa(name, name));
        let curves = [
            ("p256", Curve::P256),
            ("p384", Curve::P384),
            ("p521", Curve::P521),
            ("secp256k1", Curve::Secp256k1),
        ];
        let ec = curves.map(|(name, curve)| {
            let der = key(&format!("{name}.sec1-bare.der"));
            let mut reader = Reader::new(&der).inside(tag::SEQUENCE).unwrap();
            reader.unsigned().unwrap();
            let scalar = reader.expect(tag::OCTET_STRING).unwrap().to_vec();
            Key {
                name,
                identity: identity(&format!("{name}.spki.der")),
                numbers: vec![("scalar", scalar, curve.bits())],
            }
        });
        let edwards = [("ed25519", "seed"), ("x25519", "scalar")].map(|(name, component)| {
            let der = key(&format!("{name}.pkcs8.der"));
            let seed = der[der.len() - 32..].to_vec();
            Key {
                name,
                identity: identity(&format!("{name}.spki.der")),
                numbers: vec![(component, seed, 256)],
            }
        });
        rsa.into_iter().chain(ec).chain(edwards).collect()
    })
}

/// The RSA key in the files of this name.
fn rsa(name: &'static str, file: &str) -> Key {
    let der = key(&format!("{file}.pkcs1.der"));
    let mut reader = Reader::new(&der).inside(tag::SEQUENCE).unwrap();
    let numbers: Vec<Vec<u8>> = (0..9)
        .map(|_| reader.unsigned().unwrap().to_vec())
        .collect();
    let bits = 8 * numbers[1].len() as u32;
    let number = |name, at: usize, bits| (name, numbers[at].clone(), bits);
    Key {
        name,
        identity: identity(&format!("{file}.spki.der")),
        numbers: vec![
            number("prime", 4, bits / 2),
            number("prime", 5, bits / 2),
            number("private-exponent", 3, bits),
            number("crt-exponent", 6, bits / 2),
            number("crt-exponent", 7, bits / 2),
        ],
    }
}

fn identity(file: &str) -> Arc<Identity> {
    let scanner = Scanner::builder().threads(1).build().unwrap();
    let found = scanner.harvest(&Source::from_bytes(key(file)));
    assert_eq!(found.len(), 1, "{file}");
    found[0].clone()
}

fn named(name: &str) -> &'static Key {
    keys().iter().find(|key| key.name == name).unwrap()
}

/// Scanners that know one public key each, or none.
fn scanner(key: Option<&'static Key>, is_deep: bool) -> Arc<Scanner> {
    type Scanners = Mutex<HashMap<(Option<&'static str>, bool), Arc<Scanner>>>;
    static SCANNERS: OnceLock<Scanners> = OnceLock::new();
    let mut scanners = SCANNERS.get_or_init(Mutex::default).lock().unwrap();
    let scanner = scanners
        .entry((key.map(|key| key.name), is_deep))
        .or_insert_with(|| {
            let questions = key.map(|key| Question {
                spki_sha256: key.identity.fingerprint(),
                identity: Some(key.identity.clone()),
                origin: None,
            });
            let builder = Scanner::builder().threads(1).deep(is_deep);
            Arc::new(
                builder
                    .asked(questions.into_iter().collect())
                    .build()
                    .unwrap(),
            )
        });
    scanner.clone()
}

/// 192 KiB of the memory of a real process, from some place on.
fn memory(from: usize) -> Vec<u8> {
    static CORE: OnceLock<Vec<u8>> = OnceLock::new();
    let core = CORE.get_or_init(|| {
        fs::read(root().join("samples/clean-lua-verifier/clean-lua-verifier.core")).unwrap()
    });
    let start = (from % (core.len() - MEMORY)) & !15;
    core[start..start + MEMORY].to_vec()
}

const MEMORY: usize = 192 << 10;
const BASE: u64 = 0x7f00_0000_0000;

/// Memory with `numbers` in one encoding, one after the other with `gap` bytes between, the first at `at`.
fn planted(
    codec: &Codec,
    numbers: &[&(&str, Vec<u8>, u32)],
    at: usize,
    gap: usize,
    from: usize,
) -> (Vec<u8>, usize) {
    let mut memory = memory(from);
    let step = codec.step(8);
    let mut place = at - at % step;
    let first = place;
    // The neighbourhood of an allocation: a length before, nothing behind.
    memory[first - 16..first].fill(0);
    for (_, number, bits) in numbers {
        let bytes = codec.encode(&limbs_of(number), *bits).unwrap();
        memory[place..place + bytes.len()].copy_from_slice(&bytes);
        memory[place + bytes.len()..place + bytes.len() + 16].fill(0);
        place = (place + bytes.len() + gap).next_multiple_of(step);
    }
    (elf_core(&[Segment::new(BASE, memory)], 0), first)
}

fn scan(scanner: &Scanner, core: &[u8]) -> DumpOutcome {
    scanner.scan(
        PathBuf::from("planted"),
        &Source::from_bytes(core.to_vec()),
        &(),
    )
}

/// Whether the key is proven, and has a place of this form and component at this address.
fn is_found(outcome: &DumpOutcome, key: &Key, form: &str, component: &str, place: usize) -> bool {
    let name = key.identity.fingerprint();
    let found = outcome
        .findings
        .iter()
        .find(|found| found.spki_sha256 == Some(name));
    assert!(
        outcome.findings.len() <= 1,
        "nothing but the key: {:?}",
        outcome.findings
    );
    found.is_some_and(|found| {
        found.proof == Proof::Arithmetic
            && found.places.iter().any(|seen| {
                let va = seen.pieces[0].va;
                (seen.form, seen.component) == (form, component) && va == Some(BASE + place as u64)
            })
    })
}

/// The form of an encoding in reports: strings of Curve25519 are no numbers, and lie as they are in limbs if their lowest byte
/// stands first.
fn form(key: &Key, codec: &Codec, number: &[u8]) -> &'static str {
    let is_as_it_is = match codec.name {
        "raw.bytes-be" => true,
        "raw.limbs-le" => number != key.numbers[0].1,
        _ => false,
    };
    if is_as_it_is && is_string(key) {
        "raw.bytes"
    } else {
        codec.name
    }
}

fn is_string(key: &Key) -> bool {
    matches!(key.name, "ed25519" | "x25519")
}

/// The number at `index` of a key as it is written in an encoding: of a string the one whose lowest byte stands first.
fn written(key: &Key, index: usize, codec: &Codec) -> (&'static str, Vec<u8>, u32) {
    let (name, mut bytes, bits) = key.numbers[index].clone();
    if is_string(key) && codec.name != "raw.bytes-be" {
        bytes.reverse();
    }
    (name, bytes, bits)
}

#[test]
fn each_private_number_of_rsa_is_found_alone_in_each_encoding() {
    for name in ["rsa1024", "rsa2048", "rsa2048e3", "rsa3072", "rsa4096"] {
        let key = named(name);
        for codec in CODECS {
            for number in &key.numbers[..3] {
                let at = 0x9000 + codec.step(8) * 3;
                let (core, place) = planted(codec, &[number], at, 0, 0x1_0000);
                let outcome = scan(&scanner(Some(key), false), &core);
                let (component, ..) = number;
                assert!(
                    is_found(&outcome, key, codec.name, component, place),
                    "{name} {component} {}: {:?}",
                    codec.name,
                    outcome.findings
                );
                assert_eq!(outcome.asked[0].answer, Answer::Found(Proof::Arithmetic));
            }
            let pair = [&key.numbers[3], &key.numbers[4]];
            // Big-endian numbers side by side have a header between them or nothing.
            let gap = if codec.name == "raw.bytes-be" { 0 } else { 16 };
            let (core, place) = planted(codec, &pair, 0x9000, gap, 0x1_0000);
            let outcome = scan(&scanner(Some(key), false), &core);
            assert!(
                is_found(&outcome, key, codec.name, "crt-exponent", place),
                "{name} dp and dq {}: {:?}",
                codec.name,
                outcome.findings
            );
        }
    }
}

#[test]
fn scalars_and_seeds_are_found_alone_in_each_encoding() {
    for key in keys().iter().filter(|key| !key.name.starts_with("rsa")) {
        for codec in CODECS {
            let at = 0x9000 + codec.step(8) * 3;
            let mut numbers = vec![written(key, 0, codec)];
            if is_string(key) && codec.name != "raw.bytes-be" {
                numbers.push(key.numbers[0].clone());
            }
            for number in numbers {
                let (core, place) = planted(codec, &[&number], at, 0, 0x1_0000);
                for is_deep in [false, true] {
                    let outcome = scan(&scanner(Some(key), is_deep), &core);
                    assert!(
                        is_found(&outcome, key, form(key, codec, &number.1), number.0, place),
                        "{} {} deep: {is_deep}: {:?}",
                        key.name,
                        codec.name,
                        outcome.findings
                    );
                }
            }
        }
    }
}

/// One digit in 256 has a zero byte that digits of a run do not have.
#[test]
fn a_scalar_whose_lowest_digit_looks_like_none_is_found() {
    let mut scalar: Vec<u8> = (0..32u8).map(|at| at.wrapping_mul(91) ^ 0x3d).collect();
    for low in [[0x5b, 0x00, 0xc7], [0x00, 0x00, 0x29]] {
        scalar[29..].copy_from_slice(&low);
        let point = Curve::P256.derive(&scalar).unwrap();
        let identity = Arc::new(Identity::new(PublicKey::Ec {
            curve: Curve::P256,
            point,
        }));
        let key = Key {
            name: "made",
            identity: identity.clone(),
            numbers: vec![("scalar", scalar.clone(), 256)],
        };
        for is_deep in [false, true] {
            let question = Question {
                spki_sha256: identity.fingerprint(),
                identity: Some(identity.clone()),
                origin: None,
            };
            let builder = Scanner::builder().threads(1).deep(is_deep);
            let scanner = builder.asked(vec![question]).build().unwrap();
            for codec in CODECS.iter().filter(|codec| codec.class() != Class::Random) {
                let (core, place) = planted(codec, &[&key.numbers[0]], 0x9000, 0, 0x1_0000);
                let outcome = scan(&scanner, &core);
                assert!(
                    is_found(&outcome, &key, codec.name, "scalar", place),
                    "{} deep: {is_deep}",
                    codec.name
                );
            }
        }
    }
}

#[test]
fn without_a_public_key_a_number_proves_nothing() {
    for key in keys() {
        for codec in CODECS {
            let (core, _) = planted(codec, &[&written(key, 0, codec)], 0x9000, 0, 0);
            let outcome = scan(&scanner(None, false), &core);
            assert!(
                outcome.findings.is_empty(),
                "{} {}: {:?}",
                key.name,
                codec.name,
                outcome.findings
            );
            assert_eq!(outcome.verdict, Verdict::Clean);
            // And the public key of another dump does not make it one of this.
            let other = keys()
                .iter()
                .find(|other| other.name != key.name && is_like(key, other));
            let outcome = scan(&scanner(other, false), &core);
            assert!(
                outcome.findings.is_empty(),
                "{} {}: {:?}",
                key.name,
                codec.name,
                outcome.findings
            );
        }
    }
}

/// Whether numbers of one could be taken for those of the other.
fn is_like(one: &Key, other: &Key) -> bool {
    let kind = |key: &Key| key.identity.key().algorithm();
    kind(one) == kind(other)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn anywhere_in_real_memory(
        key in prop::sample::select((0..keys().len()).collect::<Vec<_>>()),
        codec in prop::sample::select(CODECS),
        number in 0..3usize,
        at in 0x100..MEMORY - 0x3000,
        from in any::<u32>(),
    ) {
        let key = &keys()[key];
        let number = written(key, number % key.numbers.len().min(3), &codec);
        let (core, place) = planted(&codec, &[&number], at, 0, from as usize);
        let outcome = scan(&scanner(Some(key), key.numbers.len() == 1), &core);
        prop_assert!(
            is_found(&outcome, key, form(key, &codec, &number.1), number.0, place),
            "{} {} {} at {place:#x}: {:?}", key.name, number.0, codec.name, outcome.findings
        );
    }

    #[test]
    fn a_number_with_a_wrong_bit_is_none(
        key in prop::sample::select((0..keys().len()).collect::<Vec<_>>()),
        codec in prop::sample::select(CODECS),
        bit in any::<prop::sample::Index>(),
    ) {
        let key = &keys()[key];
        let (name, mut number, bits) = written(key, 0, &codec);
        let bit = bit.index(8 * number.len() - 1);
        number[bit / 8] ^= 1 << (bit % 8);
        let is_clamped = key.name == "x25519" && (bit / 8 == 0 || bit / 8 == 31);
        prop_assume!(!is_clamped);
        let (core, _) = planted(&codec, &[&(name, number, bits)], 0x9000, 0, 0);
        let outcome = scan(&scanner(Some(key), key.numbers.len() == 1), &core);
        prop_assert!(outcome.findings.is_empty(), "{} {}: {:?}", key.name, codec.name, outcome.findings);
    }
}

#[test]
fn a_file_without_addresses_is_searched_at_every_byte() {
    for (name, codec, number) in [
        ("rsa2048", "raw.limbs-le", 0),
        ("p256", "raw.limbs-le", 0),
        ("rsa2048", "raw.digits30", 2),
    ] {
        let key = named(name);
        let (component, number, bits) = &key.numbers[number];
        let bytes = Codec::named(codec)
            .unwrap()
            .encode(&limbs_of(number), *bits)
            .unwrap();
        for skip in 0..8 {
            let mut data = vec![0; 4096 + skip];
            data.extend_from_slice(&bytes);
            data.extend_from_slice(&[0; 300]);
            let outcome = scan(&scanner(Some(key), false), &data);
            let found = outcome.findings.first();
            assert!(
                found.is_some_and(|found| found.places.iter().any(|place| {
                    place.component == *component && place.pieces[0].offset == 4096 + skip as u64
                })),
                "{name} {codec} at {skip}: {:?}",
                outcome.findings
            );
        }
    }
}

#[test]
fn numbers_across_a_seam_are_found() {
    for name in ["rsa2048", "p256"] {
        let key = named(name);
        let (component, number, bits) = &key.numbers[0];
        let codec = Codec::named("raw.limbs-le").unwrap();
        let bytes = codec.encode(&limbs_of(number), *bits).unwrap();
        let half = bytes.len() / 2;
        let mut low = memory(0);
        let mut high = memory(0x2_0000);
        let end = low.len();
        low[end - half - 32..end - half].fill(0);
        low[end - half..].copy_from_slice(&bytes[..half]);
        high[..half].copy_from_slice(&bytes[half..]);
        high[half..half + 32].fill(0);
        // The upper half comes first in the file.
        let core = elf_core(
            &[
                Segment::new(BASE + MEMORY as u64, high),
                Segment::new(BASE, low),
            ],
            64,
        );
        let outcome = scan(&scanner(Some(key), false), &core);
        let found = outcome
            .findings
            .first()
            .unwrap_or_else(|| panic!("{name}: nothing found"));
        assert_eq!(found.proof, Proof::Arithmetic);
        let place = found
            .places
            .iter()
            .find(|place| place.component == *component)
            .unwrap();
        assert_eq!(place.pieces.len(), 2, "{name}");
        assert!(place.pieces[0].offset > place.pieces[1].offset);
    }
}

#[test]
fn a_question_is_answered_in_so_many_words() {
    let key = named("rsa2048");
    let core = elf_core(&[Segment::new(BASE, memory(0))], 0);
    let outcome = scan(&scanner(Some(key), false), &core);
    assert_eq!(
        outcome.asked[0].answer,
        Answer::NotFound { public_places: 0 }
    );
    let only_named = Question {
        spki_sha256: key.identity.fingerprint(),
        identity: None,
        origin: None,
    };
    let builder = Scanner::builder()
        .threads(1)
        .asked(vec![only_named.clone()]);
    let outcome = scan(&builder.build().unwrap(), &core);
    assert_eq!(outcome.asked[0].answer, Answer::NotFoundWritten);
    // Where its public key lies in the dump the fingerprint is enough to look for its numbers.
    let codec = Codec::named("raw.limbs-le").unwrap();
    let (mut core, _) = planted(codec, &[&written(key, 0, codec)], 0x9000, 0, 0);
    let end = core.len() - 0x2000;
    let spki = common::key("rsa2048.spki.der");
    core[end..end + spki.len()].copy_from_slice(&spki);
    let builder = Scanner::builder().threads(1).asked(vec![only_named]);
    let outcome = scan(&builder.build().unwrap(), &core);
    assert_eq!(outcome.asked[0].answer, Answer::Found(Proof::Arithmetic));
}

#[test]
fn noise_holds_no_number() {
    let key = named("rsa2048");
    for seed in 0..4 {
        let outcome = scan(&scanner(Some(key), false), &noise(256 << 10, seed));
        assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    }
}

/// Memory of a real process with `parts` at their places.
fn with_parts(parts: &[(usize, &[u8])], from: usize) -> Vec<u8> {
    let mut memory = memory(from);
    for (at, bytes) in parts {
        memory[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    elf_core(&[Segment::new(BASE, memory)], 0)
}

/// The public half as it stands at the end of a SubjectPublicKeyInfo.
fn public_bytes(name: &str, length: usize) -> Vec<u8> {
    let spki = key(&format!("{name}.spki.der"));
    spki[spki.len() - length..].to_vec()
}

fn is_proven(outcome: &DumpOutcome, key: &Key) -> bool {
    outcome.findings.iter().any(|finding| {
        finding.spki_sha256 == Some(key.identity.fingerprint())
            && finding.proof == Proof::Arithmetic
    })
}
