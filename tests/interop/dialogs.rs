//! What may happen inside a call: reliable provisional responses, UPDATE, session timers, glare,
//! forked answers.

use switchboard::event::EndCause;

use crate::calls::Talk;
use crate::scenario::{Scenario, Transport};

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, caller, phone, end| {
            all.push(Scenario::new("SIPp", over, feature, move |place| {
                Talk::of(caller, phone).ends(place, over, end);
            }));
        };
        let (by_caller, by_agent) = (EndCause::CallerHungUp, EndCause::AgentHungUp);
        add("reliable 180 and PRACK", "prack.xml", "phone.xml", by_caller);
        add("UPDATE by the caller: hold, resume", "update-by-caller.xml", "phone.xml", by_caller);
        add(
            "UPDATE by the adviser: hold, resume",
            "call-until-bye.xml",
            "update-by-phone.xml",
            by_agent,
        );
        add("session timer: 422 with Min-SE", "session-too-short.xml", "phone.xml", by_caller);
        add("two answers of a forked INVITE", "call.xml", "forked.xml", by_caller);
        // These take as long as the shortest session timer.
        add("session timer: refresh by UPDATE", "session-refreshed.xml", "phone.xml", by_caller);
        add("session timer: refresh by re-INVITE, glare: 491", "glare.xml", "phone.xml", by_caller);
        add(
            "session timer: BYE for a caller who is gone",
            "session-expires.xml",
            "phone.xml",
            EndCause::SignallingLost,
        );
    }
}
