//! The API as a caller meets it: a wired service, real TLS, and no certificate, one, or a dead one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reqwest::{Client, Method, Response};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tamis_protocols::wire::api::{EnrolmentReply, Role};

use super::tests::{entropy, made, serving};
use super::*;

const OPEN: [&str; 4] = ["/healthz", "/readyz", "/openapi.json", "/v1/enrolments"];

struct World {
    running: Running,
    home: PathBuf,
    url: String,
    root: String,
    _dir: tempfile::TempDir,
}

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("operator");
    made(&home).await;
    let running = start(&serving(&home), entropy()).await.unwrap();
    World {
        url: format!("https://localhost:{}", running.address.port()),
        root: std::fs::read_to_string(home.join("ca/ca.pem")).unwrap(),
        running,
        home,
        _dir: dir,
    }
}

impl World {
    fn client(&self, certificate: Option<(&str, &str)>) -> Client {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.root.as_bytes());
        roots.add(root.unwrap()).unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let tls = match certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
                let chain = chain.collect::<Result<_, _>>().unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .resolve("localhost", self.running.address)
            .build()
            .unwrap()
    }

    async fn enrolled(&self, name: &str, role: Role) -> Client {
        let options = InviteOptions {
            home: self.home.clone(),
            name: name.to_owned(),
            role,
            url: None,
        };
        let invitation = invite(&options, entropy()).await.unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let csr = rcgen::CertificateParams::default().serialize_request(&key);
        let request = json!({
            "token": invitation.token,
            "csr_pem": csr.unwrap().pem().unwrap(),
            "signing_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            "sealing_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
        });
        let client = self.client(None);
        let url = format!("{}/v1/enrolments", self.url);
        let reply = client.post(&url).json(&request).send().await.unwrap();
        assert_eq!(reply.status(), 201);
        let reply: EnrolmentReply = reply.json().await.unwrap();
        let again = client.post(&url).json(&request).send().await.unwrap();
        assert!(again.status().is_client_error(), "a token is good once");
        self.client(Some((&reply.certificate_pem, &key.serialize_pem())))
    }

    /// Every operation of the document, its path filled with ids that nobody has.
    async fn operations(&self) -> Vec<(Method, String, String)> {
        let url = format!("{}/openapi.json", self.url);
        let document = self.client(None).get(url).send().await.unwrap();
        let document: Value = document.json().await.unwrap();
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let filled = path
                    .replace("{id}", "0123456789abcdef0123456789abcdef")
                    .replace("{name}", "nobody")
                    .replace("{tile}", "5/000");
                all.push((method, path.clone(), filled));
            }
        }
        all
    }

    async fn ask(&self, client: &Client, method: &Method, path: &str) -> Response {
        let body = match *method {
            Method::PUT if path.ends_with("/policy") => {
                json!({"document": "{}", "signature": "AAAA"})
            }
            Method::PUT => json!({"expression": "all", "destinations": ["dsp-a"], "use": "target"}),
            _ if path.ends_with("/withdrawals")
                || path.ends_with("/consent")
                || path.ends_with("/subject") =>
            {
                json!({"tokens": ["00".repeat(16)]})
            }
            _ if path.contains("/audit/samples/") => json!({"document": "{}", "signature": "AAAA"}),
            _ => json!({"signature": "AAAA", "sealed_share": "AAAA"}),
        };
        let request = client
            .request(method.clone(), format!("{}{path}", self.url))
            .header("tus-resumable", "1.0.0")
            .header("upload-offset", "0");
        let request = match *method {
            Method::PATCH => request
                .header("content-type", "application/offset+octet-stream")
                .body("bytes"),
            _ => request.json(&body),
        };
        request.send().await.unwrap()
    }
}

#[tokio::test]
async fn without_a_certificate_only_enrolment_and_health_answer() {
    let world = world().await;
    let nobody = world.client(None);
    for (method, template, path) in world.operations().await {
        if OPEN.contains(&template.as_str()) {
            continue;
        }
        let answer = world.ask(&nobody, &method, &path).await;
        assert_eq!(answer.status(), 401, "{method} {path}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{method} {path}"
        );
    }
    for path in ["/healthz", "/readyz"] {
        let answer = world.ask(&nobody, &Method::GET, path).await;
        assert_eq!(answer.status(), 200, "{path}");
    }
    world.running.stop().await;
}

#[tokio::test]
async fn an_unknown_id_is_the_same_404_in_every_url() {
    let world = world().await;
    let shop = world.enrolled("shop", Role::Advertiser).await;
    let mut bodies = std::collections::BTreeSet::new();
    for (method, template, path) in world.operations().await {
        if !template.contains('{') {
            continue;
        }
        let answer = world.ask(&shop, &method, &path).await;
        assert_eq!(answer.status(), 404, "{method} {path}");
        if method != Method::HEAD {
            bodies.insert(answer.text().await.unwrap());
        }
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    world.running.stop().await;
}

#[tokio::test]
async fn the_logs_tiles_exist_for_auditors_only() {
    let world = world().await;
    let shop = world.enrolled("shop", Role::Advertiser).await;
    let auditor = world.enrolled("watch", Role::Auditor).await;
    // The log is published in the background: a moment after two invitations and two enrolments.
    for _ in 0..100 {
        let tile = "/v1/log/tile/entries/000.p/4";
        let seen = world.ask(&auditor, &Method::GET, tile).await.status();
        assert_eq!(world.ask(&shop, &Method::GET, tile).await.status(), 404);
        if seen == 200 {
            let checkpoint = world.ask(&shop, &Method::GET, "/v1/log/checkpoint").await;
            assert_eq!(checkpoint.status(), 200);
            world.running.stop().await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the log was not published");
}
