//! DSA and Elgamal keys in binary: nothing in them is the same in all keys, so that they are found by the
//! signature behind them (RFC 9580, section 10.1.2; RFC 4880, section 11.1).
//!
//! | packet | begins with |
//! |---|---|
//! | secret or public key | header, 04, time, 11 |
//! | user ID | header, text |
//! | signature of the key over both | header, 04 13 11, hash algorithm, 00 xx bytes of hashed subpackets |
//! | subkeys, each with a signature | header, 04, time, 10 |

use super::packet::Header;
use super::secret_key::{FORMS, read};
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};

/// The detector.
pub struct Keyring;

impl Detector for Keyring {
    fn name(&self) -> &'static str {
        "pgp.keyring"
    }

    fn forms(&self) -> &'static [&'static str] {
        &FORMS
    }

    /// Version 4, certification of a user ID, DSA, SHA-1 or SHA-256, and the upper half of a length.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Bytes(b"\x04\x13\x11\x02\x00"),
            Anchor::Bytes(b"\x04\x13\x11\x08\x00"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let primary = before(hit.data, hit.at, SIGNATURE)
            .flat_map(|signature| ending_at(hit.data, signature, MAX_USER_ID))
            .filter(|(_, header)| header.tag == USER_ID)
            .flat_map(|(user, _)| ending_at(hit.data, user, MAX_KEY))
            .find_map(|(start, header)| Some((start, sighting(hit, start, header)?)));
        let Some((start, primary)) = primary else {
            return Vec::new();
        };
        let mut sightings = vec![primary];
        let mut at = start;
        for _ in 0..MAX_PACKETS {
            let Some(header) = Header::read(hit.data, at) else {
                break;
            };
            if at > start && header.holds_key() {
                sightings.extend(sighting(hit, at, header));
            }
            at = at.saturating_add(header.size).saturating_add(header.length);
            if at >= hit.data.len() || at - start > LONGEST_FORM {
                break;
            }
        }
        sightings
    }
}

/// The key in the packet at `start`, if it is one of DSA or Elgamal: others have anchors of their own.
fn sighting(hit: &Hit<'_>, start: usize, header: Header) -> Option<Sighting> {
    let body = start + header.size;
    let end = body.checked_add(header.length)?.min(hit.data.len());
    let packet = hit.data.get(body..end)?;
    matches!(packet, [4, _, _, _, _, 16 | 17, ..]).then_some(())?;
    Some(read(header, packet, hit.prover)?.sighting(FORMS, "raw", start..end))
}

/// Where the headers of packets with this tag start that end where `body` starts.
fn before(data: &[u8], body: usize, tag: u8) -> impl Iterator<Item = usize> {
    [2, 3, 6, 5].into_iter().filter_map(move |size| {
        let start = body.checked_sub(size)?;
        let header = Header::read(data, start)?;
        (header.size == size && header.tag == tag).then_some(start)
    })
}

/// Packets of keys and user IDs that end at `end`, and have at most `longest` bytes.
fn ending_at(data: &[u8], end: usize, longest: usize) -> impl Iterator<Item = (usize, Header)> {
    (MIN_PACKET..=longest).filter_map(move |length| {
        let start = end.checked_sub(length)?;
        let header = Header::read(data, start)?;
        let is_wanted = header.tag == USER_ID || header.holds_key();
        (is_wanted && header.size + header.length == length).then_some((start, header))
    })
}

/// Tags of packets.
const SIGNATURE: u8 = 2;
const USER_ID: u8 = 13;

/// Bytes of a packet: a user ID of one letter; a long name and address; a DSA key of 4096 bits.
const MIN_PACKET: usize = 3;
const MAX_USER_ID: usize = 300;
const MAX_KEY: usize = 2048;

/// Packets of a keyring that are looked at for subkeys.
const MAX_PACKETS: usize = 64;
