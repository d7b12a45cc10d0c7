//! How libraries lay a number in memory: one table, an entry an encoding.
//!
//! | encoding | who keeps numbers so |
//! |---|---|
//! | little-endian bytes or limbs | OpenSSL, BoringSSL, aws-lc, Go, GMP, NSS, mbedTLS, wolfSSL, libgcrypt, Botan, SymCrypt, V8 BigInt |
//! | big-endian bytes | DER, CNG blobs, .NET and Java byte arrays, SSH wire |
//! | words, most significant first | Java `BigInteger` (32 bits), ring's exponents (64 bits) |
//! | 30 of 32 bits | CPython `int` |
//! | 28 of 32, 60 of 64 bits | libtommath |
//! | V8 small integers of 28 or 26 bits, doubles of 28, 26 or 24 | jsbn, node-forge, bn.js |

use zeroize::Zeroizing;

/// One way in which a number lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec {
    /// The form's name in reports, as `raw.limbs-le`; it never changes.
    pub name: &'static str,
    /// How one digit lies.
    digit: Digit,
    /// Which digit stands first.
    order: Order,
    /// Where a number may start.
    alignment: Alignment,
}

/// How one digit of a number lies in memory; words are in the machine's little-endian order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digit {
    /// All bits of a byte or word of so many bytes.
    Whole(usize),
    /// The low `bits` of a word of `bytes` bytes; the others are zero.
    Low {
        /// Bytes of the word: 4 or 8.
        bytes: usize,
        /// Bits of the number in it.
        bits: u32,
    },
    /// A V8 small integer without pointer compression: the digit in the upper half of a 64-bit word.
    Small(u32),
    /// A V8 small integer with pointer compression: the digit times two in a 32-bit word.
    Small31(u32),
    /// An IEEE 754 double with a whole number of so many bits.
    Double(u32),
}

/// Which digit stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The least significant one.
    Least,
    /// The most significant one.
    Most,
}

/// Where a number may start, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// Anywhere.
    Byte,
    /// At multiples of four bytes.
    Four,
    /// At multiples of the size of a pointer: eight bytes, or four in a 32-bit process.
    Pointer,
}

/// What memory must look like for a number in some encodings to lie there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Bytes that may be random.
    Random,
    /// 32-bit words whose two upper bits are zero, and that are not all small.
    Words30,
    /// 64-bit words whose four upper bits are zero, and that are neither small nor addresses.
    Words60,
    /// 64-bit words whose lower half is zero and whose upper half is a number below 2^28.
    SmallIntegers,
    /// Doubles with whole numbers below 2^28.
    Doubles,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 5] = [
        Self::Random,
        Self::Words30,
        Self::Words60,
        Self::SmallIntegers,
        Self::Doubles,
    ];
}

const fn codec(name: &'static str, digit: Digit, order: Order, alignment: Alignment) -> Codec {
    Codec {
        name,
        digit,
        order,
        alignment,
    }
}

/// All encodings of numbers. A new one is one line.
#[rustfmt::skip]
pub const CODECS: &[Codec] = &[
    codec("raw.limbs-le", Digit::Whole(1), Order::Least, Alignment::Pointer),
    codec("raw.bytes-be", Digit::Whole(1), Order::Most, Alignment::Byte),
    codec("raw.words32-be", Digit::Whole(4), Order::Most, Alignment::Four),
    codec("raw.words64-be", Digit::Whole(8), Order::Most, Alignment::Pointer),
    codec("raw.digits30", Digit::Low { bytes: 4, bits: 30 }, Order::Least, Alignment::Four),
    codec("raw.digits28", Digit::Low { bytes: 4, bits: 28 }, Order::Least, Alignment::Four),
    codec("raw.digits60", Digit::Low { bytes: 8, bits: 60 }, Order::Least, Alignment::Pointer),
    codec("raw.digits56", Digit::Low { bytes: 8, bits: 56 }, Order::Least, Alignment::Pointer),
    codec("raw.small-integers28", Digit::Small(28), Order::Least, Alignment::Pointer),
    codec("raw.small-integers26", Digit::Small(26), Order::Least, Alignment::Pointer),
    codec("raw.small-integers31-28", Digit::Small31(28), Order::Least, Alignment::Four),
    codec("raw.small-integers31-26", Digit::Small31(26), Order::Least, Alignment::Four),
    codec("raw.doubles28", Digit::Double(28), Order::Least, Alignment::Pointer),
    codec("raw.doubles26", Digit::Double(26), Order::Least, Alignment::Pointer),
    codec("raw.doubles24", Digit::Double(24), Order::Least, Alignment::Pointer),
];

/// The encodings by their names, for the scope of the search that lists them for all.
pub fn named() -> String {
    let names = CODECS.iter().map(|codec| codec.name);
    let names: Vec<&str> = names
        .map(|name| name.strip_prefix("raw.").unwrap_or(name))
        .collect();
    format!("{} encodings ({})", names.len(), names.join(", "))
}

/// The same for the scopes of the others.
pub fn counted() -> String {
    format!("the {} encodings that `copies` lists", CODECS.len())
}

/// The entry with this name, for constants: a name that is none does not compile.
#[allow(clippy::indexing_slicing)] // the compiler evaluates it: an index out of bounds does not compile
pub const fn entry(name: &str) -> &'static Codec {
    let mut index = 0;
    loop {
        let codec = &CODECS[index];
        let (one, other) = (codec.name.as_bytes(), name.as_bytes());
        let mut at = 0;
        while at < one.len() && at < other.len() && one[at] == other[at] {
            at += 1;
        }
        if at == one.len() && at == other.len() {
            return codec;
        }
        index += 1;
    }
}

impl Digit {
    /// Bytes of memory a digit takes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Whole(bytes) | Self::Low { bytes, .. } => bytes,
            Self::Small31(_) => 4,
            Self::Small(_) | Self::Double(_) => 8,
        }
    }

    /// Bits of the number in a digit.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Whole(bytes) => 8 * bytes as u32,
            Self::Low { bits, .. }
            | Self::Small(bits)
            | Self::Small31(bits)
            | Self::Double(bits) => bits,
        }
    }

    /// The digit that a word is; `None` when it is none.
    fn read(self, word: u64) -> Option<u64> {
        let digit = match self {
            Self::Whole(_) | Self::Low { .. } => word,
            Self::Small(_) if word.trailing_zeros() >= 32 => word >> 32,
            Self::Small31(_) if word & 1 == 0 => word >> 1,
            Self::Double(_) => whole(f64::from_bits(word))?,
            Self::Small(_) | Self::Small31(_) => return None,
        };
        (self.bits() == 64 || digit >> self.bits() == 0).then_some(digit)
    }

    /// The word that a digit is kept in.
    fn write(self, digit: u64) -> u64 {
        match self {
            Self::Whole(_) | Self::Low { .. } => digit,
            Self::Small(_) => digit << 32,
            Self::Small31(_) => digit << 1,
            Self::Double(_) => (digit as f64).to_bits(),
        }
    }
}

/// The whole number below 2^53 that `value` is.
fn whole(value: f64) -> Option<u64> {
    let number = value as u64;
    ((number as f64).to_bits() == value.to_bits() && number < 1 << 53).then_some(number)
}

impl Codec {
    /// The entry with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CODECS.iter().find(|codec| codec.name == name)
    }

    /// How one digit lies.
    pub const fn digit(&self) -> Digit {
        self.digit
    }

    /// Which digit stands first.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// Bytes between two places where a number may start, in a process whose pointers have `pointer` bytes.
    pub const fn step(&self, pointer: usize) -> usize {
        match self.alignment {
            Alignment::Byte => 1,
            Alignment::Four => 4,
            Alignment::Pointer => pointer,
        }
    }

    /// What memory must look like where a number lies in this encoding.
    pub const fn class(&self) -> Class {
        match self.digit {
            Digit::Whole(_) => Class::Random,
            Digit::Low { bytes: 4, .. } | Digit::Small31(_) => Class::Words30,
            Digit::Low { .. } => Class::Words60,
            Digit::Small(_) => Class::SmallIntegers,
            Digit::Double(_) => Class::Doubles,
        }
    }

    /// Bytes of memory that a number of `bits` bits takes.
    pub const fn length(&self, bits: u32) -> usize {
        bits.div_ceil(self.digit.bits()) as usize * self.digit.bytes()
    }

    /// The most bits of a number below 2^`bits` whose top digit is zero and left out, where no more than `rare` bits
    /// lie in that digit: so one number in 2^`rare` and more is that short.
    pub const fn shorter(&self, bits: u32, rare: u32) -> Option<u32> {
        let used = (bits - 1) % self.digit.bits() + 1;
        // Limbs are counted in whole ones.
        let is_limbs = matches!((self.digit, self.order), (Digit::Whole(_), Order::Least));
        if used <= rare && !is_limbs && bits > used {
            Some(bits - used)
        } else {
            None
        }
    }

    /// The digit that lies in `word`; `None` when it is none or `word` has another length.
    pub fn read(&self, word: &[u8]) -> Option<u64> {
        let mut whole = [0; 8];
        (word.len() == self.digit.bytes()).then_some(())?;
        whole.get_mut(..word.len())?.copy_from_slice(word);
        self.digit.read(u64::from_le_bytes(whole))
    }

    /// The number that `bytes` are, as little-endian limbs into `limbs`, which it fills up with zeros. `None` when
    /// a digit is out of range, the number does not fit, or `bytes` end inside a digit.
    pub fn decode(&self, bytes: &[u8], limbs: &mut [u64]) -> Option<()> {
        limbs.fill(0);
        let size = self.digit.bytes();
        bytes.len().is_multiple_of(size).then_some(())?;
        let mut place = Place::default();
        let mut take = |word: &[u8]| {
            let mut whole = [0; 8];
            whole.get_mut(..size)?.copy_from_slice(word);
            place.put(
                limbs,
                self.digit.read(u64::from_le_bytes(whole))?,
                self.digit.bits(),
            )
        };
        match self.order {
            Order::Least => bytes.chunks_exact(size).try_for_each(&mut take),
            Order::Most => bytes.chunks_exact(size).rev().try_for_each(&mut take),
        }
    }

    /// The bytes in which the number of little-endian `limbs` lies, in as many digits as `bits` bits take. `None`
    /// when it has more bits.
    pub fn encode(&self, limbs: &[u64], bits: u32) -> Option<Zeroizing<Vec<u8>>> {
        let size = self.digit.bytes();
        let mut bytes = Zeroizing::new(vec![0; self.length(bits)]);
        let digits = bytes.len() / size;
        let used = self.digit.bits() as usize;
        for bit in digits * used..64 * limbs.len() {
            (bit_at(limbs, bit, 1) == 0).then_some(())?;
        }
        for (index, word) in bytes.chunks_exact_mut(size).enumerate() {
            let digit = match self.order {
                Order::Least => index,
                Order::Most => digits - 1 - index,
            };
            let value = self
                .digit
                .write(bit_at(limbs, digit * used, self.digit.bits()));
            word.copy_from_slice(value.to_le_bytes().get(..size)?);
        }
        Some(bytes)
    }
}

/// Where the next digit goes.
#[derive(Default)]
struct Place {
    limb: usize,
    bit: u32,
}

impl Place {
    fn put(&mut self, limbs: &mut [u64], digit: u64, bits: u32) -> Option<()> {
        match limbs.get_mut(self.limb) {
            Some(limb) => *limb |= digit << self.bit,
            None => return (digit == 0).then_some(()),
        }
        let free = 64 - self.bit;
        if bits < free {
            self.bit += bits;
            return Some(());
        }
        self.limb += 1;
        self.bit = bits - free;
        let rest = if free == 64 { 0 } else { digit >> free };
        match limbs.get_mut(self.limb) {
            Some(limb) => *limb |= rest,
            None if rest != 0 => return None,
            None => {}
        }
        Some(())
    }
}

/// `bits` bits of a number, from bit `at` on.
fn bit_at(limbs: &[u64], at: usize, bits: u32) -> u64 {
    let limb = |index: usize| limbs.get(index).copied().unwrap_or(0);
    let (index, shift) = (at / 64, at % 64);
    let low = limb(index) >> shift;
    let high = if shift == 0 {
        0
    } else {
        limb(index + 1) << (64 - shift)
    };
    let value = low | high;
    if bits == 64 {
        value
    } else {
        value & ((1 << bits) - 1)
    }
}

/// The little-endian limbs of a big-endian number, without leading zero limbs.
pub fn limbs_of(number: &[u8]) -> Zeroizing<Vec<u64>> {
    let number = crate::bytes::trim_zeros(number);
    let mut limbs = Zeroizing::new(vec![0; number.len().div_ceil(8)]);
    for (limb, bytes) in limbs.iter_mut().zip(number.rchunks(8)) {
        *limb = bytes
            .iter()
            .fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    }
    limbs
}

/// The big-endian bytes of little-endian limbs, without leading zeros.
pub fn bytes_of(limbs: &[u64]) -> Zeroizing<Vec<u8>> {
    let all = Zeroizing::new(
        limbs
            .iter()
            .rev()
            .flat_map(|limb| limb.to_be_bytes())
            .collect::<Vec<u8>>(),
    );
    Zeroizing::new(crate::bytes::trim_zeros(&all).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(number in prop::collection::vec(any::<u8>(), 1..300), more in 0..100u32) {
            let limbs = limbs_of(&number);
            prop_assert_eq!(&bytes_of(&limbs)[..], crate::bytes::trim_zeros(&number));
            let bits = crate::bytes::bit_length(&number) + more;
            for codec in CODECS {
                let bytes = codec.encode(&limbs, bits).unwrap();
                prop_assert_eq!(bytes.len(), codec.length(bits));
                let mut read = vec![1; limbs.len() + 2];
                prop_assert_eq!(codec.decode(&bytes, &mut read), Some(()), "{}", codec.name);
                prop_assert_eq!(&read[..limbs.len()], &limbs[..], "{}", codec.name);
                prop_assert_eq!(&read[limbs.len()..], &[0, 0]);
            }
        }

        #[test]
        fn any_bytes_may_be_decoded(bytes in prop::collection::vec(any::<u8>(), 0..64), limbs in 0..9usize) {
            for codec in CODECS {
                let _ = codec.decode(&bytes, &mut vec![0; limbs]);
            }
        }
    }

    #[test]
    fn encodings_lie_as_their_libraries_keep_them() {
        let limbs = limbs_of(b"\x01\x23\x45\x67\x89\xab\xcd\xef\x10");
        let encode = |name| Codec::named(name).unwrap().encode(&limbs, 72).unwrap();
        assert_eq!(
            encode("raw.limbs-le")[..],
            *b"\x10\xef\xcd\xab\x89\x67\x45\x23\x01"
        );
        assert_eq!(
            encode("raw.bytes-be")[..],
            *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x10"
        );
        // Java: {0x01, 0x23456789, 0xabcdef10} as machine words.
        assert_eq!(
            encode("raw.words32-be")[..],
            *b"\x01\0\0\0\x89\x67\x45\x23\x10\xef\xcd\xab"
        );
        // CPython: 0x123456789abcdef10 = 0x12 * 2^60 + 0xd159e26 * 2^30 + 0x2bcdef10.
        let digits: [u32; 3] = [0x2bcd_ef10, 0x0d15_9e26, 0x12];
        let bytes: Vec<u8> = digits
            .iter()
            .flat_map(|digit| digit.to_le_bytes())
            .collect();
        assert_eq!(encode("raw.digits30")[..], bytes);
        let digits: [u64; 3] = [0xbcd_ef10, 0x456_789a, 0x123];
        let small: Vec<u8> = digits
            .iter()
            .flat_map(|digit| (digit << 32).to_le_bytes())
            .collect();
        assert_eq!(encode("raw.small-integers28")[..], small);
        let doubles: Vec<u8> = digits
            .iter()
            .flat_map(|&digit| (digit as f64).to_le_bytes())
            .collect();
        assert_eq!(encode("raw.doubles28")[..], doubles);
    }

    #[test]
    fn digits_out_of_range_are_none() {
        let decode = |name, bytes: &[u8]| Codec::named(name).unwrap().decode(bytes, &mut [0; 4]);
        assert_eq!(decode("raw.digits30", &[0, 0, 0, 0x40]), None);
        assert_eq!(
            decode("raw.small-integers28", &[1, 0, 0, 0, 1, 0, 0, 0]),
            None
        );
        assert_eq!(decode("raw.small-integers31-28", &[1, 0, 0, 0]), None);
        assert_eq!(decode("raw.doubles28", &0.5f64.to_le_bytes()), None);
        assert_eq!(decode("raw.doubles28", &(-0.0f64).to_le_bytes()), None);
        assert_eq!(decode("raw.doubles28", &f64::NAN.to_le_bytes()), None);
        assert_eq!(decode("raw.words32-be", &[0; 5]), None);
        assert_eq!(decode("raw.limbs-le", &[1; 33]), None);
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = CODECS.iter().map(|codec| codec.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CODECS.len());
    }
}
