//! Which of many candidates is the scalar of a known public point, for every curve we know.
//!
//! All candidates of a batch are multiplied together (`comb`) and the results looked up among the points;
//! what matches is confirmed by the curve's own crate. Nothing here knows where candidates come from.

mod comb;
mod edwards;
mod field;
mod inverse;
mod on_curve;
mod points;
#[cfg(target_arch = "x86_64")]
mod simd_digits;
#[cfg(target_arch = "x86_64")]
mod simd_field;
#[cfg(target_arch = "x86_64")]
mod simd_ifma;
mod weierstrass;

pub use edwards::{Edwards, Scheme};
pub use on_curve::{Sides, is_montgomery_point, is_on_curve, point_from_any};
pub use points::{Form, Points};
