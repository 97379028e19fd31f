//! The JSON documents of the HTTP API, shared by the service and by its clients.
//!
//! Every count in here about the *other* side of a collaboration is a [`ReleasedCount`]: noised,
//! rounded, or withheld. Counts about a party's own rows are exact, and are shown to that party only.
//! Times are RFC 3339 in UTC, dates are `YYYY-MM-DD`, binary values are standard base64 with padding,
//! identifiers of resources are 32 lowercase hexadecimal digits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a party is in the service; fixed at invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Brings CRM rows and segments.
    Advertiser,
    /// Brings an identity graph: keyed identifiers to cookies.
    Partner,
    /// A DMP or DSP that receives audiences.
    Destination,
    /// Reads the log, and nothing else.
    Auditor,
}

impl Role {
    /// The word used in the API, on the command line and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Advertiser => "advertiser",
            Role::Partner => "partner",
            Role::Destination => "destination",
            Role::Auditor => "auditor",
        }
    }

    /// The inverse of [`Role::as_str`].
    pub fn parse(word: &str) -> Option<Role> {
        [
            Role::Advertiser,
            Role::Partner,
            Role::Destination,
            Role::Auditor,
        ]
        .into_iter()
        .find(|role| role.as_str() == word)
    }
}

/// `POST /v1/enrolments`: exchange a one-time invitation token for a client certificate.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EnrolmentRequest {
    /// The one-time token of the invitation.
    pub token: String,
    /// PKCS#10 request, PEM; its subject is ignored, the invitation names the party.
    pub csr_pem: String,
    /// Ed25519 public key, 32 bytes, base64: signs terms and acceptances.
    pub signing_key: String,
    /// X25519 public key, 32 bytes, base64: receives pair shares, and for destinations labels.
    /// A destination may leave it out; its cookies are then held by the operator under envelope encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
    /// Destinations only: where deliveries go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

/// Where a destination receives deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// An `https://` address; no redirects are followed.
    pub url: String,
    /// PEM of the only authority trusted for this endpoint; absent: the public web's authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
}

/// The answer to an enrolment.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolmentReply {
    /// The enrolled party.
    pub party: PartyView,
    /// The client certificate and its issuer, PEM, leaf first.
    pub certificate_pem: String,
    /// The log's verifier key (signed-note `vkey` line).
    pub log_key: String,
    /// Destinations only: the Standard Webhooks secret, `whsec_` and base64; shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<String>,
}

/// What enrolled parties may know of each other: a name, a role and public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartyView {
    /// Unique name, `[a-z][a-z0-9-]{1,31}`.
    pub name: String,
    /// What the party is.
    pub role: Role,
    /// Ed25519 public key, base64.
    pub signing_key: String,
    /// X25519 public key, base64; absent for a destination that takes open cookies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
}

/// `POST /v1/collaborations`: the advertiser proposes signed terms.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProposalRequest {
    /// The exact bytes of the [`crate::wire::terms::Terms`] document that are signed.
    pub terms: String,
    /// Ed25519 signature over the terms, base64.
    pub signature: String,
    /// The proposer's pair share, sealed to the other party, base64.
    pub sealed_share: String,
}

/// `POST /v1/collaborations/{id}/acceptance`: the partner signs the same bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptanceRequest {
    /// Ed25519 signature over the same terms, base64.
    pub signature: String,
    /// The acceptor's pair share, sealed to the proposer, base64.
    pub sealed_share: String,
}

/// Where a collaboration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CollaborationState {
    /// Signed by the proposer only.
    Proposed,
    /// Signed by both.
    Active,
    /// Past its last day: nothing new is accepted.
    Expired,
}

/// A collaboration as one of its two parties sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CollaborationView {
    /// The first 16 bytes of SHA-256 of the terms, hexadecimal.
    pub id: String,
    /// Where it stands.
    pub state: CollaborationState,
    /// The exact signed bytes.
    pub terms: String,
    /// The proposer.
    pub advertiser: PartyView,
    /// The other side.
    pub partner: PartyView,
    /// The proposer's signature.
    pub advertiser_signature: String,
    /// The acceptor's signature, once accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_signature: Option<String>,
    /// The share that the other party sealed to the caller, once there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_for_you: Option<String>,
}

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Bytes are missing.
    Receiving,
    /// All bytes are there; sealing waits or runs.
    Sealing,
    /// A sealed set: ready to match.
    Sealed,
    /// The content was refused; see `refusal`.
    Refused,
    /// Ended by its owner, or not completed in time.
    Terminated,
}

/// An upload, as its owner sees it (`GET /v1/uploads/{id}`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadView {
    /// Resource id.
    pub id: String,
    /// The collaboration it belongs to.
    pub collaboration: String,
    /// Where it stands.
    pub state: UploadState,
    /// Declared length in bytes.
    pub length: u64,
    /// Bytes stored so far.
    pub offset: u64,
    /// When it was created.
    pub created_at: String,
    /// Rows read so far while sealing.
    pub rows_read: u64,
    /// Sealing failed for a reason of the service's own and is tried again; nothing need be sent anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retrying: bool,
    /// What was made of the rows, once sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<UploadReport>,
    /// Why it was refused, in words for its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// What sealing made of an upload: exact, and for its owner only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadReport {
    /// Rows in the upload.
    pub rows: u64,
    /// Rows that take part in matching.
    pub accepted: u64,
    /// Rows left out, by reason (`DropReason` words).
    pub dropped: BTreeMap<String, u64>,
    /// Partner only: persons after merging rows that share an identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<u64>,
    /// Advertiser only: accepted rows per segment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, u64>,
    /// Merkle root over the commitments of the upload's consent records, hexadecimal.
    pub consent_root: String,
}

/// A count that has passed the release gate: noised, rounded, or withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ReleasedCount {
    /// Noised, then rounded.
    Released {
        /// The rounded value.
        about: u64,
    },
    /// Fewer than the minimum: nothing else is said.
    BelowMinimum,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting or running.
    Pending,
    /// Finished; the result is there.
    Done,
    /// Could not be finished; nothing was released.
    Failed,
}

/// A match (`POST /v1/collaborations/{id}/matches`, `GET /v1/matches/{id}`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchView {
    /// Resource id.
    pub id: String,
    /// The collaboration.
    pub collaboration: String,
    /// Where it stands.
    pub state: JobState,
    /// The advertiser's upload that was matched.
    pub advertiser_upload: String,
    /// Matched persons, once done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<ReleasedCount>,
    /// Whole percent of released numbers: `matched` over the accepted rows of the advertiser's upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_percent: Option<u8>,
    /// Index of the gate decision's leaf in the log, once done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
}

/// What the destination shall do with an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AudienceUse {
    /// Show to the members.
    Target,
    /// Do not show to the members.
    Exclude,
}

/// `PUT /v1/collaborations/{id}/audiences/{name}`: name an audience, or decide it anew on the newest uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AudienceRequest {
    /// Segments combined, e.g. `loyalty in (silver, gold) and not status = inactive`; `all` is everyone.
    pub expression: String,
    /// Destinations of the collaboration; one gate decision each.
    pub destinations: Vec<String>,
    /// What the destinations shall do with it.
    #[serde(rename = "use")]
    pub purpose: AudienceUse,
}

/// Where an audience stands at one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AudienceState {
    /// The gate has not decided yet.
    Deciding,
    /// Released: deliveries bring the destination to its state.
    Released,
    /// Refused: fewer persons than the minimum.
    BelowMinimum,
    /// The decision could not be taken; nothing was released.
    Failed,
}

/// An audience (`GET /v1/collaborations/{id}/audiences/{name}`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudienceView {
    /// Name, `[a-z][a-z0-9-]{0,63}`.
    pub name: String,
    /// The collaboration.
    pub collaboration: String,
    /// The expression as given.
    pub expression: String,
    /// What the destinations shall do with it.
    #[serde(rename = "use")]
    pub purpose: AudienceUse,
    /// One entry per destination.
    pub destinations: Vec<AudienceAtDestination>,
}

/// An audience at one destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudienceAtDestination {
    /// The destination's name.
    pub destination: String,
    /// Where it stands.
    pub state: AudienceState,
    /// Distinct persons with a live cookie there, once decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<ReleasedCount>,
    /// Index of the gate decision's leaf, once decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// The newest delivery, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryState>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waiting for its turn, or for its next attempt.
    Queued,
    /// Batches are on their way.
    Sending,
    /// The destination acknowledged every batch.
    Delivered,
    /// Attempts are used up; the operator must look.
    Failed,
}

/// Why a delivery was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryReason {
    /// The gate released the audience.
    Release,
    /// Somebody withdrew.
    Withdrawal,
    /// Somebody's consent aged out.
    Expiry,
}

/// A delivery, without sizes: those are said once, by the gate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryView {
    /// Resource id.
    pub id: String,
    /// The audience's name.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// Why it was made.
    pub reason: DeliveryReason,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: String,
    /// When the last batch was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<String>,
    /// When the next attempt is due, while queued after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
    /// Index of the receipt's leaf, once delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
}

/// `POST /v1/collaborations/{id}/withdrawals`: tokens of people who withdrew.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WithdrawalRequest {
    /// Tokens, 32 hexadecimal digits each, 1 to 50,000 of them.
    pub tokens: Vec<String>,
}

/// A withdrawal as its sender sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithdrawalView {
    /// Resource id.
    pub id: String,
    /// The collaboration.
    pub collaboration: String,
    /// Tokens received.
    pub tokens: u64,
    /// When it took effect.
    pub at: String,
    /// Index of its leaf in the log.
    pub log_index: u64,
    /// How far every destination is: `queued`, `sending`, `delivered` or `failed`.
    pub destinations: BTreeMap<String, DeliveryState>,
}

/// An RFC 9457 problem document.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:tamis:problem:` and a stable code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same sentence for every occurrence of the code.
    pub title: String,
    /// HTTP status code.
    pub status: u16,
    /// What happened this time and what to do next; never an identifier, token, cookie or exact count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listing<T> {
    /// The items, newest first, at most 1,000.
    pub items: Vec<T>,
}
