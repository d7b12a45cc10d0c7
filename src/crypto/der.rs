//! A tolerant reader of DER (ITU-T X.690): borrowed elements with their place, `None` on the first
//! thing that does not fit. Lengths may be longer than needed, as BER allows, since some writers do
//! that; what is read never lies beyond the slice.

use crate::bytes;

/// Identifier octets this project meets.
pub mod tag {
    /// BOOLEAN
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING
    pub const OCTET_STRING: u8 = 0x04;
    /// NULL
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER
    pub const OID: u8 = 0x06;
    /// SET
    pub const SET: u8 = 0x31;
    /// SEQUENCE
    pub const SEQUENCE: u8 = 0x30;
    /// Context-specific constructed tag 0, 1, ...
    pub const fn explicit(number: u8) -> u8 {
        0xa0 | number
    }
    /// Context-specific primitive tag 0, 1, ...
    pub const fn implicit(number: u8) -> u8 {
        0x80 | number
    }
}

/// Contents of the OBJECT IDENTIFIERs this project meets.
pub mod oid {
    /// rsaEncryption (RFC 8017, appendix A.1)
    pub const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    /// id-RSASSA-PSS (RFC 8017, appendix A.2.3)
    pub const RSASSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
    /// id-ecPublicKey (RFC 5480, section 2.1.1)
    pub const EC_PUBLIC_KEY: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
    /// id-Ed25519 (RFC 8410, section 3)
    pub const ED25519: &[u8] = b"\x2b\x65\x70";
    /// id-X25519 (RFC 8410, section 3)
    pub const X25519: &[u8] = b"\x2b\x65\x6e";
    /// id-Ed448 (RFC 8410, section 3)
    pub const ED448: &[u8] = b"\x2b\x65\x71";
    /// id-X448 (RFC 8410, section 3)
    pub const X448: &[u8] = b"\x2b\x65\x6f";
    /// id-dsa (RFC 3279, section 2.3.2)
    pub const DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";
    /// The arc of the key protectors of Java's key stores: 1.3.6.1.4.1.42.2
    pub const SUN_PROTECTORS: &[u8] = b"\x2b\x06\x01\x04\x01\x2a\x02";
    /// The arc of PKCS#5 and PKCS#12 password-based encryption: 1.2.840.113549.1.5 and ...1.12
    pub const PKCS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01";
}

/// One element: its tag, its contents, and how many bytes it takes with its header.
#[derive(Clone, Copy)]
pub struct Element<'d> {
    /// Identifier octet.
    pub tag: u8,
    /// Contents octets.
    pub contents: &'d [u8],
    /// Bytes of header and contents.
    pub total: usize,
}

/// The length octets at `at`: contents length and how many bytes the octets take. Indefinite
/// lengths and lengths above 2^32 are refused.
pub fn length_at(data: &[u8], at: usize) -> Option<(usize, usize)> {
    match *data.get(at)? {
        short @ 0..=0x7f => Some((usize::from(short), 1)),
        long @ 0x81..=0x84 => {
            let octets = usize::from(long & 0x7f);
            let value = bytes::slice(data, at + 1, octets)?;
            Some((
                value
                    .iter()
                    .fold(0, |sum, &octet| sum << 8 | usize::from(octet)),
                1 + octets,
            ))
        }
        _ => None,
    }
}

/// Reads elements one after the other from a slice.
#[derive(Clone, Copy)]
pub struct Reader<'d> {
    data: &'d [u8],
    at: usize,
}

impl<'d> Reader<'d> {
    /// A reader at the start of `data`.
    pub fn new(data: &'d [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether all bytes were read.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.data.len()
    }

    /// The next element, whatever its tag; `None` when it is not whole.
    pub fn element(&mut self) -> Option<Element<'d>> {
        let tag = *self.data.get(self.at)?;
        let (length, octets) = length_at(self.data, self.at + 1)?;
        let contents = bytes::slice(self.data, self.at + 1 + octets, length)?;
        let total = 1 + octets + length;
        self.at += total;
        Some(Element {
            tag,
            contents,
            total,
        })
    }

    /// The contents of the next element if it has tag `tag`.
    pub fn expect(&mut self, tag: u8) -> Option<&'d [u8]> {
        let mut ahead = *self;
        let element = ahead.element().filter(|element| element.tag == tag)?;
        *self = ahead;
        Some(element.contents)
    }

    /// A non-negative INTEGER as big-endian bytes without leading zeros.
    pub fn unsigned(&mut self) -> Option<&'d [u8]> {
        let mut ahead = *self;
        let contents = ahead.expect(tag::INTEGER)?;
        if *contents.first()? & 0x80 != 0 {
            return None;
        }
        *self = ahead;
        Some(bytes::trim_zeros(contents))
    }

    /// A reader over the contents of the next element, which must have tag `tag`.
    pub fn inside(&mut self, tag: u8) -> Option<Reader<'d>> {
        self.expect(tag).map(Reader::new)
    }
}

/// The start of a constructed element whose contents begin at `contents` and are `length` bytes at
/// least: looks back for its header of two to six bytes. Returns the start and the contents length
/// the header gives.
pub fn header_before(
    data: &[u8],
    tag: u8,
    contents: usize,
    length: usize,
) -> Option<(usize, usize)> {
    (2..=6).find_map(|header| {
        let start = contents.checked_sub(header)?;
        (*data.get(start)? == tag).then_some(())?;
        let (given, octets) = length_at(data, start + 1)?;
        let fits = octets + 1 == header && given >= length && given <= data.len() - contents;
        fits.then_some((start, given))
    })
}

/// The same for an element whose end may be missing: its header gives one of `lengths`.
pub fn cut_header_before(
    data: &[u8],
    tag: u8,
    contents: usize,
    lengths: std::ops::RangeInclusive<usize>,
) -> Option<(usize, usize)> {
    (2..=6).find_map(|header| {
        let start = contents.checked_sub(header)?;
        (*data.get(start)? == tag).then_some(())?;
        let (given, octets) = length_at(data, start + 1)?;
        (octets + 1 == header && lengths.contains(&given)).then_some((start, given))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_and_integers() {
        let data = [0x30, 0x06, 0x02, 0x02, 0x00, 0x80, 0x05, 0x00, 0xff];
        let mut outer = Reader::new(&data);
        let mut inner = outer.inside(tag::SEQUENCE).unwrap();
        assert_eq!(inner.expect(tag::OCTET_STRING), None);
        assert_eq!(inner.unsigned(), Some(&[0x80][..]));
        assert_eq!(inner.expect(tag::NULL), Some(&[][..]));
        assert!(inner.is_at_end());
        assert_eq!(outer.position(), 8);
        assert!(outer.element().is_none());
    }

    #[test]
    fn negative_integers_and_lying_lengths_are_refused() {
        assert!(Reader::new(&[2, 1, 0x80]).unsigned().is_none());
        assert!(Reader::new(&[2, 0]).unsigned().is_none());
        assert!(
            Reader::new(&[2, 0x84, 0xff, 0xff, 0xff, 0xff, 1])
                .unsigned()
                .is_none()
        );
        assert!(Reader::new(&[0x30, 0x80, 0, 0]).element().is_none());
    }

    #[test]
    fn a_header_is_found_before_its_contents() {
        let data = [9, 0x30, 0x81, 0x03, 2, 1, 0];
        assert_eq!(header_before(&data, tag::SEQUENCE, 4, 3), Some((1, 3)));
        assert_eq!(header_before(&data, tag::SEQUENCE, 4, 4), None);
        assert_eq!(header_before(&data, tag::SEQUENCE, 5, 1), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(data in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&data);
            while let Some(element) = reader.element() {
                prop_assert!(element.total >= 2 && element.contents.len() < element.total);
            }
            prop_assert!(reader.position() <= data.len());
        }
    }
}
