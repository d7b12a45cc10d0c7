//! Private keys in DER.

pub mod algorithm;
pub mod damaged;
pub mod dsa;
pub mod encrypted;
pub mod pkcs1;
pub mod pkcs12;
pub mod pkcs8;
pub mod sec1;
pub mod tail;

use crate::crypto::Prover;
use crate::crypto::der::{length_at, tag};
use crate::detect::LONGEST_FORM;
use crate::detect::key::{Fragment, Key, Parse};
use crate::detect::ssh::openssh;
use crate::finding::{Kind, Proof};

/// A structure that announces itself by its first bytes, written as text or as it is.
pub struct Structure {
    /// The name of the form.
    pub form: &'static str,
    /// Its name when the key is under a passphrase.
    pub encrypted_form: &'static str,
    parse: Parse,
}

/// A key in a structure of unknown kind.
pub struct Read {
    /// The key.
    pub key: Key,
    /// The form's name.
    pub form: &'static str,
    /// Bytes of the structure that are there.
    pub length: usize,
    /// How much of it is left, if it lost a part.
    pub fragment: Option<Fragment>,
}

/// All structures, the more common first.
pub const STRUCTURES: &[Structure] = &[
    Structure {
        form: "der.pkcs8",
        encrypted_form: "der.pkcs8-encrypted",
        parse: pkcs8::parse,
    },
    Structure {
        form: "der.pkcs1",
        encrypted_form: "der.pkcs1",
        parse: pkcs1::parse,
    },
    Structure {
        form: "der.sec1",
        encrypted_form: "der.sec1",
        parse: |data, prover| sec1::parse(data, sec1::Named::Open, prover),
    },
    Structure {
        form: "der.dsa",
        encrypted_form: "der.dsa",
        parse: dsa::parse,
    },
    Structure {
        form: "der.pkcs8-encrypted",
        encrypted_form: "der.pkcs8-encrypted",
        parse: encrypted::parse,
    },
    Structure {
        form: "der.pkcs12",
        encrypted_form: "der.pkcs12",
        parse: pkcs12::parse,
    },
    Structure {
        form: "ssh.openssh",
        encrypted_form: "ssh.openssh-encrypted",
        parse: openssh::parse,
    },
];

/// The forms of all structures, some of them twice.
pub const FORMS: &[&str] = &{
    let mut forms = [""; 2 * STRUCTURES.len()];
    let mut index = 0;
    while index < STRUCTURES.len() {
        #[allow(clippy::indexing_slicing)] // the compiler evaluates it
        {
            forms[2 * index] = STRUCTURES[index].form;
            forms[2 * index + 1] = STRUCTURES[index].encrypted_form;
        }
        index += 1;
    }
    forms
};

/// Bytes of the SEQUENCE whose header stands at the first byte.
pub fn length_of(data: &[u8]) -> Option<usize> {
    (*data.first()? == tag::SEQUENCE).then_some(())?;
    let (length, octets) = length_at(data, 1)?;
    length.checked_add(1 + octets)
}

/// The private key in a structure of any kind that starts at the first byte; what is left of it where it
/// lost its end.
pub fn read(data: &[u8], prover: &Prover<'_>) -> Option<Read> {
    let data = data.get(..data.len().min(LONGEST_FORM)).unwrap_or_default();
    let whole = STRUCTURES.iter().find_map(|structure| {
        let (key, length) = (structure.parse)(data, prover)?;
        let form = if key.kind == Kind::Encrypted {
            structure.encrypted_form
        } else {
            structure.form
        };
        Some(Read {
            key,
            form,
            length,
            fragment: None,
        })
    });
    match whole {
        Some(read) if read.key.proof > Proof::Shape => Some(read),
        _ => damaged::without_end(data, prover)
            .map(|left| left.into_read(data))
            .or_else(|| cut_openssh(data, prover))
            .or(whole),
    }
}

/// The first key in what is left of an openssh-key-v1.
fn cut_openssh(data: &[u8], prover: &Prover<'_>) -> Option<Read> {
    let file = openssh::read(data, prover).filter(|file| !file.is_whole)?;
    let fragment = Fragment {
        present: file.present as u64,
        expected: Some(file.expected as u64),
    };
    Some(Read {
        key: file.keys.into_iter().next()?,
        form: "ssh.openssh",
        length: file.present,
        fragment: Some(fragment),
    })
}
