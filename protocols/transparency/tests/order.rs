//! Attacks of the operator itself: it holds the key and signs a log that breaks its promises.

use super::*;

/// What the verifier says of a log with these leaves, signed by the log's own key.
fn verdict(leaves: &[Leaf]) -> Result<(), Rule> {
    match check(&log_of(&bytes(leaves), 100)) {
        Ok(_) => Ok(()),
        Err(Violation::Order { rule, .. }) => Err(rule),
        Err(other) => panic!("{other}"),
    }
}

fn with(change: impl FnOnce(&mut Vec<Leaf>)) -> Result<(), Rule> {
    let mut leaves = story();
    change(&mut leaves);
    verdict(&leaves)
}

fn add(actor: &str, event: Event) -> Result<(), Rule> {
    with(|leaves| leaves.push(leaf(30, actor, event)))
}

#[test]
fn nothing_is_delivered_that_was_not_released_to_that_destination_before() {
    let refused = Err(Rule::NotReleased);
    assert_eq!(
        add("dsp-a", delivery(20, 7, 8, "dsp-a")),
        refused,
        "below the minimum"
    );
    assert_eq!(
        add("dsp-a", delivery(20, 5, 8, "dsp-a")),
        refused,
        "another audience"
    );
    assert_eq!(
        add("dmp-b", delivery(20, 5, 6, "dmp-b")),
        refused,
        "another destination"
    );
    assert_eq!(
        add("dsp-a", delivery(20, 99, 6, "dsp-a")),
        refused,
        "no such decision"
    );
    assert_eq!(
        with(|leaves| leaves.swap(9, 11)),
        refused,
        "before the decision"
    );
    assert_eq!(
        with(|leaves| drop(leaves.remove(9))),
        refused,
        "decision left out"
    );
    assert_eq!(add("operator", delivery(20, 5, 6, "dsp-a")), Ok(()));
}

#[test]
fn nothing_happens_in_a_collaboration_before_both_signed_it() {
    assert_eq!(with(|leaves| leaves.swap(5, 6)), Err(Rule::NotAccepted));
    assert_eq!(
        with(|leaves| drop(leaves.remove(5))),
        Err(Rule::NotAccepted)
    );
    assert_eq!(with(|leaves| leaves.swap(4, 5)), Err(Rule::Acceptance));
    let again = Event::Acceptance {
        collaboration: id(1),
    };
    assert_eq!(add("mapper", again), Err(Rule::Acceptance));
}

#[test]
fn a_decision_follows_uploads_of_both_sides_and_names_its_policy() {
    assert_eq!(with(|leaves| drop(leaves.remove(6))), Err(Rule::NoUploads));
    assert_eq!(with(|leaves| leaves.swap(7, 8)), Err(Rule::NoUploads));
    assert_eq!(with(|leaves| leaves[9].policy = None), Err(Rule::NoPolicy));
}

#[test]
fn only_enrolled_parties_in_the_right_role_act() {
    assert_eq!(
        with(|leaves| leaves[4].actor = "mapper".into()),
        Err(Rule::Actor)
    );
    assert_eq!(
        with(|leaves| leaves[5].actor = "acme".into()),
        Err(Rule::Actor)
    );
    assert_eq!(
        with(|leaves| leaves[6].actor = "mapper".into()),
        Err(Rule::Actor)
    );
    assert_eq!(
        with(|leaves| leaves[12].actor = "dsp-a".into()),
        Err(Rule::Actor)
    );
    assert_eq!(
        with(|leaves| leaves[12].actor = "operator".into()),
        Err(Rule::Actor)
    );
    assert_eq!(with(|leaves| drop(leaves.remove(0))), Err(Rule::Actor));
    assert_eq!(
        add("acme", gate(20, 21, "mapper", None)),
        Err(Rule::Destination)
    );
    assert_eq!(
        add("acme", enrolment("new-one", "partner")),
        Err(Rule::Enrolment)
    );
    assert_eq!(
        add("operator", enrolment("operator", "partner")),
        Err(Rule::Enrolment)
    );
    assert_eq!(
        add("operator", enrolment("acme", "partner")),
        Err(Rule::RoleChanged)
    );
    assert_eq!(add("operator", enrolment("acme", "advertiser")), Ok(()));
}

#[test]
fn what_is_added_or_removed_extends_the_newest_upload_of_its_side() {
    let refused = Err(Rule::Parent);
    assert_eq!(add("mapper", delta(20, "graph", "add", 15)), Ok(()));
    assert_eq!(add("operator", delta(20, "crm", "remove", 2)), Ok(()));
    assert_eq!(add("acme", delta(20, "crm", "refresh", 2)), Ok(()));
    for (said, parent) in [("older", 3), ("other side's", 2), ("unknown", 99)] {
        let event = delta(20, "graph", "add", parent);
        assert_eq!(add("mapper", event), refused, "{said}");
    }
    let parentless = with(|leaves| {
        leaves.remove(7);
        leaves.truncate(7);
        leaves.push(leaf(30, "mapper", delta(20, "graph", "add", 3)));
    });
    assert_eq!(parentless, refused, "nothing to extend");
    assert_eq!(with(|leaves| leaves.swap(14, 15)), refused, "out of order");
    // After a full one, deltas extend that.
    let again = |parent| {
        with(|leaves| {
            leaves.push(leaf(30, "mapper", upload(20, "graph")));
            leaves.push(leaf(31, "mapper", delta(21, "graph", "add", parent)));
        })
    };
    assert_eq!(again(20), Ok(()));
    assert_eq!(again(15), refused);
}

#[test]
fn a_bridge_leads_to_an_accepted_collaboration_of_the_same_two_parties() {
    assert_eq!(add("operator", bridged(20, 1, 2)), Ok(()));
    assert_eq!(add("mapper", bridged(20, 2, 99)), Err(Rule::Bridge));
    assert_eq!(add("mapper", bridged(20, 99, 2)), Err(Rule::NotAccepted));
    assert_eq!(add("acme", bridged(20, 2, 1)), Err(Rule::Actor));
    let others = |rival: &'static str, accepted: bool| {
        with(|leaves| {
            leaves.push(leaf(30, "operator", enrolment("rival", "advertiser")));
            for (actor, event) in agreed(rival, 3).into_iter().take(1 + usize::from(accepted)) {
                leaves.push(leaf(31, actor, event));
            }
            leaves.push(leaf(32, "mapper", bridged(20, 2, 3)));
        })
    };
    assert_eq!(others("acme", true), Ok(()));
    assert_eq!(others("acme", false), Err(Rule::Bridge), "only proposed");
    assert_eq!(
        others("rival", true),
        Err(Rule::Bridge),
        "another advertiser"
    );
}

#[test]
fn a_tightening_is_a_sides_own_next_one_and_names_its_policy() {
    assert_eq!(add("mapper", tightening(2)), Ok(()));
    assert_eq!(add("acme", tightening(1)), Ok(()));
    for (actor, number) in [("mapper", 1), ("mapper", 3), ("acme", 2)] {
        assert_eq!(add(actor, tightening(number)), Err(Rule::Tightening));
    }
    // Not even the operator signs for a party.
    for actor in ["operator", "dsp-a", "auditor"] {
        assert_eq!(add(actor, tightening(2)), Err(Rule::Actor));
    }
    assert_eq!(with(|leaves| leaves[18].policy = None), Err(Rule::NoPolicy));
    let early = with(|leaves| leaves.swap(5, 18));
    assert_eq!(early, Err(Rule::NotAccepted));
}

#[test]
fn coverage_is_told_of_the_newest_graph_once_and_names_its_policy() {
    let of = |upload| coverage(upload, &[("dsp-a", None)]);
    for upload in [2, 3, 14, 99] {
        assert_eq!(add("mapper", of(upload)), Err(Rule::NoGraph), "{upload}");
    }
    assert_eq!(add("mapper", of(15)), Err(Rule::Repeated));
    let newer = |actor: &'static str, event: Event| {
        with(|leaves| {
            leaves.push(leaf(30, "mapper", upload(20, "graph")));
            leaves.push(leaf(31, actor, event));
        })
    };
    assert_eq!(newer("mapper", of(20)), Ok(()));
    assert_eq!(newer("acme", of(20)), Err(Rule::Actor));
    let elsewhere = coverage(20, &[("mapper", Some(1))]);
    assert_eq!(newer("mapper", elsewhere), Err(Rule::Destination));
    assert_eq!(with(|leaves| leaves[17].policy = None), Err(Rule::NoPolicy));
}

#[test]
fn an_id_is_used_once() {
    for repeated in [4, 6, 8, 9, 11, 12, 15, 16] {
        let said = with(|leaves| leaves.push(leaves[repeated].clone()));
        assert_eq!(said, Err(Rule::Repeated), "leaf {repeated}");
    }
}

#[test]
fn what_the_operator_does_by_hand_is_under_its_own_name() {
    let act = |subject: &str| Event::Admin {
        action: "quarantine-cleared".into(),
        subject: subject.into(),
    };
    assert_eq!(add("operator", act("acme")), Ok(()));
    assert_eq!(add("operator", act(&id(2))), Ok(()));
    for party in ["acme", "mapper", "auditor"] {
        assert_eq!(add(party, act("acme")), Err(Rule::Operator));
    }
    for subject in ["", "a b", "Acme", "an@example.org", &digest(1)] {
        let said = leaf(1, "operator", act(subject)).check();
        assert_eq!(said, Err(LeafError::Field("subject")), "{subject}");
    }
}

#[test]
fn an_erasure_follows_its_own_request_once_by_who_asked() {
    let refused = Err(Rule::NotAsked);
    let again = erasure(1, 17, &["records"]);
    assert_eq!(add("mapper", again), refused, "told once");
    let none = erasure(1, 18, &["records"]);
    assert_eq!(add("acme", none), refused, "an opposition destroys nothing");
    let early = with(|leaves| leaves.swap(19, 20));
    assert_eq!(early, refused, "before it was asked for");
    let asked = |actor: &'static str, done: Event| {
        with(|leaves| {
            leaves.push(leaf(30, "acme", request(20, Some("erasure"))));
            leaves.push(leaf(31, actor, done));
        })
    };
    assert_eq!(asked("acme", erasure(1, 20, &["rows"])), Ok(()));
    for actor in ["mapper", "operator", "dsp-a"] {
        assert_eq!(asked(actor, erasure(1, 20, &["rows"])), refused, "{actor}");
    }
    assert_eq!(
        asked("acme", erasure(2, 20, &["rows"])),
        refused,
        "elsewhere"
    );
}
