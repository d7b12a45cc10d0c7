//! Keys written as JSON and XML by independent tools: whole, in three encodings, quoted in other texts, cut at
//! every length, changed at every byte; and texts that only look like keys.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)] // a test stops at the first surprise

mod common;

use common::{each, key, noise, scan};
use dumpgate::finding::{Finding, Proof};
use std::collections::BTreeMap;

/// A row of `tests/keys/forms/index.tsv`.
#[derive(Clone, Debug)]
struct Form {
    file: String,
    kind: String,
    spki_sha256: String,
    form: String,
}

/// The samples of the forms of this test, and of PEM inside JSON.
fn samples() -> Vec<Form> {
    let index = String::from_utf8(key("forms/index.tsv")).unwrap();
    let rows = index.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        Form {
            file: format!("forms/{}", fields[0]),
            kind: fields[1].to_owned(),
            spki_sha256: fields[4].to_owned(),
            form: fields[5].to_owned(),
        }
    });
    rows.filter(|row| row.form == "json.jwk" || row.form.starts_with("xml."))
        .collect()
}

/// Whether the arithmetic of the key's kind is here.
fn is_known(kind: &str) -> bool {
    ["rsa", "ec", "ed25519", "x25519", "dsa"].contains(&kind)
}

/// The sample in ASCII, UTF-16LE and UTF-16BE.
fn encodings(text: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    [
        ("ascii", text.to_vec()),
        ("utf16le", text.iter().flat_map(|&c| [c, 0]).collect()),
        ("utf16be", text.iter().flat_map(|&c| [0, c]).collect()),
    ]
}

/// A text sample; those in UTF-16 as ASCII.
fn text(file: &str) -> Vec<u8> {
    let bytes = key(file);
    match &bytes[..] {
        [0xff, 0xfe, wide @ ..] => wide.iter().step_by(2).copied().collect(),
        wide if wide.get(1) == Some(&0) => wide.iter().step_by(2).copied().collect(),
        _ => bytes,
    }
}

fn name(found: &Finding) -> String {
    found
        .spki_sha256
        .map_or("-".to_owned(), |name| name.to_string())
}

#[test]
fn every_sample_is_found_named_and_proven_in_every_encoding() {
    let mut files: BTreeMap<String, Vec<Form>> = BTreeMap::new();
    for row in samples() {
        files.entry(row.file.clone()).or_default().push(row);
    }
    assert!(files.len() > 50, "only {} samples", files.len());
    for (file, rows) in &files {
        for (encoding, data) in encodings(&text(file)) {
            let outcome = scan(&[noise(1000, 1), data.clone(), noise(1000, 2)].concat());
            let mut seen: Vec<_> = outcome
                .findings
                .iter()
                .map(|found| (found.kind.name().to_owned(), found.proof, name(found)))
                .collect();
            let mut expected: Vec<_> = rows
                .iter()
                .map(|row| match row.kind.as_str() {
                    kind if is_known(kind) => (
                        format!("{kind}-private-key"),
                        Proof::Arithmetic,
                        row.spki_sha256.clone(),
                    ),
                    "symmetric" => ("symmetric-key".to_owned(), Proof::Parsed, "-".to_owned()),
                    _ => ("private-key".to_owned(), Proof::Parsed, "-".to_owned()),
                })
                .collect();
            seen.sort();
            expected.sort();
            assert_eq!(seen, expected, "{file} as {encoding}");
            for found in &outcome.findings {
                assert_eq!(found.places.len(), 1, "{file} as {encoding}");
                let place = &found.places[0];
                assert_eq!(
                    (place.form, place.encoding, place.fragment),
                    (&*rows[0].form, encoding, None),
                    "{file}"
                );
                if let [_] = rows[..]
                    && [".jwk", ".xml"].iter().any(|end| file.ends_with(end))
                {
                    let bytes = text(file).trim_ascii().len() * data.len() / text(file).len();
                    let piece = &place.pieces[0];
                    assert_eq!((piece.offset, piece.length), (1000, bytes as u64), "{file}");
                }
            }
        }
    }
}

/// Keys small enough to be cut and changed thousands of times.
const SMALL: &[&str] = &[
    "forms/p256.node.jwk",
    "forms/ed25519.joserfc.jwk",
    "forms/x25519.jwcrypto.jwk",
    "forms/rsa1024.node.jwk",
    "forms/rsa1024.jwcrypto-bare.jwk",
    "forms/rsa1024.mono.xml",
    "forms/dsa1024.mono.xml",
];

fn spki(file: &str) -> String {
    let mut rows = samples().into_iter();
    rows.find(|row| row.file == file).unwrap().spki_sha256
}

/// Ways in which other texts hold a text.
fn quoted(text: &str) -> Vec<(&'static str, String)> {
    let escaped = |text: &str| {
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let percent = |text: &str| {
        let escape = |c: char| match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '_' | '.' => c.to_string(),
            _ => format!("%{:02X}", c as u32),
        };
        text.chars().map(escape).collect::<String>()
    };
    vec![
        ("JSON in JSON", format!("{{\"key\":\"{}\"}}", escaped(text))),
        (
            "JSON in JSON in JSON",
            format!("\"{}\"", escaped(&escaped(text))),
        ),
        (
            "four levels",
            format!("\"{}\"", escaped(&escaped(&escaped(&escaped(text))))),
        ),
        (
            "as .NET escapes",
            format!(
                "{{\"key\":\"{}\"}}",
                text.replace('"', "\\u0022")
                    .replace('<', "\\u003C")
                    .replace('>', "\\u003E")
                    .replace('+', "\\u002B")
            ),
        ),
        ("as a URL", format!("key={}&x=1", percent(text))),
        (
            "CRLF and tabs",
            text.replace(',', ",\r\n\t").replace("><", ">\r\n\t<"),
        ),
        ("spaces", text.replace("\":", "\" : ").replace("><", "> <")),
        ("slashes", text.replace('/', "\\/")),
    ]
}

#[test]
fn keys_quoted_in_other_texts_are_found() {
    for file in SMALL {
        let sample = String::from_utf8(text(file)).unwrap();
        let mut variants = quoted(&sample);
        if file.ends_with("jwk") {
            let bare = sample
                .replace("{\"", "{ ")
                .replace(",\"", ", ")
                .replace(", \"", ", ")
                .replace("\":", ": ")
                .replace('"', "'");
            variants.extend([
                ("Python", sample.replace('"', "'").replace(':', ": ")),
                ("Ruby", sample.replace(':', "=>")),
                ("JavaScript", bare),
                ("standard alphabet", {
                    let (head, tail) = sample.split_once('{').unwrap();
                    format!("{head}{{{}", tail.replace('_', "/"))
                }),
                (
                    "in a set",
                    format!("{{\"keys\": [{{\"kty\":\"oct\",\"k\":\"AAAA\"}}, {sample}]}}"),
                ),
                (
                    "with other members",
                    sample.replacen(
                        '{',
                        "{\"kid\":\"gr\u{fc}n {1}\",\"x5c\":[\"MIIC\",\"MIID\"],\"ext\":true,\
                         \"key_ops\":[\"sign\"],\"nbf\":1.5e3,\"meta\":{\"a\":{\"b\":[]}},",
                        1,
                    ),
                ),
            ]);
        } else {
            variants.extend([
                (
                    "a prefix",
                    sample
                        .replace("</", "\u{1}")
                        .replace('<', "<ds:")
                        .replace('\u{1}', "</ds:"),
                ),
                ("entities", sample.replace('<', "&lt;").replace('>', "&gt;")),
                (
                    "entities twice",
                    sample.replace('<', "&amp;lt;").replace('>', "&amp;gt;"),
                ),
                (
                    "a namespace",
                    sample.replacen(
                        "KeyValue>",
                        "KeyValue xmlns=\"http://www.w3.org/2000/09/xmldsig#\">",
                        1,
                    ),
                ),
                ("XKMS", sample.replace("RSAKeyValue", "RSAKeyPair")),
                ("broken lines", {
                    let (head, tail) = sample.split_at(60);
                    format!("{head}\r\n    {tail}")
                }),
                ("broken lines in XML in XML", {
                    let (head, tail) = sample.split_at(60);
                    format!("{head}&#xD;\n{tail}")
                }),
                (
                    "in a signature",
                    format!("<KeyInfo><KeyValue>{sample}</KeyValue></KeyInfo>"),
                ),
            ]);
        }
        for (label, variant) in variants {
            for (encoding, data) in encodings(variant.as_bytes()) {
                if encoding != "ascii" && !variant.is_ascii() {
                    continue;
                }
                let findings = scan(&[noise(1000, 1), data, noise(1000, 2)].concat()).findings;
                assert_eq!(
                    findings.len(),
                    1,
                    "{file}, {label}, {encoding}: {findings:?}\n{variant}"
                );
                let found = &findings[0];
                assert_eq!(
                    (found.proof, name(found), found.places[0].fragment),
                    (Proof::Arithmetic, spki(file), None),
                    "{file}, {label}, {encoding}\n{variant}"
                );
                assert_eq!(found.places[0].encoding, encoding, "{file}, {label}");
            }
        }
    }
}

#[test]
fn members_stand_in_any_order() {
    let jwk = String::from_utf8(text("forms/rsa1024.node.jwk")).unwrap();
    let mut members: Vec<&str> = jwk.trim().trim_matches(['{', '}']).split(',').collect();
    let xml = String::from_utf8(text("forms/rsa1024.mono.xml")).unwrap();
    let inner = xml
        .trim()
        .trim_start_matches("<RSAKeyValue>")
        .trim_end_matches("</RSAKeyValue>");
    let mut elements: Vec<String> = ["Modulus", "Exponent", "P", "Q", "DP", "DQ", "InverseQ", "D"]
        .iter()
        .map(|name| {
            let (_, rest) = inner.split_once(&format!("<{name}>")).unwrap();
            let (value, _) = rest.split_once("</").unwrap();
            format!("<{name}>{value}</{name}>")
        })
        .collect();
    for _ in 0..members.len() {
        members.rotate_left(1);
        elements.rotate_left(1);
        let jwk = format!("{{{}}}", members.join(","));
        let xml = format!("<RSAKeyValue>{}</RSAKeyValue>", elements.concat());
        for (text, file) in [
            (jwk, "forms/rsa1024.node.jwk"),
            (xml, "forms/rsa1024.mono.xml"),
        ] {
            let findings = scan(text.as_bytes()).findings;
            assert_eq!(findings.len(), 1, "{text}");
            assert_eq!(
                (findings[0].proof, name(&findings[0])),
                (Proof::Arithmetic, spki(file))
            );
            assert_eq!(findings[0].places[0].pieces[0].length, text.len() as u64);
        }
    }
}

#[test]
fn a_cut_key_is_a_fragment_or_nothing() {
    for file in SMALL {
        let whole = text(file);
        let whole = whole.trim_ascii();
        let mut best = Proof::Shape;
        for length in 0..whole.len() {
            for (encoding, data) in encodings(&whole[..length]) {
                if encoding != "ascii" && length % 7 != 0 {
                    continue;
                }
                let outcome = scan(&[noise(64, 1), data.clone(), noise(300, 2)].concat());
                for found in &outcome.findings {
                    let place = &found.places[0];
                    let is_part = place.fragment.is_some() || place.component != "key";
                    assert!(is_part, "{file} cut at {length}");
                    assert!(place.pieces[0].offset >= 64, "{file} cut at {length}");
                    if found.proof == Proof::Arithmetic {
                        assert_eq!(name(found), spki(file), "{file} cut at {length}");
                    }
                    best = best.max(found.proof);
                }
            }
        }
        assert_eq!(best, Proof::Arithmetic, "{file}");
    }
}

#[test]
fn a_key_that_lost_its_beginning_is_a_fragment_or_nothing() {
    for file in SMALL {
        let whole = text(file);
        let whole = whole.trim_ascii();
        let mut proofs = Vec::new();
        for start in 1..whole.len() {
            let findings = scan(&[&noise(64, 1), &whole[start..], &noise(64, 2)].concat()).findings;
            for found in &findings {
                // What is left is no whole key; numbers of it may be whole.
                let place = &found.places[0];
                let is_part = place.fragment.is_some() || place.component != "key";
                assert!(is_part, "{file} from {start}");
                if found.proof == Proof::Arithmetic {
                    assert_eq!(name(found), spki(file), "{file} from {start}");
                }
            }
            proofs.extend(findings.iter().map(|found| found.proof).max());
        }
        let counts = [Proof::Shape, Proof::Parsed, Proof::Arithmetic]
            .map(|proof| proofs.iter().filter(|&&other| other == proof).count());
        // What is lost decides: node writes the RSA primes last, .NET the private exponent.
        let is_rebuilt = counts[2] > 0 || file.contains("bare");
        assert!(is_rebuilt, "{file}: {counts:?} of {}", whole.len());
    }
}

#[test]
fn a_changed_key_is_never_proven_to_be_another() {
    for file in SMALL {
        let whole = text(file);
        each(0..whole.len(), |at| {
            for bit in [0, 1, 3] {
                let mut data = whole.clone();
                data[at] ^= 1 << bit;
                for found in scan(&data).findings {
                    if found.proof == Proof::Arithmetic {
                        assert_eq!(name(&found), spki(file), "{file} at {at}, bit {bit}");
                    }
                }
            }
        });
    }
}

#[test]
fn published_examples_are_found() {
    // RFC 7517, appendices A.2 and A.3; RFC 8037, appendix A.1.
    for (text, kind, proof) in [
        (
            r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"enc","kid":"1"}"#,
            "ec-private-key",
            Proof::Arithmetic,
        ),
        (
            r#"{"kty":"oct","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"}"#,
            "symmetric-key",
            Proof::Parsed,
        ),
        (
            r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow","kid":"HMAC key used in JWS spec Appendix A.1 example"}"#,
            "symmetric-key",
            Proof::Parsed,
        ),
        (
            r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "ed25519-private-key",
            Proof::Arithmetic,
        ),
        (
            r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#,
            "ed25519-private-key",
            Proof::Parsed,
        ),
        (
            r#"{"kty":"EC","crv":"P-256","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#,
            "ec-private-key",
            Proof::Parsed,
        ),
        (
            r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}"#,
            "ec-private-key",
            Proof::Arithmetic,
        ),
    ] {
        let findings = scan(text.as_bytes()).findings;
        assert_eq!(findings.len(), 1, "{text}");
        assert_eq!(
            (findings[0].kind.name(), findings[0].proof),
            (kind, proof),
            "{text}"
        );
    }
}

#[test]
fn what_only_looks_like_a_key_is_none() {
    let ec = r#""x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM""#;
    let texts = [
        r#"{"kty":"EC","crv":"P-256","d":"..."}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","d":"<private>"}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","d":"your-private-key-goes-here-as-base64url-text"}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","d":"PleaseReplaceThisWithYourOwnPrivateKeyValue"}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","d":"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"}"#.to_owned(),
        r#"{"kty":"EC","crv":"P-256","d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#.to_owned(),
        r#"{"kty":"oct","k":"secret"}"#.to_owned(),
        r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA"}"#.to_owned(),
        r#"{"kty":"oct","k":"your-secret-key-goes-here-please"}"#.to_owned(),
        r#"{"kty":"oct","k":"c2VjcmV0IHdvcmRzIHRoYXQgcGVvcGxlIHR5cGUgYXJlIG5vdCBrZXlz"}"#.to_owned(),
        r#"{"kty":"AKP","alg":"ML-DSA-44","priv":"base64url-encoded-seed-of-the-key"}"#.to_owned(),
        r#"{"kty":"RSA","n":"...","e":"AQAB","d":"...","p":"..."}"#.to_owned(),
        r#"switch(e.kty){case"RSA":return{kty:"RSA",n:b(e.n),e:b(e.e),d:b(e.d),p:b(e.p)}}"#.to_owned(),
        r#"var k={"kty":"EC","crv":t.crv,"x":u(t.x),"d":u(t.d)};"#.to_owned(),
        r#"if("kty"in e&&"EC"===e.kty)throw"kty"; required:["kty","crv","d"]"#.to_owned(),
        r#"{"properties":{"kty":{"type":"string","enum":["EC"]},"d":{"type":"string"}}}"#.to_owned(),
        r#"{"issuer":"https://idp.example","jwks_uri":"https://idp.example/jwks","response_types_supported":["code"],"kty":"RSA"}"#.to_owned(),
        format!(r#"{{"kty":"EC","crv":"P-256",{ec}}}"#),
        format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256",{ec}}},{{"kty":"EC","crv":"P-256",{ec}}}]}}"#),
        "<RSAKeyValue><Modulus>base64</Modulus><Exponent>AQAB</Exponent><D>base64</D></RSAKeyValue>".to_owned(),
        "<RSAKeyValue/><RSAKeyValue></RSAKeyValue>".to_owned(),
        "System.Security.Cryptography.Xml.RSAKeyValue DSAKeyValue ECKeyValue http://www.w3.org/2000/09/xmldsig#RSAKeyValue".to_owned(),
        "<element name=\"RSAKeyValue\" type=\"ds:RSAKeyValueType\"/><complexType name=\"RSAKeyValueType\">".to_owned(),
        "<DSAKeyValue><P>abc</P><X>private-number-of-the-key</X></DSAKeyValue>".to_owned(),
    ];
    for text in texts {
        for (encoding, data) in encodings(text.as_bytes()) {
            for found in scan(&data).findings {
                assert!(
                    found.proof < Proof::Parsed,
                    "{text} as {encoding}: {found:?}"
                );
            }
        }
    }
}

#[test]
fn public_keys_are_clues() {
    for (text, form) in [
        (
            r#"{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}]}"#,
            "json.jwk-public",
        ),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "json.jwk-public",
        ),
        (
            r#"<ECKeyValue xmlns="http://www.w3.org/2009/xmldsig11#"><NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/><PublicKey>BDCgQkzSHClEg4otdckrN+duog2fAIk6O07uijwKr+w+4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM=</PublicKey></ECKeyValue>"#,
            "xml.ec-public",
        ),
        (
            r#"<ECDSAKeyValue xmlns="http://www.w3.org/2001/04/xmldsig-more#"><DomainParameters><NamedCurve URN="urn:oid:1.2.840.10045.3.1.7" /></DomainParameters><PublicKey><X Value="21994169848703329112137818087919262246467304847122821377551355163096090930238" xsi:type="PrimeFieldElemType" /><Y Value="101451294974385619524093058399734017814808930032421185206609461750712400090915" xsi:type="PrimeFieldElemType" /></PublicKey></ECDSAKeyValue>"#,
            "xml.ec-public",
        ),
    ] {
        for (encoding, data) in encodings(text.as_bytes()) {
            let outcome = scan(&data);
            assert!(outcome.findings.is_empty(), "{text}");
            let forms: Vec<_> = outcome
                .public_keys
                .iter()
                .map(|key| key.places[0].0)
                .collect();
            assert_eq!(forms, [form], "{text} as {encoding}");
        }
    }
    let sample = String::from_utf8(text("forms/rsa1024.mono.xml")).unwrap();
    let (public, _) = sample.split_once("<P>").unwrap();
    let outcome = scan(format!("{public}</RSAKeyValue>").as_bytes());
    assert_eq!(outcome.public_keys[0].places[0].0, "xml.rsa-public");
    assert_eq!(
        outcome.public_keys[0].spki_sha256.to_string(),
        spki("forms/rsa1024.mono.xml")
    );
    let sample = String::from_utf8(text("forms/dsa1024.mono.xml")).unwrap();
    let (public, _) = sample.split_once("<X>").unwrap();
    let outcome = scan(format!("{public}</DSAKeyValue>").as_bytes());
    assert_eq!(outcome.public_keys[0].places[0].0, "xml.dsa-public");
}

#[test]
fn ec_keys_in_xml_are_proven() {
    let private = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE=";
    let public =
        "BDCgQkzSHClEg4otdckrN+duog2fAIk6O07uijwKr+w+4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM=";
    for (name, proof) in [("D", Proof::Arithmetic), ("PrivateKey", Proof::Arithmetic)] {
        let text = format!(
            "<dsig11:ECKeyValue><dsig11:NamedCurve URI=\"urn:oid:1.2.840.10045.3.1.7\"/>\
             <dsig11:PublicKey>{public}</dsig11:PublicKey><{name}>{private}</{name}></dsig11:ECKeyValue>"
        );
        let findings = scan(text.as_bytes()).findings;
        assert_eq!(findings.len(), 1, "{text}");
        assert_eq!(
            (findings[0].proof, findings[0].places[0].form),
            (proof, "xml.ec")
        );
    }
}

/// UTF-16 is the business of the PEM detector's own tests.
#[test]
fn pem_inside_json_is_found_by_the_pem_detector() {
    for file in [
        "forms/rsa2048.service-account.json",
        "forms/p256.node-pem.json",
    ] {
        let findings = scan(&key(file)).findings;
        assert_eq!(findings.len(), 1, "{file}");
        assert_eq!(
            (findings[0].proof, findings[0].places[0].form),
            (Proof::Arithmetic, "pem.pkcs8"),
            "{file}"
        );
    }
}
