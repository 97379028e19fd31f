//! Enrolling: a one-time token and public keys for a client certificate.
//!
//! The token is judged before anything else of the request, so that nobody without one learns which
//! requests would be accepted; unknown, used and expired tokens get the same answer.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_keys::Secret;
use tamis_keys::envelope;
use tamis_keys::purpose::Webhook;
use tamis_protocols::transparency::{Event, key_fingerprint};
use tamis_protocols::wire::api::{Endpoint, EnrolmentReply, EnrolmentRequest, Role};

use super::files::Object;
use super::invite::token_hash;
use super::parties::view;
use super::{Service, ServiceError};
use crate::store::parties::{Invitation, Party, StoredEndpoint};
use crate::store::{grouped, snapshot};

/// Longest address and longest authority file, in bytes.
const URL_MAX: usize = 2048;
const PEM_MAX: usize = 64 * 1024;

/// After how many days a destination may drop what it was told.
const TTL_DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;

/// A request that can be granted.
struct Checked {
    party: Party,
    webhook: Option<Secret<Webhook>>,
    event: Event,
}

impl Service {
    /// Exchanges an invitation for a certificate. The token can be used once.
    ///
    /// # Errors
    /// `invalid_invitation`, `invalid_key`, `invalid_endpoint`, `invalid_csr`.
    pub async fn enrol(&self, request: EnrolmentRequest) -> Result<EnrolmentReply, ServiceError> {
        let now = self.now();
        let hash = token_hash(&request.token);
        let invitation = snapshot!(self.store(), "enrol-invitation", |tx| {
            tx.invitation(&hash, now).await?.ok_or_else(not_valid)
        })?;
        let Checked {
            party,
            webhook,
            event,
        } = self.check(&invitation, &request)?;
        let until = self.after(now, self.limits().certificate_life);
        let issued = self
            .0
            .parts
            .authority
            .issue_client(&request.csr_pem, &party.name, now, until)
            .map_err(|_| {
                ServiceError::invalid(
                    "invalid_csr",
                    "The certificate request must be PKCS#10 in PEM, signed by its own key.",
                )
            })?;
        grouped!(self.store(), "enrol", |tx| {
            if tx.invitation(&hash, now).await?.is_none() {
                return Err(not_valid());
            }
            tx.use_invitation(&hash, now).await?;
            tx.enrol_party(&party, now).await?;
            tx.add_certificate(&issued.sha256_hex, &party.name, now, until)
                .await?;
            let leaf = self.record(tx, now, &party.name, event.clone(), None);
            let leaf = leaf.await?;
            let sealing_key = party.sealing_key.clone();
            tx.keep_keys(leaf, &party.name, &party.signing_key, sealing_key)
                .await?;
            Ok(())
        })?;
        self.wake();
        Ok(EnrolmentReply {
            party: view(&party),
            certificate_pem: issued.pem_chain,
            log_key: self.log_key(),
            webhook_secret: webhook
                .map(|secret| format!("whsec_{}", BASE64_STANDARD.encode(secret.expose()))),
        })
    }

    /// The party-to-be, its webhook secret if it is a destination, and what the log will say.
    fn check(
        &self,
        invitation: &Invitation,
        request: &EnrolmentRequest,
    ) -> Result<Checked, ServiceError> {
        let signing = public_key(&request.signing_key)?;
        let sealing = request.sealing_key.as_deref().map(public_key).transpose()?;
        let sides = matches!(invitation.role, Role::Advertiser | Role::Partner);
        if sides && sealing.is_none() {
            return Err(ServiceError::invalid(
                "invalid_key",
                "An advertiser and a partner need a sealing key to receive pair shares.",
            ));
        }
        let (endpoint, webhook) = match (invitation.role, &request.endpoint) {
            (Role::Destination, Some(endpoint)) => {
                let (stored, secret) = self.endpoint(&invitation.name, endpoint)?;
                (Some(stored), Some(secret))
            }
            (Role::Destination, None) => {
                return Err(bad_endpoint("A destination needs an endpoint."));
            }
            (_, Some(_)) => return Err(bad_endpoint("Only a destination has an endpoint.")),
            (_, None) => (None, None),
        };
        let party = Party {
            name: invitation.name.clone(),
            role: invitation.role,
            signing_key: request.signing_key.clone(),
            sealing_key: request.sealing_key.clone(),
            endpoint,
        };
        let event = Event::Enrolment {
            party: party.name.clone(),
            role: party.role.as_str().to_owned(),
            signing_key: key_fingerprint(&signing),
            sealing_key: sealing.as_ref().map(key_fingerprint),
        };
        Ok(Checked {
            party,
            webhook,
            event,
        })
    }

    fn endpoint(
        &self,
        party: &str,
        endpoint: &Endpoint,
    ) -> Result<(StoredEndpoint, Secret<Webhook>), ServiceError> {
        let url = reqwest::Url::parse(&endpoint.url)
            .ok()
            .filter(|url| endpoint.url.len() <= URL_MAX && url.scheme() == "https")
            .filter(|url| url.has_host() && url.fragment().is_none())
            .filter(|url| url.username().is_empty() && url.password().is_none())
            .ok_or_else(|| {
                bad_endpoint("The endpoint must be an https:// address without user name.")
            })?;
        if let Some(pem) = &endpoint.ca_pem {
            let mut certificates = x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes());
            let good = pem.len() <= PEM_MAX
                && certificates.next().is_some_and(|first| {
                    first.is_ok_and(|pem| pem.label == "CERTIFICATE" && pem.parse_x509().is_ok())
                });
            if !good {
                return Err(bad_endpoint(
                    "The endpoint's authority must be a certificate in PEM.",
                ));
            }
        }
        if endpoint
            .member_ttl_days
            .is_some_and(|days| !TTL_DAYS.contains(&days))
        {
            return Err(bad_endpoint(
                "A destination drops members after 1 to 3,650 days, or never.",
            ));
        }
        let secret = Secret::<Webhook>::generate(self.entropy());
        let object = Object::Webhook(party);
        let (key, wrapped_key) = self.new_key(object);
        let sealed = envelope::seal(&key, secret.expose(), &object.context(), self.entropy());
        let stored = StoredEndpoint {
            url: url.to_string(),
            ca_pem: endpoint.ca_pem.clone(),
            sealed_secret: BASE64_STANDARD.encode(sealed),
            wrapped_key,
            member_ttl_days: endpoint.member_ttl_days.map(u64::from),
        };
        Ok((stored, secret))
    }
}

fn public_key(base64: &str) -> Result<[u8; 32], ServiceError> {
    let bytes = BASE64_STANDARD.decode(base64).unwrap_or_default();
    bytes.try_into().map_err(|_| {
        ServiceError::invalid(
            "invalid_key",
            "A public key is 32 bytes in standard base64.",
        )
    })
}

fn bad_endpoint(detail: &str) -> ServiceError {
    ServiceError::invalid("invalid_endpoint", detail)
}

fn not_valid() -> ServiceError {
    ServiceError::invalid(
        "invalid_invitation",
        "The invitation is not valid, was used, or has expired: ask the operator for a new one.",
    )
}
