//! Keys whose numbers are written one by one in base64, as in JWK and in .NET's XML.

use crate::crypto::random::{is_varied, looks_random};
use crate::crypto::rsa::RsaNumbers;
use crate::crypto::rsa_parts::RsaParts;
use crate::crypto::{Curve, Prover, PublicKey};
use crate::detect::{Hit, Key, Sighting};
use crate::finding::{Kind, Proof};
use crate::secret::{Secret, SecretBuf};
use crate::text::{Alphabet, Base64Text, TextView};
use std::ops::Range;

/// The numbers of an RSA key that were read.
#[derive(Default)]
pub struct RsaTexts {
    /// Modulus.
    pub n: Option<SecretBuf>,
    /// Public exponent.
    pub e: Option<SecretBuf>,
    /// Private exponent.
    pub d: Option<SecretBuf>,
    /// First prime.
    pub p: Option<SecretBuf>,
    /// Second prime.
    pub q: Option<SecretBuf>,
    /// d mod p-1.
    pub dp: Option<SecretBuf>,
    /// d mod q-1.
    pub dq: Option<SecretBuf>,
    /// q⁻¹ mod p.
    pub qinv: Option<SecretBuf>,
    /// Further primes.
    pub others: Vec<SecretBuf>,
}

impl RsaTexts {
    /// The private key; `None` when no private number is there, or the budget for proofs is used up.
    pub fn private(&self, prover: &Prover<'_>) -> Option<Key> {
        let parts = RsaParts {
            n: self.n.as_deref(),
            e: self.e.as_deref(),
            d: secret(&self.d),
            p: secret(&self.p),
            q: secret(&self.q),
            dp: secret(&self.dp),
            dq: secret(&self.dq),
            qinv: secret(&self.qinv),
        };
        let private = [parts.d, parts.p, parts.q, parts.dp, parts.dq, parts.qinv];
        if private.iter().all(Option::is_none) {
            return None;
        }
        if let (Some(n), Some(e), Some(p), Some(q)) = (parts.n, parts.e, parts.p, parts.q) {
            let d = parts.d;
            let key = if self.others.is_empty() {
                Key::rsa(&RsaNumbers { n, e, d, p, q }, prover)?
            } else {
                let others = self.others.iter().map(|prime| Secret::new(prime));
                let primes: Vec<_> = [p, q].into_iter().chain(others).collect();
                Key::rsa_multi(n, e, d?, &primes, prover)?
            };
            if key.proof == Proof::Arithmetic {
                return Some(key);
            }
        }
        Key::rsa_parts(&parts, prover)
    }

    /// The public half.
    pub fn public(&self) -> Option<PublicKey> {
        PublicKey::rsa(self.n.as_deref()?, self.e.as_deref()?)
    }
}

/// A curve as a text names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// One whose arithmetic is here.
    Known(Curve),
    /// Another one.
    Other,
    /// The text names none, or lost its name.
    Open,
}

/// Judges an EC scalar against the points that the text may mean: one, or the two with an x-coordinate.
pub fn ec(curve: Named, scalar: &[u8], points: &[Vec<u8>], prover: &Prover<'_>) -> Option<Key> {
    let named = match curve {
        Named::Known(curve) => Some(curve),
        Named::Open => None,
        Named::Other => return other(scalar),
    };
    if scalar.len() < MIN_SCALAR {
        return None;
    }
    let judged = points
        .iter()
        .map(|point| Key::ec(named, scalar, Some(point), prover));
    let proven = judged.flatten().find(|key| key.proof == Proof::Arithmetic);
    match points.first() {
        Some(point) => proven.or_else(|| Key::ec(named, scalar, Some(point), prover)),
        None => Key::ec(named, scalar, None, prover),
    }
}

/// The encodings (SEC 1, section 2.3.3) of the points with these coordinates: two if y is not known.
pub fn points(curve: Named, x: Option<&[u8]>, y: Option<&[u8]>) -> Vec<Vec<u8>> {
    let size = match (curve, x) {
        (Named::Known(curve), _) => curve.field_bytes(),
        (_, Some(x)) => x.len(),
        _ => return Vec::new(),
    };
    let point = |head: u8, coordinates: &[&[u8]]| {
        let mut point = vec![head];
        for coordinate in coordinates {
            let digits = crate::bytes::trim_zeros(coordinate);
            point.extend(std::iter::repeat_n(0, size.checked_sub(digits.len())?));
            point.extend_from_slice(digits);
        }
        Some(point)
    };
    let points = match (x, y) {
        (Some(x), Some(y)) => vec![point(4, &[x, y])],
        (Some(x), None) => vec![point(2, &[x]), point(3, &[x])],
        _ => Vec::new(),
    };
    points.into_iter().flatten().collect()
}

/// A whole key of an algorithm or curve whose arithmetic is not here; `None` unless its secret may be random.
pub fn other(secret: &[u8]) -> Option<Key> {
    let start = secret.get(..secret.len().min(JUDGED))?;
    looks_random(start).then(|| Key::other(secret))
}

/// A symmetric key; `None` unless it may be random and is long enough for one.
pub fn symmetric(secret: &[u8]) -> Option<Key> {
    let is_random = if secret.len() < LONG_SYMMETRIC {
        let is_text = secret.iter().all(|byte| (b' '..=b'~').contains(byte));
        secret.len() >= MIN_SYMMETRIC
            && is_varied(secret)
            && distinct(secret) * 4 >= secret.len() * 3
            && !is_text
    } else {
        looks_random(secret.get(..secret.len().min(JUDGED))?)
    };
    is_random.then(|| Key::symmetric(secret))
}

/// A key whose private number is whole and nothing else that counts; `None` unless it may be random.
pub fn part(kind: Kind, secret: &[u8]) -> Option<Key> {
    (secret.len() >= MIN_PART && is_varied(secret)).then(|| Key {
        kind,
        ..Key::other(secret)
    })
}

/// A key of which no private number is whole.
pub fn shape(kind: Kind, rest: &[u8]) -> Key {
    Key {
        kind,
        proof: Proof::Shape,
        ..Key::other(rest)
    }
}

/// The bytes written at `range`; `None` when something else than base64 stands there.
pub fn decode(view: TextView<'_>, range: &Range<usize>) -> Option<SecretBuf> {
    let inside = view.until(range.end);
    let (text, gathered) = Base64Text::gather(inside, range.start, range.len(), Alphabet::Either);
    let is_whole = gathered.end == range.end && !gathered.overlong && !text.is_empty();
    text.decode().filter(|bytes| is_whole && !bytes.is_empty())
}

/// Whether the base64 text at `range` was typed by a person, as a placeholder is: it reads like words, or
/// counts. Of random texts of 22 characters 1 in 400 does, of 43 characters 1 in 30,000.
pub fn is_placeholder(view: TextView<'_>, range: &Range<usize>) -> bool {
    let mut previous = 0u8;
    let (mut length, mut steps) = (0usize, 0usize);
    let mut runs = [Run::default(), Run::default()];
    let mut at = range.start;
    while at < range.end
        && let Some(character) = view.char_at(at)
    {
        length += 1;
        steps += usize::from(character == previous.wrapping_add(1));
        let [lower, upper] = &mut runs;
        lower.take(character.is_ascii_lowercase());
        upper.take(character.is_ascii_uppercase());
        previous = character;
        at = view.after(at);
    }
    let in_words = runs.iter().any(|run| run.total() * 5 >= length * 3);
    in_words || steps * 5 >= length * 2
}

/// Characters of one case, counted where three and more follow one another.
#[derive(Clone, Copy, Default)]
struct Run {
    total: usize,
    current: usize,
}

impl Run {
    fn take(&mut self, belongs: bool) {
        if belongs {
            self.current += 1;
        } else {
            self.total = self.total();
            self.current = 0;
        }
    }

    fn total(self) -> usize {
        self.total + if self.current >= 3 { self.current } else { 0 }
    }
}

/// What a reader made of one view of the text around a hit.
pub struct Reading {
    /// What was seen.
    pub sighting: Sighting,
    /// Nothing is cut off.
    pub is_whole: bool,
}

/// What `read` makes of the text around `hit`. Wide text may be of either byte order, and its characters
/// read the same one byte further on: what is whole goes first, then what lies at even offsets, as texts do.
pub fn best_reading(
    hit: &Hit<'_>,
    read: impl Fn(TextView<'_>, usize) -> Option<Reading>,
) -> Vec<Sighting> {
    let readings = hit
        .views()
        .filter_map(|(view, at)| Some((read(view, at)?, at % 2)));
    let best = readings.min_by_key(|(reading, parity)| (!reading.is_whole, *parity));
    best.map(|(reading, _)| reading.sighting)
        .into_iter()
        .collect()
}

fn secret(number: &Option<SecretBuf>) -> Option<Secret<'_>> {
    number.as_deref().map(Secret::new)
}

fn distinct(bytes: &[u8]) -> usize {
    let first =
        |(index, byte): &(usize, &u8)| !bytes.iter().take(*index).any(|other| other == *byte);
    bytes.iter().enumerate().filter(first).count()
}

/// Bytes of a secret that are looked at.
const JUDGED: usize = 66;

/// Bytes of the least symmetric key, and of one that is judged as other secrets are.
const MIN_SYMMETRIC: usize = 16;
const LONG_SYMMETRIC: usize = 24;

/// Bytes of a private number without its group: that of DSA has 20 and more.
const MIN_PART: usize = 18;

/// Bytes of a scalar; leading zeros may be left out.
const MIN_SCALAR: usize = 24;
