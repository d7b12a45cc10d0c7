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

use super::markup::{Tag, TagKind, next_tag};
use super::numbers::{self, Named, Reading, RsaTexts};
use crate::bytes::trim_zeros;
use crate::clue::Clue;
use crate::crypto::dsa::DsaNumbers;
use crate::crypto::{Algorithm, Curve, Identity, Prover, PublicKey};
use crate::detect::{Anchor, Detector, Fragment, Hit, Key, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};
use crate::secret::{Secret, SecretBuf};
use crate::text::{Alphabet, Base64Text, TextView};
use std::ops::Range;
use std::sync::Arc;

/// The detector.
pub struct XmlKey;

impl Detector for XmlKey {
    fn name(&self) -> &'static str {
        "text.xml"
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
    let element = match tag.kind {
        TagKind::Open => Element::read(window, container, Some(&tag), tag.range.end),
        TagKind::Close => {
            let start = text_before(view, tag.range.start, container.name)?;
            let lost = view.until(tag.range.end);
            Element::read(lost, container, None, start)
        }
        TagKind::Empty => return None,
    };
    element.judge(prover)
}

/// Where the text begins that runs up to the closing tag at `from`; `None` when the tag that opens the
/// element stands in it.
fn text_before(view: TextView<'_>, from: usize, name: &str) -> Option<usize> {
    let mut at = from;
    while let Some(before) = view.before(at) {
        let is_text = matches!(
            view.char_at(before),
            Some(b'\t' | b'\n' | b'\r' | b' '..=b'~')
        );
        if !is_text || from - before > LONGEST_FORM {
            break;
        }
        if let Some(behind) = view.skip(before, name) {
            let is_open = Tag::around(view, before).is_some_and(|tag| tag.kind == TagKind::Open);
            return (!is_open).then_some(behind);
        }
        at = before;
    }
    Some(at)
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

/// What an element inside says.
enum Content {
    /// Base64, between the tags.
    Text(Range<usize>),
    /// Text whose closing tag is lost.
    CutText(Range<usize>),
    /// Attributes.
    Tag(Tag),
}

/// What was read of a key.
struct Element<'d> {
    view: TextView<'d>,
    kind: KeyKind,
    contents: Vec<(Range<usize>, Content)>,
    range: Range<usize>,
    is_whole: bool,
}

impl<'d> Element<'d> {
    /// Reads the elements from `at` on: behind the tag that opens the key's own, or in its midst.
    fn read(view: TextView<'d>, container: &Container, open: Option<&Tag>, at: usize) -> Self {
        let mut element = Self {
            view,
            kind: container.kind,
            contents: Vec::new(),
            range: open.map_or(at..at, |tag| tag.range.clone()),
            is_whole: false,
        };
        let mut pending: Option<Tag> = None;
        let mut position = at;
        while element.contents.len() < MAX_CONTENTS {
            let Some(next) = next_tag(view, position) else {
                break;
            };
            let Some(tag) = Tag::read(view, next) else {
                break;
            };
            if tag.is(view, container.name) {
                if tag.kind == TagKind::Close {
                    element.range.end = tag.range.end;
                    element.is_whole = open.is_some();
                    pending = None;
                }
                break;
            }
            position = tag.range.end;
            match (tag.kind, pending.take()) {
                (TagKind::Close, Some(opened)) if same(view, &opened.name, &tag.name) => {
                    let text = opened.range.end..next;
                    element.take(&opened, Content::Text(text), tag.range.end);
                }
                (TagKind::Close, _) => {}
                (kind, _) => {
                    if !tag.attributes.is_empty() {
                        element.take(&tag, Content::Tag(tag.clone()), tag.range.end);
                    }
                    pending = (kind == TagKind::Open).then_some(tag);
                }
            }
        }
        if let Some(opened) = pending {
            let end = next_tag(view, opened.range.end).unwrap_or(opened.range.end);
            let rest = Content::CutText(opened.range.end..end);
            let behind = opened.range.end;
            element.take(&opened, rest, behind);
        }
        element
    }

    fn take(&mut self, tag: &Tag, content: Content, behind: usize) {
        if self.range.is_empty() {
            self.range.start = tag.range.start;
        }
        self.range.end = behind;
        self.contents.push((tag.name.clone(), content));
    }

    fn find(&self, name: &str) -> impl Iterator<Item = &Content> {
        let view = self.view;
        let named = self
            .contents
            .iter()
            .filter(move |(range, _)| view.skip(range.start, name) == Some(range.end));
        named.map(|(_, content)| content)
    }

    /// The number in the element `name`: in base64, or as a decimal `Value`.
    fn number(&self, name: &str) -> Option<SecretBuf> {
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
            Some(key) if !self.is_whole => {
                let fragment = Fragment {
                    present: (self.range.len() / encoding.width()) as u64,
                    expected: None,
                };
                let form = self.kind.form();
                Sighting::Key(key.fragment_at(form, encoding.name(), self.range, fragment))
            }
            Some(key) => Sighting::Key(key.at(self.kind.form(), encoding.name(), self.range)),
            None => Sighting::Public(Clue {
                identity: Arc::new(Identity::new(self.public()?)),
                form: self.kind.public_form(),
                range: self.range,
            }),
        };
        Some(Reading {
            sighting,
            is_whole: self.is_whole,
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
                Content::CutText(range) => Some(range.start),
                _ => None,
            })?;
        let (text, gathered) =
            Base64Text::gather(self.view, start, LONGEST_FORM, Alphabet::Standard);
        if text.len() < MIN_REST {
            return None;
        }
        self.range.end = gathered.last;
        let algorithm = match self.kind {
            KeyKind::Rsa => Algorithm::Rsa,
            KeyKind::Dsa => Algorithm::Dsa,
            KeyKind::Ec => Algorithm::Ec,
        };
        Some(numbers::shape(Kind::Private(algorithm), &*text.decode()?))
    }
}

impl KeyKind {
    fn form(self) -> &'static str {
        match self {
            Self::Rsa => "xml.rsa",
            Self::Dsa => "xml.dsa",
            Self::Ec => "xml.ec",
        }
    }

    fn public_form(self) -> &'static str {
        match self {
            Self::Rsa => "xml.rsa-public",
            Self::Dsa => "xml.dsa-public",
            Self::Ec => "xml.ec-public",
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

fn same(view: TextView<'_>, one: &Range<usize>, other: &Range<usize>) -> bool {
    let mut places = (one.start, other.start);
    while places.0 < one.end && places.1 < other.end {
        if view.char_at(places.0) != view.char_at(places.1) {
            return false;
        }
        places = (view.after(places.0), view.after(places.1));
    }
    one.len() == other.len()
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

/// Elements inside that are kept.
const MAX_CONTENTS: usize = 32;

/// Bytes of a coordinate of the largest curve.
const MAX_DECIMAL_BYTES: usize = 66;

/// Base64 characters of a number that lost its end, for it to count.
const MIN_REST: usize = 16;
