//! Via: the path that a request took (RFC 3261 sections 18 and 20.42, RFC 3581).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::params::Params;
use super::scan::Scan;
use crate::sip::error::{UriError, Why};
use crate::sip::transport::{Listener, Protocol};
use crate::sip::uri::Host;

/// The magic cookie with which branches of RFC 3261 begin (section 8.1.1.7).
pub const BRANCH_COOKIE: &str = "z9hG4bK";

/// The transport in a Via.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// One that we speak.
    Known(Protocol),
    /// Any other token.
    Other(String),
}

impl Transport {
    fn from_token(token: &str) -> Transport {
        Protocol::ALL
            .into_iter()
            .find(|protocol| protocol.via().eq_ignore_ascii_case(token))
            .map_or_else(|| Transport::Other(token.to_owned()), Transport::Known)
    }

    /// The port of a sender that names none.
    fn default_port(&self) -> u16 {
        match self {
            Transport::Known(protocol) => protocol.default_port(),
            Transport::Other(_) => Protocol::Udp.default_port(),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Known(protocol) => protocol.via(),
            Transport::Other(token) => token,
        })
    }
}

/// The `rport` parameter (RFC 3581).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rport {
    /// The client asks to be answered at the port that it sent from.
    Asked,
    /// The server tells which port that was.
    Port(u16),
}

/// One hop of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// Over what it was sent.
    pub transport: Transport,
    /// Who sent it: `sent-by`'s host.
    pub host: Host,
    /// `sent-by`'s port, if one is written.
    pub port: Option<u16>,
    /// Branch, received, rport and others.
    pub params: Params,
}

impl Via {
    /// Our own Via for a request from a listener; `branch` must begin with [`BRANCH_COOKIE`]. Asks
    /// for the response on the same path (RFC 3581).
    pub fn ours(listener: &Listener, branch: &str) -> Via {
        let mut params = Params::new();
        params.set("rport", None);
        params.set("branch", Some(branch));
        Via {
            transport: Transport::Known(listener.protocol),
            host: listener.told_host(),
            port: Some(listener.advertised.port()),
            params,
        }
    }

    /// Reads one element of a Via header.
    pub fn parse(element: &[u8]) -> Result<Via, Why> {
        let mut scan = Scan::new(element);
        scan.skip_lws();
        let protocol = scan.token()?;
        let slash = scan.eat_separator(b'/');
        let version = scan.token()?;
        if !slash || !protocol.eq_ignore_ascii_case("SIP") || version != "2.0" {
            return Err(Why::Syntax);
        }
        if !scan.eat_separator(b'/') {
            return Err(Why::Syntax);
        }
        let transport = Transport::from_token(scan.token()?);
        if !matches!(scan.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            return Err(Why::Syntax);
        }
        let sent_by = scan.take_while(|b| b != b';');
        let sent_by = std::str::from_utf8(sent_by).map_err(|_| Why::Uri(UriError::Host))?;
        let (host, port) = Host::parse_with_port(sent_by.trim())?;
        let params = Params::parse(scan)?;
        // Both are read when the response is sent: broken ones must be found before.
        for param in ["received", "rport"] {
            let broken = match (param, params.get(param)) {
                ("received", Some(value)) => value.parse::<Host>().is_err(),
                ("rport", Some(value)) => value.parse::<u16>().is_err(),
                _ => false,
            };
            if broken {
                return Err(Why::Syntax);
            }
        }
        Ok(Via { transport, host, port, params })
    }

    /// The transaction's branch.
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch")
    }

    /// Whether the branch identifies the transaction by itself: it has the cookie and something
    /// after it (RFC 3261 section 17.2.3); otherwise RFC 2543's rules hold.
    pub fn has_rfc3261_branch(&self) -> bool {
        self.branch().and_then(|branch| branch.split_at_checked(BRANCH_COOKIE.len())).is_some_and(
            |(cookie, rest)| cookie.eq_ignore_ascii_case(BRANCH_COOKIE) && !rest.is_empty(),
        )
    }

    /// `rport`, asked for or told.
    pub fn rport(&self) -> Option<Rport> {
        match self.params.get("rport") {
            Some(port) => port.parse().ok().map(Rport::Port),
            None => self.params.has("rport").then_some(Rport::Asked),
        }
    }

    /// Where the request really came from, as the next hop noted it.
    pub fn received(&self) -> Option<IpAddr> {
        self.params.get("received").and_then(|ip| ip.parse::<Host>().ok()).and_then(|h| h.ip())
    }

    /// Whether an address translator stands between the sender and us: it says another address than
    /// the one that its datagram came from. A differing port alone tells so only if the sender asks
    /// to be answered there: others send from one port and listen at another. A name tells nothing.
    pub fn is_translated(&self, source: SocketAddr) -> bool {
        let port_differs = self.port.unwrap_or(self.transport.default_port()) != source.port();
        self.host.ip().is_some_and(|ip| ip != source.ip())
            || (port_differs && self.params.has("rport"))
    }

    /// Notes where the request came from (RFC 3261 section 18.2.1, RFC 3581 section 4).
    pub fn note_source(&mut self, source: SocketAddr) {
        let asked = self.params.has("rport");
        if asked || self.host.ip() != Some(source.ip()) {
            self.params.set("received", Some(&source.ip().to_string()));
        }
        if asked {
            self.params.set("rport", Some(&source.port().to_string()));
        }
    }

    /// Where the response to a datagram from `source` goes (RFC 3261 section 18.2.2, RFC 3581
    /// section 4). Always the host that the request came from: `maddr` and the name in `sent-by`
    /// are the sender's words, and following them would let anyone aim our responses at others.
    pub fn response_to(&self, source: SocketAddr) -> SocketAddr {
        if self.params.has("rport") { source } else { self.named(source) }
    }

    /// The port that the sender named, at the host that the request came from.
    pub fn named(&self, source: SocketAddr) -> SocketAddr {
        SocketAddr::new(source.ip(), self.port.unwrap_or(self.transport.default_port()))
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn via(text: &str) -> Via {
        Via::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn white_space_and_folds_are_allowed_where_the_grammar_allows_them() {
        let read = via(
            "SIP  / 2.0\r\n / TCP     spindle.example.com : 5070  ;\r\n  branch  =   z9hG4bK9ikj8",
        );
        assert_eq!(read.to_string(), "SIP/2.0/TCP spindle.example.com:5070;branch=z9hG4bK9ikj8");
        assert_eq!(via("SIP/2.0/UDP [2001:db8::9]:5060").host.to_string(), "[2001:db8::9]");
        assert_eq!(via(&read.to_string()), read);
    }

    #[test]
    fn broken_hops_are_errors() {
        for text in [
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/7.0/UDP c.example.com",
            "SIP/2.0/UDP",
            "SIP/2.0/UDPhost",
            "SIP/2.0/UDP host:99999",
            "HTTP/2.0/UDP host",
            "SIP/2.0/UDP a b",
            "SIP/2.0/UDP host;rport=x",
            "",
        ] {
            assert!(Via::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_response_goes_back_to_the_source_whatever_the_hop_claims() {
        let source = SocketAddr::from(([198, 51, 100, 7], 40_000));
        let mut asked = via("SIP/2.0/UDP 10.0.0.1:5062;rport;branch=z9hG4bKx");
        assert_eq!(asked.rport(), Some(Rport::Asked));
        assert_eq!(asked.response_to(source), source);
        asked.note_source(source);
        assert_eq!(asked.rport(), Some(Rport::Port(40_000)));
        assert_eq!(asked.received(), Some(source.ip()));
        assert_eq!(
            asked.to_string(),
            "SIP/2.0/UDP 10.0.0.1:5062;rport=40000;branch=z9hG4bKx;received=198.51.100.7"
        );
        let mut plain = via("SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKx;maddr=203.0.113.9");
        assert_eq!(plain.response_to(source), SocketAddr::from(([198, 51, 100, 7], 5062)));
        plain.note_source(source);
        assert_eq!(plain.received(), None);
        let broadcast = via("SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKx");
        assert_eq!(broadcast.response_to(source), SocketAddr::from(([198, 51, 100, 7], 5060)));
    }

    #[test]
    fn a_branch_identifies_a_transaction_only_with_something_after_the_cookie() {
        assert!(via("SIP/2.0/UDP a;branch=z9hG4bKx").has_rfc3261_branch());
        assert!(!via("SIP/2.0/UDP a;branch=z9hG4bK").has_rfc3261_branch());
        assert!(!via("SIP/2.0/UDP a;branch=390skdjuw").has_rfc3261_branch());
        assert!(!via("SIP/2.0/UDP a").has_rfc3261_branch());
    }

    #[test]
    fn received_is_tolerated_with_and_without_brackets() {
        for text in
            ["SIP/2.0/UDP a;received=2001:db8::9:255", "SIP/2.0/UDP a;received=[2001:db8::9:255]"]
        {
            assert_eq!(via(text).received(), "2001:db8::9:255".parse().ok());
        }
    }

    #[test]
    fn an_address_of_ipv4_within_ipv6_is_the_one_of_ipv4() {
        let source = SocketAddr::from(([192, 0, 2, 10], 19_823));
        let mut mapped = via("SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKx");
        assert!(!mapped.is_translated(source));
        let before = mapped.to_string();
        mapped.note_source(source);
        assert_eq!(mapped.to_string(), before);
    }

    proptest! {
        #[test]
        fn a_printed_hop_reads_back_the_same(
            transport in "(UDP|TCP|TLS|WS|WSS|SCTP|x)", host in "([a-z]{1,8}(\\.[a-z]{1,8}){0,2}|\\[2001:db8::[1-9]\\]|192\\.0\\.2\\.[1-9])",
            port in proptest::option::of(any::<u16>()), params in "(;(branch=z9hG4bK[!-+.-:=?-~]{1,9}|rport|ttl=1|x=\"[^\"\\\\\r\n]{0,9}\")){0,4}",
        ) {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let text = format!("SIP/2.0/{transport} {host}{port}{params}");
            if let Ok(read) = Via::parse(text.as_bytes()) {
                prop_assert_eq!(read.to_string(), text);
                prop_assert_eq!(Via::parse(read.to_string().as_bytes()), Ok(read));
            }
        }

        #[test]
        fn any_bytes_are_a_hop_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Via::parse(&bytes);
            let _ = Via::parse(&[b"SIP/2.0/UDP ", bytes.as_slice()].concat());
        }
    }
}
