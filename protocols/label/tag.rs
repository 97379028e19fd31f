//! Pseudonyms of cookies under the partner's own key: equal cookies of one collaboration and destination
//! have equal tags in every upload, so the service finds what was added and removed without seeing them.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use tamis_keys::Secret;
use tamis_keys::purpose::CookieTag;

use crate::pairing::prefixed;
use crate::token::keyed;

/// Bytes of a cookie tag.
pub const COOKIE_TAG_LEN: usize = 16;

/// Makes the tags of one collaboration and destination; the key and prefix are absorbed once. Tags of
/// two collaborations are unrelated, so the operator cannot join a partner's rows across advertisers.
pub struct CookieTagger(Hmac<Sha256>);

impl CookieTagger {
    /// For one collaboration and destination of the partner that holds the key.
    pub fn new(key: &Secret<CookieTag>, collaboration: &str, destination: &str) -> Self {
        let mut mac = keyed(key.expose());
        mac.update(b"tamis/v1/cookie-tag");
        mac.update(&prefixed(&[collaboration, destination]));
        CookieTagger(mac)
    }

    /// `HMAC-SHA256(key, "tamis/v1/cookie-tag" ‖ lp(collaboration) ‖ lp(destination) ‖ cookie)`, the
    /// first 16 bytes.
    pub fn tag(&self, cookie: &[u8]) -> [u8; COOKIE_TAG_LEN] {
        let mut mac = self.0.clone();
        mac.update(cookie);
        let mut tag = [0; COOKIE_TAG_LEN];
        tag.copy_from_slice(&mac.finalize().into_bytes()[..COOKIE_TAG_LEN]);
        tag
    }
}

/// One tag; for many, keep a [`CookieTagger`].
pub fn cookie_tag(
    key: &Secret<CookieTag>,
    collaboration: &str,
    destination: &str,
    cookie: &[u8],
) -> [u8; COOKIE_TAG_LEN] {
    CookieTagger::new(key, collaboration, destination).tag(cookie)
}
