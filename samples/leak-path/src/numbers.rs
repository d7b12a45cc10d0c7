//! The arithmetic that the ground truth needs: numbers as a library that works in Montgomery form keeps them, and the
//! random number of a signature. Slow and plain on purpose; it shares nothing with the scanner's arithmetic.

/// `number * 2^bits mod modulus`, as many bytes as the modulus has; all numbers are big-endian bytes. `None` where
/// the number is not below the modulus.
pub fn shifted(number: &[u8], bits: usize, modulus: &[u8]) -> Option<Vec<u8>> {
    let modulus = little(modulus);
    let mut value = little(number);
    value.resize(modulus.len().max(value.len()), 0);
    if value.len() > modulus.len() || !below(&value, &modulus) {
        return None;
    }
    for _ in 0..bits {
        double(&mut value, &modulus);
    }
    Some(big(&value))
}

/// `r` and `s` of a signature by `scalar` of a message with this hash tell its random number: `(hash + r * scalar) / s`
/// modulo the order, a prime. All numbers are big-endian bytes.
pub fn nonce(hash: &[u8], r: &[u8], s: &[u8], scalar: &[u8], order: &[u8]) -> Vec<u8> {
    let order = little(order);
    let number = |bytes: &[u8]| {
        let mut number = little(bytes);
        number.resize(order.len(), 0);
        if !below(&number, &order) {
            subtract(&mut number, &order);
        }
        number
    };
    let mut sum = times(&number(r), &number(scalar), &order);
    add(&mut sum, &number(hash), &order);
    big(&times(&sum, &inverse(&number(s), &order), &order))
}

/// The inverse of a number modulo a prime, big-endian.
pub fn inverted(number: &[u8], prime: &[u8]) -> Vec<u8> {
    let prime = little(prime);
    let mut number = little(number);
    number.resize(prime.len(), 0);
    big(&inverse(&number, &prime))
}

/// By Fermat: `number^(prime - 2)`.
fn inverse(number: &[u64], prime: &[u64]) -> Vec<u64> {
    let mut exponent = prime.to_vec();
    let mut two = vec![0; prime.len()];
    two[0] = 2;
    subtract(&mut exponent, &two);
    let mut power = vec![0; prime.len()];
    power[0] = 1;
    for bit in bits_from_top(&exponent) {
        power = times(&power, &power, prime);
        if bit {
            power = times(&power, number, prime);
        }
    }
    power
}

fn times(a: &[u64], b: &[u64], modulus: &[u64]) -> Vec<u64> {
    let mut product = vec![0; modulus.len()];
    for bit in bits_from_top(b) {
        double(&mut product, modulus);
        if bit {
            add(&mut product, a, modulus);
        }
    }
    product
}

fn bits_from_top(limbs: &[u64]) -> impl Iterator<Item = bool> {
    let limbs = limbs.iter().rev();
    limbs.flat_map(|limb| (0..64).rev().map(move |bit| limb >> bit & 1 == 1))
}

/// Of a number below the modulus.
fn double(value: &mut [u64], modulus: &[u64]) {
    let mut carry = false;
    for limb in value.iter_mut() {
        let out = *limb >> 63 == 1;
        *limb = (*limb << 1) | u64::from(carry);
        carry = out;
    }
    if carry || !below(value, modulus) {
        subtract(value, modulus);
    }
}

/// Of two numbers below the modulus.
fn add(value: &mut [u64], more: &[u64], modulus: &[u64]) {
    let mut carry = false;
    for (limb, plus) in value.iter_mut().zip(more) {
        let (once, over) = limb.overflowing_add(*plus);
        let (twice, over_again) = once.overflowing_add(u64::from(carry));
        *limb = twice;
        carry = over || over_again;
    }
    if carry || !below(value, modulus) {
        subtract(value, modulus);
    }
}

fn big(limbs: &[u64]) -> Vec<u8> {
    limbs
        .iter()
        .rev()
        .flat_map(|limb| limb.to_be_bytes())
        .collect()
}

/// Limbs of 64 bits, the lowest first, without zeros on top.
fn little(number: &[u8]) -> Vec<u64> {
    let mut limbs: Vec<u64> = number
        .rchunks(8)
        .map(|chunk| {
            chunk
                .iter()
                .fold(0, |limb, byte| (limb << 8) | u64::from(*byte))
        })
        .collect();
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
    limbs
}

fn below(value: &[u64], modulus: &[u64]) -> bool {
    value.iter().rev().lt(modulus.iter().rev())
}

fn subtract(value: &mut [u64], modulus: &[u64]) {
    let mut borrow = false;
    for (limb, minus) in value.iter_mut().zip(modulus) {
        let (once, under) = limb.overflowing_sub(*minus);
        let (twice, under_again) = once.overflowing_sub(u64::from(borrow));
        *limb = twice;
        borrow = under || under_again;
    }
}

#[cfg(test)]
mod tests {
    use super::{inverted, nonce, shifted};

    #[test]
    fn small_numbers_are_doubled_as_by_hand() {
        let modulus = 1_000_003_u64.to_be_bytes();
        for (number, bits) in [(1_u64, 0), (1, 64), (999_999, 13), (77, 128)] {
            let wanted = (0..bits).fold(u128::from(number), |value, _| value * 2 % 1_000_003);
            let done = shifted(&number.to_be_bytes(), bits, &modulus);
            assert_eq!(done, Some((wanted as u64).to_be_bytes().to_vec()));
        }
        assert_eq!(shifted(&1_000_003_u64.to_be_bytes(), 1, &modulus), None);
    }

    #[test]
    fn a_signature_tells_its_random_number() {
        let (order, scalar, random) = (1_000_003_u128, 777_u128, 4242_u128);
        let bytes = |number: u128| (number as u64).to_be_bytes().to_vec();
        let (hash, r) = (55_555, 98_765);
        let one_over = inverted(&bytes(random), &bytes(order));
        let one_over = one_over
            .iter()
            .fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
        assert_eq!(one_over * random % order, 1);
        let s = (hash + r * scalar) % order * one_over % order;
        let found = nonce(
            &bytes(hash),
            &bytes(r),
            &bytes(s),
            &bytes(scalar),
            &bytes(order),
        );
        assert_eq!(found, bytes(random));
    }
}
