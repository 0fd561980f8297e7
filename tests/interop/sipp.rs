//! SIPp with the scenarios of `tests/interop/sipp`, over any transport.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::peers::clock::wait_for;
use crate::peers::sipp::Sipp;
use crate::place::{Host, Place, listens};
use crate::scenario::Transport;
use crate::settings::NUMBER;
use crate::tunnel::{Tunnel, Way};

/// Beside those of [`Transport::port`].
const TUNNELS: u16 = 30_200;

impl Place {
    /// A SIPp that plays a scenario.
    pub fn sipp(&self, scenario: &str) -> SippSetup<'_> {
        SippSetup {
            place: self,
            scenario: scenario.to_owned(),
            host: Host::Caller,
            towards: Host::Server,
            transport: Transport::Udp,
            v6: false,
            times: 1,
            number: NUMBER.to_owned(),
            words: Vec::new(),
        }
    }
}

/// A running SIPp, with what carries its messages over TLS.
pub struct Running {
    sipp: Sipp,
    _tunnel: Option<Tunnel>,
}

impl Deref for Running {
    type Target = Sipp;

    fn deref(&self) -> &Sipp {
        &self.sipp
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Sipp {
        &mut self.sipp
    }
}

/// How SIPp is started.
pub struct SippSetup<'a> {
    place: &'a Place,
    scenario: String,
    host: Host,
    towards: Host,
    transport: Transport,
    v6: bool,
    times: u32,
    number: String,
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

    /// Whether it rings the server over IPv6.
    pub fn v6(mut self, v6: bool) -> Self {
        self.v6 = v6;
        self
    }

    /// How often it plays the scenario, one after the other; once, if not told.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Whom it rings; the central number, if not told.
    pub fn rings(mut self, number: &str) -> Self {
        number.clone_into(&mut self.number);
        self
    }

    /// What stands for `{name}` in the scenario.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.words.push((name, value.into()));
        self
    }

    /// Starts it, and waits until it can be reached.
    pub fn start(mut self) -> Running {
        let contact = match (self.transport, self.host) {
            // Where stunnel takes TLS for a phone.
            (Transport::Tls, _) => "[local_ip]:30061;transport=tls",
            (Transport::Udp | Transport::Tcp | Transport::Wss, _) => {
                "[local_ip]:[local_port];transport=[transport]"
            }
        };
        // What is given already counts.
        self.words.extend([("contact", contact.to_owned()), ("more", String::new())]);
        let place = self.place;
        let name = self.scenario.replace(['/', '.'], "-");
        let folder = place.folder().join(format!("{name}-{}", self.host as u8));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("scenario.xml");
        let text = scenario_text(&self.scenario, &self.words);
        std::fs::write(&file, &text).expect("the scenario");
        let (at, towards) = if self.v6 {
            place.v6()
        } else {
            (place.sip(self.host), place.at(self.towards, self.transport))
        };
        let mut command = Command::new("sipp");
        command
            .arg(towards.to_string())
            .args(["-sf".as_ref(), file.as_os_str()])
            .args(["-t", self.transport.sipp()])
            .args(["-i", &at.ip().to_string(), "-mi", &at.ip().to_string()])
            .args(["-p", &at.port().to_string(), "-s", &self.number])
            .args(["-m", &self.times.to_string(), "-l", "1", "-r", "100"])
            .args(["-timeout", "120s", "-timeout_error", "-recv_timeout", "100s"]);
        command.args(options(&text));
        let waits = waits(&text);
        let tunnel = (self.transport == Transport::Tls).then(|| self.tunnel(waits));
        if tunnel.is_some() && !waits {
            command.args(["-rsa", &self.tunnel_in().to_string()]);
        }
        let mut sipp = Sipp::start(&folder, &mut command, SocketAddr::new(at.ip(), 6_000));
        if waits {
            let there = wait_for(Duration::from_secs(20), || {
                (listens(self.transport, at) || sipp.has_ended()).then_some(())
            });
            assert!(
                there.is_some() && !sipp.has_ended(),
                "SIPp never listened at {at}: {}",
                sipp.words()
            );
        }
        Running { sipp, _tunnel: tunnel }
    }

    fn tunnel(&self, waits: bool) -> Tunnel {
        let (place, host) = (self.place, self.host);
        let name = format!("{host:?}").to_lowercase();
        let certificate = place.authority().certify(&name, place.ip(host));
        let (way, accept, connect) = if waits {
            (Way::In, place.at(host, Transport::Tls), place.sip(host))
        } else {
            let way = Way::Out { authority: place.authority().file(), from: place.ip(host) };
            (way, self.tunnel_in(), place.at(self.towards, Transport::Tls))
        };
        Tunnel::open(place.folder(), &way, accept, connect, Some(&certificate))
    }

    /// Where stunnel takes what is to be sent over TLS: everybody has a port of their own.
    fn tunnel_in(&self) -> SocketAddr {
        (self.place.ip(Host::Tunnel), TUNNELS + self.host as u16).into()
    }
}

/// Whether a scenario begins with waiting for a message.
fn waits(text: &str) -> bool {
    let first = |tag: &str| text.find(tag).unwrap_or(usize::MAX);
    first("<recv ") < first("<send")
}

/// What a scenario wants on SIPp's command line: `<!-- options: ... -->` on a line of its own.
fn options(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("<!-- options:")?.strip_suffix("-->"))
        .flat_map(str::split_whitespace)
        .collect()
}

/// A scenario file: those that it includes in their places, and values for its words in braces.
fn scenario_text(name: &str, words: &[(&str, String)]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/sipp");
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
