//! A rule for each kind of finding that occurs.

use super::log::{Configuration, Driver, Level, Message, Rule, RuleProperties};
use crate::finding::Kind;

/// The rules of a run, in the order in which their kinds were first found.
#[derive(Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// Name and index of the rule for `kind`.
    pub fn index(&mut self, kind: Kind) -> (&'static str, usize) {
        let id = kind.name();
        let known = self.rules.iter().position(|rule| rule.id == id);
        let index = known.unwrap_or_else(|| {
            self.rules.push(rule(kind));
            self.rules.len() - 1
        });
        (id, index)
    }

    /// The program and its rules.
    pub fn driver(&self) -> Driver<'_> {
        let homepage = env!("CARGO_PKG_REPOSITORY");
        Driver {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            semantic_version: env!("CARGO_PKG_VERSION"),
            information_uri: (!homepage.is_empty()).then_some(homepage),
            rules: &self.rules,
        }
    }
}

fn rule(kind: Kind) -> Rule {
    let (short, full, level, security_severity) = match kind {
        Kind::Private(_) => (
            format!("{} in a dump", title(kind)),
            "A private key lies in the file in clear. Whoever has the file has the key.",
            Level::Error,
            "9.0",
        ),
        Kind::Other => (
            "Private key of another algorithm in a dump".to_owned(),
            "A whole private key lies in the file, of an algorithm or curve for which there is no proof here.",
            Level::Warning,
            "8.0",
        ),
        Kind::Encrypted => (
            "Private key under a passphrase in a dump".to_owned(),
            "A whole private key under a passphrase lies in the file. It is as safe as its passphrase, which may lie in \
             the same memory.",
            Level::Warning,
            "6.0",
        ),
        Kind::Protected => (
            "Secret under a key of the machine or user in a dump".to_owned(),
            "A secret lies in the file as DPAPI writes it, under a key of the machine or user.",
            Level::Note,
            "3.0",
        ),
        Kind::Symmetric => (
            "Symmetric key in a dump".to_owned(),
            "A symmetric key lies in the file, in a structure that calls it a key.",
            Level::Warning,
            "8.0",
        ),
    };
    Rule {
        id: kind.name(),
        name: pascal(kind.name()),
        short_description: Message::new(short),
        full_description: Message::new(full),
        default_configuration: Configuration { level },
        help: Message::new(HELP),
        properties: RuleProperties {
            tags: ["security"],
            security_severity,
        },
    }
}

/// As `RSA private key`.
fn title(kind: Kind) -> String {
    let name = kind.name().replace('-', " ");
    match name.split_once(' ') {
        Some((algorithm @ ("rsa" | "ec" | "dsa"), rest)) => {
            format!("{} {rest}", algorithm.to_ascii_uppercase())
        }
        Some((algorithm, rest)) => {
            let mut letters = algorithm.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            let first: String = first.into_iter().collect();
            format!("{first}{} {rest}", letters.as_str())
        }
        None => name,
    }
}

/// As `RsaPrivateKey`.
fn pascal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for word in name.split('-') {
        let mut letters = word.chars();
        out.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

const HELP: &str = "Keep the file where it is, revoke the key and replace it. The SHA-256 of its public half \
    (SubjectPublicKeyInfo) names it: compare it with that of your certificates and public keys.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Algorithm;

    #[test]
    fn rules_have_names_for_people_and_for_programs() {
        assert_eq!(title(Kind::Private(Algorithm::Rsa)), "RSA private key");
        assert_eq!(
            title(Kind::Private(Algorithm::Ed25519)),
            "Ed25519 private key"
        );
        assert_eq!(pascal("encrypted-private-key"), "EncryptedPrivateKey");
        let mut rules = Rules::default();
        assert_eq!(rules.index(Kind::Encrypted), ("encrypted-private-key", 0));
        assert_eq!(rules.index(Kind::Symmetric), ("symmetric-key", 1));
        assert_eq!(rules.index(Kind::Encrypted).1, 0);
        assert_eq!(rules.driver().rules.len(), 2);
    }
}
