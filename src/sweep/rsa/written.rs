//! Numbers of a key that are written out, as JavaScript and Python write big numbers: few, so each is tried as everything it
//! may be.

use super::look::{Lies, Look};
use crate::sweep::space::Block;
use crate::sweep::texts::{Sizes, Written, each_written};
use crate::sweep::windows::bit_length;
use std::collections::VecDeque;
use std::ops::Range;
use zeroize::Zeroizing;

/// A number that may be a CRT exponent, and where it stands.
type Seen = (Written, Range<usize>);

/// Tries the numbers written in `block` for all moduli: as prime, as private exponent, and with each of the [`NEAR`] before as
/// CRT exponents.
pub fn numbers(block: &Block<'_>, looks: &mut [Look<'_>]) {
    let least = looks.iter().map(|look| match look.group.is_thorough {
        true => FEWEST,
        // CRT exponents may be some bits shorter.
        false => look.group.half().saturating_sub(SHORTER).max(FEWEST),
    });
    let Some(least) = least.min() else {
        return;
    };
    let mut before: VecDeque<Seen> = VecDeque::with_capacity(NEAR + 1);
    let groups = looks.iter().map(|look| look.group);
    let bits = groups.flat_map(|group| [group.half(), group.bits()]);
    let bits: Vec<u32> = bits.collect();
    let sizes = Sizes {
        least,
        known: &bits,
        is_any: looks.iter().any(|look| look.group.is_thorough),
    };
    each_written(block, &sizes, |written, range| {
        for look in looks.iter_mut() {
            one(look, &written, &range);
            for other in &before {
                pair(look, other, (&written, &range));
            }
        }
        before.push_back((written, range));
        if before.len() > NEAR {
            before.pop_front();
        }
    });
}

/// Tries a number by itself.
fn one(look: &mut Look<'_>, written: &Written, range: &Range<usize>) {
    let group = look.group;
    let bits = bit_length(&written.limbs);
    let place =
        |component| -> Lies { ([written.form, written.encoding], component, range.clone()) };
    // A prime of any size has no other exact test than the division.
    let may_be_prime = if group.is_thorough {
        (FEWEST..group.bits()).contains(&bits)
    } else {
        bits == group.half() || group.others.iter().any(|other| other.bits() == bits)
    };
    if may_be_prime {
        let number = &padded(&written.limbs, bits);
        group.divisible.divided_by(number, |index| {
            if let Some(member) = group.members.get(index) {
                look.is_divided(member, number, place("prime"));
            }
        });
    }
    if !(group.bits().saturating_sub(SHORTER)..=group.bits()).contains(&bits) {
        return;
    }
    // As many limbs as a modulus of the size has.
    let number = &padded(&written.limbs, group.bits());
    for member in &group.members {
        if let Some(exponents) = &member.exponents
            && (exponents.may_be(number)
                || ((member.is_any || member.is_bare()) && exponents.may_be_any(number)))
            && !look.is_done(member)
        {
            if !look.may_confirm() {
                look.cut.exponents = true;
                return;
            }
            look.take(
                member,
                exponents.factor(number),
                [place("private-exponent")],
            );
        }
    }
}

/// Tries two numbers as CRT exponents.
fn pair(look: &mut Look<'_>, other: &Seen, (written, range): (&Written, &Range<usize>)) {
    let group = look.group;
    let half = group.half();
    let sizes = half.saturating_sub(SHORTER)..=half;
    let numbers = [&other.0, written];
    if !numbers
        .iter()
        .all(|number| sizes.contains(&bit_length(&number.limbs)))
    {
        return;
    }
    let [one, two] = numbers.map(|number| padded(&number.limbs, half));
    let (one, two) = (&one, &two);
    let place = |written: &Written, range: &Range<usize>| -> Lies {
        (
            [written.form, written.encoding],
            "crt-exponent",
            range.clone(),
        )
    };
    for member in &group.members {
        if let Some(pairs) = &member.pairs
            && pairs.with(one).may_be_number(two)
            && !look.is_done(member)
        {
            if !look.may_confirm() {
                look.cut.pairs = true;
                return;
            }
            let places = [place(&other.0, &other.1), place(written, range)];
            look.take(member, pairs.factor(one, two), places);
        }
    }
}

/// A number of at most `bits` bits in as many limbs as these need.
pub fn padded(limbs: &[u64], bits: u32) -> Zeroizing<Vec<u64>> {
    let mut number = Zeroizing::new(vec![0; bits.div_ceil(64) as usize]);
    for (limb, from) in number.iter_mut().zip(limbs) {
        *limb = *from;
    }
    number
}

/// Bits of the shortest number: 96 digits, of which some sample is met.
pub const FEWEST: u32 = 384;

/// Numbers that one is brought together with: of eight before, each read from both ends.
const NEAR: usize = 24;

/// By how many bits an exponent may be shorter than its modulus or prime.
pub const SHORTER: u32 = 24;
