//! Rings a SIP server with voice: many calls at once, each sending and hearing 50 packets a second,
//! and measures what its callers hear.
//!
//! ```text
//! cargo run --release --example voice_load -- 127.0.0.1:5060 --calls 1000 --seconds 30
//! cargo run --release --example voice_load -- 127.0.0.1:5060 --calls 400 --bind 127.0.0.1:6000 --advisers
//! ```
//!
//! With `--advisers` it is the advisers' phones as well: whoever is rung at its address answers, and
//! every packet carries the instant at which it was sent, so that the delay of a bridge is measured.
//! The kernel stamps what arrives: this program's own slowness is not taken for the server's. It
//! asks nothing of this crate but a second of Opus, so that any server can be rung, and does as little
//! as it can: one
//! socket for all voice, 64 packets in a system call, so that the machine's time is left to the server.

#![allow(clippy::disallowed_methods)] // it measures real time

mod figures;
mod signalling;
mod voice;

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::resource::{UsageWho, getrusage};

use signalling::Signalling;
use voice::Voice;

/// Rings a SIP server with voice.
#[derive(Parser)]
pub struct Asked {
    /// The server.
    server: SocketAddr,
    /// Calls at once.
    #[arg(long, default_value_t = 100)]
    calls: usize,
    /// New calls a second until all are up.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// How long is measured, once all are up.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Whom to ring.
    #[arg(long, default_value = "01708434343")]
    number: String,
    /// Where to ring from; voice has a port of its own.
    #[arg(long, default_value = "127.0.0.1:0")]
    bind: SocketAddr,
    /// Also answer as the advisers who are rung here.
    #[arg(long)]
    advisers: bool,
    /// So many more are rung here before it is measured, by whom the server is asked to let in.
    #[arg(long, default_value_t = 0)]
    besides: usize,
    /// Send nothing: listen only.
    #[arg(long)]
    mute: bool,
    /// Ask for SRTP. What is heard stays encrypted, and nothing is sent.
    #[arg(long)]
    srtp: bool,
    /// The process whose CPU time is counted while it is measured.
    #[arg(long)]
    pid: Option<u32>,
    /// The codec by its payload type: 0, 8, 9 (G.722) or 111 (Opus); the second is the advisers'.
    #[arg(long, default_values_t = [8, 8])]
    codecs: Vec<u8>,
}

fn main() -> ExitCode {
    match run(&Asked::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all calls came up and nothing was lost.
fn run(asked: &Asked) -> std::io::Result<bool> {
    let socket = UdpSocket::bind(asked.bind)?;
    let local = socket.local_addr()?;
    let mut voice = Voice::bind(local.ip())?;
    let mut signalling = Signalling::new(asked, socket, voice.local());
    let began = Instant::now();
    let mut measured: Option<(Instant, f64, f64)> = None;
    let expected = asked.calls * if asked.advisers { 2 } else { 1 } + asked.besides;
    loop {
        let now = Instant::now();
        signalling.act(now);
        while let Some(party) = signalling.joined.pop() {
            voice.join(party);
        }
        if !asked.mute && !asked.srtp {
            voice.send(now)?;
        }
        match measured {
            None if voice.parties() >= expected && voice.settled(now) => {
                voice.begin();
                measured = Some((now, own_cpu(), cpu_of(asked.pid)));
            }
            None if began.elapsed().as_secs_f64() > asked.calls as f64 / asked.rate + 20.0 => {
                println!("only {} of {expected} parties came up", voice.parties());
                signalling.hang_up();
                return Ok(false);
            }
            Some((at, own, server)) if now - at >= Duration::from_secs(asked.seconds) => {
                let took = (now - at).as_secs_f64();
                let spent = (cpu_of(asked.pid) - server, own_cpu() - own);
                let clean = figures::print(asked, &voice, took, spent);
                signalling.hang_up();
                return Ok(clean);
            }
            _ => {}
        }
        let wait = voice.due(now).min(signalling.due(now));
        let mut waiting = [
            PollFd::new(signalling.socket.as_fd(), PollFlags::POLLIN),
            PollFd::new(voice.as_fd(), PollFlags::POLLIN),
        ];
        ppoll(&mut waiting, Some(wait.into()), None)?;
        let [called, heard] = waiting.map(|fd| fd.any().unwrap_or(false));
        if called {
            signalling.receive();
        }
        if heard {
            voice.receive()?;
        }
    }
}

/// This program's CPU time, in milliseconds.
fn own_cpu() -> f64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return 0.0 };
    let spent = [usage.user_time(), usage.system_time()];
    spent.iter().map(|t| t.tv_sec() as f64 * 1e3 + t.tv_usec() as f64 / 1e3).sum()
}

/// Another's, in milliseconds.
fn cpu_of(pid: Option<u32>) -> f64 {
    let stat = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok());
    let stat = stat.unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |at: usize| after.split(' ').nth(at).and_then(|t| t.parse::<f64>().ok());
    // The kernel counts in hundredths of a second.
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) * 10.0
}
