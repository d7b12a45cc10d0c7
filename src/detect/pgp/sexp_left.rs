//! What is left of an RSA key in libgcrypt's memory whose expression lost its beginning: memory that is free is written
//! over from its start on, and there stand the name of the expression and the modulus.
//!
//! | list | bytes |
//! |---|---|
//! | `(e #010001#)` | 03 01 01 00 `e` 01 04 00, the four bytes of the number with its sign, 04 |

use crate::bytes;
use crate::crypto::Prover;
use crate::crypto::rsa_parts::RsaParts;
use crate::detect::key::{Fragment, Key};
use crate::detect::{Evidence, Hit, Sighting};
use crate::finding::Proof;
use crate::secret::Secret;

/// The head of the list with the private exponent.
pub const ANCHOR: &[u8] = b"\x03\x01\x01\x00d\x01";

/// The key whose private exponent stands at the anchor, followed by its primes; nothing where the whole expression is
/// there, which is read by its name.
pub fn sighting(form: &'static str, hit: &Hit<'_>) -> Option<Sighting> {
    let (key, start, end) = key(hit.data, hit.at, hit.prover)?;
    let fragment = Fragment {
        present: (end - start) as u64,
        expected: None,
    };
    let evidence: Evidence = key.fragment_at(form, "raw", start..end, fragment);
    Some(Sighting::Key(evidence))
}

fn key(data: &[u8], at: usize, prover: &Prover<'_>) -> Option<(Key, usize, usize)> {
    let (d, behind) = list(data, at, b'd')?;
    let (p, behind) = list(data, behind, b'p')?;
    let (q, end) = list(data, behind, b'q')?;
    let end = list(data, end, b'u').map_or(end, |(_, end)| end);
    let exponent = (1..=MAX_EXPONENT).find_map(|length| list_before(data, at, b'e', length));
    let (e, start) = exponent.map_or((None, at), |(e, start)| (Some(e), start));
    let size = p.len() + q.len();
    if size == 0 {
        return None;
    }
    let modulus = exponent.and_then(|(_, start)| {
        (size - 1..=size + 1).find_map(|length| list_before(data, start, b'n', length))
    });
    let (n, start) = modulus.map_or((None, start), |(n, start)| (Some(n), start));
    if n.is_some() && data.get(..start)?.ends_with(NAME) {
        return None;
    }
    // u is the inverse of p modulo q.
    let parts = RsaParts {
        n,
        e,
        d: Some(Secret::new(d)),
        p: Some(Secret::new(q)),
        q: Some(Secret::new(p)),
        ..RsaParts::default()
    };
    let key = Key::rsa_parts(&parts, prover)?;
    (key.proof == Proof::Arithmetic).then_some((key, start, end))
}

/// The number of the list of this name at `at`, without zeros before it, and the end of the list.
fn list(data: &[u8], at: usize, name: u8) -> Option<(&[u8], usize)> {
    let head: [u8; HEAD] = bytes::array(data, at)?;
    let [3, 1, 1, 0, named, 1, low, high] = head else {
        return None;
    };
    let length = usize::from(u16::from_le_bytes([low, high]));
    let number = bytes::slice(data, at + HEAD, length)?;
    let end = at + HEAD + length;
    (named == name && data.get(end) == Some(&CLOSE)).then_some((bytes::trim_zeros(number), end + 1))
}

/// The number of `length` bytes of the list of this name that ends at `end`, and where the list starts.
fn list_before(data: &[u8], end: usize, name: u8, length: usize) -> Option<(&[u8], usize)> {
    let start = end.checked_sub(HEAD + length + 1)?;
    let (number, behind) = list(data, start, name)?;
    (behind == end).then_some((number, start))
}

/// What stands before the modulus of a whole expression.
const NAME: &[u8] = b"private-key\x03\x01\x03\x00rsa";

/// Bytes before the number of a list: the opening mark, a name of one letter and the length.
const HEAD: usize = 8;

/// The mark behind it.
const CLOSE: u8 = 4;

/// Bytes of a public exponent, with its sign.
const MAX_EXPONENT: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ProofCache;
    use crate::crypto::test_keys::rsa_keys;

    fn listed(name: u8, number: &[u8]) -> Vec<u8> {
        let number = [&[0], number].concat();
        let length = (number.len() as u16).to_le_bytes();
        [&[3, 1, 1, 0, name, 1][..], &length, &number, &[CLOSE]].concat()
    }

    #[test]
    fn a_key_is_read_without_its_beginning_only() {
        let cache = ProofCache::default();
        let prover = Prover::new(&cache, 1 << 20);
        for numbers in rsa_keys().iter().filter(|key| key.n.len() >= 64) {
            let whole = [
                &b"\x03\x01\x0b\x00private-key\x03\x01\x03\x00rsa"[..],
                &listed(b'n', &numbers.n),
                &listed(b'e', &numbers.e),
                &listed(b'd', &numbers.d),
                &listed(b'p', &numbers.p),
                &listed(b'q', &numbers.q),
                &[CLOSE, CLOSE, 0],
            ]
            .concat();
            let at = memchr::memmem::find(&whole, ANCHOR).unwrap();
            assert!(key(&whole, at, &prover).is_none());
            let public = crate::crypto::PublicKey::rsa(&numbers.n, &numbers.e).unwrap();
            let start = memchr::memmem::find(&whole, &numbers.n).unwrap();
            for lost in [20, start + 1, start + numbers.n.len() - 1, at] {
                let mut left = whole.clone();
                left[..lost].fill(0x5a);
                let (key, _, end) = key(&left, at, &prover).unwrap();
                assert_eq!(key.public.unwrap().key(), &public, "{lost} bytes lost");
                assert_eq!(end, whole.len() - 3);
            }
            // Memory that was wiped has primes of no bytes.
            let mut wiped = whole.clone();
            for number in [&numbers.p, &numbers.q] {
                let prime = memchr::memmem::find(&wiped, number).unwrap();
                wiped[prime..prime + number.len()].fill(0);
            }
            assert!(key(&wiped, at, &prover).is_none());
            // A changed prime makes no key of it.
            let mut changed = whole.clone();
            changed[..start + 9].fill(0);
            let prime = memchr::memmem::find(&changed, &numbers.p).unwrap();
            changed[prime + 9] ^= 1;
            assert!(key(&changed, at, &prover).is_none());
        }
    }
}
