//! Runs against their definition, and what they lose.

use super::*;
use crate::crypto::random::CODE;
use crate::sweep::codec::CODECS;
use crate::sweep::notes::Notebook;
use proptest::prelude::*;
use std::collections::HashSet;

/// Pseudo-random 64-bit words: SplitMix64.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }
}

fn block(bytes: &[u8], address: Option<u64>) -> Block<'_> {
    Block {
        address,
        ..Block::whole(bytes)
    }
}

fn runs(kernel: Kernel, block: &Block<'_>, minimum: u32) -> Vec<(Class, Range<usize>)> {
    let mut runs = Vec::new();
    each_run_by(kernel, block, &Class::ALL, minimum, |class, run| {
        runs.push((class, run));
    });
    runs
}

fn covers(runs: &[(Class, Range<usize>)], class: Class, number: &Range<usize>) -> bool {
    runs.iter().any(|(of, run)| {
        *of == class && run.start <= number.start + EDGE && run.end + EDGE >= number.end
    })
}

#[test]
fn with_notes_the_same_runs_are_found() {
    let memory = memory();
    let mut words = Words(3);
    for turn in 0..60 {
        let at = words.next() as usize % (memory.len() - 0x8000);
        let mut bytes = memory[at..at + 0x2000 + turn * 7].to_vec();
        for number in 0..turn % 4 {
            let codec = &CODECS[words.next() as usize % CODECS.len()];
            let limbs: Vec<u64> = (0..8).map(|_| words.next()).collect();
            let number = codec
                .encode(&limbs, [512, 256][number % 2])
                .unwrap_or_default();
            let start = words.next() as usize % 0x1c00;
            bytes[start..start + number.len()].copy_from_slice(&number);
        }
        let block = |pointer| Block {
            address: (turn % 5 != 0).then_some(0x7000 + turn as u64 % 8),
            pointer,
            ..Block::whole(&bytes)
        };
        for pointer in [8, 4] {
            let book = Notebook::default();
            let noted = Block {
                notes: Some(book.of_block(at)),
                ..block(pointer)
            };
            let plain = block(pointer);
            for kernel in Kernel::available() {
                // The first look makes the notes.
                for (classes, minimum) in [
                    (&Class::ALL[..], 512),
                    (&Class::ALL, 512),
                    (&[Class::Random], 512),
                    (&[Class::Random], 256),
                    (&[Class::Words30, Class::Words60], 256),
                    (&Class::ALL, 256),
                ] {
                    let runs = |block| {
                        let mut runs = Vec::new();
                        each_run_by(kernel, block, classes, minimum, |class, run| {
                            runs.push((class, run));
                        });
                        runs
                    };
                    assert_eq!(runs(&noted), runs(&plain), "{classes:?}, {minimum} bits");
                }
                assert!(
                    noted
                        .notes
                        .as_ref()
                        .is_some_and(|notes| notes.read(0).is_some())
                );
            }
        }
    }
}

/// Memory of a real process.
fn memory() -> Vec<u8> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/samples/clean-lua-verifier/clean-lua-verifier.core"
    );
    std::fs::read(path).expect("the sample is in the repository")
}

/// How often windows lose a number by their words and bytes, from the distributions themselves.
fn loss(shape: Shape, text: i32) -> f64 {
    let own = 8 * shape.words as i32 - 7;
    let words = shape.words as i32;
    let choose = |n: i32, k: i32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
    let more = |n: i32, most: i32, p: f64| -> f64 {
        (most + 1..=n)
            .map(|k| choose(n, k) * p.powi(k) * (1.0 - p).powi(n - k))
            .sum()
    };
    let mut distinct = vec![0.0; own as usize + 2];
    distinct[0] = 1.0;
    for _ in 0..own {
        for count in (0..=own as usize).rev() {
            let old = count as f64 / 256.0;
            distinct[count + 1] += distinct[count] * (1.0 - old);
            distinct[count] *= old;
        }
    }
    let few: f64 = distinct.iter().take(shape.distinct as usize).sum();
    // Of each sum of weights, plus 16 a byte.
    let mut sums = vec![1.0];
    for _ in 0..own {
        let mut next = vec![0.0; sums.len() + 32];
        for (sum, chance) in sums.iter().enumerate() {
            for weight in CODE {
                next[sum + (weight + 16) as usize] += chance / 256.0;
            }
        }
        sums = next;
    }
    let code: f64 = sums.iter().skip((shape.code + 16 * own) as usize + 1).sum();
    let tops = more(words, 1, 2f64.powi(-15));
    let common = more(own, shape.common as i32, 4.0 / 256.0);
    tops + more(words, text, (96.0f64 / 256.0).powi(8)) + common + few + code
}

/// The same for windows of digits, of which `even` bytes have every second value alone.
fn loss_of_digits(shape: Digits, even: bool) -> f64 {
    let all = shape.words * shape.bytes[1];
    let evens = if even { shape.words } else { 0 };
    // How likely so many different even and odd bytes are.
    let mut chances = vec![vec![0.0; 130]; 130];
    chances[0][0] = 1.0;
    for byte in 0..all {
        let (each, odds) = if byte < evens {
            (128.0, 0.0)
        } else {
            (256.0, 1.0)
        };
        for even in (0..129).rev() {
            for odd in (0..129).rev() {
                let chance: f64 = chances[even][odd];
                let (old_even, old_odd) = (even as f64, odds * odd as f64);
                chances[even + 1][odd] += chance * (128.0 - old_even) / each;
                chances[even][odd + 1] += chance * (odds * 128.0 - old_odd) / each;
                chances[even][odd] = chance * (old_even + old_odd) / each;
            }
        }
    }
    let few = (0..130).flat_map(|even| (0..130).map(move |odd| (even, odd)));
    few.filter(|(even, odd)| even + odd < shape.distinct as usize)
        .map(|(even, odd)| chances[even][odd])
        .sum()
}

#[test]
fn the_loss_is_what_the_table_says() {
    assert!(loss(LONG, 3) < 1e-6, "{:e}", loss(LONG, 3));
    assert!(loss(SHORT, 2) < 1e-4, "{:e}", loss(SHORT, 2));
    for (shape, even, most) in [
        (LONG_30, true, 3e-7),
        (LONG_30, false, 3e-7),
        (SHORT_30, true, 3e-6),
        (SHORT_30, false, 3e-6),
        (LONG_60, false, 3e-7),
        (SHORT_60, false, 3e-6),
    ] {
        let loss = loss_of_digits(shape, even);
        assert!(loss < most && loss > most / 1e4, "{shape:?}: {loss:e}");
    }
}

#[test]
fn numbers_of_any_encoding_lie_in_runs() {
    let mut words = Words(1);
    let background = memory();
    for turn in 0..3000 {
        let bits = [256, 512, 768, 1024, 2048][turn % 5];
        let minimum = if bits == 256 { 256 } else { 512 };
        let codec = &CODECS[turn / 5 % CODECS.len()];
        let limbs: Vec<u64> = (0..bits / 64).map(|_| words.next()).collect();
        let number = codec.encode(&limbs, bits).unwrap();
        let at = words.next() as usize % (background.len() - 0x2000);
        let mut bytes = background[at..at + 0x1000].to_vec();
        // By address, or at any byte where there is none.
        let address = words.next() % 0x1_0000_0000;
        let start = 0x400 + words.next() as usize % 0x200;
        let is_known = turn % 3 != 0;
        let step = codec.step(8);
        let skip = if is_known {
            (step - (address as usize + start) % step) % step
        } else {
            0
        };
        let range = start + skip..start + skip + number.len();
        bytes[range.clone()].copy_from_slice(&number);
        let block = block(&bytes, is_known.then_some(address));
        for kernel in Kernel::available() {
            let runs = runs(kernel, &block, minimum);
            assert!(
                covers(&runs, codec.class(), &range),
                "{} bits in {} at {start}: {kernel:?}",
                bits,
                codec.name
            );
        }
    }
}

#[test]
fn random_numbers_at_any_byte_lie_in_runs() {
    let mut words = Words(2);
    for turn in 0..60_000 {
        let length = [64, 65, 66, 71, 96, 128, 192, 256][turn % 8];
        let start = 64 + turn / 8 % 64;
        let mut bytes = vec![[0, 0xff, 0x48, b' '][turn / 7 % 4]; 512];
        for byte in &mut bytes[start..start + length] {
            *byte = words.next() as u8;
        }
        let block = block(&bytes, Some(0x1000 + turn as u64 / 3 % 8));
        let mut found = Vec::new();
        each_run(&block, &[Class::Random], 512, |class, run| {
            found.push((class, run))
        });
        assert!(
            covers(&found, Class::Random, &(start..start + length)),
            "{length} bytes at {start}"
        );
    }
}

#[test]
fn most_memory_is_in_no_run() {
    let memory = memory();
    for (class, most) in [
        (Class::Random, 30),
        (Class::Words30, 100),
        (Class::Words60, 100),
    ] {
        let mut sum = 0;
        each_run(&block(&memory, Some(0)), &[class], 512, |_, run| {
            sum += run.len()
        });
        assert!(
            sum * most < memory.len(),
            "{class:?}: {sum} of {}",
            memory.len()
        );
    }
}

/// The runs as their definition has them, window by window.
fn by_definition(bytes: &[u8], class: Class, minimum: u32) -> Vec<Range<usize>> {
    let is_long = minimum == 512;
    let (size, width, most) = match (class, is_long) {
        (Class::Random, true) => (8, 8, 1),
        (Class::Random, false) => (8, 4, 1),
        (Class::Words30, true) => (4, 16, 3),
        (Class::Words30, false) => (4, 8, 2),
        (Class::Words60, true) => (8, 8, 3),
        (Class::Words60, false) => (8, 4, 1),
        (_, true) => (8, 16, 3),
        (_, false) => (8, 8, 2),
    };
    let (random, texts) = if is_long { (LONG, 3) } else { (SHORT, 2) };
    let word = |at: usize| {
        let mut all = [0; 8];
        let rest = bytes.get(at..).unwrap_or_default();
        all.iter_mut()
            .take(size)
            .zip(rest)
            .for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(all)
    };
    let fails = |word: u64| match class {
        Class::Random => matches!(word >> 48, 0 | 0xffff),
        Class::Words30 => word >= 1 << 30 || word >> 16 == 0 || word & 0xff00 == 0,
        Class::Words60 => word >= 1 << 60 || word >> 48 == 0 || word & 0xff00_ff00 == 0,
        Class::SmallIntegers => word >= 1 << 60 || word >> 48 == 0 || word << 32 != 0,
        Class::Doubles => {
            let number = f64::from_bits(word);
            number.fract() != 0.0 || !(65_536.0..268_435_456.0).contains(&number) || word << 39 != 0
        }
    };
    let weight = |byte: &u8| i32::from(CODE[usize::from(*byte)]);
    let mut runs: Vec<Range<usize>> = Vec::new();
    for start in (0..bytes.len()).step_by(size) {
        let window: Vec<u64> = (0..width).map(|at| word(start + size * at)).collect();
        if window.iter().filter(|word| fails(**word)).count() > most {
            continue;
        }
        if class == Class::Random {
            let all: Vec<u8> = window.iter().flat_map(|word| word.to_le_bytes()).collect();
            let is_text = |word: &&u64| {
                word.to_le_bytes()
                    .iter()
                    .all(|byte| (0x20..0x80).contains(byte))
            };
            let common = all
                .iter()
                .skip(7)
                .filter(|byte| [0, 0xff, 0x48, 0x8b].contains(byte));
            let distinct: HashSet<&u8> = all.iter().collect();
            if window.iter().filter(is_text).count() > texts
                || common.count() > random.common as usize
                || distinct.len() < random.distinct as usize
                || all.iter().skip(7).map(weight).sum::<i32>() > random.code
            {
                continue;
            }
        }
        let digits = match class {
            Class::Words30 if is_long => Some(LONG_30),
            Class::Words30 => Some(SHORT_30),
            Class::Words60 if is_long => Some(LONG_60),
            Class::Words60 => Some(SHORT_60),
            _ => None,
        };
        if let Some(Digits {
            bytes: [_, counted],
            distinct,
            ..
        }) = digits
        {
            let bytes = window.iter().map(|word| word.to_le_bytes());
            let seen: HashSet<u8> = bytes
                .flat_map(|word| word.into_iter().take(counted))
                .collect();
            if seen.len() < distinct as usize {
                continue;
            }
        }
        let (mut start, mut end, mut between) = (start, start + size * width, 0);
        if class != Class::Random {
            between = size * most;
            while fails(word(start)) {
                start += size;
            }
            while fails(word(end - size)) {
                end -= size;
            }
        }
        match runs.last_mut() {
            Some(last) if start <= last.end + between => last.end = end,
            _ => runs.push(start..end),
        }
    }
    if let Some(last) = runs.last_mut() {
        last.end = last.end.min(bytes.len());
    }
    runs
}

proptest! {
    #[test]
    fn runs_are_those_of_the_definition(
        pieces in prop::collection::vec((0..9u8, 1..40usize, any::<u64>()), 1..60),
        cut in 0..8usize,
    ) {
        let mut bytes = Vec::new();
        for (kind, count, seed) in pieces {
            let mut words = Words(seed);
            for _ in 0..count {
                let word = words.next();
                let piece = match kind {
                    0 => 0,
                    1 => word >> 34 & !0xc000_0000 | (word << 34 >> 2) & !(3 << 62),
                    2 => word >> 4,
                    3 => word >> 36 << 32,
                    4 => ((word >> 36) as f64).to_bits(),
                    5 => word & 0x7f7f_7f7f_7f7f_7f7f | 0x2020_2020_2020_2020,
                    6 => word >> 16,
                    _ => word,
                };
                bytes.extend(piece.to_le_bytes());
            }
        }
        bytes.truncate(bytes.len() - cut);
        let block = block(&bytes, Some(0x1000));
        for kernel in Kernel::available() {
            for (class, minimum) in Class::ALL.into_iter().flat_map(|class| [(class, 512), (class, 256)]) {
                let mut found = Vec::new();
                each_run_by(kernel, &block, &[class], minimum, |_, run| found.push(run));
                let expected = by_definition(&bytes, class, minimum);
                prop_assert_eq!(found, expected, "{:?} {:?} {}", kernel, class, minimum);
            }
        }
    }
}
