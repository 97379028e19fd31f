//! The terms of a collaboration: the document that both parties sign.

use serde::{Deserialize, Serialize};

use super::tightening::whole;
use crate::consent::{ConsentRule, Destinations};
use crate::identifier::{IdentifierType, Profile};
use crate::release::Policy;
use crate::transparency::key_fingerprint;

/// What both parties agree to. Signed as the exact bytes of its JSON form, never re-serialised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Version of this document: 2.
    pub version: u32,
    /// 16 random bytes, hexadecimal: makes the collaboration's id unique.
    pub nonce: String,
    /// The advertiser's name.
    pub advertiser: String,
    /// The partner's name.
    pub partner: String,
    /// The matching protocol: `keyed`.
    pub protocol: String,
    /// The normalisation profile both sides use.
    pub profile: Profile,
    /// The identifier types that take part.
    pub identifiers: Vec<IdentifierType>,
    /// The epoch of the pair key, from 1.
    pub epoch: u32,
    /// Destinations that may receive audiences, with the keys that labels are sealed to.
    pub destinations: Vec<Destination>,
    /// The release policy, every parameter of it; never looser than the operator's.
    #[serde(deserialize_with = "whole")]
    pub release: Policy,
    /// Rows of the advertiser's CRM as it declares them: a set may have half as many more. Absent: its
    /// first sealed set is the declaration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm_rows: Option<u64>,
    /// Tag of the place where the service must keep the data, `[a-z][a-z0-9-]{1,15}` such as `eu`. Absent: anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residency: Option<String>,
    /// What an advertiser's row must carry to take part.
    pub advertiser_consent: ConsentRule,
    /// What a partner's row must carry to take part.
    pub partner_consent: ConsentRule,
    /// The last day, `YYYY-MM-DD`.
    pub expires: jiff::civil::Date,
}

/// A destination as both parties mean it: its name, and the key that nobody may exchange for another.
///
/// The service says which keys a destination has. With the fingerprint signed, a service that shows
/// another key later, or none, is noticed before a cookie is sealed to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// The destination's name.
    pub name: String,
    /// [`key_fingerprint`] of its X25519 key, as in the log's leaf of its enrolment; absent: it takes
    /// open cookies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
    /// Its number on the IAB's list of vendors, by which a consent may name it; absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<u16>,
}

impl Destination {
    /// A destination with the key it has now, 32 bytes, if it has one.
    pub fn new(name: &str, sealing_key: Option<&[u8; 32]>) -> Self {
        Destination {
            name: name.to_owned(),
            sealing_key: sealing_key.map(key_fingerprint),
            vendor: None,
        }
    }

    /// Whether `sealing_key` is the one that was meant; no key is only right where none was meant.
    pub fn means(&self, sealing_key: Option<&[u8; 32]>) -> bool {
        self.sealing_key == sealing_key.map(key_fingerprint)
    }
}

impl Terms {
    /// The version of the document.
    pub const VERSION: u32 = 2;

    /// The names of the destinations, in the order of the terms.
    pub fn destination_names(&self) -> impl Iterator<Item = &str> {
        self.destinations.iter().map(|one| one.name.as_str())
    }

    /// The destinations as consent records name them.
    pub fn recipients(&self) -> Destinations {
        let one = |one: &'_ Destination| (one.name.clone(), one.vendor);
        let named: Vec<_> = self.destinations.iter().map(one).collect();
        Destinations::new(named.iter().map(|(name, vendor)| (name.as_str(), *vendor)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::{ConsentRule, Destination, Policy, Terms};

    #[test]
    fn only_the_key_that_was_meant_is_the_destinations() {
        let sealed = Destination::new("dsp-a", Some(&[7; 32]));
        assert!(sealed.means(Some(&[7; 32])));
        assert!(!sealed.means(Some(&[8; 32])));
        assert!(!sealed.means(None));
        let open = Destination::new("dmp-b", None);
        assert!(open.means(None));
        assert!(!open.means(Some(&[7; 32])));
    }

    #[test]
    fn terms_have_every_parameter_of_the_policy_and_none_below_the_floor() {
        let terms = serde_json::json!({
            "version": 2, "nonce": "00", "advertiser": "shop", "partner": "graph",
            "protocol": "keyed", "profile": "onboarding-1", "identifiers": ["email"], "epoch": 1,
            "destinations": [{"name": "dmp-b"}], "release": Policy::floor(),
            "advertiser_consent": ConsentRule::advertiser(),
            "partner_consent": ConsentRule::partner(), "expires": "2027-11-22"
        });
        let read = |terms: &serde_json::Value| serde_json::from_value::<Terms>(terms.clone());
        let known = read(&terms).unwrap();
        assert_eq!((known.release, known.crm_rows), (Policy::floor(), None));
        for (name, value) in [("k_min", 99), ("pair_cap", 8_001), ("upload_min", 1)] {
            let mut looser = terms.clone();
            looser["release"][name] = value.into();
            assert!(read(&looser).is_err(), "{name}");
            let mut silent = terms.clone();
            silent["release"].as_object_mut().unwrap().remove(name);
            assert!(read(&silent).is_err(), "{name}");
        }
    }

    #[test]
    fn a_destination_has_one_written_form() {
        let known = |text: &str| serde_json::from_str::<Destination>(text).is_ok();
        assert!(known(r#"{"name":"dmp-b"}"#));
        assert!(!known(r#""dmp-b""#));
        assert!(!known(r#"{"name":"dmp-b","key":"x"}"#));
    }
}
