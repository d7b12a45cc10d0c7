mod shapes;

use super::*;
use crate::clue::Rank;
use crate::crypto::rsa_search::{complete, has_small_factor};
use crate::crypto::test_keys::rsa_keys;
use crate::memory::{Label, MemoryMap, Owners};
use crate::sweep::codec::{CODECS, Class, Codec, limbs_of};
use crypto_bigint::{BoxedUint, ConcatenatingMul};
use std::collections::BTreeSet;
use std::sync::OnceLock;

struct TestKey {
    n: Vec<u8>,
    e: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
    d: Vec<u8>,
    dp: Vec<u8>,
    dq: Vec<u8>,
}

impl TestKey {
    fn bits(&self) -> u32 {
        bit_length(&self.n)
    }

    fn target(&self, rank: Rank, e_assumed: bool) -> Target {
        let e: &[u8] = if e_assumed { &[1, 0, 1] } else { &self.e };
        let key = PublicKey::rsa(&self.n, e).unwrap();
        Target {
            identity: Arc::new(Identity::new(key)),
            rank,
            e_assumed,
            places: Vec::new(),
        }
    }

    fn fingerprint(&self) -> crate::crypto::Fingerprint {
        Identity::new(PublicKey::rsa(&self.n, &self.e).unwrap()).fingerprint()
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.word() % end as u64) as usize
    }
}

fn big(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

fn times(a: &[u8], b: &[u8]) -> Vec<u8> {
    let product = big(a).concatenating_mul(&big(b));
    crate::bytes::trim_zeros(&product.to_be_bytes()).to_vec()
}

/// A prime of `bits` bits, both upper bits set, of which less one is prime to 65537.
fn prime(random: &mut Random, bits: u32) -> Vec<u8> {
    loop {
        let mut number: Vec<u8> = (0..bits / 8).map(|_| random.word() as u8).collect();
        number[0] |= 0xc0;
        number[bits as usize / 8 - 1] |= 1;
        let limbs = limbs_of(&number);
        let multiple = limbs_of(&times(&number, &[7]));
        if !has_small_factor(&limbs) && complete(&multiple, &limbs).is_some() {
            return number;
        }
    }
}

/// e⁻¹ modulo `modulus`: (1 + k·modulus) / e for the k that makes it whole.
fn inverse(e: u64, modulus: &[u8]) -> Vec<u8> {
    let modulus = big(modulus);
    let e_big = BoxedUint::from(e).to_nz().unwrap();
    let rest = modulus.rem_vartime(&e_big).to_be_bytes();
    let rest = u64::from_be_bytes(rest[rest.len() - 8..].try_into().unwrap());
    let k = (1..e).find(|k| (u128::from(*k) * u128::from(rest) + 1) % u128::from(e) == 0);
    let sum = modulus.concatenating_mul(&BoxedUint::from(k.unwrap()));
    let sum = sum.wrapping_add(BoxedUint::one());
    let d = sum.div_rem_vartime(&e_big).0;
    crate::bytes::trim_zeros(&d.to_be_bytes()).to_vec()
}

/// Keys of 512 to 4096 bits.
fn keys() -> &'static [TestKey] {
    static KEYS: OnceLock<Vec<TestKey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut random = Random(7);
        let less_one = |number: &[u8]| {
            let mut number = number.to_vec();
            *number.last_mut().unwrap() -= 1;
            number
        };
        let small = [512, 768].map(|bits| {
            let [p, q] = [0; 2].map(|_| prime(&mut random, bits / 2));
            let [one, other] = [&p, &q].map(|prime| less_one(prime));
            TestKey {
                n: times(&p, &q),
                e: vec![1, 0, 1],
                d: inverse(65537, &times(&one, &other)),
                dp: inverse(65537, &one),
                dq: inverse(65537, &other),
                p,
                q,
            }
        });
        let files = rsa_keys().into_iter().map(|key| {
            let [dp, dq, _] = key.crt;
            TestKey {
                n: key.n,
                e: key.e,
                d: key.d,
                p: key.p,
                q: key.q,
                dp,
                dq,
            }
        });
        small.into_iter().chain(files).collect()
    })
}

/// Memory of a real process, without a key.
fn memory() -> &'static [u8] {
    static MEMORY: OnceLock<Vec<u8>> = OnceLock::new();
    MEMORY.get_or_init(|| {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/samples/clean-lua-verifier/clean-lua-verifier.core"
        );
        std::fs::read(path).expect("the sample is in the repository")
    })
}

fn map(length: usize, address: Option<u64>) -> MemoryMap {
    let label = address.map(|address| Label::memory(0, length as u64, address));
    MemoryMap::tile(
        length as u64,
        label.into_iter().collect(),
        Vec::new(),
        Owners::default(),
    )
}

fn swept(data: &[u8], address: Option<u64>, targets: &[Target], depth: Depth) -> Sweep {
    let map = map(data.len(), address);
    sweep(&Space::new(data, &map, 8), targets, depth)
}

/// What was found: encoding, component, and offset and length.
fn places(sweep: &Sweep) -> BTreeSet<(&'static str, &'static str, u64, u64)> {
    let places = sweep.sightings.iter().map(|swept| match &swept.sighting {
        Sighting::Key(evidence) => {
            assert_eq!(evidence.encoding, "raw");
            assert_eq!(swept.pieces.len(), 1);
            let piece = swept.pieces[0];
            (
                evidence.form,
                evidence.component,
                piece.offset,
                piece.length,
            )
        }
        Sighting::Public(_) => panic!("no public key is looked for"),
    });
    places.collect()
}

fn fingerprints(sweep: &Sweep) -> BTreeSet<crate::crypto::Fingerprint> {
    let keys = sweep.sightings.iter().map(|swept| match &swept.sighting {
        Sighting::Key(evidence) => evidence.key.public.as_ref().unwrap().fingerprint(),
        Sighting::Public(_) => panic!("no public key is looked for"),
    });
    keys.collect()
}

/// Real memory into which numbers are planted behind one another from `at` on, with `between` before each but the first.
fn planted(
    codec: &Codec,
    at: usize,
    numbers: &[(&[u8], u32)],
    between: &[u8],
    background: usize,
) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut data = memory()[background..background + 0x2000].to_vec();
    let mut end = at;
    let mut ranges = Vec::new();
    for (number, bits) in numbers {
        if !ranges.is_empty() {
            data[end..end + between.len()].copy_from_slice(between);
            end += between.len();
        }
        let bytes = codec.encode(&limbs_of(number), *bits).unwrap();
        ranges.push(end..end + bytes.len());
        data[end..end + bytes.len()].copy_from_slice(&bytes);
        end += bytes.len();
    }
    (data, ranges)
}

/// An address and an offset so that a number in `codec` is aligned.
fn aligned(random: &mut Random, codec: &Codec, offset: usize) -> (Option<u64>, usize) {
    let step = codec.step(8);
    match random.below(4) {
        0 => (None, offset + random.below(64)),
        _ => {
            let address = 0x7f00_0000_0000 + random.below(64) as u64;
            let at = offset + random.below(64);
            let skip = (step - (address as usize + at) % step) % step;
            (Some(address), at + skip)
        }
    }
}

#[test]
fn primes_and_private_exponents_are_found_in_every_encoding() {
    let mut random = Random(1);
    for key in keys() {
        let targets = [key.target(Rank::Own, false)];
        let bits = key.bits();
        for codec in CODECS {
            let numbers = [
                ("prime", &key.p, bits / 2),
                ("prime", &key.q, bits / 2),
                ("private-exponent", &key.d, bits),
            ];
            for (component, number, bits) in numbers {
                let (address, at) = aligned(&mut random, codec, 0x400);
                let background = random.below(memory().len() - 0x2000);
                let (data, ranges) = planted(codec, at, &[(number, bits)], &[], background);
                let sweep = swept(&data, address, &targets, Depth::default());
                let found = places(&sweep);
                let place = (
                    codec.name,
                    component,
                    ranges[0].start as u64,
                    ranges[0].len() as u64,
                );
                assert!(
                    found.contains(&place),
                    "{component} of {bits} bits in {} at {at} of {address:?}: {found:?}",
                    codec.name
                );
                assert!(fingerprints(&sweep).into_iter().eq([key.fingerprint()]));
            }
        }
    }
}

#[test]
fn crt_exponents_are_found_side_by_side() {
    let mut random = Random(2);
    for key in keys() {
        let targets = [key.target(Rank::Own, false)];
        let bits = key.bits() / 2;
        let length = bits as usize / 8;
        for codec in CODECS {
            let [high, low] = (length as u16 + 1).to_be_bytes();
            let header: Vec<u8> = match (codec.step(8), random.below(6)) {
                (1, 0) => [&(length as u32 + 1).to_be_bytes()[..], &[0]].concat(),
                (1, 1) => [&[0x11; 12][..], &(length as u32).to_le_bytes()].concat(),
                // Headers that are written over.
                (1, 2) => vec![0; random.below(4) + 2],
                (1, 3) => (0..4).map(|_| random.word() as u8).collect(),
                (1, 4) => vec![0; random.below(43) + 6],
                // A heap's header, and what is left of DER.
                (1, _) => [&[0; 5][..], &0x91u64.to_le_bytes(), &[0x82, high, low, 0]].concat(),
                (_, 0 | 1) => vec![0; 16],
                _ => Vec::new(),
            };
            let header = match codec.class() {
                Class::Random => header,
                // A heap's header.
                _ => [0x5555_5555_4440u64.to_le_bytes(), 0x91u64.to_le_bytes()].concat(),
            };
            let (address, at) = aligned(&mut random, codec, 0x400);
            let background = random.below(memory().len() - 0x2000);
            let numbers = [(&key.dp[..], bits), (&key.dq[..], bits)];
            let (data, ranges) = planted(codec, at, &numbers, &header, background);
            let sweep = swept(&data, address, &targets, Depth::default());
            let found = places(&sweep);
            for range in ranges {
                let place = (
                    codec.name,
                    "crt-exponent",
                    range.start as u64,
                    range.len() as u64,
                );
                assert!(
                    found.contains(&place),
                    "{bits} bits in {} at {at} of {address:?}: {found:?}",
                    codec.name
                );
            }
            assert!(fingerprints(&sweep).into_iter().eq([key.fingerprint()]));
        }
    }
}

#[test]
fn headers_tell_the_length_of_a_number() {
    use super::neighbours::may_separate;
    for (header, length) in [
        (&b"\0\0\0\0\0\x91\0\0\0\0\0\0\0\x81\x81\0"[..], 128),
        (b"\0\0\0\0\0\0\x02\x81\x80", 128),
        (b"\x7f\0\0\x02\x40", 64),
        (b"\x55\x55\0\0\0\x82\x01\x01\0", 256),
        (b"\x11\x22\0\0\x01\x01\0", 256),
        (b"\x11\x22\x33\x44\x55\x66\0\x01\0\0", 256),
        (b"\x80\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 128),
    ] {
        assert!(may_separate(header, length), "{header:02x?}");
        assert!(!may_separate(header, length + 2), "{header:02x?}");
    }
}

#[test]
fn crt_exponents_are_found_apart() {
    let mut random = Random(3);
    for key in keys() {
        let targets = [key.target(Rank::Own, false)];
        let bits = key.bits() / 2;
        for codec in CODECS {
            let (address, at) = aligned(&mut random, codec, 0x400);
            let between: Vec<u8> = (0..random.below(100) + 20)
                .flat_map(|_| (0x7f00_1234_0000 + random.word() % 0x10000).to_le_bytes())
                .collect();
            let background = random.below(memory().len() - 0x2000);
            let numbers = [(&key.dq[..], bits), (&key.dp[..], bits)];
            let (data, _) = planted(codec, at, &numbers, &between, background);
            let sweep = swept(&data, address, &targets, Depth::default());
            assert!(
                fingerprints(&sweep).into_iter().eq([key.fingerprint()]),
                "{bits} bits in {} at {at} of {address:?}",
                codec.name
            );
        }
    }
}

#[test]
fn numbers_across_blocks_and_seams_are_found_once() {
    let key = &keys()[2];
    let targets = [key.target(Rank::Own, false)];
    let codec = Codec::named("raw.bytes-be").unwrap();
    let number = codec.encode(&limbs_of(&key.p), key.bits() / 2).unwrap();
    let border = 1 << 20;
    for back in [0, 1, number.len() / 2, number.len() - 1, number.len()] {
        let mut data = memory().to_vec();
        let at = border - back;
        data[at..at + number.len()].copy_from_slice(&number);
        let sweep = swept(&data, Some(0x7000_0000), &targets, Depth::default());
        let place = (codec.name, "prime", at as u64, number.len() as u64);
        assert!(
            places(&sweep).into_iter().eq([place]),
            "{back} bytes before"
        );
        assert_eq!(sweep.sightings.len(), 1);
    }
    // Two pages that follow by address and lie the other way round in the file.
    for cut in [1, number.len() / 2, number.len() - 1] {
        let mut data = memory()[..0x2000].to_vec();
        data[0x2000 - cut..].copy_from_slice(&number[..cut]);
        data[..number.len() - cut].copy_from_slice(&number[cut..]);
        let labels = vec![
            Label::memory(0, 0x1000, 0x7000),
            Label::memory(0x1000, 0x1000, 0x6000),
        ];
        let map = MemoryMap::tile(0x2000, labels, Vec::new(), Owners::default());
        let sweep = sweep(&Space::new(&data, &map, 8), &targets, Depth::default());
        let [swept] = &sweep.sightings[..] else {
            panic!("cut at {cut}: {} sightings", sweep.sightings.len())
        };
        let pieces: Vec<(u64, u64)> = swept
            .pieces
            .iter()
            .map(|piece| (piece.offset, piece.length))
            .collect();
        let rest = (number.len() - cut) as u64;
        assert_eq!(pieces, [(0x2000 - cut as u64, cut as u64), (0, rest)]);
    }
}

#[test]
fn another_keys_numbers_prove_nothing() {
    let keys = keys();
    for (one, other) in [(3, 4), (4, 3)] {
        let (key, other) = (&keys[one], &keys[other]);
        assert_eq!(key.bits(), other.bits());
        let targets = [key.target(Rank::User, false)];
        let mut data = memory()[..0x8000].to_vec();
        let multiple = times(&other.p, &[3]);
        let numbers = [
            &other.p, &other.q, &other.d, &other.dp, &other.dq, &other.n, &key.n, &multiple,
        ];
        let mut at = 0x400;
        for codec in ["raw.limbs-le", "raw.bytes-be"] {
            for number in numbers {
                let codec = Codec::named(codec).unwrap();
                let bits = bit_length(number).next_multiple_of(64);
                let bytes = codec.encode(&limbs_of(number), bits).unwrap();
                data[at..at + bytes.len()].copy_from_slice(&bytes);
                at += bytes.len() + 0x100;
            }
        }
        let sweep = swept(&data, Some(0x1000), &targets, Depth { is_deep: true });
        assert!(sweep.sightings.is_empty());
        assert!(sweep.searches.iter().all(|search| search.complete));
    }
}

#[test]
fn the_public_exponent_is_told_by_a_private_one() {
    let key = keys().iter().find(|key| key.e == [3]).unwrap();
    let codec = Codec::named("raw.limbs-le").unwrap();
    let targets = [key.target(Rank::Own, true)];
    let bits = key.bits();
    for (numbers, is_told) in [
        (vec![(&key.p[..], bits / 2)], false),
        (vec![(&key.d[..], bits)], true),
        (vec![(&key.p[..], bits / 2), (&key.d[..], bits)], true),
        (vec![(&key.dp[..], bits / 2), (&key.dq[..], bits / 2)], true),
    ] {
        let (data, _) = planted(codec, 0x400, &numbers, &[0; 64], 0x4000);
        let sweep = swept(&data, Some(0x7000), &targets, Depth::default());
        assert!(!sweep.sightings.is_empty());
        for swept in &sweep.sightings {
            let Sighting::Key(evidence) = &swept.sighting else {
                panic!("no public key is looked for")
            };
            assert_eq!(evidence.key.e_assumed, !is_told);
            let fingerprint = evidence.key.public.as_ref().unwrap().fingerprint();
            assert_eq!(fingerprint == key.fingerprint(), is_told);
        }
    }
}

#[test]
fn exponents_of_authorities_are_looked_for_by_deep_only() {
    let key = &keys()[3];
    let targets = [key.target(Rank::Authority, false)];
    let codec = Codec::named("raw.limbs-le").unwrap();
    let (data, _) = planted(codec, 0x400, &[(&key.d, key.bits())], &[], 0x4000);
    for is_deep in [false, true] {
        let sweep = swept(&data, Some(0x7000), &targets, Depth { is_deep });
        assert_eq!(sweep.sightings.len(), usize::from(is_deep));
    }
}

#[test]
fn three_primes_are_factored() {
    let mut random = Random(5);
    let [p, q, r] = [0; 3].map(|_| prime(&mut random, 512));
    let n = times(&times(&p, &q), &r);
    let key = PublicKey::rsa(&n, &[1, 0, 1]).unwrap();
    let targets = [Target {
        identity: Arc::new(Identity::new(key)),
        rank: Rank::User,
        e_assumed: false,
        places: Vec::new(),
    }];
    let codec = Codec::named("raw.bytes-be").unwrap();
    let (data, ranges) = planted(codec, 0x403, &[(&q, 512)], &[], 0x4000);
    let sweep = swept(&data, Some(0x7000), &targets, Depth::default());
    let place = (codec.name, "prime", ranges[0].start as u64, 64);
    assert!(places(&sweep).into_iter().eq([place]));
}

#[test]
fn a_flood_of_false_exponents_ends_and_is_told() {
    let key = &keys()[2];
    let targets = [key.target(Rank::Own, false)];
    let codec = Codec::named("raw.limbs-le").unwrap();
    let bits = key.bits();
    let length = codec.length(bits);
    let mut data = vec![0; 402 * (length + 0x80)];
    for count in 1..=400u16 {
        // Leads like the exponent, and is none.
        let mut number = codec.encode(&limbs_of(&key.d), bits).unwrap();
        number[4] ^= count.to_le_bytes()[0];
        number[5] ^= count.to_le_bytes()[1] << 1 | 1;
        let at = usize::from(count) * (length + 0x80);
        data[at..at + length].copy_from_slice(&number);
    }
    let sweep = swept(&data, Some(0x7000), &targets, Depth::default());
    assert!(sweep.sightings.is_empty());
    let complete: Vec<bool> = sweep
        .searches
        .iter()
        .map(|search| search.complete)
        .collect();
    assert_eq!(complete, [true, false, true]);
}

#[test]
fn threads_do_not_matter() {
    let mut data = memory().repeat(3);
    let mut random = Random(9);
    let codec = Codec::named("raw.bytes-be").unwrap();
    for key in keys() {
        for number in [&key.p, &key.q] {
            let bytes = codec.encode(&limbs_of(number), key.bits() / 2).unwrap();
            for _ in 0..3 {
                let at = random.below(data.len() - 0x1000);
                data[at..at + bytes.len()].copy_from_slice(&bytes);
            }
        }
    }
    let targets: Vec<Target> = keys()
        .iter()
        .map(|key| key.target(Rank::Own, true))
        .collect();
    let results = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let sweep = swept(&data, Some(0x7000), &targets, Depth::default());
            assert_eq!(fingerprints(&sweep).len(), keys().len());
            let places = sweep.sightings.iter().map(|swept| swept.pieces.clone());
            (places.collect::<Vec<_>>(), sweep.searches)
        })
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

#[test]
fn numbers_written_out_are_found() {
    let hexadecimal =
        |number: &[u8]| -> String { number.iter().map(|byte| format!("{byte:02x}")).collect() };
    let decimal = |number: &[u8]| big(number).to_string_radix_vartime(10);
    let mut random = Random(11);
    for key in keys().iter().filter(|key| key.bits() >= 1024) {
        let targets = [key.target(Rank::Own, false)];
        for form in ["text.hex", "text.decimal"] {
            for (component, numbers) in [
                ("prime", &[&key.q][..]),
                ("private-exponent", &[&key.d]),
                ("crt-exponent", &[&key.dp, &key.dq]),
            ] {
                let texts = numbers.iter().map(|number| match form {
                    "text.decimal" => decimal(number),
                    _ => hexadecimal(number),
                });
                let texts: Vec<String> = texts.collect();
                let at = 0x400 + random.below(64);
                let mut data = memory()[..0x3000].to_vec();
                let text = format!("{{\"{}\"}}", texts.join("\",\"dq\":\""));
                data[at..at + text.len()].copy_from_slice(text.as_bytes());
                let sweep = swept(&data, None, &targets, Depth::default());
                let found = sweep.sightings.iter().map(|swept| {
                    let Sighting::Key(evidence) = &swept.sighting else {
                        panic!("no public key is looked for");
                    };
                    let place = swept.pieces[0];
                    (
                        evidence.form,
                        evidence.encoding,
                        evidence.component,
                        place.length as usize,
                    )
                });
                let found = found.collect::<Vec<_>>();
                for text in &texts {
                    let place = (form, "ascii", component, text.len());
                    assert!(
                        found.contains(&place),
                        "{component} of {} bits: {found:?}",
                        key.bits()
                    );
                }
                assert!(fingerprints(&sweep).into_iter().eq([key.fingerprint()]));
            }
        }
    }
}
