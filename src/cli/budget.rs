//! `tamis budget`: what may still be asked, what it costs, and when more may be.

use clap::Args;
use tamis_protocols::wire::api::{AccountView, BudgetView, Role};

use super::party::{BOTH_SIDES, CollaborationArg};
use super::{Exit, Failure, Screen, prose};
use crate::party::exchange::activation;

/// Show the privacy budget: what is left, what a question costs, what comes back when
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis budget\n\nA count costs too: so does `tamis match`. The same question on the same uploads costs nothing again."
)]
pub(super) struct Budget {
    #[command(flatten)]
    at: CollaborationArg,
}

impl Budget {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open(&BOTH_SIDES).await?;
        let view = activation::budget(&session, &collaboration.id).await?;
        let partner = &collaboration.partner.name;
        let pair = format!("{} with {partner}", collaboration.advertiser.name);
        screen.answer(&view, || {
            let mut text = format!(
                "Privacy budget of {pair}, in ε\n{}",
                account(&view.pair, view.window_days)
            );
            if let Some(own) = &view.partner {
                text += &format!(
                    "{partner} with all advertisers\n{}",
                    account(own, view.window_days)
                );
            } else if !view.allows.partner_allows {
                text += &format!("{partner} has no budget left for anybody at the moment.\n");
            }
            text += &format!(
                "A match costs {}, an audience {} at each destination, {} with a hold-out.\n",
                prose::epsilon(view.match_charge.into()),
                prose::epsilon(view.audience_charge.into()),
                prose::epsilon(view.holdout_charge.into())
            );
            text += "Every answer costs, also \"below minimum\"; the same question again costs nothing.\n";
            text + &warning(&view, session.membership.role)
        })?;
        Ok(Exit::Done)
    }
}

fn account(view: &AccountView, days: u32) -> String {
    let mut text = format!(
        "  {} left of {} in {days} days: {} spent",
        prose::epsilon(view.left.into()),
        prose::epsilon(view.cap.into()),
        prose::epsilon(view.spent)
    );
    if view.reserved > 0 {
        text += &format!(
            ", {} reserved for what is being decided",
            prose::epsilon(view.reserved)
        );
    }
    text.push('\n');
    for back in &view.returns {
        text += &format!(
            "  {} comes back at {}\n",
            prose::epsilon(back.amount),
            back.at
        );
    }
    text
}

/// What is left, in a line below a match or an audience.
pub(super) fn left(view: &BudgetView) -> String {
    format!(
        "budget: ε {} left of {}; every question costs, the same again nothing\n{}",
        prose::epsilon(view.pair.left.into()),
        prose::epsilon(view.pair.cap.into()),
        warning(view, Role::Advertiser)
    )
}

/// A warning before the budget is used up, and what helps once it is; nothing while there is plenty.
fn warning(view: &BudgetView, role: Role) -> String {
    let when = match &view.pair.audience_fits_at {
        Some(at) => format!("the next audience is possible at {at}"),
        None => "wait for what is being decided, or until more comes back".to_owned(),
    };
    let fits = view.pair.left >= view.audience_charge;
    match (view.low, fits, role) {
        (true, false, _) => format!("The budget is used up: {when}.\n"),
        (true, true, _) => format!(
            "The budget is low: it allows {} more at one destination; `tamis budget` says what comes back when.\n",
            match view.pair.left / view.audience_charge.max(1) {
                1 => "one audience".to_owned(),
                more => format!("{more} audiences"),
            }
        ),
        (false, _, Role::Advertiser) if !view.allows.partner_allows => {
            "The partner's budget with all advertisers is used up: try again later.\n".to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use tamis_protocols::wire::api::Allowed;

    use super::*;

    fn view(left: u32) -> BudgetView {
        BudgetView {
            collaboration: "0a".repeat(16),
            match_charge: 200,
            audience_charge: 400,
            holdout_charge: 800,
            window_days: 30,
            pair: AccountView {
                cap: 8000,
                spent: u64::from(8000 - left),
                reserved: 0,
                left,
                returns: Vec::new(),
                audience_fits_at: (left < 400).then(|| "2026-12-22T09:00:00Z".to_owned()),
            },
            partner: None,
            allows: Allowed {
                a_match: left >= 200,
                an_audience: left >= 400,
                partner_allows: true,
            },
            low: left < 1200,
        }
    }

    #[test]
    fn it_is_warned_before_the_budget_is_used_up_and_said_when_it_is() {
        assert_eq!(warning(&view(1200), Role::Advertiser), "");
        assert!(warning(&view(1199), Role::Advertiser).contains("2 audiences more"));
        assert!(warning(&view(400), Role::Advertiser).contains("one audience more"));
        let used_up = warning(&view(399), Role::Advertiser);
        assert!(
            used_up.contains("used up") && used_up.contains("2026-12-22"),
            "{used_up}"
        );
        let mut others = view(8000);
        others.allows.partner_allows = false;
        assert!(warning(&others, Role::Advertiser).contains("partner's budget"));
        assert!(left(&view(7600)).contains("ε 7.6 left of 8"));
    }
}
