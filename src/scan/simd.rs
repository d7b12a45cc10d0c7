//! The vector kernels of the search for anchors: where in memory four bytes stand that may be a window.
//!
//! In words: each window is in one of eight buckets, each bucket is a bit. For each of the four bytes of a
//! window a table says which buckets have a window with such a byte there. A place is a candidate when some
//! bucket stays in all four:
//!
//! ```text
//! for place in places:
//!     buckets = 0xff
//!     for i in 0..4: buckets &= table[i](data[place + i])
//!     if buckets != 0: candidate(place)
//! ```
//!
//! The tables are looked up by shuffles of 32 or 64 bytes at once, in the same time for any number of windows.
//! No shuffle tells all 256 bytes apart. AVX2 takes two, one for the low and one for the high nibble, so that
//! bytes with the low nibble of one and the high nibble of another window get through as well. AVX-512 VBMI
//! tells the low seven bits apart. Where there is neither, tables of 256 are looked up byte by byte.

use std::ops::Range;

/// Bytes in a window.
pub const WINDOW: usize = 4;

/// Buckets, one for each bit of a byte.
pub const BUCKETS: usize = 8;

/// Places looked at in one turn, in bytes.
const TURN: usize = 64;

/// Bytes read in one turn: the windows at all its places.
const READ: usize = TURN + WINDOW - 1;

/// The most turns in one call: what they find stays in the fastest cache.
const TURNS: usize = 64;

/// A kernel this processor has.
#[derive(Debug)]
pub struct Kernel {
    level: Level,
}

#[derive(Debug)]
enum Level {
    /// From Ice Lake and Zen 4 on: about as fast as memory is read.
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Tables),
    /// Most processors since 2013: about half as fast.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Tables),
    /// Any processor.
    Portable(portable::Tables),
}

impl Kernel {
    /// Those of this processor, the fastest first, for windows and their buckets, which are below
    /// [`BUCKETS`].
    pub fn available(windows: &[([u8; WINDOW], usize)]) -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let vbmi = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vbmi");
            if vbmi {
                let level = Level::Avx512(avx512::Tables::new(windows));
                kernels.push(Self { level });
            }
            if is_x86_feature_detected!("avx2") {
                let level = Level::Avx2(avx2::Tables::new(windows));
                kernels.push(Self { level });
            }
        }
        let level = Level::Portable(portable::Tables::new(windows));
        kernels.push(Self { level });
        kernels
    }

    /// Looks at `places` from the first on, at most 4096 of them, and puts those where a window may stand
    /// into `candidates`. Returns the first place not looked at: up to 63 bytes beyond `places`; before
    /// their end when there are more; their start when `data` has fewer than 67 bytes from there on.
    pub fn look(&self, data: &[u8], places: Range<usize>, candidates: &mut Candidates) -> usize {
        candidates.length = 0;
        match &self.level {
            // SAFETY: this would be an illegal instruction on a processor without AVX-512 VBMI. The level
            // is made by `available` alone, after it has seen AVX-512 F, BW and VBMI.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(tables) => unsafe { avx512::look(tables, data, places, candidates) },
            // SAFETY: the same for AVX2.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(tables) => unsafe { avx2::look(tables, data, places, candidates) },
            Level::Portable(tables) => portable::look(tables, data, places, candidates),
        }
    }
}

/// Places where a window may stand. They are kept and examined later: a call in the loop of a kernel would
/// cost it the registers with its tables.
pub struct Candidates {
    /// For some turns, the first place and a bit for each that is a candidate.
    turns: [(usize, u64); TURNS],
    length: usize,
}

impl Candidates {
    /// None yet.
    pub fn new() -> Self {
        Self {
            turns: [(0, 0); TURNS],
            length: 0,
        }
    }

    /// The places, in order.
    pub fn each(&self, mut examine: impl FnMut(usize)) {
        for &(start, mut mask) in self.turns.iter().take(self.length) {
            while mask != 0 {
                examine(start + mask.trailing_zeros() as usize);
                mask &= mask - 1;
            }
        }
    }

    fn push(&mut self, start: usize, mask: u64) {
        if let Some(turn) = self.turns.get_mut(self.length) {
            *turn = (start, mask);
            self.length += 1;
        }
    }
}

/// The end of the places for one call.
fn end_of_call(places: &Range<usize>) -> usize {
    places.end.min(places.start.saturating_add(TURN * TURNS))
}

/// The bytes of the turn at `at`, or `None` when they are not all there.
fn turn(data: &[u8], at: usize) -> Option<&[u8; READ]> {
    data.get(at..)?.first_chunk()
}

mod portable {
    use super::{Candidates, TURN, WINDOW, end_of_call, turn};
    use std::ops::Range;

    /// For each byte of a window and its value: the buckets that have it.
    #[derive(Debug)]
    pub struct Tables(Box<[[u8; 256]; WINDOW]>);

    impl Tables {
        pub fn new(windows: &[([u8; WINDOW], usize)]) -> Self {
            let mut tables = [[0; 256]; WINDOW];
            for (window, bucket) in windows {
                for (table, byte) in tables.iter_mut().zip(window) {
                    let buckets = table.get_mut(usize::from(*byte));
                    buckets
                        .into_iter()
                        .for_each(|buckets| *buckets |= 1 << bucket);
                }
            }
            Self(Box::new(tables))
        }
    }

    pub fn look(
        tables: &Tables,
        data: &[u8],
        places: Range<usize>,
        candidates: &mut Candidates,
    ) -> usize {
        let end = end_of_call(&places);
        let mut at = places.start;
        while at < end {
            let Some(bytes) = turn(data, at) else { break };
            let windows = bytes.windows(WINDOW).enumerate();
            let mask = windows.fold(0, |mask, (place, window)| {
                let found = tables
                    .0
                    .iter()
                    .zip(window)
                    .fold(0xff, |buckets, (table, byte)| {
                        buckets & table.get(usize::from(*byte)).copied().unwrap_or(0)
                    });
                mask | u64::from(found != 0) << place
            });
            if mask != 0 {
                candidates.push(at, mask);
            }
            at += TURN;
        }
        at
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{Candidates, TURN, WINDOW, end_of_call, turn};
    use std::arch::x86_64::{
        __m512i, _mm512_and_si512, _mm512_loadu_si512, _mm512_permutex2var_epi8,
        _mm512_test_epi8_mask,
    };
    use std::ops::Range;

    /// For each byte of a window and its low seven bits: the buckets that have it.
    #[derive(Debug)]
    pub struct Tables(Box<[[[u8; 64]; 2]; WINDOW]>);

    impl Tables {
        pub fn new(windows: &[([u8; WINDOW], usize)]) -> Self {
            let mut tables = [[[0; 64]; 2]; WINDOW];
            for (window, bucket) in windows {
                for (table, byte) in tables.iter_mut().zip(window) {
                    let buckets = table.as_flattened_mut().get_mut(usize::from(byte & 0x7f));
                    buckets
                        .into_iter()
                        .for_each(|buckets| *buckets |= 1 << bucket);
                }
            }
            Self(Box::new(tables))
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn look(
        tables: &Tables,
        data: &[u8],
        places: Range<usize>,
        candidates: &mut Candidates,
    ) -> usize {
        let [first, second, third, fourth] = tables
            .0
            .each_ref()
            .map(|[low, high]| [load(low, 0), load(high, 0)]);
        let end = end_of_call(&places);
        let mut at = places.start;
        while at < end {
            let Some(bytes) = turn(data, at) else { break };
            let early = _mm512_and_si512(
                looked_up(load(bytes, 0), first),
                looked_up(load(bytes, 1), second),
            );
            let late = _mm512_and_si512(
                looked_up(load(bytes, 2), third),
                looked_up(load(bytes, 3), fourth),
            );
            let mask = _mm512_test_epi8_mask(early, late);
            if mask != 0 {
                candidates.push(at, mask);
            }
            at += TURN;
        }
        at
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn looked_up(bytes: __m512i, [low, high]: [__m512i; 2]) -> __m512i {
        _mm512_permutex2var_epi8(low, bytes, high)
    }

    /// The 64 bytes at `at`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn load(bytes: &[u8], at: usize) -> __m512i {
        let part: &[u8; 64] = bytes
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .expect("a turn reads all bytes of its windows");
        // SAFETY: a load beyond the end of memory would fault. This one reads the 64 bytes of `part`, at
        // any alignment.
        unsafe { _mm512_loadu_si512(part.as_ptr().cast()) }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Candidates, TURN, WINDOW, end_of_call, turn};
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8,
        _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_srli_epi16, _mm256_testz_si256,
    };
    use std::ops::Range;

    /// For each byte of a window, by low and by high nibble: the buckets that have it. Each of the two is
    /// there twice, for a shuffle looks up in each half of a register by itself.
    #[derive(Debug)]
    pub struct Tables(Box<[[[u8; 32]; 2]; WINDOW]>);

    impl Tables {
        pub fn new(windows: &[([u8; WINDOW], usize)]) -> Self {
            let mut tables = [[[0; 32]; 2]; WINDOW];
            for (window, bucket) in windows {
                for (table, byte) in tables.iter_mut().zip(window) {
                    for (half, nibble) in table.iter_mut().zip([byte & 15, byte >> 4]) {
                        let copies = half.iter_mut().skip(usize::from(nibble)).step_by(16);
                        copies.for_each(|buckets| *buckets |= 1 << bucket);
                    }
                }
            }
            Self(Box::new(tables))
        }
    }

    #[target_feature(enable = "avx2")]
    pub fn look(
        tables: &Tables,
        data: &[u8],
        places: Range<usize>,
        candidates: &mut Candidates,
    ) -> usize {
        let tables = tables
            .0
            .each_ref()
            .map(|[low, high]| [load(low, 0), load(high, 0)]);
        let end = end_of_call(&places);
        let mut at = places.start;
        while at < end {
            let Some(bytes) = turn(data, at) else { break };
            let near = buckets::<0>(bytes, tables);
            let far = buckets::<32>(bytes, tables);
            let any = _mm256_or_si256(near, far);
            if _mm256_testz_si256(any, any) == 0 {
                let mask = u64::from(occupied(near)) | u64::from(occupied(far)) << 32;
                candidates.push(at, mask);
            }
            at += TURN;
        }
        at
    }

    /// The buckets left at each of the 32 places from `FROM` on.
    #[target_feature(enable = "avx2")]
    fn buckets<const FROM: usize>(bytes: &[u8], tables: [[__m256i; 2]; WINDOW]) -> __m256i {
        let [first, second, third, fourth] = tables;
        let early = _mm256_and_si256(
            looked_up(load(bytes, FROM), first),
            looked_up(load(bytes, FROM + 1), second),
        );
        let late = _mm256_and_si256(
            looked_up(load(bytes, FROM + 2), third),
            looked_up(load(bytes, FROM + 3), fourth),
        );
        _mm256_and_si256(early, late)
    }

    #[target_feature(enable = "avx2")]
    fn looked_up(bytes: __m256i, [low, high]: [__m256i; 2]) -> __m256i {
        let nibble = _mm256_set1_epi8(0x0f);
        // There is no shift of bytes; what a shift of words brings in from the neighbour is masked away.
        let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
        let lower = _mm256_and_si256(bytes, nibble);
        _mm256_and_si256(
            _mm256_shuffle_epi8(low, lower),
            _mm256_shuffle_epi8(high, upper),
        )
    }

    /// A bit for each of 32 places that has a bucket.
    #[target_feature(enable = "avx2")]
    fn occupied(buckets: __m256i) -> u32 {
        let none = _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256());
        !_mm256_movemask_epi8(none).cast_unsigned()
    }

    /// The 32 bytes at `at`.
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8], at: usize) -> __m256i {
        let part: &[u8; 32] = bytes
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .expect("a turn reads all bytes of its windows");
        // SAFETY: a load beyond the end of memory would fault. This one reads the 32 bytes of `part`, at
        // any alignment.
        unsafe { _mm256_loadu_si256(part.as_ptr().cast()) }
    }
}
