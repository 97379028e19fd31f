//! `tamis audit sample`: draws consent records for the parties to substantiate.

use clap::Args;
use tamis_protocols::wire::api::{Role, SampleRequest, SampleView};

use crate::cli::party::HomeArg;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::paths;

/// Draw consent records at random (auditors): the newest checkpoint decides which, so anybody can draw them again
#[derive(Args)]
#[command(after_help = "Example:\n  tamis audit sample --n 200 --nonce spring-2026")]
pub(in crate::cli) struct Draw {
    /// Records to draw, at most 10,000
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    n: u32,
    /// Text of your choice that the draw depends on, so that nobody can know it before
    #[arg(long, value_name = "TEXT", default_value = "")]
    nonce: String,
    /// Only uploads of this collaboration
    #[arg(long, value_name = "ID")]
    collaboration: Option<String>,
    #[command(flatten)]
    home: HomeArg,
}

impl Draw {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&[Role::Auditor])?;
        let request = SampleRequest {
            n: self.n,
            nonce: self.nonce,
            collaboration: self.collaboration,
        };
        let view: SampleView = session.client.post(paths::SAMPLES, &request).await?;
        screen.answer(&view, || {
            format!(
                "Sample {}: {} records, from the checkpoint over {} leaves\nNext: the parties run `tamis audit \
                 substantiate`; see who has with `tamis audit samples`",
                view.id,
                prose::thousands(view.drawn),
                prose::thousands(view.size)
            )
        })?;
        Ok(Exit::Done)
    }
}
