//! Sorting tokens and making layers of them, against maps that do the same slowly.

mod jobs;

use std::collections::HashMap;
use std::sync::Mutex;

use tamis_protocols::wire::batch::UploadKind;

use super::super::sort::{Scratch, SortedTokens, TokenSorter, Workspace};
use super::*;

/// How tokens are spread; real ones are uniform.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Uniform,
    /// The same token in every row.
    Equal,
    /// Many in one partition, and none in others.
    Prefix,
    /// The first eight bytes are the same.
    Half,
    /// Few tokens, each in many rows.
    Few,
    Ascending,
}

fn spreads() -> impl Strategy<Value = Spread> {
    prop_oneof![
        3 => Just(Spread::Uniform),
        1 => Just(Spread::Equal),
        1 => Just(Spread::Prefix),
        1 => Just(Spread::Half),
        1 => Just(Spread::Few),
        1 => Just(Spread::Ascending),
    ]
}

/// The `n`-th record, of row `n / 2`.
fn record(spread: Spread, n: u32) -> Record {
    let hash = u128::from_be_bytes(token(0, n).0);
    let value = match spread {
        Spread::Uniform => hash,
        Spread::Equal => 5,
        Spread::Prefix => hash >> 8,
        Spread::Half => hash >> 64 | 7 << 64,
        Spread::Few => u128::from_be_bytes(token(0, n % 97).0),
        Spread::Ascending => u128::from(n) << 100,
    };
    let day = 20_000 + (n.wrapping_mul(7919) % 50) as u16;
    Record::new(value.to_be_bytes(), n / 2, day, 0)
}

fn sort(dir: &Path, records: &[Record], memory: usize, threads: usize) -> SortedTokens {
    let scratch = Scratch::new(dir, &key(), "c", &[0; 16]);
    let sorter = TokenSorter::new(scratch, memory, threads);
    std::thread::scope(|scope| {
        for records in records.chunks(records.len().div_ceil(threads).max(1)) {
            let mut intake = sorter.intake();
            scope.spawn(move || {
                records
                    .iter()
                    .for_each(|record| intake.push(*record).unwrap());
                intake.finish();
            });
        }
    });
    sorter.finish()
}

fn take_all(tokens: &SortedTokens, work: &mut Workspace) -> Vec<Record> {
    let (parts, mut out) = (tokens.parts(), Vec::new());
    while let Some((part, _room)) = parts.next() {
        let mut ended = false;
        let each = tokens.take(part, work, |slice| {
            assert!(!std::mem::replace(&mut ended, slice.last));
            out.extend_from_slice(slice.records);
            Ok::<_, SetError>(())
        });
        each.unwrap();
        assert!(ended);
    }
    out
}

/// Records of a run: token, owner, day, class.
type Run = Vec<(u128, u32, u16, u16)>;

fn run_of(set: &SealedSet) -> Run {
    let run = set.layers()[0].run();
    let (mut window, mut out) = (Window::new(run), Vec::new());
    for page in 0..run.index().len() {
        window.aim(page..page + 1);
        let view = window.page(0).unwrap();
        assert!(view.len() > 0);
        let each = |i| {
            let token = view.tokens.get(i);
            (token, view.owner(i), view.day(i), view.class(i))
        };
        out.extend((0..view.len()).map(each));
    }
    out
}

fn persons_of(set: &SealedSet) -> Vec<u32> {
    let mut walk = set.layers()[0].walk_rows().unwrap();
    let mut persons = Vec::new();
    while let Some(block) = walk.next().unwrap() {
        persons.extend((0..block.len()).map(|i| block.person(i)));
    }
    persons
}

fn seal_records(
    dir: &Path,
    records: &[Record],
    kind: UploadKind,
    memory: usize,
    threads: usize,
) -> Result<SealedSet, SealError> {
    let share = records.len().div_ceil(threads).max(1);
    let source = |records| {
        let mut batches = <[Record]>::chunks(records, 1000);
        let next = move |out: &mut Vec<Record>| {
            out.extend_from_slice(batches.next().unwrap_or_default());
            batches.len() > 0
        };
        Box::new(next) as Source<'_>
    };
    let rows = records.iter().map(|record| record.owner() + 1).max();
    seal_tokens(TokenJob {
        sources: records.chunks(share).map(source).collect(),
        kind,
        mode: Default::default(),
        parent: None,
        collaboration: &crm().collaboration,
        epoch: 1,
        rows: rows.unwrap_or(0),
        segments: vec!["x=a".to_owned()],
        classes: vec![vec![], vec![0]],
        dir,
        key: &key(),
        id: "s",
        memory,
        threads,
        entropy: &Seeded::new(4),
        durable: false,
    })?;
    Ok(SealedSet::open(dir, &key(), "s")?)
}

/// Persons by token order, slowly.
fn naive_graph(records: &[Record]) -> (Run, Vec<u32>) {
    let rows = records.iter().map(|record| record.owner() + 1).max();
    let mut tokens: BTreeMap<u128, (Vec<u32>, u16)> = BTreeMap::new();
    for record in records {
        let (rows, day) = tokens.entry(record.token()).or_default();
        rows.push(record.owner());
        *day = record.day().max(*day);
    }
    // Every row's group by flooding: the smallest row.
    let mut groups: Vec<u32> = (0..rows.unwrap_or(0)).collect();
    loop {
        let mut changed = false;
        for (rows, _) in tokens.values() {
            let least = rows.iter().map(|row| groups[*row as usize]).min().unwrap();
            for row in rows {
                changed |= std::mem::replace(&mut groups[*row as usize], least) != least;
            }
        }
        if !changed {
            break;
        }
    }
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut run = Run::new();
    for (token, (rows, day)) in tokens {
        let next = numbers.len() as u32;
        let person = *numbers.entry(groups[rows[0] as usize]).or_insert(next);
        run.push((token, person, day, 0));
    }
    let persons = groups
        .iter()
        .map(|group| numbers.get(group).copied().unwrap_or(NOBODY));
    (run, persons.collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn tokens_come_out_sorted_whatever_the_memory_the_threads_and_the_skew(
        count in prop_oneof![0u32..3, 0u32..20_000],
        spread in spreads(),
        memory in prop_oneof![Just(0usize), Just(1 << 19), Just(64 << 20)],
        threads in 1usize..4,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut records: Vec<Record> = (0..count).map(|n| record(spread, n)).collect();
        let tokens = sort(dir.path(), &records, memory, threads);
        records.sort_unstable();
        prop_assert_eq!(tokens.records(), u64::from(count));
        let mut work = Workspace::default();
        let parts = tokens.parts();
        while let Some((part, _room)) = parts.next() {
            tokens.peek(part, &mut work, |slice| {
                assert!(slice.records.is_sorted());
                Ok::<_, SetError>(slice.records.len())
            }).unwrap();
        }
        prop_assert!(take_all(&tokens, &mut work) == records);
        prop_assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_graph_is_the_same_as_by_flooding_whatever_the_memory_and_the_threads(
        count in prop_oneof![0u32..3, 0u32..12_000],
        spread in spreads(),
        memory in prop_oneof![Just(0usize), Just(1 << 19), Just(64 << 20)],
        threads in prop_oneof![Just(1usize), Just(2), Just(7)],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let records: Vec<Record> = (0..count).map(|n| record(spread, n)).collect();
        let path = dir.path().join("s");
        let set = seal_records(&path, &records, UploadKind::Graph, memory, threads).unwrap();
        let (run, persons) = naive_graph(&records);
        prop_assert_eq!(set.persons() as usize, run.iter().map(|record| record.1 + 1).max().unwrap_or(0) as usize);
        prop_assert!(run_of(&set) == run);
        prop_assert!(persons_of(&set) == persons);
        prop_assert_eq!(names(dir.path()).len(), 1);
    }

    #[test]
    fn a_crm_keeps_every_token_of_every_row(
        count in prop_oneof![0u32..3, 0u32..12_000],
        spread in spreads(),
        memory in prop_oneof![Just(0usize), Just(1 << 19), Just(64 << 20)],
        threads in prop_oneof![Just(1usize), Just(2), Just(7)],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let records: Vec<Record> = (0..count).map(|n| record(spread, n)).collect();
        let path = dir.path().join("s");
        let set = seal_records(&path, &records, UploadKind::Crm, memory, threads).unwrap();
        let naive = records.iter().map(|one| (one.token(), one.owner(), one.day(), one.class()));
        let mut naive: Run = naive.collect();
        naive.sort_unstable();
        prop_assert!(run_of(&set) == naive);
        prop_assert_eq!(set.layers()[0].classes().unwrap(), vec![vec![], vec![0]]);
    }
}

#[test]
fn rows_of_few_tokens_fill_their_pages() {
    let dir = tempfile::tempdir().unwrap();
    let records: Vec<Record> = (0..20_000).map(|n| record(Spread::Uniform, n)).collect();
    let path = dir.path().join("s");
    let set = seal_records(&path, &records, UploadKind::Crm, 64 << 20, 2).unwrap();
    assert!(set.layers()[0].run().index().len() <= 20_000 / 256 + 2);
}

#[test]
fn more_rows_than_fit_in_memory_become_the_same_persons() {
    let dir = tempfile::tempdir().unwrap();
    // Chains through all pages: row n and row n + 5,000 share a token, up to the 20,000th.
    let tokens = |n: u32| {
        [
            record(Spread::Uniform, n),
            record(Spread::Uniform, n + 5_000),
        ]
    };
    let rows = (0..30_000u32).flat_map(|n| tokens(n).map(|one| one.owned(n, 1)));
    let records: Vec<Record> = rows.filter(|one| one.owner() % 3 != 1).collect();
    let all = |name: &str, memory| {
        let path = dir.path().join(name);
        let set = seal_records(&path, &records, UploadKind::Graph, memory, 2).unwrap();
        (set.persons(), run_of(&set), persons_of(&set))
    };
    let (small, large) = (all("small", 0), all("large", 64 << 20));
    assert!(small == large);
    assert!(large.0 > 1);
}

#[test]
fn a_token_of_a_row_or_class_that_there_is_not_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    for class in [1, 2] {
        let wrong = Record::new([9; 16], 3, 1, class);
        let kind = [UploadKind::Graph, UploadKind::Crm][usize::from(class) - 1];
        let error = seal_records(&path, &[wrong], kind, 0, 1).err().unwrap();
        assert!(matches!(error, SealError::Refused(_)));
        assert!(names(dir.path()).is_empty());
    }
}

#[test]
fn what_is_spilled_has_no_name_and_no_clear_byte() {
    let dir = tempfile::tempdir().unwrap();
    let records: Vec<Record> = (0..9_000).map(|n| record(Spread::Uniform, n)).collect();
    let _tokens = sort(dir.path(), &records, 0, 1);
    assert!(names(dir.path()).is_empty());
    let mut spilled = Vec::new();
    for open in fs::read_dir("/proc/self/fd").unwrap() {
        let path = open.unwrap().path();
        if fs::read_link(&path).is_ok_and(|target| target.starts_with(dir.path())) {
            spilled.extend(fs::read(&path).unwrap());
        }
    }
    assert!(spilled.len() > 9_000 * 24 / 2, "{}", spilled.len());
    let known: BTreeSet<u64> = records.iter().flat_map(|record| record.words()).collect();
    for shift in 0..8 {
        let mut words = spilled[shift..].as_chunks().0.iter().copied();
        assert!(!words.any(|word| known.contains(&u64::from_le_bytes(word))));
    }
}
