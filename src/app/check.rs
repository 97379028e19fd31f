//! `tamis check`: the checker on an operator's home, while no service runs there.

use std::sync::Arc;

use tamis_keys::Entropy;

use super::lock::DataDirLock;
use super::wiring::{DATABASE, wire};
use super::{AppError, SystemClock};
use crate::cli::operator::{CheckFinding, CheckOptions, CheckReport};
use crate::config::Config;
use crate::service::check::{Checked, Progress};

/// Checks everything under the data directory's lock; refuses while a service holds it.
pub async fn check(
    options: &CheckOptions,
    entropy: Arc<dyn Entropy>,
    progress: Progress<'_>,
) -> Result<CheckReport, AppError> {
    let config = Config::read(&options.home)?;
    let database = options.home.join(DATABASE);
    if config.database.is_none() && !database.exists() {
        // Opening would make an empty one, to which everything is a leftover.
        return Err(AppError::NoDatabase(database));
    }
    let _lock = DataDirLock::take(&config.data_dir(&options.home))?;
    let wired = wire(&options.home, Arc::new(SystemClock::default()), entropy).await?;
    let checked = wired.service.check_stored(progress).await;
    wired.store.close().await;
    Ok(report(checked?))
}

fn report(checked: Checked) -> CheckReport {
    let findings = checked.findings.into_iter();
    CheckReport {
        intact: findings.len() == 0,
        spools: checked.spools,
        sets: checked.sets,
        ledgers: checked.ledgers,
        withdrawals: checked.withdrawals,
        member_files: checked.member_files,
        emissions: checked.emissions,
        leaves: checked.leaves,
        findings: findings
            .map(|finding| CheckFinding {
                object: finding.object,
                problem: finding.problem,
                next: finding.next,
            })
            .collect(),
        leftovers: checked.leftovers,
    }
}
