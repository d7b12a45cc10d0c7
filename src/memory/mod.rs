//! The bytes of a dump with their labels: regions that tile the file, runs of memory that belong
//! together by address, and who owns what.

mod map;
mod nest;
mod owner;
mod part;
mod region;
mod runs;

pub use map::{Dump, MemoryMap, Platform, Process};
pub use owner::{Module, Owners, Thread};
pub use part::{Part, length as window_length};
pub use region::{Label, Region, RegionKind};
pub use runs::{Segment, Window, windows};
