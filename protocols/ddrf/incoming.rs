//! Verifying what came: a request with what its origin signed, and the answer to one.

use serde::Deserialize;

use super::jwk::Jwk;
use super::jws::{Compact, TOKEN_MAX};
use super::refusal::{Refusal, ResultCode};
use super::subject::Subject;
use super::{ORIGIN_AGE, REQUEST_AGE, SKEW, VERSION, is_domain};

/// Longest `jti`, in bytes.
const JTI_MAX: usize = 256;

const MALFORMED: Refusal = Refusal::new(
    ResultCode::Malformed,
    "a required field is missing, or is not what it should be",
);

#[derive(Deserialize)]
struct Common {
    version: String,
    jti: String,
    iss: String,
    iat: serde_json::Number,
    #[serde(default)]
    exp: Option<serde_json::Number>,
}

#[derive(Deserialize)]
struct IdClaims {
    #[serde(flatten)]
    common: Common,
    /// Must be there; whom the request is about is the requester's to say.
    #[serde(rename = "sub")]
    _sub: Subject,
}

#[derive(Deserialize)]
struct RqClaims {
    #[serde(flatten)]
    common: Common,
    #[serde(rename = "idJWT")]
    id_jwt: String,
    sub: Subject,
    #[serde(rename = "optionalParameters", default)]
    parameters: serde_json::Value,
}

#[derive(Deserialize)]
struct AcClaims {
    #[serde(flatten)]
    common: Common,
    #[serde(rename = "rqJWT")]
    rq_jwt: String,
    #[serde(rename = "raResultCode")]
    code: ResultCode,
    #[serde(rename = "raResultString", default)]
    why: Option<String>,
}

impl Common {
    fn check(&self) -> Result<(), Refusal> {
        let id = (1..=JTI_MAX).contains(&self.jti.len());
        let good = self.version == VERSION && id && is_domain(&self.iss);
        good.then_some(()).ok_or(MALFORMED)
    }

    /// Not of the future, not older than `age` seconds, and not expired by its own word.
    fn fresh(&self, now: i64, age: i64) -> Result<(), Refusal> {
        let seconds = |number: &serde_json::Number| {
            let whole = number.as_i64();
            // A NumericDate may have a fraction; saturates at the ends.
            whole.or_else(|| number.as_f64().map(|number| number as i64))
        };
        let iat = seconds(&self.iat).ok_or(MALFORMED)?;
        let in_time = iat <= now.saturating_add(SKEW) && iat >= now.saturating_sub(age);
        let lasts = match &self.exp {
            Some(exp) => seconds(exp).ok_or(MALFORMED)? >= now.saturating_sub(SKEW),
            None => true,
        };
        match in_time && lasts {
            true => Ok(()),
            false => Err(Refusal::new(
                ResultCode::Timestamp,
                "a token is too old, or of the future",
            )),
        }
    }
}

/// A request of which no signature is verified yet.
pub struct Incoming {
    rq: Compact,
    rq_claims: RqClaims,
    id: Compact,
    id_claims: IdClaims,
}

/// A request that its requester and its origin signed.
#[derive(Debug)]
pub struct Request {
    /// `jti` of this transaction; unique for its requester.
    pub id: String,
    /// The requester's domain.
    pub requester: String,
    /// `jti` of what the origin signed; unique for it.
    pub origin_id: String,
    /// The origin's domain.
    pub origin: String,
    /// Whom it is about.
    pub subject: Subject,
}

impl Incoming {
    /// Takes a request apart.
    ///
    /// # Errors
    /// `NotAToken`, `Malformed`.
    pub fn parse(rq_jwt: &str) -> Result<Incoming, Refusal> {
        if rq_jwt.len() > TOKEN_MAX {
            return Err(Refusal::new(ResultCode::NotAToken, "the token is too long"));
        }
        let rq = Compact::parse(rq_jwt)?;
        let rq_claims: RqClaims = rq.claims()?;
        rq_claims.common.check()?;
        let id = Compact::parse(&rq_claims.id_jwt)?;
        let id_claims: IdClaims = id.claims()?;
        id_claims.common.check()?;
        Ok(Incoming {
            rq,
            rq_claims,
            id,
            id_claims,
        })
    }

    /// The domain whose keys must have signed the request.
    pub fn requester(&self) -> &str {
        &self.rq_claims.common.iss
    }

    /// The domain whose keys must have signed what it carries.
    pub fn origin(&self) -> &str {
        &self.id_claims.common.iss
    }

    /// Verifies both signatures and times. `own` is the recipient's domain, `now` seconds since 1970.
    ///
    /// # Errors
    /// `Signature`, `Timestamp`; `Malformed` if it names another recipient; `Type` and `Format` of the
    /// identifier, which are only looked at of a request that is genuine.
    pub fn verify(
        self,
        requester: &[Jwk],
        origin: &[Jwk],
        own: &str,
        now: i64,
    ) -> Result<Request, Refusal> {
        self.rq.verify(requester)?;
        self.id.verify(origin)?;
        self.rq_claims.common.fresh(now, REQUEST_AGE)?;
        self.id_claims.common.fresh(now, ORIGIN_AGE)?;
        let named = self.rq_claims.parameters.get("recipient");
        if named.is_some_and(|named| named.as_str() != Some(own)) {
            let why = "the request is to somebody else";
            return Err(Refusal::new(ResultCode::Malformed, why));
        }
        self.rq_claims.sub.understood()?;
        Ok(Request {
            id: self.rq_claims.common.jti,
            requester: self.rq_claims.common.iss,
            origin_id: self.id_claims.common.jti,
            origin: self.id_claims.common.iss,
            subject: self.rq_claims.sub,
        })
    }
}

/// An answer that its recipient signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// `jti` of the answer.
    pub id: String,
    /// Whether the request was taken, or why not.
    pub code: ResultCode,
    /// The same in words, if it said so.
    pub why: Option<String>,
}

/// Verifies the answer to the request `rq_jwt`, by the keys of `recipient`, a domain.
///
/// # Errors
/// [`Refusal`]: it is no answer, not to this request, not of this recipient, or not signed by it.
pub fn check_acknowledgement(
    ac_jwt: &str,
    rq_jwt: &str,
    recipient: &str,
    keys: &[Jwk],
    now: i64,
) -> Result<Acknowledgement, Refusal> {
    // An answer holds the whole request.
    let ac = Compact::parse(ac_jwt)?;
    let claims: AcClaims = ac.claims()?;
    claims.common.check()?;
    ac.verify(keys)?;
    claims.common.fresh(now, REQUEST_AGE)?;
    if claims.common.iss != recipient || claims.rq_jwt != rq_jwt {
        let why = "the answer is not one to this request, or not of this recipient";
        return Err(Refusal::new(ResultCode::Malformed, why));
    }
    Ok(Acknowledgement {
        id: claims.common.jti,
        code: claims.code,
        why: claims.why.map(|why| why.chars().take(200).collect()),
    })
}
