//! What a person in the United States opted out of.

use serde::Serialize;

use super::layout::Field;
use super::us_privacy::Answer;
use super::{GppString, Section, StateSection, UsPrivacy};

/// What was opted out of; of several sections, anything that one of them says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct OptOuts {
    /// Sale.
    pub sale: bool,
    /// Sharing, in California's sense: for advertising across contexts.
    pub sharing: bool,
    /// Targeted advertising.
    pub targeted_advertising: bool,
    /// A child is known to be concerned and a consent is missing, without which nothing of it may be sold.
    pub child: bool,
}

impl OptOuts {
    /// Whether there is any: then the person is in no audience.
    pub fn any(self) -> bool {
        self.sale || self.sharing || self.targeted_advertising || self.child
    }

    fn and(self, other: OptOuts) -> OptOuts {
        OptOuts {
            sale: self.sale || other.sale,
            sharing: self.sharing || other.sharing,
            targeted_advertising: self.targeted_advertising || other.targeted_advertising,
            child: self.child || other.child,
        }
    }
}

impl UsPrivacy {
    /// What it says was opted out of.
    pub fn opted_out(&self) -> OptOuts {
        OptOuts {
            sale: self.opted_out_of_sale == Answer::Yes,
            ..OptOuts::default()
        }
    }
}

impl StateSection {
    /// What it says was opted out of. A Global Privacy Control that is on opts out of all three: the states
    /// that know it let it stand for sale, sharing and targeted advertising.
    pub fn opted_out(&self) -> OptOuts {
        let one = |field: Field| self.field(field).is_some_and(|values| values.contains(&1));
        let control = self.gpc() == Some(true);
        OptOuts {
            sale: control || one(Field::SaleOptOut),
            sharing: control || one(Field::SharingOptOut),
            targeted_advertising: control || one(Field::TargetedAdvertisingOptOut),
            child: one(Field::KnownChildSensitiveDataConsents),
        }
    }
}

impl Section {
    /// What an American section says was opted out of; none for the others.
    pub fn opted_out(&self) -> Option<OptOuts> {
        match self {
            Section::UsPrivacy(section) => Some(section.opted_out()),
            Section::State(section) => Some(section.opted_out()),
            _ => None,
        }
    }
}

impl GppString {
    /// What its American sections say was opted out of, all together; none if it has no such section.
    pub fn opted_out(&self) -> Option<OptOuts> {
        let said = self.sections.iter().filter_map(Section::opted_out);
        said.reduce(OptOuts::and)
    }
}
