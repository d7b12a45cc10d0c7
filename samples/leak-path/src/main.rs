//! The path by which a signing key may travel in a crash dump out of a locked environment, made of real parts on one
//! machine. `README.md` beside this crate tells the story, and `scripts/reproduce-leak.sh` runs it.

mod crash;
mod forms;
mod http;
mod key;
mod keyring;
mod library;
mod mail;
mod mover;
mod numbers;
mod redact;
mod reproduce;
mod search;
mod service;
mod signer;
mod store;
mod token;
mod truth;
mod writer;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What goes wrong is told to a person, and nobody decides by its kind.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What a part of the story comes to.
pub type Result<T> = std::result::Result<T, Fault>;

#[derive(Parser)]
#[command(
    name = "leak-path",
    about = "A signing key's way out, and the gate on it; throwaway keys only"
)]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Makes throwaway keys as PKCS#8 PEM, and says their kids
    Keys(store::Arguments),
    /// The identity provider: signs tokens and publishes its JWKS
    SigningService(service::Arguments),
    /// The fixed service's process that alone holds the keys
    Signer(signer::Arguments),
    /// Writes a redacted minidump of each service that crashes
    CrashWriter(writer::Arguments),
    /// Shows mailboxes to who brings a token that a key in the JWKS signed
    MailService(mail::Arguments),
    /// Moves dumps that are marked as redacted from production to the debugging environment
    Mover(mover::Arguments),
    /// Says which numbers of which keys lie in a dump, and where
    GroundTruth(truth::Arguments),
    /// Runs all of it and prints the table
    Reproduce(reproduce::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().part {
        Part::Keys(arguments) => store::run(&arguments),
        Part::SigningService(arguments) => service::run(arguments),
        Part::Signer(arguments) => signer::run(&arguments),
        Part::CrashWriter(arguments) => writer::run(&arguments),
        Part::MailService(arguments) => mail::run(arguments),
        Part::Mover(arguments) => mover::run(&arguments),
        Part::GroundTruth(arguments) => truth::run(&arguments),
        Part::Reproduce(arguments) => reproduce::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("leak-path: {error}");
            ExitCode::FAILURE
        }
    }
}
