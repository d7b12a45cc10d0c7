//! The processes of the story and their directories.

use crate::Result;
use crate::key::{Key, Use};
use crate::library::Library;
use crate::{http::Place, store};
use serde_json::json;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// One of our processes; it is ended when the value is dropped.
pub struct Process(Child);

impl Process {
    /// Starts a part of this program, waits until it says that it is ready, and at which port.
    ///
    /// # Errors
    /// When it ends before that.
    pub fn start(part: &str, arguments: &[OsString]) -> Result<(Self, Option<u16>)> {
        let mut child = Command::new(env::current_exe()?)
            .arg(part)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take();
        let process = Self(child);
        let mut line = String::new();
        if let Some(stdout) = stdout {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        if !line.starts_with("ready") {
            return Err(format!("`{part}` did not start").into());
        }
        let port = line
            .split(' ')
            .next_back()
            .and_then(|port| port.trim().parse().ok());
        Ok((process, port))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.0.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Who holds the keys of the service that crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Race {
    /// The service itself.
    On,
    /// A signer of its own.
    Off,
}

/// Two environments and the border between them.
pub struct Environment {
    /// Where all of it is.
    pub root: PathBuf,
    /// The race in it.
    pub race: Race,
    library: Library,
    _writer: Process,
    signer: Option<Process>,
}

impl Environment {
    /// Production with these keys, its crash writer and, without the race, its signer.
    ///
    /// # Errors
    /// When a directory cannot be made, or a process does not start.
    pub fn new(
        root: &Path,
        race: Race,
        library: Library,
        every: u64,
        keys: &[Key],
    ) -> Result<Self> {
        let mut directories = fs::DirBuilder::new();
        directories.recursive(true).mode(0o700);
        for name in [
            "production/store",
            "production/dumps",
            "debug",
            "without-gate",
        ] {
            directories.create(root.join(name))?;
        }
        for key in keys {
            store::write_key(&root.join("production/store"), key)?;
        }
        let jwks: Vec<_> = keys.iter().map(Key::jwk).collect();
        let jwks = json!({"keys": jwks}).to_string();
        store::write_whole(&root.join("production/jwks.json"), jwks.as_bytes())?;
        let writer = Process::start(
            "crash-writer",
            &[
                "--socket".into(),
                root.join("crash").into(),
                "--dumps".into(),
                root.join("production/dumps").into(),
                "--store".into(),
                root.join("production/store").into(),
                "--every".into(),
                every.to_string().into(),
            ],
        )?;
        let mut environment = Self {
            root: root.to_owned(),
            race,
            library,
            _writer: writer.0,
            signer: None,
        };
        if race == Race::Off {
            let mut arguments = environment.disk();
            arguments.extend(["--socket".into(), root.join("signer").into()]);
            environment.signer = Some(Process::start("signer", &arguments)?.0);
        }
        Ok(environment)
    }

    fn disk(&self) -> Vec<OsString> {
        vec![
            "--store".into(),
            self.root.join("production/store").into(),
            "--jwks".into(),
            self.root.join("production/jwks.json").into(),
            "--library".into(),
            self.library.name().into(),
        ]
    }

    /// The signing service, and its port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn service(&self) -> Result<(Process, u16)> {
        let mut arguments = self.disk();
        arguments.extend(["--crash-writer".into(), self.root.join("crash").into()]);
        if self.signer.is_some() {
            arguments.extend(["--signer".into(), self.root.join("signer").into()]);
        }
        let (service, port) = Process::start("signing-service", &arguments)?;
        Ok((service, port.ok_or("the service has no port")?))
    }

    /// Where keys are rotated: whoever holds them.
    pub fn administration(&self, port: u16) -> Place {
        match self.race {
            Race::On => Place::Port(port),
            Race::Off => Place::Socket(self.root.join("signer")),
        }
    }

    /// The live key of each use.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn live(&self) -> Result<Vec<Key>> {
        store::read_keys(&self.root.join("production/store"))
    }
}

/// Directories' contents, one level deep.
///
/// # Errors
/// The system's.
pub fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// A first key of each use.
///
/// # Errors
/// When none can be made.
pub fn first_keys() -> Result<Vec<Key>> {
    Use::ALL
        .into_iter()
        .map(|usage| Key::generate(usage, 0))
        .collect()
}
