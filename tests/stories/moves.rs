//! Whatever advisers do with calls, and whenever they do it: every call ends once, nobody stays
//! reserved or alone on a line, and the books balance.

use switchboard::config::settings::{AgentSettings, Settings};
use switchboard::event::{AgentState, CallEvent, EndCause};
use switchboard::id::Entropy;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::network::Conditions;
use switchboard::sim::phone::Quirks;
use switchboard::sim::tone::Sound;
use switchboard::sim::world::PersonId;

use crate::town::*;
use crate::trunks::{ELSEWHERE, TWO, carrier, with_trunks};

const ADVISERS: [(&str, u32); 4] = [("amy", AMY), ("ben", BEN), ("chloe", 1_400), ("dev", 1_500)];
/// What can be dialled, and what cannot.
const TARGETS: [&str; 12] = [
    "amy",
    "ben",
    "chloe",
    "dev",
    "201",
    "301",
    "302",
    "council",
    ELSEWHERE,
    "09098790123",
    "zoe",
    "999",
];

/// One move of an adviser at the phone.
fn a_move(town: &mut Town, desks: &[PersonId], entropy: &mut Entropy) {
    let pick = |entropy: &mut Entropy, of: usize| entropy.below(of as u32) as usize;
    let desk = desks[pick(entropy, desks.len())];
    let target = TARGETS[pick(entropy, TARGETS.len())];
    let other = desks[pick(entropy, desks.len())];
    let dialog = town.person(other).phone().dialog();
    let kind = entropy.below(13);
    town.adviser_mut(desk, |adviser, now| {
        let phone = adviser.phone_mut();
        match kind {
            0 | 1 => phone.call(now, target),
            2 => phone.hold(now),
            3 => phone.resume(now),
            4..=6 => phone.transfer(now, target),
            7 | 8 => phone.transfer_to_consulted(now),
            9 => {
                // Holds, and asks somebody.
                phone.hold(now);
            }
            10 => {
                if let Some(dialog) = dialog {
                    let escaped =
                        dialog.replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
                    phone.refer_held(now, &format!("<sip:x@10.0.0.1?Replaces={escaped}>"));
                }
            }
            11 => {
                if let Some(dialog) = dialog {
                    phone.take(now, &dialog);
                }
            }
            _ => adviser.hang_up(now),
        }
    });
    if kind == 9 {
        town.run_for(millis(60));
        town.adviser_mut(desk, |adviser, now| adviser.phone_mut().call(now, target));
    }
}

fn everybody_hangs_up(town: &mut Town, desks: &[PersonId]) {
    for _ in 0..4 {
        for desk in desks {
            town.adviser_mut(*desk, |adviser, now| {
                adviser.habits_mut().ignores_first = u32::MAX;
                adviser.hang_up(now);
            });
        }
        town.run_for(secs(2));
    }
}

fn arrange(settings: &mut Settings) {
    settings.transfers.ring_s = 6;
    settings.transfers.recall_s = 5;
    settings.transfers.own_call_s = 9;
    for queue in settings.queues.values_mut() {
        queue.ring_s = 6;
        queue.wrap_up_s = 3;
        queue.max_waiting = Some(4);
        queue.max_wait_s = Some(40);
    }
    let amy = settings.agents["amy"].clone();
    for (id, _) in &ADVISERS[2..] {
        let password = format!("{id}'s");
        let agent = AgentSettings {
            extension: None,
            skills: vec!["waste".into(), "general".into()],
            password: Some(password.as_str().into()),
            ..amy.clone()
        };
        settings.agents.insert((*id).into(), agent);
    }
}

fn a_day(seed: u64) {
    let mut entropy = Entropy::from_seed([seed as u8; 32]);
    let mut town = with_trunks(TWO, |change| {
        change.seed = seed;
        arrange(&mut change.settings);
    });
    let there = carrier(&mut town, 1, Quirks::default());
    town.adviser_mut(there, |there, _| {
        let habits = there.habits_mut();
        (habits.ignores_one_in, habits.heard_early) = (4, seed.is_multiple_of(2));
        habits.talks = Some((secs(2), secs(25)));
    });
    let mut desks = Vec::new();
    for (id, hz) in ADVISERS {
        let least = millis(u64::from(entropy.below(2_500)));
        let habits = Habits {
            signs_in: Some("*70".to_owned()),
            picks_up_after: (least, least + secs(4)),
            ignores_one_in: 5,
            rejects_first: entropy.below(2),
            talks: (entropy.below(3) == 0).then_some((secs(3), secs(40))),
            recovers: Some((secs(2), "*72".to_owned())),
            ..Habits::default()
        };
        let sound = |phone: &mut switchboard::sim::phone::PhoneSettings| {
            phone.sound = Sound::Tone(hz);
        };
        desks.push(town.adviser(id, &format!("{id}'s"), habits, sound));
    }
    town.run_for(secs(3));
    let network = Conditions {
        latency: millis(5),
        jitter: millis(15),
        lost_per_mille: if seed.is_multiple_of(3) { 25 } else { 0 },
        doubled_per_mille: 15,
    };
    town.set_conditions(network, network);
    for at in 0..12 {
        let stays = Step::Wait(secs(u64::from(entropy.below(70))));
        let steps = into_the_queue_or_not(&mut entropy).then([stays, Step::HangUp]);
        town.caller(&format!("077009001{at:02}"), |phone| phone.sound = Sound::Tone(CALLER), steps);
        for _ in 0..entropy.below(7) {
            a_move(&mut town, &desks, &mut entropy);
            town.run_for(millis(u64::from(entropy.below(2_200))));
        }
        if at == 6 {
            town.reload(|settings| {
                arrange(settings);
                settings.trunks = toml::from_str(TWO).expect("settings");
            });
        }
    }
    for _ in 0..30 {
        a_move(&mut town, &desks, &mut entropy);
        town.run_for(millis(u64::from(entropy.below(3_000))));
    }
    everybody_hangs_up(&mut town, &desks);
    town.run_for(secs(120));
    town.set_conditions(Conditions::default(), Conditions::default());
    everybody_hangs_up(&mut town, &desks);
    let town = town.close();
    for (agent, _) in ADVISERS {
        let busy = [
            AgentState::Reserved,
            AgentState::Ringing,
            AgentState::Talking,
            AgentState::Hold,
            AgentState::Consulting,
        ];
        assert!(!busy.contains(&town.agent(agent)), "seed {seed}: {agent}\n{}", town.story());
    }
    segments_are_whole(&town, seed);
    let today = town.today();
    let ended = today.ended_by_system + today.overflowed + today.voicemail;
    let outcomes = today.answered + today.abandoned + ended;
    assert_eq!(today.offered, outcomes, "seed {seed}\n{}", town.story());
    assert_eq!(town.engine().trunks(town.now())[0].calls, 0, "seed {seed}: a line is kept");
}

/// Rings, perhaps chooses, and stays.
fn into_the_queue_or_not(entropy: &mut Entropy) -> Vec<Step> {
    let key = ["1", "2", "1", "7"][entropy.below(4) as usize];
    vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: secs(40) },
        Step::Wait(secs(3)),
        press(key),
    ]
}

/// Every segment that begins ends, with the same peer, and one at a time for each call.
fn segments_are_whole(town: &Town, seed: u64) {
    let mut open = std::collections::BTreeMap::new();
    let mut transfers = std::collections::BTreeMap::new();
    for (call, event) in town.calls() {
        let told = || format!("seed {seed}: {call} {event:?}\n{}", town.story());
        match event {
            CallEvent::Joined { agent, .. } => {
                let peer = switchboard::event::Peer::Agent(agent.clone());
                assert_eq!(open.insert(call, peer), None, "{}", told());
            }
            CallEvent::Connected { to, .. } => {
                assert_eq!(open.insert(call, to.clone()), None, "{}", told());
            }
            CallEvent::Parted { agent, .. } => {
                let peer = switchboard::event::Peer::Agent(agent.clone());
                assert_eq!(open.remove(&call), Some(peer), "{}", told());
            }
            CallEvent::Disconnected { from, .. } => {
                assert_eq!(open.remove(&call).as_ref(), Some(from), "{}", told());
            }
            CallEvent::TransferStarted { .. } => *transfers.entry(call).or_insert(0) += 1,
            CallEvent::TransferEnded { .. } => *transfers.entry(call).or_insert(0) -= 1,
            CallEvent::Ended { cause, .. } => {
                assert_eq!(open.remove(&call), None, "{}", told());
                assert_eq!(transfers.remove(&call).unwrap_or(0), 0, "{}", told());
                assert_ne!(*cause, EndCause::FlowFault, "{}", told());
            }
            _ => {}
        }
    }
    assert!(open.is_empty() && transfers.values().all(|under_way| *under_way == 0));
}

#[test]
fn whatever_advisers_do_with_calls_nobody_is_left_alone_and_the_books_balance() {
    // A dozen days with every run; SEEDS asks for more.
    let days = std::env::var("SEEDS").ok().and_then(|days| days.parse().ok()).unwrap_or(12);
    for seed in 1..=days {
        a_day(seed);
    }
}
