//! Where a scenario happens: a loopback network of its own, with an address for each who takes part.
//!
//! The whole of 127.0.0.0/8 is this machine, so everybody has the same ports at an address of their
//! own: traces read like those of a real network, and scenarios that run side by side do not meet.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use switchboard::event::{CallEvent, EndCause};
use tempfile::TempDir;

use crate::peers::clock::wait_for;
use crate::peers::server::Server;
use crate::peers::sipp::Sipp;
use crate::scenario::Transport;

/// The ports lie below those that the system gives out by itself (32768 and up), so that nobody
/// holds one by chance.
pub const SIP: u16 = 30_060;
const HTTP: u16 = 30_808;
const VOICE: &str = "31000-32767";

/// The central number.
pub const NUMBER: &str = "01708434343";

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A supervisor's token, and its SHA-256.
const TOKEN: &str = "interop";
const TOKEN_SHA256: &str = "7b84a5a2f48de6c6234dca6c3bb43314ba1e141d4e0f34263a807f547d9a4e1b";

/// Who takes part, by the last number of their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// switchboard.
    Server = 1,
    /// The session border of the carrier.
    Border = 2,
    /// The carrier behind it.
    Carrier = 3,
    /// Who rings.
    Caller = 10,
    /// A softphone that registers.
    Softphone = 12,
    /// The phone of the adviser Amy, at a fixed address.
    Amy = 20,
    /// The phone of the adviser Ben, likewise.
    Ben = 21,
}

/// The networks of one run: 127.x.0.0/16.
pub struct Network {
    x: u8,
    /// Holds the network as long as we run.
    _held: TcpListener,
}

impl Network {
    /// One that no other run holds.
    pub fn of_our_own() -> Network {
        let found = (16..=250).find_map(|x| {
            let held = TcpListener::bind((Ipv4Addr::new(127, x, 0, 1), SIP)).ok()?;
            Some(Network { x, _held: held })
        });
        found.expect("a loopback network that is free")
    }

    /// The place of a scenario: 127.x.y.0/24.
    pub fn place(&self, scenario: usize) -> Place {
        let y = u8::try_from(scenario % 250 + 1).expect("at most 250");
        Place { x: self.x, y, folder: tempfile::tempdir().expect("a folder") }
    }
}

/// A scenario's own network and folder.
pub struct Place {
    x: u8,
    y: u8,
    folder: TempDir,
}

/// What a scenario's settings say beyond the usual ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// Keys of `[sip]`.
    pub sip: &'a str,
    /// Tables of their own.
    pub tables: &'a str,
}

impl Place {
    /// Where everything of the scenario lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Somebody's address.
    pub fn ip(&self, host: Host) -> IpAddr {
        Ipv4Addr::new(127, self.x, self.y, host as u8).into()
    }

    /// Where somebody is rung.
    pub fn sip(&self, host: Host) -> SocketAddr {
        (self.ip(host), SIP).into()
    }

    /// Starts the server. Amy's and Ben's phones are at fixed addresses, reached over `phones`.
    pub fn server(&self, phones: Transport, wishes: Wishes<'_>) -> Server {
        let sip = self.sip(Host::Server);
        let http = SocketAddr::new(sip.ip(), HTTP);
        let mut agents = String::new();
        for (id, name, host) in
            [("amy", "Amy Adeyemi", Host::Amy), ("ben", "Ben Hughes", Host::Ben)]
        {
            let (at, over) = (self.sip(host), phones.param());
            write!(
                agents,
                "[agent.{id}]\nname = \"{name}\"\nskills = [\"waste\"]\npassword = \"{id}-s3cret\"\n\
                 contacts = [\"sip:{id}@{at};transport={over}\"]\n\n"
            )
            .expect("text");
        }
        let Wishes { sip: keys, tables } = wishes;
        let settings = format!(
            r#"organisation = "Harbourside Council"

[sip]
listen = [{{ bind = "{sip}" }}]
{keys}

[rtp]
ports = "{VOICE}"

[http]
bind = "{http}"

[files]
flows = "{ROOT}/tests/interop/flows"
sounds = "{ROOT}/sounds"

[numbers]
"{NUMBER}" = "straight"

[queue.waste]
title = "Waste and recycling"
skills = ["waste"]
ring_s = 5
wrap_up_s = 0
# A short one: a long piece would have to be converted at each start.
music = "agent/ready"

{agents}
# SIPp breaks off at a challenge with SHA-256: this account has MD5 only.
[agent.chloe]
name = "Chloe Martin"
skills = ["waste"]
ha1 = {{ md5 = "e48593b6b41af3a311f3fe96afba3e23" }}

[[token]]
actor = "The tests"
role = "supervisor"
sha256 = "{TOKEN_SHA256}"

{tables}
"#
        );
        Server::with_settings(self.folder(), &settings, &["serve"], sip, http)
    }

    /// Signs an adviser in, ready.
    pub fn ready(&self, server: &Server, agent: &str) {
        let path = format!("/api/v1/agents/{agent}/state");
        for state in ["signed_in", "ready"] {
            server.post(&path, TOKEN, &json!({ "state": state }));
        }
    }

    /// A SIPp that plays a scenario.
    pub fn sipp(&self, scenario: &str) -> SippSetup<'_> {
        SippSetup {
            place: self,
            scenario: scenario.to_owned(),
            host: Host::Caller,
            towards: Host::Server,
            transport: Transport::Udp,
            words: Vec::new(),
        }
    }
}

/// How SIPp is started.
pub struct SippSetup<'a> {
    place: &'a Place,
    scenario: String,
    host: Host,
    towards: Host,
    transport: Transport,
    words: Vec<(&'static str, String)>,
}

impl SippSetup<'_> {
    /// Who it is; the caller, if not told.
    pub fn at(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Whom it sends to; the server, if not told.
    pub fn towards(mut self, host: Host) -> Self {
        self.towards = host;
        self
    }

    /// What it speaks; UDP, if not told.
    pub fn over(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// What stands for `{name}` in the scenario.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.words.push((name, value.into()));
        self
    }

    /// Starts it, and waits until it can be reached.
    pub fn start(self) -> Sipp {
        let place = self.place;
        let name = self.scenario.replace(['/', '.'], "-");
        let folder = place.folder().join(format!("{name}-{}", self.host as u8));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("scenario.xml");
        std::fs::write(&file, scenario_text(&self.scenario, &self.words)).expect("the scenario");
        let at = place.sip(self.host);
        let mut command = Command::new("sipp");
        command
            .arg(place.sip(self.towards).to_string())
            .args(["-sf".as_ref(), file.as_os_str()])
            .args(["-t", self.transport.sipp()])
            .args(["-i", &at.ip().to_string(), "-mi", &at.ip().to_string()])
            .args(["-p", &at.port().to_string(), "-s", NUMBER])
            .args(["-m", "1", "-timeout", "60s", "-timeout_error", "-recv_timeout", "50s"]);
        let mut sipp = Sipp::start(&folder, &mut command, SocketAddr::new(at.ip(), 6_000));
        if self.host != Host::Caller {
            let there = wait_for(Duration::from_secs(20), || {
                (listens(self.transport, at) || sipp.has_ended()).then_some(())
            });
            assert!(
                there.is_some() && !sipp.has_ended(),
                "SIPp never listened at {at}: {}",
                sipp.words()
            );
        }
        sipp
    }
}

/// A scenario file: those that it includes in their places, and values for its words in braces.
fn scenario_text(name: &str, words: &[(&str, String)]) -> String {
    let folder = Path::new(ROOT).join("tests/interop/sipp");
    let read = |file: &str| {
        let path = folder.join(file);
        let mut text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (word, value) in words {
            text = text.replace(&format!("{{{word}}}"), value);
        }
        text
    };
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    for line in read(name).lines() {
        match line.trim().strip_prefix("<include file=\"") {
            Some(rest) => text.push_str(&read(rest.split('"').next().unwrap_or_default())),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// Whether somebody listens there, as the kernel tells.
pub fn listens(transport: Transport, at: SocketAddr) -> bool {
    let IpAddr::V4(ip) = at.ip() else { return false };
    let wanted = format!("{:08X}:{:04X}", u32::from_le_bytes(ip.octets()), at.port());
    let (file, state) = match transport {
        Transport::Udp => ("/proc/net/udp", "07"),
        Transport::Tcp => ("/proc/net/tcp", "0A"),
    };
    let table = std::fs::read_to_string(file).unwrap_or_default();
    table.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some(&wanted) && words.nth(1) == Some(state)
    })
}

/// Waits until no call is up and the journal has why each ended.
pub fn assert_ended(server: &Server, expected: &[EndCause]) {
    let causes = || -> Vec<EndCause> {
        let ended = |event| match event {
            CallEvent::Ended { cause, .. } => Some(cause),
            _ => None,
        };
        server.calls().into_iter().filter_map(ended).collect()
    };
    // The figures are ahead of the file by the moment that a commit takes.
    let done = wait_for(Duration::from_secs(10), || {
        (server.live()["calls_active"] == 0 && causes() == expected).then_some(())
    });
    assert!(done.is_some(), "{:?} instead of {expected:?}\n{}", causes(), server.story());
}
