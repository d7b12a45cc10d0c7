//! Private keys of OpenPGP programs.

pub mod armor;
pub mod keyring;
pub mod packet;
pub mod secret_key;
pub mod sexp;
mod sexp_left;
