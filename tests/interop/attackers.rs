//! Those who do not mean well: they are banned, and hear nothing any more.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::peers::server::Server;
use crate::place::{Host, Place};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, Wishes, ask};
use crate::tunnel::{Tunnel, Way};

/// Below what the system gives out by itself, and beside SIPp's.
const TUNNELS: u16 = 30_300;

/// This machine is not above suspicion, as it is if nothing else is said.
const WATCHFUL: Wishes<'_> = Wishes {
    v6: false,
    sha256: false,
    menu: false,
    sip: "",
    tls: "",
    tables: "[guard]\nallow = []\n",
};

pub fn scenarios(all: &mut Vec<Scenario>) {
    let over = Transport::Udp;
    let mut add = |feature: &str, run: fn(&Place)| {
        all.push(Scenario::new("SIPp", over, feature, run));
    };
    add("a scanner is banned and hears nothing; others are served; the ban is lifted", |place| {
        banned(place, "scans.xml", 5, "scanner");
    });
    add("who guesses passwords is banned and hears nothing; the ban is lifted", |place| {
        banned(place, "guesses.xml", 20, "wrong_credentials");
    });
    for over in [Transport::Tcp, Transport::Tls] {
        let mut add = |feature: &str, attack, reason| {
            all.push(Scenario::new("SIPp", over, feature, move |place| {
                cut_off(place, over, attack, reason);
            }));
        };
        add(
            "a scanner is cut off, and every connection of its with it; others are served",
            "scans.xml",
            "scanner",
        );
        add(
            "who guesses passwords is cut off, and every connection with it; others are served",
            "guesses.xml",
            "wrong_credentials",
        );
    }
}

/// Those connections of the attacker's that are open are closed, and new ones as they come.
fn cut_off(place: &Place, over: Transport, attack: &str, reason: &str) {
    let server = settings::start(place, Transport::Udp, WATCHFUL);
    place.sipp("hears.xml").over(over).start().succeed(LONG);
    let lines = Lines::new(place, over);
    let before = lines.connect(Host::Caller).expect("a connection");
    let mut theirs = lines.connect(Host::Softphone).expect("a connection");
    // Whether SIPp finds that it went well depends on when it is cut off.
    let mut attacker = place.sipp(attack).over(over).times(30).start();
    let address = place.ip(Host::Caller).to_string();
    let listed = wait_for(LONG, || ban_of(&server, &address));
    let listed = listed.unwrap_or_else(|| panic!("not banned: {}", bans(&server)));
    assert_eq!(listed["reason"], reason, "{listed}");
    assert!(is_closed(before), "the connection that was open stays open");
    let after = lines.connect(Host::Caller);
    assert!(after.is_err() || after.is_ok_and(is_closed), "a new connection stays open");
    let ended = wait_for(LONG, || attacker.has_ended().then_some(()));
    assert!(ended.is_some(), "SIPp goes on");
    let refused = "switchboard_sip_rejected_total{reason=\"banned_connection\"}";
    let counted = wait_for(LONG, || (server.metric(refused) > 0.5).then_some(()));
    assert!(counted.is_some(), "{}", server.get("/metrics"));

    theirs.set_nonblocking(true).expect("does not block");
    let open = theirs.read(&mut [0; 1]);
    assert!(open.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "another's is closed");
    place.sipp("hears.xml").over(over).at(Host::Softphone).start().succeed(LONG);
    ask(&server, "DELETE", &format!("/api/v1/bans/{address}"), None);
    place.sipp("hears.xml").over(over).start().succeed(LONG);
}

/// Connections of no program but ours.
struct Lines<'a> {
    place: &'a Place,
    over: Transport,
    tunnels: Vec<(Host, SocketAddr, Tunnel)>,
}

impl<'a> Lines<'a> {
    fn new(place: &'a Place, over: Transport) -> Self {
        let tunnel = |(which, from): (u16, Host)| {
            let accept = SocketAddr::new(place.ip(Host::Tunnel), TUNNELS + which);
            let way = Way::Out { authority: place.authority().file(), from: place.ip(from) };
            let server = place.at(Host::Server, over);
            (from, accept, Tunnel::open(place.folder(), &way, accept, server, None))
        };
        let secure = over == Transport::Tls;
        let froms = [(0, Host::Caller), (1, Host::Softphone)].into_iter().filter(|_| secure);
        Lines { place, over, tunnels: froms.map(tunnel).collect() }
    }

    /// One from somebody's address.
    fn connect(&self, from: Host) -> io::Result<TcpStream> {
        if let Some((_, tunnel, _)) = self.tunnels.iter().find(|(host, _, _)| *host == from) {
            return TcpStream::connect(tunnel);
        }
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(self.place.ip(from), 0).into())?;
        socket.connect(&self.place.at(Host::Server, self.over).into())?;
        Ok(socket.into())
    }
}

/// Whether the far end closes it, without a word.
fn is_closed(mut connection: TcpStream) -> bool {
    connection.set_read_timeout(Some(LONG)).expect("a time-out");
    match connection.read(&mut [0; 1]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn banned(place: &Place, attack: &str, times: u32, reason: &str) {
    let server = settings::start(place, Transport::Udp, WATCHFUL);
    place.sipp("hears.xml").start().succeed(LONG);
    place.sipp(attack).times(times).start().succeed(LONG);
    let attacker = place.ip(Host::Caller).to_string();
    let listed = wait_for(Duration::from_secs(10), || ban_of(&server, &attacker));
    let listed = listed.unwrap_or_else(|| panic!("not banned: {}", bans(&server)));
    assert_eq!(listed["reason"], reason, "{listed}");
    place.sipp("hears-nothing.xml").start().succeed(LONG);
    place.sipp("hears.xml").at(Host::Softphone).start().succeed(LONG);
    ask(&server, "DELETE", &format!("/api/v1/bans/{attacker}"), None);
    place.sipp("hears.xml").start().succeed(LONG);
}

fn bans(server: &Server) -> Value {
    serde_json::from_str(&ask(server, "GET", "/api/v1/bans", None)).expect("JSON")
}

fn ban_of(server: &Server, source: &str) -> Option<Value> {
    let bans = bans(server);
    let list = bans.as_array().or_else(|| bans["bans"].as_array())?;
    list.iter().find(|ban| ban["source"] == source).cloned()
}
