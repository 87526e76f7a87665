//! Addresses from which users may log in.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// A CIDR block, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct IpRange(IpNet);

/// A text that is no range of addresses.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no address range; give an address (192.0.2.7) or a CIDR block (192.0.2.0/24)")]
pub(crate) struct IpRangeError(String);

impl IpRange {
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        // A listener on [::] sees IPv4 peers as mapped addresses.
        self.0.contains(&address.to_canonical())
    }
}

impl TryFrom<String> for IpRange {
    type Error = IpRangeError;

    fn try_from(text: String) -> Result<Self, IpRangeError> {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(Self)
            .map_err(|_| IpRangeError(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_block_or_one_address() {
        let range = |text: &str| IpRange::try_from(text.to_owned()).unwrap();
        assert!(range("192.0.2.0/24").contains("192.0.2.200".parse().unwrap()));
        assert!(range("192.0.2.7").contains("::ffff:192.0.2.7".parse().unwrap()));
        assert!(!range("192.0.2.7").contains("192.0.2.8".parse().unwrap()));
        assert!(range("2001:db8::/32").contains("2001:db8::1".parse().unwrap()));
        assert!(IpRange::try_from("192.0.2.0-192.0.2.9".to_owned()).is_err());
    }
}
