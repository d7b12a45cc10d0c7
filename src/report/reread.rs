//! Reading a report of ours back: the names of the keys in it.

use crate::crypto::Fingerprint;
use serde_json::{Deserializer, Value};

/// The keys of a JSON or JSON Lines report that made a verdict.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Their names, each once, in the order of the report.
    pub keys: Vec<Fingerprint>,
    /// How many have no name.
    pub unnamed: usize,
}

/// Reads a report that `--format json` or `--format jsonl` wrote.
///
/// # Errors
/// In words, when `text` is no such report.
pub fn keys(text: &[u8]) -> Result<Reported, String> {
    let mut reported = Reported::default();
    let mut is_report = false;
    for document in Deserializer::from_slice(text).into_iter::<Value>() {
        let document = document.map_err(|error| {
            format!(
                "expected a JSON report, found no JSON at line {}, column {}",
                error.line(),
                error.column()
            )
        })?;
        is_report |= document.get("schema_version").is_some();
        let dumps = match document.get("dumps").and_then(Value::as_array) {
            Some(dumps) => dumps.as_slice(),
            None => std::slice::from_ref(&document),
        };
        let findings = dumps
            .iter()
            .filter_map(|dump| dump.get("findings")?.as_array());
        for finding in findings.flatten() {
            take(finding, &mut reported);
        }
    }
    if is_report {
        Ok(reported)
    } else {
        Err("expected a JSON report with a `schema_version`, found other JSON".to_owned())
    }
}

fn take(finding: &Value, reported: &mut Reported) {
    let counts = finding.get("counts").and_then(Value::as_bool);
    if counts != Some(true) {
        return;
    }
    let name = finding.get("spki_sha256").and_then(Value::as_str);
    match name.and_then(Fingerprint::from_hex) {
        Some(name) if reported.keys.contains(&name) => {}
        Some(name) => reported.keys.push(name),
        None => reported.unnamed += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "5bd7bad40971be901e68d9b97405c3a3e996adbede885869b270185ad499108e";

    #[test]
    fn keys_that_count_are_taken_once() {
        let finding =
            |name: &str, counts: bool| format!("{{\"spki_sha256\": {name}, \"counts\": {counts}}}");
        let findings = [
            finding(&format!("\"{NAME}\""), true),
            finding(&format!("\"{NAME}\""), true),
            finding(&format!("\"{}\"", NAME.replace('5', "6")), false),
            finding("null", true),
        ]
        .join(",");
        let dump = format!("{{\"schema_version\": 1, \"findings\": [{findings}]}}");
        let document = format!("{{\"schema_version\": 1, \"dumps\": [{dump}]}}");
        let lines = format!("{dump}\n{{\"schema_version\": 1, \"type\": \"summary\"}}\n");
        for text in [document, lines] {
            let reported = keys(text.as_bytes()).unwrap();
            assert_eq!(reported.keys, [Fingerprint::from_hex(NAME).unwrap()]);
            assert_eq!(reported.unnamed, 1);
        }
    }

    #[test]
    fn other_texts_are_refused_without_a_quotation() {
        for text in ["", "{}", "[1]", "MIIEvQIBADAN", "{\"MIIEvQIBADAN\""] {
            let error = keys(text.as_bytes()).unwrap_err();
            assert!(!error.contains("MIIE"), "{error}");
        }
    }
}
