//! The live keys in a process that signs, and the JWKS it publishes.

use crate::key::{Key, Use};
use crate::library::{Library, Signer, signer};
use crate::{Result, store, token};
use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// What the parts of production share on the disk.
#[derive(Clone, Debug, clap::Args)]
pub struct Disk {
    /// The key store: the live private keys
    #[arg(long, value_name = "DIR")]
    pub store: PathBuf,
    /// The published public halves
    #[arg(long, value_name = "FILE")]
    pub jwks: PathBuf,
    /// The crypto library that holds the keys
    #[arg(long, value_enum, default_value_t = Library::AwsLcRs)]
    pub library: Library,
}

/// The live key of each use, and all published ones.
pub struct Keyring {
    disk: Disk,
    live: RwLock<Vec<Live>>,
    jwks: Mutex<Value>,
}

struct Live {
    kid: String,
    usage: Use,
    signer: Box<dyn Signer>,
}

impl Keyring {
    /// The keys in the store.
    ///
    /// # Errors
    /// When they cannot be read, or the library refuses one.
    pub fn load(disk: &Disk) -> Result<Self> {
        let mut live = Vec::new();
        for key in store::read_keys(&disk.store)? {
            live.push(Live {
                signer: signer(disk.library, key.usage, &key.der)?,
                usage: key.usage,
                kid: key.kid,
            });
        }
        Ok(Self {
            live: RwLock::new(live),
            jwks: Mutex::new(store::read_jwks(&disk.jwks)?),
            disk: disk.clone(),
        })
    }

    /// The JWKS as it is published.
    pub fn jwks(&self) -> Value {
        self.jwks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Publishes a public half, as is done before its key signs anything.
    fn publish(&self, jwk: Value) -> Result<()> {
        self.change(|keys| keys.push(jwk))
    }

    /// Takes a public half out of the JWKS: no token of its key is accepted any more.
    fn revoke(&self, kid: &str) -> Result<()> {
        self.change(|keys| keys.retain(|key| key["kid"] != kid))
    }

    fn change(&self, what: impl FnOnce(&mut Vec<Value>)) -> Result<()> {
        let mut jwks = self.jwks.lock().unwrap_or_else(PoisonError::into_inner);
        what(jwks["keys"].as_array_mut().ok_or("no JWKS")?);
        store::write_whole(&self.disk.jwks, jwks.to_string().as_bytes())
    }

    /// Rotation: the key becomes the live one of its use, and takes the place of the old one in the store.
    fn install(&self, kid: &str, pem: &str) -> Result<()> {
        let key = Key::from_pem(kid, pem)?;
        if !self.jwks()["keys"]
            .as_array()
            .is_some_and(|keys| keys.contains(&key.jwk()))
        {
            return Err(format!("the public half of `{kid}` is not published").into());
        }
        let new = Live {
            kid: kid.to_owned(),
            usage: key.usage,
            signer: signer(self.disk.library, key.usage, &key.der)?,
        };
        let old = {
            let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
            let old = live.iter().position(|old| old.usage == key.usage);
            let old = old.map(|at| live.swap_remove(at));
            live.push(new);
            old
        };
        store::write_key(&self.disk.store, &key)?;
        if let Some(old) = old {
            fs::remove_file(self.disk.store.join(format!("{}.pem", old.kid)))?;
        }
        Ok(())
    }

    /// A token of an account, by the live key of its kind.
    fn token(&self, request: &str) -> Result<String> {
        let request: Value = serde_json::from_str(request)?;
        let usage = request["kind"]
            .as_str()
            .and_then(Use::named)
            .ok_or("no such kind of account")?;
        let account = request["account"].as_str().ok_or("no account")?;
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let key = live
            .iter()
            .find(|key| key.usage == usage)
            .ok_or("no key of this kind")?;
        token::signed(&*key.signer, &key.kid, usage, account, usage)
    }
}

/// What is asked of a process with keys: tokens, the JWKS, and rotation.
pub fn routes(keyring: Arc<Keyring>) -> Router {
    type Ring = State<Arc<Keyring>>;
    let publish = |State(ring): Ring, body: String| async move {
        answer(
            serde_json::from_str(&body)
                .map_err(Into::into)
                .and_then(|jwk| ring.publish(jwk))
                .map(|()| ""),
        )
    };
    let install = |State(ring): Ring, UrlPath(kid): UrlPath<String>, pem: String| async move {
        answer(ring.install(&kid, &pem).map(|()| ""))
    };
    let revoke = |State(ring): Ring, UrlPath(kid): UrlPath<String>| async move {
        answer(ring.revoke(&kid).map(|()| ""))
    };
    let token = |State(ring): Ring, body: String| async move { answer(ring.token(&body)) };
    let jwks = |State(ring): Ring| async move { ring.jwks().to_string() };
    Router::new()
        .route("/.well-known/jwks.json", get(jwks).post(publish))
        .route("/keys/{kid}", put(install).delete(revoke))
        .route("/token", post(token))
        .with_state(keyring)
}

/// A result as HTTP has it.
pub fn answer(done: Result<impl ToString>) -> (StatusCode, String) {
    match done {
        Ok(done) => (StatusCode::OK, done.to_string()),
        Err(error) => (
            StatusCode::BAD_REQUEST,
            json!({"error": error.to_string()}).to_string(),
        ),
    }
}
