//! Formats that pack one stream and no names: what their only member is called, and how it is opened.

use super::item::{Halt, Member, Trouble};
use super::stream::Stream;
use super::walk::Walk;
use crate::source::Source;

/// Unpacks `stream`, which starts at the first byte of `container`, as its only member.
///
/// # Errors
/// When the walk must end.
pub fn open(
    container: &Source,
    walk: &mut Walk<'_>,
    method: &'static str,
    name: Option<String>,
    stream: &mut dyn Stream,
) -> Result<(), Halt> {
    let member = Member {
        name: name.unwrap_or_else(|| inner_name(walk.outer())),
        method,
        offset: 0,
    };
    let length = container.bytes().len() as u64;
    let before = walk.fault_count();
    let consumed = walk.packed(member, stream)?;
    if walk.fault_count() > before {
        // What lies behind damage is the same stream: noise that was packed, no slack.
        walk.structure(consumed..length);
    }
    if consumed == 0 && walk.fault_count() == before && length > 0 {
        walk.fault(
            Trouble::Damaged,
            None,
            0,
            format!("a {method} stream, found none"),
        );
    }
    Ok(())
}

/// What a packed file is called when it is unpacked: `core.zst` gives `core`, `dumps.tgz` gives `dumps.tar`.
pub fn inner_name(outer: &str) -> String {
    let file = outer.rsplit(['/', '\\']).next().unwrap_or(outer);
    for (packed, unpacked) in ENDINGS {
        if let Some(stem) = file.strip_suffix(packed)
            && !stem.is_empty()
        {
            return format!("{stem}{unpacked}");
        }
    }
    "unpacked".to_owned()
}

/// Endings and what they become.
const ENDINGS: &[(&str, &str)] = &[
    (".gz", ""),
    (".zst", ""),
    (".xz", ""),
    (".bz2", ""),
    (".lz4", ""),
    (".tgz", ".tar"),
    (".tzst", ".tar"),
    (".txz", ".tar"),
    (".tbz2", ".tar"),
    (".tbz", ".tar"),
    (".zstd", ""),
    (".gzip", ""),
    (".lzma", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_ending() {
        for (outer, inner) in [
            ("/var/crash/core.zst", "core"),
            ("core.app.1000.zst", "core.app.1000"),
            ("dumps.tgz", "dumps.tar"),
            ("a\\b.dmp.gz", "b.dmp"),
            ("core", "unpacked"),
            ("-", "unpacked"),
            (".gz", "unpacked"),
        ] {
            assert_eq!(inner_name(outer), inner);
        }
    }
}
