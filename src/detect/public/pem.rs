//! Certificates, certificate requests and public keys in PEM (RFC 7468).

use super::{pkcs1, spki};
use crate::clue::Clue;
use crate::detect::{Anchor, Detector, Hit, MAX_CHARACTERS, Sighting};
use crate::text::{Alphabet, Base64Text, TextView};

/// The detector.
pub struct PublicPem;

impl Detector for PublicPem {
    fn name(&self) -> &'static str {
        "public.pem"
    }

    fn forms(&self) -> &'static [&'static str] {
        &[
            "pem.certificate",
            "pem.certificate-request",
            "pem.public-key",
        ]
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Text("CERTIFICATE-----"),
            Anchor::Text("CERTIFICATE REQUEST-----"),
            Anchor::Text("PUBLIC KEY-----"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let clue = hit.views().find_map(|(view, at)| look(view, at));
        clue.map(Sighting::Public).into_iter().collect()
    }
}

fn look(view: TextView<'_>, at: usize) -> Option<Clue> {
    let start = ["", "RSA ", "TRUSTED ", "NEW "]
        .into_iter()
        .find_map(|label| view.skip_back(view.skip_back(at, label)?, "-----BEGIN "))?;
    let (form, body) = ENDS
        .iter()
        .find_map(|(end, form)| Some((form, view.skip(at, end)?)))?;
    let (text, gathered) = Base64Text::gather(view, body, MAX_CHARACTERS, Alphabet::Standard);
    let bytes = text.decode()?;
    let range = start..gathered.last;
    if let Some((key, rank)) = spki::find(&bytes) {
        return Some(Clue::new(key, form, range).ranked(rank));
    }
    if let Some(key) = spki::parse_pkcs1(&bytes) {
        return Some(Clue::new(key, form, range));
    }
    // The text ends before its structure does.
    let left = pkcs1::find(&bytes)?;
    Some(Clue {
        e_assumed: left.e_assumed,
        ..Clue::new(left.key, form, range)
    })
}

/// Ends of BEGIN lines, and the names of the forms.
const ENDS: [(&str, &str); 3] = [
    ("CERTIFICATE-----", "pem.certificate"),
    ("CERTIFICATE REQUEST-----", "pem.certificate-request"),
    ("PUBLIC KEY-----", "pem.public-key"),
];
