//! Those who do not mean well: they are banned, and hear nothing any more.

use std::time::Duration;

use serde_json::Value;

use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::peers::server::Server;
use crate::place::{Host, Place};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, Wishes, ask};

/// This machine is not above suspicion, as it is if nothing else is said.
const WATCHFUL: Wishes<'_> =
    Wishes { v6: false, menu: false, sip: "", tls: "", tables: "[guard]\nallow = []\n" };

pub fn scenarios(all: &mut Vec<Scenario>) {
    let over = Transport::Udp;
    let mut add = |feature: &str, run: fn(&Place)| {
        all.push(Scenario::new("SIPp", over, feature, run));
    };
    add("a scanner is banned and hears nothing; others are served; the ban is lifted", |place| {
        banned(place, "scans.xml", 5, "scanner");
    });
    add("who guesses passwords is banned and hears nothing; the ban is lifted", |place| {
        banned(place, "guesses.xml", 20, "wrong_credentials");
    });
}

fn banned(place: &Place, attack: &str, times: u32, reason: &str) {
    let server = settings::start(place, Transport::Udp, WATCHFUL);
    place.sipp("hears.xml").start().succeed(LONG);
    place.sipp(attack).times(times).start().succeed(LONG);
    let attacker = place.ip(Host::Caller).to_string();
    let listed = wait_for(Duration::from_secs(10), || ban_of(&server, &attacker));
    let listed = listed.unwrap_or_else(|| panic!("not banned: {}", bans(&server)));
    assert_eq!(listed["reason"], reason, "{listed}");
    place.sipp("hears-nothing.xml").start().succeed(LONG);
    place.sipp("hears.xml").at(Host::Softphone).start().succeed(LONG);
    ask(&server, "DELETE", &format!("/api/v1/bans/{attacker}"), None);
    place.sipp("hears.xml").start().succeed(LONG);
}

fn bans(server: &Server) -> Value {
    serde_json::from_str(&ask(server, "GET", "/api/v1/bans", None)).expect("JSON")
}

fn ban_of(server: &Server, source: &str) -> Option<Value> {
    let bans = bans(server);
    let list = bans.as_array().or_else(|| bans["bans"].as_array())?;
    list.iter().find(|ban| ban["source"] == source).cloned()
}
