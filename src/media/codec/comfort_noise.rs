//! Comfort noise (RFC 3389): a description of the noise behind a voice, read, measured, and made into
//! noise again.

/// Reflection coefficients that are used of a description, and written: telephony's noise has no
/// sharper edges than ten tell.
pub const ORDER: usize = 10;
/// The longest description that we write, in bytes.
pub const MAX_LEN: usize = 1 + ORDER;
/// The faintest level there is, in -dBov.
const FAINTEST: u8 = 127;

/// How noise sounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Description {
    /// How loud, in decibels below overload.
    level: u8,
    /// How its spectrum is shaped; zeros are white.
    reflections: [f32; ORDER],
}

impl Description {
    /// White noise at `level` dB below overload.
    pub const fn white(level: u8) -> Self {
        Description { level, reflections: [0.0; ORDER] }
    }

    /// Reads a payload (section 3); none if it is empty. Coefficients beyond [`ORDER`] are left out.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let (level, coefficients) = payload.split_first()?;
        let mut reflections = [0.0; ORDER];
        for (to, from) in reflections.iter_mut().zip(coefficients) {
            // Section 3.2. The highest value is not used; taken at its word it would ring for ever.
            *to = f32::from(258 * (i16::from((*from).min(254)) - 127)) / 32_768.0;
        }
        Some(Description { level: level & 0x7f, reflections })
    }

    /// Writes the payload to the front of `out`; its length.
    pub fn write(&self, out: &mut [u8; MAX_LEN]) -> usize {
        let [level, coefficients @ ..] = out;
        *level = self.level;
        for (to, from) in coefficients.iter_mut().zip(self.reflections) {
            *to = (from * 32_768.0 / 258.0 + 127.0).round() as u8;
        }
        // White noise, and whatever ends like it, needs no coefficients (section 3).
        let shaped = coefficients.iter().rposition(|c| *c != 127).map_or(0, |last| last + 1);
        1 + shaped
    }

    /// Decibels below overload.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Describes what `samples` sound like: at least 10 ms of noise.
    pub fn measure(samples: &[i16]) -> Self {
        let mut correlation = [0.0f32; ORDER + 1];
        for (lag, sum) in correlation.iter_mut().enumerate() {
            let later = samples.get(lag..).unwrap_or_default();
            *sum = later.iter().zip(samples).map(|(a, b)| f32::from(*a) * f32::from(*b)).sum();
        }
        let power = correlation[0] / samples.len().max(1) as f32;
        if power < 1e-3 {
            return Description::white(FAINTEST);
        }
        let level = -10.0 * (power / 32_768.0f32.powi(2)).log10();
        // A little white noise under it keeps the recursion sound.
        correlation[0] *= 1.0001;
        let level = level.round().clamp(0.0, f32::from(FAINTEST)) as u8;
        Description { level, reflections: reflections(&correlation) }
    }
}

/// The Levinson-Durbin recursion.
fn reflections(correlation: &[f32; ORDER + 1]) -> [f32; ORDER] {
    let mut reflections = [0.0f32; ORDER];
    let mut predictor = [0.0f32; ORDER];
    let mut error = correlation[0];
    for order in 0..ORDER {
        let known: f32 = (0..order).map(|at| predictor[at] * correlation[order - at]).sum();
        let reflection = -(correlation[order + 1] + known) / error;
        if !reflection.is_finite() || reflection.abs() >= 0.99 {
            break;
        }
        let before = predictor;
        for at in 0..order {
            predictor[at] = before[at] + reflection * before[order - 1 - at];
        }
        predictor[order] = reflection;
        reflections[order] = reflection;
        error *= 1.0 - reflection * reflection;
    }
    reflections
}

/// Makes noise as described.
#[derive(Debug, Clone)]
pub struct Noise {
    gain: f32,
    reflections: [f32; ORDER],
    /// The lattice filter's memory.
    memory: [f32; ORDER],
    random: u32,
}

impl Noise {
    /// Noise as `description` says; another `seed` is other noise of the same sound.
    pub fn new(description: &Description, seed: u32) -> Self {
        let (reflections, memory) = ([0.0; ORDER], [0.0; ORDER]);
        let mut noise = Noise { gain: 0.0, reflections, memory, random: seed };
        noise.describe(description);
        noise
    }

    /// Goes on as another description says.
    pub fn describe(&mut self, description: &Description) {
        self.reflections = description.reflections;
        // What the filter will add to the power is taken off before it.
        let kept: f32 = self.reflections.iter().map(|k| 1.0 - k * k).product();
        let rms = 32_768.0 * 10.0f32.powf(-f32::from(description.level) / 20.0);
        // Evenly spread between -1 and 1 has the power of a third.
        self.gain = rms * (3.0 * kept).sqrt();
    }

    /// Fills `out` with the next samples, at whatever rate the description was meant for.
    pub fn fill(&mut self, out: &mut [i16]) {
        for sample in out {
            self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (self.random.cast_signed() as f32) / 2_147_483_648.0;
            let mut forward = white * self.gain;
            for at in (0..ORDER).rev() {
                forward -= self.reflections[at] * self.memory[at];
                if at + 1 < ORDER {
                    self.memory[at + 1] = self.memory[at] + self.reflections[at] * forward;
                }
            }
            self.memory[0] = forward;
            // `as` saturates.
            *sample = forward as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(samples: &[i16]) -> f64 {
        let power: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
        10.0 * (power / samples.len() as f64 / 32_768.0f64.powi(2)).log10()
    }

    #[test]
    fn white_noise_is_as_loud_as_described_and_sounds_white() {
        for decibels in [30, 50, 70] {
            let mut noise = Noise::new(&Description::white(decibels), 7);
            let mut samples = [0; 16_000];
            noise.fill(&mut samples);
            assert!((level(&samples) + f64::from(decibels)).abs() < 0.6, "{}", level(&samples));
            let measured = Description::measure(&samples);
            assert!(measured.reflections.iter().all(|k| k.abs() < 0.05), "{measured:?}");
        }
    }

    #[test]
    fn noise_that_was_measured_and_written_sounds_the_same_again() {
        // Traffic: low notes are 20 dB louder than high ones.
        let mut state = 0.0f32;
        let mut white = Noise::new(&Description::white(40), 3);
        let mut traffic = [0; 16_000];
        white.fill(&mut traffic);
        for sample in &mut traffic {
            state = 0.85 * state + f32::from(*sample);
            *sample = state as i16;
        }
        let described = Description::measure(&traffic);
        let mut payload = [0; MAX_LEN];
        let len = described.write(&mut payload);
        let read = Description::parse(&payload[..len]).expect("not empty");
        let mut again = [0; 16_000];
        Noise::new(&read, 99).fill(&mut again);
        assert!((level(&again) - level(&traffic)).abs() < 1.0, "{}", level(&again));
        let measured = Description::measure(&again);
        for (a, b) in measured.reflections.iter().zip(described.reflections) {
            assert!((a - b).abs() < 0.05, "{measured:?} {described:?}");
        }
        assert!(measured.reflections[0] < -0.8, "{measured:?}");
    }

    #[test]
    fn silence_is_the_faintest_noise_and_an_empty_payload_is_none() {
        assert_eq!(Description::measure(&[0; 160]), Description::white(127));
        let mut payload = [0; MAX_LEN];
        assert_eq!(Description::white(61).write(&mut payload), 1);
        assert_eq!(payload[0], 61);
        assert_eq!(Description::parse(&[0x80 | 61]), Some(Description::white(61)));
        assert_eq!(Description::parse(&[]), None);
    }

    proptest! {
        /// Whatever a peer describes, the noise stays bounded by what it said.
        #[test]
        fn any_description_makes_noise_that_does_not_run_away(
            payload in proptest::collection::vec(any::<u8>(), 1..40),
        ) {
            let read = Description::parse(&payload).expect("not empty");
            let mut noise = Noise::new(&read, 1);
            let mut samples = [0; 8_000];
            noise.fill(&mut samples);
            prop_assert!(noise.memory.iter().all(|m| m.is_finite() && m.abs() < 4e6));
            let mut written = [0; MAX_LEN];
            let len = read.write(&mut written);
            prop_assert_eq!(Description::parse(&written[..len]), Some(read));
        }
    }
}
