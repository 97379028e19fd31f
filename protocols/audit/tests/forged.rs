//! Attacks of somebody who has the log's key: everything is signed and hashed anew, and still it does not hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::story::{capped, id, signing, terms};
use super::*;
use crate::pairing;
use crate::release::Policy;
use crate::transparency::{Event, Rule};

const FLOOR: Policy = Policy::floor();

#[test]
fn a_delivery_without_its_decision_is_found() {
    let mut story = Story::whole();
    let at = story.leaves.iter().position(|leaf| {
        matches!(&leaf.event, Event::GateDecision { decision_id, .. } if *decision_id == id(11))
    });
    let at = at.unwrap();
    story.leaves.remove(at);
    story.documents.remove(at);
    let found = check(&story, &pack(&story)).unwrap_err();
    assert!(
        matches!(
            found,
            Violation::Log(crate::transparency::Violation::Order {
                rule: Rule::NotReleased,
                ..
            })
        ),
        "{found}"
    );
}

#[test]
fn a_delivery_before_its_decision_is_found() {
    let mut story = Story::whole();
    let at = story.leaves.len() - 2;
    assert!(matches!(story.leaves[at].event, Event::Delivery { .. }));
    story.leaves.swap(at - 1, at);
    story.documents.swap(at - 1, at);
    assert!(check(&story, &pack(&story)).is_err());
}

#[test]
fn an_overspent_budget_of_the_pair_is_found() {
    let (mut story, id) = Story::opened(capped(1_000));
    for n in 0..3 {
        story.decide(&id, 20 + n, "dsp-a", Some(200), 400, capped(1_000));
    }
    assert_eq!(problem(&story), Some(Problem::PairOverspent));
}

#[test]
fn a_budget_is_overspent_a_moment_before_it_comes_back() {
    let (mut story, id) = Story::opened(capped(400));
    story.decide(&id, 20, "dsp-a", Some(200), 400, capped(400));
    story.wait(30 * 24 * 60 - 2);
    story.decide(&id, 21, "dsp-a", Some(210), 400, capped(400));
    assert_eq!(problem(&story), Some(Problem::PairOverspent));
}

#[test]
fn a_budget_is_one_in_all_collaborations_of_the_pair() {
    let (mut story, first) = Story::opened(capped(700));
    let second = story.agree(&terms(2, capped(700)));
    story.upload(&second, 4, "crm", 1_100);
    story.upload(&second, 5, "graph", 60_000);
    story.decide(&first, 20, "dsp-a", Some(200), 400, capped(700));
    story.decide(&second, 21, "dsp-a", Some(210), 400, capped(700));
    assert_eq!(problem(&story), Some(Problem::PairOverspent));
}

#[test]
fn an_overspent_budget_is_found_in_a_bare_log_by_the_loosest_policy() {
    let (mut story, id) = Story::opened(FLOOR);
    for n in 0..21 {
        story.decide(&id, 20 + n, "dsp-a", Some(200 + u64::from(n)), 400, FLOOR);
    }
    let found = check(&story, &bare(&story)).unwrap_err();
    let problem = matches!(
        found,
        Violation::Leaf {
            problem: Problem::PairOverspent,
            ..
        }
    );
    assert!(problem, "{found}");
}

#[test]
fn a_charge_that_is_too_small_or_none_for_a_new_answer_is_found() {
    let (mut story, id) = Story::opened(FLOOR);
    story.decide(&id, 20, "dsp-a", Some(200), 399, FLOOR);
    assert_eq!(problem(&story), Some(Problem::Charge));
    let (mut story, id) = Story::opened(FLOOR);
    story.decide(&id, 20, "dsp-a", Some(200), 400, FLOOR);
    story.decide(&id, 21, "dsp-a", Some(210), 0, FLOOR);
    assert_eq!(problem(&story), Some(Problem::NoEarlierAnswer));
}

#[test]
fn a_decision_by_a_looser_policy_than_was_signed_is_found() {
    let (mut story, id) = Story::opened(capped(5_000));
    story.matched(&id, 20, FLOOR);
    assert_eq!(problem(&story), Some(Problem::Looser));
    let (mut story, id) = Story::opened(FLOOR);
    story.tighten(&id, "acme", 1, capped(5_000));
    story.matched(&id, 20, FLOOR);
    assert_eq!(problem(&story), Some(Problem::Looser));
}

#[test]
fn a_policy_that_is_not_in_the_pack_is_found() {
    let (mut story, id) = Story::opened(FLOOR);
    story.matched(&id, 20, FLOOR);
    story.documents.last_mut().unwrap().clear();
    assert_eq!(problem(&story), Some(Problem::NoDocument));
}

#[test]
fn another_policy_than_the_leaf_names_is_found() {
    let (mut story, id) = Story::opened(FLOOR);
    story.matched(&id, 20, FLOOR);
    *story.documents.last_mut().unwrap() = vec![Document::Policy {
        version: Policy::VERSION,
        policy: capped(100),
    }];
    assert_eq!(problem(&story), Some(Problem::NotTheDocument));
}

#[test]
fn terms_that_one_side_did_not_sign_are_found() {
    for (at, forger) in [(5, "mapper"), (6, "acme")] {
        let (mut story, _) = Story::opened(FLOOR);
        let Document::Terms { terms, .. } = story.documents[5][0].clone() else {
            panic!("terms");
        };
        let forged = pairing::sign_terms(&signing(forger), terms.as_bytes());
        match &mut story.documents[at][0] {
            Document::Terms { signature, .. } | Document::Acceptance { signature } => {
                *signature = STANDARD.encode(forged);
            }
            _ => panic!("a signature"),
        }
        assert_eq!(problem(&story), Some(Problem::Signature), "{at}");
    }
}

#[test]
fn a_tightening_that_nobody_signed_is_found() {
    let (mut story, id) = Story::opened(FLOOR);
    story.tighten(&id, "acme", 1, capped(5_000));
    if let Some(Document::Tightening { signature, .. }) =
        story.documents.last_mut().unwrap().first_mut()
    {
        *signature = STANDARD.encode([0; 64]);
    }
    assert_eq!(problem(&story), Some(Problem::Signature));
}

#[test]
fn a_tightening_that_loosens_is_found() {
    let (mut story, id) = Story::opened(capped(5_000));
    story.tighten(&id, "acme", 1, capped(6_000));
    assert_eq!(problem(&story), Some(Problem::Looser));
}

#[test]
fn keys_that_a_party_did_not_enrol_with_are_found() {
    let (mut story, _) = Story::opened(FLOOR);
    story.documents[0] = story.documents[1].clone();
    assert_eq!(problem(&story), Some(Problem::NotTheDocument));
}

#[test]
fn a_destination_that_is_not_in_the_terms_is_found() {
    let (mut story, id) = Story::opened(FLOOR);
    story.enrol("dsp-c", "destination");
    story.decide(&id, 20, "dsp-c", Some(200), 400, FLOOR);
    assert_eq!(problem(&story), Some(Problem::NotInTerms));
}

#[test]
fn terms_with_another_key_of_a_destination_are_found() {
    let (mut story, _) = Story::opened(FLOOR);
    let mut other = terms(2, FLOOR);
    other.destinations[0].sealing_key = Some("ab".repeat(32));
    story.agree(&other);
    assert_eq!(problem(&story), Some(Problem::DestinationKey));
}

#[test]
fn another_number_of_records_than_the_leaf_binds_is_found() {
    let (mut story, _) = Story::opened(FLOOR);
    if let Some(Document::Upload { rows, .. }) = story.documents[7].first_mut() {
        *rows -= 1;
    }
    assert_eq!(problem(&story), Some(Problem::NotTheDocument));
}

#[test]
fn a_log_that_forgot_what_was_signed_before_is_found() {
    let (mut story, id) = Story::opened(FLOOR);
    story.matched(&id, 20, FLOOR);
    let early = story.checkpoint().into_bytes();
    let (mut other, id) = Story::opened(FLOOR);
    other.matched(&id, 21, FLOOR);
    other.matched(&id, 22, FLOOR);
    let store = pack(&other);
    let found = audit(&store, &other.key.vkey(), std::slice::from_ref(&early)).unwrap_err();
    assert!(matches!(found, Violation::Earlier { size: 10 }), "{found}");
    // A log that became shorter.
    let (short, _) = Story::opened(FLOOR);
    let found = audit(&pack(&short), &short.key.vkey(), &[early]).unwrap_err();
    assert!(matches!(found, Violation::Earlier { .. }), "{found}");
}

#[test]
fn a_summary_that_says_more_than_the_evidence_is_found() {
    let story = Story::whole();
    let mut store = pack(&story);
    let text = String::from_utf8(store.files[file::SUMMARY].clone()).unwrap();
    close(&story, &mut store, text.replace("about 320", "about 420"));
    let found = check(&story, &store).unwrap_err();
    assert!(found.to_string().contains("SUMMARY.md"), "{found}");
}

#[test]
fn documents_without_a_manifest_are_no_bare_log() {
    let story = Story::whole();
    let mut store = pack(&story);
    store.files.remove(file::MANIFEST);
    assert!(check(&story, &store).is_err());
}
