//! May a vendor process for a purpose? The questions a valid TC string answers.

use super::validity::{CONSENT_ALONE, Valid};
use super::{RestrictionKind, TcString};
use crate::consent::{Basis, Purposes};

impl<'a> Valid<'a> {
    /// The string itself.
    pub fn string(&self) -> &'a TcString {
        self.0
    }

    /// Whether `vendor` may process for `purpose` (1 to 24) on the basis `on`. The TCF knows consent and
    /// legitimate interest; on any other basis the answer is no.
    ///
    /// All of it must hold: the purpose has the basis, the vendor has the basis, the vendor was disclosed
    /// if the string says who was, and no restriction of the publisher is against it. A vendor that has not
    /// declared a purpose has no use of a yes: that is for its own entry in the Global Vendor List.
    pub fn permits(&self, vendor: u16, purpose: u8, on: Basis) -> bool {
        let string = self.0;
        let given = match on {
            Basis::Consent => {
                string.purposes_consent.contains(purpose) && string.vendors_consent.contains(vendor)
            }
            Basis::LegitimateInterest => {
                // Purpose 1 needs consent by the ePrivacy directive, whatever a string says.
                purpose != 1
                    && !CONSENT_ALONE.contains(purpose)
                    && string.purposes_interest.contains(purpose)
                    && string.vendors_interest.contains(vendor)
            }
            _ => false,
        };
        given && self.disclosed(vendor) && !self.restricted(vendor, purpose, on)
    }

    /// The purposes for which `vendor` may process on the basis `on`.
    pub fn purposes(&self, vendor: u16, on: Basis) -> Purposes {
        (1..=Purposes::HIGHEST)
            .filter(|purpose| self.permits(vendor, *purpose, on))
            .fold(Purposes::NONE, Purposes::with)
    }

    /// Whether the person was shown `vendor`, or the string is of a time when none said so.
    fn disclosed(&self, vendor: u16) -> bool {
        let disclosed = self.0.disclosed_vendors.as_ref();
        disclosed.is_none_or(|vendors| vendors.contains(vendor))
    }

    /// Whether the publisher is against it. Of several restrictions each must be met.
    fn restricted(&self, vendor: u16, purpose: u8, on: Basis) -> bool {
        self.0.restrictions.iter().any(|restriction| {
            let against = match restriction.kind {
                RestrictionKind::NotAllowed => true,
                RestrictionKind::RequireConsent => on != Basis::Consent,
                RestrictionKind::RequireInterest => on != Basis::LegitimateInterest,
            };
            against && restriction.purpose == purpose && restriction.vendors.contains(vendor)
        })
    }
}
