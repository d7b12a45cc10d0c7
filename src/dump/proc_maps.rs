//! Lines of `/proc/PID/maps` (proc_pid_maps(5)), which Breakpad and its kin keep in minidumps.

use std::ops::Range;

/// Addresses, offset in the file and name of a line of `/proc/PID/maps`: addresses, rights, offset,
/// device, inode, name. A name may hold blanks.
pub fn mapping(line: &str) -> Option<(Range<u64>, u64, &str)> {
    let mut rest = line;
    let mut field = || {
        let (field, behind) = rest
            .trim_start()
            .split_once(' ')
            .unwrap_or((rest.trim_start(), ""));
        rest = behind;
        field
    };
    let (addresses, _, offset, _, _) = (field(), field(), field(), field(), field());
    let (start, end) = addresses.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?..number(end)?, number(offset)?, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_blanks_or_be_missing() {
        let line = "7f00-7f80 r-xp 00001000 08:01 42   /srv/my app/x.so";
        assert_eq!(
            mapping(line),
            Some((0x7f00..0x7f80, 0x1000, "/srv/my app/x.so"))
        );
        assert_eq!(mapping("10-20 rw-p 0 0:0 0"), Some((0x10..0x20, 0, "")));
        assert_eq!(mapping("no mapping"), None);
    }
}
