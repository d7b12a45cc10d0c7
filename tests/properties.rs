//! Properties of the whole scan: where a key lies, and how the work is shared out, makes no difference.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod common;

use common::{Segment, each, elf_core, key, noise, scan};
use dumpgate::finding::Proof;
use dumpgate::outcome::Verdict;
use dumpgate::scan::Scanner;
use dumpgate::source::Source;
use proptest::prelude::*;
use std::path::PathBuf;

/// One key of each written form, short ones first.
const FORMS: &[(&str, &str)] = &[
    ("ed25519.pkcs8.der", "der.pkcs8"),
    ("p256.sec1.der", "der.sec1"),
    ("p521.pkcs8.pem", "pem.pkcs8"),
    ("rsa1024.pkcs1.der", "der.pkcs1"),
    ("rsa2048.pkcs8.pem", "pem.pkcs8"),
    ("ssh-ed25519.openssh.pem", "pem.openssh"),
];

/// The scan's unit of work: 1 MiB.
const CHUNK: usize = 1 << 20;

#[test]
fn a_key_is_found_at_every_offset_round_a_chunk_border() {
    for &(file, form) in FORMS {
        let key = key(file);
        let length = key.trim_ascii_end().len() as u64;
        each(CHUNK - key.len() - 2..=CHUNK + 2, |start| {
            let mut data = vec![0; 2 * CHUNK];
            data[start..start + key.len()].copy_from_slice(&key);
            let outcome = scan(&data);
            let places: Vec<_> = outcome
                .findings
                .iter()
                .flat_map(|finding| &finding.places)
                .collect();
            assert_eq!(places.len(), 1, "{file} at {start}");
            let piece = places[0].pieces[0];
            assert_eq!(
                (places[0].form, piece.offset, piece.length),
                (form, start as u64, length),
                "{file} at {start}"
            );
        });
    }
}

#[test]
fn a_key_cut_at_every_byte_between_segments_that_lie_apart_is_found_once() {
    for &(file, form) in FORMS {
        let key = key(file).trim_ascii_end().to_vec();
        each(0..=key.len(), |cut| {
            let mut low = noise(700, 1);
            low.extend_from_slice(&key[..cut]);
            let mut high = key[cut..].to_vec();
            high.push(0);
            high.extend(noise(500, 2));
            let border = 0x7f00_0000_0000 + low.len() as u64;
            let core = elf_core(
                &[
                    Segment::new(border, high),
                    Segment::new(0x7f00_0000_0000, low),
                ],
                333,
            );
            let outcome = scan(&core);
            let places: Vec<_> = outcome
                .findings
                .iter()
                .flat_map(|finding| &finding.places)
                .collect();
            assert_eq!(places.len(), 1, "{file} cut at {cut}: {places:?}");
            assert_eq!(places[0].form, form, "{file} cut at {cut}");
            let lengths: Vec<u64> = places[0].pieces.iter().map(|piece| piece.length).collect();
            let expected: Vec<u64> = [cut, key.len() - cut]
                .iter()
                .filter(|part| **part > 0)
                .map(|part| *part as u64)
                .collect();
            assert_eq!(lengths, expected, "{file} cut at {cut}");
            assert_eq!(places[0].pieces[0].va, Some(border - cut as u64));
        });
    }
}

#[test]
fn a_key_scattered_over_small_pages_is_put_together() {
    let key = key("rsa2048.pkcs8.pem");
    for page in [16, 64, 100, 512] {
        let mut memory = noise(300, 3);
        memory.extend_from_slice(&key);
        memory.extend(noise(300, 4));
        let mut pages: Vec<Segment> = memory
            .chunks(page)
            .enumerate()
            .map(|(index, bytes)| Segment::new(0x1000 + (index * page) as u64, bytes.to_vec()))
            .collect();
        pages.reverse();
        let outcome = scan(&elf_core(&pages, 40));
        assert_eq!(
            outcome.findings.len(),
            1,
            "pages of {page} bytes: {:?}",
            outcome.findings
        );
        let place = &outcome.findings[0].places[0];
        assert!(
            place.pieces.len() >= key.len() / page,
            "pages of {page} bytes"
        );
        assert_eq!(
            place.pieces.iter().map(|piece| piece.length).sum::<u64>(),
            key.trim_ascii_end().len() as u64
        );
    }
}

#[test]
fn the_number_of_threads_makes_no_difference() {
    let mut data = noise(5 * CHUNK, 7);
    for (index, &(file, _)) in FORMS.iter().cycle().take(60).enumerate() {
        let key = key(file);
        let at = index * 80_000 + 17;
        data[at..at + key.len()].copy_from_slice(&key);
    }
    let say = |threads: usize| {
        let scanner = Scanner::builder().threads(threads).build().unwrap();
        let outcome = scanner.scan(
            PathBuf::from("test"),
            &Source::from_bytes(data.clone()),
            &(),
        );
        format!("{outcome:#?}")
    };
    let one = say(1);
    for threads in [1, 2, 3, 8] {
        assert_eq!(say(threads), one, "{threads} threads");
    }
}

#[test]
fn a_million_copies_of_a_key_are_bounded_and_said_to_be() {
    let key = key("ed25519.pkcs8.der");
    let data = key.repeat(1_000_000);
    let outcome = scan(&data);
    assert_eq!(outcome.verdict, Verdict::Found);
    assert_eq!(outcome.findings.len(), 1);
    let finding = &outcome.findings[0];
    assert!(finding.places.len() <= 50_000);
    assert!(outcome.searches.iter().any(|search| !search.complete));
    assert_eq!(outcome.coverage.scanned, data.len() as u64);
}

#[test]
fn a_clue_of_one_dump_proves_nothing_in_another() {
    let scanner = Scanner::builder().threads(1).build().unwrap();
    let say = |bytes: Vec<u8>| scanner.scan(PathBuf::from("test"), &Source::from_bytes(bytes), &());
    let private = key("p256.sec1-nopublic.der");
    let public = key("p256.spki.der");
    assert_eq!(say(public.clone()).verdict, Verdict::Clean);
    assert_eq!(say(private.clone()).findings[0].proof, Proof::Parsed);
    let together = [private, vec![0; 100], public].concat();
    assert_eq!(say(together).findings[0].proof, Proof::Arithmetic);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn noise_is_clean(seed in any::<u64>(), length in 0..300_000usize) {
        let outcome = scan(&noise(length, seed));
        prop_assert_eq!(outcome.verdict, Verdict::Clean);
        prop_assert!(outcome.findings.is_empty());
        prop_assert_eq!(outcome.coverage.scanned, length as u64);
    }

    #[test]
    fn a_key_in_noise_is_found_where_it_lies(form in 0..FORMS.len(), at in 0..200_000usize, seed in any::<u64>()) {
        let key = key(FORMS[form].0);
        let mut data = noise(at, seed);
        data.extend_from_slice(&key);
        data.extend(noise(10_000, seed ^ 1));
        let outcome = scan(&data);
        prop_assert_eq!(outcome.findings.len(), 1, "{:?}", outcome.findings);
        let place = &outcome.findings[0].places[0];
        prop_assert_eq!(place.form, FORMS[form].1);
        prop_assert_eq!(place.pieces[0].offset, at as u64);
    }
}

#[test]
fn bytes_that_follow_in_the_file_and_not_in_memory_make_no_key() {
    let key = key("ed25519.pkcs8.der");
    for cut in 17..key.len() {
        let low = [noise(500, 1), key[..cut].to_vec()].concat();
        let border = 0x7f00_0000_0000 + low.len() as u64;
        let high = [key[cut..].to_vec(), noise(500, 2)].concat();
        let unrelated = noise(600, 3);
        let apart = [
            Segment::new(0x7f00_0000_0000, low.clone()),
            Segment::new(0x5500_0000_0000, unrelated.clone()),
            Segment::new(border, high),
        ];
        let names = |segments: &[Segment]| -> Vec<_> {
            scan(&elf_core(segments, 0))
                .keys()
                .map(|found| found.spki_sha256)
                .collect()
        };
        let alone = scan(&key).findings[0].spki_sha256;
        assert_eq!(names(&apart), [alone], "cut at {cut}");
        // The rest is not in the dump, or the descriptors lie: no label makes it clean, and none a name.
        assert_eq!(
            names(&apart[..2]),
            [None],
            "cut at {cut}, followed by other memory"
        );
    }
}

#[test]
fn many_different_keys_are_all_found_and_a_flood_of_them_is_told() {
    let key_of = |index: u32| {
        let mut seed = noise(32, u64::from(index) + 1000);
        seed[0] = index as u8;
        [
            &b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..],
            &seed,
        ]
        .concat()
    };
    let all: Vec<u8> = (0..500).flat_map(key_of).collect();
    let outcome = scan(&all);
    assert_eq!((outcome.keys().count(), outcome.reasons().len()), (500, 0));
    let flood: Vec<u8> = (0..5000).flat_map(key_of).collect();
    let outcome = scan(&flood);
    assert!(outcome.keys().count() >= 1000);
    assert_eq!(outcome.reasons(), [dumpgate::outcome::Reason::LimitReached]);
}

#[test]
fn the_keys_every_openssl_program_carries_are_all_found() {
    let files = [
        "published/openssl-speed-rsa15360.der",
        "published/openssl-speed-rsa7680.der",
        "rsa4096.pkcs1.der",
        "rsa1024.pkcs1.der",
    ];
    let together: Vec<u8> = files.iter().flat_map(|file| key(file)).collect();
    let outcome = scan(&together);
    assert_eq!((outcome.findings.len(), outcome.reasons().len()), (4, 0));
}
