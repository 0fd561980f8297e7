//! Callers who are handed on by advisers' phones: REFER, REFER with Replaces, INVITE with Replaces.

use switchboard::event::{CallEvent, EndCause, TransferOutcome};

use crate::calls::LONG;
use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, NUMBER, Wishes};
use crate::trunks::{OUTSIDE, PREMIUM, UNASKED, trunk};

/// Amy's phone does this, and so ends the call.
struct Transfer {
    amy: &'static str,
    /// Whom the caller is handed to.
    target: &'static str,
    /// Who is rung, and what their phone does; nobody in some.
    other: Option<(Host, &'static str)>,
    /// What Amy is told in the end, if it fails.
    says: &'static str,
    outcomes: &'static [TransferOutcome],
    ends: &'static [EndCause],
}

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, transfer: Transfer| {
            all.push(Scenario::new("SIPp", over, feature, move |place| {
                tried(place, over, &transfer)
            }));
        };
        let completed = Transfer {
            amy: "refers-to-agent.xml",
            target: "ben",
            other: Some((Host::Ben, "phone.xml")),
            says: "486",
            outcomes: &[TransferOutcome::Completed],
            ends: &[EndCause::CallerHungUp],
        };
        add("REFER to an adviser: NOTIFY 100, 180, 200", completed);
        let away = |target| Transfer {
            amy: "refers-away.xml",
            target,
            other: Some((Host::Ben, "phone.xml")),
            says: "486",
            outcomes: &[TransferOutcome::Completed],
            ends: &[EndCause::CallerHungUp],
        };
        add("REFER to a queue", away("waste"));
        add("REFER to a number of ours", away(NUMBER));
        let in_vain = Transfer {
            amy: "refers-in-vain.xml",
            target: "ben",
            other: Some((Host::Ben, "phone-is-busy.xml")),
            says: "486",
            outcomes: &[TransferOutcome::Rejected],
            ends: &[EndCause::AgentHungUp],
        };
        add("REFER to a busy adviser: the caller is back", in_vain);
        let outside = Transfer {
            amy: "refers-to-agent.xml",
            target: OUTSIDE,
            other: Some((Host::Carrier, "phone.xml")),
            says: "",
            outcomes: &[TransferOutcome::Completed],
            ends: &[EndCause::CallerHungUp],
        };
        add("REFER to a number outside: NOTIFY 100, 180, 200", outside);
        let outside_in_vain = |other: Option<_>, says, outcomes| Transfer {
            amy: "refers-in-vain.xml",
            target: if other.is_some() { OUTSIDE } else { PREMIUM },
            other,
            says,
            outcomes,
            ends: &[EndCause::AgentHungUp],
        };
        let busy = Some((Host::Carrier, "phone-is-busy.xml"));
        let busy = outside_in_vain(busy, "486", &[TransferOutcome::Rejected]);
        add("REFER to a number outside that is busy: the caller is back", busy);
        let forbidden = outside_in_vain(None, "403", &[TransferOutcome::NotAllowed]);
        add("REFER to a number that may not be rung: the caller is back", forbidden);
        let nobody = Transfer {
            amy: "refers-to-nobody.xml",
            target: "nobody",
            other: None,
            says: "486",
            outcomes: &[],
            ends: &[EndCause::AgentHungUp],
        };
        add("REFER to nobody: 404, they talk on", nobody);
        let attended = Transfer {
            amy: "transfers-attended.xml",
            target: "ben",
            other: Some((Host::Ben, "phone.xml")),
            says: "486",
            outcomes: &[TransferOutcome::Completed],
            ends: &[EndCause::Merged, EndCause::CallerHungUp],
        };
        add("attended transfer: hold, consultation, REFER with Replaces", attended);
        let takes_over = Transfer {
            amy: "takes-over.xml",
            target: "",
            other: None,
            says: "486",
            outcomes: &[],
            ends: &[EndCause::AgentHungUp],
        };
        add("INVITE with Replaces takes a conversation over", takes_over);
    }
}

fn tried(place: &Place, over: Transport, transfer: &Transfer) {
    let tables = trunk(place, &[Host::Carrier], over, UNASKED);
    let server = settings::start(place, over, Wishes { tables: &tables, ..Wishes::default() });
    let amy = place.sipp(transfer.amy).at(Host::Amy).over(over).with("target", transfer.target);
    let mut amy = amy.with("says", transfer.says).start();
    let other = transfer.other.map(|(host, scenario)| {
        let other = place.sipp(scenario).at(host).over(over);
        other.with("status", "486").with("elsewhere", "nowhere").start()
    });
    settings::ready(&server, "amy");
    let caller = match transfer.ends {
        [.., EndCause::CallerHungUp] => "call-of-some-seconds.xml",
        _ => "call-until-bye.xml",
    };
    let mut caller = place.sipp(caller).over(over).start();
    server.until_agents("talking", 1);
    if matches!(transfer.other, Some((Host::Ben, _))) {
        settings::ready(&server, "ben");
    }
    amy.succeed(LONG);
    if let Some(mut other) = other {
        other.succeed(LONG);
    }
    caller.succeed(LONG);
    assert_ended(&server, transfer.ends);
    let outcomes: Vec<TransferOutcome> = server
        .calls()
        .into_iter()
        .filter_map(|event| match event {
            CallEvent::TransferEnded { outcome } => Some(outcome),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, transfer.outcomes, "{}", server.story());
}
