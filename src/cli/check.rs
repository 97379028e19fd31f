//! `tamis check`: whether everything that was acknowledged is still there and whole.

use std::path::PathBuf;

use clap::Args;

use super::operator::{CheckOptions, CheckReport};
use super::{Exit, Failure, Screen, Wiring, prose};

/// Check every stored byte of a service that does not run; exit code 1 if anything is damaged
#[derive(Args)]
#[command(after_help = "Example:\n  tamis check --home /var/lib/tamis")]
pub(super) struct Check {
    /// The operator's home, as made by `tamis init`
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
}

impl Check {
    pub(super) fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let bar = screen.bytes("checking", 0);
        let options = CheckOptions { home: self.home };
        let report = wiring.operator.check(&options, &|done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let report = report?;
        screen.answer(&report, || text(&report))?;
        Ok(match report.intact {
            true => Exit::Done,
            false => Exit::Refused,
        })
    }
}

fn text(report: &CheckReport) -> String {
    let count = |number, what: &str| format!("{} {what}", prose::thousands(number));
    let mut lines = vec![format!(
        "Checked {}, {}, {}, {}, {}, {}, {}.",
        count(report.spools, "uploads on their way"),
        count(report.sets, "sealed sets"),
        count(report.ledgers, "ledgers of consent records"),
        count(report.withdrawals, "withdrawals"),
        count(report.member_files, "member files"),
        count(report.emissions, "emissions"),
        count(report.leaves, "leaves of the log"),
    )];
    for name in &report.leftovers {
        lines.push(format!("Left behind, swept by the next start: {name}"));
    }
    for finding in &report.findings {
        lines.push(format!(
            "\n{}\n  {}\n  next: {}",
            finding.object, finding.problem, finding.next
        ));
    }
    lines.push(match report.findings.len() {
        0 => "Everything that was acknowledged is there and whole.".to_owned(),
        1 => "\n1 object is damaged.".to_owned(),
        more => format!("\n{more} objects are damaged."),
    });
    lines.join("\n")
}
