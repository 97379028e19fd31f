//! Drafting the terms that both parties sign.

use jiff::civil::Date;
use tamis_keys::Entropy;
use tamis_protocols::consent::ConsentRule;
use tamis_protocols::identifier::{IdentifierType, Profile};
use tamis_protocols::release::Policy;
use tamis_protocols::wire::terms::{Destination, Terms};

/// What the advertiser chooses; the rest follows from the defaults of the protocol.
pub struct Draft {
    /// The proposing party.
    pub advertiser: String,
    /// The other side.
    pub partner: String,
    /// Destinations that may receive audiences; at least one, each once.
    pub destinations: Vec<Destination>,
    /// Identifier types that take part; at least one.
    pub identifiers: Vec<IdentifierType>,
    /// The normalisation profile.
    pub profile: Profile,
    /// The release policy.
    pub release: Policy,
    /// Rows of the advertiser's CRM, if it declares them.
    pub crm_rows: Option<u64>,
    /// Where the data must stay, if anywhere.
    pub residency: Option<String>,
    /// What an advertiser's row must carry.
    pub advertiser_consent: ConsentRule,
    /// What a partner's row must carry.
    pub partner_consent: ConsentRule,
    /// The last day.
    pub expires: Date,
}

impl Draft {
    /// The terms with a fresh nonce, in epoch 1.
    pub fn into_terms(mut self, entropy: &dyn Entropy) -> Terms {
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce);
        self.identifiers.sort_unstable();
        self.identifiers.dedup();
        self.destinations
            .sort_by(|one, other| one.name.cmp(&other.name));
        Terms {
            version: Terms::VERSION,
            nonce: hex::encode(nonce),
            advertiser: self.advertiser,
            partner: self.partner,
            protocol: "keyed".to_owned(),
            profile: self.profile,
            identifiers: self.identifiers,
            epoch: 1,
            destinations: self.destinations,
            release: self.release,
            crm_rows: self.crm_rows,
            residency: self.residency,
            advertiser_consent: self.advertiser_consent,
            partner_consent: self.partner_consent,
            expires: self.expires,
        }
    }
}
