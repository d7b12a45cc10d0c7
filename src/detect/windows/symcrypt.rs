//! Keys behind CNG handles: the objects of SymCrypt, Windows' library of primitives (its source,
//! `inc/symcrypt_internal.h`, `lib/rsakey.c` and `lib/eckey.c`, version 103). All little-endian.
//!
//! | SYMCRYPT_INT | bytes |
//! |---|---|
//! | type: index of functions, then `gI` | 00 00 49 67 |
//! | number of digits; size of the object | 4, 4 |
//! | up to the alignment of 16 or 32 | 4 or 20 |
//! | the number, padded to digits of 64 bytes (AMD64), 32 (ARM64) or 16 | digits |
//!
//! A SYMCRYPT_RSAKEY holds, one behind the other: n, p and q, each an INT inside a DIVISOR inside a MODULUS;
//! inverses in Montgomery form; d, and d mod p-1 and q-1, each an INT. Of a public key only n is written.
//!
//! A SYMCRYPT_ECKEY ends with pointers to its curve, its point and its INT. The point follows at once, in
//! projective coordinates in Montgomery form, and nobody can tell it for the public key; then the INT d.

use super::reversed;
use crate::bytes::{array, bit_length, slice, u32_le, u64_le};
use crate::crypto::random::{is_varied, looks_random};
use crate::crypto::rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS};
use crate::crypto::rsa_parts::RsaParts;
use crate::crypto::{Curve, Prover};
use crate::detect::key::{Evidence, Key};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::Proof;
use crate::secret::{Secret, SecretBuf};
use memchr::memmem;

/// The detector.
pub struct SymCrypt;

impl Detector for SymCrypt {
    fn name(&self) -> &'static str {
        FORM
    }

    fn forms(&self) -> &'static [&'static str] {
        &[FORM]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(TYPE)]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl SymCrypt {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let int = Int::read(hit.data, hit.at)?;
        let evidence = match int.bits() {
            MIN_SCALAR_BITS..=MAX_SCALAR_BITS if !int.is_divisor(hit.data) => scalar(hit, &int),
            _ => None,
        };
        evidence.or_else(|| modulus(hit, &int)).map(Sighting::Key)
    }
}

/// A SYMCRYPT_INT.
#[derive(Clone, Copy)]
struct Int<'d> {
    /// Where it starts.
    at: usize,
    /// The number without the zeros above it, little-endian.
    number: &'d [u8],
    /// Where its digits end.
    end: usize,
}

impl<'d> Int<'d> {
    /// The INT at `at`, if its sizes fit together and its number needs all of its digits.
    fn read(data: &'d [u8], at: usize) -> Option<Self> {
        let digits = u32_le(data, at + 4)? as usize;
        let size = u32_le(data, at + 8)? as usize;
        if !(1..=MAX_INT / 16).contains(&digits) || size > MAX_INT + 32 {
            return None;
        }
        let (header, digit) = LAYOUTS
            .into_iter()
            .find(|(header, digit)| header + digits * digit == size)?;
        let number = slice(data, at + header, digits * digit)?;
        let zeros = number.iter().rev().take_while(|&&byte| byte == 0).count();
        let number = number.get(..number.len() - zeros)?;
        (number.len().div_ceil(digit) == digits).then_some(Self {
            at,
            number,
            end: at + size,
        })
    }

    fn bits(&self) -> u32 {
        let top = self.number.last().map_or(0, |byte| byte.leading_zeros());
        u32::try_from(8 * self.number.len())
            .unwrap_or(u32::MAX)
            .saturating_sub(top)
    }

    fn low(&self) -> u64 {
        array(self.number, 0).map_or(0, u64::from_le_bytes)
    }

    fn is_odd(&self) -> bool {
        self.low() & 1 == 1
    }

    /// Whether it is part of a DIVISOR, so of a MODULUS maybe: a curve's prime or order.
    fn is_divisor(&self, data: &[u8]) -> bool {
        let header = |back: usize| slice(data, self.at.checked_sub(back)?, 4);
        [32, 48, 64]
            .into_iter()
            .any(|back| header(back).is_some_and(|bytes| bytes.ends_with(b"\x44\x67")))
    }

    fn big_endian(&self) -> SecretBuf {
        reversed(self.number)
    }
}

/// The RSA key whose modulus is `n`, if its primes or one of them follow.
fn modulus(hit: &Hit<'_>, n: &Int<'_>) -> Option<Evidence> {
    let bits = n.bits();
    let is_possible =
        (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits) && n.is_odd() && is_varied(n.number);
    is_possible.then_some(())?;
    let reach = (n.end - n.at) * OBJECTS + 1024;
    let end = hit.data.len().min(n.end + reach.min(LONGEST_FORM));
    let behind = hit.data.get(n.end..end)?;
    let ints: Vec<Int<'_>> = memmem::find_iter(behind, TYPE)
        .filter_map(|at| Int::read(hit.data, n.end + at))
        .take(MAX_INTS)
        .collect();
    let primes: Vec<Int<'_>> = ints
        .iter()
        .filter(|int| int.is_odd() && (bits / 4..bits).contains(&int.bits()))
        .copied()
        .collect();
    let pair = primes.iter().enumerate().find_map(|(index, p)| {
        let mut others = primes.iter().skip(index + 1);
        let q = others.find(|q| {
            let sum = p.bits() + q.bits();
            (bits..=bits + 1).contains(&sum) && p.low().wrapping_mul(q.low()) == n.low()
        })?;
        Some((*p, *q))
    });
    match pair {
        Some((p, q)) => key(hit, n, &ints, &p, Some(&q)),
        // Of two primes one may be overwritten, or may lie on a page that is not there.
        None => {
            let mut halves = primes
                .iter()
                .filter(|prime| (prime.bits() * 2).abs_diff(bits) <= 2 && is_varied(prime.number));
            halves
                .next()
                .filter(|prime| prime.is_divisor(hit.data))
                .and_then(|p| key(hit, n, &ints, p, None))
        }
    }
}

fn key(
    hit: &Hit<'_>,
    n: &Int<'_>,
    ints: &[Int<'_>],
    p: &Int<'_>,
    q: Option<&Int<'_>>,
) -> Option<Evidence> {
    let bits = n.bits();
    // d is reduced by p-1 and q-1: at most 64 bits shorter than n, and odd as both exponents are.
    let d = ints
        .iter()
        .find(|int| int.at > p.at && int.is_odd() && (bits - 64..=bits).contains(&int.bits()));
    let [n_bytes, p_bytes] = [n, p].map(|int| int.big_endian());
    let [q_bytes, d_bytes] = [q, d].map(|int| int.map(Int::big_endian));
    let parts = RsaParts {
        n: Some(&n_bytes),
        p: Some(Secret::new(&p_bytes)),
        q: q_bytes.as_deref().map(Secret::new),
        d: d_bytes.as_deref().map(Secret::new),
        ..RsaParts::default()
    };
    let key = Key::rsa_parts(&parts, hit.prover)?;
    // Without an equation that holds these are some numbers near one another.
    (!key.derived.is_empty() || key.proof == Proof::Arithmetic).then_some(())?;
    let used = [Some(p), q, d].into_iter().flatten();
    let end = used.map(|int| int.end).max().unwrap_or(n.end);
    Some(key.at(FORM, "raw", n.at..end))
}

/// The EC key whose scalar is `d`. Beside the pointers of a SYMCRYPT_ECKEY it is one; else a number that looks
/// like a scalar: SymCrypt wipes its temporaries, but other numbers have this size too.
fn scalar(hit: &Hit<'_>, d: &Int<'_>) -> Option<Evidence> {
    let bytes = d.big_endian();
    (is_scalar_sized(bytes.len()) && looks_random(&bytes)).then_some(())?;
    let start = ec_key_start(hit.data, d.at);
    let mut key = ec(&bytes, hit.prover)?;
    if start.is_none() {
        key.proof = key.proof.min(Proof::Shape);
    }
    Some(key.at(FORM, "raw", start.unwrap_or(d.at)..d.end))
}

fn ec(scalar: &[u8], prover: &Prover<'_>) -> Option<Key> {
    debug_assert!(bit_length(scalar) <= MAX_SCALAR_BITS);
    Key::ec(None, scalar, None, prover)
}

/// Whether so many bytes are those of a scalar of one of the curves, its leading one being zero at most: the
/// exponents of RSA keys of 1024 bits are two bytes shorter than those of the largest curve.
fn is_scalar_sized(length: usize) -> bool {
    Curve::ALL
        .into_iter()
        .any(|curve| (curve.field_bytes() - 1..=curve.field_bytes()).contains(&length))
}

/// Where the SYMCRYPT_ECKEY starts whose INT lies at `int`: its pointers to point and INT are as far apart as
/// the two are, and the point follows the pointers.
fn ec_key_start(data: &[u8], int: usize) -> Option<usize> {
    let nearest = int.checked_sub(MIN_POINT)?;
    let farthest = int.saturating_sub(MAX_POINT);
    [8, 4].into_iter().find_map(|word| {
        let pointer = |at: usize| match word {
            8 => u64_le(data, at),
            _ => u32_le(data, at).map(u64::from),
        };
        // Objects are aligned in memory, and so is the INT: pointers stand whole words before it.
        (farthest..=nearest)
            .rev()
            .filter(|at| (int - at).is_multiple_of(word))
            .find_map(|at| {
                let (point, target) = (pointer(at)?, pointer(at + word)?);
                let apart = usize::try_from(target.checked_sub(point)?).ok()?;
                let place = int.checked_sub(apart)?;
                let is_key = apart >= MIN_POINT / 2
                    && point.is_multiple_of(16)
                    && target.is_multiple_of(16)
                    && point > 0xffff
                    && (at + 2 * word..=at + 2 * word + MAX_GAP).contains(&place);
                // Flags (if any), the mark of a private key, the pointer to the curve.
                let curve = at.checked_sub(word)?;
                (is_key && pointer(curve)? > 0xffff).then_some(curve - curve.min(8))
            })
    })
}

const FORM: &str = "windows.symcrypt";

const TYPE: &[u8] = b"\0\0\x49\x67";

/// Bytes of an INT's header and of a digit.
const LAYOUTS: [(usize, usize); 5] = [(32, 64), (32, 32), (32, 16), (16, 16), (16, 64)];

/// Bytes of an INT's digits at most: those of the largest modulus.
const MAX_INT: usize = MAX_MODULUS_BITS as usize / 8;

/// A SYMCRYPT_RSAKEY is so many times as long as its modulus, with its headers.
const OBJECTS: usize = 18;

/// INTs looked at behind a modulus: a key has six, and some temporaries may stand among them.
const MAX_INTS: usize = 24;

/// Bits of scalars: of the smallest curve less two bytes, of the largest.
const MIN_SCALAR_BITS: u32 = 256 - 16;
const MAX_SCALAR_BITS: u32 = 521;

/// Bytes from a SYMCRYPT_ECKEY's last pointers to its INT: those of a point of three coordinates at least, of
/// four with digits of 64 bytes at most.
const MIN_POINT: usize = 96;
const MAX_POINT: usize = 768;

/// Bytes between the pointers and the point at most: a check word and padding.
const MAX_GAP: usize = 48;
