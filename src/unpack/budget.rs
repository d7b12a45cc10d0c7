//! How much unpacking one file is worth.

use std::time::Duration;

/// Bounds on what is unpacked out of one file. Where one is reached the verdict is `incomplete`, and what was
/// unpacked until then is scanned.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Bytes unpacked out of the file, of all members and all depths.
    pub bytes: u64,
    /// Bytes unpacked of one member.
    pub member_bytes: u64,
    /// Unpacked bytes a packed byte, of a member of more than 64 MiB. Pages of zeros do not count: sparse
    /// dumps are packed at ten thousand to one, and zeros take up no room.
    pub ratio: u64,
    /// Containers inside one another.
    pub depth: usize,
    /// Members of all containers in the file.
    pub members: u64,
    /// Time spent on unpacking, apart from scanning.
    pub time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: 256 << 30,
            member_bytes: 256 << 30,
            ratio: 2000,
            depth: 8,
            members: 10_000,
            time: Duration::from_secs(3600),
        }
    }
}

/// Bytes of a member that may come from however few packed ones.
pub const FREE_BYTES: u64 = 64 << 20;

/// What was spent so far.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    /// Bytes unpacked.
    pub bytes: u64,
    /// Members opened.
    pub members: u64,
    /// Time spent.
    pub time: Duration,
}

/// Which bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// [`Budget::bytes`]
    Bytes,
    /// [`Budget::member_bytes`]
    MemberBytes,
    /// [`Budget::ratio`]
    Ratio,
    /// [`Budget::depth`]
    Depth,
    /// [`Budget::members`]
    Members,
    /// [`Budget::time`]
    Time,
}

impl Bound {
    /// What was reached, with the number and the option that sets it.
    pub fn said(self, budget: &Budget) -> String {
        match self {
            Self::Bytes => format!(
                "more than {} unpacked bytes in all (`--max-unpacked-bytes`)",
                budget.bytes
            ),
            Self::MemberBytes => format!(
                "more than {} unpacked bytes of one member (`--max-member-bytes`)",
                budget.member_bytes
            ),
            Self::Ratio => format!(
                "more than {} unpacked bytes for each packed one (`--max-ratio`)",
                budget.ratio
            ),
            Self::Depth => format!(
                "containers inside one another beyond a depth of {} (`--max-depth`)",
                budget.depth
            ),
            Self::Members => format!("more than {} members (`--max-members`)", budget.members),
            Self::Time => format!(
                "more than {} seconds of unpacking (`--max-unpack-seconds`)",
                budget.time.as_secs()
            ),
        }
    }

    /// Whether nothing else of the file may be unpacked either.
    pub fn ends_all(self) -> bool {
        matches!(self, Self::Bytes | Self::Members | Self::Time)
    }
}

impl Budget {
    /// The bound that is reached in a member with these sizes in bytes, if any.
    pub fn reached(&self, spent: &Spent, unpacked: u64, solid: u64, packed: u64) -> Option<Bound> {
        let allowed = self.ratio.saturating_mul(packed.max(1));
        if spent.bytes > self.bytes {
            Some(Bound::Bytes)
        } else if spent.time > self.time {
            Some(Bound::Time)
        } else if unpacked > self.member_bytes {
            Some(Bound::MemberBytes)
        } else if solid > FREE_BYTES && solid > allowed {
            Some(Bound::Ratio)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_is_reached_beyond_its_number() {
        let budget = Budget {
            bytes: 1 << 40,
            member_bytes: 1 << 30,
            ratio: 100,
            ..Budget::default()
        };
        let spent = Spent::default();
        assert_eq!(budget.reached(&spent, 1 << 30, FREE_BYTES, 1), None);
        assert_eq!(
            budget.reached(&spent, 1 << 30, FREE_BYTES + 1, 1),
            Some(Bound::Ratio)
        );
        assert_eq!(budget.reached(&spent, 1 << 30, 1 << 30, 1 << 24), None);
        let over = budget.reached(&spent, (1 << 30) + 1, 0, 1);
        assert_eq!(over, Some(Bound::MemberBytes));
        let spent = Spent {
            bytes: (1 << 40) + 1,
            ..Spent::default()
        };
        assert_eq!(budget.reached(&spent, 0, 0, 1), Some(Bound::Bytes));
    }
}
