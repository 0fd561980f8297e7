//! WAV files as recordings: any rate, one or two channels, 8, 16, 24 or 32 bits.

use std::io::Cursor;

use hound::{SampleFormat, WavReader};

use crate::resample::{Converter, UnusableRate, to_16_bits};
use crate::{NARROW_HZ, WIDE_HZ};

/// Longest recording, in seconds: what is longer is a mistake, not a prompt.
pub const MAX_SECONDS: u32 = 1_800;

/// Why a file is not a recording that we can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// Not a WAV file at all.
    #[error("it is not a WAV file, or its header is damaged")]
    NotWav,
    /// Compressed, or in a format that nobody reads.
    #[error("its samples are compressed")]
    Compressed,
    /// Fewer samples than the header says.
    #[error("it is cut short")]
    CutShort,
    /// More than two channels.
    #[error("it has {0} channels")]
    Channels(u16),
    /// A sample size that is not read.
    #[error("its samples have {0} bits")]
    Bits(u16),
    /// A rate that cannot be brought to 8 kHz.
    #[error(transparent)]
    Rate(#[from] UnusableRate),
    /// No samples.
    #[error("it is empty")]
    Empty,
    /// Longer than half an hour.
    #[error("it lasts {0} s")]
    TooLong(u32),
}

impl WavError {
    /// What would be right, as a sentence for people.
    pub const fn remedy(self) -> &'static str {
        match self {
            WavError::NotWav | WavError::Compressed | WavError::Bits(_) => {
                "save it as WAV with 16-bit PCM samples"
            }
            WavError::CutShort => "copy or render it again",
            WavError::Channels(_) => "save it with one channel (mono) or two (stereo)",
            WavError::Rate(_) => "save it at 8, 16, 22.05, 44.1 or 48 kHz",
            WavError::Empty => "record or render it again; for silence, a second of zeros",
            WavError::TooLong(_) => "cut it to at most half an hour",
        }
    }
}

/// A recording, mixed down to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// At 8 kHz.
    pub narrow: Vec<i16>,
    /// At 16 kHz, if it was recorded with more than 8 kHz.
    pub wide: Option<Vec<i16>>,
}

/// Reads a WAV file's bytes; the converter is the same for many files.
pub fn read(bytes: &[u8], converter: &mut Converter) -> Result<Recording, WavError> {
    let reader = WavReader::new(Cursor::new(bytes)).map_err(|error| match error {
        hound::Error::Unsupported => WavError::Compressed,
        hound::Error::IoError(_)
        | hound::Error::FormatError(_)
        | hound::Error::TooWide
        | hound::Error::UnfinishedSample
        | hound::Error::InvalidSampleFormat => WavError::NotWav,
    })?;
    let spec = reader.spec();
    if !matches!(spec.channels, 1 | 2) {
        return Err(WavError::Channels(spec.channels));
    }
    let seconds = reader.duration() / spec.sample_rate.max(1);
    if seconds > MAX_SECONDS {
        return Err(WavError::TooLong(seconds));
    }
    let samples: Result<Vec<f32>, _> = match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Int, bits @ (8 | 16 | 24 | 32)) => {
            let full_scale = 2f32.powi(i32::from(bits) - 1);
            let samples = reader.into_samples::<i32>();
            samples.map(|sample| sample.map(|sample| sample as f32 / full_scale)).collect()
        }
        (SampleFormat::Float, 32) => reader.into_samples::<f32>().collect(),
        (SampleFormat::Int | SampleFormat::Float, bits) => return Err(WavError::Bits(bits)),
    };
    let samples = samples.map_err(|_| WavError::CutShort)?;
    if samples.is_empty() {
        return Err(WavError::Empty);
    }
    let mono = match spec.channels {
        1 => samples,
        _ => samples
            .chunks_exact(2)
            .map(|frame| frame.iter().sum::<f32>() / frame.len() as f32)
            .collect(),
    };
    let mut at = |rate_hz| {
        converter.convert(&mono, spec.sample_rate, rate_hz).map(|samples| to_16_bits(&samples))
    };
    let narrow = at(NARROW_HZ)?;
    let wide = (spec.sample_rate > NARROW_HZ).then(|| at(WIDE_HZ)).transpose()?;
    Ok(Recording { narrow, wide })
}

#[cfg(test)]
mod tests {
    use hound::{WavSpec, WavWriter};
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Recording, WavError> {
        super::read(bytes, &mut Converter::default())
    }

    fn wav(channels: u16, rate_hz: u32, bits: u16, samples: &[i32]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let spec = WavSpec {
            channels,
            sample_rate: rate_hz,
            bits_per_sample: bits,
            sample_format: SampleFormat::Int,
        };
        let mut writer = WavWriter::new(&mut bytes, spec).expect("a writer");
        for sample in samples {
            writer.write_sample(*sample).expect("a sample");
        }
        writer.finalize().expect("finished");
        bytes.into_inner()
    }

    #[test]
    fn every_sample_size_comes_out_at_the_same_level() {
        for (bits, half) in [(8, 64), (16, 16_384), (24, 4_194_304), (32, 1_073_741_824)] {
            let recording = read(&wav(1, 8_000, bits, &[half, -half, 0])).expect("reads");
            assert_eq!(recording.narrow, [16_384, -16_384, 0], "{bits} bits");
        }
    }

    #[test]
    fn stereo_is_mixed_down_and_other_rates_are_resampled() {
        let recording = read(&wav(2, 8_000, 16, &[1_000, 3_000, -500, 500])).expect("reads");
        assert_eq!(recording.narrow, [2_000, 0]);
        let recording = read(&wav(1, 22_050, 16, &vec![1_000; 22_050])).expect("reads");
        assert_eq!(recording.narrow.len(), 8_000);
        assert!((recording.narrow[4_000] - 1_000).abs() <= 2, "{}", recording.narrow[4_000]);
    }

    #[test]
    fn what_cannot_be_played_is_refused_with_its_reason() {
        assert_eq!(read(b"not a wav file"), Err(WavError::NotWav));
        assert_eq!(read(&wav(3, 8_000, 16, &[0; 6])), Err(WavError::Channels(3)));
        assert_eq!(read(&wav(1, 8_000, 16, &[])), Err(WavError::Empty));
        assert_eq!(
            read(&wav(1, 100, 16, &[0; 9])),
            Err(WavError::Rate(UnusableRate { rate_hz: 100 }))
        );
        let mut cut = wav(1, 8_000, 16, &[0; 90]);
        cut.truncate(cut.len() - 20);
        assert_eq!(read(&cut), Err(WavError::CutShort));
        let mut law = wav(1, 8_000, 16, &[0; 90]);
        law[20] = 7;
        assert_eq!(read(&law), Err(WavError::Compressed));
    }

    proptest! {
        #[test]
        fn damaged_files_are_refused_and_never_panic(
            at in 0usize..100, to: u8, len in 0usize..200,
        ) {
            let mut bytes = wav(2, 8_000, 16, &[100; 60]);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            bytes.truncate(len);
            let _ = read(&bytes);
        }
    }
}
