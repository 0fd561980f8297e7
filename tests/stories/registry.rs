//! Queues and agents come and go in the database while people ring: whatever is changed, nobody who waits
//! is lost or passed, and what is refused changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use switchboard::acd::calendar::BankHolidays;
use switchboard::acd::command::AgentChoice;
use switchboard::config::check::{check, is_error};
use switchboard::config::load::load;
use switchboard::config::registry::{
    Aside, Declared, Entries, Entry, Key, Kind, merge, take_secret,
};
use switchboard::config::settings::Settings;
use switchboard::config::source::Source;
use switchboard::engine::io::Request;
use switchboard::event::{CallEvent, Event};
use switchboard::id::{CallId, Entropy};
use switchboard::server::registry::in_use;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sip::digest::{Algorithm, ha1};
use switchboard::time::Time;

use crate::town::*;

/// What the file says: neither queues nor agents.
const FILE: &str = r#"
organisation = "Harbourside Council"
[numbers]
"01708434343" = "main"
[calendar.main.week]
mon = ["08:45-17:00"]
tue = ["08:45-17:00"]
"#;

/// The file and the database, put together.
struct Registry {
    entries: Entries,
    settings: Settings,
}

fn put_together(entries: &Entries) -> Option<Settings> {
    let (mut settings, mut source) = load(FILE, "town.toml").expect("settings");
    let check =
        |settings: &Settings, source: &Source| check(settings, source, &BankHolidays::default());
    let (findings, aside): (_, Aside) =
        merge(&mut settings, &mut source, entries, |_, _| None, check);
    (!findings.iter().any(is_error) && aside.is_empty()).then_some(settings)
}

impl Registry {
    /// Takes a change, if the checks do.
    fn change(&mut self, entries: Entries) -> bool {
        let Some(settings) = put_together(&entries) else { return false };
        (self.entries, self.settings) = (entries, settings);
        true
    }

    fn put(&mut self, kind: Kind, name: &str, body: Value) -> bool {
        let Ok(mut declared) = Declared::read(kind, body) else { return false };
        let hash = |password: &str| {
            let of = |algorithm| ha1(algorithm, name, "switchboard", password);
            (of(Algorithm::Md5), of(Algorithm::Sha256))
        };
        let Ok(secret) = take_secret(&mut declared, "switchboard", hash) else { return false };
        let mut entries = self.entries.clone();
        let entry = Entry { version: 1, settings: declared.said(), secret };
        entries.insert(Key::new(kind, name), Arc::new(entry));
        self.change(entries)
    }

    fn delete(&mut self, key: &Key) -> bool {
        let mut entries = self.entries.clone();
        entries.remove(key).is_some() && self.change(entries)
    }
}

fn queue(title: &str, skill: &str, draw: &mut Entropy) -> Value {
    let (ring_s, wrap_up_s) = (5 + draw.below(6), draw.below(4));
    let level = 1 + draw.below(5);
    let choose = ["longest_idle", "most_skilled", "fewest_calls"][draw.below(3) as usize];
    let relax = json!([{ "after_s": 5 + draw.below(20), "skills": [skill] }]);
    json!({ "title": title, "skills": [format!("{skill}:{level}")], "ring_s": ring_s,
        "wrap_up_s": wrap_up_s, "choose": choose, "relax": relax })
}

fn agent(name: &str, draw: &mut Entropy) -> Value {
    let (waste, general) = (1 + draw.below(5), 1 + draw.below(5));
    let skills = [format!("waste:{waste}"), format!("general:{general}")];
    json!({ "name": name, "skills": skills, "password": format!("{name}'s") })
}

/// Whoever was rung for while somebody stood before them in the same queue and was not.
fn passed(town: &Town) -> Vec<(CallId, CallId)> {
    // Who waits: in which queue, since when, and whether somebody is rung for them.
    let mut waiting: BTreeMap<CallId, (String, Time, bool)> = BTreeMap::new();
    // Somebody in front may have their turn in the same moment, a message later.
    let mut suspected: Vec<(Time, CallId, CallId)> = Vec::new();
    let mut passed = Vec::new();
    for entry in town.journal() {
        let moment = millis(100);
        passed.extend(
            suspected.extract_if(.., |(at, ..)| *at + moment < entry.time).map(|(_, a, b)| (a, b)),
        );
        let Event::Call { call, event } = &entry.event else { continue };
        match event {
            CallEvent::QueueEntered { queue, .. } => {
                waiting.insert(*call, (queue.to_string(), entry.time, false));
            }
            CallEvent::QueueLeft { .. } | CallEvent::Ended { .. } => {
                waiting.remove(call);
                suspected.retain(|(_, before, _)| before != call);
            }
            CallEvent::Offered { queue, .. } => {
                suspected.retain(|(_, before, _)| before != call);
                let Some(own) = waiting.get_mut(call) else { continue };
                own.2 = true;
                let since = own.1;
                for (before, (there, at, rung)) in &waiting {
                    if *there == queue.to_string() && *at < since && !rung {
                        suspected.push((entry.time, *before, *call));
                    }
                }
            }
            CallEvent::OfferEnded { .. } => {
                if let Some(own) = waiting.get_mut(call) {
                    own.2 = false;
                }
            }
            _ => {}
        }
    }
    passed
}

#[test]
fn queues_and_agents_are_changed_while_people_ring_and_nobody_is_lost_or_passed() {
    for seed in 1..=4 {
        day(seed);
    }
}

fn day(seed: u8) {
    let mut draw = Entropy::from_seed([seed; 32]);
    let settings = put_together(&Entries::new()).expect("a file alone");
    let mut registry = Registry { entries: Entries::new(), settings };
    for (name, skill) in [("waste", "waste"), ("general", "general")] {
        assert!(registry.put(Kind::Queue, name, queue(name, skill, &mut draw)));
    }
    for name in ["amy", "ben"] {
        assert!(registry.put(Kind::Agent, name, agent(name, &mut draw)));
    }
    let mut town = town_with(|change| {
        change.seed = u64::from(seed);
        change.settings = registry.settings.clone();
    });
    let short = Some((millis(500), secs(12)));
    let amy = town.amy(Habits { talks: short, ignores_one_in: 5, ..Habits::default() });
    let ben = town.ben(Habits { talks: short, ..Habits::default() });
    let (mut residents, mut refused, mut taken) = (Vec::new(), 0, 0);
    for turn in 0..50 {
        let key = if draw.below(3) == 0 { "2" } else { "1" };
        let stays = millis(2_000 + u64::from(draw.below(40_000)));
        let steps = ring().then([Step::Wait(secs(1)), press(key), Step::Wait(stays), Step::HangUp]);
        residents.push(town.caller(&format!("07700900{turn:03}"), |_| {}, steps));
        town.run_for(millis(u64::from(draw.below(4_000))));
        let before = registry.settings.clone();
        let done = match draw.below(9) {
            0 => registry.put(Kind::Queue, "waste", queue("Waste", "waste", &mut draw)),
            1 => registry.put(Kind::Queue, "general", queue("General", "general", &mut draw)),
            2 => registry.put(Kind::Agent, "amy", agent("amy", &mut draw)),
            3 => registry.put(Kind::Agent, "ben", agent("ben", &mut draw)),
            4 => registry.put(Kind::Queue, "extra", queue("Extra", "extra", &mut draw)),
            5 => {
                let key = Key::new(Kind::Queue, if draw.below(2) == 0 { "extra" } else { "waste" });
                in_use(&town.live(), &key).is_empty() && registry.delete(&key)
            }
            6 => {
                let key = Key::new(Kind::Agent, "ben");
                in_use(&town.live(), &key).is_empty() && registry.delete(&key)
            }
            // What `check` would refuse.
            7 => registry.put(Kind::Queue, "waste", json!({ "title": "Waste", "hours": "never" })),
            _ => registry.put(Kind::Agent, "amy", json!({ "name": "Amy", "extension": "999" })),
        };
        if done {
            taken += 1;
            let settings = registry.settings.clone();
            town.reload(|now| *now = settings);
        } else {
            refused += 1;
            assert_eq!(registry.settings, before, "seed {seed}, turn {turn}");
        }
        for agent in ["amy", "ben"] {
            let choice = AgentChoice::SignIn;
            let at_work = draw.below(4) > 0;
            town.ask(agent, true, Request::Agent { agent: agent.into(), choice });
            if at_work {
                let choice = AgentChoice::Ready;
                town.ask(agent, true, Request::Agent { agent: agent.into(), choice });
            }
        }
        for queue in town.live().queues {
            assert_eq!(queue.books_difference, 0, "seed {seed}, turn {turn}\n{}", town.story());
        }
    }
    for resident in residents {
        town.caller_mut(resident, |caller, now| caller.leave(now));
    }
    for adviser in [amy, ben] {
        town.adviser_mut(adviser, |adviser, now| adviser.leave(now));
    }
    town.run_for(secs(200));
    assert_eq!(passed(&town), [], "seed {seed}\n{}", town.story());
    let offers = town.count(|event| matches!(event, CallEvent::Offered { .. }));
    assert!(offers > 10, "seed {seed}: {offers}");
    let town = town.close();
    let today = town.today();
    assert!(taken > 5 && refused > 5, "{taken} {refused}");
    assert!(today.answered > 3, "{today:?}");
    assert_eq!(today.ended_by_system, 0, "{today:?}");
}
