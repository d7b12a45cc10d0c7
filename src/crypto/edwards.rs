//! Curve25519 and Curve448: public keys of Ed25519 and Ed448 seeds (RFC 8032), X25519 and X448 scalars
//! (RFC 7748).

use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

/// The public key of an Ed25519 seed.
pub fn ed25519_public(seed: &[u8; 32]) -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(seed)
        .verifying_key()
        .to_bytes()
}

/// The public key of an X25519 private scalar.
pub fn x25519_public(scalar: &[u8; 32]) -> [u8; 32] {
    let secret = StaticSecret::from(*Zeroizing::new(*scalar));
    x25519_dalek::PublicKey::from(&secret).to_bytes()
}

/// The public key of an Ed448 seed.
pub fn ed448_public(seed: &[u8; 57]) -> Option<[u8; 57]> {
    let secret = ed448_goldilocks::SigningKey::try_from(&seed[..]).ok()?;
    Some(secret.verifying_key().to_bytes())
}

/// The public key of an X448 private scalar.
pub fn x448_public(scalar: &[u8; 56]) -> Option<[u8; 56]> {
    let mut base = [0; 56];
    *base.first_mut()? = 5;
    let scalar = Zeroizing::new(*scalar);
    x448::x448(*scalar, base)
}

/// Whether `bytes` encode a point of Ed448's curve, as a public key must.
pub fn is_ed448_point(bytes: &[u8; 57]) -> bool {
    ed448_goldilocks::VerifyingKey::from_bytes(bytes).is_ok()
}

/// Whether `bytes` encode a point of Ed25519's curve, as a public key must.
pub fn is_ed25519_point(bytes: &[u8; 32]) -> bool {
    ed25519_dalek::VerifyingKey::from_bytes(bytes).is_ok_and(|key| !key.is_weak())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys;

    fn unhex(text: &str) -> [u8; 32] {
        let digit = |at: usize| char::from(text.as_bytes()[at]).to_digit(16).unwrap() as u8;
        std::array::from_fn(|at| digit(2 * at) << 4 | digit(2 * at + 1))
    }

    #[test]
    fn rfc_8032_test_1() {
        let seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert_eq!(ed25519_public(&seed), public);
        assert!(is_ed25519_point(&public));
        assert!(!is_ed25519_point(&[0; 32]));
    }

    #[test]
    fn x25519_agrees_with_openssl() {
        let private = test_keys::read("x25519.pkcs8.der");
        let public = test_keys::read("x25519.spki.der");
        let scalar: [u8; 32] = private[private.len() - 32..].try_into().unwrap();
        assert_eq!(x25519_public(&scalar)[..], public[public.len() - 32..]);
    }
}
