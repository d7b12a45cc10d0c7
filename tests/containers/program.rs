//! The program: reports, standard input, `info`.

use super::*;
use serde_json::Value;

fn dumpgate(directory: &Path, line: &str) -> (String, i32) {
    let program = assert_cmd::cargo::cargo_bin!("dumpgate");
    let line = line.replace("dumpgate", &program.to_string_lossy());
    let output = Command::new("sh")
        .args(["-c", &line])
        .current_dir(directory)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code().unwrap(),
    )
}

#[test]
fn standard_input_is_opened_too() {
    if !has(&["zstd"]) {
        return;
    }
    let directory = workshop();
    shell(directory.path(), "zstd -q core");
    for (line, place) in [
        ("zstd -dcq core.zst | dumpgate scan --format json -", "-"),
        ("dumpgate scan --format json - < core.zst", "-!unpacked"),
        ("cat core.zst | dumpgate scan --format json -", "-!unpacked"),
        ("dumpgate scan --format json core.zst", "core.zst!core"),
    ] {
        let (report, code) = dumpgate(directory.path(), line);
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(
            (code, &report["dumps"][0]["display_path"]),
            (1, &Value::from(place)),
            "{line}"
        );
        assert_eq!(report["dumps"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn reports_name_the_chain() {
    if !has(&["zip", "gzip"]) {
        return;
    }
    let directory = workshop();
    shell(
        directory.path(),
        "echo x > notes; gzip -n core; zip -q a.zip notes core.gz; rm core.gz notes",
    );
    let (report, code) = dumpgate(directory.path(), "dumpgate scan a.zip");
    assert_eq!(code, 1);
    assert!(
        report.contains("found       a.zip!core.gz!core  (elf-core, "),
        "{report}"
    );
    let (lines, _) = dumpgate(directory.path(), "dumpgate scan --format jsonl .");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["members"], serde_json::json!(["notes"]));
    let second: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["members"], serde_json::json!(["core.gz", "core"]));
    assert_eq!(second["path"], "./a.zip");
}

#[test]
fn bounds_are_options() {
    if !has(&["gzip"]) {
        return;
    }
    let directory = workshop();
    shell(directory.path(), "gzip core");
    let (report, code) = dumpgate(
        directory.path(),
        "dumpgate scan --max-unpacked-bytes 1K core.gz",
    );
    assert_eq!(code, 3);
    assert!(
        report.contains("`--max-unpacked-bytes`") && report.contains("[budget-reached]"),
        "{report}"
    );
    let (report, code) = dumpgate(directory.path(), "dumpgate scan --max-depth 0 core.gz");
    assert_eq!(code, 3, "{report}");
}

#[test]
fn info_shows_the_members() {
    if !has(&["zip", "gzip"]) {
        return;
    }
    let directory = workshop();
    shell(directory.path(), "gzip -n core; zip -q a.zip core.gz");
    let (text, code) = dumpgate(directory.path(), "dumpgate info a.zip");
    assert_eq!(code, 0);
    for part in [
        "zip, ",
        "a container",
        "core.gz!core",
        "a.zip!core.gz!core",
        "a scan searches all",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (json, _) = dumpgate(directory.path(), "dumpgate info --format json a.zip");
    let shown: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(shown["format"], "zip");
    assert_eq!(
        shown["members"][0]["members"],
        serde_json::json!(["core.gz", "core"])
    );
    assert_eq!(shown["members"][0]["size"], sample().len());
    assert_eq!(shown["members"][1]["format"], "gzip");
    assert_eq!(shown["dumps"][0]["format"], "elf-core");
    shell(directory.path(), "zip -qP secret b.zip core.gz");
    let (text, _) = dumpgate(directory.path(), "dumpgate info b.zip");
    assert!(text.contains("under a passphrase"), "{text}");
    assert!(text.contains("0, and 1 that cannot be opened"), "{text}");
}
