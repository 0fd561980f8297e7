//! A busy spell in which everything happens at once: whatever the order, the books balance.

use switchboard::acd::command::AgentChoice;
use switchboard::engine::io::{Input, Request};
use switchboard::id::Entropy;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::time::UnixMicros;

use crate::town::*;

#[test]
fn residents_come_and_go_advisers_change_their_minds_and_settings_are_reloaded() {
    for seed in [1, 2] {
        spell(seed);
    }
}

fn spell(seed: u8) {
    let mut draw = Entropy::from_seed([seed; 32]);
    let mut town = town_with(|change| {
        change.seed = u64::from(seed);
        let waste = change.settings.queues.get_mut("waste").expect("is there");
        (waste.ring_s, waste.wrap_up_s, waste.max_wait_s) = (6, 3, Some(40));
        change.settings.limits.calls = 12;
    });
    let short = Some((millis(500), secs(15)));
    let amy = town.amy(Habits { talks: short, ignores_one_in: 4, ..Habits::default() });
    let ben = town.ben(Habits { talks: short, ..Habits::default() });
    let mut residents = Vec::new();
    for turn in 0..40 {
        let stays = |draw: &mut Entropy| millis(u64::from(draw.below(30_000)));
        let number = format!("07700900{turn:03}");
        let steps = match draw.below(4) {
            0 => vec![Step::Ring(NUMBER.to_owned()), Step::Wait(stays(&mut draw)), Step::HangUp],
            key => ring().then([
                Step::Wait(secs(1)),
                press(if key == 1 { "1" } else { "2" }),
                Step::Wait(stays(&mut draw)),
                Step::HangUp,
            ]),
        };
        residents.push(town.caller(&number, |_| {}, steps));
        town.run_for(millis(u64::from(draw.below(3_000))));
        let agent = if draw.below(2) == 0 { "amy" } else { "ben" };
        let choose = |choice| Request::Agent { agent: agent.into(), choice };
        match draw.below(14) {
            0 => drop(town.ask(agent, true, choose(AgentChoice::NotReady))),
            1 => drop(town.ask(agent, true, choose(AgentChoice::SignOut))),
            2..6 => {
                town.ask(agent, true, choose(AgentChoice::SignIn));
                town.ask(agent, true, choose(AgentChoice::Ready));
            }
            6 => town.reload(|settings| {
                settings.queues.remove("waste");
            }),
            7 => town.reload(|settings| {
                settings.agents.remove("ben");
            }),
            8 | 9 => town.reload(|_| {}),
            10 => {
                let step = i64::from(draw.below(20_000_000)) - 10_000_000;
                let shown = UnixMicros(town.wall().0 + step);
                town.input(Input::WallClock(shown));
            }
            11 => {
                if let Some((call, _)) = town.calls().last().copied() {
                    town.ask("Duty supervisor", false, Request::HangUp { call });
                }
            }
            12 => town.restart(),
            _ => {}
        }
        for queue in town.live().queues {
            assert_eq!(queue.books_difference, 0, "seed {seed}, turn {turn}\n{}", town.story());
            assert_eq!(queue.today.difference(), 0, "seed {seed}, turn {turn}\n{}", town.story());
        }
    }
    for resident in residents {
        town.caller_mut(resident, |caller, now| caller.leave(now));
    }
    for adviser in [amy, ben] {
        town.adviser_mut(adviser, |adviser, now| adviser.leave(now));
    }
    town.run_for(secs(200));
    let town = town.close();
    let today = town.today();
    assert!(today.answered > 1 && today.abandoned > 1 && today.ended_by_system > 0, "{today:?}");
}
