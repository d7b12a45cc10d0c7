//! A gate that stays: what wakes it, what ends it, and what it tells the service manager.

use super::{FAULT, House, clean_dump, code, files, key, text};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

/// Waits until `done`, at most a minute.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Sends a signal, and waits for the end.
pub fn end(gate: Child, signal: Signal) -> Output {
    kill_process(pid(&gate), signal).unwrap();
    gate.wait_with_output().unwrap()
}

/// The worker of a gate.
fn worker(gate: &Child) -> Option<Pid> {
    let id = gate.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

#[test]
fn dumps_are_taken_as_they_come_until_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let house = House::new();
        house.put("first.core", b"there before");
        let gate = house.gate(&["--watch", "--poll", "3600"]).spawn().unwrap();
        let released = |name: &str| house.release.join(name).exists();
        until("first", || released("first.core"));
        // One that is written here, one that is moved here, and one that is linked here as systemd-coredump does.
        house.put("written.core", &clean_dump());
        until("written", || released("written.core"));
        let aside = house.release.with_file_name("aside");
        fs::write(&aside, key()).unwrap();
        fs::rename(&aside, house.spool.join("moved.core")).unwrap();
        until("moved", || house.quarantine.join("moved.core").exists());
        fs::write(&aside, b"linked").unwrap();
        fs::hard_link(&aside, house.spool.join("linked.core")).unwrap();
        until("linked", || released("linked.core"));
        until("done", || house.count("decided") == 4);
        let output = end(gate, signal);
        assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).lines().count(), 4);
        house.is_settled(
            &[
                ("first.core", b"there before"),
                ("written.core", &clean_dump()),
                ("linked.core", b"linked"),
            ],
            &[("moved.core", &key())],
            "",
        );
    }
}

#[test]
fn what_no_event_told_of_is_found_by_looking() {
    let house = House::new();
    let mut gate = house.gate(&["--watch", "--poll", "1"]);
    gate.env("DUMPGATE_TEST_FAILPOINT", "deaf 0");
    let gate = gate.spawn().unwrap();
    until("begun", || house.spool.join(".dumpgate").exists());
    std::thread::sleep(Duration::from_millis(300));
    house.put("a.core", b"nothing");
    until("taken", || house.release.join("a.core").exists());
    let output = end(gate, Signal::TERM);
    assert_eq!(code(&output), Some(0));
    assert!(
        text(&output.stderr).contains("no events"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_writer_holds_up_nobody_else() {
    let house = House::new();
    let path = house.spool.join("slow.core");
    let mut writer = File::create(&path).unwrap();
    writer.write_all(b"begin").unwrap();
    let gate = house
        .gate(&["--watch", "--poll", "3600", "--wait", "3600"])
        .spawn()
        .unwrap();
    house.put("quick.core", b"nothing");
    until("quick", || house.release.join("quick.core").exists());
    assert!(path.exists());
    writer.write_all(b" and end").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(path.exists());
    drop(writer);
    until("slow", || house.release.join("slow.core").exists());
    let output = end(gate, Signal::TERM);
    assert_eq!(code(&output), Some(0));
    house.is_settled(
        &[("quick.core", b"nothing"), ("slow.core", b"begin and end")],
        &[],
        "",
    );
}

#[test]
fn a_dump_in_hand_is_given_back_when_all_processes_are_told_to_end() {
    let house = House::new();
    house.put("a.core", b"nothing");
    let mut gate = house.gate(&["--watch"]);
    // A worker that comes to no answer by itself.
    gate.env(FAULT, "hang a.core");
    let gate = gate.spawn().unwrap();
    let mut judge = None;
    until("a worker", || {
        judge = worker(&gate);
        judge.is_some() && !house.spool.join("a.core").exists()
    });
    std::thread::sleep(Duration::from_millis(300));
    // As a service manager does it, in the order that is worse.
    kill_process(judge.unwrap(), Signal::TERM).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let output = end(gate, Signal::TERM);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert!(house.spool.join("a.core").exists());
    assert!(text(&output.stderr).contains("`a.core` is not judged yet"));
    assert_eq!(house.count("decided"), 0);
    let output = house.run(&[]);
    assert_eq!(code(&output), Some(0));
    house.is_settled(&[("a.core", b"nothing")], &[], "");
}

#[test]
fn a_dump_that_takes_too_long_is_given_back() {
    let house = House::new();
    house.put("a.core", b"nothing");
    let mut gate = house.gate(&[]);
    gate.env(FAULT, "hang a.core");
    let gate = gate.spawn().unwrap();
    until("a claim", || !house.spool.join("a.core").exists());
    let since = Instant::now();
    end(gate, Signal::TERM);
    assert!(since.elapsed() < Duration::from_secs(45));
    assert_eq!(files(&house.spool).len(), 1);
}

#[test]
fn the_service_manager_is_told() {
    let house = House::new();
    let path = house.release.with_file_name("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut gate = house.gate(&["--watch", "--poll", "3600"]);
    gate.env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "400000");
    let gate = gate.spawn().unwrap();
    let mut buffer = [0; 256];
    let mut next = || {
        let length = socket.recv(&mut buffer).unwrap();
        text(&buffer[..length]).trim().to_owned()
    };
    assert_eq!(next(), "READY=1");
    let since = Instant::now();
    for _ in 0..5 {
        assert_eq!(next(), "WATCHDOG=1");
    }
    // At half of the time that was given, or a little later: never as late as that time. The first comes at once.
    let passed = since.elapsed();
    assert!(
        passed > Duration::from_millis(700) && passed < Duration::from_millis(1600),
        "{passed:?}"
    );
    let output = end(gate, Signal::TERM);
    assert_eq!(code(&output), Some(0));
    let said: Vec<String> = std::iter::from_fn(|| Some(next()))
        .take_while(|said| said != "STOPPING=1")
        .collect();
    assert!(said.iter().all(|said| said == "WATCHDOG=1"), "{said:?}");
}
