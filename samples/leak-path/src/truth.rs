//! The ground truth: where a dump holds which number of which key, by a search that is given the keys.

use crate::Result;
use crate::forms::{Form, Signature, is_material, nonce_forms};
use crate::key::{Key, Numbers};
use crate::redact::parts;
use crate::search::{Exact, Parts, has_pem};
use crate::{store, token};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

/// One number or structure, whole, in one place.
#[derive(Clone, Debug)]
pub struct Place {
    /// Whose it is.
    pub kid: String,
    /// `p`, `d`, `scalar`, `pem` ...
    pub component: &'static str,
    /// How it is written.
    pub encoding: &'static str,
    /// Where it lies in the file.
    pub range: Range<usize>,
}

/// What a dump holds.
#[derive(Clone, Debug, Default)]
pub struct Holds {
    /// Everything that is whole.
    pub places: Vec<Place>,
    /// What is left of numbers and texts elsewhere, with the kid.
    pub remains: Vec<(String, Range<usize>)>,
    /// Whether a search for the text of a PEM would see something.
    pub pem_text: bool,
}

impl Holds {
    /// The keys of which enough is there to be them.
    pub fn leaked(&self) -> BTreeSet<&str> {
        let material = self
            .places
            .iter()
            .filter(|place| is_material(place.component));
        material.map(|place| &*place.kid).collect()
    }

    /// Whether there is something of a key, but no key.
    pub fn only_remains(&self) -> bool {
        self.leaked().is_empty() && !(self.places.is_empty() && self.remains.is_empty())
    }

    fn to_json(&self) -> Value {
        let places = self.places.iter().map(|place| {
            json!({
                "kid": place.kid, "component": place.component, "encoding": place.encoding,
                "offset": place.range.start, "length": place.range.len(), "material": is_material(place.component),
            })
        });
        let remains = self
            .remains
            .iter()
            .map(|(kid, range)| json!({"kid": kid, "offset": range.start, "length": range.len()}));
        json!({
            "leaked": self.leaked(), "pem_text": self.pem_text,
            "places": places.collect::<Vec<_>>(), "remains": remains.collect::<Vec<_>>(),
        })
    }
}

/// The search, armed with some keys.
pub struct Truth {
    keys: Vec<(String, Vec<Form>, Parts)>,
}

impl Truth {
    /// Arms it.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Self {
        let armed = keys.into_iter().map(|key| {
            let (forms, text) = (key.forms(), key.private_text());
            let parts = parts([(&*forms, &*text)].into_iter());
            (key.kid.clone(), forms, parts)
        });
        Self {
            keys: armed.collect(),
        }
    }

    /// Looks for the random numbers of these tokens' signatures, too.
    pub fn signed(&mut self, key: &Key, tokens: &[String], signature: Signature) {
        if let Numbers::Ec { scalar, .. } = &key.numbers {
            let nonces = tokens
                .iter()
                .filter_map(|token| token::nonce(token, &key.kid, scalar));
            let forms = nonce_forms(&nonces.collect::<Vec<_>>(), signature);
            self.keys.push((key.kid.clone(), forms, Parts::new([])));
        }
    }

    /// What a dump holds of these keys.
    pub fn of(&self, dump: &[u8]) -> Holds {
        let all: Vec<(&str, &Form)> = self
            .keys
            .iter()
            .flat_map(|(kid, forms, _)| forms.iter().map(move |form| (&**kid, form)))
            .collect();
        let exact = Exact::new(all.iter().map(|(_, form)| &*form.bytes));
        let mut places: Vec<Place> = exact
            .find(dump)
            .into_iter()
            .map(|(index, at)| {
                let (kid, form) = all[index];
                Place {
                    kid: kid.to_owned(),
                    component: form.component,
                    encoding: form.encoding,
                    range: at..at + form.bytes.len(),
                }
            })
            .collect();
        places.sort_by(|a, b| {
            (&a.kid, a.range.start, a.component).cmp(&(&b.kid, b.range.start, b.component))
        });
        let mut remains = Vec::new();
        for (kid, _, parts) in &self.keys {
            for range in parts.find(dump) {
                let whole =
                    |place: &Place| place.range.start < range.end && range.start < place.range.end;
                if !places.iter().any(whole) {
                    remains.push((kid.clone(), range));
                }
            }
        }
        Holds {
            places,
            remains,
            pem_text: has_pem(dump),
        }
    }
}

/// The tokens whose text lies in a dump. The last ones before a crash never reached anybody.
pub fn tokens_in(dump: &[u8]) -> Vec<String> {
    let begins = Exact::new([&HEADER[..]]).find(dump);
    let of_token = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let text = |(_, at): (usize, usize)| {
        dump[at..]
            .iter()
            .take_while(of_token)
            .map(|byte| char::from(*byte))
            .collect()
    };
    begins.into_iter().map(text).collect()
}

/// `{"alg":"ES256"` in base64url.
const HEADER: [u8; 19] = *b"eyJhbGciOiJFUzI1NiI";

/// `leak-path ground-truth`
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The directory with the keys, `KID.pem` each
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The dumps
    #[arg(required = true)]
    dumps: Vec<PathBuf>,
}

/// Prints one line of JSON a dump; no byte of a key is in it.
///
/// # Errors
/// When a file cannot be read.
pub fn run(arguments: &Arguments) -> Result<()> {
    let keys = store::read_keys(&arguments.keys)?;
    for path in &arguments.dumps {
        let dump = fs::read(path)?;
        let mut truth = Truth::new(&keys);
        for key in &keys {
            truth.signed(key, &tokens_in(&dump), Signature::InDump);
        }
        let mut line = truth.of(&dump).to_json();
        line["dump"] = json!(path);
        println!("{line}");
    }
    Ok(())
}
