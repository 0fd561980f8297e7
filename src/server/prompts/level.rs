//! From a voice's raw sound to a sound file: resampled, trimmed, at an even loudness.

use soundfile::resample::Converter;

/// The rate of the sound files: twice the telephone's, so that wideband phones gain too.
pub const SAMPLE_RATE_HZ: u32 = soundfile::WIDE_HZ;
/// The loudness of speech, pauses left out, in decibels below full scale (the level of a sine that
/// just does not clip is -3).
pub const ACTIVE_LEVEL_DBFS: f32 = -20.0;
/// The loudest sample: leaves room for codecs that overshoot.
const PEAK_DBFS: f32 = -1.5;
/// Quieter than this below the loudest 20 ms is a pause.
const PAUSE_DB: f32 = -35.0;
/// Silence that stays before and after the words, in milliseconds: words need a little air, and
/// prompts that follow one another a pause.
const AIR_MS: (usize, usize) = (40, 200);

/// The bytes of a finished WAV file (mono, 16 bits) from those of a raw one; none if there is no
/// sound in it.
pub fn finish(raw: &[u8]) -> Option<Vec<u8>> {
    let (rate, samples) = read(raw)?;
    let samples = Converter::default().convert(&samples, rate, SAMPLE_RATE_HZ).ok()?;
    let samples = even(&trim(&samples)?)?;
    write(&samples)
}

/// The rate and the samples (first channel, -1 to 1) of a WAV file. A program that writes to a pipe
/// cannot know the length, so the header's is not believed.
fn read(raw: &[u8]) -> Option<(u32, Vec<f32>)> {
    let mut raw = raw.to_vec();
    let data = raw.windows(4).take(256).position(|tag| tag == b"data")?;
    let length = u32::try_from(raw.len().checked_sub(data + 8)?).ok()? & !1;
    raw.get_mut(data + 4..data + 8)?.copy_from_slice(&length.to_le_bytes());
    let riff = u32::try_from(raw.len()).ok()?.checked_sub(8)?;
    raw.get_mut(4..8)?.copy_from_slice(&riff.to_le_bytes());
    let mut reader = hound::WavReader::new(raw.as_slice()).ok()?;
    let spec = reader.spec();
    if spec.bits_per_sample != 16 || spec.channels == 0 {
        return None;
    }
    let samples = reader
        .samples::<i16>()
        .step_by(usize::from(spec.channels))
        .map(|sample| sample.map(|sample| f32::from(sample) / 32_768.0))
        .collect::<Result<Vec<f32>, _>>()
        .ok()?;
    Some((spec.sample_rate, samples))
}

/// The power of each 20 ms.
fn powers(samples: &[f32]) -> impl Iterator<Item = f32> + '_ {
    let frame = SAMPLE_RATE_HZ as usize / 50;
    samples.chunks(frame).map(|chunk| {
        chunk.iter().map(|sample| sample * sample).sum::<f32>() / chunk.len().max(1) as f32
    })
}

/// What counts as speech; none if all is silent.
fn speech_floor(samples: &[f32]) -> Option<f32> {
    let loudest = powers(samples).fold(0.0, f32::max);
    (loudest > 1e-9).then(|| loudest * 10_f32.powf(PAUSE_DB / 10.0))
}

fn trim(samples: &[f32]) -> Option<Vec<f32>> {
    let floor = speech_floor(samples)?;
    let frame = SAMPLE_RATE_HZ as usize / 50;
    let first = powers(samples).position(|power| power >= floor)?;
    let frames = powers(samples).count();
    let last =
        frames - 1 - powers(samples).collect::<Vec<_>>().iter().rev().position(|p| *p >= floor)?;
    let per_ms = SAMPLE_RATE_HZ as usize / 1_000;
    let spoken = samples.get(first * frame..((last + 1) * frame).min(samples.len()))?;
    let air = |ms: usize| std::iter::repeat_n(0.0, ms * per_ms);
    Some(air(AIR_MS.0).chain(spoken.iter().copied()).chain(air(AIR_MS.1)).collect())
}

/// Brings speech to [`ACTIVE_LEVEL_DBFS`], or as near to it as the peak allows.
fn even(samples: &[f32]) -> Option<Vec<f32>> {
    let mean = samples.iter().sum::<f32>() / samples.len().max(1) as f32;
    let centred: Vec<f32> = samples.iter().map(|sample| sample - mean).collect();
    let floor = speech_floor(&centred)?;
    let active: Vec<f32> = powers(&centred).filter(|power| *power >= floor).collect();
    let level = (active.iter().sum::<f32>() / active.len().max(1) as f32).sqrt();
    let peak = centred.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
    let wanted = 10_f32.powf(ACTIVE_LEVEL_DBFS / 20.0) / level;
    let allowed = 10_f32.powf(PEAK_DBFS / 20.0) / peak;
    let gain = wanted.min(allowed);
    Some(centred.into_iter().map(|sample| sample * gain).collect())
}

fn write(samples: &[f32]) -> Option<Vec<u8>> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).ok()?;
    for sample in samples {
        writer.write_sample((sample * 32_767.0).round() as i16).ok()?;
    }
    writer.finalize().ok()?;
    Some(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of `seconds` with silence around it, as a program writes it to a pipe: with a length
    /// that is not true.
    fn raw(rate: u32, loudness: f32, seconds: f32) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("writes");
        let spoken = (rate as f32 * seconds) as u32;
        for at in 0..rate * 2 + spoken {
            let inside = (rate..rate + spoken).contains(&at);
            let wave = (at as f32 * 440.0 / rate as f32 * std::f32::consts::TAU).sin();
            let sample = if inside { wave * loudness } else { 0.0 };
            writer.write_sample((sample * 32_767.0) as i16).expect("writes");
        }
        writer.finalize().expect("writes");
        let mut bytes = bytes.into_inner();
        let data = bytes.windows(4).position(|tag| tag == b"data").expect("is there");
        bytes[data + 4..data + 8].copy_from_slice(&0x7fff_f000_u32.to_le_bytes());
        bytes
    }

    fn samples(wav: &[u8]) -> Vec<f32> {
        let (rate, samples) = read(wav).expect("reads");
        assert_eq!(rate, SAMPLE_RATE_HZ);
        samples
    }

    fn level_dbfs(samples: &[f32]) -> f32 {
        10.0 * (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).log10()
    }

    #[test]
    fn quiet_and_loud_voices_come_out_alike() {
        for loudness in [0.02, 0.3, 0.95] {
            let wav = finish(&raw(22_050, loudness, 1.0)).expect("has sound");
            let all = samples(&wav);
            let middle = &all[4_000..12_000];
            let level = level_dbfs(middle);
            assert!((level - ACTIVE_LEVEL_DBFS).abs() < 0.5, "{loudness}: {level}");
        }
    }

    #[test]
    fn silence_before_and_after_is_trimmed_to_a_little_air() {
        for rate in [8_000, 16_000, 22_050, 48_000] {
            let all = samples(&finish(&raw(rate, 0.5, 1.0)).expect("has sound"));
            let expected = SAMPLE_RATE_HZ as usize * (1_000 + AIR_MS.0 + AIR_MS.1) / 1_000;
            assert!(all.len().abs_diff(expected) < 800, "{rate}: {} of {expected}", all.len());
        }
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        assert!(finish(b"").is_none());
        assert!(finish(b"RIFFxxxxWAVEdata").is_none());
        assert!(finish(&raw(16_000, 0.0, 1.0)).is_none());
        assert!(finish(&raw(16_000, 0.5, 1.0)[..60]).is_none());
        assert!(finish(&[0x64, 0x61, 0x74, 0x61].repeat(50)).is_none());
    }
}
