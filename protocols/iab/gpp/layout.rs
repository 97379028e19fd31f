//! How the sections of the United States are laid out, as data.
//!
//! Every core is a version of six bits, then fields of two bits a value. Source: the specification of each
//! section, "Core Segment".

use Field::*;

/// A field of a core segment, by the name of the specification. Its values: 0 not applicable; of a notice
/// 1 provided, 2 not provided; of an opt-out 1 opted out, 2 did not; of a consent 1 no consent, 2 consent;
/// of the MSPA 1 yes, 2 no, but for its single mode 1 opt-out option, 2 service provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Notice of sharing with third parties.
    SharingNotice,
    /// Notice of processing.
    ProcessingNotice,
    /// Notice of the right to opt out of sale.
    SaleOptOutNotice,
    /// Notice of the right to opt out of sharing.
    SharingOptOutNotice,
    /// Notice of the right to opt out of targeted advertising.
    TargetedAdvertisingOptOutNotice,
    /// Notice of the right to opt out of processing of sensitive data.
    SensitiveDataProcessingOptOutNotice,
    /// Notice of the right to limit the use of sensitive data.
    SensitiveDataLimitUseNotice,
    /// Opt-out of sale.
    SaleOptOut,
    /// Opt-out of sharing.
    SharingOptOut,
    /// Opt-out of targeted advertising.
    TargetedAdvertisingOptOut,
    /// Sensitive data, one value a category.
    SensitiveDataProcessing,
    /// Data of children, one value an age or use.
    KnownChildSensitiveDataConsents,
    /// Consent to uses beyond those of collection.
    PersonalDataConsents,
    /// Consent to uses beyond those that were disclosed.
    AdditionalDataProcessingConsent,
    /// Whether the transaction is covered by the Multi-State Privacy Agreement; never 0.
    MspaCoveredTransaction,
    /// The agreement's opt-out option mode.
    MspaOptOutOptionMode,
    /// The agreement's service provider mode.
    MspaServiceProviderMode,
    /// The one or the other mode.
    MspaMode,
}

/// What may follow the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extra {
    /// Nothing.
    None,
    /// The Global Privacy Control: type 1 in two bits, then one bit.
    Gpc,
    /// This many categories of sensitive data, two bits each, without a type.
    Sensitive(usize),
}

/// The layout of one section.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// The section's number.
    pub id: u16,
    /// Its short name.
    pub name: &'static str,
    /// Where it holds: `US` or `US-` and the state.
    pub place: &'static str,
    /// The versions in the first six bits that are laid out so.
    pub(in crate::iab) versions: core::ops::RangeInclusive<u8>,
    /// Fields and how many values each has.
    pub(in crate::iab) fields: &'static [(Field, usize)],
    /// What may follow.
    pub(super) extra: Extra,
}

impl Field {
    /// The name in the specification.
    pub fn as_str(self) -> &'static str {
        match self {
            SharingNotice => "SharingNotice",
            ProcessingNotice => "ProcessingNotice",
            SaleOptOutNotice => "SaleOptOutNotice",
            SharingOptOutNotice => "SharingOptOutNotice",
            TargetedAdvertisingOptOutNotice => "TargetedAdvertisingOptOutNotice",
            SensitiveDataProcessingOptOutNotice => "SensitiveDataProcessingOptOutNotice",
            SensitiveDataLimitUseNotice => "SensitiveDataLimitUseNotice",
            SaleOptOut => "SaleOptOut",
            SharingOptOut => "SharingOptOut",
            TargetedAdvertisingOptOut => "TargetedAdvertisingOptOut",
            SensitiveDataProcessing => "SensitiveDataProcessing",
            KnownChildSensitiveDataConsents => "KnownChildSensitiveDataConsents",
            PersonalDataConsents => "PersonalDataConsents",
            AdditionalDataProcessingConsent => "AdditionalDataProcessingConsent",
            MspaCoveredTransaction => "MspaCoveredTransaction",
            MspaOptOutOptionMode => "MspaOptOutOptionMode",
            MspaServiceProviderMode => "MspaServiceProviderMode",
            MspaMode => "MspaMode",
        }
    }
}

impl Layout {
    /// The layouts of a section: none if it is not one of the United States, two for the nation, where two
    /// versions are about, one for each state.
    pub fn of(id: u16) -> &'static [Layout] {
        let start = LAYOUTS.partition_point(|layout| layout.id < id);
        let end = LAYOUTS.partition_point(|layout| layout.id <= id);
        LAYOUTS.get(start..end).unwrap_or_default()
    }
}

const fn layout(
    id: u16,
    name: &'static str,
    place: &'static str,
    fields: &'static [(Field, usize)],
    extra: Extra,
) -> Layout {
    let versions = 1..=1;
    Layout {
        id,
        name,
        place,
        versions,
        fields,
        extra,
    }
}

/// Nation, version 1: 12 categories of sensitive data, two of children.
const NATION_1: &[(Field, usize)] = &nation(12, 2);
/// Nation, version 2: 16 and three.
const NATION_2: &[(Field, usize)] = &nation(16, 3);

const fn nation(sensitive: usize, child: usize) -> [(Field, usize); 15] {
    [
        (SharingNotice, 1),
        (SaleOptOutNotice, 1),
        (SharingOptOutNotice, 1),
        (TargetedAdvertisingOptOutNotice, 1),
        (SensitiveDataProcessingOptOutNotice, 1),
        (SensitiveDataLimitUseNotice, 1),
        (SaleOptOut, 1),
        (SharingOptOut, 1),
        (TargetedAdvertisingOptOut, 1),
        (SensitiveDataProcessing, sensitive),
        (KnownChildSensitiveDataConsents, child),
        (PersonalDataConsents, 1),
        (MspaCoveredTransaction, 1),
        (MspaOptOutOptionMode, 1),
        (MspaServiceProviderMode, 1),
    ]
}

/// The states of 2023, which share a notice of sharing.
const fn early(sensitive: usize, child: usize) -> [(Field, usize); 10] {
    [
        (SharingNotice, 1),
        (SaleOptOutNotice, 1),
        (TargetedAdvertisingOptOutNotice, 1),
        (SaleOptOut, 1),
        (TargetedAdvertisingOptOut, 1),
        (SensitiveDataProcessing, sensitive),
        (KnownChildSensitiveDataConsents, child),
        (MspaCoveredTransaction, 1),
        (MspaOptOutOptionMode, 1),
        (MspaServiceProviderMode, 1),
    ]
}

/// Those that came later, with a consent to additional uses.
const fn later(notice: Field, sensitive: usize, child: usize) -> [(Field, usize); 11] {
    [
        (notice, 1),
        (SaleOptOutNotice, 1),
        (TargetedAdvertisingOptOutNotice, 1),
        (SaleOptOut, 1),
        (TargetedAdvertisingOptOut, 1),
        (SensitiveDataProcessing, sensitive),
        (KnownChildSensitiveDataConsents, child),
        (AdditionalDataProcessingConsent, 1),
        (MspaCoveredTransaction, 1),
        (MspaOptOutOptionMode, 1),
        (MspaServiceProviderMode, 1),
    ]
}

/// Where sensitive data is a matter of opting out.
const fn opting(notice: Field, sensitive_notice: Field) -> [(Field, usize); 11] {
    [
        (notice, 1),
        (SaleOptOutNotice, 1),
        (TargetedAdvertisingOptOutNotice, 1),
        (sensitive_notice, 1),
        (SaleOptOut, 1),
        (TargetedAdvertisingOptOut, 1),
        (SensitiveDataProcessing, 8),
        (KnownChildSensitiveDataConsents, 1),
        (MspaCoveredTransaction, 1),
        (MspaOptOutOptionMode, 1),
        (MspaServiceProviderMode, 1),
    ]
}

const CALIFORNIA: &[(Field, usize)] = &[
    (SaleOptOutNotice, 1),
    (SharingOptOutNotice, 1),
    (SensitiveDataLimitUseNotice, 1),
    (SaleOptOut, 1),
    (SharingOptOut, 1),
    (SensitiveDataProcessing, 9),
    (KnownChildSensitiveDataConsents, 2),
    (PersonalDataConsents, 1),
    (MspaCoveredTransaction, 1),
    (MspaOptOutOptionMode, 1),
    (MspaServiceProviderMode, 1),
];

/// The states of 2026: the agreement first, sensitive data in a segment of its own or not at all.
const MARYLAND: &[(Field, usize)] = &[
    (MspaCoveredTransaction, 1),
    (MspaMode, 1),
    (ProcessingNotice, 1),
    (SaleOptOutNotice, 1),
    (TargetedAdvertisingOptOutNotice, 1),
    (SaleOptOut, 1),
    (TargetedAdvertisingOptOut, 1),
    (AdditionalDataProcessingConsent, 1),
];
const INDIANA: &[(Field, usize)] = &[
    (MspaCoveredTransaction, 1),
    (MspaMode, 1),
    (ProcessingNotice, 1),
    (SaleOptOutNotice, 1),
    (TargetedAdvertisingOptOutNotice, 1),
    (SaleOptOut, 1),
    (TargetedAdvertisingOptOut, 1),
    (KnownChildSensitiveDataConsents, 1),
    (AdditionalDataProcessingConsent, 1),
];

/// By number.
static LAYOUTS: [Layout; 22] = [
    layout(7, "usnat", "US", NATION_1, Extra::Gpc),
    Layout {
        // Encoders have written this layout as version 1, too.
        versions: 1..=2,
        ..layout(7, "usnat", "US", NATION_2, Extra::Gpc)
    },
    layout(8, "usca", "US-CA", CALIFORNIA, Extra::Gpc),
    layout(9, "usva", "US-VA", &early(8, 1), Extra::None),
    layout(10, "usco", "US-CO", &early(7, 1), Extra::Gpc),
    layout(
        11,
        "usut",
        "US-UT",
        &opting(SharingNotice, SensitiveDataProcessingOptOutNotice),
        Extra::None,
    ),
    layout(12, "usct", "US-CT", &early(8, 3), Extra::Gpc),
    layout(
        13,
        "usfl",
        "US-FL",
        &later(ProcessingNotice, 8, 3),
        Extra::None,
    ),
    layout(14, "usmt", "US-MT", &later(SharingNotice, 8, 3), Extra::Gpc),
    layout(
        15,
        "usor",
        "US-OR",
        &later(ProcessingNotice, 11, 3),
        Extra::Gpc,
    ),
    layout(
        16,
        "ustx",
        "US-TX",
        &later(ProcessingNotice, 8, 1),
        Extra::Gpc,
    ),
    layout(
        17,
        "usde",
        "US-DE",
        &later(ProcessingNotice, 9, 5),
        Extra::Gpc,
    ),
    layout(
        18,
        "usia",
        "US-IA",
        &opting(ProcessingNotice, SensitiveDataProcessingOptOutNotice),
        Extra::Gpc,
    ),
    layout(
        19,
        "usne",
        "US-NE",
        &later(ProcessingNotice, 8, 1),
        Extra::Gpc,
    ),
    layout(
        20,
        "usnh",
        "US-NH",
        &later(ProcessingNotice, 8, 3),
        Extra::Gpc,
    ),
    layout(
        21,
        "usnj",
        "US-NJ",
        &later(ProcessingNotice, 10, 5),
        Extra::Gpc,
    ),
    layout(
        22,
        "ustn",
        "US-TN",
        &later(ProcessingNotice, 8, 1),
        Extra::Gpc,
    ),
    layout(
        23,
        "usmn",
        "US-MN",
        &later(ProcessingNotice, 8, 1),
        Extra::Gpc,
    ),
    layout(24, "usmd", "US-MD", MARYLAND, Extra::Gpc),
    layout(25, "usin", "US-IN", INDIANA, Extra::Sensitive(8)),
    layout(26, "usky", "US-KY", INDIANA, Extra::Sensitive(8)),
    layout(27, "usri", "US-RI", INDIANA, Extra::Sensitive(8)),
];
