//! Slips in `--where`, found before the gate is asked.
//!
//! A label that no row has selects nobody, and the gate then says "below minimum" as to any small audience.
//! The advertiser's own report names the segments of its uploads, so a slip is told apart here: an
//! unknown name is an error, an unknown value only a doubt, since tomorrow's upload may well have it.

use std::collections::{BTreeMap, BTreeSet};

use tamis_protocols::intersection::Expression;
use tamis_protocols::wire::api::UploadView;

use crate::cli::Failure;

/// Values that are listed.
const SHOWN: usize = 12;

/// Rows per segment label of the newest sealed upload and of those whose set it extends; `None` if there
/// is none, or if the list does not reach back to the full one.
pub(super) fn segments_of_newest(newest_first: &[UploadView]) -> Option<BTreeMap<String, u64>> {
    let mut sealed = newest_first.iter();
    let mut next = sealed.find(|upload| upload.report.is_some());
    next?;
    let mut segments = BTreeMap::new();
    while let Some(upload) = next {
        for (label, rows) in upload.report.iter().flat_map(|report| &report.segments) {
            *segments.entry(label.clone()).or_default() += rows;
        }
        next = match &upload.parent {
            Some(id) => Some(newest_first.iter().find(|upload| upload.id == *id)?),
            None => None,
        };
    }
    Some(segments)
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
    fn segments_of_what_was_added_to_are_known_and_those_of_what_was_replaced_are_not() {
        let upload = |id: &str, parent: Option<&str>, label: &str| {
            let report = serde_json::json!({
                "rows": 1, "accepted": 1, "dropped": {}, "segments": {label: 1}, "consent_root": ""
            });
            let view = serde_json::json!({
                "id": id, "collaboration": "", "state": "sealed", "length": 1, "offset": 1,
                "created_at": "", "rows_read": 1, "parent": parent, "report": report
            });
            serde_json::from_value::<UploadView>(view).unwrap()
        };
        let uploads = [
            upload("c", Some("b"), "tier=new"),
            upload("b", None, "tier=base"),
            upload("a", None, "tier=old"),
        ];
        let known = segments_of_newest(&uploads).unwrap();
        let known: Vec<&str> = known.keys().map(String::as_str).collect();
        assert_eq!(known, ["tier=base", "tier=new"]);
        assert!(segments_of_newest(&uploads[..1]).is_none());
        assert!(segments_of_newest(&[]).is_none());
    }

    #[test]
    fn an_upload_without_segments_says_how_to_get_some() {
        let failure = check(&Expression::parse("a = b").unwrap(), &BTreeMap::new()).unwrap_err();
        assert!(failure.next.unwrap().contains("--segments"));
    }
}
