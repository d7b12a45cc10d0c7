//! Writers of Windows' structures, after their documentation and what was measured in memory.

use crate::common::{key, noise};
use crypto_bigint::{BoxedUint, ConcatenatingMul};
use dumpgate::crypto::Curve;
use dumpgate::crypto::der::{Reader, tag};

/// The numbers of an RSA key, big-endian.
pub struct Rsa {
    pub bits: u32,
    pub n: Vec<u8>,
    pub e: Vec<u8>,
    pub d: Vec<u8>,
    pub p: Vec<u8>,
    pub q: Vec<u8>,
    pub dp: Vec<u8>,
    pub dq: Vec<u8>,
    pub qinv: Vec<u8>,
}

pub fn numbers(file: &str) -> Vec<Vec<u8>> {
    let data = key(file);
    let mut reader = Reader::new(&data).inside(tag::SEQUENCE).unwrap();
    std::iter::from_fn(|| reader.unsigned().map(<[u8]>::to_vec)).collect()
}

pub fn rsa(bits: u32) -> Rsa {
    let numbers = numbers(&format!("rsa{bits}.pkcs1.der"));
    let [_, n, e, d, p, q, dp, dq, qinv] = <[Vec<u8>; 9]>::try_from(numbers).unwrap();
    Rsa {
        bits,
        n,
        e,
        d,
        p,
        q,
        dp,
        dq,
        qinv,
    }
}

impl Rsa {
    /// With the lesser prime first, which CNG writes as often as not. Nobody tests the coefficient.
    pub fn swapped(mut self) -> Self {
        std::mem::swap(&mut self.p, &mut self.q);
        std::mem::swap(&mut self.dp, &mut self.dq);
        self
    }

    /// With d modulo (p-1)(q-1) instead of their least common multiple.
    pub fn with_d_of_phi(mut self) -> Self {
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        let less_one = |bytes: &[u8]| number(bytes).wrapping_sub(BoxedUint::one());
        let phi = less_one(&self.p).concatenating_mul(&less_one(&self.q));
        let e = number(&self.e);
        // d = (1 + k·phi) / e for the k below e that makes it whole.
        let nonzero = e.to_nz().into_option().unwrap();
        let d = (1..65_537u32).find_map(|k| {
            let sum = phi
                .concatenating_mul(BoxedUint::from(k))
                .wrapping_add(BoxedUint::one());
            let (quotient, rest) = sum.div_rem_vartime(&nonzero);
            bool::from(rest.is_zero()).then_some(quotient)
        });
        self.d = d.unwrap().to_be_bytes_trimmed_vartime().into();
        self
    }

    pub fn capi(&self) -> Vec<u8> {
        let mut blob = b"\x07\x02\0\0\0\xa4\0\0RSA2".to_vec();
        blob.extend(self.bits.to_le_bytes());
        blob.extend(little(&self.e, 4));
        let whole = self.bits as usize / 8;
        blob.extend(little(&self.n, whole));
        for half in [&self.p, &self.q, &self.dp, &self.dq, &self.qinv] {
            blob.extend(little(half, whole / 2));
        }
        blob.extend(little(&self.d, whole));
        blob
    }

    pub fn bsafe(&self) -> Vec<u8> {
        let whole = self.bits / 8;
        let mut blob = b"RSA2".to_vec();
        for number in [whole + 8, self.bits, whole - 1] {
            blob.extend(number.to_le_bytes());
        }
        blob.extend(little(&self.e, 4));
        let whole = whole as usize;
        blob.extend(little(&self.n, whole + 8));
        for half in [&self.p, &self.q, &self.dp, &self.dq, &self.qinv] {
            blob.extend(little(half, whole / 2 + 4));
        }
        blob.extend(little(&self.d, whole + 8));
        blob
    }

    pub fn cng(&self, magic: &[u8]) -> Vec<u8> {
        let whole = self.bits as usize / 8;
        let mut blob = magic.to_vec();
        for number in [
            self.bits as usize,
            self.e.len(),
            whole,
            whole / 2,
            whole / 2,
        ] {
            blob.extend((number as u32).to_le_bytes());
        }
        blob.extend([&self.e[..], &big(&self.n, whole)].concat());
        blob.extend([big(&self.p, whole / 2), big(&self.q, whole / 2)].concat());
        if magic == b"RSA3" {
            for half in [&self.dp, &self.dq, &self.qinv] {
                blob.extend(big(half, whole / 2));
            }
            blob.extend(big(&self.d, whole));
        }
        blob
    }

    /// A SYMCRYPT_RSAKEY after the measured order: moduli, inverses of random looks, exponents.
    pub fn symcrypt(&self, (header, digit): (usize, usize)) -> Vec<u8> {
        let whole = self.bits as usize / 8;
        let slot = (whole * 3).div_ceil(digit) * digit + 2 * header + 96;
        let mut object = vec![0x11; 0x90];
        for number in [&self.n, &self.p, &self.q] {
            let mut modulus = b"\x80\x01\x4d\x6d".to_vec();
            modulus.resize(64, 0x22);
            modulus.extend(b"\0\0\x44\x67\x01\0\0\0\x01\0\0\0\x01\0\0\0");
            modulus.resize(96, 0);
            modulus.extend(int(number, number.len(), header, digit));
            modulus.extend(noise(slot - modulus.len(), number.len() as u64));
            object.extend(modulus);
        }
        object.extend(noise(2 * whole, 9));
        object.extend(int(&self.d, whole, header, digit));
        for number in [&self.dp, &self.dq] {
            object.extend(int(number, whole / 2, header, digit));
            object.extend(vec![0; whole / 2]);
        }
        object
    }
}

/// A SYMCRYPT_INT of so many digits as `size` bytes need.
pub fn int(number: &[u8], size: usize, header: usize, digit: usize) -> Vec<u8> {
    let digits = size.div_ceil(digit);
    let mut object = b"\0\0\x49\x67".to_vec();
    object.extend((digits as u32).to_le_bytes());
    object.extend(((header + digits * digit) as u32).to_le_bytes());
    object.resize(header, 0);
    object.extend(little(number, digits * digit));
    object
}

/// A SYMCRYPT_ECKEY with pointers of `word` bytes, as if it lay at an address of its own.
pub fn symcrypt_ec(scalar: &[u8], (header, digit): (usize, usize), word: usize) -> Vec<u8> {
    let size = scalar.len().div_ceil(digit) * digit;
    let address: u64 = if word == 8 {
        0x1f2_3344_5560
    } else {
        0x0733_4450
    };
    let pointers = if word == 8 { 32 } else { 32 - 12 };
    let point = address + 32;
    let apart = 32 + 3 * size as u64;
    let mut object = vec![0x01, 0x10, 0, 0, 1, 0, 0, 0];
    for pointer in [
        0x1f2_1111_0040 & (point | 0xffff_ffff),
        point,
        point + apart,
    ] {
        object.extend(&pointer.to_le_bytes()[..word]);
    }
    assert!(object.len() >= pointers);
    object.resize(32, 0);
    object.extend(1u64.to_le_bytes());
    object.resize(64, 0);
    object.extend(noise(3 * size, 5));
    object.extend(int(scalar, scalar.len(), header, digit));
    object
}

pub fn little(number: &[u8], size: usize) -> Vec<u8> {
    big(number, size).into_iter().rev().collect()
}

pub fn big(number: &[u8], size: usize) -> Vec<u8> {
    let mut padded = vec![0; size - number.len()];
    padded.extend(number);
    padded
}

pub const LAYOUTS: [(usize, usize); 4] = [(32, 64), (32, 32), (32, 16), (16, 16)];

/// The scalar and the point, without its first byte, of an EC key.
pub fn ec(file: &str, curve: Curve) -> (Vec<u8>, Vec<u8>) {
    let data = key(file);
    let mut reader = Reader::new(&data).inside(tag::SEQUENCE).unwrap();
    reader.unsigned().unwrap();
    let scalar = reader.expect(tag::OCTET_STRING).unwrap().to_vec();
    let point = curve.derive(&scalar).unwrap()[1..].to_vec();
    (scalar, point)
}

pub fn ecc(magic: &[u8], (scalar, point): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
    let size = (point.len() / 2) as u32;
    [
        magic,
        &size.to_le_bytes(),
        point,
        &big(scalar, size as usize),
    ]
    .concat()
}

/// A blob with explicit parameters, of which detectors read the prime only.
pub fn ecc_full(head: &[u8], prime: &[u8], (scalar, point): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
    let size = prime.len();
    let mut blob = head.to_vec();
    for number in [1, 0, size as u32, size as u32, 1, 20] {
        blob.extend(number.to_le_bytes());
    }
    blob.extend(prime);
    blob.extend(noise(5 * size, 3));
    blob.push(1);
    blob.extend(noise(20, 4));
    [blob, point.clone(), big(scalar, size)].concat()
}

pub fn dsa(file: &str) -> [Vec<u8>; 5] {
    let numbers = numbers(file);
    let [_, p, q, g, y, x] = <[Vec<u8>; 6]>::try_from(numbers).unwrap();
    [p, q, g, y, x]
}

pub fn dss4(file: &str) -> Vec<u8> {
    let [p, q, g, y, x] = dsa(file);
    let (size, group) = (p.len(), q.len());
    let mut blob = b"\x07\x03\0\0\0\x22\0\0DSS4".to_vec();
    for bytes in [size, group, 0, group] {
        blob.extend((8 * bytes as u32).to_le_bytes());
    }
    blob.extend([0xff; 24]);
    blob.extend([little(&p, size), little(&q, group), little(&g, size)].concat());
    blob.extend([little(&y, size), little(&x, group)].concat());
    blob
}

pub fn cng_dsa(magic: &[u8], file: &str) -> Vec<u8> {
    let [p, q, g, y, x] = dsa(file);
    let (size, group) = (p.len(), q.len());
    let mut blob = [magic, &(size as u32).to_le_bytes()].concat();
    if magic == b"DSPV" {
        blob.extend(noise(24, 1));
    } else {
        for number in [1, 1, group as u32, group as u32, 7] {
            blob.extend(number.to_le_bytes());
        }
        blob.extend(noise(group, 1));
    }
    blob.extend([&q, &p].map(|number| &number[..]).concat());
    blob.extend([big(&g, size), big(&y, size), big(&x, group)].concat());
    blob
}

pub fn dh() -> Vec<u8> {
    let mut p = noise(256, 11);
    p[..8].fill(0xff);
    p[248..].fill(0xff);
    let y = [&[0x7e], &noise(255, 12)[..]].concat();
    let x = big(&noise(40, 13), 256);
    [b"DHPV\0\x01\0\0".to_vec(), p, big(&[2], 256), y, x].concat()
}

pub fn dpapi(data: usize) -> Vec<u8> {
    let mut blob =
        b"\x01\0\0\0\xd0\x8c\x9d\xdf\x01\x15\xd1\x11\x8c\x7a\x00\xc0\x4f\xc2\x97\xeb".to_vec();
    blob.extend(b"\x01\0\0\0");
    blob.extend(noise(16, 1));
    blob.extend(0u32.to_le_bytes());
    let mut counted = |class: Option<(u32, u32)>, bytes: &[u8]| {
        for number in class.map(|(class, bits)| [class, bits]).iter().flatten() {
            blob.extend(number.to_le_bytes());
        }
        blob.extend((bytes.len() as u32).to_le_bytes());
        blob.extend(bytes);
    };
    counted(None, b"k\0e\0y\0\0\0");
    counted(Some((0x6610, 256)), &noise(32, 2));
    counted(None, &[]);
    counted(Some((0x800e, 512)), &noise(32, 3));
    counted(None, &noise(data, 4));
    counted(None, &noise(64, 5));
    blob
}
