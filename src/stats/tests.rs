//! The definitions of `measures.md`, each on a journal made by hand.

use crate::event::{
    AgentState, CallEvent, EndCause, Event, Outcome, Peer, QueueSettingsInForce, SystemEvent,
    TransferOutcome,
};
use crate::time::{Time, UnixMicros};

use super::stream::{S, Stream, at};
use super::{Fold, Registration};

const NOON: &str = "2026-11-23T12:00:00Z";

#[test]
fn a_wait_of_sixty_seconds_is_within_the_standard_and_a_microsecond_more_is_not() {
    let mut stream = Stream::starting(NOON);
    for wait_us in [60 * S, 60 * S + 1] {
        let mut call = stream.queued("waste");
        stream.pass(wait_us);
        stream.answer(&mut call, "amy");
    }
    let today = stream.live().queue("waste").today.clone();
    assert_eq!((today.offered, today.answered, today.answered_within_standard), (2, 2, 1));
    assert_eq!(today.answered_within_of_offered, Some(0.5));
    assert_eq!(today.asa_s, Some(60.0000005));
    assert_eq!(today.longest_wait_s, Some(60.000001));
    let total = stream.live().queue("waste").total.clone();
    assert_eq!(total.answered_within_standard, 1);
    assert_eq!(total.wait_buckets.iter().sum::<u64>(), 2);
}

#[test]
fn an_abandon_is_short_below_five_seconds_and_not_at_five() {
    let mut stream = Stream::starting(NOON);
    for wait_us in [4_999_999, 5 * S] {
        let call = stream.queued("waste");
        stream.pass(wait_us);
        stream.abandon(call);
    }
    let live = stream.live();
    let waste = live.queue("waste");
    assert_eq!((waste.today.abandoned, waste.today.short_abandons), (2, 1));
    assert_eq!((waste.total.abandoned_short, waste.total.abandoned_long), (1, 1));
    assert_eq!(live.ended_total.get(&EndCause::CallerAbandoned), Some(&2));
    assert_eq!(waste.today.answered_within_of_offered, Some(0.0));
    assert_eq!(waste.today.answered_within_of_answered, None);
    assert_eq!(waste.today.excluding_short_abandons, Some(0.0));
    assert_eq!(waste.today.excluding_abandons_within, None);
}

#[test]
fn a_day_without_calls_has_no_ratio_and_no_average() {
    let live = Stream::starting(NOON).live();
    assert_eq!(live.today, super::live::Today::default());
    assert_eq!(live.queue("waste").longest_wait_s, None);
    assert_eq!(live.queues.len(), 2, "queues are there before their first call");
    assert_eq!(live.agents.len(), AgentState::ALL.len());
    assert_eq!(live.agents.get(&AgentState::SignedOut), Some(&2));
}

#[test]
fn waiting_again_after_an_answer_is_reported_apart() {
    let mut stream = Stream::starting(NOON);
    let mut call = stream.queued("waste");
    stream.pass(10 * S);
    stream.answer(&mut call, "amy");
    stream.pass(100 * S);
    stream.part(&call, "amy", 100 * S, 0);
    stream.enter(&mut call, "parking");
    stream.pass(90 * S);
    assert_eq!(stream.live().queue("parking").waiting, 1);
    assert_eq!(stream.live().queue("parking").longest_wait_s, Some(90.0), "talk is no wait");
    stream.leave(&mut call, Outcome::Abandoned);
    stream.end(&call, EndCause::CallerAbandoned);

    let live = stream.live();
    assert_eq!((live.today.offered, live.today.answered, live.today.abandoned), (1, 1, 0));
    assert_eq!(live.today.asa_s, Some(10.0));
    assert_eq!(live.queue("parking").total.offered, 0);
    assert_eq!(live.queue("parking").total.abandoned_long, 0);
    assert_eq!(live.queue("parking").total.outcomes.get(&Outcome::Abandoned), Some(&1));
    assert!(live.queues.iter().all(|queue| queue.books_difference == 0));
    let later: Vec<_> = stream.fold.later_episodes().collect();
    let (_, parking) = later.iter().find(|(queue, _)| queue.as_str() == "parking").expect("there");
    assert_eq!((parking.begun, parking.outcomes.get(&Outcome::Abandoned)), (1, Some(&1)));
}

#[test]
fn a_moved_call_belongs_to_its_first_queue_and_visits_both() {
    let mut stream = Stream::starting(NOON);
    let mut call = stream.queued("waste");
    stream.pass(40 * S);
    stream.move_to(&mut call, "parking");
    stream.pass(30 * S);
    let live = stream.live();
    assert_eq!(live.queue("parking").longest_wait_s, Some(70.0), "moving resets no wait");
    assert_eq!((live.queue("waste").waiting, live.queue("waste").today.still_waiting), (0, 1));
    assert_eq!(live.queue("parking").today.still_waiting, 0);
    stream.answer(&mut call, "amy");

    let live = stream.live();
    let (waste, parking) = (live.queue("waste"), live.queue("parking"));
    assert_eq!((waste.today.offered, waste.today.answered), (1, 1));
    assert_eq!(waste.today.answered_within_standard, 0, "70 seconds from the first entry");
    assert_eq!((parking.today.offered, parking.today.answered), (0, 0));
    assert_eq!(waste.total.outcomes.get(&Outcome::Moved), Some(&1));
    assert_eq!(parking.total.outcomes.get(&Outcome::Answered), Some(&1));
    assert!(live.queues.iter().all(|queue| queue.books_difference == 0));
    assert_eq!(live.today.difference(), 0);
}

#[test]
fn every_outcome_is_counted_once_and_the_balance_holds_at_every_entry() {
    let mut stream = Stream::starting(NOON);
    let outcomes = [
        Outcome::Abandoned,
        Outcome::Overflowed,
        Outcome::CallbackTaken,
        Outcome::Voicemail,
        Outcome::EndedBySystem,
    ];
    for outcome in outcomes {
        let mut call = stream.queued("waste");
        stream.pass(7 * S);
        stream.leave(&mut call, outcome);
        stream.end(&call, EndCause::Completed);
    }
    let waits = stream.queued("waste");
    let today = stream.live().today;
    let counts = [
        today.abandoned,
        today.overflowed,
        today.callbacks,
        today.voicemail,
        today.ended_by_system,
        today.still_waiting,
    ];
    assert_eq!((today.offered, counts), (6, [1; 6]));
    stream.abandon(waits);
    let mut fold = Fold::new();
    for entry in &stream.entries {
        fold.apply(entry);
        let live = fold.live(entry.time, entry.at);
        assert_eq!(live.today.difference(), 0, "after {entry:?}");
    }
}

#[test]
fn leaving_a_queue_twice_shows_in_the_books_and_not_in_the_outcomes() {
    let mut stream = Stream::starting(NOON);
    let mut call = stream.queued("waste");
    let left = CallEvent::QueueLeft {
        queue: "waste".into(),
        outcome: Outcome::Abandoned,
        wait_us: 0,
        episode: 1,
    };
    stream.leave(&mut call, Outcome::Overflowed);
    stream.call(&call, left);
    let live = stream.live();
    assert_eq!(live.queue("waste").books_difference, -1);
    assert_eq!((live.today.overflowed, live.today.abandoned), (1, 0));
}

#[test]
fn a_call_that_ends_without_leaving_its_queue_shows_in_the_books() {
    let mut stream = Stream::starting(NOON);
    let call = stream.queued("waste");
    stream.end(&call, EndCause::CallerHungUp);
    assert_eq!(stream.live().queue("waste").books_difference, 1);
    assert_eq!(stream.live().today.difference(), 1);
}

#[test]
fn a_stepped_wall_clock_changes_no_wait() {
    let mut stream = Stream::starting(NOON);
    let mut call = stream.queued("waste");
    stream.pass(20 * S);
    stream.step_wall_clock(3_600 * 1_000_000);
    assert_eq!(stream.live().queue("waste").longest_wait_s, Some(20.0));
    stream.answer(&mut call, "amy");
    assert_eq!(stream.live().queue("waste").today.asa_s, Some(20.0));
}

#[test]
fn a_call_belongs_to_the_half_hour_and_the_day_of_its_first_entry() {
    let mut stream = Stream::starting("2026-11-23T23:59:30Z");
    let mut call = stream.queued("waste");
    stream.pass(59 * S);
    assert_eq!(stream.live().queue("waste").waiting, 1);
    assert_eq!(stream.live().today.offered, 0, "the call is yesterday's");
    assert_eq!(stream.live().today.still_waiting, 0);
    assert_eq!(stream.row("2026-11-23T23:30:00+00:00", Some("waste")).still_waiting, 1);
    stream.answer(&mut call, "amy");
    let row = stream.row("2026-11-23T23:30:00+00:00", Some("waste"));
    assert_eq!((row.offered, row.answered, row.still_waiting), (1, 1, 0));
    let live = stream.live();
    assert_eq!(live.today.answered, 0);
    assert_eq!(live.queue("waste").total.answered, 1, "totals never reset at midnight");
}

#[test]
fn the_day_is_londons_and_has_25_hours_when_clocks_go_back() {
    let mut stream = Stream::starting("2026-10-24T22:59:00Z");
    let yesterdays = stream.queued("waste");
    stream.abandon(yesterdays);
    for instant in [
        "2026-10-24T23:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T23:59:59Z",
    ] {
        stream.until(instant);
        let call = stream.queued("waste");
        stream.abandon(call);
    }
    assert_eq!(stream.live().today.offered, 4);
    assert_eq!(stream.row("2026-10-25T01:30:00+01:00", None).offered, 1);
    assert_eq!(stream.row("2026-10-25T01:30:00+00:00", None).offered, 1);
    stream.until("2026-10-26T00:00:00Z");
    assert_eq!(stream.live().today.offered, 0);
}

#[test]
fn a_later_threshold_rewrites_no_half_hour() {
    let mut stream = Stream::starting(NOON);
    let mut call = stream.queued("waste");
    stream.pass(50 * S);
    stream.answer(&mut call, "amy");
    let call = stream.queued("waste");
    stream.pass(8 * S);
    stream.abandon(call);
    stream.until("2026-11-23T12:30:00Z");
    stream.settings(40, 10);
    let mut call = stream.queued("waste");
    stream.pass(50 * S);
    stream.answer(&mut call, "amy");
    let call = stream.queued("waste");
    stream.pass(8 * S);
    stream.abandon(call);

    let before = stream.row("2026-11-23T12:00:00+00:00", Some("waste"));
    let after = stream.row("2026-11-23T12:30:00+00:00", Some("waste"));
    assert_eq!((before.standard_s, before.short_abandon_s), (Some(60.0), Some(5.0)));
    assert_eq!((after.standard_s, after.short_abandon_s), (Some(40.0), Some(10.0)));
    assert_eq!((before.answered_within_standard, before.short_abandons), (1, 0));
    assert_eq!((after.answered_within_standard, after.short_abandons), (0, 1));
    assert_eq!(stream.live().queue("waste").standard_s, 40.0);
}

#[test]
fn handle_time_is_talk_hold_and_wrap_up_of_the_call() {
    let mut stream = Stream::starting(NOON);
    stream.state("amy", AgentState::SignedOut, AgentState::Ready, 0);
    let mut call = stream.queued("waste");
    stream.pass(10 * S);
    stream.answer(&mut call, "amy");
    stream.state("amy", AgentState::Ready, AgentState::Talking, 10 * S);
    stream.pass(120 * S);
    stream.part(&call, "amy", 100 * S, 20 * S);
    stream.end(&call, EndCause::CallerHungUp);
    stream.state("amy", AgentState::Talking, AgentState::WrapUp, 120 * S);
    stream.pass(30 * S);
    stream.state("amy", AgentState::WrapUp, AgentState::Ready, 30 * S);
    assert_eq!(stream.row("2026-11-23T12:00:00+00:00", Some("waste")).aht_s, Some(150.0));
    let all = stream.row("2026-11-23T12:00:00+00:00", None);
    assert_eq!(all.aht_s, Some(150.0));
    assert_eq!(all.occupancy, Some(150.0 / 160.0));
    assert_eq!(all.agents_signed_in, Some(1.0));
}

#[test]
fn a_second_conversation_is_work_for_the_same_call() {
    let mut stream = Stream::starting(NOON);
    let mut call = stream.queued("waste");
    stream.answer(&mut call, "amy");
    stream.part(&call, "amy", 100 * S, 0);
    stream.enter(&mut call, "parking");
    stream.pass(10 * S);
    stream.answer(&mut call, "bob");
    stream.part(&call, "bob", 60 * S, 0);
    stream.end(&call, EndCause::CallerHungUp);
    assert_eq!(stream.row("2026-11-23T12:00:00+00:00", Some("waste")).aht_s, Some(160.0));
}

#[test]
fn each_segment_of_a_call_that_is_handed_on_is_work_and_nothing_else_changes() {
    let mut stream = Stream::starting(NOON);
    let mut call = stream.queued("waste");
    stream.pass(10 * S);
    stream.answer(&mut call, "amy");
    stream.part(&call, "amy", 60 * S, 5 * S);
    let (bob, outside) = (Peer::Agent("bob".into()), Peer::Outside("01632960123".to_owned()));
    stream.connect(&call, &bob);
    let agent = |name: &str| {
        let live = stream.live();
        live.agent_list.into_iter().find(|agent| agent.agent.as_str() == name).expect("there")
    };
    assert_eq!((agent("bob").call, agent("amy").call), (Some(call.id), None));
    stream.disconnect(&call, &bob, 100 * S, 15 * S);
    stream.connect(&call, &outside);
    stream.disconnect(&call, &outside, 900 * S, 0);
    let outcome = TransferOutcome::Completed;
    stream.call(&call, CallEvent::TransferEnded { outcome });
    stream.end(&call, EndCause::OutsideHungUp);
    let row = stream.row("2026-11-23T12:00:00+00:00", Some("waste"));
    assert_eq!(row.aht_s, Some(180.0), "what is said outside is no adviser's work");
    assert_eq!((row.offered, row.answered, row.asa_s), (1, 1, Some(10.0)));
    let live = stream.live();
    assert_eq!(live.transfers_total.get(&outcome), Some(&1));
    assert_eq!(live.calls_active, 0);
}

#[test]
fn a_run_that_died_parts_whoever_was_connected_and_a_break_goes_on() {
    let mut stream = Stream::starting(NOON);
    stream.state("bob", AgentState::SignedOut, AgentState::NotReady, 0);
    let call = stream.arrive();
    let bob = Peer::Agent("bob".into());
    stream.connect(&call, &bob);
    stream.state("bob", AgentState::NotReady, AgentState::Talking, 0);
    stream.pass(30 * S);
    stream.settings(60, 5);
    stream.close_last_run();
    let parted = stream.entries.iter().any(|entry| {
        matches!(
            &entry.event,
            Event::Call { event: CallEvent::Disconnected { from, talk_us, .. }, .. }
                if *from == bob && *talk_us == 30 * S
        )
    });
    assert!(parted, "{:#?}", stream.entries);
    let restored = stream.fold.restore_point();
    assert!(restored.agents.contains(&("bob".into(), AgentState::NotReady)));
}

#[test]
fn a_call_that_waits_through_a_change_is_judged_by_what_is_in_force_at_its_answer() {
    let mut stream = Stream::starting(NOON);
    let mut call = stream.queued("waste");
    stream.pass(50 * S);
    stream.settings(40, 5);
    stream.answer(&mut call, "amy");
    let row = stream.row("2026-11-23T12:00:00+00:00", Some("waste"));
    assert_eq!((row.answered_within_standard, row.standard_s), (0, Some(40.0)));
}

#[test]
fn a_moved_call_is_judged_by_the_standard_of_its_first_queue() {
    let mut stream = Stream::starting(NOON);
    let queue = |name: &str, standard_us| QueueSettingsInForce {
        queue: name.into(),
        title: String::new(),
        standard_us,
        short_abandon_us: 5 * S,
        served_by: Vec::new(),
        last_agent_within_us: None,
    };
    stream.push(Event::System {
        event: SystemEvent::SettingsInForce {
            bulletins: Vec::new(),
            history_us: 0,
            wrap_up: Default::default(),
            away: Default::default(),
            phones: Vec::new(),
            organisation: "Havering".to_owned(),
            time_zone: "Europe/London".to_owned(),
            queues: vec![queue("waste", 60 * S), queue("parking", 20 * S)],
            agents: vec![],
        },
    });
    let mut call = stream.queued("waste");
    stream.pass(30 * S);
    stream.move_to(&mut call, "parking");
    stream.answer(&mut call, "amy");
    assert_eq!(stream.live().queue("waste").today.answered_within_standard, 1);
    let second = stream.queued("parking");
    stream.abandon(second);
    let all = stream.row("2026-11-23T12:00:00+00:00", None);
    assert_eq!((all.offered, all.standard_s), (2, None), "no one standard for both queues");
}

#[test]
fn an_agents_time_is_spread_over_the_half_hours_and_stops_while_nothing_runs() {
    let mut stream = Stream::starting(NOON);
    stream.state("amy", AgentState::SignedOut, AgentState::Ready, 0);
    stream.until("2026-11-23T12:45:00Z");
    let call = stream.queued("waste");
    stream.abandon(call);
    stream.until("2026-11-23T13:15:00Z");
    stream.start();
    stream.until("2026-11-23T13:30:00Z");
    stream.state("amy", AgentState::Ready, AgentState::NotReady, 0);
    stream.until("2026-11-23T14:00:00Z");
    let signed_in = |start| stream.row(start, None).agents_signed_in;
    assert_eq!(signed_in("2026-11-23T12:00:00+00:00"), Some(1.0));
    assert_eq!(signed_in("2026-11-23T12:30:00+00:00"), Some(0.5), "the last sign of life: 12:45");
    assert_eq!(signed_in("2026-11-23T13:00:00+00:00"), Some(0.5));
    assert_eq!(signed_in("2026-11-23T13:30:00+00:00"), Some(1.0), "the state that lasts");
    assert_eq!(stream.row("2026-11-23T13:00:00+00:00", None).occupancy, Some(0.0));
    assert_eq!(stream.row("2026-11-23T13:30:00+00:00", None).occupancy, None);
}

#[test]
fn median_and_95th_percentile_stand_beside_the_average() {
    let mut stream = Stream::starting(NOON);
    let mut calls: Vec<_> = (0..20).map(|_| stream.queued("waste")).collect();
    for call in &mut calls {
        stream.pass(S);
        stream.answer(call, "amy");
    }
    let row = stream.row("2026-11-23T12:00:00+00:00", Some("waste"));
    assert_eq!(row.asa_s, Some(10.5));
    assert_eq!(row.median_wait_s, Some(10.5));
    assert_eq!((row.p95_wait_s, row.longest_wait_s), (Some(19.0), Some(20.0)));
}

#[test]
fn a_start_closes_what_the_last_run_left_open_at_its_last_sign_of_life() {
    let mut stream = Stream::starting(NOON);
    stream.state("amy", AgentState::SignedOut, AgentState::Talking, 0);
    stream.state("bob", AgentState::SignedOut, AgentState::NotReady, 0);
    let mut talking = stream.queued("waste");
    stream.pass(10 * S);
    stream.answer(&mut talking, "amy");
    let mut cut = stream.queued("parking");
    cut.episode = 1;
    let waiting = stream.queued("waste");
    stream.arrive();
    stream.pass(20 * S);
    stream.join(&cut, "bob");
    let restored = stream.fold.restore_point();
    assert_eq!(restored.open_calls.len(), 4);
    let open = restored.open_calls.iter().find(|open| open.call == waiting.id).expect("open");
    let place = open.waiting.as_ref().expect("waits");
    assert_eq!((place.queue.as_str(), place.episode), ("waste", 1));

    stream.until("2026-11-24T08:00:00Z");
    stream.close_last_run();
    stream.start();
    let live = stream.live();
    assert_eq!(live.calls_active, 0);
    assert_eq!(live.ended_total.get(&EndCause::ProcessDied), Some(&4));
    assert!(live.queues.iter().all(|queue| queue.books_difference == 0), "{:#?}", live.queues);
    let all = stream.row("2026-11-23T12:00:00+00:00", None);
    assert_eq!((all.offered, all.answered, all.ended_by_system), (3, 2, 1));
    assert_eq!(all.difference(), 0);
    assert_eq!(all.aht_s, Some((20.0 + 0.0) / 2.0), "no conversation over the night");
    let waits: Vec<u64> = stream
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Call {
                event: CallEvent::QueueLeft { outcome: Outcome::EndedBySystem, wait_us, .. },
                ..
            } => Some(*wait_us),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [20 * S]);
    let restored = stream.fold.restore_point();
    assert_eq!(restored.open_calls, []);
    assert_eq!(restored.next_seq, stream.entries.len() as u64 + 1);
    assert_eq!(
        restored.agents,
        [("amy".into(), AgentState::Ready), ("bob".into(), AgentState::NotReady)]
    );
    assert_eq!(super::closing_entries(&stream.fold, at(NOON), Time::ZERO), []);
}

#[test]
fn phones_and_states_survive_a_restart_and_expired_phones_do_not() {
    let mut stream = Stream::starting(NOON);
    stream.register("amy", "sip:amy@192.0.2.7", 1, 3_600_000_000);
    stream.register("amy", "sip:amy@192.0.2.8", 1, 60_000_000);
    stream.register("amy", "sip:amy@192.0.2.7", 2, 7_200_000_000);
    stream.state("amy", AgentState::SignedOut, AgentState::Ready, 0);
    stream.pass(S);
    assert_eq!(stream.live().agent_list[0].phones, 2);
    stream.pass(600 * S);
    assert_eq!(stream.live().agent_list[0].phones, 1, "one has expired");
    stream.start();
    stream.pass(5 * S);
    let restored = stream.fold.restore_point();
    let known = |phone: &Registration| (phone.contact.clone(), phone.cseq);
    let phones: Vec<_> = restored.registrations.iter().map(known).collect();
    assert_eq!(phones, [("sip:amy@192.0.2.7".to_owned(), 2)]);
    let amy = stream.live().agent_list[0].clone();
    assert_eq!((amy.name.as_str(), amy.state, amy.for_s), ("Amy", AgentState::Ready, Some(606.0)));
}

#[test]
fn an_agent_who_never_signed_in_is_not_said_to_be_out_since_1970() {
    let stream = Stream::starting(NOON);
    let amy = stream.live().agent_list[0].clone();
    assert_eq!((amy.state, amy.for_s), (AgentState::SignedOut, None));
}

#[test]
fn an_agent_and_a_queue_that_left_the_settings_stay_while_they_matter() {
    let mut stream = Stream::starting(NOON);
    stream.state("amy", AgentState::SignedOut, AgentState::Talking, 0);
    let waiting = stream.queued("waste");
    stream.push(Event::System {
        event: SystemEvent::SettingsInForce {
            bulletins: Vec::new(),
            history_us: 0,
            wrap_up: Default::default(),
            away: Default::default(),
            phones: Vec::new(),
            organisation: "Havering".to_owned(),
            time_zone: "Europe/London".to_owned(),
            queues: vec![],
            agents: vec![],
        },
    });
    assert_eq!(stream.live().queues.len(), 1);
    assert_eq!(stream.live().agent_list.len(), 1, "bob is gone, amy still talks");
    stream.abandon(waiting);
    stream.state("amy", AgentState::Talking, AgentState::SignedOut, 0);
    stream.until("2026-11-24T12:00:00Z");
    assert_eq!(stream.live().queues, []);
    assert_eq!(stream.live().agent_list, []);
}

#[test]
fn an_entry_that_is_in_already_changes_nothing() {
    let mut stream = Stream::starting(NOON);
    let call = stream.queued("waste");
    stream.abandon(call);
    let before = stream.fold.clone();
    for entry in stream.entries.clone() {
        stream.fold.apply(&entry);
    }
    assert_eq!(stream.fold, before);
}

#[test]
fn two_months_of_half_hours_are_kept_and_a_clock_gone_wild_fills_no_memory() {
    let mut stream = Stream::starting("2026-01-01T12:00:00Z");
    stream.state("amy", AgentState::SignedOut, AgentState::Ready, 0);
    stream.pass(400 * 86_400 * S);
    let rows = stream.rows();
    assert!(rows.len() <= 62 * 48 + 1, "{}", rows.len());
    for wild in [i64::MAX, i64::MIN, 0] {
        let entry = crate::event::Entry {
            seq: stream.fold.next_seq(),
            at: UnixMicros(wild),
            time: Time::from_micros(u64::MAX),
            event: stream.entries[2].event.clone(),
        };
        stream.fold.apply(&entry);
        stream.fold.live(Time::ZERO, UnixMicros(wild));
        stream.fold.intervals(Time::ZERO, UnixMicros(wild));
    }
}

mod away;
