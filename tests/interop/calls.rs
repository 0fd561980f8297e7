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
        add("no answer: CANCEL of the phone, the next adviser is rung", no_answer);
        add("CANCEL of the ringing phone of a caller who left", caller_leaves);
    }
    for over in [Transport::Udp, Transport::Tcp] {
        all.push(Scenario::new("SIPp", over, "call over IPv6 to a phone of IPv4", move |place| {
            let wishes = Wishes { v6: true, ..Wishes::default() };
            let talk = Talk::of("call.xml", "phone.xml").with_wishes(wishes);
            talk.ends(place, over, EndCause::CallerHungUp);
        }));
    }
    for (over, direction, address, answer) in [
        (Transport::Udp, "sendonly", "[media_ip]", "recvonly"),
        (Transport::Udp, "inactive", "[media_ip]", "inactive"),
        (Transport::Udp, "sendrecv", "0.0.0.0", "recvonly"),
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
fn passed_over(place: &Place, over: Transport, amy: &str, outcome: OfferOutcome) {
    let server = settings::start(place, over, Wishes::default());
    let mut amy =
        place.sipp(amy).at(Host::Amy).over(over).with("status", "486").with("reason", ".").start();
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

fn offer(event: &CallEvent) -> Option<OfferOutcome> {
    match event {
        CallEvent::OfferEnded { outcome, .. } => Some(*outcome),
        _ => None,
    }
}

fn busy(place: &Place, over: Transport) {
    passed_over(place, over, "phone-is-busy.xml", OfferOutcome::Rejected);
}

fn no_answer(place: &Place, over: Transport) {
    passed_over(place, over, "phone-rings.xml", OfferOutcome::NoAnswer);
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
