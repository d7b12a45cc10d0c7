//! One block of memory, looked at for the numbers of all moduli.

use super::group::{Group, Member};
use super::neighbours::{self, Edge, Partners};
use super::{Cut, EXPONENT, FACTORED, Hit, Known, Place, written};
use crate::crypto::rsa_search::{Exponents, Factored, LOOKS, complete, has_small_factor};
use crate::sweep::codec::Class;
use crate::sweep::runs::each_run;
use crate::sweep::space::Block;
use crate::sweep::windows::{Form, Sought, buffer};
use std::ops::Range;
use std::sync::atomic::Ordering;
use zeroize::Zeroizing;

/// What was seen in a block.
pub struct Seen {
    pub hits: Vec<Hit>,
    pub cut: Cut,
    pub failures: u32,
}

/// Looks at a block for the numbers of all moduli.
pub fn block(block: &Block<'_>, groups: &[Group], known: &Known) -> Seen {
    let mut seen = Seen {
        hits: Vec::new(),
        cut: Cut::default(),
        failures: 0,
    };
    let confirmations = MAX_FAILURES
        .saturating_sub(known.failures.load(Ordering::Relaxed))
        .min(MAX_CONFIRMATIONS);
    let mut looks: Vec<Look<'_>> = groups
        .iter()
        .map(|group| Look::new(block, group, known, confirmations))
        .collect();
    // Runs of numbers below 512 bits are many more, so they are found for the numbers that need them only.
    for (minimum, is_long) in [(SHORT, false), (LONG, true)] {
        if looks.iter().any(|look| look.group.has_numbers(is_long)) {
            each_run(block, &Class::ALL, minimum, |class, run| {
                for look in &mut looks {
                    look.at_run(class, &run, is_long);
                }
            });
        }
    }
    written::numbers(block, &mut looks);
    for mut look in looks {
        look.judge_last();
        neighbours::at_edges(&mut look);
        seen.cut.add(look.cut);
        seen.failures += look.failures;
        seen.hits.extend(look.hits);
    }
    seen
}

/// A number in a block: how it is written, which one it is, and its bytes.
pub type Lies = ([&'static str; 2], &'static str, Range<usize>);

/// How a number in this encoding is written.
pub fn raw(form: &Form) -> [&'static str; 2] {
    [form.codec.name, "raw"]
}

/// Windows that may be private exponents, which are judged together.
#[derive(Default)]
struct Waiting {
    looks: Zeroizing<[u64; LOOKS]>,
    waits: [Waits; LOOKS],
    count: usize,
}

/// A window that may be the private exponent of a member of the group.
#[derive(Clone, Copy, Default)]
struct Waits {
    /// Indices of the member and of the form.
    whose: usize,
    form: usize,
    at: usize,
}

impl Waiting {
    /// Adds one; whether there is no more room.
    fn add(&mut self, look: u64, waits: Waits) -> bool {
        if let Some(place) = self.looks.get_mut(self.count) {
            *place = look;
        }
        if let Some(place) = self.waits.get_mut(self.count) {
            *place = waits;
        }
        self.count += 1;
        self.count == LOOKS
    }

    /// Takes out all: those to look at again have a bit.
    fn take(&mut self) -> (u16, [Waits; LOOKS]) {
        let count = std::mem::take(&mut self.count);
        let near = Exponents::may_be_of(&self.looks) & ((1u32 << count) - 1) as u16;
        (near, self.waits)
    }
}

/// One size of moduli in one block.
pub struct Look<'b> {
    pub block: &'b Block<'b>,
    pub group: &'b Group,
    known: &'b Known,
    hits: Vec<Hit>,
    pub cut: Cut,
    /// Exact tests that may still be made, and those that failed.
    confirmations: u32,
    failures: u32,
    /// Tests that may still be made.
    divisions: u32,
    exponents: u32,
    pub pairs: u32,
    number: Zeroizing<Vec<u64>>,
    /// Windows that may be private exponents.
    waiting: Waiting,
    /// Numbers by themselves that may be CRT exponents.
    pub edges: Vec<Edge>,
    /// Numbers beside one that may be a CRT exponent.
    pub partners: Partners,
}

impl<'b> Look<'b> {
    fn new(block: &'b Block<'b>, group: &'b Group, known: &'b Known, confirmations: u32) -> Self {
        Self {
            block,
            group,
            known,
            hits: Vec::new(),
            cut: Cut::default(),
            confirmations,
            failures: 0,
            divisions: MAX_DIVISIONS,
            exponents: MAX_EXPONENTS,
            pairs: MAX_PAIRS,
            number: buffer(group.limbs()),
            waiting: Waiting::default(),
            edges: Vec::new(),
            partners: Partners::new(group.primes.limbs()),
        }
    }

    /// Looks at a run for the numbers of 512 bits and more, or for those of fewer.
    fn at_run(&mut self, class: Class, run: &Range<usize>, is_long: bool) {
        let mut number = std::mem::take(&mut self.number);
        for other in self.group.others_of(is_long) {
            self.at_primes(other, class, run, &mut number);
        }
        if (self.group.half() >= LONG) == is_long {
            self.at_usual_run(class, run, &mut number);
        }
        self.number = number;
    }

    /// Looks at a run for primes of half the size of the modulus and for exponents.
    fn at_usual_run(&mut self, class: Class, run: &Range<usize>, number: &mut [u64]) {
        let (block, group) = (self.block, self.group);
        let own = block.own.clone();
        let is_short = run.len() <= LONG_RUN || group.is_thorough;
        match group.halves.as_ref().filter(|_| is_short) {
            // A prime is one of the windows that may be an exponent of its size.
            Some(halves) => halves.each(block, (class, run), &own, |index, at, may_be_prime| {
                let Some(form) = halves.forms().get(index) else {
                    return;
                };
                // Of primes no digit is left out.
                if may_be_prime
                    && let Some(prime) = group.primes.forms().get(index)
                    && group.primes.may_be(prime, block.bytes, at)
                {
                    self.at_prime(&group.primes, prime, at, number);
                }
                let one = number.get_mut(..halves.limbs()).unwrap_or_default();
                neighbours::beside(self, halves, form, at, run, one);
            }),
            None => self.at_primes(&group.primes, class, run, number),
        }
        if let Some(whole) = group.whole.as_ref().filter(|_| is_short) {
            whole.each(block, (class, run), &own, |index, at, _| {
                if let Some(form) = whole.forms().get(index) {
                    self.at_exponent(whole, (index, form), at, number);
                }
            });
            if let Some(shorter) = &group.shorter {
                self.judge_waiting(whole, number);
                shorter.each(block, (class, run), &own, |index, at, _| {
                    if let Some(form) = shorter.forms().get(index) {
                        self.at_exponent(shorter, (index, form), at, number);
                    }
                });
                self.judge_waiting(shorter, number);
            }
        }
        neighbours::keep_edges(self, class, run);
    }

    fn at_primes(&mut self, sought: &Sought, class: Class, run: &Range<usize>, number: &mut [u64]) {
        let block = self.block;
        sought.each(
            block,
            (class, run),
            &block.own.clone(),
            |index, at, may_be_prime| {
                if let Some(form) = sought.forms().get(index).filter(|_| may_be_prime) {
                    self.at_prime(sought, form, at, number);
                }
            },
        );
    }

    /// Tries a window that may be a prime factor.
    fn at_prime(&mut self, sought: &Sought, form: &Form, at: usize, number: &mut [u64]) {
        let number = number.get_mut(..sought.limbs()).unwrap_or_default();
        if !sought.load(form, self.block.bytes, at, number) || has_small_factor(number) {
            return;
        }
        let Some(left) = self.divisions.checked_sub(self.group.moduli() as u32) else {
            self.cut.factors = true;
            return;
        };
        self.divisions = left;
        let group = self.group;
        group.divisible.divided_by(number, |index| {
            if let Some(member) = group.members.get(index) {
                self.divides(member, number, form, at);
            }
        });
    }

    fn divides(&mut self, member: &Member, number: &[u64], form: &Form, at: usize) {
        self.is_divided(member, number, (raw(form), "prime", at..at + form.length));
    }

    /// Notes that a number, which lies at `place`, divides a modulus.
    pub fn is_divided(&mut self, member: &Member, number: &[u64], place: Lies) {
        let places = [place];
        let hit = self.hits.iter().find(|hit| hit.target == member.target);
        if let Some(hit) = hit {
            if is_same(&hit.factored.p, number) || is_same(&hit.factored.q, number) {
                self.place(member, places);
            }
            return;
        }
        if self.known.has(member.target, FACTORED) {
            return;
        }
        if !self.may_confirm() {
            self.cut.factors = true;
            return;
        }
        let factored = complete(&member.n, number);
        self.take(member, factored, places);
    }

    /// Looks at a window that may be a private exponent.
    fn at_exponent(
        &mut self,
        sought: &Sought,
        (index, form): (usize, &Form),
        at: usize,
        number: &mut [u64],
    ) {
        let bytes = self.block.bytes;
        let room = number.get_mut(..self.group.limbs()).unwrap_or_default();
        if !sought.load_leading(form, bytes, at, (room, self.group.leading)) {
            return;
        }
        let group = self.group;
        for (whose, member) in group.members.iter().enumerate() {
            let Some(exponents) = &member.exponents else {
                continue;
            };
            let Some(left) = self.exponents.checked_sub(1) else {
                self.cut.exponents = true;
                return;
            };
            self.exponents = left;
            let room = number.get_mut(..self.group.limbs()).unwrap_or_default();
            if member.is_any && exponents.may_be_any(room) {
                self.is_exponent(sought, member, form, at, room);
                sought.load_leading(form, bytes, at, (room, group.leading));
            } else if let Some(look) = exponents.look(room)
                && self.waiting.add(
                    look,
                    Waits {
                        whose,
                        form: index,
                        at,
                    },
                )
            {
                self.judge_waiting(sought, number);
                let room = number.get_mut(..self.group.limbs()).unwrap_or_default();
                sought.load_leading(form, bytes, at, (room, group.leading));
            }
        }
    }

    /// Judges those that wait when all runs are looked at.
    fn judge_last(&mut self) {
        if let Some(whole) = &self.group.whole {
            let mut number = std::mem::take(&mut self.number);
            self.judge_waiting(whole, &mut number);
            self.number = number;
        }
    }

    /// Judges the windows that wait for it. `number` is overwritten.
    fn judge_waiting(&mut self, sought: &Sought, number: &mut [u64]) {
        let number = number.get_mut(..self.group.limbs()).unwrap_or_default();
        let (mut near, all) = self.waiting.take();
        let bytes = self.block.bytes;
        while near != 0 {
            let waits = all.get(near.trailing_zeros() as usize);
            near &= near - 1;
            if let Some(waits) = waits
                && let Some(member) = self.group.members.get(waits.whose)
                && let Some(form) = sought.forms().get(waits.form)
                && let Some(exponents) = &member.exponents
                && sought.load(form, bytes, waits.at, number)
                && exponents.may_be(number)
            {
                self.is_exponent(sought, member, form, waits.at, number);
            }
        }
    }

    /// Confirms that the window at `at` is a private exponent of `member`. `number` is overwritten.
    fn is_exponent(
        &mut self,
        sought: &Sought,
        member: &Member,
        form: &Form,
        at: usize,
        number: &mut [u64],
    ) {
        let Some(exponents) = &member.exponents else {
            return;
        };
        if self.is_done(member) || !sought.load(form, self.block.bytes, at, number) {
            return;
        }
        if !self.may_confirm() {
            self.cut.exponents = true;
            return;
        }
        let factored = exponents.factor(number);
        let place = (raw(form), "private-exponent", at..at + form.length);
        self.take(member, factored, [place]);
    }

    /// Nothing about the key is left to learn from an exponent.
    pub fn is_done(&self, member: &Member) -> bool {
        let here = self.hits.iter().find(|hit| hit.target == member.target);
        let needed = if member.e.is_none() {
            FACTORED | EXPONENT
        } else {
            FACTORED
        };
        self.known.has(member.target, needed)
            || here.is_some_and(|hit| member.e.is_some() || hit.factored.e.is_some())
    }

    /// Whether one more exact test may be made, which takes up to milliseconds.
    pub fn may_confirm(&mut self) -> bool {
        let may = self.confirmations > 0;
        self.confirmations = self.confirmations.saturating_sub(1);
        may
    }

    /// Notes what an exact test came to.
    pub fn take<const N: usize>(
        &mut self,
        member: &Member,
        factored: Option<Factored>,
        places: [Lies; N],
    ) {
        let Some(factored) = factored else {
            self.failures += 1;
            return;
        };
        // Keys that are there do not count.
        self.confirmations += 1;
        match self.hits.iter_mut().find(|hit| hit.target == member.target) {
            Some(hit) => {
                if hit.factored.e.is_none() {
                    hit.factored.e = factored.e;
                }
            }
            None => self.hits.push(Hit {
                target: member.target,
                factored,
                places: Vec::new(),
            }),
        }
        self.place(member, places);
    }

    fn place<const N: usize>(&mut self, member: &Member, places: [Lies; N]) {
        let hit = self.hits.iter_mut().find(|hit| hit.target == member.target);
        if let Some(hit) = hit
            && hit.places.len() < MAX_PLACES
        {
            hit.places
                .extend(places.map(|(form, component, range)| Place {
                    form,
                    component,
                    range,
                }));
        }
    }
}

/// Whether two numbers are equal but for zeros on top.
fn is_same(one: &[u64], other: &[u64]) -> bool {
    let length = one.len().max(other.len());
    let limb = |number: &[u64], index: usize| number.get(index).copied().unwrap_or(0);
    (0..length).all(|index| limb(one, index) == limb(other, index))
}

/// Bits of numbers whose runs are found by long windows.
pub const LONG: u32 = 512;

/// Bits of the shortest number.
pub const SHORT: u32 = 256;

/// Places noted in one block of one key.
const MAX_PLACES: usize = 64;

/// Bytes of a run beyond which it is data of another kind, compressed or encrypted, and exponents are looked for in it
/// only where the user asks.
pub const LONG_RUN: usize = 64 << 10;

/// Divisions of a window by a modulus in one block: what random bytes need for 1000 moduli.
const MAX_DIVISIONS: u32 = 1 << 26;

/// Looks at a window for a private exponent: what random bytes need for 40 moduli.
const MAX_EXPONENTS: u32 = 1 << 25;

/// Looks at a pair of windows for CRT exponents: what random bytes need for 60 moduli.
const MAX_PAIRS: u32 = 1 << 28;

/// Exact tests in one block that may fail.
const MAX_CONFIRMATIONS: u32 = 256;

/// Exact tests in a dump that may fail.
const MAX_FAILURES: u32 = 4096;
