//! Every address of the HTTP API that a party uses, in one place.

/// One-time enrolment.
pub const ENROLMENTS: &str = "/v1/enrolments";
/// Collaborations of the caller.
pub const COLLABORATIONS: &str = "/v1/collaborations";
/// Uploads of the caller, of every collaboration; tus creation too.
pub const UPLOADS: &str = "/v1/uploads";
/// What the service still has to do for the caller.
pub const JOBS: &str = "/v1/jobs";
/// Enrolled destinations.
pub const DESTINATIONS: &str = "/v1/destinations";
/// The operator's release policy.
pub const POLICY: &str = "/v1/policy";
/// The log's files, as C2SP tlog-tiles lays them out.
pub const LOG: &str = "/v1/log";

/// Samples of consent records.
pub const SAMPLES: &str = "/v1/audit/samples";
/// What consent records say, in counts.
pub const AUDIT_REPORT: &str = "/v1/audit/report";

/// The documents behind the leaves from `from` on.
pub fn audit_documents(from: u64) -> String {
    format!("/v1/audit/documents/{from}")
}

/// One sample; where it is substantiated.
pub fn sample(id: &str) -> String {
    format!("{SAMPLES}/{id}")
}

/// The consent record of one row of an own upload.
pub fn record(upload: &str, row: u64) -> String {
    format!("{UPLOADS}/{upload}/consent/{row}")
}

/// What may be known of a party.
pub fn party(name: &str) -> String {
    format!("/v1/parties/{name}")
}

/// One collaboration.
pub fn collaboration(id: &str) -> String {
    format!("{COLLABORATIONS}/{id}")
}

/// Where the partner signs.
pub fn acceptance(id: &str) -> String {
    format!("{COLLABORATIONS}/{id}/acceptance")
}

/// The release policy that holds in a collaboration; where it is tightened.
pub fn agreed_policy(id: &str) -> String {
    format!("{COLLABORATIONS}/{id}/policy")
}

/// The privacy budget of a collaboration.
pub fn budget(id: &str) -> String {
    format!("{COLLABORATIONS}/{id}/budget")
}

/// What is told of the partner's cookies.
pub fn coverage(id: &str) -> String {
    format!("{COLLABORATIONS}/{id}/coverage")
}

/// One upload; tus `HEAD`, `PATCH` and `DELETE` too.
pub fn upload(id: &str) -> String {
    format!("{UPLOADS}/{id}")
}

/// One job.
pub fn job(id: &str) -> String {
    format!("{JOBS}/{id}")
}

/// Own consent records in a collaboration.
pub fn records(collaboration: &str) -> String {
    format!("{COLLABORATIONS}/{collaboration}/consent")
}

/// Matches of a collaboration.
pub fn matches(collaboration: &str) -> String {
    format!("{COLLABORATIONS}/{collaboration}/matches")
}

/// One match.
pub fn match_(id: &str) -> String {
    format!("/v1/matches/{id}")
}

/// Audiences of a collaboration.
pub fn audiences(collaboration: &str) -> String {
    format!("{COLLABORATIONS}/{collaboration}/audiences")
}

/// One audience.
pub fn audience(collaboration: &str, name: &str) -> String {
    format!("{COLLABORATIONS}/{collaboration}/audiences/{name}")
}

/// Deliveries of a collaboration.
pub fn deliveries(collaboration: &str) -> String {
    format!("{COLLABORATIONS}/{collaboration}/deliveries")
}

/// One delivery.
pub fn delivery(id: &str) -> String {
    format!("/v1/deliveries/{id}")
}

/// Withdrawals of a collaboration.
pub fn withdrawals(collaboration: &str) -> String {
    format!("{COLLABORATIONS}/{collaboration}/withdrawals")
}

/// What is kept of one person.
pub fn subject(collaboration: &str) -> String {
    format!("{COLLABORATIONS}/{collaboration}/subject")
}

/// One withdrawal.
pub fn withdrawal(id: &str) -> String {
    format!("/v1/withdrawals/{id}")
}
