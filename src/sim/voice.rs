//! The voice side of a phone: RTP packets every 20 ms, keys as RFC 4733 events or else as tones, and
//! an ear.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};

use crate::id::Entropy;
use crate::media::command::Key;
use crate::time::Time;

use super::ear::Ear;
use super::secrecy::{PacketCipher, Secrecy, StreamKeys};
use super::tone::{self, Law, PACKET_SAMPLES, RATE_HZ, Sound};

const PACKET: Duration = Duration::from_millis(20);
/// A driver that comes this late does not make up for what it missed.
const CATCH_UP: Duration = Duration::from_millis(200);
/// A key is held for 100 ms.
const KEY_PACKETS: u16 = 5;
/// 100 ms between two keys.
const PAUSE_PACKETS: u32 = 5;

/// What a call's descriptions agreed on, as a phone sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// Where to send.
    pub remote: SocketAddr,
    /// The codec.
    pub codec: Law,
    /// The payload type of keys, if agreed on.
    pub telephone_event: Option<u8>,
    /// Whether the peer wants to hear us.
    pub send: bool,
    /// The keys, if the voice is encrypted.
    pub keys: Option<StreamKeys>,
}

/// Counts of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VoiceCounters {
    /// Packets sent.
    pub sent: u64,
    /// Packets of audio received.
    pub received: u64,
    /// Packets from another address than the one agreed on, with another payload type, malformed,
    /// or not authentic.
    pub strange: u64,
}

/// Both directions under a call's keys.
#[derive(Debug)]
struct Secret {
    keys: StreamKeys,
    out: Box<dyn PacketCipher>,
    heard: Box<dyn PacketCipher>,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    key: Key,
    timestamp: u32,
    packets: u16,
}

/// A phone's microphone, keypad and loudspeaker.
#[derive(Debug)]
pub struct Voice {
    stream: Option<Stream>,
    secrecy: Option<Secrecy>,
    secret: Option<Secret>,
    sound: Sound,
    /// A second of the sound in the codec: tones of whole hertz repeat after it.
    second: Option<(Sound, Law, Vec<u8>)>,
    sampled: u64,
    /// Where in them the sound began.
    since: u64,
    seq: Seq,
    timestamp: u32,
    ssrc: u32,
    first: bool,
    next_at: Option<Time>,
    keys: VecDeque<Key>,
    press: Option<Press>,
    pause: u32,
    ear: Ear,
    heard_keys: Vec<Key>,
    heard_key_at: Option<u32>,
    counters: VoiceCounters,
    transmits: VecDeque<(SocketAddr, Bytes)>,
}

impl Voice {
    /// A voice that is silent until a call is up.
    pub fn new(sound: Sound, secrecy: Option<Secrecy>) -> Self {
        Voice {
            stream: None,
            secrecy,
            secret: None,
            sound,
            second: None,
            sampled: 0,
            since: 0,
            seq: Seq::from(0),
            timestamp: 0,
            ssrc: 0,
            first: true,
            next_at: None,
            keys: VecDeque::new(),
            press: None,
            pause: 0,
            ear: Ear::default(),
            heard_keys: Vec::new(),
            heard_key_at: None,
            counters: VoiceCounters::default(),
            transmits: VecDeque::new(),
        }
    }

    /// A call is up, or its session changed: sends from now on.
    pub fn start(&mut self, now: Time, stream: Stream, entropy: &mut Entropy) {
        if self.stream.is_none() {
            self.ear.clear();
            self.heard_keys.clear();
            self.heard_key_at = None;
            self.counters = VoiceCounters::default();
            self.seq = Seq::from(entropy.u32() as u16);
            self.timestamp = entropy.u32();
            self.ssrc = entropy.u32();
            self.first = true;
            self.next_at = Some(now);
        }
        if let (Some(secrecy), Some(keys)) = (self.secrecy, stream.keys)
            && self.secret.as_ref().is_none_or(|secret| secret.keys != keys)
        {
            let [out, heard] = [keys.mine, keys.theirs].map(|key| (secrecy.cipher)(&key));
            self.secret = Some(Secret { keys, out, heard });
        }
        self.stream = Some(stream);
    }

    /// The call is over.
    pub fn stop(&mut self) {
        self.stream = None;
        self.next_at = None;
        self.keys.clear();
        self.press = None;
        self.pause = 0;
    }

    /// What to send from now on.
    pub fn say(&mut self, sound: Sound) {
        self.sound = sound;
        self.since = self.sampled;
    }

    /// Presses a key after those that were asked for before.
    pub fn press(&mut self, key: Key) {
        self.keys.push_back(key);
    }

    /// Whether keys are still to be sent.
    pub fn pressing(&self) -> bool {
        self.press.is_some() || !self.keys.is_empty()
    }

    /// What is and was heard in this call, or in the last one.
    pub fn ear(&self) -> &Ear {
        &self.ear
    }

    /// Keys that the peer pressed in this call, or in the last one.
    pub fn heard_keys(&self) -> &[Key] {
        &self.heard_keys
    }

    /// Counts of this call, or of the last one.
    pub fn counters(&self) -> VoiceCounters {
        self.counters
    }

    /// What was agreed on for the call that is up.
    pub fn stream(&self) -> Option<Stream> {
        self.stream
    }

    /// When [`Voice::handle_timeout`] must be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.next_at
    }

    /// The next packet to send, and where to.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Bytes)> {
        self.transmits.pop_front()
    }

    /// Sends what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let (Some(at), Some(stream)) = (self.next_at, self.stream) {
            if at > now {
                return;
            }
            let late = now.since(at) > CATCH_UP;
            self.next_at = Some(if late { now } else { at } + PACKET);
            if stream.send && self.sound != Sound::Dead {
                self.packet(stream);
            }
            self.timestamp = self.timestamp.wrapping_add(PACKET_SAMPLES);
            self.sampled += u64::from(PACKET_SAMPLES);
        }
    }

    /// Takes in an RTP packet.
    pub fn handle_packet(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        let Some(stream) = self.stream else { return };
        let mut opened = None;
        if let (Some(_), Some(secret)) = (stream.keys, &mut self.secret) {
            opened = secret.heard.open(bytes);
        }
        let bytes = match (stream.keys, &opened) {
            (Some(_), Some(opened)) => &opened[..],
            (Some(_), None) => &[],
            (None, _) => bytes,
        };
        let Ok(packet) = RtpReader::new(bytes) else {
            self.counters.strange += 1;
            return;
        };
        if from != stream.remote {
            self.counters.strange += 1;
            return;
        }
        let payload_type = packet.payload_type();
        if payload_type == payload_type_of(stream.codec) {
            self.counters.received += 1;
            let samples: Vec<i16> =
                packet.payload().iter().map(|byte| tone::decode(stream.codec, *byte)).collect();
            self.ear.hear(now, packet.timestamp(), &samples);
        } else if Some(payload_type) == stream.telephone_event {
            let key = packet.payload().first().and_then(|code| Key::from_event(*code));
            if let Some(key) = key
                && self.heard_key_at != Some(packet.timestamp())
            {
                self.heard_key_at = Some(packet.timestamp());
                self.heard_keys.push(key);
            }
        } else {
            self.counters.strange += 1;
        }
    }

    fn packet(&mut self, stream: Stream) {
        if self.press.is_none() && self.pause == 0 {
            self.press = self.keys.pop_front().map(|key| Press {
                key,
                timestamp: self.timestamp,
                packets: 0,
            });
        }
        if let (Some(mut press), Some(payload_type)) = (self.press, stream.telephone_event) {
            press.packets += 1;
            let last = press.packets == KEY_PACKETS;
            // RFC 4733 section 2.5.1.4: the end is sent three times, so that two may be lost.
            for _ in 0..if last { 3 } else { 1 } {
                let [high, low] = (press.packets * PACKET_SAMPLES as u16).to_be_bytes();
                let payload = [press.key.event(), if last { 0x80 | 10 } else { 10 }, high, low];
                self.send(stream, payload_type, press.timestamp, press.packets == 1, &payload);
            }
            self.press = (!last).then_some(press);
            self.pause = if last { PAUSE_PACKETS } else { 0 };
            return;
        }
        self.pause = self.pause.saturating_sub(1);
        let payload = match self.press.take() {
            None => self.sounding(stream.codec),
            Some(mut press) => {
                let from = u64::from(press.packets) * u64::from(PACKET_SAMPLES);
                press.packets += 1;
                let last = press.packets == KEY_PACKETS;
                self.press = (!last).then_some(press);
                self.pause = if last { PAUSE_PACKETS } else { 0 };
                (from..from + u64::from(PACKET_SAMPLES))
                    .map(|at| tone::encode(stream.codec, tone::of_key(press.key, at)))
                    .collect()
            }
        };
        let first = std::mem::take(&mut self.first);
        self.send(stream, payload_type_of(stream.codec), self.timestamp, first, &payload);
    }

    /// The next 20 ms of the sound. A second is a whole number of packets.
    fn sounding(&mut self, codec: Law) -> Vec<u8> {
        let sound = self.sound;
        if let Sound::Speech(_) = sound {
            let from = self.sampled - self.since;
            let samples = from..from + u64::from(PACKET_SAMPLES);
            return samples.map(|at| tone::encode(codec, sound.sample(at))).collect();
        }
        if !matches!(&self.second, Some((of, in_codec, _)) if *of == sound && *in_codec == codec) {
            let all = (0..u64::from(RATE_HZ)).map(|at| tone::encode(codec, sound.sample(at)));
            self.second = Some((sound, codec, all.collect()));
        }
        let from = (self.sampled % u64::from(RATE_HZ)) as usize;
        let second = self.second.as_ref().map_or(&[][..], |(_, _, bytes)| bytes);
        second.get(from..from + PACKET_SAMPLES as usize).unwrap_or_default().to_vec()
    }

    fn send(
        &mut self,
        stream: Stream,
        payload_type: u8,
        timestamp: u32,
        mark: bool,
        payload: &[u8],
    ) {
        let packet = RtpPacketBuilder::new()
            .payload_type(payload_type)
            .ssrc(self.ssrc)
            .sequence(self.seq)
            .timestamp(timestamp)
            .marked(mark)
            .payload(payload)
            .build();
        self.seq = self.seq.next();
        let sealed = match (packet, stream.keys, &mut self.secret) {
            (Ok(packet), None, _) => Some(packet),
            (Ok(packet), Some(_), Some(secret)) => secret.out.seal(&packet),
            (Ok(_) | Err(_), _, _) => None,
        };
        if let Some(packet) = sealed {
            self.counters.sent += 1;
            self.transmits.push_back((stream.remote, packet.into()));
        }
    }
}

/// The static payload types of RFC 3551.
pub fn payload_type_of(codec: Law) -> u8 {
    match codec {
        Law::Mu => 0,
        Law::A => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ear::Expect;
    use super::*;

    fn pair() -> (Voice, Voice, SocketAddr, SocketAddr) {
        let (a, b) = (([127, 0, 0, 1], 4000).into(), ([127, 0, 0, 1], 5000).into());
        let mut entropy = Entropy::from_seed([3; 32]);
        let stream = |remote| Stream {
            remote,
            codec: Law::A,
            telephone_event: Some(101),
            send: true,
            keys: None,
        };
        let (mut one, mut two) =
            (Voice::new(Sound::Tone(500), None), Voice::new(Sound::Silence, None));
        one.start(Time::ZERO, stream(b), &mut entropy);
        two.start(Time::ZERO, stream(a), &mut entropy);
        (one, two, a, b)
    }

    #[test]
    fn two_voices_hear_each_others_tone_and_keys() {
        let (mut one, mut two, a, _) = pair();
        for key in "42#".chars().filter_map(Key::from_char) {
            one.press(key);
        }
        for at in 0..60_u64 {
            let now = Time::from_millis(at * 20);
            one.handle_timeout(now);
            while let Some((_, bytes)) = one.poll_transmit() {
                two.handle_packet(now, a, &bytes);
            }
        }
        let now = Time::from_millis(1_190);
        assert!(two.ear().hears(now, &Expect::Tone(500)));
        let keys: String = two.heard_keys().iter().map(|key| key.as_char()).collect();
        assert_eq!(keys, "42#");
        // Three keys of five packets, each with two more ends; audio in the rest.
        assert_eq!(one.counters().sent, 60 + 3 * 2);
    }

    #[test]
    fn a_late_driver_skips_what_it_missed() {
        let (mut one, _, _, _) = pair();
        one.handle_timeout(Time::from_millis(0));
        one.handle_timeout(Time::from_millis(100));
        assert_eq!(one.counters().sent, 6);
        one.handle_timeout(Time::from_millis(10_000));
        assert!(one.counters().sent < 10, "{:?}", one.counters());
        assert_eq!(one.poll_timeout(), Some(Time::from_millis(10_020)));
    }

    #[test]
    fn packets_from_strangers_and_garbage_are_counted_and_not_heard() {
        let (_, mut two, a, b) = pair();
        two.handle_packet(Time::ZERO, a, b"garbage");
        two.handle_packet(Time::ZERO, b, &[0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((two.counters().strange, two.counters().received), (2, 0));
    }
}
