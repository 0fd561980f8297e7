//! The world: the engine and its media, people with phones, and the network between them. Its
//! clock jumps to the next deadline, so that a day takes a moment and every run can be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Answer, Ask, Failed};
use crate::engine::io::{Input, Output, Reply, Request, RequestId, SpeechNews};
use crate::engine::{Engine, Plan, Start};
use crate::event::Entry;
use crate::id::{Entropy, LegId};
use crate::media::recorder::{self, Reel};
use crate::media::{self, Bank, Plane, PlaneSettings};
use crate::sip::ListenerId;
use crate::stats::live::Live;
use crate::stats::{Fold, closing_entries};
use crate::time::{Deadlines, Time, UnixMicros, WallClock};
use crate::trunk::names::{self, Query, ResolveError};

use super::adviser::{Adviser, Habits};
use super::backend::Backend;
use super::caller::{Caller, Step};
use super::network::{Conditions, Datagram, Network};
use super::packets::Packets;
use super::person::Person;
use super::phone::{Line, Phone, PhoneSettings};
use super::provider::Provider;
use super::recogniser::Recogniser;
use super::streams::Streams;

/// Where the engine is: what a world's plan must name as its listeners, the first for UDP and, if
/// phones speak it, the second for TCP.
pub const ENGINE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 5060);
/// The listener for connections.
const STREAM: ListenerId = ListenerId(1);
const FIRST_RTP_PORT: u16 = 20_000;
/// Room for some minutes of what is recorded.
const REEL: usize = 8 << 20;
/// So many steps without time passing are a deadline that is never met.
const STUCK: u32 = 10_000;

/// Someone in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonId(usize);

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct WorldSettings {
    /// The engine's settings; its listener is [`ENGINE`].
    pub plan: Arc<Plan>,
    /// Prompts and music.
    pub bank: Arc<Bank>,
    /// What the calendar shows at the beginning.
    pub begins_at: UnixMicros,
    /// Everything that is drawn follows from this.
    pub seed: u64,
    /// How many legs can be open at once.
    pub rtp_legs: usize,
    /// When a silent peer is reported.
    pub silence: Duration,
}

impl WorldSettings {
    /// A world that begins on Monday, 5 January 2026 at 10:00 in London.
    pub fn new(plan: Arc<Plan>, bank: Arc<Bank>) -> Self {
        WorldSettings {
            plan,
            bank,
            begins_at: UnixMicros(1_767_607_200_000_000),
            seed: 1,
            rtp_legs: 1_000,
            silence: Duration::from_secs(30),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct World {
    now: Time,
    wall: WallClock,
    settings: WorldSettings,
    entropy: Entropy,
    engine: Engine,
    plane: Plane,
    reel: Reel,
    legs: BTreeMap<LegId, u16>,
    ports: BTreeMap<u16, LegId>,
    signalling: Network,
    streams: Streams,
    voice: Network,
    people: Vec<Person>,
    /// When each person must be called next.
    calls_due: Deadlines<usize>,
    /// Who may have something to say at this instant.
    stirred: BTreeSet<usize>,
    addresses: BTreeMap<SocketAddr, (usize, Line)>,
    journal: Vec<Entry>,
    fold: Fold,
    replies: BTreeMap<RequestId, Reply>,
    requests: u64,
    /// What the domain name system says.
    names: BTreeMap<Query, Result<names::Answer, ResolveError>>,
    /// What flows ask.
    backend: Backend,
    /// Who sends what callers are promised.
    pub provider: Provider,
    recogniser: Recogniser,
    /// Steps at the present instant.
    idle_steps: u32,
}

impl World {
    /// A world without people.
    pub fn new(settings: WorldSettings) -> Self {
        let mut seed = [0; 32];
        for (byte, from) in seed.iter_mut().zip(settings.seed.to_le_bytes()) {
            *byte = from;
        }
        let mut entropy = Entropy::from_seed(seed);
        let now = Time::ZERO;
        let engine = Engine::new(
            now,
            settings.begins_at,
            settings.plan.clone(),
            entropy.fork(),
            Start::default(),
        );
        let (plane, reel) = plane(&settings, &mut entropy);
        let mut world = World {
            now,
            wall: WallClock::showing(settings.begins_at, now),
            engine,
            plane,
            reel,
            legs: BTreeMap::new(),
            ports: BTreeMap::new(),
            signalling: Network::new(Conditions::default(), entropy.fork()),
            streams: Streams::new(Entropy::from_seed(seed)),
            voice: Network::new(Conditions::default(), entropy.fork()),
            people: Vec::new(),
            calls_due: Deadlines::new(),
            stirred: BTreeSet::new(),
            addresses: BTreeMap::new(),
            journal: Vec::new(),
            fold: Fold::new(),
            replies: BTreeMap::new(),
            requests: 0,
            names: BTreeMap::new(),
            backend: Backend::default(),
            provider: Provider::default(),
            recogniser: Recogniser::default(),
            idle_steps: 0,
            entropy,
            settings,
        };
        world.settle();
        world
    }

    /// The present.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What the calendar shows.
    pub fn wall(&self) -> UnixMicros {
        self.wall.at(self.now)
    }

    /// Everything that the engine had kept.
    pub fn journal(&self) -> &[Entry] {
        &self.journal
    }

    /// The figures.
    pub fn live(&self) -> Live {
        self.fold.live(self.now, self.wall())
    }

    /// The engine, to be looked at.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Media, to be looked at.
    pub fn plane(&self) -> &Plane {
        &self.plane
    }

    /// What of calls is recorded, since it was looked at last.
    pub fn reel(&mut self) -> &mut Reel {
        &mut self.reel
    }

    /// How signalling and voice travel from now on.
    pub fn set_conditions(&mut self, signalling: Conditions, voice: Conditions) {
        self.signalling.set_conditions(signalling);
        self.voice.set_conditions(voice);
    }

    /// What the domain name system says of a name from now on. Names of which nothing was said do
    /// not exist.
    pub fn set_name(&mut self, query: Query, answer: Result<names::Answer, ResolveError>) {
        self.names.insert(query, answer);
    }

    /// From now on this answers what flows ask of other systems.
    pub fn answer_requests(&mut self, answers: impl Fn(&Ask) -> Result<Answer, Failed> + 'static) {
        self.backend = Backend::new(answers);
    }

    /// What listens to callers: it hears what it is told to.
    pub fn recogniser(&mut self) -> &mut Recogniser {
        &mut self.recogniser
    }

    // ---- people ------------------------------------------------------------------------------

    /// A caller who begins now.
    pub fn caller(
        &mut self,
        number: &str,
        change: impl FnOnce(&mut PhoneSettings),
        steps: Vec<Step>,
    ) -> PersonId {
        let (phone, _) = self.phone(number, change);
        let caller = Caller::new(phone, self.now, steps);
        self.settle_in(Person::Caller(Box::new(caller)))
    }

    /// An adviser who switches the phone on now.
    pub fn adviser(
        &mut self,
        user: &str,
        password: &str,
        habits: Habits,
        change: impl FnOnce(&mut PhoneSettings),
    ) -> PersonId {
        let (phone, entropy) = self.phone(user, |settings| {
            settings.password = Some(password.to_owned());
            change(settings);
        });
        let adviser = Adviser::new(phone, self.now, habits, entropy);
        self.settle_in(Person::Adviser(Box::new(adviser)))
    }

    fn phone(&mut self, user: &str, change: impl FnOnce(&mut PhoneSettings)) -> (Phone, Entropy) {
        let number = u16::try_from(self.people.len()).unwrap_or(u16::MAX);
        let [high, low] = number.to_be_bytes();
        let at = |port| SocketAddr::from(([10, 1, high, low], port));
        let mut settings = PhoneSettings::new(user, at(5060), at(4000), ENGINE);
        change(&mut settings);
        let mut entropy = self.entropy.fork();
        (Phone::new(settings, entropy.fork()), entropy)
    }

    fn settle_in(&mut self, person: Person) -> PersonId {
        let id = self.people.len();
        let settings = person.phone().settings();
        self.addresses.insert(settings.signalling, (id, Line::Signalling));
        self.addresses.insert(settings.rtp, (id, Line::Voice));
        self.people.push(person);
        self.stirred.insert(id);
        PersonId(id)
    }

    /// A person, to be looked at.
    ///
    /// # Panics
    /// If the id is from another world.
    pub fn person(&self, id: PersonId) -> &Person {
        &self.people[id.0]
    }

    /// Lets somebody do something now.
    ///
    /// # Panics
    /// If the id is from another world.
    pub fn with<T>(&mut self, id: PersonId, f: impl FnOnce(&mut Person, Time) -> T) -> T {
        let done = f(&mut self.people[id.0], self.now);
        self.people[id.0].handle_timeout(self.now);
        self.stirred.insert(id.0);
        self.settle();
        done
    }

    /// Connections, to be looked at.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Cuts the connection of somebody's phone; whether there was one.
    pub fn cut(&mut self, id: PersonId) -> bool {
        self.streams.cut(self.now, id.0)
    }

    // ---- from outside ------------------------------------------------------------------------

    /// Gives the engine an input that comes neither from the network nor from media.
    pub fn input(&mut self, input: Input) {
        if let Input::WallClock(shown) = input {
            self.wall = WallClock::showing(shown, self.now);
        }
        self.engine.handle_input(self.now, input);
        self.settle();
    }

    /// Asks as the API would; the reply, if there is one at once.
    pub fn ask(&mut self, actor: &str, own: bool, request: Request) -> Option<Reply> {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.input(Input::Request { id, actor: actor.into(), own, request });
        self.replies.remove(&id)
    }

    /// What the engine starts with the next time.
    pub fn set_plan(&mut self, plan: Arc<Plan>) {
        self.settings.plan = plan;
    }

    /// The engine's process dies and starts again at once from its journal: calls are lost,
    /// registrations and agents' states are not.
    pub fn restart(&mut self) {
        let wall = self.wall();
        let closing = closing_entries(&self.fold, wall, self.now);
        let mut known = self.fold.clone();
        for entry in &closing {
            known.apply(entry);
        }
        let start = Start { closing, restored: known.restore_point() };
        let plan = self.settings.plan.clone();
        self.engine = Engine::new(self.now, wall, plan, self.entropy.fork(), start);
        (self.plane, self.reel) = plane(&self.settings, &mut self.entropy);
        self.legs.clear();
        self.ports.clear();
        self.streams.forget();
        self.settle();
    }

    // ---- time --------------------------------------------------------------------------------

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until something is true, `within` at most; whether it was.
    pub fn run_until(&mut self, within: Duration, mut done: impl FnMut(&World) -> bool) -> bool {
        let end = self.now + within;
        self.settle();
        loop {
            if done(self) {
                return true;
            }
            match self.next() {
                Some(next) if next <= end => self.step(next),
                Some(_) | None => {
                    self.now = end;
                    return false;
                }
            }
        }
    }

    fn next(&self) -> Option<Time> {
        let sources = [
            self.calls_due.next(),
            self.signalling.next(),
            self.streams.next(),
            self.voice.next(),
            self.engine.poll_timeout(),
            self.plane.poll_timeout(),
        ];
        sources.into_iter().flatten().min()
    }

    fn step(&mut self, next: Time) {
        self.idle_steps = if next > self.now { 0 } else { self.idle_steps + 1 };
        assert!(self.idle_steps < STUCK, "somebody's deadline never passes at {:?}", self.now);
        self.now = self.now.max(next);
        let now = self.now;
        while let Some(datagram) = self.signalling.arrived(now) {
            self.deliver(datagram);
        }
        while let Some((datagram, person)) = self.streams.arrived(now) {
            self.deliver_stream(datagram, person);
        }
        while let Some(peer) = self.streams.ended(now) {
            self.engine.handle_input(now, Input::Closed { listener: STREAM, peer });
            self.settle();
        }
        while let Some(datagram) = self.voice.arrived(now) {
            self.deliver(datagram);
        }
        if self.engine.poll_timeout().is_some_and(|at| at <= now) {
            self.engine.handle_timeout(now);
        }
        if self.plane.poll_timeout().is_some_and(|at| at <= now) {
            let mut out = Packets::default();
            self.plane.handle_timeout(now, &mut out);
            self.send_packets(out);
        }
        while let Some((_, id)) = self.calls_due.pop_due(now) {
            if let Some(person) = self.people.get_mut(id) {
                person.handle_timeout(now);
                self.stirred.insert(id);
            }
        }
        self.settle();
    }

    fn deliver(&mut self, datagram: Datagram) {
        let Datagram { from, to, bytes } = datagram;
        let now = self.now;
        if let Some((id, line)) = self.addresses.get(&to).copied() {
            if let Some(person) = self.people.get_mut(id) {
                person.handle_datagram(now, line, from, &bytes);
                self.stirred.insert(id);
            }
        } else if to == ENGINE {
            let listener = ListenerId(0);
            self.engine.handle_input(now, Input::Datagram { listener, from, bytes });
        } else if to.ip() == ENGINE.ip() {
            // RTCP's port is the odd one above RTP's.
            let Some(leg) = self.ports.get(&(to.port() & !1)).copied() else { return };
            let mut out = Packets::default();
            if to.port().is_multiple_of(2) {
                self.plane.handle_rtp(now, leg, from, &bytes, &mut out);
            } else {
                self.plane.handle_rtcp(now, leg, from, &bytes);
            }
            self.send_packets(out);
        }
        self.settle();
    }

    fn deliver_stream(&mut self, datagram: Datagram, person: Option<usize>) {
        let Datagram { from, bytes, .. } = datagram;
        let now = self.now;
        match person {
            Some(id) => {
                if let Some(person) = self.people.get_mut(id) {
                    person.handle_datagram(now, Line::Signalling, from, &bytes);
                    self.stirred.insert(id);
                }
            }
            None => {
                let input = Input::Datagram { listener: STREAM, from, bytes };
                self.engine.handle_input(now, input);
            }
        }
        self.settle();
    }

    /// Carries around what everybody has to say until nobody has anything left at this instant.
    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.engine.poll_output() {
                quiet = false;
                self.carry_out(output);
            }
            while let Some(event) = self.plane.poll_event() {
                quiet = false;
                self.media_event(event);
            }
            for id in std::mem::take(&mut self.stirred) {
                let Some(person) = self.people.get_mut(id) else { continue };
                let (signalling, rtp, tcp) = {
                    let settings = person.phone().settings();
                    (settings.signalling, settings.rtp, settings.tcp)
                };
                while let Some(out) = person.poll_transmit() {
                    let from = if out.line == Line::Voice { rtp } else { signalling };
                    let datagram = Datagram { from, to: out.to, bytes: out.bytes };
                    match out.line {
                        Line::Signalling if tcp => {
                            self.streams.send(self.now, id, signalling.ip(), datagram);
                        }
                        Line::Signalling => self.signalling.send(self.now, datagram),
                        Line::Voice => self.voice.send(self.now, datagram),
                    }
                }
                match person.poll_timeout() {
                    Some(at) => self.calls_due.set(id, at),
                    None => {
                        self.calls_due.cancel(&id);
                    }
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit(transmit) => {
                let datagram = Datagram { from: ENGINE, to: transmit.to, bytes: transmit.bytes };
                if transmit.listener == STREAM {
                    let there = self.addresses.get(&transmit.to).map(|(id, _)| *id);
                    let takes = |id: &usize| {
                        let settings = self.people.get(*id).map(|person| person.phone().settings());
                        settings.is_some_and(|phone| phone.tcp && !phone.quirks.unplugged)
                    };
                    self.streams.answer(self.now, datagram, there.filter(takes));
                } else {
                    self.signalling.send(self.now, datagram);
                }
            }
            Output::Media(media::Command::Open { leg, .. }) => self.open(leg),
            Output::Media(command) => {
                let mut out = Packets::default();
                self.plane.handle_command(self.now, command, &mut out);
                self.send_packets(out);
            }
            Output::Journal(entry) => {
                self.fold.apply(&entry);
                self.journal.push(entry);
            }
            Output::Resolve(query) => {
                let answer = self.names.get(&query).cloned();
                let answer = answer.unwrap_or(Err(ResolveError::Absent));
                self.engine.handle_input(self.now, Input::Resolved { query, answer });
            }
            Output::Fetch(it) => self.engine.handle_input(self.now, self.backend.fetched(&it)),
            Output::Dispatch(it) => self.engine.handle_input(self.now, self.provider.take(it)),
            Output::Listen(listen) => {
                let id = listen.id;
                if let Some(news) = self.recogniser.hear(&listen.question) {
                    for news in [SpeechNews::Began, news] {
                        self.engine.handle_input(self.now, Input::Heard { id, news });
                    }
                }
            }
            Output::StopListening(_) => {}
            Output::Commit { after } => {
                self.engine.handle_input(self.now, Input::Committed(after));
            }
            Output::AskOpinion(ask) => {
                let answer = self.recogniser.opinion(&ask.text);
                self.engine.handle_input(self.now, Input::Opinion { id: ask.id, answer });
            }
            Output::Reply { id, reply, .. } => {
                self.replies.insert(id, reply);
            }
        }
    }

    fn open(&mut self, leg: LegId) {
        let legs = u16::try_from(self.settings.rtp_legs).unwrap_or(u16::MAX / 4);
        let port = (0..legs)
            .map(|at| FIRST_RTP_PORT.saturating_add(2 * at))
            .find(|port| !self.ports.contains_key(port));
        match port {
            Some(port) => {
                self.ports.insert(port, leg);
                self.legs.insert(leg, port);
                self.plane.open(self.now, leg, SocketAddr::new(ENGINE.ip(), port));
            }
            None => {
                let error = media::command::OpenError::NoFreePort;
                self.engine
                    .handle_input(self.now, Input::Media(media::Event::OpenFailed { leg, error }));
            }
        }
    }

    fn media_event(&mut self, event: media::Event) {
        if let media::Event::Closed { leg, .. } = &event
            && let Some(port) = self.legs.remove(leg)
        {
            self.ports.remove(&port);
        }
        self.engine.handle_input(self.now, Input::Media(event));
    }

    fn send_packets(&mut self, packets: Packets) {
        for (leg, rtcp, to, bytes) in packets.0 {
            if let Some(port) = self.legs.get(&leg) {
                let from = SocketAddr::new(ENGINE.ip(), port + u16::from(rtcp));
                self.voice.send(self.now, Datagram { from, to, bytes });
            }
        }
    }
}

fn plane(settings: &WorldSettings, entropy: &mut Entropy) -> (Plane, Reel) {
    let plane = PlaneSettings { silence: settings.silence };
    let mut plane = Plane::new(plane, settings.bank.clone(), entropy.fork());
    let (recorder, reel) = recorder::ring(REEL);
    plane.record_into(recorder);
    (plane, reel)
}
