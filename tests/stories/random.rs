//! Whatever residents and advisers do, and whenever they do it, the books balance.

use std::time::Duration;

use switchboard::acd::settings::Choose;
use switchboard::id::Entropy;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::network::Conditions;
use switchboard::sim::tone::Sound;

use crate::town::*;

/// Residents who ring, press whatever comes to mind and hang up at any moment.
fn anything(entropy: &mut Entropy) -> Vec<Step> {
    let mut pause = |most_ms| Step::Wait(millis(entropy.below(most_ms).into()));
    let (first, second, last) = (pause(4_000), pause(9_000), pause(45_000));
    let mut steps = vec![Step::Ring(NUMBER.to_owned())];
    if entropy.below(8) == 0 {
        // Gives up at once, before or after the answer.
        steps.extend([Step::Wait(millis(entropy.below(8).into())), Step::HangUp]);
        return steps;
    }
    steps.extend([Step::UntilAnswered { within: secs(40) }, first]);
    for _ in 0..entropy.below(3) {
        let key = b"1122#90".get(entropy.below(7) as usize).copied().unwrap_or(b'1');
        steps.push(Step::Press(char::from(key).to_string()));
    }
    steps.extend([second, last, Step::HangUp]);
    steps
}

fn habits(entropy: &mut Entropy) -> Habits {
    let least = millis(u64::from(entropy.below(3_000)));
    let most = least + millis(u64::from(entropy.below(9_000)));
    Habits {
        signs_in: Some("*70".to_owned()),
        picks_up_after: (least, most),
        ignores_one_in: 4,
        rejects_first: entropy.below(2),
        talks: (entropy.below(2) == 0).then_some((millis(1), secs(20))),
        recovers: Some((millis(u64::from(entropy.below(15_000))), "*72".to_owned())),
        ..Habits::default()
    }
}

#[test]
fn whatever_everybody_does_every_call_ends_once_and_the_books_balance() {
    for seed in 100..106 {
        let mut entropy = Entropy::from_seed([seed as u8; 32]);
        let mut town = town_with(|change| {
            change.seed = seed;
            for queue in change.settings.queues.values_mut() {
                queue.ring_s = 6;
                queue.wrap_up_s = 2;
                queue.max_waiting = Some(4);
                queue.max_wait_s = Some(30);
                if seed % 2 == 1 {
                    (queue.choose, queue.last_agent_s) = (Choose::RingAll, Some(5));
                }
            }
        });
        for (user, password, hz) in [("amy", "amy's", AMY), ("ben", "ben's", BEN)] {
            // Each has two phones.
            for _ in 0..2 {
                let habits = habits(&mut entropy);
                town.adviser(user, password, habits, |phone| phone.sound = Sound::Tone(hz));
            }
        }
        town.run_for(secs(3));
        let network = Conditions {
            latency: millis(5),
            jitter: millis(15),
            lost_per_mille: 30,
            doubled_per_mille: 20,
        };
        town.set_conditions(network, network);
        for at in 0..16 {
            let steps = anything(&mut entropy);
            town.caller(&format!("077009001{at:02}"), |_| {}, steps);
            town.run_for(Duration::from_millis(entropy.below(6_000).into()));
        }
        town.run_for(secs(120));
        town.set_conditions(Conditions::default(), Conditions::default());
        let town = town.close();
        assert_eq!(town.causes().len(), town.arrivals(), "seed {seed}\n{}", town.story());
        let today = town.today();
        let ended = today.ended_by_system + today.overflowed + today.voicemail;
        let outcomes = today.answered + today.abandoned + ended;
        assert_eq!(today.offered, outcomes, "seed {seed}\n{}", town.story());
    }
}
