//! Memory without a format: anything no other reader knows.

use super::Format;
use super::draft::Draft;
use crate::memory::{Dump, Label, RegionKind};

/// The format that takes anything.
pub struct Raw;

impl Format for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn sniff(&self, _: &[u8]) -> bool {
        true
    }

    fn read(&self, data: &[u8]) -> Dump {
        let mut draft = Draft::new(data.len() as u64);
        draft.label(0, Label::other(0, data.len() as u64, RegionKind::Raw, 0));
        draft.finish()
    }
}
