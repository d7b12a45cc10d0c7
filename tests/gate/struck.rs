//! Gates that are killed at any point, and disks that are full from any point on.

use super::watch::end;
use super::{House, code, files, key, program, text};
use rustix::process::Signal;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// What asks the gate of a debug build to end or fail.
const FAILPOINT: &str = "DUMPGATE_TEST_FAILPOINT";

/// Dumps that take every way: in place, copied, and quarantined.
const CLEAN: [(&str, &[u8]); 2] = [("a.core", b"nothing"), ("linked.core", b"nothing either")];

fn filled(house: &House) {
    for (name, bytes) in CLEAN {
        house.put(name, bytes);
    }
    let other = house.spool.parent().unwrap().join("other");
    fs::hard_link(house.spool.join("linked.core"), other).unwrap();
    house.put("k.core", &key());
}

/// Runs a gate that a test ends or fails at a point; whether it got to its end.
fn struck(house: &House, fault: &str) -> bool {
    let output = house.gate(&[]).env(FAILPOINT, fault).output().unwrap();
    let leaks = files(&house.release)
        .values()
        .any(|dump| dump.windows(11).any(|window| window == b"-----BEGIN "));
    assert!(!leaks, "{fault}: a key is released");
    code(&output) == Some(1)
}

fn every_point(make: impl Fn() -> House, deed: &str) {
    let leaking = key();
    for point in 1.. {
        let house = make();
        filled(&house);
        let fault = format!("{deed} {point}");
        let is_over = struck(&house, &fault);
        let output = house.run(&[]);
        assert!(
            matches!(code(&output), Some(0 | 1)),
            "{fault}: {}",
            text(&output.stderr)
        );
        house.is_settled(&CLEAN, &[("k.core", &leaking)], &fault);
        if is_over {
            assert!(point > 40, "{fault}: the gate has more points than that");
            return;
        }
    }
}

#[test]
fn a_gate_may_be_killed_at_any_point() {
    every_point(House::new, "kill");
}

#[test]
fn a_gate_may_be_killed_at_any_point_of_a_move_across_file_systems() {
    if House::across().is_none() {
        eprintln!("not tested: there is no second file system here");
        return;
    }
    every_point(|| House::across().unwrap(), "kill");
}

#[test]
fn a_disk_may_be_full_from_any_point_on() {
    every_point(House::new, "full");
    if House::across().is_some() {
        every_point(|| House::across().unwrap(), "full");
    }
}

#[test]
fn a_gate_may_be_killed_again_and_again() {
    let leaking = key();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..25 {
        let house = House::across().unwrap_or_else(House::new);
        filled(&house);
        let mut faults = Vec::new();
        for _ in 0..6 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let fault = format!("kill {}", 1 + (state >> 33) % 90);
            struck(&house, &fault);
            faults.push(fault);
        }
        house.run(&[]);
        house.is_settled(&CLEAN, &[("k.core", &leaking)], &format!("{faults:?}"));
    }
}

#[test]
fn another_quarantine_is_not_taken_for_the_one_a_dump_went_to() {
    let Some(house) = House::across() else {
        eprintln!("not tested: there is no second file system here");
        return;
    };
    let mut seen = 0;
    for point in 1.. {
        house.put("k.core", &key());
        let other = house.quarantine.with_file_name(format!("other-{point}"));
        fs::create_dir(&other).unwrap();
        let fault = format!("kill {point}");
        let is_over = struck(&house, &fault);
        let again = || {
            let mut gate = Command::new(program());
            gate.arg("gate").arg(&house.spool);
            gate.arg("--release").arg(&house.release);
            gate.arg("--quarantine").arg(&other);
            gate.args(["--wait", "0"]);
            gate
        };
        let words = "on its way to another directory";
        let stuck = again().output().unwrap();
        if text(&stuck.stderr).contains(words) {
            if seen == 0 {
                // A gate that stays looks every second, and says it once.
                let mut gate = again();
                gate.args(["--watch", "--poll", "1"]);
                let gate = gate.stderr(Stdio::piped()).spawn().unwrap();
                std::thread::sleep(Duration::from_millis(3500));
                let told = end(gate, Signal::TERM);
                assert_eq!(text(&told.stderr).matches(words).count(), 1);
            }
            seen += 1;
        }
        // The one it was on its way to has it, once.
        house.run(&[]);
        let is_dump = |name: &OsString| name.to_string_lossy().ends_with(".core");
        let of = |directory: &Path| files(directory).into_keys().filter(is_dump).count();
        let dumps = of(&house.quarantine) + of(&other);
        assert_eq!(dumps, 1, "{fault}: {}", text(&stuck.stderr));
        if is_over {
            assert!(seen > 0);
            return;
        }
        for (name, _) in files(&house.quarantine) {
            fs::remove_file(house.quarantine.join(name)).unwrap();
        }
    }
}

#[test]
fn what_a_dry_run_decided_is_not_done_when_it_counts() {
    for point in 1.. {
        let house = House::new();
        house.put("k.core", &key());
        let mut gate = house.gate(&["--dry-run"]);
        let output = gate
            .env(FAILPOINT, format!("kill {point}"))
            .output()
            .unwrap();
        let is_released = house.release.join("k.core").exists();
        house.run(&[]);
        if is_released {
            assert!(point > 20);
            assert!(matches!(code(&output), None | Some(0)));
            return;
        }
        house.is_settled(&[], &[("k.core", &key())], &format!("{point}"));
    }
}

#[test]
fn a_dump_that_changed_while_no_gate_ran_is_judged_again() {
    // The point at which the decision to release is kept and the dump not moved.
    for point in 1.. {
        let house = House::new();
        let path = house.put("a.core", b"nothing");
        let reader = File::open(&path).unwrap();
        let output = house
            .gate(&[])
            .env(FAILPOINT, format!("kill {point}"))
            .output()
            .unwrap();
        if code(&output) == Some(0) {
            assert!(point > 20);
            return;
        }
        if house.release.join("a.core").exists() || path.exists() {
            continue;
        }
        let again = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let mut late = File::options().append(true).open(again).unwrap();
        late.write_all(&key()).unwrap();
        drop(late);
        let output = house.run(&[]);
        assert_eq!(code(&output), Some(1), "{point}: {}", text(&output.stderr));
        assert!(files(&house.release).is_empty(), "{point}");
        assert!(house.quarantine.join("a.core").exists(), "{point}");
    }
}
