//! `tamis collaboration propose`: the advertiser signs terms and sends its half of the pair secret, sealed.

use clap::Args;
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use tamis_protocols::identifier::{IdentifierType, Profile};
use tamis_protocols::wire::api::Role;

use super::consent::ConsentArgs;
use super::policy::PolicyArgs;
use super::show;
use crate::cli::party::HomeArg;
use crate::cli::{Exit, Failure, Screen, Wiring};
use crate::party::exchange::terms::Draft;
use crate::party::exchange::{ExchangeError, destinations, pairing, policy};

/// Propose a collaboration to a partner (advertisers)
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis collaboration propose --with graphe --to dsp-a --to dmp-b --keys email,phone"
)]
pub(in crate::cli) struct Propose {
    /// The partner's name
    #[arg(long, value_name = "PARTNER")]
    with: String,
    /// A destination that may receive audiences; may be repeated
    #[arg(
        long,
        value_name = "DESTINATION",
        required = true,
        value_delimiter = ','
    )]
    to: Vec<String>,
    /// Identifier types that take part: email, phone, postal
    #[arg(long, value_delimiter = ',', default_value = "email,phone", value_parser = identifier)]
    keys: Vec<IdentifierType>,
    /// Normalisation profile: onboarding-1, google-1, meta-1, uid2-1
    #[arg(long, default_value = "onboarding-1", value_parser = profile)]
    profile: Profile,
    /// Rows of your CRM: a set may have half as many more [default: as many as your first upload has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    crm_rows: Option<u64>,
    /// Where the service must keep the data, as the operator tags its storage, e.g. eu [default: anywhere]
    #[arg(long, value_name = "TAG")]
    residency: Option<String>,
    /// The last day [default: a year from today]
    #[arg(long, value_name = "DATE")]
    expires: Option<Date>,
    /// [default: the operator's]
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    consent: ConsentArgs,
    #[command(flatten)]
    home: HomeArg,
}

/// A word of `--keys`.
pub(in crate::cli) fn identifier(word: &str) -> Result<IdentifierType, String> {
    serde_json::from_value(word.into()).map_err(|_| "one of email, phone, postal".to_owned())
}

fn profile(word: &str) -> Result<Profile, String> {
    serde_json::from_value(word.into())
        .map_err(|_| "one of onboarding-1, google-1, meta-1, uid2-1".to_owned())
}

impl Propose {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&[Role::Advertiser])?;
        let year: Span = 1.year();
        let expires = match self.expires {
            Some(day) => day,
            None => wiring
                .clock
                .today()
                .checked_add(year)
                .map_err(|_| Failure::usage("name the last day with --expires DATE"))?,
        };
        let mut destinations = destinations::look_up(&session, &self.to).await?;
        self.consent.name_vendors(&mut destinations)?;
        let [advertiser_consent, partner_consent] = self.consent.rules();
        let terms = Draft {
            advertiser: session.membership.name.clone(),
            partner: self.with,
            destinations,
            identifiers: self.keys,
            profile: self.profile,
            release: policy::operators(&session)
                .await?
                .tightened(&self.policy.wish())
                .map_err(|error| ExchangeError::Loosened(error.to_string()))?,
            crm_rows: self.crm_rows,
            residency: self.residency,
            advertiser_consent,
            partner_consent,
            expires,
        }
        .into_terms(&*wiring.entropy);
        let waiting = screen.spinner("signing and proposing");
        let view = pairing::propose(&session, &terms, &*wiring.entropy).await?;
        waiting.finish_and_clear();
        show::answer(screen, &session, &view).await?;
        screen.say(format!(
            "Next: {} runs `tamis collaboration accept`",
            view.partner.name
        ));
        Ok(Exit::Done)
    }
}
