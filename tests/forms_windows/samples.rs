//! The samples: what tools wrote, and one structure of each other form and size.

use crate::common::{key, noise};
use crate::structures::*;
use dumpgate::crypto::Curve;
use dumpgate::finding::Proof;

/// A structure, what it must be found as, and by which tool it was written.
pub struct Sample {
    pub what: String,
    pub bytes: Vec<u8>,
    pub form: &'static str,
    pub kind: &'static str,
    pub proof: Proof,
    pub spki_sha256: String,
}

/// The fingerprint that the index beside a file of `tests/keys` or `tests/keys/forms` gives.
pub fn spki_of(file: &str) -> String {
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
pub fn written() -> Vec<Sample> {
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

/// Structures no tool at hand writes.
pub fn built() -> Vec<Sample> {
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
        Proof::Shape,
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
pub fn small() -> Vec<Sample> {
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
