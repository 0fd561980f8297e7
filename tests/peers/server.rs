//! The real server on loopback ports of its own, and what can be asked of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteConnectOptions;
use switchboard::event::{CallEvent, Event};
use switchboard::server::store::JOURNAL_FILE;

use super::clock::{free_port, wait_for};
use super::process::Process;

/// The number that is rung.
pub const NUMBER: &str = "01708434343";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the shipped flows send; nobody is there to take it.
pub const SENDS: &str = r#"
[notifications.notify]
url = "http://127.0.0.1:9"

[notifications.template.report]
by = "text"
notify = "6f1c9a4e-0f0b-4a57-9c1a-2b7d5e8f3a10"
fields = ["reference"]

[notifications.template.permit]
by = "text"
notify = "0b5de0c2-54f3-4a8e-8f0e-7c1f6a9d2b31"
fields = ["reference", "price", "ends"]

[notifications.template.appointment]
by = "text"
notify = "c2f84d17-3e6a-4b59-b7d0-1e9a5c6f4d82"
fields = ["reference", "day", "time"]

[notifications.template.council-tax]
by = "text"
notify = "9ad37b60-8c25-4f1e-a3b4-5d0e7f2c6a93"
"#;

/// The shipped flow and sounds, always open, with short times.
const SETTINGS: &str = r#"
organisation = "Harbourside Council"

[files]
flows = "{root}/ivr-flows"
sounds = "{root}/sounds"

[numbers]
"01708434343" = "main"

[backend.council]
url = "http://127.0.0.1:9"

[turns]
ageing_s = 60

{sends}
[queue.waste]
title = "Waste and recycling"
short_title = "Waste"
skills = ["waste"]
hours = "main"
ring_s = 4
wrap_up_s = 1

[queue.council-tax]
title = "Council Tax"
skills = ["council-tax"]
hours = "main"

[queue.housing]
title = "Housing"
skills = ["housing"]
hours = "main"

[queue.general]
title = "General enquiries"
skills = ["general"]
hours = "main"
wrap_up_s = 0

[agent.amy]
name = "Amy Adeyemi"
skills = ["waste"]
{amy-secret}

[agent.ben]
name = "Ben Hughes"
skills = ["waste", "general", "council-tax", "housing"]
{ben-secret}

[calendar.main.week]
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]
"#;

/// The password of an adviser's phone.
pub fn password_of(user: &str) -> String {
    format!("{user}-s3cret")
}

/// The shipped settings at these addresses, open around the clock; tables may follow.
pub fn shipped(sip: SocketAddr, http: SocketAddr, voice: u16) -> String {
    let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let week: Vec<String> = week.map(|day| format!("{day} = [\"00:00-24:00\"]")).into();
    let settings = include_str!("../../config/switchboard.toml");
    let (settings, _) = settings.split_once("[calendar.main]").expect("the hours come last");
    let settings = settings
        .replace("0.0.0.0:5060", &sip.to_string())
        .replace("127.0.0.1:8080", &http.to_string())
        .replace("20000-29999", &format!("{voice}-{}", voice + 19))
        .replace("\"ivr-flows\"", &format!("\"{ROOT}/ivr-flows\""))
        .replace("\"sounds\"", &format!("\"{ROOT}/sounds\""));
    format!("{settings}\n[calendar.main.week]\n{}\n", week.join("\n"))
}

/// A running `switchboard serve`.
pub struct Server {
    process: Process,
    folder: PathBuf,
    /// Where it is rung.
    pub sip: SocketAddr,
    http: SocketAddr,
}

impl Server {
    /// Starts the server with its settings and data below `folder`, and waits until it is ready.
    /// Data that are there already are continued from.
    pub fn start(folder: &Path) -> Self {
        Self::launch(folder, &["serve"], "")
    }

    /// The same with further lines of Amy's settings.
    pub fn start_where(folder: &Path, amy: &str) -> Self {
        Self::launch(folder, &["serve"], amy)
    }

    /// Starts `switchboard demo` instead.
    pub fn demo(folder: &Path, options: &[&str]) -> Self {
        let mut words = vec!["demo"];
        words.extend(options);
        Self::launch(folder, &words, "")
    }

    fn launch(folder: &Path, words: &[&str], amy: &str) -> Self {
        let mut text = SETTINGS.replace("{root}", ROOT).replace("{sends}", SENDS);
        for (user, more) in [("amy", amy), ("ben", "")] {
            let password = password_of(user);
            let secret = format!("password = \"{password}\"\n{more}");
            text = text.replace(&format!("{{{user}-secret}}"), &secret);
        }
        let sip = SocketAddr::from(([127, 0, 0, 1], free_port(0)));
        let http = {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("its number")
        };
        let rtp = free_port(60);
        let ports = format!("{rtp}-{}", rtp + 59);
        let (sip_bind, http_bind) = (sip.to_string(), http.to_string());
        let mut words = words.to_vec();
        words.extend(["--sip", &sip_bind, "--http", &http_bind, "--rtp-ports", &ports]);
        Self::with_settings(folder, &text, &words, sip, http)
    }

    /// Starts the server with settings of the test's own, which put it at these addresses.
    pub fn with_settings(
        folder: &Path,
        settings: &str,
        words: &[&str],
        sip: SocketAddr,
        http: SocketAddr,
    ) -> Self {
        let config = folder.join("config");
        std::fs::create_dir_all(&config).expect("a folder");
        let file = config.join("switchboard.toml");
        std::fs::write(&file, settings).expect("the settings");
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(words).arg("--config").arg(&file).arg("--data").arg(folder.join("data"));
        let process = Process::start("switchboard", "cargo", folder, &mut command);
        let mut server = Server { process, folder: folder.to_owned(), sip, http };
        // Unoptimised, a start converts some hundred prompts, and tests start several servers at once.
        let ready = wait_for(Duration::from_secs(120), || {
            if let Some(status) = server.process.ended() {
                panic!("the server ended at once ({status}):\n{}", server.process.words());
            }
            server.try_get("/readyz").filter(|answer| answer.starts_with("HTTP/1.1 200"))
        });
        assert!(ready.is_some(), "the server was never ready:\n{}", server.process.words());
        server
    }

    fn try_ask(&self, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.http).ok()?;
        // A sheet may take a minute, and anything else seconds.
        let within = if request.contains("text/csv") { 70 } else { 8 };
        stream.set_read_timeout(Some(Duration::from_secs(within))).ok()?;
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Asks the API for something, with a token; the answer's body.
    pub fn ask(&self, method: &str, path: &str, token: &str, json: Option<&Value>) -> String {
        let json = json.map(Value::to_string).unwrap_or_default();
        let (status, body) = self.answer(method, path, token, "", &json);
        assert_eq!(status / 100, 2, "{path}: {body}\n{}", self.process.words());
        body
    }

    /// The same with further headers (each with its line end), whatever the answer is: status and body.
    pub fn answer(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String) {
        let (host, length) = (self.http, body.len());
        let kind = if headers.contains("Content-Type") {
            ""
        } else {
            "Content-Type: application/json\r\n"
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\n{kind}{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        let mut answer = self.try_ask(&request).unwrap_or_default();
        // The promise waits for the disk, and a disk that many tests share may stand still for longer
        // than the API does. What tests ask for may be asked for twice.
        if answer.starts_with("HTTP/1.1 504") {
            answer = self.try_ask(&request).unwrap_or_default();
        }
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, body.to_owned())
    }

    /// A page with its status and headers, if the server is there.
    pub fn try_get(&self, path: &str) -> Option<String> {
        let host = self.http;
        self.try_ask(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    }

    /// The body of a page.
    pub fn get(&self, path: &str) -> String {
        let answer = self.try_get(path).unwrap_or_default();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}\n{}", self.process.words());
        body.to_owned()
    }

    /// The live figures.
    pub fn live(&self) -> Value {
        let body = self.get("/api/v1/live");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// Waits until the live figures say so; panics with them if that takes too long.
    pub fn until(&self, what: &str, within: Duration, mut so: impl FnMut(&Value) -> bool) {
        let done = wait_for(within, || so(&self.live()).then_some(()));
        assert!(
            done.is_some(),
            "never {what}: {:#}\n{}\n{}",
            self.live(),
            self.story(),
            self.process.words()
        );
    }

    /// Waits until so many agents are in a state.
    pub fn until_agents(&self, state: &str, count: u64) {
        let what = format!("{count} agents {state}");
        self.until(&what, Duration::from_secs(30), |live| live["agents"][state] == count);
    }

    /// The value of a metric with these labels, 0 if it is not there.
    pub fn metric(&self, name_and_labels: &str) -> f64 {
        self.get("/metrics")
            .lines()
            .find_map(|line| line.strip_prefix(name_and_labels)?.trim().parse().ok())
            .unwrap_or(0.0)
    }

    /// The journal as it lies in the file, read apart from the server's code.
    pub fn journal(&self) -> Vec<Event> {
        let file = self.folder.join("data").join(JOURNAL_FILE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let rows = runtime.expect("a runtime").block_on(async {
            use sqlx::ConnectOptions;
            let options = SqliteConnectOptions::new().filename(&file).read_only(true);
            let mut connection = options.connect().await?;
            sqlx::query("SELECT seq, event FROM journal ORDER BY seq")
                .fetch_all(&mut connection)
                .await
        });
        let rows = rows.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        rows.iter()
            .enumerate()
            .map(|(at, row)| {
                assert_eq!(row.get::<i64, _>(0), at as i64 + 1, "a gap in the journal");
                let text: String = row.get(1);
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
            })
            .collect()
    }

    /// The events of residents' and advisers' calls.
    pub fn calls(&self) -> Vec<CallEvent> {
        self.journal()
            .into_iter()
            .filter_map(|event| match event {
                Event::Call { event, .. } => Some(event),
                Event::Agent { .. }
                | Event::Message { .. }
                | Event::Callback { .. }
                | Event::Notification { .. }
                | Event::System { .. } => None,
            })
            .collect()
    }

    /// The journal as lines, for failures.
    pub fn story(&self) -> String {
        self.journal().iter().map(|event| format!("{event:?}\n")).collect()
    }

    /// Asks it to read its settings and certificates again (SIGHUP).
    pub fn reload(&self) {
        let id = i32::try_from(self.process.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGHUP).expect("the server can be told");
    }

    /// Asks it to take no new calls, and to end when those under way have (SIGTERM).
    pub fn drain(&self) {
        let id = i32::try_from(self.process.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGTERM).expect("the server can be told");
    }

    /// Kills it: no time for a last word (SIGKILL).
    pub fn kill(mut self) {
        let id = i32::try_from(self.process.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGKILL).expect("the server can be killed");
        self.process.wait(Duration::from_secs(20));
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        self.drain();
        let status = self.process.wait(Duration::from_secs(20));
        assert!(status.success(), "{status}\n{}", self.process.words());
    }

    /// Waits until it ends by itself.
    pub fn ends_well(&mut self, within: Duration) {
        let status = self.process.wait(within);
        assert!(status.success(), "{status}\n{}", self.process.words());
    }
}
