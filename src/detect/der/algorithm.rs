//! AlgorithmIdentifiers of public-key algorithms (RFC 5280, section 4.1.1.2; RFC 3279), which announce
//! public keys.

/// End of rsaEncryption's identifier, and NULL.
pub const RSA_ANCHOR: &[u8] = b"\x0d\x01\x01\x01\x05\x00";
/// End of id-ecPublicKey's identifier, and the head of a curve's.
pub const EC_ANCHOR: &[u8] = b"\xce\x3d\x02\x01\x06";
