//! One normaliser per file: a profile and a default region, then cells to canonical forms.

use core::fmt;

use rlibphonenumber::Region;
use thiserror::Error;

use super::{
    Field, FieldValue, IdentifierDigest, IdentifierType, Malformed, PostalParts, Profile, email,
    phone, platform, postal,
};

/// The default region is not one that phone numbers are known for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the region is not an ISO 3166-1 code of two letters with phone numbers, such as FR or AU")]
pub struct UnknownRegion;

/// An identifier in its canonical form: personal data, hidden from Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct Canonical(pub(super) String);

impl Canonical {
    /// The form itself, for the owner of the file.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its SHA-256.
    pub fn digest(&self) -> IdentifierDigest {
        IdentifierDigest::of(&self.0)
    }
}

impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canonical(hidden)")
    }
}

/// Turns cells into canonical forms. Cheap to copy; the same for both sides of a collaboration, save
/// the default region, which belongs to a file.
#[derive(Clone, Copy, Debug)]
pub struct Normaliser {
    profile: Profile,
    region: Option<Region>,
}

impl Normaliser {
    /// A normaliser for `profile`. `region` is the ISO 3166-1 alpha-2 code (either case) of phone numbers
    /// written without a country code; without it such numbers are malformed.
    pub fn new(profile: Profile, region: Option<&str>) -> Result<Normaliser, UnknownRegion> {
        let region = match region {
            Some(code) => Some(phone::region(code).ok_or(UnknownRegion)?),
            None => None,
        };
        Ok(Normaliser { profile, region })
    }

    /// The profile.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// An e-mail address; at most 254 bytes in canonical form.
    pub fn email(&self, cell: &str) -> Result<Canonical, Malformed> {
        email::canonical(self.profile, cell).map(Canonical)
    }

    /// The digest of [`Normaliser::email`], without keeping the form: several times as fast.
    pub fn email_digest(&self, cell: &str) -> Result<IdentifierDigest, Malformed> {
        match email::plain(self.profile, cell, &mut [0; email::MAX_BYTES]) {
            Some(plain) => Ok(IdentifierDigest::of_bytes(plain)),
            None => Ok(self.email(cell)?.digest()),
        }
    }

    /// A phone number: E.164, with the `+` except in `meta-1`.
    pub fn phone(&self, cell: &str) -> Result<Canonical, Malformed> {
        let mut number = phone::e164(cell, self.region)?;
        if self.profile == Profile::Meta1 {
            number.remove(0);
        }
        Ok(Canonical(number))
    }

    /// The digest of [`Normaliser::phone`], without keeping the form: several times as fast.
    pub fn phone_digest(&self, cell: &str) -> Result<IdentifierDigest, Malformed> {
        let Some(number) = phone::usual(cell, self.region) else {
            return Ok(self.phone(cell)?.digest());
        };
        let plus = usize::from(self.profile == Profile::Meta1);
        Ok(IdentifierDigest::of_bytes(&number.as_bytes()[plus..]))
    }

    /// A postal address; `onboarding-1` only, [`Malformed::NotInProfile`] elsewhere.
    pub fn postal(&self, parts: &PostalParts<'_>) -> Result<Canonical, Malformed> {
        if !self.profile.supports(IdentifierType::Postal) {
            return Err(Malformed::NotInProfile);
        }
        postal::canonical(parts).map(Canonical)
    }

    /// A field that a platform matches by itself (a name, a country …), hashed or plain as the platform
    /// asks; [`Malformed::NotInProfile`] where the profile has no rule for it. Not part of tokens.
    pub fn field(&self, field: Field, cell: &str) -> Result<FieldValue, Malformed> {
        platform::field(self.profile, self.region, field, cell)
    }
}
