//! The crash handler in the service: hands the crash to the process that writes dumps, and waits until it is done.

use crate::Result;
use crash_handler::{CrashContext, CrashEventResult, CrashHandler, make_crash_event};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Attaches the handler. It stays attached while the value lives.
///
/// # Errors
/// When the writer of dumps is not there.
pub fn attach(writer: &Path) -> Result<CrashHandler> {
    // A core that the kernel writes would pass no redactor.
    rustix::process::setrlimit(
        rustix::process::Resource::Core,
        rustix::process::Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    let stream = UnixStream::connect(writer).map_err(|error| {
        format!(
            "failed to reach the crash writer at `{}`: {error}",
            writer.display()
        )
    })?;
    let on_crash = move |context: &CrashContext| {
        let sent = (&stream).write_all(context.as_bytes());
        let done = sent.and_then(|()| (&stream).read_exact(&mut [0]));
        CrashEventResult::Handled(done.is_ok())
    };
    // SAFETY: the handler runs in a broken process; it only writes to and reads from a socket that was opened before, and
    // neither allocates nor takes a lock.
    Ok(CrashHandler::attach(unsafe { make_crash_event(on_crash) })?)
}

/// The bug in the service that nobody knew of.
pub fn bug() {
    // SAFETY: there is none. It is a write through a null pointer, which the processor refuses: the crash of the story.
    unsafe { std::ptr::null_mut::<u64>().write_volatile(1) }
}
