//! A call from its beginning to its end: SIPp rings as a resident, and answers as an adviser's phone.

use std::time::Duration;

use switchboard::event::EndCause;

use crate::place::{Host, Place, Wishes, assert_ended};
use crate::scenario::{Scenario, Transport};

const SIPP: &str = "SIPp";
pub const HALF_A_MINUTE: Duration = Duration::from_secs(30);

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in [Transport::Udp] {
        let mut add = |feature: &str, run: fn(&Place, Transport)| {
            all.push(Scenario::new(SIPP, over, feature, move |place| run(place, over)));
        };
        add("a call; the caller hangs up", |place, over| {
            talk(place, over, "call.xml", "phone.xml", EndCause::CallerHungUp);
        });
        add("a call; the adviser hangs up", |place, over| {
            talk(place, over, "call-until-bye.xml", "phone-talks.xml", EndCause::AgentHungUp);
        });
    }
}

/// A resident is joined with Amy; both scenarios succeed, and the call ends so.
pub fn talk(place: &Place, over: Transport, caller: &str, phone: &str, end: EndCause) {
    let server = place.server(over, Wishes::default());
    let mut phone = place.sipp(phone).at(Host::Amy).over(over).start();
    place.ready(&server, "amy");
    let mut caller = place.sipp(caller).over(over).start();
    caller.succeed(HALF_A_MINUTE);
    phone.succeed(HALF_A_MINUTE);
    assert_ended(&server, &[end]);
}
