//! What we say about a private key: its kind, its proof, its public name and its places. Nothing
//! here borrows from the dump or can hold a byte of it.

use crate::crypto::{Algorithm, Curve, Fingerprint};
use time::Date;

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// It looks like a key.
    Shape,
    /// A whole structure decodes and its numbers are in range.
    Parsed,
    /// An independent public half confirms it.
    Arithmetic,
}

impl Proof {
    /// The word reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Parsed => "parsed",
            Self::Arithmetic => "arithmetic",
        }
    }
}

/// What kind of secret it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A private key in clear.
    Private(Algorithm),
    /// A whole private key of an algorithm or curve whose arithmetic is not here.
    Other,
    /// A whole private key under a passphrase.
    Encrypted,
    /// A secret under a key of the machine or user, as DPAPI writes it.
    Protected,
    /// A symmetric key written down as one (JWK `oct`).
    Symmetric,
}

impl Kind {
    /// The names of all kinds.
    pub fn names() -> impl Iterator<Item = &'static str> {
        [
            Algorithm::Rsa,
            Algorithm::Ec,
            Algorithm::Ed25519,
            Algorithm::X25519,
            Algorithm::Ed448,
            Algorithm::X448,
            Algorithm::Dsa,
        ]
        .map(Self::Private)
        .into_iter()
        .chain([
            Self::Other,
            Self::Encrypted,
            Self::Protected,
            Self::Symmetric,
        ])
        .map(Self::name)
    }

    /// The name reports and policies use; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private(Algorithm::Rsa) => "rsa-private-key",
            Self::Private(Algorithm::Ec) => "ec-private-key",
            Self::Private(Algorithm::Ed25519) => "ed25519-private-key",
            Self::Private(Algorithm::X25519) => "x25519-private-key",
            Self::Private(Algorithm::Ed448) => "ed448-private-key",
            Self::Private(Algorithm::X448) => "x448-private-key",
            Self::Private(Algorithm::Dsa) => "dsa-private-key",
            Self::Other => "private-key",
            Self::Encrypted => "encrypted-private-key",
            Self::Protected => "protected",
            Self::Symmetric => "symmetric-key",
        }
    }
}

/// Consecutive bytes of the file. Offsets and lengths in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Piece {
    /// Offset from the start of the file.
    pub offset: u64,
    /// Length.
    pub length: u64,
    /// Virtual address of the first byte in the dumped process, where there is one.
    pub va: Option<u64>,
}

/// Who owns the memory a place lies in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// What kind of owner.
    pub kind: OwnerKind,
    /// Its name as a person would say it: `thread 4711`, `libssl.so.3+0x1200`. Hostile text out of
    /// the dump: printers escape it.
    pub name: String,
}

/// Kinds of owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// The stack of a thread.
    Stack,
    /// The process' heap.
    Heap,
    /// Private memory of the process, not known more closely.
    Private,
    /// A mapped module or file.
    Module,
    /// A stream or note of the dump other than memory.
    Stream,
    /// The dump's own headers and tables.
    Header,
    /// Bytes no table of the dump speaks of.
    Gap,
    /// A file that is no dump.
    Raw,
}

impl OwnerKind {
    /// The word reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Heap => "heap",
            Self::Private => "private",
            Self::Module => "module",
            Self::Stream => "stream",
            Self::Header => "header",
            Self::Gap => "gap",
            Self::Raw => "raw",
        }
    }
}

/// What is left of a structure that lost a part. In bytes of the structure, not of the text it is
/// written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fragment {
    /// Bytes that are there.
    pub present: u64,
    /// Bytes the whole would have, where that is known.
    pub expected: Option<u64>,
}

/// The component of a place where all of a key lies.
pub const WHOLE: &str = "key";

/// The component of a place where a part of a structure is left.
pub const REMAINS: &str = "fragment";

/// One place where a key, or a part of it, lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The form's name, as `der.pkcs1`.
    pub form: &'static str,
    /// Which part of the key lies there: [`WHOLE`], [`REMAINS`], or a number: `prime`.
    pub component: &'static str,
    /// How much is left, for a fragment.
    pub fragment: Option<Fragment>,
    /// How the bytes are written: `raw`, `ascii`.
    pub encoding: &'static str,
    /// The proof this place reached.
    pub proof: Proof,
    /// The bytes, in the order in which they lay in memory.
    pub pieces: Vec<Piece>,
    /// The owner of the first piece.
    pub owner: Owner,
}

/// Why a user accepts a key in his dumps, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// His reason.
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub until: Date,
    /// That day has passed: the key counts again.
    pub expired: bool,
}

/// What a policy makes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It makes the verdict `found`.
    Counts,
    /// Everyone has this key.
    Known,
    /// The user accepts this key.
    Accepted,
    /// The policy demands this proof, and it has less.
    Below(Proof),
    /// The policy names the kinds that count, and its is none of them.
    Ignored,
}

/// One private key and all its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Kind of secret.
    pub kind: Kind,
    /// Size in bits of modulus or field, where known.
    pub bits: Option<u32>,
    /// The curve, for EC keys.
    pub curve: Option<Curve>,
    /// The best proof of its places.
    pub proof: Proof,
    /// SHA-256 of the public half's SubjectPublicKeyInfo, where the public half is known.
    pub spki_sha256: Option<Fingerprint>,
    /// The fingerprint holds if the public exponent is the usual 65537: nothing told it.
    pub e_assumed: bool,
    /// What a container without a public half in clear calls the key: PKCS#12's localKeyID, in
    /// hexadecimal.
    pub key_id: Option<String>,
    /// Where this key was published, if it is one that everyone has.
    pub known: Option<&'static str>,
    /// What the user calls it, if it is one that must never leave.
    pub watched: Option<String>,
    /// The baseline's entry for it, if there is one, expired or not.
    pub accepted: Option<Acceptance>,
    /// What the policy makes of it.
    pub standing: Standing,
    /// Places, by offset.
    pub places: Vec<Place>,
    /// Places seen but not listed, because there were too many.
    pub places_omitted: u64,
}

/// A public key met in the dump or given by the user, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicFinding {
    /// Kind of key.
    pub algorithm: Algorithm,
    /// Size in bits.
    pub bits: u32,
    /// The curve, for EC keys.
    pub curve: Option<Curve>,
    /// Its fingerprint.
    pub spki_sha256: Fingerprint,
    /// It is a bare modulus, and the fingerprint holds if its exponent is the usual 65537.
    pub e_assumed: bool,
    /// Form and place of the first copies seen.
    pub places: Vec<(&'static str, Piece)>,
    /// Copies seen but not listed.
    pub places_omitted: u64,
}
