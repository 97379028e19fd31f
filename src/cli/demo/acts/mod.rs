//! The acts, in order; each is a few commands and the checks that must hold after them.

use super::play::Play;
use crate::cli::Failure;

mod activation;
mod agreement;
mod audit;
mod opening;
mod uploads;
mod withdrawal;

/// Plays all of it.
pub(super) async fn perform(play: &mut Play) -> Result<(), Failure> {
    opening::perform(play).await?;
    let fingerprint = agreement::perform(play).await?;
    uploads::perform(play).await?;
    activation::perform(play).await?;
    withdrawal::perform(play).await?;
    audit::perform(play, &fingerprint).await
}
