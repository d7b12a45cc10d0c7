//! AlgorithmIdentifiers of public-key algorithms (RFC 5280, section 4.1.1.2; RFC 3279), which announce both
//! private and public keys.

use crate::crypto::der::tag;
use crate::detect::Hit;

/// The start of the AlgorithmIdentifier whose anchor was hit.
pub fn algorithm_start(hit: &Hit<'_>) -> Option<usize> {
    let behind = hit.data.get(hit.at..)?;
    let before = match behind {
        _ if behind.starts_with(RSA_ANCHOR) => 9,
        _ if behind.starts_with(EC_ANCHOR) => 7,
        _ => 2,
    };
    let start = hit.at.checked_sub(before)?;
    (*hit.data.get(start)? == tag::SEQUENCE).then_some(start)
}

/// End of rsaEncryption's identifier, and NULL.
pub const RSA_ANCHOR: &[u8] = b"\x0d\x01\x01\x01\x05\x00";
/// End of id-ecPublicKey's identifier, and the head of a curve's.
pub const EC_ANCHOR: &[u8] = b"\xce\x3d\x02\x01\x06";
