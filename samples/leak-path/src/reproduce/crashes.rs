//! Crashes of a service that is at work, each some time after a rotation.

use super::stage::{Environment, first_keys};
use crate::Result;
use crate::forms::Signature;
use crate::http::Place;
use crate::key::{Key, Use};
use crate::library::Library;
use crate::truth::{Holds, Truth, tokens_in};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What one crash left.
pub struct Crash {
    /// The dump's file name.
    pub name: String,
    /// What it holds, by the ground truth.
    pub holds: Holds,
}

/// All keys of one environment by kid, which only this process has together.
pub type Keys = BTreeMap<String, Key>;

/// Starts production.
///
/// # Errors
/// When that fails.
pub fn production(
    root: &Path,
    race: super::stage::Race,
    library: Library,
) -> Result<(Environment, Keys)> {
    let keys = first_keys()?;
    let environment = Environment::new(
        root,
        race,
        library,
        SNAPSHOT_EVERY.as_millis() as u64,
        &keys,
    )?;
    let keys = keys.into_iter().map(|key| (key.kid.clone(), key)).collect();
    Ok((environment, keys))
}

/// Lets the service crash so often. Each time it is started, signs, gets a new key, and crashes at some moment between two
/// snapshots of the redactor.
///
/// # Errors
/// When a part of it does not work; that a dump leaks is no error.
pub fn run(environment: &Environment, keys: &mut Keys, count: usize) -> Result<Vec<Crash>> {
    let mut crashes = Vec::new();
    let start = fraction()?;
    for number in 0..count {
        let usage = Use::ALL[number % 2];
        let new = Key::generate(usage, number + 1)?;
        let before = environment.live()?;
        // Steps of the golden ratio: the moments cover the window evenly, and few of them do, too.
        let moment = (start + 0.618_034 * number as f64).fract();
        let (name, mut tokens) = crash(environment, &new, SNAPSHOT_EVERY.mul_f64(moment))?;
        let dump = fs::read(environment.root.join("production/dumps").join(&name))?;
        let mut there = tokens_in(&dump);
        there.sort();
        there.dedup();
        tokens.retain(|token| !there.contains(token));
        let held = || before.iter().chain([&new]);
        let mut truth = Truth::new(held());
        for key in held() {
            truth.signed(key, &tokens, Signature::Elsewhere);
            truth.signed(key, &there, Signature::InDump);
        }
        let holds = truth.of(&dump);
        keys.insert(new.kid.clone(), new);
        crashes.push(Crash { name, holds });
    }
    Ok(crashes)
}

/// One crash: the dump's name, and the tokens that were handed out before.
fn crash(environment: &Environment, new: &Key, after: Duration) -> Result<(String, Vec<String>)> {
    let (mut service, port) = environment.service()?;
    let administration = environment.administration(port);
    let over = &AtomicBool::new(false);
    let tokens = thread::scope(|scope| {
        let workers = Use::ALL.map(|usage| scope.spawn(move || work(port, usage, over)));
        thread::sleep(WARM);
        let published =
            administration.demand("POST", "/.well-known/jwks.json", &new.jwk().to_string());
        // The crash may come in the middle of it: that it fails is part of the story.
        let rotation = administration.clone();
        scope.spawn(move || rotation.demand("PUT", &format!("/keys/{}", new.kid), &new.pem()));
        thread::sleep(after);
        let _ = Place::Port(port).ask("POST", "/bug", None, "");
        over.store(true, Ordering::Relaxed);
        let tokens = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default());
        published.map(|_| tokens.collect())
    })?;
    let status = service.wait()?;
    let name = format!("signing-service.{}.dmp", service.id());
    if !environment
        .root
        .join("production/dumps")
        .join(&name)
        .exists()
    {
        return Err(format!("the service ended with {status}, and there is no dump").into());
    }
    Ok((name, tokens))
}

/// What users do: they sign in. The tokens they get.
fn work(port: u16, usage: Use, over: &AtomicBool) -> Vec<String> {
    let mut tokens = Vec::new();
    let body = format!(r#"{{"kind": "{}", "account": "someone"}}"#, usage.name());
    while !over.load(Ordering::Relaxed) {
        tokens.extend(Place::Port(port).demand("POST", "/token", &body));
        thread::sleep(Duration::from_millis(2));
    }
    tokens
}

/// A random number from 0 to 1.
fn fraction() -> Result<f64> {
    let mut bytes = [0; 4];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

/// The redactor's period. A rotation is unknown to it for half of that, on the average.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(400);

/// Some tokens are signed before anything happens.
const WARM: Duration = Duration::from_millis(60);
