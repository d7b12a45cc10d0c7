//! The crash writer: a process of its own that writes a minidump of a service that crashes, with its writable memory,
//! redacts it, and marks it as redacted.
//!
//! The minidump is one of the `minidump-writer` crate. On Linux it has no mode for all memory, so every writable mapping
//! is passed as application memory. (`minidumper`, which carries the same crate between processes, passes none.)

use crate::redact::Snapshot;
use crate::{Result, store};
use minidump_writer::CrashContextExt;
use minidump_writer::app_memory::AppMemory;
use minidump_writer::crash_context::CrashContext;
use minidump_writer::minidump_writer::MinidumpWriterConfig;
use serde_json::json;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// `leak-path crash-writer`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The socket at which it waits for crashes
    #[arg(long, value_name = "FILE")]
    socket: PathBuf,
    /// Where dumps go
    #[arg(long, value_name = "DIR")]
    dumps: PathBuf,
    /// The key store, of which the redactor makes its snapshots
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Milliseconds between two snapshots
    #[arg(long, default_value_t = 400)]
    every: u64,
}

/// Serves until it is killed.
///
/// # Errors
/// When the socket cannot be made.
pub fn run(arguments: &Arguments) -> Result<()> {
    let listener = UnixListener::bind(&arguments.socket).map_err(|error| {
        format!(
            "failed to listen at `{}`: {error}",
            arguments.socket.display()
        )
    })?;
    let snapshot = Mutex::new((Snapshot::default(), Instant::now()));
    refresh(&snapshot, &arguments.store);
    println!("ready");
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                thread::sleep(Duration::from_millis(arguments.every));
                refresh(&snapshot, &arguments.store);
            }
        });
        for stream in listener.incoming() {
            let done = stream
                .map_err(Into::into)
                .and_then(|stream| serve(stream, arguments, &snapshot));
            if let Err(error) = done {
                eprintln!("crash-writer: {error}");
            }
        }
    });
    Ok(())
}

fn refresh(snapshot: &Mutex<(Snapshot, Instant)>, store: &Path) {
    let mut snapshot = snapshot.lock().unwrap_or_else(PoisonError::into_inner);
    match snapshot.0.refresh(store) {
        Ok(()) => snapshot.1 = Instant::now(),
        Err(error) => eprintln!("crash-writer: {error}"),
    }
}

/// Waits for the crash of one service, or its end.
fn serve(
    mut stream: UnixStream,
    arguments: &Arguments,
    snapshot: &Mutex<(Snapshot, Instant)>,
) -> Result<()> {
    let mut bytes = vec![0; size_of::<CrashContext>()];
    if stream.read_exact(&mut bytes).is_err() {
        return Ok(());
    }
    let context = CrashContext::from_bytes(&bytes).ok_or("the service sent no crash context")?;
    let pid = context.pid;
    // What is blanked is what is known at the moment of the crash.
    let snapshot = snapshot.lock().unwrap_or_else(PoisonError::into_inner);
    let age = snapshot.1.elapsed();
    let mut dump = minidump(context)?;
    let blanked = snapshot.0.blank(&mut dump);
    let path = arguments.dumps.join(format!("signing-service.{pid}.dmp"));
    store::write_whole(&path, &dump)?;
    let mark = json!({
        "redacted": true, "keys": snapshot.0.kids(), "blanked": blanked, "snapshot_age_ms": age.as_millis() as u64,
    });
    store::write_whole(
        &path.with_extension("redacted"),
        mark.to_string().as_bytes(),
    )?;
    // The service may end now.
    stream.write_all(&[1])?;
    Ok(())
}

fn minidump(context: CrashContext) -> Result<Vec<u8>> {
    let (pid, tid) = (context.pid, context.tid);
    let mut config = MinidumpWriterConfig::new(pid, tid);
    config.set_app_memory(writable(&fs::read_to_string(format!("/proc/{pid}/maps"))?));
    config.set_crash_context(CrashContextExt { inner: context });
    let mut dump = Cursor::new(Vec::new());
    config
        .write(&mut dump)
        .map_err(|error| format!("failed to dump process {pid}: {error}"))?;
    Ok(dump.into_inner())
}

/// The readable and writable lines of `/proc/PID/maps`: `START-END PERMISSIONS OFFSET DEVICE INODE PATH`.
fn writable(maps: &str) -> Vec<AppMemory> {
    let mapping = |line: &str| {
        let (addresses, rest) = line.split_once(' ')?;
        let (start, end) = addresses.split_once('-')?;
        let ptr = usize::from_str_radix(start, 16).ok()?;
        let length = usize::from_str_radix(end, 16).ok()?.checked_sub(ptr)?;
        rest.starts_with("rw").then_some(AppMemory { ptr, length })
    };
    maps.lines().filter_map(mapping).collect()
}
