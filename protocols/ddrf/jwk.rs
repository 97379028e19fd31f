//! Public keys as JSON Web Keys (RFC 7517), of three kinds, each with the one algorithm that is believed of it.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A public key. Fields that are not known are passed over, as the RFC wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `OKP`, `EC` or `RSA`.
    pub kty: String,
    /// `Ed25519` or `P-256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// Coordinate, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Coordinate of `P-256`, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Modulus, 2,048 to 8,192 bits, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// Exponent, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// Names the key among those of its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// If given, the only algorithm to be used with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
}

impl Jwk {
    /// An Ed25519 key, named by its thumbprint (RFC 7638).
    pub fn ed25519(public: &[u8; 32]) -> Jwk {
        let x = BASE64_URL_SAFE_NO_PAD.encode(public);
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(members));
        Jwk {
            kty: "OKP".to_owned(),
            crv: Some("Ed25519".to_owned()),
            x: Some(x),
            y: None,
            n: None,
            e: None,
            kid: Some(thumbprint),
            alg: Some("EdDSA".to_owned()),
        }
    }

    /// The algorithm that signatures of this key are believed in; none for a key of another kind.
    pub fn algorithm(&self) -> Option<&'static str> {
        let algorithm = match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => "EdDSA",
            ("EC", Some("P-256")) => "ES256",
            ("RSA", None) => "RS256",
            _ => return None,
        };
        let own = self.alg.as_deref().is_none_or(|alg| alg == algorithm);
        own.then_some(algorithm)
    }

    /// Whether `signature` is one of `message` under this key, in its own algorithm.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let part = |text: &Option<String>| {
            let text = text.as_ref()?;
            BASE64_URL_SAFE_NO_PAD.decode(text).ok()
        };
        let held = || {
            let good = match self.algorithm()? {
                "EdDSA" => {
                    UnparsedPublicKey::new(&ED25519, part(&self.x)?).verify(message, signature)
                }
                "ES256" => {
                    let (x, y) = (part(&self.x)?, part(&self.y)?);
                    if (x.len(), y.len()) != (32, 32) {
                        return None;
                    }
                    let point = [&[4], x.as_slice(), y.as_slice()].concat();
                    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                        .verify(message, signature)
                }
                "RS256" => {
                    let (n, e) = (part(&self.n)?, part(&self.e)?);
                    RsaPublicKeyComponents { n, e }.verify(
                        &RSA_PKCS1_2048_8192_SHA256,
                        message,
                        signature,
                    )
                }
                _ => return None,
            };
            good.ok()
        };
        held().is_some()
    }
}
