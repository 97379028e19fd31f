//! What terms demand of consent, beside the defaults: the options of a proposal, and how they are shown.

use clap::Args;
use tamis_protocols::consent::{ConsentRule, MAX_TEXT, is_jurisdiction};
use tamis_protocols::wire::terms::{Destination, Terms};

use crate::cli::Failure;

/// What the rows of each side must carry, beside basis, purposes and age.
#[derive(Args, Default)]
pub(super) struct ConsentArgs {
    /// Countries or subdivisions whose consent counts, of the advertiser's rows [default: any]
    #[arg(long, value_name = "FR,US-CA", value_delimiter = ',', value_parser = jurisdiction)]
    crm_jurisdictions: Vec<String>,
    /// The same of the partner's rows
    #[arg(long, value_name = "FR,US-CA", value_delimiter = ',', value_parser = jurisdiction)]
    graph_jurisdictions: Vec<String>,
    /// Versions of the notice that count, of the advertiser's rows [default: any]
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', value_parser = notice)]
    crm_notices: Vec<String>,
    /// The same of the partner's rows
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', value_parser = notice)]
    graph_notices: Vec<String>,
    /// The advertiser's rows must name their recipients (consent_recipients)
    #[arg(long)]
    crm_recipients: bool,
    /// The same of the partner's rows
    #[arg(long)]
    graph_recipients: bool,
    /// A destination's number on the IAB's vendor list, by which consents may name it; may be repeated
    #[arg(long, value_name = "DESTINATION=N", value_delimiter = ',', value_parser = vendor)]
    vendor: Vec<(String, u16)>,
}

fn jurisdiction(word: &str) -> Result<String, String> {
    let upper = word.to_ascii_uppercase();
    match is_jurisdiction(&upper) {
        true => Ok(upper),
        false => Err("a country or subdivision, such as FR or US-CA".to_owned()),
    }
}

fn notice(word: &str) -> Result<String, String> {
    match (1..=MAX_TEXT).contains(&word.len()) {
        true => Ok(word.to_owned()),
        false => Err("a version of 1 to 256 bytes".to_owned()),
    }
}

fn vendor(word: &str) -> Result<(String, u16), String> {
    let parsed = word.split_once('=').and_then(|(name, number)| {
        let number = number.parse().ok().filter(|number| *number > 0)?;
        Some((name.to_owned(), number))
    });
    parsed.ok_or_else(|| "a destination and its number, such as dsp-a=28".to_owned())
}

impl ConsentArgs {
    /// Of the advertiser's rows, and of the partner's.
    pub(super) fn rules(&self) -> [ConsentRule; 2] {
        let with = |rule, places: &[String], notices: &[String], recipients_named| ConsentRule {
            jurisdictions: each_once(places),
            notices: each_once(notices),
            recipients_named,
            ..rule
        };
        [
            with(
                ConsentRule::advertiser(),
                &self.crm_jurisdictions,
                &self.crm_notices,
                self.crm_recipients,
            ),
            with(
                ConsentRule::partner(),
                &self.graph_jurisdictions,
                &self.graph_notices,
                self.graph_recipients,
            ),
        ]
    }

    /// Gives the destinations their vendor numbers.
    pub(super) fn name_vendors(&self, destinations: &mut [Destination]) -> Result<(), Failure> {
        for (name, number) in &self.vendor {
            let found = destinations.iter_mut().find(|one| one.name == *name);
            let found = found.ok_or_else(|| {
                Failure::usage(format!(
                    "--vendor {name}={number}: {name} is none of the destinations; add --to {name}"
                ))
            })?;
            found.vendor = Some(*number);
        }
        Ok(())
    }
}

fn each_once(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    words.sort_unstable();
    words.dedup();
    words
}

/// What is demanded of each side, in words.
pub(super) fn shown(terms: &Terms) -> String {
    let side = |who: &str, rule: &ConsentRule| {
        let bases: Vec<&str> = rule.bases.iter().map(|basis| basis.as_str()).collect();
        let purposes: Vec<String> = rule.purposes.iter().map(u8::to_string).collect();
        let mut text = format!(
            "  {who} rows need {} for purposes {}, at most {} months old\n",
            bases.join(" or "),
            purposes.join(", "),
            rule.max_age_months
        );
        if !rule.jurisdictions.is_empty() {
            text += &format!(
                "    given under the law of {}\n",
                rule.jurisdictions.join(", ")
            );
        }
        if !rule.notices.is_empty() {
            text += &format!("    on a notice of version {}\n", rule.notices.join(", "));
        }
        if rule.recipients_named {
            text += "    and must name who may receive the audience\n";
        }
        text
    };
    side("advertiser's", &terms.advertiser_consent) + &side("partner's", &terms.partner_consent)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn without_options_the_rules_are_the_defaults() {
        let [crm, graph] = ConsentArgs::default().rules();
        assert_eq!(crm, ConsentRule::advertiser());
        assert_eq!(graph, ConsentRule::partner());
    }

    #[test]
    fn an_option_of_one_side_says_nothing_of_the_other() {
        let options = ConsentArgs {
            graph_jurisdictions: vec!["FR".to_owned(), "BE".to_owned(), "FR".to_owned()],
            crm_recipients: true,
            ..ConsentArgs::default()
        };
        let [crm, graph] = options.rules();
        assert_eq!(graph.jurisdictions, ["BE", "FR"]);
        assert!(crm.jurisdictions.is_empty());
        assert!(crm.recipients_named && !graph.recipients_named);
    }

    #[test]
    fn a_vendor_number_belongs_to_a_destination_of_the_terms() {
        let options = |name: &str| ConsentArgs {
            vendor: vec![(name.to_owned(), 28)],
            ..ConsentArgs::default()
        };
        let mut destinations = [Destination::new("dsp-a", None)];
        assert!(options("dsp-b").name_vendors(&mut destinations).is_err());
        options("dsp-a").name_vendors(&mut destinations).unwrap();
        assert_eq!(destinations[0].vendor, Some(28));
        assert_eq!(vendor("dsp-a=28"), Ok(("dsp-a".to_owned(), 28)));
        for bad in ["dsp-a", "dsp-a=0", "dsp-a=x", "dsp-a=70000"] {
            assert!(vendor(bad).is_err(), "{bad}");
        }
        assert_eq!(jurisdiction("us-ca"), Ok("US-CA".to_owned()));
        assert!(jurisdiction("France").is_err());
    }
}
