//! A bad network between a phone and the server: voice is lost, delayed, doubled and overtaken, as a
//! seed says. Signalling passes untouched but for the addresses of voice in the descriptions (netem
//! needs rights over the machine; this needs none).

#![allow(clippy::disallowed_methods, reason = "it delays real packets")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use switchboard::id::Entropy;

/// What the network does to each packet of voice, in both directions. Shares are of a thousand.
#[derive(Debug, Clone, Copy)]
pub struct Harm {
    /// Packets that are lost.
    pub lost: u32,
    /// Packets that come twice.
    pub doubled: u32,
    /// The least that a packet takes.
    pub delay: Duration,
    /// How much more it may take, evenly spread: more than 20 ms and packets overtake each other.
    pub jitter: Duration,
}

impl Harm {
    /// None.
    pub const NONE: Harm =
        Harm { lost: 0, doubled: 0, delay: Duration::ZERO, jitter: Duration::ZERO };
    /// A bad connection over the air: five in a hundred lost, up to 40 ms of jitter.
    pub const BAD: Harm = Harm {
        lost: 50,
        doubled: 5,
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(40),
    };
}

/// The network, until it is dropped.
pub struct BadNetwork {
    /// Where the phone sends its signalling.
    pub sip: SocketAddr,
    counts: Arc<[AtomicU64; 2]>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl BadNetwork {
    /// Between whoever sends to it and `server`.
    pub fn start(at: IpAddr, server: SocketAddr, harm: Harm, seed: u8) -> BadNetwork {
        let socket = UdpSocket::bind((at, 0)).expect("a socket");
        let sip = socket.local_addr().expect("bound");
        let (counts, stop) = (Arc::new([const { AtomicU64::new(0) }; 2]), Arc::default());
        let mut wire = Wire {
            sip: socket,
            server,
            harm,
            chance: Entropy::from_seed([seed; 32]),
            phones: BTreeMap::new(),
            voice: Vec::new(),
            waiting: BinaryHeap::new(),
            sent: 0,
            counts: Arc::clone(&counts),
        };
        let stopped: Arc<AtomicBool> = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                wire.turn().expect("sockets of our own");
            }
        });
        BadNetwork { sip, counts, stop, thread: Some(thread) }
    }

    /// Packets of voice that came, and those of them that were lost.
    pub fn counts(&self) -> (u64, u64) {
        let [came, lost] = &*self.counts;
        (came.load(Ordering::Relaxed), lost.load(Ordering::Relaxed))
    }
}

impl Drop for BadNetwork {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A way for voice: what comes to one socket leaves from the other.
struct Way {
    socket: UdpSocket,
    /// The way back.
    twin: usize,
    /// Whom this one stands for: where what comes to the twin is sent.
    to: SocketAddr,
}

/// A packet on its way: when it arrives, the how many-th it is, from which socket it leaves.
type Underway = (Instant, u64, usize, Vec<u8>);

struct Wire {
    sip: UdpSocket,
    server: SocketAddr,
    harm: Harm,
    chance: Entropy,
    /// Where a call's phone is, by Call-ID.
    phones: BTreeMap<String, Phone>,
    voice: Vec<Way>,
    waiting: BinaryHeap<Reverse<Underway>>,
    sent: u64,
    counts: Arc<[AtomicU64; 2]>,
}

struct Phone {
    at: SocketAddr,
    /// The two ways of its call: what faces the phone, and what faces the server.
    ways: Option<(usize, usize)>,
}

impl Wire {
    fn turn(&mut self) -> io::Result<()> {
        let now = Instant::now();
        while self.waiting.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            let Some(Reverse((_, _, from, bytes))) = self.waiting.pop() else { break };
            let way = &self.voice[from];
            // Nobody there any more is as good as sent.
            let _ = way.socket.send_to(&bytes, way.to);
        }
        let next = self.waiting.peek().map(|Reverse((at, ..))| at.saturating_duration_since(now));
        let wait = next.unwrap_or(Duration::from_millis(20)).min(Duration::from_millis(20));
        let timeout = PollTimeout::try_from(wait.as_millis().max(1)).unwrap_or(PollTimeout::NONE);
        let sockets = std::iter::once(&self.sip).chain(self.voice.iter().map(|way| &way.socket));
        let mut fds: Vec<PollFd<'_>> =
            sockets.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut fds, timeout)?;
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        drop(fds);
        let mut buffer = [0; 65_535];
        if ready.first() == Some(&true)
            && let Ok((len, from)) = self.sip.recv_from(&mut buffer)
        {
            self.signal(from, &buffer[..len])?;
        }
        for at in (0..ready.len() - 1).filter(|at| ready[at + 1]) {
            if let Ok((len, _)) = self.voice[at].socket.recv_from(&mut buffer) {
                self.carry(self.voice[at].twin, &buffer[..len]);
            }
        }
        Ok(())
    }

    /// A packet of voice that leaves from the socket `from`, some time, perhaps.
    fn carry(&mut self, from: usize, bytes: &[u8]) {
        self.counts[0].fetch_add(1, Ordering::Relaxed);
        if self.chance.below(1_000) < self.harm.lost {
            self.counts[1].fetch_add(1, Ordering::Relaxed);
            return;
        }
        let times = 1 + u32::from(self.chance.below(1_000) < self.harm.doubled);
        for _ in 0..times {
            let jitter = self.chance.below(self.harm.jitter.as_micros() as u32 + 1);
            let at = Instant::now() + self.harm.delay + Duration::from_micros(jitter.into());
            self.sent += 1;
            self.waiting.push(Reverse((at, self.sent, from, bytes.to_vec())));
        }
    }

    fn signal(&mut self, from: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let Some(call) = field(&text, "Call-ID") else { return Ok(()) };
        let by_server = from == self.server;
        if !by_server {
            let phone = self.phones.entry(call.clone());
            phone.or_insert(Phone { at: from, ways: None }).at = from;
        }
        let Some(phone) = self.phones.get(&call) else { return Ok(()) };
        let to = if by_server { phone.at } else { self.server };
        let text = self.describe(&call, by_server, text)?;
        let _ = self.sip.send_to(text.as_bytes(), to);
        Ok(())
    }

    /// Puts our addresses in the place of the describer's.
    fn describe(&mut self, call: &str, by_server: bool, text: String) -> io::Result<String> {
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        let (Some(ip), Some(media)) = (line("c=IN IP4 "), line("m=audio ")) else {
            return Ok(text);
        };
        let port = media.split(' ').next().and_then(|port| port.parse::<u16>().ok());
        let (Ok(ip), Some(port)) = (ip.trim().parse::<IpAddr>(), port) else { return Ok(text) };
        let ours = self.sip.local_addr()?.ip();
        let ways = match self.phones.get(call).and_then(|phone| phone.ways) {
            Some(ways) => ways,
            None => {
                let first = self.voice.len();
                for twin in [first + 1, first] {
                    let socket = voice_socket(ours)?;
                    self.voice.push(Way { socket, twin, to: self.server });
                }
                (first, first + 1)
            }
        };
        if let Some(phone) = self.phones.get_mut(call) {
            phone.ways = Some(ways);
        }
        // What the server says is for the phone, which is told of the socket that faces it.
        let (theirs, told) = if by_server { (ways.1, ways.0) } else { (ways.0, ways.1) };
        self.voice[theirs].to = SocketAddr::new(ip, port);
        let at = self.voice[told].socket.local_addr()?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let body = body.replace(&format!("m=audio {port} "), &format!("m=audio {} ", at.port()));
        let body = body.replace(&format!("IN IP4 {ip}"), &format!("IN IP4 {}", at.ip()));
        let length = body.len();
        let head: Vec<String> = head
            .split("\r\n")
            .map(|line| match line.split_once(':') {
                Some((name, _)) if name.eq_ignore_ascii_case("Content-Length") => {
                    format!("Content-Length: {length}")
                }
                _ => line.to_owned(),
            })
            .collect();
        Ok(format!("{}\r\n\r\n{body}", head.join("\r\n")))
    }
}

fn voice_socket(ip: IpAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((ip, 0))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn field(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().take_while(|line| !line.is_empty());
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    let value = fields.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))?.1;
    Some(value.trim().to_owned())
}
