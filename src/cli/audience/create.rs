//! `tamis audience create`: segments combined, destinations, and the gate's answer.

use clap::Args;
use tamis_protocols::intersection::Expression;
use tamis_protocols::wire::api::{AudienceRequest, AudienceState, AudienceUse, JobView, Role};
use tamis_protocols::wire::terms::Terms;

use super::wording;
use crate::cli::party::{CollaborationArg, explain_nothing_to_match};
use crate::cli::{Exit, Failure, Screen, budget, jobs, prose};
use crate::party::exchange::activation;
use crate::party::exchange::session::terms_of;

/// Name an audience, or decide it anew on the newest uploads; exit code 1 if no destination may have it
#[derive(Args)]
#[command(after_help = "Examples:
  tamis audience create loyal --where 'loyalty in (silver, gold, platinum)' --to dsp-a --to dmp-b
  tamis audience create customers --where all --to dsp-a --exclude

Expressions: all · NAME = VALUE · NAME in (V, V) · not E · E and E · E or E · (E)")]
pub(in crate::cli) struct Create {
    /// The audience's name: [a-z][a-z0-9-]{0,63}
    #[arg(value_parser = name)]
    name: String,
    /// Which of your rows, by their segments
    #[arg(long = "where", value_name = "EXPR")]
    expression: String,
    /// A destination; may be repeated
    #[arg(
        long,
        value_name = "DESTINATION",
        required = true,
        value_delimiter = ','
    )]
    to: Vec<String>,
    /// Tell the destinations to exclude the members instead of targeting them
    #[arg(long)]
    exclude: bool,
    /// Keep so many percent of the members back for comparison, 1 to 50: they are never delivered
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=50))]
    hold_out: Option<u8>,
    #[command(flatten)]
    at: CollaborationArg,
}

fn name(word: &str) -> Result<String, String> {
    let is_name = word.len() <= 64
        && word.starts_with(|first: char| first.is_ascii_lowercase())
        && word
            .bytes()
            .all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == b'-');
    is_name
        .then(|| word.to_owned())
        .ok_or_else(|| "lowercase letters, digits and dashes, beginning with a letter".to_owned())
}

impl Create {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let expression = Expression::parse(&self.expression).map_err(|error| {
            Failure::usage(format!("--where: {error}"))
                .next("`tamis audience create --help` shows the grammar.")
        })?;
        let (session, collaboration) = self.at.open(&[Role::Advertiser]).await?;
        self.check_destinations(&terms_of(&collaboration)?)?;
        let own = activation::uploads(&session, &collaboration.id).await?;
        if let Some(segments) = wording::segments_of_newest(&own) {
            for doubt in wording::check(&expression, &segments)? {
                screen.note(doubt);
            }
        }
        let request = AudienceRequest {
            expression: self.expression,
            destinations: self.to,
            purpose: if self.exclude {
                AudienceUse::Exclude
            } else {
                AudienceUse::Target
            },
            holdout_percent: self.hold_out,
        };
        let waiting = screen.spinner("the release gate decides");
        let look = |job: &JobView| {
            waiting.set_message(format!("the release gate decides  {}", jobs::words(job)));
        };
        let id = &collaboration.id;
        let decided = activation::decide_audience(&session, id, &self.name, &request, &look).await;
        waiting.finish_and_clear();
        let view = match decided {
            Ok(view) => view,
            Err(error) => {
                return Err(explain_nothing_to_match(&session, &collaboration, error).await);
            }
        };
        let left = activation::budget(&session, id).await?;
        screen.answer(&view, || prose::audiences(std::slice::from_ref(&view)))?;
        screen.say(budget::left(&left).trim_end());
        let released = view
            .destinations
            .iter()
            .any(|there| there.state == AudienceState::Released);
        if released {
            screen.say("Next: tamis delivery show --wait");
            return Ok(Exit::Done);
        }
        screen.say("Refused: too few persons. Nothing was released; make the audience wider.");
        Ok(Exit::Refused)
    }

    fn check_destinations(&self, terms: &Terms) -> Result<(), Failure> {
        let allowed: Vec<&str> = terms.destination_names().collect();
        match self
            .to
            .iter()
            .find(|name| !allowed.contains(&name.as_str()))
        {
            None => Ok(()),
            Some(other) => Err(Failure::usage(format!(
                "{other} is no destination of this collaboration"
            ))
            .next(format!("Its terms allow: {}.", allowed.join(", ")))),
        }
    }
}
