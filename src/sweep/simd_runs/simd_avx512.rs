//! The kernel of processors with AVX-512 and its permutations of bytes: 64 bytes a step, and masks without a detour.

use super::{BIASED_CODE, CODE_BIAS, GROUP, LINES, Masks, REACHED, Shape};
use std::arch::x86_64::{
    __m512i, _mm512_add_epi8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi8_mask,
    _mm512_cmpeq_epi64_mask, _mm512_cmple_epu64_mask, _mm512_cmplt_epu32_mask,
    _mm512_cmplt_epu64_mask, _mm512_loadu_si512, _mm512_mask_blend_epi8,
    _mm512_mask_cmple_epi64_mask, _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutex2var_epi8,
    _mm512_popcnt_epi64, _mm512_sad_epu8, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_setr_epi64, _mm512_setzero_si512, _mm512_sllv_epi64, _mm512_srai_epi64,
    _mm512_srli_epi64, _mm512_srlv_epi64, _mm512_storeu_si512, _mm512_sub_epi64,
    _mm512_test_epi32_mask, _mm512_test_epi64_mask, _mm512_testn_epi64_mask,
};

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi")]
pub fn look(group: &[u8; GROUP], digits: bool) -> Masks {
    let mut masks = Masks {
        tops: 0,
        ..Masks::ZERO
    };
    let [low30, high30] = &mut masks.words30;
    let lines = group.as_chunks::<64>().0.iter().zip(&mut masks.common);
    for (index, (line, common)) in lines.enumerate() {
        let shift = 8 * index as u32;
        let v = load(line);
        if _mm512_test_epi64_mask(v, v) == 0 {
            masks.tops |= 0xff << shift;
            continue;
        }
        *common = common_bytes(v);
        masks.tops |= u64::from(tops(v)) << shift;
        masks.texts |= u64::from(texts(v)) << shift;
        if !digits {
            continue;
        }
        let half = if index < LINES / 2 {
            &mut *low30
        } else {
            &mut *high30
        };
        *half |= u64::from(words30(v)) << (2 * shift % 64);
        // Words from 2^48 to 2^60.
        let digit = within(v, 1 << 48, 1 << 60);
        if digit != 0 {
            let dense = _mm512_test_epi64_mask(v, _mm512_set1_epi64(0xff00_ff00));
            let upper_only = _mm512_testn_epi64_mask(v, _mm512_set1_epi64(0xffff_ffff));
            masks.words60 |= u64::from(digit & dense) << shift;
            masks.small |= u64::from(digit & upper_only) << shift;
        }
        let doubles = doubles(v);
        if doubles != 0 {
            // From 2^16 to 2^28.
            let exponents = within(v, 0x40f0 << 48, 0x41b0 << 48);
            masks.doubles |= u64::from(doubles & exponents) << shift;
        }
    }
    masks
}

/// Of `windows`, those whose bytes behind their first seven are not more those of machine code than `shape` allows.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vbmi")]
pub fn unlike_code(pair: [&[u8; GROUP]; 2], windows: u64, shape: Shape) -> u64 {
    let table = tables();
    // Of each word: what its bytes come to, and what its last one does.
    let mut sums = [[0u64; 8]; REACHED / 8];
    let mut lasts = sums;
    let lines = pair.into_iter().flat_map(|group| group.as_chunks::<64>().0);
    let needed = (64 - windows.leading_zeros() as usize + shape.words).div_ceil(8);
    let first = windows.trailing_zeros() as usize / 8;
    let places = sums.iter_mut().zip(&mut lasts).zip(lines);
    for ((sums, lasts), line) in places.take(needed).skip(first) {
        let weights = weights(load(line), &table);
        store(sums, _mm512_sad_epu8(weights, _mm512_setzero_si512()));
        store(lasts, _mm512_srli_epi64::<56>(weights));
    }
    let most = i64::from(shape.code) + i64::from(CODE_BIAS) * (8 * shape.words as i64 - 7);
    let most = _mm512_set1_epi64(most);
    let (sums, lasts) = (sums.as_flattened(), lasts.as_flattened());
    let mut kept = 0;
    for line in 0..LINES {
        let wanted = (windows >> (8 * line)) as u8;
        if wanted == 0 {
            continue;
        }
        let from = |words: &[u64], at: usize| {
            let words = words.get(at..).and_then(<[u64]>::first_chunk);
            words.map_or(_mm512_setzero_si512(), |words| load_words(words))
        };
        let mut all = from(lasts, 8 * line);
        for word in 1..shape.words {
            all = _mm512_add_epi64(all, from(sums, 8 * line + word));
        }
        kept |= u64::from(_mm512_mask_cmple_epi64_mask(wanted, all, most)) << (8 * line);
    }
    kept
}

/// Of `windows`, those with few common bytes behind their first seven.
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
pub fn uncommon(common: [&[u64; LINES]; 2], windows: u64, shape: Shape) -> u64 {
    let [first, second] = common;
    let own = _mm512_set1_epi64(shape.own().cast_signed());
    let most = _mm512_set1_epi64(i64::from(shape.common));
    // The bytes from each of eight words on; a shift by 64 leaves nothing.
    let down = _mm512_setr_epi64(0, 8, 16, 24, 32, 40, 48, 56);
    let up = _mm512_setr_epi64(64, 56, 48, 40, 32, 24, 16, 8);
    let lines = first.iter().chain(second).map(|line| line.cast_signed());
    let mut kept = 0;
    for (line, (mask, next)) in lines.clone().zip(lines.skip(1)).take(LINES).enumerate() {
        let wanted = (windows >> (8 * line)) as u8;
        if wanted == 0 {
            continue;
        }
        let bytes = _mm512_or_si512(
            _mm512_srlv_epi64(_mm512_set1_epi64(mask), down),
            _mm512_sllv_epi64(_mm512_set1_epi64(next), up),
        );
        let count = _mm512_popcnt_epi64(_mm512_and_si512(bytes, own));
        kept |= u64::from(_mm512_mask_cmple_epi64_mask(wanted, count, most)) << (8 * line);
    }
    kept
}

/// The weights of all bytes, 64 a register.
#[target_feature(enable = "avx512f")]
fn tables() -> [__m512i; 4] {
    let (parts, _) = BIASED_CODE.as_chunks::<64>();
    std::array::from_fn(|index| {
        let part = parts.get(index);
        part.map_or(_mm512_setzero_si512(), |part| load(part))
    })
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn weights(v: __m512i, [a, b, c, d]: &[__m512i; 4]) -> __m512i {
    let lower = _mm512_permutex2var_epi8(*a, v, *b);
    let upper = _mm512_permutex2var_epi8(*c, v, *d);
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), lower, upper)
}

/// Bytes 0, 0xff, 0x48 and 0x8b.
#[target_feature(enable = "avx512f,avx512bw")]
fn common_bytes(v: __m512i) -> u64 {
    let is = |byte: u8| _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(byte.cast_signed()));
    is(0) | is(0xff) | is(0x48) | is(0x8b)
}

/// Words whose upper 16 bits are all equal.
#[target_feature(enable = "avx512f")]
fn tops(v: __m512i) -> u8 {
    let upper = _mm512_srai_epi64::<48>(v);
    let one = _mm512_set1_epi64(1);
    _mm512_cmple_epu64_mask(_mm512_add_epi64(upper, one), one)
}

#[target_feature(enable = "avx512f,avx512bw")]
fn texts(v: __m512i) -> u8 {
    let high = _mm512_set1_epi8(i8::MIN);
    let is_low = _mm512_testn_epi64_mask(v, high);
    // Bytes from 0x20 on, of those below 0x80, get the upper bit.
    let moved = _mm512_and_si512(_mm512_add_epi8(v, _mm512_set1_epi8(0x60)), high);
    is_low & _mm512_cmpeq_epi64_mask(moved, high)
}

#[target_feature(enable = "avx512f")]
fn words30(v: __m512i) -> u16 {
    let is_below = _mm512_cmplt_epu32_mask(v, _mm512_set1_epi32(1 << 30));
    let has = |bits| _mm512_test_epi32_mask(v, _mm512_set1_epi32(bits));
    is_below & has(0xff00) & has(0x3fff_0000)
}

/// Words like doubles from 2 to 2^33 without much behind the point.
#[target_feature(enable = "avx512f")]
fn doubles(v: __m512i) -> u8 {
    let part = _mm512_and_si512(v, _mm512_set1_epi64(0x7e00_0000_01ff_ffff));
    _mm512_cmpeq_epi64_mask(part, _mm512_set1_epi64(0x4000_0000_0000_0000))
}

#[target_feature(enable = "avx512f")]
fn within(v: __m512i, least: i64, end: i64) -> u8 {
    let above = _mm512_sub_epi64(v, _mm512_set1_epi64(least));
    _mm512_cmplt_epu64_mask(above, _mm512_set1_epi64(end - least))
}

#[target_feature(enable = "avx512f")]
fn load(line: &[u8; 64]) -> __m512i {
    // SAFETY: a load beyond the end of memory would fault. This one reads the 64 bytes of `line`, at any alignment.
    unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn load_words(words: &[u64; 8]) -> __m512i {
    // SAFETY: as in `load`, of the 64 bytes of `words`.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn store(place: &mut [u64; 8], v: __m512i) {
    // SAFETY: a store beyond the end of memory would fault. This one writes the 64 bytes of `place`, at any alignment.
    unsafe { _mm512_storeu_si512(place.as_mut_ptr().cast(), v) }
}
