//! A dialog's state (RFC 3261 section 12): who, in which order, and by which way.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::sip::ListenerId;

use super::header::NameAddr;
use super::transport::Protocol;
use super::uri::{Host, Uri};

/// What names a dialog (section 12), from our side. A peer of RFC 2543 may have no tag: empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DialogId {
    /// The Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag.
    pub remote_tag: String,
}

/// A dialog, or what will become one.
#[derive(Debug, Clone)]
pub struct Dialog {
    /// The Call-ID.
    pub call_id: String,
    /// Us: From in our requests, with our tag.
    pub local: NameAddr,
    /// The peer: To in our requests, with its tag once it is known.
    pub remote: NameAddr,
    /// The CSeq number of our last request.
    pub local_seq: u32,
    /// The CSeq number of the peer's last request.
    pub remote_seq: Option<u32>,
    /// The proxies that stay in the path, nearest first.
    pub route_set: Vec<NameAddr>,
    /// The peer's Contact.
    pub remote_target: Uri,
    /// Over which listener.
    pub listener: ListenerId,
    /// Where the peer's messages come from.
    pub source: SocketAddr,
    /// Whether the peer is to be spoken with over TLS all the way (`sips:`).
    pub secure: bool,
    /// Whether an address translator stands between the peer and us: a private address of the peer
    /// then means something in its own network only, even if we are in a private one ourselves.
    pub translated: bool,
}

/// How a request in a dialog is addressed (section 12.2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressing {
    /// The Request-URI.
    pub uri: Uri,
    /// The Route headers in order.
    pub routes: Vec<NameAddr>,
    /// Where the message goes.
    pub to: SocketAddr,
    /// Over what; none for the listener and, over streams, the connection that the peer uses.
    pub protocol: Option<Protocol>,
    /// Whether the peer listens there: behind an address translator it only sends from there.
    pub direct: bool,
}

impl Dialog {
    /// What names it.
    pub fn id(&self) -> DialogId {
        DialogId {
            call_id: self.call_id.clone(),
            local_tag: self.local.tag().unwrap_or("").to_owned(),
            remote_tag: self.remote.tag().unwrap_or("").to_owned(),
        }
    }

    /// The number of our next request.
    pub fn next_seq(&mut self) -> u32 {
        self.local_seq = self.local_seq.wrapping_add(1) & 0x7fff_ffff;
        self.local_seq
    }

    /// How a request in the dialog is addressed: by the route set if there is one, loosely or (a
    /// first proxy without `lr`) strictly. `connected` is whether [`Dialog::source`] is the far end of
    /// an open connection: requests to that host then go over it (RFC 5923, RFC 5626).
    pub fn addressing(&self, connected: bool) -> Addressing {
        let target = for_request(&self.remote_target);
        match self.route_set.split_first() {
            None => self.by_way_of(connected, &target, target.clone(), Vec::new()),
            Some((first, _)) if first.uri.is_loose_router() => {
                self.by_way_of(connected, &first.uri, target, self.route_set.clone())
            }
            Some((first, rest)) => {
                let mut routes = rest.to_vec();
                routes.push(NameAddr::new(target));
                self.by_way_of(connected, &first.uri, for_request(&first.uri), routes)
            }
        }
    }

    fn by_way_of(
        &self,
        connected: bool,
        next: &Uri,
        uri: Uri,
        routes: Vec<NameAddr>,
    ) -> Addressing {
        let to = next_hop(next, self.source);
        let same_flow = to == self.source
            || (self.translated && is_private(to.ip()))
            || (connected && to.ip() == self.source.ip());
        let (to, protocol) = match next.as_sip() {
            Some(next) if !same_flow => (to, Some(Protocol::towards(next))),
            Some(_) | None => (self.source, None),
        };
        Addressing { uri, routes, to, protocol, direct: !self.translated }
    }
}

/// The URI as it may stand in a request line: without headers and `method` (section 19.1.1).
pub fn for_request(uri: &Uri) -> Uri {
    let mut uri = uri.clone();
    if let Uri::Sip(sip) = &mut uri {
        sip.headers = None;
        sip.params.remove("method");
    }
    uri
}

/// Where a datagram for `uri` goes, if the peer's messages come from `source`.
///
/// The address in the URI, unless it is a name (names are not resolved here) or an address that
/// cannot be reached: a private one although the peer's messages come from a public one, which is
/// what a phone behind a home router says of itself.
pub fn next_hop(uri: &Uri, source: SocketAddr) -> SocketAddr {
    let Some(sip) = uri.as_sip() else { return source };
    let host = sip.params.get("maddr").and_then(|maddr| maddr.parse::<Host>().ok());
    match host.as_ref().unwrap_or(&sip.host).ip() {
        Some(ip) if ip == source.ip() || reachable(ip, source.ip()) => {
            SocketAddr::new(ip, sip.port.unwrap_or(Protocol::towards(sip).default_port()))
        }
        Some(_) | None => source,
    }
}

fn reachable(ip: IpAddr, from: IpAddr) -> bool {
    ip.is_ipv4() == from.is_ipv4()
        && !ip.is_unspecified()
        && !ip.is_multicast()
        && ip != IpAddr::V4(Ipv4Addr::BROADCAST)
        && (!is_private(ip) || is_private(from))
        && ip.is_loopback() == from.is_loopback()
}

/// Whether an address means something in its own network only (RFC 1918, RFC 6598, RFC 3927, RFC
/// 4193, loopback).
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text.as_bytes()).unwrap()
    }

    fn dialog(target: &str, routes: &[&str]) -> Dialog {
        Dialog {
            call_id: "a".to_owned(),
            local: NameAddr::new(uri("sip:us@192.0.2.1")).with_tag("l"),
            remote: NameAddr::new(uri("sip:them@192.0.2.2")).with_tag("r"),
            local_seq: 0,
            remote_seq: None,
            route_set: routes.iter().map(|r| NameAddr::new(uri(r))).collect(),
            remote_target: uri(target),
            listener: ListenerId(0),
            source: SocketAddr::from(([192, 0, 2, 2], 40_000)),
            secure: false,
            translated: false,
        }
    }

    #[test]
    fn without_routes_a_request_goes_to_the_contact() {
        let sent = dialog("sip:a@192.0.2.9:5070;method=INVITE?X=y", &[]).addressing(false);
        assert_eq!(sent.uri, uri("sip:a@192.0.2.9:5070"));
        assert_eq!(sent.to.to_string(), "192.0.2.9:5070");
    }

    #[test]
    fn a_loose_router_is_a_route_and_a_strict_one_becomes_the_request_uri() {
        let loose =
            dialog("sip:a@192.0.2.9", &["sip:192.0.2.3;lr", "sip:192.0.2.4"]).addressing(false);
        assert_eq!(loose.uri, uri("sip:a@192.0.2.9"));
        assert_eq!(loose.routes.len(), 2);
        assert_eq!(loose.to.to_string(), "192.0.2.3:5060");
        let strict =
            dialog("sip:a@192.0.2.9", &["sip:192.0.2.3", "sip:192.0.2.4;lr"]).addressing(false);
        assert_eq!(strict.uri, uri("sip:192.0.2.3"));
        let routes: Vec<_> = strict.routes.iter().map(|r| r.uri.to_string()).collect();
        assert_eq!(routes, ["sip:192.0.2.4;lr", "sip:a@192.0.2.9"]);
        assert_eq!(strict.to.to_string(), "192.0.2.3:5060");
    }

    #[test]
    fn a_connection_is_used_as_long_as_it_is_open() {
        let phone = dialog("sip:a@192.0.2.2:5070;transport=tcp", &[]);
        let sent = phone.addressing(true);
        assert_eq!((sent.to.to_string().as_str(), sent.protocol), ("192.0.2.2:40000", None));
        let sent = phone.addressing(false);
        assert_eq!(sent.to.to_string(), "192.0.2.2:5070");
        assert_eq!(sent.protocol, Some(Protocol::Tcp));
    }

    #[test]
    fn names_and_unreachable_addresses_fall_back_to_where_the_peer_was_heard() {
        let home = SocketAddr::from(([198, 51, 100, 7], 40_000));
        let hop = |contact: &str| next_hop(&uri(contact), home).to_string();
        assert_eq!(hop("sip:a@192.168.1.5:5060"), "198.51.100.7:40000");
        assert_eq!(hop("sip:a@phone.example"), "198.51.100.7:40000");
        assert_eq!(hop("sip:a@127.0.0.1"), "198.51.100.7:40000");
        assert_eq!(hop("sip:a@0.0.0.0"), "198.51.100.7:40000");
        assert_eq!(hop("sip:a@255.255.255.255"), "198.51.100.7:40000");
        assert_eq!(hop("sip:a@[2001:db8::1]"), "198.51.100.7:40000");
        assert_eq!(hop("sip:a@[::ffff:127.0.0.1]"), "198.51.100.7:40000");
        assert_eq!(hop("sip:a@[::ffff:203.0.113.4]"), "203.0.113.4:5060");
        assert_eq!(hop("tel:+441632960001"), "198.51.100.7:40000");
        assert_eq!(hop("sip:a@198.51.100.7:5080"), "198.51.100.7:5080");
        assert_eq!(hop("sip:a@203.0.113.4"), "203.0.113.4:5060");
        let office = SocketAddr::from(([10, 0, 0, 7], 5060));
        assert_eq!(next_hop(&uri("sip:a@10.0.0.9"), office).to_string(), "10.0.0.9:5060");
        let here = SocketAddr::from(([127, 0, 0, 1], 5066));
        assert_eq!(next_hop(&uri("sip:a@10.0.0.9"), here), here);
    }
}
