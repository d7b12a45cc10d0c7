//! What is left of a DER private key that lost its end or its beginning.
//!
//! An RSA key has so much redundancy that a part determines the whole: the modulus with one prime or with
//! both exponents, the two primes. An EC key is whole as long as its scalar is.

use super::Read;
use super::sec1::Named;
use crate::crypto::der::{self, Reader, oid, tag};
use crate::crypto::random::{is_varied, looks_random};
use crate::crypto::rsa::{MAX_MODULUS_BITS, MIN_MODULUS_BITS};
use crate::crypto::rsa_parts::RsaParts;
use crate::crypto::{Algorithm, Prover, PublicKey};
use crate::detect::key::{Evidence, Fragment, Key};
use crate::detect::{Hit, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};
use crate::secret::Secret;
use std::ops::Range;

/// The key in a structure that starts at the first byte and is cut or overwritten somewhere behind; and how
/// much of it is left. `None` unless what is left is a private key's.
pub fn without_end(data: &[u8], prover: &Prover<'_>) -> Option<Left> {
    let outer = Cut::new(data, tag::SEQUENCE)?;
    let is_cut = !outer.is_whole;
    let ((key, lost), form) = private_key_info(outer.contents, is_cut, prover)
        .map(|found| (found, "der.pkcs8"))
        .or_else(|| {
            let found = rsa_private_key(outer.contents, is_cut, prover)?;
            Some((found, "der.pkcs1"))
        })
        .or_else(|| {
            let key = ec_private_key(outer.contents, Named::Open, is_cut, prover)?;
            Some(((key, 0), "der.sec1"))
        })?;
    Some(Left {
        key,
        form,
        total: outer.total,
        lost,
    })
}

/// A key in a structure that is damaged.
pub struct Left {
    key: Key,
    form: &'static str,
    /// Bytes the structure had.
    total: usize,
    /// Bytes at its end where something else stands.
    lost: usize,
}

impl Left {
    /// The same as what was read from `data`, where the structure starts.
    pub fn into_read(self, data: &[u8]) -> Read {
        let present = data.len().min(self.total).saturating_sub(self.lost);
        // A structure that is all there has a number changed and lost nothing.
        let fragment = (present < self.total).then_some(Fragment {
            present: present as u64,
            expected: Some(self.total as u64),
        });
        Read {
            key: self.key,
            form: self.form,
            length: present,
            fragment,
        }
    }
}

/// What is left of the structure that starts at `start`, if it is a private key's.
pub fn sighting(form: &'static str, hit: &Hit<'_>, start: usize) -> Option<Sighting> {
    let data = hit.data.get(start..)?;
    let data = data.get(..data.len().min(LONGEST_FORM))?;
    let read = without_end(data, hit.prover)?.into_read(data);
    let evidence = read.key.at(form, "raw", start..start + read.length);
    Some(Sighting::Key(Evidence {
        fragment: read.fragment,
        ..evidence
    }))
}

/// The key of which `data` starts with some numbers one after the other, and the bytes they take. Nothing
/// else is known of the structure: its beginning is lost.
pub fn without_beginning(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let numbers = Numbers::read(data);
    let key = judge(&roles(&numbers.all)?, prover)?;
    counts(&key, &numbers, data).then_some((key, numbers.length))
}

/// Whether a key is more than bytes of a table that pass for a short number and the head of a long one: numbers
/// that prove nothing must look like those of a key, and go on as its numbers do.
fn counts(key: &Key, numbers: &Numbers<'_>, data: &[u8]) -> bool {
    let goes_on = data
        .get(numbers.length)
        .is_none_or(|next| *next == tag::INTEGER);
    key.proof == Proof::Arithmetic || (goes_on && numbers.look_random())
}

/// A key of which one to three whole private numbers are left that do not determine it.
fn unresolved(numbers: &Numbers<'_>, prover: &Prover<'_>) -> Option<Key> {
    let first = *numbers.all.first()?;
    let are_alike = numbers
        .all
        .iter()
        .all(|number| number.len().abs_diff(first.len()) <= MAX_SHORTER);
    let parts = RsaParts {
        d: Some(Secret::new(first)),
        ..RsaParts::default()
    };
    let is_long = first.len() >= MIN_LONG_PAIR / 2;
    (are_alike && is_long && numbers.all.len() <= 3)
        .then(|| Key::rsa_parts(&parts, prover))
        .flatten()
        .filter(|key| key.proof > Proof::Shape)
}

/// The same where the numbers may start anywhere in `data`; and the bytes they take.
pub fn anywhere(data: &[u8], prover: &Prover<'_>) -> Option<(Key, Range<usize>)> {
    let mut best: Option<(Key, Range<usize>)> = None;
    let mut behind = 0;
    for at in memchr::memchr_iter(tag::INTEGER, data) {
        if at < behind {
            continue;
        }
        let rest = data.get(at..).unwrap_or_default();
        let numbers = Numbers::read(rest);
        let candidates = match roles(&numbers.all) {
            Some(candidates) => candidates,
            // One number is left by itself if the next one is of its size and cut.
            None if numbers.is_one_before_another(rest) => Vec::new(),
            None => continue,
        };
        // Numbers that contradict one another do not become a key by leaving out the first of them.
        behind = at + numbers.length;
        let key = judge(&candidates, prover).or_else(|| unresolved(&numbers, prover));
        let Some(key) = key.filter(|key| counts(key, &numbers, rest)) else {
            continue;
        };
        let is_better = best
            .as_ref()
            .is_none_or(|(known, _)| known.proof < key.proof);
        if is_better {
            best = Some((key, at..behind));
        }
    }
    best
}

/// The first of the assignments that makes a key, else the first that has whole private numbers.
fn judge(candidates: &[RsaParts<'_>], prover: &Prover<'_>) -> Option<Key> {
    let mut keys = candidates
        .iter()
        .filter_map(|parts| Key::rsa_parts(parts, prover));
    let first = keys.next()?;
    if first.proof == Proof::Arithmetic {
        return Some(first);
    }
    let proven = keys.find(|key| key.proof == Proof::Arithmetic);
    Some(proven.unwrap_or(first)).filter(|key| key.proof > Proof::Shape)
}

/// An element of which the end may be missing.
struct Cut<'d> {
    /// What is there of its contents.
    contents: &'d [u8],
    /// Bytes of header and contents as the header gives them.
    total: usize,
    is_whole: bool,
}

impl<'d> Cut<'d> {
    fn new(data: &'d [u8], tag: u8) -> Option<Self> {
        (*data.first()? == tag).then_some(())?;
        let (length, octets) = der::length_at(data, 1)?;
        let start = 1 + octets;
        let end = start.checked_add(length)?;
        Some(Self {
            contents: data.get(start..data.len().min(end))?,
            total: end,
            is_whole: end <= data.len(),
        })
    }
}

/// Whole INTEGERs one after the other.
struct Numbers<'d> {
    all: Vec<&'d [u8]>,
    /// Bytes they take with their headers.
    length: usize,
}

impl<'d> Numbers<'d> {
    fn read(data: &'d [u8]) -> Self {
        let mut reader = Reader::new(data);
        let mut all = Vec::new();
        while all.len() < MAX_NUMBERS
            && let Some(number) = reader.unsigned()
        {
            all.push(number);
        }
        Self {
            all,
            length: reader.position(),
        }
    }

    /// Whether it is one number, and behind it stands the head of another of about its size.
    fn is_one_before_another(&self, data: &[u8]) -> bool {
        let [number] = self.all[..] else { return false };
        let next = data
            .get(self.length..)
            .and_then(|rest| Cut::new(rest, tag::INTEGER));
        next.is_some_and(|next| !next.is_whole && next.total.abs_diff(self.length) <= MAX_SHORTER)
            && number.len() >= MIN_LONG_PAIR / 2
    }

    /// Whether all long numbers look random, from their first byte on: none is padded.
    fn look_random(&self) -> bool {
        let mut long = self
            .all
            .iter()
            .filter(|number| number.len() >= MIN_LONG / 2);
        long.all(|number| {
            let is_even_sized = number.len() % 4 == 0 || number.len() % 4 == 3;
            is_even_sized && number.get(..32.min(number.len())).is_some_and(looks_random)
        })
    }
}

/// Contents of an RSAPrivateKey (RFC 8017, appendix A.1.2) of which the end is lost.
fn rsa_private_key(contents: &[u8], is_cut: bool, prover: &Prover<'_>) -> Option<(Key, usize)> {
    let numbers = Numbers::read(contents);
    if is_cut && numbers.all.len() < 3 {
        return Some((cut_in_public_half(contents)?, 0));
    }
    let [version, n, e, private @ ..] = &numbers.all[..] else {
        return None;
    };
    let is_version = version.is_empty() || **version == [1];
    let e = Some(*e).filter(|e| !e.is_empty());
    let public = PublicKey::rsa(n, e.unwrap_or(&[3])).filter(|_| is_version)?;
    let secret = |index: usize| {
        let number = private.get(index).filter(|number| !number.is_empty());
        number.map(|number| Secret::new(number))
    };
    let parts = RsaParts {
        n: Some(n),
        e,
        d: secret(0),
        p: secret(1),
        q: secret(2),
        dp: secret(3),
        dq: secret(4),
        qinv: secret(5),
    };
    let mut key = Key::rsa_parts(&parts, prover)?;
    if key.proof < Proof::Arithmetic {
        key.bits = Some(public.bits());
    }
    // Where fewer numbers stand than a key has, something else does from there on.
    let is_overwritten = !is_cut && numbers.all.len() < MAX_NUMBERS;
    let lost = contents.len() - numbers.length;
    Some((key, if is_overwritten { lost } else { 0 }))
}

/// The same where the end of the data cuts the modulus or the exponent: version and the head of a modulus.
fn cut_in_public_half(contents: &[u8]) -> Option<Key> {
    let mut reader = Reader::new(contents);
    matches!(reader.unsigned()?, [] | [1]).then_some(())?;
    let rest = contents.get(reader.position()..)?;
    let modulus = Cut::new(rest, tag::INTEGER)?;
    let bytes = modulus.total.checked_sub(4)?;
    let bits = u32::try_from(bytes * 8).ok()?;
    let is_modulus = (MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits)
        && modulus.contents.len() >= MIN_SEEN
        && is_varied(modulus.contents);
    is_modulus.then(|| Key::shape(Algorithm::Rsa, contents))
}

/// Contents of an ECPrivateKey (RFC 5915, section 3) of which the end is lost: the scalar is whole.
/// Programs keep the beginning of this structure as a constant: unless the data ends, what follows the scalar
/// must go on as the structure does, or the key is a mere shape.
fn ec_private_key(contents: &[u8], outer: Named, is_cut: bool, prover: &Prover<'_>) -> Option<Key> {
    let mut reader = Reader::new(contents);
    (reader.unsigned()? == [1]).then_some(())?;
    let scalar = reader.expect(tag::OCTET_STRING)?;
    let behind = contents.get(reader.position()..).unwrap_or_default();
    let fields = [(0, [tag::OID, tag::SEQUENCE]), (1, [tag::BIT_STRING; 2])];
    let goes_on = (is_cut && behind.is_empty())
        || fields.iter().any(|(number, inside)| {
            let field = Cut::new(behind, tag::explicit(*number));
            field.is_some_and(|field| match field.contents.first() {
                Some(first) => inside.contains(first),
                None => is_cut,
            })
        });
    let curve = reader
        .inside(tag::explicit(0))
        .map_or(outer, Named::parameters);
    let mut key = match curve {
        Named::Known(curve) => Key::ec(Some(curve), scalar, None, prover)?,
        Named::Open => Key::ec(None, scalar, None, prover)?,
        Named::Other => Key::other_curve(scalar)?,
        Named::Nonsense => return None,
    };
    if !goes_on {
        key.proof = Proof::Shape;
    }
    let rest = contents.get(reader.position()..).unwrap_or_default();
    if key.proof == Proof::Parsed
        && let Some(left) = left_of_point(rest)
        && let Some(public) = &key.public
        && let PublicKey::Ec { point, .. } = public.key()
    {
        let common = point.iter().zip(left).take_while(|(a, b)| a == b).count();
        // A point that differs from its start on is that of another key.
        key.proof = match common {
            0..MIN_COMMON => Proof::Shape,
            MIN_COMMON..=MIN_LEFT_OF_POINT => Proof::Parsed,
            _ => Proof::Arithmetic,
        };
    }
    Some(key)
}

/// What is left of the public point in the field behind the parameters.
fn left_of_point(rest: &[u8]) -> Option<&[u8]> {
    let outer = Cut::new(rest, tag::explicit(1))?;
    let bits = Cut::new(outer.contents, tag::BIT_STRING)?;
    bits.contents.strip_prefix(&[0])
}

/// Contents of a PrivateKeyInfo (RFC 5958, section 2) of which the end is lost.
fn private_key_info(contents: &[u8], is_cut: bool, prover: &Prover<'_>) -> Option<(Key, usize)> {
    let mut info = Reader::new(contents);
    matches!(info.unsigned()?, [] | [1]).then_some(())?;
    let mut algorithm = info.inside(tag::SEQUENCE)?;
    let identifier = algorithm.expect(tag::OID)?;
    let string = Cut::new(contents.get(info.position()..)?, tag::OCTET_STRING)?;
    match identifier {
        oid::RSA_ENCRYPTION | oid::RSASSA_PSS => {
            let inner = Cut::new(string.contents, tag::SEQUENCE)?;
            rsa_private_key(inner.contents, is_cut, prover)
        }
        oid::EC_PUBLIC_KEY => {
            let inner = Cut::new(string.contents, tag::SEQUENCE)?;
            let curve = Named::parameters(algorithm);
            Some((ec_private_key(inner.contents, curve, is_cut, prover)?, 0))
        }
        oid::ED25519 | oid::X25519 => {
            let secret = Cut::new(string.contents, tag::OCTET_STRING).filter(|cut| cut.is_whole)?;
            let judgement = match identifier {
                oid::ED25519 => prover.ed25519(secret.contents)?,
                _ => prover.x25519(secret.contents)?,
            };
            Some((Key::edwards(&judgement, secret.contents, None)?, 0))
        }
        _ => None,
    }
    .filter(|(key, _)| key.kind != Kind::Other || key.proof > Proof::Shape)
}

/// What numbers that follow one another may be, by their sizes: e is short, n and d are about as long as
/// the modulus, the others half of it. Candidates in order of likelihood; `None` if nothing tells that they
/// are of an RSA key.
fn roles<'d>(numbers: &[&'d [u8]]) -> Option<Vec<RsaParts<'d>>> {
    let secret = |index: usize| numbers.get(index).map(|number| Secret::new(number));
    let length = |index: usize| numbers.get(index).map_or(0, |number| number.len());
    let from_prime = |first: usize| RsaParts {
        p: secret(first),
        q: secret(first + 1),
        dp: secret(first + 2),
        dq: secret(first + 3),
        qinv: secret(first + 4),
        ..RsaParts::default()
    };
    // The public exponent stands between n, if that is left, and d.
    for at in 0..numbers.len().min(3) {
        let e = numbers.get(at).copied().unwrap_or_default();
        if is_exponent(e) && length(at + 1) >= MIN_LONG {
            let n = at
                .checked_sub(1)
                .and_then(|before| numbers.get(before).copied());
            let n = n.filter(|n| n.len().abs_diff(length(at + 1)) <= MAX_SHORTER);
            let parts = from_prime(at + 2);
            return Some(vec![RsaParts {
                n,
                e: Some(e),
                d: secret(at + 1),
                ..parts
            }]);
        }
    }
    let halves = |from: usize| {
        let first = length(from);
        first >= MIN_LONG / 2
            && (from..numbers.len()).all(|index| length(index).abs_diff(first) <= MAX_SHORTER)
    };
    let is_d = length(0) > length(1) + length(1) / 2;
    if is_d && numbers.len() >= 3 && halves(1) {
        return Some(vec![RsaParts {
            d: secret(0),
            ..from_prime(1)
        }]);
    }
    let least = if numbers.len() < 3 {
        MIN_LONG_PAIR
    } else {
        MIN_LONG
    };
    ((2..=5).contains(&numbers.len()) && halves(0) && length(0) >= least / 2).then(|| {
        let none = RsaParts::default();
        let after_first = RsaParts {
            q: secret(0),
            dp: secret(1),
            dq: secret(2),
            qinv: secret(3),
            ..none
        };
        let exponents = RsaParts {
            dp: secret(0),
            dq: secret(1),
            qinv: secret(2),
            ..none
        };
        match numbers.len() {
            5 => vec![from_prime(0)],
            4 => vec![from_prime(0), after_first],
            _ => vec![from_prime(0), after_first, exponents],
        }
    })
}

/// Whether a number is an exponent in use: 3, 17, 35, 37, 257, 65537.
fn is_exponent(number: &[u8]) -> bool {
    matches!(number, [3 | 17 | 35 | 37] | [1, 1] | [1, 0, 1])
}

/// Numbers of an RSA key with two primes, and the version.
const MAX_NUMBERS: usize = 9;

/// Bytes of n or d at least.
const MIN_LONG: usize = 56;

/// Bytes of a modulus that must be there to be taken for one.
const MIN_SEEN: usize = 16;

/// The same where only two numbers of the same size are left: two of a signature are not to be taken for
/// primes.
const MIN_LONG_PAIR: usize = 192;

/// Bytes by which a number may be shorter than others of its size because its leading bytes are zero.
const MAX_SHORTER: usize = 6;

/// Bytes of a point that agree by chance once in 65,536 times.
const MIN_COMMON: usize = 3;

/// Bytes of a point that cannot agree with a derived one by chance.
const MIN_LEFT_OF_POINT: usize = 16;
