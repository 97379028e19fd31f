//! The release policy on the command line: options that wish for a tighter one, and words that show it.

use clap::Args;
use tamis_protocols::release::{Policy, Wish};
use tamis_protocols::wire::api::{AgreedPolicyView, PolicyView};

use crate::cli::prose;

/// What of the release policy is to be tighter than it is. Budgets are in ε, with at most three decimals.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Release policy, only ever stricter")]
pub(super) struct PolicyArgs {
    /// Fewest persons of an audience or a count, before the margin
    #[arg(long, value_name = "PERSONS", value_parser = clap::value_parser!(u32).range(100..))]
    k_min: Option<u32>,
    /// Fewest persons of any combination of audiences
    #[arg(long, value_name = "PERSONS", value_parser = clap::value_parser!(u32).range(50..))]
    cell_min: Option<u32>,
    /// Scale of the noise, at most 100
    #[arg(long, value_name = "PERSONS", value_parser = clap::value_parser!(u32).range(5..=100))]
    noise_scale: Option<u32>,
    /// Counts are rounded to multiples of this
    #[arg(long, value_name = "PERSONS", value_parser = clap::value_parser!(u32).range(10..))]
    round_to: Option<u32>,
    /// Budget of this advertiser with this partner, in a window
    #[arg(long, value_name = "EPSILON", value_parser = pair_epsilon)]
    pair_budget: Option<u32>,
    /// Budget of this partner with all advertisers together, in a window
    #[arg(long, value_name = "EPSILON", value_parser = partner_epsilon)]
    partner_budget: Option<u32>,
    /// Days after which a charge is given back
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(30..=3650))]
    window_days: Option<u32>,
    /// Days for which an audience that was replaced still counts as known
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(90..=3650))]
    look_back_days: Option<u32>,
    /// Fewest rows of the advertiser's set that take part
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1000..))]
    upload_min: Option<u32>,
    /// Days that a partner's person must have been there before it counts
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=3650))]
    tenure_days: Option<u32>,
    /// Tell results only at multiples of so many minutes of the day, at most 1440
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(..=1440))]
    window_minutes: Option<u32>,
}

impl PolicyArgs {
    /// The options as a wish.
    pub(super) fn wish(&self) -> Wish {
        Wish {
            k_min: self.k_min,
            cell_min: self.cell_min,
            noise_scale: self.noise_scale,
            round_to: self.round_to,
            pair_cap: self.pair_budget,
            partner_cap: self.partner_budget,
            window_days: self.window_days,
            look_back_days: self.look_back_days,
            upload_min: self.upload_min,
            tenure_days: self.tenure_days,
            window_minutes: self.window_minutes,
        }
    }
}

fn pair_epsilon(text: &str) -> Result<u32, String> {
    at_most(Policy::floor().pair_cap(), epsilon(text)?)
}

fn partner_epsilon(text: &str) -> Result<u32, String> {
    at_most(Policy::floor().partner_cap(), epsilon(text)?)
}

fn at_most(most: u32, thousandths: u32) -> Result<u32, String> {
    match thousandths <= most {
        true => Ok(thousandths),
        false => Err(format!("at most {}", prose::epsilon(most.into()))),
    }
}

/// `7.5` as 7,500 thousandths.
fn epsilon(text: &str) -> Result<u32, String> {
    let wrong = || "a number such as 8 or 7.5, with at most three decimals".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return Err(wrong());
    }
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let part: u32 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
    let thousandths = whole
        .checked_mul(1000)
        .and_then(|sum| sum.checked_add(part));
    thousandths.ok_or_else(wrong)
}

/// What holds in a collaboration, in lines that begin with `indent` spaces, and who tightened it.
pub(super) fn agreed(view: &AgreedPolicyView, indent: usize) -> String {
    let indent = " ".repeat(indent);
    let mut text = String::new();
    let digest = view.effective.digest.get(..16);
    let digest = digest.unwrap_or(&view.effective.digest);
    text += &format!(
        "{indent}release policy {digest}… (version {})\n",
        view.effective.version
    );
    for line in words(&view.effective) {
        text += &format!("{indent}  {line}\n");
    }
    for (named, by) in [(&view.operator, "the operator"), (&view.terms, "the terms")] {
        if *named == view.effective {
            text += &format!("{indent}  as {by} has it\n").replace("terms has", "terms have");
            return text;
        }
    }
    for one in &view.tightenings {
        text += &format!(
            "{indent}  tightened by {} at {}, leaf {} of the log\n",
            one.party, one.at, one.log_index
        );
    }
    text
}

/// A policy in sentences.
pub(super) fn words(view: &PolicyView) -> Vec<String> {
    let policy: &Policy = &view.policy;
    let number = |number: u32| prose::thousands(number.into());
    let mut lines = vec![
        format!(
            "told are {} persons or more, and a margin of {} for noise of scale {}",
            number(policy.k_min()),
            number(view.margin),
            number(policy.noise_scale())
        ),
        format!(
            "any combination of audiences is empty or has {} persons or more",
            number(policy.cell_min())
        ),
        format!(
            "counts are rounded to multiples of {}",
            number(policy.round_to())
        ),
        format!(
            "budget: ε {} in {} days; match {}, audience {} a destination",
            prose::epsilon(policy.pair_cap().into()),
            number(policy.window_days()),
            prose::epsilon(view.match_charge.into()),
            prose::epsilon(view.audience_charge.into())
        ),
        format!(
            "budget of the partner with all advertisers: ε {} in {} days",
            prose::epsilon(policy.partner_cap().into()),
            number(policy.window_days())
        ),
        format!(
            "an audience that was replaced counts as known for {} days",
            number(policy.look_back_days())
        ),
        format!(
            "the advertiser's set has {} rows or more that take part",
            number(policy.upload_min())
        ),
    ];
    if policy.tenure_days() > 0 {
        lines.push(format!(
            "a partner's person counts from its {}th day on",
            number(policy.tenure_days())
        ));
    }
    if policy.window_minutes() > 0 {
        lines.push(format!(
            "results are told every {} minutes only",
            number(policy.window_minutes())
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::{epsilon, words};
    use tamis_protocols::release::Policy;
    use tamis_protocols::wire::api::PolicyView;

    #[test]
    fn a_budget_is_read_to_the_thousandth_and_nothing_else_is() {
        for (text, thousandths) in [("8", 8000), ("7.5", 7500), ("0.025", 25), ("80.0", 80_000)] {
            assert_eq!(epsilon(text), Ok(thousandths), "{text}");
        }
        for text in [
            "", ".5", "5.", "-1", "1.2345", "1e3", "4294968", "1,5", " 8",
        ] {
            assert!(epsilon(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_parameter_that_can_be_wished_is_said() {
        let wish = serde_json::json!({
            "k_min": 101, "cell_min": 52, "noise_scale": 6, "round_to": 23, "pair_cap": 7001,
            "partner_cap": 70002, "window_days": 31, "look_back_days": 92, "upload_min": 1234,
            "tenure_days": 8, "window_minutes": 60
        });
        let policy: Policy = serde_json::from_value(wish).unwrap();
        let said = words(&PolicyView::of(&policy)).join("\n");
        for number in [
            "101",
            "52",
            "scale 6",
            "23",
            "7.001",
            "70.002",
            "31",
            "92",
            "1,234",
            "8th",
            "60 minutes",
        ] {
            assert!(said.contains(number), "{number}: {said}");
        }
        assert!(
            said.lines().all(|line| line.chars().count() <= 76),
            "{said}"
        );
    }
}
