//! The largest keys: RSA of 8192 bits, whose public half lies in the dump.

use super::*;

#[test]
fn numbers_of_8192_bits_are_found_by_the_public_key_in_the_dump() {
    let key = rsa("rsa8192", "large/rsa8192");
    assert_eq!(key.identity.key().bits(), 8192);
    let spki = common::key("large/rsa8192.spki.der");
    let scanner = scanner(None, false);
    for (codec, number) in [
        ("raw.limbs-le", 0),
        ("raw.limbs-le", 2),
        ("raw.bytes-be", 1),
        ("raw.bytes-be", 2),
        ("raw.words32-be", 0),
        ("raw.digits30", 1),
        ("raw.digits30", 2),
        ("raw.digits28", 2),
        ("raw.digits60", 0),
    ] {
        let number = &key.numbers[number];
        let (component, ..) = number;
        let codec = Codec::named(codec).unwrap_or_else(|| panic!("{codec}"));
        let (mut core, place) = planted(codec, &[number], 0x9008, 0, 0x1_0000);
        let end = core.len() - 0x2000;
        core[end..end + spki.len()].copy_from_slice(&spki);
        let outcome = scan(&scanner, &core);
        assert!(
            is_found(&outcome, &key, codec.name, component, place),
            "{component} {}: {:?}",
            codec.name,
            outcome.findings
        );
        assert_eq!(outcome.findings[0].bits, Some(8192));
    }
}
