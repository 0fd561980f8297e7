//! Programs that a test starts: ended with it, their words kept for the failure's message.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::clock::wait_for;

/// Whether a failing test shows what its programs said last. A test program that runs several tests
/// at once shows it in its own way.
pub static LAST_WORDS: AtomicBool = AtomicBool::new(true);

/// A program under way. Killed when dropped.
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`, which Debian's `package` brings, with its words in `<folder>/<name>.log`.
    pub fn start(name: &'static str, package: &str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log).expect("a log file");
        let again = out.try_clone().expect("the same log file");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(again).spawn().unwrap_or_else(
            |error| {
                panic!(
                    "cannot start {:?}: {error}. Install it with: apt-get install {package}",
                    command.get_program()
                )
            },
        );
        Process { name, child, log }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the process can be asked")
    }

    /// Waits until it ends; panics with its words if that takes too long.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let ended = wait_for(within, || self.ended());
        ended.unwrap_or_else(|| {
            panic!("{} did not end within {within:?}\n{}", self.name, self.words())
        })
    }

    /// What it has said.
    pub fn words(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() && LAST_WORDS.load(Ordering::Relaxed) {
            let words = self.words();
            let tail: Vec<&str> = words.lines().rev().take(60).collect();
            eprintln!("---- the last words of {} ----", self.name);
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}
