//! Callers who are handed on by advisers' phones: REFER, REFER with Replaces, INVITE with Replaces.

use switchboard::event::{CallEvent, EndCause, TransferOutcome};

use crate::calls::LONG;
use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, NUMBER, Wishes};

/// Amy's phone does this, and so ends the call.
struct Transfer {
    amy: &'static str,
    /// Whom the caller is handed to.
    target: &'static str,
    /// What Ben's phone does; nothing if it is not rung.
    ben: Option<&'static str>,
    /// Whether Ben waits for calls of the queue.
    ready: bool,
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
            ben: Some("phone.xml"),
            ready: true,
            outcomes: &[TransferOutcome::Completed],
            ends: &[EndCause::CallerHungUp],
        };
        add("REFER to an adviser: NOTIFY 100, 180, 200", completed);
        let away = |target| Transfer {
            amy: "refers-away.xml",
            target,
            ben: Some("phone.xml"),
            ready: true,
            outcomes: &[TransferOutcome::Completed],
            ends: &[EndCause::CallerHungUp],
        };
        add("REFER to a queue", away("waste"));
        add("REFER to a number of ours", away(NUMBER));
        let in_vain = Transfer {
            amy: "refers-in-vain.xml",
            target: "ben",
            ben: Some("phone-is-busy.xml"),
            ready: true,
            outcomes: &[TransferOutcome::Rejected],
            ends: &[EndCause::AgentHungUp],
        };
        add("REFER to a busy adviser: the caller is back", in_vain);
        let nobody = Transfer {
            amy: "refers-to-nobody.xml",
            target: "nobody",
            ben: None,
            ready: false,
            outcomes: &[],
            ends: &[EndCause::AgentHungUp],
        };
        add("REFER to nobody: 404, they talk on", nobody);
        let attended = Transfer {
            amy: "transfers-attended.xml",
            target: "ben",
            ben: Some("phone.xml"),
            ready: true,
            outcomes: &[TransferOutcome::Completed],
            ends: &[EndCause::Merged, EndCause::CallerHungUp],
        };
        add("attended transfer: hold, consultation, REFER with Replaces", attended);
        let takes_over = Transfer {
            amy: "takes-over.xml",
            target: "",
            ben: None,
            ready: false,
            outcomes: &[],
            ends: &[EndCause::AgentHungUp],
        };
        add("INVITE with Replaces takes a conversation over", takes_over);
    }
}

fn tried(place: &Place, over: Transport, transfer: &Transfer) {
    let server = settings::start(place, over, Wishes::default());
    let amy = place.sipp(transfer.amy).at(Host::Amy).over(over).with("target", transfer.target);
    let mut amy = amy.start();
    let ben = transfer.ben.map(|scenario| {
        place
            .sipp(scenario)
            .at(Host::Ben)
            .over(over)
            .with("status", "486")
            .with("elsewhere", "nowhere")
            .start()
    });
    settings::ready(&server, "amy");
    let caller = match transfer.ends {
        [.., EndCause::CallerHungUp] => "call-of-some-seconds.xml",
        _ => "call-until-bye.xml",
    };
    let mut caller = place.sipp(caller).over(over).start();
    server.until_agents("talking", 1);
    if transfer.ready {
        settings::ready(&server, "ben");
    }
    amy.succeed(LONG);
    if let Some(mut ben) = ben {
        ben.succeed(LONG);
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
