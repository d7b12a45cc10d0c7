//! Everything seen in one dump, within bounds.

use super::{Question, bare};
use crate::clue::{Clue, Rank};
use crate::correlate::{Confirmed, KeySeen, PlaceSeen, PublicSeen, is_contiguous};
use crate::crypto::prover::Digest256;
use crate::crypto::{Algorithm, Curve, Fingerprint, Identity};
use crate::detect::{Evidence, Key, Sighting};
use crate::finding::{Kind, Piece, Proof, WHOLE};
use crate::outcome::Search;
use crate::sweep::copies::Covered;
use crate::sweep::{Sweep, Swept, Target};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// What one worker saw in its share.
pub struct Share {
    /// Sightings by place.
    pub sightings: Vec<Sighting>,
    /// Work of the arithmetic, in units of some 0.2 ms.
    pub work: usize,
    /// A bound was reached.
    pub is_limited: bool,
}

/// Keys, public keys and their places, in the order in which they were taken in.
#[derive(Default)]
pub struct Ledger {
    keys: Vec<KeySeen>,
    key_index: HashMap<(Kind, Digest256), usize>,
    clues: Vec<PublicSeen>,
    clue_index: HashMap<Fingerprint, usize>,
    places: usize,
    work: usize,
    is_limited: bool,
    /// Keys whose private numbers are kept.
    materials: usize,
    is_material_lost: bool,
    /// The place of each key that was taken in last, in one piece, and so of those that are not kept.
    last: Vec<Range<u64>>,
    beyond: Vec<(usize, Range<u64>)>,
    /// Where whole keys lie, once all of these are known.
    covered: Arc<Covered>,
}

impl Ledger {
    /// Takes in one worker's share; `pieces` says where in the file a range of its slice lies.
    pub fn take(&mut self, share: Share, pieces: impl Fn(Range<usize>) -> Vec<Piece>) {
        self.work = self.work.saturating_add(share.work);
        self.is_limited |= share.is_limited;
        for sighting in share.sightings {
            match sighting {
                Sighting::Key(evidence) => self.key(evidence, &pieces),
                Sighting::Public(clue) => self.clue(clue, &pieces),
            }
        }
    }

    /// Takes in what a sweep saw.
    pub fn take_swept(&mut self, sweep: Sweep) -> Vec<Search> {
        for (key, places) in sweep.omitted {
            let index = self.key_index.get(&(key.kind, key.digest));
            if let Some(seen) = index.and_then(|&index| self.keys.get_mut(index)) {
                seen.omitted = seen.omitted.saturating_add(places);
            }
        }
        for Swept { sighting, pieces } in sweep.sightings {
            match sighting {
                Sighting::Key(evidence) => self.key(evidence, |_| pieces.clone()),
                Sighting::Public(clue) => self.clue(clue, |_| pieces.clone()),
            }
        }
        sweep.searches
    }

    /// Names every modulus with its own exponent, where anything tells it: `user` are the user's keys.
    pub fn tell_exponents(&mut self, user: &[Arc<Identity>]) {
        bare::tell_exponents(user, &mut self.keys, &mut self.clues);
        self.index_clues();
    }

    /// The moduli whose exponents are assumed, in order.
    pub fn bare_moduli(&self) -> Vec<Box<[u8]>> {
        let mut moduli: Vec<_> = bare::moduli(&self.keys, &self.clues).into_iter().collect();
        moduli.sort_unstable();
        moduli
    }

    /// Forgets as public keys what are private numbers of proven keys.
    pub fn drop_private(&mut self) {
        bare::drop_private(&self.keys, &mut self.clues);
        self.index_clues();
    }

    fn index_clues(&mut self) {
        let names = self.clues.iter().map(|clue| clue.identity.fingerprint());
        self.clue_index = names.zip(0..).collect();
    }

    /// The public keys whose private halves sweeps look for: those asked for, then those seen, best rank first. Points
    /// that are likely not of a lasting key are the last ones: all bare ones where the process `has_sessions`, and those not
    /// encoded on a curve on which the process has a key that something announces, or one of `curves`; their number comes too.
    pub fn targets(
        &self,
        asked: &[Question],
        has_sessions: bool,
        curves: &HashSet<Curve>,
    ) -> (Vec<Target>, usize) {
        let names: HashSet<Fingerprint> =
            asked.iter().map(|question| question.spki_sha256).collect();
        let trusted = self.trust_store();
        let announced = self.clues.iter().filter(|clue| {
            is_point(clue)
                && !is_bare_point(clue)
                && !trusted.contains(&clue.identity.fingerprint())
        });
        let mut own: HashSet<Option<Curve>> =
            announced.map(|clue| clue.identity.key().curve()).collect();
        own.extend(curves.iter().copied().map(Some));
        own.remove(&None);
        let is_fleeting = |clue: &PublicSeen| {
            let is_of_signature =
                || own.contains(&clue.identity.key().curve()) && !is_encoded(clue);
            is_bare_point(clue) && (has_sessions || is_of_signature())
        };
        let seen = self.clues.iter().map(|clue| Target {
            identity: clue.identity.clone(),
            rank: if names.contains(&clue.identity.fingerprint()) {
                Rank::User
            } else if trusted.contains(&clue.identity.fingerprint()) || is_fleeting(clue) {
                Rank::Authority
            } else {
                clue.rank.min(Rank::Own)
            },
            e_assumed: clue.e_assumed,
            places: clue.places.iter().map(|(_, piece)| *piece).collect(),
        });
        let elsewhere = asked.iter().filter_map(|question| {
            let is_seen = self.clue_index.contains_key(&question.spki_sha256);
            let identity = question.identity.clone().filter(|_| !is_seen)?;
            Some(Target {
                identity,
                rank: Rank::User,
                e_assumed: false,
                places: Vec::new(),
            })
        });
        let mut targets: Vec<Target> = elsewhere.chain(seen).collect();
        targets.sort_by_key(|target| target.rank);
        let fleeting = self.clues.iter().filter(|clue| is_fleeting(clue)).count();
        (targets, fleeting)
    }

    /// The keys of authorities but for those of a kind and size that few have, for points in two objects, and for a few that
    /// lie in far more places than the others: a certificate that a server made for itself says that it is an authority too.
    fn trust_store(&self) -> HashSet<Fingerprint> {
        let number = |clue: &PublicSeen| clue.places.len() as u64 + clue.omitted;
        let mut kinds: HashMap<_, Vec<&PublicSeen>> = HashMap::new();
        for clue in self
            .clues
            .iter()
            .filter(|clue| clue.rank == Rank::Authority)
        {
            let key = clue.identity.key();
            let kind = (key.algorithm(), key.bits(), key.curve());
            kinds.entry(kind).or_default().push(clue);
        }
        let mut trusted = HashSet::new();
        for mut authorities in kinds.into_values() {
            authorities.sort_by_key(|clue| Reverse(number(clue)));
            let is_small = authorities.len() <= OWN_AUTHORITIES;
            let usual = authorities
                .get(authorities.len() / 2)
                .map_or(0, |clue| number(clue));
            for (index, clue) in authorities.iter().enumerate() {
                let stands_out = is_small || number(clue) > 2 * usual;
                let is_likely = index < OWN_AUTHORITIES && stands_out;
                if !is_likely && !has_two_objects(clue) {
                    trusted.insert(clue.identity.fingerprint());
                }
            }
        }
        trusted
    }

    /// Points that nothing announces.
    pub fn bare_points(&self) -> usize {
        self.clues.iter().filter(|clue| is_bare_point(clue)).count()
    }

    /// Work that may still be spent on this dump, in units of some 0.2 ms.
    pub fn work_left(&self) -> usize {
        MAX_WORK.saturating_sub(self.work)
    }

    /// Whether a bound was reached, so that something may be missing.
    pub fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// Public halves that were derived from keys and that nothing seen so far confirms.
    pub fn unconfirmed(&self, user: &[Arc<Identity>]) -> Vec<Arc<Identity>> {
        let known: HashSet<Fingerprint> = user.iter().map(|key| key.fingerprint()).collect();
        let mut seen = HashSet::new();
        let open = self
            .keys
            .iter()
            .filter(|seen| seen.key.proof < Proof::Arithmetic);
        open.flat_map(|seen| &seen.key.derived)
            .filter(|identity| {
                let fingerprint = identity.fingerprint();
                !known.contains(&fingerprint)
                    && !self.clue_index.contains_key(&fingerprint)
                    && seen.insert(fingerprint)
            })
            .cloned()
            .collect()
    }

    /// The keys with private numbers that are proven, by their structure or by what is known besides: the user's
    /// keys and the derived halves that were `seen` elsewhere.
    pub fn proven(&self, user: &[Arc<Identity>], seen: &HashSet<Fingerprint>) -> Vec<Key> {
        let confirmed = Confirmed::new(&self.keys, &self.clues, user, seen);
        let with_numbers = self.keys.iter().filter(|seen| seen.key.material.is_some());
        with_numbers
            .map(|seen| {
                let mut key = seen.key.clone();
                confirmed.confirm(&mut key);
                key
            })
            .filter(|key| key.proof == Proof::Arithmetic && key.public.is_some())
            .collect()
    }

    /// Where whole proven keys lie in one piece each, by their names: their numbers in there are no places of their own.
    pub fn cover(&mut self, user: &[Arc<Identity>], seen: &HashSet<Fingerprint>) -> Arc<Covered> {
        let confirmed = Confirmed::new(&self.keys, &self.clues, user, seen);
        let mut covered: HashMap<Fingerprint, Vec<Range<u64>>> = HashMap::new();
        for seen in &self.keys {
            if let Some(name) = confirmed.name(&seen.key) {
                let whole = seen
                    .places
                    .iter()
                    .filter(|place| place.fragment.is_none() && place.component == WHOLE);
                let ranges = whole.filter_map(|place| in_one_piece(&place.pieces));
                covered.entry(name).or_default().extend(ranges);
            }
        }
        for (index, range) in &self.beyond {
            let key = self.keys.get(*index);
            if let Some(name) = key.and_then(|seen| confirmed.name(&seen.key)) {
                covered.entry(name).or_default().push(range.clone());
            }
        }
        self.covered = Arc::new(Covered::new(covered));
        self.covered.clone()
    }

    /// Whether there were more keys than private numbers are kept of.
    pub fn is_material_lost(&self) -> bool {
        self.is_material_lost
    }

    /// The public keys seen.
    pub fn identities(&self) -> Vec<Arc<Identity>> {
        self.clues
            .iter()
            .map(|clue| clue.identity.clone())
            .collect()
    }

    /// Keys and public keys.
    pub fn into_parts(self) -> (Vec<KeySeen>, Vec<PublicSeen>) {
        (self.keys, self.clues)
    }

    fn key(&mut self, evidence: Evidence, pieces: impl Fn(Range<usize>) -> Vec<Piece>) {
        let Evidence {
            mut key,
            form,
            component,
            encoding,
            range,
            fragment,
        } = evidence;
        let pieces = pieces(range);
        // Its bytes follow in the file and not in memory: they may not belong together, or the addresses lie.
        // It stays a finding, but what was derived from such bytes is no name for it.
        if key.proof < Proof::Arithmetic && !is_contiguous(&pieces) {
            key.public = None;
        }
        let proof = key.proof;
        let name = (key.kind, key.digest);
        let known = self.key_index.get(&name).and_then(|&at| self.keys.get(at));
        if key.material.is_some() && known.is_none_or(|known| known.key.material.is_none()) {
            if self.materials < MAX_MATERIALS {
                self.materials += 1;
            } else {
                key.material = None;
                self.is_material_lost = true;
            }
        }
        let index = match self.key_index.get(&name) {
            Some(&index) => index,
            None if self.keys.len() < MAX_KEYS => {
                self.key_index.insert(name, self.keys.len());
                self.keys.push(KeySeen {
                    key: key.clone(),
                    places: Vec::new(),
                    omitted: 0,
                });
                self.last.push(0..0);
                self.keys.len() - 1
            }
            None if proof == Proof::Shape => return,
            None => return self.is_limited = true,
        };
        let Some(seen) = self.keys.get_mut(index) else {
            return;
        };
        // Keys of one digest that are proven have one name: whoever knows its exponent knows that of all.
        seen.key.e_assumed &= key.e_assumed || proof < Proof::Arithmetic;
        if proof > seen.key.proof || (proof == seen.key.proof && seen.key.public.is_none()) {
            let material = key.material.take().or(seen.key.material.take());
            seen.key = Key { material, ..key };
        } else if seen.key.material.is_none() {
            seen.key.material = key.material;
        }
        let range = in_one_piece(&pieces).filter(|_| fragment.is_none());
        let is_inner = |range: &Range<u64>| {
            let last = self.last.get(index);
            let public = seen.key.public.as_ref();
            last.is_some_and(|last| last.start <= range.start && range.end <= last.end)
                || public.is_some_and(|public| self.covered.holds(public.fingerprint(), range))
        };
        if self.places < MAX_PLACES {
            self.places += 1;
            seen.places.push(PlaceSeen {
                form,
                component,
                encoding,
                proof,
                fragment,
                pieces,
            });
        } else if range.as_ref().is_some_and(is_inner) {
            // It would not be listed either way: whoever reads of the outer place knows of it.
            return;
        } else {
            seen.omitted += 1;
            self.is_limited = true;
            let whole = range.clone().filter(|_| component == WHOLE);
            if self.beyond.len() < MAX_BEYOND {
                self.beyond.extend(whole.map(|range| (index, range)));
            }
        }
        if let Some((last, range)) = self.last.get_mut(index).zip(range) {
            *last = range;
        }
    }

    fn clue(&mut self, clue: Clue, pieces: impl Fn(Range<usize>) -> Vec<Piece>) {
        let name = clue.identity.fingerprint();
        let piece = pieces(clue.range).into_iter().next();
        let seen = PublicSeen {
            identity: clue.identity,
            rank: clue.rank,
            e_assumed: clue.e_assumed,
            places: piece.map(|piece| (clue.form, piece)).into_iter().collect(),
            omitted: 0,
        };
        match self.clue_index.get(&name) {
            Some(&index) => {
                if let Some(known) = self.clues.get_mut(index) {
                    known.absorb(seen);
                }
            }
            None if self.clues.len() < MAX_CLUES => {
                self.clue_index.insert(name, self.clues.len());
                self.clues.push(seen);
            }
            // Its private half is not looked for.
            None => self.is_limited = true,
        }
    }
}

/// The bytes of a place that lie together.
fn in_one_piece(pieces: &[Piece]) -> Option<Range<u64>> {
    match pieces {
        [piece] => Some(piece.offset..piece.offset.saturating_add(piece.length)),
        _ => None,
    }
}

/// Authorities whose keys are looked for like any other.
const OWN_AUTHORITIES: usize = 4;

/// Whether a point lies only where nothing announces it: as the key of one TLS session does, which is made and
/// forgotten with it, and the random point of one signature. To call these findings would make nearly every dump of a
/// TLS process one.
fn is_bare_point(clue: &PublicSeen) -> bool {
    let is_raw = |(form, _): &(&str, Piece)| form.starts_with("raw.");
    is_point(clue) && clue.places.iter().all(is_raw)
}

/// Whether a point lies somewhere as it is handed to others (`04`, X, Y): of the random point of a signature only x is.
fn is_encoded(clue: &PublicSeen) -> bool {
    let is_whole = |(form, piece): &(&str, Piece)| *form == "raw.point" && piece.length % 2 == 1;
    clue.places.iter().any(is_whole)
}

fn is_point(clue: &PublicSeen) -> bool {
    clue.identity.key().algorithm() == Algorithm::Ec
}

/// Whether a point lies in two objects, of a certificate and of a private key, as that of a server does: those of the
/// authorities it trusts lie in one each.
fn has_two_objects(clue: &PublicSeen) -> bool {
    let is_object = |(form, _): &&(&str, Piece)| form.starts_with("raw.limbs");
    is_point(clue) && clue.places.iter().filter(is_object).count() > 1
}

/// Distinct keys kept.
const MAX_KEYS: usize = 10_000;

/// Keys whose private numbers are kept: some 5 MiB at most.
const MAX_MATERIALS: usize = 1024;

/// Places of keys kept, over all keys.
const MAX_PLACES: usize = 50_000;

/// Places that are not kept of which it is known where they lie: 24 MiB.
const MAX_BEYOND: usize = 1 << 20;

/// Distinct public keys kept; a Java process holds some hundred.
const MAX_CLUES: usize = 20_000;

/// Work spent on one dump, in units of some 0.2 ms: half a minute of arithmetic, 18,000 different
/// 2048-bit keys.
const MAX_WORK: usize = 150_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::PublicKey;
    use crate::crypto::material::{Material, PRIME};
    use crate::crypto::test_keys::rsa_keys;
    use crate::secret::Secret;

    fn pieces(range: Range<usize>) -> Vec<Piece> {
        vec![Piece {
            offset: range.start as u64,
            length: range.len() as u64,
            va: None,
        }]
    }

    #[test]
    fn what_lies_in_a_place_that_is_not_kept_is_no_place_left_out() {
        let public = PublicKey::rsa(&rsa_keys()[0].n, &[1, 0, 1]).unwrap();
        let identity = Arc::new(Identity::new(public));
        let material = Material::of([(PRIME, Secret::new(&[7]))]).unwrap();
        let key = Key::proven(identity, material);
        let mut ledger = Ledger::default();
        // A structure in a structure, in more places than are kept.
        let copies = MAX_PLACES / 2 + 1000;
        let whole = |copy: usize| 100 * copy..100 * copy + 90;
        let sightings = (0..copies).flat_map(|copy| {
            let Range { start, end } = whole(copy);
            let inner = key.clone().at("der.pkcs1", "raw", start + 20..end);
            [key.clone().at("der.pkcs8", "raw", start..end), inner]
        });
        let share = Share {
            sightings: sightings.map(Sighting::Key).collect(),
            work: 0,
            is_limited: false,
        };
        ledger.take(share, pieces);
        let omitted = |ledger: &Ledger| ledger.keys[0].omitted;
        assert_eq!(omitted(&ledger), 1000);
        // A number in each of them, and one by itself.
        let covered = ledger.cover(&[], &HashSet::new());
        let name = key.public.as_ref().unwrap().fingerprint();
        assert!((0..copies).all(|copy| {
            let Range { start, end } = whole(copy);
            let (start, end) = (start as u64, end as u64);
            covered.holds(name, &(start + 30..end)) && !covered.holds(name, &(start + 30..end + 1))
        }));
        let numbers = (0..copies).map(|copy| 100 * copy + 30..100 * copy + 50);
        let alone = 100 * copies..100 * copies + 20;
        let swept = numbers.chain([alone]).map(|range| Swept {
            pieces: pieces(range.clone()),
            sighting: Sighting::Key(key.clone().part_at("raw.limbs-le", PRIME, "raw", range)),
        });
        ledger.take_swept(Sweep {
            sightings: swept.collect(),
            omitted: vec![(key.clone(), 5)],
            ..Sweep::default()
        });
        assert_eq!(omitted(&ledger), 1000 + 1 + 5);
    }
}
