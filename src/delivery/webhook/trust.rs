//! Which certificates an endpoint may show.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// The authorities cannot be read, or there are none.
#[derive(Debug)]
pub(in crate::delivery) struct NoAuthorities;

/// TLS 1.3, or 1.2 for third parties that have nothing better; no early data, no client certificate.
/// With `ca_pem`, its certificates are the only authorities.
pub(in crate::delivery) fn client_config(
    ca_pem: Option<&str>,
) -> Result<ClientConfig, NoAuthorities> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| NoAuthorities)?;
    let builder = match ca_pem {
        Some(pem) => builder.with_root_certificates(roots(pem)?),
        None => {
            let verifier = Verifier::new(provider).map_err(|_| NoAuthorities)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// At least one certificate, and nothing unreadable.
fn roots(pem: &str) -> Result<RootCertStore, NoAuthorities> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| NoAuthorities)?;
        roots.add(certificate).map_err(|_| NoAuthorities)?;
    }
    if roots.is_empty() {
        return Err(NoAuthorities);
    }
    Ok(roots)
}

/// Whether a connection failed because of what the endpoint showed. The TLS error travels inside I/O
/// errors, which hide it from the ordinary chain.
pub(super) fn is_certificate_error(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return matches!(tls, rustls::Error::InvalidCertificate(_));
        }
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static));
        next = inner.or_else(|| error.source());
    }
    false
}
