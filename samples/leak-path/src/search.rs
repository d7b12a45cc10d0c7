//! Exact search: whole byte strings, and what is left of them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Looks for whole byte strings of at least 8 bytes.
pub struct Exact<'n> {
    needles: Vec<&'n [u8]>,
    heads: Heads,
    by_head: HashMap<[u8; 8], Vec<usize>>,
}

impl<'n> Exact<'n> {
    /// Arms the search.
    pub fn new(needles: impl IntoIterator<Item = &'n [u8]>) -> Self {
        let needles: Vec<_> = needles.into_iter().collect();
        let mut heads = Heads::new();
        let mut by_head: HashMap<_, Vec<_>> = HashMap::new();
        for (index, needle) in needles.iter().enumerate() {
            if let Some(head) = needle.first_chunk() {
                heads.add(needle);
                by_head.entry(*head).or_default().push(index);
            }
        }
        Self {
            needles,
            heads,
            by_head,
        }
    }

    /// Each place of each of them: its index, and where it starts.
    pub fn find(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (at, head) in text.windows(8).enumerate() {
            if !self.heads.may(head) {
                continue;
            }
            let indices = head
                .first_chunk::<8>()
                .and_then(|head| self.by_head.get(head));
            for &index in indices.into_iter().flatten() {
                if text[at..].starts_with(self.needles[index]) {
                    found.push((index, at));
                }
            }
        }
        found
    }
}

/// Looks for any [`WINDOW`] bytes in a row of any of some byte strings.
pub struct Parts {
    heads: Heads,
    windows: HashSet<[u8; WINDOW]>,
}

impl Parts {
    /// Arms the search. Runs of few different bytes are left out: they lie everywhere.
    pub fn new<'n>(wholes: impl IntoIterator<Item = &'n [u8]>) -> Self {
        let mut parts = Self {
            heads: Heads::new(),
            windows: HashSet::new(),
        };
        for window in wholes.into_iter().flat_map(|whole| whole.windows(WINDOW)) {
            let different: HashSet<_> = window.iter().collect();
            if let (Some(window), true) = (window.first_chunk(), different.len() >= WINDOW / 2) {
                parts.heads.add(window);
                parts.windows.insert(*window);
            }
        }
        parts
    }

    /// What lies there of them, as ranges that do not touch.
    pub fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (at, window) in text.windows(WINDOW).enumerate() {
            if !self.heads.may(window)
                || !window
                    .first_chunk()
                    .is_some_and(|window| self.windows.contains(window))
            {
                continue;
            }
            match found.last_mut() {
                Some(last) if at <= last.end => last.end = at + WINDOW,
                _ => found.push(at..at + WINDOW),
            }
        }
        found
    }
}

/// The first four bytes of what is looked for, as bits of a table: a byte of the text costs one look, mostly.
struct Heads(Vec<u64>);

impl Heads {
    fn new() -> Self {
        Self(vec![0; (1 << BITS) / 64])
    }

    fn bit(bytes: &[u8]) -> usize {
        let head = bytes
            .first_chunk()
            .map_or(0, |head| u32::from_le_bytes(*head));
        (head.wrapping_mul(0x9e37_79b1) >> (32 - BITS)) as usize
    }

    fn add(&mut self, bytes: &[u8]) {
        let bit = Self::bit(bytes);
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    fn may(&self, bytes: &[u8]) -> bool {
        let bit = Self::bit(bytes);
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }
}

/// The least that counts as a part: 128 bits in a row are no chance.
const WINDOW: usize = 16;

/// Two million heads: a thousand keys leave most of them free.
const BITS: u32 = 24;

/// Whether a whole PEM of a private key stands in a text: BEGIN, END, and nothing but text between. It is what scanners
/// for secrets in source code look for.
pub fn has_pem(text: &[u8]) -> bool {
    let needle = b"PRIVATE KEY-----";
    let ends: Vec<usize> = Exact::new([&needle[..]])
        .find(text)
        .iter()
        .map(|(_, at)| *at)
        .collect();
    ends.windows(2).any(|pair| {
        let body = &text[pair[0] + needle.len()..pair[1]];
        let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        (64..16 << 10).contains(&body.len())
            && body.iter().all(printable)
            && contains(body, b"-----END ")
    })
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::{Exact, Parts, has_pem};

    #[test]
    fn wholes_and_parts_are_found_at_every_place() {
        let needle: Vec<u8> = (0..40_u8).map(|byte| byte.wrapping_mul(37)).collect();
        let exact = Exact::new([&needle[..], b"another one"]);
        let parts = Parts::new([&needle[..]]);
        for at in 0..20 {
            let mut text = vec![0xee; 100];
            text[at..at + 40].copy_from_slice(&needle);
            assert_eq!(exact.find(&text), [(0, at)]);
            assert_eq!(parts.find(&text), vec![at..at + 40]);
            text[at + 20] ^= 1;
            assert_eq!(exact.find(&text), []);
            assert_eq!(parts.find(&text), [at..at + 20, at + 21..at + 40]);
        }
    }

    #[test]
    fn a_pem_needs_its_frame_and_text_between() {
        let pem = format!(
            "x-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            "MIIE".repeat(20)
        );
        assert!(has_pem(pem.as_bytes()));
        assert!(!has_pem(pem.replace("MIIE", "\0\0\0\0").as_bytes()));
        assert!(!has_pem(pem.replace("-----END", "").as_bytes()));
    }
}
