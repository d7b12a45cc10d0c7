//! `dumpgate info`

use super::samples::samples;
use super::{code, command, dumpgate, stderr, stdout};

#[test]
fn every_sample_is_shown() {
    for (path, expected) in samples() {
        let output = command()
            .args(["info", "--format", "json"])
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(code(&output), 0);
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["format"], expected["format"], "{}", path.display());
        assert_eq!(shown["processor"], "x86-64", "{}", path.display());
        assert!(
            !shown["threads"].as_array().unwrap().is_empty(),
            "{}",
            path.display()
        );
        assert!(
            !shown["modules"].as_array().unwrap().is_empty(),
            "{}",
            path.display()
        );
        let regions = shown["regions"].as_array().unwrap();
        let bytes: u64 = regions
            .iter()
            .map(|row| row["bytes"].as_u64().unwrap())
            .sum();
        assert_eq!(shown["size"], bytes, "{}", path.display());
        let text = command().arg("info").arg(&path).output().unwrap();
        assert!(
            stdout(&text).contains("a scan searches all"),
            "{}",
            stdout(&text)
        );
    }
}

#[test]
fn what_cannot_be_opened_is_told() {
    let output = dumpgate(["info", "samples/absent"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("failed to open"),
        "{}",
        stderr(&output)
    );
}
