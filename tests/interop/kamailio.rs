//! Kamailio as the session border of the council's carrier, which stays in the path of calls in both
//! directions, and as a carrier that the council registers with.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::event::{CallEvent, EndCause, OfferOutcome, SystemEvent};

use crate::calls::{LONG, Talk, offer};
use crate::peers::clock::wait_for;
use crate::peers::process::Process;
use crate::peers::server::Server;
use crate::place::{Host, Place, assert_counts, assert_ended, listens};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, NUMBER, Wishes};
use crate::sipp::Running;
use crate::trunks::{
    NO_STRANGERS, OUTSIDE, OUTSIDE_SENT, UNASKED, amy_dials, carrier_answers, dials_in_vain, is_up,
    system, trunk,
};

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, caller, phone, end| {
            let feature = format!("session border with Record-Route: {feature}");
            all.push(Scenario::new("Kamailio", over, feature, move |place| {
                let _border = Kamailio::border(place, over);
                Talk::of(caller, phone)
                    .through(Host::Border)
                    .with("direction", "sendonly")
                    .with("address", "[media_ip]")
                    .with("answer", "recvonly")
                    .ends(place, Transport::Udp, end);
            }));
        };
        let (hung_up, by_us) = (EndCause::CallerHungUp, EndCause::AgentHungUp);
        add("call, BYE from the carrier", "call.xml", "phone.xml", hung_up);
        add("call, BYE from us", "call-until-bye.xml", "phone-talks.xml", by_us);
        add("late offer", "late-offer.xml", "phone.xml", hung_up);
        add("re-INVITE from the carrier", "hold-by-caller.xml", "phone.xml", hung_up);
        let mut add = |feature: &str, run: fn(&Place, Transport)| {
            all.push(Scenario::new("Kamailio", over, feature, move |place| run(place, over)));
        };
        add("phone behind a proxy: CANCEL when the caller leaves", caller_leaves);
        add("phone behind a proxy that forks: two ring, one answers, CANCEL for the other", forks);
        add("call to the outside given up while it rings", gives_up);
        add("call to the outside that comes back for the same number: 482", loops);
        add("call to the outside that comes back for a number of ours", spirals);
        add(
            "registration with a carrier, SHA-256: refresh, calls both ways, farewell",
            |place, over| {
                registers(place, over, "SHA-256");
            },
        );
        add(
            "registration with a carrier, MD5: refresh, calls both ways, farewell",
            |place, over| {
                registers(place, over, "MD5");
            },
        );
        add("registration with a carrier whose first host says 503: the second takes it", moves_on);
        add("OPTIONS says that a carrier lives, and that it is gone", goes_away);
    }
}

// ---- phones behind a proxy -----------------------------------------------------------------------

/// Fay's phone is reached through the border.
fn fay(place: &Place, over: Transport) -> String {
    let contact = format!("sip:fay@{};transport={}", place.at(Host::Border, over), over.param());
    format!("[agent.fay]\nname = \"Fay Ford\"\nskills = [\"waste\"]\ncontacts = [\"{contact}\"]\n")
}

fn phone_at(place: &Place, host: Host, scenario: &str) -> Running {
    place.sipp(scenario).at(host).with("reason", ".").start()
}

fn offers(server: &Server) -> Vec<OfferOutcome> {
    server.calls().iter().filter_map(offer).collect()
}

fn caller_leaves(place: &Place, over: Transport) {
    let _border = Kamailio::border(place, over);
    let tables = fay(place, over);
    let server = settings::start(place, over, Wishes { tables: &tables, ..Wishes::default() });
    let mut phone = phone_at(place, Host::Carrier, "phone-rings.xml");
    settings::ready(&server, "fay");
    place.sipp("call.xml").start().succeed(LONG);
    phone.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerAbandoned]);
    assert_eq!(offers(&server), [OfferOutcome::CallerLeft], "{}", server.story());
}

/// Each branch rings with a tag of its own: we hear both.
fn forks(place: &Place, over: Transport) {
    let [one, other] = [Host::Carrier, Host::Spare].map(|host| place.sip(host));
    let outward = format!("$ru = \"sip:fay@{one}\"; append_branch(\"sip:fay@{other}\");");
    let _border = Kamailio::border_that(place, over, &outward);
    let tables = fay(place, over);
    let server = settings::start(place, over, Wishes { tables: &tables, ..Wishes::default() });
    let mut answers = phone_at(place, Host::Carrier, "phone-picked-up.xml");
    let mut rings = phone_at(place, Host::Spare, "phone-rings.xml");
    settings::ready(&server, "fay");
    place.sipp("call.xml").start().succeed(LONG);
    answers.succeed(LONG);
    rings.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerHungUp]);
    assert_eq!(offers(&server), [OfferOutcome::Accepted], "{}", server.story());
    let labels = "direction=\"in\",method=\"INVITE\",status=\"180\"";
    assert_counts(&server, &format!("switchboard_sip_messages_total{{{labels}}}"), 2);
}

// ---- calls to the outside ------------------------------------------------------------------------

fn outward(place: &Place, over: Transport) -> Server {
    let tables = trunk(place, &[Host::Border], over, UNASKED);
    settings::start(place, Transport::Udp, Wishes { tables: &tables, ..Wishes::default() })
}

fn gives_up(place: &Place, over: Transport) {
    let _border = Kamailio::border(place, over);
    let server = outward(place, over);
    let mut phone = phone_at(place, Host::Carrier, "phone-rings.xml");
    let amy = place.sipp("dials-and-gives-up.xml").at(Host::Amy).rings(OUTSIDE);
    amy.with("user", "amy").start().succeed(LONG);
    phone.succeed(LONG);
    assert_ended(&server, &[EndCause::AgentCallFailed]);
}

fn loops(place: &Place, over: Transport) {
    let _border = Kamailio::border_that(place, over, "$du = \"{server}\";");
    let server = outward(place, over);
    dials_in_vain(place, Host::Amy, Transport::Udp, "amy", OUTSIDE, 482).succeed(LONG);
    assert_ended(&server, &[EndCause::AgentCallFailed]);
    assert_counts(&server, "switchboard_sip_rejected_total{reason=\"loop\"}", 1);
    // Amy's, and her call come back: no more.
    let labels = "direction=\"in\",method=\"INVITE\",status=\"request\"";
    assert_counts(&server, &format!("switchboard_sip_messages_total{{{labels}}}"), 2);
}

fn spirals(place: &Place, over: Transport) {
    let home = format!("$ru = \"sip:{NUMBER}@{}\"; $du = \"{{server}}\";", place.sip(Host::Server));
    let _border = Kamailio::border_that(place, over, &home);
    let server = outward(place, over);
    let mut ben = place.sipp("phone.xml").at(Host::Ben).start();
    settings::ready(&server, "ben");
    amy_dials(place, Transport::Udp, OUTSIDE).succeed(LONG);
    ben.succeed(LONG);
    assert_ended(&server, &[EndCause::AgentCallDone, EndCause::CallerHungUp]);
    assert_eq!(offers(&server), [OfferOutcome::Accepted], "{}", server.story());
}

// ---- the carrier that we register with -----------------------------------------------------------

/// What a trunk's settings say of the account.
const ACCOUNT: &str = "inbound = \"registration\"\nregister = { expires_s = 600 }\n\
                       domain = \"carrier.example\"\nusername = \"harbourside\"\n\
                       password = \"carrier-s3cret\"\n";

fn moves_on(place: &Place, over: Transport) {
    let carrier = Kamailio::start(place, over, "carrier.cfg", &[("digest", "SHA-256")]);
    let sick = place.sipp("says-how-it-is.xml").at(Host::Carrier).over(over);
    let mut sick = sick.with("method", "REGISTER").with("status", "503").start();
    let keys = format!("{UNASKED}\n{ACCOUNT}");
    let tables = trunk(place, &[Host::Carrier, Host::Border], over, &keys);
    let wishes = Wishes { tables: &tables, ..Wishes::default() };
    let server = settings::start(place, Transport::Udp, wishes);
    sick.succeed(LONG);
    carrier.says("carrier: registered harbourside for 600", 1);
    assert_counts(&server, "switchboard_trunk_registered{trunk=\"carrier\"}", 1);
    place.sipp("call.xml").towards(Host::Border).start().succeed(LONG);
    assert_ended(&server, &[EndCause::CallerAbandoned]);
}

fn registers(place: &Place, over: Transport, digest: &str) {
    let carrier = Kamailio::start(place, over, "carrier.cfg", &[("digest", digest)]);
    let keys = format!("{UNASKED}\n{ACCOUNT}");
    let tables = trunk(place, &[Host::Border], over, &keys);
    let wishes = Wishes { sip: NO_STRANGERS, tables: &tables, ..Wishes::default() };
    let server = settings::start(place, Transport::Udp, wishes);
    carrier.says("carrier: registered harbourside for 600", 1);

    let mut amy = place.sipp("phone.xml").at(Host::Amy).start();
    settings::ready(&server, "amy");
    place.sipp("call.xml").towards(Host::Border).start().succeed(LONG);
    amy.succeed(LONG);
    drop(amy);
    let mut phone = carrier_answers(place, Host::Carrier, Transport::Udp, OUTSIDE_SENT);
    amy_dials(place, Transport::Udp, OUTSIDE).succeed(LONG);
    phone.succeed(LONG);
    carrier.says("carrier: challenged INVITE", 1);
    assert_ended(&server, &[EndCause::CallerHungUp, EndCause::AgentCallDone]);
    let through = |event: &CallEvent| match event {
        CallEvent::Arrived { through: Some(through), called, .. } => {
            through.trunk.as_str() == "carrier" && called == NUMBER
        }
        _ => false,
    };
    assert_eq!(server.calls().iter().filter(|event| through(event)).count(), 1);

    // The carrier grants ten seconds.
    carrier.says("carrier: registered harbourside for 600", 2);
    let registered = |event: &SystemEvent| match event {
        SystemEvent::TrunkRegistered { registered, .. } => Some(*registered),
        _ => None,
    };
    let told: Vec<bool> = system(&server).iter().filter_map(registered).collect();
    assert_eq!(told, [true], "no gap: {}", server.story());
    server.stop();
    carrier.says("carrier: registered harbourside for 0", 1);
    let mut caller = place.sipp("dials-in-vain.xml").towards(Host::Border);
    caller = caller.with("user", "01632960001").with("status", "480");
    caller.start().succeed(LONG);
    carrier.says("carrier: nobody is registered", 1);
}

fn goes_away(place: &Place, over: Transport) {
    let carrier = Kamailio::start(place, over, "carrier.cfg", &[("digest", "MD5")]);
    let tables = trunk(place, &[Host::Border], over, "options_s = 5");
    let wishes = Wishes { tables: &tables, ..Wishes::default() };
    let server = settings::start(place, Transport::Udp, wishes);
    carrier.says(&format!("over {}", over.param()), 2);
    is_up(place, &server, over, Host::Border, true);
    drop(carrier);
    is_up(place, &server, over, Host::Border, false);
    let _carrier = Kamailio::start(place, over, "carrier.cfg", &[("digest", "MD5")]);
    is_up(place, &server, over, Host::Border, true);
}

/// A running Kamailio.
pub struct Kamailio(Process);

impl Kamailio {
    /// A session border that speaks `over` with the server, and UDP and TCP with everybody else.
    fn border(place: &Place, over: Transport) -> Kamailio {
        let outward = format!("$du = \"sip:{}\";", place.sip(Host::Carrier));
        Kamailio::border_that(place, over, &outward)
    }

    /// The same, with what it does with calls of the server's.
    fn border_that(place: &Place, over: Transport, outward: &str) -> Kamailio {
        Kamailio::start(place, over, "border.cfg", &[("outward", outward)])
    }

    fn start(place: &Place, over: Transport, config: &str, words: &[(&str, &str)]) -> Kamailio {
        let (server, at) = (place.at(Host::Server, over), place.sip(Host::Border));
        let tls = place.at(Host::Border, Transport::Tls);
        let own = place.authority().certify("border", at.ip());
        let places = [
            ("listen", format!("listen=udp:{at}\nlisten=tcp:{at}\nlisten=tls:{tls}")),
            ("certificate", own.certificate.display().to_string()),
            ("key", own.key.display().to_string()),
            ("authority", place.authority().file().display().to_string()),
            ("server-ip", server.ip().to_string()),
            ("server", format!("sip:{server};transport={}", over.param())),
            ("carrier", format!("sip:{}", place.sip(Host::Carrier))),
        ];
        let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/kamailio");
        let mut text = std::fs::read_to_string(settings.join(config)).expect("Kamailio's settings");
        for (word, value) in words {
            text = text.replace(&format!("{{{word}}}"), value);
        }
        for (word, value) in places {
            text = text.replace(&format!("{{{word}}}"), &value);
        }
        let folder = place.folder().join("kamailio");
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join(config);
        std::fs::write(&file, text).expect("Kamailio's settings");
        let mut command = Command::new("kamailio");
        // 64 MiB shared and 8 MiB for each process are plenty for one call.
        command.args(["-DD", "-E", "-m", "64", "-M", "8"]);
        command.arg("-f").arg(&file).arg("-w").arg(&folder).arg("-Y").arg(&folder);
        let mut kamailio = Kamailio(Process::start("kamailio", "kamailio", &folder, &mut command));
        let there = wait_for(Duration::from_secs(20), || {
            let up = listens(Transport::Udp, at) && listens(Transport::Tcp, at);
            (up || kamailio.0.ended().is_some()).then_some(up)
        });
        assert_eq!(there, Some(true), "Kamailio is not there:\n{}", kamailio.0.words());
        kamailio
    }

    /// Waits until it has said something so often.
    fn says(&self, what: &str, times: usize) {
        let said = wait_for(LONG, || (self.0.words().matches(what).count() >= times).then_some(()));
        assert!(said.is_some(), "Kamailio never said `{what}`:\n{}", self.0.words());
    }
}

impl Drop for Kamailio {
    /// Its processes end with the first only if that is asked politely.
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
            let _ = wait_for(Duration::from_secs(5), || self.0.ended());
        }
    }
}
