//! Keys in the hands of ring.

use super::{Result, Signer, Use};
use ::ring::rand::SystemRandom;
use ::ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

/// The key as this library keeps it.
///
/// # Errors
/// When it refuses the key.
pub fn signer(usage: Use, pkcs8: &[u8]) -> Result<Box<dyn Signer>> {
    Ok(match usage {
        Use::Consumer => Box::new(Rsa(RsaKeyPair::from_pkcs8(pkcs8)?)),
        Use::Enterprise => Box::new(Ec(EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            pkcs8,
            &SystemRandom::new(),
        )?)),
    })
}

struct Rsa(RsaKeyPair);

struct Ec(EcdsaKeyPair);

impl Signer for Rsa {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; 256];
        self.0.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )?;
        Ok(signature)
    }
}

impl Signer for Ec {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(self
            .0
            .sign(&SystemRandom::new(), message)?
            .as_ref()
            .to_vec())
    }
}
