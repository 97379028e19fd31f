//! `tamis audit report`: what consent records say, in counts.

use clap::Args;
use tamis_protocols::wire::api::{ConsentReportView, Role};

use crate::cli::party::HomeArg;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::paths;

/// Count consent records by purpose, basis, source, notice version, age and jurisdiction (auditors); small cells withheld
#[derive(Args)]
#[command(after_help = "Example:\n  tamis audit report --json")]
pub(in crate::cli) struct Report {
    #[command(flatten)]
    home: HomeArg,
}

impl Report {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&[Role::Auditor])?;
        let view: ConsentReportView = session.client.get(paths::AUDIT_REPORT).await?;
        screen.answer(&view, || {
            let mut text = String::new();
            for upload in &view.uploads {
                text += &format!(
                    "{} upload {} of {} in collaboration {}, leaf {}\n",
                    upload.kind,
                    upload.upload,
                    upload.party,
                    upload.collaboration,
                    upload.log_index
                );
                let mut table = prose::table(&["field", "value", "records"]);
                for (field, cells) in &upload.fields {
                    for (value, count) in &cells.told {
                        table.add_row([field.clone(), value.clone(), prose::thousands(*count)]);
                    }
                    if cells.withheld > 0 {
                        let withheld = format!("{} more", prose::thousands(cells.withheld));
                        table.add_row([field.clone(), withheld, "withheld".to_owned()]);
                    }
                }
                text += &format!("{table}\n\n");
            }
            match text.is_empty() {
                true => "No consent records are kept".to_owned(),
                false => text,
            }
        })?;
        Ok(Exit::Done)
    }
}
