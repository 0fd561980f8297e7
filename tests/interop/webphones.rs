//! Browsers' phones over secure WebSocket, from Node. Their calls need a browser's media.

use std::path::Path;
use std::process::Command;

use switchboard::event::{AgentEvent, Event};

use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::peers::process::Process;
use crate::peers::server::password_of;
use crate::place::{Host, Place};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, Wishes};

pub fn scenarios(all: &mut Vec<Scenario>) {
    for (peer, script) in [("JsSIP", "jssip.mjs"), ("SIP.js", "sipjs.mjs")] {
        all.push(Scenario::new(
            peer,
            Transport::Wss,
            "REGISTER with digest, refresh, again after a lost connection, unregister",
            move |place| registers(place, script),
        ));
    }
}

fn registers(place: &Place, script: &str) {
    // They look at the first challenge alone: SHA-256 must not be that.
    let wishes = Wishes { sha256: true, ..Wishes::default() };
    let server = settings::start(place, Transport::Udp, wishes);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/webphones");
    assert!(folder.join("node_modules").exists(), "run `npm ci` in {}", folder.display());
    let mut command = Command::new("node");
    command
        .arg(folder.join(script))
        .arg(format!("wss://{}/", place.at(Host::Server, Transport::Wss)))
        .args(["dev", &password_of("dev")])
        .arg(place.authority().file());
    let mut phone = Process::start("webphone", "nodejs", place.folder(), &mut command);
    let status = phone.wait(LONG);
    assert!(status.success(), "{status}\n{}", phone.words());
    let events = || -> Vec<&str> {
        let phone = |event| match event {
            Event::Agent { event: AgentEvent::Registered { .. }, .. } => Some("registered"),
            Event::Agent { event: AgentEvent::Unregistered { .. }, .. } => Some("unregistered"),
            _ => None,
        };
        server.journal().into_iter().filter_map(phone).collect()
    };
    // The lost connection takes its registration with it. The journal's file is a moment behind.
    let expected = ["registered", "registered", "unregistered", "registered", "unregistered"];
    let kept = wait_for(LONG, || (events() == expected).then_some(()));
    assert!(kept.is_some(), "{:?}\n{}", events(), server.story());
}
