//! Jobs: what the service still has to do, or is doing, for a party.
//!
//! A job is shown to the party that asked for it, and to nobody else: a sealing to the owner of the
//! upload, matches and decisions to the advertiser. How far a sealing is follows from the owner's own
//! bytes. How far a match or a decision is depends on both sides' sets: it is told in whole percent, no
//! finer, and the estimate is made of that and of the time passed, which anybody waiting can measure.

use serde::{Deserialize, Serialize};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Seals an upload.
    Seal,
    /// Matches the newest uploads of both sides.
    Match,
    /// Decides the audiences of a collaboration that wait.
    Decide,
}

/// Where a job is. One that has ended is gone: its subject says what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobStage {
    /// Waits for its turn, for memory, or for another attempt.
    Queued,
    /// Runs.
    Running,
    /// Was cancelled and will have stopped in a moment; nothing comes of it.
    Stopping,
}

/// A job (`GET /v1/jobs/{id}`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    /// Resource id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// What it works on: the id of the upload, of the match, or of the collaboration.
    pub subject: String,
    /// Where it is.
    pub state: JobStage,
    /// Its place among all jobs that wait, from 1; absent once it runs, and behind 1,000 others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// How much of the present run is done, 0 to 1; of a match or a decision in whole percent.
    pub progress: f64,
    /// When the present run began; absent while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Seconds until it ends, if it goes on as it did; absent until that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_seconds_left: Option<u64>,
    /// How often it was started; a service that is killed starts it again.
    pub attempts: u64,
}
