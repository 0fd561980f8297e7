//! Packet-loss concealment in the manner of ITU-T G.711 Appendix I: the last pitch period goes on, more
//! and more periods are taken in turn, and the voice fades away within 60 ms. What comes after the
//! gap is cross-faded with what would have gone on.
//!
//! Unlike the Appendix nothing is delayed for it: the seam where a gap begins is smoothed within
//! the gap.

use super::stretch::{alike, faded};

/// Pitch periods that are looked for, in Hz: 66 to 200, as in the Appendix.
const LOWEST_HZ: u32 = 66;
const HIGHEST_HZ: u32 = 200;
/// How much is remembered: three of the longest periods and a quarter of one, as time.
const REMEMBERED_MS: usize = 49;
/// Another period is taken in turn after every so many milliseconds, up to three; and by then the
/// voice begins to fade.
const TURN_MS: usize = 10;
const MOST_PERIODS: usize = 3;
/// The voice has faded away by then.
const GONE_MS: usize = 60;
/// What is compared to find the period.
const COMPARED_MS: usize = 20;

/// Conceals what is missing in one stream of samples.
#[derive(Debug, Clone)]
pub struct Concealer {
    rate_hz: u32,
    /// What was played last, the newest at the end.
    history: Box<[i16]>,
    /// The history as it was when the gap began.
    source: Box<[i16]>,
    /// The periods that are played in turn.
    cycle: Box<[i16]>,
    cycle_len: usize,
    /// Where in the cycle the next sample is.
    phase: usize,
    period: usize,
    periods: usize,
    /// Samples concealed since the gap began.
    gone: usize,
    /// How far the first concealed sample would be from where the voice was going.
    step: i32,
}

impl Concealer {
    /// Nothing has been played yet.
    pub fn new(rate_hz: u32) -> Self {
        let samples = |millis: usize| millis * rate_hz as usize / 1_000;
        let longest = (rate_hz / LOWEST_HZ) as usize;
        Concealer {
            rate_hz,
            history: vec![0; samples(REMEMBERED_MS)].into(),
            source: vec![0; samples(REMEMBERED_MS)].into(),
            cycle: vec![0; longest * MOST_PERIODS].into(),
            cycle_len: 0,
            phase: 0,
            period: longest,
            periods: 0,
            gone: 0,
            step: 0,
        }
    }

    /// Takes in samples that came. After a gap their beginning is cross-faded with what would have
    /// gone on.
    pub fn good(&mut self, samples: &mut [i16]) {
        if self.gone > 0 {
            // A quarter of a period, and 4 ms more for every 10 ms of the gap, 10 ms at most.
            let ten = self.samples(10);
            let longer = self.samples(4) * (self.gone / ten.max(1)).saturating_sub(1);
            let seam = (self.period / 4 + longer).min(ten).min(samples.len());
            for (at, sample) in samples.iter_mut().enumerate().take(seam) {
                *sample = faded(self.gone_on(), *sample, at, seam);
            }
            self.gone = 0;
        }
        self.remember(samples);
    }

    /// Fills `samples` with what may have been there.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        if self.gone == 0 {
            self.begin();
        }
        for sample in samples.iter_mut() {
            *sample = self.gone_on();
        }
        self.remember(samples);
    }

    /// Forgets everything: what comes next has nothing to do with what came before.
    pub fn reset(&mut self) {
        self.history.fill(0);
        self.gone = 0;
    }

    fn samples(&self, millis: usize) -> usize {
        millis * self.rate_hz as usize / 1_000
    }

    fn remember(&mut self, samples: &[i16]) {
        let len = self.history.len();
        match samples.len().checked_sub(len) {
            Some(surplus) => self.history.copy_from_slice(&samples[surplus..]),
            None => {
                self.history.copy_within(samples.len().., 0);
                self.history[len - samples.len()..].copy_from_slice(samples);
            }
        }
    }

    fn begin(&mut self) {
        self.source.copy_from_slice(&self.history);
        self.period = self.pitch();
        self.periods = 0;
        self.phase = 0;
        self.take_periods(1);
        let end = self.source.len();
        self.step = i32::from(self.source[end - 1]) - i32::from(self.source[end - 1 - self.period]);
    }

    /// The period at which the last 20 ms are most like what was before them.
    fn pitch(&self) -> usize {
        let end = self.source.len();
        let shortest = (self.rate_hz / HIGHEST_HZ) as usize;
        let longest = (self.rate_hz / LOWEST_HZ) as usize;
        let compared = self.samples(COMPARED_MS).min(end - longest);
        let last = &self.source[end - compared..];
        let mut best = (longest, f32::MIN);
        for period in shortest..=longest {
            let like = alike(last, &self.source[end - compared - period..end - period]);
            if like > best.1 {
                best = (period, like);
            }
        }
        best.0
    }

    /// From now on so many periods are played in turn. Where a cycle ends it is cross-faded with what
    /// was before its beginning, so that it begins again without a click.
    fn take_periods(&mut self, periods: usize) {
        let (end, seam) = (self.source.len(), self.period / 4);
        let most = ((end - seam) / self.period).clamp(1, MOST_PERIODS);
        let periods = periods.min(most);
        if periods == self.periods {
            return;
        }
        let len = periods * self.period;
        let begin = end - len;
        self.cycle[..len].copy_from_slice(&self.source[begin..]);
        for at in 0..seam {
            let before = self.source[begin - seam + at];
            let place = len - seam + at;
            self.cycle[place] = faded(self.cycle[place], before, at, seam);
        }
        // The same place within a period, in the oldest of them.
        self.phase %= self.period;
        (self.cycle_len, self.periods) = (len, periods);
    }

    /// The next sample of what goes on in the gap.
    fn gone_on(&mut self) -> i16 {
        let (turn, gone_by) = (self.samples(TURN_MS), self.samples(GONE_MS));
        if self.gone.is_multiple_of(turn) && self.gone > 0 {
            self.take_periods(1 + self.gone / turn);
        }
        let at = self.gone;
        self.gone = self.gone.saturating_add(1);
        if at >= gone_by {
            return 0;
        }
        let mut sample = self.cycle.get(self.phase).copied().map_or(0, i32::from);
        self.phase = if self.phase + 1 >= self.cycle_len { 0 } else { self.phase + 1 };
        let seam = self.period / 4;
        if at < seam {
            sample += self.step * (seam - at) as i32 / (seam as i32 + 1);
        }
        let left = gone_by - at.max(turn);
        let faded = sample * left as i32 / (gone_by - turn) as i32;
        faded.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }
}

#[cfg(test)]
mod tests;
