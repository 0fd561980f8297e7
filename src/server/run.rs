//! Assembles the engine from its settings and runs it until it is told to stop.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use miette::Report;
use tokio::sync::{mpsc, watch};

use crate::config::settings::Settings;
use crate::engine::{Engine, Plan, Start};
use crate::id::Entropy;
use crate::media::{Bank, Event};
use crate::sip::ListenerId;
use crate::sip::transport;
use crate::stats::{self, live::Live};
use crate::web::{self, Token, TokenError};

use super::backends::{BackendClient, BackendError};
use super::clock::Clock;
use super::control::{Control, ControlHandle, Message};
use super::hearing::Listenings;
use super::installation::{Installation, Problems};
use super::language_model::{LanguageModel, ModelError};
use super::listeners::{ListenError, Listeners};
use super::media_thread::{MediaThreadSettings, MediaThreads};
use super::notifications::{Post, PostError};
use super::recording::{RecordingError, Recordings, Watch};
use super::registry::Store;
use super::resolver::Resolver;
use super::sounds;
use super::speech::{Hearing, HearingError};
use super::store::{self, JournalHandle, StoreError, StoreSettings};
use super::stream::{Patience, StreamLimits, Streams};

mod figures;
mod orders;

use self::figures::{Parts, SetAside, set_aside, web_state};
pub use self::orders::Ordered;

/// How long the journal may take to write what it still holds at a stop.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How long recordings that are over may take to be kept at a stop.
const LAST_RECORDINGS: Duration = Duration::from_secs(10);

/// How long connections may take to be closed in order at a stop.
const GOODBYES: Duration = Duration::from_secs(2);
/// Connections that we open at once.
const OPENING: usize = 256;

/// Why the server cannot start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Settings, flows or sounds are not right.
    #[error("{0}")]
    Installation(#[from] Problems),
    /// A SIP port cannot be had.
    #[error("{0}")]
    Listen(#[from] ListenError),
    /// The HTTP port cannot be had.
    #[error(
        "cannot serve pages on {address}: {source}. Choose another with --http ADDRESS:PORT or `http.bind` in the settings"
    )]
    Http {
        /// Which.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A token of the API is not right.
    #[error("{0}")]
    Token(TokenError),
    /// The journal cannot be opened.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Back ends cannot be asked.
    #[error("{0}")]
    Backend(#[from] BackendError),
    /// Nothing can be sent to callers.
    #[error("{0}")]
    Post(#[from] PostError),
    /// What listens to callers cannot be started.
    #[error(transparent)]
    Hearing(#[from] HearingError),
    /// The language model cannot be asked.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Recordings cannot be made.
    #[error("{0}")]
    Recording(#[from] RecordingError),
    /// A thread cannot be started or died.
    #[error("the {part} failed: {source}")]
    Thread {
        /// Which part.
        part: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no entropy")]
    Entropy,
}

fn thread(part: &'static str) -> impl FnOnce(std::io::Error) -> ServeError {
    move |source| ServeError::Thread { part, source }
}

/// A server that runs.
pub struct Server {
    control: ControlHandle,
    thread: JoinHandle<std::io::Result<()>>,
    media: Arc<MediaThreads>,
    journal: JournalHandle,
    recordings: Arc<Recordings>,
    streams: Streams,
    bound: BTreeMap<ListenerId, SocketAddr>,
    stop_web: watch::Sender<bool>,
    web: tokio::task::JoinHandle<std::io::Result<()>>,
    bank: Arc<Bank>,
    tokens: Arc<ArcSwap<Vec<Token>>>,
    clock: Clock,
    /// What is in force.
    installation: Installation,
    registry: Store,
    orders: mpsc::Receiver<Ordered>,
    aside: Arc<ArcSwap<SetAside>>,
    /// Where SIP is served: what peers are told.
    pub sip: Vec<transport::Listener>,
    /// Where pages are served.
    pub http: SocketAddr,
}

/// Who is spoken to besides phones: their keys and tokens are read, and nobody is asked anything yet. Needs a
/// tokio runtime.
pub fn others(settings: &Settings) -> Result<(BackendClient, Post, Listenings), ServeError> {
    let runtime = tokio::runtime::Handle::current();
    let backends = BackendClient::new(&settings.backends, runtime.clone())?;
    let post = Post::new(&settings.notifications, runtime.clone())?;
    let hearing = Hearing::start(&settings.speech, runtime.clone())?;
    let model = LanguageModel::new(&settings.language_model, runtime)?;
    Ok((backends, post, Listenings::new(hearing, model)))
}

/// Starts everything that an installation asks for. Needs a tokio runtime for the pages.
pub async fn start(installation: Installation) -> Result<Server, ServeError> {
    let clock = Clock::start();
    let mut entropy = seed().map(Entropy::from_seed)?;
    let settings = &installation.settings;

    let listeners = Listeners::bind(&settings.sip.addresses(), &installation.tls)?;
    let told = listeners.told.clone();
    let plan = Arc::new(installation.plan(told.clone())?);
    let bank = Arc::new(installation.bank(&plan)?);
    sounds::encode(&bank, plan.spoken());
    let tokens = Arc::new(ArcSwap::from_pointee(tokens(settings)?));
    let http = settings.http.bind;
    let web_listener = tokio::net::TcpListener::bind(http)
        .await
        .map_err(|source| ServeError::Http { address: http, source })?;
    let http = web_listener.local_addr().unwrap_or(http);

    let resolver = Resolver::new(&settings.sip.name_servers);
    let (backends, post, listenings) = others(settings)?;
    let control = Control::new(listeners.datagrams, resolver, backends, post, listenings)
        .map_err(thread("control thread"))?;
    let handle = control.handle();
    // Opening replays the journal's tail: it may take its time.
    let (journal, mut fold) = tokio::task::block_in_place(|| {
        store::open(&settings.files.data, &settings.limits, StoreSettings::default())
    })?;
    tell_control(&handle, &journal);
    let media = {
        let events = handle.clone();
        let (bind, advertise) = media_addresses(settings, &told);
        let media_settings = MediaThreadSettings {
            ports: settings.rtp.ports,
            bind,
            advertise,
            threads: threads(settings.rtp.threads),
            silence: Duration::from_secs(u64::from(settings.rtp.silence_s)),
            recording: settings.recording.buffer_mib as usize * (1 << 20),
        };
        let tell = move |event| match event {
            // Only the journal wants to know, so nobody is woken for it.
            Event::Closed { .. } => events.send_later(Message::Media(event)),
            Event::Opened { .. }
            | Event::OpenFailed { .. }
            | Event::Played { .. }
            | Event::Key { .. }
            | Event::Speech { .. }
            | Event::SecretKey { .. }
            | Event::Silent { .. } => events.send(Message::Media(event)),
        };
        MediaThreads::start(media_settings, bank.clone(), entropy.fork(), tell)
            .map(Arc::new)
            .map_err(thread("media threads"))?
    };

    let streams = {
        let events = handle.clone();
        let limits = StreamLimits {
            connections: settings.limits.connections,
            per_source: settings.limits.connections_per_source,
            opening: OPENING,
        };
        let tell = Arc::new(move |event| events.send(Message::Stream(event)));
        let longest = 2 * Duration::from_secs(settings.sip.max_expires_s.into());
        let usual = Patience::default();
        let patience = Patience { idle: usual.idle.max(longest), ..usual };
        Streams::start(listeners.streams, limits, patience, tell)
    };

    let recordings = {
        let (data, events) = (&settings.files.data, handle.clone());
        let (reels, clock) = (media.take_reels(), media.clock());
        let runtime = tokio::runtime::Handle::current();
        let tell = move |news| events.send(Message::Recording(news));
        let settings = settings.recording.clone();
        let draws = entropy.fork();
        // Whatever the last run left is brought to an end first.
        tokio::task::block_in_place(|| {
            Recordings::start(settings, data, reels, clock, draws, runtime, tell)
        })
        .map(Arc::new)?
    };

    let (now, wall) = (clock.now(), clock.wall());
    let closing = stats::closing_entries(&fold, wall, now);
    closing.iter().for_each(|entry| fold.apply(entry));
    let start = Start { closing, restored: fold.restore_point() };
    let engine = Engine::new(now, wall, plan.clone(), entropy, start);

    let thread = {
        let (media, journal, streams) = (media.clone(), journal.clone(), streams.clone());
        let watch = Watch::new(Some(recordings.clone()));
        std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                control.run(clock, (now, wall), engine, &media, &journal, streams, watch)
            })
            .map_err(thread("control thread"))?
    };
    let (stop_web, mut stopping) = watch::channel(false);
    let aside = Arc::new(ArcSwap::from_pointee(set_aside(&installation)));
    let (orders, taken) = orders::orders();
    let parts = Parts {
        control: handle.clone(),
        journal: journal.clone(),
        media: media.clone(),
        streams: streams.clone(),
        recordings: recordings.clone(),
        aside: aside.clone(),
        orders,
    };
    let state = web_state(tokens.clone(), &plan, clock, &parts);
    let web = tokio::spawn(async move {
        web::serve(web_listener, state, async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        })
        .await
    });
    Ok(Server {
        control: handle,
        thread,
        media,
        journal,
        recordings,
        streams,
        bound: listeners.bound,
        stop_web,
        web,
        bank,
        tokens,
        clock,
        registry: Store::new(&installation.settings.files.data),
        installation,
        orders: taken,
        aside,
        sip: told,
        http,
    })
}

impl Server {
    /// Takes no new calls from now on.
    pub fn drain(&self) {
        self.control.send(Message::Drain);
    }

    /// Calls up now, at most half a second old.
    pub fn calls(&self) -> usize {
        self.control.state().calls
    }

    /// Whether the control thread has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Swaps the settings; calls under way keep the flow that they began with. Ports, threads and
    /// the journal's place stay as they were at the start. What the database has in force stays in force,
    /// unless the files declare it now.
    pub fn reload(&mut self, installation: Installation) -> Result<(), ServeError> {
        // What the database has is known here: the files may name another folder by now.
        let installation = match installation.entries == self.installation.entries {
            true => installation,
            false => installation.with(self.installation.entries.clone())?,
        };
        installation.keeps(&self.installation)?;
        let installed = self.install(&installation, None)?;
        self.put_to_work(installation, installed);
        Ok(())
    }

    /// What is needed to put an installation to work; sounds of `known` are not read again.
    fn install(
        &self,
        installation: &Installation,
        known: Option<&Bank>,
    ) -> Result<Installed, Problems> {
        let plan = installation.plan(self.sip.clone())?;
        let mut bank = match known {
            None => installation.bank(&plan)?,
            Some(known) => installation.bank_of(&orders::missing(plan.sounds(), known))?,
        };
        bank.keep(&self.bank);
        let tokens =
            tokens(&installation.settings).map_err(|error| Problems(vec![Report::msg(error)]))?;
        Ok(Installed { plan, bank, tokens, all: known.is_none() })
    }

    /// Cannot fail: what could has been done before.
    fn put_to_work(&mut self, installation: Installation, installed: Installed) {
        let Installed { plan, bank, tokens, all } = installed;
        if all || bank.len() != self.bank.len() {
            self.bank = Arc::new(bank);
            // The sounds first: the first call of the new flows must find them.
            self.media.set_bank(&self.bank);
            sounds::encode(&self.bank, plan.spoken());
        }
        self.control.send(Message::Settings(Arc::new(plan)));
        self.tokens.store(Arc::new(tokens));
        self.aside.store(Arc::new(set_aside(&installation)));
        for (listener, bound) in &self.bound {
            if let Some(tls) = installation.tls.get(bound) {
                self.streams.renew(*listener, tls);
            }
        }
        self.installation = installation;
    }

    /// The figures now.
    fn live(&self) -> Arc<Live> {
        self.journal.live(self.clock.now(), self.clock.wall())
    }

    /// Ends every call, writes the journal to its end and stops.
    pub async fn stop(self) -> Result<(), ServeError> {
        let Server {
            control,
            thread: control_thread,
            media,
            journal,
            recordings,
            streams,
            stop_web,
            web,
            ..
        } = self;
        control.send(Message::Stop);
        let ended = tokio::task::spawn_blocking(move || control_thread.join()).await;
        media.shutdown();
        // After media: the last words are in their rings.
        let stopping = recordings.clone();
        let kept = tokio::task::spawn_blocking(move || stopping.stop());
        if tokio::time::timeout(LAST_RECORDINGS, kept).await.is_err() {
            recordings.abandon();
            tracing::warn!("recordings that are not kept yet are kept after the next start");
        }
        streams.close(GOODBYES).await;
        let _ = stop_web.send(true);
        // A page that will not let go of its stream must not hold up the journal.
        let abort = web.abort_handle();
        if tokio::time::timeout(Duration::from_secs(2), web).await.is_err() {
            abort.abort();
        }
        tokio::task::spawn_blocking(move || journal.close(LAST_WORDS))
            .await
            .map_err(|_| StoreError::WriterDied)??;
        match ended {
            Ok(Ok(result)) => result.map_err(thread("control thread")),
            Ok(Err(_)) | Err(_) => Err(ServeError::Thread {
                part: "control thread",
                source: std::io::Error::other("it panicked"),
            }),
        }
    }
}

/// An installation, ready to be put to work.
struct Installed {
    plan: Plan,
    bank: Bank,
    tokens: Vec<Token>,
    /// Whether every sound was read anew.
    all: bool,
}

/// The journal tells the control thread what it has committed and how it fares.
fn tell_control(control: &ControlHandle, journal: &JournalHandle) {
    let (mut committed, to) = (journal.committed(), control.clone());
    tokio::spawn(async move {
        while committed.changed().await.is_ok() {
            let seq = *committed.borrow_and_update();
            to.send(Message::Committed(seq));
        }
    });
    let (mut health, to) = (journal.health(), control.clone());
    tokio::spawn(async move {
        while health.changed().await.is_ok() {
            let health = *health.borrow_and_update();
            to.send(Message::Journal(health));
        }
    });
}

/// 32 bytes of the operating system's entropy.
pub fn seed() -> Result<[u8; 32], ServeError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| ServeError::Entropy)?;
    Ok(seed)
}

/// Where media are bound: like the listeners, or everywhere if these are on several addresses; `[::]`
/// serves both families. And the first listener's advertised address, which stands in SDP unless a
/// leg's own listener has another (see `Engine::told`).
fn media_addresses(settings: &Settings, told: &[transport::Listener]) -> (IpAddr, IpAddr) {
    let local = IpAddr::from([127, 0, 0, 1]);
    let addresses = settings.sip.addresses();
    let binds = || addresses.iter().map(|listen| listen.bind.ip());
    let first = binds().next().unwrap_or(local);
    let bind = if binds().all(|ip| ip == first) {
        first
    } else if binds().all(|ip| ip.is_ipv4()) {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    (bind, told.first().map_or(local, |listener| listener.advertised.ip()))
}

fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
        asked => asked,
    }
}

fn tokens(settings: &Settings) -> Result<Vec<Token>, ServeError> {
    let tokens = settings.tokens.iter().map(Token::try_from);
    tokens.collect::<Result<_, _>>().map_err(ServeError::Token)
}
