//! The forms of Windows: blobs and files that openssl, mono and Wine wrote, and, where no tool at hand writes
//! a form, structures built here after its documentation from keys that other tools made.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

#[path = "../common/mod.rs"]
mod common;
mod samples;
mod structures;

use common::{each, key, noise, scan};
use dumpgate::crypto::Curve;
use dumpgate::finding::{Finding, Proof};
use dumpgate::outcome::Verdict;
use samples::{built, small, spki_of, written};
use structures::*;

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

#[test]
fn a_cut_structure_is_never_taken_for_another_or_for_whole() {
    for sample in small() {
        let what = &sample.what;
        let mut pieces = 0;
        for length in 0..sample.bytes.len() {
            for found in counted(&sample.bytes[..length]) {
                let is_other = found.spki_sha256.is_some() && name(&found) != sample.spki_sha256;
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
        each(0..sample.bytes.len(), |at| {
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
        });
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
