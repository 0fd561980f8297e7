//! What a leg hears from us: packets of whatever codec and length were negotiated.

use std::sync::Arc;

use super::announcement::{Announcement, Next};
use super::bank::Clip;
use super::codec::comfort_noise::Noise;
use super::codec::{Encoder, MAX_BYTES};
use super::command::{Codec, Negotiated, OpusSettings, PlayId};
use super::rate::Rate;
use super::silence;
use crate::id::LegId;
use crate::time::Time;

/// The longest packet that we make, in milliseconds.
const LONGEST_MS: usize = 40;

/// What a leg hears.
#[derive(Debug, Clone, Default)]
pub(super) enum Hears {
    /// Silence.
    #[default]
    Nothing,
    /// Prompts, one after the other.
    Prompts(Prompts),
    /// Music: everybody who hears it hears the same place of it.
    Music(Arc<Clip>),
    /// Prompts over music.
    Announcement(Box<Announcement>),
    /// Another leg.
    Peer(LegId),
    /// The others in its room.
    Room,
}

impl Hears {
    /// The music that is heard.
    pub(super) fn music(&self) -> Option<&Arc<Clip>> {
        match self {
            Hears::Music(music) => Some(music),
            Hears::Announcement(announcement) => Some(&announcement.music),
            Hears::Nothing | Hears::Prompts(_) | Hears::Peer(_) | Hears::Room => None,
        }
    }

    /// What is played.
    pub(super) fn clips(&self) -> &[Arc<Clip>] {
        match self {
            Hears::Nothing | Hears::Peer(_) | Hears::Room => &[],
            Hears::Music(clip) => std::slice::from_ref(clip),
            Hears::Announcement(announcement) => std::slice::from_ref(&announcement.music),
            Hears::Prompts(prompts) => &prompts.clips,
        }
    }
}

/// A playback under way.
#[derive(Debug, Clone)]
pub(super) struct Prompts {
    pub(super) play: PlayId,
    clips: Vec<Arc<Clip>>,
    clip: usize,
    at_ms: usize,
}

impl Prompts {
    /// The playback of `clips`; none if there is nothing to play.
    pub(super) fn new(play: PlayId, clips: Vec<Arc<Clip>>) -> Option<Self> {
        let mut prompts = Prompts { play, clips, clip: 0, at_ms: 0 };
        prompts.skip_ended(1);
        prompts.current().is_some().then_some(prompts)
    }

    /// Adds the next samples (at 8 kHz) to others; `true` if they were the last.
    pub(super) fn add(&mut self, samples: &mut [i16]) -> bool {
        let ms = samples.len() / Rate::Narrow.samples(1);
        let mut said = [0; Rate::Narrow.samples(LONGEST_MS)];
        if let (Some(clip), Some(said)) = (self.current(), said.get_mut(..samples.len())) {
            clip.copy(self.at_ms as u64, false, said);
        }
        for (sample, said) in samples.iter_mut().zip(said) {
            *sample = sample.saturating_add(said);
        }
        self.at_ms += ms;
        self.skip_ended(ms.max(1));
        self.current().is_none()
    }

    fn current(&self) -> Option<&Arc<Clip>> {
        self.clips.get(self.clip)
    }

    fn skip_ended(&mut self, packet_ms: usize) {
        while self.current().is_some_and(|clip| self.at_ms >= clip.playing_ms(packet_ms)) {
            self.clip += 1;
            self.at_ms = 0;
        }
    }
}

/// Makes packets of a leg's codec.
#[derive(Debug)]
pub(super) struct Player {
    codec: Codec,
    packet_ms: usize,
    settings: OpusSettings,
    /// Encodes what is not encoded as the peer takes it.
    live: Option<Box<Encoder>>,
}

impl Player {
    /// A player for what was negotiated.
    pub(super) fn new(negotiated: &Negotiated) -> Self {
        let packet_ms = usize::from(negotiated.packet_ms);
        // What is ours to play is sent whether it is silent or not.
        let settings = OpusSettings { dtx: false, ..negotiated.opus };
        Player { codec: negotiated.codec, packet_ms, settings, live: None }
    }

    /// How long its packets are.
    pub(super) fn packet_ms(&self) -> usize {
        self.packet_ms
    }

    /// Whether clips are encoded as the peer takes them: its Opus may have fewer bits.
    fn suits(&self) -> bool {
        self.codec != Codec::Opus || self.settings.bit_rate_bps >= OpusSettings::BIT_RATE_BPS
    }

    /// Gets ready to play: what is not encoded yet for the peer will be while it is heard.
    pub(super) fn prepare<'a>(&mut self, clips: impl IntoIterator<Item = &'a Arc<Clip>>) {
        let suits = self.suits();
        if clips.into_iter().any(|clip| !suits || !clip.is_encoded(self.codec)) {
            self.prepare_to_mix();
        }
    }

    /// Gets ready to encode what is mixed while it is heard.
    pub(super) fn prepare_to_mix(&mut self) {
        if self.live.is_none() {
            let encoder = Encoder::new(self.codec, Rate::Narrow, self.settings);
            self.live = encoder.map(Box::new);
        }
    }

    /// Copies a packet of silence to the front of `out`; its length.
    pub(super) fn silence(&self, out: &mut [u8; MAX_BYTES]) -> usize {
        silence::copy(self.codec, self.packet_ms, out)
    }

    /// Copies a packet of noise, if the codec is G.711, else of silence; its length.
    pub(super) fn noise(&self, noise: &mut Noise, out: &mut [u8; MAX_BYTES]) -> usize {
        let Some(law) = self.codec.law() else { return self.silence(out) };
        let mut samples = [0; Rate::Narrow.samples(LONGEST_MS)];
        let samples = &mut samples[..Rate::Narrow.samples(self.packet_ms.min(LONGEST_MS))];
        noise.fill(samples);
        for (byte, sample) in out.iter_mut().zip(&*samples) {
            *byte = law.encode(*sample);
        }
        samples.len()
    }

    /// Copies the next packet of prompts; its length, and `true` if it was the last.
    pub(super) fn prompts(
        &mut self,
        prompts: &mut Prompts,
        out: &mut [u8; MAX_BYTES],
    ) -> (usize, bool) {
        let at_ms = prompts.at_ms;
        let len = match prompts.current() {
            Some(clip) => {
                let encoded =
                    self.suits().then(|| clip.packet(self.codec, at_ms, self.packet_ms, out));
                match encoded.flatten() {
                    Some(len) => len,
                    None => self.live(clip, at_ms as u64, false, out),
                }
            }
            None => self.silence(out),
        };
        prompts.at_ms += self.packet_ms;
        prompts.skip_ended(self.packet_ms);
        (len, prompts.current().is_none())
    }

    /// Copies the packet of music that everybody hears at `at`; its length.
    pub(super) fn music(&mut self, clip: &Clip, at: Time, out: &mut [u8; MAX_BYTES]) -> usize {
        let at_ms = self.place(at);
        let encoded = self.suits().then(|| clip.looped(self.codec, at_ms, self.packet_ms, out));
        match encoded.flatten() {
            Some(len) => len,
            None => self.live(clip, at_ms, true, out),
        }
    }

    /// Copies the packet of music, and of what is said over it, that is heard at `at`; its length, and what
    /// comes after it.
    pub(super) fn announcement(
        &mut self,
        announcement: &mut Announcement,
        at: Time,
        out: &mut [u8; MAX_BYTES],
    ) -> (usize, Next) {
        let mut samples = [0; Rate::Narrow.samples(LONGEST_MS)];
        let samples = &mut samples[..Rate::Narrow.samples(self.packet_ms.min(LONGEST_MS))];
        let next = announcement.fill(self.place(at), samples);
        let len = match self.live.as_mut().and_then(|encoder| encoder.encode(samples, out)) {
            Some(len) => len,
            None => self.silence(out),
        };
        (len, next)
    }

    /// Where everybody's music is at `at`, in milliseconds: in steps that every packet is as long as a
    /// multiple of, so that nobody misses or repeats a piece.
    fn place(&self, at: Time) -> u64 {
        let step = if self.packet_ms.is_multiple_of(20) { 20 } else { 10 };
        at.as_micros() / 1_000 / step * step
    }

    fn live(&mut self, clip: &Clip, at_ms: u64, looped: bool, out: &mut [u8; MAX_BYTES]) -> usize {
        let mut samples = [0; Rate::Narrow.samples(LONGEST_MS)];
        let samples = &mut samples[..Rate::Narrow.samples(self.packet_ms.min(LONGEST_MS))];
        clip.copy(at_ms, looped, samples);
        match self.live.as_mut().and_then(|encoder| encoder.encode(samples, out)) {
            Some(len) => len,
            None => self.silence(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::Law;

    fn player(codec: Codec, packet_ms: u8) -> Player {
        let remote = ([192, 0, 2, 1], 4_000).into();
        Player::new(&Negotiated { packet_ms, ..Negotiated::plain(remote, codec) })
    }

    #[test]
    fn prompts_follow_each_other_without_a_gap_and_empty_ones_are_passed_over() {
        let clip = |value: i16, len: usize| Arc::new(Clip::new(&vec![value; len]));
        let clips = vec![clip(0, 0), clip(100, 161), clip(0, 0), clip(-900, 160), clip(0, 0)];
        let mut prompts = Prompts::new(PlayId(1), clips).expect("something to play");
        let (mut player, mut out) = (player(Codec::Pcma, 20), [0; MAX_BYTES]);
        let mut heard = Vec::new();
        loop {
            let (len, last) = player.prompts(&mut prompts, &mut out);
            heard.push((out[0], out[len - 1]));
            if last {
                break;
            }
        }
        let (first, second) = (Law::A.encode(100), Law::A.encode(-900));
        assert_eq!(heard, [(first, first), (first, Law::A.silence()), (second, second)]);
        assert!(Prompts::new(PlayId(2), vec![clip(0, 0)]).is_none());
        assert!(Prompts::new(PlayId(3), vec![]).is_none());
    }

    #[test]
    fn packets_of_every_length_make_the_same_prompt() {
        let samples: Vec<i16> = (0..1_920).map(|at| at * 8).collect();
        let expected: Vec<u8> = samples.iter().map(|sample| Law::Mu.encode(*sample)).collect();
        for packet_ms in [10, 20, 30, 40] {
            let clips = vec![Arc::new(Clip::new(&samples))];
            let mut prompts = Prompts::new(PlayId(1), clips).expect("something to play");
            let (mut player, mut out) = (player(Codec::Pcmu, packet_ms), [0; MAX_BYTES]);
            let mut heard: Vec<u8> = Vec::new();
            loop {
                let (len, last) = player.prompts(&mut prompts, &mut out);
                assert_eq!(len, 8 * usize::from(packet_ms));
                heard.extend(&out[..len]);
                if last {
                    break;
                }
            }
            assert_eq!(heard, expected, "{packet_ms} ms");
        }
    }

    #[test]
    fn music_goes_on_where_it_is_for_everybody() {
        let samples: Vec<i16> = (0..800).map(|at| (at / 160) * 1_000).collect();
        let clip = Clip::new(&samples);
        let (mut one, mut other) = ([0; MAX_BYTES], [0; MAX_BYTES]);
        let mut player = player(Codec::Pcmu, 20);
        player.music(&clip, Time::from_millis(1_063), &mut one);
        player.music(&clip, Time::from_millis(1_077), &mut other);
        assert_eq!(one, other);
        assert_eq!(one[0], Law::Mu.encode(3_000));
    }

    #[test]
    fn a_peer_that_takes_fewer_bits_gets_no_more() {
        let noise = |at: u32| (at.wrapping_mul(2_654_435_761) >> 19) as i16;
        let clip = Arc::new(Clip::new(&(0..40_000).map(noise).collect::<Vec<_>>()));
        clip.encode(Codec::Opus);
        let remote = ([192, 0, 2, 1], 4_000).into();
        let heard_bps = |bit_rate_bps| {
            let opus = OpusSettings { bit_rate_bps, ..OpusSettings::default() };
            let negotiated = Negotiated { opus, ..Negotiated::plain(remote, Codec::Opus) };
            let (mut player, mut out) = (Player::new(&negotiated), [0; MAX_BYTES]);
            let mut prompts =
                Prompts::new(PlayId(1), vec![clip.clone()]).expect("something to play");
            player.prepare([&clip]);
            let packet = |_| player.prompts(&mut prompts, &mut out).0;
            let bytes: usize = (0..250).map(packet).sum();
            let music = |at| player.music(&clip, Time::from_millis(at * 20), &mut out);
            let bytes = bytes + (0..250_u64).map(music).sum::<usize>();
            bytes as u32 * 8 / 10
        };
        for most in [8_000, 12_000, 16_000] {
            let bps = heard_bps(most);
            assert!((most / 2..most * 11 / 10).contains(&bps), "{most}: {bps}");
        }
        assert!(heard_bps(OpusSettings::BIT_RATE_BPS) > 17_600);
    }

    #[test]
    fn what_is_not_encoded_yet_is_encoded_while_it_is_heard() {
        let clip = Arc::new(Clip::new(&[3_000; 1_600]));
        for codec in [Codec::G722, Codec::Opus] {
            let (mut player, mut out) = (player(codec, 20), [0; MAX_BYTES]);
            player.prepare([&clip]);
            let len = player.music(&clip, Time::from_millis(1_000), &mut out);
            let silent = player.silence(&mut [0; MAX_BYTES]);
            assert!(len > 8 && silent > 0, "{codec:?}: {len} {silent}");
            assert!(!clip.is_encoded(codec));
        }
    }
}
