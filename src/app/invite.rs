//! `tamis invite`: a one-time invitation, made beside a running service.

use std::sync::Arc;

use tamis_keys::Entropy;

use super::wiring::wire;
use super::{AppError, SystemClock};
use crate::cli::operator::InviteOptions;
use crate::party::exchange::enrolment::Invitation;

/// Makes an invitation: everything a party needs to enrol, to be handed over safely.
pub async fn invite(
    options: &InviteOptions,
    entropy: Arc<dyn Entropy>,
) -> Result<Invitation, AppError> {
    let clock = Arc::new(SystemClock::default());
    let wired = wire(&options.home, clock, entropy).await?;
    let token = wired.service.invite(&options.name, options.role).await?;
    wired.store.close().await;
    Ok(Invitation {
        url: options.url.clone().unwrap_or(wired.config.url),
        ca_pem: wired.authority.pem().to_owned(),
        name: options.name.clone(),
        role: options.role,
        token,
        log_key: wired.log_key,
    })
}
