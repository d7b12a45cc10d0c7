//! The keys that must never leave: which they are, and what they call themselves.

use crate::crypto::Fingerprint;
use crate::policy::file::{Watch, WatchedKeys};
use crate::scan::Scanner;
use crate::source::Source;
use crate::text::printable;
use crate::worker::Given;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Keys by their public halves.
#[derive(Debug, Default)]
pub struct Watched {
    /// What each is called.
    pub names: BTreeMap<Fingerprint, String>,
    /// The same, as the scanner is asked for them.
    pub asked: Vec<Given>,
}

/// Part of a file of public keys, and what it calls itself.
struct Part {
    bytes: Vec<u8>,
    name: Option<String>,
}

/// Reads the keys of a watch list. `guard` says what is wrong with a file that it names.
///
/// # Errors
/// When a file cannot be read, or an entry of it is no public key that can be watched: one that is left out would be
/// let through.
pub fn read(
    list: &[Watch],
    guard: &dyn Fn(&Path) -> Result<(), String>,
) -> Result<Watched, String> {
    let scanner = Scanner::builder().threads(1).build();
    let scanner = scanner.map_err(|error| format!("failed to start threads: {error}"))?;
    let mut watched = Watched::default();
    for watch in list {
        match &watch.keys {
            WatchedKeys::Key(key) => {
                let name = watch.name.clone();
                let name = name.unwrap_or_else(|| "without a name".to_owned());
                watched.names.insert(*key, name);
                watched.asked.push(Given::Name(*key));
            }
            WatchedKeys::File(path) => {
                guard(path)?;
                let source =
                    Source::read_small(path, MAX_FILE).map_err(|error| error.to_string())?;
                let parts = parts(source.bytes());
                let shown = path.to_string_lossy();
                if parts.is_empty() {
                    return Err(format!(
                        "`{}`: expected a public key or certificate, found none",
                        printable(&shown)
                    ));
                }
                for (index, part) in parts.into_iter().enumerate() {
                    let identities = scanner.harvest(&Source::from_bytes(part.bytes.clone()));
                    if identities.is_empty() {
                        return Err(format!(
                            "`{}`: entry {} is no public key or certificate that can be watched",
                            printable(&shown),
                            index + 1
                        ));
                    }
                    let own = part.name.map(|name| printable(name.trim()).to_string());
                    let own = own.filter(|name| !name.is_empty());
                    let file = path.file_name().unwrap_or_default().to_string_lossy();
                    let name = watch.name.clone().or(own);
                    let name = name.unwrap_or_else(|| printable(&file).to_string());
                    for identity in &identities {
                        watched.names.insert(identity.fingerprint(), name.clone());
                    }
                    watched.asked.push(Given::Keys {
                        bytes: part.bytes,
                        origin: name,
                    });
                }
            }
        }
    }
    Ok(watched)
}

/// Takes a file of keys apart, so that each key has its own name.
fn parts(bytes: &[u8]) -> Vec<Part> {
    if let Ok(json) = serde_json::from_slice::<Value>(bytes) {
        let keys = match json.get("keys").and_then(Value::as_array) {
            Some(keys) => keys.clone(),
            None => vec![json],
        };
        return keys.iter().map(jwk).collect();
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![Part {
            bytes: bytes.to_vec(),
            name: subject(bytes),
        }];
    };
    if text.contains(PEM_BEGIN) {
        return text.split(PEM_BEGIN).skip(1).map(pem).collect();
    }
    let is_key = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let lines = text.lines().filter(is_key);
    lines.map(ssh).collect()
}

fn jwk(key: &Value) -> Part {
    let name = key.get("kid").and_then(Value::as_str);
    // What names it and says what it is for may be any text.
    let mut numbers = key.clone();
    if let Some(members) = numbers.as_object_mut() {
        members.retain(|name, _| matches!(&**name, "kty" | "crv" | "n" | "e" | "x" | "y"));
    }
    Part {
        bytes: serde_json::json!({ "keys": [numbers] })
            .to_string()
            .into_bytes(),
        name: name.map(str::to_owned),
    }
}

fn pem(rest: &str) -> Part {
    let body = rest.split_once("-----").map(|(_, body)| body);
    let body = body.and_then(|body| body.split("-----END").next());
    let name = body
        .filter(|_| rest.starts_with("CERTIFICATE") || rest.starts_with("TRUSTED CERT"))
        .and_then(|body| subject(&unbase64(body)));
    Part {
        bytes: format!("{PEM_BEGIN}{rest}").into_bytes(),
        name,
    }
}

/// A line as of `authorized_keys`: options, kind, base64, comment.
fn ssh(line: &str) -> Part {
    let name = line
        .split_once(" AAAA")
        .and_then(|(_, rest)| rest.split_once(' '))
        .map(|(_, comment)| comment.to_owned());
    Part {
        bytes: format!("{line}\n").into_bytes(),
        name,
    }
}

/// The common name in the subject of a certificate (RFC 5280, section 4.1), or the subject's last text without one.
fn subject(der: &[u8]) -> Option<String> {
    let (_, certificate, _) = tlv(der)?;
    let (_, mut fields, _) = tlv(certificate)?;
    let (tag, _, rest) = tlv(fields)?;
    if tag == EXPLICIT_VERSION {
        fields = rest;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        fields = tlv(fields)?.2;
    }
    let (_, mut names, _) = tlv(fields)?;
    let mut last = None;
    while let Some((_, set, rest)) = tlv(names) {
        names = rest;
        let (_, pair, _) = tlv(set)?;
        let (_, kind, value) = tlv(pair)?;
        let (_, text, _) = tlv(value)?;
        let text = String::from_utf8_lossy(text).into_owned();
        if kind == COMMON_NAME {
            return Some(text);
        }
        last = Some(text);
    }
    last
}

/// Tag, content and what follows, of DER.
fn tlv(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f).min(4))?;
        let length = digits
            .iter()
            .fold(0usize, |length, digit| length << 8 | usize::from(*digit));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn unbase64(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
            bits &= (1 << held) - 1;
        }
    }
    bytes
}

const PEM_BEGIN: &str = "-----BEGIN ";

/// `[0]`, in which a certificate of version 2 or 3 says so.
const EXPLICIT_VERSION: u8 = 0xa0;

/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Bytes of a file of public keys.
const MAX_FILE: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_called_as_they_call_themselves() {
        let jwks = br#"{"keys":[{"kty":"EC","kid":"one"},{"kty":"EC"}]}"#;
        let names: Vec<_> = parts(jwks).into_iter().map(|part| part.name).collect();
        assert_eq!(names, [Some("one".to_owned()), None]);
        let lines = b"ssh-ed25519 AAAAC3Nz root@host one\necdsa AAAAB\n";
        let names: Vec<_> = parts(lines).into_iter().map(|part| part.name).collect();
        assert_eq!(names, [Some("root@host one".to_owned()), None]);
        assert_eq!(unbase64("aGVs\nbG8="), b"hello");
    }

    #[test]
    fn a_cut_certificate_has_no_subject_and_does_no_harm() {
        let name: &[u8] = &[0x30, 12, 0x31, 10, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, b'x'];
        let tbs = [&[0xa0, 1, 2, 2, 1, 1, 0x30, 0, 0x30, 0, 0x30, 0][..], name].concat();
        let length = u8::try_from(tbs.len()).unwrap();
        let whole = [&[0x30, length + 2, 0x30, length][..], &tbs].concat();
        assert_eq!(subject(&whole).as_deref(), Some("x"));
        for cut in 0..whole.len() {
            assert_eq!(subject(&whole[..cut]), None);
        }
    }
}
