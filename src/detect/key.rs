//! A private key as a parser read it, and the evidence it becomes once its place is known.

use crate::crypto::dsa::DsaNumbers;
use crate::crypto::material::{CRT_EXPONENT, Material, PRIME, PRIVATE_EXPONENT, SCALAR};
use crate::crypto::prover::{Digest256, Judgement, digest};
use crate::crypto::random::{is_varied, looks_random};
use crate::crypto::rsa::{RsaNumbers, RsaProof};
use crate::crypto::rsa_multi::MultiPrime;
use crate::crypto::rsa_parts::RsaParts;
use crate::crypto::{Algorithm, Curve, Identity, Prover, PublicKey, der};
pub use crate::finding::Fragment;
use crate::finding::{Kind, Proof, WHOLE};
use crate::secret::{Secret, exposed};
use std::ops::Range;
use std::sync::Arc;

/// What a parser makes of a private key structure; its secret numbers are not kept.
#[derive(Clone, Debug)]
pub struct Key {
    /// Kind of secret.
    pub kind: Kind,
    /// How far it is proven by the structure alone.
    pub proof: Proof,
    /// Size in bits, where known.
    pub bits: Option<u32>,
    /// The curve, for EC keys.
    pub curve: Option<Curve>,
    /// The public half: from the structure, or derived.
    pub public: Option<Arc<Identity>>,
    /// Public halves that were derived from the secret, so that one of them seen elsewhere confirms
    /// the key. More than one where the structure leaves the curve open.
    pub derived: Vec<Arc<Identity>>,
    /// What a container without a public half in clear calls the key: PKCS#12's localKeyID.
    pub key_id: Option<Box<[u8]>>,
    /// Tells equal keys whose public half is not known; never shown.
    pub digest: Digest256,
    /// The public half's exponent is the usual one, because nothing told it.
    pub e_assumed: bool,
    /// The private numbers at hand, where they determine the key: to look for their copies.
    pub material: Option<Arc<Material>>,
}

/// A key in its place.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The key.
    pub key: Key,
    /// The form's name, as `der.pkcs1`.
    pub form: &'static str,
    /// Which part of the key lies there: [`WHOLE`] for all of it.
    pub component: &'static str,
    /// How the bytes are written: `raw`, `ascii`.
    pub encoding: &'static str,
    /// Bytes, as offsets into the slice that was examined.
    pub range: Range<usize>,
    /// How much is left of the structure, if it lost a part.
    pub fragment: Option<Fragment>,
}

impl Key {
    /// Judges the numbers of an RSA structure. `None` when the budget for proofs is used up.
    pub fn rsa(numbers: &RsaNumbers<'_>, prover: &Prover<'_>) -> Option<Self> {
        let (proof, public) = prover.rsa(numbers)?;
        let proof = match proof {
            RsaProof::Proven => Proof::Arithmetic,
            RsaProof::WrongExponent => Proof::Parsed,
            RsaProof::NotAKey => Proof::Shape,
        };
        Some(Self {
            kind: Kind::Private(Algorithm::Rsa),
            proof,
            bits: Some(crate::bytes::bit_length(numbers.n)),
            curve: None,
            public,
            derived: Vec::new(),
            key_id: None,
            digest: digest(&[b"rsa", numbers.n, numbers.p.expose(), numbers.q.expose()]),
            e_assumed: false,
            material: (proof == Proof::Arithmetic)
                .then(|| {
                    let d = numbers.d.map(|d| (PRIVATE_EXPONENT, d));
                    Material::of(
                        [(PRIME, numbers.p), (PRIME, numbers.q)]
                            .into_iter()
                            .chain(d),
                    )
                })
                .flatten()
                .map(Arc::new),
        })
    }

    /// Judges what is left of the numbers of an RSA structure. Where it determines the key it is proven and
    /// named; where a whole private number is left it is `parsed`; else a mere shape. `None` when the
    /// budget for proofs is used up.
    pub fn rsa_parts(parts: &RsaParts<'_>, prover: &Prover<'_>) -> Option<Self> {
        let private = [parts.d, parts.p, parts.q, parts.dp, parts.dq, parts.qinv].map(exposed);
        let (proof, public, derived) = match prover.rsa_parts(parts)? {
            Judgement::Rebuilt(public, true) if public.len() == 1 => {
                (Proof::Arithmetic, public.first().cloned(), Vec::new())
            }
            Judgement::Rebuilt(public, _) => (Proof::Parsed, None, public.to_vec()),
            // Enough was left to determine a key, and it does not: these are no numbers of one.
            _ if parts.may_determine_key() => (Proof::Shape, None, Vec::new()),
            _ if private
                .iter()
                .any(|number| is_varied(number) && number.len() >= MIN_NUMBER) =>
            {
                (Proof::Parsed, None, Vec::new())
            }
            _ => (Proof::Shape, None, Vec::new()),
        };
        let is_rebuilt = public.is_some() || !derived.is_empty();
        let material = is_rebuilt.then(|| {
            let named = [
                (PRIME, parts.p),
                (PRIME, parts.q),
                (PRIVATE_EXPONENT, parts.d),
                (CRT_EXPONENT, parts.dp),
                (CRT_EXPONENT, parts.dq),
            ];
            let given = named
                .into_iter()
                .filter_map(|(component, number)| Some((component, number?)));
            Material::of(given)
        });
        let material = material.flatten().map(Arc::new);
        let [d, p, q, dp, dq, qinv] = private;
        let modulus = parts.n.map(crate::bytes::bit_length);
        Some(Self {
            kind: Kind::Private(Algorithm::Rsa),
            proof,
            bits: public
                .as_ref()
                .map(|public| public.key().bits())
                .or(modulus),
            curve: None,
            public,
            derived,
            key_id: None,
            digest: digest(&[
                b"rsa parts",
                parts.n.unwrap_or_default(),
                d,
                p,
                q,
                dp,
                dq,
                qinv,
            ]),
            e_assumed: false,
            material,
        })
    }

    /// Judges the numbers of an RSA structure of which the last may be lost or overwritten: all together if
    /// they are there, else what n, e and the first private ones determine. `None` when there is no public
    /// half in range, or the budget for proofs is used up.
    pub fn rsa_left(parts: &RsaParts<'_>, prover: &Prover<'_>) -> Option<Self> {
        PublicKey::rsa(parts.n?, parts.e?)?;
        let whole = match (parts.n, parts.e, parts.p, parts.q) {
            (Some(n), Some(e), Some(p), Some(q)) => {
                let d = parts.d;
                let key = Self::rsa(&RsaNumbers { n, e, d, p, q }, prover)?;
                if key.proof > Proof::Shape {
                    return Some(key);
                }
                Some(key)
            }
            _ => None,
        };
        if whole.is_none() && parts.p.is_some() {
            let key = Self::rsa_parts(parts, prover)?;
            if key.proof == Proof::Arithmetic {
                return Some(key);
            }
        }
        let exponent = RsaParts {
            n: parts.n,
            e: parts.e,
            d: parts.d.filter(|d| is_varied(d.expose())),
            ..RsaParts::default()
        };
        let key = Self::rsa_parts(&exponent, prover)?;
        Some(match whole {
            Some(whole) if key.proof < Proof::Arithmetic => whole,
            _ => key,
        })
    }

    /// Judges the numbers of an RSA structure with more than two primes: proven, or a mere shape. `None` when
    /// the budget for proofs is used up.
    pub fn rsa_multi(
        n: &[u8],
        e: &[u8],
        d: Secret<'_>,
        primes: &[Secret<'_>],
        prover: &Prover<'_>,
    ) -> Option<Self> {
        let public = match prover.rsa_multi(&MultiPrime { n, e, d, primes })? {
            Judgement::Derived(public) => Some(public),
            _ => None,
        };
        let is_proven = public.is_some();
        let material = is_proven.then(|| {
            let primes = primes.iter().map(|prime| (PRIME, *prime));
            Material::of(primes.chain([(PRIVATE_EXPONENT, d)]))
        });
        let material = material.flatten().map(Arc::new);
        Some(Self {
            kind: Kind::Private(Algorithm::Rsa),
            proof: if is_proven {
                Proof::Arithmetic
            } else {
                Proof::Shape
            },
            bits: Some(crate::bytes::bit_length(n)),
            curve: None,
            public,
            derived: Vec::new(),
            key_id: None,
            digest: digest(&[b"rsa multi", n, d.expose()]),
            e_assumed: false,
            material,
        })
    }

    /// Judges the numbers of a DSA structure. `None` when they are out of range, or the budget for proofs
    /// is used up.
    pub fn dsa(numbers: &DsaNumbers<'_>, prover: &Prover<'_>) -> Option<Self> {
        let Judgement::Derived(identity) = prover.dsa(numbers)? else {
            return None;
        };
        let PublicKey::Dsa { y, .. } = identity.key() else {
            return None;
        };
        let proof = match numbers.y.map(crate::bytes::trim_zeros) {
            Some(public) if public == &**y => Proof::Arithmetic,
            Some(_) => Proof::Shape,
            None if is_varied(numbers.x.expose()) => Proof::Parsed,
            None => Proof::Shape,
        };
        let digest = digest(&[
            b"dsa",
            numbers.x.expose(),
            identity.fingerprint().as_bytes(),
        ]);
        let material = Material::of([(SCALAR, numbers.x)]);
        let key = Self::derived_from(identity.clone(), vec![identity], proof, digest);
        Some(key.with_material(material))
    }

    /// Judges an EC scalar: against `point` where the structure holds one, on `curve` where it names
    /// one, else on every curve of that size. `None` when it is in range of no curve, or the budget
    /// for proofs is used up.
    pub fn ec(
        curve: Option<Curve>,
        scalar: &[u8],
        point: Option<&[u8]>,
        prover: &Prover<'_>,
    ) -> Option<Self> {
        let digits = crate::bytes::trim_zeros(scalar).len();
        let sizes = Curve::ALL.into_iter().map(Curve::field_bytes);
        let field_bytes = sizes.filter(|size| *size >= digits).min()?;
        let curves = Curve::ALL.into_iter().filter(|candidate| match curve {
            Some(curve) => *candidate == curve,
            None => candidate.field_bytes() == field_bytes,
        });
        let derived: Vec<Arc<Identity>> = curves
            .filter_map(|curve| match prover.ec(curve, scalar)? {
                Judgement::Derived(identity) => Some(identity),
                _ => None,
            })
            .collect();
        let matching = point.and_then(|point| {
            derived.iter().find(|identity| {
                let curve = identity.key().curve();
                curve.and_then(|curve| PublicKey::ec(curve, point)).as_ref() == Some(identity.key())
            })
        });
        let public = matching.or(derived.first())?.clone();
        let proof = match point {
            Some(_) if matching.is_some() => Proof::Arithmetic,
            Some(_) => Proof::Shape,
            None if looks_random(scalar) => Proof::Parsed,
            None => Proof::Shape,
        };
        let digest = digest(&[
            b"ec",
            crate::bytes::trim_zeros(scalar),
            public.fingerprint().as_bytes(),
        ]);
        let material = Material::on_curve(public.key(), scalar);
        Some(Self::derived_from(public, derived, proof, digest).with_material(material))
    }

    /// Judges the secret of a Curve25519 key, `judgement` being what the prover derived from it,
    /// against `public` where the structure holds one.
    pub fn edwards(
        judgement: &Judgement,
        secret: &[u8],
        public: Option<&PublicKey>,
    ) -> Option<Self> {
        let Judgement::Derived(identity) = judgement else {
            return None;
        };
        let proof = match public {
            Some(public) if public == identity.key() => Proof::Arithmetic,
            Some(_) => Proof::Shape,
            None if looks_random(secret) => Proof::Parsed,
            None => Proof::Shape,
        };
        let digest = digest(&[b"edwards", secret, identity.fingerprint().as_bytes()]);
        let material = Material::on_curve(identity.key(), secret);
        let derived = vec![identity.clone()];
        let key = Self::derived_from(identity.clone(), derived, proof, digest);
        Some(key.with_material(material))
    }

    /// A key whose private numbers were proven against the independent public half `public`.
    pub fn proven(public: Arc<Identity>, material: Material) -> Self {
        let digest = digest(&[b"proven", public.fingerprint().as_bytes()]);
        Self {
            material: Some(Arc::new(material)),
            ..Self::derived_from(public, Vec::new(), Proof::Arithmetic, digest)
        }
    }

    /// The same proven key under the name of `public`, once something tells that it is this one.
    #[must_use]
    pub fn renamed(self, public: Arc<Identity>) -> Self {
        Self {
            digest: digest(&[b"proven", public.fingerprint().as_bytes()]),
            public: Some(public),
            e_assumed: false,
            ..self
        }
    }

    /// The evidence of a part of this key at `range`: of the component `component`, in the form `form`.
    pub fn part_at(
        self,
        form: &'static str,
        component: &'static str,
        encoding: &'static str,
        range: Range<usize>,
    ) -> Evidence {
        Evidence {
            component,
            ..self.at(form, encoding, range)
        }
    }

    /// A whole key of an algorithm or curve whose arithmetic is not here.
    pub fn other(secret: &[u8]) -> Self {
        Self {
            kind: Kind::Other,
            proof: Proof::Parsed,
            bits: None,
            curve: None,
            public: None,
            derived: Vec::new(),
            key_id: None,
            digest: digest(&[b"other", secret]),
            e_assumed: false,
            material: None,
        }
    }

    /// A whole EC key on a curve whose arithmetic is not here; `None` unless its scalar may be random.
    pub fn other_curve(scalar: &[u8]) -> Option<Self> {
        is_varied(scalar).then(|| Self::other(scalar))
    }

    /// A whole key under a passphrase; `public` where its format shows the public half in clear.
    pub fn encrypted(public: Option<PublicKey>, ciphertext: &[u8]) -> Self {
        let public = public.map(|key| Arc::new(Identity::new(key)));
        Self {
            kind: Kind::Encrypted,
            proof: Proof::Parsed,
            bits: public.as_ref().map(|public| public.key().bits()),
            curve: public.as_ref().and_then(|public| public.key().curve()),
            public,
            derived: Vec::new(),
            key_id: None,
            digest: digest(&[b"encrypted", ciphertext]),
            e_assumed: false,
            material: None,
        }
    }

    /// The same key under the name of `public`, which its format shows in clear.
    #[must_use]
    pub fn with_public(self, public: PublicKey) -> Self {
        Self {
            digest: self.digest,
            key_id: self.key_id,
            ..Self::encrypted(Some(public), &[])
        }
    }

    /// Something that looks like a private key of `algorithm`, and of which no private number is left.
    pub fn shape(algorithm: Algorithm, bytes: &[u8]) -> Self {
        Self {
            kind: Kind::Private(algorithm),
            proof: Proof::Shape,
            ..Self::other(bytes)
        }
    }

    /// A secret under a key of the machine or user: it looks like one, and nothing more can be said.
    pub fn protected(ciphertext: &[u8]) -> Self {
        Self {
            kind: Kind::Protected,
            proof: Proof::Shape,
            ..Self::encrypted(None, ciphertext)
        }
    }

    /// A symmetric key that a structure calls one.
    pub fn symmetric(secret: &[u8]) -> Self {
        Self {
            kind: Kind::Symmetric,
            bits: u32::try_from(secret.len() * 8).ok(),
            ..Self::other(secret)
        }
    }

    /// The same key with its private numbers, if they are worth a search: those of a mere shape are not.
    fn with_material(self, material: Option<Material>) -> Self {
        Self {
            material: material.filter(|_| self.proof > Proof::Shape).map(Arc::new),
            ..self
        }
    }

    fn derived_from(
        public: Arc<Identity>,
        derived: Vec<Arc<Identity>>,
        proof: Proof,
        digest: Digest256,
    ) -> Self {
        Self {
            kind: Kind::Private(public.key().algorithm()),
            proof,
            bits: Some(public.key().bits()),
            curve: public.key().curve(),
            public: Some(public),
            derived,
            key_id: None,
            digest,
            e_assumed: false,
            material: None,
        }
    }

    /// The evidence of what is left of this key at `range`.
    pub fn fragment_at(
        self,
        form: &'static str,
        encoding: &'static str,
        range: Range<usize>,
        fragment: Fragment,
    ) -> Evidence {
        Evidence {
            fragment: Some(fragment),
            ..self.at(form, encoding, range)
        }
    }

    /// The evidence of this key at `range`.
    pub fn at(self, form: &'static str, encoding: &'static str, range: Range<usize>) -> Evidence {
        Evidence {
            key: self,
            form,
            component: WHOLE,
            encoding,
            range,
            fragment: None,
        }
    }
}

/// The parsers' common shape: a key that starts at the first byte of a slice, and its length in bytes.
pub type Parse = fn(&[u8], &Prover<'_>) -> Option<(Key, usize)>;

/// The bytes of a SEQUENCE whose contents start at `contents` and are `length` bytes long exactly;
/// only the contents when its header is lost.
pub fn with_header(data: &[u8], contents: usize, length: usize) -> Range<usize> {
    let end = contents + length;
    match der::header_before(data, der::tag::SEQUENCE, contents, length) {
        Some((start, given)) if given == length => start..end,
        _ => contents..end,
    }
}

/// Bytes of a private number that counts by itself: a prime of a 512-bit modulus.
const MIN_NUMBER: usize = 32;
