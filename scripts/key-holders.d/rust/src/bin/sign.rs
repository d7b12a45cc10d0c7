//! RustCrypto's rsa, p256, p384, k256 and ed25519-dalek: a key from PEM signs.

use std::error::Error;
use std::time::Duration;

use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::Signer;
use rsa::signature::RandomizedSigner;

type Sign = Box<dyn Fn(&[u8])>;

fn load(kind: &str) -> Result<Sign, Box<dyn Error>> {
    let text = std::fs::read_to_string("key.pem")?;
    Ok(match kind {
        "p256" => {
            let key = p256::ecdsa::SigningKey::from_pkcs8_pem(&text)?;
            Box::new(move |data| drop::<p256::ecdsa::Signature>(key.sign(data)))
        }
        "p384" => {
            let key = p384::ecdsa::SigningKey::from_pkcs8_pem(&text)?;
            Box::new(move |data| drop::<p384::ecdsa::Signature>(key.sign(data)))
        }
        "k256" => {
            let key = k256::ecdsa::SigningKey::from_pkcs8_pem(&text)?;
            Box::new(move |data| drop::<k256::ecdsa::Signature>(key.sign(data)))
        }
        "ed25519" => {
            let key = ed25519_dalek::SigningKey::from_pkcs8_pem(&text)?;
            Box::new(move |data| drop(key.sign(data)))
        }
        _ => {
            let key = rsa::RsaPrivateKey::from_pkcs8_pem(&text)?;
            let key = rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(key);
            Box::new(move |data| drop(key.sign_with_rng(&mut rand::thread_rng(), data)))
        }
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let kind = std::env::args().nth(1).ok_or("usage: sign KIND")?;
    let sign = load(&kind)?;
    for round in 0..5_u8 {
        sign(&[round]);
    }
    std::fs::write("ready", "")?;
    loop {
        std::thread::sleep(Duration::from_secs(3600));
        std::hint::black_box(&sign);
    }
}
