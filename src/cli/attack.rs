//! `tamis attack`: what the release gate lets through, measured.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::release::Policy;

use super::{Exit, Failure, Screen, Wiring, prose};
use crate::attack::{self, Finding, Lab, Report};

/// Attack the release gate under a policy; exit code 1 if an attack tells more than it may
#[derive(Args)]
#[command(
    after_help = "The people are made up, the gate and its noise are the real ones.\n\nExample:\n  tamis attack --home /var/lib/tamis"
)]
pub(super) struct Attack {
    /// Games that each attack is judged by
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    trials: u32,
    /// A release policy as JSON, as terms carry it; what it leaves out is at the floor
    #[arg(long, value_name = "FILE", conflicts_with = "home")]
    policy: Option<PathBuf>,
    /// The operator's home: its policy
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

impl Attack {
    pub(super) fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let policy = match (&self.policy, &self.home) {
            (Some(file), _) => read(file)?,
            (None, Some(home)) => wiring.operator.policy(home)?,
            (None, None) => Policy::floor(),
        };
        let lab = Lab {
            policy,
            entropy: &*wiring.entropy,
            noise: &*wiring.noise,
            trials: self.trials,
        };
        let bar = screen.steps("attacking");
        let report = attack::run(&lab, &|_| true, &|done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        screen.answer(&report, || text(&report))?;
        Ok(match report.holds {
            true => Exit::Done,
            false => Exit::Refused,
        })
    }
}

fn read(file: &PathBuf) -> Result<Policy, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}

fn text(report: &Report) -> String {
    let table = |findings: &[Finding]| {
        let mut table = prose::table(&["attack", "guesses", "right", "±", "limit", ""]);
        for finding in findings {
            table.add_row([
                finding.name.to_owned(),
                prose::thousands(finding.trials),
                format!("{:.3}", finding.accuracy),
                format!("{:.3}", finding.standard_error),
                format!("{:.2}", finding.limit),
                (if finding.holds { "holds" } else { "BROKEN" }).to_owned(),
            ]);
        }
        table
    };
    format!(
        "Policy {}\n{}\n\nWhat the gate is known not to stop (SECURITY.md):\n{}\n\n{}",
        report.policy_digest,
        table(&report.attacks),
        table(&report.residual),
        match report.holds {
            true => "0.5 is a coin. Every attack stays within its limit.",
            false =>
                "0.5 is a coin. An attack tells more than it may: tighten the policy, and report it (SECURITY.md).",
        }
    )
}
