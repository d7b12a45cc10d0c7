//! Searches that no anchor announces, over any bytes: of the user's keys, and of public halves.

use dumpgate::clue::Rank;
use dumpgate::crypto::{Identity, PublicKey};
use dumpgate::detect::Sighting;
use dumpgate::finding::Proof;
use dumpgate::memory::{Label, MemoryMap, Owners};
use dumpgate::outcome::Answer;
use dumpgate::scan::{Question, Scanner};
use dumpgate::source::Source;
use dumpgate::sweep::space::Space;
use dumpgate::sweep::{Depth, Sweep, Target, harvest, rsa, scalars};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Looks for the keys of the user in `data`: in a whole scan, where no byte has an address, and with the sweeps alone,
/// where all have. The first byte tells the size of a pointer, and whether to look deep.
pub fn known_keys(data: &[u8]) {
    let Some((&options, data)) = data.split_first() else { return };
    let depth = Depth { is_deep: options & 1 == 1 };
    let outcome = scanner(depth.is_deep).scan(PathBuf::from("fuzz"), &Source::from_bytes(data.to_vec()), &());
    crate::check_outcome(&outcome, data.len() as u64);
    for asked in &outcome.asked {
        let of_key = outcome.findings.iter().filter(|finding| finding.spki_sha256 == Some(asked.spki_sha256));
        let proof = of_key.map(|finding| finding.proof).max().filter(|proof| *proof >= Proof::Parsed);
        match asked.answer {
            Answer::Found(told) => assert_eq!(Some(told), proof, "another answer than finding"),
            _ => assert_eq!(proof, None, "found, and the answer does not say so"),
        }
    }
    in_memory(data, options, |space| {
        check(&rsa::sweep(space, targets(), depth), data.len());
        check(&scalars::sweep(space, targets(), depth), data.len());
    });
}

/// Looks for public halves that nothing announces in `data` behind the first byte, which tells the size of a pointer.
pub fn public_halves(data: &[u8]) {
    let Some((&options, data)) = data.split_first() else { return };
    in_memory(data, options, |space| {
        for known in [&[][..], targets()] {
            check(&harvest::sweep(space, known, Depth::default()), data.len());
        }
    });
}

/// `data` as memory of which the second half comes first by address, at low addresses, so that words may point there.
fn in_memory(data: &[u8], options: u8, sweep: impl FnOnce(&Space<'_>)) {
    let length = data.len() as u64;
    let half = (length / 2) & !7;
    let low = Label::memory(half, length - half, BASE);
    let high = Label::memory(0, half, BASE + length - half);
    let map = MemoryMap::tile(length, vec![low, high], Vec::new(), Owners::default());
    let pointer = if options & 2 == 0 { 8 } else { 4 };
    sweep(&Space::new(data, &map, pointer));
}

fn check(sweep: &Sweep, length: usize) {
    for swept in &sweep.sightings {
        assert!(!swept.pieces.is_empty(), "seen nowhere");
        for piece in &swept.pieces {
            assert!(piece.length > 0 && piece.offset + piece.length <= length as u64, "{piece:?} of {length} bytes");
        }
        match &swept.sighting {
            Sighting::Key(evidence) => {
                assert_eq!(evidence.key.proof, Proof::Arithmetic, "what no anchor announces is proven or nothing");
                assert!(evidence.key.public.is_some(), "proven without a public half");
            }
            Sighting::Public(clue) => {
                let is_sized = (1024..=8192).contains(&clue.identity.key().bits());
                assert!(is_sized || !matches!(clue.identity.key(), PublicKey::Rsa { .. }), "no modulus of ours");
            }
        }
    }
}

/// The user's keys, whose private halves are among the seeds.
fn identities() -> &'static [Arc<Identity>] {
    static IDENTITIES: OnceLock<Vec<Arc<Identity>>> = OnceLock::new();
    IDENTITIES.get_or_init(|| {
        let scanner = Scanner::builder().threads(1).build().expect("one thread");
        let harvest = |spki: &&[u8]| scanner.harvest(&Source::from_bytes(spki.to_vec()));
        KEYS.iter().flat_map(harvest).collect()
    })
}

fn targets() -> &'static [Target] {
    static TARGETS: OnceLock<Vec<Target>> = OnceLock::new();
    TARGETS.get_or_init(|| {
        let target = |identity: &Arc<Identity>| Target {
            identity: identity.clone(),
            rank: Rank::User,
            e_assumed: false,
            places: Vec::new(),
        };
        identities().iter().map(target).collect()
    })
}

fn scanner(is_deep: bool) -> &'static Scanner {
    static SCANNERS: [OnceLock<Scanner>; 2] = [OnceLock::new(), OnceLock::new()];
    SCANNERS[usize::from(is_deep)].get_or_init(|| {
        let question = |identity: &Arc<Identity>| Question {
            spki_sha256: identity.fingerprint(),
            identity: Some(identity.clone()),
            origin: None,
        };
        let builder = Scanner::builder().threads(1).deep(is_deep);
        builder.asked(identities().iter().map(question).collect()).build().expect("one thread")
    })
}

const KEYS: [&[u8]; 4] = [
    include_bytes!("../../tests/keys/rsa1024.spki.der"),
    include_bytes!("../../tests/keys/p256.spki.der"),
    include_bytes!("../../tests/keys/ed25519.spki.der"),
    include_bytes!("../../tests/keys/x25519.spki.der"),
];

/// The lowest address.
const BASE: u64 = 0x1000;
