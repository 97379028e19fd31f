//! Sets that grew and shrank: every answer is that of their rows as they are now, before and after a
//! compaction.

use std::collections::BTreeMap;

use tamis_protocols::wire::batch::{UploadKind, UploadMode, WireHeader};

use super::*;
use crate::sets::testing::{Growing, tag};

/// What happens to a set.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Upload(UploadMode, Vec<TestRow>),
    Compact,
}

pub(super) fn steps(destinations: usize) -> impl Strategy<Value = Vec<Step>> {
    let rows = |most| prop::collection::vec(any_row(destinations), 0..most);
    let step = prop_oneof![
        1 => rows(16).prop_map(|rows| Step::Upload(UploadMode::Full, rows)),
        6 => rows(10).prop_map(|rows| Step::Upload(UploadMode::Add, rows)),
        4 => rows(3).prop_map(|rows| Step::Upload(UploadMode::Remove, rows)),
        5 => rows(5).prop_map(|rows| Step::Upload(UploadMode::Refresh, rows)),
        1 => Just(Step::Compact),
    ];
    (rows(20), prop::collection::vec(step, 0..7)).prop_map(|(first, mut steps)| {
        steps.insert(0, Step::Upload(UploadMode::Full, first));
        steps
    })
}

/// The rows that are there at the end, each with the number of its upload.
fn effective(kind: UploadKind, steps: &[Step]) -> Vec<(TestRow, u8)> {
    let (mut rows, mut uploads) = (Vec::<(TestRow, u8)>::new(), 0);
    for step in steps {
        let Step::Upload(mode, new) = step else {
            continue;
        };
        let accepted = new.iter().filter(|row| row.last_day().is_some());
        let accepted = accepted.map(|row| (row.clone(), uploads));
        match mode {
            UploadMode::Full => rows.clear(),
            UploadMode::Add => {}
            UploadMode::Remove | UploadMode::Refresh => take_out(kind, &mut rows, new),
        }
        if *mode != UploadMode::Remove {
            rows.extend(accepted);
        }
        uploads += 1;
    }
    rows
}

/// Removes every row of an advertiser, every person of a partner, with a token of `new`.
fn take_out(kind: UploadKind, rows: &mut Vec<(TestRow, u8)>, new: &[TestRow]) {
    let tokens: HashSet<Token> = new.iter().flat_map(TestRow::tokens).collect();
    let touched = |row: &TestRow| row.tokens().iter().any(|t| tokens.contains(t));
    let plain: Vec<TestRow> = rows.iter().map(|(row, _)| row.clone()).collect();
    let person = match kind {
        UploadKind::Crm => (0..rows.len() as u32).collect(),
        UploadKind::Graph => Model::new(&[], &plain).person,
    };
    let owners = person.iter().zip(&plain);
    let gone = owners
        .filter(|(_, row)| touched(row))
        .map(|(person, _)| *person);
    let gone: HashSet<u32> = gone.collect();
    let mut person = person.into_iter();
    rows.retain(|_| person.next().is_some_and(|person| !gone.contains(&person)));
}

pub(super) fn grown<'a>(
    dir: &'a std::path::Path,
    header: WireHeader,
    memory: usize,
    steps: &[Step],
) -> Growing<'a> {
    let mut set = Growing::new(dir, header, memory);
    for step in steps {
        match step {
            Step::Upload(mode, rows) => set.upload(*mode, rows),
            Step::Compact => set.compact(),
        }
    }
    set
}

/// Tag, upload and content of every cookie that is delivered.
fn delivered(
    partner: &SealedSet,
    persons: &PersonSet,
    destination: &str,
    day: Date,
    dir: &std::path::Path,
) -> BTreeMap<Vec<u8>, (String, Option<[u8; 32]>)> {
    let out = dir.join("members");
    let file = members::write(partner, persons, destination, day, &out, &key(), "m").unwrap();
    let mut found = BTreeMap::new();
    for change in members::changes(None, &file) {
        let Change::Add(cookie) = change.unwrap() else {
            panic!("nothing was there before")
        };
        let origin = (cookie.origin.upload.clone(), cookie.origin.enc);
        assert!(found.insert(cookie.bytes, origin).is_none(), "told twice");
    }
    std::fs::remove_file(&out).unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_set_answers_as_its_rows_do_now_however_it_came_to_them(
        ours in steps(0),
        theirs in steps(2),
        withdrawn in prop::collection::vec((0usize..3, 0u32..14), 0..3),
        later in 0i64..60,
        tight in any::<bool>(),
    ) {
        let memory = if tight { 0 } else { 1 << 20 };
        let dir = tempfile::tempdir().unwrap();
        let mut left = grown(dir.path(), crm(), memory, &ours);
        let mut right = grown(dir.path(), graph(), memory, &theirs);
        let rows = effective(UploadKind::Crm, &ours);
        let people = effective(UploadKind::Graph, &theirs);
        let plain = |rows: &[(TestRow, u8)]| rows.iter().map(|(row, _)| row.clone()).collect::<Vec<_>>();
        let model = Model::new(&plain(&rows), &plain(&people));

        let day = AS_OF.saturating_add(later.days());
        let mut suppressed: Vec<Token> = withdrawn.iter().map(|(kind, n)| token(*kind, *n)).collect();
        suppressed.sort_unstable();
        let withdrawn: HashSet<Token> = suppressed.iter().copied().collect();
        let mut stacked = Vec::new();
        for compacted in [false, true] {
            if compacted {
                left.compact();
                right.compact();
            }
            let (left, right) = (left.open(), right.open());
            left.verify().unwrap();
            right.verify().unwrap();
            if compacted {
                prop_assert_eq!(right.persons(), model.persons);
            }
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
            for (i, (asked, found)) in plan.questions.iter().zip(&found).enumerate() {
                let destination = asked.destination.as_deref();
                let expected = model.answer(&EXPRESSIONS[i / 4].1, destination, &withdrawn, day);
                prop_assert_eq!(found, &expected, "{} at {:?}", asked.expression, destination);
            }

            // What is delivered for `all`: of every tag the latest cookie, and how to open it.
            let sets = LocalEngine::new(1).evaluate(&plan, &AtomicBool::new(false)).unwrap();
            for (at, name) in DESTINATIONS.iter().enumerate() {
                let mut latest = BTreeMap::new();
                for (i, (row, upload)) in people.iter().enumerate() {
                    let valid = row.last_day().unwrap() >= day && found[at + 1].contains(&model.person[i]);
                    if let Some(cookie) = row.cookies[at].filter(|_| valid) {
                        let bytes = match at {
                            0 => format!("cookie-{cookie}").into_bytes(),
                            _ => [vec![*upload; 87], vec![cookie]].concat(),
                        };
                        let enc = (at == 1).then_some([*upload; 32]);
                        latest.insert(tag(at, cookie), (bytes, (format!("graph-{upload}"), enc)));
                    }
                }
                let told = delivered(&right, &sets[at + 1], name, day, dir.path());
                prop_assert_eq!(&told, &latest.into_values().collect());
                stacked.push(told);
            }
        }
        prop_assert_eq!(&stacked[..2], &stacked[2..]);

        // The same from scratch.
        let other = tempfile::tempdir().unwrap();
        let left = sealed(&crm(), &plain(&rows), &other.path().join("a"), "a", memory);
        let right = sealed(&graph(), &plain(&people), &other.path().join("p"), "p", memory);
        let questions = EXPRESSIONS.map(|(text, _)| question(text, Some("dmp-b"))).to_vec();
        let plan = MatchPlan {
            advertiser: &left, partner: &right, suppressed: &suppressed, as_of: day, questions, progress: &|_| {},
        };
        for (found, (_, satisfies)) in evaluate(&plan).iter().zip(EXPRESSIONS) {
            prop_assert_eq!(found, &model.answer(&satisfies, Some("dmp-b"), &withdrawn, day));
        }
    }
    #[test]
    fn a_refresh_is_the_removal_and_then_the_addition_of_the_same_rows_on_either_side(
        ours in steps(0),
        theirs in steps(2),
        changed in prop::collection::vec(any_row(0), 0..6),
        people in prop::collection::vec(any_row(2), 0..6),
        later in 0i64..60,
        tight in any::<bool>(),
    ) {
        let memory = if tight { 0 } else { 1 << 20 };
        let day = AS_OF.saturating_add(later.days());
        let mut answers = Vec::new();
        for modes in [&[UploadMode::Remove, UploadMode::Add][..], &[UploadMode::Refresh]] {
            let dir = tempfile::tempdir().unwrap();
            let mut left = grown(dir.path(), crm(), memory, &ours);
            let mut right = grown(dir.path(), graph(), memory, &theirs);
            for mode in modes {
                left.upload(*mode, &changed);
                right.upload(*mode, &people);
            }
            for compacted in [false, true] {
                if compacted {
                    left.compact();
                    right.compact();
                }
                let (left, right) = (left.open(), right.open());
                left.verify().unwrap();
                right.verify().unwrap();
                let mut questions = Vec::new();
                for (text, _) in EXPRESSIONS {
                    for destination in [None, Some("dmp-b"), Some("dsp-a")] {
                        questions.push(question(text, destination));
                    }
                }
                let plan = MatchPlan {
                    advertiser: &left, partner: &right, suppressed: &[], as_of: day, questions, progress: &|_| {},
                };
                let sets = LocalEngine::new(1).evaluate(&plan, &AtomicBool::new(false)).unwrap();
                let cookies = delivered(&right, &sets[1], "dmp-b", day, dir.path());
                let cookies: Vec<Vec<u8>> = cookies.into_keys().collect();
                answers.push((evaluate(&plan), cookies, right.persons(), left.gone().len(), right.gone().len()));
            }
        }
        prop_assert_eq!(&answers[..2], &answers[2..]);
    }
}
