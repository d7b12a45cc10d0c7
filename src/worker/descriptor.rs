//! Descriptors that travel with bytes (`SCM_RIGHTS`).

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// Sends `bytes`, and a copy of `file` with the first of them.
///
/// # Errors
/// When nobody receives any more.
pub fn send(mut socket: &UnixStream, bytes: &[u8], file: BorrowedFd<'_>) -> io::Result<()> {
    let files = [file];
    let sent = loop {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&files));
        match sendmsg(
            socket,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::empty(),
        ) {
            Ok(sent) => break sent,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    socket.write_all(bytes.get(sent..).unwrap_or_default())
}

/// Receives bytes into `buffer`, and into `files` what comes with them. Returns how many bytes; none at the end.
///
/// # Errors
/// When the socket fails.
pub fn receive(socket: &impl AsFd, buffer: &mut [u8], files: &mut Vec<File>) -> io::Result<usize> {
    loop {
        let mut space = [MaybeUninit::uninit(); SPACE];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = close_on_exec();
        match recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, flags) {
            Ok(message) => {
                for message in control.drain() {
                    if let RecvAncillaryMessage::ScmRights(received) = message {
                        files.extend(received.map(File::from));
                    }
                }
                return Ok(message.bytes);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The child of a child inherits nothing, where the system can say so at once.
fn close_on_exec() -> RecvFlags {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        RecvFlags::CMSG_CLOEXEC
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        RecvFlags::empty()
    }
}

/// Bytes of control data that hold one descriptor.
const SPACE: usize = rustix::cmsg_space!(ScmRights(1));
