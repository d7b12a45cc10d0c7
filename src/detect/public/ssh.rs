//! SSH public keys: the wire form (RFC 4253, section 6.6; RFC 5656, section 3.1; RFC 8709, section 4) and the
//! same in base64, as in `authorized_keys`, `known_hosts` and `.pub` files.

use crate::clue::Clue;
use crate::detect::ssh::private::{WIRE_ANCHORS, blob};
use crate::detect::ssh::wire::public_key_prefix;
use crate::detect::{Anchor, Detector, Hit, Sighting};
use crate::text::{Alphabet, Base64Text};

/// The detector of the wire form.
pub struct SshPublic;

impl Detector for SshPublic {
    fn name(&self) -> &'static str {
        "public.ssh"
    }

    fn forms(&self) -> &'static [&'static str] {
        &[FORM]
    }

    fn anchors(&self) -> &'static [Anchor] {
        WIRE_ANCHORS
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let seen = blob(hit).and_then(|(start, data)| {
            let (key, length) = public_key_prefix(data)?;
            Some(Sighting::Public(Clue::new(
                key,
                FORM,
                start..start + length,
            )))
        });
        seen.into_iter().collect()
    }
}

/// The detector of base64 texts.
pub struct SshPublicText;

impl Detector for SshPublicText {
    fn name(&self) -> &'static str {
        "public.ssh-text"
    }

    fn forms(&self) -> &'static [&'static str] {
        &[FORM]
    }

    /// The first 8 to 14 bytes of the wire form: length and type of `ssh-rsa` and `ssh-dss`, `ssh-ed25519`,
    /// `ecdsa-sha2-*`.
    fn anchors(&self) -> &'static [Anchor] {
        &[
            Anchor::Text("AAAAB3NzaC1"),
            Anchor::Text("AAAAC3NzaC1lZDI1NTE5"),
            Anchor::Text("AAAAE2VjZHNhLXNoYTIt"),
        ]
    }

    fn examine(&self, hit: &Hit<'_>) -> Vec<Sighting> {
        let seen = hit.views().find_map(|(view, at)| {
            let (text, _) = Base64Text::gather(view, at, MAX_CHARACTERS, Alphabet::Standard);
            let (key, length) = public_key_prefix(&text.decode()?)?;
            let characters = (length * 8).div_ceil(6);
            Some(Sighting::Public(Clue::new(
                key,
                FORM,
                at..Base64Text::end_of(view, at, characters, Alphabet::Standard),
            )))
        });
        seen.into_iter().collect()
    }
}

const FORM: &str = "ssh.public";

/// Base64 characters of the longest public key, RSA of 16,384 bits.
const MAX_CHARACTERS: usize = 4096;
