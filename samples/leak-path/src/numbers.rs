//! The one piece of arithmetic that the ground truth needs: numbers as a library that works in Montgomery form keeps
//! them. Slow and plain on purpose; it shares nothing with the scanner's arithmetic.

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
        let mut carry = false;
        for byte in &mut value {
            let out = *byte >> 63 == 1;
            *byte = (*byte << 1) | u64::from(carry);
            carry = out;
        }
        if carry || !below(&value, &modulus) {
            subtract(&mut value, &modulus);
        }
    }
    let mut bytes: Vec<u8> = value.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    bytes.reverse();
    Some(bytes)
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
    use super::shifted;

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
}
