//! `tamis quarantine`: looked at, and ended, beside a running service.

use std::sync::Arc;

use tamis_keys::Entropy;

use super::wiring::wire;
use super::{AppError, SystemClock};
use crate::cli::operator::{QuarantineOptions, QuarantineReport, Quarantined};
use crate::domain::id::Id;
use crate::service::ServiceError;

/// Lists what waits for the operator, or lets one upload go on.
pub async fn quarantine(
    options: &QuarantineOptions,
    entropy: Arc<dyn Entropy>,
) -> Result<QuarantineReport, AppError> {
    let clock = Arc::new(SystemClock::default());
    let wired = wire(&options.home, clock, entropy).await?;
    let mut queued = None;
    if let Some(word) = &options.clear {
        let cleared = match Id::parse(word) {
            Some(upload) => wired.service.clear_quarantine(upload).await,
            None => Err(ServiceError::NotFound),
        };
        queued = Some(cleared.map_err(|error| match error {
            ServiceError::NotFound => AppError::NotInQuarantine(word.clone()),
            error => error.into(),
        })?);
    }
    let waiting = wired.service.quarantines().await?;
    wired.store.close().await;
    let waiting = waiting.into_iter().map(|found| Quarantined {
        upload: found.upload.to_string(),
        owner: found.owner,
        collaboration: found.collaboration.to_string(),
        at: found.at.to_string(),
    });
    Ok(QuarantineReport {
        waiting: waiting.collect(),
        queued,
    })
}
