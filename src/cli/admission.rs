//! What the service would refuse of a file, said before anything is sent.

use tamis_protocols::release::Policy;
use tamis_protocols::wire::api::{Role, UploadMode};
use tamis_protocols::wire::terms::Terms;

use super::prose;
use crate::party::Quality;

/// Why the service would not take a full upload of the advertiser; nothing if it would. Of a change it is
/// only the service that knows the whole set.
pub(super) fn objection(
    (role, mode): (Role, UploadMode),
    policy: &Policy,
    terms: &Terms,
    quality: &Quality,
) -> Option<String> {
    if role != Role::Advertiser || mode != UploadMode::Full {
        return None;
    }
    let least = u64::from(policy.upload_min());
    if quality.usable < least {
        return Some(format!(
            "{} rows can take part; the service takes a set of {} or more, so that nobody is singled out",
            prose::thousands(quality.usable),
            prose::thousands(least)
        ));
    }
    let most = terms.crm_rows?.saturating_mul(150) / 100;
    (quality.rows > most).then(|| {
        format!(
            "the file has {} rows; the service takes {} at most, half as many again as the terms declare",
            prose::thousands(quality.rows),
            prose::thousands(most)
        )
    })
}

/// What to do about an objection.
pub(super) const NEXT: &str = "Nothing was sent. Send all of your customers in one file, each with consent; if your CRM has outgrown the terms, propose a new collaboration with --crm-rows.";
