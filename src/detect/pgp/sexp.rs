//! S-expressions of libgcrypt, in which gpg-agent keeps keys (GnuPG, `agent/keyformat.txt`; RFC 9804).
//!
//! | syntax | where |
//! |---|---|
//! | `(11:private-key(3:rsa(1:n257:...)(1:e3:...)(1:d...)(1:p...)(1:q...)(1:u...)))` | canonical: key files, messages |
//! | `Key: (private-key (rsa (n #00C3...#)(e #010001#)...))` | advanced: key files of newer versions |
//! | 03 01 0b 00 `private-key` 03 01 03 00 `rsa` ... 04 04 | libgcrypt's memory: marks, lengths in 16 bits |
//!
//! `(21:protected-private-key...(9:protected 25:openpgp-s2k3-sha1-aes-cbc (...) ciphertext)...)` is under a
//! passphrase, `shadowed-private-key` lies on a card.

use super::packet::{NATIVE, padded};
use super::secret_key::Seen;
use super::sexp_left;
use crate::bytes;
use crate::crypto::dsa::DsaNumbers;
use crate::crypto::random::{is_ciphertext, is_varied};
use crate::crypto::rsa_parts::RsaParts;
use crate::crypto::{Curve, Prover, PublicKey};
use crate::detect::key::{Fragment, Key};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::finding::{Kind, Proof};
use crate::secret::{Secret, SecretBuf};
use crate::text::TextView;

/// The detector.
pub struct Sexp;

impl Detector for Sexp {
    fn name(&self) -> &'static str {
        "pgp.sexp"
    }

    fn forms(&self) -> &'static [&'static str] {
        &FORMS
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(CANONICAL),
            Anchor::Bytes(INTERNAL),
            Anchor::Bytes(sexp_left::ANCHOR),
            Anchor::Text(ADVANCED),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        if !hit.prover.afford(EXPECTED_BYTES) {
            return Vec::new();
        }
        let Hit {
            data, at, prover, ..
        } = *hit;
        let behind = data.get(at..).unwrap_or_default();
        let seen = if behind.starts_with(CANONICAL) {
            PREFIXES.iter().find_map(|prefix| {
                let start = before(data, at, prefix.canonical)?;
                let tokens = Tokens::Canonical(data.get(start..)?, 0);
                sighting(tokens, data, start, "raw", prover)
            })
        } else if behind.starts_with(INTERNAL) {
            PREFIXES.iter().find_map(|prefix| {
                let start = before(data, at, prefix.internal)?;
                let tokens = Tokens::Internal(data.get(start..)?, 0);
                sighting(tokens, data, start, "raw", prover)
            })
        } else if behind.starts_with(sexp_left::ANCHOR) {
            let [clear, _, _] = FORMS;
            sexp_left::sighting(clear, hit)
        } else {
            hit.views().find_map(|(view, at)| {
                PREFIXES.iter().find_map(|prefix| {
                    let start = view.skip_back(at, prefix.advanced)?;
                    let (canonical, end) = canonical(view, start)?;
                    let (seen, is_whole, _) = read(Tokens::Canonical(&canonical, 0), prover)?;
                    let seen = seen.cut_unless(is_whole, end - start);
                    Some(seen.sighting(FORMS, view.encoding().name(), start..end))
                })
            })
        };
        seen.into_iter().collect()
    }
}

/// Where `literal` starts if it ends before `at`.
fn before(data: &[u8], at: usize, literal: &[u8]) -> Option<usize> {
    let start = at.checked_sub(literal.len())?;
    (data.get(start..at)? == literal).then_some(start)
}

/// What the expression at `start` of `data` holds, in its place.
fn sighting(
    tokens: Tokens<'_>,
    data: &[u8],
    start: usize,
    encoding: &'static str,
    prover: &Prover<'_>,
) -> Option<Sighting> {
    let (seen, is_whole, length) = read(tokens, prover)?;
    let end = (start + length).min(data.len());
    let seen = seen.cut_unless(is_whole, length);
    Some(seen.sighting(FORMS, encoding, start..end))
}

impl Seen {
    /// This, as a fragment of which `present` bytes are there unless it is whole.
    fn cut_unless(self, is_whole: bool, present: usize) -> Self {
        match self {
            Self::Key(key, _) if !is_whole => Self::Key(
                key,
                Some(Fragment {
                    present: present as u64,
                    expected: None,
                }),
            ),
            seen => seen,
        }
    }
}

/// A part of an expression.
enum Token<'d> {
    Open,
    Close,
    Data(&'d [u8]),
}

/// The parts of an expression one after the other: its bytes in a syntax, and how many of them are read.
enum Tokens<'d> {
    Canonical(&'d [u8], usize),
    Internal(&'d [u8], usize),
}

impl<'d> Tokens<'d> {
    /// The next part; `None` at the end, or where no part stands.
    fn next(&mut self) -> Option<Token<'d>> {
        match self {
            Self::Canonical(data, at) => match data.get(*at)? {
                b'(' => {
                    *at += 1;
                    Some(Token::Open)
                }
                b')' => {
                    *at += 1;
                    Some(Token::Close)
                }
                b'0'..=b'9' => {
                    let head = data.get(*at..data.len().min(*at + MAX_DIGITS + 1))?;
                    let digits = head.iter().position(|byte| !byte.is_ascii_digit())?;
                    (*head.get(digits)? == b':').then_some(())?;
                    let length: usize = str::from_utf8(head.get(..digits)?).ok()?.parse().ok()?;
                    let start = *at + digits + 1;
                    let token = bytes::slice(data, start, length)?;
                    *at = start + length;
                    Some(Token::Data(token))
                }
                _ => None,
            },
            Self::Internal(data, at) => match data.get(*at)? {
                3 => {
                    *at += 1;
                    Some(Token::Open)
                }
                4 => {
                    *at += 1;
                    Some(Token::Close)
                }
                1 => {
                    let length = u16::from_le_bytes(bytes::array(data, *at + 1)?);
                    let token = bytes::slice(data, *at + 3, length.into())?;
                    *at += 3 + token.len();
                    Some(Token::Data(token))
                }
                _ => None,
            },
        }
    }

    /// Bytes read so far.
    fn position(&self) -> usize {
        match self {
            Self::Canonical(_, at) | Self::Internal(_, at) => *at,
        }
    }
}

/// What the lists of an expression say.
#[derive(Default)]
struct Lists<'d> {
    kind: &'d [u8],
    algorithm: &'d [u8],
    curve: &'d [u8],
    ciphertext: &'d [u8],
    /// Values of the lists that [`NUMBERS`] names.
    numbers: [Option<&'d [u8]>; NUMBERS.len()],
}

impl<'d> Lists<'d> {
    /// Reads the lists of one expression, and says whether it ends.
    fn read(tokens: &mut Tokens<'d>) -> (Self, bool) {
        let mut lists = Self::default();
        let mut depth = 0usize;
        let mut names: [&[u8]; 3] = [&[]; 3];
        let mut is_name = false;
        for _ in 0..MAX_TOKENS {
            if tokens.position() > LONGEST_FORM {
                break;
            }
            match tokens.next() {
                Some(Token::Open) => {
                    depth += 1;
                    is_name = true;
                    continue;
                }
                Some(Token::Close) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return (lists, true);
                    }
                }
                Some(Token::Data(data)) if is_name => {
                    if let Some(name) = depth.checked_sub(1).and_then(|depth| names.get_mut(depth))
                    {
                        *name = data;
                    }
                    match depth {
                        1 => lists.kind = data,
                        2 if lists.algorithm.is_empty() => lists.algorithm = data,
                        _ => {}
                    }
                }
                Some(Token::Data(data)) if depth == 3 => {
                    let [_, _, name] = names;
                    match name {
                        b"curve" => lists.curve = data,
                        b"protected" => lists.ciphertext = data,
                        _ => {
                            let index = NUMBERS.iter().position(|number| *number == name);
                            let number = index.and_then(|index| lists.numbers.get_mut(index));
                            if let Some(number) = number.filter(|number| number.is_none()) {
                                *number = Some(data);
                            }
                        }
                    }
                }
                Some(Token::Data(_)) => {}
                None => break,
            }
            is_name = false;
        }
        (lists, false)
    }

    /// The number of this name without leading zeros.
    fn number(&self, name: &[u8]) -> Option<&'d [u8]> {
        let index = NUMBERS.iter().position(|number| *number == name)?;
        self.numbers
            .get(index)
            .copied()
            .flatten()
            .map(bytes::trim_zeros)
    }

    /// The public half, if its arithmetic is here.
    fn public(&self) -> Option<PublicKey> {
        let number = |name| self.number(name);
        match self.algorithm {
            b"rsa" | b"openpgp-rsa" => PublicKey::rsa(number(b"n")?, number(b"e")?),
            b"dsa" | b"openpgp-dsa" => {
                PublicKey::dsa(number(b"p")?, number(b"q")?, number(b"g")?, number(b"y")?)
            }
            _ => {
                let point = number(b"q")?;
                let native = || match point {
                    [NATIVE, key @ ..] if key.len() == 32 => key,
                    key => key,
                };
                match self.curve {
                    b"Ed25519" => PublicKey::ed25519(native()),
                    b"Curve25519" | b"X25519" | b"cv25519" => PublicKey::x25519(native()),
                    name => PublicKey::ec(curve(name)?, point),
                }
            }
        }
    }

    /// Judges the private numbers.
    fn judge(&self, prover: &Prover<'_>) -> Option<Key> {
        let number = |name| self.number(name);
        let secret = |name| self.number(name).map(Secret::new);
        match self.algorithm {
            b"rsa" | b"openpgp-rsa" => {
                // u is the inverse of p modulo q.
                let parts = RsaParts {
                    n: number(b"n"),
                    e: number(b"e"),
                    d: secret(b"d"),
                    p: secret(b"q"),
                    q: secret(b"p"),
                    ..RsaParts::default()
                };
                Key::rsa_left(&parts, prover)
            }
            b"dsa" | b"openpgp-dsa" => {
                let numbers = DsaNumbers {
                    p: number(b"p")?,
                    q: number(b"q")?,
                    g: number(b"g")?,
                    y: number(b"y"),
                    x: secret(b"x")?,
                };
                Key::dsa(&numbers, prover)
            }
            b"elg" | b"openpgp-elg" => {
                let x = number(b"x")?;
                (x.len() >= MIN_SECRET && is_varied(x)).then(|| Key::other(x))
            }
            b"ecc" | b"ecdsa" | b"ecdh" | b"eddsa" => {
                let d = number(b"d")?;
                let public = self.public();
                match self.curve {
                    b"Ed25519" => {
                        let seed = padded(d)?;
                        Key::edwards(&prover.ed25519(&seed)?, &seed, public.as_ref())
                    }
                    b"Curve25519" | b"X25519" | b"cv25519" => {
                        let mut scalar = padded(d)?;
                        scalar.bytes_mut().reverse();
                        Key::edwards(&prover.x25519(&scalar)?, &scalar, public.as_ref())
                    }
                    name => match curve(name) {
                        Some(curve) => Key::ec(Some(curve), d, number(b"q"), prover),
                        None => (d.len() >= MIN_SECRET && !name.is_empty())
                            .then(|| Key::other_curve(d))
                            .flatten(),
                    },
                }
            }
            _ => None,
        }
    }
}

/// What the expression holds, whether it is whole, and the bytes it takes.
fn read(mut tokens: Tokens<'_>, prover: &Prover<'_>) -> Option<(Seen, bool, usize)> {
    let (lists, is_whole) = Lists::read(&mut tokens);
    let length = tokens.position();
    let seen = match lists.kind {
        b"private-key" => {
            let mut key = lists.judge(prover)?;
            if !is_whole && key.kind == Kind::Other {
                key.proof = Proof::Shape;
            }
            Seen::Key(Box::new(key), None)
        }
        b"protected-private-key" => {
            is_ciphertext(lists.ciphertext, 1).then_some(())?;
            let key = Key::encrypted(lists.public(), lists.ciphertext);
            Seen::Key(Box::new(key), None)
        }
        _ => Seen::Public(lists.public()?),
    };
    Some((seen, is_whole, length))
}

/// The curve that libgcrypt knows by this name.
fn curve(name: &[u8]) -> Option<Curve> {
    match name {
        b"NIST P-256" | b"nistp256" | b"prime256v1" | b"secp256r1" => Some(Curve::P256),
        b"NIST P-384" | b"nistp384" | b"secp384r1" => Some(Curve::P384),
        b"NIST P-521" | b"nistp521" | b"secp521r1" => Some(Curve::P521),
        b"secp256k1" => Some(Curve::Secp256k1),
        _ => None,
    }
}

/// The expression in advanced syntax at `start` in canonical syntax as far as it is there, and its end.
fn canonical(view: TextView<'_>, start: usize) -> Option<(SecretBuf, usize)> {
    let mut out = SecretBuf::with_capacity(LONGEST_FORM);
    let mut at = start;
    let mut depth = 0usize;
    for _ in 0..MAX_TOKENS {
        let begin = blanks(view, at);
        let Some(first) = view.char_at(begin) else {
            break;
        };
        let inside = view.after(begin);
        let end = match first {
            b'(' => {
                depth += 1;
                out.push(b'(').then_some(inside)
            }
            b')' => {
                depth = depth.saturating_sub(1);
                out.push(b')').then_some(inside)
            }
            b'#' => atom(view, inside, &mut out, Atom::Hex),
            b'"' => atom(view, inside, &mut out, Atom::Quoted),
            _ => atom(view, begin, &mut out, Atom::Word),
        };
        let Some(end) = end else { break };
        at = end;
        if depth == 0 {
            break;
        }
    }
    (at > start).then_some((out, at))
}

/// How data is written in advanced syntax.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Atom {
    /// Digits up to `#`, two a byte.
    Hex,
    /// Characters up to `"`.
    Quoted,
    /// Letters, digits and some signs.
    Word,
}

/// Writes the data from `at` on in canonical syntax, and gives its end. `None` when it has none.
fn atom(view: TextView<'_>, at: usize, out: &mut SecretBuf, kind: Atom) -> Option<usize> {
    let mut count = 0;
    let end = characters(view, at, kind, |_| count += 1)?;
    let length = if kind == Atom::Hex {
        (count % 2 == 0).then_some(count / 2)?
    } else {
        (count > 0 || kind == Atom::Quoted).then_some(count)?
    };
    let fits = out.extend(length.to_string().as_bytes()) && out.push(b':');
    let mut fits = fits.then_some(true)?;
    let mut high = None;
    characters(view, at, kind, |character| match (kind, high) {
        (Atom::Hex, None) => high = Some(digit(character)),
        (Atom::Hex, Some(upper)) => {
            fits &= out.push(upper << 4 | digit(character));
            high = None;
        }
        _ => fits &= out.push(character),
    })?;
    fits.then_some(end)
}

/// Hands the characters of the data from `at` on to `take`, and gives its end. `None` when it has none.
fn characters(
    view: TextView<'_>,
    at: usize,
    kind: Atom,
    mut take: impl FnMut(u8),
) -> Option<usize> {
    let mut at = at;
    for _ in 0..2 * LONGEST_FORM {
        at = match kind {
            Atom::Hex => blanks(view, at),
            Atom::Quoted | Atom::Word => unfolded(view, at),
        };
        let character = view.latin_at(at);
        let is_inside = character.is_some_and(|character| match kind {
            Atom::Hex => character.is_ascii_hexdigit(),
            Atom::Quoted => character != b'"',
            Atom::Word => character.is_ascii_alphanumeric() || b"-./_:*+=".contains(&character),
        });
        match character {
            Some(b'\\') if kind == Atom::Quoted => {
                at = view.after(at);
                take(view.latin_at(at)?);
            }
            Some(character) if is_inside => take(character),
            Some(b'#') if kind == Atom::Hex => return Some(view.after(at)),
            Some(b'"') if kind == Atom::Quoted => return Some(view.after(at)),
            _ if kind == Atom::Word => return Some(at),
            _ => return None,
        }
        at = view.after(at);
    }
    None
}

/// Behind a line break and the one blank after it, with which key files go on with a line wherever they like.
fn unfolded(view: TextView<'_>, at: usize) -> usize {
    let mut behind = at;
    while let Some(b'\r' | b'\n' | b'\\') = view.char_at(behind) {
        let next = one_blank(view, behind);
        if next == behind {
            return at;
        }
        behind = next;
    }
    match view.char_at(behind) {
        Some(b' ') if behind > at => view.after(behind),
        _ => at,
    }
}

/// Behind white space, written as itself or as the escapes of another text.
fn blanks(view: TextView<'_>, at: usize) -> usize {
    let mut at = at;
    loop {
        let next = one_blank(view, at);
        if next == at {
            return at;
        }
        at = next;
    }
}

/// Behind one white-space character, if one stands at `at`.
fn one_blank(view: TextView<'_>, at: usize) -> usize {
    match view.char_at(at) {
        Some(b' ' | b'\t' | b'\r' | b'\n') => view.after(at),
        Some(b'\\') => {
            let escape = view.backslashes(at);
            match view.char_at(escape) {
                Some(b'n' | b'r' | b't') => view.after(escape),
                _ => at,
            }
        }
        _ => at,
    }
}

/// The value of a hexadecimal digit.
fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        _ => (character | 0x20).wrapping_sub(b'a').wrapping_add(10) & 0x0f,
    }
}

/// What stands before an anchor, in each syntax.
struct Prefix {
    canonical: &'static [u8],
    internal: &'static [u8],
    advanced: &'static str,
}

const PREFIXES: [Prefix; 3] = [
    Prefix {
        canonical: b"(11:",
        internal: b"\x03\x01\x0b\x00",
        advanced: "(",
    },
    Prefix {
        canonical: b"(21:protected-",
        internal: b"\x03\x01\x15\x00protected-",
        advanced: "(protected-",
    },
    Prefix {
        canonical: b"(20:shadowed-",
        internal: b"\x03\x01\x14\x00shadowed-",
        advanced: "(shadowed-",
    },
];

/// The name of the outermost list and the opening of the next one.
const CANONICAL: &[u8] = b"private-key(";
const INTERNAL: &[u8] = b"private-key\x03\x01";
const ADVANCED: &str = "private-key (";

/// Forms of keys in clear, of encrypted ones and of public ones.
const FORMS: [&str; 3] = ["pgp.sexp", "pgp.sexp-encrypted", "pgp.public-key"];

/// Names of lists with a number.
const NUMBERS: [&[u8]; 9] = [b"n", b"e", b"d", b"p", b"q", b"u", b"g", b"y", b"x"];

/// Digits of a length in canonical syntax.
const MAX_DIGITS: usize = 5;

/// Parts of an expression; a DSA key under a passphrase has some 50.
const MAX_TOKENS: usize = 256;

/// Bytes of a secret number of an algorithm whose arithmetic is not here.
const MIN_SECRET: usize = 20;

/// Bytes that are looked at for one anchor, which count as work.
const EXPECTED_BYTES: usize = 8 << 10;
