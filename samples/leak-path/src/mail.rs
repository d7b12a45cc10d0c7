//! The mail service: shows a mailbox to who brings a token that a published key signed.

use crate::http::Place;
use crate::key::Use;
use crate::service::{serve, waiting};
use crate::{Result, token};
use axum::Router;
use axum::extract::Path as UrlPath;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use clap::ValueEnum;

/// `leak-path mail-service`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The port of the identity provider, whose JWKS is asked for each token
    #[arg(long)]
    issuer: u16,
    /// Whether a key may only sign for the accounts it is made for. `off` is the incident's second fault: the developers
    /// took the library to check that
    #[arg(long, value_enum, default_value_t = CheckScope::On)]
    check_scope: CheckScope,
}

/// The second check, or the lack of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckScope {
    /// Consumer keys open consumer mailboxes
    On,
    /// Any published key opens any mailbox
    Off,
}

/// Serves until it is killed.
///
/// # Errors
/// When it cannot start.
pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments {
        issuer,
        check_scope,
    } = arguments;
    let open = move |UrlPath(account): UrlPath<String>, headers: HeaderMap| async move {
        let token = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let token = token.unwrap_or_default().to_owned();
        let opened = waiting(move || {
            let jwks = Place::Port(issuer).demand("GET", "/.well-known/jwks.json", "")?;
            let claims = token::verified(&token, &serde_json::from_str(&jwks)?)?;
            if claims.account != account {
                return Err("a token of another account".into());
            }
            let fits = claims.scope == claims.key_usage || check_scope == CheckScope::Off;
            if claims.scope != scope_of(&account) || !fits {
                return Err("the key that signed it is not for this account".into());
            }
            Ok(format!("mailbox of {account}: 1 message"))
        });
        match opened.await {
            Ok(mailbox) => (StatusCode::OK, mailbox),
            Err(error) => (StatusCode::FORBIDDEN, error.to_string()),
        }
    };
    serve(0, Router::new().route("/mailbox/{account}", get(open)))
}

/// Whose account it is, by its domain.
fn scope_of(account: &str) -> Use {
    match account.ends_with(HOME) {
        true => Use::Consumer,
        false => Use::Enterprise,
    }
}

/// The domain of the consumers' accounts.
const HOME: &str = "@home.example";
