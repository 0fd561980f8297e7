//! The town in which the stories take place: settings, a flow, prompts that are tones, and words
//! to ask the journal with.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use switchboard::acd::calendar::BankHolidays;
use switchboard::assistant::Understanding;
use switchboard::config::settings::Settings;
use switchboard::engine::Plan;
use switchboard::engine::io::Input;
use switchboard::event::{AgentEvent, AgentState, CallEvent, EndCause, Entry, Event, StateReason};
use switchboard::flow::{self, Known, Reach};
use switchboard::id::{CallId, FlowName, IntentName};
use switchboard::media::{Bank, Clip};
use switchboard::sim::adviser::{Adviser, Habits};
use switchboard::sim::caller::{Caller, Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::person::Person;
use switchboard::sim::phone::PhoneSettings;
use switchboard::sim::tone::Sound;
use switchboard::sim::world::{ENGINE, PersonId, World, WorldSettings};
use switchboard::sip::transport::{Listener, Protocol};
use switchboard::stats::live::{QueueLive, Today};
use switchboard::time::{Time, UnixMicros};

pub const NUMBER: &str = "01708434343";

// What is heard: every prompt is a tone of its own, and so is everybody's voice.
pub const WELCOME: u32 = 350;
pub const CHOICES: u32 = 400;
pub const NO_INPUT: u32 = 450;
pub const WRONG_KEY: u32 = 500;
pub const CLOSED: u32 = 550;
pub const CLOSED_WHILE_WAITING: u32 = 590;
pub const MUSIC: u32 = 640;
pub const SIGNED_IN: u32 = 690;
pub const NOT_READY: u32 = 740;
pub const READY: u32 = 790;
pub const MORE_TIME: u32 = 820;
pub const NOTICE: u32 = 850;
pub const GREETING: u32 = 900;
pub const THANKS: u32 = 950;
pub const BEEP: u32 = 1_100;
pub const CALLER: u32 = 1_000;
pub const AMY: u32 = 1_200;
pub const BEN: u32 = 1_300;

const SETTINGS: &str = r#"
organisation = "Harbourside Council"

[numbers]
"01708434343" = "main"
council = "main"

[queue.waste]
title = "Waste and recycling"
short_title = "Waste"
extension = "301"
skills = ["waste"]
hours = "main"
ring_s = 20
wrap_up_s = 10

[queue.general]
title = "General enquiries"
extension = "302"
skills = ["general"]
wrap_up_s = 0

[agent.amy]
name = "Amy Adeyemi"
extension = "201"
skills = ["waste"]
password = "amy's"

[agent.ben]
name = "Ben Hughes"
extension = "202"
skills = ["waste", "general"]
password = "ben's"

[calendar.main.week]
mon = ["08:45-17:00"]
tue = ["08:45-17:00"]
"#;

/// A prompt that no story listens for.
pub const SPOKEN: u32 = 2_900;

const FLOW: &str = r#"
start: opening-hours
nodes:
  opening-hours:
    hours: main
    open: welcome
    closed: closed
  welcome:
    say: Welcome to Harbourside Council.
    then: services
  services:
    menu: For bins press 1. For anything else press 2.
    keys:
      1: bins
      2: anything-else
    no_input:
      after_s: 5
      say: Here are the choices again.
    wrong_key:
      say: That is not one of the choices.
    tries: 2
    otherwise: anything-else
  bins:
    queue: waste
    at_closing: tell
    on_closed: closed-while-waiting
    otherwise: closed
  anything-else:
    queue: general
    on_closed: closed
    on_waited_too_long: leave-a-message
    otherwise: closed
  leave-a-message:
    voicemail: general
    greeting: Please leave a message after the tone.
    longest_s: 30
    then: thanks
    otherwise: closed
  thanks:
    say: We will ring you back.
    then: left
  left:
    hang_up: message_left
  closed:
    say: We are closed.
    then: goodbye
  closed-while-waiting:
    say: We have just closed.
    then: goodbye
  goodbye:
    hang_up: closed
"#;

/// What a story changes before it begins.
pub struct Change {
    pub settings: Settings,
    pub begins_at: Option<UnixMicros>,
    pub seed: u64,
    pub rtp_legs: usize,
    /// Connections are taken, beside datagrams.
    pub tcp: bool,
    /// What callers of the number hear and press.
    pub flow: &'static str,
    /// How prompts of the flow sound; those that are not here sound like [`SPOKEN`].
    pub sounds: Vec<(&'static str, u32)>,
    /// Whether callers are listened to, and understood by the shipped intents.
    pub hears: bool,
}

/// A town, as its world.
pub struct Town {
    world: World,
}

impl Deref for Town {
    type Target = World;
    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Town {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

pub fn town() -> Town {
    town_with(|_| {})
}

/// The town's settings put to work, for listeners that are known by these addresses.
pub fn plan_for(listeners: Vec<Listener>) -> Plan {
    plan(&toml::from_str(SETTINGS).expect("settings"), FLOW, listeners)
}

/// The same with other settings.
pub fn plan_with(listeners: Vec<Listener>, change: impl FnOnce(&mut Settings)) -> Plan {
    let mut settings: Settings = toml::from_str(SETTINGS).expect("settings");
    change(&mut settings);
    plan(&settings, FLOW, listeners)
}

fn plan(settings: &Settings, flow: &str, listeners: Vec<Listener>) -> Plan {
    let known = Known {
        queues: vec!["waste".into(), "general".into()],
        unserved: Vec::new(),
        no_trunk: false,
        calendars: settings.calendars.keys().cloned().collect(),
        skills: vec!["waste".into(), "general".into()],
        backends: settings.backends.keys().cloned().collect(),
        templates: settings.notifications.needs(),
        reach: Reach::new(|_, _| Ok(())),
        entered: Default::default(),
        intents: shipped_names(flow),
        prompts: None,
    };
    let name = FlowName::from("main");
    let flow = flow::load_text(&name, "main.yaml", flow, &known).expect("a flow");
    let flows = BTreeMap::from([(name, Arc::new(flow))]);
    let acd = switchboard::config::plan::acd(settings, &BankHolidays::default()).expect("hours");
    Plan::new(settings, flows, acd, listeners).expect("a plan")
}

/// What the shipped intents understand.
fn understanding() -> Arc<Understanding> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-flows/intents");
    let read = switchboard::server::assistant::load(&folder);
    Arc::new(read.unwrap_or_else(|faults| panic!("{faults:?}")))
}

/// What the shipped intents are called, if a flow asks for any.
fn shipped_names(flow: &str) -> BTreeMap<IntentName, String> {
    if flow.contains("intents:") { understanding().names() } else { BTreeMap::new() }
}

fn listeners(tcp: bool) -> Vec<Listener> {
    let spoken = if tcp { &[Protocol::Udp, Protocol::Tcp][..] } else { &[Protocol::Udp] };
    spoken.iter().map(|protocol| Listener::new(*protocol, ENGINE)).collect()
}

pub fn town_with(change: impl FnOnce(&mut Change)) -> Town {
    let settings: Settings = toml::from_str(SETTINGS).expect("settings");
    let mut changed = Change {
        settings,
        begins_at: None,
        seed: 1,
        rtp_legs: 1_000,
        tcp: false,
        flow: FLOW,
        sounds: Vec::new(),
        hears: false,
    };
    change(&mut changed);
    let Change { settings, begins_at, seed, rtp_legs, tcp, flow, sounds, hears } = changed;
    let mut plan = plan(&settings, flow, listeners(tcp));
    if hears {
        (plan.hears, plan.opinions) = (true, true);
        plan.understanding = Some(understanding());
    }
    let spoken = plan.sounds();
    let spoken = spoken.iter().map(|name| (name.as_str(), SPOKEN));
    let known = [
        ("main/welcome", WELCOME),
        ("main/services", CHOICES),
        ("main/services-no-input", NO_INPUT),
        ("main/services-wrong-key", WRONG_KEY),
        ("main/closed", CLOSED),
        ("main/closed-while-waiting", CLOSED_WHILE_WAITING),
        ("main/leave-a-message", GREETING),
        ("main/thanks", THANKS),
        ("tone/beep", BEEP),
        ("music/hold", MUSIC),
        ("recording/notice", NOTICE),
        ("agent/signed-in", SIGNED_IN),
        ("agent/not-ready", NOT_READY),
        ("agent/more-time", MORE_TIME),
        ("agent/ready", READY),
    ];
    // The last of a name counts.
    let bank: Bank = spoken
        .chain(known)
        .chain(sounds)
        .map(|(name, hz)| {
            let samples: Vec<i16> = (0..8_000).map(|at| Sound::Tone(hz).sample(at)).collect();
            (name.into(), Clip::new(&samples))
        })
        .collect();
    let mut world = WorldSettings::new(Arc::new(plan), Arc::new(bank));
    world.begins_at = begins_at.unwrap_or(world.begins_at);
    world.seed = seed;
    world.rtp_legs = rtp_legs;
    Town { world: World::new(world) }
}

/// Settings at work. The flow names both queues, whether they are there or not.
impl Town {
    /// The settings file is changed and read again.
    pub fn reload(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings: Settings = toml::from_str(SETTINGS).expect("settings");
        change(&mut settings);
        self.world.input(Input::Settings(Arc::new(plan(&settings, FLOW, listeners(false)))));
    }

    /// The settings file is changed, and the process starts again.
    pub fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings: Settings = toml::from_str(SETTINGS).expect("settings");
        change(&mut settings);
        self.world.set_plan(Arc::new(plan(&settings, FLOW, listeners(false))));
        self.world.restart();
    }

    /// Amy, at her desk and signed in.
    pub fn amy(&mut self, habits: Habits) -> PersonId {
        self.at_desk("amy", "amy's", AMY, habits)
    }

    /// Ben, at his desk and signed in.
    pub fn ben(&mut self, habits: Habits) -> PersonId {
        self.at_desk("ben", "ben's", BEN, habits)
    }

    fn at_desk(&mut self, user: &str, password: &str, hz: u32, habits: Habits) -> PersonId {
        let habits = Habits { signs_in: Some("*70".to_owned()), ..habits };
        let tone = |phone: &mut PhoneSettings| phone.sound = Sound::Tone(hz);
        let id = self.world.adviser(user, password, habits, tone);
        assert!(
            self.run_until(secs(20), |world| state_of(world, user) == AgentState::Ready
                && !world.person(id).phone().is_busy()),
            "{user} is {:?}: {:#?}",
            state_of(self, user),
            self.person(id).diary()
        );
        id
    }

    /// A resident who does this.
    pub fn resident(&mut self, steps: Vec<Step>) -> PersonId {
        self.world.caller("01632960001", |phone| phone.sound = Sound::Tone(CALLER), steps)
    }

    /// Lets time pass until a resident's script is through; panics if it fails.
    pub fn see_off(&mut self, id: PersonId) {
        let done = self.run_until(
            secs(4_000),
            |world| matches!(world.person(id), Person::Caller(caller) if caller.is_done()),
        );
        self.assert_well(id);
        assert!(done, "not through after an hour: {:#?}", self.person(id).diary());
    }

    pub fn assert_well(&self, id: PersonId) {
        if let Person::Caller(caller) = self.person(id) {
            let diary = caller.diary();
            assert_eq!(caller.failed(), None, "{diary:#?}\n{}", self.story());
        }
    }

    pub fn adviser_mut<T>(&mut self, id: PersonId, f: impl FnOnce(&mut Adviser, Time) -> T) -> T {
        self.world.with(id, |person, now| match person {
            Person::Adviser(adviser) => f(adviser, now),
            Person::Caller(_) => unreachable!("an adviser"),
        })
    }

    pub fn caller_mut<T>(&mut self, id: PersonId, f: impl FnOnce(&mut Caller, Time) -> T) -> T {
        self.world.with(id, |person, now| match person {
            Person::Caller(caller) => f(caller, now),
            Person::Adviser(_) => unreachable!("a caller"),
        })
    }

    /// The events of calls, in order.
    pub fn calls(&self) -> Vec<(CallId, &CallEvent)> {
        self.journal()
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Call { call, event } => Some((*call, event)),
                Event::Agent { .. }
                | Event::Message { .. }
                | Event::Callback { .. }
                | Event::Notification { .. }
                | Event::System { .. } => None,
            })
            .collect()
    }

    /// Why calls to the number ended, in order.
    pub fn causes(&self) -> Vec<EndCause> {
        self.calls()
            .into_iter()
            .filter_map(|(_, event)| match event {
                CallEvent::Ended { cause, .. } if *cause != EndCause::StarCodeDone => Some(*cause),
                _ => None,
            })
            .collect()
    }

    /// How many residents' calls were admitted.
    pub fn arrivals(&self) -> usize {
        self.count(|event| matches!(event, CallEvent::Arrived { flow: Some(_), .. }))
    }

    /// How often a call event happened.
    pub fn count(&self, is: impl Fn(&CallEvent) -> bool) -> usize {
        self.calls().into_iter().filter(|(_, event)| is(event)).count()
    }

    /// The wait of every answered call.
    pub fn waits_us(&self) -> Vec<u64> {
        self.calls()
            .into_iter()
            .filter_map(|(_, event)| match event {
                CallEvent::Joined { wait_us, .. } => Some(*wait_us),
                _ => None,
            })
            .collect()
    }

    pub fn agent(&self, agent: &str) -> AgentState {
        state_of(self, agent)
    }

    /// Why an agent's state changed last.
    pub fn last_reason(&self, agent: &str) -> Option<StateReason> {
        self.journal().iter().rev().find_map(|entry| match &entry.event {
            Event::Agent { agent: who, event: AgentEvent::State { reason, .. } }
                if who.as_str() == agent =>
            {
                Some(*reason)
            }
            _ => None,
        })
    }

    pub fn queue(&self, queue: &str) -> QueueLive {
        let live = self.live();
        live.queues.into_iter().find(|one| one.queue.as_str() == queue).expect("a queue")
    }

    pub fn today(&self) -> Today {
        self.live().today
    }

    /// The journal as lines, for failures.
    pub fn story(&self) -> String {
        self.journal()
            .iter()
            .map(|Entry { time, event, .. }| {
                format!("{:>10.3} {event:?}\n", time.as_micros() as f64 / 1e6)
            })
            .collect()
    }

    /// Lets everything come to its end, then holds the books against each other: what must be true
    /// of every story.
    pub fn close(mut self) -> Town {
        self.run_for(secs(100));
        // A phone that refreshes its registration leaves a transaction to be remembered.
        self.run_until(secs(200), |world| world.engine().held().sip.transactions == 0);
        let held = self.engine().held();
        assert_eq!((held.calls, held.legs), (0, 0), "{held:?}\n{}", self.story());
        assert_eq!((held.sip.transactions, held.sip.legs), (0, 0), "{held:?}\n{}", self.story());
        let mut ended: BTreeMap<CallId, u32> = BTreeMap::new();
        for (call, event) in self.calls() {
            match event {
                CallEvent::Arrived { .. } => assert_eq!(ended.insert(call, 0), None),
                CallEvent::Ended { .. } => *ended.get_mut(&call).expect("has arrived") += 1,
                CallEvent::LegClosed { .. }
                | CallEvent::Recording { .. }
                | CallEvent::WrappedUp(_) => {}
                _ => assert_eq!(ended.get(&call), Some(&0), "after its end:\n{}", self.story()),
            }
        }
        assert!(ended.values().all(|times| *times == 1), "one ending each: {ended:?}");
        for queue in self.live().queues {
            assert_eq!((queue.books_difference, queue.waiting), (0, 0), "{}", self.story());
        }
        for (at, entry) in self.journal().iter().enumerate() {
            assert_eq!(entry.seq, at as u64 + 1, "a gap in the journal");
        }
        for agent in ["amy", "ben"] {
            let state = self.agent(agent);
            assert!(
                !matches!(
                    state,
                    AgentState::Reserved
                        | AgentState::Ringing
                        | AgentState::Talking
                        | AgentState::Hold
                        | AgentState::Consulting
                ),
                "{agent} is still {state:?}\n{}",
                self.story()
            );
        }
        assert_eq!(self.plane().counters().missing_prompts, 0);
        self
    }
}

fn state_of(world: &World, agent: &str) -> AgentState {
    let live = world.live();
    live.agent_list
        .into_iter()
        .find(|one| one.agent.as_str() == agent)
        .map_or(AgentState::SignedOut, |one| one.state)
}

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub const fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

// ---- what residents do ---------------------------------------------------------------------

pub fn ring() -> Vec<Step> {
    vec![Step::Ring(NUMBER.to_owned()), Step::UntilAnswered { within: secs(5) }]
}

pub fn hear(hz: u32) -> Step {
    hear_within(hz, secs(15))
}

pub fn hear_within(hz: u32, within: Duration) -> Step {
    Step::UntilHears { what: Expect::Tone(hz), within, otherwise: Otherwise::Fail }
}

pub fn press(keys: &str) -> Step {
    Step::Press(keys.to_owned())
}

/// Rings, hears the welcome and the choices, presses 1 and hears music.
pub fn into_the_queue() -> Vec<Step> {
    let mut steps = ring();
    steps.extend([hear(WELCOME), hear(CHOICES), press("1"), hear(MUSIC)]);
    steps
}

pub trait Then {
    fn then(self, more: impl IntoIterator<Item = Step>) -> Vec<Step>;
}

impl Then for Vec<Step> {
    fn then(mut self, more: impl IntoIterator<Item = Step>) -> Vec<Step> {
        self.extend(more);
        self
    }
}

/// Habits of somebody who picks up after so long.
pub fn picks_up_after(time: Duration) -> Habits {
    Habits { picks_up_after: (time, time), ..Habits::default() }
}
