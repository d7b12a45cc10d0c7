//! Keys that lost a part.

use super::common::{each, key, noise, rows};
use super::encodings::wide;
use super::{findings, proof_of};
use dumpgate::finding::{Finding, Proof};

fn spki(file: &str) -> String {
    rows()
        .into_iter()
        .find(|row| row.file == file)
        .unwrap()
        .spki_sha256
}

fn text(file: &str) -> String {
    String::from_utf8(key(file)).unwrap()
}

/// The lines between BEGIN and END.
fn body(file: &str) -> Vec<String> {
    text(file)
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .map(str::to_owned)
        .collect()
}

fn is_fragment(found: &[Finding]) -> bool {
    found
        .iter()
        .flat_map(|found| &found.places)
        .all(|place| place.component != "key")
}

#[test]
fn a_body_without_begin_or_end_line_is_a_whole_key() {
    for row in rows().iter().filter(|row| row.form.starts_with("pem.")) {
        let is_key = !["spki", "certificate", "encrypted"]
            .iter()
            .any(|part| row.form.contains(part));
        if !is_key || row.file == "secp256k1.sec1-bare.pem" {
            continue;
        }
        let whole = text(&row.file);
        let plain = proof_of(whole.as_bytes(), &row.spki_sha256, &row.file);
        let end = whole.find("-----END").unwrap();
        let begin = whole.find("KEY-----").unwrap();
        for (lost, left) in [
            ("BEGIN line", &whole[begin + 5..]),
            ("end of the BEGIN line", &whole[begin + 8..]),
            ("END line", &whole[..end]),
            ("both lines", body(&row.file).join("\n").as_str()),
        ] {
            let what = format!("{} without its {lost}", row.file);
            assert_eq!(
                proof_of(left.as_bytes(), &row.spki_sha256, &what),
                plain,
                "{what}"
            );
            assert_eq!(
                proof_of(&wide(left, true), &row.spki_sha256, &what),
                plain,
                "{what}, wide"
            );
        }
    }
}

#[test]
fn the_last_fifteen_lines_give_the_key_back() {
    for file in [
        "rsa2048.pkcs1.pem",
        "rsa2048.pkcs8.pem",
        "rsa2048e3.pkcs1.pem",
        "rsa3072.pkcs8.pem",
    ] {
        let body = body(file);
        let last = body[body.len() - 15..].join("\n") + "\n";
        let name = spki(file);
        for (how, data) in [
            ("lines", last.clone().into_bytes()),
            ("CRLF", last.replace('\n', "\r\n").into_bytes()),
            ("escaped", last.replace('\n', "\\n").into_bytes()),
            ("UTF-16", wide(&last, true)),
            ("UTF-16, high byte first", wide(&last, false)),
            (
                "with a footer",
                format!("{last}-----END RSA PRIVATE KEY-----\n").into_bytes(),
            ),
            (
                "behind half a line",
                format!("{}\n{last}", &body[body.len() - 16][20..]).into_bytes(),
            ),
        ] {
            let what = format!("the last lines of {file}, {how}");
            assert_eq!(
                proof_of(&data, &name, &what),
                Some(Proof::Arithmetic),
                "{what}"
            );
            assert!(is_fragment(&findings(&data)), "{what}");
        }
    }
}

#[test]
fn fifteen_lines_from_anywhere_are_noticed_where_a_private_number_is_whole() {
    // 15 lines hold 720 bytes: a prime and its neighbours are whole wherever they start in a 2048-bit key.
    for file in ["rsa2048.pkcs1.pem", "rsa2048.pkcs8.pem"] {
        let body = body(file);
        for start in 0..=body.len() - 15 {
            let data = body[start..start + 15].join("\n") + "\n";
            let found = findings(data.as_bytes());
            assert_eq!(found.len(), 1, "{file} from line {start}");
            assert!(
                found[0].proof >= Proof::Parsed && is_fragment(&found),
                "{file} from line {start}: {found:?}"
            );
            let name = found[0].spki_sha256.map(|name| name.to_string());
            assert!(
                name.is_none() || name == Some(spki(file)),
                "{file} from line {start}"
            );
        }
    }
}

#[test]
fn der_without_its_first_bytes_gives_the_key_back() {
    for file in [
        "rsa1024.pkcs1.der",
        "rsa2048.pkcs1.der",
        "rsa2048.pkcs8.der",
        "rsa2048e3.pkcs1.der",
        "rsa4096.pkcs1.der",
    ] {
        let whole = key(file);
        for lost in [16, 24, 40, 100] {
            let left = [noise(lost, 7), whole[lost..].to_vec()].concat();
            let what = format!("{file} without {lost} bytes");
            assert_eq!(
                proof_of(&left, &spki(file), &what),
                Some(Proof::Arithmetic),
                "{what}"
            );
        }
    }
}

#[test]
fn what_is_left_of_a_cut_key_is_told_and_named_where_it_determines_the_key() {
    for file in [
        "rsa1024.pkcs1.der",
        "rsa1024.pkcs8.der",
        "rsa1024.pkcs1.pem",
        "rsa1024.pkcs8.pem",
    ] {
        let whole = key(file);
        let whole = whole.trim_ascii_end();
        let name = spki(file);
        let mut proofs = Vec::new();
        for length in 0..whole.len() {
            let outcome = super::scan(&whole[..length]);
            proofs.push(outcome.findings.iter().map(|found| found.proof).max());
            for found in &outcome.findings {
                let other = found.spki_sha256.filter(|found| found.to_string() != name);
                assert!(
                    found.proof < Proof::Arithmetic || other.is_none(),
                    "{file} cut at {length}: {found:?}"
                );
                for place in &found.places {
                    let Some(fragment) = place.fragment else {
                        continue;
                    };
                    assert!(
                        fragment
                            .expected
                            .is_some_and(|expected| fragment.present < expected),
                        "{file} cut at {length}: {fragment:?}"
                    );
                }
            }
        }
        // d is whole behind two fifths of the structure; from there on the key is known.
        assert_eq!(proofs[whole.len() / 2], Some(Proof::Arithmetic), "{file}");
        assert_eq!(proofs[whole.len() / 4], Some(Proof::Shape), "{file}");
        let first = proofs
            .iter()
            .position(|proof| *proof == Some(Proof::Arithmetic))
            .unwrap();
        assert!(
            proofs[first..]
                .iter()
                .all(|proof| *proof == Some(Proof::Arithmetic)),
            "{file}"
        );
    }
}

#[test]
fn an_ec_key_that_lost_its_point_is_found_by_its_scalar() {
    for file in [
        "p256.pkcs8.der",
        "p384.sec1.der",
        "p521.pkcs8.pem",
        "secp256k1.sec1.pem",
    ] {
        let whole = key(file);
        let whole = whole.trim_ascii_end();
        let name = spki(file);
        let mut best = None;
        for length in 0..whole.len() - 1 {
            let proof = super::scan(&whole[..length])
                .findings
                .iter()
                .find(|found| {
                    found
                        .spki_sha256
                        .is_some_and(|found| found.to_string() == name)
                })
                .map(|found| found.proof);
            best = best.max(proof);
        }
        // Half of the point is enough to confirm the scalar.
        assert_eq!(best, Some(Proof::Arithmetic), "{file}");
    }
}

#[test]
fn a_number_changed_in_a_whole_structure_does_not_hide_the_key() {
    let file = "rsa1024.pkcs1.der";
    let whole = key(file);
    for at in [330, 400, 470, 560] {
        let mut changed = whole.clone();
        changed[at] ^= 8;
        let what = format!("{file} changed at {at}");
        assert_eq!(
            proof_of(&changed, &spki(file), &what),
            Some(Proof::Arithmetic),
            "{what}"
        );
    }
}

#[test]
fn constants_that_begin_a_structure_are_no_key() {
    // Programs keep the bytes before the scalar as a constant; other constants follow.
    for (length, file) in [(36, "p256.pkcs8.der"), (7, "p256.sec1.der")] {
        for seed in 0..200 {
            let data = [
                noise(64, seed),
                key(file)[..length].to_vec(),
                noise(300, seed + 1),
            ]
            .concat();
            let found = super::scan(&data).findings;
            let are_shapes = found.iter().all(|found| found.proof == Proof::Shape);
            assert!(are_shapes, "{file}: {found:?}");
        }
    }
}

/// Samples of parsers that are small enough to be changed hundreds of times.
const SMALL: &[&str] = &[
    "dsa1024.dsa.der",
    "dsa1024.pkcs8.der",
    "ed448.pkcs8.der",
    "x448.pkcs8.der",
    "p256.default.p12",
    "p256.pkcs8-pbes2-sha1.der",
    "p256.keytool.jks",
    "p256.sec1-base64.txt",
    "p256.sec1-base64url.txt",
    "p256.sec1-hex-colon.txt",
    "p256.pkcs8-pem-base64.txt",
    "ed25519.pkcs8-hex.txt",
];

#[test]
fn no_sample_is_proven_under_another_name_however_it_is_cut_or_changed() {
    let samples = super::samples::samples();
    let samples = samples
        .iter()
        .filter(|sample| SMALL.contains(&&*sample.file));
    assert_eq!(samples.clone().count(), SMALL.len());
    for sample in samples {
        let whole = key(&format!("forms/{}", sample.file));
        let name = sample.spki_sha256.as_deref().unwrap();
        assert!(super::scan(&whole).keys().count() >= 1, "{}", sample.file);
        each(0..whole.len(), |length| {
            proof_of(
                &whole[..length],
                name,
                &format!("{} cut at {length}", sample.file),
            );
        });
        each(0..whole.len(), |at| {
            for flip in [1, 0x80] {
                let mut changed = whole.clone();
                changed[at] ^= flip;
                proof_of(&changed, name, &format!("{} changed at {at}", sample.file));
            }
        });
    }
}
