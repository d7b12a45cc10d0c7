//! What one thing in a dump tells of another, and what it must not: public keys of another dump, exponents, and private
//! numbers that look like public ones.

use super::*;
use dumpgate::crypto::{Fingerprint, PublicKey};

/// A core of real memory with each of `parts` in a page of its own, between zeros.
pub fn core_of(parts: &[&[u8]]) -> Vec<u8> {
    let mut memory = memory(0x1_0000);
    for (index, part) in parts.iter().enumerate() {
        let at = 0x4000 * (index + 1);
        memory[at - 64..at + part.len() + 64].fill(0);
        memory[at..at + part.len()].copy_from_slice(part);
    }
    elf_core(&[Segment::new(BASE, memory)], 0)
}

fn limbs(number: &(&str, Vec<u8>, u32)) -> Vec<u8> {
    let (_, number, bits) = number;
    let codec = Codec::named("raw.limbs-le").unwrap();
    codec.encode(&limbs_of(number), *bits).unwrap().to_vec()
}

pub fn hexadecimal(number: &[u8]) -> Vec<u8> {
    let text: String = number.iter().map(|byte| format!("{byte:02x}")).collect();
    text.into_bytes()
}

fn modulus(key: &Key) -> &[u8] {
    match key.identity.key() {
        PublicKey::Rsa { n, .. } => n,
        _ => panic!("{} is no RSA key", key.name),
    }
}

/// The fingerprints of the public keys of some as many bits as `key` has, and whether their exponents are assumed; but
/// for those of the memory itself.
fn listed(outcome: &DumpOutcome, key: &Key) -> Vec<(String, bool)> {
    static BEFORE: OnceLock<Vec<Fingerprint>> = OnceLock::new();
    let before = BEFORE.get_or_init(|| {
        let outcome = scan(&scanner(None, false), &core_of(&[]));
        let keys = outcome.public_keys.iter();
        keys.map(|public| public.spki_sha256).collect()
    });
    let of_its_size = |bits: u32| bits.abs_diff(key.identity.key().bits()) < 64;
    let keys = outcome
        .public_keys
        .iter()
        .filter(|public| of_its_size(public.bits) && !before.contains(&public.spki_sha256));
    keys.map(|public| (public.spki_sha256.to_string(), public.e_assumed))
        .collect()
}

#[test]
fn a_public_key_of_one_dump_proves_nothing_in_another() {
    for (name, is_deep) in [
        ("rsa2048", false),
        ("p256", true),
        ("ed25519", true),
        ("x25519", true),
    ] {
        let key = named(name);
        let spki = common::key(&format!("{name}.spki.der"));
        let (component, number, _) = &key.numbers[0];
        let (private, form) = match is_string(key) {
            true => (number.clone(), "raw.bytes"),
            false => (limbs(&key.numbers[0]), "raw.limbs-le"),
        };
        let scanner = scanner(None, is_deep);
        let public = scan(&scanner, &core_of(&[&spki]));
        assert_eq!(
            listed(&public, key),
            [(key.identity.fingerprint().to_string(), false)],
            "{name}"
        );
        assert!(public.findings.is_empty(), "{name}: {:?}", public.findings);
        let alone = scan(&scanner, &core_of(&[&private]));
        assert!(alone.findings.is_empty(), "{name}: {:?}", alone.findings);
        let both = scan(&scanner, &core_of(&[&private, &spki]));
        assert!(
            is_found(&both, key, form, component, 0x4000),
            "{name}: {:?}",
            both.findings
        );
    }
}

#[test]
fn a_bare_modulus_takes_its_own_exponent_from_whatever_tells_it() {
    let key = named("rsa2048e3");
    let name = key.identity.fingerprint();
    let bare = hexadecimal(modulus(key));
    let prime = limbs(&key.numbers[0]);
    let exponent = limbs(&key.numbers[2]);
    let spki = common::key("rsa2048e3.spki.der");
    let whole = common::key("rsa2048e3.pkcs1.der");

    let assumed = scan(&scanner(None, false), &core_of(&[&bare, &prime]));
    let [finding] = &assumed.findings[..] else {
        panic!("one finding: {:?}", assumed.findings)
    };
    assert!(finding.e_assumed && finding.spki_sha256 != Some(name));
    let public = listed(&assumed, key);
    assert!(matches!(public[..], [(_, true)]), "{public:?}");

    for (teller, part) in [
        ("d", &exponent),
        ("certificate", &spki),
        ("structure", &whole),
    ] {
        for parts in [[&bare, &prime, part], [part, &bare, &prime]] {
            let outcome = scan(
                &scanner(None, false),
                &core_of(&parts.map(|part| &part[..])),
            );
            let [finding] = &outcome.findings[..] else {
                panic!("{teller}: one finding: {:?}", outcome.findings)
            };
            assert_eq!(finding.spki_sha256, Some(name), "{teller}");
            assert!(!finding.e_assumed, "{teller}");
            assert!(
                finding
                    .places
                    .iter()
                    .any(|place| place.component == "prime"),
                "{teller}"
            );
            assert_eq!(
                listed(&outcome, key),
                [(name.to_string(), false)],
                "{teller}"
            );
        }
    }
    let asked = scan(&scanner(Some(key), false), &core_of(&[&bare, &prime]));
    assert_eq!(asked.findings.len(), 1);
    assert_eq!(asked.findings[0].spki_sha256, Some(name), "the user tells");
    assert_eq!(asked.asked[0].answer, Answer::Found(Proof::Arithmetic));
}

#[test]
fn private_numbers_of_a_proven_key_are_no_public_keys() {
    let key = named("rsa2048");
    // As a text, a prime of 1024 bits looks like a modulus of so many.
    let text = hexadecimal(&key.numbers[0].1);
    let prime = limbs(&key.numbers[0]);
    let spki = common::key("rsa2048.spki.der");
    let moduli = |outcome: &DumpOutcome| {
        let small = outcome.public_keys.iter().filter(|key| key.bits == 1024);
        small.filter(|key| key.e_assumed).count()
    };
    let before = moduli(&scan(&scanner(None, false), &core_of(&[])));
    let alone = scan(&scanner(None, false), &core_of(&[&text]));
    assert_eq!(
        moduli(&alone),
        before + 1,
        "nothing tells it from a modulus"
    );
    for parts in [[&text, &spki, &prime], [&prime, &spki, &text]] {
        let outcome = scan(
            &scanner(None, false),
            &core_of(&parts.map(|part| &part[..])),
        );
        let places = &outcome.findings[0].places;
        assert!(places.iter().any(|place| place.form == "text.hex"));
        assert_eq!(moduli(&outcome), before, "{:?}", outcome.public_keys);
        let name = key.identity.fingerprint().to_string();
        assert_eq!(listed(&outcome, key), [(name, false)]);
    }
}
