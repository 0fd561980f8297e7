//! `tests/data/torture.csv`: every torture message with its verdicts.
//!
//! The columns: `file`; `codec`, which is `sound` or the codec's error in its own words; `udp` and
//! `tcp`, what the endpoint does with the bytes as one datagram and as a connection's; `signed`, what
//! it answers once a REGISTER carries the right credentials; `reason`, in quotation marks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::Bytes;

/// One message.
pub struct Row(BTreeMap<String, String>);

impl Row {
    /// A column's words.
    pub fn get(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// The message.
    pub fn bytes(&self) -> Bytes {
        bytes(self.get("file"))
    }
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data"].iter().collect()
}

/// A message by its folder and name.
pub fn bytes(file: &str) -> Bytes {
    let path = folder().join(file);
    Bytes::from(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Every row, in order. Fails unless there is one for each file.
pub fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(folder().join("torture.csv")).expect("the table");
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().expect("a heading").split(',').collect();
    let rows: Vec<Row> = lines
        .map(|line| {
            let mut words = line.splitn(columns.len(), ',');
            let row = columns.iter().map(|column| {
                let word = words.next().unwrap_or_else(|| panic!("{line}: no {column}"));
                ((*column).to_owned(), word.trim_matches('"').to_owned())
            });
            Row(row.collect())
        })
        .collect();
    let listed: Vec<_> = rows.iter().map(|row| row.get("file").to_owned()).collect();
    let once: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len(), "a message is listed twice");
    assert_eq!(once, files(), "the table is not that of the files");
    assert!(rows.iter().all(|row| !row.get("reason").is_empty()), "a verdict without its reason");
    rows
}

fn files() -> BTreeSet<String> {
    let messages = |name: &str| {
        let entries = std::fs::read_dir(folder().join(name)).expect("a folder of messages");
        let names = entries.map(|entry| entry.expect("a message").file_name());
        let paths = names.map(|file| format!("{name}/{}", file.to_string_lossy()));
        paths.collect::<Vec<_>>()
    };
    ["rfc4475", "rfc5118", "extra"].into_iter().flat_map(messages).collect()
}
