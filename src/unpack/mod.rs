//! Containers dumps travel in. They are recognised, so that none is ever judged by its packed bytes;
//! none is opened yet.

/// A container format by the bytes it starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container {
    /// The format's name, as `gzip`.
    pub name: &'static str,
    /// Any of these at the start of a file announces it.
    magics: &'static [&'static [u8]],
}

impl Container {
    /// Whether `data` starts as this container does.
    pub fn sniff(&self, data: &[u8]) -> bool {
        self.magics.iter().any(|magic| data.starts_with(magic))
    }
}

/// The container `data` starts as.
pub fn sniff(data: &[u8]) -> Option<&'static Container> {
    CONTAINERS.iter().find(|container| container.sniff(data))
}

/// All containers. Magic numbers: RFC 1952; RFC 8878, sections 3.1.1 and 3.1.2; xz file format 1.1,
/// section 2.1.1.1; bzip2's block and end markers; LZ4 frame and legacy frame formats; APPNOTE.TXT,
/// section 4.3; 7zFormat.txt; MS-CAB, section 2.1; lzip's manual; compress(1); makedumpfile's compressed kernel dumps; apport's problem reports (text, `ProblemType` first).
pub const CONTAINERS: &[Container] = &[
    Container {
        name: "gzip",
        magics: &[b"\x1f\x8b\x08"],
    },
    Container {
        name: "zstd",
        magics: ZSTD,
    },
    Container {
        name: "xz",
        magics: &[b"\xfd7zXZ\x00"],
    },
    Container {
        name: "bzip2",
        magics: BZIP2,
    },
    Container {
        name: "lz4",
        magics: &[b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"],
    },
    Container {
        name: "zip",
        magics: &[b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"],
    },
    Container {
        name: "7z",
        magics: &[b"7z\xbc\xaf\x27\x1c"],
    },
    Container {
        name: "cab",
        magics: &[b"MSCF\x00\x00\x00\x00"],
    },
    Container {
        name: "lzip",
        magics: &[b"LZIP"],
    },
    Container {
        name: "compress",
        magics: &[b"\x1f\x9d"],
    },
    Container {
        name: "kdump",
        magics: &[b"KDUMP   "],
    },
    Container {
        name: "apport",
        magics: &[b"ProblemType: "],
    },
];

/// A frame, and the sixteen skippable frames that may come first.
const ZSTD: &[&[u8]] = &[
    b"\x28\xb5\x2f\xfd",
    b"\x50\x2a\x4d\x18",
    b"\x51\x2a\x4d\x18",
    b"\x52\x2a\x4d\x18",
    b"\x53\x2a\x4d\x18",
    b"\x54\x2a\x4d\x18",
    b"\x55\x2a\x4d\x18",
    b"\x56\x2a\x4d\x18",
    b"\x57\x2a\x4d\x18",
    b"\x58\x2a\x4d\x18",
    b"\x59\x2a\x4d\x18",
    b"\x5a\x2a\x4d\x18",
    b"\x5b\x2a\x4d\x18",
    b"\x5c\x2a\x4d\x18",
    b"\x5d\x2a\x4d\x18",
    b"\x5e\x2a\x4d\x18",
    b"\x5f\x2a\x4d\x18",
];

/// Block sizes 1 to 9; what follows is checked by no magic, since an empty file has no block.
const BZIP2: &[&[u8]] = &[
    b"BZh1", b"BZh2", b"BZh3", b"BZh4", b"BZh5", b"BZh6", b"BZh7", b"BZh8", b"BZh9",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_told_from_dumps() {
        let name = |data: &[u8]| sniff(data).map(|container| container.name);
        assert_eq!(name(b"\x1f\x8b\x08\0"), Some("gzip"));
        assert_eq!(name(b"\x5a\x2a\x4d\x18"), Some("zstd"));
        assert_eq!(name(b"BZh91AY&SY"), Some("bzip2"));
        assert_eq!(name(b"ProblemType: Crash\n"), Some("apport"));
        assert_eq!(name(b"MDMP"), None);
        assert_eq!(name(b"\x7fELF"), None);
        assert_eq!(name(b"PK"), None);
        assert_eq!(name(b""), None);
    }
}
