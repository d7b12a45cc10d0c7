//! The same text in other encodings, alphabets and quotations.

use super::common::{Row, each, key, rows};
use super::{findings, proof_of};
use base64ct::{Base64, Base64Url, Encoding};
use dumpgate::finding::Proof;

/// Rows of a family whose place does not leave the curve open.
fn keys(family: &str) -> Vec<Row> {
    let is_public = |row: &Row| row.form.ends_with("spki") || row.form.ends_with("certificate");
    let is_open =
        |row: &Row| row.file.contains("bare") && row.curve.as_deref() == Some("secp256k1");
    let rows = rows()
        .into_iter()
        .filter(|row| row.form.starts_with(family));
    let rows = rows.filter(|row| !is_public(row) && !is_open(row));
    rows.collect()
}

/// `text` as UTF-16, low byte first or high byte first.
pub fn wide(text: &str, little: bool) -> Vec<u8> {
    let units = text.encode_utf16();
    units
        .flat_map(|unit| {
            if little {
                unit.to_le_bytes()
            } else {
                unit.to_be_bytes()
            }
        })
        .collect()
}

pub fn wrap(text: &str, length: usize, end: &str) -> String {
    let lines = text
        .as_bytes()
        .chunks(length)
        .map(|line| String::from_utf8(line.to_vec()).unwrap() + end);
    lines.collect()
}

fn hex(bytes: &[u8], between: &str) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(between)
}

/// Ways to write bytes as text without a frame.
fn frameless(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let base64 = Base64::encode_string(bytes);
    let plain = hex(bytes, "");
    vec![
        ("base64", base64.clone()),
        (
            "base64 without padding",
            base64.trim_end_matches('=').to_owned(),
        ),
        ("base64url", Base64Url::encode_string(bytes)),
        ("base64 in lines", wrap(&base64, 64, "\n")),
        ("base64 in lines of MIME", wrap(&base64, 76, "\r\n")),
        ("hex", plain.clone()),
        ("HEX", plain.to_uppercase()),
        ("hex with colons", hex(bytes, ":")),
        ("HEX with spaces", hex(bytes, " ").to_uppercase()),
        ("hex in lines", wrap(&plain, 60, "\n")),
        (
            "hex with colons in lines",
            wrap(&(hex(bytes, ":") + ":"), 45, "\n    "),
        ),
    ]
}

#[test]
fn der_is_found_as_text_of_every_kind() {
    for row in keys("der.") {
        let bytes = key(&row.file);
        let raw = proof_of(&bytes, &row.spki_sha256, &row.file);
        assert!(raw.is_some(), "{}", row.file);
        for (how, text) in frameless(&bytes) {
            let what = format!("{} as {how}", row.file);
            assert_eq!(
                proof_of(text.as_bytes(), &row.spki_sha256, &what),
                raw,
                "{what}"
            );
            for little in [true, false] {
                let wide = wide(&text, little);
                assert_eq!(
                    proof_of(&wide, &row.spki_sha256, &what),
                    raw,
                    "{what} in UTF-16, little {little}"
                );
            }
        }
    }
}

#[test]
fn places_of_frameless_text_are_exact() {
    let bytes = key("p256.pkcs8.der");
    for (how, text) in frameless(&bytes) {
        let found = findings(text.as_bytes());
        let place = &found[0].places[0];
        let length = text.trim_end_matches(['\n', ' ', '\r', ':']).len() as u64;
        assert_eq!(
            (place.pieces[0].offset, place.pieces[0].length),
            (700, length),
            "{how}"
        );
        assert_eq!(place.form, "der.pkcs8", "{how}");
        let encoding = if how.to_lowercase().starts_with("hex") {
            "hex"
        } else {
            "base64"
        };
        assert_eq!(place.encoding, encoding, "{how}");
        let found = findings(&wide(&text, true));
        assert_eq!(
            found[0].places[0].encoding,
            format!("{encoding}-utf16le"),
            "{how}"
        );
    }
}

/// Ways in which other texts hold a PEM.
fn quotations(text: &str) -> Vec<(&'static str, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let each = |before: &str, after: &str| {
        lines
            .iter()
            .map(|line| format!("{before}{line}{after}\n"))
            .collect::<String>()
    };
    let percent = |space: &str| {
        let escaped = text
            .replace('%', "%25")
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D");
        escaped
            .replace(':', "%3A")
            .replace(',', "%2C")
            .replace(' ', space)
            .replace('\n', "%0A")
    };
    let array = format!("[\"{}\"]", lines.join("\", \""));
    let base64 = Base64::encode_string(text.as_bytes());
    vec![
        ("as it is", text.to_owned()),
        ("CRLF", text.replace('\n', "\r\n")),
        ("CR", text.replace('\n', "\r")),
        ("JSON", text.replace('\n', "\\n")),
        ("JSON with carriage returns", text.replace('\n', "\\r\\n")),
        ("JSON in JSON", text.replace('\n', "\\\\n")),
        ("XML", text.replace('\n', "&#10;")),
        ("an array on one line", array.clone()),
        ("an array in JSON", array.replace('"', "\\\"")),
        ("YAML", each("    ", "")),
        ("a comment", each("# ", "")),
        ("a comment of C", each("// ", "")),
        ("a comment of SQL", each("-- ", "")),
        ("source text", each("  \"", "\\n\" +")),
        ("a URL", percent("%20")),
        ("a form", percent("+")),
        ("base64", base64.clone()),
        ("base64 in lines", wrap(&base64, 76, "\n")),
        ("base64url", Base64Url::encode_string(text.as_bytes())),
        (
            "base64 behind a line",
            Base64::encode_string(format!("# {text}").as_bytes()),
        ),
        (
            "base64 behind two",
            Base64::encode_string(format!("# \n{text}").as_bytes()),
        ),
    ]
}

#[test]
fn pem_is_found_in_other_texts() {
    each(keys("pem."), |row| {
        let text = String::from_utf8(key(&row.file)).unwrap();
        let is_named = |data: &[u8]| {
            let found = findings(data);
            assert_eq!(found.len(), 1, "{}", row.file);
            (found[0].kind.name(), found[0].proof, found[0].spki_sha256)
        };
        let plain = is_named(text.as_bytes());
        assert!(plain.1 >= Proof::Parsed);
        for (how, written) in quotations(&text) {
            // Header lines have no end in a URL's escapes.
            if row.form == "pem.pkcs1-encrypted" && ["a URL", "a form"].contains(&how) {
                return;
            }
            let what = format!("{} in {how}", row.file);
            let check = |data: &[u8], encoding: &str| {
                let found = findings(data);
                assert_eq!(found.len(), 1, "{what}, {encoding}: {found:?}");
                assert_eq!(
                    (found[0].kind.name(), found[0].proof, found[0].spki_sha256),
                    plain,
                    "{what}, {encoding}"
                );
                assert!(
                    found[0].places[0].encoding.ends_with(encoding),
                    "{what}: {:?}",
                    found[0].places[0]
                );
                assert!(found[0].places[0].fragment.is_none(), "{what}");
            };
            check(
                written.as_bytes(),
                if how.starts_with("base64") {
                    "base64"
                } else {
                    "ascii"
                },
            );
            check(&wide(&written, true), "utf16le");
            check(&wide(&written, false), "utf16be");
        }
    });
}

#[test]
fn pem_without_line_breaks_is_found() {
    for row in keys("pem.")
        .iter()
        .filter(|row| row.form != "pem.pkcs1-encrypted")
    {
        let text = String::from_utf8(key(&row.file)).unwrap();
        for end in ["", " "] {
            let found = findings(text.replace('\n', end).as_bytes());
            assert_eq!(found.len(), 1, "{} with {end:?}", row.file);
            assert!(
                found[0].proof >= Proof::Parsed && found[0].places[0].fragment.is_none(),
                "{}",
                row.file
            );
        }
    }
}

#[test]
fn what_stands_before_the_begin_line_by_chance_takes_no_character() {
    for file in ["rsa2048.pkcs8.pem", "p521.pkcs8.pem", "p256.sec1.pem"] {
        let text = String::from_utf8(key(file)).unwrap();
        for before in ["M", "A", "+", "/", "MI", "=", "-", "0"] {
            let found = findings(format!("{before}{text}").as_bytes());
            assert_eq!(found.len(), 1, "{file} behind {before:?}");
            let place = &found[0].places[0];
            let is_whole = found[0].proof == Proof::Arithmetic && place.fragment.is_none();
            assert!(
                is_whole && place.form.starts_with("pem."),
                "{file} behind {before:?}: {place:?}"
            );
        }
    }
}

#[test]
fn pem_behind_any_prefix_is_found() {
    let text = String::from_utf8(key("rsa2048.pkcs8.pem")).unwrap();
    for prefix in [
        "+",
        "-",
        "12:01:02 app: ",
        "INFO: ",
        "web_1  | ",
        "<6>",
        "$ ",
    ] {
        let lines = text.lines().map(|line| format!("{prefix}{line}\n"));
        let found = findings(format!("before\n{}", lines.collect::<String>()).as_bytes());
        assert_eq!(found.len(), 1, "{prefix:?}");
        let place = &found[0].places[0];
        assert!(
            found[0].proof == Proof::Arithmetic && place.fragment.is_none(),
            "{prefix:?}: {place:?}"
        );
    }
}
