//! Public halves that nothing announces, and the private ones that they prove.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// No public key is given or announced: seed and public key lie apart, or as one string.
    #[test]
    fn an_ed25519_seed_is_proven_by_a_public_key_that_nothing_announces(
        seed_at in 0x400..0x2000usize,
        public_at in 0x1_0000..0x2_0000usize,
        from in any::<usize>(),
    ) {
        let key = named("ed25519");
        let (seed, public) = (&key.numbers[0].1, public_bytes("ed25519", 32));
        let zeros = [0; 128];
        let seed_at = 8 * seed_at;
        let apart = [
            (seed_at - 48, &zeros[..]), (seed_at, &seed[..]),
            (public_at - 48, &zeros[..]), (public_at, &public[..]),
        ];
        let outcome = scan(&scanner(None, false), &with_parts(&apart, from));
        prop_assert!(is_proven(&outcome, key), "apart");
        let pair = [&seed[..], &public].concat();
        let together = [(seed_at - 32, &zeros[..]), (seed_at, &pair[..])];
        let outcome = scan(&scanner(None, false), &with_parts(&together, from));
        prop_assert!(is_proven(&outcome, key), "together");
        // A public key with one bit changed is another one's.
        let mut other = public.clone();
        other[3] ^= 1;
        let wrong = [
            (seed_at - 48, &zeros[..]), (seed_at, &seed[..]),
            (public_at - 48, &zeros[..]), (public_at, &other[..]),
        ];
        let outcome = scan(&scanner(None, false), &with_parts(&wrong, from));
        prop_assert!(!is_proven(&outcome, key), "wrong");
    }
}

#[test]
fn an_x25519_key_that_nothing_announces_is_found_with_deep_only() {
    let key = named("x25519");
    let (scalar, public) = (&key.numbers[0].1, public_bytes("x25519", 32));
    let zeros = [0; 128];
    let parts = [
        (0x9000, &zeros[..]),
        (0x9030, &scalar[..]),
        (0x1_2345, &zeros[..]),
        (0x1_2375, &public[..]),
    ];
    for is_deep in [false, true] {
        let outcome = scan(&scanner(None, is_deep), &with_parts(&parts, 0x1_0000));
        assert_eq!(is_proven(&outcome, key), is_deep);
    }
}

/// The points of signatures are never handed on whole, keys are.
#[test]
fn beside_another_key_a_point_is_searched_where_it_lies_encoded() {
    let (zeros, key) = ([0; 160], named("p256"));
    let other = crate::key("forms/p256.public.jwk");
    let point = public_bytes("p256", 65);
    let reversed = |number: &[u8]| number.iter().rev().copied().collect::<Vec<u8>>();
    let limbs = [reversed(&point[1..33]), reversed(&point[33..])].concat();
    for (public, is_encoded) in [(&point, true), (&limbs, false)] {
        let parts: [(usize, &[u8]); 6] = [
            (0x4000, &other),
            (0x1_2000, &zeros),
            (0x1_2060, &zeros),
            (0x1_2040, public),
            (0x9000, &zeros),
            (0x9030, &key.numbers[0].1),
        ];
        let outcome = scan(&scanner(None, false), &with_parts(&parts, 0x1_0000));
        assert_eq!(is_proven(&outcome, key), is_encoded);
    }
}

#[test]
fn a_point_that_nothing_announces_is_searched_unless_the_process_has_sessions() {
    let zeros = [0; 160];
    for (name, size) in [("p256", 32), ("secp256k1", 32), ("p384", 48)] {
        let key = named(name);
        let point = public_bytes(name, 1 + 2 * size);
        let coordinates = point[1..].chunks(size).map(limbs_of);
        let [x, y] = &coordinates
            .map(|limbs| {
                limbs
                    .iter()
                    .flat_map(|limb| limb.to_le_bytes())
                    .collect::<Vec<u8>>()
            })
            .collect::<Vec<_>>()[..]
        else {
            panic!("two coordinates");
        };
        let share: &[u8] = b"\0\x17\0\x41\x04";
        // With its tag; in limbs one after the other, or with a word between them; in fields with room for more.
        let shapes: [Vec<(usize, &[u8])>; 5] = [
            vec![(0x1_2040, &point)],
            vec![(0x1_2040, x), (0x1_2040 + size, y)],
            vec![(0x1_2040, x), (0x1_2048 + size, y)],
            vec![
                (0x1_2040, x),
                (0x1_2040 + size, &[1, 0, 0, 0, 7, 0, 0, 0]),
                (0x1_2048 + size, y),
            ],
            vec![(0x1_2040, x), (0x1_2340, y)],
        ];
        for (number, shape) in shapes.into_iter().enumerate() {
            for (has_sessions, is_deep) in [(false, false), (true, false), (true, true)] {
                let mut parts: Vec<(usize, &[u8])> = (0x1_2000..0x1_2500)
                    .step_by(64)
                    .map(|at| (at, &zeros[..]))
                    .collect();
                parts.extend([(0x9000, &zeros[..]), (0x9030, &key.numbers[0].1[..])]);
                parts.extend(shape.iter().copied());
                if has_sessions {
                    parts.push((0x2000, share));
                }
                let outcome = scan(&scanner(None, is_deep), &with_parts(&parts, 0x1_0000));
                let is_found = is_proven(&outcome, key);
                assert_eq!(is_found, !has_sessions || is_deep, "{name} {number}");
                let not_run = outcome.not_run.iter().find(|search| search.name == "deep");
                let says = not_run.is_some_and(|search| search.scope.contains("left out here"));
                assert_eq!(says, has_sessions && !is_deep, "{name} {number}");
            }
        }
    }
}
