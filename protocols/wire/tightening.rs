//! A tightening: a party's signed word that a collaboration is decided more strictly from now on.
//!
//! Terms are signed once and never change. Later either party may tighten the release policy for itself
//! and thereby for both; nobody can take that back. A policy is written with every parameter, here and
//! in terms ([`whole`]), so that what is signed means the same under any later floor.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::release::{Policy, Wish};

/// The document that a party signs, as the exact bytes of its JSON form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tightening {
    /// Version of this document: 1.
    pub version: u32,
    /// The collaboration's id.
    pub collaboration: String,
    /// The party's name.
    pub party: String,
    /// 1, 2, 3 …, by party and collaboration: an older one cannot be sent again.
    pub number: u32,
    /// What holds from now on: at least as tight as what held before in every parameter.
    #[serde(deserialize_with = "whole")]
    pub policy: Policy,
}

impl Tightening {
    /// The version of the document.
    pub const VERSION: u32 = 1;
}

/// Reads a policy that has every parameter; one that leaves any to a default is refused.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
    let wish = Wish::deserialize(deserializer)?;
    let said = [
        wish.k_min,
        wish.cell_min,
        wish.noise_scale,
        wish.round_to,
        wish.pair_cap,
        wish.partner_cap,
        wish.window_days,
        wish.look_back_days,
        wish.upload_min,
        wish.tenure_days,
        wish.window_minutes,
    ];
    if said.contains(&None) {
        return Err(D::Error::custom("a policy with every parameter"));
    }
    Policy::try_from(wish).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::Tightening;
    use crate::release::{Policy, Wish};

    fn document() -> Tightening {
        let wish = Wish {
            k_min: Some(250),
            ..Wish::default()
        };
        Tightening {
            version: Tightening::VERSION,
            collaboration: "0a".repeat(16),
            party: "shop".to_owned(),
            number: 1,
            policy: Policy::floor().tightened(&wish).unwrap(),
        }
    }

    #[test]
    fn a_tightening_reads_back_and_nothing_is_left_to_a_default() {
        let text = serde_json::to_string(&document()).unwrap();
        let read: Tightening = serde_json::from_str(&text).unwrap();
        assert_eq!(read, document());
        let parameters: Wish =
            serde_json::from_str(&serde_json::to_string(&read.policy).unwrap()).unwrap();
        assert_eq!(parameters.k_min, Some(250));
        let written = serde_json::to_value(read.policy).unwrap();
        for name in written.as_object().unwrap().keys() {
            let mut without: serde_json::Value = serde_json::from_str(&text).unwrap();
            without["policy"].as_object_mut().unwrap().remove(name);
            assert!(
                serde_json::from_value::<Tightening>(without).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_policy_below_the_floor_is_no_policy() {
        let text = serde_json::to_string(&document()).unwrap();
        for (from, to) in [
            ("\"k_min\":250", "\"k_min\":99"),
            ("\"pair_cap\":8000", "\"pair_cap\":8001"),
            ("\"noise_scale\":5", "\"noise_scale\":1"),
            ("\"number\":1", "\"number\":1,\"more\":1"),
        ] {
            assert!(text.contains(from), "{from}");
            let looser = text.replacen(from, to, 1);
            assert!(serde_json::from_str::<Tightening>(&looser).is_err(), "{to}");
        }
    }
}
