//! Private keys as SSH programs write them.

pub mod openssh;
pub mod wire;
