//! The council's other systems, and a server with the shipped flows that does business with them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::date;
use serde_json::Value;
use switchboard::event::CallEvent;
use switchboard::server::demo::council::{self, Keys, Running};

use super::clock::free_port;
use super::server::{Server, shipped};
use super::street::Street;

const TOKEN: &str = "an-e2e-token";
const TEXTS: &str = "e2e-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0";
const LONG: Duration = Duration::from_secs(20);

/// The council's other systems, in this process.
pub struct Council {
    runtime: tokio::runtime::Runtime,
    running: Option<Running>,
    pub at: SocketAddr,
}

impl Council {
    pub fn open(folder: &Path) -> Council {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let running = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let keys = Keys { token: TOKEN.into(), texts: TEXTS.into() };
            let now = Arc::new(|| date(2026, 11, 26).at(10, 0, 0, 0));
            council::start(&folder.join(council::FILE), listener, keys, now).await
        });
        let running = running.expect("runs");
        Council { at: running.address, running: Some(running), runtime }
    }

    /// What `GET` of a path comes to.
    pub fn get(&self, path: &str) -> (u16, String) {
        switchboard::server::stream::tls::provide_for_clients();
        self.runtime.block_on(async {
            let client = reqwest::Client::new();
            let url = format!("http://{}{path}", self.at);
            let answer = client.get(url).bearer_auth(TOKEN).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("text"))
        })
    }

    pub fn close(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

/// The shipped settings and `more`, open around the clock, with this back end and all calls recorded.
pub fn serve(folder: &Path, council: SocketAddr, more: &str) -> Server {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(20));
    let token = folder.join("token");
    std::fs::write(&token, TOKEN).expect("written");
    let key = folder.join("notify.key");
    std::fs::write(&key, TEXTS).expect("written");
    let settings = shipped(sip, http, voice)
        .replace("# key_file = \"config/notify.key\"", &format!("key_file = {key:?}"))
        .replace("http://127.0.0.1:8090", &format!("http://{council}"))
        .replace("# token_file = \"config/council.token\"", &format!("token_file = {token:?}"));
    let settings = format!("{settings}\n[recording.flow.main]\nrecord = \"always\"\n{more}");
    Server::with_settings(folder, &settings, &["serve"], sip, http)
}

/// They hang up, and the server stops.
pub fn over(mut street: Street, resident: usize, server: Server) {
    street.leave(resident);
    let over = street.live(LONG, |_| server.live()["calls_active"] == 0);
    assert!(over, "{}", server.story());
    server.stop();
}

/// The nodes that callers have come to.
pub fn entered(server: &Server) -> Vec<String> {
    let calls = server.calls().into_iter();
    calls
        .filter_map(|event| match event {
            CallEvent::NodeEntered { flow, node, .. } => Some(format!("{flow}/{node}")),
            _ => None,
        })
        .collect()
}

/// A fact for the adviser.
pub fn noted(server: &Server, wanted: &str) -> Option<String> {
    server.calls().into_iter().find_map(|event| match event {
        CallEvent::Noted { label, fact } if label == wanted => Some(fact),
        _ => None,
    })
}

/// The report of a missed rubbish bin that callers have just been told the reference of, as the back end
/// has it.
pub fn reported(street: &mut Street, server: &Server, council: &Council) -> Value {
    let told = |_: &Street| entered(server).last().is_some_and(|at| at == "reference/tell");
    assert!(street.live(LONG, told), "{}", server.story());
    let reported = noted(server, "Missed bin").expect("noted for an adviser");
    let reference = reported.strip_prefix("rubbish, reported as ").expect("a reference");
    let (status, report) = council.get(&format!("/reports/{reference}"));
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(status, 200, "{report}");
    assert_eq!(report["reference"], reference);
    assert_eq!(report["kind"], "missed-bin");
    assert_eq!(report["place"], "14 Acacia Avenue, RM1 3BD");
    assert_eq!(report["detail"], "rubbish bin");
    report
}
