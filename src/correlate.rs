//! From sightings to findings: the same key in many places is one finding, and a private key meets the
//! public half that confirms it.

use crate::clue::Rank;
use crate::crypto::material::{CRT_EXPONENT, PRIVATE_EXPONENT};
use crate::crypto::prover::Digest256;
use crate::crypto::{Fingerprint, Identity};
use crate::detect::Key;
use crate::finding::{
    Finding, Fragment, Kind, Piece, Place, Proof, PublicFinding, REMAINS, Standing, WHOLE,
};
use crate::memory::MemoryMap;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A private key and where it was seen.
#[derive(Debug)]
pub struct KeySeen {
    /// The key, as its best place gives it.
    pub key: Key,
    /// Its places.
    pub places: Vec<PlaceSeen>,
    /// Places not kept.
    pub omitted: u64,
}

/// A place before its owner is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceSeen {
    /// Form, as `der.pkcs1`.
    pub form: &'static str,
    /// Which part of the key lies there.
    pub component: &'static str,
    /// Encoding, as `raw`.
    pub encoding: &'static str,
    /// Proof of this place alone.
    pub proof: Proof,
    /// How much is left of the structure there, if it lost a part.
    pub fragment: Option<Fragment>,
    /// Bytes of the file.
    pub pieces: Vec<Piece>,
}

/// A public key and where it was seen.
#[derive(Debug)]
pub struct PublicSeen {
    /// The key.
    pub identity: Arc<Identity>,
    /// The rank of its places: that of an authority if one of them says so, else the best.
    pub rank: Rank,
    /// No place tells the exponent.
    pub e_assumed: bool,
    /// Form and first piece of its places.
    pub places: Vec<(&'static str, Piece)>,
    /// Places not kept.
    pub omitted: u64,
}

impl PublicSeen {
    /// Takes in other places of the same key.
    pub fn absorb(&mut self, other: Self) {
        // An authority is one wherever else its key stands.
        self.rank = match (self.rank, other.rank) {
            (Rank::Authority, _) | (_, Rank::Authority) => Rank::Authority,
            (one, other) => one.min(other),
        };
        self.e_assumed &= other.e_assumed;
        self.omitted += other.omitted;
        for place in other.places {
            if self.places.len() < PLACES_OF_CLUE {
                self.places.push(place);
            } else {
                self.omitted += 1;
            }
        }
    }
}

/// What is known of keys besides what was seen in the dump.
#[derive(Clone, Copy)]
pub struct Knowledge<'c> {
    /// Public keys the user gave.
    pub user: &'c [Arc<Identity>],
    /// Derived public halves whose bytes stand elsewhere in the dump.
    pub seen: &'c HashSet<Fingerprint>,
    /// Where a key was published. Asked before the key's digest is dropped: a finding does not hold it.
    pub published: &'c dyn Fn(&Key) -> Option<&'static str>,
}

/// The public halves that are known by more than the private key they were derived from.
pub struct Confirmed(HashSet<Fingerprint>);

impl Confirmed {
    /// Those in structures with proven keys, those seen, the user's, and derived ones whose bytes stand elsewhere.
    pub fn new(
        keys: &[KeySeen],
        clues: &[PublicSeen],
        user: &[Arc<Identity>],
        seen: &HashSet<Fingerprint>,
    ) -> Self {
        let in_structures = keys
            .iter()
            .filter(|seen| seen.key.proof == Proof::Arithmetic);
        let fingerprints = in_structures
            .filter_map(|seen| seen.key.public.as_ref())
            .chain(clues.iter().map(|clue| &clue.identity))
            .chain(user)
            .map(|identity| identity.fingerprint());
        Self(fingerprints.chain(seen.iter().copied()).collect())
    }

    /// The name of a key that is proven, by itself or by one of these halves.
    pub fn name(&self, key: &Key) -> Option<Fingerprint> {
        let mut derived = key.derived.iter().map(|half| half.fingerprint());
        let confirmed = derived.find(|name| self.0.contains(name));
        confirmed.or_else(|| {
            let public = key.public.as_ref();
            let public = public.filter(|_| key.proof == Proof::Arithmetic);
            public.map(|public| public.fingerprint())
        })
    }

    /// Proves and names `key` if one of the halves derived from it is known; whether it is.
    pub fn confirm(&self, key: &mut Key) -> bool {
        let halves = &mut key.derived.iter();
        let Some(half) = halves
            .find(|half| self.0.contains(&half.fingerprint()))
            .cloned()
        else {
            return false;
        };
        key.bits = Some(half.key().bits());
        key.curve = half.key().curve();
        key.public = Some(half);
        key.proof = Proof::Arithmetic;
        true
    }
}

/// One finding a key, by the offset of its first place.
pub fn findings(
    keys: Vec<KeySeen>,
    clues: &[PublicSeen],
    knowledge: &Knowledge<'_>,
    map: &MemoryMap,
) -> Vec<Finding> {
    let confirmed = Confirmed::new(&keys, clues, knowledge.user, knowledge.seen);
    let whole: HashSet<(u64, &'static str)> = keys
        .iter()
        .flat_map(|seen| &seen.places)
        .filter_map(start_in_memory)
        .collect();
    let covered = Covered::by_whole_places(&keys);
    let numbers = Numbers::of_proven(&keys);
    let mut merged: BTreeMap<Name, KeySeen> = BTreeMap::new();
    for mut seen in keys {
        // What looks like the rest of a structure is whole where memory is put together.
        seen.places
            .retain(|place| place.fragment.is_none() || !covered.holds(&place.pieces));
        // A key read on in the file where memory goes on elsewhere, and where its true bytes are known too.
        seen.places.retain(|place| {
            let start = place.pieces.first().map(|piece| (piece.offset, place.form));
            is_contiguous(&place.pieces) || !start.is_some_and(|start| whole.contains(&start))
        });
        if seen.places.is_empty() {
            continue;
        }
        if confirmed.confirm(&mut seen.key) {
            seen.places
                .iter_mut()
                .for_each(|place| place.proof = Proof::Arithmetic);
        }
        if let Some(identity) = numbers.owner(&seen) {
            seen.key.bits = Some(identity.key().bits());
            seen.key.public = Some(identity);
            seen.key.proof = Proof::Arithmetic;
        }
        let name = Name::of(&seen.key);
        match merged.get_mut(&name) {
            None => {
                merged.insert(name, seen);
            }
            Some(known) => {
                known.omitted += seen.omitted;
                known.places.append(&mut seen.places);
                let e_assumed = known.key.e_assumed && seen.key.e_assumed;
                if seen.key.proof > known.key.proof {
                    known.key = seen.key;
                }
                known.key.e_assumed = e_assumed;
            }
        }
    }
    let mut findings: Vec<Finding> = merged
        .into_values()
        .map(|seen| {
            let known = (knowledge.published)(&seen.key);
            finding(seen, known, map)
        })
        .collect();
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    findings
}

/// Public keys seen, by the offset of their first place.
pub fn public_keys(clues: Vec<PublicSeen>) -> Vec<PublicFinding> {
    let mut keys: Vec<PublicFinding> = clues
        .into_iter()
        .map(|mut clue| {
            clue.places.sort_by_key(|(form, piece)| (*piece, *form));
            clue.places.dedup();
            PublicFinding {
                algorithm: clue.identity.key().algorithm(),
                bits: clue.identity.key().bits(),
                curve: clue.identity.key().curve(),
                spki_sha256: clue.identity.fingerprint(),
                e_assumed: clue.e_assumed,
                places: clue.places,
                places_omitted: clue.omitted,
            }
        })
        .collect();
    keys.sort_by_key(|key| (key.places.first().map(|(_, piece)| *piece), key.spki_sha256));
    keys
}

/// Bytes of the file in which whole keys lie.
struct Covered {
    /// Start of a piece, and the end of the farthest piece that starts there or before, by start.
    ends: Vec<(u64, u64)>,
    /// Where the keys begin.
    starts: HashSet<u64>,
}

impl Covered {
    fn by_whole_places(keys: &[KeySeen]) -> Self {
        let places = keys.iter().flat_map(|seen| &seen.places);
        let whole = places.filter(|place| place.fragment.is_none() && place.proof >= Proof::Parsed);
        let starts = whole.clone().filter_map(|place| place.pieces.first());
        let starts = starts.map(|piece| piece.offset).collect();
        let mut ends: Vec<(u64, u64)> = whole
            .flat_map(|place| &place.pieces)
            .map(|piece| (piece.offset, piece.offset.saturating_add(piece.length)))
            .collect();
        ends.sort_unstable();
        let mut farthest = 0;
        for (_, end) in &mut ends {
            farthest = farthest.max(*end);
            *end = farthest;
        }
        Self { ends, starts }
    }

    /// Whether `pieces` begin where a key does, or each lies in the bytes of one.
    fn holds(&self, pieces: &[Piece]) -> bool {
        let first = pieces.first().map(|piece| piece.offset);
        first.is_some_and(|start| self.starts.contains(&start))
            || pieces.iter().all(|piece| {
                let behind = self
                    .ends
                    .partition_point(|(start, _)| *start <= piece.offset);
                let farthest = behind.checked_sub(1).and_then(|last| self.ends.get(last));
                farthest.is_some_and(|(_, end)| piece.offset.saturating_add(piece.length) <= *end)
            })
    }
}

/// Where whole private numbers of proven keys lie: start, end and whose they are, in order.
struct Numbers(Vec<(u64, u64, Arc<Identity>)>);

impl Numbers {
    fn of_proven(keys: &[KeySeen]) -> Self {
        let mut numbers = Vec::new();
        let proven = keys
            .iter()
            .filter(|seen| seen.key.proof == Proof::Arithmetic);
        for seen in proven {
            let Some(identity) = &seen.key.public else {
                continue;
            };
            for place in &seen.places {
                let is_number = place.component != WHOLE && place.fragment.is_none();
                if let ([piece], true) = (&place.pieces[..], is_number) {
                    let end = piece.offset.saturating_add(piece.length);
                    numbers.push((piece.offset, end, identity.clone()));
                }
            }
        }
        numbers.sort_by_key(|(start, end, _)| (*start, *end));
        Self(numbers)
    }

    /// Whose a piece of a key is that shows no public half itself: the numbers in all its places are of one key.
    fn owner(&self, seen: &KeySeen) -> Option<Arc<Identity>> {
        if seen.key.public.is_some() || seen.places.iter().any(|place| place.fragment.is_none()) {
            return None;
        }
        let mut owner: Option<&Arc<Identity>> = None;
        for place in &seen.places {
            let mut is_held = false;
            for piece in &place.pieces {
                let end = piece.offset.saturating_add(piece.length);
                let from = self.0.partition_point(|(start, ..)| *start < piece.offset);
                let inside = self.0.iter().skip(from);
                for (_, behind, identity) in inside.take_while(|(start, ..)| *start < end) {
                    if *behind > end {
                        continue;
                    }
                    is_held = true;
                    if owner.is_some_and(|owner| owner.fingerprint() != identity.fingerprint()) {
                        return None;
                    }
                    owner = Some(identity);
                }
            }
            if !is_held {
                return None;
            }
        }
        owner
            .filter(|owner| seen.key.kind == Kind::Private(owner.key().algorithm()))
            .cloned()
    }
}

/// What makes two sightings the same key: the public half, or the same bytes where none is known.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Public(Kind, Fingerprint),
    Bytes(Kind, Digest256),
}

impl Name {
    fn of(key: &Key) -> Self {
        match &key.public {
            Some(public) => Self::Public(key.kind, public.fingerprint()),
            None => Self::Bytes(key.kind, key.digest),
        }
    }
}

fn finding(seen: KeySeen, known: Option<&'static str>, map: &MemoryMap) -> Finding {
    let places = outermost(seen.places).into_iter().filter_map(|place| {
        let owner = map.owner(place.pieces.first()?);
        let PlaceSeen {
            form,
            component,
            encoding,
            proof,
            fragment,
            pieces,
        } = place;
        Some(Place {
            form,
            component: if fragment.is_some() && component == WHOLE {
                REMAINS
            } else {
                component
            },
            fragment,
            encoding,
            proof,
            pieces,
            owner,
        })
    });
    let places: Vec<Place> = places.collect();
    // An exponent that follows from the assumed public one and lies there tells that one.
    let tells_e = |place: &Place| matches!(place.component, PRIVATE_EXPONENT | CRT_EXPONENT);
    Finding {
        kind: seen.key.kind,
        bits: seen.key.bits,
        curve: seen.key.curve,
        proof: seen.key.proof,
        spki_sha256: seen.key.public.map(|public| public.fingerprint()),
        e_assumed: seen.key.e_assumed && !places.iter().any(tells_e),
        key_id: seen
            .key
            .key_id
            .map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect()),
        known,
        watched: None,
        accepted: None,
        // Until a policy says otherwise: what nobody judged counts.
        standing: Standing::Counts,
        places,
        places_omitted: seen.omitted,
    }
}

/// Places in order of offset, each once, without those that lie wholly inside another, as the PKCS#1
/// structure inside a PKCS#8 does.
fn outermost(mut places: Vec<PlaceSeen>) -> Vec<PlaceSeen> {
    let length = |place: &PlaceSeen| place.pieces.iter().map(|piece| piece.length).sum::<u64>();
    let first = |place: &PlaceSeen| place.pieces.first().map(|piece| piece.offset);
    places.sort_by(|a, b| {
        let by_place = first(a).cmp(&first(b)).then(length(b).cmp(&length(a)));
        by_place.then_with(|| (b.proof, &a.pieces, a.form).cmp(&(a.proof, &b.pieces, b.form)))
    });
    let mut pieces: Vec<(&Piece, usize)> = places
        .iter()
        .enumerate()
        .flat_map(|(index, place)| place.pieces.iter().map(move |piece| (piece, index)))
        .collect();
    pieces.sort_by_key(|(piece, index)| (piece.offset, *index));
    let is_inner = |index: usize, place: &PlaceSeen| {
        let Some(start) = first(place) else {
            return true;
        };
        let before = pieces.partition_point(|(piece, _)| piece.offset <= start);
        let near = pieces
            .get(before.saturating_sub(NESTING)..before)
            .unwrap_or_default();
        near.iter().any(|&(_, outer)| {
            let other = places
                .get(outer)
                .filter(|other| (length(other), index) > (length(place), outer));
            other.is_some_and(|other| {
                place
                    .pieces
                    .iter()
                    .all(|piece| other.pieces.iter().any(|outer| holds(outer, piece)))
            })
        })
    };
    let inner: Vec<bool> = places
        .iter()
        .enumerate()
        .map(|(index, place)| is_inner(index, place))
        .collect();
    let mut inner = inner.into_iter();
    places.retain(|_| !inner.next().unwrap_or(false));
    places
}

/// Offset and form of a place whose bytes lay together in memory.
fn start_in_memory(place: &PlaceSeen) -> Option<(u64, &'static str)> {
    let first = place
        .pieces
        .first()
        .filter(|_| is_contiguous(&place.pieces))?;
    Some((first.offset, place.form))
}

/// Whether the addresses of pieces do not contradict that they follow one another.
pub fn is_contiguous(pieces: &[Piece]) -> bool {
    pieces.windows(2).all(|pair| match pair {
        [
            Piece {
                va: Some(va),
                length,
                ..
            },
            Piece { va: Some(next), .. },
        ] => va.checked_add(*length) == Some(*next),
        _ => true,
    })
}

fn holds(outer: &Piece, inner: &Piece) -> bool {
    outer.offset <= inner.offset && inner.offset + inner.length <= outer.offset + outer.length
}

/// Findings by place, then by what they are.
fn order(finding: &Finding) -> (Option<&Piece>, Kind, Option<Fingerprint>) {
    let first = finding
        .places
        .first()
        .and_then(|place| place.pieces.first());
    (first, finding.kind, finding.spki_sha256)
}

/// Places kept of one public key.
const PLACES_OF_CLUE: usize = 8;

/// Pieces that may begin between the start of a structure and the start of one inside it.
const NESTING: usize = 16;
