//! The journal's words read back as they were written.

use super::*;

#[test]
fn an_entry_reads_back_as_it_was_written() {
    let entry = Entry {
        seq: 3,
        at: UnixMicros(5),
        time: Time::from_millis(1),
        event: Event::Call {
            call: crate::id::Entropy::from_seed([1; 32]).call_id(UnixMicros(0)),
            event: CallEvent::QueueLeft {
                queue: "waste".into(),
                outcome: Outcome::Abandoned,
                wait_us: 60_000_000,
                episode: 1,
            },
        },
    };
    let json = serde_json::to_string(&entry).expect("writes");
    assert!(json.contains(r#""of":"call""#) && json.contains(r#""event":"queue_left""#), "{json}");
    assert_eq!(serde_json::from_str::<Entry>(&json).expect("reads"), entry);
}

#[test]
fn every_cause_has_the_name_that_the_journal_writes() {
    for cause in EndCause::ALL {
        assert_eq!(serde_json::to_value(cause).expect("writes"), cause.as_str());
    }
    for state in AgentState::ALL {
        assert_eq!(serde_json::to_value(state).expect("writes"), state.as_str());
    }
}
