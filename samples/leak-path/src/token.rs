//! Signed tokens (JWT, RFC 7519): making one, and judging one by a JWKS.

use crate::forms::ORDER;
use crate::key::Use;
use crate::library::Signer;
use crate::{Result, numbers};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// A token for one account, valid for an hour. `scope` says whose accounts it claims to open.
///
/// # Errors
/// When the library does not sign.
pub fn signed(
    signer: &dyn Signer,
    kid: &str,
    usage: Use,
    account: &str,
    scope: Use,
) -> Result<String> {
    let header = json!({"typ": "JWT", "alg": usage.algorithm(), "kid": kid});
    let claims = json!({"sub": account, "scope": scope.name(), "exp": now() + 3600});
    let part = |value: Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = signer.sign(signed.as_bytes())?;
    Ok(format!(
        "{signed}.{}",
        Base64UrlUnpadded::encode_string(&signature)
    ))
}

/// What a token says, once its signature holds.
#[derive(Debug)]
pub struct Claims {
    /// The account.
    pub account: String,
    /// Whose accounts it claims to open.
    pub scope: Use,
    /// What the key that signed it is for, as the JWKS says.
    pub key_usage: Use,
}

/// What a token says, if a key in the JWKS signed it and its time is not over; else why not.
///
/// # Errors
/// When it is refused.
pub fn verified(token: &str, jwks: &Value) -> Result<Claims> {
    let (signed, signature) = token.rsplit_once('.').ok_or("no token")?;
    let (header, claims) = signed.split_once('.').ok_or("no token")?;
    let (header, claims) = (json_of(header)?, json_of(claims)?);
    let kid = header["kid"].as_str().ok_or("the token names no key")?;
    let keys = jwks["keys"].as_array().ok_or("no JWKS")?;
    let key = keys
        .iter()
        .find(|key| key["kid"] == kid)
        .ok_or_else(|| format!("no key `{kid}` is published"))?;
    let key_usage = key["issuer"]
        .as_str()
        .and_then(Use::named)
        .ok_or("a key of no issuer")?;
    // The key decides on the algorithm, never the token.
    let signature = bytes(signature)?;
    let held = match key_usage {
        Use::Consumer => {
            let (n, e) = (number(key, "n")?, number(key, "e")?);
            PublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                signed.as_bytes(),
                &signature,
            )
        }
        Use::Enterprise => {
            let point = [vec![4], number(key, "x")?, number(key, "y")?].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(signed.as_bytes(), &signature)
        }
    };
    held.map_err(|_| "the signature does not hold")?;
    if claims["exp"].as_u64().is_none_or(|end| end < now()) {
        return Err("the token's time is over".into());
    }
    Ok(Claims {
        account: claims["sub"]
            .as_str()
            .ok_or("a token for nobody")?
            .to_owned(),
        scope: claims["scope"]
            .as_str()
            .and_then(Use::named)
            .ok_or("a token of no scope")?,
        key_usage,
    })
}

/// The random number of an ES256 token's signature, which who holds the key can compute; `None` of another token.
pub fn nonce(token: &str, kid: &str, scalar: &[u8]) -> Option<Vec<u8>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, _) = signed.split_once('.')?;
    let signature = bytes(signature)
        .ok()
        .filter(|signature| signature.len() == 64)?;
    if json_of(header).ok()?["kid"] != kid {
        return None;
    }
    let (r, s) = signature.split_at(32);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, signed.as_bytes());
    Some(numbers::nonce(hash.as_ref(), r, s, scalar, &ORDER))
}

fn number(key: &Value, name: &str) -> Result<Vec<u8>> {
    bytes(key[name].as_str().ok_or("a published key lacks a number")?)
}

fn json_of(part: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&bytes(part)?)?)
}

fn bytes(base64: &str) -> Result<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(base64).map_err(|_| "no base64url".into())
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{signed, verified};
    use crate::key::{Key, Use};
    use crate::library::{Library, signer};
    use serde_json::json;

    #[test]
    fn a_token_holds_by_its_own_key_alone() {
        for usage in Use::ALL {
            let (key, other) = (
                Key::generate(usage, 1).expect("a key"),
                Key::generate(usage, 1).expect("a key"),
            );
            let by = signer(Library::AwsLcRs, usage, &key.der).expect("a signer");
            let token = signed(&*by, &key.kid, usage, "someone", Use::Enterprise).expect("a token");
            let claims = verified(&token, &json!({"keys": [key.jwk()]})).expect("it holds");
            assert_eq!(
                (&*claims.account, claims.scope, claims.key_usage),
                ("someone", Use::Enterprise, usage)
            );
            assert!(verified(&token, &json!({"keys": [other.jwk()]})).is_err());
            assert!(verified(&token, &json!({"keys": []})).is_err());
            let changed = token.replacen('.', ".e30", 1);
            assert!(verified(&changed, &json!({"keys": [key.jwk()]})).is_err());
        }
    }
}
