//! Capture files that SIPp plays, and a capture of what is sent to SIPp.

use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};
use socket2::{Domain, Protocol, Socket, Type};
use switchboard::sim::tone::{self, Law, PACKET_SAMPLES, Sound};

/// Writes a capture file of a tone in A-law, 20 ms packets (libpcap's format, Ethernet frames).
pub fn tone(path: &Path, hz: u32, seconds: u32) {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0]);
    file.extend([0; 8]);
    file.extend(65_535_u32.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    for number in 0..seconds * 50 {
        let first = u64::from(number * PACKET_SAMPLES);
        let payload: Vec<u8> = (first..first + u64::from(PACKET_SAMPLES))
            .map(|at| tone::encode(Law::A, Sound::Tone(hz).sample(at)))
            .collect();
        let rtp = RtpPacketBuilder::new()
            .payload_type(8)
            .ssrc(0x5155_0001)
            .sequence(Seq::from(number as u16))
            .timestamp(number * PACKET_SAMPLES)
            .marked(number == 0)
            .payload(&payload)
            .build()
            .expect("a packet");
        let udp_length = (rtp.len() + 8) as u16;
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00]);
        frame.extend([0x45, 0]);
        frame.extend((udp_length + 20).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        frame.extend(4_000_u16.to_be_bytes());
        frame.extend(4_000_u16.to_be_bytes());
        frame.extend(udp_length.to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(rtp);
        let us = number * 20_000;
        file.extend((us / 1_000_000).to_le_bytes());
        file.extend((us % 1_000_000).to_le_bytes());
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend(frame);
    }
    std::fs::write(path, file).expect("a capture file");
}

/// Listens in on the loopback interface to what is sent to one UDP port.
pub struct Capture {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<i16>>>,
}

impl Capture {
    /// Listens from now on.
    pub fn start(to: SocketAddr) -> Self {
        // ETH_P_IP in network order: IPv4 packets, without the link's header.
        let protocol = Protocol::from(i32::from(0x0800_u16.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)).unwrap_or_else(|e| {
            panic!("cannot listen in on loopback: {e}. It takes root or CAP_NET_RAW, like SIPp")
        });
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        let thread = std::thread::spawn(move || record(socket, to.port(), &flag));
        Capture { stop, thread: Some(thread) }
    }

    /// All that was heard, in order.
    pub fn finish(mut self) -> Vec<i16> {
        self.stop.store(true, Ordering::Release);
        let thread = self.thread.take().expect("listens");
        thread.join().expect("the listener lives")
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

fn record(mut socket: Socket, port: u16, stop: &AtomicBool) -> Vec<i16> {
    let mut heard = Vec::new();
    let mut last = None;
    let mut buffer = [0; 2_048];
    while !stop.load(Ordering::Acquire) {
        let Ok(length) = socket.read(&mut buffer) else { continue };
        let Some(rtp) = datagram_to(port, &buffer[..length]) else { continue };
        let Ok(packet) = RtpReader::new(rtp) else { continue };
        // Loopback shows each packet twice: going out and coming in.
        let id = (packet.ssrc(), packet.sequence_number());
        if packet.payload_type() == 8 && last != Some(id) {
            last = Some(id);
            heard.extend(packet.payload().iter().map(|byte| tone::decode(Law::A, *byte)));
        }
    }
    heard
}

fn datagram_to(port: u16, packet: &[u8]) -> Option<&[u8]> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    if packet.get(9) != Some(&17) {
        return None;
    }
    let udp = packet.get(header..)?;
    (udp.get(2..4)? == port.to_be_bytes()).then(|| udp.get(8..))?
}

/// Whether a tone of `hz` was heard for half a second.
pub fn has_tone(samples: &[i16], hz: u32) -> bool {
    samples.windows(4_000).step_by(800).any(|part| {
        tone::level(part) > 100.0 && tone::share(part, f64::from(hz), tone::RATE_HZ) > 0.8
    })
}
