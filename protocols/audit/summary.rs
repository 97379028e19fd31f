//! The summary of a pack: the same evidence in words and tables. It is a function of the evidence, so that a
//! summary that says anything else is found. So its wording belongs to the version of the manifest.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, Read as _};

use super::evidence::file;
use super::report::Report;
use super::violation::{Problem, Violation};
use crate::transparency::{Event, Leaf};

/// Leaves that a timeline shows from the beginning, and as many from the end.
const SHOWN: usize = 500;

/// The leaves of a log, one line each; of a long one the beginning and the end.
#[derive(Default)]
pub(super) struct Timeline {
    first: Vec<String>,
    last: VecDeque<String>,
    left_out: u64,
}

impl Timeline {
    pub(super) fn add(&mut self, leaf: &Leaf) {
        let line = format!(
            "| {} | {} | {} |",
            leaf.time,
            leaf.actor,
            happened(&leaf.event)
        );
        if self.first.len() < SHOWN {
            self.first.push(line);
            return;
        }
        self.last.push_back(line);
        if self.last.len() > SHOWN {
            self.last.pop_front();
            self.left_out += 1;
        }
    }
}

/// The text of `SUMMARY.md`.
pub(super) fn text(report: &Report, timeline: &Timeline) -> String {
    let mut out = String::new();
    let log = &report.log;
    let _ = write!(
        out,
        "# Evidence\n\n| | |\n|---|---|\n| log | {} |\n| leaves | {} |\n| root | {} |\n| first leaf | {} |\n\
         | last leaf | {} |\n\n",
        log.origin,
        log.leaves,
        log.root,
        log.first.as_deref().unwrap_or("none"),
        log.last.as_deref().unwrap_or("none"),
    );
    out.push_str("## What holds\n\n");
    for line in &report.checked {
        let _ = writeln!(out, "- {line}");
    }
    for line in &report.not_checked {
        let _ = writeln!(out, "- not checked: {line}");
    }
    out.push_str("\nProve it again, offline: `tamis-verify PACK --key FILE`, with the log's key from somebody \
                  whom you trust.\n");
    out.push_str("\n## Parties\n\n| party | role | enrolled |\n|---|---|---|\n");
    for party in &report.parties {
        let _ = writeln!(out, "| {} | {} | {} |", party.name, party.role, party.since);
    }
    out.push_str(
        "\n## Collaborations\n\n| id | advertiser | partner | destinations | last day | uploads | tightenings \
         | decisions | released | deliveries | withdrawals | ε charged |\n\
         |---|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for books in &report.collaborations {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {}.{:03} |",
            books.collaboration,
            books.advertiser,
            books.partner.as_deref().unwrap_or("not accepted"),
            books.destinations.join(", "),
            books.expires.as_deref().unwrap_or("unknown"),
            books.uploads,
            books.tightenings,
            books.decisions,
            books.released,
            books.deliveries,
            books.withdrawals,
            books.charged / 1000,
            books.charged % 1000,
        );
    }
    if !report.samples.is_empty() {
        out.push_str(
            "\n## Samples\n\n| id | leaves | records drawn | permitted | left out | erased |\n\
             |---|--:|--:|--:|---|--:|\n",
        );
    }
    for sample in &report.samples {
        let left_out = sample.left_out.iter();
        let left_out: Vec<_> = left_out.map(|(why, n)| format!("{why} {n}")).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            sample.sample,
            sample.size,
            sample.drawn,
            sample.permitted,
            left_out.join(", "),
            sample.erased,
        );
    }
    out.push_str("\n## What happened\n\n| time | by | what |\n|---|---|---|\n");
    for line in &timeline.first {
        let _ = writeln!(out, "{line}");
    }
    if timeline.left_out > 0 {
        let _ = writeln!(
            out,
            "| … | | {} leaves are left out here |",
            timeline.left_out
        );
    }
    for line in &timeline.last {
        let _ = writeln!(out, "{line}");
    }
    out
}

/// Whether a file says exactly this.
pub(super) fn check(text: &str, content: Box<dyn BufRead + '_>) -> Result<(), Violation> {
    let mut said = Vec::new();
    content
        .take(text.len() as u64 + 1)
        .read_to_end(&mut said)
        .map_err(|error| Violation::unreadable(file::SUMMARY, &error))?;
    match said == text.as_bytes() {
        true => Ok(()),
        false => Err(Violation::file(file::SUMMARY, Problem::Summary)),
    }
}

fn happened(event: &Event) -> String {
    let of = |collaboration: &str| format!("in {}", &collaboration[..collaboration.len().min(8)]);
    let told = |about: &Option<u64>| match about {
        Some(about) => format!("released, about {about}"),
        None => "below the minimum".to_owned(),
    };
    match event {
        Event::Enrolment { party, role, .. } => format!("enrolled {party} as {role}"),
        Event::Proposal { collaboration } => format!("proposed {collaboration}"),
        Event::Acceptance { collaboration } => format!("accepted {collaboration}"),
        Event::Tightening {
            collaboration,
            number,
            ..
        } => format!(
            "tightened the policy, number {number}, {}",
            of(collaboration)
        ),
        Event::Upload {
            collaboration,
            kind,
            mode,
            ..
        } => {
            let mode = mode.as_deref().unwrap_or("full");
            format!("sealed a {kind} upload ({mode}) {}", of(collaboration))
        }
        Event::Coverage { collaboration, .. } => format!("told coverage {}", of(collaboration)),
        Event::MatchDecision {
            collaboration,
            about,
            charge,
            ..
        } => format!(
            "decided a match {}: {}, charge {charge}",
            of(collaboration),
            told(about)
        ),
        Event::GateDecision {
            collaboration,
            destination,
            about,
            charge,
            ..
        } => format!(
            "decided an audience for {destination} {}: {}, charge {charge}",
            of(collaboration),
            told(about)
        ),
        Event::Delivery { destination, .. } => format!("acknowledged a delivery at {destination}"),
        Event::Withdrawal {
            collaboration,
            kind,
            ..
        } => match kind.as_deref() {
            None => format!("people withdrew {}", of(collaboration)),
            Some(kind) => format!("people asked for {kind} {}", of(collaboration)),
        },
        Event::Erasure {
            collaboration,
            destroyed,
            ..
        } => format!(
            "destroyed {} {}",
            destroyed.join(" and "),
            of(collaboration)
        ),
        Event::Admin { action, subject } => format!("by hand: {action}, {subject}"),
    }
}
