//! `tamis enrol`: keys, made here, and a client certificate for them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tamis_keys::sealing;
use tamis_protocols::transparency::key_fingerprint;
use tamis_protocols::wire::api::{Endpoint, PartyView, Role};

use super::party::HomeArg;
use super::{Exit, Failure, Screen, Wiring};
use crate::delivery::sink;
use crate::party::exchange::ExchangeError;
use crate::party::exchange::enrolment::{self, Invitation};
use crate::party::exchange::membership::Membership;

/// Make this party's keys and enrol with an invitation
#[derive(Args)]
#[command(after_help = "Examples:
  tamis enrol --invitation maison.json
  tamis enrol --invitation dsp-a.json --endpoint https://in.dsp-a.example/tamis")]
pub(super) struct Enrol {
    /// The operator's invitation
    #[arg(long, value_name = "FILE")]
    invitation: PathBuf,
    /// Destinations: where deliveries go, an https address
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Destinations: the only authority to trust for the endpoint, PEM [default: the public ones]
    #[arg(long, value_name = "FILE", requires = "endpoint")]
    endpoint_ca: Option<PathBuf>,
    /// Destinations: make a certificate for the endpoint's host in the home, and have only that one trusted;
    /// `tamis sink` then serves with it. Always so for an endpoint on loopback without --endpoint-ca
    #[arg(long, requires = "endpoint", conflicts_with = "endpoint_ca")]
    self_signed: bool,
    /// Destinations: days after which a member that is not told again is dropped there, 1 to 3650; so it can be
    /// said by when somebody who withdrew is gone, even if the destination cannot be told
    #[arg(long, value_name = "DAYS", requires = "endpoint")]
    member_ttl_days: Option<u32>,
    /// Destinations: publish no sealing key; the operator then holds the cookies under its own encryption
    #[arg(long)]
    open_cookies: bool,
    #[command(flatten)]
    home: HomeArg,
}

impl Enrol {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let invitation = Invitation::read(&self.invitation)?;
        let is_destination = invitation.role == Role::Destination;
        if is_destination && self.endpoint.is_none() {
            return Err(Failure::usage(format!(
                "{} is invited as destination: that needs --endpoint URL",
                invitation.name
            ))
            .next("Name the https address that shall receive deliveries."));
        }
        if !is_destination && (self.endpoint.is_some() || self.open_cookies) {
            return Err(Failure::usage(
                "--endpoint and --open-cookies are for destinations only",
            ));
        }
        let home = self.home.path()?;
        let waiting = screen.spinner("enrolling");
        let reply = enrolment::enrol(
            &home,
            &invitation,
            self.endpoint(&home, wiring)?,
            self.open_cookies,
            &*wiring.entropy,
        )
        .await;
        waiting.finish_and_clear();
        let reply = reply.map_err(|error| already_enrolled(&home, &invitation, error))?;
        let key = own_fingerprint(&home, &reply.party, wiring)?;
        let answer = json!({
            "party": reply.party, "home": home, "url": invitation.url, "log_key": reply.log_key,
            "sealing_key_fingerprint": key,
        });
        screen.answer(&answer, || {
            let compare = match &key {
                Some(key) if reply.party.role == Role::Destination => format!(
                    "Sealing key {key}: advertisers and partners compare it with their terms, by phone.\n"
                ),
                _ => String::new(),
            };
            format!(
                "Enrolled as {} ({}) at {}\nKeys in {}: they never leave it; keep a copy safe.\n{compare}Next: {}",
                reply.party.name,
                reply.party.role.as_str(),
                invitation.url,
                home.display(),
                next(reply.party.role, &home)
            )
        })?;
        Ok(Exit::Done)
    }

    fn endpoint(&self, home: &Path, wiring: &Wiring) -> Result<Option<Endpoint>, Failure> {
        let Some(url) = self.endpoint.clone() else {
            return Ok(None);
        };
        let ca_pem = match &self.endpoint_ca {
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?,
            ),
            None => {
                let host = host_of(&url)?;
                (self.self_signed || is_loopback(&host))
                    .then(|| own_certificate(host, home, wiring))
                    .transpose()?
            }
        };
        Ok(Some(Endpoint {
            url,
            ca_pem,
            member_ttl_days: self.member_ttl_days,
        }))
    }
}

/// Of the key in the home, whatever the service says it enrolled; none if none was enrolled.
fn own_fingerprint(
    home: &Path,
    party: &PartyView,
    wiring: &Wiring,
) -> Result<Option<String>, Failure> {
    if party.sealing_key.is_none() {
        return Ok(None);
    }
    let home = enrolment::open_or_create(home, &*wiring.entropy)?;
    Ok(Some(key_fingerprint(&sealing::public(&home.sealing()))))
}

fn host_of(url: &str) -> Result<String, Failure> {
    reqwest::Url::parse(url)
        .ok()
        .filter(|url| url.scheme() == "https")
        .and_then(|url| Some(url.host_str()?.trim_matches(['[', ']']).to_owned()))
        .ok_or_else(|| Failure::usage("--endpoint is not an https address"))
}

/// No public authority certifies these.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn own_certificate(host: String, home: &Path, wiring: &Wiring) -> Result<String, Failure> {
    let party = enrolment::open_or_create(home, &*wiring.entropy)?;
    sink::certificate(&party, &[host], wiring.clock.now())
        .map_err(|error| Failure::usage(error.to_string()))
}

/// An invitation that was used here already needs no new one.
fn already_enrolled(home: &Path, invitation: &Invitation, error: ExchangeError) -> Failure {
    let here = Membership::read(home)
        .is_ok_and(|own| own.name == invitation.name && own.url == invitation.url);
    let is_used = error.is("invalid_invitation");
    let failure = Failure::from(error);
    if here && is_used {
        return failure.next(format!(
            "{} is enrolled as {} already, and stays so: go on with it.",
            home.display(),
            invitation.name
        ));
    }
    failure
}

fn next(role: Role, home: &Path) -> String {
    let home = home.display();
    match role {
        Role::Advertiser => {
            format!("tamis collaboration propose --with PARTNER --to DESTINATION --home {home}")
        }
        Role::Partner => {
            format!("tamis collaboration show --home {home}; accept once the proposal is there")
        }
        Role::Destination => {
            format!("receive deliveries: tamis sink --listen ADDR --out DIR --home {home}")
        }
        Role::Auditor => {
            format!("tamis log fetch --out DIR --home {home}, then tamis log verify DIR")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{host_of, is_loopback};

    #[test]
    fn an_endpoint_is_an_https_address() {
        assert_eq!(
            host_of("https://in.dsp-a.example/tamis").unwrap(),
            "in.dsp-a.example"
        );
        assert_eq!(host_of("https://[::1]:9443/").unwrap(), "::1");
        for no in ["http://a.example/", "a.example", "https://"] {
            assert!(host_of(no).is_err(), "{no}");
        }
    }

    #[test]
    fn only_loopback_gets_a_certificate_unasked() {
        assert!(is_loopback("127.0.0.1") && is_loopback("::1") && is_loopback("localhost"));
        assert!(!is_loopback("10.0.0.1") && !is_loopback("localhost.example"));
    }
}
