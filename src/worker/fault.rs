//! Faults that a test asks a worker to commit. Nothing of this is in a release build.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

/// Holds `FAULT NAME`: the fault to commit on the file of this name.
pub const VARIABLE: &str = "DUMPGATE_TEST_FAULT";

/// Commits the fault that is asked for, if this is the file.
pub fn commit(path: &Path, mut socket: &UnixStream) {
    let Ok(asked) = std::env::var(VARIABLE) else {
        return;
    };
    let Some((fault, name)) = asked.split_once(' ') else {
        return;
    };
    if path.file_name() != Some(name.as_ref()) {
        return;
    }
    match fault {
        "panic" => panic!("a test asked for it"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(0),
        "hang" => loop {
            std::thread::park();
        },
        "eat" => {
            let mut eaten: Vec<Vec<u8>> = Vec::new();
            loop {
                eaten.push(vec![1; 1 << 20]);
            }
        }
        "babble" => _ = socket.write_all(&[0x55; 4096]),
        "probe" => probe(),
        _ => {}
    }
}

/// Tries what a worker must not be able to do, and panics where it can.
fn probe() {
    let read = File::open("/etc/passwd").map(drop);
    let written = File::create(std::env::temp_dir().join("dumpgate-probe")).map(drop);
    let listed = std::fs::read_dir("/").map(drop);
    let bound = TcpListener::bind("127.0.0.1:0").map(drop);
    let paired = UnixStream::pair().map(drop);
    let started = Command::new("/bin/true").status().map(drop);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    assert_eq!(limit.current, Some(0), "cores");
    for (what, done) in [
        ("read a file", read),
        ("write a file", written),
        ("list a directory", listed),
        ("listen", bound),
        ("make sockets", paired),
        ("start a program", started),
    ] {
        assert!(done.is_err(), "a worker could {what}");
    }
    // What a scan needs still works.
    let thread = std::thread::spawn(|| ());
    assert!(thread.join().is_ok(), "no thread");
}
