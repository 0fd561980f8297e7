//! What is refused, with the status that the RFC names and what it has to say besides.

use switchboard::event::{CallEvent, EndCause};

use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, NUMBER, Wishes};

const SDP: &str = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n\
                   m=audio 40000 RTP/AVP 8";
/// G.729 alone, which we do not speak.
const G729: &str = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n\
                    m=audio 40000 RTP/AVP 18";

/// A request that is refused.
#[derive(Clone, Copy)]
pub struct Refused {
    pub feature: &'static str,
    pub method: &'static str,
    /// Empty for the central number.
    pub uri: &'static str,
    pub to_tag: &'static str,
    pub headers: &'static str,
    pub body: &'static str,
    pub status: &'static str,
    /// A pattern that the response has somewhere.
    pub says: &'static str,
}

/// What would be taken.
pub const USUAL: Refused = Refused {
    feature: "",
    method: "INVITE",
    uri: "",
    to_tag: "",
    headers: "Max-Forwards: 70\nContent-Type: application/sdp",
    body: SDP,
    status: "",
    says: ".",
};

const REFUSED: &[Refused] = &[
    Refused {
        feature: "404 for a number that nobody has",
        uri: "sip:01632960999@[remote_ip]:[remote_port]",
        status: "404",
        ..USUAL
    },
    Refused {
        feature: "405 for a method that we do not serve, with Allow",
        method: "PUBLISH",
        headers: "Max-Forwards: 70\nEvent: presence",
        body: "",
        status: "405",
        says: "Allow:.*INVITE",
        ..USUAL
    },
    Refused {
        feature: "415 for a body that is no SDP, with Accept",
        headers: "Max-Forwards: 70\nContent-Type: application/x-nothing",
        body: "nothing",
        status: "415",
        says: "Accept:.*application/sdp",
        ..USUAL
    },
    Refused {
        feature: "416 for a URI that is neither sip nor tel",
        uri: "http://www.harbourside.example",
        status: "416",
        ..USUAL
    },
    Refused {
        feature: "420 for an extension that we do not have, with Unsupported",
        headers: "Max-Forwards: 70\nRequire: teleport\nContent-Type: application/sdp",
        status: "420",
        says: "Unsupported:.*teleport",
        ..USUAL
    },
    Refused {
        feature: "481 for BYE in a dialog that we do not know",
        method: "BYE",
        to_tag: ";tag=nobody",
        headers: "Max-Forwards: 70",
        body: "",
        status: "481",
        ..USUAL
    },
    Refused {
        feature: "481 for INVITE with Replaces of a dialog that we do not know",
        headers: "Max-Forwards: 70\nRequire: replaces\nReplaces: nobody@nowhere;to-tag=a;from-tag=b\n\
                  Content-Type: application/sdp",
        status: "481",
        ..USUAL
    },
    Refused {
        feature: "481 for CANCEL of a transaction that we do not know",
        method: "CANCEL",
        headers: "Max-Forwards: 70",
        body: "",
        status: "481",
        ..USUAL
    },
    Refused {
        feature: "483 for a request that has come too far",
        headers: "Max-Forwards: 0\nContent-Type: application/sdp",
        status: "483",
        ..USUAL
    },
    Refused {
        feature: "488 for an offer without a codec of ours",
        body: G729,
        status: "488",
        ..USUAL
    },
    Refused {
        feature: "400 for an offer that cannot be read",
        body: "this is not SDP",
        status: "400",
        ..USUAL
    },
];

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        for refused in REFUSED {
            all.push(Scenario::new("SIPp", over, refused.feature, move |place| {
                refuses(place, over, refused);
            }));
        }
        let feature = "503 with Retry-After at the limit of calls; the call under way goes on";
        all.push(Scenario::new("SIPp", over, feature, move |place| overload(place, over)));
        all.push(Scenario::new("SIPp", over, "OPTIONS", move |place| options(place, over)));
        let feature = "SIGTERM: 503 for OPTIONS and new calls; the call under way goes on";
        all.push(Scenario::new("SIPp", over, feature, move |place| drained(place, over)));
    }
    // Two requests with one number in one dialog cannot come over one stream.
    all.push(Scenario::new("SIPp", Transport::Udp, "482 for a merged request", merged));
}

fn refuses(place: &Place, over: Transport, refused: &Refused) {
    let server = settings::start(place, over, Wishes::default());
    is_refused(place, Host::Caller, over, refused);
    let status = format!("status=\"{}\"", refused.status);
    let counted = wait_for(LONG, || {
        let metrics = server.get("/metrics");
        let counts = |line: &str| {
            line.starts_with("switchboard_sip_messages_total{direction=\"out\"")
                && line.contains(&status)
        };
        metrics.lines().any(counts).then_some(())
    });
    assert!(counted.is_some(), "{}", server.get("/metrics"));
    assert_ended(&server, &[]);
}

/// Somebody's request is refused.
pub fn is_refused(place: &Place, host: Host, over: Transport, refused: &Refused) {
    let central = format!("sip:{NUMBER}@{}", place.sip(Host::Server));
    let uri = if refused.uri.is_empty() { &central } else { refused.uri };
    let then =
        if refused.method == "INVITE" { "refusal-acknowledged.xml" } else { "nothing-more.xml" };
    let mut sipp = place
        .sipp("refused.xml")
        .at(host)
        .over(over)
        .with("then", then)
        .with("method", refused.method)
        .with("uri", uri)
        .with("to-tag", refused.to_tag)
        .with("headers", refused.headers)
        .with("body", refused.body)
        .with("status", refused.status)
        .with("says", refused.says)
        .start();
    sipp.succeed(LONG);
}

fn overload(place: &Place, over: Transport) {
    let wishes = Wishes { tables: "[limits]\ncalls = 1\n", ..Wishes::default() };
    let server = settings::start(place, over, wishes);
    let mut phone = place.sipp("phone.xml").at(Host::Amy).over(over).start();
    settings::ready(&server, "amy");
    let mut caller = place.sipp("call-of-some-seconds.xml").start();
    server.until_agents("talking", 1);
    let too_much = Refused { status: "503", says: "Retry-After: [0-9]+", ..USUAL };
    is_refused(place, Host::Softphone, over, &too_much);
    caller.succeed(LONG);
    phone.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerHungUp]);
}

fn drained(place: &Place, over: Transport) {
    let mut server = settings::start(place, over, Wishes::default());
    let mut phone = place.sipp("phone.xml").at(Host::Amy).over(over).start();
    settings::ready(&server, "amy");
    let mut caller = place.sipp("call-of-some-seconds.xml").over(over).start();
    server.until_agents("talking", 1);
    server.drain();
    let drains = wait_for(LONG, || (server.try_get("/readyz")?.contains(" 503 ")).then_some(()));
    assert!(drains.is_some(), "the server is still ready");
    asks(place, Host::Softphone, over, "503", "Retry-After: [0-9]+");
    let too_late = Refused { status: "503", says: "Retry-After: [0-9]+", ..USUAL };
    is_refused(place, Host::Softphone, over, &too_late);
    caller.succeed(LONG);
    phone.succeed(LONG);
    server.ends_well(LONG);
    let ended = |event: &CallEvent| matches!(event, CallEvent::Ended { .. });
    let ends: Vec<CallEvent> = server.calls().into_iter().filter(ended).collect();
    let by_caller =
        |event: &CallEvent| matches!(event, CallEvent::Ended { cause: EndCause::CallerHungUp, .. });
    assert!(ends.len() == 1 && by_caller(&ends[0]), "{}", server.story());
}

fn options(place: &Place, over: Transport) {
    let _server = settings::start(place, over, Wishes::default());
    asks(place, Host::Caller, over, "200", "Allow:.*INVITE");
}

/// OPTIONS, with what it is answered.
fn asks(place: &Place, host: Host, over: Transport, status: &str, says: &str) {
    let mut sipp = place
        .sipp("refused.xml")
        .at(host)
        .over(over)
        .with("then", "nothing-more.xml")
        .with("method", "OPTIONS")
        .with("uri", "sip:[remote_ip]:[remote_port]")
        .with("to-tag", "")
        .with("headers", "Max-Forwards: 70\nAccept: application/sdp")
        .with("body", "")
        .with("status", status)
        .with("says", says)
        .start();
    sipp.succeed(LONG);
}

fn merged(place: &Place) {
    let server = settings::start(place, Transport::Udp, Wishes::default());
    let mut sipp = place.sipp("merged.xml").start();
    sipp.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerAbandoned]);
}
