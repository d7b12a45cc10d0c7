//! Private keys written as text.

pub mod base64;
pub mod hex;
pub mod json;
pub mod jwk;
pub mod lines;
pub mod markup;
pub mod numbers;
pub mod pem;
pub mod xml;
