//! Private keys written as text.

pub mod json;
pub mod jwk;
pub mod markup;
pub mod numbers;
pub mod pem;
pub mod xml;
