#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;

use tamis_protocols::wire::api::AudienceUse;

use super::*;

fn head() -> Head {
    Head {
        queued_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        audience: Audience {
            id: "a".repeat(32),
            name: "loyal".into(),
            purpose: AudienceUse::Target,
        },
        collaboration: "c".repeat(32),
        destination: "dsp-a".into(),
        delivery: "d".repeat(32),
    }
}

fn open(n: usize) -> Cookie {
    Cookie::Open(format!("cookie-{n}").into_bytes())
}

fn sealed(n: usize) -> Cookie {
    Cookie::Sealed {
        enc: [(n % 3) as u8; 32],
        label: Box::new([n as u8; 88]),
    }
}

fn batches(count: usize, cookie: fn(usize) -> Cookie) -> Vec<Batch> {
    let changes = (0..count).map(|n| {
        Ok::<_, Infallible>(if n % 7 == 0 {
            Change::Remove(cookie(n))
        } else {
            Change::Add(cookie(n))
        })
    });
    Batches::new(head(), changes).map(Result::unwrap).collect()
}

fn read(batch: &Batch) -> MembersChanged {
    Message::from_bytes(&batch.body).unwrap().data
}

#[test]
fn a_delivery_is_cut_every_ten_thousand_changes() {
    for (count, sizes) in [
        (1, vec![1]),
        (10_000, vec![10_000]),
        (10_001, vec![10_000, 1]),
        (25_000, vec![10_000, 10_000, 5_000]),
    ] {
        let batches = batches(count, open);
        let found: Vec<usize> = batches
            .iter()
            .map(|batch| read(batch).add.len() + read(batch).remove.len())
            .collect();
        assert_eq!(found, sizes);
        for (sequence, batch) in batches.iter().enumerate() {
            assert_eq!(batch.sequence as usize, sequence);
            assert_eq!(batch.last, sequence + 1 == sizes.len());
            assert_eq!(batch.id, format!("{}-{sequence}", "d".repeat(32)));
            let data = read(batch);
            assert_eq!((data.sequence, data.last), (batch.sequence, batch.last));
        }
    }
}

#[test]
fn a_delivery_without_changes_is_one_message() {
    let batches = batches(0, open);
    assert_eq!(batches.len(), 1);
    assert!(batches[0].last && read(&batches[0]).add.is_empty());
}

#[test]
fn a_batch_made_again_is_the_same_batch() {
    let (first, again) = (batches(20_500, sealed), batches(20_500, sealed));
    for (first, again) in first.iter().zip(&again) {
        assert!(first.body == again.body && first.id == again.id);
    }
}

#[test]
fn labels_refer_to_the_context_they_were_sealed_in() {
    let batches = batches(30, sealed);
    let data = read(&batches[0]);
    assert_eq!(data.contexts.len(), 3);
    assert_eq!(data.add.len() + data.remove.len(), 30);
    for member in data.add.iter().chain(&data.remove) {
        let Member::Sealed { context, label } = member else {
            panic!("all are sealed");
        };
        assert_eq!(data.contexts[usize::from(*context)].enc, [label[0] % 3; 32]);
    }
}

#[test]
fn a_cookie_that_is_not_text_stops_the_delivery() {
    for bytes in [vec![], vec![0xff], b"a\nb".to_vec(), vec![b'a'; 64]] {
        let changes = [Ok::<_, Infallible>(Change::Add(Cookie::Open(bytes)))];
        let mut batches = Batches::new(head(), changes.into_iter());
        assert!(matches!(batches.next(), Some(Err(BatchError::Cookie))));
        assert!(batches.next().is_none());
    }
}

#[test]
fn unreadable_changes_never_end_in_a_last_batch() {
    let changes = (0..10_000)
        .map(|n| Ok(Change::Add(open(n))))
        .chain([Err("disk")]);
    let mut batches = Batches::new(head(), changes);
    assert!(batches.next().is_some_and(|batch| !batch.unwrap().last));
    assert!(matches!(
        batches.next(),
        Some(Err(BatchError::Source("disk")))
    ));
    assert!(batches.next().is_none());
}

#[test]
fn a_receipt_starts_where_only_the_holder_of_the_secret_and_no_other_delivery_does() {
    let secret = |byte| Secret::<Webhook>::from_bytes([byte; 32]);
    let start = receipt_start(&secret(1), "00ff");
    assert_eq!(start, receipt_start(&secret(1), "00ff"));
    assert_ne!(start, receipt_start(&secret(2), "00ff"));
    assert_ne!(start, receipt_start(&secret(1), "00fe"));
}

#[test]
fn the_receipt_digest_is_that_of_the_vector() {
    let vector: serde_json::Value =
        serde_json::from_str(include_str!("../../protocols/wire/vectors/delivery.json")).unwrap();
    let body = vector["body"].as_str().unwrap();
    let digest = receipt_digest(&[0; 32], body.as_bytes());
    assert_eq!(hex::encode(digest), vector["receipt_digest_after"]);
}
