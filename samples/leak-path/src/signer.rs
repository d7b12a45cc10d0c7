//! The signer of the fixed service: a process of its own that holds the keys, answers on a socket in the file system, and
//! is never dumped.

use crate::Result;
use crate::keyring::{Disk, Keyring, routes};
use crate::service::block_on;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::UnixListener;

/// `leak-path signer`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    disk: Disk,
    /// The socket at which it answers
    #[arg(long, value_name = "FILE")]
    socket: PathBuf,
}

/// Serves until it is killed.
///
/// # Errors
/// When it cannot start.
pub fn run(arguments: &Arguments) -> Result<()> {
    // Neither a core of the kernel's, nor a reader of its memory.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let router = routes(Arc::new(Keyring::load(&arguments.disk)?));
    block_on(async move {
        let listener = UnixListener::bind(&arguments.socket)?;
        println!("ready");
        axum::serve(listener, router).await?;
        Ok(())
    })
}
