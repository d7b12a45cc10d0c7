//! Runs the whole path: crashes with the race and without it, each border with a gate and without one, and what an intruder
//! can do with what comes through.

mod crashes;
mod stage;
mod stop;
mod table;
mod verdicts;

use crate::http::Place;
use crate::key::{Key, Use};
use crate::library::{Library, signer};
use crate::mover;
use crate::{Result, token};
use crashes::{Crash, Keys};
use serde_json::{Value, json};
use stage::{Environment, Process, Race, copy_files};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use verdicts::Verdicts;

/// `leak-path reproduce`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How often the service crashes, with the race and without it
    #[arg(default_value_t = NonZeroUsize::new(20).unwrap_or(NonZeroUsize::MIN))]
    crashes: NonZeroUsize,
    /// The crypto library of the service
    #[arg(long, value_enum, default_value_t = Library::AwsLcRs)]
    library: Library,
    /// The program `dumpgate`
    #[arg(long, value_name = "FILE")]
    dumpgate: PathBuf,
    /// Let it look where keys are unlikely, too
    #[arg(long)]
    deep: bool,
    /// Keep everything in this directory, keys included; else it is in a temporary one, and removed at the end
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Write the numbers to this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs it and prints the table.
///
/// # Errors
/// When a part does not work, a leaking dump is released, a clean one is not, or an intruder has success behind the gate.
pub fn run(arguments: &Arguments) -> Result<()> {
    let temporary = tempfile::Builder::new()
        .prefix("leak-path-")
        .permissions(fs::Permissions::from_mode(OWNER_ONLY))
        .tempdir()?;
    stop::clean_up(temporary.path())?;
    let root = match &arguments.keep {
        // Old dumps among the new ones would be counted.
        Some(directory)
            if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()) =>
        {
            return Err(format!("`{}` is not empty", directory.display()).into());
        }
        Some(directory) => {
            fs::create_dir_all(directory)?;
            fs::set_permissions(directory, fs::Permissions::from_mode(OWNER_ONLY))?;
            directory
        }
        None => temporary.path(),
    };
    let gate = fs::canonicalize(&arguments.dumpgate)
        .map_err(|error| format!("failed to find `{}`: {error}", arguments.dumpgate.display()))?;
    println!(
        "{} crashes of a service with {}, each way",
        arguments.crashes,
        arguments.library.name()
    );
    println!(
        "\nThe keys are in the service, and the redactor may know of a new key too late (race on):"
    );
    let on = phase(arguments, &gate, &root.join("race-on"), Race::On)?;
    println!("\nThe keys are in a signer of their own (race off):");
    let off = phase(arguments, &gate, &root.join("race-off"), Race::Off)?;
    println!();
    table::print(&on.verdicts, &off.verdicts);
    if let Some(report) = &arguments.report {
        let numbers = json!({
            "library": arguments.library.name(), "on": on.verdicts.to_json(), "off": off.verdicts.to_json(),
            "intruder": {"on": on.intruder, "off": off.intruder},
        });
        fs::write(report, format!("{numbers:#}\n"))?;
    }
    let failures = [on.failures(), off.failures()].concat();
    match failures.is_empty() {
        true => Ok(()),
        false => Err(failures.join("\nleak-path: ").into()),
    }
}

/// One environment's whole story.
struct Story {
    verdicts: Verdicts,
    /// What an intruder got, in order.
    intruder: Vec<Value>,
    /// What an intruder got that should not have been to be had, or did not get that should have.
    surprises: Vec<String>,
}

fn phase(arguments: &Arguments, gate: &Path, root: &Path, race: Race) -> Result<Story> {
    let (environment, mut keys) = crashes::production(root, race, arguments.library)?;
    let crashes = crashes::run(&environment, &mut keys, arguments.crashes.get())?;
    let (_service, port) = environment.service()?;
    // As it was: what is marked as redacted goes on. The dumps are copied, so that both ways have the same.
    let (unguarded, dumps) = (root.join("without-gate"), root.join("production/dumps"));
    copy_files(&dumps, &unguarded.join("production"))?;
    fs::create_dir(unguarded.join("debug"))?;
    let mut mover = mover::Arguments {
        from: unguarded.join("production"),
        to: unguarded.join("debug"),
        gate: None,
        border: None,
        issuer: None,
        deep: arguments.deep,
    };
    mover::run(&mover)?;
    let scanned = verdicts::scan(gate, &mover.to, arguments.deep)?;
    let leaked = leaked_in(&mover.to, &crashes);
    println!(
        "  without a gate {} of {} dumps reach debug/ with a key in them",
        leaked.len(),
        crashes.len()
    );
    let mut intruder = Intruder::default();
    // The intruder takes the key from the ground truth: dumpgate never prints one.
    let loot = loot(&leaked, &keys);
    if let Some(key) = loot {
        intruder.tries("without the gate", key, &environment, port)?;
    }
    // With the gate on the border, whose watch list is the JWKS.
    fs::create_dir_all(root.join("border"))?;
    mover.from = dumps;
    mover.to = root.join("debug");
    mover.gate = Some(gate.to_owned());
    mover.border = Some(root.join("border"));
    mover.issuer = Some(port);
    mover::run(&mover)?;
    let spki: BTreeMap<_, _> = keys
        .iter()
        .map(|(kid, key)| (kid.clone(), key.spki_sha256()))
        .collect();
    let verdicts = Verdicts::of(&crashes, root, &scanned, &spki)?;
    // What stands in quarantine says which keys to revoke.
    let live = environment.live()?;
    for kid in &verdicts.to_revoke {
        let successor = live.iter().find(|key| key.kid == *kid);
        revoke(
            &environment.administration(port),
            kid,
            successor.map(|key| key.usage),
        )?;
    }
    if !verdicts.to_revoke.is_empty() {
        let kids: Vec<&str> = verdicts.to_revoke.iter().map(String::as_str).collect();
        println!("  revoked, as the quarantine says: {}", kids.join(", "));
    }
    if let Some(key) = loot {
        intruder.tries("after revocation", key, &environment, port)?;
        intruder.leaves_users_alone(port)?;
    }
    Ok(Story {
        verdicts,
        intruder: intruder.tried,
        surprises: intruder.surprises,
    })
}

/// Takes a key out of the JWKS, after another one took its place if it is live: users go on.
fn revoke(administration: &Place, kid: &str, live: Option<Use>) -> Result<()> {
    if let Some(usage) = live {
        let mut new = Key::generate(usage, 0)?;
        new.kid = format!("{}-after-{kid}", usage.name());
        administration.demand("POST", "/.well-known/jwks.json", &new.jwk().to_string())?;
        administration.demand("PUT", &format!("/keys/{}", new.kid), &new.pem())?;
    }
    administration.demand("DELETE", &format!("/keys/{kid}"), "")?;
    Ok(())
}

/// The kids of the keys that lie in the dumps of a directory, by the ground truth, with the dumps.
fn leaked_in(debug: &Path, crashes: &[Crash]) -> BTreeMap<String, BTreeSet<String>> {
    let there = crashes
        .iter()
        .filter(|crash| debug.join(&crash.name).exists());
    let kids = there.map(|crash| {
        let kids = crash
            .holds
            .leaked()
            .into_iter()
            .map(str::to_owned)
            .collect();
        (crash.name.clone(), kids)
    });
    kids.filter(|(_, kids): &(_, BTreeSet<String>)| !kids.is_empty())
        .collect()
}

/// The key that an intruder takes: a consumer key, as in the incident, if there is one.
fn loot<'k>(leaked: &BTreeMap<String, BTreeSet<String>>, keys: &'k Keys) -> Option<&'k Key> {
    let mut all = leaked
        .values()
        .flatten()
        .filter_map(|kid| keys.get(kid))
        .collect::<Vec<_>>();
    all.sort_by_key(|key| key.usage != Use::Consumer);
    all.first().copied()
}

/// Forges tokens.
#[derive(Default)]
struct Intruder {
    tried: Vec<Value>,
    surprises: Vec<String>,
}

impl Intruder {
    /// Tries an enterprise mailbox with a token that the key signs, at a mail service that has the incident's second fault
    /// and at one that has not.
    fn tries(
        &mut self,
        when: &str,
        key: &Key,
        environment: &Environment,
        issuer: u16,
    ) -> Result<()> {
        let by = signer(Library::AwsLcRs, key.usage, &key.der)?;
        let forged = token::signed(&*by, &key.kid, key.usage, VICTIM, Use::Enterprise)?;
        for check in ["off", "on"] {
            let arguments: Vec<OsString> = vec![
                "--issuer".into(),
                issuer.to_string().into(),
                "--check-scope".into(),
                check.into(),
            ];
            let (_mail, port) = Process::start("mail-service", &arguments)?;
            let port = port.ok_or("the mail service has no port")?;
            let answer =
                Place::Port(port).ask("GET", &format!("/mailbox/{VICTIM}"), Some(&forged), "")?;
            let opened = answer.status == 200;
            println!(
                "  {when}, forged token of {}, mail service with --check-scope {check}: {} {}",
                key.kid, answer.status, answer.body
            );
            self.tried.push(
                json!({"when": when, "kid": key.kid, "check_scope": check, "opened": opened}),
            );
            let wanted =
                when == "without the gate" && (check == "off" || key.usage == Use::Enterprise);
            if opened != wanted {
                let race = environment.race;
                self.surprises.push(format!(
                    "{when}, race {race:?}, --check-scope {check}: status {}",
                    answer.status
                ));
            }
        }
        Ok(())
    }

    /// The owner of the mailbox still reads it, by a token of the service's.
    fn leaves_users_alone(&mut self, issuer: u16) -> Result<()> {
        let arguments: Vec<OsString> = vec!["--issuer".into(), issuer.to_string().into()];
        let (_mail, port) = Process::start("mail-service", &arguments)?;
        let port = port.ok_or("the mail service has no port")?;
        let request = json!({"kind": Use::Enterprise.name(), "account": VICTIM}).to_string();
        let own = Place::Port(issuer).demand("POST", "/token", &request)?;
        let answer = Place::Port(port).ask("GET", &format!("/mailbox/{VICTIM}"), Some(&own), "")?;
        println!(
            "  after revocation, a user's own token: {} {}",
            answer.status, answer.body
        );
        if answer.status != 200 {
            self.surprises
                .push("a user's own token is refused after revocation".to_owned());
        }
        Ok(())
    }
}

impl Story {
    /// What must not be.
    fn failures(&self) -> Vec<String> {
        let sums = &self.verdicts.sums;
        let mut failures = self.surprises.clone();
        failures.extend(
            self.verdicts
                .missed
                .iter()
                .map(|missed| format!("missed: {missed}")),
        );
        for (count, what) in [
            (
                sums.released_leaking,
                "leaking dumps reached debug/ through the gate",
            ),
            (
                sums.false_alarms,
                "dumps that hold nothing were quarantined",
            ),
            (
                sums.unlisted_places,
                "places of key material are not in dumpgate's report",
            ),
        ] {
            if count > 0 {
                failures.push(format!("{count} {what}"));
            }
        }
        failures
    }
}

/// Whose mailbox it is: an enterprise account.
const VICTIM: &str = "minister@agency.example";

/// The mode of a directory that nobody else reads: keys and dumps lie in it.
const OWNER_ONLY: u32 = 0o700;
