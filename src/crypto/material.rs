//! The private numbers of a key that was found, kept as long as its copies are looked for.

use std::fmt;
use zeroize::Zeroizing;

/// A private number and what it is to its key.
pub struct Number {
    /// The component's name in reports: `prime`, `scalar`.
    pub component: &'static str,
    /// Big-endian without leading zeros.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Bits that a library of the usual kind reserves for it: those of the modulus, or half of them; of the field.
    pub bits: u32,
}

/// The private numbers of one key. Wiped when dropped; `Debug` shows none of them.
pub struct Material {
    /// Each different number once.
    pub numbers: Vec<Number>,
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({} numbers)", self.numbers.len())
    }
}
