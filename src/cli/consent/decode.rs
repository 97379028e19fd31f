//! `tamis consent decode`: what a TC string or GPP string says, and whether it counts. Nothing is sent.

use clap::Args;
use jiff::civil::Date;
use serde_json::{Value, json};
use tamis_protocols::consent::{Basis, Purposes};
use tamis_protocols::iab::gpp::{GppString, Section, StateSection};
use tamis_protocols::iab::tcf::{Invalid, RestrictionKind, TcString, Valid};
use tamis_protocols::iab::{Ids, Malformed};

use crate::cli::{Exit, Failure, Screen, Wiring, prose};

/// The purposes of the TCF, in short; the first is purpose 1.
const PURPOSES: [&str; 11] = [
    "store or read on a device",
    "select ads with limited data",
    "create ad profiles",
    "use ad profiles to select ads",
    "create content profiles",
    "use content profiles",
    "measure ads",
    "measure content",
    "understand audiences",
    "improve services",
    "select content with limited data",
];
/// As many vendors are listed in a line; `--json` has all.
const LISTED: usize = 12;

/// Say what a TC string or GPP string says, whether it counts, and what it lets a vendor do
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis consent decode DBABTA~1YNN\n\nExit code 1 if it reads well but does not count on that day."
)]
pub(in crate::cli) struct Decode {
    /// The string, as a consent platform gave it out
    string: String,
    /// What this vendor of the Global Vendor List may do; more than once for more
    #[arg(long = "vendor", value_name = "ID")]
    vendors: Vec<u16>,
    /// The day on which it is judged; today if not given
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
}

impl Decode {
    pub(in crate::cli) fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let day = self.as_of.unwrap_or_else(|| wiring.clock.today());
        let string = self.string.trim();
        let read = match string.starts_with('D') {
            true => GppString::parse(string).map(Read::Gpp),
            false => TcString::parse(string).map(|string| Read::Tc(Box::new(string))),
        };
        let read = read.map_err(unreadable)?;
        screen.answer(&read.document(day, &self.vendors), || {
            read.text(day, &self.vendors)
        })?;
        Ok(match read.europe().map(|string| string.judge(day)) {
            Some(Err(_)) => Exit::Refused,
            _ => Exit::Done,
        })
    }
}

fn unreadable(error: Malformed) -> Failure {
    Failure::usage(format!("this is no consent string: {error}")).next(
        "A TC string begins with C, a GPP string with D. Was it copied whole, and quoted in the shell?",
    )
}

enum Read {
    Tc(Box<TcString>),
    Gpp(GppString),
}

impl Read {
    fn europe(&self) -> Option<&TcString> {
        match self {
            Read::Tc(string) => Some(string),
            Read::Gpp(string) => string.europe(),
        }
    }

    fn document(&self, day: Date, vendors: &[u16]) -> Value {
        let mut document = match self {
            Read::Tc(string) => json!({"kind": "tc", "says": string}),
            Read::Gpp(string) => {
                json!({"kind": "gpp", "sections": string.sections, "opted_out": string.opted_out()})
            }
        };
        document["as_of"] = json!(day);
        if let Some(judged) = self.europe().map(|string| string.judge(day)) {
            document["counts"] = json!(judged.is_ok());
            let reason = |reason: &Invalid| json!({"reason": reason, "hint": reason.hint()});
            let reasons = judged.as_ref().err().into_iter().flatten();
            document["invalid"] = reasons.map(reason).collect();
            let may = |vendor: &u16| {
                let may = |on| {
                    judged
                        .as_ref()
                        .map_or(Vec::new(), |it| numbers(it.purposes(*vendor, on)))
                };
                json!({
                    "vendor": vendor,
                    "consent": may(Basis::Consent),
                    "legitimate_interest": may(Basis::LegitimateInterest),
                })
            };
            document["vendors"] = vendors.iter().map(may).collect();
        }
        document
    }

    fn text(&self, day: Date, vendors: &[u16]) -> String {
        match self {
            Read::Tc(string) => tc(string, day, vendors),
            Read::Gpp(string) => {
                let section = |section: &Section| match section {
                    Section::Europe(string) => format!("Section 2, {}", tc(string, day, vendors)),
                    other => american(other),
                };
                let sections: Vec<String> = string.sections.iter().map(section).collect();
                let count = sections.len();
                format!("GPP string, sections: {count}\n\n{}", sections.join("\n"))
            }
        }
    }
}

fn numbers(set: Purposes) -> Vec<u8> {
    (1..=Purposes::HIGHEST)
        .filter(|number| set.contains(*number))
        .collect()
}

fn tc(string: &TcString, day: Date, vendors: &[u16]) -> String {
    let judged = string.judge(day);
    let mut text = match &judged {
        Ok(_) => format!("TC string: it counts on {day}\n"),
        Err(reasons) => reasons.iter().fold(
            format!("TC string: it does not count on {day}\n"),
            |text, reason| format!("{text}  {}: {}\n", reason.as_str(), reason.hint()),
        ),
    };
    text += &format!(
        "  created {}, updated {}\n  platform {} version {}, screen {}, language {}, country {}\n  vendor list {}, policy {}\n",
        string.created,
        string.last_updated,
        string.cmp_id,
        string.cmp_version,
        string.screen,
        string.language,
        string.publisher_country,
        string.vendor_list_version,
        string.policy_version,
    );
    text += &purposes(string);
    text += &format!("Vendors on consent: {}\n", listed(&string.vendors_consent));
    text += &format!(
        "Vendors on legitimate interest: {}\n",
        listed(&string.vendors_interest)
    );
    text += &match &string.disclosed_vendors {
        Some(vendors) => format!("Vendors disclosed: {}\n", listed(vendors)),
        None => "Vendors disclosed: not said\n".to_owned(),
    };
    for restriction in &string.restrictions {
        let demand = match restriction.kind {
            RestrictionKind::NotAllowed => "is not allowed to",
            RestrictionKind::RequireConsent => "needs consent of",
            RestrictionKind::RequireInterest => "needs legitimate interest of",
        };
        text += &format!(
            "The publisher: purpose {} {demand} {}\n",
            restriction.purpose,
            listed(&restriction.vendors)
        );
    }
    for vendor in vendors {
        text += &format!("Vendor {vendor} may: {}\n", may(&judged, *vendor));
    }
    text
}

fn may(judged: &Result<Valid<'_>, Vec<Invalid>>, vendor: u16) -> String {
    let Ok(valid) = judged else {
        return "nothing, as the string does not count".to_owned();
    };
    let on = |basis, words: &str| {
        let purposes = valid.purposes(vendor, basis);
        (purposes != Purposes::NONE).then(|| format!("on {words} {purposes}"))
    };
    let both = [
        on(Basis::Consent, "consent"),
        on(Basis::LegitimateInterest, "legitimate interest"),
    ];
    let said: Vec<String> = both.into_iter().flatten().collect();
    match said.is_empty() {
        true => "nothing".to_owned(),
        false => said.join("; "),
    }
}

fn purposes(string: &TcString) -> String {
    let mut table = prose::table(&["purpose", "", "consent", "interest"]);
    let mark = |set: Purposes, number| if set.contains(number) { "yes" } else { "–" };
    for number in 1..=Purposes::HIGHEST {
        let name = PURPOSES.get(usize::from(number - 1));
        let any = Purposes(string.purposes_consent.0 | string.purposes_interest.0).contains(number);
        if name.is_some() || any {
            table.add_row([
                &number.to_string(),
                name.copied().unwrap_or("unknown"),
                mark(string.purposes_consent, number),
                mark(string.purposes_interest, number),
            ]);
        }
    }
    format!("{table}\n")
}

/// How many, and the first of them.
fn listed(ids: &Ids) -> String {
    let first: Vec<String> = ids.iter().take(LISTED).map(|id| id.to_string()).collect();
    match ids.len() {
        0 => "none".to_owned(),
        count if count > LISTED => format!("{count}: {} …", first.join(" ")),
        count => format!("{count}: {}", first.join(" ")),
    }
}

/// A section other than the European one.
fn american(section: &Section) -> String {
    let name = section.name().unwrap_or("not known here");
    let mut text = format!("Section {}, {name}", section.id());
    text += &section
        .place()
        .map(|place| format!(", {place}"))
        .unwrap_or_default();
    let Some(out) = section.opted_out() else {
        return text + "\n";
    };
    let said = [
        (out.sale, "sale"),
        (out.sharing, "sharing"),
        (out.targeted_advertising, "targeted advertising"),
        (out.child, "a child without consent"),
    ];
    let said: Vec<&str> = said
        .into_iter()
        .filter_map(|(yes, word)| yes.then_some(word))
        .collect();
    text += &match said.is_empty() {
        true => ": not opted out\n".to_owned(),
        false => format!(": opted out of {}\n", said.join(", ")),
    };
    match section {
        Section::State(state) => text + &fields(state),
        _ => text,
    }
}

fn fields(section: &StateSection) -> String {
    let mut text = String::new();
    for (field, values) in section.fields() {
        let values: Vec<String> = values.iter().map(u8::to_string).collect();
        text += &format!("  {} {}\n", field.as_str(), values.join(" "));
    }
    match section.gpc() {
        Some(on) => text + &format!("  Gpc {}\n", if on { "on" } else { "off" }),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use jiff::civil::date;

    use super::*;

    const DAY: Date = date(2026, 11, 26);
    const COUNTS: &str =
        "CPTtLAAPTtLAAAAAAAENAAFgALwAAEAAAAAAAOgAgABgAAAA.IAoAAgABgAAEAQAAEAAA.d4AACEAAAAAA";
    const OLD: &str =
        "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA";

    fn tc(text: &str) -> Read {
        Read::Tc(Box::new(TcString::parse(text).unwrap()))
    }

    #[test]
    fn what_counts_is_told_with_what_a_vendor_may_do() {
        let text = tc(COUNTS).text(DAY, &[28, 12]);
        assert!(text.contains("it counts on 2026-11-26"));
        assert!(text.contains("Vendor 28 may: on consent 1 3 4 5 6"));
        assert!(text.contains("Vendor 12 may: nothing\n"));
        assert!(text.contains("Vendors disclosed: 6: 11 28 29 50 60 80"));
        let document = tc(COUNTS).document(DAY, &[28]);
        assert_eq!(document["counts"], true);
        assert_eq!(document["vendors"][0]["consent"], json!([1, 3, 4, 5, 6]));
        assert_eq!(document["says"]["vendors_consent"], json!([11, 28, 29]));
    }

    #[test]
    fn what_does_not_count_is_told_with_every_reason_and_permits_nothing() {
        let text = tc(OLD).text(DAY, &[1]);
        assert!(text.contains("it does not count on 2026-11-26\n  old_policy: "));
        assert!(text.contains("Vendor 1 may: nothing, as the string does not count"));
        let document = tc(OLD).document(DAY, &[1]);
        assert_eq!(document["invalid"][0]["reason"], "old_policy");
        assert_eq!(document["vendors"][0]["consent"], json!([]));
    }

    #[test]
    fn an_opt_out_is_told_section_by_section() {
        let read = Read::Gpp(GppString::parse("DBABTA~1YYN").unwrap());
        let text = read.text(DAY, &[]);
        assert!(text.contains("uspv1, US: opted out of sale"));
        assert_eq!(read.document(DAY, &[])["opted_out"]["sale"], true);
        assert!(read.europe().is_none());
    }

    #[test]
    fn tables_fit_a_terminal() {
        for text in [tc(COUNTS).text(DAY, &[28]), tc(OLD).text(DAY, &[])] {
            assert!(
                text.lines().all(|line| line.chars().count() <= 100),
                "{text}"
            );
        }
    }
}
