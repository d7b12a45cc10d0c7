//! Words that travel as a number. Each `put` names all of them, so that a new one is not forgotten.

use super::wire::{Input, Wire};
use crate::crypto::{Algorithm, Curve};
use crate::finding::{OwnerKind, Proof};
use crate::outcome::Reason;

impl Wire for Algorithm {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Rsa => 0,
            Self::Ec => 1,
            Self::Ed25519 => 2,
            Self::X25519 => 3,
            Self::Dsa => 4,
            Self::Ed448 => 5,
            Self::X448 => 6,
        });
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Rsa,
            1 => Self::Ec,
            2 => Self::Ed25519,
            3 => Self::X25519,
            4 => Self::Dsa,
            5 => Self::Ed448,
            6 => Self::X448,
            _ => return None,
        })
    }
}

impl Wire for Curve {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::P256 => 0,
            Self::P384 => 1,
            Self::P521 => 2,
            Self::Secp256k1 => 3,
        });
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::P256,
            1 => Self::P384,
            2 => Self::P521,
            3 => Self::Secp256k1,
            _ => return None,
        })
    }
}

impl Wire for Proof {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Shape => 0,
            Self::Parsed => 1,
            Self::Arithmetic => 2,
        });
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Shape,
            1 => Self::Parsed,
            2 => Self::Arithmetic,
            _ => return None,
        })
    }
}

impl Wire for OwnerKind {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Stack => 0,
            Self::Heap => 1,
            Self::Private => 2,
            Self::Module => 3,
            Self::Stream => 4,
            Self::Header => 5,
            Self::Gap => 6,
            Self::Raw => 7,
        });
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Stack,
            1 => Self::Heap,
            2 => Self::Private,
            3 => Self::Module,
            4 => Self::Stream,
            5 => Self::Header,
            6 => Self::Gap,
            7 => Self::Raw,
            _ => return None,
        })
    }
}

impl Wire for Reason {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Unreadable => 0,
            Self::Truncated => 1,
            Self::ContainerNotOpened => 2,
            Self::LimitReached => 3,
            Self::InternalError => 4,
            Self::Encrypted => 5,
            Self::UnsupportedMethod => 6,
            Self::Damaged => 7,
            Self::BudgetReached => 8,
            Self::NoRoom => 9,
            Self::WorkerDied => 10,
            Self::OutOfMemory => 11,
            Self::TimedOut => 12,
        });
    }

    fn take(input: &mut Input<'_>) -> Option<Self> {
        Some(match u8::take(input)? {
            0 => Self::Unreadable,
            1 => Self::Truncated,
            2 => Self::ContainerNotOpened,
            3 => Self::LimitReached,
            4 => Self::InternalError,
            5 => Self::Encrypted,
            6 => Self::UnsupportedMethod,
            7 => Self::Damaged,
            8 => Self::BudgetReached,
            9 => Self::NoRoom,
            10 => Self::WorkerDied,
            11 => Self::OutOfMemory,
            12 => Self::TimedOut,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{read, written};
    use super::*;
    use std::fmt::Debug;

    /// Every number that is a word is the number of that word, and they follow each other from zero.
    fn stand_for_themselves<T: Wire + PartialEq + Debug>(count: u8) {
        for number in 0..count {
            let word: T = read(&[number]).unwrap();
            assert_eq!(written(&word), [number], "{word:?}");
        }
        assert_eq!(read::<T>(&[count]), None);
    }

    #[test]
    fn words_stand_for_themselves() {
        stand_for_themselves::<Algorithm>(7);
        stand_for_themselves::<Curve>(4);
        stand_for_themselves::<Proof>(3);
        stand_for_themselves::<OwnerKind>(8);
        stand_for_themselves::<Reason>(13);
    }
}
