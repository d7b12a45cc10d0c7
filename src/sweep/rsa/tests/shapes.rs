//! Keys and texts of other shapes than the usual ones.

use super::*;
use crate::sweep::windows::bit_length as bits_of;

/// A prime of just `bits` bits.
fn prime_of(random: &mut Random, bits: u32) -> Vec<u8> {
    loop {
        let mut number: Vec<u8> = (0..bits.div_ceil(8)).map(|_| random.word() as u8).collect();
        let top = (bits - 1) % 8;
        number[0] = number[0] & ((2 << top) - 1) as u8 | 1 << top;
        *number.last_mut().unwrap() |= 1;
        let limbs = limbs_of(&number);
        let multiple = limbs_of(&times(&number, &[7]));
        if !has_small_factor(&limbs) && complete(&multiple, &limbs).is_some() {
            assert_eq!(bits_of(&limbs), bits);
            return number;
        }
    }
}

fn target(n: &[u8], e: &[u8], rank: Rank) -> Target {
    Target {
        identity: Arc::new(Identity::new(PublicKey::rsa(n, e).unwrap())),
        rank,
        e_assumed: false,
        places: Vec::new(),
    }
}

/// Bytes as good as random with `number` among them.
fn among_random(random: &mut Random, number: &[u8], at: usize) -> Vec<u8> {
    let mut data: Vec<u8> = (0..0x1000).map(|_| random.word() as u8).collect();
    data[at..at + number.len()].copy_from_slice(number);
    data
}

fn is_found(
    data: &[u8],
    target: Target,
    depth: Depth,
    place: (&'static str, &'static str, usize, usize),
) -> bool {
    let (form, component, at, length) = place;
    let sweep = swept(data, Some(0x7000), &[target], depth);
    places(&sweep).contains(&(form, component, at as u64, length as u64))
}

#[test]
fn primes_of_sizes_that_differ_by_a_bit_are_found() {
    let mut random = Random(21);
    let codec = Codec::named("raw.bytes-be").unwrap();
    for (parts, depth, rank) in [
        // As OpenSSL makes them, and two of an odd number of bits.
        (&[683, 683, 682][..], Depth::default(), Rank::User),
        (&[342, 341, 341], Depth::default(), Rank::User),
        (&[683, 683, 682], Depth { is_deep: true }, Rank::Own),
        (
            &[410, 410, 409, 409, 410],
            Depth { is_deep: true },
            Rank::Own,
        ),
        (&[513, 512], Depth::default(), Rank::Own),
    ] {
        let whole: u32 = parts.iter().sum();
        let primes = loop {
            let primes = parts.iter().map(|bits| prime_of(&mut random, *bits));
            let primes: Vec<Vec<u8>> = primes.collect();
            let n = primes.iter().fold(vec![1], |n, prime| times(&n, prime));
            if bit_length(&n) == whole {
                break primes;
            }
        };
        let n = primes.iter().fold(vec![1], |n, prime| times(&n, prime));
        for prime in &primes {
            let bits = bit_length(prime);
            let bytes = codec.encode(&limbs_of(prime), bits).unwrap();
            let data = among_random(&mut random, &bytes, 0x403);
            let place = (codec.name, "prime", 0x403, bytes.len());
            let target = target(&n, &[1, 0, 1], rank);
            assert!(is_found(&data, target, depth, place), "{bits} of {parts:?}");
        }
    }
}

#[test]
fn either_of_two_unequal_primes_is_found() {
    let mut random = Random(22);
    let codec = Codec::named("raw.limbs-le").unwrap();
    for (half, difference) in [
        (512, 1),
        (512, 24),
        (512, 63),
        (512, 64),
        (544, 1),
        (544, 40),
        (544, 64),
    ] {
        let [p, q] = [half + difference, half - difference].map(|bits| prime_of(&mut random, bits));
        let n = times(&p, &q);
        for prime in [&p, &q] {
            let bytes = codec
                .encode(&limbs_of(prime), bit_length(prime).next_multiple_of(64))
                .unwrap();
            let data = among_random(&mut random, &bytes, 0x408);
            let sweep = swept(
                &data,
                Some(0x7000),
                &[target(&n, &[1, 0, 1], Rank::User)],
                Depth::default(),
            );
            let found = places(&sweep);
            let has_place = found
                .iter()
                .any(|(_, component, at, _)| (*component, *at) == ("prime", 0x408));
            assert!(has_place, "{} of {half}: {found:?}", bit_length(prime));
        }
    }
}

/// The public exponent for which the private one is a byte shorter than the modulus, and that.
fn short_exponent(p: &[u8], q: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let less_one = |number: &[u8]| {
        let mut number = number.to_vec();
        *number.last_mut().unwrap() -= 1;
        number
    };
    let phi = times(&less_one(p), &less_one(q));
    let length = times(p, q).len();
    for e in (257u64..).step_by(2) {
        let rest = big(&phi).rem_vartime(&BoxedUint::from(e).to_nz().unwrap());
        let rest = u64::from_be_bytes(rest.to_be_bytes().last_chunk().copied().unwrap());
        let is_whole = |k: &u64| (u128::from(*k) * u128::from(rest) + 1) % u128::from(e) == 0;
        if (1..=e / 4).any(|k| is_whole(&k)) {
            let d = inverse(e, &phi);
            if d.len() == length - 1 {
                return (e.to_be_bytes().to_vec(), d);
            }
        }
    }
    unreachable!("one of 512 exponents is short")
}

#[test]
fn shorter_private_exponents_are_found_between_other_bytes() {
    let mut random = Random(23);
    let [p, q] = [0; 2].map(|_| prime_of(&mut random, 512));
    let (e, d) = short_exponent(&p, &q);
    let data = among_random(&mut random, &d, 0x405);
    let place = ("raw.bytes-be", "private-exponent", 0x405, d.len());
    let n = times(&p, &q);
    for rank in [Rank::User, Rank::Own] {
        let target = target(&n, &e, rank);
        let is_found = is_found(&data, target, Depth::default(), place);
        // The scope says so.
        assert_eq!(is_found, rank == Rank::User);
    }
    // Of 1026 bits, of which the highest byte and limb have two.
    let [p, q] = [0; 2].map(|_| prime_of(&mut random, 513));
    let n = times(&p, &q);
    let (e, d) = short_exponent(&p, &q);
    for codec in [
        "raw.bytes-be",
        "raw.words32-be",
        "raw.words64-be",
        "raw.limbs-le",
    ] {
        let codec = Codec::named(codec).unwrap();
        let bytes = codec.encode(&limbs_of(&d), bit_length(&d)).unwrap();
        let data = among_random(&mut random, &bytes, 0x408);
        let place = (codec.name, "private-exponent", 0x408, bytes.len());
        let target = target(&n, &e, Rank::Own);
        assert!(
            is_found(&data, target, Depth::default(), place),
            "{}",
            codec.name
        );
    }
}

/// `bytes` in hexadecimal with `between` behind each, and a line's end behind each `line` bytes.
fn parted(bytes: &[u8], between: &str, line: usize) -> String {
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let is_end = (index + 1) % line == 0;
        let is_last = index + 1 == bytes.len();
        let end = if is_end && !is_last { "\n    " } else { "" };
        let between = if is_last { "" } else { between };
        text += &format!("{byte:02x}{between}{end}");
    }
    text
}

#[test]
fn numbers_in_parts_and_in_base64_are_found() {
    let mut random = Random(24);
    let base64: fn(&[u8]) -> String = <base64ct::Base64 as base64ct::Encoding>::encode_string;
    for key in keys().iter().filter(|key| key.bits() >= 2048) {
        for (component, number) in [("prime", &key.p), ("private-exponent", &key.d)] {
            let decimal = big(number).to_string_radix_vartime(10);
            let whole = parted(number, "", usize::MAX);
            for (form, text) in [
                // What stands round it belongs to the digits of hexadecimal too.
                (
                    "text.hex",
                    format!("prime2:\n    00:{}\nexponent1:", parted(number, ":", 15)),
                ),
                ("text.hex", format!("\t{} ", parted(number, " ", 16))),
                (
                    "text.hex",
                    format!("prime =\n    {}\n", parted(number, "", 32)),
                ),
                ("text.hex", format!("f{whole} ")),
                ("text.hex", format!(" {whole}f")),
                ("text.decimal", format!("7{decimal} ")),
                ("text.decimal", format!(" {decimal}7 ")),
                ("text.decimal", format!(" d{decimal}e ")),
                ("text.base64", format!("<D>{}</D>", base64(number))),
                (
                    "text.base64",
                    format!("\"d\":\"{}\"", base64(number).trim_end_matches('=')),
                ),
            ] {
                for step in [1, 2] {
                    if step * text.len() > 4000 {
                        continue;
                    }
                    let mut data = memory()[..0x3000].to_vec();
                    let at = 0x400 + random.below(64);
                    for (place, character) in text.bytes().enumerate() {
                        let of = &mut data[at + step * place..];
                        of[..step].copy_from_slice(&[character, 0][..step]);
                    }
                    let targets = [key.target(Rank::Own, false)];
                    let sweep = swept(&data, None, &targets, Depth::default());
                    let found = sweep.sightings.iter().any(|swept| match &swept.sighting {
                        Sighting::Key(evidence) => {
                            (evidence.form, evidence.component) == (form, component)
                        }
                        Sighting::Public(_) => false,
                    });
                    assert!(found, "{component} of {} bits, {form}, {step}", key.bits());
                }
            }
        }
    }
}
