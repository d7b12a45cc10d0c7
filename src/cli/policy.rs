//! `dumpgate policy`

use super::config::{Config, Trust};
use super::gate_args::{Check, PolicyCommand};
use super::{Exit, complain};
use crate::text::printable;
use std::io::Write;

/// Checks a policy file.
pub fn run(arguments: &PolicyCommand) -> Exit {
    let PolicyCommand::Check(check) = arguments;
    match self::check(check) {
        Ok(text) => match write!(std::io::stdout(), "{text}") {
            Ok(()) => Exit::Clean,
            Err(error) => {
                complain(&format_args!("failed to write: {error}"));
                Exit::Usage
            }
        },
        Err(message) => {
            complain(&message);
            Exit::Usage
        }
    }
}

/// What the policy says, one line each.
fn check(arguments: &Check) -> Result<String, String> {
    let config = Config::find(arguments.config.as_deref(), Trust::Administrator)?;
    let Some(path) = &config.path else {
        return Err("there is no /etc/dumpgate/dumpgate.toml; `--config` names another".to_owned());
    };
    let (policy, _) = config.policy(None, false, None)?;
    let mut text = format!("sound: {}\n", printable(&path.to_string_lossy()));
    for (name, value) in policy.in_words() {
        text.push_str(&format!("  {name}: {value}\n"));
    }
    for (key, name) in policy.watched() {
        text.push_str(&format!("  watched: {key}  {}\n", printable(name)));
    }
    Ok(text)
}
