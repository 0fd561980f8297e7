//! `switchboard demo`: the server, and people who ring it.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use crate::config::settings::Settings;
use crate::server::demo::council;
use crate::server::demo::{self, DemoSettings};
use crate::server::installation::{Installation, Overrides, Problems};
use crate::server::run::{self, ServeError};

use crate::server::failure::Failure;

use super::{Signals, Watched, runtime};

/// The back end that the demo has.
const COUNCIL: &str = "council";

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
    let kept = overrides.data.is_some();
    let scratch = std::env::temp_dir().join(format!("switchboard-demo-{}", std::process::id()));
    let mut overrides = overrides.clone();
    overrides.data.get_or_insert_with(|| scratch.clone());
    let mut installation = Installation::read(config, &overrides)?;
    installation.for_the_demo();
    let again = || {
        let mut installation = Installation::read(config, &overrides)?;
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
            ordered = server.ordered() => server.carry_out(ordered).await,
            _ = signals.hang_up.recv() => watched.reload(&mut server, &read),
            file = watched.changed() => {
                println!("{} has changed", file.display());
                watched.reload(&mut server, &read);
            }
        }
    }
    server.refuse_orders();
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
