//! Everybody's voice, through one socket: what is sent every 20 ms, and what is heard.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt,
    sockopt::ReceiveTimestampns,
};

use switchboard::media::codec::{Encoder, MAX_BYTES, OpusSettings};
use switchboard::media::command::Codec;
use switchboard::media::rate::Rate;

use super::signalling::Joined;

const FRAME: Duration = Duration::from_millis(20);
/// Voice leaves in as many portions.
const SLOTS: usize = 20;
const BATCH: usize = 64;
const PACKET: usize = 172;
/// What marks a payload that holds the instant of its sending.
const MARK: [u8; 8] = *b"voice-ld";
/// Of gaps and delays: in steps of 10 us up to 2 s.
const STEPS: usize = 200_000;

/// How often each value occurred.
pub struct Histogram(Vec<u32>);

impl Histogram {
    fn new() -> Self {
        Histogram(vec![0; STEPS])
    }

    fn note(&mut self, value_us: u64) {
        self.0[usize::try_from(value_us / 10).unwrap_or(STEPS).min(STEPS - 1)] += 1;
    }

    pub fn count(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// The value in milliseconds below which the share lies.
    pub fn at(&self, share: f64) -> f64 {
        let wanted = (self.count() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (step, count) in self.0.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return (step + 1) as f64 / 100.0;
            }
        }
        0.0
    }
}

/// One party: a caller, or an adviser.
struct Party {
    to: SockaddrIn,
    payload_type: u8,
    seq: u16,
    timestamp: u32,
    heard: Option<(u16, u64)>,
    packets: u64,
}

/// What was heard while it was measured.
pub struct Heard {
    pub packets: u64,
    pub lost: u64,
    pub gaps: Histogram,
    pub delays: Histogram,
    pub sent: u64,
    /// By how much sending was late: this program's own slowness.
    pub late: Histogram,
}

impl Heard {
    fn new() -> Self {
        let histogram = Histogram::new;
        Heard {
            packets: 0,
            lost: 0,
            sent: 0,
            gaps: histogram(),
            delays: histogram(),
            late: histogram(),
        }
    }
}

pub struct Voice {
    socket: UdpSocket,
    local: SocketAddr,
    parties: Vec<Party>,
    /// Whose the server's port is.
    table: Vec<u32>,
    joined_at: Instant,
    /// When the next slot is due, and which it is.
    next: (Instant, usize),
    pub heard: Heard,
    packets: Vec<[u8; PACKET]>,
    /// A second of Opus, for those who speak it.
    opus: Vec<Vec<u8>>,
}

/// The payload type of Opus here.
const OPUS: u8 = 111;

/// A second of two tones, encoded: random bytes would be no Opus.
fn opus() -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(Codec::Opus, Rate::Wide, OpusSettings::default());
    let frame = |number: usize| -> Vec<i16> {
        let at = (0..320).map(|at| (number * 320 + at) as f32 / 16_000.0);
        at.map(|at| ((at * 2_765.0).sin() * 6_000.0 + (at * 9_000.0).sin() * 3_000.0) as i16)
            .collect()
    };
    let mut payload = [0; MAX_BYTES];
    let mut encode = |number| {
        let len = encoder.as_mut()?.encode(&frame(number), &mut payload)?;
        payload.get(..len.min(PACKET - 12)).map(<[u8]>::to_vec)
    };
    (0..50).filter_map(&mut encode).collect()
}

impl Voice {
    pub fn bind(ip: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind((ip, 0))?;
        socket.set_nonblocking(true)?;
        let sock = socket2::SockRef::from(&socket);
        let _ = sock.set_recv_buffer_size(16 << 20);
        let _ = sock.set_send_buffer_size(16 << 20);
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        Ok(Voice {
            local: socket.local_addr()?,
            socket,
            parties: Vec::new(),
            table: vec![u32::MAX; 65_536],
            joined_at: Instant::now(),
            next: (Instant::now(), 0),
            heard: Heard::new(),
            packets: vec![[0x55; PACKET]; BATCH],
            opus: opus(),
        })
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub fn parties(&self) -> usize {
        self.parties.len()
    }

    /// Whether the last party has been there for a while.
    pub fn settled(&self, now: Instant) -> bool {
        now - self.joined_at >= Duration::from_secs(2)
    }

    pub fn join(&mut self, joined: Joined) {
        let SocketAddr::V4(to) = joined.to else { return };
        self.table[usize::from(to.port())] = self.parties.len() as u32;
        self.joined_at = Instant::now();
        self.parties.push(Party {
            to: SockaddrIn::from(to),
            payload_type: joined.payload_type,
            seq: 0,
            timestamp: 0,
            heard: None,
            packets: 0,
        });
    }

    /// From now on it counts.
    pub fn begin(&mut self) {
        self.heard = Heard::new();
        for party in &mut self.parties {
            (party.heard, party.packets) = (None, 0);
        }
    }

    /// The fewest packets that any party heard.
    pub fn fewest(&self) -> u64 {
        self.parties.iter().map(|party| party.packets).min().unwrap_or(0)
    }

    /// How long nothing is to be sent.
    pub fn due(&self, now: Instant) -> Duration {
        self.next.0.saturating_duration_since(now)
    }

    /// Sends the frames of all slots that are due.
    pub fn send(&mut self, now: Instant) -> io::Result<()> {
        while self.next.0 <= now {
            let (due, slot) = self.next;
            self.heard.late.note((now - due).as_micros() as u64);
            let speakers: Vec<usize> = (slot..self.parties.len()).step_by(SLOTS).collect();
            for batch in speakers.chunks(BATCH) {
                self.send_batch(batch)?;
            }
            let late = now - due > Duration::from_millis(200);
            let from = if late { now } else { due };
            self.next = (from + FRAME / SLOTS as u32, (slot + 1) % SLOTS);
        }
        Ok(())
    }

    fn send_batch(&mut self, batch: &[usize]) -> io::Result<()> {
        let stamp = realtime_ns();
        let (mut to, mut lens) = ([None; BATCH], [PACKET; BATCH]);
        for (at, id) in batch.iter().enumerate() {
            let (party, packet) = (&mut self.parties[*id], &mut self.packets[at]);
            packet[0] = 0x80;
            packet[1] = party.payload_type;
            packet[2..4].copy_from_slice(&party.seq.to_be_bytes());
            packet[4..8].copy_from_slice(&party.timestamp.to_be_bytes());
            packet[8..12].copy_from_slice(&(*id as u32 + 1).to_be_bytes());
            packet[12..20].copy_from_slice(&MARK);
            packet[20..28].copy_from_slice(&stamp.to_be_bytes());
            let opus = self.opus.get(usize::from(party.seq) % 50);
            let step = match opus.filter(|_| party.payload_type == OPUS) {
                None => 160,
                Some(payload) => {
                    packet[12..12 + payload.len()].copy_from_slice(payload);
                    lens[at] = 12 + payload.len();
                    960
                }
            };
            party.seq = party.seq.wrapping_add(1);
            party.timestamp = party.timestamp.wrapping_add(step);
            to[at] = Some(party.to);
        }
        let slices: Vec<_> = self
            .packets
            .iter()
            .zip(lens)
            .take(batch.len())
            .map(|(packet, len)| [IoSlice::new(&packet[..len])])
            .collect();
        let mut headers = MultiHeaders::<SockaddrIn>::preallocate(batch.len(), None);
        let to = &to[..batch.len()];
        let fd = self.socket.as_raw_fd();
        self.heard.sent += batch.len() as u64;
        match sendmmsg(fd, &mut headers, &slices, to, [], MsgFlags::empty()) {
            // A port that is closed already is no trouble of ours.
            Ok(_) | Err(nix::errno::Errno::ECONNREFUSED) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what has come.
    pub fn receive(&mut self) -> io::Result<()> {
        let mut buffers = [[0_u8; 256]; BATCH];
        let mut came = [(0_u16, 0_u64, 0_usize); BATCH];
        loop {
            let count = self.receive_batch(&mut buffers, &mut came)?;
            for (buffer, (port, stamp, length)) in buffers.iter().zip(came).take(count) {
                self.note(port, stamp, &buffer[..length]);
            }
            if count < BATCH {
                return Ok(());
            }
        }
    }

    /// Reads up to a batch: the sender's port, the kernel's stamp and the length of each.
    fn receive_batch(
        &self,
        buffers: &mut [[u8; 256]; BATCH],
        came: &mut [(u16, u64, usize); BATCH],
    ) -> io::Result<usize> {
        let mut slices: Vec<_> = buffers.iter_mut().map(|b| [IoSliceMut::new(b)]).collect();
        let space = nix::cmsg_space!(nix::sys::time::TimeSpec);
        let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, Some(space));
        let (fd, flags) = (self.socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        let received = match recvmmsg(fd, &mut headers, slices.iter_mut(), flags, None) {
            Ok(received) => received,
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::ECONNREFUSED) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let mut count = 0;
        for (message, came) in received.zip(came) {
            let stamp = message.cmsgs()?.find_map(|control| match control {
                ControlMessageOwned::ScmTimestampns(at) => {
                    Some(at.tv_sec() as u64 * 1_000_000_000 + at.tv_nsec() as u64)
                }
                _ => None,
            });
            let port = message.address.map_or(0, |address| address.port());
            *came = (port, stamp.unwrap_or_else(realtime_ns), message.bytes);
            count += 1;
        }
        Ok(count)
    }

    fn note(&mut self, port: u16, stamp: u64, packet: &[u8]) {
        let Some(party) = self.parties.get_mut(self.table[usize::from(port)] as usize) else {
            return;
        };
        if packet.len() < 12 {
            return;
        }
        let seq = u16::from_be_bytes([packet[2], packet[3]]);
        if let Some((last, at)) = party.heard {
            self.heard.gaps.note(stamp.saturating_sub(at) / 1_000);
            let ahead = seq.wrapping_sub(last);
            self.heard.lost +=
                u64::from(ahead.wrapping_sub(1).min(1_000)) * u64::from(ahead < 1_000);
        }
        party.heard = Some((seq, stamp));
        party.packets += 1;
        self.heard.packets += 1;
        if packet.len() >= 28 && packet[12..20] == MARK {
            let mut sent = [0; 8];
            sent.copy_from_slice(&packet[20..28]);
            self.heard.delays.note(stamp.saturating_sub(u64::from_be_bytes(sent)) / 1_000);
        }
    }
}

/// The kernel's stamps are of this clock.
fn realtime_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
