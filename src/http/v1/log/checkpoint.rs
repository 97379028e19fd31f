//! `GET /v1/log/checkpoint`.

use axum::extract::State;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The newest signed checkpoint of the log, for every enrolled party; 404 before the first.
#[utoipa::path(
    get,
    path = "/v1/log/checkpoint",
    tag = "log",
    responses(
        (
            status = 200,
            description = "A C2SP signed note: origin, size, root, signature.",
            body = String,
            content_type = "text/plain",
            example = "tamis.example\n42\nqZk+NkcGgWq6PiVxeFDCbJzQ2J0AAAAAAAAAAAAAAAA=\n\n— tamis.example …\n"
        ),
        Anywhere, Unidentified, Missing
    )
)]
pub async fn checkpoint(State(api): State<Api>, _caller: Caller) -> Result<String, Problem> {
    Ok(api.service.checkpoint().await?)
}
