//! Why a use case did not do it.

use std::fmt;

use crate::store::StoreError;

/// The caller's fault, the resource's state, or ours. Never an identifier, token, cookie or count.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Not there, or not for this caller: the two are not told apart.
    #[error("there is no such resource")]
    NotFound,
    /// The request cannot be accepted as it is.
    #[error("{code}: {detail}")]
    Invalid {
        /// Stable.
        code: &'static str,
        /// What to do next.
        detail: String,
    },
    /// The request does not fit the present state.
    #[error("{code}: {detail}")]
    Conflict {
        /// Stable.
        code: &'static str,
        /// What to do next.
        detail: String,
    },
    /// The service cannot do this at the moment.
    #[error("{detail}")]
    Unavailable {
        /// What to do next.
        detail: String,
    },
    /// The service failed. For its own log only.
    #[error("internal: {0}")]
    Internal(String),
}

impl ServiceError {
    pub(super) fn invalid(code: &'static str, detail: impl Into<String>) -> ServiceError {
        let detail = detail.into();
        ServiceError::Invalid { code, detail }
    }

    pub(super) fn conflict(code: &'static str, detail: impl Into<String>) -> ServiceError {
        let detail = detail.into();
        ServiceError::Conflict { code, detail }
    }

    /// A failure of a file or of another room of ours.
    pub(super) fn internal(what: &'static str, error: impl fmt::Display) -> ServiceError {
        ServiceError::Internal(format!("{what}: {error}"))
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotOneRow { .. } => ServiceError::conflict(
                "changed_meanwhile",
                "Somebody changed this at the same time: read it again, then decide.",
            ),
            StoreError::Database {
                source: sqlx::Error::PoolTimedOut,
                ..
            } => ServiceError::Unavailable {
                detail: "The database is busy: try again in a moment.".to_owned(),
            },
            error => ServiceError::Internal(error.to_string()),
        }
    }
}
