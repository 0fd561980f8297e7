//! What may happen inside a call: UPDATE, forked answers.

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
        add("UPDATE by the caller: hold, resume", "update-by-caller.xml", "phone.xml", by_caller);
        add(
            "UPDATE by the adviser: hold, resume",
            "call-until-bye.xml",
            "update-by-phone.xml",
            by_agent,
        );
        add("two answers of a forked INVITE", "call.xml", "forked.xml", by_caller);
    }
}
