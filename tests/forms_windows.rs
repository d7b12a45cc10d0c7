//! The forms of Windows: blobs and files that openssl, mono and Wine wrote, and, where no tool at hand writes
//! a form, structures built here after its documentation from keys that other tools made.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod common;

use common::{key, noise, scan};
use crypto_bigint::{BoxedUint, ConcatenatingMul};
use dumpgate::crypto::Curve;
use dumpgate::crypto::der::{Reader, tag};
use dumpgate::finding::{Finding, Proof};
use dumpgate::outcome::Verdict;

/// Everything of proof `parsed` or above in `data`.
fn counted(data: &[u8]) -> Vec<Finding> {
    let findings = scan(data).findings.into_iter();
    findings
        .filter(|found| found.proof >= Proof::Parsed)
        .collect()
}

/// The one finding in `data`.
fn finding(data: &[u8], what: &str) -> Finding {
    let mut findings = scan(data).findings;
    assert_eq!(findings.len(), 1, "{what}: {findings:?}");
    findings.remove(0)
}

fn name(found: &Finding) -> String {
    found
        .spki_sha256
        .map(|name| name.to_string())
        .unwrap_or_default()
}

/// A structure, what it must be found as, and by which tool it was written.
struct Sample {
    what: String,
    bytes: Vec<u8>,
    form: &'static str,
    kind: &'static str,
    proof: Proof,
    spki_sha256: String,
}

/// The fingerprint that the index beside a file of `tests/keys` or `tests/keys/forms` gives.
fn spki_of(file: &str) -> String {
    let (index, file) = match file.strip_prefix("forms/") {
        Some(file) => ("forms/index.tsv", file),
        None => ("index.tsv", file),
    };
    let index = String::from_utf8(key(index)).unwrap();
    let mut lines = index
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    lines.find(|fields| fields[0] == file).unwrap()[4].to_owned()
}

/// What independent tools wrote.
fn written() -> Vec<Sample> {
    let index = String::from_utf8(key("forms/index.tsv")).unwrap();
    let mut samples = Vec::new();
    for line in index.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [file, kind, _, _, spki_sha256, form, tool, _] = fields[..] else {
            panic!("eight fields in `{line}`")
        };
        let forms = [
            "windows.capi",
            "windows.pvk",
            "windows.pvk-encrypted",
            "windows.cng-rsa",
            "windows.cng-ec",
        ];
        let form = forms.into_iter().find(|known| *known == form);
        let Some(form) = form.filter(|_| !file.ends_with(".txt")) else {
            continue;
        };
        let (kind, proof, spki_sha256) = match kind {
            _ if form.ends_with("encrypted") => ("encrypted-private-key", Proof::Parsed, ""),
            // A DSS blob holds no public number.
            "dsa" => ("dsa-private-key", Proof::Parsed, spki_sha256),
            "rsa" => ("rsa-private-key", Proof::Arithmetic, spki_sha256),
            _ => ("ec-private-key", Proof::Arithmetic, spki_sha256),
        };
        samples.push(Sample {
            what: format!("{file} by {tool}"),
            bytes: key(&format!("forms/{file}")),
            form,
            kind,
            proof,
            spki_sha256: spki_sha256.to_owned(),
        });
    }
    assert!(samples.len() >= 20, "only {} samples", samples.len());
    samples
}

#[test]
fn what_tools_wrote_is_found_named_and_proven() {
    for sample in written().iter().chain(&built()) {
        let data = [noise(1000, 1), sample.bytes.clone(), noise(1000, 2)].concat();
        let what = &sample.what;
        let found = finding(&data, what);
        let seen = (found.kind.name(), found.proof, name(&found));
        assert_eq!(
            seen,
            (sample.kind, sample.proof, sample.spki_sha256.clone()),
            "{what}"
        );
        let place = &found.places[0];
        assert_eq!((place.form, place.encoding), (sample.form, "raw"), "{what}");
        assert_eq!(place.fragment, None, "{what}");
        let piece = (place.pieces[0].offset, place.pieces[0].length);
        if sample.form != "windows.symcrypt" {
            assert_eq!(piece, (1000, sample.bytes.len() as u64), "{what}");
        }
    }
}

/// The numbers of an RSA key, big-endian.
struct Rsa {
    bits: u32,
    n: Vec<u8>,
    e: Vec<u8>,
    d: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
    dp: Vec<u8>,
    dq: Vec<u8>,
    qinv: Vec<u8>,
}

fn numbers(file: &str) -> Vec<Vec<u8>> {
    let data = key(file);
    let mut reader = Reader::new(&data).inside(tag::SEQUENCE).unwrap();
    std::iter::from_fn(|| reader.unsigned().map(<[u8]>::to_vec)).collect()
}

fn rsa(bits: u32) -> Rsa {
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
    fn swapped(mut self) -> Self {
        std::mem::swap(&mut self.p, &mut self.q);
        std::mem::swap(&mut self.dp, &mut self.dq);
        self
    }

    /// With d modulo (p-1)(q-1) instead of their least common multiple.
    fn with_d_of_phi(mut self) -> Self {
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

    fn capi(&self) -> Vec<u8> {
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

    fn bsafe(&self) -> Vec<u8> {
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

    fn cng(&self, magic: &[u8]) -> Vec<u8> {
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
    fn symcrypt(&self, (header, digit): (usize, usize)) -> Vec<u8> {
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
fn int(number: &[u8], size: usize, header: usize, digit: usize) -> Vec<u8> {
    let digits = size.div_ceil(digit);
    let mut object = b"\0\0\x49\x67".to_vec();
    object.extend((digits as u32).to_le_bytes());
    object.extend(((header + digits * digit) as u32).to_le_bytes());
    object.resize(header, 0);
    object.extend(little(number, digits * digit));
    object
}

/// A SYMCRYPT_ECKEY with pointers of `word` bytes, as if it lay at an address of its own.
fn symcrypt_ec(scalar: &[u8], (header, digit): (usize, usize), word: usize) -> Vec<u8> {
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

fn little(number: &[u8], size: usize) -> Vec<u8> {
    big(number, size).into_iter().rev().collect()
}

fn big(number: &[u8], size: usize) -> Vec<u8> {
    let mut padded = vec![0; size - number.len()];
    padded.extend(number);
    padded
}

const LAYOUTS: [(usize, usize); 4] = [(32, 64), (32, 32), (32, 16), (16, 16)];

/// The scalar and the point, without its first byte, of an EC key.
fn ec(file: &str, curve: Curve) -> (Vec<u8>, Vec<u8>) {
    let data = key(file);
    let mut reader = Reader::new(&data).inside(tag::SEQUENCE).unwrap();
    reader.unsigned().unwrap();
    let scalar = reader.expect(tag::OCTET_STRING).unwrap().to_vec();
    let point = curve.derive(&scalar).unwrap()[1..].to_vec();
    (scalar, point)
}

fn ecc(magic: &[u8], (scalar, point): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
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
fn ecc_full(head: &[u8], prime: &[u8], (scalar, point): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
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

fn dsa(file: &str) -> [Vec<u8>; 5] {
    let numbers = numbers(file);
    let [_, p, q, g, y, x] = <[Vec<u8>; 6]>::try_from(numbers).unwrap();
    [p, q, g, y, x]
}

fn dss4(file: &str) -> Vec<u8> {
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

fn cng_dsa(magic: &[u8], file: &str) -> Vec<u8> {
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

fn dh() -> Vec<u8> {
    let mut p = noise(256, 11);
    p[..8].fill(0xff);
    p[248..].fill(0xff);
    let y = [&[0x7e], &noise(255, 12)[..]].concat();
    let x = big(&noise(40, 13), 256);
    [b"DHPV\0\x01\0\0".to_vec(), p, big(&[2], 256), y, x].concat()
}

fn dpapi(data: usize) -> Vec<u8> {
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

/// Structures no tool at hand writes.
fn built() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |what: String, form, kind, proof, spki_sha256: String, bytes| {
        samples.push(Sample {
            what,
            bytes,
            form,
            kind,
            proof,
            spki_sha256,
        });
    };
    let proven = Proof::Arithmetic;
    for bits in [1024, 2048, 3072, 4096] {
        let file = format!("rsa{bits}.pkcs1.der");
        let spki = || spki_of(&file);
        let mut rsa_form = |what: &str, form, bytes| {
            add(
                format!("{what} of {bits} bits"),
                form,
                "rsa-private-key",
                proven,
                spki(),
                bytes,
            )
        };
        rsa_form("CAPI", "windows.capi", rsa(bits).capi());
        rsa_form("BSAFE", "windows.bsafe", rsa(bits).bsafe());
        rsa_form("RSA2", "windows.cng-rsa", rsa(bits).swapped().cng(b"RSA2"));
        rsa_form(
            "RSA3",
            "windows.cng-rsa",
            rsa(bits).with_d_of_phi().cng(b"RSA3"),
        );
        for layout in LAYOUTS {
            let bytes = rsa(bits).symcrypt(layout);
            rsa_form(&format!("SymCrypt {layout:?}"), "windows.symcrypt", bytes);
        }
    }
    for (curve, stem, magics) in [
        (
            Curve::P256,
            "p256",
            &[&b"ECS2"[..], b"ECK2", b"ECDV", b"ECKV"][..],
        ),
        (Curve::P384, "p384", &[b"ECS4", b"ECK4", b"ECDV"]),
        (Curve::P521, "p521", &[b"ECS6", b"ECK6", b"ECKV"]),
        (Curve::Secp256k1, "secp256k1", &[b"ECDV", b"ECKV"]),
    ] {
        let file = format!("{stem}.sec1.der");
        let pair = ec(&file, curve);
        for magic in magics {
            let what = format!("{} of {stem}", String::from_utf8_lossy(magic));
            let bytes = ecc(magic, &pair);
            add(
                what,
                "windows.cng-ec",
                "ec-private-key",
                proven,
                spki_of(&file),
                bytes,
            );
        }
        for (layout, word) in LAYOUTS
            .iter()
            .flat_map(|layout| [(*layout, 8), (*layout, 4)])
        {
            if curve == Curve::Secp256k1 {
                continue; // without a point it passes for P-256
            }
            let what = format!("SymCrypt {layout:?}, pointers of {word} bytes, of {stem}");
            let bytes = symcrypt_ec(&pair.0, layout, word);
            let kind = "ec-private-key";
            add(
                what,
                "windows.symcrypt",
                kind,
                Proof::Parsed,
                spki_of(&file),
                bytes,
            );
        }
    }
    let pair = ec("p256.sec1.der", Curve::P256);
    let prime = b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    for head in [&b"ECDV\x01\0\0\0"[..], b"\x01\0\0\0ECKV"] {
        let bytes = ecc_full(head, prime, &pair);
        let what = format!("a full blob {head:02x?}");
        let spki = spki_of("p256.sec1.der");
        add(
            what,
            "windows.cng-ec",
            "ec-private-key",
            proven,
            spki,
            bytes,
        );
        let bytes = ecc_full(head, &noise(32, 8), &(noise(32, 6), noise(64, 7)));
        let what = format!("a full blob of another curve {head:02x?}");
        add(
            what,
            "windows.cng-ec",
            "private-key",
            Proof::Parsed,
            String::new(),
            bytes,
        );
    }
    let other = ecc(b"ECDV", &(noise(48, 6), noise(96, 7)));
    add(
        "another curve".into(),
        "windows.cng-ec",
        "private-key",
        Proof::Parsed,
        String::new(),
        other,
    );
    for (what, file, form, bytes) in [
        (
            "DSS4",
            "forms/dsa1024.dsa.der",
            "windows.capi",
            dss4("forms/dsa1024.dsa.der"),
        ),
        (
            "DSS4",
            "forms/dsa2048.dsa.der",
            "windows.capi",
            dss4("forms/dsa2048.dsa.der"),
        ),
        (
            "DSPV",
            "forms/dsa1024.dsa.der",
            "windows.cng-dsa",
            cng_dsa(b"DSPV", "forms/dsa1024.dsa.der"),
        ),
        (
            "DPV2",
            "forms/dsa2048.dsa.der",
            "windows.cng-dsa",
            cng_dsa(b"DPV2", "forms/dsa2048.dsa.der"),
        ),
    ] {
        add(
            format!("{what} of {file}"),
            form,
            "dsa-private-key",
            proven,
            spki_of(file),
            bytes,
        );
    }
    add(
        "DHPV".into(),
        "windows.cng-dh",
        "private-key",
        Proof::Parsed,
        String::new(),
        dh(),
    );
    for size in [16, 32, 1000] {
        let what = format!("DPAPI with {size} bytes");
        add(
            what,
            "windows.dpapi",
            "protected",
            Proof::Shape,
            String::new(),
            dpapi(size),
        );
    }
    samples
}

/// Samples small enough to be cut and changed at every byte, one of each form.
fn small() -> Vec<Sample> {
    let mut seen = Vec::new();
    let mut samples: Vec<Sample> = written().into_iter().chain(built()).collect();
    samples.sort_by_key(|sample| sample.bytes.len());
    samples.retain(|sample| {
        let kind = (
            sample.form,
            sample.kind,
            sample.bytes.get(..4).map(<[u8]>::to_vec),
        );
        let is_new = !seen.contains(&kind);
        seen.push(kind);
        is_new && sample.bytes.len() < 1600
    });
    assert!(samples.len() >= 12, "only {} samples", samples.len());
    samples
}

#[test]
fn a_cut_structure_is_never_taken_for_another_or_for_whole() {
    for sample in small() {
        let what = &sample.what;
        let mut pieces = 0;
        for length in 0..sample.bytes.len() {
            for found in counted(&sample.bytes[..length]) {
                let is_other = !found.spki_sha256.is_none() && name(&found) != sample.spki_sha256;
                assert!(
                    !(found.proof == Proof::Arithmetic && is_other),
                    "{what} cut at {length}"
                );
                let place = &found.places[0];
                // A blob inside a file may be whole without it.
                if place.form == sample.form && sample.form != "windows.symcrypt" {
                    assert!(
                        place.fragment.is_some(),
                        "{what} cut at {length} passes for whole"
                    );
                    pieces += 1;
                }
            }
        }
        if ["windows.capi", "windows.cng-rsa"].contains(&sample.form)
            && sample.kind == "rsa-private-key"
        {
            assert!(pieces >= 60, "{what}: only {pieces} lengths are found");
        }
    }
}

#[test]
fn a_changed_structure_is_never_proven_under_another_name() {
    for sample in small() {
        for at in 0..sample.bytes.len() {
            for flip in [1, 0x80] {
                let mut changed = sample.bytes.clone();
                changed[at] ^= flip;
                for found in scan(&changed).findings {
                    let is_other = name(&found) != sample.spki_sha256;
                    assert!(
                        !(found.proof == Proof::Arithmetic && is_other),
                        "{} changed at {at}: {found:?}",
                        sample.what
                    );
                }
            }
        }
    }
}

/// A heap keeps the lists of free blocks in their first bytes.
#[test]
fn a_freed_blob_is_found_by_what_is_left() {
    for bits in [1024, 2048, 3072, 4096] {
        let spki = spki_of(&format!("rsa{bits}.pkcs1.der"));
        for (what, blob, lost) in [
            ("CAPI", rsa(bits).capi(), 8),
            ("CAPI", rsa(bits).capi(), 16),
            ("RSA2", rsa(bits).cng(b"RSA2"), 8),
            ("RSA2", rsa(bits).cng(b"RSA2"), 16),
            ("RSA3", rsa(bits).with_d_of_phi().cng(b"RSA3"), 16),
        ] {
            let mut freed = blob.clone();
            freed[..lost].copy_from_slice(&noise(lost, 77));
            let data = [noise(500, 1), freed, noise(500, 2)].concat();
            let found = finding(&data, what);
            assert_eq!(
                (name(&found), found.proof),
                (spki.clone(), Proof::Arithmetic),
                "{what}"
            );
            let place = &found.places[0];
            let fragment = place.fragment.unwrap();
            assert_eq!(place.component, "fragment", "{what}");
            assert_eq!(
                fragment.expected,
                Some(blob.len() as u64),
                "{what} of {bits} bits, {lost} lost"
            );
            assert_eq!(fragment.present, place.pieces[0].length, "{what}");
        }
    }
}

#[test]
fn a_number_overwritten_does_not_hide_the_others() {
    let key = rsa(2048);
    let spki = spki_of("rsa2048.pkcs1.der");
    for at in [20 + 256, 20 + 256 + 128, 20 + 256 + 5 * 128] {
        let mut blob = key.capi();
        blob[at..at + 16].fill(0x41);
        let found = finding(&blob, "CAPI");
        assert_eq!(
            (name(&found), found.proof),
            (spki.clone(), Proof::Arithmetic),
            "changed at {at}"
        );
    }
    let mut wrong_exponent = key.capi();
    wrong_exponent[16..20].copy_from_slice(&[3, 0, 0, 0]);
    let found = finding(&wrong_exponent, "CAPI with another exponent");
    assert_eq!((name(&found), found.proof), (spki, Proof::Arithmetic));
}

#[test]
fn public_blobs_are_clues_and_no_findings() {
    let key = rsa(2048);
    let capi = [
        &b"\x06\x02\0\0\0\x24\0\0RSA1"[..],
        &key.capi()[12..20 + 256],
    ]
    .concat();
    let mut cng = [&b"RSA1"[..], &key.cng(b"RSA3")[4..27 + 256]].concat();
    cng[16..24].fill(0);
    let rsa_name = spki_of("rsa2048.pkcs1.der");
    let ec_name = spki_of("p384.sec1.der");
    let pair = ec("p384.sec1.der", Curve::P384);
    let point = |magic: &[u8]| {
        let blob = ecc(magic, &pair);
        blob[..blob.len() - 48].to_vec()
    };
    for (what, blob, name) in [
        ("CAPI", capi, &rsa_name),
        ("RSA1", cng, &rsa_name),
        ("ECS3", point(b"ECS3"), &ec_name),
        ("ECK3", point(b"ECK3"), &ec_name),
    ] {
        let outcome = scan(&[noise(300, 1), blob.clone(), noise(300, 2)].concat());
        assert_eq!(outcome.verdict, Verdict::Clean, "{what}");
        assert!(outcome.findings.is_empty(), "{what}");
        let seen = &outcome.public_keys[..];
        assert_eq!(seen.len(), 1, "{what}");
        assert_eq!(&seen[0].spki_sha256.to_string(), name, "{what}");
        assert_eq!(seen[0].places[0].0, "windows.public-blob", "{what}");
        assert_eq!(seen[0].places[0].1.length, blob.len() as u64, "{what}");
    }
}

#[test]
fn a_public_blob_proves_what_symcrypt_holds() {
    let pair = ec("p384.sec1.der", Curve::P384);
    let public = ecc(b"ECS3", &(Vec::new(), pair.1.clone()));
    let inside = symcrypt_ec(&pair.0, (32, 64), 8);
    let alone = int(&pair.0, 48, 32, 64);
    let bare = finding(&alone, "an INT alone");
    assert_eq!(bare.proof, Proof::Shape);
    for object in [inside, alone] {
        let data = [object, noise(100, 1), public.clone()].concat();
        let found = finding(&data, "beside its public key");
        assert_eq!(
            (name(&found), found.proof),
            (spki_of("p384.sec1.der"), Proof::Arithmetic)
        );
    }
}

#[test]
fn what_only_looks_like_a_key_is_no_finding() {
    let tags = b"RSA2RSA3ECS2ECS4ECS6ECK2ECK4ECK6ECDVECKVDSPVDPV2DHPVDSS2DSS4RSA1ECS1".to_vec();
    let rsa_key = rsa(1024);
    let header = |blob: &[u8], length: usize, tail: &[u8]| [&blob[..length], tail].concat();
    let capi = rsa_key.capi();
    let cng = rsa_key.cng(b"RSA3");
    let pair = ec("p256.sec1.der", Curve::P256);
    let ecs2 = ecc(b"ECS2", &pair);
    let random = noise(4000, 21);
    let zeros = [0; 4000];
    let order = Curve::P256; // its order in an INT inside a DIVISOR is public
    let text = b"RSA2048 and RSA3072, ECS2 0x20, 1 \0\0\0 2 \0\0\0".repeat(9);
    let mut decoys: Vec<(String, Vec<u8>)> = vec![
        ("tags".into(), tags),
        ("text".into(), text),
        (
            "the public exponent in a table".into(),
            b"\x01\0\x01\0".repeat(500),
        ),
    ];
    for (name, tail) in [("noise", &random[..]), ("zeros", &zeros[..])] {
        decoys.push((format!("CAPI header and {name}"), header(&capi, 20, tail)));
        decoys.push((
            format!("CAPI public part and {name}"),
            header(&capi, 20 + 128, tail),
        ));
        decoys.push((format!("CNG header and {name}"), header(&cng, 24, tail)));
        decoys.push((
            format!("CNG public part and {name}"),
            header(&cng, 27 + 128, tail),
        ));
        decoys.push((
            format!("BSAFE header and {name}"),
            header(&rsa_key.bsafe(), 20, tail),
        ));
        decoys.push((format!("ECS2 header and {name}"), header(&ecs2, 8, tail)));
        decoys.push((
            format!("ECS2 point and {name}"),
            header(&ecs2, 8 + 64, tail),
        ));
        decoys.push((
            format!("PVK header and {name}"),
            header(&key("forms/rsa1024.none.pvk"), 24, tail),
        ));
        decoys.push((
            format!("DSS header and {name}"),
            header(&dss4("forms/dsa1024.dsa.der"), 52, tail),
        ));
        decoys.push((
            format!("DSPV header and {name}"),
            header(&cng_dsa(b"DSPV", "forms/dsa1024.dsa.der"), 52, tail),
        ));
        decoys.push((
            format!("an INT of {order:?} and {name}"),
            header(&int(&[1; 32], 32, 32, 64), 32, tail),
        ));
    }
    let sixteen = b"ECDV\x20\0\0\0".to_vec();
    decoys.push(("ECDV and zeros".into(), header(&sixteen, 8, &zeros)));
    decoys.push(("DHPV and zeros".into(), header(&dh(), 8, &zeros)));
    decoys.push(("DH public part".into(), header(&dh(), 8 + 3 * 256, &zeros)));
    decoys.push(("DPAPI and zeros".into(), header(&dpapi(100), 50, &zeros)));
    let n = int(&rsa_key.n, 128, 32, 64);
    let numbers: Vec<u8> = (0..8)
        .flat_map(|seed| int(&noise(64, seed), 64, 32, 64))
        .collect();
    decoys.push((
        "a public RSAKEY and temporaries".into(),
        [n, numbers].concat(),
    ));
    for (what, decoy) in decoys {
        let outcome = scan(&[noise(64, 1), decoy, vec![0; 64]].concat());
        let counts: Vec<_> = outcome
            .findings
            .iter()
            .filter(|found| found.proof >= Proof::Parsed)
            .collect();
        assert!(counts.is_empty(), "{what}: {counts:?}");
    }
}

#[test]
fn curve_constants_inside_moduli_are_no_keys() {
    let mut modulus = b"\0\0\x44\x67\x01\0\0\0\x80\0\0\0\0\x01\0\0".to_vec();
    modulus.resize(32, 0);
    modulus.extend(int(&noise(32, 4), 32, 32, 64));
    assert!(scan(&[noise(100, 1), modulus].concat()).findings.is_empty());
}
