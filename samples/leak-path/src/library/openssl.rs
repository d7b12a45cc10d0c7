//! Keys in the hands of the system's OpenSSL.

use super::{Result, Signer, Use};
use ::openssl::ecdsa::EcdsaSig;
use ::openssl::hash::MessageDigest;
use ::openssl::pkey::{PKey, Private};

/// The key as this library keeps it.
///
/// # Errors
/// When it refuses the key.
pub fn signer(usage: Use, pkcs8: &[u8]) -> Result<Box<dyn Signer>> {
    let key = PKey::private_key_from_pkcs8(pkcs8)?;
    Ok(Box::new(Held { usage, key }))
}

struct Held {
    usage: Use,
    key: PKey<Private>,
}

impl Signer for Held {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signer = ::openssl::sign::Signer::new(MessageDigest::sha256(), &self.key)?;
        let signature = signer.sign_oneshot_to_vec(message)?;
        match self.usage {
            Use::Consumer => Ok(signature),
            Use::Enterprise => {
                let signature = EcdsaSig::from_der(&signature)?;
                let halves = [
                    signature.r().to_vec_padded(32)?,
                    signature.s().to_vec_padded(32)?,
                ];
                Ok(halves.concat())
            }
        }
    }
}
