#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::store::sqlite_url;

#[tokio::test]
async fn concurrent_writers_get_every_number_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_url(&dir.path().join("s.db")))
        .await
        .unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { transact!(store, "count", |tx| { tx.count("order").await }) })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..20).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_failed_transaction_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_url(&dir.path().join("s.db")))
        .await
        .unwrap();
    let failed: Result<(), StoreError> = transact!(store, "fail", |tx| {
        tx.count("order").await?;
        tx.one(sql("UPDATE counters SET value = 9 WHERE name = 'nobody'"))
            .await
    });
    assert!(matches!(failed, Err(StoreError::NotOneRow { .. })));
    let next: Result<i64, StoreError> = transact!(store, "count", |tx| { tx.count("order").await });
    assert_eq!(next.unwrap(), 0);
}
