//! Containers dumps travel in. A file that is one is never judged by its packed bytes: its members are opened, in
//! memory or in a file without a name, and each is a dump of its own.
//!
//! Layouts (zip, tar, cab, 7z, apport, envelopes, multipart) are read here, over the mapped bytes: a directory may
//! lie about everything, a member that cannot be opened must not hide the others, and what no member covers is to be
//! known. Packed streams are unpacked by the crates that everyone uses for them, within a [`Budget`].

pub mod apport;
mod base64_lines;
mod budget;
pub mod bzip2;
pub mod cab;
pub mod envelope;
mod frame;
pub mod gzip;
mod item;
pub mod lz4;
pub mod multipart;
pub mod sevenz;
mod sevenz_header;
mod single;
mod stream;
pub mod tar;
mod unopened;
mod walk;
pub mod xz;
pub mod zip;
pub mod zstd;

pub use budget::Budget;
pub use item::{Fault, Halt, Item, Leaf, Opened, Packing, Trouble};
pub use walk::{Walk, open_as, walk};

use crate::source::Source;

/// Opens a container: tells the walk of its members, or of what is wrong.
pub type Open = fn(&Source, &mut Walk<'_>) -> Result<(), Halt>;

/// A container format.
pub struct Container {
    /// The format's name, as `gzip`.
    pub name: &'static str,
    /// Whether bytes start as this format does.
    pub sniff: fn(&[u8]) -> bool,
    /// Whether the header at the start of bytes that were sniffed is sound: for bytes in the middle of memory, where
    /// two or three right ones are chance. `None` for formats that are not looked for there.
    pub looks_real: Option<fn(&[u8]) -> bool>,
    /// Opens it; `None` for formats that are only recognised.
    pub open: Option<Open>,
}

/// The container `data` starts as.
pub fn sniff(data: &[u8]) -> Option<&'static Container> {
    CONTAINERS.iter().find(|container| (container.sniff)(data))
}

/// All containers. A new one is one file, its `mod` line and one line here.
#[rustfmt::skip]
pub const CONTAINERS: &[Container] = &[
    Container { name: "gzip", sniff: gzip::sniff, looks_real: Some(gzip::looks_real), open: Some(gzip::open) },
    Container { name: "zstd", sniff: zstd::sniff, looks_real: Some(zstd::looks_real), open: Some(zstd::open) },
    Container { name: "xz", sniff: xz::sniff, looks_real: Some(xz::looks_real), open: Some(xz::open) },
    Container { name: "bzip2", sniff: bzip2::sniff, looks_real: Some(bzip2::looks_real), open: Some(bzip2::open) },
    Container { name: "lz4", sniff: is_lz4, looks_real: Some(lz4::looks_real), open: Some(lz4::open) },
    Container { name: "7z", sniff: sevenz::sniff, looks_real: Some(sevenz::looks_real), open: Some(sevenz::open) },
    Container { name: "cab", sniff: cab::sniff, looks_real: Some(cab::looks_real), open: Some(cab::open) },
    Container { name: "lzip", sniff: |data| data.starts_with(b"LZIP"), looks_real: None, open: None },
    Container { name: "compress", sniff: |data| data.starts_with(b"\x1f\x9d"), looks_real: None, open: None },
    Container { name: "kdump", sniff: |data| data.starts_with(b"KDUMP   "), looks_real: None, open: None },
    Container { name: "rar", sniff: |data| data.starts_with(b"Rar!\x1a\x07"), looks_real: None, open: None },
    Container { name: "lzop", sniff: |data| data.starts_with(b"\x89LZO\0\r\n\x1a\n"), looks_real: None, open: None },
    Container { name: "lrzip", sniff: |data| data.starts_with(b"LRZI\0"), looks_real: None, open: None },
    Container { name: "lzma", sniff: unopened::is_lzma, looks_real: None, open: None },
    Container { name: "zlib", sniff: unopened::is_zlib, looks_real: None, open: None },
    Container { name: "zstd-legacy", sniff: unopened::is_old_zstd, looks_real: None, open: None },
    Container { name: "snappy", sniff: |data| data.starts_with(b"\xff\x06\0\0sNaPpY"), looks_real: None, open: None },
    Container { name: "deb", sniff: |data| data.starts_with(b"!<arch>\ndebian-binary"), looks_real: None, open: None },
    Container { name: "cpio", sniff: unopened::is_cpio, looks_real: None, open: None },
    Container { name: "rpm", sniff: |data| data.starts_with(b"\xed\xab\xee\xdb"), looks_real: None, open: None },
    Container { name: "wim", sniff: |data| data.starts_with(b"MSWIM\0\0\0"), looks_real: None, open: None },
    Container { name: "xar", sniff: |data| data.starts_with(b"xar!\0"), looks_real: None, open: None },
    Container { name: "arj", sniff: unopened::is_arj, looks_real: None, open: None },
    Container { name: "lha", sniff: unopened::is_lha, looks_real: None, open: None },
    Container { name: "ms-compress", sniff: unopened::is_ms_compress, looks_real: None, open: None },
    Container { name: "squashfs", sniff: unopened::is_squashfs, looks_real: None, open: None },
    Container { name: "flattened-kdump", sniff: |data| data.starts_with(b"makedumpfile\0\0\0\0"), looks_real: None, open: None },
    Container { name: "apport", sniff: apport::sniff, looks_real: Some(apport::sniff), open: Some(apport::open) },
    Container { name: "multipart", sniff: multipart::sniff, looks_real: Some(multipart::sniff), open: Some(multipart::open) },
    Container { name: "envelope", sniff: envelope::sniff, looks_real: Some(envelope::sniff), open: Some(envelope::open) },
    Container { name: "tar", sniff: tar::sniff, looks_real: Some(tar::looks_real), open: Some(tar::open) },
    // Last, since it may also be told by its end.
    Container { name: "zip", sniff: zip::sniff, looks_real: Some(zip::looks_real), open: Some(zip::open) },
];

/// LZ4, perhaps behind skippable frames, which zstd has too.
fn is_lz4(data: &[u8]) -> bool {
    lz4::sniff(data) || lz4::skippable(data).is_some_and(lz4::sniff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_told_from_dumps() {
        let name = |data: &[u8]| sniff(data).map(|container| container.name);
        assert_eq!(name(b"\x1f\x8b\x08\0"), Some("gzip"));
        assert_eq!(name(b"\x28\xb5\x2f\xfd"), Some("zstd"));
        assert_eq!(name(b"\x5a\x2a\x4d\x18"), Some("zstd"));
        assert_eq!(name(b"\xfd7zXZ\0"), Some("xz"));
        assert_eq!(name(b"BZh91AY&SY"), Some("bzip2"));
        assert_eq!(name(b"BZhx"), None);
        assert_eq!(name(b"\x04\x22\x4d\x18"), Some("lz4"));
        assert_eq!(
            name(b"\x50\x2a\x4d\x18\0\0\0\0\x04\x22\x4d\x18"),
            Some("lz4")
        );
        assert_eq!(name(b"PK\x03\x04"), Some("zip"));
        assert_eq!(name(b"PK\x05\x06"), Some("zip"));
        assert_eq!(name(b"7z\xbc\xaf\x27\x1c"), Some("7z"));
        assert_eq!(name(b"MSCF\0\0\0\0"), Some("cab"));
        assert_eq!(name(b"ProblemType: Crash\n"), Some("apport"));
        assert_eq!(name(b"MDMP"), None);
        assert_eq!(name(b"\x7fELF"), None);
        assert_eq!(name(b"PK"), None);
        assert_eq!(name(b""), None);
    }

    #[test]
    fn every_container_that_is_opened_has_a_fuzz_target() {
        for container in CONTAINERS
            .iter()
            .filter(|container| container.open.is_some())
        {
            let path = format!(
                "{}/fuzz/fuzz_targets/unpack_{}.rs",
                env!("CARGO_MANIFEST_DIR"),
                container.name
            );
            assert!(std::path::Path::new(&path).exists(), "{path}");
        }
    }
}
