//! WAV files of two channels (RIFF, "Multimedia Programming Interface and Data Specifications 1.0"):
//! G.711 as it came from the wire, with no step between, and 16-bit samples where a codec is wider. The
//! header says at every moment how much has
//! been written, so that a file whose writer died opens.

use std::borrow::Cow;

use crate::media::codec::{Decoder, Law, MAX_SAMPLES};
use crate::media::command::Codec;
use crate::media::rate::Rate;

/// Channels: the caller on the left, what the caller hears on the right.
pub const CHANNELS: u16 = 2;
/// Bytes in front of the samples.
pub const HEADER: usize = 58;

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// G.711 mu-law at 8 kHz, WAVE format 7.
    MuLaw,
    /// G.711 A-law at 8 kHz, WAVE format 6.
    #[default]
    ALaw,
    /// 16-bit linear at 16 kHz, WAVE format 1.
    Linear,
}

/// Why bytes are not a recording of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// Not such a header.
    #[error("this is not the header of a recording")]
    NotARecording,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 3] = [Format::MuLaw, Format::ALaw, Format::Linear];

    /// What suits a codec, so that its packets are written as they are.
    pub fn of(codec: Codec) -> Format {
        match codec {
            Codec::Pcmu => Format::MuLaw,
            Codec::Pcma => Format::ALaw,
            Codec::G722 | Codec::Opus => Format::Linear,
        }
    }

    /// What a packet says in this format, if a table is enough: nothing that came before it is needed.
    pub fn translated(self, codec: Codec, payload: &[u8]) -> Option<Cow<'_, [u8]>> {
        let (from, to) = codec.law().zip(self.law())?;
        Some(match from.table_to(to) {
            None => Cow::Borrowed(payload),
            Some(table) => payload.iter().map(|byte| table[usize::from(*byte)]).collect(),
        })
    }

    fn law(self) -> Option<Law> {
        match self {
            Format::MuLaw => Some(Law::Mu),
            Format::ALaw => Some(Law::A),
            Format::Linear => None,
        }
    }

    /// Its name in manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::MuLaw => "pcmu",
            Format::ALaw => "pcma",
            Format::Linear => "l16",
        }
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The rate of its samples.
    pub const fn rate(self) -> Rate {
        match self {
            Format::MuLaw | Format::ALaw => Rate::Narrow,
            Format::Linear => Rate::Wide,
        }
    }

    /// Samples in a second.
    pub const fn rate_hz(self) -> u32 {
        self.rate().hz()
    }

    /// Bytes of a sample of one channel.
    pub const fn sample_bytes(self) -> usize {
        match self {
            Format::MuLaw | Format::ALaw => 1,
            Format::Linear => 2,
        }
    }

    /// A sample of silence.
    pub fn silence(self) -> &'static [u8] {
        match self {
            Format::MuLaw => &[0xff],
            Format::ALaw => &[0xd5],
            Format::Linear => &[0, 0],
        }
    }

    /// Samples as 16-bit linear.
    pub fn linear(self, samples: &[u8]) -> Vec<i16> {
        match self.law() {
            Some(law) => samples.iter().map(|byte| law.decode(*byte)).collect(),
            None => {
                samples.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
            }
        }
    }

    /// The WAVE format's number.
    const fn tag(self) -> u16 {
        match self {
            Format::ALaw => 6,
            Format::MuLaw => 7,
            Format::Linear => 1,
        }
    }

    /// The header of a file with so many bytes of samples.
    pub fn header(self, bytes: u64) -> [u8; HEADER] {
        let frame = CHANNELS * self.sample_bytes() as u16;
        let data = u32::try_from(bytes).unwrap_or(u32::MAX - HEADER as u32);
        let rate = self.rate_hz();
        let mut header = Vec::with_capacity(HEADER);
        header.extend(b"RIFF");
        header.extend((data + HEADER as u32 - 8).to_le_bytes());
        header.extend(b"WAVEfmt ");
        header.extend(18_u32.to_le_bytes());
        header.extend(self.tag().to_le_bytes());
        header.extend(CHANNELS.to_le_bytes());
        header.extend(rate.to_le_bytes());
        header.extend((rate * u32::from(frame)).to_le_bytes());
        header.extend(frame.to_le_bytes());
        header.extend((self.sample_bytes() as u16 * 8).to_le_bytes());
        header.extend(0_u16.to_le_bytes());
        // Needed for everything that is not PCM: how many samples each channel has.
        header.extend(b"fact");
        header.extend(4_u32.to_le_bytes());
        header.extend((data / u32::from(frame)).to_le_bytes());
        header.extend(b"data");
        header.extend(data.to_le_bytes());
        let mut bytes = [0; HEADER];
        bytes.copy_from_slice(&header);
        bytes
    }

    /// Reads a header that [`Format::header`] wrote: the format, and how many bytes of samples it says.
    pub fn read(header: &[u8]) -> Result<(Format, u64), WavError> {
        let header = header.get(..HEADER).ok_or(WavError::NotARecording)?;
        let found = Format::ALL.into_iter().find_map(|format| {
            let data = header.get(HEADER - 4..)?.try_into().ok().map(u32::from_le_bytes)?;
            (format.header(data.into()) == header).then_some((format, data.into()))
        });
        found.ok_or(WavError::NotARecording)
    }
}

/// Turns the packets of one side into samples of a format, in order.
#[derive(Debug)]
pub struct Voicer {
    format: Format,
    /// For whatever is not a table's work.
    decoder: Option<Decoder>,
}

impl Voicer {
    /// One that has heard nothing yet.
    pub fn new(format: Format) -> Voicer {
        Voicer { format, decoder: None }
    }

    /// The next packet's samples; nothing if it cannot be decoded.
    pub fn voice(&mut self, codec: Codec, payload: &[u8]) -> Vec<u8> {
        if let Some(samples) = self.format.translated(codec, payload) {
            return samples.into_owned();
        }
        if self.decoder.as_ref().is_none_or(|decoder| decoder.codec() != codec) {
            self.decoder = Decoder::new(codec, self.format.rate());
        }
        let mut samples = [0; MAX_SAMPLES];
        let decoder = self.decoder.as_mut();
        let count = decoder.and_then(|decoder| decoder.decode(payload, &mut samples));
        let samples = samples.get(..count.unwrap_or(0)).unwrap_or_default();
        match self.format.law() {
            Some(law) => samples.iter().map(|sample| law.encode(*sample)).collect(),
            None => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_it_was_made_of_and_nothing_else_is_one() {
        for format in Format::ALL {
            let header = format.header(32_000);
            assert_eq!(Format::read(&header), Ok((format, 32_000)));
            assert_eq!(Format::named(format.as_str()), Some(format));
            for at in 0..HEADER - 4 {
                let mut damaged = header;
                damaged[at] ^= 0x40;
                assert_eq!(Format::read(&damaged), Err(WavError::NotARecording), "byte {at}");
            }
            assert_eq!(Format::read(&header[..57]), Err(WavError::NotARecording));
        }
    }

    #[test]
    fn a_packet_of_the_files_law_is_written_as_it_is_and_of_the_other_translated() {
        let payload: Vec<u8> = (0..=255).collect();
        let mut voicer = Voicer::new(Format::ALaw);
        assert_eq!(voicer.voice(Codec::Pcma, &payload), payload);
        let there = voicer.voice(Codec::Pcmu, &payload);
        for (byte, turned) in payload.iter().zip(there) {
            let off = i32::from(Law::Mu.decode(*byte)) - i32::from(Law::A.decode(turned));
            assert!(off.abs() <= 1_024, "{byte}: off by {off}");
        }
        let silence = Format::MuLaw.linear(Format::MuLaw.silence());
        assert_eq!(silence, [0]);
        let linear = [i16::MIN, -1, 0, 1, i16::MAX];
        let bytes: Vec<u8> = linear.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(Format::Linear.linear(&bytes), linear);
    }

    #[test]
    fn wide_voice_keeps_its_tone_and_its_level_in_every_format() {
        // 1 kHz at 16 kHz, as G.722.
        let tone = |at: usize| (at as f64 * std::f64::consts::TAU / 16.0).sin() * 8_000.0;
        let samples: Vec<i16> = (0..16_000).map(|at| tone(at) as i16).collect();
        let settings = crate::media::codec::OpusSettings::default();
        for codec in [Codec::G722, Codec::Opus] {
            let encoder = crate::media::codec::Encoder::new(codec, Rate::Wide, settings);
            let mut encoder = encoder.expect("an encoder");
            for format in Format::ALL {
                let (mut voicer, mut out) = (Voicer::new(format), Vec::new());
                for frame in samples.chunks(320) {
                    let mut packet = [0; 1_500];
                    let len = encoder.encode(frame, &mut packet).expect("encodes");
                    out.extend(voicer.voice(codec, &packet[..len]));
                }
                let linear = format.linear(&out);
                assert_eq!(linear.len(), format.rate_hz() as usize);
                let (rate, half) = (f64::from(format.rate_hz()), linear.len() / 2);
                let (mut re, mut im, mut energy) = (0.0, 0.0, 0.0);
                for (at, sample) in linear[half..].iter().enumerate() {
                    let (angle, sample) =
                        (at as f64 * std::f64::consts::TAU * 1_000.0 / rate, f64::from(*sample));
                    re += sample * angle.cos();
                    im += sample * angle.sin();
                    energy += sample * sample;
                }
                let tone = (re * re + im * im) * 2.0 / half as f64;
                assert!(tone / energy > 0.99, "{codec:?} {format:?}: {}", tone / energy);
                let level = (energy / half as f64).sqrt();
                assert!((5_000.0..6_300.0).contains(&level), "{codec:?} {format:?}: {level}");
            }
        }
    }
}
