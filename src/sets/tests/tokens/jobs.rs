//! Sealing jobs as a whole: threads, rare rows, cancelling.

use super::*;

/// What a set says, without what is random or depends on who came first: tokens with their segments,
/// persons, days, cookies.
type Content = (Vec<(u128, u32, u16, Vec<u16>)>, Vec<u32>, Vec<u16>, Vec<u8>);

fn content(set: &SealedSet) -> Content {
    let layer = &set.layers()[0];
    let classes = match set.kind() {
        UploadKind::Crm => layer.classes().unwrap(),
        UploadKind::Graph => vec![Vec::new()],
    };
    let run = run_of(set).into_iter();
    let run = run
        .map(|(token, owner, day, class)| (token, owner, day, classes[usize::from(class)].clone()));
    let (mut days, mut walk) = (Vec::new(), layer.walk_rows().unwrap());
    while let Some(block) = walk.next().unwrap() {
        days.extend((0..block.len()).map(|i| block.day(i)));
    }
    let mut cookies = Vec::new();
    for at in 0..set.layers()[0].destinations().len() {
        let mut walk = layer.walk_cookies(at).unwrap();
        while walk.advance().unwrap() {
            cookies.extend(walk.row.to_le_bytes());
            cookies.extend(walk.tag);
            cookies.extend(walk.cookie());
        }
    }
    (run.collect(), persons_of(set), days, cookies)
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows: Vec<TestRow> = (0..7_300).map(row).collect();
    rows[17].opposed = true;
    for header in [crm(), graph()] {
        let bytes = encode(&header, &rows, 1);
        let sealed = [1, 2, 7].map(|threads| {
            let path = dir
                .path()
                .join(format!("{}{threads}", header.kind.as_str()));
            let (key, entropy, cancel) = (key(), Seeded::new(1), AtomicBool::new(false));
            let mut job = job(bytes.clone(), &path, &key, &entropy, &cancel);
            job.expect = expectation(&header);
            job.threads = threads;
            let report = seal(job).unwrap();
            let set = SealedSet::open(&path, &key, "s").unwrap();
            (
                content(&set),
                report.accepted,
                report.dropped,
                report.segments,
                report.persons,
            )
        });
        assert!(sealed[0] == sealed[1] && sealed[0] == sealed[2]);
    }
}

#[test]
fn more_combinations_than_there_are_classes_are_listed_in_row_order() {
    let dir = tempfile::tempdir().unwrap();
    let header = tamis_protocols::wire::batch::WireHeader {
        segments: (0..17).map(|n| format!("x={n}")).collect(),
        ..crm()
    };
    let segments = |n: u32| {
        (0..17u16)
            .filter(|bit| n >> bit & 1 == 1)
            .collect::<Vec<u16>>()
    };
    let rows = (0..66_500).map(|n| TestRow {
        segments: segments(n),
        ..row(n)
    });
    let rows: Vec<TestRow> = rows.collect();
    let set = sealed(&header, &rows, &dir.path().join("s"), "s", 0);
    let layer = &set.layers()[0];
    assert_eq!(layer.classes().unwrap().len(), usize::from(RARE));
    let (mut rare, mut found) = (layer.rare_rows().unwrap(), Vec::new());
    while let Some((row, of)) = rare.next().unwrap() {
        assert_eq!(of, segments(row));
        found.push(row);
    }
    assert_eq!(found.len(), 66_500 - usize::from(RARE));
    assert!(found.is_sorted());
}

#[test]
fn a_job_is_cancelled_at_any_time_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("s");
    let (key, entropy) = (key(), Seeded::new(1));
    let bytes = encode(&graph(), &(0..9_000).map(row).collect::<Vec<_>>(), 1);
    let told = Mutex::new(Vec::new());
    for at in [0.01, 0.5, 0.99] {
        let cancel = AtomicBool::new(false);
        let progress = |progress: Progress| {
            told.lock().unwrap().push(progress);
            cancel.fetch_or(progress.finished >= at, Ordering::Relaxed);
        };
        let mut job = job(bytes.clone(), &target, &key, &entropy, &cancel);
        job.progress = &progress;
        job.threads = 1;
        job.memory = 0;
        assert!(matches!(seal(job).unwrap_err(), SealError::Cancelled));
        assert!(names(dir.path()).is_empty());
    }
    let told = told.into_inner().unwrap();
    assert!(
        told.iter()
            .all(|progress| progress.rows <= 9_000 && progress.finished <= 1.0)
    );
    assert!(told.iter().any(|progress| progress.finished > 0.5));
}
