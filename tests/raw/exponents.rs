//! Public exponents that nothing tells but the private numbers: a bare modulus with d, with a prime and dp, and with a
//! question by the user.

use super::between::{core_of, hexadecimal};
use super::*;
use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, Resize};
use dumpgate::crypto::PublicKey;
use dumpgate::finding::Finding;

/// An RSA key of some public exponent: its numbers big-endian.
struct Odd {
    e: u64,
    identity: Arc<Identity>,
    n: Vec<u8>,
    p: Vec<u8>,
    d: Vec<u8>,
    dp: Vec<u8>,
    dq: Vec<u8>,
}

fn integer(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

fn trimmed(number: &BoxedUint) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    bytes
        .iter()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect()
}

/// e^-1 modulo `modulus`, if there is one.
fn inverse(e: u64, modulus: &BoxedUint) -> Option<Vec<u8>> {
    let e = BoxedUint::from(e).resize(modulus.bits_precision());
    let inverse = e
        .invert_mod(&modulus.to_nz().into_option()?)
        .into_option()?;
    Some(trimmed(&inverse))
}

/// The primes of the first test key that go with e.
fn odd(e: u64) -> Odd {
    let of = |name: &str| {
        let [p, q] = [0, 1].map(|index| named(name).numbers[index].1.clone());
        let one = BoxedUint::one();
        let [p1, q1] = [&p, &q].map(|prime| integer(prime).wrapping_sub(&one));
        let common = p1.gcd(&q1).to_nz().into_option()?;
        let lambda = p1.concatenating_mul(q1.div_rem_vartime(&common).0);
        let n = trimmed(&integer(&p).concatenating_mul(&integer(&q)));
        Some(Odd {
            e,
            identity: Arc::new(Identity::new(PublicKey::rsa(&n, &e.to_be_bytes())?)),
            d: inverse(e, &lambda)?,
            dp: inverse(e, &p1)?,
            dq: inverse(e, &q1)?,
            n,
            p,
        })
    };
    let names = ["rsa2048", "rsa2048e3", "rsa1024", "rsa3072"];
    let key = names.into_iter().find_map(of);
    key.unwrap_or_else(|| panic!("e = {e} goes with no key"))
}

fn encoded(codec: &str, number: &[u8], bits: usize) -> Vec<u8> {
    let codec = Codec::named(codec).unwrap();
    codec
        .encode(&limbs_of(number), bits as u32)
        .unwrap()
        .to_vec()
}

fn only<'o>(outcome: &'o DumpOutcome, what: &str) -> &'o Finding {
    let [finding] = &outcome.findings[..] else {
        panic!("{what}: one finding: {:?}", outcome.findings)
    };
    assert_eq!(finding.proof, Proof::Arithmetic, "{what}");
    finding
}

fn has(finding: &Finding, component: &str) -> bool {
    let mut places = finding.places.iter();
    places.any(|place| place.component == component)
}

fn scope<'o>(outcome: &'o DumpOutcome, name: &str) -> &'o str {
    let search = outcome.searches.iter().find(|search| search.name == name);
    &search.unwrap_or_else(|| panic!("{name} ran")).scope
}

const EXPONENTS: [u64; 11] = [
    3,
    17,
    35,
    257,
    641,
    4097,
    65537,
    65539,
    1_000_003,
    0x7fff_ffff,
    0xfff1_2347,
];

#[test]
fn d_alone_tells_any_exponent_below_2_to_the_32_of_a_bare_modulus() {
    for e in EXPONENTS {
        let key = odd(e);
        let bare = hexadecimal(&key.n);
        for codec in ["raw.limbs-le", "raw.bytes-be", "raw.digits30"] {
            let d = encoded(codec, &key.d, 8 * key.n.len());
            let outcome = scan(&scanner(None, false), &core_of(&[&bare, &d]));
            let finding = only(&outcome, &format!("e = {e}, {codec}"));
            assert_eq!(
                finding.spki_sha256,
                Some(key.identity.fingerprint()),
                "e = {e}"
            );
            assert!(
                !finding.e_assumed && has(finding, "private-exponent"),
                "e = {e}"
            );
            let scope = scope(&outcome, "rsa-private-exponents");
            assert!(scope.contains("any odd one below 2^32"), "{scope}");
        }
        let text = hexadecimal(&key.d);
        let outcome = scan(&scanner(None, false), &core_of(&[&bare, &text]));
        let finding = only(&outcome, &format!("e = {e}, text"));
        assert_eq!(
            finding.spki_sha256,
            Some(key.identity.fingerprint()),
            "e = {e}"
        );
    }
}

#[test]
fn dp_or_dq_tells_any_exponent_once_a_prime_is_known() {
    for e in EXPONENTS {
        let key = odd(e);
        let bare = hexadecimal(&key.n);
        let half = 4 * key.n.len();
        let prime = encoded("raw.limbs-le", &key.p, half);
        for (name, number) in [("dp", &key.dp), ("dq", &key.dq)] {
            let exponents = [
                encoded("raw.limbs-le", number, half),
                encoded("raw.bytes-be", number, half),
                encoded("raw.digits30", number, half),
                hexadecimal(number),
            ];
            for exponent in exponents {
                // Before and behind the prime.
                for parts in [[&bare, &prime, &exponent], [&exponent, &bare, &prime]] {
                    let parts = parts.map(|part| &part[..]);
                    let outcome = scan(&scanner(None, false), &core_of(&parts));
                    let what = format!("e = {e}, {name}");
                    let finding = only(&outcome, &what);
                    let name = key.identity.fingerprint();
                    assert_eq!(finding.spki_sha256, Some(name), "{what}");
                    assert!(!finding.e_assumed && has(finding, "crt-exponent"), "{what}");
                    let scope = scope(&outcome, "rsa-public-exponents");
                    assert!(scope.ends_with("1 told"), "{scope}");
                    let mut public = outcome.public_keys.iter();
                    let public = public.find(|key| key.spki_sha256 == name);
                    assert!(public.is_some_and(|key| !key.e_assumed), "{what}");
                }
            }
        }
    }
}

#[test]
fn numbers_that_are_no_exponents_of_the_key_tell_nothing() {
    let key = odd(641);
    let other = odd(65539);
    let half = 4 * key.n.len();
    let bare = hexadecimal(&key.n);
    let prime = encoded("raw.limbs-le", &key.p, half);
    let mut changed = key.dp.clone();
    *changed.last_mut().unwrap() ^= 2;
    let foreign = named("rsa2048e3").numbers[3].1.clone();
    for number in [&changed, &foreign] {
        let number = encoded("raw.limbs-le", number, half);
        let outcome = scan(&scanner(None, false), &core_of(&[&bare, &prime, &number]));
        let finding = only(&outcome, "another number");
        assert!(finding.e_assumed && !has(finding, "crt-exponent"));
        let assumed = Identity::new(PublicKey::rsa(&key.n, &[1, 0, 1]).unwrap());
        assert_eq!(finding.spki_sha256, Some(assumed.fingerprint()));
        let scope = scope(&outcome, "rsa-public-exponents");
        assert!(scope.ends_with("0 told"), "{scope}");
    }
    assert_ne!(other.e, key.e);
}

/// The user asks for a key, by its public half or by its name; the dump holds a bare modulus and a prime.
#[test]
fn a_question_names_a_key_whose_exponent_nothing_in_the_dump_tells() {
    for (e, is_guessed) in [
        (3, true),
        (17, true),
        (35, true),
        (257, true),
        (641, true),
        (4097, true),
        (65537, true),
        (65539, true),
        (0x7fff_ffff, true),
        (1_000_003, false),
    ] {
        let key = odd(e);
        let prime = encoded("raw.limbs-le", &key.p, 4 * key.n.len());
        let core = core_of(&[&hexadecimal(&key.n), &prime]);
        let name = key.identity.fingerprint();
        for identity in [Some(key.identity.clone()), None] {
            let is_given = identity.is_some();
            let question = Question {
                spki_sha256: name,
                identity,
                origin: None,
            };
            let builder = Scanner::builder().threads(1).asked(vec![question]);
            let outcome = scan(&builder.build().unwrap(), &core);
            let what = format!("e = {e}, given: {is_given}");
            let finding = only(&outcome, &what);
            let is_told = is_given || is_guessed;
            assert_eq!(finding.spki_sha256 == Some(name), is_told, "{what}");
            assert_eq!(finding.e_assumed, !is_told, "{what}");
            let answer = match is_told {
                true => Answer::Found(Proof::Arithmetic),
                false => Answer::NotFoundWritten,
            };
            assert_eq!(outcome.asked[0].answer, answer, "{what}");
            if !is_given {
                let scope = scope(&outcome, "asked-fingerprints");
                assert_eq!(scope.contains(&format!(" {e},")), is_guessed, "{scope}");
            }
        }
    }
}

/// Whole keys in thousands of places: the numbers in each are no places of their own, listed or not.
#[test]
fn places_left_out_are_counted_once_each() {
    let pem = key("rsa2048.pkcs8.pem");
    let outcome = scan(&scanner(None, false), &pem.repeat(9000));
    let finding = only(&outcome, "9000 copies");
    assert_eq!((finding.places.len(), finding.places_omitted), (9000, 0));
    let incomplete = outcome.searches.iter().find(|search| !search.complete);
    assert_eq!(incomplete, None);
}
