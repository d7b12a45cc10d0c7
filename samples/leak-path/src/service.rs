//! The signing service: an identity provider that answers on the loopback.

use crate::http::Place;
use crate::keyring::{Disk, Keyring, answer, routes};
use crate::{Result, crash};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use std::future::Future;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// `leak-path signing-service`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    disk: Disk,
    /// The socket of the crash writer
    #[arg(long, value_name = "FILE")]
    crash_writer: PathBuf,
    /// The socket of a signer: this process then never has a key
    #[arg(long, value_name = "FILE")]
    signer: Option<PathBuf>,
    /// The port; one that is free if it is 0
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// Serves until it is killed, or crashes.
///
/// # Errors
/// When it cannot start.
pub fn run(arguments: Arguments) -> Result<()> {
    let _handler = crash::attach(&arguments.crash_writer)?;
    let tokens = match &arguments.signer {
        None => routes(Arc::new(Keyring::load(&arguments.disk)?)),
        Some(socket) => forwarded(Place::Socket(socket.clone())),
    };
    let bug = || async { crash::bug() };
    serve(arguments.port, tokens.route("/bug", post(bug)))
}

/// What a service without keys does: it asks the signer.
fn forwarded(signer: Place) -> Router {
    type Signer = State<Arc<Place>>;
    let token = |State(signer): Signer, body: String| async move {
        answer(waiting(move || signer.demand("POST", "/token", &body)).await)
    };
    let jwks = |State(signer): Signer| async move {
        answer(waiting(move || signer.demand("GET", "/.well-known/jwks.json", "")).await)
    };
    Router::new()
        .route("/token", post(token))
        .route("/.well-known/jwks.json", get(jwks))
        .with_state(Arc::new(signer))
}

/// Something that blocks, done on a thread of its own.
pub async fn waiting<T: Send + 'static>(
    what: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(what).await?
}

/// Answers on the loopback, and says on which port.
///
/// # Errors
/// When the port is not free.
pub fn serve(port: u16, router: Router) -> Result<()> {
    block_on(async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        println!("ready at port {}", listener.local_addr()?.port());
        axum::serve(listener, router).await?;
        Ok(())
    })
}

/// Runs the services' futures on two threads, as small a service has them.
///
/// # Errors
/// Those of the future, and when no thread can be had.
pub fn block_on(future: impl Future<Output = Result<()>>) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // Their stacks are in the dump.
    runtime
        .enable_all()
        .worker_threads(2)
        .thread_stack_size(512 << 10);
    runtime.build()?.block_on(future)
}
