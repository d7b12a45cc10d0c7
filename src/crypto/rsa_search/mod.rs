//! The arithmetic by which numbers of an RSA key are told from other numbers, billions of them, when only
//! the modulus is known.
//!
//! All numbers are little-endian 64-bit limbs, with or without zeros on top. A look (`may_be`) takes
//! nanoseconds, loses what its documentation says and lets some random numbers through; what it lets through is
//! confirmed exactly (`factor`, `complete`).
//!
//! | a number is | told by |
//! |---|---|
//! | a prime | [`has_small_factor`] is false and it divides a modulus: [`Moduli`] |
//! | d | d/n is near k/(e·g): [`Exponents`] |
//! | dp and dq | dp·dq/n is near kp·kq/e²: [`ExponentPairs`] |
//! | d modulo p-1, p known | x/p is near k/e: [`Remainders`] |
//! | p and q, n unknown | [`low_product`], [`is_product`] |

mod exponents;
mod factors;
mod fraction;
mod inverse;
mod limbs;
mod moduli;
mod pairs;
mod remainders;
mod sieve;
mod simd_fraction;
#[cfg(target_arch = "x86_64")]
mod simd_ifma;
#[cfg(test)]
mod test_numbers;

pub use exponents::{Exponents, LOOKS};
pub use factors::{Factored, Rest, complete};
pub use limbs::{is_product, low_product};
pub use moduli::{MAX_LIMBS, Moduli};
pub use pairs::{ExponentPairs, Partner, Top};
pub use remainders::{EXPONENT_BITS, Remainders};
pub use sieve::{SIEVE_BOUND, has_small_factor};
