//! `--format sarif`: every log against the schema that OASIS publishes, and what the schema cannot say.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

#[path = "../common/mod.rs"]
mod common;

use common::{key, noise, root, rows};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = fs::read(root().join("tests/sarif/sarif-schema-2.1.0.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&schema).unwrap();
    // Two patterns of the published schema have a bracket too many, which strict readers of patterns refuse. They judge
    // languages, of which no log here speaks.
    for owner in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][owner]["properties"]["language"];
        let pattern = language.as_object_mut().unwrap().remove("pattern");
        assert_eq!(pattern.unwrap(), "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$");
    }
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the schema is one")
});

/// What the schema does not allow in `log`.
fn faults(log: &Value) -> Vec<String> {
    let faults = SCHEMA.iter_errors(log);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

fn scan(arguments: &[&OsStr]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("dumpgate"))
        .current_dir(root())
        .args(["scan", "--quiet", "--format", "sarif"])
        .args(arguments)
        .output()
        .unwrap()
}

/// The only run of a valid log, whose invocation says how the program ended.
fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Value {
    let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
    let output = scan(&arguments);
    let mut log: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{error}: {said}")
    });
    assert_eq!(faults(&log), [""; 0], "{log:#}");
    let run = log["runs"][0].take();
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["exitCode"], output.status.code().unwrap());
    consistent(&run);
    run
}

/// Indices lead to what they should; URIs agree with them.
fn consistent(run: &Value) {
    let artifacts = run["artifacts"].as_array().unwrap();
    let index = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    for (at, artifact) in artifacts.iter().enumerate() {
        if let Some(parent) = artifact.get("parentIndex") {
            assert!(index(parent) < at, "a container stands before its members");
        }
    }
    let notifications = &run["invocations"][0]["toolExecutionNotifications"];
    let told = notifications.as_array().unwrap().iter();
    for told in told.chain(run["results"].as_array().unwrap()) {
        for location in told["locations"].as_array().into_iter().flatten() {
            let artifact = &location["physicalLocation"]["artifactLocation"];
            let of_index = &artifacts[index(&artifact["index"])];
            assert_eq!(artifact["uri"], of_index["location"]["uri"]);
        }
    }
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        assert_eq!(rules[index(&result["ruleIndex"])]["id"], result["ruleId"]);
        assert!(!result["locations"].as_array().unwrap().is_empty());
    }
}

fn write(directory: &Path, name: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// The name of a test key.
fn name(file: &str) -> String {
    let row = rows().into_iter().find(|row| row.file == file);
    row.unwrap_or_else(|| panic!("{file}")).spki_sha256
}

fn is_successful(run: &Value) -> bool {
    run["invocations"][0]["executionSuccessful"]
        .as_bool()
        .unwrap()
}

/// The reasons of a run, and the URI of what each concerns.
fn reasons(run: &Value) -> Vec<(&str, &str)> {
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array();
    notifications
        .unwrap()
        .iter()
        .map(|notification| {
            let location = &notification["locations"][0]["physicalLocation"]["artifactLocation"];
            (
                notification["descriptor"]["id"].as_str().unwrap(),
                location["uri"].as_str().unwrap(),
            )
        })
        .collect()
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let output = scan(&[OsStr::new("samples/sh-deploy-ed25519")]);
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(faults(&log), [""; 0]);
    let spoil: [fn(&mut Value); 5] = [
        |log| log["version"] = json!("2.0.0"),
        |log| log["runs"][0]["results"][0]["level"] = json!("fatal"),
        |log| log["runs"][0]["results"][0]["secret"] = json!("x"),
        |log| log["runs"][0]["artifacts"][0]["location"]["uri"] = json!("a b\n"),
        |log| log["runs"][0]["tool"] = json!({}),
    ];
    for (index, spoil) in spoil.iter().enumerate() {
        let mut log = log.clone();
        spoil(&mut log);
        assert_ne!(faults(&log), [""; 0], "spoilt log {index}");
    }
}

#[test]
fn samples_are_named_by_key_and_place() {
    let run = run(&["samples"]);
    assert!(is_successful(&run));
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 8);
    for result in results {
        assert_eq!(result["level"], "error");
        assert_eq!(result["suppressions"], json!([]));
        assert_eq!(result.get("baselineState"), None, "there is no baseline");
        let location = &result["locations"][0]["physicalLocation"];
        let uri = location["artifactLocation"]["uri"].as_str().unwrap();
        let name = &result["fingerprints"]["spkiSha256/v1"];
        let said = result["message"]["text"].as_str().unwrap();
        assert!(said.contains(name.as_str().unwrap()), "{said}");
        // In a file that is not packed the bytes are where the region says.
        let Ok(data) = fs::read(root().join(uri.trim_start_matches('/'))) else {
            continue;
        };
        for location in result["locations"].as_array().unwrap() {
            let place = location["message"]["text"].as_str().unwrap();
            let region = &location["physicalLocation"]["region"];
            let [offset, length] = ["byteOffset", "byteLength"]
                .map(|part| usize::try_from(region[part].as_u64().unwrap()).unwrap());
            let bytes = &data[offset..offset + length];
            if place.starts_with("key, pem.") {
                assert!(bytes.starts_with(b"-----BEGIN "), "{place}");
            }
        }
    }
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let mut ids: Vec<&str> = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(
        ids,
        ["ec-private-key", "ed25519-private-key", "rsa-private-key"]
    );
}

#[test]
fn an_address_is_that_of_the_process() {
    let run = run(&["samples/sh-deploy-ed25519/sh-deploy-ed25519.dmp"]);
    let locations = run["results"][0]["locations"].as_array().unwrap();
    let address = &locations[0]["physicalLocation"]["address"];
    assert_eq!(address["absoluteAddress"], 0x7ffd_ff96_5e51_u64);
    assert_eq!(address["properties"]["va"], "0x7ffdff965e51");
    let in_a_stream = &locations[2]["physicalLocation"];
    assert_eq!(in_a_stream.get("address"), None);
    assert_eq!(
        in_a_stream["region"],
        json!({"byteOffset": 0x600c7, "byteLength": 410})
    );
}

#[test]
fn members_of_containers_lead_to_their_file() {
    let run = run(&["--hash", "samples/packed", "samples/sh-deploy-ed25519"]);
    let artifacts = run["artifacts"].as_array().unwrap();
    let at = |uri: &str| {
        let index = artifacts
            .iter()
            .position(|artifact| artifact["location"]["uri"] == uri);
        index.unwrap_or_else(|| panic!("{uri}"))
    };
    let file = at("samples/packed/sh-deploy-ed25519.cab");
    let member = at("/sh-deploy-ed25519.dmp");
    assert_eq!(artifacts[member]["parentIndex"], file);
    assert_eq!(artifacts[file].get("parentIndex"), None);
    let plain = at("samples/sh-deploy-ed25519/sh-deploy-ed25519.dmp");
    for part in ["length", "hashes"] {
        assert_eq!(artifacts[member][part], artifacts[plain][part]);
    }
    let length = fs::metadata(root().join("samples/packed/sh-deploy-ed25519.cab"))
        .unwrap()
        .len();
    assert_eq!(artifacts[file]["length"], length);
    // The same key in two files is one result to those who compare.
    let results = run["results"].as_array().unwrap();
    let of = |artifact: usize| {
        let found = results.iter().find(|result| {
            result["locations"][0]["physicalLocation"]["artifactLocation"]["index"] == artifact
        });
        found.unwrap()["fingerprints"].clone()
    };
    assert_eq!(of(member), of(plain));
    assert!(
        of(plain)["spkiSha256/v1"]
            .as_str()
            .unwrap()
            .starts_with("d0ede25c")
    );
}

#[test]
fn clean_is_a_successful_run_without_results() {
    let run = run(&["samples/clean-socat/clean-socat.dmp"]);
    assert!(is_successful(&run));
    assert_eq!(run["results"], json!([]));
    assert_eq!(reasons(&run), []);
    assert_eq!(run["invocations"][0]["properties"]["verdict"], "clean");
}

#[test]
fn what_was_not_examined_makes_a_run_unsuccessful() {
    let directory = tempfile::tempdir().unwrap();
    let dump = fs::read(root().join("samples/clean-socat/clean-socat.dmp")).unwrap();
    let cut = write(directory.path(), "cut.dmp", &dump[..dump.len() - 5000]);
    let damaged = write(directory.path(), "damaged.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    let absent = directory.path().join("absent");
    let uri = |path: &Path| format!("file://{}", path.display());
    let [of_cut, of_damaged, of_absent] = [&cut, &damaged, &absent].map(|path| uri(path));
    for (paths, wanted) in [
        (vec![&cut], vec![("truncated", &*of_cut)]),
        // Its member ends too soon, and the file itself is damaged.
        (
            vec![&damaged],
            vec![("damaged", "/damaged"), ("damaged", &of_damaged)],
        ),
        (vec![&absent], vec![("unreadable", &*of_absent)]),
        (
            vec![&cut, &absent],
            vec![("truncated", &*of_cut), ("unreadable", &of_absent)],
        ),
    ] {
        let run = run(&paths);
        assert!(!is_successful(&run));
        assert_eq!(reasons(&run), wanted);
    }
    // A leak in a file that was not examined to its end is both.
    let dump = fs::read(root().join("samples/sh-deploy-ed25519/sh-deploy-ed25519.dmp")).unwrap();
    let leak = write(directory.path(), "leak.dmp", &dump[..dump.len() - 500]);
    let run = run(&[&leak]);
    assert!(!is_successful(&run));
    assert_eq!(run["results"].as_array().unwrap().len(), 1);
    assert_eq!(run["invocations"][0]["exitCode"], 1);
}

#[test]
fn nothing_to_scan_is_no_success() {
    let directory = tempfile::tempdir().unwrap();
    assert!(!is_successful(&run(&[directory.path()])));
}

#[test]
#[cfg(unix)]
fn hostile_names_are_bytes_of_a_uri() {
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"a\n[x](b) {0}\xff\x1b[2J%?#.core");
    let path = write(directory.path(), name, &key("p256.sec1.pem"));
    let run = run(&[&path]);
    assert_eq!(run["results"].as_array().unwrap().len(), 1);
    let uri = run["artifacts"][0]["location"]["uri"].as_str().unwrap();
    let wanted = "/a%0A%5Bx%5D%28b%29%20%7B0%7D%FF%1B%5B2J%25%3F%23.core";
    assert!(
        uri.starts_with("file:///") && uri.ends_with(wanted),
        "{uri}"
    );
    // A relative path stays relative.
    let output = Command::new(assert_cmd::cargo::cargo_bin!("dumpgate"))
        .current_dir(directory.path())
        .args(["scan", "--format", "sarif"])
        .arg(name)
        .output()
        .unwrap();
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(faults(&log), [""; 0]);
    let uri = &log["runs"][0]["artifacts"][0]["location"]["uri"];
    assert_eq!(uri, &wanted[1..]);
}

#[test]
fn a_baseline_tells_new_results_from_known_ones() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = [
        key("p256.sec1.pem"),
        noise(999, 1),
        key("ed25519.pkcs8.pem"),
    ]
    .concat();
    let dump = write(directory.path(), "dump", &bytes);
    let entry = |until: &str| {
        let text = format!(
            "version = 1\n\n[[key]]\nspki_sha256 = \"{}\"\nreason = \"see [12](http://x)\"\nuntil = {until}\n",
            name("p256.sec1.pem")
        );
        write(directory.path(), "baseline.toml", text.as_bytes())
    };
    let judged = |until: &str| {
        let baseline = entry(until);
        run(&[
            OsStr::new("--baseline"),
            baseline.as_os_str(),
            dump.as_os_str(),
        ])
    };
    let of = |run: &Value, file: &str| {
        let results = run["results"].as_array().unwrap().iter();
        let mut of = results.filter(|it| it["fingerprints"]["spkiSha256/v1"] == name(file));
        of.next().unwrap().clone()
    };
    let run = judged("9999-12-31");
    let accepted = of(&run, "p256.sec1.pem");
    assert_eq!(accepted["baselineState"], "unchanged");
    assert_eq!(accepted["suppressions"][0]["kind"], "external");
    assert_eq!(accepted["suppressions"][0]["status"], "accepted");
    let why = accepted["suppressions"][0]["justification"]
        .as_str()
        .unwrap();
    assert!(why.contains("until 9999-12-31: see"), "{why}");
    let new = of(&run, "ed25519.pkcs8.pem");
    assert_eq!(new["baselineState"], "new");
    assert_eq!(new["suppressions"], json!([]));
    let expired = of(&judged("2020-01-01"), "p256.sec1.pem");
    assert_eq!(expired["baselineState"], "new");
    assert_eq!(expired["suppressions"], json!([]));
    let said = expired["message"]["text"].as_str().unwrap();
    assert!(
        said.contains("expired on 2020-01-01: see (12)(http://x)"),
        "{said}"
    );
}

#[test]
fn levels_follow_the_proof_and_known_keys_are_suppressed() {
    let directory = tempfile::tempdir().unwrap();
    let level = |options: &[&str], file: &str| {
        let dump = write(directory.path(), "dump", &key(file));
        let options = options.iter().map(OsStr::new);
        let arguments: Vec<&OsStr> = options.chain([dump.as_os_str()]).collect();
        let run = run(&arguments);
        let result = run["results"][0].clone();
        (result["level"].as_str().unwrap().to_owned(), result)
    };
    assert_eq!(level(&[], "p256.sec1.pem").0, "error");
    let (parsed, result) = level(&[], "p256.pkcs8-encrypted.pem");
    assert_eq!(parsed, "warning");
    assert_eq!(result["ruleId"], "encrypted-private-key");
    assert_eq!(result.get("fingerprints"), None, "no public half, no name");
    let (below, result) = level(&["--fail-on", "arithmetic"], "p256.sec1-nopublic.der");
    assert_eq!(below, "note");
    assert_eq!(result["properties"]["counts"], false);
    let (known, result) = level(&[], "published/openssl-speed-rsa7680.der");
    assert_eq!(known, "error");
    let why = result["suppressions"][0]["justification"].as_str().unwrap();
    assert!(why.starts_with("known test key"), "{why}");
    let (_, result) = level(&["--strict"], "published/openssl-speed-rsa7680.der");
    assert_eq!(result["suppressions"], json!([]));
}

#[test]
fn the_log_is_the_same_for_any_number_of_threads() {
    let log = |threads: &str| scan(&["--threads", threads, "samples"].map(OsStr::new)).stdout;
    let one = log("1");
    assert_eq!(log("2"), one);
    assert_eq!(log("16"), one);
}
