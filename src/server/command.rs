//! What the command line can do, one function for each word.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::settings::FileSettings;
use crate::engine::preface;
use crate::id::CallId;
use crate::stats::table;

use super::explain;
use super::failure::Failure;
use super::installation::{Declared, Installation, Overrides, Problems};
use super::listeners;
use super::prompts::{self, RenderError};
use super::recording::command as recording;
use super::run::{self, ServeError, Server};
use super::store;
use super::watch::Watch;

mod demonstration;

pub use demonstration::{DemoOptions, demo};

/// How long calls may go on after the first SIGTERM.
const DRAIN: Duration = Duration::from_secs(600);

/// `switchboard flow schema`.
pub fn flow_schema() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:#}", crate::flow::schema()).map_err(Failure::System)
}

/// `switchboard recordings ...`.
pub fn recordings(
    config: &Path,
    data: Option<&Path>,
    what: &RecordingsCommand,
) -> Result<(), Failure> {
    let overrides = Overrides { data: data.map(Path::to_owned), ..Overrides::default() };
    let settings = Installation::read(config, &overrides)?.settings;
    runtime()?.block_on(async {
        match what {
            RecordingsCommand::List { json } => recording::list(&settings, *json).await?,
            RecordingsCommand::Verify { places } => recording::verify(&settings, places).await?,
            RecordingsCommand::Export { place, to } => {
                recording::export(&settings, place, to).await?;
            }
        }
        Ok(())
    })
}

/// What is done with recordings.
#[derive(Debug, Clone)]
pub enum RecordingsCommand {
    /// Prints what is kept.
    List {
        /// A line of JSON each.
        json: bool,
    },
    /// Says whether recordings are what they were.
    Verify {
        /// Which; all if none is named.
        places: Vec<String>,
    },
    /// Writes one to a file, decrypted.
    Export {
        /// Which.
        place: String,
        /// Where to.
        to: PathBuf,
    },
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("web")
        .enable_all()
        .build()
        .map_err(Failure::System)
}

/// `switchboard serve`.
pub fn serve(config: &Path, overrides: &Overrides) -> Result<(), Failure> {
    let installation = Installation::read(config, overrides)?;
    let files = installation.settings.files.clone();
    runtime()?.block_on(async {
        // Before anybody is told that the server is ready: who is, can be told to stop.
        let mut signals = Signals::listen().map_err(Failure::System)?;
        let mut server = run::start(installation).await?;
        for sip in &server.sip {
            tracing::info!("answering SIP at {} ({})", sip.advertised, sip.protocol);
        }
        tracing::info!("wallboard at http://{}/", server.http);
        let mut watched = Watched::begin(config, &files);
        let read = || Installation::read(config, overrides);
        until_told_to_stop(&mut server, &mut signals, &mut watched, &read).await;
        server.stop().await?;
        tracing::info!("stopped; the journal is complete");
        Ok(())
    })
}

/// What the operating system tells.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }
}

/// Files that are read again when they are edited.
struct Watched {
    config: PathBuf,
    files: FileSettings,
    watch: Option<Watch>,
}

impl Watched {
    fn begin(config: &Path, files: &FileSettings) -> Self {
        let mut watched = Watched { config: config.to_owned(), files: files.clone(), watch: None };
        watched.again();
        watched
    }

    /// Watches what is there now, if that is wanted and can be done.
    fn again(&mut self) {
        let begun = self.files.watch.then(|| Watch::begin(&self.config, &self.files));
        self.watch = begun.and_then(|begun| {
            begun
                .inspect_err(|error| tracing::warn!("edits are read after SIGHUP only: {error}"))
                .ok()
        });
    }

    /// A change to what is watched; never, if nothing is.
    async fn changed(&mut self) -> PathBuf {
        match &mut self.watch {
            Some(watch) => watch.changed().await,
            None => std::future::pending().await,
        }
    }

    /// Takes what the files say now, whole or not at all. Folders may be others since, by name or by what was put
    /// in their place: what is edited from now on is noticed there.
    fn reload(&mut self, server: &mut Server, read: &impl Fn() -> Result<Installation, Problems>) {
        self.again();
        if let Some(files) = reload(server, read)
            && files != self.files
        {
            self.files = files;
            self.again();
        }
    }
}

/// Takes what the files say now, whole or not at all; where they are, if it is taken.
fn reload(
    server: &mut Server,
    read: &impl Fn() -> Result<Installation, Problems>,
) -> Option<FileSettings> {
    let taken = read().map_err(ServeError::from).and_then(|installation| {
        let files = installation.settings.files.clone();
        server.reload(installation)?;
        Ok(files)
    });
    match taken {
        Ok(files) => {
            tracing::info!("settings and flows reloaded");
            Some(files)
        }
        Err(error) => {
            tracing::error!("nothing was changed by the reload:\n{error}");
            None
        }
    }
}

/// SIGHUP and edits reload; the first SIGTERM or Ctrl-C takes no new calls and waits for those under way,
/// the second ends them.
async fn until_told_to_stop(
    server: &mut Server,
    signals: &mut Signals,
    watched: &mut Watched,
    read: &impl Fn() -> Result<Installation, Problems>,
) {
    let Signals { terminate, interrupt, hang_up } = signals;
    let mut look = tokio::time::interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = look.tick() => if server.has_ended() { return },
            ordered = server.ordered() => server.carry_out(ordered).await,
            _ = hang_up.recv() => watched.reload(server, read),
            file = watched.changed() => {
                tracing::info!("{} has changed", file.display());
                watched.reload(server, read);
            }
        }
    }
    server.refuse_orders();
    server.drain();
    tracing::info!("no new calls; waiting for those under way (once more to end them now)");
    let deadline = tokio::time::sleep_until(tokio::time::Instant::now() + DRAIN);
    tokio::pin!(deadline);
    // The published number of calls is up to half a second old: look twice before believing it.
    let mut quiet = 0;
    while quiet < 2 {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = &mut deadline => break,
            _ = look.tick() => quiet = if server.calls() == 0 { quiet + 1 } else { 0 },
        }
    }
}

/// `switchboard check`.
pub fn check(config: &Path, data: Option<&Path>) -> Result<(), Failure> {
    let overrides = Overrides { data: data.map(Path::to_owned), ..Overrides::default() };
    let installation = Installation::read_and_tell(config, &overrides, &|warning| {
        eprintln!("{warning:?}");
    })?;
    // Addresses are only known to a server that runs; those of this machine will do for the check.
    let plan = installation.plan(listeners::foreseen(&installation.settings.sip.addresses()))?;
    let bank = installation.bank(&plan)?;
    // What passes must start: keys and tokens are read.
    runtime()?.block_on(async { run::others(&installation.settings).map(drop) })?;
    println!(
        "{}: right. {} numbers, {} flows, {} intents, {} queues, {} agents, {} sounds.",
        config.display(),
        plan.numbers.len(),
        plan.flows.len(),
        installation.understanding.as_ref().map_or(0, |known| known.intents().len()),
        plan.acd.queues.len(),
        plan.agents.len(),
        bank.len(),
    );
    let (all, aside) = (installation.entries.len(), installation.aside.len());
    if all > 0 {
        let data = installation.settings.files.data.display();
        println!(
            "{data}: {all} queues, agents and skills of the database, {aside} of them set aside."
        );
    }
    Ok(())
}

/// `switchboard queue explain`.
pub fn explain(config: &Path, data: Option<&Path>, queue: &str) -> Result<(), Failure> {
    let overrides = Overrides { data: data.map(Path::to_owned), ..Overrides::default() };
    let installation = Installation::read(config, &overrides)?;
    let drawn = explain::explain(&installation.settings, installation.flows(), queue);
    tell(&drawn.map_err(Failure::Queue)?.to_string())
}

/// `switchboard prompts render`: what the database declares is spoken too.
pub fn render(config: &Path, data: Option<&Path>, adopt: bool) -> Result<(), Failure> {
    let Declared { settings, .. } = Declared::read(config, data)?;
    let files = &settings.files;
    let live = std::io::stderr().is_terminal();
    let mut progress = |progress: prompts::Progress<'_>| {
        if live {
            eprint!("\r{:>4} of {} {:<40}", progress.done, progress.of, progress.prompt.as_str());
            let _ = std::io::stderr().flush();
        }
    };
    let prefaces = preface::texts(&settings);
    let rendered = prompts::render(files, &settings.voice, prefaces, adopt, &mut progress);
    if live {
        eprintln!();
    }
    let report = rendered.map_err(|error| match error {
        RenderError::Findings(findings) => Failure::Problems(Problems(findings)),
        error @ (RenderError::Manifest(_)
        | RenderError::Voice(_)
        | RenderError::Unwritable { .. }) => Failure::Render(error),
    })?;
    println!("{} rendered, {} unchanged", report.rendered.len(), report.kept);
    for prompt in &report.adopted {
        println!("{prompt}: a recording of yours, kept");
    }
    for prompt in &report.record_anew {
        println!("{prompt}: the text has changed since this was recorded: record it anew");
    }
    for prompt in &report.unused {
        println!("{prompt}: nothing says this any more");
    }
    Ok(())
}

/// `switchboard replay`.
pub fn replay(data: &Path, json: bool) -> Result<(), Failure> {
    let fold = store::replay(data)?;
    let (time, at) = fold.last();
    let rows = fold.intervals(time, at);
    if json {
        return tell(&json_lines(&rows));
    }
    let live = fold.live(time, at);
    let said = table::wrap_ups(&live.queues) + &table::not_ready(&live.away);
    tell(&format!("{}{said}", table::intervals(&rows)))
}

/// `switchboard calls`.
pub fn calls(data: &Path, before: Option<u64>, last: u32, json: bool) -> Result<(), Failure> {
    let reader = store::Reader::new(data.join(store::JOURNAL_FILE));
    let lines = runtime()?.block_on(reader.read_calls(before, last)).map_err(Failure::Store)?;
    tell(&if json { json_lines(&lines) } else { super::why::listed(&lines) })
}

/// `switchboard why`.
pub fn why(data: &Path, call: CallId, json: bool) -> Result<(), Failure> {
    let reader = store::Reader::new(data.join(store::JOURNAL_FILE));
    let lines = runtime()?.block_on(super::why::read(&reader, call)).map_err(Failure::Store)?;
    if lines.is_empty() {
        return Err(Failure::NeverWaited(call));
    }
    tell(&if json { json_lines(&lines) } else { super::why::drawn(call, &lines).to_string() })
}

/// Prints what was found.
fn tell(text: &str) -> Result<(), Failure> {
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::System)
}

fn json_lines<T: serde::Serialize>(all: &[T]) -> String {
    all.iter().map(|one| serde_json::to_string(one).unwrap_or_default() + "\n").collect()
}
