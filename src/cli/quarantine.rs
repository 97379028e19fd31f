//! `tamis quarantine`: uploads that the operator has to look at before anything of them is delivered.

use std::path::PathBuf;

use clap::Args;

use super::operator::QuarantineOptions;
use super::{Exit, Failure, Screen, Wiring, prose};

/// List uploads with an abnormal match rate, or let one go on; works beside a running service
#[derive(Args)]
#[command(
    after_help = "Examples:\n  tamis quarantine --home /var/lib/tamis\n  tamis quarantine --home /var/lib/tamis --clear 5e1f…"
)]
pub(super) struct Quarantine {
    /// The operator's home
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Deliver what was decided on this upload; its id as the list shows it
    #[arg(long, value_name = "UPLOAD")]
    clear: Option<String>,
}

impl Quarantine {
    pub(super) fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let cleared = self.clear.clone();
        let report = wiring.operator.quarantine(&QuarantineOptions {
            home: self.home,
            clear: self.clear,
        })?;
        screen.answer(&report, || {
            if let (Some(upload), Some(queued)) = (&cleared, report.queued) {
                return format!("Upload {upload} goes on: {queued} deliveries are queued.");
            }
            if report.waiting.is_empty() {
                return "Nothing is in quarantine.".to_owned();
            }
            let mut table = prose::table(&["upload", "of", "collaboration", "since"]);
            for one in &report.waiting {
                table.add_row([&one.upload, &one.owner, &one.collaboration, &one.at]);
            }
            format!(
                "{table}\nTheir match rate is abnormal: far more matched than is usual, as when somebody \
                 uploads everybody. Their owners see nothing unusual.\n\
                 Next: ask the owner where the file is from; then tamis quarantine --clear UPLOAD"
            )
        })?;
        Ok(Exit::Done)
    }
}
