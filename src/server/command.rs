//! What the command line can do, one function for each word.

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::settings::{FileSettings, Settings};
use crate::id::CallId;

use super::demo::council;
use super::demo::{self, DemoSettings};
use super::explain;
use super::failure::Failure;
use super::installation::{Installation, Overrides, Problems};
use super::listeners;
use super::prompts::{self, RenderError};
use super::recording::command as recording;
use super::run::{self, ServeError, Server};
use super::store;
use super::watch::Watch;

/// The back end that the demo has.
const COUNCIL: &str = "council";
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

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
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
        server.reload(&installation)?;
        Ok(installation.settings.files)
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
            _ = hang_up.recv() => watched.reload(server, read),
            file = watched.changed() => {
                tracing::info!("{} has changed", file.display());
                watched.reload(server, read);
            }
        }
    }
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
pub fn check(config: &Path) -> Result<(), Failure> {
    let installation = Installation::read(config, &Overrides::default())?;
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
    Ok(())
}

/// `switchboard queue explain`.
pub fn explain(config: &Path, queue: &str) -> Result<(), Failure> {
    let installation = Installation::read(config, &Overrides::default())?;
    let drawn = explain::explain(&installation.settings, installation.flows(), queue);
    tell(&drawn.map_err(Failure::Queue)?.to_string())
}

/// `switchboard prompts render`.
pub fn render(config: &Path) -> Result<(), Failure> {
    let (settings, _) = super::settings_file::read(config).map_err(Problems)?;
    let files = &settings.files;
    let live = std::io::stderr().is_terminal();
    let mut progress = |progress: prompts::Progress<'_>| {
        if live {
            eprint!("\r{:>4} of {} {:<40}", progress.done, progress.of, progress.prompt.as_str());
            let _ = std::io::stderr().flush();
        }
    };
    let rendered = prompts::render(
        &files.flows,
        &files.sounds,
        &files.language,
        &settings.voice,
        &mut progress,
    );
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
    tell(&if json { json_lines(&rows) } else { crate::stats::table::intervals(&rows).to_string() })
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

/// What `switchboard demo` can be told.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Residents that ring in a minute.
    pub calls_per_minute: f64,
    /// The same residents for the same number.
    pub seed: Option<u64>,
    /// Stop after this many seconds.
    pub for_s: Option<u64>,
}

/// `switchboard demo`: the server, and beside it simulated residents and advisers that are real SIP
/// and RTP endpoints over loopback.
pub fn demo(config: &Path, overrides: &Overrides, options: DemoOptions) -> Result<(), Failure> {
    let mut installation = Installation::read(config, overrides)?;
    installation.for_the_demo();
    let kept = overrides.data.is_some();
    let scratch = std::env::temp_dir().join(format!("switchboard-demo-{}", std::process::id()));
    if !kept {
        installation.settings.files.data = scratch.clone();
    }
    let again = || {
        let mut installation = Installation::read(config, overrides)?;
        installation.for_the_demo();
        Ok(installation)
    };
    let mut watched = Watched::begin(config, &installation.settings.files);
    let outcome = runtime()?.block_on(demonstrate(installation, options, &mut watched, &again));
    if !kept {
        let _ = std::fs::remove_dir_all(&scratch);
    }
    outcome
}

/// The council's other systems, where the settings have a back end of that name: whatever they say,
/// the demo's residents do business with the demo's council only.
async fn other_systems(settings: &mut Settings) -> Result<Option<council::Running>, Failure> {
    let Some(backend) = settings.backends.get_mut(COUNCIL) else { return Ok(None) };
    let folder = &settings.files.data;
    std::fs::create_dir_all(folder).map_err(Failure::System)?;
    let keys = council::Keys::draw().map_err(|_| Failure::Serve(ServeError::Entropy))?;
    let (token_file, key_file) = (folder.join("council.token"), folder.join("notify.key"));
    for (file, secret) in [(&token_file, &keys.token), (&key_file, &keys.texts)] {
        let mut options = std::fs::OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(file);
        opened.and_then(|mut file| file.write_all(secret.as_bytes())).map_err(Failure::System)?;
    }
    // Where the settings expect it, if nobody else is there.
    let port = backend.url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let loopback = |port: u16| tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = match loopback(port).await {
        Ok(listener) => listener,
        Err(_) => loopback(0).await.map_err(Failure::System)?,
    };
    let calendar = council::calendar(&settings.time_zone);
    let running = council::start(&folder.join(council::FILE), listener, keys, calendar).await;
    let running = running.map_err(Failure::Council)?;
    backend.url = format!("http://{}", running.address);
    backend.token_file = Some(token_file);
    if let Some(notify) = &mut settings.notifications.notify {
        notify.url = format!("http://{}", running.address);
        notify.key_file = Some(key_file);
    }
    Ok(Some(running))
}

async fn demonstrate(
    mut installation: Installation,
    options: DemoOptions,
    watched: &mut Watched,
    again: &impl Fn() -> Result<Installation, Problems>,
) -> Result<(), Failure> {
    let council = other_systems(&mut installation.settings).await?;
    let settings = installation.settings.clone();
    let mut signals = Signals::listen().map_err(Failure::System)?;
    let mut server = run::start(installation).await?;
    let sip = server
        .sip
        .first()
        .map_or_else(|| ([127, 0, 0, 1], 5060).into(), |listener| listener.advertised);
    let number = settings.numbers.keys().find(|number| number.starts_with('0'));
    let number = number.or(settings.numbers.keys().next()).cloned().unwrap_or_default();
    let advisers = settings
        .agents
        .iter()
        .filter_map(|(id, agent)| {
            let password = agent.password.as_ref()?.reveal().to_owned();
            Some((id.to_string(), password, agent.name.clone()))
        })
        .collect();
    let wrap_up_s = settings.queues.values().map(|queue| queue.wrap_up_s).max().unwrap_or(0);
    let wrap_up = Duration::from_secs(u64::from(wrap_up_s));
    let seed = match options.seed {
        Some(seed) => seed,
        None => run::seed()?.into_iter().fold(0, |seed, byte| seed << 8 | u64::from(byte)),
    };
    let population = demo::start(DemoSettings {
        server: reach(settings.sip.listen.first().map(|listen| listen.bind.ip()), sip),
        number: number.clone(),
        advisers,
        star_codes: settings.star_codes.clone(),
        wrap_up,
        calls_per_minute: options.calls_per_minute,
        seed,
    })
    .map_err(Failure::System)?;
    println!("switchboard demo: residents ring {number}, advisers answer.");
    println!();
    println!("  Watch      http://{}/", server.http);
    println!("  Figures    http://{}/metrics", server.http);
    if let Some(council) = &council {
        println!(
            "  Reports    http://{}/   what callers have had done, and the texts they were sent",
            council.address
        );
    }
    println!("  Call it    with any softphone, no account needed: sip:{number}@{sip}");
    println!(
        "             ({} calls a minute; in the demo the lines never close and wrap-up is short)",
        options.calls_per_minute
    );
    println!("  Stop       Ctrl-C");
    println!();
    let _ = std::io::stdout().flush();
    let end = async {
        match options.for_s {
            Some(seconds) => {
                let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
                tokio::time::sleep_until(until).await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    // Edited settings lead to the demo's council as well.
    let systems = settings.backends;
    let read = || {
        let mut installation = again()?;
        installation.settings.backends.extend(systems.clone());
        Ok(installation)
    };
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            () = &mut end => break,
            _ = signals.hang_up.recv() => watched.reload(&mut server, &read),
            file = watched.changed() => {
                println!("{} has changed", file.display());
                watched.reload(&mut server, &read);
            }
        }
    }
    let _ = tokio::task::spawn_blocking(move || population.stop()).await;
    server.stop().await?;
    if let Some(council) = council {
        council.stop().await;
    }
    Ok(())
}

/// Where the demo's people reach the server: over loopback, if it listens there.
fn reach(bound: Option<IpAddr>, advertised: SocketAddr) -> SocketAddr {
    match bound {
        Some(IpAddr::V4(ip)) if ip.is_unspecified() => {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), advertised.port())
        }
        Some(IpAddr::V6(ip)) if ip.is_unspecified() => {
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), advertised.port())
        }
        Some(_) | None => advertised,
    }
}
