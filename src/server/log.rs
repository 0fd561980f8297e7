//! Logging for people: one line for each thing that an operator should know, on standard error.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Threads without which the process must not go on.
const VITAL: [&str; 3] = ["control", "media", "journal"];

/// Starts logging; colour only on a terminal. A vital thread that panics ends the process with its
/// cause: a dead part must never look like a living one.
pub fn init(terminal: bool) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(terminal)
        .with_target(false);
    // sqlx tells every statement at INFO; slow ones matter to an operator.
    let levels =
        Targets::new().with_default(LevelFilter::INFO).with_target("sqlx", LevelFilter::WARN);
    let _ = tracing_subscriber::registry().with(lines).with(levels).try_init();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        if VITAL.iter().any(|vital| name.starts_with(vital)) {
            eprintln!(
                "the {name} thread died: switchboard ends, so that its supervisor can start it again"
            );
            std::process::abort();
        }
    }));
}
