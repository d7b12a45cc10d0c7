//! Private keys as SSH programs write them.

pub mod openssh;
pub mod ppk;
pub mod private;
pub mod sshcom;
pub mod wire;
