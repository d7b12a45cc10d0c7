//! Writes a minidump of a running process the way crash reporters do on Linux, with all its writable memory in it.
//!
//! usage: minidump-of PID OUTPUT
//!
//! Crash reporters pass single heap blocks as "application memory"; there is no full-memory mode. Here every readable
//! and writable private mapping is passed, which is what a reporter with a generous configuration would send.

use std::{env, error::Error, fs, fs::File, process::ExitCode};

use minidump_writer::{app_memory::AppMemory, minidump_writer::MinidumpWriterConfig};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [pid, output] = args.as_slice() else {
        eprintln!("usage: minidump-of PID OUTPUT");
        return ExitCode::from(2);
    };
    match dump(pid, output) {
        Ok(mappings) => {
            eprintln!("minidump-of: {mappings} writable mappings of process {pid}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("minidump-of: failed to dump process {pid}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dump(pid: &str, output: &str) -> Result<usize, Box<dyn Error>> {
    let writable = writable_mappings(&fs::read_to_string(format!("/proc/{pid}/maps"))?);
    let count = writable.len();
    let pid = pid.parse()?;
    let mut config = MinidumpWriterConfig::new(pid, pid);
    config.set_app_memory(writable);
    config.write(&mut File::create(output)?)?;
    Ok(count)
}

/// The `rw-p` lines of `/proc/PID/maps`: `START-END PERMISSIONS OFFSET DEVICE INODE PATH`, addresses in hex.
fn writable_mappings(maps: &str) -> Vec<AppMemory> {
    maps.lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let (start, end) = fields.next()?.split_once('-')?;
            let (start, end) = (
                usize::from_str_radix(start, 16).ok()?,
                usize::from_str_radix(end, 16).ok()?,
            );
            (fields.next()? == "rw-p").then_some(AppMemory {
                ptr: start,
                length: end.checked_sub(start)?,
            })
        })
        .collect()
}
