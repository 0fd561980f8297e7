//! baresip as an adviser's softphone.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use switchboard::event::{CallEvent, EndCause, TransferOutcome};

use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::peers::server::{Server, password_of};
use crate::peers::softphone::{Setup, Softphone};
use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, NUMBER, Wishes};
use crate::sipp::Running;
use crate::trunks::OUTSIDE;

const RESIDENT_HZ: u32 = 440;
const DEV_HZ: u32 = 620;
const OTHER_HZ: u32 = 850;

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, run: fn(&Place, Transport)| {
            all.push(Scenario::new("baresip", over, feature, move |place| run(place, over)));
        };
        add("REGISTER with digest, star code, call, BYE", hangs_up);
        add("hold and resume by the adviser", holds);
        add("blind transfer to a colleague: they hear each other", |place, over| {
            hands_on(place, over, By::Phone, "fay", "fay");
        });
        add("blind transfer to a number outside: they hear each other", |place, over| {
            hands_on(place, over, By::Phone, OUTSIDE, "441632960123");
        });
        if over == Transport::Udp {
            add("transfer by the API to a colleague: they hear each other", |place, over| {
                hands_on(place, over, By::Api, "fay", "fay");
            });
        }
    }
    for (name, module, format) in
        [("G.722", "g722.so", "g722/16000/1"), ("Opus", "opus.so", "opus/48000/2")]
    {
        for (over, how) in [(Transport::Udp, ""), (Transport::Tls, " and SRTP")] {
            let feature =
                format!("{name}{how}, converted for a resident with G.711: they hear each other");
            all.push(Scenario::new("baresip", over, &feature, move |place| {
                speaks(place, over, module, format);
            }));
        }
    }
    let feature = "SRTP with keys beside plain voice in the offer (RFC 8643)";
    all.push(Scenario::new("baresip", Transport::Tls, feature, encrypts));
}

/// Dev's softphone, registered and signed in by the star code.
fn adviser(place: &Place, server: &Server, over: Transport) -> Softphone {
    adviser_who(place, server, over, place.sip(Host::Softphone), ("", ""), DEV_HZ)
}

/// The same with further settings and account parameters of baresip's, and another tone.
pub fn adviser_who(
    place: &Place,
    server: &Server,
    over: Transport,
    at: SocketAddr,
    (config, account): (&str, &str),
    tone_hz: u32,
) -> Softphone {
    let softphone = Softphone::start(
        place.folder(),
        &Setup {
            user: "dev",
            password: &password_of("dev"),
            server: place.at(Host::Server, over),
            at,
            transport: over.param(),
            config: &format!("sip_cafile {}\n{config}", place.authority().file().display()),
            account,
            registers: true,
            answers: true,
            tone_hz,
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
    let softphone = adviser_who(
        place,
        &server,
        over,
        place.sip(Host::Softphone),
        ("module srtp.so\n", ";mediaenc=srtp"),
        DEV_HZ,
    );
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

/// Dev's phone speaks one codec, the resident's another; over TLS Dev's voice is encrypted.
fn speaks(place: &Place, over: Transport, module: &str, format: &str) {
    let server = settings::start(place, over, Wishes::default());
    let secure = over == Transport::Tls;
    let srtp = if secure { ("module srtp.so\n", ";mediaenc=srtp") } else { ("", "") };
    let config = format!("module {module}\n{}", srtp.0);
    let account = format!(";audio_codecs={format}{}", srtp.1);
    let [devs, residents] = [0, 1].map(|which| place.plain(which));
    let dev = adviser_who(place, &server, over, devs, (&config, &account), DEV_HZ);
    let resident = fixed(place, over, residents, "01632960001", RESIDENT_HZ);
    resident.command("dial", NUMBER);
    server.until_agents("talking", 1);
    talk_for_a_while(&server);
    resident.command("hangup", "");
    assert_ended(&server, &[EndCause::StarCodeDone, EndCause::CallerHungUp]);
    for (phone, who, hz) in [(&dev, "Dev", RESIDENT_HZ), (&resident, "the resident", DEV_HZ)] {
        let heard = wait_for(LONG / 10, || phone.heard_tone(hz).then_some(()));
        assert!(heard.is_some(), "{who} never heard {hz} Hz\n{}", server.story());
    }
    let words = dev.words();
    assert_eq!(words.contains("SRTP is Enabled"), secure, "{words}");
}

/// A softphone that does not register and answers by itself.
pub fn fixed(
    place: &Place,
    over: Transport,
    at: SocketAddr,
    user: &str,
    tone_hz: u32,
) -> Softphone {
    let own = place.authority().certify(user, at.ip());
    let read = |file: &Path| std::fs::read(file).expect("PEM");
    let both = place.folder().join(format!("{user}.pem"));
    std::fs::write(&both, [read(&own.certificate), read(&own.key)].concat()).expect("a file");
    let (authority, both) = (place.authority().file().display(), both.display());
    Softphone::start(
        place.folder(),
        &Setup {
            user,
            password: "none",
            server: place.at(Host::Server, over),
            at,
            transport: over.param(),
            config: &format!("sip_cafile {authority}\nsip_certificate {both}\n"),
            account: "",
            registers: false,
            answers: true,
            tone_hz,
        },
    )
}

/// How a call is handed on.
#[derive(Clone, Copy)]
enum By {
    Phone,
    Api,
}

/// Dev hands a resident on, to `target`, where the phone of `user` rings.
fn hands_on(place: &Place, over: Transport, by: By, target: &str, user: &str) {
    // baresip sends voice from 127.0.0.1, whatever address it is given.
    let [devs, theirs, residents] = [0, 1, 2].map(|which| place.plain(which));
    let port = theirs.port() + u16::from(over == Transport::Tls);
    let contact = format!("\"sip:fay@{}:{port};transport={}\"", theirs.ip(), over.param());
    let host = contact.replace("fay@", "");
    let tables = format!(
        "[agent.fay]\nname = \"Fay Ford\"\nskills = [\"waste\"]\ncontacts = [{contact}]\n\
         [trunk.carrier]\nhosts = [{host}]\noptions_s = 0\ninbound = \"none\"\nsend = \"digits\"\n"
    );
    let server = settings::start(place, over, Wishes { tables: &tables, ..Wishes::default() });
    let dev = adviser_who(place, &server, over, devs, ("", ""), DEV_HZ);
    let other = fixed(place, over, theirs, user, OTHER_HZ);
    let resident = fixed(place, over, residents, "01632960001", RESIDENT_HZ);
    resident.command("dial", NUMBER);
    server.until_agents("talking", 1);
    talk_for_a_while(&server);
    if target == "fay" {
        settings::ready(&server, "fay");
    }
    match by {
        By::Phone => {
            let uri = format!("sip:{target}@{}", place.at(Host::Server, over));
            dev.command("transfer", &uri);
        }
        By::Api => {
            let call = call_of(&server, "dev");
            let path = format!("/api/v1/calls/{call}/transfer");
            settings::ask(&server, "POST", &path, Some(&json!({ "to": target })));
        }
    }
    let completed = wait_for(LONG, || {
        let ended = |event: &CallEvent| {
            matches!(event, CallEvent::TransferEnded { outcome: TransferOutcome::Completed })
        };
        server.calls().iter().any(ended).then_some(())
    });
    assert!(completed.is_some(), "{}", server.story());
    talk_for_a_while(&server);
    resident.command("hangup", "");
    assert_ended(&server, &[EndCause::StarCodeDone, EndCause::CallerHungUp]);
    for (phone, who, hz) in [
        (&dev, "Dev", RESIDENT_HZ),
        (&resident, "the resident", DEV_HZ),
        (&resident, "the resident", OTHER_HZ),
        (&other, user, RESIDENT_HZ),
    ] {
        // The recording is whole a moment after the call.
        let heard = wait_for(LONG / 10, || phone.heard_tone(hz).then_some(()));
        assert!(heard.is_some(), "{who} never heard {hz} Hz\n{}", server.story());
    }
    assert!(!dev.heard_tone(OTHER_HZ), "Dev is out of the call");
}

/// The call that an adviser is on, as the API tells it.
pub fn call_of(server: &Server, agent: &str) -> String {
    let body = settings::ask(server, "GET", "/api/v1/agents", None);
    let told: Value = serde_json::from_str(&body).expect("JSON");
    let all = told["agents"].as_array().unwrap_or_else(|| panic!("{body}"));
    let one = all.iter().find(|one| one["agent"] == agent).unwrap_or_else(|| panic!("{body}"));
    one["call"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

/// Some two seconds of voice from both sides.
fn talk_for_a_while(server: &Server) {
    let heard = || server.metric("switchboard_rtp_packets_total{direction=\"in\"}");
    let before = heard();
    let enough = wait_for(LONG, || (heard() > before + 200.0).then_some(()));
    assert!(enough.is_some(), "{} packets of voice", heard() - before);
}
