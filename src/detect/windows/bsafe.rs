//! The BSAFE form of RSA private keys that Windows keeps in key files and in DPAPI's domain backup keys;
//! all little-endian. Not documented; the layout as programs that read such files have it.
//!
//! | field | bytes |
//! |---|---|
//! | magic `RSA2`, keylen, bitlen, datalen, pubexp | 20 |
//! | n, p, q, d mod p-1, d mod q-1, q⁻¹ mod p, d | bitlen/8 or bitlen/16, and zeros |
//!
//! keylen is bitlen/8 with n's zeros, eight of them; the half-size numbers have half as many.

use super::numbers::{Field, Numbers, Order, Role, is_modulus_size, reversed};
use crate::bytes::{slice, u32_le};
use crate::detect::{Anchor, Detector, Hit, Sighting};

/// The detector.
pub struct Bsafe;

impl Detector for Bsafe {
    fn name(&self) -> &'static str {
        "windows.bsafe"
    }

    fn forms(&self) -> &'static [&'static str] {
        &["windows.bsafe"]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[Anchor::Bytes(b"RSA2")]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl Bsafe {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let number = |at: usize| u32_le(hit.data, hit.at + at);
        let bits = number(8).filter(|&bits| is_modulus_size(bits) && bits.is_multiple_of(16))?;
        let whole = bits as usize / 8;
        let pad = (number(4)? as usize).checked_sub(whole)?;
        (pad <= MAX_PAD && pad.is_multiple_of(2)).then_some(())?;
        (number(12)? as usize)
            .abs_diff(whole)
            .le(&1)
            .then_some(())?;
        let field = |role, width, pad| Field { role, width, pad };
        let half = |role| field(role, whole / 2, pad / 2);
        let fields = [
            field(Role::N, whole, pad),
            half(Role::P),
            half(Role::Q),
            half(Role::Dp),
            half(Role::Dq),
            half(Role::Qinv),
            field(Role::D, whole, pad),
        ];
        let exponent = slice(hit.data, hit.at + 16, 4)?;
        let numbers = Numbers::read(hit.data, hit.at + HEADER, Order::Little, &fields)
            .with(Role::E, reversed(exponent));
        numbers.is_plausible(bits).then_some(())?;
        let head = hit.at..hit.at + HEADER;
        let evidence = numbers.evidence(self.name(), head, 0, hit.prover)?;
        Some(Sighting::Key(evidence))
    }
}

const HEADER: usize = 20;

/// Zeros behind a modulus at most.
const MAX_PAD: usize = 16;
