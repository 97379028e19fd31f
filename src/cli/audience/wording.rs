//! Slips in `--where`, found before the gate is asked.
//!
//! A label that no row has selects nobody, and the gate then says "below minimum" as to any small audience.
//! The advertiser's own report names the segments of its newest upload, so a slip is told apart here: an
//! unknown name is an error, an unknown value only a doubt, since tomorrow's upload may well have it.

use std::collections::{BTreeMap, BTreeSet};

use tamis_protocols::intersection::Expression;
use tamis_protocols::wire::api::UploadView;

use crate::cli::Failure;

/// Values that are listed.
const SHOWN: usize = 12;

/// Rows per segment label of the newest sealed upload; `None` if there is none.
pub(super) fn segments_of_newest(newest_first: &[UploadView]) -> Option<&BTreeMap<String, u64>> {
    newest_first
        .iter()
        .find_map(|upload| upload.report.as_ref())
        .map(|report| &report.segments)
}

/// What is doubtful about an expression, one line each.
///
/// # Errors
/// It names a segment that the upload does not have at all.
pub(super) fn check(
    expression: &Expression,
    segments: &BTreeMap<String, u64>,
) -> Result<Vec<String>, Failure> {
    let names: BTreeSet<&str> = segments.keys().map(|label| parts(label).0).collect();
    let mut doubts = Vec::new();
    for label in expression.labels() {
        let (name, value) = parts(&label);
        if !names.contains(name) {
            return Err(
                Failure::usage(format!("--where: your upload has no segment {name}")).next(
                    match names.len() {
                        0 => "It has none: upload again with --segments COLUMNS, or use `all`."
                            .to_owned(),
                        _ => format!("It has: {}.", some(names.into_iter())),
                    },
                ),
            );
        }
        if !segments.contains_key(&label) {
            let known = segments.keys().map(|label| parts(label));
            let values = known.filter(|(of, _)| *of == name).map(|(_, value)| value);
            doubts.push(format!(
                "! no row that takes part has {name} = {value}; there is: {}",
                some(values)
            ));
        }
    }
    Ok(doubts)
}

fn parts(label: &str) -> (&str, &str) {
    label.split_once('=').unwrap_or((label, ""))
}

fn some<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    let mut text = words[..words.len().min(SHOWN)].join(", ");
    if words.len() > SHOWN {
        text += &format!(" and {} more", words.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn judged(expression: &str) -> Result<Vec<String>, Failure> {
        let labels = ["loyalty=gold", "loyalty=silver", "status=inactive"];
        let segments = labels.map(|label| (label.to_owned(), 10)).into();
        check(&Expression::parse(expression).unwrap(), &segments)
    }

    #[test]
    fn what_the_upload_has_raises_no_doubt() {
        for fine in ["all", "loyalty in (gold, silver) and not status = inactive"] {
            assert!(judged(fine).unwrap().is_empty(), "{fine}");
        }
    }

    #[test]
    fn a_slip_in_a_name_is_an_error_and_one_in_a_value_a_doubt() {
        let failure = judged("loyality = gold").unwrap_err();
        assert!(failure.what.contains("loyality"));
        assert_eq!(failure.next.unwrap(), "It has: loyalty, status.");
        let doubts = judged("loyalty = Gold").unwrap();
        assert!(doubts[0].contains("there is: gold, silver"), "{doubts:?}");
    }

    #[test]
    fn an_upload_without_segments_says_how_to_get_some() {
        let failure = check(&Expression::parse("a = b").unwrap(), &BTreeMap::new()).unwrap_err();
        assert!(failure.next.unwrap().contains("--segments"));
    }
}
