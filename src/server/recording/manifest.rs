//! What stands beside a recording: of which call it is, and where nothing was recorded and why, signed
//! so that no gap can be left out, added or moved unseen.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sealed::Key;
use crate::id::{CallId, RecordingId};
use crate::time::UnixMicros;

/// How a recording is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being written, or was when its process died.
    #[default]
    Recording,
    /// It was written to its end.
    Finished,
    /// Its process died: it was brought to an end when the next one started.
    Recovered,
}

/// Why there is silence that was not on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// Somebody asked for a pause.
    Asked,
    /// A payment or another secret.
    Secret,
    /// The call was where calls are not recorded.
    Policy,
    /// The disk was too slow or full.
    Lost,
}

/// A part that is silent on purpose, or by our fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From the recording's beginning, in microseconds.
    pub from_us: u64,
    /// To here.
    pub to_us: u64,
    /// Why.
    pub reason: GapReason,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// HMAC-SHA256 of this gap and the code of the one before it, in hexadecimal.
    pub mac: String,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this description: 1.
    pub version: u32,
    /// Which recording, in hexadecimal.
    pub recording: String,
    /// Of which call.
    pub call: Option<CallId>,
    /// The leg that was recorded: the caller's. In hexadecimal.
    pub leg: String,
    /// How far it came.
    pub state: State,
    /// Whether it is a message that a caller left for the first of the queues.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub message: bool,
    /// The number's flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// The queues that brought conversations, in order.
    pub queues: Vec<String>,
    /// The agents who were part of it, in order.
    pub agents: Vec<String>,
    /// Whether the caller was told.
    pub told: bool,
    /// When it began, on the calendar, in microseconds since 1970.
    pub started_us: UnixMicros,
    /// The same for people (RFC 3339).
    pub started: String,
    /// How long it lasts, in microseconds.
    pub length_us: u64,
    /// How its samples are encoded: `pcma`, `pcmu`.
    pub codec: String,
    /// `wav` or `flac`.
    pub format: String,
    /// Who is on the left and on the right.
    pub channels: [String; 2],
    /// The audio file's name.
    pub file: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Packets that are missing because the disk was too slow.
    pub lost: u64,
    /// Where nothing was recorded.
    pub gaps: Vec<Gap>,
    /// HMAC-SHA256 of everything above and the code of the last gap, in hexadecimal.
    pub seal: String,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A gap was changed, or one before it left out or added.
    #[error("gap {0} is not what was signed")]
    Gap(usize),
    /// The whole is not what was signed.
    #[error("the manifest is not what was signed, or the key is another one")]
    Seal,
}

impl Manifest {
    /// Of a recording that begins.
    pub fn new(recording: RecordingId, started: UnixMicros) -> Manifest {
        Manifest {
            version: 1,
            recording: recording.to_string(),
            call: None,
            leg: String::new(),
            state: State::Recording,
            message: false,
            flow: None,
            queues: Vec::new(),
            agents: Vec::new(),
            told: false,
            started_us: started,
            started: started.timestamp().to_string(),
            length_us: 0,
            codec: String::new(),
            format: "wav".to_owned(),
            channels: ["caller".to_owned(), "heard by the caller".to_owned()],
            file: String::new(),
            encrypted: false,
            bytes: 0,
            sha256: String::new(),
            lost: 0,
            gaps: Vec::new(),
            seal: String::new(),
        }
    }

    /// Notes when it began.
    pub fn began(&mut self, at: UnixMicros) {
        (self.started_us, self.started) = (at, at.timestamp().to_string());
    }

    /// Notes and signs a gap.
    pub fn gap(
        &mut self,
        key: &Key,
        from_us: u64,
        to_us: u64,
        reason: GapReason,
        by: Option<String>,
    ) {
        let gap = Gap { from_us, to_us, reason, by, mac: String::new() };
        let mac = gap_mac(key, &self.last_mac(key), &gap);
        self.gaps.push(Gap { mac: hex(&mac), ..gap });
    }

    /// Signs the whole.
    pub fn seal(&mut self, key: &Key) {
        self.seal = hex(&self.seal_mac(key));
    }

    /// Whether it is what was signed.
    pub fn verify(&self, key: &Key) -> Result<(), ManifestError> {
        let mut before = self.first_mac(key);
        for (at, gap) in self.gaps.iter().enumerate() {
            before = gap_mac(key, &before, gap);
            if hex(&before) != gap.mac {
                return Err(ManifestError::Gap(at));
            }
        }
        match hex(&self.seal_mac(key)) == self.seal {
            true => Ok(()),
            false => Err(ManifestError::Seal),
        }
    }

    /// Writes it, so that there is always a whole one.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        let new = path.with_extension("json.new");
        std::fs::write(&new, text)?;
        std::fs::rename(new, path)
    }

    /// Reads one.
    pub fn read(path: &Path) -> io::Result<Manifest> {
        let text = std::fs::read(path)?;
        serde_json::from_slice(&text).map_err(io::Error::other)
    }

    fn first_mac(&self, key: &Key) -> [u8; 32] {
        key.mac(&[b"switchboard gaps 1", self.recording.as_bytes()])
    }

    fn last_mac(&self, key: &Key) -> [u8; 32] {
        let last = self.gaps.last().and_then(|gap| unhex(&gap.mac));
        last.unwrap_or_else(|| self.first_mac(key))
    }

    fn seal_mac(&self, key: &Key) -> [u8; 32] {
        let unsigned = Manifest { seal: String::new(), ..self.clone() };
        // Its own text: the fields are always written in the same order.
        let text = serde_json::to_vec(&unsigned).unwrap_or_default();
        key.mac(&[b"switchboard manifest 1", &self.last_mac(key), &text])
    }
}

fn gap_mac(key: &Key, before: &[u8; 32], gap: &Gap) -> [u8; 32] {
    let unsigned = Gap { mac: String::new(), ..gap.clone() };
    let text = serde_json::to_vec(&unsigned).unwrap_or_default();
    key.mac(&[before, &text])
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> Key {
        Key::new([seed; 32])
    }

    fn manifest() -> Manifest {
        let mut manifest = Manifest::new(RecordingId(3), UnixMicros(1_767_607_200_000_000));
        manifest.gap(&key(1), 1_000, 2_000, GapReason::Asked, Some("Duty supervisor".to_owned()));
        manifest.gap(&key(1), 5_000, 9_000, GapReason::Secret, None);
        manifest.gap(&key(1), 9_000, 9_500, GapReason::Lost, None);
        manifest.sha256 = "ab".repeat(32);
        manifest.seal(&key(1));
        manifest
    }

    #[test]
    fn a_manifest_survives_being_written_and_verifies_with_its_key_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.json");
        let written = manifest();
        written.write(&path).expect("written");
        let read = Manifest::read(&path).expect("read");
        assert_eq!(read, written);
        assert_eq!(read.started, "2026-01-05T10:00:00Z");
        assert_eq!(read.verify(&key(1)), Ok(()));
        assert_eq!(read.verify(&key(2)), Err(ManifestError::Gap(0)));
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn no_gap_can_be_left_out_changed_added_or_swapped_unseen() {
        let good = manifest();
        for left_out in 0..3 {
            let mut changed = good.clone();
            changed.gaps.remove(left_out);
            assert!(changed.verify(&key(1)).is_err(), "without {left_out}");
        }
        let mut changed = good.clone();
        changed.gaps[1].to_us += 1;
        assert_eq!(changed.verify(&key(1)), Err(ManifestError::Gap(1)));
        let mut changed = good.clone();
        changed.gaps.swap(0, 1);
        assert_eq!(changed.verify(&key(1)), Err(ManifestError::Gap(0)));
        let mut changed = good.clone();
        changed.gaps.clear();
        assert_eq!(changed.verify(&key(1)), Err(ManifestError::Seal));
        let mut changed = good.clone();
        changed.sha256 = "cd".repeat(32);
        assert_eq!(changed.verify(&key(1)), Err(ManifestError::Seal));
        let mut changed = good;
        changed.gaps.push(changed.gaps[2].clone());
        assert_eq!(changed.verify(&key(1)), Err(ManifestError::Gap(3)));
    }
}
