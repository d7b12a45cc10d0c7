//! Does a process talk TLS or SSH? Then a point that nothing announces is likely the key of one session.
//!
//! | trace, outside of modules | checked by |
//! |---|---|
//! | ClientHello, ServerHello (RFC 5246 and 8446) | versions, random bytes, that the lengths of their fields make up the whole |
//! | a point in a KeyShareEntry (RFC 8446, 4.2.8) or ServerKeyExchange (RFC 8422, 5.4) | the group's number and both lengths before it |
//! | an X.509 certificate | version and nested lengths |
//! | SSH_MSG_KEXINIT (RFC 4253, 7.1) | its number, the length and the first name of its first list |

use super::space::{Block, Space};
use crate::bytes::{array, is_zero, slice};
use crate::crypto::random::looks_random;
use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, Match};
use memchr::memmem;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// The first trace of sessions in `space`, in words.
pub fn of_sessions(space: &Space<'_>) -> Option<&'static str> {
    let framed = Framed::new()?;
    let is_found = AtomicBool::new(false);
    let mut first = None;
    space.each_block(
        |block| {
            if block.is_module || is_found.load(Ordering::Relaxed) {
                return None;
            }
            let found = of_block(block, &framed);
            is_found.fetch_or(found.is_some(), Ordering::Relaxed);
            found
        },
        |found, _| first = first.or(found),
    );
    first
}

/// Finds [`SHARES`] and [`NAMES`].
enum Framed {
    /// Ten times as fast, where the processor has the instructions.
    Packed(Searcher),
    Automaton(AhoCorasick),
}

impl Framed {
    fn new() -> Option<Self> {
        let names = || SHARES.iter().chain(&NAMES);
        match Searcher::new(names()) {
            Some(searcher) => Some(Self::Packed(searcher)),
            None => AhoCorasick::new(names()).ok().map(Self::Automaton),
        }
    }

    /// The first that `check` takes.
    fn first_in<T>(&self, bytes: &[u8], check: impl FnMut(Match) -> Option<T>) -> Option<T> {
        match self {
            Self::Packed(searcher) => searcher.find_iter(bytes).find_map(check),
            Self::Automaton(automaton) => automaton.find_iter(bytes).find_map(check),
        }
    }
}

fn of_block(block: &Block<'_>, framed: &Framed) -> Option<&'static str> {
    let bytes = block.bytes;
    let filled = filled(bytes);
    let parts = || {
        let parts = filled.iter();
        parts.filter_map(|range| Some((range.start, bytes.get(range.clone())?)))
    };
    let share = parts().find_map(|(start, part)| {
        framed.first_in(part, |found| {
            if found.pattern().as_usize() < SHARES.len() {
                return Some("a key share");
            }
            is_kexinit(bytes, start + found.start()).then_some("an SSH key exchange")
        })
    });
    let any = |needle: &[u8], is: fn(&[u8], usize) -> Option<bool>| {
        parts().any(|(start, part)| {
            memmem::find_iter(part, needle).any(|at| is(bytes, start + at).unwrap_or(false))
        })
    };
    let hello = || any(&[3, 3], is_hello).then_some("a TLS handshake");
    let certificate = || any(CERTIFICATE, is_certificate).then_some("a certificate");
    share.or_else(hello).or_else(certificate)
}

/// The parts of `bytes` that are not zero, with enough beside them for what begins or ends with zeros: most memory is
/// zeros, and is looked at once instead of three times.
fn filled(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (index, page) in bytes.chunks(PAGE).enumerate() {
        if is_zero(page) {
            continue;
        }
        let start = (index * PAGE).saturating_sub(BESIDE);
        let end = (index * PAGE + page.len() + BESIDE).min(bytes.len());
        match parts.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => parts.push(start..end),
        }
    }
    parts
}

/// Whether the version at `at` belongs to a ClientHello or ServerHello.
fn is_hello(bytes: &[u8], at: usize) -> Option<bool> {
    let start = at.checked_sub(4)?;
    let [kind, 0, high, low] = array(bytes, start)? else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let [session] = array(bytes, start + 38)?;
    if !matches!(session, 0 | 32) || !slice(bytes, start + 6, 32).is_some_and(looks_random) {
        return None;
    }
    let rest = start + 39 + usize::from(session);
    let end = start + 4 + length;
    let size = |at: usize| array(bytes, at).map(|size| usize::from(u16::from_be_bytes(size)));
    let before_extensions = match kind {
        1 => {
            let suites = size(rest)?;
            let is_suites = (2..=1024).contains(&suites) && suites % 2 == 0;
            (is_suites && slice(bytes, rest + 2 + suites, 2) == Some(&[1, 0]))
                .then_some(rest + 4 + suites)?
        }
        2 => matches!(array(bytes, rest)?, [0 | 0x13 | 0xc0 | 0xcc, _, 0]).then_some(rest + 3)?,
        _ => return None,
    };
    // Old ones have no extensions.
    Some(before_extensions == end || before_extensions + 2 + size(before_extensions)? == end)
}

/// Whether the version at `at` stands in a certificate: in a TBSCertificate in a SEQUENCE (RFC 5280, 4.1).
fn is_certificate(bytes: &[u8], at: usize) -> Option<bool> {
    let [0x30, 0x82, a, b, 0x30, 0x82, c, d] = array(bytes, at.checked_sub(8)?)? else {
        return None;
    };
    let [outer, inner] = [[a, b], [c, d]].map(|length| usize::from(u16::from_be_bytes(length)));
    // The algorithm and the signature of a key of 256 bits or more.
    Some((inner + 4 + 64..inner + 4 + 2100).contains(&outer))
}

/// Whether the name at `at` is the first of an SSH_MSG_KEXINIT.
fn is_kexinit(bytes: &[u8], at: usize) -> bool {
    let length = at
        .checked_sub(4)
        .and_then(|at| array(bytes, at))
        .map(u32::from_be_bytes);
    let number = at.checked_sub(21).and_then(|at| bytes.get(at));
    number == Some(&20) && length.is_some_and(|length| (8..4096).contains(&length))
}

/// Bytes that are zero or not together, and those beside them that are looked at too: more than any name has.
const PAGE: usize = 4096;
const BESIDE: usize = 32;

/// What stands before a point, and its first byte: of P-256, P-384 and P-521, in a KeyShareEntry and in a
/// ServerKeyExchange.
const SHARES: [&[u8]; 6] = [
    b"\x00\x17\x00\x41\x04",
    b"\x00\x18\x00\x61\x04",
    b"\x00\x19\x00\x85\x04",
    b"\x03\x00\x17\x41\x04",
    b"\x03\x00\x18\x61\x04",
    b"\x03\x00\x19\x85\x04",
];

/// How the first lists of SSH_MSG_KEXINIT begin.
const NAMES: [&[u8]; 6] = [
    b"curve25519-sha256",
    b"ecdh-sha2-nistp",
    b"diffie-hellman-group",
    b"sntrup761x25519",
    b"mlkem768",
    b"gss-",
];

/// The version of an X.509 certificate, and the tag of its serial number.
const CERTIFICATE: &[u8] = &[0xa0, 3, 2, 1, 2, 2];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Label, MemoryMap, Owners};

    fn look(bytes: &[u8]) -> Option<&'static str> {
        let mut memory = vec![0x5a; 0x800];
        memory.extend_from_slice(bytes);
        memory.resize(0x1000, 0x5a);
        let labels = vec![Label::memory(0, 0x1000, 0x7000)];
        let map = MemoryMap::tile(0x1000, labels, Vec::new(), Owners::default());
        of_sessions(&Space::new(&memory, &map, 8))
    }

    fn hello(kind: u8, body: &[u8]) -> Vec<u8> {
        let random: Vec<u8> = (0..32u8)
            .map(|byte| byte.wrapping_mul(byte) ^ 0x5c)
            .collect();
        hello_of(kind, &random, body)
    }

    fn hello_of(kind: u8, random: &[u8], body: &[u8]) -> Vec<u8> {
        let rest = [&[3, 3][..], random, &[0], body].concat();
        [&[kind, 0, 0, rest.len() as u8][..], &rest].concat()
    }

    #[test]
    fn what_is_not_zero_is_looked_at_with_what_stands_beside_it() {
        let mut bytes = vec![0; 10 * PAGE + 5];
        assert!(filled(&bytes).is_empty());
        for at in [0, 3 * PAGE, 5 * PAGE - 1, 10 * PAGE + 4] {
            bytes[at] = 1;
        }
        let last = 10 * PAGE - BESIDE..10 * PAGE + 5;
        assert_eq!(
            filled(&bytes),
            [0..PAGE + BESIDE, 3 * PAGE - BESIDE..5 * PAGE + BESIDE, last]
        );
        // A name across the border of a page of zeros.
        let mut bytes = vec![0; 3 * PAGE];
        bytes[2 * PAGE - 1..2 * PAGE + 4].copy_from_slice(SHARES[0]);
        assert_eq!(
            of_block(&Block::whole(&bytes), &Framed::new().unwrap()),
            Some("a key share")
        );
    }

    #[test]
    fn handshakes_are_traces() {
        let client = hello(1, &[0, 2, 0x13, 1, 1, 0, 0, 0]);
        assert_eq!(look(&client), Some("a TLS handshake"));
        let server = hello(2, &[0x13, 1, 0, 0, 2, 9, 9]);
        assert_eq!(look(&server), Some("a TLS handshake"));
        let old = hello(1, &[0, 2, 0, 0x2f, 1, 0]);
        assert_eq!(look(&old), Some("a TLS handshake"));
        // Lengths that do not fit, and no random bytes.
        assert_eq!(look(&hello(1, &[0, 2, 0x13, 1, 1, 0, 0, 1])), None);
        let plain = hello_of(1, &[7; 32], &[0, 2, 0x13, 1, 1, 0, 0, 0]);
        assert_eq!(look(&plain), None);
        assert_eq!(look(&hello(1, &[0, 3, 0x13, 1, 1, 0, 0, 0])), None);
        assert_eq!(look(&hello(2, &[0x13, 1, 0, 0, 3, 9, 9])), None);
        assert_eq!(look(&hello(3, &[0x13, 1, 0, 0, 2, 9, 9])), None);
    }

    #[test]
    fn key_shares_certificates_and_key_exchanges_are_traces() {
        assert_eq!(look(b"\0\x17\0\x41\x04"), Some("a key share"));
        assert_eq!(look(b"\0\x17\0\x42\x04"), None);
        let kexinit = [&[20][..], &[9; 16], &[0, 0, 0, 17], b"curve25519-sha256"].concat();
        assert_eq!(look(&kexinit), Some("an SSH key exchange"));
        assert_eq!(look(&kexinit[1..]), None);
        let certificate = |outer: u8| [0x30, 0x82, 1, outer, 0x30, 0x82, 1, 0, 0xa0, 3, 2, 1, 2, 2];
        assert_eq!(look(&certificate(80)), Some("a certificate"));
        assert_eq!(look(&certificate(20)), None);
        assert_eq!(look(&[]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(0..4u8, 0..200)) {
            look(&bytes);
        }
    }
}
