//! CNG's BCRYPT_RSAPRIVATE_BLOB and BCRYPT_RSAFULLPRIVATE_BLOB (Microsoft, "BCRYPT_RSAKEY_BLOB structure").
//!
//! | field | bytes |
//! |---|---|
//! | magic `RSA2` or `RSA3`, BitLength, cbPublicExp, cbModulus, cbPrime1, cbPrime2, little-endian | 24 |
//! | e, n, p, q, big-endian | their lengths |
//! | only `RSA3`: d mod p-1, d mod q-1, q⁻¹ mod p, d | cbPrime1, cbPrime2, cbPrime1, cbModulus |
//!
//! A freed blob has lost its first sixteen bytes to the heap's lists. The lengths of the primes and e stand.

use super::numbers::{Field, Numbers, Order, Role, is_modulus_size};
use crate::bytes::{slice, u32_le};
use crate::detect::key::Evidence;
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::finding::Proof;

/// The detector.
pub struct CngRsa;

impl Detector for CngRsa {
    fn name(&self) -> &'static str {
        FORM
    }

    fn forms(&self) -> &'static [&'static str] {
        &[FORM]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(PRIVATE),
            Anchor::Bytes(FULL),
            Anchor::Bytes(b"\x40\0\0\0\x40\0\0\0\x01\x00\x01"),
            Anchor::Bytes(b"\x80\0\0\0\x80\0\0\0\x01\x00\x01"),
            Anchor::Bytes(b"\xc0\0\0\0\xc0\0\0\0\x01\x00\x01"),
            Anchor::Bytes(b"\x00\x01\0\0\x00\x01\0\0\x01\x00\x01"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl CngRsa {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let found = match slice(hit.data, hit.at, 4)? {
            PRIVATE => headed(hit, Extent::Primes),
            FULL => headed(hit, Extent::Full),
            _ => freed(hit),
        };
        found.map(Sighting::Key)
    }
}

/// Which numbers a blob holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Up to q.
    Primes,
    /// All.
    Full,
}

fn headed(hit: &Hit<'_>, extent: Extent) -> Option<Evidence> {
    let number = |at: usize| u32_le(hit.data, hit.at + at);
    let bits = number(4).filter(|&bits| is_modulus_size(bits))?;
    let length = |at: usize| Some(number(at)? as usize);
    let (e, n, p, q) = (length(8)?, length(12)?, length(16)?, length(20)?);
    let is_possible = (1..=MAX_EXPONENT).contains(&e)
        && n == bits.div_ceil(8) as usize
        && p.min(q) >= n / 4
        && p.max(q) < n
        && (n..=n + 2).contains(&(p + q));
    is_possible.then_some(())?;
    let numbers = read(hit, hit.at + HEADER, [e, n, p, q], extent);
    numbers.is_plausible(bits).then_some(())?;
    numbers.evidence(FORM, hit.at..hit.at + HEADER, 0, hit.prover)
}

/// A blob of which nothing before cbPrime1 is left.
fn freed(hit: &Hit<'_>) -> Option<Evidence> {
    let lost = HEADER - LENGTHS;
    let magic = hit
        .at
        .checked_sub(lost)
        .and_then(|at| slice(hit.data, at, 4));
    if magic.is_some_and(|magic| [PRIVATE, FULL].contains(&magic)) {
        return None;
    }
    let half = u32_le(hit.data, hit.at)? as usize;
    let start = hit.at + LENGTHS;
    let bits = u32::try_from(half * 16).ok()?;
    // What lies behind the primes is the rest of the blob if d belongs to them.
    [Extent::Full, Extent::Primes]
        .into_iter()
        .find_map(|extent| {
            let numbers = read(hit, start, [3, 2 * half, half, half], extent);
            let is_possible =
                numbers.is_plausible(bits) && (extent == Extent::Primes || numbers.is_whole());
            is_possible.then_some(())?;
            let key = numbers.judge_whole(hit.prover)?;
            (key.proof == Proof::Arithmetic).then_some(())?;
            numbers.evidence_of(key, FORM, hit.at..start, lost)
        })
}

fn read(hit: &Hit<'_>, start: usize, [e, n, p, q]: [usize; 4], extent: Extent) -> Numbers {
    let fields = [
        Field::new(Role::E, e),
        Field::new(Role::N, n),
        Field::new(Role::P, p),
        Field::new(Role::Q, q),
        Field::new(Role::Dp, p),
        Field::new(Role::Dq, q),
        Field::new(Role::Qinv, p),
        Field::new(Role::D, n),
    ];
    let count = match extent {
        Extent::Primes => 4,
        Extent::Full => fields.len(),
    };
    Numbers::read(
        hit.data,
        start,
        Order::Big,
        fields.get(..count).unwrap_or_default(),
    )
}

const FORM: &str = "windows.cng-rsa";

const PRIVATE: &[u8] = b"RSA2";
const FULL: &[u8] = b"RSA3";

/// Bytes of BCRYPT_RSAKEY_BLOB, and of the two lengths at its end.
const HEADER: usize = 24;
const LENGTHS: usize = 8;

/// Bytes of a public exponent at most.
const MAX_EXPONENT: usize = 32;
