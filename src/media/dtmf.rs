//! Keys heard as tones in the voice (ITU-T Q.23), for callers whose carrier does not tell keys apart.
//!
//! Blocks of 12.75 ms are measured at the eight frequencies with Goertzel's filter. A block is a key's
//! if two frequencies, one of each group, hold nearly all of its energy, and neither outweighs the
//! other by more than lines do (Q.24 table A-1). Two such blocks in a row are a press if, by how their
//! phases went on, both frequencies are right to 2.5 %: voices seldom hold two notes so still.

use std::f32::consts::TAU;

use super::SAMPLE_RATE_HZ;
use super::command::Key;

const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Samples in a block: a press of 40 ms, the shortest that counts, has two whole ones.
const BLOCK: usize = 102;
/// The faintest tone of a pair: -32 dBm0 as the squared peak of a sine (full scale is +3.17 dBm0).
const FAINTEST: f32 = 570.0 * 570.0;
/// How much of a block's energy the pair must hold.
const PURE: f32 = 0.7;
/// How much stronger the high tone may be, and the low one: 7 dB and 11 dB (Q.24 has 4 or 5
/// dB and 8 or 10 dB by country).
const HIGH_BY: f32 = 5.0;
const LOW_BY: f32 = 12.6;
/// How much weaker every other tone of a group must be.
const APART: f32 = 4.0;
/// Samples at either end of a block, and how much of the mean they must have: a tone that sounds in a
/// part of the block only is shorter than a press.
const EDGE: usize = 16;
const EVEN: f32 = 0.25;
/// Blocks in a row that begin a press, and that end it: a gap of up to 10 ms is part of it (Q.24),
/// one of 40 ms is not.
const BEGINS: u8 = 2;
const ENDS: u8 = 3;
/// How far a tone may be from its frequency.
const OFF: f32 = 0.025;

/// Listens to one stream of 8 kHz samples.
#[derive(Debug, Clone)]
pub struct Detector {
    /// The filters' coefficients, the low group first.
    coefficients: [f32; 8],
    /// Their last two states.
    states: [[f32; 2]; 8],
    energy: f32,
    /// Of the block's first samples, and of its last.
    edges: [f32; 2],
    filled: usize,
    heard: Option<Heard>,
    /// Blocks in a row with the tones of `heard`, or without them.
    run: u8,
    /// The key that is held.
    held: Option<Key>,
}

/// The pair of one block.
#[derive(Debug, Clone, Copy)]
struct Heard {
    low: usize,
    high: usize,
    /// Of the tones at the end of the block, in radians.
    phases: [f32; 2],
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    /// Nothing has been heard yet.
    pub fn new() -> Self {
        let hz = |at: usize| if at < 4 { LOW_HZ[at] } else { HIGH_HZ[at - 4] };
        Detector {
            coefficients: std::array::from_fn(|at| 2.0 * step(hz(at)).cos()),
            states: [[0.0; 2]; 8],
            energy: 0.0,
            edges: [0.0; 2],
            filled: 0,
            heard: None,
            run: 0,
            held: None,
        }
    }

    /// Takes in samples; the key that began to be pressed in them, if one did. A packet is shorter
    /// than any two presses.
    pub fn hear(&mut self, samples: impl Iterator<Item = i16>) -> Option<Key> {
        let mut pressed = None;
        for sample in samples {
            let sample = f32::from(sample);
            self.energy += sample * sample;
            if self.filled < EDGE {
                self.edges[0] += sample * sample;
            } else if self.filled >= BLOCK - EDGE {
                self.edges[1] += sample * sample;
            }
            for (coefficient, [newer, older]) in self.coefficients.iter().zip(&mut self.states) {
                let state = sample + coefficient * *newer - *older;
                (*older, *newer) = (*newer, state);
            }
            self.filled += 1;
            if self.filled == BLOCK {
                let heard = self.block();
                pressed = self.follow(heard).or(pressed);
            }
        }
        pressed
    }

    /// Whether a key sounds, or something that may become one.
    pub fn holds(&self) -> bool {
        self.held.is_some() || self.heard.is_some()
    }

    /// The pair that the block holds; empties it.
    fn block(&mut self) -> Option<Heard> {
        let powers: [f32; 8] = std::array::from_fn(|at| {
            let ([newer, older], coefficient) = (self.states[at], self.coefficients[at]);
            // As the squared peak of a sine.
            let power = newer * newer + older * older - coefficient * newer * older;
            power * (2.0 / BLOCK as f32).powi(2)
        });
        let states = std::mem::replace(&mut self.states, [[0.0; 2]; 8]);
        let mean = std::mem::take(&mut self.energy) / BLOCK as f32;
        let edges = std::mem::take(&mut self.edges);
        let even = edges.iter().all(|edge| *edge >= mean * EDGE as f32 * EVEN);
        self.filled = 0;
        let (low, low_power) = strongest(&powers[..4])?;
        let (high, high_power) = strongest(&powers[4..])?;
        let balanced = high_power <= low_power * HIGH_BY && low_power <= high_power * LOW_BY;
        let loud = low_power.min(high_power) >= FAINTEST;
        // The mean square of a sine is half its squared peak.
        let pure = (low_power + high_power) / 2.0 >= mean * PURE;
        let phase = |at: usize, hz: f32| {
            let ([newer, older], step) = (states[at], step(hz));
            (older * step.sin()).atan2(newer - older * step.cos())
        };
        (balanced && loud && pure && even).then(|| Heard {
            low,
            high,
            phases: [phase(low, LOW_HZ[low]), phase(high + 4, HIGH_HZ[high])],
        })
    }

    /// What the block says after those before it: a key, if one begins to be pressed.
    fn follow(&mut self, heard: Option<Heard>) -> Option<Key> {
        if let Some(held) = self.held {
            let same = heard.is_some_and(|heard| heard.key() == Some(held));
            self.run = if same { 0 } else { self.run + 1 };
            if self.run < ENDS && heard.is_none_or(|heard| heard.key() == Some(held)) {
                self.heard = heard;
                return None;
            }
            // Let go, or another key follows without a pause.
            (self.held, self.run) = (None, 0);
        }
        let before = std::mem::replace(&mut self.heard, heard);
        let Some(heard) = heard else {
            self.run = 0;
            return None;
        };
        let goes_on = before.is_some_and(|before| heard.follows(&before));
        self.run = if goes_on { self.run + 1 } else { 1 };
        if self.run < BEGINS {
            return None;
        }
        (self.held, self.run) = (heard.key(), 0);
        self.held
    }
}

impl Heard {
    fn key(&self) -> Option<Key> {
        Key::from_char(KEYS[self.low][self.high])
    }

    /// Whether these are the same two tones, still sounding, and at their frequencies: how far the
    /// phase is from where it should be tells by how much a tone is off.
    fn follows(&self, before: &Heard) -> bool {
        let near = |hz: f32, at: usize| {
            let expected = step(hz) * BLOCK as f32;
            let turned = self.phases[at] - before.phases[at] - expected;
            let wrapped = turned - (turned / TAU).round() * TAU;
            wrapped.abs() <= OFF * expected
        };
        (self.low, self.high) == (before.low, before.high)
            && near(LOW_HZ[self.low], 0)
            && near(HIGH_HZ[self.high], 1)
    }
}

/// The one power that stands out from the others of its group, and where.
fn strongest(powers: &[f32]) -> Option<(usize, f32)> {
    let (at, power) = powers.iter().copied().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let apart =
        powers.iter().enumerate().all(|(other, weaker)| other == at || weaker * APART <= power);
    apart.then_some((at, power))
}

/// How far a tone's phase moves in a sample, in radians.
fn step(hz: f32) -> f32 {
    TAU * hz / SAMPLE_RATE_HZ as f32
}

#[cfg(test)]
mod tests;
