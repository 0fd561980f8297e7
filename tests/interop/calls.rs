//! A call from its beginning to its end: SIPp rings as a resident, and answers as an adviser's phone.

use std::time::Duration;

use switchboard::event::{CallEvent, EndCause, OfferOutcome};

use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, Wishes};

/// The most that a scenario may take.
pub const LONG: Duration = Duration::from_secs(100);

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, run: fn(&Place, Transport)| {
            all.push(Scenario::new("SIPp", over, feature, move |place| run(place, over)));
        };
        add("call; the caller hangs up", |place, over| {
            Talk::of("call.xml", "phone.xml").ends(place, over, EndCause::CallerHungUp);
        });
        add("call; the adviser hangs up", |place, over| {
            Talk::of("call-until-bye.xml", "phone-talks.xml").ends(
                place,
                over,
                EndCause::AgentHungUp,
            );
        });
        add("INVITE without an offer (late offer)", |place, over| {
            Talk::of("late-offer.xml", "phone.xml").ends(place, over, EndCause::CallerHungUp);
        });
        add("486 of a phone: the next adviser is rung", busy);
        add("302 of a phone is not followed: the next adviser is rung", redirected);
        add("two phones of an adviser: CANCEL with Reason for the other", two_phones);
        add("keys by INFO, application/dtmf-relay", |place, over| {
            keys(place, over, "dtmf-relay", "Signal=3\nDuration=160");
        });
        add("keys by INFO, application/dtmf", |place, over| keys(place, over, "dtmf", "3"));
        add("no answer: CANCEL of the phone, the next adviser is rung", no_answer);
        add("CANCEL of the ringing phone of a caller who left", caller_leaves);
    }
    for over in [Transport::Tcp, Transport::Tls] {
        let feature = "a ringing phone's connection closes: the next adviser is rung";
        all.push(Scenario::new("SIPp", over, feature, move |place| {
            passed_over(place, over, "phone-goes.xml", "", OfferOutcome::Unreachable);
        }));
    }
    for over in [Transport::Udp, Transport::Tcp] {
        all.push(Scenario::new("SIPp", over, "call over IPv6 to a phone of IPv4", move |place| {
            let wishes = Wishes { v6: true, ..Wishes::default() };
            let talk = Talk::of("call.xml", "phone.xml").with_wishes(wishes);
            talk.ends(place, over, EndCause::CallerHungUp);
        }));
    }
    for over in Transport::SIPP {
        holds(all, over);
    }
}

fn holds(all: &mut Vec<Scenario>, over: Transport) {
    for (direction, address, answer) in [
        ("sendonly", "[media_ip]", "recvonly"),
        ("inactive", "[media_ip]", "inactive"),
        ("sendrecv", "0.0.0.0", "recvonly"),
    ] {
        let how = if address == "0.0.0.0" { address } else { direction };
        for (who, caller, phone, end) in [
            ("caller", "hold-by-caller.xml", "phone.xml", EndCause::CallerHungUp),
            ("adviser", "call-until-bye.xml", "hold-by-phone.xml", EndCause::AgentHungUp),
        ] {
            let feature = format!("re-INVITE: hold by the {who} ({how}), resume");
            all.push(Scenario::new("SIPp", over, feature, move |place| {
                Talk::of(caller, phone)
                    .with("direction", direction)
                    .with("address", address)
                    .with("answer", answer)
                    .ends(place, over, end);
            }));
        }
    }
}

/// A resident is joined with Amy.
pub struct Talk<'a> {
    caller: &'static str,
    phone: &'static str,
    through: Host,
    wishes: Wishes<'a>,
    words: Vec<(&'static str, String)>,
}

impl<'a> Talk<'a> {
    /// These scenarios for the two.
    pub fn of(caller: &'static str, phone: &'static str) -> Self {
        Talk { caller, phone, through: Host::Server, wishes: Wishes::default(), words: Vec::new() }
    }

    /// The caller's messages go to this host instead of the server.
    pub fn through(mut self, host: Host) -> Self {
        self.through = host;
        self
    }

    /// The server's settings say this too.
    pub fn with_wishes(mut self, wishes: Wishes<'a>) -> Self {
        self.wishes = wishes;
        self
    }

    /// A word for the scenarios.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.words.push((name, value.to_owned()));
        self
    }

    /// Both scenarios succeed, the two have talked, and the call ends so.
    pub fn ends(self, place: &Place, over: Transport, end: EndCause) {
        let server = settings::start(place, over, self.wishes);
        let mut phone = place.sipp(self.phone).at(Host::Amy).over(over);
        let mut caller =
            place.sipp(self.caller).over(over).towards(self.through).v6(self.wishes.v6);
        for (name, value) in &self.words {
            phone = phone.with(name, value);
            caller = caller.with(name, value);
        }
        let mut phone = phone.start();
        settings::ready(&server, "amy");
        let mut caller = caller.start();
        caller.succeed(LONG);
        phone.succeed(LONG);
        assert_ended(&server, &[end]);
        let joined = |event: &CallEvent| matches!(event, CallEvent::Joined { .. });
        assert!(server.calls().iter().any(joined), "{}", server.story());
    }
}

/// Amy's phone does not take the call, so Ben's is rung.
fn passed_over(place: &Place, over: Transport, amy: &str, status: &str, outcome: OfferOutcome) {
    let server = settings::start(place, over, Wishes::default());
    let amy = place.sipp(amy).at(Host::Amy).over(over).with("status", status);
    let elsewhere = place.at(Host::Ellie, over).to_string();
    let mut amy = amy.with("elsewhere", elsewhere).with("reason", ".").start();
    let mut ben = place.sipp("phone.xml").at(Host::Ben).over(over).start();
    settings::ready(&server, "amy");
    settings::ready(&server, "ben");
    let mut caller = place.sipp("call-of-some-seconds.xml").over(over).start();
    caller.succeed(LONG);
    amy.succeed(LONG);
    ben.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerHungUp]);
    let offers: Vec<OfferOutcome> = server.calls().iter().filter_map(offer).collect();
    assert_eq!(offers, [outcome, OfferOutcome::Accepted], "{}", server.story());
}

/// How an offer ended, if it is that.
pub fn offer(event: &CallEvent) -> Option<OfferOutcome> {
    match event {
        CallEvent::OfferEnded { outcome, .. } => Some(*outcome),
        _ => None,
    }
}

fn busy(place: &Place, over: Transport) {
    passed_over(place, over, "phone-is-busy.xml", "486", OfferOutcome::Rejected);
}

fn redirected(place: &Place, over: Transport) {
    passed_over(place, over, "phone-is-busy.xml", "302", OfferOutcome::Unreachable);
}

fn no_answer(place: &Place, over: Transport) {
    passed_over(place, over, "phone-rings.xml", "", OfferOutcome::NoAnswer);
}

fn caller_leaves(place: &Place, over: Transport) {
    let server = settings::start(place, over, Wishes::default());
    let mut amy =
        place.sipp("phone-rings.xml").at(Host::Amy).over(over).with("reason", ".").start();
    settings::ready(&server, "amy");
    let mut caller = place.sipp("call.xml").over(over).start();
    caller.succeed(LONG);
    amy.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerAbandoned]);
    let offers: Vec<OfferOutcome> = server.calls().iter().filter_map(offer).collect();
    assert_eq!(offers, [OfferOutcome::CallerLeft], "{}", server.story());
}

/// Both of Ellie's phones ring. One is answered; the other is told why it rings no more.
fn two_phones(place: &Place, over: Transport) {
    let server = settings::start(place, over, Wishes::default());
    let mut other = place
        .sipp("phone-rings.xml")
        .at(Host::Ellie)
        .over(over)
        .with("reason", "Reason: SIP;cause=200")
        .start();
    let mut answers = place.sipp("phone-picked-up.xml").at(Host::EllieAtHome).over(over).start();
    settings::ready(&server, "ellie");
    let mut caller = place.sipp("call.xml").over(over).start();
    caller.succeed(LONG);
    other.succeed(LONG);
    answers.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerHungUp]);
}

/// The caller hears the menu and presses 3: housing.
fn keys(place: &Place, over: Transport, kind: &str, keys: &str) {
    let wishes = Wishes { menu: true, ..Wishes::default() };
    let talk = Talk::of("keys-by-info.xml", "phone-talks.xml").with_wishes(wishes);
    talk.with("type", kind).with("keys", keys).ends(place, over, EndCause::AgentHungUp);
}
