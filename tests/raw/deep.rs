//! `--deep`: every aligned window, whatever lies round it.

use super::*;
use dumpgate::crypto::PublicKey;

/// Real memory with `bytes` at `at`, and nothing else of it touched.
fn amid(bytes: &[u8], at: usize, from: usize) -> Vec<u8> {
    let mut memory = memory(from);
    memory[at..at + bytes.len()].copy_from_slice(bytes);
    elf_core(&[Segment::new(BASE, memory)], 0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn scalars_and_seeds_are_found_amid_anything(
        name in prop::sample::select(vec!["p256", "p384", "p521", "secp256k1", "ed25519", "x25519"]),
        codec in prop::sample::select(CODECS),
        at in 0x100..MEMORY - 0x1000,
        from in any::<u32>(),
        is_as_read in any::<bool>(),
    ) {
        let key = named(name);
        // Of a string of bytes either end may be the lower one of the number.
        let (component, number, bits) = match is_as_read {
            true => &key.numbers[0],
            false => &written(key, 0, &codec),
        };
        let at = at - at % codec.step(8);
        let bytes = codec.encode(&limbs_of(number), *bits).unwrap();
        let core = amid(&bytes, at, from as usize);
        let outcome = scan(&scanner(Some(key), true), &core);
        prop_assert!(
            is_found(&outcome, key, form(key, &codec, number), component, at),
            "{name} {} at {at:#x}: {:?}", codec.name, outcome.findings
        );
    }

    #[test]
    fn what_n_divides_or_what_does_not_divide_n_is_no_factor(
        name in prop::sample::select(vec!["rsa1024", "rsa2048", "rsa2048e3"]),
        codec in prop::sample::select(CODECS),
        multiplier in 3..u64::MAX,
        is_multiple in any::<bool>(),
        at in 0x100..MEMORY - 0x3000,
    ) {
        let key = named(name);
        let PublicKey::Rsa { n, .. } = key.identity.key() else { unreachable!() };
        let (component, prime, bits) = &key.numbers[0];
        // n times a number, and a prime with another number added to it.
        let mut number = limbs_of(if is_multiple { n } else { prime }).to_vec();
        let mut carry = u128::from(if is_multiple { 0 } else { multiplier & !1 });
        for limb in &mut number {
            let factor = if is_multiple { u128::from(multiplier) } else { 1 };
            let sum = u128::from(*limb) * factor + carry;
            (*limb, carry) = (sum as u64, sum >> 64);
        }
        if is_multiple {
            number.push(carry as u64);
        }
        let bits = if is_multiple { 2 * bits + 64 } else { *bits };
        let bytes: Vec<u8> = number.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
        let (core, _) = planted(&codec, &[&(*component, bytes, bits)], at, 0, 0x1_0000);
        let outcome = scan(&scanner(Some(key), false), &core);
        prop_assert!(outcome.findings.is_empty(), "{name} {}: {:?}", codec.name, outcome.findings);
    }
}
