//! JSON Web Signatures in compact form (RFC 7515 §3.1): three parts of base64url between dots.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::jwk::Jwk;
use super::refusal::{Refusal, ResultCode};

/// Longest request, in bytes; an answer, which holds one, may have twice as many.
pub const TOKEN_MAX: usize = 16 * 1024;
/// Longest signature: RSA of 8,192 bits.
const SIGNATURE_MAX: usize = 1024;

const NOT_A_TOKEN: Refusal = Refusal::new(ResultCode::NotAToken, "that is not a signed token");

/// The header of a token that is made.
#[derive(Serialize)]
pub(super) struct Head<'a> {
    pub(super) typ: &'a str,
    pub(super) alg: &'a str,
    pub(super) kid: &'a str,
}

/// What is looked at of the header of one that came.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// A token, taken apart; its signature is not verified.
pub(super) struct Compact {
    header: Header,
    payload: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Compact {
    /// Takes a token apart.
    pub(super) fn parse(token: &str) -> Result<Compact, Refusal> {
        if token.len() > 2 * TOKEN_MAX {
            return Err(Refusal::new(ResultCode::NotAToken, "the token is too long"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NOT_A_TOKEN);
        };
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| NOT_A_TOKEN);
        let signed = token.len() - signature.len() - 1;
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| NOT_A_TOKEN)?;
        if header.crit.is_some() {
            let why = "the token demands an extension that is not known here";
            return Err(Refusal::new(ResultCode::NotAToken, why));
        }
        let signature = decode(signature)?;
        if signature.is_empty() || signature.len() > SIGNATURE_MAX {
            return Err(NOT_A_TOKEN);
        }
        Ok(Compact {
            header,
            payload: decode(payload)?,
            signed: token.as_bytes()[..signed].to_vec(),
            signature,
        })
    }

    /// Its claims.
    pub(super) fn claims<C: DeserializeOwned>(&self) -> Result<C, Refusal> {
        let why = "a required field is missing, or is not what it should be";
        serde_json::from_slice(&self.payload).map_err(|_| Refusal::new(ResultCode::Malformed, why))
    }

    /// Whether one of the keys made the signature: the one that the token names if it names one, in the
    /// algorithm of the key.
    pub(super) fn verify(&self, keys: &[Jwk]) -> Result<(), Refusal> {
        let named = |key: &&Jwk| match (&self.header.kid, &key.kid) {
            (Some(asked), Some(own)) => asked == own,
            _ => true,
        };
        let believed = |key: &&Jwk| key.algorithm() == Some(self.header.alg.as_str());
        let mut fitting = keys.iter().filter(named).filter(believed);
        match fitting.any(|key| key.verifies(&self.signed, &self.signature)) {
            true => Ok(()),
            false => Err(Refusal::new(
                ResultCode::Signature,
                "a signature is not one of its issuer's published keys",
            )),
        }
    }
}

/// A token of a header and claims, signed by `sign`.
pub(super) fn compact(
    head: &Head<'_>,
    claims: &impl Serialize,
    sign: impl FnOnce(&[u8]) -> [u8; 64],
) -> String {
    // Plain structures of text and numbers: writing them does not fail.
    let part = |bytes: Result<Vec<u8>, serde_json::Error>| {
        BASE64_URL_SAFE_NO_PAD.encode(bytes.unwrap_or_default())
    };
    let mut token = part(serde_json::to_vec(head));
    token.push('.');
    token += &part(serde_json::to_vec(claims));
    let signature = sign(token.as_bytes());
    token.push('.');
    token += &BASE64_URL_SAFE_NO_PAD.encode(signature);
    token
}
