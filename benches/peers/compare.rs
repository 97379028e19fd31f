//! Matching two sets with one question for everybody and one for each segment.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use jiff::civil::date;
use tamis::matching::{Engine, LocalEngine, MatchPlan, Question};
use tamis_protocols::intersection::{Expression, PersonSet};

use super::sets::open;
use super::{THREADS, tokens::SEGMENTS};

/// More persons than any set here has numbered.
const NUMBERED: u32 = 1 << 27;

/// Who is in the answer; counted after the time was taken.
pub struct Answer {
    everybody: PersonSet,
}

impl Answer {
    /// How many persons everybody is.
    pub fn count(&self) -> u64 {
        (0..NUMBERED)
            .filter(|person| self.everybody.contains(*person))
            .count() as u64
    }
}

pub fn everybody_and_segments(crm: &Path, graph: &Path, deltas: Option<&Path>) -> Answer {
    let (advertiser, partner) = (open(crm, None), open(graph, deltas));
    let ask = |text: String| Question {
        expression: Expression::parse(&text).unwrap(),
        destination: None,
    };
    let segments = (0..SEGMENTS).map(|n| ask(format!("s = v{n}")));
    let plan = MatchPlan {
        advertiser: &advertiser,
        partner: &partner,
        suppressed: &[],
        as_of: date(2026, 11, 22),
        questions: [ask("all".to_owned())]
            .into_iter()
            .chain(segments)
            .collect(),
        progress: &|_| {},
    };
    let mut answers = LocalEngine::new(THREADS)
        .evaluate(&plan, &AtomicBool::new(false))
        .unwrap();
    Answer {
        everybody: answers.swap_remove(0),
    }
}
