#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::wire::cookie::MAX_COOKIE;

fn vector() -> Value {
    serde_json::from_str(include_str!("../vectors/delivery.json")).unwrap()
}

fn body() -> String {
    vector()["body"].as_str().unwrap().to_owned()
}

fn message() -> Message {
    Message::from_bytes(body().as_bytes()).unwrap()
}

#[test]
fn the_vector_is_read_field_by_field() {
    let message = message();
    let data = &message.data;
    assert!(message.kind == Kind::MembersChanged);
    assert_eq!(message.timestamp, "2026-11-22T10:00:00Z");
    assert_eq!(data.audience.id, "a0".repeat(16));
    assert_eq!(data.audience.name, "loyal");
    assert_eq!(data.audience.purpose, AudienceUse::Target);
    assert_eq!(data.collaboration, "c0".repeat(16));
    assert_eq!(data.destination, "dsp-a");
    assert_eq!(data.delivery, "d0".repeat(16));
    assert_eq!((data.sequence, data.last), (1, true));
    assert_eq!(data.contexts[0].enc[31], 31);
    assert!(data.remove == [Member::Open("=cookie,7".into())]);
    assert!(data.add[1] == Member::Open("8a1f\"\\é".into()));
    let Member::Sealed { context, label } = &data.add[2] else {
        panic!("the third addition is sealed");
    };
    assert_eq!((*context, label[0], label[87]), (0, 88, 175));
    assert_eq!(message.id(), vector()["webhook_id"].as_str().unwrap());
}

#[test]
fn the_vector_is_written_byte_for_byte() {
    assert_eq!(message().to_bytes().unwrap(), body().into_bytes());
}

#[test]
fn every_refused_body_is_refused_for_reading() {
    let refused: Value =
        serde_json::from_str(include_str!("../vectors/delivery-refused.json")).unwrap();
    for case in refused["refused"].as_array().unwrap() {
        let body = case["body"].as_str().unwrap();
        assert!(
            Message::from_bytes(body.as_bytes()).is_err(),
            "{}",
            case["why"]
        );
    }
}

#[test]
fn a_message_that_could_not_be_read_is_not_written() {
    let mut wrong = message();
    wrong.data.add.push(Member::Open("a\u{7f}".into()));
    assert_eq!(wrong.to_bytes(), Err(MessageError::OutOfRange("cookie")));
    let mut wrong = message();
    wrong.data.contexts.clear();
    assert_eq!(
        wrong.to_bytes(),
        Err(MessageError::OutOfRange("context index"))
    );
}

#[test]
fn the_largest_batch_fits_the_largest_body() {
    let mut largest = message();
    largest.data.remove.clear();
    largest.data.contexts = vec![Context { enc: [255; 32] }; MAX_CHANGES];
    largest.data.add = vec![
        Member::Sealed {
            context: 9_999,
            label: Box::new([255; 88]),
        };
        MAX_CHANGES
    ];
    assert!(largest.to_bytes().unwrap().len() <= MAX_BODY);
    // Every byte of an open cookie may need an escape.
    largest.data.add = vec![Member::Open("\\".repeat(MAX_COOKIE)); MAX_CHANGES];
    assert!(largest.to_bytes().unwrap().len() <= MAX_BODY);
    largest
        .data
        .remove
        .push(Member::Open("one too many".into()));
    assert_eq!(largest.to_bytes(), Err(MessageError::TooManyChanges));
}

#[test]
fn a_body_longer_than_the_bound_is_refused_unread() {
    let long = vec![b' '; MAX_BODY + 1];
    assert!(Message::from_bytes(&long).err() == Some(MessageError::TooLong));
}

#[test]
fn an_error_never_quotes_a_cookie() {
    let text = body().replace("\"=cookie,7\"", "{\"=cookie,7\":1}");
    let error = Message::from_bytes(text.as_bytes()).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("cookie,7"));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = Message::from_bytes(&bytes);
    }

    #[test]
    fn a_damaged_message_is_refused_or_stays_writable(at in 0..1000usize, with in any::<u8>()) {
        let mut bytes = body().into_bytes();
        let at = at % bytes.len();
        bytes[at] = with;
        if let Ok(message) = Message::from_bytes(&bytes) {
            prop_assert!(message.to_bytes().is_ok());
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        cookies in prop::collection::vec("[^\\p{Cc}]{1,15}", 0..20),
        labels in prop::collection::vec(any::<[u8; 32]>(), 0..20),
        sequence in any::<u32>(),
    ) {
        let mut message = message();
        message.data.sequence = sequence;
        message.data.add = cookies.into_iter().map(Member::Open).collect();
        message.data.remove = labels
            .iter()
            .map(|seed| {
                let mut label = [seed[0]; 88];
                label[..32].copy_from_slice(seed);
                Member::Sealed { context: 0, label: Box::new(label) }
            })
            .collect();
        let bytes = message.to_bytes().unwrap();
        prop_assert!(Message::from_bytes(&bytes).unwrap() == message);
    }
}
