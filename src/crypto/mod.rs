//! Numbers only: tolerant DER, big integers, curves, proofs and the fingerprints of public keys.
//! Nothing here knows of dumps or files.

pub mod curve;
pub mod der;
pub mod dsa;
pub mod ec_search;
pub mod edwards;
pub mod material;
pub mod prover;
pub mod public_key;
mod published;
pub mod random;
pub mod rsa;
pub mod rsa_multi;
pub mod rsa_parts;
mod rsa_primes;
pub mod rsa_search;
#[cfg(test)]
pub(crate) mod test_keys;

pub use curve::Curve;
pub use prover::{ProofCache, Prover};
pub use public_key::{Algorithm, Fingerprint, Identity, PublicKey};
