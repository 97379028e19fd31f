//! A network of the operator's allow-list: `10.1.0.0/16`, `fd00::/8`, or one address.

use std::net::IpAddr;
use std::str::FromStr;

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is an IP address, or an IP address, `/` and a number of bits that cover it")]
pub struct NetworkError;

impl Network {
    /// Whether the address lies inside. An IPv4 network holds no IPv6 address, mapped ones included.
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && prefix(address, self.bits) == prefix(self.address, self.bits)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| NetworkError)?,
            None => width,
        };
        // Bits beyond the prefix are a sign of a slip: 10.1.0.0/8 is refused.
        if bits > width || prefix(address, bits) != value(address) {
            return Err(NetworkError);
        }
        Ok(Network { address, bits })
    }
}

/// The address left-aligned in 128 bits.
fn value(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    }
}

fn prefix(address: IpAddr, bits: u8) -> u128 {
    let shift = 128 - u32::from(bits);
    let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
    value(address) & mask
}
