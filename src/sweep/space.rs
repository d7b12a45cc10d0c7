//! All bytes of a dump as sweeps see them: blocks in file order, then memory put together across seams; and
//! memory by its address.

use super::notes::{Notebook, Notes};
use crate::finding::{OwnerKind, Piece};
use crate::memory::{MemoryMap, Part, Region, RegionKind, Segment, Window, window_length, windows};
use crate::secret::SecretBuf;
use rayon::prelude::*;
use std::ops::Range;

/// A dump to be swept.
pub struct Space<'d> {
    data: &'d [u8],
    map: &'d MemoryMap,
    seams: Vec<Window>,
    /// Memory by address; where two claim an address, the first in the file.
    segments: Vec<Segment>,
    pointer: usize,
    notes: Notebook,
    /// Told of bytes that were looked at.
    done: &'d (dyn Fn(u64) + Sync),
}

/// Consecutive bytes of memory or of the file.
pub struct Block<'b> {
    /// The bytes that belong to the block and up to [`REACH`] bytes on both sides of them: all of every number that
    /// starts in it, and what stands before.
    pub bytes: &'b [u8],
    /// Where numbers start that belong to this block.
    pub own: Range<usize>,
    /// Address of the first byte, where it is known.
    pub address: Option<u64>,
    /// The bytes are those of a module or mapped file that the process did not write to, as far as is known.
    pub is_module: bool,
    /// Bytes of a pointer in the process: 8 or 4.
    pub pointer: usize,
    /// What sweeps note of it; `None` of bytes put together for one of them.
    pub notes: Option<Notes<'b>>,
}

impl<'b> Block<'b> {
    /// All of `bytes` as one block of a process with 64-bit pointers, of which no address is known.
    #[cfg(test)]
    pub fn whole(bytes: &'b [u8]) -> Self {
        Self {
            bytes,
            own: 0..bytes.len(),
            address: None,
            is_module: false,
            pointer: 8,
            notes: None,
        }
    }

    /// Offsets in [`Self::own`] whose address is a multiple of `step` bytes; all of them where no address is known.
    pub fn aligned(&self, step: usize) -> impl Iterator<Item = usize> + use<> {
        let (first, step) = self.first_aligned(self.own.start, step);
        (first..self.own.end).step_by(step)
    }

    /// Whether `at` starts a word of 64 bits; by its offset in the block where no address is known.
    pub fn is_word(&self, at: usize) -> bool {
        self.address
            .unwrap_or(0)
            .wrapping_add(at as u64)
            .is_multiple_of(8)
    }

    /// The first offset from `at` on whose address is a multiple of `step` bytes, and the distance to the next
    /// one: `at` and one byte where no address is known.
    pub fn first_aligned(&self, at: usize, step: usize) -> (usize, usize) {
        match self.address {
            Some(address) => {
                let phase = address.wrapping_add(at as u64) % step as u64;
                let skip = (step as u64 - phase) % step as u64;
                (at + skip as usize, step)
            }
            None => (at, 1),
        }
    }
}

/// One block before its bytes are put together.
enum Job<'w> {
    /// A range of the file, the bytes that are shown, and the address of the first of these.
    File {
        own: Range<usize>,
        shown: Range<usize>,
        address: Option<u64>,
    },
    /// A part of a window round seams.
    Seam(Part<'w>),
}

impl Job<'_> {
    /// Bytes where numbers start that belong to it.
    fn length(&self) -> u64 {
        match self {
            Self::File { own, .. } => own.len() as u64,
            Self::Seam(part) => part.own().len() as u64,
        }
    }
}

impl<'d> Space<'d> {
    /// The bytes `data` of a dump with the regions of `map`, whose process had pointers of `pointer` bytes.
    pub fn new(data: &'d [u8], map: &'d MemoryMap, pointer: usize) -> Self {
        Self {
            data,
            map,
            seams: windows(map.regions(), REACH as u64),
            segments: segments(map),
            pointer,
            notes: Notebook::default(),
            done: &|_| {},
        }
    }

    /// The same, which tells `done` of each number of bytes that was looked at: of [`Self::bytes`] a sweep.
    #[must_use]
    pub fn telling(self, done: &'d (dyn Fn(u64) + Sync)) -> Self {
        Self { done, ..self }
    }

    /// Another `bytes` bytes were looked at.
    pub fn tell(&self, bytes: u64) {
        (self.done)(bytes);
    }

    /// All bytes of the file.
    pub fn data(&self) -> &'d [u8] {
        self.data
    }

    /// Bytes of a pointer in the process: 8 or 4.
    pub fn pointer(&self) -> usize {
        self.pointer
    }

    /// Bytes a sweep looks at: those of the file, and those of its seams once more.
    pub fn bytes(&self) -> u64 {
        self.data.len() as u64 + self.seams.iter().map(window_length).sum::<u64>()
    }

    /// The `length` bytes of memory from `address` on, if they lie in the dump one after the other.
    pub fn at(&self, address: u64, length: usize) -> Option<&'d [u8]> {
        let offset = self.offset(address, length)?;
        crate::bytes::slice(self.data, offset, length)
    }

    /// Where in the file the `length` bytes of memory from `address` on lie, if they lie there one after the other.
    pub fn offset(&self, address: u64, length: usize) -> Option<usize> {
        let behind = self
            .segments
            .partition_point(|segment| segment.va <= address);
        let segment = self.segments.get(behind.checked_sub(1)?)?;
        let skip = address - segment.va;
        let end = skip.checked_add(length as u64)?;
        (end <= segment.length).then(|| (segment.offset + skip) as usize)
    }

    /// From the first to the last address of memory, in that half of all addresses where more of it lies: a
    /// process has the lower one, and a page of the kernel's in the upper one.
    pub fn addresses(&self) -> Range<u64> {
        let half = self
            .segments
            .partition_point(|segment| segment.va < 1 << 63);
        let (lower, upper) = self.segments.split_at(half);
        let bytes = |half: &[Segment]| half.iter().map(|segment| segment.length).sum::<u64>();
        let half = if bytes(upper) > bytes(lower) {
            upper
        } else {
            lower
        };
        match half {
            [] => 0..0,
            [first, .., last] => first.va..last.va.saturating_add(last.length),
            [only] => only.va..only.va.saturating_add(only.length),
        }
    }

    /// The address of a byte of the file.
    pub fn address(&self, offset: usize) -> Option<u64> {
        self.map
            .region_at(offset as u64)
            .and_then(|region| region.va_at(offset as u64))
    }

    /// The bytes round the one at `offset` in the file that lie together: that follow in the file and by address,
    /// or of which none has an address. At most some 64 KiB to either side, and the whole region.
    pub fn together(&self, offset: usize) -> Range<usize> {
        let regions = self.map.regions();
        let behind = regions.partition_point(|region| region.start <= offset as u64);
        let (before, after) = regions.split_at(behind);
        let Some((own, before)) = before.split_last() else {
            return 0..0;
        };
        let follows = |one: &Region, next: &Region| match (one.va, next.va) {
            (Some(va), Some(next)) => va.checked_add(one.len()) == Some(next),
            (None, None) => true,
            _ => false,
        };
        let (mut start, mut end) = (own.start, own.end);
        let mut last = own;
        for region in before.iter().rev() {
            if !follows(region, last) || (offset as u64).saturating_sub(start) > TOGETHER {
                break;
            }
            (start, last) = (region.start, region);
        }
        let mut last = own;
        for region in after {
            if !follows(last, region) || end.saturating_sub(offset as u64) > TOGETHER {
                break;
            }
            (end, last) = (region.end, region);
        }
        start as usize..(end as usize).min(self.data.len())
    }

    /// A range of the file as pieces.
    pub fn pieces(&self, range: Range<usize>) -> Vec<Piece> {
        self.map.pieces(range.start as u64..range.end as u64)
    }

    /// The bytes of the file in `own` as a block, and the offset of its first byte in the file. Nothing where `own`
    /// begins behind the end.
    pub fn block(&self, own: Range<usize>) -> Option<(Block<'d>, usize)> {
        let region = self.map.region_at(own.start as u64)?;
        let first = region.start.max(own.start.saturating_sub(REACH) as u64) as usize;
        let last = own.end.saturating_add(REACH).min(self.data.len());
        let block = Block {
            bytes: self.data.get(first..last)?,
            own: own.start - first..own.end.min(last) - first,
            address: region.va_at(first as u64),
            is_module: false,
            pointer: self.pointer,
            notes: None,
        };
        Some((block, first))
    }

    /// Examines every block, on all threads, and hands the results over in the same order in every run, with the
    /// way from a range of the block's bytes to pieces of the file.
    pub fn each_block<T: Send>(
        &self,
        examine: impl Fn(&Block<'_>) -> T + Sync,
        take: impl FnMut(T, &dyn Fn(Range<usize>) -> Vec<Piece>),
    ) {
        let lengths: Vec<u64> = self.seams.iter().map(window_length).collect();
        let jobs = self.file_jobs().chain(self.seam_jobs(&lengths));
        self.each(jobs, examine, take);
    }

    /// The same for the blocks of seams alone.
    pub fn each_seam<T: Send>(
        &self,
        examine: impl Fn(&Block<'_>) -> T + Sync,
        take: impl FnMut(T, &dyn Fn(Range<usize>) -> Vec<Piece>),
    ) {
        let lengths: Vec<u64> = self.seams.iter().map(window_length).collect();
        self.each(self.seam_jobs(&lengths), examine, take);
    }

    fn each<'w, T: Send>(
        &self,
        jobs: impl Iterator<Item = Job<'w>>,
        examine: impl Fn(&Block<'_>) -> T + Sync,
        mut take: impl FnMut(T, &dyn Fn(Range<usize>) -> Vec<Piece>),
    ) {
        let mut jobs = jobs.peekable();
        while jobs.peek().is_some() {
            let wave: Vec<Job<'_>> = jobs.by_ref().take(BLOCKS_IN_WAVE).collect();
            let results: Vec<T> = wave
                .par_iter()
                .with_max_len(1)
                .map(|job| {
                    let result = self.run(job, &examine);
                    self.tell(job.length());
                    result
                })
                .collect();
            for (job, result) in wave.iter().zip(results) {
                match job {
                    Job::File { shown, .. } => take(result, &|range| {
                        self.pieces(shown.start + range.start..shown.start + range.end)
                    }),
                    Job::Seam(part) => take(result, &|range| part.pieces(range)),
                }
            }
        }
    }

    fn run<T>(&self, job: &Job<'_>, examine: &impl Fn(&Block<'_>) -> T) -> T {
        match job {
            Job::File {
                own,
                shown,
                address,
            } => {
                let lead = own.start - shown.start;
                let owners = self.map.owners();
                let owner = address
                    .and_then(|address| address.checked_add(lead as u64))
                    .filter(|&address| !owners.is_writable(address))
                    .map(|address| owners.of(address).kind);
                examine(&Block {
                    bytes: self.data.get(shown.clone()).unwrap_or_default(),
                    own: lead..lead + own.len(),
                    address: *address,
                    is_module: owner == Some(OwnerKind::Module),
                    pointer: self.pointer,
                    // What is shown of two short blocks may begin at the same byte.
                    notes: Some(self.notes.of_block(own.start)),
                })
            }
            Job::Seam(part) => {
                let bytes: SecretBuf = part.assemble(self.data);
                examine(&Block {
                    bytes: &bytes,
                    own: part.own(),
                    address: Some(part.address()),
                    is_module: false,
                    pointer: self.pointer,
                    notes: None,
                })
            }
        }
    }

    fn file_jobs(&self) -> impl Iterator<Item = Job<'_>> {
        self.map.regions().iter().flat_map(move |region| {
            let mut next = region.start;
            std::iter::from_fn(move || {
                let start = next;
                if start >= region.end {
                    return None;
                }
                let end = self.end_of_block(region, start);
                next = end;
                // Before the region other addresses hold; behind it the file may just go on.
                let first = region.start.max(start.saturating_sub(REACH as u64));
                let last = end.saturating_add(REACH as u64).min(self.data.len() as u64);
                let address = (region.kind == RegionKind::Memory)
                    .then(|| region.va_at(first))
                    .flatten();
                Some(Job::File {
                    own: start as usize..end as usize,
                    shown: first as usize..last as usize,
                    address,
                })
            })
        })
    }

    /// Where the block ends that starts at `start`: what is writable and what is not are blocks of their own.
    fn end_of_block(&self, region: &Region, start: u64) -> u64 {
        let end = region.end.min(start + BLOCK as u64);
        let border = region
            .va_at(start)
            .and_then(|va| Some(start + (self.map.owners().writable_border(va)? - va)));
        border.map_or(end, |border| border.min(end))
    }

    fn seam_jobs<'w>(&'w self, lengths: &'w [u64]) -> impl Iterator<Item = Job<'w>> {
        self.seams
            .iter()
            .zip(lengths)
            .flat_map(|(window, &length)| {
                (0..length).step_by(BLOCK).map(move |start| {
                    let own = start..length.min(start + BLOCK as u64);
                    Job::Seam(Part::new(window, length, own, REACH as u64))
                })
            })
    }
}

/// Memory in the order of addresses, without overlaps.
fn segments(map: &MemoryMap) -> Vec<Segment> {
    let mut segments: Vec<Segment> = map
        .regions()
        .iter()
        .filter(|region| region.kind == RegionKind::Memory)
        .filter_map(|region| {
            Some(Segment {
                va: region.va?,
                offset: region.start,
                length: region.len(),
            })
        })
        .collect();
    segments.sort_unstable_by_key(|segment| (segment.va, segment.offset));
    let mut end = 0;
    segments.retain_mut(|segment| {
        let covered = end.max(segment.va) - segment.va;
        let left = segment.length.saturating_sub(covered);
        segment.va += covered;
        segment.offset += covered;
        segment.length = left;
        end = end.max(segment.va.saturating_add(left));
        left > 0
    });
    segments
}

/// Bytes on both sides of a block that its examiner sees, and of a seam: the longest number, a modulus of
/// 8192 bits in digits of 24 bits, eight bytes each.
pub const REACH: usize = 4096;

/// Bytes to either side that lie together.
const TOGETHER: u64 = 64 << 10;

/// Bytes of a block.
const BLOCK: usize = 1 << 20;

/// Blocks whose results are held at a time.
const BLOCKS_IN_WAVE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Label, Owners};
    use crate::sweep::notes::Note;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn map() -> MemoryMap {
        // Two pages that follow by address and lie the other way round in the file, and bytes without address.
        let labels = vec![
            Label::memory(0x10, 0x1000, 0x7000),
            Label::memory(0x1010, 0x1000, 0x6000),
        ];
        MemoryMap::tile(0x2100, labels, Vec::new(), Owners::default())
    }

    #[test]
    fn blocks_tile_the_file_and_the_seams() {
        let map = map();
        let data: Vec<u8> = (0..0x2100u32).map(|at| (at * 7 / 3) as u8).collect();
        let space = Space::new(&data, &map, 8);
        let mut file = Vec::new();
        let mut seams = 0;
        space.each_block(
            |block| (block.own.clone(), block.address, block.bytes.to_vec()),
            |(own, address, bytes), pieces| {
                let pieces = pieces(own.clone());
                let seen: Vec<u8> = pieces
                    .iter()
                    .flat_map(|piece| &data[piece.offset as usize..][..piece.length as usize])
                    .copied()
                    .collect();
                assert_eq!(seen, bytes[own.clone()]);
                match pieces[..] {
                    [piece] => {
                        assert_eq!(piece.va, address.map(|address| address + own.start as u64));
                        file.push(piece.offset..piece.offset + piece.length);
                    }
                    _ => {
                        assert_eq!(address, Some(0x6000));
                        seams += 1;
                    }
                }
            },
        );
        assert_eq!(
            file,
            [0..0x10, 0x10..0x1010, 0x1010..0x2010, 0x2010..0x2100]
        );
        assert_eq!(seams, 1);
        let told = AtomicU64::new(0);
        let tell = |bytes| {
            told.fetch_add(bytes, Ordering::Relaxed);
        };
        let telling = Space::new(&data, &map, 8).telling(&tell);
        telling.each_block(|_| (), |(), _| ());
        assert_eq!(told.into_inner(), space.bytes());
        assert_eq!(space.at(0x6ff8, 8), Some(&data[0x2008..0x2010]));
        assert_eq!(space.at(0x7008, 8), Some(&data[0x18..0x20]));
        assert_eq!(space.at(0x6ffc, 8), None);
        assert_eq!(space.at(0x5fff, 1), None);
        let around = |offset| space.together(offset);
        assert_eq!(around(0xf), 0..0x10);
        assert_eq!(around(0x10), 0x10..0x1010);
        assert_eq!(around(0x2000), 0x1010..0x2010);
        assert_eq!(around(0x20ff), 0x2010..0x2100);
        let labels = (0..3).map(|page| Label::memory(page << 12, 0x1000, 0x5000 + (page << 12)));
        let map = MemoryMap::tile(0x3000, labels.collect(), Vec::new(), Owners::default());
        let space = Space::new(&data[..0x3000.min(data.len())], &map, 8);
        assert_eq!(space.together(0x1800).start, 0);
    }

    #[test]
    fn blocks_of_which_the_same_bytes_are_shown_have_notes_of_their_own() {
        // What is writable begins and ends within the reach of others.
        let owners = Owners::default().with_writable(vec![0x6800..0x6900, 0x6a00..0x6b00]);
        let labels = vec![Label::memory(0, 0x2000, 0x6000)];
        let map = MemoryMap::tile(0x2000, labels, Vec::new(), owners);
        let data = vec![7; 0x2000];
        let space = Space::new(&data, &map, 8);
        let mut all = Vec::new();
        space.each_block(
            |block| {
                let notes = block.notes.as_ref().unwrap();
                let is_new = notes.read(0).is_none();
                notes.write(0, Note::new(1));
                is_new
            },
            |is_new, _| all.push(is_new),
        );
        assert_eq!(all, [true; 5]);
    }

    #[test]
    fn alignment_is_by_address() {
        let block = |address| Block {
            address,
            ..Block::whole(&[0; 32])
        };
        assert!(block(Some(0x1003)).aligned(8).eq([5, 13, 21, 29]));
        assert!(block(Some(0x1000)).aligned(8).eq([0, 8, 16, 24]));
        assert!(block(None).aligned(8).eq(0..32));
    }
}
