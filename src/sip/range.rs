//! Ranges of addresses, as settings write them.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A range of addresses in CIDR notation: `192.0.2.0/28`, `2001:db8::/48`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange {
    first: IpAddr,
    length: u8,
}

impl AddressRange {
    /// A single address.
    pub fn host(address: IpAddr) -> AddressRange {
        let first = address.to_canonical();
        AddressRange { first, length: if first.is_ipv4() { 32 } else { 128 } }
    }

    /// This machine itself.
    pub fn loopback() -> [AddressRange; 2] {
        let v4 = AddressRange { first: IpAddr::from([127, 0, 0, 0]), length: 8 };
        [v4, AddressRange::host(std::net::Ipv6Addr::LOCALHOST.into())]
    }

    /// The address, if there is only one.
    pub fn single(&self) -> Option<IpAddr> {
        (*self == AddressRange::host(self.first)).then_some(self.first)
    }

    /// Whether an address is in it. An IPv4 address in IPv6 clothes is the IPv4 address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.first, ip.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(ip)) => {
                (first.to_bits() ^ ip.to_bits()).leading_zeros() >= u32::from(self.length)
            }
            (IpAddr::V6(first), IpAddr::V6(ip)) => {
                (first.to_bits() ^ ip.to_bits()).leading_zeros() >= u32::from(self.length)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Whether it is every address.
    pub fn is_everything(&self) -> bool {
        self.length == 0
    }

    /// Whether any address is in both.
    pub fn overlaps(&self, other: &AddressRange) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(address) => address.fmt(f),
            None => write!(f, "{}/{}", self.first, self.length),
        }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let parsed = address.parse::<IpAddr>().ok().and_then(|written| {
            let most = if written.is_ipv4() { 32 } else { 128 };
            let length: u8 = match length {
                Some(length) => length.parse().ok().filter(|length| *length <= most)?,
                None => most,
            };
            let first = written.to_canonical();
            let length = if first.is_ipv4() == written.is_ipv4() {
                length
            } else {
                length.checked_sub(96)?
            };
            Some(AddressRange { first, length })
        });
        parsed.ok_or_else(|| {
            format!(
                "`{text}` is not a range of addresses; write 192.0.2.1, 192.0.2.0/28 or \
                 2001:db8::/48"
            )
        })
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> String {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_what_is_written() {
        let range = |text: &str| AddressRange::try_from(text.to_owned()).expect(text);
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        for (text, inside, outside) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.0/28", "192.0.2.15", "192.0.2.16"),
            ("192.0.2.5/24", "::ffff:192.0.2.200", "192.0.3.1"),
            ("2001:db8::/48", "2001:db8:0:ffff::1", "2001:db8:1::1"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
            ("::1", "::1", "::2"),
        ] {
            let range = range(text);
            assert!(range.contains(ip(inside)) && !range.contains(ip(outside)), "{text}");
            assert_eq!(self::AddressRange::try_from(range.to_string()), Ok(range));
        }
        assert!(range("192.0.2.0/24").overlaps(&range("192.0.2.7")));
        assert!(!range("192.0.2.0/25").overlaps(&range("192.0.2.200")));
        assert!(range("0.0.0.0/0").is_everything());
        assert_eq!(range("192.0.2.1/32").single(), Some(ip("192.0.2.1")));
        assert_eq!(range("192.0.2.0/31").single(), None);
        assert_eq!(range("192.0.2.1/32").to_string(), "192.0.2.1");
        for text in
            ["", "192.0.2.1/33", "192.0.2", "2001:db8::/129", "carrier.example", "1.2.3.4/-1"]
        {
            assert!(AddressRange::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
