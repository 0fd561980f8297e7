//! Which calls are recorded, how recordings are kept, and for how long.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::id::{FlowName, PromptName, QueueName};

/// `[recording]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingSettings {
    /// How many conversations of queues that say nothing themselves are recorded.
    pub record: Portion,
    /// What callers hear before they are recorded; none if flows tell them.
    pub announcement: Option<PromptName>,
    /// How recordings are kept.
    pub format: KeptAs,
    /// A file with the key that recordings are encrypted with, 64 hexadecimal digits; not encrypted
    /// without one.
    pub key_file: Option<PathBuf>,
    /// Files with keys of before, for recordings that are still to be read.
    pub old_key_files: Vec<PathBuf>,
    /// A file with the key that gaps and manifests are signed with; one is made in the data folder if
    /// none is named.
    pub signing_key_file: Option<PathBuf>,
    /// How long recordings are kept, in days; 0 for ever.
    pub keep_days: u32,
    /// Room for what waits for the disk, in mebibytes for each media thread.
    pub buffer_mib: u32,
    /// Where recordings are kept.
    pub store: StoreSettings,
    /// Queues with rules of their own.
    #[serde(rename = "queue")]
    pub queues: BTreeMap<QueueName, QueueRecording>,
    /// Flows that are recorded from their first word on.
    #[serde(rename = "flow")]
    pub flows: BTreeMap<FlowName, FlowRecording>,
}

impl Default for RecordingSettings {
    fn default() -> Self {
        RecordingSettings {
            record: Portion::NEVER,
            announcement: None,
            format: KeptAs::Wav,
            key_file: None,
            old_key_files: Vec::new(),
            signing_key_file: None,
            keep_days: 0,
            buffer_mib: 4,
            store: StoreSettings::default(),
            queues: BTreeMap::new(),
            flows: BTreeMap::new(),
        }
    }
}

impl RecordingSettings {
    /// Whether any call can be recorded.
    pub fn is_on(&self) -> bool {
        let queues = self.queues.values().filter_map(|queue| queue.record);
        let flows = self.flows.values().map(|flow| flow.record);
        queues.chain(flows).chain([self.record]).any(|portion| portion != Portion::NEVER)
    }

    /// How long a queue's recordings are kept, in days; 0 for ever.
    pub fn keep_days_of(&self, queue: Option<&str>) -> u32 {
        let own = queue.and_then(|queue| self.queues.get(queue)).and_then(|queue| queue.keep_days);
        own.unwrap_or(self.keep_days)
    }
}

/// A queue's own rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueRecording {
    /// How many of its conversations are recorded.
    pub record: Option<Portion>,
    /// How long they are kept, in days; 0 for ever.
    pub keep_days: Option<u32>,
}

/// A flow's own rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowRecording {
    /// How many of its calls are recorded.
    pub record: Portion,
}

/// How many of the calls: `"always"`, `"never"`, or a percentage, as in `"12.5%"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Portion(u16);

impl Portion {
    /// None of them.
    pub const NEVER: Portion = Portion(0);
    /// All of them.
    pub const ALWAYS: Portion = Portion(10_000);

    /// In ten thousandths.
    pub const fn ten_thousandths(self) -> u16 {
        self.0
    }
}

impl TryFrom<String> for Portion {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match (text.as_str(), percent) {
            ("always", _) => Ok(Portion::ALWAYS),
            ("never", _) => Ok(Portion::NEVER),
            (_, Some(percent)) if (0.0..=100.0).contains(&percent) => {
                Ok(Portion((percent * 100.0).round() as u16))
            }
            (_, Some(_) | None) => Err(format!(
                "`{text}` is not how many calls are recorded; write \"always\", \"never\" or a \
                 percentage, as in \"25%\""
            )),
        }
    }
}

impl fmt::Display for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Portion::ALWAYS => f.write_str("always"),
            Portion::NEVER => f.write_str("never"),
            Portion(share) => write!(f, "{}%", f64::from(share) / 100.0),
        }
    }
}

impl From<Portion> for String {
    fn from(portion: Portion) -> String {
        portion.to_string()
    }
}

/// How recordings are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptAs {
    /// As they were written: G.711 as it was on the line, 16-bit where it was wider.
    #[default]
    Wav,
    /// FLAC: without loss.
    Flac,
}

/// Where recordings are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// A folder, relative to the data folder: `recordings/kept` unless a bucket is named.
    pub folder: Option<PathBuf>,
    /// A bucket of an S3-compatible store.
    pub bucket: Option<String>,
    /// What stands before the names in it.
    pub prefix: Option<String>,
    /// The store's address, if it is not Amazon's: `https://s3.example`.
    pub endpoint: Option<String>,
    /// The bucket's region.
    pub region: Option<String>,
    /// A file with the access key's id on its first line and the secret on its second.
    pub credentials_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_is_read_as_it_is_written() {
        for (text, share) in
            [("always", 10_000), ("never", 0), ("25%", 2_500), ("0.5%", 50), ("33.33%", 3_333)]
        {
            let portion = Portion::try_from(text.to_owned()).expect(text);
            assert_eq!((portion.ten_thousandths(), portion.to_string()), (share, text.to_owned()));
        }
        for text in ["", "sometimes", "25", "101%", "-1%", "NaN%", "%"] {
            assert!(Portion::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
