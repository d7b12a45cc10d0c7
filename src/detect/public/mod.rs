//! Public keys: no findings, but clues that confirm a private key.

pub mod pem;
pub mod pkcs1;
pub mod spki;
pub mod ssh;
pub mod windows;

pub use spki::parse as parse_spki;
