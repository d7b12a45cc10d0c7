//! The files of `scripts/integrations/`, each held to the contract of what calls it: the words, the directory, the
//! environment and the descriptors are its caller's, the program is the real one, and only paths are replaced.
//!
//! A leaking dump ends in quarantine and nothing behind the gate sees it; a clean one arrives byte for byte.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

#[path = "integrations/machine.rs"]
mod machine;

use machine::{
    KEPT, Machine, RELEASED, Running, clean, feed, files, leaking, names, root, said, sample,
    settings, shipped, unit, until,
};
use rustix::fs::XattrFlags;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

#[test]
fn core_pattern_with_systemd_coredump_behind_the_pipe() {
    let file = shipped("core-pattern/50-coredump.conf");
    let pattern = settings(&[&file], "kernel.core_pattern").pop().unwrap();
    assert!(
        pattern.len() <= 127,
        "the kernel cuts it: {}",
        pattern.len()
    );
    assert_ne!(settings(&[&file], "kernel.core_pipe_limit"), ["0"]);
    let machine = Machine::new();
    let handler = machine.program(
        "/usr/lib/systemd/systemd-coredump",
        "#!/bin/sh\n{ for word; do echo \"$word\"; done; pwd; cat <&3; } >'/var/said'\ncat >'/var/dump'\n",
    );
    let three = machine.put("/var/three", b"the process");
    // The kernel takes the words apart at spaces, then replaces what begins with a percent sign.
    let pattern = machine.led(&pattern.replace('|', " "));
    let words = pattern.split_whitespace().map(|word| match word {
        "%P" | "%p" => "4711",
        "%u" | "%g" => "1000",
        "%s" => "11",
        "%t" => "1795372836",
        "%c" => "18446744073709551615",
        "%h" => "host",
        "%d" => "1",
        "%F" => "3",
        other => other,
    });
    let words: Vec<&str> = words.collect();
    assert!(!words.iter().any(|word| word.contains('%')), "{words:?}");
    assert!(words.contains(&handler.to_str().unwrap()), "{words:?}");
    let crash = |core: &[u8]| {
        let mut kernel = Command::new("/usr/bin/env");
        kernel
            .args(["-i", "/bin/sh", "-c"])
            .arg(format!("exec \"$@\" 3<{}", three.display()))
            .arg("sh")
            .args(&words)
            .current_dir("/");
        feed(&mut kernel, core)
    };
    let output = crash(&leaking());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(!machine.at("/var/dump").exists() && !machine.at("/var/said").exists());
    assert!(machine.kept().into_values().eq([leaking()]));

    let output = crash(&clean());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(fs::read(machine.at("/var/dump")).unwrap() == clean());
    assert_eq!(
        fs::read_to_string(machine.at("/var/said")).unwrap(),
        "4711\n1000\n1000\n11\n1795372836\n18446744073709551615\nhost\n1\n3\n/\nthe process"
    );
    assert_eq!(machine.kept().len(), 1);
}

#[test]
fn the_unit_starts_a_gate_and_lets_its_worker_confine_itself() {
    let service = shipped("systemd/dumpgate.service");
    let calls = settings(&[&service], "SystemCallFilter").join(" ");
    for call in [
        "landlock_create_ruleset",
        "landlock_restrict_self",
        "seccomp",
        "fchown",
    ] {
        assert!(calls.split(' ').any(|name| name == call), "{call}");
    }
    let machine = Machine::new();
    let words = unit(&machine, &[]);
    machine.put("/var/lib/dumpgate/spool/clean.core", &clean());
    machine.put("/var/lib/dumpgate/spool/leak.core", &leaking());
    let released = machine.at(RELEASED);
    machine.watch(&words, || {
        machine.has(KEPT, "leak.core") && machine.has(RELEASED, "clean.core")
    });
    assert!(files(&released) == BTreeMap::from([("clean.core".to_owned(), clean())]));
    assert!(machine.kept() == BTreeMap::from([("leak.core".to_owned(), leaking())]));
}

#[test]
fn the_unit_is_as_closed_as_the_index_says() {
    let index = shipped("README.md");
    let (_, after) = index.split_once("exposure level of ").unwrap();
    let stated: u32 = after[..3].replace('.', "").parse().unwrap();
    let ask = |arguments: &[&str]| Command::new("systemd-analyze").args(arguments).output();
    // Where there is none nothing can be asked.
    let Ok(version) = ask(&["--version"]) else {
        return;
    };
    // Others than the stated one weigh and count a little differently.
    let slack = u32::from(!said(&version).starts_with("systemd 252")) * 5;
    let path = root().join("scripts/integrations/systemd/dumpgate.service");
    let threshold = format!("--threshold={}", stated + slack);
    let output = ask(&[
        "security",
        "--offline=yes",
        "--no-pager",
        &threshold,
        path.to_str().unwrap(),
    ])
    .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn what_systemd_coredump_stored_keeps_its_attributes() {
    let machine = Machine::new();
    let words = unit(&machine, &["systemd-coredump/dumpgate.conf"]);
    let store = "/var/lib/systemd/coredump";
    let name =
        |comm: &str| format!("core.{comm}.0.aa217f6c140b43d7ab26229b11f56efa.741.1795372836000000");
    let packed = sample("packed/sh-signer-p256.core.zst");
    for (comm, end, bytes) in [("lua", "", clean()), ("sh", ".zst", packed.clone())] {
        let path = machine.put(&format!("{store}/{}{end}", name(comm)), &bytes);
        rustix::fs::setxattr(
            path,
            "user.coredump.comm",
            comm.as_bytes(),
            XattrFlags::empty(),
        )
        .unwrap();
    }
    let released = machine.at(RELEASED);
    machine.watch(&words, || {
        machine.has(KEPT, &format!("{}.zst", name("sh"))) && machine.has(RELEASED, &name("lua"))
    });
    assert!(files(&released) == BTreeMap::from([(name("lua"), clean())]));
    assert!(machine.kept() == BTreeMap::from([(format!("{}.zst", name("sh")), packed)]));
    let mut value = [0; 16];
    let path = released.join(name("lua"));
    let length = rustix::fs::getxattr(path, "user.coredump.comm", &mut value).unwrap();
    assert_eq!(&value[..length], b"lua");
    assert!(files(&machine.at(store)).is_empty());
}

#[test]
fn a_crashpad_database_without_uploads() {
    let machine = Machine::new();
    let words = unit(&machine, &["crashpad/dumpgate.conf"]);
    let database = "/var/lib/app/crashes";
    let (good, bad, early) = ("11111111-a", "22222222-b", "33333333-c");
    let dump = sample("clean-socat/clean-socat.dmp");
    for (place, id, dump, log) in [
        ("pending", good, dump.clone(), b"a log".to_vec()),
        // The key is in an attachment: it keeps the dump.
        (
            "pending",
            bad,
            dump.clone(),
            fs::read(root().join("tests/keys/p256.pkcs8.pem")).unwrap(),
        ),
        ("new", early, dump.clone(), b"a log".to_vec()),
    ] {
        machine.put(&format!("{database}/{place}/{id}.meta"), b"CPAD");
        machine.put(&format!("{database}/attachments/{id}/log.txt"), &log);
        machine.put(&format!("{database}/{place}/{id}.dmp"), &dump);
    }
    let released = machine.at(RELEASED);
    machine.watch(&words, || {
        machine.has(KEPT, &format!("{bad}.dmp"))
            && machine.has(RELEASED, &format!("{good}.dmp"))
            && names(&machine.at(database).join("pending")).is_empty()
    });
    assert_eq!(
        names(&released),
        [format!("{good}.dmp"), format!("{good}.meta")]
    );
    assert!(fs::read(released.join(format!("{good}.dmp"))).unwrap() == dump);
    let attachments = released.join("attachments");
    assert_eq!(
        fs::read(attachments.join(good).join("log.txt")).unwrap(),
        b"a log"
    );
    assert!(!attachments.join(bad).exists());
    assert!(fs::read(machine.at(KEPT).join(format!("{bad}.dmp"))).unwrap() == dump);
    // What the handler has not done with is not touched.
    let new = machine.at(database).join("new");
    assert_eq!(
        names(&new),
        [format!("{early}.dmp"), format!("{early}.meta")]
    );
}

/// An envelope with a dump in it, as Sentry Native writes it.
fn envelope(dump: &[u8]) -> Vec<u8> {
    let head = format!(
        "{{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}}\n{{\"type\":\"attachment\",\"length\":{},\
         \"attachment_type\":\"event.minidump\",\"filename\":\"minidump.dmp\"}}\n",
        dump.len()
    );
    [head.as_bytes(), dump, b"\n"].concat()
}

#[test]
fn sentry_natives_external_crash_reporter() {
    let machine = Machine::new();
    machine.make("/var/lib/app/dumpgate");
    let script = shipped("sentry-native/crash-reporter");
    let reporter = machine.program("/usr/bin/crash-reporter", &script);
    let name = "9ec79c33-ec99-42ab-8353-589fcb2e04dc.envelope";
    let report = |bytes: &[u8]| {
        let path = machine.put(
            &format!("/var/lib/app/.sentry-native/external/{name}"),
            bytes,
        );
        let mut command = Command::new(&reporter);
        command
            .arg(&path)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/");
        (feed(&mut command, b""), path)
    };
    let submit = |end: &str| {
        let script = format!(
            "#!/bin/sh\n{{ echo $#; echo \"${{1##*/}}\"; }} >'/var/said'\ncp \"$1\" '/var/sent'\n{end}\n"
        );
        machine.program("/usr/lib/app/sentry-crash-reporter", &script);
    };
    submit("exit 0");
    let bad = envelope(&sample("sh-deploy-ed25519/sh-deploy-ed25519.dmp"));
    let (output, path) = report(&bad);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(!machine.at("/var/said").exists() && !path.exists());
    let kept = machine.at("/var/lib/app/dumpgate").join(name);
    assert!(fs::read(kept).unwrap() == bad);

    let good = envelope(&sample("clean-socat/clean-socat.dmp"));
    let (output, path) = report(&good);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(fs::read(machine.at("/var/sent")).unwrap() == good);
    let told = fs::read_to_string(machine.at("/var/said")).unwrap();
    assert_eq!(told, format!("1\n{name}\n"));
    assert!(!path.exists());

    // One that could not be submitted is there for another try.
    submit("exit 1");
    let (output, path) = report(&good);
    assert_eq!(output.status.code(), Some(75), "{}", said(&output));
    assert!(fs::read(path).unwrap() == good);
}

#[test]
fn the_post_create_event_of_abrt() {
    let machine = Machine::new();
    let file = shipped("abrt/00_dumpgate_event.conf");
    let mut rule = file.lines().skip_while(|line| line.starts_with('#'));
    assert_eq!(rule.next(), Some("EVENT=post-create"));
    let program: Vec<&str> = rule.collect();
    assert!(
        program.iter().all(|line| line.starts_with("    ")),
        "a rule ends at the first line that is not indented"
    );
    let program = machine.led(&program.join("\n"));
    let event = |core: &[u8], environment: &[u8]| {
        let problem = "/var/spool/abrt/ccpp-2026-11-22-18:00:00-4711";
        let directory = machine.make(problem);
        machine.put(&format!("{problem}/type"), b"CCpp");
        machine.put(&format!("{problem}/coredump"), core);
        machine.put(&format!("{problem}/environ"), environment);
        let mut libreport = Command::new("/bin/sh");
        libreport
            .args(["-c", &program])
            .current_dir(&directory)
            .env("DUMP_DIR", &directory);
        (feed(&mut libreport, b""), directory)
    };
    let (output, directory) = event(&clean(), b"LANG=C");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(names(&directory), ["coredump", "environ", "type"]);
    assert!(fs::read(directory.join("coredump")).unwrap() == clean());
    assert!(machine.kept().is_empty());

    // ABRT deletes the directory after these: all of it is in quarantine before.
    let tar = "abrt-ccpp-2026-11-22-18:00:00-4711.tar";
    let (output, _) = event(&leaking(), b"LANG=C");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let kept = machine.kept();
    assert_eq!(kept.keys().collect::<Vec<_>>(), [tar]);
    assert!(holds(&kept[tar], &leaking()) && holds(&kept[tar], b"LANG=C"));
    let key = fs::read(root().join("tests/keys/p256.pkcs8.pem")).unwrap();
    let (output, _) = event(&clean(), &[b"KEY=".as_slice(), &key].concat());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(machine.kept().len(), 2);

    // Nowhere to keep it: out of ABRT's reach.
    fs::remove_dir_all(machine.at(KEPT)).unwrap();
    let (output, directory) = event(&leaking(), b"LANG=C");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(!directory.exists());
    let unjudged = machine.at("/var/spool/dumpgate-unjudged");
    assert_eq!(
        fs::metadata(&unjudged).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let moved = unjudged.join(directory.file_name().unwrap());
    assert!(fs::read(moved.join("coredump")).unwrap() == leaking());
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A zip with one member, stored.
fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    let length = (bytes.len() as u32).to_le_bytes();
    let mut common = [[20, 0, 0, 0], [0, 0, 0, 0], [0x21, 0x5b, 0, 0]].concat();
    common.truncate(10);
    common.extend(sum.sum().to_le_bytes());
    common.extend([length, length].concat());
    common.extend((name.len() as u16).to_le_bytes());
    common.extend([0, 0]);
    let mut zip = [b"PK\x03\x04", common.as_slice(), name.as_bytes(), bytes].concat();
    let directory = zip.len() as u32;
    zip.extend(
        [
            b"PK\x01\x02\x14\0",
            common.as_slice(),
            &[0; 14],
            name.as_bytes(),
        ]
        .concat(),
    );
    let size = zip.len() as u32 - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend([size.to_le_bytes(), directory.to_le_bytes()].concat());
    zip.extend([0, 0]);
    zip
}

#[test]
fn between_a_kubernetes_handler_and_its_upload() {
    let machine = Machine::new();
    let manifest = shipped("kubernetes/dumpgate.yaml");
    let commands = settings(&[&manifest.replace("  ", "").replace(": ", "=")], "command");
    let commands: Vec<Vec<String>> = commands
        .iter()
        .map(|command| serde_json::from_str(&machine.led(command)).unwrap())
        .collect();
    let [directories, gate, uploader] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert!(manifest.contains("mountPath: /released, subPath: released"));
    machine.make("/dumps/cores");
    let made = Command::new(&directories[0])
        .args(&directories[1..])
        .status()
        .unwrap();
    assert!(made.success());
    let (good, bad) = (zip("a.core", &clean()), zip("b.core", &leaking()));
    machine.put("/dumps/cores/good.zip", &good);
    machine.put("/dumps/cores/bad.zip", &bad);
    let (released, kept) = (machine.at("/dumps/released"), machine.at("/dumps/kept"));
    machine.watch(gate, || {
        released.join("good.zip").exists() && kept.join("bad.zip").exists()
    });
    assert!(fs::read(kept.join("bad.zip")).unwrap() == bad);
    // The agent uploads whatever file it sees, and removes it.
    let bucket = machine.make("/bucket");
    machine.program(
        "/app/core-dump-agent",
        "#!/bin/sh\n[ \"$*\" = sweep ] && find \"$CORE_DIR\" -maxdepth 1 -type f -exec cp {} '/bucket' ';' -delete\n",
    );
    let agent = Command::new(&uploader[0])
        .args(&uploader[1..])
        .env("CORE_DIR", &released)
        .spawn();
    let agent = Running(agent.unwrap());
    until(|| names(&bucket) == ["good.zip"] && files(&released).is_empty());
    drop(agent);
    assert!(files(&bucket) == BTreeMap::from([("good.zip".to_owned(), good)]));
}

#[test]
fn a_share_of_windows_error_reporting() {
    let machine = Machine::new();
    let script = machine.program("/usr/bin/scan-share", &shipped("wer/scan-share"));
    let report = machine.at("/report.jsonl");
    let scan = || {
        let mut command = Command::new(&script);
        command
            .arg(machine.at("/share"))
            .arg(&report)
            .current_dir("/");
        let output = feed(&mut command, b"");
        let lines = fs::read_to_string(&report).unwrap();
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        (output.status.code(), lines)
    };
    machine.put(
        "/share/svc.exe.4711.dmp",
        &sample("clean-socat/clean-socat.dmp"),
    );
    let (code, lines) = scan();
    assert_eq!(code, Some(0));
    assert_eq!(lines[0]["verdict"], "clean");
    let bad = sample("packed/sh-deploy-ed25519.cab");
    let path = machine.put("/share/ReportQueue/Report.cab", &bad);
    let (code, lines) = scan();
    assert_eq!(code, Some(1));
    let found = |line: &&Value| line["type"] == "dump" && line["verdict"] == "found";
    let found = lines.iter().find(found).unwrap();
    assert_eq!(found["path"], path.to_str().unwrap());
    assert_eq!(found["sha256"].as_str().unwrap().len(), 64);
    // It tells, and moves nothing.
    assert!(fs::read(path).unwrap() == bad);
    assert_eq!(names(machine.0.path()), ["report.jsonl"]);
}

#[test]
fn shell_parts_are_shell() {
    for name in ["sentry-native/crash-reporter", "wer/scan-share"] {
        let path = root().join("scripts/integrations").join(name);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name}");
        let status = Command::new("/bin/sh")
            .arg("-n")
            .arg(path)
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
    }
}

#[test]
fn the_index_names_each_integration() {
    let index = shipped("README.md");
    for entry in fs::read_dir(root().join("scripts/integrations")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            let is_there = index
                .lines()
                .any(|line| line.starts_with(&format!("| [{name}]")));
            assert!(is_there, "{name}");
        }
    }
}
