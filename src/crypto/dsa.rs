//! DSA: does a private number belong to a public one? y = g^x mod p (FIPS 186-4, section 4.1).

use crate::bytes::{bit_length, trim_zeros};
use crate::secret::Secret;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd, Resize};
use zeroize::Zeroizing;

/// The numbers of a DSA private key, big-endian.
#[derive(Clone, Copy, Debug)]
pub struct DsaNumbers<'d> {
    /// Prime modulus.
    pub p: &'d [u8],
    /// Prime divisor of p - 1.
    pub q: &'d [u8],
    /// Generator.
    pub g: &'d [u8],
    /// Public number, where the structure has one.
    pub y: Option<&'d [u8]>,
    /// Private number.
    pub x: Secret<'d>,
}

impl DsaNumbers<'_> {
    /// Whether sizes and order are those of a key, which costs nanoseconds.
    pub fn look_consistent(&self) -> bool {
        let (p, q, x) = (
            bit_length(self.p),
            bit_length(self.q),
            bit_length(self.x.expose()),
        );
        is_plausible_group(self.p, self.q, self.g)
            && (MIN_DIVISOR_BITS / 2..=q).contains(&x)
            && self.y.is_none_or(|y| (p / 2..=p).contains(&bit_length(y)))
    }

    /// g^x mod p, big-endian; `None` unless q divides p - 1 and x is below q.
    pub fn derive(&self) -> Option<Vec<u8>> {
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        let p: Odd<BoxedUint> = number(self.p).to_odd().into_option()?;
        let q = number(self.q).to_nz().into_option()?;
        let less_one = p.as_ref().wrapping_sub(BoxedUint::one());
        let x = Zeroizing::new(number(self.x.expose()));
        let fits = bool::from(less_one.rem_vartime(&q).is_zero())
            && trim_zeros(self.x.expose()).len() <= self.q.len()
            && x.cmp_vartime(q.as_ref()).is_lt();
        if !fits {
            return None;
        }
        let params = BoxedMontyParams::new_vartime(p);
        let precision = params.bits_precision();
        let g = number(self.g).resize(precision);
        let y = BoxedMontyForm::new(g, &params).pow(&x).retrieve();
        Some(y.to_be_bytes_trimmed_vartime().into())
    }

    /// What the proof costs, in units of some 0.2 ms.
    pub fn cost(&self) -> usize {
        (bit_length(self.p).div_ceil(1024) as usize).pow(2)
    }
}

/// Whether p, q and g have sizes that DSA can have.
pub fn is_plausible_group(p: &[u8], q: &[u8], g: &[u8]) -> bool {
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bit_length(p))
        && (MIN_DIVISOR_BITS..=MAX_DIVISOR_BITS).contains(&bit_length(q))
        && (2..=bit_length(p)).contains(&bit_length(g))
        && is_odd(p)
        && is_odd(q)
}

/// Bits of p; old keys have 512.
const MIN_MODULUS_BITS: u32 = 512;
const MAX_MODULUS_BITS: u32 = 4096;
/// Bits of q.
const MIN_DIVISOR_BITS: u32 = 160;
const MAX_DIVISOR_BITS: u32 = 512;
