//! CryptoAPI PRIVATEKEYBLOB of RSA and DSS keys (Microsoft, "Base Provider Key BLOBs", "DSS Provider Key
//! BLOBs", "DSS Version 3 Private Key BLOBs"); all little-endian.
//!
//! | field | bytes |
//! |---|---|
//! | bType 7, bVersion 2 or 3, reserved, aiKeyAlg | 07 02 00 00, 00 a4 00 00 |
//! | RSAPUBKEY: magic `RSA2`, bitlen, pubexp | 12 |
//! | n; p, q, d mod p-1, d mod q-1, q⁻¹ mod p; d | bitlen/8; each bitlen/16; bitlen/8 |
//!
//! | field | bytes |
//! |---|---|
//! | DSSPUBKEY: magic `DSS2`, bitlen | 8 |
//! | p, q, g, x, DSSSEED | bitlen/8, 20, bitlen/8, 20, 24 |
//! | or DSSPRIVKEY_VER3: magic `DSS4`, bitlenP, bitlenQ, bitlenJ, bitlenX, DSSSEED | 20 and 24 |
//! | p, q, g, j, y, x | their lengths |
//!
//! A freed blob has lost its first bytes to the heap's lists: eight of them are the header, sixteen reach to
//! pubexp, which then tells where to look.

use super::numbers::{Field, Numbers, Order, Role, is_modulus_size, reversed};
use crate::bytes::{array, slice, u32_le};
use crate::crypto::Prover;
use crate::crypto::dsa::DsaNumbers;
use crate::detect::key::{Evidence, Key};
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::finding::Proof;
use crate::secret::Secret;

/// The detector.
pub struct Capi;

impl Detector for Capi {
    fn name(&self) -> &'static str {
        FORM
    }

    fn forms(&self) -> &'static [&'static str] {
        &[FORM]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(RSA),
            Anchor::Bytes(DSS),
            Anchor::Bytes(DSS_VERSION_3),
            Anchor::Bytes(EXPONENT),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Capi {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let magic = slice(hit.data, hit.at, 4)?;
        if magic == EXPONENT {
            return freed(hit).map(Sighting::Key);
        }
        let start = hit.at.checked_sub(HEADER);
        let headed = start.filter(|&start| is_header(hit.data, start));
        if magic == RSA {
            return rsa(hit, headed).map(Sighting::Key);
        }
        let start = headed?;
        let (key, length) = dss(hit.data.get(start..)?, hit.prover)?;
        Some(Sighting::Key(key.at(FORM, "raw", start..start + length)))
    }
}

/// The key in a whole PRIVATEKEYBLOB, and the bytes it takes.
pub fn parse(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    if !is_header(data, 0) {
        return None;
    }
    if slice(data, HEADER, 4)? != RSA {
        return dss(data, prover);
    }
    let numbers = rsa_numbers(data, HEADER)?;
    let length = HEADER + RSAPUBKEY + numbers.length;
    numbers.is_whole().then_some(())?;
    Some((numbers.judge(prover)?, length))
}

/// Whether a PUBLICKEYSTRUC of a private key starts at `start`.
pub fn is_header(data: &[u8], start: usize) -> bool {
    matches!(
        array(data, start),
        Some([PRIVATEKEYBLOB, 2 | 3, 0, 0, _, 1..=255, 0, 0])
    )
}

/// An RSA key whose magic was seen, with or without the header before it.
fn rsa(hit: &Hit<'_>, start: Option<usize>) -> Option<Evidence> {
    let numbers = rsa_numbers(hit.data, hit.at)?;
    let lost = if start.is_none() { HEADER } else { 0 };
    let head = start.unwrap_or(hit.at)..hit.at + RSAPUBKEY;
    numbers.evidence(FORM, head, lost, hit.prover)
}

/// The numbers behind an RSAPUBKEY at `at`, if its sizes are possible.
fn rsa_numbers(data: &[u8], at: usize) -> Option<Numbers> {
    let bits = u32_le(data, at + 4).filter(|&bits| is_modulus_size(bits))?;
    let exponent = slice(data, at + 8, 4)?;
    let fields = fields(bits);
    let numbers = Numbers::read(data, at + RSAPUBKEY, Order::Little, &fields)
        .with(Role::E, reversed(exponent));
    numbers.is_plausible(bits).then_some(numbers)
}

fn fields(bits: u32) -> [Field; 7] {
    let (whole, half) = (
        bits.div_ceil(8) as usize,
        (bits.div_ceil(8) as usize).div_ceil(2),
    );
    [
        Field::new(Role::N, whole),
        Field::new(Role::P, half),
        Field::new(Role::Q, half),
        Field::new(Role::Dp, half),
        Field::new(Role::Dq, half),
        Field::new(Role::Qinv, half),
        Field::new(Role::D, whole),
    ]
}

/// An RSA key of which nothing before the public exponent 65,537 is left: n = p·q for one of the usual sizes.
fn freed(hit: &Hit<'_>) -> Option<Evidence> {
    let low = |at: usize| u32_le(hit.data, at);
    let n = hit.at + 4;
    let low_n = low(n).filter(|low| low & 1 == 1)?;
    let bits = FREED_BITS.into_iter().find(|&bits| {
        let whole = bits as usize / 8;
        let p = n + whole;
        let top = hit.data.get(p - 1).is_some_and(|&byte| byte >= 0x80);
        let product = || Some(low(p)?.wrapping_mul(low(p + whole / 2)?));
        top && product() == Some(low_n)
    })?;
    // The tag still stands: the key is found by it.
    let tag = hit.at.checked_sub(8)?;
    if slice(hit.data, tag, 4)? == RSA && u32_le(hit.data, tag + 4)? == bits {
        return None;
    }
    let exponent = slice(hit.data, hit.at, 4)?;
    let numbers =
        Numbers::read(hit.data, n, Order::Little, &fields(bits)).with(Role::E, reversed(exponent));
    let evidence = numbers.evidence(FORM, hit.at..n, HEADER + 8, hit.prover)?;
    (evidence.key.proof == Proof::Arithmetic).then_some(evidence)
}

/// The key in a whole blob of a DSS key that starts with its header.
fn dss(data: &[u8], prover: &Prover<'_>) -> Option<(Key, usize)> {
    let size = |at: usize| {
        let bits = u32_le(data, HEADER + at)?;
        (bits <= MAX_DSS_BITS && bits % 8 == 0).then_some(bits as usize / 8)
    };
    let (first, widths) = match slice(data, HEADER, 4)? {
        DSS => (8, [size(4)?, 20, size(4)?, 0, 0, 20]),
        DSS_VERSION_3 => (
            20 + DSSSEED,
            [size(4)?, size(8)?, size(4)?, size(12)?, size(4)?, size(16)?],
        ),
        _ => return None,
    };
    let mut end = HEADER + first;
    let mut numbers = Vec::with_capacity(widths.len());
    for width in widths {
        numbers.push(reversed(slice(data, end, width)?));
        end += width;
    }
    let [p, q, g, _, y, x] = &numbers[..] else {
        return None;
    };
    if first == 8 {
        slice(data, end, DSSSEED)?;
        end += DSSSEED;
    }
    let numbers = DsaNumbers {
        p,
        q,
        g,
        y: Some(&**y).filter(|y| !y.is_empty()),
        x: Secret::new(x),
    };
    Some((Key::dsa(&numbers, prover)?, end))
}

const FORM: &str = "windows.capi";

const RSA: &[u8] = b"RSA2";
const DSS: &[u8] = b"DSS2";
const DSS_VERSION_3: &[u8] = b"DSS4";

/// pubexp 65,537.
const EXPONENT: &[u8] = b"\x01\x00\x01\x00";

/// Moduli looked for where the bytes that tell the size are lost.
const FREED_BITS: [u32; 5] = [2048, 4096, 3072, 1024, 8192];

const PRIVATEKEYBLOB: u8 = 7;

/// Bytes of PUBLICKEYSTRUC, RSAPUBKEY and DSSSEED.
const HEADER: usize = 8;
const RSAPUBKEY: usize = 12;
const DSSSEED: usize = 24;

const MAX_DSS_BITS: u32 = 4096;
