//! Private keys in DER.

pub mod algorithm;
pub mod pkcs1;
pub mod pkcs8;
pub mod sec1;
