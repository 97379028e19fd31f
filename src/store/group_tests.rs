#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures::future::join_all;

use crate::store::transaction::sql;
use crate::store::{Store, StoreError, grouped, snapshot, sqlite_url};

async fn open(dir: &Path) -> Store {
    Store::open(&sqlite_url(&dir.join("s.db"))).await.unwrap()
}

async fn append(store: &Store, text: &str) -> Result<u64, StoreError> {
    grouped!(store, "append", |tx| { tx.append_leaf(text).await })
}

async fn count(store: &Store) -> Result<i64, StoreError> {
    grouped!(store, "count", |tx| { tx.count("order").await })
}

async fn leaves(store: &Store) -> Vec<String> {
    let read: Result<_, StoreError> =
        snapshot!(store, "read", |tx| { tx.leaves(0, 100_000).await });
    read.unwrap()
}

async fn counted(store: &Store) -> i64 {
    let row = sqlx::query_scalar("SELECT value FROM counters WHERE name = 'order'");
    row.fetch_one(&store.pool).await.unwrap()
}

/// A part that writes, appends a leaf, and fails.
async fn fail(store: &Store) -> Result<u64, StoreError> {
    grouped!(store, "fail", |tx| {
        tx.count("order").await?;
        let index = tx.append_leaf("of one that fails").await?;
        tx.one(sql("UPDATE counters SET value = 9 WHERE name = 'nobody'"))
            .await?;
        Ok(index)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_every_index_once_and_what_was_told_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let all = (0..300).map(|n| {
        let store = store.clone();
        async move { (append(&store, &n.to_string()).await.unwrap(), n) }
    });
    let told = join_all(all).await;
    let stored = leaves(&store).await;
    assert_eq!(stored.len(), 300);
    for (index, n) in told {
        assert_eq!(stored[index as usize], n.to_string());
    }
    assert_eq!(append(&store, "next").await.unwrap(), 300);
}

#[tokio::test]
async fn one_that_fails_leaves_nothing_and_takes_nobody_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let all = (0..60).map(|n| {
        let store = store.clone();
        async move {
            match n % 3 {
                0 => fail(&store).await.map(drop),
                1 => count(&store).await.map(drop),
                _ => append(&store, "good").await.map(drop),
            }
        }
    });
    let ended = join_all(all).await;
    for (n, one) in ended.iter().enumerate() {
        assert_eq!(one.is_err(), n % 3 == 0, "{n}");
    }
    assert!(matches!(
        ended[0],
        Err(StoreError::NotOneRow { name: "fail" })
    ));
    assert_eq!(leaves(&store).await, ["good"; 20]);
    assert_eq!(counted(&store).await, 20);
}

#[tokio::test]
async fn one_whose_caller_is_gone_in_the_middle_leaves_nothing_and_takes_nobody_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let gone = async {
        let _: Result<(), StoreError> = grouped!(&store, "gone", |tx| {
            tx.count("order").await?;
            tx.append_leaf("of one that is gone").await?;
            std::future::pending::<()>().await;
            Ok(())
        });
    };
    let others = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        join_all((0..10).map(|_| append(&store, "good"))).await
    };
    let (left, others) = tokio::join!(
        tokio::time::timeout(Duration::from_millis(200), gone),
        others
    );
    assert!(left.is_err());
    assert!(others.iter().all(Result::is_ok));
    assert_eq!(leaves(&store).await, ["good"; 10]);
    assert_eq!(counted(&store).await, 0);
}

#[tokio::test]
async fn a_group_that_cannot_be_written_is_run_again_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    append(&store, "first").await.unwrap();
    sqlx::query("INSERT INTO leaves (idx, bytes) VALUES (1, 'spoilt')")
        .execute(&store.pool)
        .await
        .unwrap();
    let (counts, appends) = tokio::join!(
        join_all((0..10).map(|_| count(&store))),
        join_all((0..10).map(|_| append(&store, "never"))),
    );
    assert!(appends.iter().all(Result::is_err));
    let mut numbers: Vec<i64> = counts.into_iter().map(Result::unwrap).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..10).collect::<Vec<i64>>());
    assert_eq!(leaves(&store).await, ["first", "spoilt"]);
}

#[tokio::test]
async fn a_part_may_wait_while_another_connection_has_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(dir.path()).await, open(dir.path()).await);
    let both = join_all((0..40).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        async move { append(&store, "good").await }
    }));
    let mut indices: Vec<u64> = both.await.into_iter().map(Result::unwrap).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..40).collect::<Vec<u64>>());
}

/// Where the child of the next test appends, if this process is it.
const CHILD: &str = "TAMIS_GROUP_CHILD";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other process of `what_was_acknowledged_is_there_after_a_kill`"]
async fn child() {
    let Ok(dir) = std::env::var(CHILD) else {
        return;
    };
    let store = open(Path::new(&dir)).await;
    let appenders = (0..64).map(|appender| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let text = format!("{appender}-{n}");
                let index = append(&store, &text).await.unwrap();
                // One call, so that a line is whole or not there.
                let line = format!("ack {index} {text}\n");
                std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).unwrap();
            }
        })
    });
    join_all(appenders).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    for round in 1..=3 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::group::tests::child",
                "--ignored",
                "--nocapture",
            ])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = Vec::new();
        let acks = |line: std::io::Result<String>, out: &mut Vec<(usize, String)>| {
            let line = line.unwrap();
            if let Some((index, text)) = line.strip_prefix("ack ").and_then(|l| l.split_once(' ')) {
                out.push((index.parse().unwrap(), text.to_owned()));
            }
        };
        while acknowledged.len() < 700 * round {
            acks(lines.next().expect("it ended by itself"), &mut acknowledged);
        }
        child.kill().unwrap();
        for line in lines {
            acks(line, &mut acknowledged);
        }
        child.wait().unwrap();
        let store = open(dir.path()).await;
        let stored = leaves(&store).await;
        for (index, text) in &acknowledged {
            assert_eq!(&stored[*index], text);
        }
        // And what comes after goes on without a gap.
        assert_eq!(append(&store, "next").await.unwrap(), stored.len() as u64);
    }
}
