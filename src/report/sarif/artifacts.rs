//! The files of a run and the members of containers, each once.

use super::log::{Artifact, ArtifactLocation, ArtifactProperties, ArtifactUri, Hashes};
use crate::outcome::DumpOutcome;
use crate::report::human::hex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file, and the names that lead from it to a member.
type Name = (PathBuf, Vec<String>);

/// The artifacts of a run, a container before its members.
#[derive(Default)]
pub struct Artifacts {
    all: Vec<Artifact>,
    /// By name and by length in bytes, where the length is known: two members of one container may share a name.
    index: BTreeMap<(Name, Option<u64>), usize>,
}

impl Artifacts {
    /// In the order of their indices.
    pub fn all(&self) -> &[Artifact] {
        &self.all
    }

    /// The index of the artifact of `outcome`, which is made known.
    pub fn add(&mut self, outcome: &DumpOutcome) -> usize {
        let parent = outcome
            .members
            .split_last()
            .map(|(_, above)| self.container(&outcome.path, above));
        let name = (outcome.path.clone(), outcome.members.clone());
        let key = (name.clone(), Some(outcome.size));
        let known = self.index.get(&key).copied();
        let index = known
            .or_else(|| self.index.remove(&(name.clone(), None)))
            .unwrap_or_else(|| self.push(&name, parent));
        self.index.insert(key, index);
        if let Some(artifact) = self.all.get_mut(index) {
            artifact.length = Some(outcome.size);
            artifact.hashes = outcome.sha256.map(|hash| Hashes { sha256: hex(&hash) });
            artifact.properties = Some(ArtifactProperties {
                format: outcome.format,
                verdict: outcome.verdict.name(),
            });
        }
        index
    }

    /// Where the artifact of this index is.
    pub fn location(&self, index: usize) -> ArtifactLocation {
        let location = self.all.get(index).and_then(|it| it.location.as_ref());
        ArtifactLocation {
            uri: location.map(|location| location.uri.clone()),
            index,
        }
    }

    /// The index of a container whose length may not be known yet.
    fn container(&mut self, path: &Path, members: &[String]) -> usize {
        let name = (path.to_path_buf(), members.to_vec());
        let first = self.index.range((name.clone(), None)..).next();
        if let Some(((known, _), index)) = first
            && *known == name
        {
            return *index;
        }
        // Containers in containers are few deep: unpacking bounds it.
        let parent = members
            .split_last()
            .map(|(_, above)| self.container(path, above));
        let index = self.push(&name, parent);
        self.index.insert((name, None), index);
        index
    }

    fn push(&mut self, (path, members): &Name, parent_index: Option<usize>) -> usize {
        let uri = match members.last() {
            Some(member) => member_uri(member),
            None => Some(file_uri(path)),
        };
        let role = match path.as_os_str() == "-" && members.is_empty() {
            true => "standardStream",
            false => "analysisTarget",
        };
        self.all.push(Artifact {
            location: uri.map(|uri| ArtifactUri { uri }),
            parent_index,
            length: None,
            roles: [role],
            hashes: None,
            properties: None,
        });
        self.all.len() - 1
    }
}

/// A path as a URI: relative where the path is.
fn file_uri(path: &Path) -> String {
    // The system's own encoding: a name that is no text keeps its bytes.
    let bytes = path.as_os_str().as_encoded_bytes();
    let slashed: Vec<u8> = bytes
        .iter()
        .map(|&byte| match byte {
            b'\\' if cfg!(windows) => b'/',
            byte => byte,
        })
        .collect();
    let encoded = encode(&slashed, Slashes::Keep);
    match (path.is_absolute(), encoded.starts_with('/')) {
        (true, true) => format!("file://{encoded}"),
        (true, false) => format!("file:///{encoded}"),
        (false, _) => encoded,
    }
}

/// A member's path in its container, which the standard writes with a slash before it. None for an empty name.
fn member_uri(name: &str) -> Option<String> {
    let name = name.trim_start_matches('/');
    // A name that climbs out of its container must not do so in a reader.
    let slashes = match name.split('/').any(|part| part == "." || part == "..") {
        true => Slashes::Encode,
        false => Slashes::Keep,
    };
    (!name.is_empty()).then(|| format!("/{}", encode(name.as_bytes(), slashes)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slashes {
    Keep,
    Encode,
}

/// Percent-encoding (RFC 3986): all but its unreserved characters and, where they are kept, slashes.
fn encode(bytes: &[u8], slashes: Slashes) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        let is_kept = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~')
            || (byte == b'/' && slashes == Slashes::Keep);
        match is_kept {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn outcome(path: &str, members: &[&str], size: u64) -> DumpOutcome {
        let error = Error::malformed(0, "", "");
        DumpOutcome {
            members: members.iter().map(|&member| member.to_owned()).collect(),
            size,
            ..DumpOutcome::unopened(PathBuf::from(path), error)
        }
    }

    #[test]
    fn uris_hold_every_byte_and_no_more_than_a_uri_may() {
        assert_eq!(file_uri(Path::new("a/b.core")), "a/b.core");
        assert_eq!(file_uri(Path::new("c:d?#%\n")), "c%3Ad%3F%23%25%0A");
        assert_eq!(file_uri(Path::new("größe")), "gr%C3%B6%C3%9Fe");
        if cfg!(unix) {
            assert_eq!(file_uri(Path::new("/tmp/a b")), "file:///tmp/a%20b");
        }
        assert_eq!(member_uri("/a/b").as_deref(), Some("/a/b"));
        assert_eq!(member_uri("//host/b").as_deref(), Some("/host/b"));
        assert_eq!(member_uri("a/../../b").as_deref(), Some("/a%2F..%2F..%2Fb"));
        assert_eq!(member_uri("a\\b").as_deref(), Some("/a%5Cb"));
        assert_eq!(member_uri(""), None);
    }

    #[test]
    fn members_know_their_container_whichever_comes_first() {
        let mut artifacts = Artifacts::default();
        assert_eq!(artifacts.add(&outcome("a.zip", &["b.tar", "c"], 5)), 2);
        assert_eq!(artifacts.add(&outcome("a.zip", &["b.tar", "d"], 6)), 3);
        assert_eq!(artifacts.add(&outcome("a.zip", &[], 99)), 0);
        assert_eq!(artifacts.add(&outcome("a.zip", &["e"], 7)), 4);
        let parents: Vec<_> = artifacts.all().iter().map(|it| it.parent_index).collect();
        assert_eq!(parents, [None, Some(0), Some(1), Some(1), Some(0)]);
        let lengths: Vec<_> = artifacts.all().iter().map(|it| it.length).collect();
        assert_eq!(lengths, [Some(99), None, Some(5), Some(6), Some(7)]);
    }

    #[test]
    fn a_file_that_is_scanned_twice_is_one_artifact_and_two_members_of_a_name_are_two() {
        let mut artifacts = Artifacts::default();
        assert_eq!(artifacts.add(&outcome("a", &[], 5)), 0);
        assert_eq!(artifacts.add(&outcome("a", &[], 5)), 0);
        assert_eq!(artifacts.add(&outcome("b.zip", &["m"], 5)), 2);
        assert_eq!(artifacts.add(&outcome("b.zip", &["m"], 6)), 3);
        assert_eq!(artifacts.add(&outcome("b.zip", &["m"], 5)), 2);
        assert_eq!(artifacts.all().len(), 4);
    }
}
