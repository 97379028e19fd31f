#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpListener;

use super::*;
use crate::delivery::signature::{Headers, verify};
use crate::delivery::sink::Receiver;
use crate::delivery::testing::{
    HOST, Names, Scripted, now, receiver, receiver_for, secret, sender, target, timeouts,
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const BODY: Bytes = Bytes::from_static(b"{\"x\":1}");

async fn send_to(script: &Scripted, receiver: &Receiver) -> Result<Ack, SendError> {
    let sender = sender(Names::new(&["127.0.0.1"]));
    let target = target(script.address.port(), receiver);
    sender.send(target, "id-0", now(), BODY).await
}

/// What a sender makes of an answer.
async fn answered(answer: &str) -> Result<Ack, SendError> {
    let receiver = receiver();
    let script = Scripted::start(&receiver, answer).await;
    send_to(&script, &receiver).await
}

fn retried(failure: Failure) -> Result<Ack, SendError> {
    Err(SendError::Retry {
        after: None,
        failure,
    })
}

#[tokio::test]
async fn a_message_arrives_signed_and_whole() {
    let receiver = receiver();
    let script = Scripted::start(&receiver, OK).await;
    assert_eq!(send_to(&script, &receiver).await, Ok(Ack { status: 204 }));
    let request = String::from_utf8(script.requests.lock().unwrap()[0].clone()).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let mut lines = head.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap()
    };
    assert!(head.starts_with("POST /hook?x=1 HTTP/1.1"));
    assert_eq!(header("content-type"), "application/json");
    let headers = Headers {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    assert_eq!(headers.id, "id-0");
    assert_eq!(verify(&[secret()], headers, body.as_bytes(), now()), Ok(()));
    assert_eq!(body.as_bytes(), &BODY[..]);
}

#[tokio::test]
async fn only_2xx_acknowledges_and_only_410_refuses_for_good() {
    for code in [200, 201, 202, 299] {
        let answer = format!("HTTP/1.1 {code} Fine\r\ncontent-length: 2\r\n\r\nok");
        assert_eq!(answered(&answer).await, Ok(Ack { status: code }));
    }
    for code in [
        400, 401, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503, 504,
    ] {
        let answer = format!("HTTP/1.1 {code} Not fine\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(answered(&answer).await, retried(Failure::Status(code)));
    }
    let gone = answered("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await;
    let failure = Failure::Status(410);
    assert_eq!(gone, Err(SendError::Refused { failure }));
}

#[tokio::test]
async fn a_destination_can_ask_for_time() {
    for (code, value, wait) in [
        (429, "120", Some(120)),
        (503, "Sun, 22 Nov 2026 10:01:00 GMT", Some(60)),
        (503, "Sun, 22 Nov 2026 09:00:00 GMT", Some(0)),
        (503, "soon", None),
        (503, "-1", None),
        (500, "120", None),
    ] {
        let answer = format!("HTTP/1.1 {code} Busy\r\nretry-after: {value}\r\n\r\n");
        let expected = Err(SendError::Retry {
            after: wait.map(Duration::from_secs),
            failure: Failure::Status(code),
        });
        assert_eq!(answered(&answer).await, expected, "{code} {value}");
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let receiver = receiver();
    let inside = Scripted::start(&receiver, OK).await;
    for code in [301, 302, 303, 307, 308] {
        let outside = Scripted::start(
            &receiver,
            format!(
                "HTTP/1.1 {code} Elsewhere\r\nlocation: https://127.0.0.1:{}/\r\n\r\n",
                inside.address.port()
            ),
        )
        .await;
        let verdict = send_to(&outside, &receiver).await;
        assert_eq!(verdict, retried(Failure::Redirect(code)));
        assert_eq!(outside.request_count(), 1);
    }
    assert_eq!(inside.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_private_address_is_refused_before_a_connection() {
    let receiver = receiver();
    let script = Scripted::start(&receiver, OK).await;
    let guard = Egress::new(Names::new(&["127.0.0.1"]), vec![]);
    let sender = WebhookSender::new(guard, timeouts());
    let target = target(script.address.port(), &receiver);
    let verdict = sender.send(target, "id-0", now(), BODY).await;
    assert_eq!(verdict, retried(Failure::Egress(EgressError::Forbidden)));
    assert_eq!(script.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_session_stays_with_the_address_it_was_vetted_for() {
    let receiver = receiver();
    let script = Scripted::start(&receiver, OK).await;
    // The second answer would be another machine of the operator's network.
    let names = Names::new(&["127.0.0.1", "127.0.0.2"]);
    let sender = sender(names.clone());
    let session = sender.open(target(script.address.port(), &receiver)).await;
    let session = session.ok().unwrap();
    for _ in 0..3 {
        assert!(session.send("id-0", now(), BODY).await.is_ok());
    }
    // The endpoint hangs up after every answer, so each was a new connection.
    assert_eq!(script.connections.load(Ordering::SeqCst), 3);
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn rebinding_between_two_sessions_is_vetted_anew() {
    let receiver = receiver();
    let script = Scripted::start(&receiver, OK).await;
    let sender = sender(Names::new(&["127.0.0.1", "10.0.0.1"]));
    let port = script.address.port();
    assert!(sender.open(target(port, &receiver)).await.is_ok());
    let verdict = sender.open(target(port, &receiver)).await;
    let failure = Failure::Egress(EgressError::Forbidden);
    assert_eq!(verdict.err(), retried(failure).err());
}

#[tokio::test]
async fn a_certificate_counts_for_its_authority_and_its_name_only() {
    let (enrolled, other) = (receiver(), receiver());
    let impostor = Scripted::start(&other, OK).await;
    let verdict = send_to(&impostor, &enrolled).await;
    assert_eq!(verdict, retried(Failure::Certificate));

    let elsewhere = receiver_for("dmp.example");
    let misnamed = Scripted::start(&elsewhere, OK).await;
    let verdict = send_to(&misnamed, &elsewhere).await;
    assert_eq!(verdict, retried(Failure::Certificate));

    let long_ago = "2001-01-01T00:00:00Z".parse().unwrap();
    let expired = Receiver::generate(&[HOST.to_owned()], long_ago).unwrap();
    let stale = Scripted::start(&expired, OK).await;
    let verdict = send_to(&stale, &expired).await;
    assert_eq!(verdict, retried(Failure::Certificate));
    for script in [impostor, misnamed, stale] {
        assert_eq!(script.request_count(), 0);
    }
}

#[tokio::test]
async fn a_private_authority_is_not_one_of_the_public_web() {
    let receiver = receiver();
    let script = Scripted::start(&receiver, OK).await;
    let mut target = target(script.address.port(), &receiver);
    target.ca_pem = None;
    let sender = sender(Names::new(&["127.0.0.1"]));
    let verdict = sender.send(target, "id-0", now(), BODY).await;
    // A machine without any authorities trusts nobody either.
    let failures = [Failure::Certificate, Failure::Authorities];
    assert!(failures.map(retried).contains(&verdict), "{verdict:?}");
    assert_eq!(script.request_count(), 0);
}

#[tokio::test]
async fn authorities_that_are_not_certificates_are_said_to_be() {
    let receiver = receiver();
    let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "no pem", &receiver.key_pem, garbled] {
        let mut target = target(1, &receiver);
        target.ca_pem = Some(pem.to_owned());
        let verdict = sender(Names::new(&["127.0.0.1"])).open(target).await;
        assert_eq!(verdict.err(), retried(Failure::Authorities).err());
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_given_up() {
    let receiver = receiver();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let brief = Timeouts {
        connect: Duration::from_millis(200),
        total: Duration::from_millis(400),
    };
    let guard = Egress::new(
        Names::new(&["127.0.0.1"]),
        vec!["127.0.0.1".parse().unwrap()],
    );
    let sender = WebhookSender::new(guard, brief);
    let verdict = sender
        .send(target(port, &receiver), "id-0", now(), BODY)
        .await;
    assert_eq!(verdict, retried(Failure::Timeout));
}

#[tokio::test]
async fn broken_connections_are_retried() {
    assert_eq!(answered("").await, retried(Failure::Broken));
    assert_eq!(answered("HTTP/1.1 2").await, retried(Failure::Broken));

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let sender = sender(Names::new(&["127.0.0.1"]));
    let verdict = sender
        .send(target(port, &receiver()), "id-0", now(), BODY)
        .await;
    assert_eq!(verdict, retried(Failure::Unreachable));
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 8 * MAX_ANSWER, b'x');
    let receiver = receiver();
    let script = Scripted::start(&receiver, answer).await;
    assert_eq!(send_to(&script, &receiver).await, Ok(Ack { status: 200 }));
}

#[test]
fn a_failure_names_no_address_and_no_secret() {
    let failure = Failure::Egress(EgressError::Forbidden);
    let error = SendError::Retry {
        after: None,
        failure,
    };
    let text = format!("{error} {error:?}");
    assert!(!text.contains("127.") && !text.contains(HOST) && !text.contains("whsec"));
}

#[test]
fn a_sender_is_shared_between_workers() {
    fn shared<T: Send + Sync>() {}
    shared::<WebhookSender>();
    shared::<Session>();
    shared::<Arc<dyn crate::delivery::egress::Resolver>>();
}
