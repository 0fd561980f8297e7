//! The command line of switchboard.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use jiff::civil::Date;
use switchboard::config::registry::Kind;
use switchboard::config::settings::PortRange;
use switchboard::server;
use switchboard::server::registry::Asked;
use switchboard::server::simulate::Alternative;
use switchboard::server::staffing::Question;
use switchboard::stats::erlang::Demand;

/// Answers the council's number, drives the menu, queues callers to advisers and measures every
/// answer against the 60-second standard.
#[derive(Debug, Parser)]
#[command(name = "switchboard", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until it is told to stop (SIGTERM lets calls finish; a second one ends them).
    Serve(Serve),
    /// Run the server beside simulated residents and advisers, to watch it work.
    Demo(Demo),
    /// Check settings, flows, prompts and the database's entries without running anything.
    Check(Archive),
    /// Run the tests of flows: callers who press keys, and what must become of them.
    TestFlows {
        #[command(flatten)]
        place: Place,
        /// Fail if a way from node to node is taken by no test.
        #[arg(long)]
        every_way: bool,
    },
    /// Flows: what callers hear and press.
    #[command(subcommand)]
    Flow(Flow),
    /// Prompts: what callers hear.
    #[command(subcommand)]
    Prompts(Prompts),
    /// The assistant: what it makes of callers' words.
    #[command(subcommand)]
    Assistant(Assistant),
    /// Recordings: what is kept, whether it is whole, and how to get it out.
    #[command(subcommand)]
    Recordings(Recordings),
    /// Queues: who is to answer whom.
    #[command(subcommand)]
    Queue(Queue),
    /// Agents: all of them as a sheet, out and in.
    #[command(subcommand)]
    Agents(Sheet),
    /// Skills: all of them as a sheet, out and in.
    #[command(subcommand)]
    Skills(Sheet),
    /// Print who changed which queue, agent or skill of the database, the newest first.
    Audit(Audit),
    /// Simulate days: callers and agents from files, the real queue, every wait to the millisecond.
    Simulate(Simulate),
    /// How many agents so many calls need, or what so many agents make of them (Erlang B, C and A).
    Staffing(Staffing),
    /// Fold the whole journal again and print its figures.
    Replay(Replay),
    /// The calls that came last, a line for each: what `why` can be asked of.
    Calls(Calls),
    /// Tell why a call was answered by whom it was, and why it waited.
    Why(Why),
}

/// Where the settings are, and what overrides them.
#[derive(Debug, clap::Args)]
struct Place {
    /// The settings file.
    #[arg(long, value_name = "FILE", default_value = "config/switchboard.toml")]
    config: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Overrides {
    /// Listen for SIP here instead (UDP and TCP).
    #[arg(long, value_name = "ADDRESS:PORT")]
    sip: Option<SocketAddr>,
    /// Serve pages and the API here instead.
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<SocketAddr>,
    /// Use these ports for voice instead.
    #[arg(long, value_name = "FIRST-LAST")]
    rtp_ports: Option<PortRange>,
    /// Keep the journal here instead.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Serve {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, clap::Args)]
struct Demo {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    overrides: Overrides,
    /// How many residents ring in a minute.
    #[arg(long, value_name = "N", default_value_t = 14.0)]
    calls_per_minute: f64,
    /// Repeat the same residents with the same number.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Stop after this many seconds instead of running until Ctrl-C.
    #[arg(long, value_name = "SECONDS")]
    for_s: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Flow {
    /// Print the JSON Schema of flows, for editors.
    Schema,
    /// Print a flow as a picture, in the language of Mermaid or as SVG.
    Graph {
        #[command(flatten)]
        place: Place,
        /// Which flow.
        #[arg(value_name = "FLOW", default_value = "main")]
        flow: String,
        /// Print SVG, which browsers show.
        #[arg(long)]
        svg: bool,
    },
    /// Walk through a flow at the keyboard, as a caller.
    Try {
        #[command(flatten)]
        place: Place,
        /// Which flow.
        #[arg(value_name = "FLOW", default_value = "main")]
        flow: String,
        /// When the call comes, as in 2026-11-26T10:00; now if it is left out.
        #[arg(long, value_name = "DAY-AND-TIME")]
        at: Option<jiff::civil::DateTime>,
    },
}

#[derive(Debug, Subcommand)]
enum Queue {
    /// Draw a caller's wait: who can answer from when on, and the queue's rules.
    Explain {
        #[command(flatten)]
        place: Archive,
        /// Which queue.
        #[arg(value_name = "QUEUE")]
        queue: String,
    },
    #[command(flatten)]
    Sheet(Sheet),
}

#[derive(Debug, Subcommand)]
enum Sheet {
    /// Write all that is declared, in the file and in the database, as CSV.
    Export {
        #[command(flatten)]
        place: Archive,
        /// The file; the screen if it is not given.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Take a sheet into the database: all rows or none. A server that runs takes it through the API.
    Import {
        #[command(flatten)]
        place: Archive,
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only tell what would change.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Audit {
    #[command(flatten)]
    place: Archive,
    /// At most so many lines.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Only lines before this number.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// Only of queues, agents or skills.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// Only of this name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only by this actor.
    #[arg(long, value_name = "ACTOR")]
    by: Option<String>,
    /// Print a line of JSON for each.
    #[arg(long)]
    json: bool,
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::of_word(text).ok_or_else(|| format!("`{text}` is none of queue, agent, skill"))
}

#[derive(Debug, Subcommand)]
enum Prompts {
    /// Speak the texts that changed since the last time into sound files (needs espeak-ng).
    Render {
        #[command(flatten)]
        place: Place,
        /// Take sound files that no manifest knows for people's recordings of these texts.
        #[arg(long)]
        adopt: bool,
        /// The data folder, if it is not the settings': what the database declares is spoken too.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum Assistant {
    /// Read an utterance a line and print what was understood of it.
    Understand {
        /// The folder of intents.
        #[arg(long, value_name = "DIR", default_value = "ivr-flows/intents")]
        intents: PathBuf,
        /// The day on which it is said, for "next Tuesday"; this computer's if it is not given.
        #[arg(long, value_name = "YYYY-MM-DD")]
        today: Option<Date>,
        /// Print a line of JSON for each: text, intent, confidence, slots.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Recordings {
    /// Print what is kept, the oldest first.
    List {
        #[command(flatten)]
        archive: Archive,
        /// Print a line of JSON for each: its place and its manifest.
        #[arg(long)]
        json: bool,
    },
    /// Compare recordings with their checksums, and manifests with their signatures.
    Verify {
        #[command(flatten)]
        archive: Archive,
        /// Which recordings, as `list` prints them; all if none is named.
        #[arg(value_name = "PLACE")]
        places: Vec<String>,
    },
    /// Write a recording to a file that any program opens: WAV or FLAC, decrypted.
    Export {
        #[command(flatten)]
        archive: Archive,
        /// Which recording, as `list` prints it.
        #[arg(value_name = "PLACE")]
        place: String,
        /// The file.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

/// Where the settings and the data are.
#[derive(Debug, clap::Args)]
struct Archive {
    #[command(flatten)]
    place: Place,
    /// The data folder, if it is not the settings'.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "\
Examples:
  A day, its half hours on the screen and in files:
    switchboard simulate --calls docs/examples/calls.csv --agents docs/examples/agents.csv --out day
  What if two more agents came over lunch, and what if the queues had other rules?
    switchboard simulate --calls docs/examples/calls.csv --agents docs/examples/agents.csv \\
      --what-if agents+2@12:00-14:00 --what-if config=config/switchboard.toml

Columns of calls.csv (more are ignored), in milliseconds of the day:
  call_id,arrive_ms,caller,service,priority,kind,ivr_ms,patience_ms,talk_ms,wrap_ms
Columns of agents.csv (skills and breaks separated by |, a break is start_ms+duration_ms):
  agent_id,skills,login_ms,logout_ms,breaks
docs/simulate.md says what each means.")]
struct Simulate {
    /// The calls.
    #[arg(long, value_name = "FILE")]
    calls: PathBuf,
    /// The agents and their shifts.
    #[arg(long, value_name = "FILE")]
    agents: PathBuf,
    /// Serve the calls by the queues of these settings instead of by the plain rules.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write calls_out.csv, intervals.csv and summary.json into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How long an agent's phone rings before it is answered.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    ring_ms: u64,
    /// When the lines open.
    #[arg(long, value_name = "HH:MM", default_value = "08:45", value_parser = clock)]
    open: u64,
    /// When the lines close.
    #[arg(long, value_name = "HH:MM", default_value = "17:15", value_parser = clock)]
    close: u64,
    /// The date of the first day, for the table.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-01-05", value_parser = date)]
    date: Date,
    /// Compare with more agents or fewer (agents+2@12:00-14:00, agents+2:waste|housing@12:00-14:00,
    /// agents-1@12:00-14:00), with the queues of other settings (config=FILE), with other calls
    /// (calls=FILE) or another roster (agents=FILE). Can be repeated.
    #[arg(long, value_name = "CHANGE")]
    what_if: Vec<Alternative>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

fn clock(text: &str) -> Result<u64, String> {
    let read = switchboard::sim::day::read_clock(text);
    read.ok_or_else(|| format!("`{text}` is not a time of the day, as in 08:45 or 17:15:00.000"))
}

fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "write the year, month and day, as in 2026-01-05".to_owned())
}

impl From<Simulate> for server::simulate::Request {
    fn from(from: Simulate) -> Self {
        let Simulate { calls, agents, config, out, ring_ms, open, close, date, what_if, json } =
            from;
        let (open_ms, close_ms) = (open, close);
        server::simulate::Request {
            calls,
            agents,
            config,
            out,
            ring_ms,
            open_ms,
            close_ms,
            date,
            what_if,
            json,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("demand").args(["calls", "forecast"]).required(true))]
#[command(group = clap::ArgGroup::new("question").args(["agents", "service_level"]).required(true))]
#[command(after_help = "\
Examples:
  What 14 agents make of 100 calls of 3 minutes in half an hour:
    switchboard staffing --calls 100 --aht-s 180 --agents 14 --target-s 20
  The same if callers give up after two minutes on average:
    switchboard staffing --calls 100 --aht-s 180 --agents 14 --target-s 20 --patience-s 120
  How many agents answer 80 % within a minute:
    switchboard staffing --calls 100 --aht-s 180 --service-level 0.8
  The same for each half hour of a forecast (columns interval_start, calls and, if it differs, aht_s):
    switchboard staffing --forecast docs/examples/forecast.csv --aht-s 180 --service-level 0.8 --shrinkage 0.3")]
struct Staffing {
    /// Calls in an interval.
    #[arg(long, value_name = "N")]
    calls: Option<f64>,
    /// How long the interval is, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 1_800.0)]
    interval_s: f64,
    /// Average handle time, after-call work included, in seconds.
    #[arg(long, value_name = "SECONDS")]
    aht_s: f64,
    /// Agents who answer.
    #[arg(long, value_name = "N", conflicts_with = "forecast")]
    agents: Option<u32>,
    /// Find the fewest agents who answer this share of callers within the target, as in 0.8.
    #[arg(long, value_name = "SHARE")]
    service_level: Option<f64>,
    /// Answers within this time count, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    target_s: f64,
    /// How long callers wait before they give up, on average, in seconds; for ever if it is not given
    /// (Erlang C), not at all if it is 0 (Erlang B).
    #[arg(long, value_name = "SECONDS")]
    patience_s: Option<f64>,
    /// Find the agents for each interval of this file.
    #[arg(long, value_name = "FILE")]
    forecast: Option<PathBuf>,
    /// The share of their time for which rostered agents are not there, as in 0.3.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, conflicts_with = "agents")]
    shrinkage: f64,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Staffing {
    fn question(&self) -> Question {
        let demand = Demand {
            calls: self.calls.unwrap_or(0.0),
            interval_s: self.interval_s,
            aht_s: self.aht_s,
            target_s: self.target_s,
            patience_s: self.patience_s,
        };
        let service_level = self.service_level.unwrap_or(0.0);
        match (&self.forecast, self.agents) {
            (Some(file), _) => {
                let (file, shrinkage) = (file.clone(), self.shrinkage);
                Question::Forecast { file, demand, service_level, shrinkage }
            }
            (None, Some(agents)) => Question::Outlook { demand, agents },
            (None, None) => Question::Agents { demand, service_level, shrinkage: self.shrinkage },
        }
    }
}

#[derive(Debug, clap::Args)]
struct Replay {
    /// The folder of the journal.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  The last twenty calls, and why one of them waited:
    switchboard calls
    switchboard why 019ac2f4-6d0e-7a51-8c33-2f0f5a4a9f10")]
struct Calls {
    /// The folder of the journal.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// How many, the newest first.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    last: u32,
    /// Those before this position of the journal, as `--json` tells it of each.
    #[arg(long, value_name = "SEQ")]
    before: Option<u64>,
    /// Print a line of JSON for each.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Why {
    /// Which call, as the journal and the API name it.
    #[arg(value_name = "CALL")]
    call: switchboard::id::CallId,
    /// The folder of the journal.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Print a line of JSON for each: at, after_us, text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    server::log::init(std::io::stderr().is_terminal());
    let done = match arguments.command {
        Command::Serve(serve) => {
            server::command::serve(&serve.place.config, &serve.overrides.into())
        }
        Command::Demo(demo) => server::command::demo(
            &demo.place.config,
            &demo.overrides.into(),
            server::command::DemoOptions {
                calls_per_minute: demo.calls_per_minute,
                seed: demo.seed,
                for_s: demo.for_s,
            },
        ),
        Command::Check(Archive { place, data }) => {
            server::command::check(&place.config, data.as_deref())
        }
        Command::TestFlows { place, every_way } => {
            server::rehearsal::test_flows(&place.config, every_way).map_err(Into::into)
        }
        Command::Flow(Flow::Graph { place, flow, svg }) => {
            server::rehearsal::graph(&place.config, &flow, svg).map_err(Into::into)
        }
        Command::Flow(Flow::Try { place, flow, at }) => {
            server::rehearsal::try_flow(&place.config, &flow, at).map_err(Into::into)
        }
        Command::Flow(Flow::Schema) => server::command::flow_schema(),
        Command::Prompts(Prompts::Render { place, adopt, data }) => {
            server::command::render(&place.config, data.as_deref(), adopt)
        }
        Command::Assistant(Assistant::Understand { intents, today, json }) => {
            server::assistant::understand(&intents, today, json)
        }
        Command::Recordings(what) => recordings(what),
        Command::Queue(Queue::Explain { place: Archive { place, data }, queue }) => {
            server::command::explain(&place.config, data.as_deref(), &queue)
        }
        Command::Queue(Queue::Sheet(what)) => sheet(Kind::Queue, what),
        Command::Agents(what) => sheet(Kind::Agent, what),
        Command::Skills(what) => sheet(Kind::Skill, what),
        Command::Audit(Audit { place, limit, before, kind, name, by, json }) => {
            let asked = Asked { before, limit, kind, name, by };
            server::registry::command::audit(&place.into(), &asked, json)
        }
        Command::Simulate(simulate) => server::simulate::simulate(&simulate.into()),
        Command::Staffing(staffing) => {
            server::staffing::staffing(&staffing.question(), staffing.json)
        }
        Command::Calls(calls) => {
            server::command::calls(&calls.data, calls.before, calls.last, calls.json)
        }
        Command::Why(why) => server::command::why(&why.data, why.call, why.json),
        Command::Replay(replay) => server::command::replay(&replay.data, replay.json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.nobody_reads() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.to_string().trim_end());
            ExitCode::FAILURE
        }
    }
}

fn sheet(kind: Kind, what: Sheet) -> Result<(), server::failure::Failure> {
    use server::registry::command;
    match what {
        Sheet::Export { place, file } => command::export(&place.into(), kind, file.as_deref()),
        Sheet::Import { place, file, dry_run } => {
            command::import(&place.into(), kind, &file, dry_run)
        }
    }
}

impl From<Archive> for server::registry::command::Whereabouts {
    fn from(from: Archive) -> Self {
        let Archive { place, data } = from;
        server::registry::command::Whereabouts { config: place.config, data }
    }
}

fn recordings(what: Recordings) -> Result<(), server::failure::Failure> {
    use server::command::RecordingsCommand as Command;
    let (archive, what) = match what {
        Recordings::List { archive, json } => (archive, Command::List { json }),
        Recordings::Verify { archive, places } => (archive, Command::Verify { places }),
        Recordings::Export { archive, place, to } => (archive, Command::Export { place, to }),
    };
    server::command::recordings(&archive.place.config, archive.data.as_deref(), &what)
}

impl From<Overrides> for server::installation::Overrides {
    fn from(from: Overrides) -> Self {
        let Overrides { sip, http, rtp_ports, data } = from;
        server::installation::Overrides { sip, http, rtp_ports, data }
    }
}
