//! The addresses that services get: a range, or one of each family, the first of which is the usual one (KEP-563).

use crate::api::names;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    network: IpAddr,
    bits: u8,
}

impl Block {
    /// The family, as services name it.
    pub fn family(self) -> &'static str {
        family_of(self.network)
    }

    fn host_bits(self) -> u32 {
        let all: u32 = if self.network.is_ipv4() { 32 } else { 128 };
        all - u32::from(self.bits)
    }

    /// How many addresses can be given out: not the network's own, and in IPv4 not the last one, which is everybody's.
    pub fn usable(self) -> u64 {
        (1 << self.host_bits()) - if self.network.is_ipv4() { 2 } else { 1 }
    }

    /// One of the usable addresses, counted from 0.
    pub fn address(self, index: u64) -> IpAddr {
        match self.network {
            IpAddr::V4(network) => Ipv4Addr::from_bits(network.to_bits() + 1 + index as u32).into(),
            IpAddr::V6(network) => Ipv6Addr::from_bits(network.to_bits() + 1 + u128::from(index)).into(),
        }
    }

    /// The address that stands for one that is not claimed, because nothing is stored.
    pub fn network(self) -> IpAddr {
        self.network
    }

    pub fn contains(self, address: IpAddr) -> bool {
        let index = match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => u128::from(address.to_bits().wrapping_sub(network.to_bits())),
            (IpAddr::V6(network), IpAddr::V6(address)) => address.to_bits().wrapping_sub(network.to_bits()),
            _ => return false,
        };
        (1..=u128::from(self.usable())).contains(&index)
    }
}

impl FromStr for Block {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ip, bits) = names::parse_cidr(text).ok_or_else(|| format!("invalid CIDR address: {text}"))?;
        let sizes = if ip.is_ipv4() { 8..=29 } else { 68..=125 };
        if !sizes.contains(&bits) {
            return Err(format!("{text}: the prefix must have {} to {} bits", sizes.start(), sizes.end()));
        }
        Ok(Self { network: names::network_of(ip, bits), bits })
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.bits)
    }
}

/// The family of an address, as services name it.
pub(super) fn family_of(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

/// The addresses that services get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRange {
    first: Block,
    second: Option<Block>,
}

impl Default for ServiceRange {
    fn default() -> Self {
        let network = Ipv4Addr::new(10, 0, 0, 0).into();
        Self { first: Block { network, bits: 24 }, second: None }
    }
}

impl FromStr for ServiceRange {
    type Err = String;

    /// Reads `10.0.0.0/24`, or two ranges of different families with a comma between them.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut blocks = text.split(',').map(str::parse);
        let first: Block = blocks.next().unwrap_or_else(|| Err("invalid CIDR address: ".into()))?;
        let second: Option<Block> = blocks.next().transpose()?;
        if blocks.next().is_some() || second.is_some_and(|second| second.family() == first.family()) {
            return Err(format!("{text}: there may be one range of each IP family"));
        }
        Ok(Self { first, second })
    }
}

impl ServiceRange {
    /// The address of the `kubernetes` service.
    pub fn first(self) -> IpAddr {
        self.first.address(0)
    }

    /// The ranges as text.
    pub fn cidrs(self) -> Vec<String> {
        self.blocks().map(|block| block.to_string()).collect()
    }

    pub(super) fn blocks(self) -> impl Iterator<Item = Block> {
        std::iter::once(self.first).chain(self.second)
    }

    /// The range of a family.
    pub(super) fn of(self, family: &str) -> Option<Block> {
        self.blocks().find(|block| block.family() == family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let range: ServiceRange = "10.96.3.7/12".parse().unwrap();
        assert_eq!((range.cidrs(), range.first()), (vec!["10.96.0.0/12".into()], "10.96.0.1".parse().unwrap()));
        let both: ServiceRange = "fd00:10::7/112,10.0.0.0/29".parse().unwrap();
        assert_eq!(both.cidrs(), ["fd00:10::/112", "10.0.0.0/29"]);
        assert_eq!(both.first().to_string(), "fd00:10::1");
        assert_eq!((both.of("IPv4").unwrap().usable(), both.of("IPv6").unwrap().usable()), (6, 65535));
        let small = ServiceRange::default().of("IPv4").unwrap();
        for (address, inside) in [("10.0.0.1", true), ("10.0.0.254", true), ("10.0.0.0", false), ("10.0.1.1", false)] {
            assert_eq!(small.contains(address.parse().unwrap()), inside, "{address}");
        }
        let six = both.of("IPv6").unwrap();
        for (address, inside) in
            [("fd00:10::1", true), ("fd00:10::ffff", true), ("fd00:10::", false), ("10.0.0.1", false)]
        {
            assert_eq!(six.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert_eq!(six.address(65534).to_string(), "fd00:10::ffff");
        for text in ["", "10.0.0.0", "10.0.0.0/33", "x/24", "fd00::/64", "10.0.0.0/24,10.1.0.0/24", "10.0.0.0/24,"] {
            assert!(text.parse::<ServiceRange>().is_err(), "{text}");
        }
    }
}
