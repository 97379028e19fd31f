//! Making tokens, with one Ed25519 key.

use serde::Serialize;
use tamis_keys::Secret;
use tamis_keys::purpose::DeletionRequests;
use tamis_keys::signing::SigningKey;

use super::jwk::Jwk;
use super::jws::{Head, compact};
use super::refusal::ResultCode;
use super::subject::Subject;
use super::{VERSION, is_domain};

/// Who signs: a company, by its domain and its key. Ids (`jti`) and times are the caller's.
pub struct Signer {
    key: SigningKey<DeletionRequests>,
    domain: String,
    kid: String,
}

#[derive(Serialize)]
struct Identity<'a> {
    version: &'a str,
    jti: &'a str,
    iss: &'a str,
    sub: &'a Subject,
    iat: i64,
}

#[derive(Serialize)]
struct Asked<'a> {
    version: &'a str,
    #[serde(rename = "idJWT")]
    id_jwt: &'a str,
    jti: &'a str,
    iss: &'a str,
    sub: &'a Subject,
    iat: i64,
    #[serde(rename = "optionalParameters")]
    parameters: Parameters<'a>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    recipient: &'a str,
}

#[derive(Serialize)]
struct Acknowledged<'a> {
    version: &'a str,
    #[serde(rename = "rqJWT")]
    rq_jwt: &'a str,
    jti: &'a str,
    iss: &'a str,
    iat: i64,
    #[serde(rename = "raResultCode")]
    code: ResultCode,
    #[serde(rename = "raResultString", skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

impl Signer {
    /// A signer for a domain; none if that is no domain.
    pub fn new(seed: &Secret<DeletionRequests>, domain: &str) -> Option<Signer> {
        let key = SigningKey::from_secret(seed);
        let kid = Jwk::ed25519(&key.public()).kid?;
        is_domain(domain).then(|| Signer {
            key,
            domain: domain.to_owned(),
            kid,
        })
    }

    /// Its domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The key to publish.
    pub fn jwk(&self) -> Jwk {
        Jwk::ed25519(&self.key.public())
    }

    /// What an origin says: delete what you have of this person.
    pub fn identity(&self, jti: &str, sub: &Subject, iat: i64) -> String {
        self.sign(&Identity {
            version: VERSION,
            jti,
            iss: &self.domain,
            sub,
            iat,
        })
    }

    /// A request to `recipient`, a domain, for what an origin said. The recipient is named in it, so that it
    /// cannot be passed on as one to somebody else.
    pub fn request(
        &self,
        jti: &str,
        id_jwt: &str,
        sub: &Subject,
        iat: i64,
        recipient: &str,
    ) -> String {
        self.sign(&Asked {
            version: VERSION,
            id_jwt,
            jti,
            iss: &self.domain,
            sub,
            iat,
            parameters: Parameters { recipient },
        })
    }

    /// The answer to a request, word for word as it came.
    pub fn acknowledgement(
        &self,
        jti: &str,
        rq_jwt: &str,
        iat: i64,
        code: ResultCode,
        why: Option<&str>,
    ) -> String {
        self.sign(&Acknowledged {
            version: VERSION,
            rq_jwt,
            jti,
            iss: &self.domain,
            iat,
            code,
            why,
        })
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        let head = Head {
            typ: "JWT",
            alg: "EdDSA",
            kid: &self.kid,
        };
        compact(&head, claims, |message| self.key.sign(message))
    }
}
