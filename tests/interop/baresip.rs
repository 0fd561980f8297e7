//! baresip as an adviser's softphone.

use switchboard::event::EndCause;

use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::peers::server::{Server, password_of};
use crate::peers::softphone::{Setup, Softphone};
use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, Wishes};
use crate::sipp::Running;

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, run: fn(&Place, Transport)| {
            all.push(Scenario::new("baresip", over, feature, move |place| run(place, over)));
        };
        add("REGISTER with digest, star code, call, BYE", hangs_up);
        add("hold and resume by the adviser", holds);
    }
    let feature = "SRTP with keys beside plain voice in the offer (RFC 8643)";
    all.push(Scenario::new("baresip", Transport::Tls, feature, encrypts));
}

/// Dev's softphone, registered and signed in by the star code.
fn adviser(place: &Place, server: &Server, over: Transport) -> Softphone {
    adviser_who(place, server, over, ("", ""))
}

/// The same with further settings and account parameters of baresip's.
fn adviser_who(
    place: &Place,
    server: &Server,
    over: Transport,
    (config, account): (&str, &str),
) -> Softphone {
    let softphone = Softphone::start(
        place.folder(),
        &Setup {
            user: "dev",
            password: &password_of("dev"),
            server: place.at(Host::Server, over),
            at: place.sip(Host::Softphone),
            transport: over.param(),
            config: &format!("sip_cafile {}\n{config}", place.authority().file().display()),
            account,
            registers: true,
            answers: true,
            tone_hz: 620,
        },
    );
    softphone.says("200 OK");
    softphone.command("dial", "*70");
    server.until_agents("ready", 1);
    softphone
}

fn talking(place: &Place, over: Transport) -> (Server, Softphone, Running) {
    let server = settings::start(place, over, Wishes::default());
    let softphone = adviser(place, &server, over);
    let caller = place.sipp("call-until-bye.xml").start();
    server.until_agents("talking", 1);
    (server, softphone, caller)
}

fn hangs_up(place: &Place, over: Transport) {
    let (server, softphone, mut caller) = talking(place, over);
    softphone.command("hangup", "");
    caller.succeed(LONG);
    assert_ended(&server, &[EndCause::StarCodeDone, EndCause::AgentHungUp]);
}

fn holds(place: &Place, over: Transport) {
    let (server, softphone, mut caller) = talking(place, over);
    softphone.does("hold", "", "a=recvonly");
    softphone.does("resume", "", "SIP/2.0 200 OK");
    softphone.command("hangup", "");
    caller.succeed(LONG);
    assert_ended(&server, &[EndCause::StarCodeDone, EndCause::AgentHungUp]);
}

/// The settings say nothing of encryption. Over TLS nobody else reads the keys, so that both offer
/// them, and both take them.
fn encrypts(place: &Place) {
    let over = Transport::Tls;
    let server = settings::start(place, over, Wishes::default());
    let softphone = adviser_who(place, &server, over, ("module srtp.so\n", ";mediaenc=srtp"));
    let caller = place.sipp("call-until-bye.xml").start();
    server.until_agents("talking", 1);
    let heard = || server.metric("switchboard_rtp_packets_total{direction=\"in\"}");
    let before = heard();
    let enough = wait_for(LONG, || (heard() > before + 100.0).then_some(()));
    softphone.command("hangup", "");
    let mut caller = caller;
    caller.succeed(LONG);
    assert!(enough.is_some(), "{} packets of baresip's are believed", heard() - before);
    // The star code's call was baresip's offer, the other was ours.
    let words = softphone.words();
    assert_eq!(words.matches("SRTP is Enabled").count(), 2, "{words}");
    assert_eq!(words.matches("RTP/SAVP").count(), 0, "{words}");
    assert_ended(&server, &[EndCause::StarCodeDone, EndCause::AgentHungUp]);
}
