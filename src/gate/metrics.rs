//! Numbers for a monitoring system: a file as the Prometheus text format has it, replaced as a whole.

use super::decision::Decision;
use super::disk::Directory;
use super::names::shown;
use crate::error::Error;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// What was counted since the gate began, and where that is written.
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    dumps: BTreeMap<(&'static str, &'static str), u64>,
    findings: BTreeMap<String, u64>,
    bytes: u64,
    time: Duration,
    written: Option<Instant>,
}

/// What is measured when the file is written.
#[derive(Debug)]
pub struct Gauges<'g> {
    /// Dumps in the spool that are not taken yet.
    pub queue: u64,
    /// When the oldest of them was last written, or since when one is stuck.
    pub oldest: Option<SystemTime>,
    /// Dumps that could not be brought to their places.
    pub stuck: u64,
    /// Workers that died.
    pub deaths: u64,
    /// Directories whose file systems may fill up.
    pub places: Vec<(&'static str, &'g Directory)>,
    /// The last record of the audit log: its number and hash.
    pub head: Option<(u64, &'g str)>,
}

impl Metrics {
    /// Nothing counted yet, to be written to the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            dumps: BTreeMap::new(),
            findings: BTreeMap::new(),
            bytes: 0,
            time: Duration::ZERO,
            written: None,
        }
    }

    /// Counts a dump that is in its place, which took `time`.
    pub fn count(&mut self, decision: &Decision, time: Duration) {
        let of = (decision.verdict().name(), decision.fate.name());
        *self.dumps.entry(of).or_default() += 1;
        for key in decision.keys() {
            let kind = key.get("kind").and_then(serde_json::Value::as_str);
            let kind = kind.unwrap_or_default().to_owned();
            *self.findings.entry(kind).or_default() += 1;
        }
        self.bytes += decision.size;
        self.time += time;
    }

    /// Whether the file is due: not more than once a second.
    pub fn is_due(&self) -> bool {
        self.written
            .is_none_or(|written| written.elapsed() >= OFTEN)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written; the one from before is still there.
    pub fn write(&mut self, gauges: &Gauges<'_>) -> Result<(), Error> {
        self.written = Some(Instant::now());
        let text = self.text(gauges);
        let replaced = || -> std::io::Result<()> {
            let directory = self
                .path
                .parent()
                .filter(|path| !path.as_os_str().is_empty());
            let mut file = tempfile::Builder::new()
                .prefix(".dumpgate-")
                .permissions(Permissions::from_mode(0o644))
                .tempfile_in(directory.unwrap_or_else(|| Path::new(".")))?;
            file.write_all(text.as_bytes())?;
            file.persist(&self.path)?;
            Ok(())
        };
        replaced().map_err(|cause| Error::io("write", cause).at_path(&self.path))
    }

    fn text(&self, gauges: &Gauges<'_>) -> String {
        let mut text = Text(String::new());
        text.family("dumpgate_dumps_total", "counter", "Dumps in their places");
        for ((verdict, fate), count) in &self.dumps {
            text.sample(&[("verdict", verdict), ("fate", fate)], count);
        }
        text.family(
            "dumpgate_findings_total",
            "counter",
            "Private keys found, each once a dump",
        );
        for (kind, count) in &self.findings {
            text.sample(&[("kind", kind)], count);
        }
        text.family("dumpgate_bytes_total", "counter", "Bytes of those dumps");
        text.sample(&[], &self.bytes);
        text.family("dumpgate_seconds_total", "counter", "Time they took");
        text.sample(&[], &self.time.as_secs_f64());
        text.family(
            "dumpgate_worker_deaths_total",
            "counter",
            "Workers that died",
        );
        text.sample(&[], &gauges.deaths);
        text.family(
            "dumpgate_queue",
            "gauge",
            "Dumps in the spool that are not taken yet",
        );
        text.sample(&[], &gauges.queue);
        text.family(
            "dumpgate_oldest_seconds",
            "gauge",
            "Time since the oldest of them was written, or since one is stuck",
        );
        let age = gauges.oldest.and_then(|oldest| oldest.elapsed().ok());
        text.sample(&[], &age.unwrap_or_default().as_secs_f64());
        text.family(
            "dumpgate_stuck",
            "gauge",
            "Dumps that could not be brought to their places yet",
        );
        text.sample(&[], &gauges.stuck);
        text.family("dumpgate_free_bytes", "gauge", "Room on the file systems");
        for (place, directory) in &gauges.places {
            if let Ok(free) = directory.free() {
                let path = shown(directory.path().as_os_str());
                text.sample(&[("place", place), ("path", &path)], &free);
            }
        }
        if let Some((records, hash)) = gauges.head {
            text.family(
                "dumpgate_audit_records",
                "gauge",
                "Records of the audit log",
            );
            text.sample(&[], &records);
            text.family(
                "dumpgate_audit_head",
                "gauge",
                "The hash of the last record, to be kept elsewhere",
            );
            text.sample(&[("hash", hash)], &1);
        }
        text.family("dumpgate_written_seconds", "gauge", "When this was written");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        text.sample(&[], &now.unwrap_or_default().as_secs_f64());
        text.0
    }
}

/// The format: a head for each family, then its samples.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A sample of the last family.
    fn sample(&mut self, labels: &[(&str, &str)], value: &dyn std::fmt::Display) {
        let name = self.0.lines().rev().find_map(|line| {
            let rest = line.strip_prefix("# TYPE ")?;
            rest.split(' ').next().map(str::to_owned)
        });
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(",")),
        };
        _ = writeln!(self.0, "{}{labels} {value}", name.unwrap_or_default());
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// How often the file is written at most.
const OFTEN: Duration = Duration::from_secs(1);
