//! How the parties of a world agree.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_keys::Entropy as _;
use tamis_protocols::consent::ConsentRule;
use tamis_protocols::identifier::{IdentifierType, Profile};
use tamis_protocols::pairing;
use tamis_protocols::wire::api::*;
use tamis_protocols::wire::terms::{Destination, Terms};

use super::World;
use crate::service::ServiceError;

impl World {
    pub(super) fn terms(&self) -> Terms {
        let mut nonce = [0; 16];
        self.parts.entropy.fill(&mut nonce);
        Terms {
            version: 2,
            nonce: hex::encode(nonce),
            advertiser: "shop".into(),
            partner: "graphs".into(),
            protocol: "keyed".into(),
            profile: Profile::Onboarding1,
            identifiers: vec![IdentifierType::Email],
            epoch: 1,
            destinations: vec![
                Destination::new("dsp-a", Some(&[9; 32])),
                Destination::new("dmp-b", None),
            ],
            release: tamis_protocols::release::Policy::floor(),
            crm_rows: None,
            residency: None,
            advertiser_consent: ConsentRule::advertiser(),
            partner_consent: ConsentRule::partner(),
            expires: "2027-11-22".parse().unwrap(),
        }
    }

    pub(super) fn proposal(&self, signer: &str, terms: &str) -> ProposalRequest {
        let signature = pairing::sign_terms(&self.keys[signer], terms.as_bytes());
        ProposalRequest {
            terms: terms.to_owned(),
            signature: BASE64_STANDARD.encode(signature),
            sealed_share: BASE64_STANDARD.encode([1; 80]),
        }
    }

    pub(super) async fn propose(&self, terms: &Terms) -> Result<CollaborationView, ServiceError> {
        let text = serde_json::to_string(terms).unwrap();
        let request = self.proposal("shop", &text);
        self.service.propose(&self.caller("shop"), request).await
    }

    pub(super) async fn accept(&self, view: &CollaborationView) -> CollaborationView {
        let request = self.proposal("graphs", &view.terms);
        let request = AcceptanceRequest {
            signature: request.signature,
            sealed_share: request.sealed_share,
        };
        let partner = self.caller("graphs");
        self.service
            .accept(&partner, &view.id, request)
            .await
            .unwrap()
    }

    pub(super) async fn agree(&self, terms: &Terms) -> String {
        let view = self.propose(terms).await.unwrap();
        self.accept(&view).await.id
    }
}
