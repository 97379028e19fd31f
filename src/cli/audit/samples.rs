//! `tamis audit samples`: what was drawn, and what is still open.

use clap::Args;
use tamis_protocols::wire::api::{Listing, Role, SampleView};

use crate::cli::party::HomeArg;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::paths;

/// List samples: an auditor's own, or those that drew your records
#[derive(Args)]
#[command(after_help = "Example:\n  tamis audit samples")]
pub(in crate::cli) struct Samples {
    #[command(flatten)]
    home: HomeArg,
}

/// Who has samples.
pub(super) const ROLES: [Role; 3] = [Role::Auditor, Role::Advertiser, Role::Partner];

impl Samples {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&ROLES)?;
        let all: Listing<SampleView> = session.client.get(paths::SAMPLES).await?;
        screen.answer(&all, || {
            if all.items.is_empty() {
                return "No samples".to_owned();
            }
            let mut table = prose::table(&["sample", "auditor", "drawn at", "records", "open"]);
            for sample in &all.items {
                table.add_row([
                    sample.id.clone(),
                    sample.auditor.clone(),
                    sample.at.clone(),
                    prose::thousands(sample.drawn),
                    prose::thousands(sample.open),
                ]);
            }
            table.to_string()
        })?;
        Ok(Exit::Done)
    }
}
