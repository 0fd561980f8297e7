//! Recordings as others see them: sox measures, flac decodes and compares with the checksum inside.

use std::path::Path;
use std::process::Command;

/// A file of sound that sox opens.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    path: &'a Path,
    /// Samples in a second.
    pub rate: u32,
    /// How long it lasts, in seconds.
    pub seconds: f64,
}

impl<'a> Judged<'a> {
    /// Opens it: two channels.
    pub fn open(path: &'a Path) -> Judged<'a> {
        let ask = |what: &str| {
            let said = sox(&["--info", what, &path.to_string_lossy()]);
            said.trim().parse::<f64>().unwrap_or_else(|_| panic!("{path:?} {what}: {said}"))
        };
        assert_eq!(ask("-c"), 2.0, "{path:?}");
        Judged { path, rate: ask("-r") as u32, seconds: ask("-D") }
    }

    /// The root mean square of two seconds of a channel (1 is left) that begin at `from_s`, after sox's
    /// `effects`; full scale is 1.
    fn level(&self, channel: u32, from_s: f64, effects: &str) -> f64 {
        let text = format!("remix {channel} trim {from_s} 2 {effects} stat");
        let path = self.path.to_string_lossy();
        let mut words = vec![&*path, "-n"];
        words.extend(text.split_whitespace());
        let said = sox(&words);
        let found = said.lines().find_map(|line| line.strip_prefix("RMS     amplitude:"));
        let level = found.and_then(|level| level.trim().parse().ok());
        level.unwrap_or_else(|| panic!("{words:?}: {said}"))
    }

    /// A channel has this tone in these two seconds, nothing else, and within 1 dB of what the
    /// simulated phones and ours send.
    pub fn has_tone(&self, channel: u32, from_s: f64, hz: u32) {
        let (all, near) = (self.level(channel, from_s, ""), self.near(channel, from_s, hz));
        let off_db = 20.0 * (all / SENT).log10();
        assert!(off_db.abs() < 1.0, "{self:?}, channel {channel}: {off_db:.2} dB off");
        assert!(near / all > 0.98, "{self:?}, channel {channel}: {hz} Hz is {near} of {all}");
    }

    /// How much of the tone `hz` a channel has that carries `own_hz`, in dB below what was sent. A
    /// packet that came late tears the channel's own tone, which spreads to both of its sides alike:
    /// what is as strong on the other side is not the other's voice.
    pub fn leaks_db(&self, channel: u32, from_s: f64, hz: u32, own_hz: u32) -> f64 {
        let near = self.near(channel, from_s, hz);
        let mirror = self.near(channel, from_s, 2 * own_hz - hz);
        let beyond = (near * near - mirror * mirror).max(1e-12).sqrt();
        20.0 * (beyond / SENT).log10()
    }

    /// A channel's level in two seconds, in dB below what was sent.
    pub fn level_db(&self, channel: u32, from_s: f64) -> f64 {
        20.0 * (self.level(channel, from_s, "").max(1e-6) / SENT).log10()
    }

    fn near(&self, channel: u32, from_s: f64, hz: u32) -> f64 {
        self.level(channel, from_s, &format!("sinc -t 20 {}-{}", hz - 30, hz + 30))
    }
}

/// The root mean square of a tone as phones send it.
const SENT: f64 = switchboard::sim::tone::AMPLITUDE / 32_768.0 * std::f64::consts::FRAC_1_SQRT_2;

/// What sox says; it must not complain.
fn sox(words: &[&str]) -> String {
    let done = Command::new("sox").args(words).output();
    let done = done.unwrap_or_else(|error| panic!("{error}. Install it: apt-get install sox"));
    let said = [&*done.stdout, &*done.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(done.status.success() && !said.contains("WARN"), "sox {words:?}: {said}");
    said
}

/// A FLAC file decodes to what its checksum says.
pub fn flac_agrees(path: &Path) {
    let mut flac = Command::new("flac");
    let done = flac.args(["--test", "--silent", "--warnings-as-errors"]).arg(path).output();
    let done = done.unwrap_or_else(|error| panic!("{error}. Install it: apt-get install flac"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "flac: {said}");
}
