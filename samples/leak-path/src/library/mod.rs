//! The libraries by which the service signs. A key lies in memory as its library keeps it.

mod aws;
#[cfg(feature = "openssl")]
mod openssl;
#[cfg(feature = "ring")]
mod ring;

use crate::Result;
use crate::key::Use;
use clap::ValueEnum;

/// The crypto library of the signing service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Library {
    /// AWS-LC
    AwsLcRs,
    /// ring
    Ring,
    /// The system's OpenSSL
    Openssl,
}

impl Library {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsLcRs => "aws-lc-rs",
            Self::Ring => "ring",
            Self::Openssl => "openssl",
        }
    }
}

/// A private key in a library's hands.
pub trait Signer: Send + Sync {
    /// RS256's signature, or ES256's `r || s`.
    ///
    /// # Errors
    /// When the library fails.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>>;
}

/// Hands a key to a library.
///
/// # Errors
/// When the library refuses the key, or is not built in.
pub fn signer(library: Library, usage: Use, pkcs8: &[u8]) -> Result<Box<dyn Signer>> {
    match library {
        Library::AwsLcRs => aws::signer(usage, pkcs8),
        #[cfg(feature = "ring")]
        Library::Ring => ring::signer(usage, pkcs8),
        #[cfg(feature = "openssl")]
        Library::Openssl => openssl::signer(usage, pkcs8),
        #[cfg(not(all(feature = "ring", feature = "openssl")))]
        other => Err(format!("built without `--features {}`", other.name()).into()),
    }
}
