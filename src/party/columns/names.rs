//! The usual names of columns. Case, spaces, underscores, hyphens and dots do not matter.

use std::collections::BTreeMap;

use tamis_protocols::identifier::IdentifierType;

use super::{Consent, Wanted};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// E-mail address.
    Email,
    /// Phone number.
    Phone,
    /// Family name.
    Surname,
    /// First name.
    GivenName,
    /// House number.
    StreetNumber,
    /// Postcode.
    Postcode,
    /// SHA-256 of the canonical e-mail address.
    EmailSha256,
    /// SHA-256 of the canonical phone number.
    PhoneSha256,
    /// Legal basis.
    ConsentBasis,
    /// TCF purposes.
    ConsentPurposes,
    /// Time of consent.
    ConsentAt,
    /// Version of the notice.
    NoticeVersion,
    /// Where consent was collected.
    ConsentSource,
    /// Opposition.
    Opposed,
    /// TCF purposes on legitimate interest.
    ConsentInterests,
    /// The owner's number of the record.
    ConsentId,
    /// Who may use the consent.
    ConsentRecipients,
    /// SHA-256 of the notice.
    NoticeHash,
    /// Language of the notice.
    ConsentLanguage,
    /// The steps on which consent was asked for.
    ConsentJourney,
    /// Country or subdivision whose law applies.
    ConsentJurisdiction,
    /// The last moment at which consent holds.
    ConsentValidUntil,
    /// What became of the consent.
    ConsentHistory,
    /// A TC string of the IAB.
    TcString,
    /// A GPP string of the IAB.
    GppString,
    /// Cookie at the destination of this place.
    Cookie(usize),
}

/// Roles with their names in maps and reports, and their usual column names, folded.
const ROLES: [(Role, &str, &[&str]); 25] = [
    (
        Role::Email,
        "email",
        &[
            "email",
            "mail",
            "emailaddress",
            "mailaddress",
            "courriel",
            "emailplain",
        ],
    ),
    (
        Role::Phone,
        "phone",
        &[
            "phone",
            "mobile",
            "phonenumber",
            "mobilephone",
            "mobilenumber",
            "telephone",
            "tel",
            "cell",
            "cellphone",
            "msisdn",
        ],
    ),
    (
        Role::Surname,
        "surname",
        &["surname", "lastname", "familyname"],
    ),
    (
        Role::GivenName,
        "given_name",
        &["givenname", "firstname", "forename"],
    ),
    (
        Role::StreetNumber,
        "street_number",
        &["streetnumber", "housenumber", "streetno", "houseno"],
    ),
    (
        Role::Postcode,
        "postcode",
        &["postcode", "zip", "zipcode", "postalcode"],
    ),
    (
        Role::EmailSha256,
        "email_sha256",
        &["emailsha256", "mailsha256", "sha256email", "emailhash256"],
    ),
    (
        Role::PhoneSha256,
        "phone_sha256",
        &["phonesha256", "mobilesha256", "sha256phone", "phonehash256"],
    ),
    (
        Role::ConsentBasis,
        "consent_basis",
        &["consentbasis", "legalbasis", "lawfulbasis", "basis"],
    ),
    (
        Role::ConsentPurposes,
        "consent_purposes",
        &["consentpurposes", "purposes", "tcfpurposes"],
    ),
    (
        Role::ConsentAt,
        "consent_at",
        &[
            "consentat",
            "consentdate",
            "consenttime",
            "consenttimestamp",
            "consentedat",
        ],
    ),
    (
        Role::NoticeVersion,
        "notice_version",
        &["noticeversion", "privacynoticeversion", "consentversion"],
    ),
    (
        Role::ConsentSource,
        "consent_source",
        &["consentsource", "collectionpoint"],
    ),
    (
        Role::Opposed,
        "opposed",
        &["opposed", "opposition", "optout", "objected", "optedout"],
    ),
    (
        Role::TcString,
        "tc_string",
        &["tcstring", "tcfstring", "iabtcfstring", "euconsentv2"],
    ),
    (
        Role::GppString,
        "gpp_string",
        &["gppstring", "iabgppstring", "iabgpphdrgppstring"],
    ),
    (
        Role::ConsentInterests,
        "consent_interests",
        &["consentinterests", "legitimateinterests", "tcfinterests"],
    ),
    (
        Role::ConsentId,
        "consent_id",
        &["consentid", "consentrecordid"],
    ),
    (
        Role::ConsentRecipients,
        "consent_recipients",
        &["consentrecipients"],
    ),
    (
        Role::NoticeHash,
        "notice_hash",
        &["noticehash", "noticesha256"],
    ),
    (
        Role::ConsentLanguage,
        "consent_language",
        &["consentlanguage", "noticelanguage"],
    ),
    (Role::ConsentJourney, "consent_journey", &["consentjourney"]),
    (
        Role::ConsentJurisdiction,
        "consent_jurisdiction",
        &["consentjurisdiction"],
    ),
    (
        Role::ConsentValidUntil,
        "consent_valid_until",
        &["consentvaliduntil", "consentexpires"],
    ),
    (Role::ConsentHistory, "consent_history", &["consenthistory"]),
];

impl Role {
    /// The parts of a postal identifier.
    pub const POSTAL: [Role; 4] = [
        Role::Surname,
        Role::GivenName,
        Role::StreetNumber,
        Role::Postcode,
    ];

    /// The name in maps and reports: `email`, `cookie_dsp_a` for the destination `dsp-a`.
    pub fn name(self, destinations: &[String]) -> String {
        if let Role::Cookie(place) = self {
            let destination = destinations.get(place).map_or("", String::as_str);
            return format!("cookie_{}", destination.replace('-', "_"));
        }
        let known = ROLES.iter().find(|(role, ..)| *role == self);
        known.map_or("", |(_, name, _)| name).to_owned()
    }

    /// The inverse of [`Role::name`]; spelling of separators and case does not matter.
    pub(super) fn parse(name: &str, destinations: &[String]) -> Option<Role> {
        let folded_name = folded(name);
        let plain = ROLES
            .iter()
            .find(|(_, role, _)| folded(role) == folded_name);
        plain
            .map(|(role, ..)| *role)
            .or_else(|| cookie(&folded_name, destinations))
    }

    /// Every role that a file is read for.
    pub(super) fn wanted(wanted: &Wanted<'_>) -> Vec<Role> {
        let identifiers = wanted.identifiers.iter().flat_map(|kind| match kind {
            IdentifierType::Email => [Role::Email, Role::EmailSha256].to_vec(),
            IdentifierType::Phone => [Role::Phone, Role::PhoneSha256].to_vec(),
            IdentifierType::Postal => Role::POSTAL.to_vec(),
        });
        let consent: &[Role] = match wanted.consent {
            Consent::NotRead => &[],
            Consent::WithBasis | Consent::WithoutBasis => &[
                Role::ConsentBasis,
                Role::ConsentPurposes,
                Role::ConsentAt,
                Role::NoticeVersion,
                Role::ConsentSource,
                Role::Opposed,
                Role::TcString,
                Role::GppString,
                Role::ConsentInterests,
                Role::ConsentId,
                Role::ConsentRecipients,
                Role::NoticeHash,
                Role::ConsentLanguage,
                Role::ConsentJourney,
                Role::ConsentJurisdiction,
                Role::ConsentValidUntil,
                Role::ConsentHistory,
            ],
        };
        let cookies = (0..wanted.destinations.len()).map(Role::Cookie);
        identifiers
            .chain(consent.iter().copied())
            .chain(cookies)
            .collect()
    }
}

/// What a type is read from, in words.
pub(super) fn columns_of(kind: IdentifierType) -> &'static str {
    match kind {
        IdentifierType::Email => "email or email_sha256",
        IdentifierType::Phone => "phone or phone_sha256",
        IdentifierType::Postal => "surname, given_name, street_number and postcode",
    }
}

/// A name without what does not matter.
pub(super) fn folded(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '.'));
    kept.flat_map(char::to_lowercase).collect()
}

/// For each role the columns with a usual name for it, in the order of the file.
pub(super) fn recognise(header: &[String], destinations: &[String]) -> BTreeMap<Role, Vec<usize>> {
    let mut places: BTreeMap<Role, Vec<usize>> = BTreeMap::new();
    for (column, name) in header.iter().enumerate() {
        let folded_name = folded(name);
        let plain = ROLES
            .iter()
            .find(|(.., usual)| usual.contains(&folded_name.as_str()));
        let role = plain.map(|(role, ..)| *role);
        if let Some(role) = role.or_else(|| cookie(&folded_name, destinations)) {
            places.entry(role).or_default().push(column);
        }
    }
    places
}

/// The cookie role of a folded name.
fn cookie(folded_name: &str, destinations: &[String]) -> Option<Role> {
    let mut cookies = (0..destinations.len()).map(Role::Cookie);
    cookies.find(|role| folded(&role.name(destinations)) == folded_name)
}
