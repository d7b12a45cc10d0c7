//! Gates that are killed at random instants under load, and file systems that are full or read-only for real.

use super::{House, code, key, program, text, verify};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A number from the environment, for runs longer than a test may be.
fn number(variable: &str, default: usize) -> usize {
    let asked = std::env::var(variable).ok();
    asked.map_or(default, |asked| asked.parse().expect(variable))
}

/// How often each dump is anywhere, wherever it is.
fn census(house: &House) -> BTreeMap<String, Vec<String>> {
    let mut census: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut waiting = vec![
        house.spool.clone(),
        house.release.clone(),
        house.quarantine.clone(),
    ];
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(entry.path());
            } else if name.ends_with(".core") {
                census
                    .entry(name)
                    .or_default()
                    .push(at.display().to_string());
            }
        }
    }
    census
}

#[test]
fn a_gate_may_be_killed_at_random_instants_under_load() {
    let instants = number("DUMPGATE_TEST_INSTANTS", 10);
    let dumps = number("DUMPGATE_TEST_DUMPS", 6);
    let house = House::new();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut names: BTreeMap<String, bool> = BTreeMap::new();
    // How long a gate takes for so many, at first as a guess.
    let mut whole = Duration::from_millis(200 * dumps as u64);
    for instant in 0..instants {
        for dump in 0..dumps {
            let name = format!("{instant}-{dump}.core");
            let is_leak = dump % 3 == 0;
            let bytes = match is_leak {
                true => [key(), name.clone().into_bytes()].concat(),
                false => name.clone().into_bytes(),
            };
            let path = house.put(&name, &bytes);
            if dump % 4 == 1 {
                // Judged in a copy.
                let other = house.release.with_file_name(format!("other-{name}"));
                fs::hard_link(path, other).unwrap();
            }
            names.insert(name, is_leak);
        }
        let mut gate = house
            .gate(&["--watch"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let since = Instant::now();
        let end = Duration::from_micros(random(whole.as_micros() as u64));
        let mut is_over = false;
        while since.elapsed() < end && !is_over {
            std::thread::sleep(Duration::from_millis(1));
            is_over = names.len() == settled(&house, &names);
        }
        if is_over {
            whole = since.elapsed();
        }
        gate.kill().unwrap();
        gate.wait().unwrap();
        let census = census(&house);
        for (name, is_leak) in &names {
            let places = census.get(name).map(Vec::as_slice).unwrap_or_default();
            assert_eq!(places.len(), 1, "{instant}: {name} in {places:?}");
            let is_released = Path::new(&places[0]) == house.release;
            assert!(!(*is_leak && is_released), "{instant}: {name} is released");
        }
    }
    let output = house.run(&[]);
    assert!(
        matches!(code(&output), Some(0 | 1)),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(settled(&house, &names), names.len());
    let (code, said) = verify(&house.log(), None);
    assert_eq!(code, Some(0), "{said}");
    let left: Vec<OsString> = fs::read_dir(house.spool.join(".dumpgate"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["lock"]);
}

/// How many dumps are where they belong.
fn settled(house: &House, names: &BTreeMap<String, bool>) -> usize {
    let is_there = |(name, is_leak): &(&String, &bool)| match **is_leak {
        true => house.quarantine.join(name).exists(),
        false => house.release.join(name).exists(),
    };
    names.iter().filter(is_there).count()
}

/// Runs a script as root of a user namespace, with `$G` the program and `$B` a directory to mount at; what it said.
/// `None` where the kernel lets nobody do that.
fn in_a_namespace(house: &House, script: &str) -> Option<String> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-eu",
                "-c",
                script,
            ])
            .env("G", program())
            .env("S", &house.spool)
            .env("B", house.release.parent().unwrap());
        command.output()
    };
    let probe = unshare("mount -t tmpfs none \"$B/release\"");
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "not tested: this kernel mounts nothing for a user namespace, or there is no `unshare`"
        );
        return None;
    }
    let output = unshare(script).unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    Some(text(&output.stdout))
}

/// What both scripts end with: where each dump is, by directory.
const WHERE: &str = "cd \"$B\"; find spool release quarantine -name '*.core' | sort";

#[test]
fn a_disk_that_is_full_holds_dumps_back_until_there_is_room() {
    let house = House::new();
    for name in ["a.core", "b.core", "c.core"] {
        house.put(name, &vec![b' '; 300 << 10]);
    }
    house.put("k.core", &[key(), vec![b' '; 300 << 10]].concat());
    // Room for one dump in each, and not for two; a file that is in the way is removed later.
    let script = format!(
        "mount -t tmpfs -o size=500k none \"$B/release\"
         mount -t tmpfs -o size=200k none \"$B/quarantine\"
         gate() {{ \"$G\" gate \"$S\" --release \"$B/release\" --quarantine \"$B/quarantine\" --wait 0 >&2; }}
         gate && echo 0 || echo $?
         gate && echo 0 || echo $?
         ({WHERE})
         mount -o remount,size=8m \"$B/release\"
         mount -o remount,size=8m \"$B/quarantine\"
         gate && echo 0 || echo $?
         ({WHERE})
         \"$G\" audit verify \"$B/quarantine/.dumpgate/audit.jsonl\" | cut -c1-5"
    );
    let Some(said) = in_a_namespace(&house, &script) else {
        return;
    };
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..2], ["3", "3"], "{said}");
    // Each is somewhere, once, and none of the key's is released.
    for name in ["a.core", "b.core", "c.core", "k.core"] {
        let places = lines[2..6].iter().filter(|line| line.ends_with(name));
        assert_eq!(places.count(), 1, "{said}");
    }
    assert_eq!(
        lines[6..],
        [
            "1",
            "quarantine/k.core",
            "release/a.core",
            "release/b.core",
            "release/c.core",
            "whole"
        ],
        "{said}"
    );
}

#[test]
fn a_quarantine_that_is_read_only_lets_nothing_out() {
    let house = House::new();
    house.put("a.core", b"nothing");
    house.put("k.core", &key());
    let script = format!(
        "mount -t tmpfs none \"$B/quarantine\"
         gate() {{ \"$G\" gate \"$S\" --release \"$B/release\" --quarantine \"$B/quarantine\" --wait 0 \"$@\" >&2; }}
         mount -o remount,ro \"$B/quarantine\"
         gate && echo 0 || echo $?
         ({WHERE})
         gate --audit \"$B/audit.jsonl\" && echo 0 || echo $?
         ({WHERE}) | sed 's|/.*/|/…/|'
         mount -o remount,rw \"$B/quarantine\"
         gate --audit \"$B/audit.jsonl\" && echo 0 || echo $?
         ({WHERE})"
    );
    let Some(said) = in_a_namespace(&house, &script) else {
        return;
    };
    let lines: Vec<&str> = said.lines().collect();
    let wanted = [
        // The log would be there: nothing is decided that cannot be recorded.
        "2",
        "spool/a.core",
        "spool/k.core",
        // With the log elsewhere what is clean goes on, and the leak stays claimed.
        "3",
        "release/a.core",
        "spool/…/k.core",
        "1",
        "quarantine/k.core",
        "release/a.core",
    ];
    assert_eq!(lines, wanted, "{said}");
}
