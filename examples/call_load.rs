//! Rings a SIP server at a fixed rate and measures every answer in microseconds.
//!
//! ```text
//! cargo run --release --example call_load -- 127.0.0.1:5060 --rate 1000 --calls 10000
//! ```
//!
//! Each call is INVITE, 200, ACK, a hold, BYE, 200, over UDP with RFC 3261's retransmissions. The
//! rate is held whatever the server does: a slow server is not given fewer calls. It is small on
//! purpose, so that the machine's time is left to what is measured, and it asks nothing of this
//! crate, so that any server can be rung. SIPp counts in whole milliseconds (on most kernels in
//! steps of four) and costs about as much as the server.

#![allow(clippy::disallowed_methods)] // it measures real time

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::resource::{UsageWho, getrusage};

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// RFC 3261's 64*T1: a call without an answer has failed.
const GIVE_UP: Duration = Duration::from_secs(32);
/// Datagrams read before calls that are due have their turn.
const BURST: usize = 64;

/// Rings a SIP server at a fixed rate.
#[derive(Parser)]
struct Asked {
    /// The server.
    server: SocketAddr,
    /// Calls a second.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// Calls in all.
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
    /// How long each call stays up, in milliseconds.
    #[arg(long, default_value_t = 0)]
    hold_ms: u64,
    /// Whom to ring.
    #[arg(long, default_value = "01708434343")]
    number: String,
    /// Where to ring from.
    #[arg(long, default_value = "127.0.0.1:0")]
    bind: SocketAddr,
    /// Also show each second: calls offered, answered and refused.
    #[arg(long)]
    seconds: bool,
    /// Succeed although calls were refused (with 503) or failed.
    #[arg(long)]
    tolerant: bool,
}

/// What a call waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Ringing,
    /// A provisional response came: the INVITE is not sent again.
    Proceeding,
    Up,
    HangingUp,
    Over,
}

struct Call {
    stage: Stage,
    /// When the INVITE, or later the BYE, was sent first.
    sent: Instant,
    /// When it acts next if nothing comes.
    due: Instant,
    gap: Duration,
    to: String,
    contact: String,
}

/// What came of all calls.
#[derive(Default)]
struct Sums {
    answered: usize,
    completed: usize,
    refused: BTreeMap<u16, usize>,
    failed: usize,
    repeated: usize,
    answers_us: Vec<u64>,
    refusals_us: Vec<u64>,
    farewells_us: Vec<u64>,
    /// By how much INVITEs left after they were due: this program's own slowness.
    late_us: Vec<u64>,
    by_second: BTreeMap<u64, [usize; 3]>,
}

struct Generator {
    asked: Asked,
    socket: UdpSocket,
    local: SocketAddr,
    began: Instant,
    calls: Vec<Call>,
    /// What a call does next if nothing comes.
    due: BTreeSet<(Instant, usize)>,
    open: usize,
    sums: Sums,
}

fn main() -> ExitCode {
    let asked = Asked::parse();
    let tolerant = asked.tolerant;
    match Generator::new(asked).and_then(Generator::run) {
        Ok(sums) if tolerant || (sums.failed == 0 && sums.refused.is_empty()) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

impl Generator {
    fn new(asked: Asked) -> std::io::Result<Generator> {
        let socket = UdpSocket::bind(asked.bind)?;
        // Answers wait here while this program has not the processor.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        Ok(Generator {
            socket,
            local,
            began: Instant::now(),
            calls: Vec::with_capacity(asked.calls),
            due: BTreeSet::new(),
            open: 0,
            sums: Sums::default(),
            asked,
        })
    }

    fn run(mut self) -> std::io::Result<Sums> {
        let mut buffer = [0; 4_096];
        while self.calls.len() < self.asked.calls || self.open > 0 {
            let now = Instant::now();
            while let Some(at) = self.next_call().filter(|at| *at <= now) {
                self.ring(at);
            }
            while let Some((at, call)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
                self.due.remove(&(at, call));
                self.act(now, call);
            }
            let next = [self.next_call(), self.due.first().map(|(at, _)| *at)];
            let wait = next.into_iter().flatten().min().unwrap_or(now).duration_since(now);
            let mut waiting = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            if ppoll(&mut waiting, Some(wait.into()), None)? == 0 {
                continue;
            }
            for _ in 0..BURST {
                match self.socket.recv(&mut buffer) {
                    Ok(length) => self.receive(&buffer[..length]),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(_) => {}
                }
            }
        }
        self.report();
        Ok(self.sums)
    }

    /// When the next call is due.
    fn next_call(&self) -> Option<Instant> {
        let at = self.began + Duration::from_secs_f64(self.calls.len() as f64 / self.asked.rate);
        (self.calls.len() < self.asked.calls).then_some(at)
    }

    fn ring(&mut self, due: Instant) {
        let call = self.calls.len();
        let sent = Instant::now();
        self.sums.late_us.push(micros(sent - due));
        let to = format!("<sip:{}@{}>", self.asked.number, self.asked.server);
        let contact = format!("sip:{}@{}", self.asked.number, self.asked.server);
        self.calls.push(Call { stage: Stage::Ringing, sent, due: sent, gap: T1, to, contact });
        self.open += 1;
        self.second(sent)[0] += 1;
        self.act_at(call, sent + T1);
        self.invite(call);
    }

    fn act_at(&mut self, call: usize, due: Instant) {
        if let Some(at) = self.calls.get_mut(call) {
            self.due.remove(&(at.due, call));
            self.due.insert((due, call));
            at.due = due;
        }
    }

    fn second(&mut self, at: Instant) -> &mut [usize; 3] {
        self.sums.by_second.entry((at - self.began).as_secs()).or_default()
    }

    /// Nothing came for a call in time, or its hold is over.
    fn act(&mut self, now: Instant, call: usize) {
        let Some(at) = self.calls.get_mut(call) else { return };
        match at.stage {
            Stage::Over => return,
            Stage::Up => {
                (at.stage, at.sent, at.gap) = (Stage::HangingUp, now, T1);
                self.act_at(call, now + T1);
                return self.in_dialog(call, "BYE", 2);
            }
            Stage::Ringing | Stage::Proceeding | Stage::HangingUp => {}
        }
        if now - at.sent >= GIVE_UP {
            self.sums.failed += 1;
            return self.over(call);
        }
        at.gap = (at.gap * 2).min(T2);
        let (stage, next) = (at.stage, now + at.gap);
        self.act_at(call, next);
        match stage {
            Stage::Ringing => {
                self.sums.repeated += 1;
                self.invite(call);
            }
            Stage::HangingUp => {
                self.sums.repeated += 1;
                self.in_dialog(call, "BYE", 2);
            }
            Stage::Proceeding | Stage::Up | Stage::Over => {}
        }
    }

    fn over(&mut self, call: usize) {
        if let Some(at) = self.calls.get_mut(call) {
            at.stage = Stage::Over;
            self.due.remove(&(at.due, call));
            self.open -= 1;
        }
    }

    fn receive(&mut self, datagram: &[u8]) {
        let now = Instant::now();
        let text = String::from_utf8_lossy(datagram);
        let field = |name: &str| {
            let line = text.lines().find(|line| {
                line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            })?;
            Some(line[name.len()..].trim())
        };
        let status = text.get(8..11).and_then(|status| status.parse::<u16>().ok());
        let call = field("Call-ID:").and_then(|id| id.split('@').next()?.parse::<usize>().ok());
        let (Some(status), Some(call)) = (status, call) else { return };
        let is_invite = field("CSeq:").is_some_and(|cseq| cseq.ends_with("INVITE"));
        let Some(at) = self.calls.get_mut(call) else { return };
        let waited = micros(now - at.sent);
        match (at.stage, is_invite, status) {
            (Stage::Ringing, true, ..200) => at.stage = Stage::Proceeding,
            (Stage::Ringing | Stage::Proceeding, true, 200..300) => {
                at.stage = Stage::Up;
                at.to = field("To:").unwrap_or_default().to_owned();
                let contact = field("Contact:").and_then(|value| value.split(['<', '>']).nth(1));
                at.contact = contact.unwrap_or(&at.contact).to_owned();
                self.sums.answered += 1;
                self.sums.answers_us.push(waited);
                self.second(now)[1] += 1;
                self.in_dialog(call, "ACK", 1);
                self.act_at(call, now + Duration::from_millis(self.asked.hold_ms));
            }
            // Our ACK was lost.
            (Stage::Up | Stage::HangingUp, true, 200..300) => self.in_dialog(call, "ACK", 1),
            (Stage::Ringing | Stage::Proceeding | Stage::Over, true, 300..) => {
                at.to = field("To:").unwrap_or_default().to_owned();
                let first = at.stage != Stage::Over;
                self.send(call, "ACK", 1, "i", "", "");
                if first {
                    *self.sums.refused.entry(status).or_default() += 1;
                    self.sums.refusals_us.push(waited);
                    self.second(now)[2] += 1;
                    self.over(call);
                }
            }
            (Stage::HangingUp, false, 200..300) => {
                self.sums.completed += 1;
                self.sums.farewells_us.push(waited);
                self.over(call);
            }
            (Stage::HangingUp, false, 300..) => {
                self.sums.failed += 1;
                self.over(call);
            }
            _ => {}
        }
    }

    fn invite(&self, call: usize) {
        let ip = self.local.ip();
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\n"
        );
        let contact = format!("Contact: <sip:load@{}>\r\n", self.local);
        let headers = format!("{contact}Content-Type: application/sdp\r\n");
        self.send(call, "INVITE", 1, "i", &headers, &sdp);
    }

    fn in_dialog(&self, call: usize, method: &str, cseq: u32) {
        self.send(call, method, cseq, method, "", "");
    }

    fn send(&self, id: usize, method: &str, cseq: u32, branch: &str, headers: &str, body: &str) {
        let Some(call) = self.calls.get(id) else { return };
        let (local, to) = (self.local, &call.to);
        // An ACK of a refusal goes where its INVITE went (RFC 3261 section 17.1.1.3).
        let uri = &call.contact;
        let (length, tag) = (body.len(), std::process::id());
        let message = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{tag}-{id}{branch}\r\n\
             From: <sip:01632960{last:03}@{local}>;tag={tag}c{id}\r\nTo: {to}\r\n\
             Call-ID: {id}@{local}.{tag}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}",
            last = id % 1_000,
        );
        // What the kernel cannot take is lost as on the way, and sent again in time.
        let _ = self.socket.send_to(message.as_bytes(), self.asked.server);
    }

    fn report(&mut self) {
        let asked = &self.asked;
        let sums = &mut self.sums;
        let took = self.began.elapsed().as_secs_f64();
        println!(
            "{} calls at {}/s in {took:.1} s: {} answered, {} completed, {} failed, {} repetitions",
            asked.calls, asked.rate, sums.answered, sums.completed, sums.failed, sums.repeated
        );
        for (status, count) in &sums.refused {
            println!("refused with {status}: {count}");
        }
        let rows = [
            ("INVITE to 200", &mut sums.answers_us),
            ("INVITE to refusal", &mut sums.refusals_us),
            ("BYE to 200", &mut sums.farewells_us),
            ("INVITE sent late", &mut sums.late_us),
        ];
        for (name, waits) in rows.into_iter().filter(|(_, waits)| !waits.is_empty()) {
            waits.sort_unstable();
            let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
            println!(
                "{name}: p50 {} us, p90 {} us, p99 {} us, max {} us",
                at(0.5),
                at(0.9),
                at(0.99),
                at(1.0)
            );
        }
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            let spent = [usage.user_time(), usage.system_time()];
            let spent: f64 =
                spent.iter().map(|t| t.tv_sec() as f64 * 1e3 + t.tv_usec() as f64 / 1e3).sum();
            println!("the generator's own CPU: {:.3} ms a call", spent / asked.calls as f64);
        }
        if asked.seconds {
            for (second, [offered, answered, refused]) in &sums.by_second {
                println!(
                    "second {second}: {offered} offered, {answered} answered, {refused} refused"
                );
            }
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
