//! Numbers written out, alone in the memory of a process.

use super::between::hexadecimal;
use super::*;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use crypto_bigint::BoxedUint;

/// The texts of a number, and the characters of each that are its digits.
fn texts(key: &Key, number: &[u8]) -> Vec<(&'static str, String)> {
    let digits = String::from_utf8(hexadecimal(number)).unwrap();
    let mut texts = vec![
        ("text.hex", format!("\"{digits}\"")),
        ("text.hex", format!("0x{}\n", digits.to_uppercase())),
        ("text.hex", format!("/keys/{digits}/")),
    ];
    if !is_string(key) {
        let decimal = BoxedUint::from_be_slice_vartime(number).to_string_radix_vartime(10);
        texts.push(("text.hex", format!("(00{digits})")));
        texts.push(("text.decimal", format!("= {decimal};")));
    }
    // Of others the places that are looked at lie too far apart.
    if key.name != "rsa1024" {
        for (between, line) in [(":", 15), (" ", 16)] {
            let lines = number.chunks(line).map(|line| {
                let bytes = line.iter().map(|byte| format!("{byte:02x}"));
                bytes.collect::<Vec<_>>().join(between)
            });
            let end = if between == ":" { ":\n    " } else { "\n" };
            let lines = lines.collect::<Vec<_>>().join(end);
            texts.push(("text.hex", format!("priv:\n    {lines}\npub:")));
        }
    }
    if !key.name.starts_with("rsa") {
        texts.push((
            "text.base64",
            format!(" {}\n", Base64::encode_string(number)),
        ));
        let url = Base64UrlUnpadded::encode_string(number);
        texts.push(("text.base64", format!("\"d\":\"{url}\"")));
    }
    texts
}

#[test]
fn each_private_number_is_found_where_only_its_text_lies() {
    for key in keys() {
        let (component, number, bits) = &key.numbers[0];
        // Numbers are written in whole bytes of their size.
        let mut whole = vec![0; (bits.div_ceil(8) as usize).saturating_sub(number.len())];
        whole.extend(number);
        for (form, text) in texts(key, &whole) {
            for (encoding, step, zeros) in [("ascii", 1, 0), ("utf16le", 2, 0), ("utf16le", 2, 1)] {
                for at in [0x9001, 0x900f] {
                    // In UTF-16BE one zero stands before the text and none behind it.
                    let mut bytes: Vec<u8> = vec![0; zeros];
                    bytes.extend(
                        text.bytes()
                            .flat_map(|byte| [byte, 0].into_iter().take(step)),
                    );
                    bytes.truncate(bytes.len() - zeros);
                    bytes.push(0x7f);
                    let outcome = scan(
                        &scanner(Some(key), false),
                        &with_parts(&[(at, &bytes)], 0x1_0000),
                    );
                    let places = outcome.findings.iter().flat_map(|finding| &finding.places);
                    let found: Vec<_> = places
                        .map(|place| (place.form, place.component, place.encoding))
                        .collect();
                    assert!(is_proven(&outcome, key), "{} {form} {encoding}", key.name);
                    assert!(
                        found.contains(&(form, component, encoding)),
                        "{} {form} {encoding}: {found:?}",
                        key.name
                    );
                }
            }
        }
    }
}

#[test]
fn a_changed_text_is_no_key() {
    for name in ["p256", "p384", "p521", "secp256k1", "ed25519"] {
        let key = named(name);
        let mut number = key.numbers[0].1.clone();
        *number.last_mut().unwrap() ^= 1;
        for (form, text) in texts(key, &number) {
            let core = with_parts(&[(0x9001, text.as_bytes())], 0x1_0000);
            let outcome = scan(&scanner(Some(key), false), &core);
            assert!(outcome.findings.is_empty(), "{name} {form}");
        }
    }
}
