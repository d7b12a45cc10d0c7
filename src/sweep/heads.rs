//! Numbers that something in memory points out: a pointer with a count beside it, as libraries for big numbers and
//! slices keep them, and arrays that begin with their own length.
//!
//! | object, in 64-bit processes | fields |
//! |---|---|
//! | OpenSSL, BoringSSL, aws-lc `BIGNUM` | **d**, top u32, dmax u32, neg u32, flags u32 |
//! | GMP `mpz_t` | alloc u32, size u32, **d** |
//! | mbedTLS `mbedtls_mpi` | s i32, n u64, **p**; from 3.6 on **p**, s i16, n u16 |
//! | NSS `mp_int` | sign u32, alloc u32, used u32, **dp** |
//! | libgcrypt `gcry_mpi` | alloced u32, nlimbs u32, sign u32, flags u32, **d** |
//! | Go and Rust slices, `Vec` | **ptr**, len; **ptr**, len, cap; cap, **ptr**, len |
//! | C++ `std::vector` | **begin**, end, end of capacity |
//! | `ASN1_STRING`, `SECItem`, `gnutls_datum_t` | length u32 before or behind **data** |
//!
//! | array | words before the number |
//! |---|---|
//! | Java `int[]`, `byte[]` | mark word, class u32, length u32 |
//! | CPython `int` | type, ob_size or, from 3.12 on, digits times 8 |
//! | CPython `bytes` | type, ob_size, hash |
//! | V8 `BigInt` | map, digits times 2 |
//! | Erlang | digits times 64, and the tag of a big number |
//! | wolfSSL `sp_int` | used and size, u16 or u32 each |
//! | .NET, Mono, OCaml, Haskell, TomsFastMath | length or used |

mod lengths;

use super::codec::{Codec, Order};
use super::numbers::may_be_coordinate;
use super::simd_heads::{GROUP, Marker};
use super::space::{Block, Space};
use crate::bytes::{self, slice};
use lengths::{
    BIG_INT, COUNT, DIGITS, DIGITS30, ERLANG, FORMS, Form, LENGTH, LIMBS, LIMBS_32, LIMBS_64,
    MAX_COUNT, MAX_HEAD, MAX_LENGTH, TAG, WORDS, coordinate, forms, is_length,
};
use std::ops::Range;

/// A number that something points out.
pub struct Nominee {
    /// Where it lies.
    pub place: Place,
    /// Its address, and that of what points it out; of an array both are the array's.
    pub addresses: Option<[u64; 2]>,
    /// How it is written.
    pub codec: &'static Codec,
    /// What pointed it out.
    pub source: Source,
    /// What it may be.
    pub kind: Kind,
}

/// Bytes of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A range of the block's bytes.
    Block(Range<usize>),
    /// A range of the file.
    File(Range<usize>),
}

/// What points a number out, the more telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A pointer with a count beside it.
    Object,
    /// Its own length before it.
    Array,
    /// It is written in digits and nothing else.
    Text,
    /// Bytes that look random begin or end with it.
    Edge,
}

/// What a number may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A modulus or a prime: odd, and its highest bit is set.
    Large,
    /// A coordinate of a point.
    Coordinate,
}

/// Finds the numbers that words of `block` point out, and hands over their bytes. Lengths are multiples of 32 bytes
/// from 64 to 1024, and those of coordinates: 256, 384 and 521 bits. None where no address is known.
pub fn each_number(space: &Space<'_>, block: &Block<'_>, found: impl FnMut(Nominee, &[u8])) {
    if block.address.is_none() {
        return;
    }
    let pointers = space.addresses();
    let mut walk = Walk {
        space,
        block,
        marker: Marker::new(&pointers),
        pointers,
        found,
    };
    match block.pointer {
        4 => walk.all::<4>(),
        _ => walk.all::<8>(),
    }
}

struct Walk<'w, 'd, 'b, F> {
    space: &'w Space<'d>,
    block: &'w Block<'b>,
    /// What a pointer may be.
    pointers: Range<u64>,
    marker: Marker,
    found: F,
}

impl<F: FnMut(Nominee, &[u8])> Walk<'_, '_, '_, F> {
    fn all<const P: usize>(&mut self) {
        let (first, _) = self.block.first_aligned(self.block.own.start, P);
        let own = first..self.block.own.end;
        let bytes = self.block.bytes.get(own.clone()).unwrap_or_default();
        for (page, at) in bytes.chunks(PAGE).zip(own.step_by(PAGE)) {
            if bytes::is_zero(page) {
                continue;
            }
            let (groups, rest) = match P {
                8 => page.as_chunks(),
                _ => (&[][..], page),
            };
            for (index, group) in groups.iter().enumerate() {
                self.group(group, at + index * GROUP);
            }
            let start = at + page.len() - rest.len();
            for (index, bytes) in rest.as_chunks::<P>().0.iter().enumerate() {
                self.word::<P>(value(bytes), start + index * P);
            }
        }
    }

    /// Looks at the words of a group, which begins at `start`, that may tell something.
    fn group(&mut self, group: &[u8; GROUP], start: usize) {
        let marks = self.marker.marks(group);
        if marks.pointers | marks.lengths == 0 {
            return;
        }
        let words = group.as_chunks::<8>().0;
        let word = |index: usize| words.get(index).map_or(0, |word| u64::from_le_bytes(*word));
        // A count stands within two words of its pointer, in the next group too.
        let counts = marks.counts;
        let beside = counts << 1 | counts << 2 | counts >> 1 | counts >> 2 | ENDS;
        let mut left = marks.pointers | marks.lengths;
        while left != 0 {
            let index = left.trailing_zeros() as usize;
            left &= left - 1;
            let (at, value, next) = (start + 8 * index, word(index), word(index + 1));
            let is = |mask: u64| mask >> index & 1 == 1;
            // The end of what is pointed to, or a count of 16 bits, may stand there too.
            let is_counted =
                is(beside) || next.wrapping_sub(value) <= MAX_LENGTH as u64 || next as u16 == 1;
            if is(marks.pointers) && is_counted {
                self.pointer::<8>(value, at);
            }
            if is(marks.lengths) {
                self.length::<8>(value, at);
            }
        }
    }

    /// Looks at one word.
    fn word<const P: usize>(&mut self, word: u64, at: usize) {
        // A class and a length may look like a pointer, as two lengths do.
        if self.pointers.contains(&word) {
            self.pointer::<P>(word, at);
        }
        self.length::<P>(word, at);
    }

    /// The word at `at` is a length or two, or none.
    fn length<const P: usize>(&mut self, word: u64, at: usize) {
        if word.wrapping_sub(1) < MAX_HEAD {
            self.head::<P>(word as u32, at);
        } else if P == 8 && (word >> 32).wrapping_sub(1) < MAX_COUNT {
            self.two_words(word, at);
        } else if (word >> 16).wrapping_sub(1) < MAX_COUNT {
            self.limbs_at::<P>((word & 0xffff) as usize, at);
        }
    }

    /// The word at `at` is a pointer, if a count stands beside it.
    fn pointer<const P: usize>(&mut self, word: u64, at: usize) {
        let Some(beside) = Beside::read::<P>(self.block.bytes, at, word) else {
            return;
        };
        let counts = beside.counts();
        let kinds = |count: u32| FORMS.get(count as usize).copied().unwrap_or(0);
        let all = counts.iter().fold(0, |all, &count| all | kinds(count));
        if all & coordinate(P) != 0
            && let Some(limbs) = beside.coordinate::<P>()
        {
            self.coordinate(word, at, limbs * P);
        }
        if all & COUNT == 0 {
            return;
        }
        let mut last = 0;
        for count in counts {
            if count != last && kinds(count) & COUNT != 0 {
                last = count;
                for form in forms(count as usize) {
                    self.pointed(word, at, form);
                }
            }
        }
    }

    fn pointed(&mut self, word: u64, at: usize, form: Form) {
        let Some(offset) = self
            .space
            .offset(word.wrapping_add(form.skip as u64), form.length)
        else {
            return;
        };
        let data = self.space.data();
        let Some(bytes) = slice(data, offset, form.length) else {
            return;
        };
        if form.is_fit(data, offset) {
            let nominee = Nominee {
                place: Place::File(offset..offset + form.length),
                addresses: self.addresses(word, at),
                codec: form.codec,
                source: Source::Object,
                kind: Kind::Large,
            };
            (self.found)(nominee, bytes);
        }
    }

    fn coordinate(&mut self, word: u64, at: usize, length: usize) {
        let place = self.space.offset(word, length);
        let Some((offset, bytes)) =
            place.and_then(|offset| Some((offset, slice(self.space.data(), offset, length)?)))
        else {
            return;
        };
        if may_be_coordinate(bytes, LIMBS) {
            let nominee = Nominee {
                place: Place::File(offset..offset + length),
                addresses: self.addresses(word, at),
                codec: LIMBS,
                source: Source::Object,
                kind: Kind::Coordinate,
            };
            (self.found)(nominee, bytes);
        }
    }

    /// The address of a number, and that of the pointer to it at `at`.
    fn addresses(&self, number: u64, at: usize) -> Option<[u64; 2]> {
        Some([number, self.block.address?.wrapping_add(at as u64)])
    }

    /// The word at `at` is a small number: a length, if what it tells the length of follows.
    fn head<const P: usize>(&mut self, head: u32, at: usize) {
        let Some(&kinds) = FORMS.get(head as usize) else {
            return;
        };
        if kinds & LENGTH == 0 {
            return;
        }
        let count = head as usize;
        if kinds & COUNT != 0 {
            for form in forms(count) {
                self.array(at + P, form);
                // CPython keeps a hash between the length of bytes and the bytes.
                if form.codec.order() == Order::Most {
                    self.array(at + 2 * P, form);
                }
            }
        }
        if kinds & DIGITS != 0 {
            self.digits(at + P, count);
        }
        if kinds & TAG != 0 {
            self.digits(at + P, count >> 3);
        }
        if kinds & BIG_INT != 0 {
            self.limbs_at::<P>(count >> 1, at);
        }
        if kinds & ERLANG != 0 {
            self.limbs_at::<P>(count >> 6, at);
        }
    }

    /// The word at `at` has a small number in its upper half, and another or part of a pointer in the lower one.
    fn two_words(&mut self, word: u64, at: usize) {
        let (count, below) = ((word >> 32) as usize, word as u32 as usize);
        if below == 0 {
            return;
        }
        if below <= count {
            self.limbs_at::<8>(below, at);
        }
        let is_java_coordinate = matches!(count, 8 | 12 | 17) && self.is_mark_word(at);
        if is_java_coordinate {
            let range = at + 8..at + 8 + 4 * count;
            if let Some(bytes) = self.block.bytes.get(range.clone())
                && may_be_coordinate(bytes, WORDS)
            {
                self.give(range, WORDS, Kind::Coordinate);
            }
        }
        if FORMS.get(count).is_some_and(|forms| forms & COUNT != 0) {
            for form in forms(count) {
                if form.codec.order() == Order::Most {
                    self.array(at + 8, form);
                }
            }
            let words = Form {
                skip: 0,
                length: 4 * count,
                codec: WORDS,
            };
            self.array(at + 8, words);
        }
    }

    /// Whether the word before `at` is what a Java object begins with: hash and age of an object that is not locked.
    fn is_mark_word(&self, at: usize) -> bool {
        at.checked_sub(8)
            .and_then(|at| bytes::u64_le(self.block.bytes, at))
            .is_some_and(|mark| mark & 7 == 1 && mark >> 39 == 0)
    }

    /// So many limbs may follow the word at `at`.
    fn limbs_at<const P: usize>(&mut self, limbs: usize, at: usize) {
        let form = Form {
            skip: 0,
            length: 8 * limbs,
            codec: LIMBS,
        };
        self.array(at + P, form);
    }

    fn array(&mut self, start: usize, form: Form) {
        let start = start + form.skip;
        if is_length(form.length) && form.is_fit(self.block.bytes, start) {
            self.give(start..start + form.length, form.codec, Kind::Large);
        }
    }

    /// Digits of 30 bits, as CPython keeps them, may begin at `start`.
    fn digits(&mut self, start: usize, digits: usize) {
        let Some(bytes) = slice(self.block.bytes, start, 4 * digits) else {
            return;
        };
        let mut words = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word));
        let is_odd = bytes.first().is_some_and(|byte| byte & 1 == 1);
        let bits = (30 * digits as u32 - 30) / 256 * 256 + 256;
        let has_top = bytes.as_chunks::<4>().0.last().is_some_and(|word| {
            u32::from_le_bytes(*word) >> (bits - 1 - 30 * (digits as u32 - 1)) == 1
        });
        let small = |word: u32| word < 1 << 16;
        if is_odd
            && has_top
            && words.clone().all(|word| word < 1 << 30)
            && words.by_ref().filter(|word| small(*word)).count() <= 3
        {
            self.give(start..start + 4 * digits, DIGITS30, Kind::Large);
        }
    }

    fn give(&mut self, range: Range<usize>, codec: &'static Codec, kind: Kind) {
        let Some(bytes) = self.block.bytes.get(range.clone()) else {
            return;
        };
        let address = self
            .block
            .address
            .map(|address| address.wrapping_add(range.start as u64));
        let nominee = Nominee {
            place: Place::Block(range),
            addresses: address.map(|address| [address; 2]),
            codec,
            source: Source::Array,
            kind,
        };
        (self.found)(nominee, bytes);
    }
}

/// What stands beside a pointer: 32-bit words of the 16 bytes before and behind it.
struct Beside {
    before: [u32; 4],
    behind: [u32; 4],
    /// Bytes up to where the next word points, which the one after does not fall short of.
    up_to_next: u32,
}

impl Beside {
    fn read<const P: usize>(data: &[u8], at: usize, word: u64) -> Option<Self> {
        let halves = |start: usize| -> Option<[u32; 4]> {
            let bytes: [u8; 16] = bytes::array(data, start)?;
            let (words, _) = bytes.as_chunks::<4>();
            let [a, b, c, d] = words else { return None };
            Some([a, b, c, d].map(|word| u32::from_le_bytes(*word)))
        };
        let before = at.checked_sub(16).and_then(halves).unwrap_or_default();
        let behind = halves(at + P).unwrap_or_default();
        let [next, second] = match (P, behind) {
            (4, [next, second, _, _]) => [u64::from(next), u64::from(second)],
            (_, [a, b, c, d]) => {
                [[a, b], [c, d]].map(|[low, high]| u64::from(high) << 32 | u64::from(low))
            }
        };
        let up_to_next = match next.checked_sub(word) {
            Some(length) if length <= MAX_LENGTH as u64 && next <= second => length as u32,
            _ => 0,
        };
        Some(Self {
            before,
            behind,
            up_to_next,
        })
    }

    /// Everything that may be the count.
    fn counts(&self) -> [u32; 10] {
        let [a, b, c, d] = self.before;
        let [e, f, g, h] = self.behind;
        // mbedTLS from 3.6 on: a sign and a count in 16 bits each.
        let count = if e & 0xffff == 1 { e >> 16 } else { 0 };
        [a, b, c, d, e, f, g, h, self.up_to_next, count]
    }

    /// The limbs of a number of the size of a coordinate, if all fields are as some library keeps them: small
    /// counts stand beside many pointers.
    fn coordinate<const P: usize>(&self) -> Option<usize> {
        let sizes = if P == 8 { LIMBS_64 } else { LIMBS_32 };
        let [b16, b12, b8, b4] = self.before;
        let fits = |limbs: u32, room: u32| room.wrapping_sub(limbs) <= 8;
        let is_object = |limbs: u32| {
            let is_mpz = b4 == limbs && fits(limbs, b8);
            let is_short = self.behind.first() == Some(&(limbs << 16 | 1));
            let is_other = if P == 8 {
                let [a8, a12, a16, a20] = self.behind;
                let is_bignum = a8 == limbs && fits(limbs, a12) && a16 == 0 && a20 < 64;
                let is_slice = a8 == limbs && a12 == 0 && fits(limbs, a16) && a20 == 0;
                let is_vec = a8 == limbs && a12 == 0 && fits(limbs, b8) && b4 == 0;
                let is_mbed = b8 == limbs && b4 == 0 && b16 == 1;
                let is_gcry = b12 == limbs && fits(limbs, b16) && b8 == 0;
                let is_nss = b8 == limbs && fits(limbs, b12) && b16 == 0;
                is_bignum || is_slice || is_vec || is_mbed || is_gcry || is_nss
            } else {
                let [a4, a8, a12, a16] = self.behind;
                let is_bignum = a4 == limbs && fits(limbs, a8) && a12 == 0 && a16 < 64;
                let is_slice = a4 == limbs && fits(limbs, a8);
                let is_vec = a4 == limbs && fits(limbs, b4);
                let is_mbed = b4 == limbs && b8 == 1;
                let is_gcry = b12 == limbs && fits(limbs, b16) && b8 == 0;
                let is_nss = b4 == limbs && fits(limbs, b8) && b12 == 0;
                is_bignum || is_slice || is_vec || is_mbed || is_gcry || is_nss
            };
            is_mpz || is_short || is_other
        };
        sizes
            .into_iter()
            .find(|limbs| is_object(*limbs))
            .map(|limbs| limbs as usize)
    }
}

fn value<const P: usize>(bytes: &[u8; P]) -> u64 {
    let mut word = [0; 8];
    if let Some(low) = word.get_mut(..P) {
        low.copy_from_slice(bytes);
    }
    u64::from_le_bytes(word)
}

/// The words of a group of which not all neighbours are in it: the first two and the last two.
const ENDS: u64 = 3 | 3 << 62;

/// Bytes looked at together, or passed over if they are zero.
const PAGE: usize = 4096;
