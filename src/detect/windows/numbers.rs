//! RSA numbers as Windows' structures hold them: one behind the other in fields of fixed width.

use crate::bytes::{self, bit_length, trim_zeros};
use crate::crypto::Prover;
use crate::crypto::random::is_varied;
use crate::crypto::rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS, RsaNumbers, is_plausible_public};
use crate::crypto::rsa_parts::RsaParts;
use crate::detect::key::{Evidence, Fragment, Key};
use crate::finding::Proof;
use crate::secret::{Secret, SecretBuf};
use std::ops::Range;

/// Which number a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Public exponent.
    E,
    /// Modulus.
    N,
    /// First prime.
    P,
    /// Second prime.
    Q,
    /// d mod p-1.
    Dp,
    /// d mod q-1.
    Dq,
    /// q⁻¹ mod p.
    Qinv,
    /// Private exponent.
    D,
}

/// A field of a structure: its number, the bytes of the number, and zero bytes behind it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub role: Role,
    pub width: usize,
    pub pad: usize,
}

impl Field {
    /// A field without padding.
    pub const fn new(role: Role, width: usize) -> Self {
        Self {
            role,
            width,
            pad: 0,
        }
    }
}

/// Which end of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The least significant byte.
    Little,
    /// The most significant byte.
    Big,
}

/// The numbers that are whole, big-endian.
pub struct Numbers {
    numbers: Vec<(Role, SecretBuf)>,
    /// Bytes the fields take in a whole structure.
    pub length: usize,
    /// Bytes of them that are there.
    pub present: usize,
}

impl Numbers {
    /// Reads `fields`, which follow one another from `start` on, as far as `data` reaches.
    pub fn read(data: &[u8], start: usize, order: Order, fields: &[Field]) -> Self {
        let mut numbers = Vec::with_capacity(fields.len());
        let mut length = 0;
        for field in fields {
            if let Some(number) = bytes::slice(data, start.saturating_add(length), field.width) {
                numbers.push((field.role, in_order(number, order)));
            }
            length += field.width + field.pad;
        }
        let present = data.len().saturating_sub(start).min(length);
        Self {
            numbers,
            length,
            present,
        }
    }

    /// Whether no number is cut off.
    pub fn is_whole(&self) -> bool {
        self.present == self.length
    }

    /// Adds a number that the structure holds elsewhere.
    pub fn with(mut self, role: Role, number: SecretBuf) -> Self {
        self.numbers.push((role, number));
        self
    }

    /// Whether modulus and exponent may be those of a key of `bits` bits, and the modulus is no constant.
    pub fn is_plausible(&self, bits: u32) -> bool {
        let (Some(n), Some(e)) = (self.number(Role::N), self.number(Role::E)) else {
            return false;
        };
        is_plausible_public(n, e)
            && (bits.saturating_sub(7)..=bits).contains(&bit_length(n))
            && is_varied(n)
    }

    /// Judges modulus, exponents and primes together; `None` unless they are whole.
    pub fn judge_whole(&self, prover: &Prover<'_>) -> Option<Key> {
        let RsaParts { d, .. } = self.parts();
        let (n, e) = (self.number(Role::N)?, self.number(Role::E)?);
        let [p, q] = [Role::P, Role::Q].map(|role| self.number(role).map(Secret::new));
        let (p, q) = (p?, q?);
        let mut key = Key::rsa(&RsaNumbers { n, e, d, p, q }, prover)?;
        // Nothing but d tells whether the exponent is right, and a wrong one gives the key another name.
        if d.is_none()
            && key.proof == Proof::Arithmetic
            && !USUAL_EXPONENTS.contains(&trim_zeros(e))
        {
            key.proof = Proof::Parsed;
        }
        Some(key)
    }

    /// Judges the numbers. `None` where no private one is whole, or the budget for proofs is used up.
    pub fn judge(&self, prover: &Prover<'_>) -> Option<Key> {
        let parts = self.parts();
        let whole = self.judge_whole(prover);
        if whole
            .as_ref()
            .is_some_and(|key| key.proof == Proof::Arithmetic)
        {
            return whole;
        }
        // Some number was overwritten or lost. The exponent is left out beside a prime, which would not
        // notice that it is a wrong one; beside d it would.
        let by_prime = RsaParts { e: None, ..parts };
        let by_exponent = RsaParts {
            n: parts.n,
            e: parts.e,
            d: parts.d,
            ..RsaParts::default()
        };
        let mut best = whole;
        for left in [by_prime, by_exponent] {
            let is_affordable = parts.n.is_none_or(|n| bit_length(n) <= MAX_REBUILT_BITS);
            if !is_affordable || !left.may_determine_key() {
                continue;
            }
            let key = Key::rsa_parts(&left, prover)?;
            if key.proof == Proof::Arithmetic {
                return Some(key);
            }
            if best.is_none() {
                best = Some(key);
            }
        }
        best
    }

    /// The key as evidence at `head` and the numbers behind it, a fragment if its end is lost. `lost` counts
    /// bytes lost before `head`.
    pub fn evidence(
        &self,
        form: &'static str,
        head: Range<usize>,
        lost: usize,
        prover: &Prover<'_>,
    ) -> Option<Evidence> {
        let key = self.judge(prover)?;
        self.evidence_of(key, form, head, lost)
    }

    /// The same for a key that was judged already.
    pub fn evidence_of(
        &self,
        key: Key,
        form: &'static str,
        head: Range<usize>,
        lost: usize,
    ) -> Option<Evidence> {
        let is_whole = lost == 0 && self.is_whole();
        // What stands behind a head that is not whole may be anything.
        if !is_whole && key.proof == Proof::Shape {
            return None;
        }
        let range = head.start..head.end + self.present;
        Some(match is_whole {
            true => key.at(form, "raw", range),
            false => {
                let fragment = Fragment {
                    present: range.len() as u64,
                    expected: Some((lost + head.len() + self.length) as u64),
                };
                key.fragment_at(form, "raw", range, fragment)
            }
        })
    }

    fn number(&self, role: Role) -> Option<&[u8]> {
        let mut numbers = self.numbers.iter();
        Some(
            &**numbers
                .find(|(own, _)| *own == role)
                .map(|(_, number)| number)?,
        )
    }

    fn parts(&self) -> RsaParts<'_> {
        let secret = |role| self.number(role).map(Secret::new);
        RsaParts {
            n: self.number(Role::N),
            e: self.number(Role::E),
            d: secret(Role::D),
            p: secret(Role::P),
            q: secret(Role::Q),
            dp: secret(Role::Dp),
            dq: secret(Role::Dq),
            qinv: secret(Role::Qinv),
        }
    }
}

/// Whether a modulus may have so many bits.
pub fn is_modulus_size(bits: u32) -> bool {
    (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits)
}

/// The bytes of `number` in reverse: a little-endian number as the big-endian one the arithmetic takes.
pub fn reversed(number: &[u8]) -> SecretBuf {
    in_order(number, Order::Little)
}

fn in_order(number: &[u8], order: Order) -> SecretBuf {
    let mut copy = SecretBuf::zeroed(number.len());
    copy.bytes_mut().copy_from_slice(number);
    if order == Order::Little {
        copy.bytes_mut().reverse();
    }
    copy
}

/// Bits of the largest key that is made whole from what is left of it: it costs some two seconds.
const MAX_REBUILT_BITS: u32 = 8192;

/// Public exponents that keys have: 65,537, 3, 5, 7, 17, 35, 37 and 257.
const USUAL_EXPONENTS: [&[u8]; 8] = [&[1, 0, 1], &[3], &[5], &[7], &[17], &[35], &[37], &[1, 1]];
