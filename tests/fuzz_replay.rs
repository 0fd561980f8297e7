//! What the fuzzers have found, replayed: the corpus of every target, crashes that were mended among
//! it. `make fuzz` looks for more; fuzz/README.md says how.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// What a target does with an input.
type Run = fn(&[u8]);

/// Every target by name.
const TARGETS: [(&str, Run); 11] = [
    ("digest", targets::digest::run),
    ("dtmf", targets::dtmf::run),
    ("endpoint", targets::endpoint::run),
    ("framing", targets::framing::run),
    ("message", targets::message::run),
    ("rtcp", targets::rtcp::run),
    ("rtp", targets::rtp::run),
    ("sdp", targets::sdp::run),
    ("sound", targets::sound::run),
    ("srtp", targets::srtp::run),
    ("uri", targets::uri::run),
];

/// All corpora together, in bytes: they are read by every run of the tests.
const MOST_BYTES: u64 = 200_000;

fn corpus(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fuzz/corpus", target].iter().collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a corpus");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn replay(target: &str) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
    let folder = corpus(target);
    let names = names(&folder);
    assert!(names.len() >= 10, "{target} has a corpus");
    for name in names {
        let bytes = std::fs::read(folder.join(&name)).expect("a file");
        // The last name printed is the one at fault.
        println!("{target}/{name}");
        run(&bytes);
    }
}

#[test]
fn every_target_is_replayed() {
    let replayed: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fuzz"].iter().collect();
    let with_corpus: BTreeSet<_> = names(&folder.join("corpus")).into_iter().collect();
    let written: BTreeSet<_> = names(&folder.join("fuzz_targets"))
        .iter()
        .map(|file| file.trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(replayed, with_corpus);
    assert_eq!(replayed, written);
}

#[test]
fn the_corpora_are_small() {
    let files = TARGETS.iter().flat_map(|(target, _)| {
        let folder = corpus(target);
        names(&folder).into_iter().map(move |name| folder.join(name))
    });
    let bytes: u64 = files.map(|file| file.metadata().expect("a file").len()).sum();
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
}

#[test]
fn uris() {
    replay("uri");
}

#[test]
fn messages() {
    replay("message");
}

#[test]
fn descriptions() {
    replay("sdp");
}

#[test]
fn streams() {
    replay("framing");
}

#[test]
fn digests() {
    replay("digest");
}

#[test]
fn voice() {
    replay("rtp");
}

#[test]
fn encrypted_voice() {
    replay("srtp");
}

#[test]
fn reports() {
    replay("rtcp");
}

#[test]
fn keys_in_voice() {
    replay("dtmf");
}

#[test]
fn sound() {
    replay("sound");
}

/// What the corpus of the engine must reach: else the fuzzer would not get there either.
const DEEP: [&str; 35] = [
    "200 INVITE",
    "200 PRACK",
    "200 UPDATE",
    "200 INFO",
    "200 REGISTER",
    "200 CANCEL",
    "200 BYE",
    "202 REFER",
    "401 REGISTER",
    "401 INVITE",
    "481 INVITE",
    "487 INVITE",
    "488 INVITE",
    "491 INVITE",
    "481 PRACK",
    "423 REGISTER",
    "420 INVITE",
    "503 INVITE",
    "asks PRACK",
    "asks UPDATE",
    "asks INVITE",
    "asks NOTIFY",
    "asks CANCEL",
    "asks BYE",
    "asks REGISTER",
    "asks OPTIONS",
    "Joined",
    "Connected",
    "Dialled",
    "PhoneChanged",
    "TransferStarted",
    "TransferEnded",
    "QueueEntered",
    "WaitsForAnybody",
    "CallBackKept",
];

#[test]
fn calls() {
    let folder = corpus("endpoint");
    let mut reached = BTreeSet::new();
    for name in names(&folder) {
        let bytes = std::fs::read(folder.join(&name)).expect("a file");
        println!("endpoint/{name}");
        let there = targets::endpoint::story(&bytes);
        println!("{there:?}");
        reached.extend(there);
    }
    let missed: Vec<_> = DEEP.iter().filter(|one| !reached.contains(**one)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
