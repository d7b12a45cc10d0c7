//! Private keys in DER written as hexadecimal text: `xxd -p`, `od -tx1`, `30:82:04:a4` as X.509 tools print.

use crate::crypto::Prover;
use crate::crypto::der::length_at;
use crate::detect::der;
use crate::detect::key::Evidence;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::secret::SecretBuf;
use crate::text::{Encoding, TextView};

/// The detector.
pub struct Hex;

impl Detector for Hex {
    fn name(&self) -> &'static str {
        "text.hex"
    }

    fn forms(&self) -> &'static [&'static str] {
        der::FORMS
    }

    /// Version and the head of what follows, all digits, so that case does not matter: PKCS#1 (0201000282),
    /// PKCS#8 (02010030), SEC 1 (02010104), and those with version 1; bytes apart or not. And the magic of
    /// openssh-key-v1.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Text("020100028"),
            Anchor::Text("02010030"),
            Anchor::Text("0201010"),
            Anchor::Text("02010130"),
            Anchor::Text("02:01:00:02:8"),
            Anchor::Text("02:01:00:30"),
            Anchor::Text("02:01:01:0"),
            Anchor::Text("02:01:01:30"),
            Anchor::Text("02 01 00 02 8"),
            Anchor::Text("02 01 00 30"),
            Anchor::Text("02 01 01 0"),
            Anchor::Text("02 01 01 30"),
            Anchor::Text("6f70656e7373682d6b65792d7631"),
            Anchor::Text("6F70656E7373682D6B65792D7631"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        hit.best(|(view, at)| (2..=4).find_map(|header| der_before(view, at, header, hit.prover)))
    }
}

/// The key in the DER whose contents start at `contents` behind a header of `header` bytes.
fn der_before(
    view: TextView<'_>,
    contents: usize,
    header: usize,
    prover: &Prover<'_>,
) -> Option<Evidence> {
    let separated = view.char_at(contents + 2 * view.encoding().width())?;
    let width = if matches!(separated, b':' | b' ') {
        3
    } else {
        2
    };
    let start = contents.checked_sub(header * width * view.encoding().width())?;
    let mut head = SecretBuf::with_capacity(header);
    decode(view, start, &mut head);
    let (length, octets) = length_at(&head, 1)?;
    let fits = head.first() == Some(&0x30) && octets + 1 == header && length <= LONGEST_FORM;
    if !fits {
        return None;
    }
    read_at(view, start, header + length, prover)
}

/// The key in the structure that starts at `start` and has `length` bytes at most.
fn read_at(
    view: TextView<'_>,
    start: usize,
    length: usize,
    prover: &Prover<'_>,
) -> Option<Evidence> {
    if !prover.afford(2 * length) {
        return None;
    }
    let mut bytes = SecretBuf::with_capacity(length);
    decode(view, start, &mut bytes);
    let read = der::read(&bytes, prover)?;
    let mut present = SecretBuf::with_capacity(read.length);
    let end = decode(view, start, &mut present);
    let evidence = read.key.at(read.form, encoding_name(view), start..end);
    Some(Evidence {
        fragment: read.fragment,
        ..evidence
    })
}

/// Reads pairs of digits from `at` on until `bytes` is full or something else comes; returns what is
/// behind the last pair.
fn decode(view: TextView<'_>, at: usize, bytes: &mut SecretBuf) -> usize {
    let digit = |at: usize| {
        char::from(view.char_at(at)?)
            .to_digit(16)
            .map(|digit| digit as u8)
    };
    let mut at = at;
    let mut end = at;
    loop {
        let low = view.after(at);
        let byte = digit(at).and_then(|high| Some(high << 4 | digit(low)?));
        match byte {
            Some(byte) => {
                if !bytes.push(byte) {
                    return end;
                }
                at = view.after(low);
                end = at;
            }
            None => {
                // Between pairs one separator, or a line break with what stands round it.
                let behind = match view.char_at(at) {
                    Some(b':' | b' ' | b',') if at == end => view.after(at),
                    _ => at,
                };
                match view.line_break(behind) {
                    Some(next) => at = next,
                    None if behind > at => at = behind,
                    None => return end,
                }
            }
        }
    }
}

fn encoding_name(view: TextView<'_>) -> &'static str {
    match view.encoding() {
        Encoding::Ascii => "hex",
        Encoding::Utf16Le => "hex-utf16le",
        Encoding::Utf16Be => "hex-utf16be",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_across_separators_and_lines() {
        for text in [
            "3082aF01",
            "30:82:af:01",
            "30 82 af 01",
            "3082\naf01",
            "30:82:\r\n    af:01",
            "30 82 \n af 01",
        ] {
            let view = TextView::new(text.as_bytes(), Encoding::Ascii);
            let mut bytes = SecretBuf::with_capacity(9);
            assert_eq!(decode(view, 0, &mut bytes), text.len(), "{text}");
            assert_eq!(&*bytes, [0x30, 0x82, 0xaf, 1], "{text}");
        }
        for (text, length) in [("30  82", 1), ("308", 1), ("30::82", 1), ("xy", 0)] {
            let mut bytes = SecretBuf::with_capacity(9);
            decode(
                TextView::new(text.as_bytes(), Encoding::Ascii),
                0,
                &mut bytes,
            );
            assert_eq!(bytes.len(), length, "{text}");
        }
    }
}
