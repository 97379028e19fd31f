//! What an honest service writes, holds.

use super::story::{capped, terms};
use super::*;
use crate::release::Policy;

#[test]
fn an_honest_pack_holds_and_says_what_was_checked() {
    let story = Story::whole();
    let report = check(&story, &pack(&story)).unwrap();
    assert!(report.documents && report.not_checked.is_empty());
    let [books] = report.collaborations.as_slice() else {
        panic!("one collaboration");
    };
    assert_eq!((books.decisions, books.released), (4, 3));
    assert_eq!((books.deliveries, books.charged), (2, 1_000));
    assert_eq!(books.destinations, ["dmp-b", "dsp-a"]);
    assert_eq!(report.parties.len(), 5);
    assert!(
        report
            .summary
            .contains("| acme | mapper | dmp-b, dsp-a | 2027-11-22 |")
    );
}

#[test]
fn of_a_bare_log_it_is_said_what_was_not_checked() {
    let story = Story::whole();
    let report = check(&story, &bare(&story)).unwrap();
    assert!(!report.documents && !report.not_checked.is_empty());
    assert_eq!(report.collaborations[0].charged, 1_000);
}

#[test]
fn a_budget_that_came_back_can_be_spent_again() {
    let (mut story, id) = Story::opened(capped(400));
    story.decide(&id, 20, "dsp-a", Some(200), 400, capped(400));
    story.wait(30 * 24 * 60);
    story.decide(&id, 21, "dsp-a", Some(210), 400, capped(400));
    check(&story, &pack(&story)).unwrap();
}

#[test]
fn checkpoints_that_the_auditor_kept_are_of_beginnings_of_the_log() {
    let mut story = Story::opened(Policy::floor()).0;
    let early = story.checkpoint();
    story.agree(&terms(2, Policy::floor()));
    let (vkey, store) = (story.key.vkey(), pack(&story));
    let report = audit(&store, &vkey, &[early.into_bytes()]).unwrap();
    assert!(
        report
            .checked
            .iter()
            .any(|line| line.contains("checkpoint given"))
    );
}

#[test]
fn a_log_without_leaves_holds() {
    let story = Story::new();
    check(&story, &pack(&story)).unwrap();
}
