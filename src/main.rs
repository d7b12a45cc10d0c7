//! The `dumpgate` program; the library does everything.

use dumpgate::cli::{self, Exit};

fn main() -> Exit {
    cli::run()
}
