//! SIPp as a carrier: whose calls are believed, what may be dialled, and which host gets a call.

use std::net::UdpSocket;

use switchboard::event::{
    CallEvent, Caller, EndCause, Event, OutboundRefusal, Peer, RefusalReason, SystemEvent, Through,
};

use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::peers::server::Server;
use crate::place::{Host, Place, assert_counts, assert_ended};
use crate::refusals::{Refused, USUAL, is_refused};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, Wishes};
use crate::sipp::Running;

/// Somebody outside, as an adviser dials and as a carrier is told.
pub const OUTSIDE: &str = "01632960123";
pub const OUTSIDE_SENT: &str = r"\+441632960123";
/// The central number, as people outside see it.
const OUR_NUMBER_SENT: &str = r"\+441708434343";
/// A number of another organisation that comes through the trunk.
const DISTRICT: &str = "01632960100";
/// Costs a fortune.
pub const PREMIUM: &str = "09098790123";
/// Strangers are not let in.
pub const NO_STRANGERS: &str = "anonymous_calls = false";

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, run: fn(&Place, Transport)| {
            let feature = format!("trunk: {feature}");
            all.push(Scenario::new("SIPp", over, feature, move |place| run(place, over)));
        };
        add("known by its address; 403 for another", by_address);
        add("known by its password; 403 for a wrong one", by_password);
        add("call to the outside", outward);
        add("the toll guard: 403, and 999 all the same", guarded);
        add("183 of the carrier, with what its network lets be heard", hears_early);
        add("one call more than its limit: 503 with Retry-After", full);
        add("486 of the carrier reaches who dialled", busy);
        add("503 of the first host: the second gets the call", second_host);
        add("302 to the carrier's other host is followed", redirected);
        add("302 to a stranger's host is not followed", led_away);
    }
    let mut add = |over, feature: &str, run: fn(&Place)| {
        all.push(Scenario::new("SIPp", over, format!("trunk: {feature}"), run));
    };
    add(Transport::Tls, "known by its certificate; 403 for another", by_certificate);
    add(Transport::Udp, "its numbers in every spelling", spellings);
    add(
        Transport::Udp,
        "P-Asserted-Identity, Privacy and Diversion, believed if it is trusted",
        asserted,
    );
    add(Transport::Udp, "488 for plain voice where it must be encrypted", not_encrypted);
    add(Transport::Udp, "nothing from the first host: the second gets the call", silent_host);
    add(Transport::Udp, "OPTIONS says which hosts live; the one that does gets the call", healthy);
}

/// The settings of a trunk that is reached at these hosts, the preferred first.
pub fn trunk(place: &Place, hosts: &[Host], over: Transport, keys: &str) -> String {
    let host =
        |host: &Host| format!("\"sip:{};transport={}\"", place.at(*host, over), over.param());
    let hosts: Vec<String> = hosts.iter().map(host).collect();
    format!("[trunk.carrier]\nhosts = [{}]\nnumber = \"01708 434343\"\n{keys}\n", hosts.join(", "))
}

/// Nobody asks whether the hosts live: a SIPp plays one scenario.
pub const UNASKED: &str = "options_s = 0";

fn with_trunk<'a>(tables: &'a str) -> Wishes<'a> {
    Wishes { tables, ..Wishes::default() }
}

// ---- inward --------------------------------------------------------------------------------------

/// Only through the trunk is the number known at all.
fn inward(keys: &str) -> String {
    format!(
        "[trunk.carrier]\n{keys}\n[trunk.carrier.numbers]\n\
         \"{DISTRICT}\" = {{ flow = \"straight\", organisation = \"Riverside District Council\" }}\n"
    )
}

/// A call through the trunk is answered by Amy; one of somebody else is refused.
fn inward_calls(
    place: &Place,
    over: Transport,
    wishes: Wishes<'_>,
    ours: impl Fn() -> Running,
    others: impl Fn() -> Running,
    refusal: RefusalReason,
) {
    let server = settings::start(place, over, wishes);
    let mut phone = place.sipp("phone.xml").at(Host::Amy).over(over).start();
    settings::ready(&server, "amy");
    others().succeed(LONG);
    ours().succeed(LONG);
    phone.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerHungUp]);
    let through: Vec<_> = arrivals(&server).into_iter().map(|(_, through)| through).collect();
    let expected = Through {
        trunk: "carrier".into(),
        organisation: Some("Riverside District Council".to_owned()),
        diverted_from: None,
    };
    assert_eq!(through, [Some(expected)], "{}", server.story());
    let refused = |event: &SystemEvent| matches!(event, SystemEvent::Refused { reason, status: 403, .. } if *reason == refusal);
    assert_eq!(system(&server).iter().filter(|event| refused(event)).count(), 1);
}

fn by_address(place: &Place, over: Transport) {
    let tables = inward(&format!("from = [\"{}\"]", place.ip(Host::Caller)));
    let wishes = Wishes { sip: NO_STRANGERS, ..with_trunk(&tables) };
    inward_calls(
        place,
        over,
        wishes,
        || place.sipp("call.xml").over(over).rings(DISTRICT).start(),
        || dials_in_vain(place, Host::Softphone, over, "somebody", DISTRICT, 403),
        RefusalReason::UnknownSource,
    );
}

fn by_password(place: &Place, over: Transport) {
    let keys = format!(
        "inbound = \"digest\"\nfrom = [\"{}\"]\nusername = \"pbx\"\npassword = \"pbx-s3cret\"",
        place.ip(Host::Caller)
    );
    let tables = inward(&keys);
    let wishes = Wishes { sip: NO_STRANGERS, ..with_trunk(&tables) };
    let rings = |scenario, password: &str| {
        let sipp = place.sipp(scenario).over(over).rings(DISTRICT);
        let uri = format!("{DISTRICT}@{}", place.at(Host::Server, over));
        sipp.with("user", "pbx").with("password", password).with("uri", uri).start()
    };
    inward_calls(
        place,
        over,
        wishes,
        || rings("proves-and-rings.xml", "pbx-s3cret"),
        || rings("guesses-and-rings.xml", "guessed"),
        RefusalReason::NotAllowed,
    );
}

fn by_certificate(place: &Place) {
    let over = Transport::Tls;
    let keys = "inbound = \"certificate\"\ncertificate = [\"caller.harbourside.example\"]";
    let tables = inward(keys);
    let tls = format!("client_ca = \"{}\"", place.authority().file().display());
    let wishes = Wishes { sip: NO_STRANGERS, tls: &tls, ..with_trunk(&tables) };
    inward_calls(
        place,
        over,
        wishes,
        || place.sipp("call.xml").over(over).rings(DISTRICT).start(),
        // Of the same authority, and called otherwise.
        || dials_in_vain(place, Host::Softphone, over, "somebody", DISTRICT, 403),
        RefusalReason::UnknownSource,
    );
}

fn spellings(place: &Place) {
    let tables = inward(&format!("from = [\"{}\"]", place.ip(Host::Caller)));
    let wishes = Wishes { sip: NO_STRANGERS, ..with_trunk(&tables) };
    let server = settings::start(place, Transport::Udp, wishes);
    let spelt = [DISTRICT, "+441632960100", "00441632960100", "441632960100"];
    let mut phone = place.sipp("phone.xml").at(Host::Amy).times(4).start();
    settings::ready(&server, "amy");
    for number in spelt {
        place.sipp("call.xml").rings(number).start().succeed(LONG);
        server.until_agents("ready", 1);
    }
    phone.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerHungUp; 4]);
    let organisations =
        arrivals(&server).into_iter().filter_map(|(_, through)| through?.organisation);
    let all: Vec<String> = organisations.collect();
    assert_eq!(all, ["Riverside District Council"; 4], "{}", server.story());
}

fn arrivals(server: &Server) -> Vec<(Caller, Option<Through>)> {
    let arrived = |event| match event {
        CallEvent::Arrived { caller, through, .. } => Some((caller, through)),
        _ => None,
    };
    server.calls().into_iter().filter_map(arrived).collect()
}

/// A trusted trunk's calls come from the caller's address, another's from the softphone's.
fn asserted(place: &Place) {
    let [trusted, other] = [Host::Caller, Host::Softphone].map(|host| place.ip(host));
    let tables = format!(
        "[trunk.carrier]\nfrom = [\"{trusted}\"]\ntrusted = true\n[trunk.other]\nfrom = [\"{other}\"]\n"
    );
    let wishes = Wishes { sip: NO_STRANGERS, ..with_trunk(&tables) };
    let server = settings::start(place, Transport::Udp, wishes);
    let says = "P-Asserted-Identity: \"A Neighbour\" <sip:+447700900123@carrier.example>\n\
                Diversion: <sip:+441632960500@carrier.example>;reason=unconditional\n";
    let privately = format!("{says}Privacy: id\n");
    for (host, more) in
        [(Host::Caller, says), (Host::Softphone, says), (Host::Caller, privately.as_str())]
    {
        place.sipp("call.xml").at(host).with("more", more).start().succeed(LONG);
    }
    assert_ended(&server, &[EndCause::CallerAbandoned; 3]);
    let through = |trunk: &str, diverted_from: Option<&str>| {
        let diverted_from = diverted_from.map(str::to_owned);
        Some(Through { trunk: trunk.into(), organisation: None, diverted_from })
    };
    let caller = |number: &str, name: &str| Caller {
        number: Some(number.to_owned()),
        name: Some(name.to_owned()),
        withheld: false,
    };
    let withheld = Caller { number: None, name: None, withheld: true };
    let diverted = Some("+441632960500");
    let expected = [
        (caller("+447700900123", "A Neighbour"), through("carrier", diverted)),
        (caller("+441632960001", "A Resident"), through("other", None)),
        (withheld, through("carrier", diverted)),
    ];
    assert_eq!(arrivals(&server), expected, "{}", server.story());
}

fn not_encrypted(place: &Place) {
    let over = Transport::Udp;
    let tables = inward(&format!("from = [\"{}\"]\nsrtp = \"required\"", place.ip(Host::Caller)));
    let server = settings::start(place, over, with_trunk(&tables));
    dials_in_vain(place, Host::Caller, over, "somebody", DISTRICT, 488).succeed(LONG);
    let refused = wait_for(LONG, || {
        let reason = |event: &SystemEvent| {
            matches!(event, SystemEvent::Refused { reason: RefusalReason::NotEncrypted, .. })
        };
        system(&server).iter().any(reason).then_some(())
    });
    assert!(refused.is_some(), "{}", server.story());
}

fn full(place: &Place, over: Transport) {
    let [one, other] = [Host::Caller, Host::Softphone].map(|host| place.ip(host));
    let tables = inward(&format!("from = [\"{one}\", \"{other}\"]\ncalls = 1"));
    let server = settings::start(place, over, with_trunk(&tables));
    let mut phone = place.sipp("phone.xml").at(Host::Amy).over(over).start();
    settings::ready(&server, "amy");
    let mut caller = place.sipp("call-of-some-seconds.xml").over(over).start();
    server.until_agents("talking", 1);
    let too_much = Refused { status: "503", says: "Retry-After: [0-9]+", ..USUAL };
    is_refused(place, Host::Softphone, over, &too_much);
    caller.succeed(LONG);
    phone.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerHungUp]);
}

// ---- outward -------------------------------------------------------------------------------------

/// Somebody whose call is refused.
pub fn dials_in_vain(
    place: &Place,
    host: Host,
    over: Transport,
    user: &str,
    number: &str,
    status: u16,
) -> Running {
    let sipp = place.sipp("dials-in-vain.xml").at(host).over(over).rings(number);
    sipp.with("user", user).with("status", status.to_string()).start()
}

pub fn amy_dials(place: &Place, over: Transport, number: &str) -> Running {
    place.sipp("dials.xml").at(Host::Amy).over(over).rings(number).with("user", "amy").start()
}

/// A host of the carrier's that answers, and wants the call to look so.
pub fn carrier_answers(place: &Place, host: Host, over: Transport, number: &str) -> Running {
    let sipp = place.sipp("carrier.xml").at(host).over(over).with("number", number);
    sipp.with("shown", OUR_NUMBER_SENT).start()
}

/// A host of the carrier's that does not take the call.
fn carrier_refuses(place: &Place, over: Transport, status: &str, elsewhere: &str) -> Running {
    let sipp = place.sipp("phone-is-busy.xml").at(Host::Carrier).over(over);
    sipp.with("status", status).with("elsewhere", elsewhere).start()
}

pub fn system(server: &Server) -> Vec<SystemEvent> {
    let system = |event| match event {
        Event::System { event } => Some(event),
        Event::Call { .. }
        | Event::Agent { .. }
        | Event::Message { .. }
        | Event::Callback { .. }
        | Event::Notification { .. } => None,
    };
    server.journal().into_iter().filter_map(system).collect()
}

/// The numbers outside that somebody talked with.
pub fn talked_outside(server: &Server) -> Vec<String> {
    let outside = |event| match event {
        CallEvent::Connected { to: Peer::Outside(number), .. } => Some(number),
        _ => None,
    };
    server.calls().into_iter().filter_map(outside).collect()
}

fn outward(place: &Place, over: Transport) {
    let server =
        settings::start(place, over, with_trunk(&trunk(place, &[Host::Carrier], over, UNASKED)));
    let mut carrier = carrier_answers(place, Host::Carrier, over, OUTSIDE_SENT);
    amy_dials(place, over, OUTSIDE).succeed(LONG);
    carrier.succeed(LONG);
    assert_ended(&server, &[EndCause::AgentCallDone]);
    assert_eq!(talked_outside(&server), [OUTSIDE], "{}", server.story());
}

fn hears_early(place: &Place, over: Transport) {
    let server =
        settings::start(place, over, with_trunk(&trunk(place, &[Host::Carrier], over, UNASKED)));
    let carrier = place.sipp("carrier-early.xml").at(Host::Carrier).over(over);
    let carrier = carrier.with("number", OUTSIDE_SENT).with("shown", OUR_NUMBER_SENT);
    let mut carrier = carrier.start();
    let amy = place.sipp("dials-and-hears.xml").at(Host::Amy).over(over).rings(OUTSIDE);
    amy.with("user", "amy").start().succeed(LONG);
    carrier.succeed(LONG);
    assert_ended(&server, &[EndCause::AgentCallDone]);
    assert_eq!(talked_outside(&server), [OUTSIDE], "{}", server.story());
}

fn guarded(place: &Place, over: Transport) {
    let tables = trunk(place, &[Host::Carrier], over, UNASKED);
    let nothing = "[outbound]\nmay_call = []\ncalls_per_hour = 0\n";
    let tables = format!("{tables}\n{nothing}");
    let server = settings::start(place, over, with_trunk(&tables));
    // What it is given must be the emergency, and nothing before.
    let mut carrier = carrier_answers(place, Host::Carrier, over, "999");
    for number in [PREMIUM, OUTSIDE] {
        dials_in_vain(place, Host::Amy, over, "amy", number, 403).succeed(LONG);
    }
    amy_dials(place, over, "999").succeed(LONG);
    carrier.succeed(LONG);
    assert_eq!(talked_outside(&server), ["999"], "{}", server.story());
    let refused: Vec<String> = system(&server)
        .into_iter()
        .filter_map(|event| match event {
            SystemEvent::OutboundRefused { who, number, reason: OutboundRefusal::NotAllowed } => {
                assert_eq!(who, "agent amy");
                Some(number)
            }
            _ => None,
        })
        .collect();
    assert_eq!(refused, [PREMIUM, OUTSIDE], "{}", server.story());
    assert_counts(&server, "switchboard_outbound_refused_total{reason=\"not_allowed\"}", 2);
}

fn busy(place: &Place, over: Transport) {
    let tables = trunk(place, &[Host::Carrier, Host::Spare], over, UNASKED);
    let server = settings::start(place, over, with_trunk(&tables));
    let mut carrier = carrier_refuses(place, over, "486", "nowhere");
    // Busy is busy, whichever host is asked.
    let mut spare = carrier_answers(place, Host::Spare, over, OUTSIDE_SENT);
    dials_in_vain(place, Host::Amy, over, "amy", OUTSIDE, 486).succeed(LONG);
    carrier.succeed(LONG);
    assert!(!spare.has_ended());
    assert_ended(&server, &[EndCause::AgentCallFailed]);
}

fn second_host(place: &Place, over: Transport) {
    let tables = trunk(place, &[Host::Carrier, Host::Spare], over, UNASKED);
    let server = settings::start(place, over, with_trunk(&tables));
    let mut carrier = carrier_refuses(place, over, "503", "nowhere");
    let mut spare = carrier_answers(place, Host::Spare, over, OUTSIDE_SENT);
    amy_dials(place, over, OUTSIDE).succeed(LONG);
    carrier.succeed(LONG);
    spare.succeed(LONG);
    assert_ended(&server, &[EndCause::AgentCallDone]);
    assert_eq!(talked_outside(&server), [OUTSIDE], "{}", server.story());
}

/// Nothing ever comes back from the first host, not even from its machine.
fn silent_host(place: &Place) {
    let over = Transport::Udp;
    let tables = trunk(place, &[Host::Carrier, Host::Spare], over, UNASKED);
    let server = settings::start(place, over, with_trunk(&tables));
    let silent = UdpSocket::bind(place.sip(Host::Carrier)).expect("the first host");
    silent.set_nonblocking(true).expect("does not block");
    let mut spare = carrier_answers(place, Host::Spare, over, OUTSIDE_SENT);
    amy_dials(place, over, OUTSIDE).succeed(LONG);
    spare.succeed(LONG);
    assert_ended(&server, &[EndCause::AgentCallDone]);
    let (mut heard, mut buffer) = (0, [0; 2_000]);
    while let Ok(length) = silent.recv(&mut buffer) {
        assert!(buffer[..length].starts_with(b"INVITE "), "{:?}", &buffer[..length]);
        heard += 1;
    }
    assert!(heard > 1, "the first host was asked {heard} times");
}

fn redirected(place: &Place, over: Transport) {
    let tables = trunk(place, &[Host::Carrier, Host::Spare], over, UNASKED);
    let server = settings::start(place, over, with_trunk(&tables));
    let there = format!("+441632960124@{};transport={}", place.at(Host::Spare, over), over.param());
    let mut carrier = carrier_refuses(place, over, "302", &there);
    let mut spare = carrier_answers(place, Host::Spare, over, r"\+441632960124");
    amy_dials(place, over, OUTSIDE).succeed(LONG);
    carrier.succeed(LONG);
    spare.succeed(LONG);
    assert_ended(&server, &[EndCause::AgentCallDone]);
}

fn led_away(place: &Place, over: Transport) {
    let tables = trunk(place, &[Host::Carrier], over, UNASKED);
    let server = settings::start(place, over, with_trunk(&tables));
    let there = format!("+441632960124@{};transport={}", place.at(Host::Spare, over), over.param());
    let mut carrier = carrier_refuses(place, over, "302", &there);
    let mut stranger = carrier_answers(place, Host::Spare, over, r"\+441632960124");
    dials_in_vain(place, Host::Amy, over, "amy", OUTSIDE, 480).succeed(LONG);
    carrier.succeed(LONG);
    assert!(!stranger.has_ended());
    assert_ended(&server, &[EndCause::AgentCallFailed]);
}

/// The first host says that it cannot serve; the second lives. Each is asked as soon as we start, and
/// nobody is asked again within this scenario.
fn healthy(place: &Place) {
    let over = Transport::Udp;
    let tables = trunk(place, &[Host::Carrier, Host::Spare], over, "options_s = 600");
    let asked = |host, status: &str| {
        let sipp = place.sipp("says-how-it-is.xml").at(host);
        sipp.with("method", "OPTIONS").with("status", status).start()
    };
    let (mut sick, mut well) = (asked(Host::Carrier, "503"), asked(Host::Spare, "200"));
    let server = settings::start(place, over, with_trunk(&tables));
    sick.succeed(LONG);
    well.succeed(LONG);
    drop((sick, well));
    is_up(place, &server, over, Host::Carrier, false);
    is_up(place, &server, over, Host::Spare, true);
    let mut well = carrier_answers(place, Host::Spare, over, OUTSIDE_SENT);
    amy_dials(place, over, OUTSIDE).succeed(LONG);
    well.succeed(LONG);
}

/// Waits until the journal and the figures say whether a host of the trunk lives.
pub fn is_up(place: &Place, server: &Server, over: Transport, host: Host, lives: bool) {
    let at = format!("{}:{}", over.param(), place.at(host, over));
    let shown =
        format!("switchboard_trunk_up{{trunk=\"carrier\",host=\"{at}\"}} {}", u8::from(lives));
    let known = wait_for(LONG, || {
        let told = system(server).into_iter().rev().find_map(|event| match event {
            SystemEvent::TrunkServer { server, up, .. } if server == at => Some(up),
            _ => None,
        });
        let metrics = server.get("/metrics");
        (told == Some(lives) && metrics.lines().any(|line| line == shown)).then_some(())
    });
    assert!(known.is_some(), "{}\n{}", server.story(), server.get("/metrics"));
}
