//! What SIP travels over (RFC 3261 section 18, RFC 7118), as far as messages tell: which protocol a
//! listener speaks, what its Via and Contact say, and what its transport promises.
//!
//! A *flow* (RFC 5626 section 3.2) is a listener and a peer's address. Over streams that names one
//! connection: a response, and a request to a phone behind a translator, goes where the flow goes.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::ListenerId;
use super::transaction::timers::Transport;
use super::uri::{Host, SipUri, Uri};

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    /// Datagrams.
    #[default]
    Udp,
    /// A stream, framed by Content-Length (RFC 3261 section 18.3).
    Tcp,
    /// The same over TLS.
    Tls,
    /// A message in each WebSocket frame (RFC 7118).
    Ws,
    /// The same over TLS.
    Wss,
}

impl Protocol {
    /// Every protocol, for tables.
    pub const ALL: [Protocol; 5] =
        [Protocol::Udp, Protocol::Tcp, Protocol::Tls, Protocol::Ws, Protocol::Wss];

    /// As a Via names it (RFC 3261 section 20.42, RFC 7118 section 5.2).
    pub const fn via(self) -> &'static str {
        match self {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
            Protocol::Tls => "TLS",
            Protocol::Ws => "WS",
            Protocol::Wss => "WSS",
        }
    }

    /// As a URI's `transport` names it. Secure WebSocket is `ws` there (RFC 7118 section 5.2).
    pub const fn param(self) -> &'static str {
        match self {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
            Protocol::Tls => "tls",
            Protocol::Ws | Protocol::Wss => "ws",
        }
    }

    /// The name used in settings, the journal and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Protocol::Wss => "wss",
            Protocol::Udp | Protocol::Tcp | Protocol::Tls | Protocol::Ws => self.param(),
        }
    }

    /// The port if a URI or a Via names none (RFC 3261 section 19.1.2, RFC 7118 section 5.4).
    pub const fn default_port(self) -> u16 {
        match self {
            Protocol::Udp | Protocol::Tcp => 5060,
            Protocol::Tls => 5061,
            Protocol::Ws => 80,
            Protocol::Wss => 443,
        }
    }

    /// Whether nobody on the way can read or change what is sent.
    pub const fn is_secure(self) -> bool {
        matches!(self, Protocol::Tls | Protocol::Wss)
    }

    /// Whether a peer is reached through a connection.
    pub const fn is_stream(self) -> bool {
        !matches!(self, Protocol::Udp)
    }

    /// What it promises, which decides whether transactions retransmit.
    pub const fn promise(self) -> Transport {
        if self.is_stream() { Transport::Reliable } else { Transport::Unreliable }
    }

    /// What a request to `uri` goes over (RFC 3263 section 4.1, as far as the URI alone tells).
    pub fn towards(uri: &SipUri) -> Protocol {
        match uri.params.get("transport") {
            Some(name) if name.eq_ignore_ascii_case("ws") && uri.secure => Protocol::Wss,
            Some(name) if name.eq_ignore_ascii_case("wss") => Protocol::Wss,
            Some(name) if name.eq_ignore_ascii_case("ws") => Protocol::Ws,
            Some(name) if name.eq_ignore_ascii_case("tls") => Protocol::Tls,
            _ if uri.secure => Protocol::Tls,
            Some(name) if name.eq_ignore_ascii_case("tcp") => Protocol::Tcp,
            Some(_) | None => Protocol::Udp,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where we are reached, in the words that peers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// What it speaks.
    pub protocol: Protocol,
    /// The address that peers are told: never unspecified.
    pub advertised: SocketAddr,
    /// A name to tell peers instead of the address, for those that check it against a certificate.
    pub host: Option<String>,
}

impl Listener {
    /// A listener that is known by its address.
    pub fn new(protocol: Protocol, advertised: SocketAddr) -> Listener {
        Listener { protocol, advertised, host: None }
    }

    /// The host of our Via and Contact.
    pub fn told_host(&self) -> Host {
        self.host.clone().map_or_else(|| self.advertised.ip().into(), Host::Name)
    }

    /// Our Contact with `user`; a `sips:` one where the peer asked for that (RFC 3261 section
    /// 8.1.1.8).
    pub fn contact(&self, user: &str, secure: bool) -> Uri {
        let mut uri = Uri::sip(user, self.advertised);
        if let Uri::Sip(sip) = &mut uri {
            sip.host = self.told_host();
            sip.secure = secure;
            if self.protocol.is_stream() {
                sip.params.set("transport", Some(self.protocol.param()));
            }
        }
        uri
    }
}

/// The listener for requests to `ip` over `protocol`: `preferred` if it serves, else the first of
/// that protocol and address family.
pub fn listener_towards(
    listeners: &[Listener],
    protocol: Protocol,
    ip: IpAddr,
    preferred: Option<ListenerId>,
) -> Option<ListenerId> {
    let serves = |listener: &Listener| {
        listener.protocol == protocol && listener.advertised.is_ipv4() == ip.is_ipv4()
    };
    let known = preferred.filter(|id| listeners.get(usize::from(id.0)).is_some_and(serves));
    known.or_else(|| {
        listeners.iter().position(serves).and_then(|at| u8::try_from(at).ok()).map(ListenerId)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sip(text: &str) -> SipUri {
        match Uri::parse(text.as_bytes()).expect("a URI") {
            Uri::Sip(uri) => uri,
            Uri::Tel(_) | Uri::Other(_) => panic!("{text} is no SIP URI"),
        }
    }

    #[test]
    fn a_uri_tells_what_requests_to_it_go_over() {
        for (uri, protocol) in [
            ("sip:a@192.0.2.1", Protocol::Udp),
            ("sip:a@192.0.2.1;transport=UDP", Protocol::Udp),
            ("sip:a@192.0.2.1;transport=sctp", Protocol::Udp),
            ("sip:a@192.0.2.1;transport=TCP", Protocol::Tcp),
            ("sip:a@192.0.2.1;transport=tls", Protocol::Tls),
            ("sips:a@192.0.2.1", Protocol::Tls),
            ("sips:a@192.0.2.1;transport=tcp", Protocol::Tls),
            ("sip:a@x.invalid;transport=ws", Protocol::Ws),
            ("sips:a@x.invalid;transport=ws", Protocol::Wss),
        ] {
            assert_eq!(Protocol::towards(&sip(uri)), protocol, "{uri}");
        }
    }

    #[test]
    fn a_contact_names_the_protocol_and_the_host_that_peers_know() {
        let at = SocketAddr::from(([192, 0, 2, 1], 5061));
        let plain = Listener::new(Protocol::Udp, at);
        assert_eq!(plain.contact("", false).to_string(), "sip:192.0.2.1:5061");
        let mut tls = Listener::new(Protocol::Tls, at);
        assert_eq!(tls.contact("", false).to_string(), "sip:192.0.2.1:5061;transport=tls");
        tls.host = Some("sbc.harbourside.example".to_owned());
        assert_eq!(
            tls.contact("council", true).to_string(),
            "sips:council@sbc.harbourside.example:5061;transport=tls"
        );
    }

    #[test]
    fn a_listener_is_found_by_protocol_and_family() {
        let four = SocketAddr::from(([192, 0, 2, 1], 5060));
        let six: SocketAddr = "[2001:db8::1]:5060".parse().expect("an address");
        let listeners = [
            Listener::new(Protocol::Udp, four),
            Listener::new(Protocol::Tcp, four),
            Listener::new(Protocol::Tcp, six),
            Listener::new(Protocol::Tcp, four),
        ];
        let find = |protocol, at: SocketAddr, preferred: Option<u8>| {
            listener_towards(&listeners, protocol, at.ip(), preferred.map(ListenerId))
        };
        assert_eq!(find(Protocol::Tcp, four, None), Some(ListenerId(1)));
        assert_eq!(find(Protocol::Tcp, four, Some(3)), Some(ListenerId(3)));
        assert_eq!(find(Protocol::Tcp, four, Some(0)), Some(ListenerId(1)));
        assert_eq!(find(Protocol::Tcp, six, Some(1)), Some(ListenerId(2)));
        assert_eq!(find(Protocol::Udp, six, None), None);
    }
}
