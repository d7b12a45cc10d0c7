//! Formats that pack one stream and no names: what their only member is called, and how it is opened.

use super::item::{Halt, Member, Trouble};
use super::sniff;
use super::stream::Frames;
use super::walk::Walk;
use crate::source::Source;

/// Unpacks the frames that `stream` finds at the first byte of `container`, as its only member. What lies behind them and
/// begins no packed file is damage, since a frame of which one bit is wrong looks just so: it is scanned as it is, and
/// frames in it are members of their own.
///
/// # Errors
/// When the walk must end.
pub fn open(
    container: &Source,
    walk: &mut Walk<'_>,
    method: &'static str,
    name: Option<String>,
    stream: for<'d> fn(&'d [u8]) -> Frames<'d>,
) -> Result<(), Halt> {
    let data = container.bytes();
    let member = Member {
        name: name.unwrap_or_else(|| inner_name(walk.outer())),
        method,
        offset: 0,
    };
    let length = data.len() as u64;
    let before = walk.fault_count();
    let consumed = walk.packed(member, &mut stream(data))?;
    if walk.fault_count() > before {
        // What lies behind damage is the same stream: noise that was packed, no slack.
        walk.structure(consumed..length);
        return Ok(());
    }
    if consumed == 0 && length > 0 {
        walk.fault(
            Trouble::Damaged,
            None,
            0,
            format!("a {method} stream, found none"),
        );
    }
    let rest = data.get(consumed as usize..).unwrap_or_default();
    let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
    let behind = rest.get(zeros..).unwrap_or_default();
    if consumed == 0 || behind.is_empty() || sniff(behind).is_some() {
        return Ok(());
    }
    let at = consumed + zeros as u64;
    let what = format!(
        "the end or a {method} frame, found {} bytes that begin none",
        behind.len()
    );
    walk.fault(Trouble::Damaged, None, at, what);
    let mut from = at as usize;
    for _ in 0..MAX_FRAMES {
        let Some(start) = stream(data).begins_behind(from) else {
            break;
        };
        let member = Member {
            name: format!("({method} at {start:#x})"),
            method,
            offset: start as u64,
        };
        let packed = data.get(start..).unwrap_or_default();
        let consumed = walk.packed_beside(member, &mut stream(packed))?;
        from = start + (consumed as usize).max(1);
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

/// Frames that are looked for behind damage.
const MAX_FRAMES: usize = 1000;

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
