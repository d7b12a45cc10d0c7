//! The command line: what was typed, what it means, and one file a command.

mod args;
mod audit;
mod baseline;
mod config;
mod exit;
mod gate;
mod gate_args;
mod info;
mod judge;
#[cfg(unix)]
mod log;
mod pipe;
mod plan;
mod policy;
mod progress;
mod quarantine;
mod scan;
mod version;
mod watchlist;

use args::{Arguments, Command};
use clap::Parser;
pub use exit::Exit;
use std::io::{IsTerminal, Write};

/// Runs the command that was typed and says how the process should end.
pub fn run() -> Exit {
    std::panic::set_hook(Box::new(|panic| {
        // The payload is not printed: it could quote what was being read.
        let place = panic
            .location()
            .map(|place| format!("{}:{}", place.file(), place.line()));
        complain(&format_args!(
            "internal error at {}",
            place.unwrap_or_default()
        ));
    }));
    #[cfg(unix)]
    if std::env::args_os().next().as_deref() == Some(crate::worker::NAME.as_ref()) {
        return judge::serve();
    }
    let arguments = Arguments::parse();
    match arguments.command.filter(|_| !arguments.version) {
        None => version::run(arguments.verbose),
        Some(Command::Scan(arguments)) => scan::run(&arguments),
        Some(Command::Gate(arguments)) => gate::run(&arguments),
        Some(Command::Pipe(arguments)) => pipe::run(&arguments),
        Some(Command::Quarantine(arguments)) => quarantine::run(&arguments),
        Some(Command::Policy(arguments)) => policy::run(&arguments),
        Some(Command::Audit(arguments)) => audit::run(&arguments),
        Some(Command::Info(arguments)) => info::run(&arguments),
        Some(Command::Baseline(arguments)) => baseline::run(&arguments),
    }
}

/// Whether to colour what goes to standard output.
fn use_color(choice: args::Color) -> bool {
    match choice {
        args::Color::Always => true,
        args::Color::Never => false,
        args::Color::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            !refused && std::io::stdout().is_terminal()
        }
    }
}

/// Tells the user of something that is not part of the report. Where standard error takes nothing there is
/// nobody to tell, and the exit code must still come out: no panic.
fn complain(message: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "dumpgate: {message}");
}
