//! Windows on their way to the multiplication that tests them.

use super::written::Written;
use crate::crypto::ec_search::{Edwards, Form, Points};
use crate::crypto::material::{EXPANDED_SCALAR, SCALAR, SCALAR_MONTGOMERY, SEED};
use crate::crypto::random::looks_like_scalar;
use crate::crypto::{Curve, Identity, PublicKey};
use crate::sweep::codec::{Codec, Digit, bytes_of, limbs_of};
use std::ops::Range;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The known points by curve, and whose they are.
pub(super) struct Secrets {
    curves: Vec<(Curve, Points, Vec<usize>)>,
    ed25519: Option<(Edwards, Vec<usize>)>,
    x25519: Option<(Edwards, Vec<usize>)>,
    sizes: Vec<u32>,
}

/// A window that is the private half of a key.
pub(super) struct Hit {
    /// Index of the key.
    pub owner: usize,
    /// How it is written: the form's name, and `raw` or the encoding of the text.
    pub how: [&'static str; 2],
    /// Which number it is.
    pub component: &'static str,
    /// The window's bytes in its block.
    pub range: Range<usize>,
    /// The number, big-endian; of Curve25519 the bytes as they are.
    pub secret: Zeroizing<Vec<u8>>,
}

impl Secrets {
    /// `None` when there is no point among them.
    pub(super) fn new(identities: &[Arc<Identity>]) -> Option<Self> {
        let curves: Vec<_> = Curve::ALL
            .into_iter()
            .filter_map(|curve| {
                let (points, owners): (Vec<&[u8]>, Vec<usize>) = identities
                    .iter()
                    .enumerate()
                    .filter_map(|(index, identity)| match identity.key() {
                        PublicKey::Ec { curve: of, point } if *of == curve => {
                            Some((&**point, index))
                        }
                        _ => None,
                    })
                    .unzip();
                Some((curve, Points::new(curve, &points)?, owners))
            })
            .collect();
        let keys = |of: fn(&PublicKey) -> Option<[u8; 32]>| -> (Vec<[u8; 32]>, Vec<usize>) {
            identities
                .iter()
                .enumerate()
                .filter_map(|(index, identity)| Some((of(identity.key())?, index)))
                .unzip()
        };
        let (keys_ed, owners_ed) = keys(|key| match key {
            PublicKey::Ed25519(key) => Some(*key),
            _ => None,
        });
        let (keys_x, owners_x) = keys(|key| match key {
            PublicKey::X25519(key) => Some(*key),
            _ => None,
        });
        let ed25519 = Edwards::ed25519(&keys_ed).map(|search| (search, owners_ed));
        let x25519 = Edwards::x25519(&keys_x).map(|search| (search, owners_x));
        let mut sizes: Vec<u32> = curves.iter().map(|(curve, ..)| curve.bits()).collect();
        if ed25519.is_some() || x25519.is_some() {
            sizes.push(BITS_25519);
        }
        sizes.sort_unstable();
        sizes.dedup();
        (!sizes.is_empty()).then_some(Self {
            curves,
            ed25519,
            x25519,
            sizes,
        })
    }

    /// Bits of the numbers looked for, each size once.
    pub(super) fn sizes(&self) -> &[u32] {
        &self.sizes
    }
}

/// Where a candidate lies in its block, and how it is written.
type Place = (Range<usize>, [&'static str; 2]);

/// Windows of one size that wait for their test.
pub(super) struct Batch<'s> {
    secrets: &'s Secrets,
    bits: u32,
    limbs: usize,
    numbers: Zeroizing<Vec<u64>>,
    number_places: Vec<Place>,
    strings: Zeroizing<Vec<u8>>,
    string_places: Vec<Place>,
    has_points: bool,
    has_strings: bool,
    tried: u64,
}

impl<'s> Batch<'s> {
    pub(super) fn new(secrets: &'s Secrets, bits: u32) -> Self {
        let limbs = bits.div_ceil(64) as usize;
        let is_25519 = bits == BITS_25519;
        Self {
            secrets,
            bits,
            limbs,
            numbers: Zeroizing::new(Vec::with_capacity(limbs * BATCH)),
            number_places: Vec::with_capacity(BATCH),
            strings: Zeroizing::new(Vec::with_capacity(32 * BATCH)),
            string_places: Vec::with_capacity(BATCH),
            has_points: secrets
                .curves
                .iter()
                .any(|(curve, ..)| curve.bits() == bits),
            has_strings: is_25519 && (secrets.ed25519.is_some() || secrets.x25519.is_some()),
            tried: 0,
        }
    }

    /// Windows that were tested or wait.
    pub(super) fn taken(&self) -> u64 {
        self.tried + self.number_places.len().max(self.string_places.len()) as u64
    }

    /// Windows that were tested.
    pub(super) fn tried(&self) -> u64 {
        self.tried
    }

    /// Takes the window at `start`, unless it cannot hold a scalar; what is full is tested.
    pub(super) fn offer(
        &mut self,
        codec: &'static Codec,
        start: usize,
        window: &[u8],
        hits: &mut Vec<Hit>,
    ) {
        // Words hold zero bytes where the number has fewer bits than they.
        let is_plain = codec.digit() == Digit::Whole(1);
        // The longest numbers are 521 bits in 66 bytes, or 72 as limbs.
        let looked_at = window.get(..window.len().min(self.bits.div_ceil(8) as usize));
        if is_plain && !looked_at.is_some_and(looks_like_scalar) {
            return;
        }
        if self.has_strings {
            self.offer_strings(codec, start, window);
        }
        if self.has_points {
            let at = self.numbers.len();
            self.numbers.resize(at + self.limbs, 0);
            let limbs = self.numbers.get_mut(at..).unwrap_or_default();
            let is_number = codec.decode(window, limbs).is_some()
                && (is_plain || looks_like_scalar(&padded(limbs, self.bits)));
            if is_number {
                self.number_places
                    .push((start..start + window.len(), [codec.name, "raw"]));
            } else {
                limbs.fill(0);
                self.numbers.truncate(at);
            }
        }
        self.flush_full(hits);
    }

    /// Takes the string of Curve25519 that the window at `start` is, or is read as a number: the lowest byte first, as formulas
    /// have it (RFC 7748, section 5), or the highest first, as a seed may be read.
    fn offer_strings(&mut self, codec: &'static Codec, start: usize, window: &[u8]) {
        let range = start..start + window.len();
        if codec.name == STRINGS {
            self.string(window, range, ["raw.bytes", "raw"]);
            return;
        }
        let mut limbs = Zeroizing::new([0; 4]);
        if codec.decode(window, &mut *limbs).is_none() {
            return;
        }
        let bytes = limbs.iter().flat_map(|limb| limb.to_le_bytes());
        let mut bytes = Zeroizing::new(bytes.collect::<Vec<u8>>());
        if looks_like_scalar(&bytes) {
            // In limbs it is the string itself, which is tried at every byte.
            if codec.digit() != Digit::Whole(1) {
                self.string(&bytes, range.clone(), [codec.name, "raw"]);
            }
            bytes.reverse();
            self.string(&bytes, range, [codec.name, "raw"]);
        }
    }

    fn string(&mut self, bytes: &[u8], range: Range<usize>, how: [&'static str; 2]) {
        if bytes.len() == 32 {
            self.strings.extend_from_slice(bytes);
            self.string_places.push((range, how));
        }
    }

    /// The same for a number or string that is written out.
    pub(super) fn offer_text(&mut self, text: &Written, hits: &mut Vec<Hit>) {
        let is_of_size = text.bytes.len() == self.bits.div_ceil(8) as usize;
        if !is_of_size || !looks_like_scalar(&text.bytes) {
            return;
        }
        if self.has_strings {
            self.string(&text.bytes, text.range.clone(), text.how);
            if text.may_be_number() {
                let reversed =
                    Zeroizing::new(text.bytes.iter().rev().copied().collect::<Vec<u8>>());
                self.string(&reversed, text.range.clone(), text.how);
            }
        }
        if self.has_points {
            let number = limbs_of(&text.bytes);
            let zeros = [0].iter().cycle();
            let padded = number.iter().chain(zeros).take(self.limbs);
            self.numbers.extend(padded);
            self.number_places.push((text.range.clone(), text.how));
        }
        self.flush_full(hits);
    }

    fn flush_full(&mut self, hits: &mut Vec<Hit>) {
        if self.number_places.len().max(self.string_places.len()) >= BATCH {
            self.flush(hits);
        }
    }

    /// Tests what waits.
    pub(super) fn flush(&mut self, hits: &mut Vec<Hit>) {
        self.tried += self.number_places.len().max(self.string_places.len()) as u64;
        for (curve, points, owners) in &self.secrets.curves {
            if curve.bits() != self.bits {
                continue;
            }
            points.search_forms(&self.numbers, |candidate, point, form| {
                let place = self.number_places.get(candidate);
                let limbs = self.numbers.chunks_exact(self.limbs).nth(candidate);
                let (Some((range, how)), Some(limbs), Some(&owner)) =
                    (place, limbs, owners.get(point))
                else {
                    return;
                };
                let (component, scalar) = match form {
                    Form::Plain => (SCALAR, Some(Zeroizing::new(limbs.to_vec()))),
                    Form::Montgomery => (SCALAR_MONTGOMERY, points.from_montgomery(limbs)),
                };
                let Some(scalar) = scalar else { return };
                hits.push(Hit {
                    owner,
                    how: *how,
                    component,
                    range: range.clone(),
                    secret: bytes_of(&scalar),
                });
            });
        }
        if self.has_strings {
            self.flush_strings(hits);
        }
        self.numbers.iter_mut().for_each(|limb| *limb = 0);
        self.numbers.clear();
        self.number_places.clear();
        self.strings.fill(0);
        self.strings.clear();
        self.string_places.clear();
    }

    fn flush_strings(&self, hits: &mut Vec<Hit>) {
        let mut take = |owners: &[usize], candidate: usize, key: usize, component| {
            let secret = self.strings.chunks_exact(32).nth(candidate);
            let place = self.string_places.get(candidate);
            if let (Some((range, how)), Some(secret), Some(&owner)) =
                (place, secret, owners.get(key))
            {
                hits.push(Hit {
                    owner,
                    how: *how,
                    component,
                    range: range.clone(),
                    secret: Zeroizing::new(secret.to_vec()),
                });
            }
        };
        if let Some((search, owners)) = &self.secrets.ed25519 {
            search.search_seeds(&self.strings, |candidate, key| {
                take(owners, candidate, key, SEED);
            });
            let (clamped, places) = self.clamped();
            search.search_scalars(&clamped, |candidate, key| {
                if let Some(&candidate) = places.get(candidate) {
                    take(owners, candidate, key, EXPANDED_SCALAR);
                }
            });
        }
        if let Some((search, owners)) = &self.secrets.x25519 {
            search.search_seeds(&self.strings, |candidate, key| {
                take(owners, candidate, key, SCALAR);
            });
        }
    }

    /// The strings whose bits are set as those of a clamped scalar (RFC 8032, section 5.1.5), and which they are.
    fn clamped(&self) -> (Zeroizing<Vec<u8>>, Vec<usize>) {
        let mut strings = Zeroizing::new(Vec::with_capacity(self.strings.len()));
        let mut places = Vec::new();
        for (index, string) in self.strings.chunks_exact(32).enumerate() {
            if let [first, .., last] = string
                && first & 7 == 0
                && last & 0xc0 == 0x40
            {
                strings.extend_from_slice(string);
                places.push(index);
            }
        }
        (strings, places)
    }
}

/// A number in as many big-endian bytes as its size takes.
fn padded(limbs: &[u64], bits: u32) -> Zeroizing<Vec<u8>> {
    let length = bits.div_ceil(8) as usize;
    let mut bytes: Zeroizing<Vec<u8>> = Zeroizing::new(
        limbs
            .iter()
            .flat_map(|limb| limb.to_le_bytes())
            .take(length)
            .collect(),
    );
    bytes.reverse();
    bytes
}

/// Bits of a number of Curve25519 as its bytes are counted here.
const BITS_25519: u32 = 256;

/// The encoding whose windows are strings of bytes at any offset.
const STRINGS: &str = "raw.bytes-be";

/// Windows tested at a time.
const BATCH: usize = 512;
