//! The whole audit: a log with everything that is beside it.

use super::earlier::{Kept, Roots};
use super::evidence::{Evidence, file};
use super::leaves::Leaves;
use super::lines::Lines;
use super::manifest::{self, opened, small};
use super::report::Report;
use super::violation::{Problem, Violation};
use super::{samples, summary};
use crate::transparency::{self, CHECKPOINT, Opened, open_checkpoint, walk};

/// Proves everything that the evidence can show, or gives the first thing that is wrong.
///
/// `vkey` is the log's verifier key line; `earlier` are checkpoints that the auditor kept elsewhere. A pack
/// must be complete; of a bare log its leaves alone are checked, and the report says what was not.
pub fn audit(store: &dyn Evidence, vkey: &str, earlier: &[Vec<u8>]) -> Result<Report, Violation> {
    let head = head(store, vkey)?;
    let pack = manifest::check(store, &head)?;
    if pack && small(store, file::KEY)? != format!("{vkey}\n").into_bytes() {
        return Err(Violation::file(file::KEY, Problem::OtherKey));
    }
    let mut report = replay(store, vkey, &head, earlier, pack)?;
    if pack {
        summary::check(&report.summary, opened(store, file::SUMMARY)?)?;
    }
    if !earlier.is_empty() {
        report.checked.push(format!(
            "every checkpoint given is of a beginning of this log ({})",
            earlier.len()
        ));
    }
    Ok(report)
}

/// As [`audit`] of a pack that has neither manifest nor summary yet: its report has the text of the summary.
pub fn summarise(store: &dyn Evidence, vkey: &str) -> Result<Report, Violation> {
    replay(store, vkey, &head(store, vkey)?, &[], true)
}

fn head(store: &dyn Evidence, vkey: &str) -> Result<Opened, Violation> {
    let checkpoint = small(store, CHECKPOINT)?;
    Ok(open_checkpoint(&checkpoint, vkey).ok_or(transparency::Violation::Checkpoint)?)
}

fn replay(
    store: &dyn Evidence,
    vkey: &str,
    head: &Opened,
    earlier: &[Vec<u8>],
    pack: bool,
) -> Result<Report, Violation> {
    let mut roots = Roots::new(head, vkey);
    let mut kept = Vec::new();
    if pack {
        let mut lines = Lines::new(file::EARLIER, opened(store, file::EARLIER)?);
        while let Some(line) = lines.next::<Kept>()? {
            kept.push(roots.add(line.checkpoint.as_bytes())?.size);
        }
        if !kept.is_sorted_by(|one, next| one < next) {
            return Err(Violation::file(file::EARLIER, Problem::Order));
        }
    }
    for note in earlier {
        roots.add(note)?;
    }
    if pack {
        samples::checkpoints(opened(store, file::SAMPLES)?, &mut roots)?;
    }
    let documents = pack.then(|| opened(store, file::DOCUMENTS)).transpose()?;
    let mut leaves = Leaves::new(documents.map(|open| Lines::new(file::DOCUMENTS, open)));
    let log = walk(store, vkey, |seen| {
        leaves.take(seen.index, seen.leaf)?;
        roots.check(&seen)
    })?;
    leaves.end()?;
    let samples = match pack {
        true => samples::check(opened(store, file::SAMPLES)?, &leaves, vkey)?,
        false => Vec::new(),
    };
    let mut report = Report {
        log,
        documents: pack,
        checked: Vec::new(),
        not_checked: Vec::new(),
        parties: std::mem::take(&mut leaves.enrolled),
        collaborations: leaves.all_books(),
        samples,
        summary: String::new(),
    };
    say(&mut report, &leaves, kept.len());
    if pack {
        report.summary = summary::text(&report, &leaves.timeline);
    }
    Ok(report)
}

/// What was checked, in words.
fn say(report: &mut Report, leaves: &Leaves<'_>, kept: usize) {
    let count = |of: fn(&super::Books) -> u64| report.collaborations.iter().map(of).sum::<u64>();
    let (decisions, deliveries) = (count(|one| one.decisions), count(|one| one.deliveries));
    let uploads = count(|one| one.uploads);
    let mut checked = vec![
        format!(
            "the checkpoint's signature, every tile and the root over {} leaves",
            report.log.leaves
        ),
        "the order of events: every leaf follows what it needs, every id is used once".to_owned(),
        format!("every delivery follows a decision that released it ({deliveries})"),
    ];
    let mut not_checked = Vec::new();
    if report.documents {
        let collaborations = report.collaborations.len();
        checked.extend([
            format!(
                "every party's keys are those it enrolled with ({})",
                report.parties.len()
            ),
            format!("all terms are signed by the keys that enrolled ({collaborations})"),
            format!(
                "every decision is by a policy as tight as what was signed before it ({decisions})"
            ),
            format!(
                "the privacy budget recomputed: no charge beyond it ({})",
                leaves.charges
            ),
            format!("every upload's records are bound in number and content ({uploads})"),
            match report.samples.iter().map(|one| one.drawn).sum::<u64>() {
                0 => "consent records: none were drawn".to_owned(),
                drawn => format!("every record that was drawn is included in its upload ({drawn})"),
            },
            format!("earlier checkpoints are of beginnings of this log ({kept})"),
        ]);
    } else {
        checked.push(format!(
            "the privacy budget within the loosest policy there is ({} charges)",
            leaves.charges
        ));
        not_checked.extend(
            [
                "who signed the terms, and whether decisions keep to them: terms, keys and policies are not \
                 in a log alone",
                "the privacy budget by the policy of each decision",
                "consent records: nothing was drawn, or it is not here",
            ]
            .map(str::to_owned),
        );
    }
    report.checked = checked;
    report.not_checked = not_checked;
}
