//! Private keys written as text.

pub mod base64;
pub mod hex;
pub mod lines;
pub mod pem;
