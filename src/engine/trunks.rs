//! Between trunks and the rest: what they want asked, and what is told of them.

use std::sync::Arc;

use crate::event::{OutboundRefusal, SystemEvent};
use crate::id::LegId;
use crate::sip::range::AddressRange;
use crate::time::Time;
use crate::trunk::guard::OnBehalf;
use crate::trunk::{Attempt, Change, TrunkOutput, TrunkStatus};

use super::Engine;
use super::io::Output;
use super::route::kept;

impl Engine {
    /// Carries out one thing that trunks want done; false if there is none.
    pub(super) fn trunk_output(&mut self, now: Time) -> bool {
        let Some(output) = self.trunks.poll_output() else { return false };
        match output {
            TrunkOutput::Resolve(query) => self.out.push_back(Output::Resolve(query)),
            TrunkOutput::Request(request) => self.endpoint.request_outside(now, request),
            TrunkOutput::Names(names) => {
                // Whoever the names lead to is no stranger to the guard.
                let places = names.keys().map(|place| AddressRange::host(place.ip())).collect();
                self.endpoint.allow_trunks(places);
                self.endpoint.name_peers(names);
            }
            TrunkOutput::Changed(Change::Server { trunk, server, up, status }) => {
                match up {
                    true => tracing::info!(%trunk, server, status, "a trunk's server lives"),
                    false => tracing::warn!(%trunk, server, status, "a trunk's server is down"),
                }
                self.record_system(now, SystemEvent::TrunkServer { trunk, server, up, status });
            }
            TrunkOutput::Changed(Change::Registered { trunk, registered, status }) => {
                match registered {
                    true => tracing::info!(%trunk, "registered with a trunk"),
                    false => tracing::warn!(%trunk, status, "no longer registered with a trunk"),
                }
                let event = SystemEvent::TrunkRegistered { trunk, registered, status };
                self.record_system(now, event);
            }
        }
        true
    }

    /// Where a call to the outside can be placed for somebody, or why it is not made.
    pub(super) fn ways_outside(
        &mut self,
        now: Time,
        dialled: &str,
        who: OnBehalf,
        presented: Option<&str>,
    ) -> Result<Vec<Attempt>, OutboundRefusal> {
        let ways = self.trunks.route(now, dialled, who.clone(), presented);
        ways.inspect_err(|reason| self.refuse_outside(now, dialled, &who, *reason))
    }

    /// A call to the outside is not made.
    pub(super) fn refuse_outside(
        &mut self,
        now: Time,
        dialled: &str,
        who: &OnBehalf,
        reason: OutboundRefusal,
    ) {
        *self.outbound_refused.entry(reason).or_default() += 1;
        if self.admission.notes_refusal(now) {
            let (number, who) = (kept(dialled), who.to_string());
            self.record_system(now, SystemEvent::OutboundRefused { who, number, reason });
        }
    }

    /// The way through a trunk that a leg of a call is.
    pub(super) fn trunk_way(&self, leg: LegId) -> Option<Arc<Attempt>> {
        self.calls.get(self.legs.get(&leg)?)?.call.trunk_of(leg)
    }

    /// Whoever is rung is somewhere else (3xx): through a trunk that is followed as far as the toll
    /// guard lets it, and on its own hosts only. Phones are not followed: their agent may have moved
    /// them out of the building.
    pub(super) fn redirected(&mut self, now: Time, leg: LegId, status: u16, contacts: &[String]) {
        let Some(call) = self.legs.get(&leg).copied() else { return };
        match self.trunks.redirected(leg, contacts) {
            Some(attempt) => {
                let to = self.target_outside(attempt);
                self.with_call(call, |call, ids| call.phone_redirected(now, ids, leg, to));
            }
            None => self.with_call(call, |call, _| call.phone_refused(now, leg, status)),
        }
    }

    /// How trunks fare.
    pub fn trunks(&self, now: Time) -> Vec<TrunkStatus> {
        self.trunks.status(now)
    }

    /// Calls to the outside that were not made, by reason.
    pub fn outbound_refused(&self) -> &std::collections::BTreeMap<OutboundRefusal, u64> {
        &self.outbound_refused
    }
}
