//! `tamis audit substantiate`: a party shows the records that were drawn, each proven to be in the log.

use clap::Args;
use serde_json::json;
use tamis_protocols::wire::api::{Listing, SampleView};

use crate::cli::party::{BOTH_SIDES, HomeArg};
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::{audit, paths};

/// Substantiate what an auditor drew of your records: each is proven here against the log, then signed for
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis audit substantiate --remark 'forms are in the archive of 2026'\n\nThe auditor sees these records: basis, purposes, times, notice and source; never an identifier or token."
)]
pub(in crate::cli) struct Substantiate {
    /// The sample [default: every one that is open]
    #[arg(value_name = "ID")]
    sample: Option<String>,
    /// What you have to say of these records
    #[arg(long, value_name = "TEXT")]
    remark: Option<String>,
    #[command(flatten)]
    home: HomeArg,
}

impl Substantiate {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&BOTH_SIDES)?;
        let ids = match self.sample {
            Some(id) => vec![id],
            None => {
                let all: Listing<SampleView> = session.client.get(paths::SAMPLES).await?;
                let open = all.items.into_iter().filter(|sample| sample.open > 0);
                open.map(|sample| sample.id).collect()
            }
        };
        let mut done = Vec::new();
        for id in ids {
            let bar = screen.steps("proving");
            let progress = |count| bar.set_position(count);
            let records = audit::substantiate(&session, &id, self.remark.as_deref(), &progress);
            let records = records.await?;
            bar.finish_and_clear();
            done.push((id, records));
        }
        let document: Vec<_> = done
            .iter()
            .map(|(sample, records)| json!({"sample": sample, "records": records}))
            .collect();
        screen.answer(&document, || match done.as_slice() {
            [] => "Nothing is open".to_owned(),
            done => {
                let line = |(id, records): &(String, u64)| {
                    format!(
                        "Sample {id}: {} records substantiated\n",
                        prose::thousands(*records)
                    )
                };
                done.iter().map(line).collect()
            }
        })?;
        Ok(Exit::Done)
    }
}
