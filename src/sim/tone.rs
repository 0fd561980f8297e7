//! Sound as arithmetic: G.711 both laws, sine tones, and Goertzel's measure of one frequency.

use std::f64::consts::TAU;

use crate::media::command::Key;

/// Samples in a second of telephone audio.
pub const RATE_HZ: u32 = 8_000;
/// Samples in a 20 ms packet.
pub const PACKET_SAMPLES: u32 = 160;
/// The amplitude of tones that phones send: about -9 dBm0.
pub const AMPLITUDE: f64 = 8_000.0;

/// What a phone sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sound {
    /// Packets of silence.
    Silence,
    /// A sine tone, in hertz.
    Tone(u32),
    /// These samples at 8 kHz, once, and silence after them.
    Speech(&'static [i16]),
    /// No packets at all: a dead microphone or a one-way network.
    Dead,
}

impl Sound {
    /// The sample at position `at` of the sound.
    pub fn sample(self, at: u64) -> i16 {
        match self {
            Sound::Silence | Sound::Dead => 0,
            Sound::Speech(samples) => {
                let at = usize::try_from(at).ok();
                at.and_then(|at| samples.get(at)).copied().unwrap_or(0)
            }
            Sound::Tone(hz) => {
                // The phase is reduced in whole numbers, so that it stays exact for ever.
                let turn = (at * u64::from(hz)) % u64::from(RATE_HZ);
                ((turn as f64 / f64::from(RATE_HZ) * TAU).sin() * AMPLITUDE) as i16
            }
        }
    }
}

/// The sample at position `at` of a key's two tones (ITU-T Q.23).
pub fn of_key(key: Key, at: u64) -> i16 {
    let place = "123A456B789C*0#D".find(key.as_char()).unwrap_or(0);
    let (low, high) = ([697, 770, 852, 941][place / 4], [1_209, 1_336, 1_477, 1_633][place % 4]);
    Sound::Tone(low).sample(at) / 2 + Sound::Tone(high).sample(at) / 2
}

/// One of G.711's two laws, as a phone names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// mu-law.
    Mu,
    /// A-law.
    A,
}

/// Encodes one sample.
pub fn encode(codec: Law, sample: i16) -> u8 {
    match codec {
        Law::Mu => encode_mu(sample),
        Law::A => encode_a(sample),
    }
}

/// Decodes one byte.
pub fn decode(codec: Law, byte: u8) -> i16 {
    match codec {
        Law::Mu => decode_mu(byte),
        Law::A => decode_a(byte),
    }
}

const MU_BIAS: i32 = 0x84;

fn encode_mu(sample: i16) -> u8 {
    let (sign, magnitude) =
        if sample < 0 { (0x80, -i32::from(sample)) } else { (0, sample.into()) };
    let biased = magnitude.min(32_635) + MU_BIAS;
    let exponent = (31 - biased.leading_zeros() as i32 - 7).clamp(0, 7);
    let mantissa = (biased >> (exponent + 3)) & 0x0f;
    !((sign | (exponent << 4) | mantissa) as u8)
}

fn decode_mu(byte: u8) -> i16 {
    let bits = i32::from(!byte);
    let magnitude = ((((bits & 0x0f) << 3) + MU_BIAS) << ((bits & 0x70) >> 4)) - MU_BIAS;
    (if bits & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

fn encode_a(sample: i16) -> u8 {
    let scaled = i32::from(sample) >> 3;
    let (mask, magnitude) = if scaled >= 0 { (0xd5, scaled) } else { (0x55, -scaled - 1) };
    let segment = (32 - (magnitude >> 5).leading_zeros() as i32).min(7);
    let mantissa = if segment < 2 { magnitude >> 1 } else { magnitude >> segment } & 0x0f;
    ((segment << 4) | mantissa) as u8 ^ mask
}

fn decode_a(byte: u8) -> i16 {
    let bits = i32::from(byte ^ 0x55);
    let mantissa = (bits & 0x0f) << 4;
    let magnitude = match (bits & 0x70) >> 4 {
        0 => mantissa + 8,
        1 => mantissa + 0x108,
        segment => (mantissa + 0x108) << (segment - 1),
    };
    (if bits & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

/// Root mean square of samples; 0 for none.
pub fn level(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let energy: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    (energy / samples.len() as f64).sqrt()
}

/// How much of the samples' energy lies at `hz`: 1.0 for a pure tone, near 0 for anything else.
pub fn share(samples: &[i16], hz: f64, rate_hz: u32) -> f64 {
    let energy: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    if energy == 0.0 {
        return 0.0;
    }
    let turn = 2.0 * (TAU * hz / f64::from(rate_hz)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (f64::from(*sample) + turn * last - before, last);
    }
    let power = last * last + before * before - turn * last * before;
    (2.0 * power / (energy * samples.len() as f64)).min(1.0)
}

/// The strongest frequency between 100 Hz and 3.6 kHz to within a few hertz, and its share of the
/// energy; none for silence or less than 20 ms.
pub fn dominating(samples: &[i16], rate_hz: u32) -> Option<(f64, f64)> {
    if samples.len() < (rate_hz / 50) as usize || level(samples) < 20.0 {
        return None;
    }
    // A bin is as wide as the rate over the length; half of it never misses a peak.
    let step = (f64::from(rate_hz) / samples.len() as f64 / 2.0).clamp(1.0, 20.0);
    let strongest = |from: f64, to: f64, step: f64| {
        let mut best = (from, 0.0);
        let mut hz = from;
        while hz <= to {
            let found = share(samples, hz, rate_hz);
            if found > best.1 {
                best = (hz, found);
            }
            hz += step;
        }
        best
    };
    let (coarse, _) = strongest(100.0, 3_600.0, step);
    Some(strongest(coarse - step, coarse + step, step / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_both_laws_survives_decoding_and_encoding() {
        for codec in [Law::Mu, Law::A] {
            for byte in 0..=255_u8 {
                let sample = decode(codec, byte);
                // Mu-law has two zeros; both decode to 0.
                let again = encode(codec, sample);
                assert!(again == byte || decode(codec, again) == sample, "{codec:?} {byte}");
            }
        }
    }

    #[test]
    fn the_laws_agree_with_the_values_of_g_711() {
        assert_eq!((decode_mu(0xff), decode_mu(0x00), decode_mu(0x80)), (0, -32_124, 32_124));
        assert_eq!((decode_a(0xd5), decode_a(0x55), decode_a(0xaa)), (8, -8, 32_256));
        assert_eq!((encode_mu(0), encode_a(0)), (0xff, 0xd5));
        assert_eq!((encode_mu(i16::MIN), encode_a(i16::MIN)), (0x00, 0x2a));
        assert_eq!((encode_mu(i16::MAX), encode_a(i16::MAX)), (0x80, 0xaa));
    }

    #[test]
    fn a_tone_is_told_from_another_and_from_silence() {
        for codec in [Law::Mu, Law::A] {
            let heard: Vec<i16> = (0..1600)
                .map(|at| decode(codec, encode(codec, Sound::Tone(440).sample(at))))
                .collect();
            assert!(share(&heard, 440.0, RATE_HZ) > 0.95);
            assert!(share(&heard, 620.0, RATE_HZ) < 0.05);
            let (hz, share) = dominating(&heard, RATE_HZ).expect("a tone");
            assert!((hz - 440.0).abs() < 3.0 && share > 0.95, "{hz} {share}");
        }
        assert_eq!(dominating(&[0; 1600], RATE_HZ), None);
    }
}
