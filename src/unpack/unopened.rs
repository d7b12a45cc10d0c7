//! Packed formats that are recognised and not opened: a dump in one of them would pass for noise.
//!
//! Layouts as in the formats' own descriptions, and in the database of file(1).

use crate::bytes::{array, slice, u64_le};
use flate2::{Decompress, FlushDecompress};

/// LZMA alone, of the old `lzma` program: properties, a dictionary of a usual size, and the unpacked size or that it is
/// not known.
pub fn is_lzma(data: &[u8]) -> bool {
    let Some([0x5d, a, b, c, d]) = array(data, 0) else {
        return false;
    };
    let dictionary = u32::from_le_bytes([a, b, c, d]);
    let is_usual = dictionary >= 1 << 12
        && (dictionary.is_power_of_two() || (dictionary / 3 * 2).is_power_of_two());
    // The range coder's first byte is zero.
    let is_begun = slice(data, 13, 1) == Some(&[0]);
    let size = u64_le(data, 5);
    is_usual && is_begun && size.is_some_and(|size| size == u64::MAX || size < 1 << 40)
}

/// zlib (RFC 1950): a header with its checksum, and a beginning that can be unpacked.
pub fn is_zlib(data: &[u8]) -> bool {
    let Some([0x78, flags]) = array(data, 0) else {
        return false;
    };
    if !u16::from_be_bytes([0x78, flags]).is_multiple_of(31) || flags & 0x20 != 0 {
        return false;
    }
    let head = data.get(..PROBE).unwrap_or(data);
    let mut out = zeroize::Zeroizing::new(vec![0; 4 * PROBE]);
    let mut decoder = Decompress::new(true);
    let result = decoder.decompress(head, &mut out, FlushDecompress::None);
    result.is_ok() && decoder.total_out() >= LEAST
}

/// Zstandard before version 0.8.
pub fn is_old_zstd(data: &[u8]) -> bool {
    matches!(data, [0x1e | 0x22..=0x27, 0xb5, 0x2f, 0xfd, ..])
}

/// cpio with ASCII headers.
pub fn is_cpio(data: &[u8]) -> bool {
    [&b"070701"[..], b"070702", b"070707"]
        .iter()
        .any(|magic| data.starts_with(magic))
        && slice(data, 6, 8).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// ARJ: magic, a basic header of a usual length, its versions.
pub fn is_arj(data: &[u8]) -> bool {
    matches!(
        array(data, 0),
        Some([0x60, 0xea, 30..=200, 0, 30..=46, 1..=12, 1..=12, 0..=12])
    )
}

/// LHA: the method in the first header.
pub fn is_lha(data: &[u8]) -> bool {
    matches!(
        array(data, 2),
        Some([b'-', b'l', b'h' | b'z', b'0'..=b'9' | b'd' | b's', b'-'])
    )
}

/// Microsoft's compress.exe: SZDD and KWAJ.
pub fn is_ms_compress(data: &[u8]) -> bool {
    data.starts_with(b"SZDD\x88\xf0\x27\x33") || data.starts_with(b"KWAJ\x88\xf0\x27\xd1")
}

/// squashfs of version 4, little-endian.
pub fn is_squashfs(data: &[u8]) -> bool {
    data.starts_with(b"hsqs") && slice(data, 28, 4) == Some(&[4, 0, 0, 0])
}

/// Bytes of which unpacking is tried, and those that must come of them.
const PROBE: usize = 4096;
const LEAST: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn zlib_is_told_from_memory_that_begins_like_it() {
        let mut packer =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(&[7; 1000]).unwrap();
        let packed = packer.finish().unwrap();
        assert!(is_zlib(&packed));
        assert!(!is_zlib(b"\x78\x9c"));
        assert!(!is_zlib(&[&b"\x78\x9c"[..], &[0xff; 100]].concat()));
        assert!(!is_zlib(b"x^ is text, and no packed bytes at all"));
    }

    #[test]
    fn headers_of_old_packers_are_known() {
        // The first bytes of `xz --format=lzma`, `arj`, `lha` and `find | cpio -o -H newc`.
        let lzma = b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x24";
        assert!(is_lzma(lzma));
        assert!(!is_lzma(
            b"\x5d\0\0\x81\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x24"
        ));
        assert!(is_cpio(b"070701000A1B2C"));
        assert!(!is_cpio(b"070701 is no header"));
        assert!(is_lha(b"\x1d\x8e-lh5-"));
        assert!(is_arj(b"\x60\xea\x29\0\x22\x0b\x01\x02"));
        assert!(is_old_zstd(b"\x27\xb5\x2f\xfd"));
        assert!(!is_old_zstd(b"\x28\xb5\x2f\xfd"));
        assert!(is_ms_compress(b"SZDD\x88\xf0\x273A"));
    }
}
