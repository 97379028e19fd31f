#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use rcgen::SanType;

use super::*;

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

fn authority() -> (tempfile::TempDir, Authority) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::create(&dir.path().join("ca"), now()).unwrap();
    (dir, authority)
}

fn request(params: &CertificateParams, key: &KeyPair) -> String {
    params.serialize_request(key).unwrap().pem().unwrap()
}

fn plain_request() -> String {
    request(&CertificateParams::default(), &KeyPair::generate().unwrap())
}

fn issue(csr: &str) -> Result<Issued, AuthorityError> {
    authority().1.issue_client(csr, "shop", now(), later(90))
}

#[test]
fn a_client_certificate_carries_the_invited_name_whatever_was_asked_for() {
    let mut greedy = CertificateParams::new(vec!["tamis.example".to_owned()]).unwrap();
    greedy
        .distinguished_name
        .push(DnType::CommonName, "somebody-else");
    greedy.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    greedy.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    greedy.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    greedy.subject_alt_names = vec![SanType::DnsName("tamis.example".try_into().unwrap())];
    let issued = issue(&request(&greedy, &KeyPair::generate().unwrap())).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(issued.pem_chain.as_bytes()).unwrap();
    let certificate = pem.parse_x509().unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=shop");
    assert!(!certificate.is_ca());
    assert!(certificate.subject_alternative_name().unwrap().is_none());
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert!(usage.digital_signature() && !usage.key_cert_sign());
    assert_eq!(
        issued.sha256_hex,
        hex::encode(Sha256::digest(&pem.contents))
    );
}

#[test]
fn a_client_certificate_is_signed_by_the_root_and_ends_when_told() {
    let (_dir, authority) = authority();
    let issued = authority
        .issue_client(&plain_request(), "shop", now(), later(90))
        .unwrap();
    let (_, leaf) = x509_parser::pem::parse_x509_pem(issued.pem_chain.as_bytes()).unwrap();
    let (_, root) = x509_parser::pem::parse_x509_pem(authority.pem().as_bytes()).unwrap();
    let (leaf, root) = (leaf.parse_x509().unwrap(), root.parse_x509().unwrap());
    leaf.verify_signature(Some(root.public_key())).unwrap();
    assert_eq!(leaf.validity().not_after.timestamp(), later(90).as_second());
    assert!(root.is_ca());
}

#[test]
fn a_request_whose_signature_does_not_hold_is_refused() {
    let pem = plain_request();
    let (_, parsed) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
    let mut der = parsed.contents;
    let last = der.len() - 1;
    der[last] ^= 1;
    use base64::Engine;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let forged =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n");
    assert!(matches!(issue(&forged), Err(AuthorityError::Request)));
}

#[test]
fn keys_of_the_accepted_kinds_and_no_others_are_certified() {
    for kind in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let key = KeyPair::generate_for(kind).unwrap();
        issue(&request(&CertificateParams::default(), &key)).unwrap();
    }
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let refused = issue(&request(&CertificateParams::default(), &rsa));
    assert!(matches!(refused, Err(AuthorityError::KeyKind)));
}

#[test]
fn two_certificates_for_one_key_have_different_serial_numbers() {
    let (_dir, authority) = authority();
    let csr = plain_request();
    let serial = |until| {
        let issued = authority.issue_client(&csr, "shop", now(), until).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(issued.pem_chain.as_bytes()).unwrap();
        pem.parse_x509().unwrap().raw_serial().to_vec()
    };
    assert_ne!(serial(later(90)), serial(later(91)));
}

#[test]
fn private_keys_are_readable_by_their_owner_only() {
    let (dir, authority) = authority();
    authority.server(&["localhost".to_owned()], now()).unwrap();
    for name in ["ca.key", "server.key"] {
        let file = dir.path().join("ca").join(name);
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn an_existing_root_is_never_replaced_and_opens_as_it_is() {
    let (dir, authority) = authority();
    let dir = dir.path().join("ca");
    assert!(Authority::create(&dir, now()).is_err());
    assert_eq!(Authority::open(&dir).unwrap().pem(), authority.pem());
}

#[test]
fn the_server_certificate_is_kept_until_it_nears_its_end_or_the_hosts_change() {
    let (_dir, authority) = authority();
    let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let chain = |hosts: &[String], now| authority.server(hosts, now).unwrap().chain_pem;
    let first = chain(&hosts, now());
    assert_eq!(chain(&hosts, later(100)), first);
    let renewed = chain(&hosts, later(350));
    assert_ne!(renewed, first);
    assert_ne!(chain(&hosts[..1], later(350)), renewed);
}

proptest! {
    #[test]
    fn random_requests_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        use base64::Engine;
        let body = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let pem = format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n");
        prop_assert!(requested_key(&pem).is_err());
        prop_assert!(requested_key(&String::from_utf8_lossy(&bytes)).is_err());
    }
}
