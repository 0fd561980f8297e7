//! Runs scenarios, several at once, and says how each went.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use switchboard::time::Time;

use crate::peers::clock::Clock;
use crate::peers::process::LAST_WORDS;
use crate::place::{Network, Place};
use crate::scenario::Scenario;
use crate::table;

/// So many lines of each trace are shown of a scenario that failed.
const SHOWN_LINES: usize = 400;

thread_local! {
    /// Why the scenario of this thread panicked, and where.
    static WORDS: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What the command line asks for.
pub struct Options {
    /// All of them must be in a scenario's row.
    words: Vec<String>,
    /// So many at once. They wait far more than they work.
    jobs: usize,
    /// The page whose table is to be refreshed.
    docs: Option<PathBuf>,
}

impl Options {
    /// Reads the command line.
    pub fn from_words(mut given: impl Iterator<Item = String>) -> Options {
        let mut options = Options { words: Vec::new(), jobs: 9, docs: None };
        while let Some(word) = given.next() {
            match word.as_str() {
                "--jobs" => {
                    let jobs = given.next().and_then(|jobs| jobs.parse().ok());
                    options.jobs = jobs.expect("--jobs N");
                }
                "--docs" => options.docs = Some(given.next().expect("--docs FILE").into()),
                _ => options.words.push(word.to_lowercase()),
            }
        }
        options
    }

    fn chooses(&self, scenario: &Scenario) -> bool {
        let row = format!("{} {} {}", scenario.peer, scenario.transport, scenario.feature);
        let row = row.to_lowercase();
        self.words.iter().all(|word| row.contains(word))
    }
}

/// How a scenario went.
pub struct Outcome {
    /// How long it took.
    pub took: Duration,
    /// What went wrong, if anything did.
    pub failure: Option<String>,
}

/// Runs what is asked for and prints the table.
pub fn run(scenarios: &[Scenario], options: &Options) -> ExitCode {
    let chosen: Vec<&Scenario> =
        scenarios.iter().filter(|scenario| options.chooses(scenario)).collect();
    std::panic::set_hook(Box::new(|info| {
        WORDS.with(|words| *words.borrow_mut() = info.to_string());
    }));
    LAST_WORDS.store(false, Ordering::Relaxed);
    let network = Network::of_our_own();
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let clock = Clock::start();
    std::thread::scope(|threads| {
        for _ in 0..options.jobs.clamp(1, chosen.len().max(1)) {
            threads.spawn(|| {
                while let Some(at) = next_of(&next, chosen.len()) {
                    let outcome = try_out(chosen[at], &network.place(at));
                    let result = if outcome.failure.is_some() { "FAILED" } else { "ok" };
                    let Scenario { peer, transport, feature, .. } = chosen[at];
                    println!("{result:<6} {peer}, {transport}: {feature}");
                    if let Some(failure) = &outcome.failure {
                        println!("{failure}");
                    }
                    outcomes.lock().expect("no scenario panics here").push((at, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("all threads have ended");
    outcomes.sort_by_key(|(at, _)| *at);
    let rows: Vec<(&Scenario, &Outcome)> =
        outcomes.iter().map(|(at, outcome)| (chosen[*at], outcome)).collect();
    print!("\n{}", table::for_people(&rows));
    let failed = rows.iter().filter(|(_, outcome)| outcome.failure.is_some()).count();
    let (passed, took) = (rows.len() - failed, took(clock).as_secs());
    println!("\n{passed} passed, {failed} failed, in {took} s");
    if failed > 0 || rows.is_empty() {
        return ExitCode::FAILURE;
    }
    if let Some(page) = &options.docs {
        table::refresh(page, &rows);
        println!("{} has the table", page.display());
    }
    ExitCode::SUCCESS
}

fn took(clock: Clock) -> Duration {
    clock.now().since(Time::ZERO)
}

fn next_of(next: &AtomicUsize, count: usize) -> Option<usize> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    (at < count).then_some(at)
}

fn try_out(scenario: &Scenario, place: &Place) -> Outcome {
    let clock = Clock::start();
    let result = catch_unwind(AssertUnwindSafe(|| (scenario.run)(place)));
    let failure = result.err().map(|_| {
        let words = WORDS.with(|words| words.take());
        format!("{words}\n{}", traces(place.folder()))
    });
    Outcome { took: took(clock), failure }
}

/// What the programs of a scenario wrote: SIPp's messages and errors, everybody's words.
fn traces(folder: &Path) -> String {
    let mut text = String::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            text.push_str(&traces(&path));
        } else if path.extension().is_some_and(|extension| extension == "log")
            // SIPp's screens say less than its messages and errors, which have files of their own.
            && path.file_name().is_none_or(|name| name != "sipp.log")
        {
            let words = std::fs::read(&path).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\r', "");
            let lines: Vec<&str> = words.lines().filter(|line| !line.trim().is_empty()).collect();
            text.push_str(&format!("---- {} ----\n", path.display()));
            for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
                text.push_str(&format!("  {line}\n"));
            }
        }
    }
    text
}
