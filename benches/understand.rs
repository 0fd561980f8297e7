//! How long it takes to understand an utterance, and to learn from the examples.
//!
//! `cargo bench --bench understand`

use std::fs;
use std::path::Path;

use divan::{Bencher, black_box};
use jiff::civil::{Date, date};

use switchboard::assistant::slot::{self, Kind};
use switchboard::assistant::{File, Understanding};

fn main() {
    divan::main();
}

const TODAY: Date = date(2026, 11, 26);
const SHORT: &str = "my bin wasn't collected";
const LONG: &str = "hello yes um I wonder if you can help me I live at flat three fourteen acacia \
    avenue and my bin hasn't been emptied since last tuesday and it's starting to smell the \
    postcode is r m one three b d and my number is oh seven seven double oh nine double oh one two three";

fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-flows/intents");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("is there").map(|entry| entry.expect("reads").path()).collect();
    paths.sort();
    let read = |path: &Path| fs::read_to_string(path).expect("reads");
    paths.iter().map(|path| (path.display().to_string(), read(path))).collect()
}

fn load(files: &[(String, String)]) -> Understanding {
    let files: Vec<File<'_>> = files.iter().map(|(shown, text)| File { shown, text }).collect();
    Understanding::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn read_and_learn(bencher: Bencher<'_, '_>) {
    let files = files();
    bencher.bench_local(|| load(black_box(&files)));
}

#[divan::bench(args = [SHORT, LONG])]
fn understand(bencher: Bencher<'_, '_>, said: &str) {
    let understanding = load(&files());
    bencher.bench_local(|| understanding.understand(black_box(said), TODAY));
}

#[divan::bench(args = [Kind::Postcode, Kind::Date, Kind::Street, Kind::YesNo])]
fn read_a_slot(bencher: Bencher<'_, '_>, kind: Kind) {
    bencher.bench_local(|| slot::read(kind, black_box(LONG), TODAY));
}
