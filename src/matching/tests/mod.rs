#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod erased;
mod found;
mod recipients;
mod stacked;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use proptest::prelude::*;
use tamis_protocols::intersection::Expression;
use tamis_protocols::token::Token;

use super::*;
use crate::sets::NOBODY;
use crate::sets::members::{self, Change};
use crate::sets::testing::{AS_OF, TestRow, any_row, crm, graph, key, sealed, token};

const DESTINATIONS: [&str; 2] = ["dmp-b", "dsp-a"];

/// The specification, word by word, with hash maps.
struct Model {
    advertiser: Vec<(TestRow, Date)>,
    partner: Vec<(TestRow, Date)>,
    person: Vec<u32>,
    persons: u32,
}

impl Model {
    fn new(advertiser: &[TestRow], partner: &[TestRow]) -> Self {
        let accepted = |rows: &[TestRow]| -> Vec<(TestRow, Date)> {
            let judged = rows
                .iter()
                .filter_map(|row| Some((row.clone(), row.last_day()?)));
            judged.collect()
        };
        let partner = accepted(partner);
        // Flood labels along shared tokens until nothing changes.
        let mut label: Vec<usize> = (0..partner.len()).collect();
        loop {
            let mut lowest: HashMap<Token, usize> = HashMap::new();
            for (i, (row, _)) in partner.iter().enumerate() {
                for token in row.tokens() {
                    let low = lowest.entry(token).or_insert(label[i]);
                    *low = (*low).min(label[i]);
                }
            }
            let mut changed = false;
            for (i, (row, _)) in partner.iter().enumerate() {
                let low = row
                    .tokens()
                    .iter()
                    .map(|token| lowest[token])
                    .min()
                    .unwrap();
                changed |= low < label[i];
                label[i] = low.min(label[i]);
            }
            if !changed {
                break;
            }
        }
        let mut numbers: HashMap<usize, u32> = HashMap::new();
        let mut person = Vec::new();
        for label in label {
            let next = numbers.len() as u32;
            person.push(*numbers.entry(label).or_insert(next));
        }
        Model {
            advertiser: accepted(advertiser),
            partner,
            persons: numbers.len() as u32,
            person,
        }
    }

    fn answer(
        &self,
        satisfies: &dyn Fn(&TestRow) -> bool,
        destination: Option<&str>,
        suppressed: &HashSet<Token>,
        day: Date,
    ) -> BTreeSet<u32> {
        let touched = |row: &TestRow| row.tokens().iter().any(|token| suppressed.contains(token));
        let asked: HashSet<Token> = (self.advertiser.iter())
            .filter(|(row, last)| *last >= day && satisfies(row) && !touched(row))
            .flat_map(|(row, _)| row.tokens())
            .collect();
        let rows = || self.partner.iter().zip(&self.person);
        let out: HashSet<u32> = rows()
            .filter(|((row, _), _)| touched(row))
            .map(|(_, person)| *person)
            .collect();
        let reached: HashSet<u32> = rows()
            .filter(|((row, last), _)| *last >= day && has_cookie(row, destination))
            .map(|(_, person)| *person)
            .collect();
        rows()
            .filter(|((row, last), _)| {
                *last >= day && row.tokens().iter().any(|token| asked.contains(token))
            })
            .map(|(_, person)| *person)
            .filter(|person| !out.contains(person) && reached.contains(person))
            .collect()
    }
}

fn has_cookie(row: &TestRow, destination: Option<&str>) -> bool {
    match destination {
        None => true,
        Some(name) => {
            let position = DESTINATIONS.iter().position(|known| *known == name);
            position.is_some_and(|position| row.cookies[position].is_some())
        }
    }
}

fn question(expression: &str, destination: Option<&str>) -> Question {
    Question {
        expression: Expression::parse(expression).unwrap(),
        destination: destination.map(str::to_owned),
    }
}

type Satisfies = fn(&TestRow) -> bool;

const EXPRESSIONS: [(&str, Satisfies); 4] = [
    ("all", |_| true),
    ("x in (a, b)", |row| {
        row.segments.contains(&0) || row.segments.contains(&1)
    }),
    ("not y = a and x = a", |row| {
        !row.segments.contains(&2) && row.segments.contains(&0)
    }),
    ("x = unknown", |_| false),
];

fn evaluate(plan: &MatchPlan<'_>) -> Vec<BTreeSet<u32>> {
    let found = LocalEngine::default()
        .evaluate(plan, &AtomicBool::new(false))
        .unwrap();
    found.iter().map(|set| listed(plan.partner, set)).collect()
}

/// Who is in a set, as the model numbers persons: in the order of their first rows.
fn listed(partner: &SealedSet, found: &PersonSet) -> BTreeSet<u32> {
    let (mut numbers, mut listed) = (HashMap::new(), BTreeSet::new());
    let now = |person| {
        let aliases = partner.aliases().iter();
        aliases.fold(
            person,
            |now, (from, to)| if now == *from { *to } else { now },
        )
    };
    for layer in partner.layers() {
        let mut walk = layer.walk_rows().unwrap();
        while let Some(block) = walk.next().unwrap() {
            for person in (0..block.len())
                .map(|i| now(block.person(i)))
                .filter(|person| *person != NOBODY && !partner.gone().contains(*person))
            {
                let next = numbers.len() as u32;
                let number = *numbers.entry(person).or_insert(next);
                if found.contains(person) {
                    listed.insert(number);
                }
            }
        }
    }
    listed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn matching_and_members_agree_with_a_hash_map(
        advertiser in prop::collection::vec(any_row(0), 0..40),
        partner in prop::collection::vec(any_row(2), 0..40),
        withdrawn in prop::collection::vec((0usize..3, 0u32..14), 0..4),
        later in 0i64..60,
        tight in any::<bool>(),
    ) {
        let memory = if tight { 0 } else { 1 << 20 };
        let dir = tempfile::tempdir().unwrap();
        let left = sealed(&crm(), &advertiser, &dir.path().join("a"), "a", memory);
        let right = sealed(&graph(), &partner, &dir.path().join("p"), "p", memory);
        let model = Model::new(&advertiser, &partner);
        prop_assert_eq!(left.rows() as usize, advertiser.len());
        prop_assert_eq!(right.persons(), model.persons);

        let day = AS_OF.saturating_add(later.days());
        let mut suppressed: Vec<Token> = withdrawn.iter().map(|(kind, n)| token(*kind, *n)).collect();
        suppressed.sort_unstable();
        let mut questions = Vec::new();
        for (text, _) in EXPRESSIONS {
            for destination in [None, Some("dmp-b"), Some("dsp-a"), Some("elsewhere")] {
                questions.push(question(text, destination));
            }
        }
        let plan = MatchPlan {
            advertiser: &left, partner: &right, suppressed: &suppressed, as_of: day, questions, progress: &|_| {},
        };
        let found = evaluate(&plan);
        let withdrawn: HashSet<Token> = suppressed.iter().copied().collect();
        for (i, (asked, found)) in plan.questions.iter().zip(&found).enumerate() {
            let destination = asked.destination.as_deref();
            let expected = model.answer(&EXPRESSIONS[i / 4].1, destination, &withdrawn, day);
            prop_assert_eq!(found, &expected, "{} at {:?}", asked.expression, destination);
        }

        // What is delivered to the first destination for `all`.
        let sets = LocalEngine::new(1).evaluate(&plan, &AtomicBool::new(false)).unwrap();
        let out = dir.path().join("members");
        let file = members::write(&right, &sets[1], "dmp-b", day, &out, &key(), "d1").unwrap();
        let delivered: BTreeSet<Vec<u8>> = members::changes(None, &file)
            .map(|change| match change.unwrap() {
                Change::Add(cookie) => cookie.bytes,
                Change::Remove(_) => panic!("nothing was there before"),
            })
            .collect();
        let expected: BTreeSet<Vec<u8>> = model.partner.iter().zip(&model.person)
            .filter(|((_, last), person)| *last >= day && found[1].contains(person))
            .filter_map(|((row, _), _)| row.cookies[0])
            .map(|cookie| format!("cookie-{cookie}").into_bytes())
            .collect();
        prop_assert_eq!(delivered, expected);
    }
}

fn row(email: u32, phone: Option<u32>) -> TestRow {
    TestRow {
        identifiers: [Some(email), phone, None],
        given: Some(AS_OF.saturating_sub(Span::new().days(3))),
        opposed: false,
        segments: vec![0],
        cookies: vec![Some((email % 200) as u8), None],
    }
}

#[test]
fn ranges_and_threads_do_not_change_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<TestRow> = (0..20_000).map(|n| row(n, Some(n / 2))).collect();
    let other: Vec<TestRow> = (10_000..22_000).map(|n| row(n, None)).collect();
    let left = sealed(&crm(), &other, &dir.path().join("a"), "a", 1 << 20);
    let right = sealed(&graph(), &rows, &dir.path().join("p"), "p", 1 << 20);
    assert_eq!(right.persons(), 10_000);
    let plan = MatchPlan {
        advertiser: &left,
        partner: &right,
        suppressed: &[],
        as_of: AS_OF,
        questions: vec![question("all", None)],
        progress: &|_| {},
    };
    for threads in [1, 2, 7] {
        let found = LocalEngine::new(threads)
            .evaluate(&plan, &AtomicBool::new(false))
            .unwrap();
        assert_eq!(listed(&right, &found[0]), (5_000..10_000).collect());
    }
}

#[test]
fn a_withdrawn_person_is_out_on_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    // The partner's person has two identifiers; the advertiser knows one, the other is withdrawn.
    let left = sealed(
        &crm(),
        &[row(1, None), row(2, Some(7))],
        &dir.path().join("a"),
        "a",
        0,
    );
    let right = sealed(
        &graph(),
        &[row(1, Some(5)), row(2, None)],
        &dir.path().join("p"),
        "p",
        0,
    );
    let ask = |suppressed: &[Token]| {
        evaluate(&MatchPlan {
            advertiser: &left,
            partner: &right,
            suppressed,
            as_of: AS_OF,
            questions: vec![question("all", None)],
            progress: &|_| {},
        })
    };
    assert_eq!(ask(&[])[0], BTreeSet::from([0, 1]));
    assert_eq!(ask(&[token(1, 5)])[0], BTreeSet::from([1]));
    assert_eq!(ask(&[token(1, 7)])[0], BTreeSet::from([0]));
}

#[test]
fn plans_that_make_no_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let left = sealed(&crm(), &[row(1, None)], &dir.path().join("a"), "a", 0);
    let mut other = graph();
    other.epoch = 2;
    let newer = sealed(&other, &[row(1, None)], &dir.path().join("p"), "p", 0);
    let right = sealed(&graph(), &[row(1, None)], &dir.path().join("q"), "q", 0);
    let refused = |advertiser: &SealedSet, partner: &SealedSet, suppressed: &[Token]| {
        let questions = vec![question("all", None)];
        let plan = MatchPlan {
            advertiser,
            partner,
            suppressed,
            as_of: AS_OF,
            questions,
            progress: &|_| {},
        };
        let result = LocalEngine::default().evaluate(&plan, &AtomicBool::new(false));
        matches!(result, Err(MatchError::Plan(_)))
    };
    assert!(refused(&right, &left, &[]));
    assert!(refused(&left, &newer, &[]));
    assert!(refused(&left, &right, &[Token([2; 16]), Token([1; 16])]));
    assert!(!refused(&left, &right, &[Token([1; 16]), Token([2; 16])]));
}

#[test]
fn a_cancelled_match_has_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let left = sealed(&crm(), &[row(1, None)], &dir.path().join("a"), "a", 0);
    let right = sealed(&graph(), &[row(1, None)], &dir.path().join("p"), "p", 0);
    let questions = vec![question("all", Some("dmp-b"))];
    let plan = MatchPlan {
        advertiser: &left,
        partner: &right,
        suppressed: &[],
        as_of: AS_OF,
        questions,
        progress: &|_| {},
    };
    let result = LocalEngine::default().evaluate(&plan, &AtomicBool::new(true));
    assert!(matches!(result, Err(MatchError::Cancelled)));
}

#[test]
fn a_damaged_run_is_an_error_and_never_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let left = sealed(&crm(), &[row(1, None)], &dir.path().join("a"), "a", 0);
    let path = dir.path().join("p");
    let right = sealed(&graph(), &[row(1, None)], &path, "p", 0);
    let mut bytes = std::fs::read(path.join("tokens")).unwrap();
    bytes[50] ^= 1;
    std::fs::write(path.join("tokens"), bytes).unwrap();
    let questions = vec![question("all", None)];
    let plan = MatchPlan {
        advertiser: &left,
        partner: &right,
        suppressed: &[],
        as_of: AS_OF,
        questions,
        progress: &|_| {},
    };
    let error = LocalEngine::default().evaluate(&plan, &AtomicBool::new(false));
    assert_eq!(
        error.err().unwrap().to_string(),
        "p/tokens: block 0 is damaged or does not belong there"
    );
}
