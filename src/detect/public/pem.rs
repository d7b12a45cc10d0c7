//! Certificates and public keys in PEM (RFC 7468).

use super::spki;
use crate::clue::Clue;
use crate::crypto::Identity;
use crate::detect::{Anchor, Detector, Hit, LONGEST_FORM, Sighting};
use crate::text::{Alphabet, Base64Text, Encoding, TextView};
use std::sync::Arc;

/// The detector.
pub struct PublicPem;

impl Detector for PublicPem {
    fn name(&self) -> &'static str {
        "public.pem"
    }

    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Text("CERTIFICATE-----"),
            Anchor::Text("PUBLIC KEY-----"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        self.look(hit).into_iter().collect()
    }
}

impl PublicPem {
    fn look(&self, hit: &Hit<'_>) -> Option<Sighting> {
        let view = TextView::new(hit.data, Encoding::Ascii);
        let start = ["", "RSA ", "TRUSTED "]
            .into_iter()
            .find_map(|label| view.skip_back(view.skip_back(hit.at, label)?, "-----BEGIN "))?;
        let (form, body) = match view.skip(hit.at, "CERTIFICATE-----") {
            Some(body) => ("pem.certificate", body),
            None => ("pem.public-key", view.skip(hit.at, "PUBLIC KEY-----")?),
        };
        let (text, gathered) = Base64Text::gather(view, body, LONGEST_FORM, Alphabet::Standard);
        let bytes = text.decode()?;
        let key = spki::find(&bytes).or_else(|| spki::parse_pkcs1(&bytes))?;
        let identity = Arc::new(Identity::new(key));
        Some(Sighting::Public(Clue {
            identity,
            form,
            range: start..gathered.last,
        }))
    }
}
