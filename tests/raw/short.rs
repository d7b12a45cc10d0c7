//! Numbers that need one digit fewer than others of their size, between words that are no part of them.

use super::exponents::{Odd, encoded, odd};
use super::*;

/// The number in its own digits only, with a small number and an address round it.
fn crowded(codec: &str, number: &[u8]) -> Vec<u8> {
    let bits = 8 * number.len() as u32 - number[0].leading_zeros();
    let mut bytes = [&[0x77; 8][..], &0x22u64.to_le_bytes()].concat();
    bytes.extend(encoded(codec, number, bits as usize));
    bytes.extend([
        0x39, 0x12, 0xff, 0x7f, 0x55, 0x7f, 0, 0, 0x77, 0x77, 0x77, 0x77,
    ]);
    bytes
}

fn is_short(number: &[u8], bits: u32) -> bool {
    8 * number.len() as u32 - number[0].leading_zeros() <= bits
}

fn finds(identity: &Arc<Identity>, parts: &[(usize, &[u8])]) -> bool {
    let question = Question {
        spki_sha256: identity.fingerprint(),
        identity: Some(identity.clone()),
        origin: None,
    };
    let builder = Scanner::builder().threads(1).asked(vec![question]);
    let outcome = scan(&builder.build().unwrap(), &with_parts(parts, 0x1_0000));
    outcome.findings.iter().any(|finding| {
        finding.spki_sha256 == Some(identity.fingerprint()) && finding.proof == Proof::Arithmetic
    })
}

/// The key with the first odd public exponent that is such.
fn key_with(is: impl Fn(&Odd) -> bool) -> Odd {
    let primes = (65537..)
        .step_by(2)
        .filter(|e| (3..256).all(|divisor| e % divisor != 0));
    let mut keys = primes.map(odd);
    keys.find(is).unwrap()
}

#[test]
fn a_private_exponent_without_its_top_digit_is_found() {
    // 2048 bits are 73 digits of 28 bits and 4 bits, or 68 of 30 bits and 8 bits.
    for (bits, codecs) in [
        (
            2044,
            &[
                "raw.digits28",
                "raw.small-integers28",
                "raw.small-integers31-28",
                "raw.doubles28",
            ][..],
        ),
        (2040, &["raw.digits30", "raw.digits60", "raw.digits28"]),
    ] {
        let key = key_with(|key| key.n.len() == 256 && is_short(&key.d, bits));
        for codec in codecs {
            let bytes = crowded(codec, &key.d);
            assert!(
                finds(&key.identity, &[(0x9000, &bytes)]),
                "{codec}, {bits} bits"
            );
        }
    }
}

#[test]
fn crt_exponents_without_their_top_digit_are_found() {
    // 1024 bits are 34 digits of 30 bits and 4 bits.
    for are in [[true, false], [false, true], [true, true]] {
        let key = key_with(|key| {
            key.n.len() == 256 && [&key.dp, &key.dq].map(|number| is_short(number, 1020)) == are
        });
        let [one, two] = [&key.dp, &key.dq].map(|number| crowded("raw.digits30", number));
        let parts = [
            (0x9000, &one[..]),
            (0x9000 + one.len().next_multiple_of(16), &two[..]),
        ];
        assert!(finds(&key.identity, &parts), "{are:?}");
    }
}

#[test]
fn scalars_below_2_to_the_520_are_found() {
    let number = named("p521").numbers[0].1.clone();
    let short: Vec<u8> = number
        .iter()
        .copied()
        .skip_while(|byte| *byte < 2)
        .skip(1)
        .collect();
    let point = Curve::P521.derive(&short).unwrap();
    let public = dumpgate::crypto::PublicKey::ec(Curve::P521, &point).unwrap();
    let identity = Arc::new(Identity::new(public));
    for codec in [
        "raw.bytes-be",
        "raw.small-integers26",
        "raw.doubles26",
        "raw.digits30",
        "raw.digits28",
    ] {
        let bytes = crowded(codec, &short);
        assert!(finds(&identity, &[(0x9000, &bytes)]), "{codec}");
    }
}
