//! The settings that the server of a scenario is started with.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::certificates::Certificate;
use crate::peers::server::{SENDS, Server, password_of};
use crate::place::{Host, Place};
use crate::scenario::Transport;

/// The central number.
pub const NUMBER: &str = "01708434343";

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Like those of [`Transport::port`], below what the system gives out by itself.
const HTTP: u16 = 30_808;
const VOICE: &str = "31000-32767";

/// A supervisor's token, and its SHA-256.
const TOKEN: &str = "interop";
const TOKEN_SHA256: &str = "7b84a5a2f48de6c6234dca6c3bb43314ba1e141d4e0f34263a807f547d9a4e1b";

/// What the shipped menu refers to.
const MENU: &str = r#"
[backend.council]
url = "http://127.0.0.1:9"

[queue.council-tax]
title = "Council Tax"
skills = ["council-tax"]

[queue.housing]
title = "Housing"
skills = ["housing"]

[queue.general]
title = "General enquiries"
skills = ["general"]

[calendar.main.week]
mon = ["00:00-24:00"]
tue = ["00:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]
"#;

/// What a scenario's settings say beyond the usual ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// Whether it listens at [`Place::v6`] too.
    pub v6: bool,
    /// Whether every account can prove itself with SHA-256; else Chloe's, which has MD5 only, makes
    /// MD5 all that anybody is asked for.
    pub sha256: bool,
    /// Whether callers hear the shipped menu, instead of going straight to the advisers.
    pub menu: bool,
    /// Keys of `[sip]`.
    pub sip: &'a str,
    /// Keys of `[sip.tls]`.
    pub tls: &'a str,
    /// Tables of their own.
    pub tables: &'a str,
}

/// Starts the server. Amy's and Ben's phones are at fixed addresses, reached over `phones`.
pub fn start(place: &Place, phones: Transport, wishes: Wishes<'_>) -> Server {
    let (sip, http) = (place.sip(Host::Server), SocketAddr::new(place.ip(Host::Server), HTTP));
    let text = text(place, phones, wishes, http);
    Server::with_settings(place.folder(), &text, &["serve"], sip, http)
}

/// Signs an adviser in, ready.
pub fn ready(server: &Server, agent: &str) {
    let path = format!("/api/v1/agents/{agent}/state");
    for state in ["signed_in", "ready"] {
        ask(server, "POST", &path, Some(&json!({ "state": state })));
    }
}

/// Asks the API for something, as a supervisor; the answer's body.
pub fn ask(server: &Server, method: &str, path: &str, json: Option<&Value>) -> String {
    server.ask(method, path, TOKEN, json)
}

fn text(place: &Place, phones: Transport, wishes: Wishes<'_>, http: SocketAddr) -> String {
    let at = |over| place.at(Host::Server, over);
    let (sip, tls, wss) = (at(Transport::Udp), at(Transport::Tls), at(Transport::Wss));
    let Certificate { certificate, key } = place.authority().certify("switchboard", sip.ip());
    let (certificate, key) = (certificate.display(), key.display());
    let authority = place.authority().file().display();
    let agents = agents(place, phones, wishes.sha256);
    let Wishes { v6, sha256: _, menu, sip: sip_keys, tls: tls_keys, tables } = wishes;
    let (flows, flow, menu) = match menu {
        true => ("ivr-flows", "main", format!("{MENU}{SENDS}")),
        false => ("tests/interop/flows", "straight", String::new()),
    };
    let (_, sip6) = place.v6();
    let v6 = if v6 { format!("  {{ bind = \"{sip6}\" }},\n") } else { String::new() };
    format!(
        r#"organisation = "Harbourside Council"

[sip]
listen = [
  {{ bind = "{sip}" }},
  {{ bind = "{tls}", transports = ["tls"] }},
  {{ bind = "{wss}", transports = ["wss"] }},
{v6}]
{sip_keys}

[sip.tls]
certificate = "{certificate}"
private_key = "{key}"
ca = "{authority}"
{tls_keys}

[rtp]
ports = "{VOICE}"
# SIPp's callers may be silent for longer than the shortest session timer, which is what ends
# the call of one who is gone: by default both are 60 s after the answer.
silence_s = 180

[http]
bind = "{http}"

[files]
flows = "{ROOT}/{flows}"
sounds = "{ROOT}/sounds"

[numbers]
"{NUMBER}" = "{flow}"

[turns]
ageing_s = 60

[queue.waste]
title = "Waste and recycling"
skills = ["waste"]
ring_s = 5
wrap_up_s = 0
# A short one: a long piece would have to be converted at each start.
music = "agent/ready"

{menu}
{agents}
[[token]]
actor = "The tests"
role = "supervisor"
sha256 = "{TOKEN_SHA256}"

{tables}
"#
    )
}

fn agents(place: &Place, phones: Transport, sha256: bool) -> String {
    let mut text = String::new();
    let mut agent = |id: &str, name: &str, keys: &str| {
        let skills = r#"["waste", "general", "council-tax", "housing"]"#;
        write!(text, "[agent.{id}]\nname = \"{name}\"\nskills = {skills}\n{keys}\n\n")
            .expect("text");
    };
    // Known by the addresses of their phones.
    for (id, name, host) in [("amy", "Amy Adeyemi", Host::Amy), ("ben", "Ben Hughes", Host::Ben)] {
        let (at, over) = (place.at(host, phones), phones.param());
        agent(id, name, &format!("contacts = [\"sip:{id}@{at};transport={over}\"]"));
    }
    let phones = [Host::Ellie, Host::EllieAtHome].map(|host| {
        format!("\"sip:ellie@{};transport={}\"", place.at(host, phones), phones.param())
    });
    agent("ellie", "Ellie Moore", &format!("contacts = [{}]", phones.join(", ")));
    // SIPp breaks off at a challenge with SHA-256: this account has MD5 only.
    if !sha256 {
        agent("chloe", "Chloe Martin", "ha1 = { md5 = \"e48593b6b41af3a311f3fe96afba3e23\" }");
    }
    agent("dev", "Dev Patel", &format!("password = \"{}\"", password_of("dev")));
    text
}
