//! `tamis dsr serve`: takes other companies' deletion requests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::party::{BOTH_SIDES, HomeArg};
use crate::cli::{Exit, Failure, Screen, Wiring, asked_to_end};
use crate::delivery::sink::Receiver;
use crate::party::dsr::{Certificate, Desk, Inbox, Peer, Peers, Server, forward, signer};

/// Publish /dsrdelete.json and take deletion requests: each is kept before it is acknowledged, and becomes an
/// erasure in every collaboration
#[derive(Args)]
#[command(after_help = "Example:
  tamis dsr serve --listen [::]:443 --domain a.example --peer b.example --self-signed a.pem

Only the peers named are believed, and only their domains are asked for keys.")]
pub(in crate::cli) struct Serve {
    /// Where to listen; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// Your own domain, as it stands in your answers
    #[arg(long, value_name = "DOMAIN")]
    domain: String,
    /// How peers reach this server, if not as https://DOMAIN
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A company whose requests are taken: DOMAIN, or DOMAIN=https://HOST; once for each
    #[arg(long = "peer", value_name = "PEER", required = true)]
    peers: Vec<Peer>,
    /// The only authorities to trust for the peers, PEM [default: the public ones]
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// The certificate chain to serve with, PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        required_unless_present = "self_signed"
    )]
    certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// Make a certificate for the domain and the address instead, and write it to this file for the peers
    #[arg(long, value_name = "FILE", conflicts_with = "certificate")]
    self_signed: Option<PathBuf>,
    /// Region of phone numbers without a country code, e.g. FR
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Write the address to this file once requests can arrive
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    home: HomeArg,
}

impl Serve {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&BOTH_SIDES)?;
        let signer =
            signer(&session.home, &self.domain, &*wiring.entropy).map_err(super::failed)?;
        let authorities = super::pem(self.authorities.as_deref())?;
        let peers = Peers::new(self.peers.clone(), authorities.as_deref());
        let peers = peers.map_err(super::failed)?;
        let inbox = Inbox::open(&session.path).map_err(super::failed)?;
        let desk = Arc::new(Desk::new(
            signer,
            peers,
            inbox,
            super::clock(wiring),
            wiring.entropy.clone(),
        ));
        let certificate = self.certificate(wiring)?;
        let ended = asked_to_end()?;
        let server = Server::bind(self.listen, &certificate).await;
        let server = server.map_err(super::failed)?;
        let address = server.address();
        let root = match &self.public_url {
            Some(url) => url.clone(),
            None if address.ip().is_loopback() => format!("https://{address}"),
            None => format!("https://{}", self.domain),
        };
        if let Some(path) = &self.ready_file {
            write_whole(path, &format!("{address}\n"))?;
        }
        screen.note(format!(
            "taking deletion requests for {} on https://{address}",
            self.domain
        ));
        let said = |why: &str| screen.note(format!("not sent on yet, will be tried again: {why}"));
        tokio::select! {
            () = server.serve(desk.clone(), &root, ended) => {}
            () = forward(&desk, &session, self.region.as_deref(), &said) => {}
        }
        let inbox = Inbox::open(&session.path).map_err(super::failed)?;
        let (taken, waiting) = inbox.count().map_err(super::failed)?;
        screen.answer(&json!({ "taken": taken, "waiting": waiting }), || {
            format!("{taken} requests taken so far, {waiting} of them not sent on yet")
        })?;
        Ok(Exit::Done)
    }

    fn certificate(&self, wiring: &Wiring) -> Result<Certificate, Failure> {
        let read = |path: &PathBuf| {
            std::fs::read(path)
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
        };
        if let (Some(chain), Some(key)) = (&self.certificate, &self.key) {
            return Ok(Certificate {
                chain_pem: read(chain)?,
                key_pem: Zeroizing::new(read(key)?),
            });
        }
        let Some(out) = &self.self_signed else {
            return Err(Failure::usage(
                "--certificate and --key, or --self-signed FILE",
            ));
        };
        let hosts = [self.domain.clone(), self.listen.ip().to_string()];
        let made = Receiver::generate(&hosts, wiring.clock.now())
            .map_err(|error| Failure::usage(error.to_string()))?;
        write_whole(out, &made.certificate_pem)?;
        Ok(Certificate {
            chain_pem: made.certificate_pem.into_bytes(),
            key_pem: Zeroizing::new(made.key_pem.as_bytes().to_vec()),
        })
    }
}

/// Whoever waits for the file never sees it half written.
fn write_whole(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    let written = || {
        let directory = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let directory = directory.unwrap_or(std::path::Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(directory)?;
        std::io::Write::write_all(&mut new, text.as_bytes())?;
        new.persist(path).map_err(|error| error.error)
    };
    written()
        .map(|_| ())
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
