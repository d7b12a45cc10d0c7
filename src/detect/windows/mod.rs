//! Private keys as Windows writes them: CryptoAPI and CNG blobs, their files, and SymCrypt's objects.

pub mod bsafe;
pub mod capi;
pub mod cng_dh;
pub mod cng_dsa;
pub mod cng_ec;
pub mod cng_rsa;
pub mod dpapi;
mod numbers;
pub mod pvk;
pub mod symcrypt;

pub use numbers::reversed;
