use proptest::prelude::*;

use super::*;

#[test]
fn a_leaf_reads_back_from_its_one_spelling() {
    for leaf in story() {
        assert_eq!(Leaf::parse(&leaf.to_bytes()), Ok(leaf));
    }
}

#[test]
fn other_spellings_unknown_fields_and_malformed_values_are_refused() {
    let honest = String::from_utf8(story()[10].to_bytes()).unwrap();
    let said = |from: &str, to: &str| {
        assert!(honest.contains(from), "{from}");
        Leaf::parse(honest.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert_eq!(said("{", "{ "), LeafError::Spelling);
    assert_eq!(said("acme", "\\u0061cme"), LeafError::Spelling);
    assert_eq!(
        said("\"released\":false", "\"released\":false,\"about\":null"),
        LeafError::Spelling
    );
    assert_eq!(said("\"version\":1", "\"version\":2"), LeafError::Version);
    assert_eq!(
        said("\"version\":1", "\"version\":1,\"more\":1"),
        LeafError::NotALeaf
    );
    assert_eq!(
        said("\"released\":false", "\"released\":false,\"more\":1"),
        LeafError::NotALeaf
    );
    assert_eq!(said("gate_decision", "other"), LeafError::NotALeaf);
    assert_eq!(said("\"version\":1,", ""), LeafError::NotALeaf);
    assert_eq!(said("acme", "Acme"), LeafError::Field("actor"));
    assert_eq!(said("dsp-a", "d\u{1f600}"), LeafError::Field("destination"));
    assert_eq!(said("0707", "0A07"), LeafError::Field("decision_id"));
    assert_eq!(said("cccc", "ccc"), LeafError::Field("policy"));
    assert_eq!(
        said("\"released\":false", "\"released\":true"),
        LeafError::Field("about")
    );
    assert_eq!(said("00Z", "00+01:00"), LeafError::Field("time"));
    assert_eq!(said("2026-11", "2026-13"), LeafError::Field("time"));
    assert_eq!(
        Leaf::parse(&vec![b' '; LEAF_MAX + 1]),
        Err(LeafError::TooLong)
    );
}

#[test]
fn a_delta_names_its_parent_and_nothing_else_has_one() {
    let full = upload(20, "crm");
    let added = delta(20, "crm", "add", 2);
    let said = |event: &Event, from: &str, to: &str| {
        let line = String::from_utf8(leaf(0, "acme", event.clone()).to_bytes()).unwrap();
        assert!(line.contains(from), "{line}");
        Leaf::parse(line.replacen(from, to, 1).as_bytes()).map(|_| ())
    };
    let parent = format!(",\"parent\":\"{}\"", id(2));
    let root = format!("\"consent_root\":\"{}\"", digest(20));
    assert_eq!(said(&added, "acme", "acme"), Ok(()));
    let wrong = |field| Err(LeafError::Field(field));
    assert_eq!(said(&added, &parent, ""), wrong("parent"));
    assert_eq!(said(&added, &id(2), "02"), wrong("parent"));
    assert_eq!(said(&added, "\"add\"", "\"full\""), wrong("mode"));
    let with = format!("{root}{parent}");
    assert_eq!(said(&full, &root, &with), wrong("parent"));
}

#[test]
fn only_a_full_graph_bridges_and_never_to_its_own_collaboration() {
    let said = |event: &Event, from: &str, to: &str| {
        let line = String::from_utf8(leaf(0, "mapper", event.clone()).to_bytes()).unwrap();
        assert!(line.contains(from), "{line}");
        Leaf::parse(line.replacen(from, to, 1).as_bytes()).map(|_| ())
    };
    let graph = bridged(20, 2, 1);
    let wrong = Err(LeafError::Field("bridge"));
    assert_eq!(said(&graph, "graph", "graph"), Ok(()));
    assert_eq!(said(&graph, "graph", "crm"), wrong);
    assert_eq!(said(&graph, &id(1), "01"), wrong);
    assert_eq!(said(&bridged(20, 2, 2), "graph", "graph"), wrong);
    let mut added = delta(20, "graph", "add", 3);
    if let Event::Upload { bridge, .. } = &mut added {
        *bridge = Some(id(2));
    }
    assert_eq!(said(&added, "graph", "graph"), wrong);
}

#[test]
fn coverage_names_each_destination_once_in_order_with_whole_percent() {
    let said = |shares: &[(&str, Option<u8>)]| {
        let line = leaf(0, "operator", coverage(3, shares)).to_bytes();
        Leaf::parse(&line).map(|_| ())
    };
    let wrong = Err(LeafError::Field("destinations"));
    assert_eq!(said(&[("dmp-b", None), ("dsp-a", Some(100))]), Ok(()));
    assert_eq!(said(&[("dsp-a", Some(1)), ("dmp-b", Some(2))]), wrong);
    assert_eq!(said(&[("dsp-a", Some(1)), ("dsp-a", Some(1))]), wrong);
    assert_eq!(said(&[("dsp-a", Some(101))]), wrong);
    assert_eq!(said(&[("DSP", Some(1))]), wrong);
}

#[test]
fn a_request_says_its_kind_and_an_erasure_what_it_destroyed() {
    let said = |event: Event| Leaf::parse(&leaf(0, "acme", event).to_bytes()).map(|_| ());
    for kind in [None, Some("opposition"), Some("erasure")] {
        assert_eq!(said(request(20, kind)), Ok(()));
    }
    for kind in ["withdrawal", "", "Erasure"] {
        let wrong = Err(LeafError::Field("kind"));
        assert_eq!(said(request(20, Some(kind))), wrong, "one spelling: {kind}");
    }
    assert_eq!(said(erasure(1, 20, &["records", "rows"])), Ok(()));
    let wrong = Err(LeafError::Field("destroyed"));
    for destroyed in [&[][..], &["rows", "records"], &["rows", "rows"], &["log"]] {
        assert_eq!(said(erasure(1, 20, destroyed)), wrong, "{destroyed:?}");
    }
}

proptest! {
    #[test]
    fn random_bytes_are_no_leaf_and_never_panic(bytes: Vec<u8>, time in "[0-9T:Z+.-]{0,30}") {
        prop_assert!(Leaf::parse(&bytes).is_err());
        let _ = Leaf::new(time, "acme", Event::Proposal { collaboration: id(1) }, None).check();
    }

    #[test]
    fn random_checkpoints_and_keys_are_refused_and_never_panic(bytes: Vec<u8>, text in "\\PC{0,80}", key in "[a-z+/0-9A-F=]{0,80}") {
        let vkey = super::key().vkey();
        prop_assert!(open_checkpoint(&bytes, &vkey).is_none());
        prop_assert!(open_checkpoint(text.as_bytes(), &vkey).is_none());
        prop_assert!(open_checkpoint(text.as_bytes(), &key).is_none());
    }
}
