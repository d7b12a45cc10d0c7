//! JSON Web Keys (RFC 7517; RFC 7518, section 6; RFC 8037; RFC 8812) and sets of them.
//!
//! | kty | public | private |
//! |---|---|---|
//! | RSA | n, e | d, p, q, dp, dq, qi, oth |
//! | EC | crv, x, y | d |
//! | OKP | crv, x | d |
//! | oct | | k |
//! | AKP | alg, pub | priv |
//!
//! Members stand in any order. The object may be escaped in another text; it may be what Python, Ruby or
//! JavaScript print of it. In a set each key is found by itself. A JWK encrypted as a whole (RFC 7517,
//! section 7) is not recognised.

use super::json::{self, Found, Quote, Value};
use super::numbers::{self, Named, Reading, RsaTexts};
use crate::clue::Clue;
use crate::crypto::{Algorithm, Curve, Prover, PublicKey};
use crate::detect::{Anchor, Detector, Fragment, Hit, Key, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};
use crate::secret::SecretBuf;
use crate::text::{Alphabet, Base64Text, TextView};
use std::ops::Range;

/// The detector.
pub struct Jwk;

impl Detector for Jwk {
    fn name(&self) -> &'static str {
        "text.jwk"
    }

    fn forms(&self) -> &'static [&'static str] {
        &[FORM, PUBLIC_FORM]
    }

    /// Names of members. `kty` stands in every key; the others where it is lost.
    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        numbers::best_reading(hit, |view, at| read(view, at, hit.prover))
    }
}

/// Reads the key around the anchor at `at`.
fn read(view: TextView<'_>, at: usize, prover: &Prover<'_>) -> Option<Reading> {
    let name = names(view, at).next()?;
    let (quoted, quote) = json::quote_of(view, name.range.start);
    let behind = json::close_name(view, name.range.end, quote)?;
    let is_bare = view.before(name.range.start).is_none_or(|before| {
        !view.char_at(before).is_some_and(|character| {
            character.is_ascii_alphanumeric() || b"_$-.".contains(&character)
        })
    });
    if quote.is_none() && !is_bare {
        return None;
    }
    let window = view.until(at.saturating_add(LONGEST_FORM));
    let Some(Value::Text(value)) = json::value_of(window, behind, quote) else {
        return None;
    };
    if !name.values.is_empty()
        && !name
            .values
            .iter()
            .any(|known| json::is(view, &value, known))
    {
        return None;
    }
    let object = Object {
        view: window,
        quote,
        found: json::enclosing(window, quoted, quote, name.text)?,
    };
    // The anchor `kty` announces the same object.
    if name.text != KTY && object.text(Field::Kty).is_some() {
        return None;
    }
    object.judge(prover)
}

/// A name that announces a key.
struct Name {
    text: &'static str,
    /// Where it stands.
    range: Range<usize>,
    /// What its value may be; anything when empty.
    values: &'static [&'static str],
}

/// The names of which the anchor at `at` is a part.
fn names(view: TextView<'_>, at: usize) -> impl Iterator<Item = Name> {
    NAMES
        .iter()
        .filter_map(move |&(anchor, before, text, values)| {
            view.skip(at, anchor)?;
            let start = at + before * view.encoding().width();
            let end = view.skip(start, text)?;
            Some(Name {
                text,
                range: start..end,
                values,
            })
        })
}

/// The members of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Kty,
    Crv,
    N,
    E,
    D,
    P,
    Q,
    Dp,
    Dq,
    Qi,
    Oth,
    X,
    Y,
    K,
    Priv,
}

/// What was read of a key.
struct Object<'d> {
    view: TextView<'d>,
    quote: Quote,
    found: Found,
}

impl Object<'_> {
    fn value(&self, field: Field) -> Option<&Value> {
        let name = FIELDS.iter().find(|(_, known)| *known == field)?.0;
        let mut members = self.found.members.iter();
        let member = members.find(|member| json::is(self.view, &member.name, name))?;
        Some(&member.value)
    }

    fn text(&self, field: Field) -> Option<&Range<usize>> {
        match self.value(field)? {
            Value::Text(range) => Some(range),
            _ => None,
        }
    }

    fn number(&self, field: Field) -> Option<SecretBuf> {
        numbers::decode(self.view, self.text(field)?)
    }

    fn says(&self, field: Field, text: &str) -> bool {
        self.text(field)
            .is_some_and(|range| json::is(self.view, range, text))
    }

    fn judge(mut self, prover: &Prover<'_>) -> Option<Reading> {
        let kind = self.kind()?;
        let key = self
            .private(kind, prover)
            .filter(|key| key.proof != Proof::Parsed || !self.is_typed(kind))
            .or_else(|| self.rest(kind));
        let sighting = match key {
            Some(key) if !self.found.is_whole => {
                let width = self.view.encoding().width();
                let fragment = Fragment {
                    present: (self.found.range.len() / width) as u64,
                    expected: None,
                };
                let encoding = self.view.encoding().name();
                Sighting::Key(key.fragment_at(FORM, encoding, self.found.range, fragment))
            }
            Some(key) => Sighting::Key(key.at(FORM, self.view.encoding().name(), self.found.range)),
            None => Sighting::Public(Clue::new(self.public(kind)?, PUBLIC_FORM, self.found.range)),
        };
        Some(Reading {
            sighting,
            is_whole: self.found.is_whole,
        })
    }

    fn kind(&self) -> Option<KeyType> {
        let named = CURVES.iter().find(|(name, _)| self.says(Field::Crv, name));
        let by_curve = named.map(|(_, kind)| *kind);
        let is = |name| self.says(Field::Kty, name);
        if is("RSA") || (self.text(Field::Kty).is_none() && self.text(Field::Qi).is_some()) {
            Some(KeyType::Rsa)
        } else if is("oct") {
            Some(KeyType::Oct)
        } else if is("AKP") {
            Some(KeyType::Akp)
        } else if by_curve.is_some() {
            by_curve
        } else if is("EC") {
            let is_open = self.text(Field::Crv).is_none();
            Some(KeyType::Ec(if is_open {
                Named::Open
            } else {
                Named::Other
            }))
        } else {
            is("OKP").then_some(KeyType::OtherOkp)
        }
    }

    fn private(&self, kind: KeyType, prover: &Prover<'_>) -> Option<Key> {
        match kind {
            KeyType::Rsa => self.rsa().private(prover),
            KeyType::Ec(curve) => {
                let d = self.number(Field::D)?;
                numbers::ec(curve, &d, &self.points(curve), prover)
            }
            KeyType::Ed25519 => {
                let d = self.number(Field::D)?;
                // Some programs write the public half behind the seed.
                let seed = d.get(..32).filter(|_| [32, 64].contains(&d.len()))?;
                Key::edwards(&prover.ed25519(seed)?, seed, self.public(kind).as_ref())
            }
            KeyType::X25519 => {
                let d = self.number(Field::D).filter(|d| d.len() == 32)?;
                Key::edwards(&prover.x25519(&d)?, &d, self.public(kind).as_ref())
            }
            KeyType::OtherOkp => numbers::other(&self.number(Field::D)?),
            KeyType::Oct => numbers::symmetric(&self.number(Field::K)?),
            KeyType::Akp => numbers::other(&self.number(Field::Priv)?),
        }
    }

    fn public(&self, kind: KeyType) -> Option<PublicKey> {
        match kind {
            KeyType::Rsa => self.rsa().public(),
            KeyType::Ec(Named::Known(curve)) => match &self.points(kind.curve()?)[..] {
                [point] => PublicKey::ec(curve, point),
                _ => None,
            },
            KeyType::Ed25519 => PublicKey::ed25519(&self.number(Field::X)?),
            KeyType::X25519 => PublicKey::x25519(&self.number(Field::X)?),
            _ => None,
        }
    }

    fn rsa(&self) -> RsaTexts {
        let others = match self.value(Field::Oth) {
            Some(Value::Nested(range)) => other_primes(self.view, range, self.quote),
            _ => Vec::new(),
        };
        RsaTexts {
            n: self.number(Field::N),
            e: self.number(Field::E),
            d: self.number(Field::D),
            p: self.number(Field::P),
            q: self.number(Field::Q),
            dp: self.number(Field::Dp),
            dq: self.number(Field::Dq),
            qinv: self.number(Field::Qi),
            others,
        }
    }

    fn points(&self, curve: Named) -> Vec<Vec<u8>> {
        let [x, y] = [Field::X, Field::Y].map(|field| self.number(field));
        numbers::points(curve, x.as_deref(), y.as_deref())
    }

    /// Whether the private numbers were typed by a person.
    fn is_typed(&self, kind: KeyType) -> bool {
        kind.private()
            .iter()
            .filter_map(|field| self.text(*field))
            .any(|range| numbers::is_placeholder(self.view, range))
    }

    /// The shape of a key whose private number lost its end; the number then belongs to the range.
    fn rest(&mut self, kind: KeyType) -> Option<Key> {
        let cut = kind
            .private()
            .iter()
            .find_map(|field| match self.value(*field)? {
                Value::CutText(range) => Some(range.clone()),
                _ => None,
            })?;
        let (text, gathered) = Base64Text::gather(
            self.view.until(cut.end),
            cut.start,
            cut.len(),
            Alphabet::Either,
        );
        if text.len() < MIN_REST {
            return None;
        }
        self.found.range.end = gathered.last.max(cut.start);
        let kind = match kind {
            KeyType::Rsa => Kind::Private(Algorithm::Rsa),
            KeyType::Ec(_) => Kind::Private(Algorithm::Ec),
            KeyType::Ed25519 => Kind::Private(Algorithm::Ed25519),
            KeyType::X25519 => Kind::Private(Algorithm::X25519),
            KeyType::Oct => Kind::Symmetric,
            KeyType::OtherOkp | KeyType::Akp => Kind::Other,
        };
        Some(numbers::shape(kind, &text.decode()?))
    }
}

/// The factors `r` of `"oth":[{"r":..,"d":..,"t":..}]` (RFC 7518, section 6.3.2.7).
fn other_primes(view: TextView<'_>, range: &Range<usize>, quote: Quote) -> Vec<SecretBuf> {
    let view = view.until(range.end);
    let mut primes = Vec::new();
    let mut at = range.start;
    while at < range.end && primes.len() < MAX_OTHER_PRIMES {
        let next = json::next_name(view, at, range.end, quote);
        let read = json::members(view, next, quote, "r");
        for member in &read.members {
            if let Value::Text(text) = &member.value
                && json::is(view, &member.name, "r")
            {
                primes.extend(numbers::decode(view, text));
            }
        }
        at = view.after(read.end.max(next));
    }
    primes
}

/// What `kty` and `crv` say.
#[derive(Clone, Copy)]
enum KeyType {
    Rsa,
    Ec(Named),
    Ed25519,
    X25519,
    OtherOkp,
    Oct,
    Akp,
}

impl KeyType {
    fn private(self) -> &'static [Field] {
        match self {
            Self::Rsa => &[
                Field::D,
                Field::P,
                Field::Q,
                Field::Dp,
                Field::Dq,
                Field::Qi,
            ],
            Self::Oct => &[Field::K],
            Self::Akp => &[Field::Priv],
            _ => &[Field::D],
        }
    }

    fn curve(self) -> Option<Named> {
        match self {
            Self::Ec(curve) => Some(curve),
            _ => None,
        }
    }
}

const FORM: &str = "json.jwk";
const PUBLIC_FORM: &str = "json.jwk-public";
const KTY: &str = "kty";

/// Names as JSON and Python quote them; behind `%22` and `\u0022`; as JavaScript prints an object.
const ANCHORS: [Anchor; 6] = [
    Anchor::Text("\"kty"),
    Anchor::Text("'kty"),
    Anchor::Text("22kty"),
    Anchor::Text("kty:"),
    Anchor::Text("\"crv"),
    Anchor::Text("\"qi\""),
];

/// Anchor | characters of it before the name | the name | what its value may be.
const NAMES: [(&str, usize, &str, &[&str]); 6] = [
    ("\"kty", 1, KTY, &TYPES),
    ("'kty", 1, KTY, &TYPES),
    ("22kty", 2, KTY, &TYPES),
    ("kty:", 0, KTY, &TYPES),
    ("\"crv", 1, "crv", &[]),
    ("\"qi\"", 1, "qi", &[]),
];

const TYPES: [&str; 5] = ["RSA", "EC", "OKP", "oct", "AKP"];

/// The names of members.
const FIELDS: [(&str, Field); 15] = [
    (KTY, Field::Kty),
    ("crv", Field::Crv),
    ("n", Field::N),
    ("e", Field::E),
    ("d", Field::D),
    ("p", Field::P),
    ("q", Field::Q),
    ("dp", Field::Dp),
    ("dq", Field::Dq),
    ("qi", Field::Qi),
    ("oth", Field::Oth),
    ("x", Field::X),
    ("y", Field::Y),
    ("k", Field::K),
    ("priv", Field::Priv),
];

/// Curves as `crv` names them (RFC 7518, RFC 8037, RFC 8812); some programs use older names.
const CURVES: [(&str, KeyType); 9] = [
    ("P-256", KeyType::Ec(Named::Known(Curve::P256))),
    ("P-384", KeyType::Ec(Named::Known(Curve::P384))),
    ("P-521", KeyType::Ec(Named::Known(Curve::P521))),
    ("secp256k1", KeyType::Ec(Named::Known(Curve::Secp256k1))),
    ("P-256K", KeyType::Ec(Named::Known(Curve::Secp256k1))),
    ("Ed25519", KeyType::Ed25519),
    ("X25519", KeyType::X25519),
    ("Ed448", KeyType::OtherOkp),
    ("X448", KeyType::OtherOkp),
];

/// Primes beyond the second.
const MAX_OTHER_PRIMES: usize = 14;

/// Base64 characters of a number that lost its end, for it to count.
const MIN_REST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ProofCache;
    use crate::crypto::der::{Reader, tag};
    use crate::crypto::test_keys;
    use base64ct::{Base64UrlUnpadded, Encoding as _};

    fn examine(text: &str) -> Vec<Sighting> {
        let cache = ProofCache::default();
        let prover = Prover::new(&cache, 100_000);
        let hits = (0..text.len()).filter(|&at| {
            NAMES
                .iter()
                .any(|(anchor, ..)| text.as_bytes()[at..].starts_with(anchor.as_bytes()))
        });
        let hit = |at| Hit {
            data: text.as_bytes(),
            at,
            is_wide: false,
            prover: &prover,
        };
        hits.flat_map(|at| Jwk.examine(&hit(at))).collect()
    }

    /// A JWK of the multi-prime PKCS#1 structure in a file.
    fn multi_prime(file: &str) -> String {
        let data = test_keys::read(file);
        let mut reader = Reader::new(Reader::new(&data).expect(tag::SEQUENCE).unwrap());
        reader.unsigned().unwrap();
        let text =
            |reader: &mut Reader<'_>| Base64UrlUnpadded::encode_string(reader.unsigned().unwrap());
        let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
        let numbers = names.map(|name| format!("\"{name}\":\"{}\"", text(&mut reader)));
        let mut others = Reader::new(reader.expect(tag::SEQUENCE).unwrap());
        let mut oth = Vec::new();
        while let Some(other) = others.expect(tag::SEQUENCE) {
            let mut other = Reader::new(other);
            let numbers =
                ["r", "d", "t"].map(|name| format!("\"{name}\":\"{}\"", text(&mut other)));
            oth.push(format!("{{{}}}", numbers.join(",")));
        }
        format!(
            "{{\"kty\":\"RSA\",{},\"oth\":[{}]}}",
            numbers.join(","),
            oth.join(", ")
        )
    }

    #[test]
    fn keys_of_several_primes_are_proven() {
        for file in ["forms/rsa2048x3.pkcs1.der", "forms/rsa4096x4.pkcs1.der"] {
            let text = multi_prime(file);
            let [Sighting::Key(evidence)] = &examine(&text)[..] else {
                panic!("one key in {file}")
            };
            assert_eq!(evidence.key.proof, Proof::Arithmetic, "{file}");
            assert_eq!(evidence.range, 0..text.len());
            let (head, _) = text.split_once("\"oth\"").unwrap();
            let [Sighting::Key(evidence)] = &examine(head)[..] else {
                panic!("one key in {file}")
            };
            // The private exponent fits the modulus, whatever its primes.
            assert_eq!(
                evidence.key.proof,
                Proof::Arithmetic,
                "{file} without its other primes"
            );
        }
    }

    #[test]
    fn hostile_texts_end_soon() {
        for unit in [
            "\"kty\":\"EC\",",
            "\"kty\":\"EC\"}",
            "{\"kty\":\"EC\"",
            "\"kty\":\"EC\",\"a\":[",
            "\"kty\":\"EC\",\"a\":\"",
            "\"kty\":\"EC\",\"a\":\\\"",
            "{\"a\":{\"kty\":\"EC\"",
            "\"crv\":\"a\",\"kty\":\"EC\"}",
            "\"a\":[,\"b\":[,\"kty\":\"EC\"",
            "\\\\\\\\\\\\\\\"kty\\\\\\\\\\\\\\\":\\\\\\\\\\\\\\\"EC\\\\\\\\\\\\\\\"",
        ] {
            let started = std::time::Instant::now();
            let text = unit.repeat((256 << 10) / unit.len());
            examine(&text);
            let took = started.elapsed();
            assert!(took.as_secs() < 10, "{unit} takes {took:?} for 256 KiB");
        }
    }
}
