//! Keys in XML: .NET's `RSA.ToXmlString` and `DSA.ToXmlString`, key values of XML signatures (W3C XMLDSig
//! Core 1.1, section 4.5.2; RFC 4050), key pairs of XKMS 2.0 (section 8.1).
//!
//! | element | public | private |
//! |---|---|---|
//! | RSAKeyValue, RSAKeyPair | Modulus, Exponent | D, P, Q, DP, DQ, InverseQ |
//! | DSAKeyValue | P, Q, G, Y; J, Seed, PgenCounter | X |
//! | ECKeyValue | NamedCurve URI, PublicKey | D or PrivateKey, which no specification has and programs write |
//! | ECDSAKeyValue | NamedCurve URN, X and Y Value in decimal | the same |
//!
//! Numbers are base64 of big-endian bytes. Elements stand in any order.

use super::markup::{Content, Inside, Tag, TagKind, text_before};
use super::numbers::{self, Named, Reading, RsaTexts};
use crate::bytes::trim_zeros;
use crate::clue::Clue;
use crate::crypto::dsa::DsaNumbers;
use crate::crypto::{Algorithm, Curve, Prover, PublicKey};
use crate::detect::{Anchor, Detector, Fragment, Hit, Key, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};
use crate::secret::{Secret, SecretBuf};
use crate::text::{Alphabet, Base64Text, TextView};
use std::ops::Range;

/// The detector.
pub struct XmlKey;

impl Detector for XmlKey {
    fn name(&self) -> &'static str {
        "text.xml"
    }

    fn forms(&self) -> &'static [&'static str] {
        &FORMS
    }

    fn anchors(&self) -> &'static [Anchor] {
        &ANCHORS
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        numbers::best_reading(hit, |view, at| read(view, at, hit.prover))
    }
}

/// Reads the element whose tag holds the anchor at `at`.
fn read(view: TextView<'_>, at: usize, prover: &Prover<'_>) -> Option<Reading> {
    let width = view.encoding().width();
    let (container, name) = CONTAINERS.iter().find_map(|container| {
        let start = at.checked_sub(container.before * width)?;
        view.skip(start, container.name)?;
        Some((container, start))
    })?;
    let window = view.until(at.saturating_add(LONGEST_FORM));
    let tag = Tag::around(window, name).filter(|tag| tag.is(view, container.name))?;
    let inside = match tag.kind {
        TagKind::Open => Inside::read(window, container.name, Some(&tag), tag.range.end),
        TagKind::Close => {
            let start = text_before(view, tag.range.start, container.name)?;
            let lost = view.until(tag.range.end);
            Inside::read(lost, container.name, None, start)
        }
        TagKind::Empty => return None,
    };
    let element = Element {
        view: window,
        kind: container.kind,
        inside,
    };
    element.judge(prover)
}

/// An element that holds a key.
struct Container {
    name: &'static str,
    /// Characters of the name before the anchor in it.
    before: usize,
    kind: KeyKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    Dsa,
    Ec,
}

/// What was read of a key.
struct Element<'d> {
    view: TextView<'d>,
    kind: KeyKind,
    inside: Inside,
}

impl Element<'_> {
    fn find(&self, name: &'static str) -> impl Iterator<Item = &Content> {
        self.inside.find(self.view, name)
    }

    /// The number in the element `name`: in base64, or as a decimal `Value`.
    fn number(&self, name: &'static str) -> Option<SecretBuf> {
        self.find(name).find_map(|content| match content {
            Content::Text(range) => numbers::decode(self.view, range),
            Content::Tag(tag) => decimal(self.view, &tag.attribute(self.view, "Value")?),
            Content::CutText(_) => None,
        })
    }

    fn judge(mut self, prover: &Prover<'_>) -> Option<Reading> {
        let key = self
            .private(prover)
            .filter(|key| key.proof != Proof::Parsed || !self.is_typed())
            .or_else(|| self.rest());
        let encoding = self.view.encoding();
        let sighting = match key {
            Some(key) if !self.inside.is_whole => {
                let fragment = Fragment {
                    present: (self.inside.range.len() / encoding.width()) as u64,
                    expected: None,
                };
                let form = self.kind.form();
                Sighting::Key(key.fragment_at(form, encoding.name(), self.inside.range, fragment))
            }
            Some(key) => {
                Sighting::Key(key.at(self.kind.form(), encoding.name(), self.inside.range))
            }
            None => Sighting::Public(Clue::new(
                self.public()?,
                self.kind.public_form(),
                self.inside.range,
            )),
        };
        Some(Reading {
            sighting,
            is_whole: self.inside.is_whole,
        })
    }

    fn private(&self, prover: &Prover<'_>) -> Option<Key> {
        match self.kind {
            KeyKind::Rsa => self.rsa().private(prover),
            KeyKind::Dsa => {
                let x = self.number("X")?;
                let [p, q, g, y] = ["P", "Q", "G", "Y"].map(|name| self.number(name));
                let (Some(p), Some(q), Some(g)) = (p, q, g) else {
                    return numbers::part(Kind::Private(Algorithm::Dsa), &x);
                };
                let y = y.as_deref().map(trim_zeros);
                let numbers = DsaNumbers {
                    p: trim_zeros(&p),
                    q: trim_zeros(&q),
                    g: trim_zeros(&g),
                    y,
                    x: Secret::new(&x),
                };
                Key::dsa(&numbers, prover)
            }
            KeyKind::Ec => {
                let d = PRIVATE_EC.iter().find_map(|name| self.number(name))?;
                let curve = self.curve();
                numbers::ec(curve, &d, &self.points(curve), prover)
            }
        }
    }

    fn public(&self) -> Option<PublicKey> {
        match self.kind {
            KeyKind::Rsa => self.rsa().public(),
            KeyKind::Dsa => {
                let [p, q, g, y] = ["P", "Q", "G", "Y"].map(|name| self.number(name));
                PublicKey::dsa(&p?, &q?, &g?, &y?)
            }
            KeyKind::Ec => match (self.curve(), &self.points(self.curve())[..]) {
                (Named::Known(curve), [point]) => PublicKey::ec(curve, point),
                _ => None,
            },
        }
    }

    fn rsa(&self) -> RsaTexts {
        RsaTexts {
            n: self.number("Modulus"),
            e: self.number("Exponent"),
            d: self.number("D"),
            p: self.number("P"),
            q: self.number("Q"),
            dp: self.number("DP"),
            dq: self.number("DQ"),
            qinv: self.number("InverseQ"),
            others: Vec::new(),
        }
    }

    fn curve(&self) -> Named {
        let uri = self.find("NamedCurve").find_map(|content| match content {
            Content::Tag(tag) => ["URI", "URN"]
                .iter()
                .find_map(|name| tag.attribute(self.view, name)),
            _ => None,
        });
        let Some(uri) = uri else { return Named::Open };
        let known = CURVES.iter().find(|(oid, _)| {
            let start = self.view.skip_back(uri.end, oid);
            start.is_some_and(|start| start >= uri.start)
        });
        known.map_or(Named::Other, |(_, curve)| Named::Known(*curve))
    }

    fn points(&self, curve: Named) -> Vec<Vec<u8>> {
        match self.number("PublicKey") {
            Some(point) => vec![point.to_vec()],
            None => {
                let [x, y] = ["X", "Y"].map(|name| self.number(name));
                numbers::points(curve, x.as_deref(), y.as_deref())
            }
        }
    }

    fn is_typed(&self) -> bool {
        let private = self.kind.private().iter();
        private
            .flat_map(|name| self.find(name))
            .any(|content| match content {
                Content::Text(range) => numbers::is_placeholder(self.view, range),
                _ => false,
            })
    }

    /// The shape of a key whose private number lost its end; the number then belongs to the range.
    fn rest(&mut self) -> Option<Key> {
        let private = self.kind.private().iter();
        let start = private
            .flat_map(|name| self.find(name))
            .find_map(|content| match content {
                Content::CutText(start) => Some(*start),
                _ => None,
            })?;
        let (text, gathered) =
            Base64Text::gather(self.view, start, LONGEST_FORM, Alphabet::Standard);
        if text.len() < MIN_REST {
            return None;
        }
        self.inside.range.end = gathered.last;
        let algorithm = match self.kind {
            KeyKind::Rsa => Algorithm::Rsa,
            KeyKind::Dsa => Algorithm::Dsa,
            KeyKind::Ec => Algorithm::Ec,
        };
        Some(numbers::shape(Kind::Private(algorithm), &text.decode()?))
    }
}

impl KeyKind {
    fn form(self) -> &'static str {
        let [rsa, _, dsa, _, ec, _] = FORMS;
        match self {
            Self::Rsa => rsa,
            Self::Dsa => dsa,
            Self::Ec => ec,
        }
    }

    fn public_form(self) -> &'static str {
        let [_, rsa, _, dsa, _, ec] = FORMS;
        match self {
            Self::Rsa => rsa,
            Self::Dsa => dsa,
            Self::Ec => ec,
        }
    }

    /// The elements that hold private numbers.
    fn private(self) -> &'static [&'static str] {
        match self {
            Self::Rsa => &["D", "P", "Q", "DP", "DQ", "InverseQ"],
            Self::Dsa => &["X"],
            Self::Ec => &PRIVATE_EC,
        }
    }
}

/// A number in decimal digits, of at most the size that a coordinate has; big-endian.
fn decimal(view: TextView<'_>, range: &Range<usize>) -> Option<SecretBuf> {
    let mut number = SecretBuf::zeroed(MAX_DECIMAL_BYTES);
    let mut at = range.start;
    while at < range.end {
        let digit = view.char_at(at).filter(u8::is_ascii_digit)? - b'0';
        let mut carry = u16::from(digit);
        for byte in number.bytes_mut().iter_mut().rev() {
            let value = u16::from(*byte) * 10 + carry;
            [*byte, _] = value.to_le_bytes();
            carry = value >> 8;
        }
        if carry > 0 {
            return None;
        }
        at = view.after(at);
    }
    (!range.is_empty()).then_some(number)
}

/// Forms of private and of public keys.
const FORMS: [&str; 6] = [
    "xml.rsa",
    "xml.rsa-public",
    "xml.dsa",
    "xml.dsa-public",
    "xml.ec",
    "xml.ec-public",
];

/// Parts of the names of elements, long enough to be rare.
const ANCHORS: [Anchor; 3] = [
    Anchor::Text("SAKeyValue"),
    Anchor::Text("ECKeyValue"),
    Anchor::Text("RSAKeyPair"),
];

const CONTAINERS: [Container; 5] = [
    Container {
        name: "RSAKeyValue",
        before: 1,
        kind: KeyKind::Rsa,
    },
    Container {
        name: "ECDSAKeyValue",
        before: 3,
        kind: KeyKind::Ec,
    },
    Container {
        name: "DSAKeyValue",
        before: 1,
        kind: KeyKind::Dsa,
    },
    Container {
        name: "ECKeyValue",
        before: 0,
        kind: KeyKind::Ec,
    },
    Container {
        name: "RSAKeyPair",
        before: 0,
        kind: KeyKind::Rsa,
    },
];

const PRIVATE_EC: [&str; 3] = ["D", "PrivateKey", "PrivateValue"];

/// Ends of `urn:oid:...` (RFC 5480, section 2.1.1.1; SEC 2).
const CURVES: [(&str, Curve); 4] = [
    ("1.2.840.10045.3.1.7", Curve::P256),
    ("1.3.132.0.34", Curve::P384),
    ("1.3.132.0.35", Curve::P521),
    ("1.3.132.0.10", Curve::Secp256k1),
];

/// Bytes of a coordinate of the largest curve.
const MAX_DECIMAL_BYTES: usize = 66;

/// Base64 characters of a number that lost its end, for it to count.
const MIN_REST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ProofCache;
    use crate::text::Encoding;

    #[test]
    fn decimal_numbers_are_read() {
        let view = TextView::new(b"65537 12a", Encoding::Ascii);
        let number = decimal(view, &(0..5)).unwrap();
        assert_eq!(trim_zeros(&number), [1, 0, 1]);
        assert!(decimal(view, &(6..9)).is_none());
        assert!(decimal(view, &(0..0)).is_none());
        let long = [b'9'; 200];
        assert!(decimal(TextView::new(&long, Encoding::Ascii), &(0..200)).is_none());
    }

    #[test]
    fn hostile_texts_end_soon() {
        let cache = ProofCache::default();
        let prover = Prover::new(&cache, 100_000);
        for unit in [
            "<RSAKeyValue>",
            "</RSAKeyValue>",
            "</RSAKeyValue><a>",
            "<RSAKeyValue><DSAKeyValue>",
            "<RSAKeyPair><D>A</D>",
            "<RSAKeyValue ",
            "</RSAKeyPair></DSAKeyValue>",
        ] {
            let text = unit.repeat((256 << 10) / unit.len());
            let started = std::time::Instant::now();
            for (at, window) in text.as_bytes().windows(10).enumerate() {
                if [&b"SAKeyValue"[..], b"ECKeyValue", b"RSAKeyPair"].contains(&window) {
                    let hit = Hit {
                        data: text.as_bytes(),
                        at,
                        is_wide: false,
                        prover: &prover,
                    };
                    XmlKey.examine(&hit);
                }
            }
            let took = started.elapsed();
            assert!(took.as_secs() < 10, "{unit} takes {took:?} for 256 KiB");
        }
    }
}
