#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::*;

fn parse(text: &str) -> Expression {
    Expression::parse(text).unwrap()
}

/// Row 0: silver, inactive; row 1: gold; row 2: silver; row 3: no segment.
fn rows(text: &str) -> Vec<u32> {
    let segments = BTreeMap::from([
        ("loyalty=silver".to_owned(), RoaringBitmap::from([0, 2])),
        ("loyalty=gold".to_owned(), RoaringBitmap::from([1])),
        ("status=inactive".to_owned(), RoaringBitmap::from([0])),
    ]);
    let all = RoaringBitmap::from_iter(0..4);
    let found = parse(text).evaluate(&all, &|label| segments.get(label));
    found.iter().collect()
}

#[test]
fn an_expression_selects_rows() {
    assert_eq!(rows("all"), [0, 1, 2, 3]);
    assert_eq!(rows("loyalty = silver"), [0, 2]);
    assert_eq!(
        rows("loyalty in (silver, gold) and not status = inactive"),
        [1, 2]
    );
    assert_eq!(rows("not loyalty = silver or status=inactive"), [0, 1, 3]);
    assert_eq!(rows("not (loyalty = silver or loyalty = gold)"), [3]);
    assert_eq!(rows("loyalty = bronze"), [] as [u32; 0]);
    assert_eq!(rows("not loyalty = bronze"), [0, 1, 2, 3]);
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, position, expected) in [
        ("", 0, "a segment name"),
        ("loyalty silver", 8, "`=` or `in`"),
        ("loyalty = ", 10, "a value"),
        ("loyalty in silver", 11, "`(`"),
        ("a in (b c)", 8, "`,` or `)`"),
        ("(all", 4, "`and`, `or` or `)`"),
        ("all all", 4, "`and`, `or` or the end"),
        ("à = \"x", 6, "a closing"),
        ("and", 0, "a segment name"),
        ("a = \"\"", 6, "text between"),
        ("a = \"\\n\"", 6, "after `\\`"),
        ("\"a=b\" = c", 6, "without `=`"),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(error.expected.contains(expected), "{text}: {error}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    assert!(Expression::parse(&"(".repeat(4000)).is_err());
    assert!(Expression::parse(&"not ".repeat(1000)).is_err());
    assert!(Expression::parse(&"a=b or ".repeat(1000)).is_err());
}

#[test]
fn the_canonical_form_is_short_and_unambiguous() {
    for (text, canonical) in [
        ("(  all )", "all"),
        ("a=b or (c=d and e=f)", "a = b or c = d and e = f"),
        ("(a=b or c=d) and e=f", "(a = b or c = d) and e = f"),
        ("not (not a in (b , c))", "not not a in (b, c)"),
        ("\"not\" = \"two words\"", "\"not\" = \"two words\""),
    ] {
        assert_eq!(parse(text).to_string(), canonical);
    }
    assert_eq!(
        parse("a in (b, c) and not d = e").labels(),
        ["a=b", "a=c", "d=e"]
    );
}

#[test]
fn the_vectors_are_what_they_say() {
    let vectors: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("vectors/expressions.json")).unwrap();
    for vector in &vectors {
        let text = vector["text"].as_str().unwrap();
        match Expression::parse(text) {
            Ok(expression) => assert_eq!(vector["canonical"], expression.to_string()),
            Err(error) => {
                assert_eq!(vector["position"], error.position, "{text}");
                assert_eq!(vector["expected"], error.expected, "{text}");
            }
        }
    }
}

#[test]
fn persons_are_numbered_by_their_first_row() {
    let mut rows = UnionFind::new(6);
    rows.union(5, 1);
    rows.union(3, 5);
    rows.union(4, 2);
    rows.union(9, 0);
    let mut numbers = rows.into_numbers();
    assert_eq!(numbers.known(4), None);
    // In the order of asking.
    assert_eq!(
        [4, 5, 4, 2, 1].map(|row| numbers.number(row)),
        [0, 1, 0, 0, 1]
    );
    assert_eq!(
        (numbers.count(), numbers.known(0), numbers.known(3)),
        (2, None, Some(1))
    );
    assert_eq!(
        (numbers.number(0), numbers.number(6), numbers.known(6)),
        (2, 0, None)
    );
    assert_eq!(UnionFind::new(0).into_numbers().count(), 0);
}

#[test]
fn person_sets_merge() {
    let mut set = PersonSet::from_words(&[1 << 63, 1]);
    set.union_with(PersonSet::from_words(&[1]));
    assert_eq!(set.persons(), [0, 63, 64]);
    assert!(set.contains(64) && !set.contains(65));
    assert_eq!(set.cardinality().raw(), 3);
    let mut words = vec![0; 3000];
    words[2999] = 1 << 5;
    assert_eq!(PersonSet::from_words(&words).persons(), [2999 * 64 + 5]);
    set.add(&[66, 70_000]);
    set.add(&[1, 65]);
    set.add_words(1 << 16, &[1, 1]);
    let expected = [0, 1, 63, 64, 65, 66, 65_536, 65_600, 70_000];
    assert_eq!(set.persons(), expected);
}

fn expression() -> impl Strategy<Value = String> {
    let word = prop_oneof!["[a-c]", "[ a\"\\\\=é]{1,4}".prop_map(quoted)];
    let name = prop_oneof![Just("x".to_owned()), Just("\"in\"".to_owned())];
    let leaf = prop_oneof![
        Just("all".to_owned()),
        (name, proptest::collection::vec(word, 1..4)).prop_map(
            |(name, values)| match &values[..] {
                [value] => format!("{name} = {value}"),
                values => format!("{name} in ({})", values.join(",")),
            }
        ),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|e| format!("not ({e})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and {b}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{a} or ({b})")),
        ]
    })
}

fn quoted(text: String) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

proptest! {
    #[test]
    fn any_text_parses_or_fails_without_panic(text in ".{0,60}", soup in "(not|all|and|or|in|[()=,\"a\\\\ ]){0,30}") {
        let _ = Expression::parse(&text);
        let _ = Expression::parse(&soup);
    }

    #[test]
    fn the_canonical_form_parses_to_the_same(text in expression()) {
        let parsed = parse(&text);
        prop_assert_eq!(parse(&parsed.to_string()), parsed);
    }

    #[test]
    fn pages_merge_to_the_same_pairs_as_a_double_loop(
        left in proptest::collection::vec((0u8..12, 0u8..3), 0..40),
        right in proptest::collection::btree_set((0u8..12, 0u8..3), 0..24),
        page in prop_oneof![1usize..6, 8usize..24],
        // Hostile: many tokens share their first half.
        alike in any::<bool>(),
    ) {
        let token = |(high, low): &(u8, u8)| (u64::from(if alike { high / 4 } else { *high }), u64::from(*low) * 20 + u64::from(*high));
        let sorted = |tokens: Vec<(u64, u64)>, unique: bool| {
            let mut tokens = tokens;
            tokens.sort_unstable();
            if unique { tokens.dedup(); }
            let columns: (Vec<[u8; 8]>, Vec<[u8; 8]>) =
                tokens.iter().map(|(high, low)| (high.to_le_bytes(), low.to_le_bytes())).unzip();
            (tokens, columns)
        };
        let (left, l) = sorted(left.iter().map(token).collect(), false);
        let (right, r) = sorted(right.iter().map(token).collect(), true);
        let columns = |columns: &(Vec<[u8; 8]>, Vec<[u8; 8]>), from: usize| {
            let to = columns.0.len().min(from + page);
            (columns.0[from..to].to_vec(), columns.1[from..to].to_vec())
        };
        let (mut found, mut hits) = (BTreeSet::new(), Hits::default());
        let (mut i, mut j) = (0, 0);
        while i < left.len() && j < right.len() {
            let (a, b) = (columns(&l, i), columns(&r, j));
            let (a, b) = (TokenColumns { high: &a.0, low: &a.1 }, TokenColumns { high: &b.0, low: &b.1 });
            let used = merge(a, b, &mut hits);
            found.extend(hits.iter().map(|(x, y)| (i + x, j + y)));
            prop_assert!(used.left + used.right > 0);
            i += used.left;
            j += used.right;
        }
        let naive: BTreeSet<_> = (0..left.len())
            .flat_map(|i| (0..right.len()).map(move |j| (i, j)))
            .filter(|(i, j)| left[*i] == right[*j])
            .collect();
        prop_assert_eq!(found, naive);
        let all = TokenColumns { high: &l.0, low: &l.1 };
        for (high, low) in &right {
            let token = u128::from(*high) << 64 | u128::from(*low);
            let naive = left.iter().filter(|(h, l)| (h, l) < (high, low)).count();
            prop_assert_eq!(all.lower_bound(0, token), naive);
        }
    }

    #[test]
    fn far_parents_give_the_same_persons(
        edges in proptest::collection::vec((0u32..40, 0u32..45), 0..60),
        asked in proptest::collection::vec(0u32..40, 0..60),
        settled in proptest::option::of((0u32..40, 70u32..80)),
        step in 1usize..20,
    ) {
        let (mut near, mut far) = (UnionFind::new(40), UnionFind::new(40));
        edges.iter().for_each(|(a, b)| near.union(*a, *b));
        edges.chunks(step).for_each(|edges| { let Ok(()) = far.union_all(edges); });
        let (mut near, mut far) = (near.into_numbers_from(3), far.into_numbers_from(3));
        if let Some((row, number)) = settled {
            prop_assert_eq!(near.settle(row, number), far.settle(row, number));
        }
        for asked in asked.chunks(step) {
            let (mut one, mut other) = (asked.to_vec(), asked.to_vec());
            let (Ok(()), Ok(())) = (near.number_all(&mut one), far.number_far(&mut other));
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(near.count(), far.count());
        let mut known: Vec<u32> = (0..40).rev().collect();
        let Ok(()) = far.known_far(&mut known, 999);
        let rows = (0..40).rev().map(|row| near.known(row).unwrap_or(999));
        prop_assert_eq!(known, rows.collect::<Vec<u32>>());
    }

    #[test]
    fn union_find_agrees_with_flooding(
        edges in proptest::collection::vec((0u32..20, 0u32..20), 0..30),
    ) {
        let mut rows = UnionFind::new(20);
        edges.iter().for_each(|(a, b)| rows.union(*a, *b));
        let mut numbers = rows.into_numbers();
        let persons: Vec<u32> = (0..20).rev().map(|row| numbers.number(row)).collect();
        let persons: Vec<u32> = persons.into_iter().rev().collect();
        let count = numbers.count();
        prop_assert!((0..20).all(|row| numbers.known(row) == Some(persons[row as usize])));
        let mut labels: Vec<u32> = (0..20).collect();
        for _ in 0..20 {
            for (a, b) in &edges {
                let low = labels[*a as usize].min(labels[*b as usize]);
                (labels[*a as usize], labels[*b as usize]) = (low, low);
            }
        }
        for a in 0..20 {
            for b in 0..20 {
                prop_assert_eq!(labels[a] == labels[b], persons[a] == persons[b]);
            }
        }
        prop_assert_eq!(labels.iter().collect::<BTreeSet<_>>().len() as u32, count);
    }
}
