//! Where a delivery may connect to: the guard against server-side request forgery.
//!
//! The flow: an address must be `https`; its name is resolved once; if *any* of the answers is not a
//! public address, and the operator has not allowed it, nothing is sent; the connection goes to the
//! vetted addresses and nowhere else, whatever the name says a moment later (DNS rebinding).
//!
//! Source: RFC 6890 and the IANA special-purpose registries; OWASP ASVS 5.0, 1.3.6 and 15.3.2.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::Url;

pub use network::{Network, NetworkError};

mod network;

/// Why a destination's address is not used. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// Not an `https` address with a host and without credentials.
    #[error("the endpoint is not an https:// address without user name and fragment")]
    BadUrl,
    /// The name has no address, or the resolver does not answer.
    #[error("the endpoint's name cannot be resolved")]
    Unresolved,
    /// An address that is not public and not allowed.
    #[error("the endpoint's address is not a public one; the operator can allow its network")]
    Forbidden,
}

/// What [`Resolver::resolve`] returns.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Turns a host name into addresses.
pub trait Resolver: Send + Sync {
    /// All addresses of `host`, in the order of preference.
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a>;
}

/// The operating system's resolver.
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The guard: a resolver and what the operator allows beyond public addresses.
#[derive(Clone)]
pub struct Egress {
    resolver: Arc<dyn Resolver>,
    allowed: Arc<[Network]>,
}

/// An endpoint whose addresses were vetted: the only way to a connection.
pub struct Vetted {
    pub(super) url: Url,
    pub(super) host: String,
    pub(super) addresses: Vec<SocketAddr>,
}

impl Egress {
    /// Public addresses, and `allowed` networks although they are not public.
    pub fn new(resolver: Arc<dyn Resolver>, allowed: Vec<Network>) -> Self {
        Egress {
            resolver,
            allowed: allowed.into(),
        }
    }

    /// Resolves the endpoint once and vets every answer.
    ///
    /// # Errors
    /// See [`EgressError`]. Only `Unresolved` may pass with time.
    pub async fn vet(&self, url: &str) -> Result<Vetted, EgressError> {
        let url = check_url(url)?;
        let port = url.port_or_known_default().ok_or(EgressError::BadUrl)?;
        let host = url.host_str().ok_or(EgressError::BadUrl)?.to_owned();
        // An address in place of a name; IPv6 stands in brackets.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        let found = match literal {
            Ok(address) => vec![address],
            Err(_) => {
                let found = self.resolver.resolve(&host).await;
                found.map_err(|_| EgressError::Unresolved)?
            }
        };
        if found.is_empty() {
            return Err(EgressError::Unresolved);
        }
        if !found.iter().all(|address| self.allows(*address)) {
            return Err(EgressError::Forbidden);
        }
        let addresses = found
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect();
        Ok(Vetted {
            url,
            host,
            addresses,
        })
    }

    fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.iter().any(|net| net.contains(address))
    }
}

/// Whether a text may be an endpoint at all; to be asked at enrolment.
///
/// # Errors
/// `BadUrl` unless it is `https://host[:port]/path`, without user name, password and fragment.
pub fn check_url(url: &str) -> Result<Url, EgressError> {
    let url = Url::parse(url).map_err(|_| EgressError::BadUrl)?;
    let plain = url.scheme() == "https"
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    plain.then_some(url).ok_or(EgressError::BadUrl)
}

/// Whether an address belongs to the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127, ..]                     // this network, private, loopback
        | [100, 64..=127, ..]                  // shared by carriers (CGNAT), and a metadata service
        | [169, 254, ..]                       // link-local, and most metadata services
        | [172, 16..=31, ..]                   // private
        | [192, 0, 0 | 2, _]                   // protocol assignments, documentation
        | [192, 88, 99, _]                     // 6to4 relays
        | [192, 168, ..]                       // private
        | [198, 18 | 19, ..]                   // benchmarks
        | [198, 51, 100, _]                    // documentation
        | [203, 0, 113, _]                     // documentation
        | [168, 63, 129, 16]                   // a cloud's wire server, public in form only
        | [224..=255, ..] => true,             // multicast, reserved, broadcast
        _ => false,
    };
    !special
}

/// Global unicast without the ranges that carry an IPv4 address or stand for something else. Mapped
/// (`::ffff:0:0/96`) and translated (`64:ff9b::/96`) addresses lie outside and are not public.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let special = match address.segments() {
        [0x2001, 0..=0x1ff, ..]                // protocol assignments, Teredo
        | [0x2001, 0xdb8, ..]                  // documentation
        | [0x2002, ..]                         // 6to4
        | [0x3fff, 0..=0xfff, ..] => true,     // documentation
        [first, ..] => !(0x2000..=0x3fff).contains(&first),
    };
    !special
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
