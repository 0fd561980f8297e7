//! How soon an adviser who is free is rung: callers who wait, and advisers' phones that answer and hang up,
//! over real sockets against a real server.
//!
//! ```text
//! cargo run --release --example offer_load -- 127.0.0.1:5060 --bind 127.0.0.1:5066 --waiting 1000 --advisers 20
//! ```
//!
//! The server must know advisers `load1` to `load20` at `--bind`, ready, and a queue without wrap-up that
//! `--number` leads to. First as many callers ring as there are advisers and `--waiting` more. Then each adviser
//! hangs up after `--talk-ms`, is rung for the next caller, and so on; a caller whose call is over rings
//! again, so that as many wait all the while. Measured is the time from the adviser's BYE leaving here to the
//! next INVITE arriving here: the server's work, both ways over the loopback, and this program's own waits.
//! Without `--waiting` the advisers are free, callers come at `--rate`, and the time is from a caller's ACK, with
//! which they come into the queue, to the INVITE that an adviser gets for them.
//!
//! It asks nothing of this crate, so that any server can be measured.

#![allow(clippy::disallowed_methods)] // it measures real time

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use nix::poll::{PollFd, PollFlags, ppoll};

/// RFC 3261's T1: nothing is answered this late over a loopback.
const T1: Duration = Duration::from_millis(500);
/// So long without anything new, and it has failed.
const GIVE_UP: Duration = Duration::from_secs(20);
/// Callers ring at this rate until as many wait as asked for, in calls a second.
const FILL_RATE: f64 = 300.0;

/// Measures how soon a free adviser is rung.
#[derive(Parser)]
struct Asked {
    /// The server.
    server: SocketAddr,
    /// Where the advisers' phones are.
    #[arg(long)]
    bind: SocketAddr,
    /// How many advisers there are.
    #[arg(long, default_value_t = 20)]
    advisers: usize,
    /// How many callers wait all the while; 0 for callers who find somebody free.
    #[arg(long, default_value_t = 0)]
    waiting: usize,
    /// How long each conversation lasts, in milliseconds.
    #[arg(long, default_value_t = 500)]
    talk_ms: u64,
    /// Callers a second, if nobody waits.
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// How many times are measured.
    #[arg(long, default_value_t = 2_000)]
    offers: usize,
    /// Whom to ring.
    #[arg(long, default_value = "01708434343")]
    number: String,
}

/// One end of a dialog: a caller's, or an adviser's.
struct Leg {
    call_id: String,
    local: String,
    remote: String,
    target: String,
    /// When it hangs up, once that is known.
    over_at: Option<Instant>,
    /// When it came into the queue.
    waits_since: Instant,
}

/// Times, in microseconds.
#[derive(Default)]
struct Sums {
    from_bye: Vec<u64>,
    from_bye_answered: Vec<u64>,
    from_ack: Vec<u64>,
    repeated: usize,
}

struct Load {
    asked: Asked,
    callers: UdpSocket,
    phones: UdpSocket,
    calling: BTreeMap<usize, Leg>,
    /// Callers whose INVITE has no answer yet, and when it is sent again.
    ringing: BTreeSet<(Instant, usize)>,
    rung: usize,
    talking: BTreeMap<usize, Leg>,
    /// When each adviser hung up, and when that was answered.
    freed: BTreeMap<usize, (Instant, Option<Instant>)>,
    /// Whether advisers hang up yet.
    full: bool,
    last_news: Instant,
    sums: Sums,
}

fn main() -> ExitCode {
    let asked = Asked::parse();
    match Load::new(asked).and_then(Load::run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn socket(at: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(at)?;
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl Load {
    fn new(asked: Asked) -> std::io::Result<Load> {
        let callers = socket(SocketAddr::new(asked.bind.ip(), 0))?;
        let phones = socket(asked.bind)?;
        Ok(Load {
            callers,
            phones,
            calling: BTreeMap::new(),
            ringing: BTreeSet::new(),
            rung: 0,
            talking: BTreeMap::new(),
            freed: BTreeMap::new(),
            full: false,
            last_news: Instant::now(),
            sums: Sums::default(),
            asked,
        })
    }

    /// Whether everything was measured.
    fn run(mut self) -> std::io::Result<bool> {
        let mut buffer = [0; 8_192];
        let began = Instant::now();
        let measured = |load: &Load| match load.asked.waiting {
            0 => load.sums.from_ack.len(),
            _ => load.sums.from_bye.len(),
        };
        while measured(&self) < self.asked.offers {
            let now = Instant::now();
            if now - self.last_news > GIVE_UP {
                println!("nothing new for {GIVE_UP:?}: {} are up", self.calling.len());
                self.report(began.elapsed());
                return Ok(false);
            }
            let due = self.act(began, now);
            let wait = due.saturating_duration_since(Instant::now());
            let mut waiting = [
                PollFd::new(self.callers.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.phones.as_fd(), PollFlags::POLLIN),
            ];
            ppoll(&mut waiting, Some(wait.into()), None)?;
            // The phones first: they are what is measured.
            while let Ok(length) = self.phones.recv(&mut buffer) {
                self.phone_hears(Instant::now(), &String::from_utf8_lossy(&buffer[..length]));
            }
            for _ in 0..16 {
                let Ok(length) = self.callers.recv(&mut buffer) else { break };
                self.caller_hears(&String::from_utf8_lossy(&buffer[..length]));
            }
        }
        self.report(began.elapsed());
        Ok(true)
    }

    /// Does what is due, and tells when the next is.
    fn act(&mut self, began: Instant, now: Instant) -> Instant {
        let (waiting, advisers) = (self.asked.waiting, self.asked.advisers);
        let mut next = now + Duration::from_millis(200);
        // Callers: so many at once, or so many a second.
        let at = |rung: usize, rate: f64| began + Duration::from_secs_f64(rung as f64 / rate);
        if waiting == 0 || self.rung < waiting + advisers {
            let rate = if waiting == 0 { self.asked.rate } else { FILL_RATE };
            let due = at(self.rung, rate);
            if due <= now {
                self.ring();
            }
            next = next.min(at(self.rung, rate));
        }
        while let Some((due, id)) = self.ringing.first().copied() {
            if due > now {
                next = next.min(due);
                break;
            }
            self.ringing.remove(&(due, id));
            self.ringing.insert((now + T1, id));
            self.sums.repeated += 1;
            self.invite(id);
        }
        let all_up = self.rung >= waiting + advisers
            && self.ringing.is_empty()
            && self.talking.len() == advisers;
        if waiting == 0 {
            self.full = true;
        } else if !self.full && all_up {
            self.full = true;
            // Not all at once.
            let gap = self.asked.talk_ms / self.asked.advisers as u64;
            for (nth, leg) in self.talking.values_mut().enumerate() {
                leg.over_at = Some(now + Duration::from_millis(1_000 + gap * nth as u64));
            }
        }
        let due: Vec<(usize, Instant)> =
            self.talking.iter().filter_map(|(id, leg)| Some((*id, leg.over_at?))).collect();
        for (adviser, at) in due {
            if at > now {
                next = next.min(at);
            } else if let Some(leg) = self.talking.remove(&adviser) {
                self.freed.insert(adviser, (Instant::now(), None));
                let branch = format!("b{adviser}x{}", self.sums.from_bye.len());
                self.request(&self.phones, &leg, "BYE", &branch, "", "");
            }
        }
        next
    }

    fn ring(&mut self) {
        let id = self.rung;
        self.rung += 1;
        let now = Instant::now();
        let from = self.callers.local_addr().unwrap_or(self.asked.bind);
        let (number, server) = (&self.asked.number, self.asked.server);
        let leg = Leg {
            call_id: format!("{id}@{from}.{}", std::process::id()),
            local: format!("<sip:07700{:06}@{from}>;tag=c{id}", 900_000 + id % 1_000),
            remote: format!("<sip:{number}@{server}>"),
            target: format!("sip:{number}@{server}"),
            over_at: None,
            waits_since: now,
        };
        self.calling.insert(id, leg);
        self.ringing.insert((now + T1, id));
        self.invite(id);
    }

    fn invite(&self, id: usize) {
        let Some(leg) = self.calling.get(&id) else { return };
        let content = "Content-Type: application/sdp\r\n";
        self.request(&self.callers, leg, "INVITE", &format!("i{id}"), content, &sdp(6_000));
    }

    fn request(
        &self,
        from: &UdpSocket,
        leg: &Leg,
        method: &str,
        branch: &str,
        headers: &str,
        body: &str,
    ) {
        let Ok(at) = from.local_addr() else { return };
        let Leg { call_id, local, remote, target, .. } = leg;
        let length = body.len();
        let message = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{}{branch}\r\n\
             From: {local}\r\nTo: {remote}\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:load@{at}>\r\nMax-Forwards: 70\r\n{headers}Content-Length: {length}\r\n\r\n{body}",
            std::process::id(),
        );
        let _ = from.send_to(message.as_bytes(), self.asked.server);
    }

    fn caller_hears(&mut self, text: &str) {
        let id = field(text, "Call-ID:").and_then(|id| id.split('@').next()?.parse().ok());
        let Some(id) = id else { return };
        if text.starts_with("BYE ") {
            answer(&self.callers, self.asked.server, text, "", "");
            if self.calling.remove(&id).is_some() && self.asked.waiting > 0 {
                self.ring();
            }
            return;
        }
        let is_invite = field(text, "CSeq:").is_some_and(|cseq| cseq.ends_with("INVITE"));
        let status = text.get(8..11).and_then(|status| status.parse::<u16>().ok());
        let Some(leg) = self.calling.get_mut(&id).filter(|_| is_invite) else { return };
        match status {
            Some(200) => {
                self.last_news = Instant::now();
                leg.waits_since = self.last_news;
                leg.remote = field(text, "To:").unwrap_or_default().to_owned();
                leg.target = uri_of(field(text, "Contact:")).unwrap_or_default();
                let leg = &self.calling[&id];
                self.request(&self.callers, leg, "ACK", &format!("a{id}"), "", "");
            }
            Some(300..) => {
                println!("caller {id} was refused: {}", text.lines().next().unwrap_or(""))
            }
            _ => {}
        }
        self.ringing.retain(|(_, ringing)| *ringing != id);
    }

    fn phone_hears(&mut self, now: Instant, text: &str) {
        if text.starts_with("INVITE ") {
            let user = text.split(['@', ' ']).nth(1).and_then(|uri| uri.strip_prefix("sip:load"));
            let Some(adviser) = user.and_then(|id| id.parse::<usize>().ok()) else { return };
            self.last_news = now;
            let tag = format!(";tag=p{adviser}x{}", self.rung);
            answer(&self.phones, self.asked.server, text, &tag, &sdp(6_002));
            let to = |name| field(text, name).unwrap_or_default().to_owned();
            let talk = Duration::from_millis(self.asked.talk_ms);
            let leg = Leg {
                call_id: to("Call-ID:"),
                local: to("To:") + &tag,
                remote: to("From:"),
                target: uri_of(field(text, "Contact:")).unwrap_or_default(),
                over_at: self.full.then(|| now + talk),
                waits_since: now,
            };
            self.talking.insert(adviser, leg);
            if let Some((bye, answered)) = self.freed.remove(&adviser)
                && self.asked.waiting > 0
            {
                self.sums.from_bye.push(micros(now - bye));
                let since = answered.map_or(Duration::ZERO, |at| now - at);
                self.sums.from_bye_answered.push(micros(since));
            }
            if self.asked.waiting == 0 {
                let number = text.find("07700").and_then(|at| text.get(at + 5..at + 11));
                let is = |leg: &&Leg| number.is_some_and(|number| leg.local.contains(number));
                if let Some(leg) = self.calling.values().rev().find(is) {
                    self.sums.from_ack.push(micros(now - leg.waits_since));
                }
            }
        } else if text.starts_with("BYE ") || text.starts_with("CANCEL ") {
            answer(&self.phones, self.asked.server, text, "", "");
        } else if text.starts_with("SIP/2.0 200") {
            let id = field(text, "From:").and_then(|from| from.split(";tag=p").nth(1));
            let id = id.and_then(|id| id.split('x').next()?.parse::<usize>().ok());
            if let Some((_, answered)) = id.and_then(|id| self.freed.get_mut(&id)) {
                answered.get_or_insert(now);
            }
        }
    }

    fn report(&mut self, took: Duration) {
        let Asked { waiting, advisers, .. } = self.asked;
        println!(
            "{advisers} advisers, {waiting} wait, {:.0} s, {} calls, {} repetitions",
            took.as_secs_f64(),
            self.rung,
            self.sums.repeated
        );
        for (name, times) in [
            ("adviser's BYE to their next INVITE", &mut self.sums.from_bye),
            ("of that, from the BYE's 200", &mut self.sums.from_bye_answered),
            ("caller's ACK to a free adviser's INVITE", &mut self.sums.from_ack),
        ] {
            if times.is_empty() {
                continue;
            }
            times.sort_unstable();
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / 1e3;
            let (p50, p99, most) = (at(0.5), at(0.99), at(1.0));
            let count = times.len();
            println!("{name}: {count} times, p50 {p50:.2} ms, p99 {p99:.2} ms, max {most:.2} ms");
        }
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| {
        line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    })?;
    Some(line[name.len()..].trim())
}

fn uri_of(contact: Option<&str>) -> Option<String> {
    contact?.split(['<', '>']).nth(1).map(str::to_owned)
}

/// Answers a request with 200: what is copied is copied (RFC 3261 section 8.2.6.2).
fn answer(from: &UdpSocket, to: SocketAddr, request: &str, tag: &str, sdp: &str) {
    let Ok(at) = from.local_addr() else { return };
    let mut text = "SIP/2.0 200 OK\r\n".to_owned();
    for line in request.lines() {
        let copied = ["via:", "from:", "to:", "call-id:", "cseq:", "record-route:"];
        let name = line.split_inclusive(':').next().unwrap_or_default().to_ascii_lowercase();
        if copied.contains(&name.as_str()) {
            text += line;
            text += if name == "to:" { tag } else { "" };
            text += "\r\n";
        }
        if line.is_empty() {
            break;
        }
    }
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    text +=
        &format!("Contact: <sip:load@{at}>\r\n{kind}Content-Length: {}\r\n\r\n{sdp}", sdp.len());
    let _ = from.send_to(text.as_bytes(), to);
}

fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
