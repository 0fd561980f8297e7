//! From a trunk's hosts to the servers behind them (RFC 3263 section 4): an address, a port and what
//! to speak there.
//!
//! NAPTR records are not asked for: a host without `transport` is asked for over UDP, TCP and TLS in
//! this order, as far as we listen on them, by the SRV records that NAPTR would have led to.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::sip::ListenerId;
use crate::sip::transport::{Listener, Protocol, listener_towards};
use crate::sip::uri::Host;

use super::host::TrunkHost;
use super::names::{Names, Query, RecordKind};

/// As many servers of a host are used.
const MOST_SERVERS: usize = 32;

/// A server: what it speaks, and where.
pub type Place = (Protocol, SocketAddr);

/// A server of a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Which of the trunk's hosts led to it.
    pub host: usize,
    /// Where it is.
    pub place: Place,
    /// From which listener it is reached.
    pub listener: ListenerId,
    /// Of its SRV record; 0 if there is none.
    pub priority: u16,
    /// Of its SRV record; 0 if there is none.
    pub weight: u16,
}

/// What must be asked to find the servers of a host, as far as it is known by now.
pub fn wanted(host: &TrunkHost, listeners: &[Listener], names: &Names) -> BTreeSet<Query> {
    let mut wanted = BTreeSet::new();
    let Some(name) = host.name() else { return wanted };
    let address = |name: &str| Query { name: name.to_owned(), kind: RecordKind::Address };
    if host.port().is_some() {
        wanted.insert(address(&name));
        return wanted;
    }
    let services = services(host, listeners, &name);
    for (_, service) in &services {
        wanted.insert(Query { name: service.clone(), kind: RecordKind::Srv });
    }
    match chosen(&services, names) {
        Chosen::Unknown => {}
        Chosen::Srv(_, service) => {
            let records = names.srv(service).unwrap_or(&[]);
            wanted.extend(records.iter().map(|record| address(&record.target)));
        }
        Chosen::Nothing => {
            wanted.insert(address(&name));
        }
    }
    wanted
}

/// The servers of a host that are known; none while the names are not.
pub fn servers(at: usize, host: &TrunkHost, listeners: &[Listener], names: &Names) -> Vec<Server> {
    let server = |protocol: Protocol, to: SocketAddr, priority, weight| {
        let listener = listener_towards(listeners, protocol, to.ip(), None)?;
        Some(Server { host: at, place: (protocol, to), listener, priority, weight })
    };
    let spoken = host.protocols();
    let first = spoken.iter().copied().find(|protocol| speaks(listeners, *protocol));
    let Some(protocol) = first else { return Vec::new() };
    let port = host.port().unwrap_or_else(|| protocol.default_port());
    let direct = |ip| server(protocol, SocketAddr::new(ip, port), 0, 0);
    let found: Vec<Server> = match (host.host(), host.name()) {
        (Host::V4(ip), _) => direct((*ip).into()).into_iter().collect(),
        (Host::V6(ip), _) => direct((*ip).into()).into_iter().collect(),
        (Host::Name(_), None) => Vec::new(),
        (Host::Name(_), Some(name)) => {
            let services = services(host, listeners, &name);
            let chosen = match host.port() {
                Some(_) => Chosen::Nothing,
                None => chosen(&services, names),
            };
            match chosen {
                Chosen::Unknown => Vec::new(),
                Chosen::Nothing => {
                    names.addresses(&name).iter().filter_map(|ip| direct(*ip)).collect()
                }
                Chosen::Srv(protocol, service) => names
                    .srv(service)
                    .unwrap_or(&[])
                    .iter()
                    .flat_map(|record| {
                        names.addresses(&record.target).iter().filter_map(move |ip| {
                            let to = SocketAddr::new(*ip, record.port);
                            server(protocol, to, record.priority, record.weight)
                        })
                    })
                    .collect(),
            }
        }
    };
    found.into_iter().take(MOST_SERVERS).collect()
}

/// What the SRV records of a host's services say.
enum Chosen<'a> {
    /// Not all are known that come first.
    Unknown,
    /// The first service that has any.
    Srv(Protocol, &'a str),
    /// None has any: the host's own addresses count.
    Nothing,
}

fn chosen<'a>(services: &'a [(Protocol, String)], names: &Names) -> Chosen<'a> {
    for (protocol, service) in services {
        match names.srv(service) {
            None => return Chosen::Unknown,
            Some([]) => {}
            Some(_) => return Chosen::Srv(*protocol, service),
        }
    }
    Chosen::Nothing
}

/// The names of a host's SRV records (RFC 3263 section 4.1).
fn services(host: &TrunkHost, listeners: &[Listener], name: &str) -> Vec<(Protocol, String)> {
    let service = |protocol| match protocol {
        Protocol::Udp => Some("_sip._udp"),
        Protocol::Tcp => Some("_sip._tcp"),
        Protocol::Tls => Some("_sips._tcp"),
        Protocol::Ws | Protocol::Wss => None,
    };
    host.protocols()
        .into_iter()
        .filter(|protocol| speaks(listeners, *protocol))
        .filter_map(|protocol| Some((protocol, format!("{}.{name}", service(protocol)?))))
        .collect()
}

/// Whether we have a listener for a protocol.
pub fn speaks(listeners: &[Listener], protocol: Protocol) -> bool {
    listeners.iter().any(|listener| listener.protocol == protocol)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::time::Time;
    use crate::trunk::names::{Answer, Records, ResolveError};
    use crate::trunk::srv::SrvRecord;

    fn listeners() -> Vec<Listener> {
        let at = SocketAddr::from(([10, 0, 0, 1], 5060));
        [Protocol::Udp, Protocol::Tcp, Protocol::Tls].map(|one| Listener::new(one, at)).to_vec()
    }

    /// A domain name system: name and kind to records.
    fn find(text: &str, zone: &[(&str, Records)]) -> (Vec<String>, Vec<String>) {
        let host = TrunkHost::try_from(text.to_owned()).expect(text);
        let mut names = Names::default();
        let mut asked = Vec::new();
        for _ in 0..4 {
            let wanted = wanted(&host, &listeners(), &names);
            names.want(Time::ZERO, &wanted);
            while let Some(query) = names.poll_query() {
                asked.push(format!("{:?} {}", query.kind, query.name));
                let found = zone.iter().find(|(name, records)| {
                    *name == query.name
                        && matches!(records, Records::Srv(_)) == (query.kind == RecordKind::Srv)
                });
                let answer = found.map_or(Err(ResolveError::Absent), |(_, records)| {
                    Ok(Answer { records: records.clone(), ttl_s: 60 })
                });
                names.answered(Time::ZERO, &query, answer);
            }
        }
        let found = servers(0, &host, &listeners(), &names);
        let shown = |server: &Server| {
            let (protocol, at) = server.place;
            format!("{protocol} {at} {}/{}", server.priority, server.weight)
        };
        (asked, found.iter().map(shown).collect())
    }

    fn addresses(last: &[u8]) -> Records {
        Records::Addresses(last.iter().map(|last| IpAddr::from([192, 0, 2, *last])).collect())
    }

    fn srv(list: &[(u16, u16, u16, &str)]) -> Records {
        let record = |(priority, weight, port, target): &(u16, u16, u16, &str)| SrvRecord {
            priority: *priority,
            weight: *weight,
            port: *port,
            target: (*target).to_owned(),
        };
        Records::Srv(list.iter().map(record).collect())
    }

    #[test]
    fn an_address_needs_no_question() {
        for (text, found) in [
            ("192.0.2.1", "udp 192.0.2.1:5060 0/0"),
            ("192.0.2.1:5070", "udp 192.0.2.1:5070 0/0"),
            ("sips:192.0.2.1", "tls 192.0.2.1:5061 0/0"),
        ] {
            assert_eq!(find(text, &[]), (vec![], vec![found.to_owned()]), "{text}");
        }
        assert_eq!(find("[2001:db8::1]", &[]), (vec![], vec![]), "we have no such listener");
    }

    #[test]
    fn a_port_leads_to_addresses_alone() {
        let zone = [
            ("a.example", addresses(&[1, 2])),
            ("_sip._udp.a.example", srv(&[(1, 1, 5099, "x.example")])),
        ];
        let (asked, found) = find("sip:a.example:5070;transport=tcp", &zone);
        assert_eq!(asked, ["Address a.example"]);
        assert_eq!(found, ["tcp 192.0.2.1:5070 0/0", "tcp 192.0.2.2:5070 0/0"]);
    }

    #[test]
    fn srv_records_lead_to_ports_and_the_first_protocol_that_has_any_is_taken() {
        let zone = [
            ("_sip._tcp.a.example", srv(&[(10, 5, 5070, "x.example"), (20, 0, 5071, "y.example")])),
            ("_sips._tcp.a.example", srv(&[(1, 1, 5061, "z.example")])),
            ("x.example", addresses(&[1])),
            ("y.example", addresses(&[2, 3])),
            ("z.example", addresses(&[4])),
            ("a.example", addresses(&[9])),
        ];
        let (asked, found) = find("a.example", &zone);
        assert_eq!(
            asked,
            [
                "Srv _sip._tcp.a.example",
                "Srv _sip._udp.a.example",
                "Srv _sips._tcp.a.example",
                "Address x.example",
                "Address y.example",
            ]
        );
        assert_eq!(
            found,
            ["tcp 192.0.2.1:5070 10/5", "tcp 192.0.2.2:5071 20/0", "tcp 192.0.2.3:5071 20/0"]
        );
        let (_, found) = find("sips:a.example", &zone);
        assert_eq!(found, ["tls 192.0.2.4:5061 1/1"]);
    }

    #[test]
    fn without_srv_records_the_name_itself_counts() {
        let zone = [("a.example", addresses(&[9]))];
        assert_eq!(find("a.example", &zone).1, ["udp 192.0.2.9:5060 0/0"]);
        assert_eq!(find("sip:a.example;transport=tls", &zone).1, ["tls 192.0.2.9:5061 0/0"]);
        assert!(find("b.example", &zone).1.is_empty());
    }
}
