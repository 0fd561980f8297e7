//! Who sends, as the guard tells sources apart.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One source: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber has
/// (RFC 6177): whoever is refused at one of its 2^64 addresses must not come back from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(u64);

/// Marks an IPv4 address among the prefixes: 0:1::/32 belongs to a block that nobody is given
/// (RFC 4291 section 2.4), so that no IPv6 source looks like it.
const IPV4: u64 = 1 << 32;

impl Source {
    /// The source that an address belongs to. An IPv4 address within IPv6 is the IPv4 address.
    pub fn of(address: IpAddr) -> Source {
        match address.to_canonical() {
            IpAddr::V4(address) => Source(IPV4 | u64::from(address.to_bits())),
            IpAddr::V6(address) => {
                Source(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX))
            }
        }
    }

    /// The same number for the same source, always; another for others.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        match u32::try_from(self.0 ^ IPV4) {
            Ok(bits) => Ipv4Addr::from_bits(bits).into(),
            Err(_) => Ipv6Addr::from_bits(u128::from(self.0) << 64).into(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// Not an address, nor one with a prefix that is exactly one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an IP address is needed, as in 203.0.113.7 or 2001:db8::7")]
pub struct NotSource;

impl FromStr for Source {
    type Err = NotSource;

    /// Reads an address, or what [`Source`] displays.
    fn from_str(text: &str) -> Result<Source, NotSource> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotSource)?;
        let source = Source::of(address);
        match (source.address(), bits) {
            (_, None) | (IpAddr::V4(_), Some("32")) | (IpAddr::V6(_), Some("64")) => Ok(source),
            (IpAddr::V4(_) | IpAddr::V6(_), Some(_)) => Err(NotSource),
        }
    }
}

/// A range of addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

impl Prefix {
    /// The addresses whose first `bits` bits are those of `address`; more bits than it has are all
    /// of them.
    pub fn new(address: IpAddr, bits: u8) -> Prefix {
        match address {
            IpAddr::V6(mapped) if bits >= 96 && mapped.to_ipv4_mapped().is_some() => {
                Prefix { address: address.to_canonical(), bits: bits - 96 }
            }
            IpAddr::V4(_) | IpAddr::V6(_) => Prefix { address, bits },
        }
    }

    /// A single address.
    pub fn host(address: IpAddr) -> Prefix {
        Prefix { address: address.to_canonical(), bits: u8::MAX }
    }

    /// The address, if there is only one.
    pub fn single(&self) -> Option<IpAddr> {
        let all = if self.address.is_ipv4() { 32 } else { 128 };
        (self.bits >= all).then_some(self.address)
    }

    /// Whether an address is among them.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(prefix), IpAddr::V4(address)) => {
                let apart = prefix.to_bits() ^ address.to_bits();
                apart.leading_zeros() >= u32::from(self.bits).min(32)
            }
            (IpAddr::V6(prefix), IpAddr::V6(address)) => {
                let apart = prefix.to_bits() ^ address.to_bits();
                apart.leading_zeros() >= u32::from(self.bits).min(128)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_subscriber() {
        let same = [
            ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
            ("::1", "::1", "::/64"),
            ("255.255.255.255", "255.255.255.255", "255.255.255.255"),
        ];
        for (one, other, shown) in same {
            let source = Source::of(ip(one));
            assert_eq!(source, Source::of(ip(other)));
            assert_eq!(source.to_string(), shown);
            assert_eq!(shown.parse(), Ok(source));
            assert_eq!(one.parse(), Ok(source));
        }
        assert_ne!(Source::of(ip("2001:db8:1:2::1")), Source::of(ip("2001:db8:1:3::1")));
        assert_ne!(Source::of(ip("203.0.113.7")), Source::of(ip("203.0.113.8")));
        for wrong in ["", "x", "203.0.113.7/24", "2001:db8::/48", "203.0.113.7:5060", "host"] {
            assert_eq!(wrong.parse::<Source>(), Err(NotSource), "{wrong}");
        }
        assert_eq!("203.0.113.7/32".parse::<Source>(), Ok(Source::of(ip("203.0.113.7"))));
    }

    #[test]
    fn a_prefix_holds_what_shares_its_bits() {
        let private = Prefix::new(ip("10.1.0.0"), 16);
        assert!(private.contains(ip("10.1.255.255")) && private.contains(ip("::ffff:10.1.0.1")));
        assert!(!private.contains(ip("10.2.0.0")) && !private.contains(ip("a01::")));
        assert!(Prefix::new(ip("0.0.0.0"), 0).contains(ip("203.0.113.7")));
        assert!(!Prefix::new(ip("0.0.0.0"), 0).contains(ip("2001:db8::")));
        let site = Prefix::new(ip("2001:db8::"), 32);
        assert!(site.contains(ip("2001:db8:ffff::1")) && !site.contains(ip("2001:db9::")));
        let mapped = Prefix::new(ip("::ffff:10.0.0.0"), 104);
        assert!(mapped.contains(ip("10.9.9.9")) && !mapped.contains(ip("11.0.0.0")));
        let host = Prefix::host(ip("::1"));
        assert!(host.contains(ip("::1")) && !host.contains(ip("::2")));
        assert_eq!((host.single(), site.single()), (Some(ip("::1")), None));
        assert_eq!(Prefix::new(ip("::ffff:10.0.0.1"), 128).single(), Some(ip("10.0.0.1")));
    }
}
