//! How an outcome travels. It can hold no secret: neither can a finding.
//!
//! What the policy says of a finding does not travel, nor does the verdict: the parent judges by its own policy.

use super::wire::{Input, Wire};
use crate::crypto::Fingerprint;
use crate::error::{Error, ErrorKind};
use crate::finding::{Finding, Fragment, Kind, Owner, Piece, Place, PublicFinding, Standing};
use crate::outcome::{
    Answer, Asked, Coverage, DumpOutcome, Fault, Missing, NotRun, Note, Search, Truncated, Verdict,
};
use std::io;
use std::path::PathBuf;

impl Wire for DumpOutcome {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            path: _,
            members,
            format,
            size,
            sha256,
            verdict,
            error,
            coverage,
            truncated,
            searches,
            not_run,
            asked,
            findings,
            public_keys,
            faults,
            notes,
        } = self;
        members.put(out);
        format.put(out);
        size.put(out);
        sha256.put(out);
        (*verdict == Verdict::Unopened).put(out);
        error.put(out);
        coverage.put(out);
        truncated.put(out);
        searches.put(out);
        not_run.put(out);
        asked.put(out);
        findings.put(out);
        public_keys.put(out);
        faults.put(out);
        notes.put(out);
    }

    /// The path is the asker's to set, and the verdict his to give: until then it is `incomplete`.
    fn take(input: &mut Input<'_>) -> Option<Self> {
        let outcome = Self {
            path: PathBuf::new(),
            members: Wire::take(input)?,
            format: Wire::take(input)?,
            size: Wire::take(input)?,
            sha256: Wire::take(input)?,
            verdict: if bool::take(input)? {
                Verdict::Unopened
            } else {
                Verdict::Incomplete
            },
            error: Wire::take(input)?,
            coverage: Wire::take(input)?,
            truncated: Wire::take(input)?,
            searches: Wire::take(input)?,
            not_run: Wire::take(input)?,
            asked: Wire::take(input)?,
            findings: Wire::take(input)?,
            public_keys: Wire::take(input)?,
            faults: Wire::take(input)?,
            notes: Wire::take(input)?,
        };
        makes_sense(&outcome).then_some(outcome)
    }
}

/// Whether an outcome does not contradict itself.
fn makes_sense(outcome: &DumpOutcome) -> bool {
    let coverage = &outcome.coverage;
    let is_within = coverage.bytes == outcome.size && coverage.scanned <= coverage.bytes;
    let is_told = outcome.verdict != Verdict::Unopened
        || (outcome.findings.is_empty()
            && outcome.error.is_some()
            && !outcome.reasons().is_empty());
    is_within && is_told
}

impl Wire for Finding {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            kind,
            bits,
            curve,
            proof,
            spki_sha256,
            e_assumed,
            key_id,
            known,
            watched: _,
            accepted: _,
            standing: _,
            places,
            places_omitted,
        } = self;
        kind.put(out);
        bits.put(out);
        curve.put(out);
        proof.put(out);
        spki_sha256.put(out);
        e_assumed.put(out);
        key_id.put(out);
        known.put(out);
        places.put(out);
        places_omitted.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            kind: Wire::take(input)?,
            bits: Wire::take(input)?,
            curve: Wire::take(input)?,
            proof: Wire::take(input)?,
            spki_sha256: Wire::take(input)?,
            e_assumed: Wire::take(input)?,
            key_id: Wire::take(input)?,
            known: Wire::take(input)?,
            watched: None,
            accepted: None,
            standing: Standing::Counts,
            places: Wire::take(input)?,
            places_omitted: Wire::take(input)?,
        })
    }
}

impl Wire for Place {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            form,
            component,
            fragment,
            encoding,
            proof,
            pieces,
            owner,
        } = self;
        form.put(out);
        component.put(out);
        fragment.put(out);
        encoding.put(out);
        proof.put(out);
        pieces.put(out);
        owner.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            form: Wire::take(input)?,
            component: Wire::take(input)?,
            fragment: Wire::take(input)?,
            encoding: Wire::take(input)?,
            proof: Wire::take(input)?,
            pieces: Wire::take(input)?,
            owner: Wire::take(input)?,
        })
    }
}

impl Wire for PublicFinding {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            algorithm,
            bits,
            curve,
            spki_sha256,
            e_assumed,
            places,
            places_omitted,
        } = self;
        algorithm.put(out);
        bits.put(out);
        curve.put(out);
        spki_sha256.put(out);
        e_assumed.put(out);
        places.put(out);
        places_omitted.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            algorithm: Wire::take(input)?,
            bits: Wire::take(input)?,
            curve: Wire::take(input)?,
            spki_sha256: Wire::take(input)?,
            e_assumed: Wire::take(input)?,
            places: Wire::take(input)?,
            places_omitted: Wire::take(input)?,
        })
    }
}

impl Wire for Error {
    fn put(&self, out: &mut Vec<u8>) {
        self.kind().put(out);
        self.path().map(PathBuf::from).put(out);
        self.offset().put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self::of_parts(
            Wire::take(input)?,
            Wire::take(input)?,
            Wire::take(input)?,
        ))
    }
}

impl Wire for ErrorKind {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Io { tried, cause } => {
                out.push(0);
                tried.put(out);
                cause.raw_os_error().put(out);
                cause.to_string().put(out);
            }
            Self::NotRegular { found, hint } => {
                out.push(1);
                found.put(out);
                hint.put(out);
            }
            Self::Line {
                line,
                expected,
                found,
            } => {
                out.push(2);
                line.put(out);
                expected.put(out);
                found.put(out);
            }
            Self::Member { member, what } => {
                out.push(3);
                member.put(out);
                what.put(out);
            }
            Self::Worker { what } => {
                out.push(4);
                what.put(out);
            }
            Self::Malformed { expected, found } => {
                out.push(5);
                expected.put(out);
                found.put(out);
            }
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Io {
                tried: Wire::take(input)?,
                cause: match <(Option<i32>, String)>::take(input)? {
                    (Some(code), _) => io::Error::from_raw_os_error(code),
                    (None, text) => io::Error::other(text),
                },
            },
            1 => Self::NotRegular {
                found: Wire::take(input)?,
                hint: Wire::take(input)?,
            },
            2 => Self::Line {
                line: Wire::take(input)?,
                expected: Wire::take(input)?,
                found: Wire::take(input)?,
            },
            3 => Self::Member {
                member: Wire::take(input)?,
                what: Wire::take(input)?,
            },
            4 => Self::Worker {
                what: Wire::take(input)?,
            },
            5 => Self::Malformed {
                expected: Wire::take(input)?,
                found: Wire::take(input)?,
            },
            _ => return None,
        })
    }
}

impl Wire for Coverage {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            bytes,
            scanned,
            not_dumped,
            missing,
        } = self;
        bytes.put(out);
        scanned.put(out);
        not_dumped.put(out);
        missing.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            bytes: Wire::take(input)?,
            scanned: Wire::take(input)?,
            not_dumped: Wire::take(input)?,
            missing: Wire::take(input)?,
        })
    }
}

impl Wire for Missing {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            offset,
            length,
            reason,
        } = self;
        offset.put(out);
        length.put(out);
        reason.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            offset: Wire::take(input)?,
            length: Wire::take(input)?,
            reason: Wire::take(input)?,
        })
    }
}

impl Wire for Truncated {
    fn put(&self, out: &mut Vec<u8>) {
        (self.declared, self.present).put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let (declared, present) = Wire::take(input)?;
        Some(Self { declared, present })
    }
}

impl Wire for Search {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            name,
            scope,
            complete,
        } = self;
        name.put(out);
        scope.put(out);
        complete.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            name: Wire::take(input)?,
            scope: Wire::take(input)?,
            complete: Wire::take(input)?,
        })
    }
}

impl Wire for NotRun {
    fn put(&self, out: &mut Vec<u8>) {
        (self.name, self.scope).put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        let (name, scope) = Wire::take(input)?;
        Some(Self { name, scope })
    }
}

impl Wire for Asked {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            spki_sha256,
            key,
            origin,
            answer,
        } = self;
        spki_sha256.put(out);
        key.put(out);
        origin.put(out);
        answer.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            spki_sha256: Wire::take(input)?,
            key: Wire::take(input)?,
            origin: Wire::take(input)?,
            answer: Wire::take(input)?,
        })
    }
}

impl Wire for Answer {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Found(proof) => {
                out.push(0);
                proof.put(out);
            }
            Self::NotFound { public_places } => {
                out.push(1);
                public_places.put(out);
            }
            Self::NotFoundWritten => out.push(2),
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Found(Wire::take(input)?),
            1 => Self::NotFound {
                public_places: Wire::take(input)?,
            },
            2 => Self::NotFoundWritten,
            _ => return None,
        })
    }
}

impl Wire for Fault {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            reason,
            member,
            offset,
            what,
        } = self;
        reason.put(out);
        member.put(out);
        offset.put(out);
        what.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            reason: Wire::take(input)?,
            member: Wire::take(input)?,
            offset: Wire::take(input)?,
            what: Wire::take(input)?,
        })
    }
}

impl Wire for Note {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::EmbeddedContainer {
                format,
                offset,
                count,
            } => {
                out.push(0);
                format.put(out);
                offset.put(out);
                count.put(out);
            }
            Self::EmptyContainer => out.push(1),
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::EmbeddedContainer {
                format: Wire::take(input)?,
                offset: Wire::take(input)?,
                count: Wire::take(input)?,
            },
            1 => Self::EmptyContainer,
            _ => return None,
        })
    }
}

impl Wire for Piece {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { offset, length, va } = self;
        offset.put(out);
        length.put(out);
        va.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            offset: Wire::take(input)?,
            length: Wire::take(input)?,
            va: Wire::take(input)?,
        })
    }
}

impl Wire for Owner {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { kind, name } = self;
        kind.put(out);
        name.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            kind: Wire::take(input)?,
            name: Wire::take(input)?,
        })
    }
}

impl Wire for Fragment {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { present, expected } = self;
        present.put(out);
        expected.put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(Self {
            present: Wire::take(input)?,
            expected: Wire::take(input)?,
        })
    }
}

impl Wire for Fingerprint {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_bytes().put(out);
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        <[u8; 32]>::take(input).map(Self::from_bytes)
    }
}

impl Wire for Kind {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Private(algorithm) => {
                out.push(0);
                algorithm.put(out);
            }
            Self::Other => out.push(1),
            Self::Encrypted => out.push(2),
            Self::Protected => out.push(3),
            Self::Symmetric => out.push(4),
        }
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Private(Wire::take(input)?),
            1 => Self::Other,
            2 => Self::Encrypted,
            3 => Self::Protected,
            4 => Self::Symmetric,
            _ => return None,
        })
    }
}
