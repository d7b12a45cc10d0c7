//! Private keys written as text.

pub mod pem;
