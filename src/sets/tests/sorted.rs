//! Token lists and the sorter.

use super::*;

#[test]
fn token_lists_are_sorted_unique_and_bound_to_their_context() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list");
    let mut tokens: Vec<Token> = (0..10_000).map(|n| token(0, n % 7_000)).collect();
    write_tokens(&path, &key(), "w1", &mut tokens).unwrap();
    let expected: BTreeSet<[u8; 16]> = tokens.iter().map(|token| token.0).collect();
    let read = read_tokens(&path, &key(), "w1").unwrap();
    assert!(read.iter().map(|token| token.0).eq(expected));
    assert!(read_tokens(&path, &key(), "w2").is_err());
    assert_eq!(names(dir.path()).len(), 1);
    let first = fs::read(&path).unwrap();
    write_tokens(&path, &key(), "w1", &mut [Token([1; 16])]).unwrap();
    assert_ne!(fs::read(&path).unwrap()[16..32], first[16..32]);
    write_tokens(&path, &key(), "w1", &mut []).unwrap();
    assert!(read_tokens(&path, &key(), "w1").unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn records_come_out_sorted_whatever_the_memory_and_the_skew(
        mut records in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..3), 0u32..50), 0..900),
        memory in prop_oneof![Just(0usize), Just(1 << 16), Just(1 << 24)],
        same in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(&dir.path().join("t"), &key(), "c", &[0; 16], 22, memory);
        let mut expected = Vec::new();
        for (token, row) in &mut records {
            let mut record = [0; 22];
            let from = if same { 14 } else { 0 };
            record[from..from + token.len()].copy_from_slice(token);
            record[16..20].copy_from_slice(&row.to_be_bytes());
            sorter.push(&record).unwrap();
            expected.push(record);
        }
        expected.sort_unstable();
        let mut sorted = sorter.finish();
        for record in expected {
            prop_assert_eq!(sorted.next().unwrap().unwrap(), record);
        }
        prop_assert!(sorted.next().unwrap().is_none());
        drop(sorted);
        prop_assert!(names(dir.path()).is_empty());
    }
}
