//! Numbers planted as each library keeps them, in the memory of a real process.

use super::*;
use crate::clue::{Clue, Rank};
use crate::crypto::test_keys::{self, RsaKey};
use crate::crypto::{Curve, Identity, PublicKey};
use crate::detect::{Evidence, Sighting};
use crate::memory::{Label, MemoryMap, Owners};
use crate::sweep::Swept;
use crate::sweep::codec::{entry, limbs_of};
use crypto_bigint::{BoxedUint, NonZero};
use sha2::{Digest, Sha512};
use std::sync::Arc;

/// Where the memory lies.
const BASE: u64 = 0x0845_2000;

/// Memory of a process in which numbers are planted.
struct Memory {
    bytes: Vec<u8>,
    pointer: usize,
}

impl Memory {
    /// The memory of a real process.
    fn real(pointer: usize) -> Self {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/samples/clean-lua-verifier/clean-lua-verifier.core"
        );
        let mut bytes = std::fs::read(path).expect("the sample is in the repository");
        bytes.truncate(0x20000);
        Self { bytes, pointer }
    }

    /// Writes `bytes` at `at` and gives their address.
    fn plant(&mut self, at: usize, bytes: &[u8]) -> u64 {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        BASE + at as u64
    }

    /// The same among random bytes, so that no edge tells it.
    fn hide(&mut self, at: usize, bytes: &[u8]) -> u64 {
        for (index, block) in self.bytes[at - 128..at + bytes.len() + 128]
            .chunks_mut(64)
            .enumerate()
        {
            let random = Sha512::digest([at as u64, index as u64].map(u64::to_le_bytes).concat());
            block.copy_from_slice(&random[..block.len()]);
        }
        self.plant(at, bytes)
    }

    fn sweep(&self, known: &[Target]) -> Sweep {
        let length = self.bytes.len() as u64;
        let labels = vec![Label::memory(0, length, BASE)];
        let map = MemoryMap::tile(length, labels, Vec::new(), Owners::default());
        sweep(
            &Space::new(&self.bytes, &map, self.pointer),
            known,
            Depth::default(),
        )
    }

    fn clues(&self, known: &[Target]) -> Vec<(Clue, u64)> {
        let public = |swept: Swept| match swept.sighting {
            Sighting::Public(clue) => Some((clue, swept.pieces[0].offset)),
            Sighting::Key(_) => None,
        };
        self.sweep(known)
            .sightings
            .into_iter()
            .filter_map(public)
            .collect()
    }

    fn keys(&self, known: &[Target]) -> Vec<Evidence> {
        let key = |swept: Swept| match swept.sighting {
            Sighting::Key(evidence) => Some(evidence),
            Sighting::Public(_) => None,
        };
        self.sweep(known)
            .sightings
            .into_iter()
            .filter_map(key)
            .collect()
    }
}

/// An RSA key of 2048 bits.
fn key() -> RsaKey {
    test_keys::rsa_keys()
        .into_iter()
        .find(|key| key.n.len() == 256 && key.p.len() == 128 && key.p[0] >= 0x80)
        .expect("a key of 2048 bits")
}

fn identity(key: &RsaKey) -> Identity {
    Identity::new(PublicKey::rsa(&key.n, &[1, 0, 1]).unwrap())
}

fn encoded(codec: &str, number: &[u8]) -> Vec<u8> {
    let bits = 8 * number.len() as u32;
    entry(codec)
        .encode(&limbs_of(number), bits)
        .unwrap()
        .to_vec()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Objects of a process with pointers of 8 bytes that point to a number of so many limbs at an address.
fn objects64(at: u64, limbs: u32) -> Vec<(&'static str, Vec<u8>)> {
    let (low, high) = (at as u32, (at >> 32) as u32);
    let end = at + 8 * u64::from(limbs);
    vec![
        ("BIGNUM", words(&[low, high, limbs, limbs + 1, 0, 1])),
        ("mpz_t", words(&[limbs + 1, limbs, low, high])),
        ("mbedtls_mpi", words(&[1, 0, limbs, 0, low, high])),
        (
            "mbedtls_mpi of 3.6",
            words(&[low, high, limbs << 16 | 1, 0]),
        ),
        ("NSS mp_int", words(&[0, limbs, limbs, 0, low, high])),
        ("gcry_mpi", words(&[limbs, limbs, 0, 0, low, high])),
        ("slice", words(&[low, high, limbs, 0, limbs + 4, 0])),
        ("Vec", words(&[limbs, 0, low, high, limbs, 0])),
        (
            "vector",
            words(&[low, high, end as u32, high, end as u32, high]),
        ),
    ]
}

/// The same for pointers of 4 bytes, and limbs of 32 bits.
fn objects32(at: u64, limbs: u32) -> Vec<(&'static str, Vec<u8>)> {
    let at = at as u32;
    vec![
        ("BIGNUM", words(&[at, limbs, limbs + 1, 0, 1])),
        ("mpz_t", words(&[limbs + 1, limbs, at])),
        ("mbedtls_mpi", words(&[1, limbs, at])),
        ("NSS mp_int", words(&[0, limbs, limbs, at])),
        ("gcry_mpi", words(&[limbs, limbs, 0, 0, at])),
        ("slice", words(&[at, limbs, limbs])),
    ]
}

#[test]
fn a_modulus_is_seen_that_an_object_points_to_and_its_primes_prove_the_key() {
    let key = key();
    let identity = identity(&key);
    let [n, p] = [&key.n, &key.p].map(|number| encoded("raw.limbs-le", number));
    for pointer in [8, 4] {
        let objects = if pointer == 8 { objects64 } else { objects32 };
        for index in 0..objects(0, 1).len() {
            let mut memory = Memory::real(pointer);
            let at = memory.hide(0x8008, &n);
            let count = (n.len() / pointer) as u32;
            let (name, object) = objects(at, count).swap_remove(index);
            memory.plant(0x12340, &[0; 48]);
            memory.plant(0x12348, &object);
            let clues = memory.clues(&[]);
            let seen = clues.iter().find(|(clue, _)| *clue.identity == identity);
            let (clue, place) = seen.unwrap_or_else(|| panic!("{name}, {pointer} bytes"));
            assert_eq!(
                (clue.form, clue.rank, *place),
                ("raw.limbs-le", Rank::Pointed, 0x8008)
            );
            assert!(clue.e_assumed);
            assert!(memory.keys(&[]).is_empty());
            // Another count is that of no such number.
            let (_, object) = objects(at, count - 3).swap_remove(index);
            let mut other = Memory {
                bytes: memory.bytes.clone(),
                ..memory
            };
            other.plant(0x12340, &[0; 48]);
            other.plant(0x12348, &object);
            assert!(
                other
                    .clues(&[])
                    .iter()
                    .all(|(clue, _)| *clue.identity != identity),
                "{name}"
            );

            let at = memory.hide(0xa008, &p);
            let (_, object) = objects(at, count / 2).swap_remove(index);
            memory.plant(0x13340, &[0; 48]);
            memory.plant(0x13348, &object);
            let keys = memory.keys(&[]);
            let [evidence] = &keys[..] else {
                panic!("{name}, {pointer} bytes: {} places", keys.len())
            };
            assert_eq!(evidence.key.public.as_deref(), Some(&identity), "{name}");
            assert_eq!(
                (evidence.form, evidence.component),
                ("raw.limbs-le", "prime")
            );
            assert!(evidence.key.e_assumed);
        }
    }
}

#[test]
fn a_known_modulus_is_only_named_and_its_prime_proves_the_key() {
    let key = key();
    let target = |rank| Target {
        identity: Arc::new(Identity::new(PublicKey::rsa(&key.n, &key.e).unwrap())),
        rank,
        e_assumed: false,
        places: Vec::new(),
    };
    let mut memory = Memory::real(8);
    let at = memory.hide(0x8008, &encoded("raw.limbs-le", &key.n));
    memory.plant(0x12348, &objects64(at, 32)[0].1);
    for (rank, then) in [
        (Rank::Own, Rank::Pointed),
        (Rank::Authority, Rank::Authority),
    ] {
        let clues = memory.clues(&[target(rank)]);
        let seen: Vec<_> = clues
            .iter()
            .filter(|(clue, _)| clue.identity == target(rank).identity)
            .map(|(clue, _)| (clue.rank, clue.e_assumed))
            .collect();
        assert_eq!(seen, [(then, false)]);
    }
    // The modulus itself need not be there.
    let mut memory = Memory::real(8);
    let at = memory.hide(0x8008, &encoded("raw.limbs-le", &key.q));
    memory.plant(0x12348, &objects64(at, 16)[0].1);
    let keys = memory.keys(&[target(Rank::Own)]);
    assert_eq!(keys.len(), 1);
    assert_eq!(
        keys[0].key.public.as_ref(),
        Some(&target(Rank::Own).identity)
    );
    assert!(!keys[0].key.e_assumed);
}

#[test]
fn arrays_with_a_length_of_their_own_are_seen() {
    let key = key();
    let identity = identity(&key);
    let type_ = words(&[BASE as u32 + 0x100, 0]);
    let head = |parts: &[&[u8]]| parts.concat();
    let (le, be) = ("raw.limbs-le", "raw.bytes-be");
    let arrays = [
        (
            "Java int[]",
            "raw.words32-be",
            words(&[1, 0, 0x0016_7ab0, 64]),
        ),
        ("Java byte[]", be, words(&[1, 0, 0x0016_7ab0, 256])),
        (
            "CPython int",
            "raw.digits30",
            head(&[&words(&[1, 0]), &type_, &words(&[69, 0])]),
        ),
        (
            "CPython int of 3.12",
            "raw.digits30",
            head(&[&words(&[1, 0]), &type_, &words(&[69 << 3, 0])]),
        ),
        (
            "CPython bytes",
            be,
            head(&[&type_, &words(&[256, 0, 0x8c2a_0f31, 0x1b77_52ca])]),
        ),
        ("V8 BigInt", le, head(&[&type_, &words(&[32 << 1, 0])])),
        ("Erlang", le, words(&[32 << 6 | 8, 0])),
        ("sp_int", le, words(&[32, 66])),
        ("sp_int of 16 bits", le, words(&[32 | 66 << 16, 0])),
        (".NET byte[]", be, head(&[&type_, &words(&[256, 0])])),
        ("TomsFastMath", le, words(&[32, 0])),
    ];
    for (name, codec, head) in arrays {
        let n = encoded(codec, &key.n);
        for is_whole in [true, false] {
            let mut memory = Memory::real(8);
            memory.hide(0x8008, &n);
            let head = if is_whole {
                head.clone()
            } else {
                vec![0x5a; head.len()]
            };
            memory.plant(0x8008 - head.len(), &head);
            let clues = memory.clues(&[]);
            let seen = clues
                .iter()
                .find(|(clue, _)| *clue.identity == identity && clue.rank == Rank::Pointed);
            assert_eq!(
                seen.map(|(clue, place)| (clue.form, *place)),
                is_whole.then_some((codec, 0x8008)),
                "{name}"
            );
        }
    }
}

#[test]
fn numbers_are_seen_between_what_is_not_random() {
    let key = key();
    let identity = identity(&key);
    for (codec, at) in [
        ("raw.limbs-le", 0x8008),
        ("raw.bytes-be", 0x8003),
        ("raw.digits30", 0x8004),
        ("raw.digits28", 0x8004),
        ("raw.digits60", 0x8008),
        ("raw.small-integers28", 0x8008),
        ("raw.small-integers26", 0x8008),
        ("raw.doubles26", 0x8008),
    ] {
        let mut memory = Memory::real(8);
        memory.plant(0x7f00, &[0; 0x600]);
        let n = encoded(codec, &key.n);
        memory.plant(at, &n);
        let clues = memory.clues(&[]);
        let seen = clues
            .iter()
            .find(|(clue, _)| *clue.identity == identity && clue.form == codec);
        assert_eq!(seen.map(|(_, place)| *place), Some(at as u64), "{codec}");
        // Random bytes on both sides make it a part of something longer.
        if codec.contains("digits") || codec.contains("integers") || codec.contains("doubles") {
            continue;
        }
        let mut memory = Memory::real(8);
        memory.hide(0x8008, &n);
        assert!(
            memory
                .clues(&[])
                .iter()
                .all(|(clue, _)| *clue.identity != identity),
            "{codec}"
        );
    }
}

#[test]
fn numbers_with_lengths_are_seen_one_after_the_other() {
    let key = key();
    let mut list = Vec::new();
    for number in [&key.n, &key.d, &key.p, &key.q] {
        list.extend((number.len() as u32 + 1).to_be_bytes());
        list.push(0);
        list.extend(number);
    }
    let mut memory = Memory::real(8);
    memory.hide(0x8001, &list);
    let keys = memory.keys(&[]);
    assert_eq!(keys.len(), 2);
    assert!(
        keys.iter()
            .all(|evidence| evidence.key.public.as_deref() == Some(&identity(&key)))
    );
    assert!(keys.iter().all(|evidence| evidence.form == "raw.bytes-be"));
}

/// Coordinates of a point of P-256 as little-endian limbs, plain or times 2^256 modulo the field's prime.
fn coordinates(is_montgomery: bool) -> (Identity, [Vec<u8>; 2]) {
    let point = Curve::P256.derive(b"no key of anyone's").unwrap();
    let prime = b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    let prime = NonZero::new(BoxedUint::from_be_slice(prime, 512).unwrap()).unwrap();
    let little = |number: &[u8]| {
        let mut number = BoxedUint::from_be_slice(number, 512).unwrap();
        if is_montgomery {
            number = number.shl_vartime(256).unwrap().rem_vartime(&prime);
        }
        number.to_le_bytes()[..32].to_vec()
    };
    let both = [&point[1..33], &point[33..]].map(little);
    let identity = Identity::new(PublicKey::Ec {
        curve: Curve::P256,
        point,
    });
    (identity, both)
}

#[test]
fn points_are_seen_in_objects_and_one_coordinate_after_the_other() {
    for (is_montgomery, form) in [(false, "raw.limbs-le"), (true, "raw.limbs-montgomery")] {
        let (identity, [x, y]) = coordinates(is_montgomery);
        let seen = |memory: &Memory| {
            let clues = memory.clues(&[]);
            let own = clues
                .into_iter()
                .filter(|(clue, _)| *clue.identity == identity);
            own.map(|(clue, _)| (clue.form, clue.rank)).next()
        };
        for index in 0..8 {
            for is_swapped in [false, true] {
                let mut memory = Memory::real(8);
                let [first, second] = if is_swapped { [&y, &x] } else { [&x, &y] };
                let [one, other] =
                    [(0x8008, first), (0x9008, second)].map(|(at, number)| memory.hide(at, number));
                memory.plant(0x12340, &[0; 0x100]);
                memory.plant(0x12348, &objects64(one, 4)[index].1);
                let object = objects64(other, 4).swap_remove(index);
                memory.plant(0x123a8, &object.1);
                assert_eq!(seen(&memory), Some((form, Rank::Pointed)), "{}", object.0);
                memory.plant(0x9008, &[1]);
                assert_eq!(seen(&memory), None, "{}", object.0);
            }
        }
        let mut memory = Memory::real(8);
        memory.plant(0x7f00, &[0; 0x200]);
        memory.plant(0x8000, &[&x[..], &y].concat());
        assert_eq!(seen(&memory), Some((form, Rank::Own)));
    }
}

#[test]
fn points_are_seen_behind_their_tag_at_any_byte() {
    for curve in Curve::ALL {
        let point = curve.derive(b"no key of anyone's").unwrap();
        for at in 0x8000..0x8008 {
            let mut memory = Memory::real(8);
            memory.plant(0x7f00, &[0; 0x200]);
            memory.plant(at, &point);
            let clues = memory.clues(&[]);
            let [(clue, place)] = &clues[..] else {
                panic!("{} clues of {}", clues.len(), curve.name())
            };
            let expected = PublicKey::Ec {
                curve,
                point: point.clone(),
            };
            assert_eq!((clue.identity.key(), *place), (&expected, at as u64));
        }
        let mut memory = Memory::real(8);
        memory.plant(0x7f00, &[0; 0x200]);
        memory.plant(0x8000, &curve.derive(&[1]).unwrap());
        assert!(
            memory.clues(&[]).is_empty(),
            "the generator of {}",
            curve.name()
        );
    }
}

#[test]
fn nothing_is_seen_in_a_process_without_keys_and_threads_do_not_matter() {
    let memory = Memory::real(8);
    assert!(memory.keys(&[]).is_empty());
    let key = key();
    let mut memory = memory;
    let at = memory.hide(0x8008, &encoded("raw.limbs-le", &key.n));
    memory.plant(0x12348, &objects64(at, 32)[0].1);
    let seen = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let sweep = pool.install(|| memory.sweep(&[]));
        format!("{:?} {:?}", sweep.sightings, sweep.searches)
    };
    assert_eq!(seen(1), seen(3));
}
