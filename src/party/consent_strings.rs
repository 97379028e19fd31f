//! Consent strings of the IAB in a file: what they say where the file has no column for it.
//!
//! A string is read here and not sent. It can only narrow what a row is used for: one that cannot be read or
//! does not count is no consent, whatever the other cells say; two that differ are in doubt, and doubt is no
//! consent either.

use jiff::civil::Date;
use tamis_protocols::consent::{ConsentRecord, ConsentRule};
use tamis_protocols::iab::tcf::Invalid;
use tamis_protocols::iab::{Unusable, to_record};
use tamis_protocols::wire::batch::ConsentField;
use tamis_protocols::wire::terms::Terms;

use super::columns::{Layout, Role};
use super::reading::Block;

/// The fields that a string can fill.
pub const FIELDS: [ConsentField; 4] = [
    ConsentField::Interests,
    ConsentField::Recipients,
    ConsentField::Language,
    ConsentField::Jurisdiction,
];

/// Where the strings are, and for whom they are asked.
pub struct StringCells<'a> {
    tc: Option<usize>,
    gpp: Option<usize>,
    /// Vendor numbers of the terms' destinations.
    vendors: Vec<u16>,
    rule: Option<&'a ConsentRule>,
    as_of: Date,
}

/// A string that is no consent: the word under which it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoConsent(pub &'static str);

impl<'a> StringCells<'a> {
    /// As found in the header, asked for the destinations of the terms that have a vendor number, on a day.
    pub fn of(layout: &Layout, rule: Option<&'a ConsentRule>, terms: &Terms, as_of: Date) -> Self {
        StringCells {
            tc: layout.position(Role::TcString),
            gpp: layout.position(Role::GppString),
            vendors: (terms.destinations.iter())
                .filter_map(|one| one.vendor)
                .collect(),
            rule,
            as_of,
        }
    }

    /// A file without strings.
    #[cfg(test)]
    pub(super) fn none() -> StringCells<'static> {
        StringCells {
            tc: None,
            gpp: None,
            vendors: Vec::new(),
            rule: None,
            as_of: Date::MIN,
        }
    }

    /// Whether the file has any.
    pub fn are_there(&self) -> bool {
        self.tc.is_some() || self.gpp.is_some()
    }

    /// What the owner should know of the terms.
    pub fn note(&self) -> Option<String> {
        let asked_for_nobody = self.are_there() && self.vendors.is_empty();
        asked_for_nobody.then(|| {
            "no destination of the terms has a vendor number, so no consent string names one: propose with \
             --vendor DESTINATION=N"
                .to_owned()
        })
    }

    /// What the strings of a row say; nothing if it has none.
    ///
    /// # Errors
    /// A string that cannot be read or does not count, or two that differ.
    pub fn read(&self, block: &Block, row: usize) -> Result<Option<ConsentRecord>, NoConsent> {
        let cell = |place: Option<usize>| place.map_or("", |place| block.cell(row, place).trim());
        let tc = self.record(cell(self.tc), "tc_string")?;
        let gpp = self.record(cell(self.gpp), "gpp_string")?;
        match (tc, gpp) {
            (Some(mut tc), Some(gpp)) => {
                let same = gpp.purposes == tc.purposes
                    && gpp.given_at == tc.given_at
                    && gpp.details().interests == tc.details().interests
                    && gpp.details().recipients == tc.details().recipients;
                if gpp.basis.is_some() && !same {
                    return Err(NoConsent("tc_string and gpp_string that differ"));
                }
                tc.opposed |= gpp.opposed;
                Ok(Some(tc))
            }
            (tc, gpp) => Ok(tc.or(gpp)),
        }
    }

    fn record(&self, text: &str, column: &'static str) -> Result<Option<ConsentRecord>, NoConsent> {
        if text.is_empty() {
            return Ok(None);
        }
        // In the column of the one kind, the other is a mistake.
        if text.starts_with('D') != (column == "gpp_string") {
            return Err(NoConsent(column));
        }
        let of = |vendors: &[u16]| to_record(text, self.as_of, vendors);
        let mut record = of(&self.vendors).map_err(|error| counted(&error, column))?;
        let counts = |record: &ConsentRecord| {
            self.rule
                .is_none_or(|rule| rule.evaluate(record, self.as_of).is_ok())
        };
        if self.vendors.len() > 1 && !counts(&record) {
            // One record speaks for all its recipients: those of whom the string says too little are not
            // named, so that they do not take it from the others.
            let enough = |vendor: &u16| of(&[*vendor]).is_ok_and(|alone| counts(&alone));
            let enough: Vec<u16> = self.vendors.iter().copied().filter(enough).collect();
            if !enough.is_empty() {
                record = of(&enough).map_err(|error| counted(&error, column))?;
            }
        }
        if self.vendors.is_empty() && record.basis.is_some() {
            // Nobody was asked about, so nobody is named.
            record.details_mut().recipients = Some(Vec::new());
        }
        Ok(Some(record))
    }
}

fn counted(error: &Unusable, column: &'static str) -> NoConsent {
    let reason = match error {
        Unusable::Malformed(_) => None,
        Unusable::Invalid(reasons) => reasons.first(),
    };
    NoConsent(reason.map_or(column, |reason| match reason {
        Invalid::NotServiceSpecific => "consent strings that are not service specific",
        Invalid::OldPolicy => "consent strings of an old policy",
        Invalid::InterestNotAllowed => "consent strings with an interest that is not allowed",
        Invalid::DaysDiffer => "consent strings whose days differ",
        Invalid::NotWholeDays => "consent strings whose times are not whole days",
        Invalid::CreatedInFuture => "consent strings of the future",
        Invalid::DisclosedVendorsMissing => "consent strings without disclosed vendors",
    }))
}
