//! The forms in which a key's private numbers may lie in memory: what the redactor blanks, and what the ground truth
//! looks for. Nothing here comes from the scanner, nor goes there.

use crate::key::{Key, Numbers};
use crate::numbers::{inverted, shifted};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

/// One number or structure of a key, in one encoding.
pub struct Form {
    /// `p`, `q`, `d`, `scalar`, `dp`, `dq`, `qinv`, `rr-p`, `rr-q`, `pem` or `der`; of signatures `nonce` and
    /// `nonce-inverse`, and with `-and-token` where the dump has the token too.
    pub component: &'static str,
    /// How it is written.
    pub encoding: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The forms of random numbers of signatures, each of which gives the key away to who has the signature too.
pub fn nonce_forms(nonces: &[Vec<u8>], signature: Signature) -> Vec<Form> {
    let names = match signature {
        Signature::Elsewhere => ["nonce", "nonce-inverse"],
        Signature::InDump => ["nonce-and-token", "nonce-inverse-and-token"],
    };
    let mut forms = Vec::new();
    for nonce in nonces {
        for (component, number) in [
            (names[0], nonce.clone()),
            (names[1], inverted(nonce, &ORDER)),
        ] {
            push(&mut forms, component, &number, Kind::Passing);
            if let Some(number) = shifted(&number, 256, &ORDER) {
                push(&mut forms, component, &number, Kind::Montgomery);
            }
        }
    }
    forms
}

/// Where the signature of a random number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// With the user who got the token.
    Elsewhere,
    /// In the same dump: who has that needs nothing else.
    InDump,
}

/// Whether who holds this number holds the key.
pub fn is_material(component: &str) -> bool {
    matches!(component, "p" | "q" | "d" | "scalar" | "pem" | "der")
}

impl Key {
    /// Every form of everything that is private in this key, each once.
    pub fn forms(&self) -> Vec<Form> {
        let mut forms = Vec::new();
        match &self.numbers {
            Numbers::Rsa { private, .. } => {
                for (component, number) in private.iter() {
                    push(&mut forms, component, number, Kind::Number);
                }
                let [_, (_, p), (_, q), _, _, (_, qinv)] = &**private;
                for (component, prime) in [("rr-p", p), ("rr-q", q)] {
                    // What turns a number into Montgomery form: R^2 modulo the prime.
                    if let Some(number) = shifted(&[1], 2 * bits(prime), prime) {
                        push(&mut forms, component, &number, Kind::Montgomery);
                    }
                }
                if let Some(number) = shifted(qinv, bits(p), p) {
                    push(&mut forms, "qinv", &number, Kind::Montgomery);
                }
            }
            Numbers::Ec { scalar, .. } => {
                push(&mut forms, "scalar", scalar, Kind::Number);
                if let Some(number) = shifted(scalar, 256, &ORDER) {
                    push(&mut forms, "scalar", &number, Kind::Montgomery);
                }
            }
        }
        let structure = self.structure();
        for (component, encoding, bytes) in [
            ("der", "pkcs8", self.der.clone()),
            // PKCS#1 or SEC 1 lies in PKCS#8, and by itself where a library parsed that.
            ("der", "inner", structure.to_vec()),
            (
                "der",
                "pkcs8-base64",
                Base64::encode_string(&self.der).into_bytes(),
            ),
            ("pem", "pkcs8", self.pem().trim_end().as_bytes().to_vec()),
            // As the body of a request in JSON has it.
            (
                "pem",
                "pkcs8-escaped",
                self.pem().trim_end().replace('\n', "\\n").into_bytes(),
            ),
        ] {
            forms.push(Form {
                component,
                encoding,
                bytes,
            });
        }
        forms.retain(|form| form.bytes.len() >= 16);
        forms
    }

    /// The private part of the texts of PKCS#8: base64 of all that follows the public numbers, as lines have it. What
    /// is left of a PEM is told by it.
    pub fn private_text(&self) -> Vec<u8> {
        let secret = match &self.numbers {
            Numbers::Rsa { private, .. } => &private[0].1,
            Numbers::Ec { scalar, .. } => scalar,
        };
        let start = self
            .der
            .windows(secret.len())
            .position(|window| window == secret);
        let start = start.unwrap_or(0);
        let end = match &self.numbers {
            Numbers::Rsa { .. } => self.der.len(),
            Numbers::Ec { .. } => start + secret.len(),
        };
        // Whole groups of three bytes within the private part.
        let (start, end) = (start.div_ceil(3) * 3, end / 3 * 3);
        Base64::encode_string(&self.der[start..end]).into_bytes()
    }

    /// The PKCS#1 or SEC 1 structure: the last octet string's value.
    fn structure(&self) -> &[u8] {
        let header = match &self.numbers {
            Numbers::Rsa { .. } => self
                .der
                .windows(4)
                .skip(4)
                .position(|w| w[0] == 0x30 && w[1] == 0x82),
            Numbers::Ec { .. } => self
                .der
                .windows(3)
                .skip(4)
                .position(|w| w[0] == 0x30 && w[2] == 2),
        };
        header
            .and_then(|at| self.der.get(at + 4..))
            .unwrap_or_default()
    }
}

/// Whether a number also travels as text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Montgomery,
    /// Lives while a signature is made.
    Passing,
}

/// Adds a number in all its encodings.
fn push(forms: &mut Vec<Form>, component: &'static str, number: &[u8], kind: Kind) {
    let mut limbs = number.to_vec();
    limbs.reverse();
    // A library's array of limbs has zeros on top where the number is short.
    let size = limbs.len().div_ceil(8) * 8;
    let mut whole = limbs.clone();
    whole.resize(size, 0);
    let words = |length: usize| -> Vec<u8> { whole.rchunks(length).flatten().copied().collect() };
    let mut add = |encoding, bytes| {
        forms.push(Form {
            component,
            encoding,
            bytes,
        });
    };
    if kind == Kind::Montgomery {
        add("montgomery-limbs-le", limbs.clone());
        add("montgomery-bytes-be", number.to_vec());
        add("montgomery-words64-be", words(8));
        return;
    }
    add("limbs-le", limbs.clone());
    add("bytes-be", number.to_vec());
    if kind == Kind::Passing {
        return;
    }
    add("words64-be", words(8));
    add("words32-be", words(4));
    let hex: String = number.iter().map(|byte| format!("{byte:02x}")).collect();
    add("hex", hex.clone().into_bytes());
    add("hex-upper", hex.to_uppercase().into_bytes());
    for (phase, name) in ["base64", "base64-phase1", "base64-phase2"]
        .into_iter()
        .enumerate()
    {
        // Whole groups of three bytes from the phase on read the same whatever stands before.
        let rest = &number[phase..];
        add(
            name,
            Base64::encode_string(&rest[..rest.len() / 3 * 3]).into_bytes(),
        );
    }
    add(
        "base64url",
        Base64UrlUnpadded::encode_string(number).into_bytes(),
    );
}

fn bits(number: &[u8]) -> usize {
    number.len() * 8
}

/// The order of P-256.
pub const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
