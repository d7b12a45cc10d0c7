//! `dumpgate audit`

use super::gate_args::Audit as Arguments;
use super::{Exit, complain};

/// Checks an audit log.
#[cfg(unix)]
pub fn run(arguments: &Arguments) -> Exit {
    use crate::gate::audit::{Flaw, verify_file};
    use crate::gate::names::shown;
    use std::io::Write;

    let Arguments::Verify(verify) = arguments;
    let name = shown(verify.file.as_os_str());
    let head = verify.head.as_deref().map(str::to_ascii_lowercase);
    match verify_file(&verify.file, head.as_deref()) {
        Ok(chain) => {
            let mut line = format!(
                "whole: {} records, head {}",
                chain.head.seq, chain.head.hash
            );
            if chain.repairs > 0 {
                line.push_str(&format!("; torn ends repaired: {}", chain.repairs));
            }
            match writeln!(std::io::stdout(), "{line}") {
                Ok(()) => Exit::Clean,
                Err(error) => {
                    complain(&format_args!("failed to write: {error}"));
                    Exit::Usage
                }
            }
        }
        Err(flaw) => {
            complain(&format_args!("`{name}`: {flaw}"));
            match flaw {
                Flaw::Unreadable(_) => Exit::Usage,
                _ => Exit::Found,
            }
        }
    }
}

/// Says that it cannot.
#[cfg(not(unix))]
pub fn run(_: &Arguments) -> Exit {
    complain(&"`audit` needs Unix, as the gate whose log it reads");
    Exit::Usage
}
