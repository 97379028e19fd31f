//! Which endpoint answers where: the list from which router and OpenAPI document are both made.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::limits::{self, Gate, Limits};
use super::v1::{
    audiences, audit, collaborations, deliveries, enrolments, jobs, log, matches, parties, policy,
    subjects, uploads, withdrawals,
};
use super::{Api, health, problem, trace};

/// Longest substantiation in bytes: 500 proofs of records.
const SUBSTANTIATION_BYTES: usize = 4 << 20;

/// Every endpoint, with the limit of its body.
pub fn endpoints(limits: &Limits) -> OpenApiRouter<Api> {
    let withdrawal = DefaultBodyLimit::max(limits.withdrawal_bytes);
    let records = DefaultBodyLimit::max(limits.withdrawal_bytes);
    OpenApiRouter::default()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::openapi))
        .routes(routes!(enrolments::enrol))
        .routes(routes!(parties::me::me))
        .routes(routes!(parties::show::party))
        .routes(routes!(parties::destinations::destinations))
        .routes(routes!(
            collaborations::list::collaborations,
            collaborations::propose::propose
        ))
        .routes(routes!(collaborations::show::collaboration))
        .routes(routes!(collaborations::accept::accept))
        .routes(routes!(policy::policy))
        .routes(routes!(
            collaborations::policy::agreed_policy,
            collaborations::tighten::tighten
        ))
        .routes(routes!(collaborations::coverage::coverage))
        .routes(routes!(collaborations::budget::budget))
        .routes(routes!(collaborations::records::records).layer(records))
        .routes(routes!(
            uploads::options::upload_options,
            uploads::list::uploads,
            uploads::create::create_upload
        ))
        .routes(routes!(
            uploads::show::upload,
            uploads::head::upload_offset,
            uploads::append::append_upload,
            uploads::terminate::terminate_upload
        ))
        .routes(routes!(uploads::record::record_proof))
        .routes(routes!(jobs::list::jobs))
        .routes(routes!(jobs::show::job, jobs::cancel::cancel_job))
        .routes(routes!(matches::start::start_match))
        .routes(routes!(matches::show::show_match))
        .routes(routes!(audiences::list::audiences))
        .routes(routes!(
            audiences::show::audience,
            audiences::put::put_audience
        ))
        .routes(routes!(deliveries::list::deliveries))
        .routes(routes!(deliveries::show::delivery))
        .routes(
            routes!(
                withdrawals::list::withdrawals,
                withdrawals::create::withdraw
            )
            .layer(withdrawal),
        )
        .routes(routes!(withdrawals::show::withdrawal))
        .routes(routes!(subjects::subject))
        .routes(routes!(audit::documents::audit_documents))
        .routes(routes!(audit::list::samples, audit::draw::draw_sample))
        .routes(
            routes!(audit::show::sample, audit::substantiate::substantiate)
                .layer(DefaultBodyLimit::max(SUBSTANTIATION_BYTES)),
        )
        .routes(routes!(audit::report::consent_report))
        .routes(routes!(log::checkpoint::checkpoint))
        .routes(routes!(log::key::log_key))
        .routes(routes!(log::tile::tile))
}

/// The router with all of its middleware, ready to be served.
pub fn router(api: Api) -> Router {
    let (router, _) = endpoints(&api.limits).split_for_parts();
    router
        .layer(DefaultBodyLimit::max(api.limits.body_bytes))
        .layer(from_fn(problem::complete))
        .layer(from_fn_with_state(Gate::new(&api.limits), limits::hold))
        .layer(from_fn_with_state(api.entropy.clone(), trace::follow))
        .with_state(api)
}
