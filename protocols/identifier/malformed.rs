//! Why a cell gives no identifier: closed, without the cell itself, with what to do about it.

use thiserror::Error;

/// Why a cell gives no identifier. Never carries the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[error("{}", self.hint())]
pub enum Malformed {
    /// Nothing but white space.
    Empty,
    /// No `@`.
    NoAtSign,
    /// More than one `@`.
    SeveralAtSigns,
    /// Nothing before the `@` (after the profile's rules).
    NoLocalPart,
    /// White space inside an address, under a profile that only trims.
    InnerSpace,
    /// The domain has no dot or is not valid under UTS #46.
    BadDomain,
    /// More than 254 bytes.
    TooLong,
    /// The phone library cannot read it.
    NotAPhoneNumber,
    /// A number without `+` and country code, and no default region.
    NeedsCountryCode,
    /// Starts with `00`, not valid in the default region, and valid with `+` instead.
    DoubleZeroPrefix,
    /// Readable, but no valid number of its region.
    InvalidPhoneNumber,
    /// One of surname, first name, street number, postcode is missing.
    PostalPartMissing,
    /// The profile has no rule for this.
    NotInProfile,
    /// Not a value of this field (a date, a country code).
    BadField,
    /// A digest where the identifier itself belongs.
    AlreadyHashed,
    /// As long as an MD5 digest.
    Md5,
    /// As long as a SHA-1 digest.
    Sha1,
    /// Neither hexadecimal nor base64 of 32 bytes.
    NotADigest,
    /// The SHA-256 of the empty string.
    DigestOfNothing,
}

impl Malformed {
    /// Every reason, in the order of reports.
    pub const ALL: [Malformed; 19] = [
        Malformed::Empty,
        Malformed::NoAtSign,
        Malformed::SeveralAtSigns,
        Malformed::NoLocalPart,
        Malformed::InnerSpace,
        Malformed::BadDomain,
        Malformed::TooLong,
        Malformed::NotAPhoneNumber,
        Malformed::NeedsCountryCode,
        Malformed::DoubleZeroPrefix,
        Malformed::InvalidPhoneNumber,
        Malformed::PostalPartMissing,
        Malformed::NotInProfile,
        Malformed::BadField,
        Malformed::AlreadyHashed,
        Malformed::Md5,
        Malformed::Sha1,
        Malformed::NotADigest,
        Malformed::DigestOfNothing,
    ];

    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Malformed::Empty => "empty",
            Malformed::NoAtSign => "no_at_sign",
            Malformed::SeveralAtSigns => "several_at_signs",
            Malformed::NoLocalPart => "no_local_part",
            Malformed::InnerSpace => "inner_space",
            Malformed::BadDomain => "bad_domain",
            Malformed::TooLong => "too_long",
            Malformed::NotAPhoneNumber => "not_a_phone_number",
            Malformed::NeedsCountryCode => "needs_country_code",
            Malformed::DoubleZeroPrefix => "double_zero_prefix",
            Malformed::InvalidPhoneNumber => "invalid_phone_number",
            Malformed::PostalPartMissing => "postal_part_missing",
            Malformed::NotInProfile => "not_in_profile",
            Malformed::BadField => "bad_field",
            Malformed::AlreadyHashed => "already_hashed",
            Malformed::Md5 => "md5",
            Malformed::Sha1 => "sha1",
            Malformed::NotADigest => "not_a_digest",
            Malformed::DigestOfNothing => "digest_of_nothing",
        }
    }

    /// One sentence for the owner of the file: what is wrong and what helps.
    pub fn hint(self) -> &'static str {
        match self {
            Malformed::Empty => "the cell is empty",
            Malformed::NoAtSign => "no @: this is not an e-mail address",
            Malformed::SeveralAtSigns => "more than one @: keep one address a cell",
            Malformed::NoLocalPart => "nothing before the @",
            Malformed::InnerSpace => "white space inside the address",
            Malformed::BadDomain => "the domain has no dot or is not a valid (IDNA) domain name",
            Malformed::TooLong => "longer than 254 bytes: no mail system takes it",
            Malformed::NotAPhoneNumber => "not readable as a phone number",
            Malformed::NeedsCountryCode => {
                "no country code: write +CC numbers or give a default region (--region)"
            }
            Malformed::DoubleZeroPrefix => {
                "starts with 00, which the default region does not dial abroad with: write + instead"
            }
            Malformed::InvalidPhoneNumber => "not a number that its country has assigned",
            Malformed::PostalPartMissing => {
                "needs a surname, a first name, a street number and a postcode"
            }
            Malformed::NotInProfile => {
                "the collaboration's profile has no rule for this identifier"
            }
            Malformed::BadField => "not a value of this field",
            Malformed::AlreadyHashed => {
                "already hashed: move SHA-256 values to a column email_sha256 or phone_sha256"
            }
            Malformed::Md5 => {
                "MD5 is refused: it matches nothing here and is broken; hash the normalised form with SHA-256"
            }
            Malformed::Sha1 => {
                "SHA-1 is refused: it matches nothing here and is broken; hash the normalised form with SHA-256"
            }
            Malformed::NotADigest => {
                "not SHA-256 in hexadecimal (64 digits) or base64 (44 characters)"
            }
            Malformed::DigestOfNothing => {
                "the SHA-256 of an empty cell: it would match every other empty cell"
            }
        }
    }
}
