//! `GET /healthz`, `GET /readyz`, `GET /openapi.json`: for everybody, and the same for everybody.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::Api;
use super::documented::Anywhere;
use super::problem::Problem;

/// That the service runs.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// The process runs and answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    security(()),
    responses((status = 200, description = "It runs.", body = Health), Anywhere)
)]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The service can do its work: its database answers, and its log is complete.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    responses((status = 200, description = "It is ready; 503 while it is not.", body = Health), Anywhere)
)]
pub async fn readyz(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    if api.uploads.stop.is_cancelled() || !api.service.ready().await {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_ready",
            "The service is not ready.",
        ));
    }
    Ok(Json(Health { status: "ok" }))
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "health",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value), Anywhere)
)]
pub async fn openapi(State(api): State<Api>) -> Json<serde_json::Value> {
    Json(api.document.as_ref().clone())
}
