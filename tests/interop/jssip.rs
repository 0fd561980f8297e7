//! JsSIP, a browser's phone, over secure WebSocket from Node. Its calls need a browser's media.

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
    all.push(Scenario::new(
        "JsSIP",
        Transport::Wss,
        "REGISTER with digest, refresh, again after a lost connection, unregister",
        registers,
    ));
}

fn registers(place: &Place) {
    let server = settings::start(place, Transport::Udp, Wishes::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/jssip");
    assert!(folder.join("node_modules").exists(), "run `npm ci` in {}", folder.display());
    let mut command = Command::new("node");
    command
        .arg(folder.join("phone.mjs"))
        .arg(format!("wss://{}/", place.at(Host::Server, Transport::Wss)))
        .args(["dev", &password_of("dev")])
        .arg(place.authority().file());
    let mut phone = Process::start("jssip", "nodejs", place.folder(), &mut command);
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
