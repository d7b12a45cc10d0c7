//! Copies planted into real memory are found, and nothing else is.

mod seams;

use super::*;
use crate::crypto::material::{
    CRT_COEFFICIENT, CRT_COEFFICIENT_MONTGOMERY, CRT_EXPONENT, EXPANDED_SCALAR, MONTGOMERY_SQUARE,
    Material, PRIME, PRIVATE_EXPONENT, SCALAR, SCALAR_MONTGOMERY, SEED,
};
use crate::crypto::{Curve, Identity, PublicKey, edwards, test_keys};
use crate::memory::{Label, MemoryMap, Owners};
use crate::secret::Secret;
use crate::sweep::codec::{CODECS, Class, Codec, limbs_of};
use base64ct::Encoding as _;
use crypto_bigint::BoxedUint;
use proptest::prelude::*;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A place as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    start: usize,
    end: usize,
    form: &'static str,
    component: &'static str,
    encoding: &'static str,
    /// Bytes present and expected.
    fragment: Option<(u64, u64)>,
}

/// A key with its private numbers.
fn key(public: PublicKey, material: Option<Material>) -> Key {
    Key::proven(Arc::new(Identity::new(public)), material.unwrap())
}

fn rsa(file: &str) -> Key {
    let numbers = test_keys::rsa_key(file);
    let public = PublicKey::rsa(&numbers.n, &numbers.e).unwrap();
    key(
        public,
        Material::rsa_from_factor(&numbers.n, Secret::new(&numbers.p)),
    )
}

fn ec(curve: Curve, seed: u64) -> Key {
    let mut scalar = noise(curve.field_bytes(), seed);
    scalar[0] = 0;
    let public = PublicKey::Ec {
        curve,
        point: curve.derive(&scalar).unwrap(),
    };
    let material = Material::on_curve(&public, &scalar);
    key(public, material)
}

fn native(algorithm: &str, seed: u64) -> Key {
    let secret = noise(57, seed);
    let short: [u8; 32] = secret[..32].try_into().unwrap();
    let (public, length) = match algorithm {
        "Ed25519" => (PublicKey::Ed25519(edwards::ed25519_public(&short)), 32),
        "X25519" => (PublicKey::X25519(edwards::x25519_public(&short)), 32),
        "Ed448" => {
            let seed = secret[..57].try_into().unwrap();
            (PublicKey::Ed448(edwards::ed448_public(&seed).unwrap()), 57)
        }
        _ => {
            let scalar = secret[..56].try_into().unwrap();
            (PublicKey::X448(edwards::x448_public(&scalar).unwrap()), 56)
        }
    };
    let material = Material::on_curve(&public, &secret[..length]);
    key(public, material)
}

/// One key of each kind.
fn keys() -> Vec<Key> {
    let curves = Curve::ALL.into_iter().zip(1..);
    let natives = ["Ed25519", "X25519", "Ed448", "X448"].into_iter().zip(20..);
    let rsa_keys = [
        "rsa1024.pkcs1.der",
        "rsa2048.pkcs1.der",
        "rsa3072.pkcs1.der",
    ];
    rsa_keys
        .into_iter()
        .map(rsa)
        .chain(curves.map(|(curve, seed)| ec(curve, seed)))
        .chain(natives.map(|(algorithm, seed)| native(algorithm, seed)))
        .collect()
}

fn numbers(key: &Key) -> Vec<Number> {
    let public = key.public.as_ref().unwrap().key();
    key.material.as_ref().unwrap().all(public)
}

/// Bytes without structure.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let bytes = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    });
    bytes.take(length).collect()
}

/// Real memory without any of the keys: some 2 MiB.
fn memory() -> &'static [u8] {
    static MEMORY: OnceLock<Vec<u8>> = OnceLock::new();
    MEMORY.get_or_init(|| {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        let mut core =
            std::fs::read(samples.join("clean-lua-verifier/clean-lua-verifier.core")).unwrap();
        let whole = core.clone();
        while core.len() < 5 << 19 {
            core.extend_from_slice(&whole);
        }
        core.truncate(5 << 19);
        core
    })
}

fn raw(data: &[u8]) -> MemoryMap {
    MemoryMap::raw(data.len() as u64)
}

/// What is seen of `keys` in `data`.
fn search(copies: &Copies, data: &[u8], map: &MemoryMap) -> Vec<Seen> {
    let sweep = copies.search(&Space::new(data, map, 8), &Covered::default());
    assert!(sweep.searches.iter().all(|search| search.complete));
    let seen = sweep.sightings.into_iter().map(|swept| {
        let Sighting::Key(evidence) = swept.sighting else {
            panic!("a copy is a key")
        };
        assert_eq!(evidence.key.proof, Proof::Arithmetic);
        let length: u64 = swept.pieces.iter().map(|piece| piece.length).sum();
        let start = swept.pieces[0].offset as usize;
        Seen {
            start,
            end: start + length as usize,
            form: evidence.form,
            component: evidence.component,
            encoding: evidence.encoding,
            fragment: evidence
                .fragment
                .map(|fragment| (fragment.present, fragment.expected.unwrap())),
        }
    });
    seen.collect()
}

/// How a number lies in memory: form, encoding, bytes, and the part of them that is the number itself.
struct Planted {
    form: &'static str,
    encoding: &'static str,
    bytes: Vec<u8>,
    inside: Range<usize>,
}

/// All ways to write a number, by other means than the search's.
fn planted(number: &Number) -> Vec<Planted> {
    let bytes = &number.bytes[..];
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    let mut forms = Vec::new();
    let mut add = |form, encoding, bytes: Vec<u8>, inside| {
        forms.push(Planted {
            form,
            encoding,
            bytes,
            inside,
        });
    };
    for codec in CODECS {
        let encoded = |bytes: &[u8]| match codec.name {
            "raw.bytes-be" => bytes.to_vec(),
            _ if number.is_plain() => codec
                .encode(&limbs_of(bytes), number.bits)
                .unwrap()
                .to_vec(),
            _ => codec
                .encode(&limbs_of(bytes), crate::bytes::bit_length(bytes))
                .unwrap()
                .to_vec(),
        };
        let forwards = encoded(bytes);
        let whole = 0..forwards.len();
        add(codec.name, "raw", forwards, whole);
        // A string may be read as a number with its lowest byte first; in limbs and bytes that is either of these.
        if number.is_plain() && !matches!(codec.name, "raw.limbs-le" | "raw.bytes-be") {
            let backwards = encoded(&reversed);
            let whole = 0..backwards.len();
            add(codec.name, "raw", backwards, whole);
        }
    }
    let colons: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = colons.concat();
    let lines: Vec<String> = colons
        .chunks(15)
        .map(|line| format!("    {}:", line.join(":")))
        .collect();
    let openssl = lines.join("\n");
    let folded: Vec<&str> = hex
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let mut texts = vec![
        ("text.hex", hex.clone(), 0..hex.len()),
        ("text.hex", hex.to_uppercase(), 0..hex.len()),
        (
            "text.hex",
            colons.join(" ").to_uppercase(),
            0..3 * bytes.len() - 1,
        ),
        ("text.hex", openssl.clone(), 4..openssl.len() - 1),
        ("text.hex", folded.join("\\n"), 0..folded.join("\\n").len()),
    ];
    let orders: &[&[u8]] = if number.is_plain() {
        &[bytes, &reversed]
    } else {
        &[bytes]
    };
    for bytes in orders {
        let decimal = BoxedUint::from_be_slice_vartime(bytes).to_string_radix_vartime(10);
        let decimal = decimal.trim_start_matches('0').to_owned();
        texts.push(("text.decimal", decimal.clone(), 0..decimal.len()));
    }
    for lead in 0..3 {
        for line in [0, 64, 76] {
            for is_url in [false, true] {
                let whole = [&b"\xa5\x5a"[..lead], bytes, &b"\xa5\x5a\xa5"[..3 - lead]].concat();
                let text = if is_url {
                    base64ct::Base64Url::encode_string(&whole)
                } else {
                    base64ct::Base64::encode_string(&whole)
                };
                let breaks = if is_url { "\\r\\n" } else { "\n" };
                let first = 8 * lead / 6;
                let last = (8 * (lead + bytes.len())).div_ceil(6);
                let at = |character: usize| {
                    let before = character.checked_div(line).unwrap_or(0);
                    character + before * breaks.len()
                };
                let range = at(first)..at(last - 1) + 1;
                let lines: Vec<&str> = match line {
                    0 => vec![&text],
                    _ => text
                        .as_bytes()
                        .chunks(line)
                        .map(|line| std::str::from_utf8(line).unwrap())
                        .collect(),
                };
                texts.push(("text.base64", lines.join(breaks), range));
            }
        }
    }
    for (form, text, inside) in texts {
        add(form, "ascii", text.clone().into_bytes(), inside.clone());
        let wide = 2 * inside.start..2 * inside.end;
        let units = || text.bytes().map(u16::from);
        add(
            form,
            "utf16le",
            units().flat_map(u16::to_le_bytes).collect(),
            wide.clone(),
        );
        add(
            form,
            "utf16be",
            units().flat_map(u16::to_be_bytes).collect(),
            wide,
        );
    }
    forms
}

/// Where a planted number starts: at an odd place, across a border of blocks, at the end.
fn places(length: usize, even: bool, data: &[u8]) -> [usize; 3] {
    let odd = |at: usize| if even { at & !1 } else { at | 1 };
    [
        odd(0x4321),
        odd(CHUNK - length / 2),
        odd(data.len() - length - 5),
    ]
}

#[test]
fn every_component_is_found_in_every_form_anywhere() {
    for key in &keys() {
        let copies = Copies::arm(std::slice::from_ref(key)).unwrap();
        let indices = indices(&copies);
        let mut data = memory().to_vec();
        let map = raw(&data);
        assert_eq!(
            search(&copies, &data, &map),
            [],
            "in memory without the key"
        );
        for (index, number) in numbers(key).iter().enumerate() {
            for (turn, form) in planted(number).into_iter().enumerate() {
                // Each form at one of the places in turn; the key with the most forms at all of them.
                let at = places(form.bytes.len(), form.encoding.starts_with("utf16"), &data)
                    [(index + turn) % 3];
                let before = data[at..at + form.bytes.len()].to_vec();
                data[at..at + form.bytes.len()].copy_from_slice(&form.bytes);
                let own =
                    at.saturating_sub(0x2000)..(at + form.bytes.len() + 0x2000).min(data.len());
                let seen = near(&copies, &indices, &data, own);
                let expected = Seen {
                    start: at + form.inside.start,
                    end: at + form.inside.end,
                    form: form.form,
                    component: number.component,
                    encoding: form.encoding,
                    fragment: None,
                };
                assert_eq!(seen, [expected], "{} {}", number.component, turn);
                data[at..at + form.bytes.len()].copy_from_slice(&before);
            }
        }
    }
}

/// The same as [`search`], but only round some place, to save time.
fn near(copies: &Copies, indices: &[Index], data: &[u8], own: Range<usize>) -> Vec<Seen> {
    let ground = Ground {
        data,
        address: &|at| Some(at as u64),
        together: &|_| 0..data.len(),
    };
    let mut runs = Vec::new();
    for index in indices {
        let mut start = own.start;
        while start < own.end {
            let end = own.end.min((start / CHUNK + 1) * CHUNK);
            runs.extend(run::find(index, &ground, start..end));
            start = end;
        }
    }
    copies.keep_outermost(&mut runs);
    let seen = runs.into_iter().map(|run| Seen {
        start: run.range.start,
        end: run.range.end,
        form: run.form.name(),
        component: copies.numbers[run.number].1,
        encoding: run.encoding,
        fragment: run
            .fragment
            .map(|fragment| (fragment.present, fragment.expected.unwrap())),
    });
    seen.collect()
}

fn indices(copies: &Copies) -> Vec<Index> {
    copies.passes.iter().map(|pass| Index::new(pass)).collect()
}

/// The parts of a planted number that lie undamaged: what is to be found of it.
fn remains(number: &Number, codec: &Codec, at: usize, damaged: &[Range<usize>]) -> Vec<Seen> {
    let bits = crate::bytes::bit_length(&number.bytes);
    let length = codec.length(bits);
    let mut cuts: Vec<usize> = damaged
        .iter()
        .flat_map(|range| [range.start, range.end])
        .collect();
    cuts.insert(0, 0);
    cuts.push(length);
    let size = codec.digit().bytes();
    let parts = cuts.chunks(2).map(|pair| pair[0]..pair[1]).filter(|part| {
        let bits = match codec.class() {
            Class::Random => 8 * part.len(),
            _ => {
                (part.end / size).saturating_sub(part.start.div_ceil(size))
                    * codec.digit().bits() as usize
            }
        };
        bits >= 128
    });
    let seen = parts.map(|part| Seen {
        start: at + part.start,
        end: at + part.end,
        form: codec.name,
        component: number.component,
        encoding: "raw",
        fragment: Some((part.len() as u64, length as u64)),
    });
    seen.collect()
}

#[test]
fn remains_that_allocators_leave_are_found() {
    // Remains of a scalar are remains of the clamped one as well.
    let is_clamped = |key: &&Key| {
        let public = key.public.as_ref().unwrap().key();
        matches!(public, PublicKey::X25519(_) | PublicKey::X448(_))
    };
    for key in keys().iter().filter(|key| !is_clamped(key)) {
        let copies = Copies::arm(std::slice::from_ref(key)).unwrap();
        let indices = indices(&copies);
        let mut data = memory().to_vec();
        let numbers = numbers(key).into_iter().filter(|number| !number.is_plain());
        for (turn, number) in numbers.enumerate() {
            let bits = crate::bytes::bit_length(&number.bytes);
            for (other, codec) in CODECS.iter().enumerate() {
                let encoded = codec.encode(&limbs_of(&number.bytes), bits).unwrap();
                let length = encoded.len();
                let middle = length / 2 + (turn + other) % 5;
                for damaged in [
                    0..16,
                    0..32,
                    length - 16..length,
                    length.saturating_sub(32)..length,
                    middle..middle + 1,
                ] {
                    let damaged = damaged.start.min(length)..damaged.end.min(length);
                    let at = places(length, false, &data)[(turn + other) % 3];
                    let before = data[at..at + length].to_vec();
                    data[at..at + length].copy_from_slice(&encoded);
                    for byte in &mut data[at..][damaged.clone()] {
                        *byte ^= 0x99;
                    }
                    let own = at - 0x100..at + length + 5;
                    let expected = remains(&number, codec, at, std::slice::from_ref(&damaged));
                    let seen = near(&copies, &indices, &data, own);
                    assert_eq!(seen, expected, "{} {damaged:?} of {length}", codec.name);
                    data[at..at + length].copy_from_slice(&before);
                }
            }
        }
    }
}

#[test]
fn lines_of_a_text_without_its_head_are_found() {
    let key = rsa("rsa2048.pkcs1.der");
    let copies = Copies::arm(std::slice::from_ref(&key)).unwrap();
    let der = test_keys::read("rsa2048.pkcs1.der");
    let text = base64ct::Base64::encode_string(&der);
    let lines: Vec<&[u8]> = text.as_bytes().chunks(64).collect();
    // The modulus ends in the sixth line.
    for (number, line) in lines.iter().enumerate().skip(6) {
        if line.len() < 64 {
            continue;
        }
        let mut data = memory().to_vec();
        let at = 0x12345;
        data[at..at + 64].copy_from_slice(line);
        data[at + 64] = b'\n';
        let seen = search(&copies, &data, &raw(&data));
        let covered: usize = seen.iter().map(|place| place.end - place.start).sum();
        assert!(
            seen.iter()
                .all(|place| place.form == "text.base64" && place.fragment.is_some())
        );
        assert!(
            seen.iter()
                .all(|place| at <= place.start && place.end <= at + 64)
        );
        // A head of four bytes stands between two numbers, and less than 16 bytes of one do not count.
        assert!(
            (38..=64).contains(&covered),
            "line {number}: {covered} characters"
        );
    }
}

#[test]
fn many_keys_take_few_passes_and_each_is_found() {
    let secret = |seed: u64| native("Ed25519", 1000 + seed);
    let many: Vec<Key> = (0..300).map(secret).chain(keys()).collect();
    let copies = Copies::arm(&many).unwrap();
    assert!((1..=2).contains(&copies.passes()));
    let mut data = memory().to_vec();
    let mut at = 0x1003;
    for key in &many {
        let bytes = &numbers(key)[0].bytes;
        data[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len() + 3;
    }
    let seen = search(&copies, &data, &raw(&data));
    assert_eq!(seen.len(), many.len());
    assert!(seen.iter().all(|place| place.fragment.is_none()));
}

#[test]
fn numbers_that_someone_made_find_no_zeros() {
    assert!(Copies::arm(&[]).is_none());
    let mut scalar = [0; 32];
    scalar[0] = 0x80;
    scalar[31] = 1;
    let public = PublicKey::Ec {
        curve: Curve::P256,
        point: Curve::P256.derive(&scalar).unwrap(),
    };
    let material = Material::on_curve(&public, &scalar);
    let copies = Copies::arm(&[key(public, material)]).unwrap();
    let data = [&[0; 1 << 16][..], &scalar, &[0; 99]].concat();
    assert_eq!(search(&copies, &data, &raw(&data)), []);
}

#[test]
fn components_have_the_names_of_reports() {
    let components = |key: &Key| {
        let names = numbers(key).into_iter().map(|number| number.component);
        Vec::from_iter(std::collections::BTreeSet::from_iter(names))
    };
    let rsa_names = [
        CRT_COEFFICIENT,
        CRT_COEFFICIENT_MONTGOMERY,
        CRT_EXPONENT,
        MONTGOMERY_SQUARE,
        PRIME,
        PRIVATE_EXPONENT,
    ];
    assert_eq!(components(&rsa("rsa1024.pkcs1.der")), rsa_names);
    assert_eq!(components(&ec(Curve::P256, 5)), [SCALAR, SCALAR_MONTGOMERY]);
    assert_eq!(components(&native("Ed25519", 5)), [EXPANDED_SCALAR, SEED]);
    assert_eq!(components(&native("Ed448", 5)), [SEED]);
    assert_eq!(components(&native("X25519", 5)), [SCALAR]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_piece_that_counts_is_found(
        codec in prop::sample::select(CODECS),
        number in 0..9usize,
        ends in any::<[prop::sample::Index; 2]>(),
        at in 0..4096usize,
        seed in any::<u64>(),
    ) {
        static ARMED: OnceLock<(Copies, Vec<Index>, Vec<Number>)> = OnceLock::new();
        let (copies, indices, numbers) = ARMED.get_or_init(|| {
            let key = rsa("rsa1024.pkcs1.der");
            let copies = Copies::arm(std::slice::from_ref(&key)).unwrap();
            let indices = indices(&copies);
            (copies, indices, numbers(&key))
        });
        let number = &numbers[number % numbers.len()];
        let bits = crate::bytes::bit_length(&number.bytes);
        let encoded = codec.encode(&limbs_of(&number.bytes), bits).unwrap();
        let length = encoded.len();
        let [one, other] = ends.map(|end| end.index(length + 1));
        let part = one.min(other)..one.max(other);
        let mut data = noise(16 << 10, seed);
        data[at..at + length].copy_from_slice(&encoded);
        let damaged = [0..part.start, part.end..length];
        for range in &damaged {
            data[at..][range.clone()].iter_mut().for_each(|byte| *byte ^= 0x99);
        }
        let mut expected = remains(number, &codec, at, &damaged);
        for place in &mut expected {
            if place.end - place.start == length {
                place.fragment = None;
            }
        }
        prop_assert_eq!(near(copies, indices, &data, 0..16 << 10), expected);
    }
}
