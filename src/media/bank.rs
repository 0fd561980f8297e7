//! Prompts and music, encoded once and shared by every leg.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use soundfile::wav::Recording;

use super::codec::{Encoder, Law, MAX_BYTES};
use super::command::{Codec, OpusSettings};
use super::rate::Rate;
use super::silence;
use crate::id::PromptName;

/// Bytes of G.711 and of G.722 in a millisecond.
const BYTES_IN_MS: usize = 8;
/// Packets of the end that an encoder hears before it begins.
const WARM_UP: usize = 25;
/// The length of Opus' packets.
const OPUS_MS: usize = 20;

/// One recording: linear, and encoded for each codec. G.711 is there from the beginning; the others
/// take longer and are added by [`Clip::encode`], whenever that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    linear: Arc<[i16]>,
    /// At 16 kHz, if it was recorded with more than 8 kHz.
    wide: Option<Arc<[i16]>>,
    pcmu: Arc<[u8]>,
    pcma: Arc<[u8]>,
    g722: OnceLock<Box<[u8]>>,
    opus: OnceLock<Packets>,
}

impl From<Recording> for Clip {
    fn from(Recording { narrow, wide }: Recording) -> Self {
        Clip { wide: wide.map(Into::into), ..Clip::new(&narrow) }
    }
}

/// Packets one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Packets {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Packets {
    fn get(&self, at: usize) -> Option<&[u8]> {
        let begin = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.bytes.get(begin..*self.ends.get(at)?)
    }
}

impl Clip {
    /// A recording of 16-bit samples at 8 kHz.
    pub fn new(linear: &[i16]) -> Self {
        let encode = |law: Law| linear.iter().map(|sample| law.encode(*sample)).collect();
        Clip {
            linear: linear.into(),
            wide: None,
            pcmu: encode(Law::Mu),
            pcma: encode(Law::A),
            g722: OnceLock::new(),
            opus: OnceLock::new(),
        }
    }

    /// The same recording at 8 kHz and at 16 kHz.
    pub fn wide(narrow: &[i16], wide: &[i16]) -> Self {
        Clip { wide: Some(wide.into()), ..Clip::new(narrow) }
    }

    /// Recordings one after the other; none if there is none.
    pub fn joined(clips: &[Clip]) -> Option<Self> {
        let narrow: Vec<i16> = clips.iter().flat_map(|clip| &*clip.linear).copied().collect();
        let wide: Option<Vec<&Arc<[i16]>>> = clips.iter().map(|clip| clip.wide.as_ref()).collect();
        let joined = match wide {
            Some(wide) => {
                let wide: Vec<i16> = wide.into_iter().flat_map(|wide| &**wide).copied().collect();
                Clip::wide(&narrow, &wide)
            }
            None => Clip::new(&narrow),
        };
        (!narrow.is_empty()).then_some(joined)
    }

    /// The samples at 8 kHz.
    pub fn linear(&self) -> &[i16] {
        &self.linear
    }

    /// The samples with the most detail, and their rate.
    pub fn samples(&self) -> (&[i16], Rate) {
        match &self.wide {
            Some(wide) => (wide, Rate::Wide),
            None => (&self.linear, Rate::Narrow),
        }
    }

    /// Encodes it for a codec, unless it is. Takes a few thousandths of its length.
    pub fn encode(&self, codec: Codec) {
        match codec {
            Codec::Pcmu | Codec::Pcma => {}
            Codec::G722 => drop(self.g722.get_or_init(|| self.packets(codec).bytes.into())),
            Codec::Opus => drop(self.opus.get_or_init(|| self.packets(codec))),
        }
    }

    /// Whether it is encoded for a codec.
    pub fn is_encoded(&self, codec: Codec) -> bool {
        match codec {
            Codec::Pcmu | Codec::Pcma => true,
            Codec::G722 => self.g722.get().is_some(),
            Codec::Opus => self.opus.get().is_some(),
        }
    }

    /// In packets of 20 ms, the last one filled up with silence; none if a library refuses what it
    /// always takes.
    fn packets(&self, codec: Codec) -> Packets {
        let mut packets = Packets::default();
        // The peers whose FEC and bit rate it suits are all of them.
        let settings = OpusSettings { fec: true, ..OpusSettings::default() };
        let (samples, rate) = self.samples();
        let Some(mut encoder) = Encoder::new(codec, rate, settings) else { return packets };
        let mut frame = vec![0; rate.samples(OPUS_MS)];
        let mut payload = [0; MAX_BYTES];
        // The encoder's memory at the beginning is that of the end: where a loop begins again the
        // listener's decoder follows without a click, and a prompt ends as silent as it begins.
        let end = samples.chunks_exact(frame.len()).rev().take(WARM_UP).rev();
        for chunk in end {
            encoder.encode(chunk, &mut payload);
        }
        for chunk in samples.chunks(frame.len()) {
            let (voice, silence) = frame.split_at_mut(chunk.len());
            voice.copy_from_slice(chunk);
            silence.fill(0);
            let len = encoder.encode(&frame, &mut payload).unwrap_or(0);
            packets.bytes.extend_from_slice(payload.get(..len).unwrap_or_default());
            packets.ends.push(packets.bytes.len());
        }
        packets
    }

    /// The samples as bytes of a law.
    pub fn encoded(&self, law: Law) -> &[u8] {
        match law {
            Law::Mu => &self.pcmu,
            Law::A => &self.pcma,
        }
    }

    /// Copies the samples at 8 kHz from `at_ms` on to `out`; what is beyond the end is silence, or the
    /// beginning again.
    pub(super) fn copy(&self, at_ms: u64, looped: bool, out: &mut [i16]) {
        let begin = at_ms.saturating_mul(Rate::Narrow.samples(1) as u64);
        for (sample, at) in out.iter_mut().zip(begin..) {
            let at = if looped { at.checked_rem(self.linear.len() as u64) } else { Some(at) };
            let found = at.and_then(|at| self.linear.get(usize::try_from(at).ok()?));
            *sample = found.copied().unwrap_or(0);
        }
    }

    /// How long it takes to play in packets of `packet_ms`, in milliseconds: the last one is filled up
    /// with silence.
    pub fn playing_ms(&self, packet_ms: usize) -> usize {
        let packet = Rate::Narrow.samples(packet_ms).max(1);
        self.linear.len().div_ceil(packet) * packet_ms
    }

    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        let micros = self.linear.len() as u64 * 1_000_000 / u64::from(Rate::Narrow.hz());
        Duration::from_micros(micros)
    }

    /// Copies the packet that begins `at_ms` after the beginning to the front of `out`, `packet_ms` of
    /// it (Opus' are always 20 ms), and returns its length; what is beyond the end is silence. None
    /// if it is not encoded yet.
    pub(super) fn packet(
        &self,
        codec: Codec,
        at_ms: usize,
        packet_ms: usize,
        out: &mut [u8; MAX_BYTES],
    ) -> Option<usize> {
        let Some(bytes) = self.bytes(codec) else {
            let packet = self.opus.get()?.get(at_ms / OPUS_MS).unwrap_or_default();
            return copy(packet, out);
        };
        let room = out.get_mut(..BYTES_IN_MS * packet_ms)?;
        let rest = bytes?.get(BYTES_IN_MS * at_ms..).unwrap_or_default();
        let (voice, silence) = room.split_at_mut(rest.len().min(BYTES_IN_MS * packet_ms));
        voice.copy_from_slice(rest.get(..voice.len())?);
        silence::fill(codec, silence);
        Some(BYTES_IN_MS * packet_ms)
    }

    /// The same of the endless loop.
    pub(super) fn looped(
        &self,
        codec: Codec,
        at_ms: u64,
        packet_ms: usize,
        out: &mut [u8; MAX_BYTES],
    ) -> Option<usize> {
        let Some(bytes) = self.bytes(codec) else {
            let packets = self.opus.get()?;
            let at = (at_ms / OPUS_MS as u64).checked_rem(packets.ends.len() as u64)?;
            return copy(packets.get(at as usize)?, out);
        };
        let bytes = bytes?;
        let mut from = (at_ms * BYTES_IN_MS as u64).checked_rem(bytes.len() as u64)? as usize;
        let mut rest = out.get_mut(..BYTES_IN_MS * packet_ms)?;
        while !rest.is_empty() {
            let len = rest.len().min(bytes.len() - from);
            let (now, later) = rest.split_at_mut(len);
            now.copy_from_slice(&bytes[from..from + len]);
            rest = later;
            from = 0;
        }
        Some(BYTES_IN_MS * packet_ms)
    }

    /// The bytes of a codec that has as many in each millisecond; inside, none if they are not there
    /// yet.
    fn bytes(&self, codec: Codec) -> Option<Option<&[u8]>> {
        match codec {
            Codec::Pcmu => Some(Some(&self.pcmu)),
            Codec::Pcma => Some(Some(&self.pcma)),
            Codec::G722 => Some(self.g722.get().map(|bytes| &bytes[..])),
            Codec::Opus => None,
        }
    }
}

fn copy(packet: &[u8], out: &mut [u8; MAX_BYTES]) -> Option<usize> {
    out.get_mut(..packet.len())?.copy_from_slice(packet);
    Some(packet.len())
}

/// Every recording by name: `main/welcome` is `sounds/<language>/main/welcome.wav`, `music/hold` is
/// `sounds/music/hold.wav`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bank {
    clips: BTreeMap<PromptName, Arc<Clip>>,
}

impl Bank {
    /// An empty bank: every prompt is missing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over from `older` what this one does not have: calls that began with older flows still
    /// play it.
    pub fn keep(&mut self, older: &Bank) {
        for (name, clip) in &older.clips {
            self.clips.entry(name.clone()).or_insert_with(|| clip.clone());
        }
    }

    /// Adds a recording, replacing one of the same name. What sounds like another is kept once: flows
    /// say the same words in many places.
    pub fn insert(&mut self, name: PromptName, clip: Clip) {
        let same = self.clips.values().find(|other| other.samples() == clip.samples());
        let clip = same.cloned().unwrap_or_else(|| Arc::new(clip));
        self.clips.insert(name, clip);
    }

    /// The recording of that name.
    pub fn get(&self, name: &PromptName) -> Option<&Arc<Clip>> {
        self.clips.get(name)
    }

    /// All recordings in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&PromptName, &Arc<Clip>)> {
        self.clips.iter()
    }

    /// How many recordings there are.
    pub fn len(&self) -> usize {
        self.clips.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }
}

impl FromIterator<(PromptName, Clip)> for Bank {
    fn from_iter<I: IntoIterator<Item = (PromptName, Clip)>>(clips: I) -> Self {
        let mut bank = Bank::new();
        clips.into_iter().for_each(|(name, clip)| bank.insert(name, clip));
        bank
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::{Decoder, MAX_SAMPLES};

    #[test]
    fn the_last_packet_is_filled_up_with_silence() {
        let clip = Clip::new(&[1_000; 200]);
        assert_eq!(clip.duration(), Duration::from_millis(25));
        assert_eq!([10, 20, 30, 40].map(|ms| clip.playing_ms(ms)), [30, 40, 30, 40]);
        let mut out = [0; MAX_BYTES];
        assert_eq!(clip.packet(Codec::Pcma, 20, 20, &mut out), Some(160));
        assert_eq!(out[..40], [Law::A.encode(1_000); 40]);
        assert_eq!(out[40..160], [Law::A.silence(); 120]);
        assert_eq!(clip.packet(Codec::Pcma, 40, 20, &mut out), Some(160));
        assert_eq!(out[..160], [Law::A.silence(); 160]);
    }

    #[test]
    fn what_sounds_the_same_is_kept_once() {
        let narrow = [7; 160];
        let clips = [
            ("main/bye", Clip::new(&narrow)),
            ("tax/bye", Clip::new(&narrow)),
            ("waste/bye", Clip::wide(&narrow, &[7; 320])),
            ("waste/hello", Clip::new(&[8; 160])),
        ];
        let bank: Bank = clips.into_iter().map(|(name, clip)| (name.into(), clip)).collect();
        let clip = |name: &str| bank.get(&name.into()).expect("there");
        assert!(Arc::ptr_eq(clip("main/bye"), clip("tax/bye")));
        assert!(!Arc::ptr_eq(clip("main/bye"), clip("waste/bye")), "one is wideband");
        assert!(!Arc::ptr_eq(clip("main/bye"), clip("waste/hello")));
        assert_eq!(bank.len(), 4);
    }

    #[test]
    fn a_loop_has_no_seam() {
        let samples: Vec<i16> = (0..72).map(|at| at * 300).collect();
        let clip = Clip::new(&samples);
        let mut out = [0; MAX_BYTES];
        assert_eq!(clip.looped(Codec::Pcmu, 7 * 20, 20, &mut out), Some(160));
        for (at, byte) in out[..160].iter().enumerate() {
            assert_eq!(*byte, Law::Mu.encode(samples[(7 * 160 + at) % 72]));
        }
        assert_eq!(Clip::new(&[]).looped(Codec::Pcmu, 5, 20, &mut out), None);
    }

    #[test]
    fn what_is_encoded_later_sounds_like_the_recording_from_any_place_on() {
        let tone = |rate: Rate| -> Vec<i16> {
            let turn = 1_000.0 * std::f64::consts::TAU / f64::from(rate.hz());
            (0..rate.hz()).map(|at| ((f64::from(at) * turn).sin() * 8_000.0) as i16).collect()
        };
        let clip = Clip::wide(&tone(Rate::Narrow), &tone(Rate::Wide));
        let mut out = [0; MAX_BYTES];
        for codec in [Codec::G722, Codec::Opus] {
            assert!(!clip.is_encoded(codec));
            assert_eq!(clip.packet(codec, 0, 20, &mut out), None);
            clip.encode(codec);
            let mut decoder = Decoder::new(codec, Rate::Wide).expect("a decoder");
            let (mut room, mut power) = ([0; MAX_SAMPLES], 0.0);
            for at in 10..60 {
                let len = clip.looped(codec, at * 20, 20, &mut out).expect("encoded");
                let heard = decoder.decode(&out[..len], &mut room).expect("decodes");
                assert_eq!(heard, 320, "{codec:?}");
                if at >= 20 {
                    power += room[..heard].iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
                }
            }
            let db = 10.0 * (power / f64::from(40 * 320) / 3.2e7).log10();
            assert!(db.abs() < 1.0, "{codec:?}: {db:.1} dB");
        }
    }
}
