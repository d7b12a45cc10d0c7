//! Every detector against keys written by openssl and ssh-keygen: the true ones, cut at every length,
//! changed at every byte, and things that only look like keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod common;

use common::{Row, each, key, noise, rows, scan};
use dumpgate::finding::{Finding, Proof};
use dumpgate::outcome::Verdict;

/// The one finding in `data`.
fn finding(data: &[u8]) -> Option<Finding> {
    let mut findings = scan(data).findings;
    assert!(findings.len() <= 1, "{findings:?}");
    findings.pop()
}

/// The proof a file reaches by itself: `None` when it holds no private key.
fn expected(row: &Row) -> Option<Proof> {
    let name = &row.file;
    let lacks_public = ["nopublic", "bare"].iter().any(|part| name.contains(part))
        || (["ed25519", "x25519"].contains(&row.kind.as_str()) && row.form.ends_with("pkcs8"));
    match row.form.as_str() {
        form if form.ends_with("-encrypted") => Some(Proof::Parsed),
        "der.spki" | "pem.spki" | "der.certificate" | "pem.certificate" | "ssh.public" => None,
        _ if lacks_public => Some(Proof::Parsed),
        _ => Some(Proof::Arithmetic),
    }
}

/// Whether the curve cannot be known from the file alone.
fn leaves_curve_open(row: &Row) -> bool {
    row.file.contains("sec1-bare") && row.curve.as_deref() == Some("secp256k1")
}

#[test]
fn every_key_is_found_named_and_proven() {
    let mut tried = 0;
    for row in rows() {
        let data = [noise(1000, 1), key(&row.file), noise(1000, 2)].concat();
        let found = finding(&data);
        let proof = expected(&row);
        assert_eq!(
            found.as_ref().map(|found| found.proof),
            proof,
            "{}",
            row.file
        );
        let Some(found) = found else { continue };
        tried += 1;
        assert_eq!(found.places[0].form, row.form, "{}", row.file);
        assert_eq!(found.places[0].pieces[0].offset, 1000, "{}", row.file);
        let length = key(&row.file).trim_ascii_end().len();
        if row.form.starts_with("pem") {
            assert_eq!(
                found.places[0].pieces[0].length, length as u64,
                "{}",
                row.file
            );
        }
        let names_its_key =
            !row.form.ends_with("-encrypted") || row.form == "pem.openssh-encrypted";
        if names_its_key && !leaves_curve_open(&row) {
            assert_eq!(
                found.spki_sha256.map(|name| name.to_string()).as_deref(),
                Some(&*row.spki_sha256),
                "{}",
                row.file
            );
            assert_eq!(found.bits, Some(row.bits), "{}", row.file);
            assert_eq!(
                found.curve.map(|curve| curve.name().to_owned()),
                row.curve,
                "{}",
                row.file
            );
        }
    }
    assert!(tried > 60, "only {tried} private keys in the index");
}

#[test]
fn a_public_half_anywhere_in_the_dump_raises_the_proof() {
    for row in rows()
        .iter()
        .filter(|row| expected(row) == Some(Proof::Parsed))
    {
        if row.form.ends_with("-encrypted") {
            continue;
        }
        let stem = row.file.split('.').next().unwrap();
        for public in [format!("{stem}.spki.der"), format!("{stem}.spki.pem")] {
            let data = [key(&row.file), noise(50, 1), key(&public)].concat();
            let found = finding(&data).unwrap();
            assert_eq!(found.proof, Proof::Arithmetic, "{} with {public}", row.file);
            assert_eq!(
                found.spki_sha256.unwrap().to_string(),
                row.spki_sha256,
                "{} with {public}",
                row.file
            );
        }
        let spki = key(&format!("{stem}.spki.der"));
        let size = match row.bits {
            256 if row.kind == "ec" => 64,
            384 => 96,
            521 => 132,
            _ => 32,
        };
        let bare = [
            key(&row.file),
            noise(50, 1),
            spki[spki.len() - size..].to_vec(),
            noise(50, 2),
        ]
        .concat();
        assert_eq!(
            finding(&bare).unwrap().proof,
            Proof::Arithmetic,
            "{} with a bare point",
            row.file
        );
    }
}

#[test]
fn keys_of_other_algorithms_are_found() {
    for (file, kind, proof) in [
        ("ed448", "ed448-private-key", Proof::Parsed),
        ("x448", "x448-private-key", Proof::Parsed),
        ("dsa", "dsa-private-key", Proof::Parsed),
        ("brainpoolP256r1", "private-key", Proof::Parsed),
        ("secp224r1", "private-key", Proof::Parsed),
        ("rsa-pss", "rsa-private-key", Proof::Arithmetic),
    ] {
        let found = finding(&key(&format!("other/{file}.pem"))).unwrap_or_else(|| panic!("{file}"));
        assert_eq!((found.kind.name(), found.proof), (kind, proof), "{file}");
        assert_eq!(found.spki_sha256.is_none(), kind == "private-key", "{file}");
    }
}

#[test]
fn another_public_key_proves_nothing() {
    let data = [
        key("p256.sec1-nopublic.der"),
        key("ssh-p256.pub"),
        key("p384.spki.der"),
    ]
    .concat();
    assert_eq!(finding(&data).unwrap().proof, Proof::Parsed);
}

#[test]
fn certificates_and_public_keys_are_clues_in_every_form() {
    for row in rows()
        .iter()
        .filter(|row| row.form.ends_with("spki") || row.form.ends_with("certificate"))
    {
        let outcome = scan(&[noise(99, 1), key(&row.file), noise(99, 2)].concat());
        assert_eq!(outcome.verdict, Verdict::Clean, "{}", row.file);
        let names: Vec<String> = outcome
            .public_keys
            .iter()
            .map(|key| key.spki_sha256.to_string())
            .collect();
        assert_eq!(names, [&*row.spki_sha256], "{}", row.file);
    }
}

/// Keys small enough to be changed thousands of times.
const SMALL: &[&str] = &[
    "rsa1024.pkcs1.der",
    "rsa1024.pkcs8.der",
    "rsa1024.pkcs8.pem",
    "p256.sec1.der",
    "p256.sec1-noparams.der",
    "p256.sec1-nopublic.der",
    "p256.pkcs8.pem",
    "ed25519.pkcs8.der",
    "x25519.pkcs8.pem",
    "ssh-ed25519.openssh.pem",
    "ssh-p256.openssh.pem",
    "p256.pkcs8-encrypted.pem",
    "rsa1024.spki.der",
    "p256.cert.pem",
];

#[test]
fn a_cut_key_is_never_taken_for_another() {
    for file in SMALL {
        let whole = key(file);
        let name = rows()
            .iter()
            .find(|row| row.file == *file)
            .unwrap()
            .spki_sha256
            .clone();
        each(0..whole.len(), |length| {
            for found in scan(&whole[..length]).findings {
                let is_other = found
                    .spki_sha256
                    .is_some_and(|found| found.to_string() != name);
                assert!(
                    !(found.proof == Proof::Arithmetic && is_other),
                    "{file} cut at {length}: {found:?}"
                );
                let lost = whole.trim_ascii_end().len() - length.min(whole.trim_ascii_end().len());
                let is_told = found.places.iter().all(|place| place.fragment.is_some());
                assert!(
                    is_told || lost < 300,
                    "{file} cut at {length} passes for whole"
                );
            }
        });
    }
}

#[test]
fn a_changed_key_is_never_proven_under_another_name() {
    for file in SMALL {
        let whole = key(file);
        let name = rows()
            .iter()
            .find(|row| row.file == *file)
            .unwrap()
            .spki_sha256
            .clone();
        each(0..whole.len(), |at| {
            for flip in [1, 0x80] {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                for found in scan(&changed).findings {
                    let is_other = found
                        .spki_sha256
                        .is_some_and(|found| found.to_string() != name);
                    assert!(
                        !(found.proof == Proof::Arithmetic && is_other),
                        "{file} changed at {at}: {found:?}"
                    );
                }
            }
        });
    }
}

#[test]
fn what_only_looks_like_a_key_is_no_finding() {
    let header = "-----BEGIN PRIVATE KEY-----";
    let mut decoys: Vec<(&str, Vec<u8>)> = vec![
        (
            "header strings",
            b"-----BEGIN PRIVATE KEY-----\0-----END PRIVATE KEY-----\0-----BEGIN RSA PRIVATE KEY-----\0".to_vec(),
        ),
        ("placeholder", format!("{header}\n...your key here...\n-----END PRIVATE KEY-----\n").into_bytes()),
        (
            "base64 of noise",
            format!("{header}\n{}\n-----END PRIVATE KEY-----\n", "QUJDREVGR0hJSktM".repeat(100)).into_bytes(),
        ),
        (
            "format prefix and zeros",
            [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &[0; 64]].concat(),
        ),
        ("SEC1 of zeros", [&b"\x30\x25\x02\x01\x01\x04\x20"[..], &[0; 64]].concat()),
        ("SEC1 prefix and text", b"\x30\x25\x02\x01\x01\x04\x20curve25519-sha256,ecdh-sha2-nistp256".to_vec()),
        ("prefixes in a row", b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x6e\x04\x22\x04\x20\0\0".repeat(4)),
    ];
    let mut not_a_product = key("rsa1024.pkcs1.der");
    let n = key("rsa2048.pkcs1.der");
    not_a_product[20..80].copy_from_slice(&n[40..100]);
    decoys.push(("n is not p times q", not_a_product));
    for (name, decoy) in decoys {
        let outcome = scan(&[noise(64, 1), decoy, vec![0; 64]].concat());
        let counts: Vec<_> = outcome
            .findings
            .iter()
            .filter(|finding| finding.proof >= Proof::Parsed)
            .collect();
        assert!(counts.is_empty(), "{name}: {counts:?}");
        assert_eq!(outcome.verdict, Verdict::Clean, "{name}");
    }
}

#[test]
fn line_ends_do_not_matter() {
    for file in [
        "rsa2048.pkcs1.pem",
        "p256.sec1.pem",
        "rsa2048.pkcs1-encrypted.pem",
        "ssh-ed25519.openssh.pem",
    ] {
        let text = String::from_utf8(key(file)).unwrap();
        let whole = finding(text.as_bytes()).unwrap();
        for end in ["\r\n", "\r"] {
            let found = finding(text.replace('\n', end).as_bytes())
                .unwrap_or_else(|| panic!("{file} with {end:?}"));
            assert_eq!(
                (found.spki_sha256, found.proof),
                (whole.spki_sha256, whole.proof),
                "{file} with {end:?}"
            );
        }
        let no_end = &text[..text.find("-----END").unwrap()];
        // Whether ciphertext is whole, only the footer can tell.
        let proof = (!file.contains("encrypted")).then_some(whole.proof);
        assert_eq!(
            finding(no_end.as_bytes()).map(|found| found.proof),
            proof,
            "{file} without a footer"
        );
    }
}

#[test]
fn a_key_inside_a_key_is_one_place() {
    let outcome = scan(&key("rsa2048.pkcs8.der"));
    assert_eq!(outcome.findings.len(), 1);
    let forms: Vec<_> = outcome.findings[0]
        .places
        .iter()
        .map(|place| place.form)
        .collect();
    assert_eq!(forms, ["der.pkcs8"]);
}

/// A DER element with a length below 128 or in one further octet.
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).expect("a short element");
    let head = if length < 128 {
        vec![tag, length]
    } else {
        vec![tag, 0x81, length]
    };
    [&head, contents].concat()
}

#[test]
fn explicit_parameters_name_the_curve_or_another_one() {
    for curve in ["brainpoolP256r1", "secp224r1"] {
        for public in ["", "-nopublic"] {
            let found = finding(&key(&format!("other/{curve}-explicit{public}.pem")));
            let found = found.unwrap_or_else(|| panic!("{curve}{public}"));
            assert_eq!(
                (found.kind.name(), found.proof),
                ("private-key", Proof::Parsed),
                "{curve}{public}"
            );
        }
    }
    let whole = finding(&key("other/secp256k1-explicit.pem")).unwrap();
    let bare = finding(&key("other/secp256k1-explicit-nopublic.pem")).unwrap();
    assert_eq!(
        (whole.proof, bare.proof),
        (Proof::Arithmetic, Proof::Parsed)
    );
    assert_eq!(whole.curve.map(|curve| curve.name()), Some("secp256k1"));
    assert_eq!(whole.spki_sha256, bare.spki_sha256);
}

#[test]
fn a_scalar_without_its_leading_zeros_is_found() {
    use dumpgate::crypto::Curve;
    for curve in [Curve::P256, Curve::P384, Curve::P521, Curve::Secp256k1] {
        for dropped in 1..4 {
            let scalar = noise(curve.field_bytes() - dropped - 1, 9);
            let scalar = [&[1], &scalar[1..]].concat();
            let point = curve.derive(&scalar).unwrap();
            let parameters = der(0xa0, &der(6, curve.oid()));
            let public = der(0xa1, &der(3, &[&[0], &point[..]].concat()));
            let structure = der(
                0x30,
                &[vec![2, 1, 1], der(4, &scalar), parameters, public].concat(),
            );
            let found = finding(&[noise(77, 1), structure, noise(77, 2)].concat());
            let found = found.unwrap_or_else(|| panic!("{} less {dropped}", curve.name()));
            assert_eq!(
                (found.proof, found.curve),
                (Proof::Arithmetic, Some(curve)),
                "{} less {dropped}",
                curve.name()
            );
        }
    }
}

#[test]
fn a_key_inside_a_key_is_no_second_one_on_another_curve() {
    let sec1 = key("secp256k1.sec1-bare.der");
    let algorithm = der(
        0x30,
        b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a",
    );
    let pkcs8 = der(0x30, &[vec![2, 1, 0], algorithm, der(4, &sec1)].concat());
    let found = finding(&[noise(50, 1), pkcs8, noise(50, 2)].concat()).unwrap();
    assert_eq!(found.curve.map(|curve| curve.name()), Some("secp256k1"));
    assert_eq!(found.places.len(), 1);
}

#[test]
fn pem_inside_other_texts_is_found() {
    for file in [
        "rsa2048.pkcs8.pem",
        "p256.sec1.pem",
        "ssh-ed25519.openssh.pem",
        "rsa2048.pkcs1-encrypted.pem",
    ] {
        let text = String::from_utf8(key(file)).unwrap();
        let text = text.trim_end();
        let whole = finding(text.as_bytes()).unwrap();
        let lines = |before: &str, after: &str| {
            text.lines()
                .map(|line| format!("{before}{line}{after}\n"))
                .collect::<String>()
        };
        for (name, written) in [
            ("JSON", text.replace('\n', "\\n")),
            ("JSON with carriage returns", text.replace('\n', "\\r\\n")),
            ("JSON in JSON", text.replace('\n', "\\\\n")),
            (
                "a URL",
                text.replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D")
                    .replace('\n', "%0A"),
            ),
            ("XML", text.replace('\n', "&#10;")),
            ("YAML", lines("    ", "")),
            ("a quotation", lines("> ", "")),
            ("a comment", lines("# ", "")),
            ("source text", lines("  \"", "\\n\" +")),
            ("an array", lines("\"", "\",")),
            ("blanks behind lines", lines("", "  ")),
        ] {
            let found = finding(&[noise(9, 1), written.into_bytes(), noise(9, 2)].concat());
            let found = found.unwrap_or_else(|| panic!("{file} in {name}"));
            assert_eq!(
                (found.spki_sha256, found.proof),
                (whole.spki_sha256, whole.proof),
                "{file} in {name}"
            );
        }
    }
    let with_comment = String::from_utf8(key("rsa2048.pkcs1.pem"))
        .unwrap()
        .replace("KEY-----\nM", "KEY-----\nComment: of ours\n\nM");
    assert_eq!(
        finding(with_comment.as_bytes()).unwrap().proof,
        Proof::Arithmetic
    );
}

#[test]
fn ciphertext_that_is_none_is_no_key() {
    let text = String::from_utf8(key("rsa2048.pkcs1-encrypted.pem")).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let cut = format!("{head}\n\n{}", &body[..body.len() / 2]);
    let zeros = format!(
        "{head}\n\n{}\n-----END RSA PRIVATE KEY-----\n",
        "A".repeat(1024)
    );
    let no_vector = text
        .replace(',', "")
        .replacen("4ENCRYPTED", "4,ENCRYPTED", 1);
    for (name, decoy) in [
        ("half", cut),
        ("zeros", zeros),
        ("no initialisation vector", no_vector),
    ] {
        assert!(finding(decoy.as_bytes()).is_none(), "{name}");
    }
}
