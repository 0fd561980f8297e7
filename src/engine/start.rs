//! What a start continues from, and how it begins.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::acd::Acd;
use crate::acd::callback::Callbacks;
use crate::acd::command::{AcdInput, WasAway};
use crate::acd::messages::Messages;
use crate::acd::wrap_up::WrapUps;
use crate::backend::Backends;
use crate::event::{Entry, SystemEvent};
use crate::id::Entropy;
use crate::notification::Outbox;
use crate::sip::endpoint::Endpoint;
use crate::stats::{LastAgents, Restored};
use crate::time::{Deadlines, Time, UnixMicros, WallClock};
use crate::trunk::Trunks;

use super::desks::Desks;
use super::io::Output;
use super::limits::Admission;
use super::{Engine, Plan, hearing};

/// What a start continues from.
#[derive(Debug, Clone)]
pub struct Start {
    /// What closes whatever the last run left open: written first, as it is.
    pub closing: Vec<Entry>,
    /// What the journal knows once that is done.
    pub restored: Restored,
}

impl Default for Start {
    /// A new journal.
    fn default() -> Self {
        Start { closing: Vec::new(), restored: crate::stats::Fold::new().restore_point() }
    }
}

impl Engine {
    /// An engine that continues from `start`. `wall` is what the calendar shows at `now`.
    pub fn new(
        now: Time,
        wall: UnixMicros,
        plan: Arc<Plan>,
        mut entropy: Entropy,
        start: Start,
    ) -> Self {
        let mut engine = Engine {
            wall: WallClock::showing(wall, now),
            endpoint: Endpoint::new(plan.endpoint.clone(), entropy.fork()),
            trunks: Trunks::new(now, plan.trunks.clone(), entropy.fork()),
            messages: Messages::default(),
            spoken: BTreeMap::new(),
            unheard: Deadlines::new(),
            callbacks: Callbacks::default(),
            recorded: BTreeMap::new(),
            bulletins: start.restored.bulletins.iter().cloned().collect(),
            backends: Backends::default(),
            outbox: Outbox::default(),
            last_agents: LastAgents::default(),
            histories: start.restored.histories.clone(),
            listenings: hearing::Listenings::default(),
            outbound_refused: BTreeMap::new(),
            wrap_ups: WrapUps::default(),
            desks: Desks::new(start.restored.desks.clone()),
            acd: Acd::new(plan.acd.clone()),
            entropy,
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            closing: BTreeMap::new(),
            timers: Deadlines::new(),
            second_chances: Deadlines::new(),
            admission: Admission::new(now, &plan.limits),
            seq: start.restored.next_seq.saturating_sub(1),
            work: VecDeque::new(),
            touched: BTreeSet::new(),
            out: VecDeque::new(),
            plan,
        };
        engine.out.extend(start.closing.into_iter().map(Output::Journal));
        let version = env!("CARGO_PKG_VERSION").to_owned();
        engine.record_system(now, SystemEvent::Started { version });
        engine.record_system(now, engine.plan.in_force());
        engine.backends.configure(&engine.plan.backends);
        engine.outbox.configure(&engine.plan.notifications);
        engine.restore_messages(now, &start.restored);
        engine.restore_notifications(now, &start.restored);
        engine.restore_last_agents(now, &start.restored);
        // Calls that a dead run left open have ended.
        engine.histories.forget_open();
        engine.histories.keep_for(engine.plan.history_us, engine.wall.at(now));
        engine.restore_wrap_ups(&start.restored);
        for (agent, state) in start.restored.agents.iter().cloned() {
            let away = start.restored.away.get(&agent).map(|away| WasAway {
                reason: away.reason.clone(),
                lasted: engine.wall.at(now).since(away.since),
                over: away.over,
            });
            engine.apply(now, AcdInput::Restore { agent, state, away });
        }
        for ban in start.restored.bans.iter().cloned() {
            engine.restore_ban(now, ban);
        }
        for registration in start.restored.registrations.iter().cloned() {
            engine.restore_registration(now, registration);
        }
        // Behind whatever agents were doing: the first who is ready may get one.
        engine.restore_callbacks(now, &start.restored);
        engine.follow_phones(now);
        engine.all_reachable(now);
        engine.settle(now);
        engine
    }
}
