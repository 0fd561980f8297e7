//! The floor of this machine: what the operating system alone takes for a voice packet.
//!
//! Sends 172-byte datagrams (20 ms of G.711 in RTP) over loopback and receives them again, one call
//! for each and 32 at a time, through one socket and through a thousand, as every leg has one of its
//! own, and prints the time for each packet and how many cores 1,000 bridged calls (200,000 datagrams a
//! second) would cost at that price. No engine can be cheaper.
#![allow(clippy::disallowed_methods, reason = "it measures time")]

use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};

const PACKET: usize = 172;
const BATCH: usize = 32;
const ROUNDS: usize = 20_000;
const SOCKETS: usize = 1_000;

fn main() -> std::io::Result<()> {
    // `cargo test` runs benches with this flag to see that they start.
    let rounds = if std::env::args().any(|arg| arg == "--test") { 10 } else { ROUNDS };
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    receiver.set_read_timeout(Some(Duration::from_secs(5)))?;
    println!("UDP over loopback, {PACKET} bytes, one thread");
    print("one call each", plain(&sender, &receiver, rounds)?);
    print("32 at a time", batched(&sender, &receiver, rounds / 4)?);
    print("1,000 sockets", scattered(&receiver, rounds.div_ceil(100))?);
    Ok(())
}

fn print(name: &str, (send, receive): (Duration, Duration)) {
    let (send, receive) = (send.as_nanos(), receive.as_nanos());
    // A bridged call is 100 packets a second in, and 100 out.
    let cores = (send + receive) as f64 * 100_000.0 / 1e9;
    println!(
        "{name:>14}: send {send:>5} ns, receive {receive:>5} ns; 1,000 bridged calls {cores:.2} cores"
    );
}

/// The mean time to send and to receive one datagram with a call for each.
fn plain(
    sender: &UdpSocket,
    receiver: &UdpSocket,
    rounds: usize,
) -> std::io::Result<(Duration, Duration)> {
    let (to, packet, mut buffer) = (receiver.local_addr()?, [0x55; PACKET], [0; 2_048]);
    let (mut sending, mut receiving) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..BATCH {
            sender.send_to(&packet, to)?;
        }
        let sent = Instant::now();
        for _ in 0..BATCH {
            receiver.recv_from(&mut buffer)?;
        }
        sending += sent - start;
        receiving += sent.elapsed();
    }
    let packets = (rounds * BATCH) as u32;
    Ok((sending / packets, receiving / packets))
}

/// The mean time to send and to receive one datagram with a call for each, each through another socket.
fn scattered(other: &UdpSocket, rounds: usize) -> std::io::Result<(Duration, Duration)> {
    let sockets: Vec<UdpSocket> = (0..SOCKETS)
        .map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<std::io::Result<_>>()?;
    let (to, packet, mut buffer) = (other.local_addr()?, [0x55; PACKET], [0; 2_048]);
    let (mut sending, mut receiving) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        for some in sockets.chunks(BATCH) {
            let start = Instant::now();
            for socket in some {
                socket.send_to(&packet, to)?;
            }
            sending += start.elapsed();
            for socket in some {
                other.recv_from(&mut buffer)?;
                other.send_to(&packet, socket.local_addr()?)?;
            }
            let start = Instant::now();
            for socket in some {
                socket.recv_from(&mut buffer)?;
            }
            receiving += start.elapsed();
        }
    }
    let packets = (rounds * SOCKETS) as u32;
    Ok((sending / packets, receiving / packets))
}

/// The mean time to send and to receive one datagram with a call for 32.
fn batched(
    sender: &UdpSocket,
    receiver: &UdpSocket,
    rounds: usize,
) -> std::io::Result<(Duration, Duration)> {
    let std::net::SocketAddr::V4(to) = receiver.local_addr()? else {
        return Err(std::io::Error::other("not an IPv4 address"));
    };
    let to = [Some(SockaddrIn::from(to)); BATCH];
    let packet = [0x55; PACKET];
    let (mut sending, mut receiving) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let slices = [[IoSlice::new(&packet)]; BATCH];
        let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
        let start = Instant::now();
        sendmmsg(sender.as_raw_fd(), &mut headers, &slices, to, [], MsgFlags::empty())?;
        sending += start.elapsed();

        let mut buffers = [[0u8; PACKET]; BATCH];
        let mut slices: Vec<_> =
            buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
        let start = Instant::now();
        let received = recvmmsg(
            receiver.as_raw_fd(),
            &mut headers,
            slices.iter_mut(),
            MsgFlags::MSG_WAITFORONE,
            None,
        )?;
        receiving += start.elapsed();
        assert_eq!(received.count(), BATCH);
    }
    let packets = (rounds * BATCH) as u32;
    Ok((sending / packets, receiving / packets))
}
