//! The engine: one pass over all bytes of a dump for everything an anchor announces, one over the
//! seams of its memory, one for the public halves of what was found.

mod anchors;
mod bare;
mod embedded;
mod ledger;
mod linear;
mod packed;
mod published;
mod seams;
mod search;
mod simd;
mod texts;
mod windows;

use crate::correlate;
use crate::crypto::{Curve, Fingerprint, Identity, ProofCache};
use crate::detect::DETECTORS;
use crate::dump;
use crate::error::Error;
use crate::finding::{Kind, Proof};
use crate::memory::Dump;
use crate::outcome::{
    Answer, Asked, Coverage, DumpOutcome, Missing, NotRun, Reason, Search, Truncated,
};
use crate::policy::Policy;
use crate::source::Source;
use crate::sweep::copies;
use crate::sweep::public_halves::PublicHalves;
use crate::sweep::space::Space;
use crate::sweep::{self, Depth, Sweep};
use crate::unpack::{self, Container};
use anchors::Anchors;
use bare::Guesses;
use ledger::Ledger;
pub use packed::Watch;
use published::Published;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

/// Which rules this engine finds and judges by. To be raised with every change of what it finds, so that a gate's
/// quarantine is judged anew by newer ones.
pub const RULES: u32 = 1;

/// Told how far a scan has come.
pub trait Progress: Sync {
    /// The search of this name begins, which goes over `bytes` bytes, or over a multiple of them.
    fn begin(&self, search: &'static str, bytes: u64);

    /// Another `bytes` bytes were searched.
    fn advance(&self, bytes: u64);
}

/// Nobody wants to know.
impl Progress for () {
    fn begin(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// Settings of a [`Scanner`].
#[derive(Debug, Default)]
pub struct Builder {
    threads: usize,
    hash: bool,
    is_deep: bool,
    asked: Vec<Question>,
    policy: Policy,
}

/// A key the user asks for.
#[derive(Clone, Debug)]
pub struct Question {
    /// The name of its public half.
    pub spki_sha256: Fingerprint,
    /// The public half itself, where the user gave it.
    pub identity: Option<Arc<Identity>>,
    /// Where the user has it from.
    pub origin: Option<String>,
}

impl Builder {
    /// Worker threads; 0, the default, for one a processor.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Whether to compute the SHA-256 of each file.
    #[must_use]
    pub fn hash(mut self, hash: bool) -> Self {
        self.hash = hash;
        self
    }

    /// Whether to look also where keys are unlikely, however long it takes.
    #[must_use]
    pub fn deep(mut self, is_deep: bool) -> Self {
        self.is_deep = is_deep;
        self
    }

    /// Keys the user asks for: a private half of one of them is proven when it is found.
    #[must_use]
    pub fn asked(mut self, questions: Vec<Question>) -> Self {
        self.asked = questions;
        self
    }

    /// What makes a verdict.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The scanner.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn build(self) -> Result<Scanner, ThreadPoolBuildError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .thread_name(|index| format!("scan-{index}"))
            .build()?;
        let anchors = Anchors::new(DETECTORS);
        let published = Published::read(&anchors);
        Ok(Scanner {
            anchors,
            published,
            pool,
            hash: self.hash,
            depth: Depth {
                is_deep: self.is_deep,
            },
            user: self
                .asked
                .iter()
                .filter_map(|question| question.identity.clone())
                .collect(),
            asked: self.asked,
            policy: self.policy,
        })
    }
}

/// Scans dumps, one after the other, each with all its threads.
pub struct Scanner {
    anchors: Anchors,
    published: Published,
    pool: ThreadPool,
    hash: bool,
    depth: Depth,
    asked: Vec<Question>,
    /// The public keys among what the user asks for.
    user: Vec<Arc<Identity>>,
    policy: Policy,
}

impl Scanner {
    /// Settings to start from.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What the file at `path`, whose bytes are `source`, holds as it is: a container is not opened, and never clean
    /// ([`Scanner::scan_packed`] opens it). A fault of the scanner itself gives an
    /// incomplete outcome, never a clean one.
    pub fn scan(&self, path: PathBuf, source: &Source, progress: &dyn Progress) -> DumpOutcome {
        self.scan_but(unpack::sniff(source.bytes()), path, source, progress)
    }

    /// As [`Scanner::scan`], of bytes that are a `container` or none, whatever they look like.
    fn scan_but(
        &self,
        container: Option<&'static Container>,
        path: PathBuf,
        source: &Source,
        progress: &dyn Progress,
    ) -> DumpOutcome {
        let judged = catch_unwind(AssertUnwindSafe(|| {
            self.pool
                .install(|| self.judge(container, path.clone(), source, progress))
        }));
        judged.unwrap_or_else(|_| broken(path, source.bytes().len() as u64))
    }

    /// The public keys in `source`, as when a user names a file of his.
    pub fn harvest(&self, source: &Source) -> Vec<Arc<Identity>> {
        let cache = ProofCache::default();
        let mut ledger = Ledger::default();
        let map = crate::memory::MemoryMap::raw(source.bytes().len() as u64);
        self.pool.install(|| {
            linear::scan(
                &self.anchors,
                source.bytes(),
                &map,
                &cache,
                &mut ledger,
                &(),
            )
        });
        ledger.identities()
    }

    fn judge(
        &self,
        container: Option<&'static Container>,
        path: PathBuf,
        source: &Source,
        progress: &dyn Progress,
    ) -> DumpOutcome {
        let data = source.bytes();
        let format = dump::sniff(data);
        let Dump {
            map,
            declared_end,
            not_dumped,
            faults,
            is_cut,
            platform,
            ..
        } = format.read(data);
        let size = data.len() as u64;

        let cache = ProofCache::default();
        let mut ledger = Ledger::default();
        progress.begin("anchors", size);
        let scanned = linear::scan(&self.anchors, data, &map, &cache, &mut ledger, progress);
        let anchors_complete = !ledger.is_limited();
        let seams = seams::scan(&self.anchors, data, &map, &cache, &mut ledger);
        let seams_complete = !is_cut && !ledger.is_limited();
        let advance = |bytes| progress.advance(bytes);
        let space = Space::new(data, &map, platform.pointer_bytes()).telling(&advance);
        let begin = |search| progress.begin(search, space.bytes());
        let mut sweeps = Vec::new();
        let mut run = |ledger: &mut Ledger, sweep: Sweep| {
            sweeps.extend(ledger.take_swept(sweep));
        };
        let (announced, _) = ledger.targets(&self.asked, false, &HashSet::new());
        begin("bare public keys");
        run(
            &mut ledger,
            sweep::harvest::sweep(&space, &announced, self.depth),
        );
        begin("seeds");
        run(&mut ledger, sweep::seeds::sweep(&space, self.depth));
        let mut user = self.user.clone();
        let mut guesses = Guesses::default();
        guesses.make(&self.asked, &mut ledger, &mut user);
        let bare = ledger.bare_points();
        begin("traces of sessions");
        let sessions = (bare > 0 && !self.depth.is_deep)
            .then(|| sweep::traces::of_sessions(&space))
            .flatten();
        let (targets, fleeting) = ledger.targets(
            &self.asked,
            sessions.is_some(),
            &self.curves_of_keys(&ledger),
        );
        begin("RSA numbers");
        run(&mut ledger, sweep::rsa::sweep(&space, &targets, self.depth));
        begin("scalars");
        run(
            &mut ledger,
            sweep::scalars::sweep(&space, &targets, self.depth),
        );
        guesses.make(&self.asked, &mut ledger, &mut user);
        let nameless = ledger.proven(&user, &HashSet::new());
        if nameless.iter().any(|key| key.e_assumed) {
            begin("RSA public exponents");
            run(
                &mut ledger,
                sweep::rsa::told::sweep(&space, &nameless, self.depth),
            );
        }
        drop(nameless);
        let unconfirmed = ledger.unconfirmed(&user);
        let halves = PublicHalves::arm(&unconfirmed);
        if halves.is_some() {
            progress.begin("public halves", size);
        }
        let confirmed = halves
            .as_ref()
            .map(|halves| halves.search(data, advance))
            .unwrap_or_default();

        ledger.tell_exponents(&user);
        let proven = ledger.proven(&user, &confirmed);
        begin("copies");
        let covered = ledger.cover(&user, &confirmed);
        let mut copies = copies::sweep(&space, &proven, &covered);
        for search in &mut copies.searches {
            search.complete &= !ledger.is_material_lost();
        }
        run(&mut ledger, copies);
        drop(proven);
        ledger.drop_private();

        let mut searches = vec![
            Search {
                name: "anchors",
                scope: "every byte of the file".to_owned(),
                complete: anchors_complete,
            },
            Search {
                name: "seams",
                scope: seams_scope(seams),
                complete: seams_complete,
            },
            Search {
                name: "public-halves",
                scope: format!(
                    "public halves of {} keys that hold none, in every byte of the file",
                    unconfirmed.len()
                ),
                complete: halves.is_none_or(|halves| halves.is_complete()),
            },
        ];
        searches.extend(sweeps);
        if bare > 0 && !self.depth.is_deep {
            searches.push(Search {
                name: "sessions",
                scope: format!(
                    "traces of TLS or SSH sessions outside of modules: {}; {fleeting} of {bare} points that nothing \
                     announces are likely keys of single sessions or numbers of single signatures, and left to --deep",
                    sessions.unwrap_or("none")
                ),
                complete: true,
            });
        }
        searches.extend(guesses.search());
        let truncated = (declared_end > size).then_some(Truncated {
            declared: declared_end,
            present: size,
        });
        let mut missing = Vec::new();
        if container.is_some() {
            missing.push(Missing {
                offset: 0,
                length: size,
                reason: Reason::ContainerNotOpened,
            });
        }
        if truncated.is_some() {
            missing.push(Missing {
                offset: size,
                length: declared_end - size,
                reason: Reason::Truncated,
            });
        } else if let Some(fault) = faults.first() {
            missing.push(Missing {
                offset: fault.offset().unwrap_or(0),
                length: 0,
                reason: Reason::Damaged,
            });
        }
        if searches.iter().any(|search| !search.complete) {
            missing.push(Missing {
                offset: 0,
                length: 0,
                reason: Reason::LimitReached,
            });
        }
        let mut outcome = DumpOutcome {
            path,
            members: Vec::new(),
            format: container.map_or(format.name(), |container| container.name),
            size,
            sha256: self.hash.then(|| Sha256::digest(data).into()),
            verdict: crate::outcome::Verdict::Incomplete,
            error: container.map(not_opened).or(faults.into_iter().next()),
            coverage: Coverage {
                bytes: size,
                scanned,
                not_dumped,
                missing,
            },
            truncated,
            searches,
            not_run: self.not_run(fleeting > 0),
            asked: Vec::new(),
            findings: Vec::new(),
            public_keys: Vec::new(),
            faults: Vec::new(),
            notes: embedded::find(data, &map),
        };
        let knowledge = correlate::Knowledge {
            user: &user,
            seen: &confirmed,
            published: &|key| self.published.source(key),
        };
        let (keys, clues) = ledger.into_parts();
        outcome.findings = correlate::findings(keys, &clues, &knowledge, &map);
        outcome.public_keys = correlate::public_keys(clues);
        outcome.asked = self.answers(&outcome);
        self.policy.judge(&mut outcome);
        outcome
    }

    /// The curves of the keys that are proven so far, but for published ones.
    fn curves_of_keys(&self, ledger: &Ledger) -> HashSet<Curve> {
        let proven = ledger.proven(&self.user, &HashSet::new());
        let own = proven
            .iter()
            .filter(|key| self.published.source(key).is_none());
        own.filter_map(|key| key.curve).collect()
    }

    fn not_run(&self, has_fleeting: bool) -> Vec<NotRun> {
        let deep = NotRun {
            name: "deep",
            scope: if has_fleeting {
                sweep::DEEP_AND_POINTS
            } else {
                sweep::DEEP
            },
        };
        if self.depth.is_deep {
            Vec::new()
        } else {
            vec![deep]
        }
    }

    /// Whether the keys that were asked for are in the dump.
    fn answers(&self, outcome: &DumpOutcome) -> Vec<Asked> {
        let answer = |question: &Question| {
            let name = question.spki_sha256;
            let private = outcome.findings.iter().filter(|finding| {
                finding.spki_sha256 == Some(name) && matches!(finding.kind, Kind::Private(_))
            });
            let public = outcome
                .public_keys
                .iter()
                .find(|key| key.spki_sha256 == name);
            let key = question
                .identity
                .as_ref()
                .map(|identity| (identity.key().algorithm(), identity.key().bits()))
                .or(public.map(|key| (key.algorithm, key.bits)));
            let answer = match private.map(|finding| finding.proof).max() {
                Some(proof) if proof >= Proof::Parsed => Answer::Found(proof),
                _ if key.is_none() => Answer::NotFoundWritten,
                _ => Answer::NotFound {
                    public_places: public
                        .map_or(0, |key| key.places.len() as u64 + key.places_omitted),
                },
            };
            Asked {
                spki_sha256: name,
                key,
                origin: question.origin.clone(),
                answer,
            }
        };
        self.asked.iter().map(answer).collect()
    }
}

/// What is wrong with a file that is a container.
fn not_opened(container: &Container) -> Error {
    Error::malformed(
        0,
        "a dump",
        format!("a container ({}), which is not opened", container.name),
    )
}

fn seams_scope(seams: seams::Seams) -> String {
    let seams::Seams { windows, bytes } = seams;
    let plural = if windows == 1 { "" } else { "s" };
    format!(
        "memory that follows by address but not in the file: {windows} window{plural}, {bytes} bytes"
    )
}

/// The outcome for a file on which the scanner failed.
fn broken(path: PathBuf, size: u64) -> DumpOutcome {
    let fault = Error::malformed(
        0,
        "a file the scanner can judge",
        "an internal error of the scanner",
    );
    let missing = vec![Missing {
        offset: 0,
        length: size,
        reason: Reason::InternalError,
    }];
    DumpOutcome {
        size,
        verdict: crate::outcome::Verdict::Incomplete,
        coverage: Coverage {
            bytes: size,
            missing,
            ..Coverage::default()
        },
        ..DumpOutcome::unopened(path, fault)
    }
}
