//! Whatever residents, advisers, networks and the process do: each promise is dialled once at a time and
//! comes to one end.

use std::collections::BTreeMap;
use std::time::Duration;

use switchboard::acd::settings::Choose;
use switchboard::event::{CallEvent, CallbackEvent, Event};
use switchboard::id::{CallbackId, Entropy};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::network::Conditions;
use switchboard::sim::phone::Quirks;

use crate::callbacks::{comes, town_that_rings};
use crate::town::*;
use crate::trunks::carrier;

/// Residents who wait, ask to be rung back or not, change their mind and hang up at any moment.
fn anything(entropy: &mut Entropy) -> Vec<Step> {
    let mut steps = vec![Step::Ring(NUMBER.to_owned()), Step::UntilAnswered { within: secs(40) }];
    for _ in 0..4 {
        steps.push(Step::Wait(millis(u64::from(entropy.below(6_000)))));
        let keys = ["1", "1", "1", "3", "2", "2079460123#"][entropy.below(6) as usize];
        steps.push(Step::Press(keys.to_owned()));
    }
    steps.extend([Step::Wait(millis(u64::from(entropy.below(20_000)))), Step::HangUp]);
    steps
}

fn habits(entropy: &mut Entropy) -> Habits {
    let least = millis(u64::from(entropy.below(3_000)));
    Habits {
        picks_up_after: (least, least + secs(6)),
        ignores_one_in: 5,
        talks: Some((millis(1), secs(15))),
        recovers: Some((secs(5), "*72".to_owned())),
        ..Habits::default()
    }
}

/// What may follow what in a promise's life.
fn follows(last: Option<&CallbackEvent>, next: &CallbackEvent) -> bool {
    use CallbackEvent::{Dialled, Failed, Kept, Missed, Taken};
    matches!(
        (last, next),
        (None, Taken { .. })
            | (Some(Taken { .. } | Missed { .. }), Dialled { .. } | Failed { .. })
            | (Some(Dialled { .. }), Missed { .. } | Kept { .. })
    )
}

#[test]
fn whatever_everybody_does_each_promise_is_dialled_once_at_a_time_and_comes_to_one_end() {
    let (mut kept, mut missed, mut failed) = (0, 0, 0);
    for seed in 200..204 {
        let mut entropy = Entropy::from_seed([seed as u8; 32]);
        let mut town = town_that_rings(|settings| {
            let waste = settings.queues.get_mut("waste").expect("the queue");
            (waste.ring_s, waste.wrap_up_s, waste.hours) = (8, 2, None);
            (waste.max_waiting, waste.max_wait_s) = (Some(4), Some(40));
            if seed % 2 == 1 {
                (waste.choose, waste.last_agent_s) = (Choose::RingAll, Some(8));
            }
            let callback = &mut waste.callback;
            (callback.ring_s, callback.retries, callback.retry_after_s) = (15, 2, 60);
            callback.late_after_s = 100;
        });
        let deaf_to_cancel = entropy.below(2) == 0;
        let home = carrier(&mut town, 1, Quirks { deaf_to_cancel, ..Quirks::default() });
        town.adviser_mut(home, |home, _| {
            let habits = home.habits_mut();
            (habits.ignores_one_in, habits.talks) = (4, Some((millis(1), secs(20))));
            habits.picks_up_after = (millis(1), secs(9));
        });
        let network = Conditions {
            latency: millis(5),
            jitter: millis(15),
            lost_per_mille: 20,
            doubled_per_mille: 20,
        };
        town.set_conditions(network, network);
        let mut advisers = Vec::new();
        for at in 0..14 {
            let steps = anything(&mut entropy);
            town.caller(&format!("077009002{at:02}"), |_| {}, steps);
            town.run_for(Duration::from_millis(entropy.below(9_000).into()));
            match at {
                3 => advisers.push(comes(&mut town, "amy", habits(&mut entropy))),
                6 => advisers.push(comes(&mut town, "ben", habits(&mut entropy))),
                9 if entropy.below(2) == 0 => town.restart(),
                _ => {}
            }
        }
        town.run_for(secs(60));
        town.restart();
        town.set_conditions(Conditions::default(), Conditions::default());
        // So many tries, so far apart, by advisers who come back to work.
        for _ in 0..30 {
            for adviser in &advisers {
                town.adviser_mut(*adviser, |adviser, now| adviser.dial(now, "*70"));
            }
            town.run_for(secs(100));
        }
        let mut lives: BTreeMap<CallbackId, CallbackEvent> = BTreeMap::new();
        for entry in town.journal() {
            let Event::Callback { callback, event } = &entry.event else { continue };
            let last = lives.insert(*callback, event.clone());
            assert!(follows(last.as_ref(), event), "{seed}: {last:?}, {event:?}\n{}", town.story());
            missed += usize::from(matches!(event, CallbackEvent::Missed { .. }));
        }
        for (id, last) in &lives {
            match last {
                CallbackEvent::Kept { .. } => kept += 1,
                CallbackEvent::Failed { .. } => failed += 1,
                open => panic!("{seed}: {id:?} is open: {open:?}\n{}", town.story()),
            }
        }
        let rung = |event: &CallEvent| match event {
            CallEvent::Dialled { purpose, .. } => *purpose == switchboard::event::Purpose::CallBack,
            _ => false,
        };
        let tries = town.journal().iter().filter(|entry| {
            matches!(&entry.event, Event::Callback { event: CallbackEvent::Dialled { .. }, .. })
        });
        assert!(town.count(rung) <= tries.count(), "no number is dialled without the journal");
        let waste = town.queue("waste");
        assert_eq!((waste.books_difference, town.today().difference()), (0, 0), "{seed}");
        let callbacks = waste.callbacks;
        let ended = callbacks.kept_total
            + callbacks.kept_late_total
            + callbacks.failed_total.values().sum::<u64>();
        assert_eq!((callbacks.taken_total, callbacks.open), (ended, 0), "{seed}");
    }
    assert!(kept > 5 && missed > 3 && failed > 0, "{kept} {missed} {failed}");
}
