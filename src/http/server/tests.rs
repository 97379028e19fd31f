#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;

use axum::Extension;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, NamedGroup, ProtocolVersion, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::domain::clock::MockClock;
use crate::http::tls::{Identity, server_config};
use crate::service::authority::{Authority, Issued};

struct World {
    address: SocketAddr,
    authority: Authority,
    clock: MockClock,
    stop: CancellationToken,
    server: JoinHandle<io::Result<()>>,
    _dir: tempfile::TempDir,
}

fn now() -> Timestamp {
    // The real time, because the client side of these tests checks the server's certificate with it.
    #[allow(clippy::disallowed_methods)]
    Timestamp::now()
}

async fn who(peer: Option<Extension<Peer>>) -> String {
    peer.map_or("nobody".to_owned(), |Extension(peer)| {
        peer.0.sha256_hex.clone()
    })
}

async fn world(limits: Limits) -> World {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::create(&dir.path().join("ca"), now()).unwrap();
    let server = authority.server(&["localhost".to_owned()], now()).unwrap();
    let clock = MockClock::at(now());
    let identity = Identity {
        chain_pem: &server.chain_pem,
        key_pem: &server.key_pem,
        client_authority_pem: authority.pem(),
    };
    let tls = Arc::new(server_config(&identity, Arc::new(clock.clone())).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(who)).route(
        "/slow",
        get(|| async {
            sleep(Duration::from_millis(600)).await;
            "slow"
        }),
    );
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, tls, router, limits, stop.clone()));
    World {
        address,
        authority,
        clock,
        stop,
        server,
        _dir: dir,
    }
}

fn certify(authority: &Authority, until: Timestamp) -> (Issued, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let request = rcgen::CertificateParams::default()
        .serialize_request(&key)
        .unwrap();
    let issued = authority
        .issue_client(&request.pem().unwrap(), "shop", now(), until)
        .unwrap();
    (issued, key.serialize_pem())
}

fn client(roots: &Authority, certificate: Option<&(Issued, String)>, alpn: &str) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut store = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(roots.pem().as_bytes()).unwrap();
    store.add(root).unwrap();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store);
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some((issued, key)) => {
            let chain = CertificateDer::pem_slice_iter(issued.pem_chain.as_bytes());
            let chain = chain.collect::<Result<_, _>>().unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    config
}

async fn connect(world: &World, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(world.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::clone(config))
        .connect(name, tcp)
        .await
}

async fn ask(stream: &mut TlsStream<TcpStream>, path: &str) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

async fn ask_anew(world: &World, config: ClientConfig) -> io::Result<String> {
    ask(&mut connect(world, &Arc::new(config)).await?, "/").await
}

#[tokio::test]
async fn connections_are_tls_1_3_with_post_quantum_key_agreement_and_never_resumed() {
    let world = world(Limits::default()).await;
    let config = Arc::new(client(&world.authority, None, "h2"));
    for _ in 0..2 {
        let stream = connect(&world, &config).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
        let group = session.negotiated_key_exchange_group().unwrap();
        assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
        assert_eq!(session.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[tokio::test]
async fn the_peers_certificate_reaches_the_handler_as_its_fingerprint() {
    let world = world(Limits::default()).await;
    let certificate = certify(&world.authority, now() + SignedDuration::from_hours(1));
    let config = client(&world.authority, Some(&certificate), "http/1.1");
    let answer = ask_anew(&world, config).await.unwrap();
    assert!(answer.ends_with(&certificate.0.sha256_hex), "{answer}");
    let nobody = client(&world.authority, None, "http/1.1");
    let answer = ask_anew(&world, nobody).await.unwrap();
    assert!(answer.ends_with("nobody"), "{answer}");
}

#[tokio::test]
async fn an_expired_certificate_is_refused_in_the_handshake() {
    let world = world(Limits::default()).await;
    let certificate = certify(&world.authority, now() + SignedDuration::from_mins(10));
    world.clock.advance(Duration::from_secs(660));
    let config = client(&world.authority, Some(&certificate), "http/1.1");
    let error = ask_anew(&world, config).await.unwrap_err();
    assert!(error.to_string().contains("xpired"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_in_the_handshake() {
    let world = world(Limits::default()).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Authority::create(&elsewhere.path().join("ca"), now()).unwrap();
    let certificate = certify(&other, now() + SignedDuration::from_hours(1));
    let config = client(&world.authority, Some(&certificate), "http/1.1");
    assert!(ask_anew(&world, config).await.is_err());
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_head_is_cut_off() {
    let limits = Limits {
        header_seconds: 1,
        ..Limits::default()
    };
    let world = world(limits).await;
    let config = Arc::new(client(&world.authority, None, "http/1.1"));
    let mut stream = connect(&world, &config).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: lo")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest));
    assert!(ended.await.is_ok(), "still open");
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed() {
    let limits = Limits {
        idle_seconds: 1,
        ..Limits::default()
    };
    let world = world(limits).await;
    let config = Arc::new(client(&world.authority, None, "h2"));
    let mut stream = connect(&world, &config).await.unwrap();
    // The preface, an empty SETTINGS frame, and then silence.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(preface).await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(8), stream.read_to_end(&mut rest));
    assert!(ended.await.is_ok(), "still open");
}

#[tokio::test]
async fn a_silent_peer_does_not_hold_the_handshake_open() {
    let limits = Limits {
        handshake_seconds: 1,
        ..Limits::default()
    };
    let world = world(limits).await;
    let mut tcp = TcpStream::connect(world.address).await.unwrap();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(5), tcp.read_to_end(&mut rest));
    assert!(ended.await.is_ok(), "still open");
}

#[tokio::test]
async fn a_head_beyond_its_limit_is_refused() {
    let world = world(Limits::default()).await;
    let config = Arc::new(client(&world.authority, None, "http/1.1"));
    let mut stream = connect(&world, &config).await.unwrap();
    let answer = ask(&mut stream, &format!("/{}", "a".repeat(20_000))).await;
    let answer = answer.unwrap_or_default();
    assert!(
        answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 414"),
        "{answer}"
    );
}

#[tokio::test]
async fn one_connection_too_many_waits_until_another_ends() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let world = world(limits).await;
    let config = Arc::new(client(&world.authority, None, "http/1.1"));
    let first = connect(&world, &config).await.unwrap();
    let second = timeout(Duration::from_millis(300), connect(&world, &config)).await;
    assert!(second.is_err(), "the second was served beside the first");
    drop(first);
    timeout(Duration::from_secs(5), connect(&world, &config))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_stop_lets_open_requests_finish_and_takes_no_new_connection() {
    let world = world(Limits::default()).await;
    let config = Arc::new(client(&world.authority, None, "http/1.1"));
    let mut stream = connect(&world, &config).await.unwrap();
    let (answer, ()) = tokio::join!(ask(&mut stream, "/slow"), async {
        sleep(Duration::from_millis(200)).await;
        world.stop.cancel();
        sleep(Duration::from_millis(100)).await;
        assert!(TcpStream::connect(world.address).await.is_err());
    });
    assert!(answer.unwrap().ends_with("slow"));
    timeout(Duration::from_secs(5), world.server)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_longer_than_it_may() {
    let limits = Limits {
        drain_seconds: 0,
        ..Limits::default()
    };
    let world = world(limits).await;
    let config = Arc::new(client(&world.authority, None, "http/1.1"));
    let mut stream = connect(&world, &config).await.unwrap();
    let request = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    world.stop.cancel();
    let stopped = timeout(Duration::from_millis(300), world.server).await;
    stopped.unwrap().unwrap().unwrap();
}
