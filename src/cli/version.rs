//! `dumpgate --version`

use super::{Exit, complain};
use std::io::Write;

/// Prints the version; for a verbose user also what a worker gives up on this system, as one says itself.
pub fn run(is_verbose: bool) -> Exit {
    let mut text = format!("{} {}\n", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let mut exit = Exit::Clean;
    if is_verbose {
        match confinement() {
            Ok(lines) => text.push_str(&lines),
            Err(message) => {
                complain(&message);
                exit = Exit::Usage;
            }
        }
    }
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        complain(&format_args!("failed to write: {error}"));
        return Exit::Usage;
    }
    exit
}

/// One line for each thing that a worker gives up or could not.
#[cfg(unix)]
fn confinement() -> Result<String, String> {
    let measures = crate::worker::measures().map_err(|death| death.what())?;
    let mut lines = "the process that judges a file gives up:\n".to_owned();
    for measure in measures {
        let force = if measure.is_in_force {
            "in force"
        } else {
            "NOT in force"
        };
        lines.push_str(&format!(
            "  {:<18} {force}: {}\n",
            measure.name,
            crate::text::printable(&measure.detail)
        ));
    }
    Ok(lines)
}

#[cfg(not(unix))]
fn confinement() -> Result<String, String> {
    Ok("files are judged in the process itself: there are no workers on this system\n".to_owned())
}
