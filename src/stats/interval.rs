//! The table of half hours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{AgentState, Outcome};
use crate::id::{AwayReason, QueueName};
use crate::time::UnixMicros;

use super::agents::Span;
use super::books::Place;
use super::figures::{Counts, Thresholds, Waits, seconds};
use super::service_level::Formula;
use super::wrap_up::Said;
use super::zone::{HALF_HOUR_US, Zone};

/// How long half hours are kept in the fold. The journal keeps everything.
const KEPT_US: i64 = 62 * 48 * HALF_HOUR_US;
/// How many half hours are kept at most, whatever the wall clock does.
const KEPT_MAX: usize = 2 * 62 * 48;

/// One row of the table: a half hour, and one queue or all of them. The fields are the columns, in
/// their order; what follows `agents_signed_in` says how to read them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntervalRow {
    /// The same instant as `interval_start`.
    #[serde(skip)]
    pub start: UnixMicros,
    /// Its start on the organisation's clock (RFC 3339, with the offset).
    pub interval_start: String,
    /// The queue that the calls entered first; none for all queues together.
    pub queue: Option<QueueName>,
    /// Calls that entered a queue asking for a person.
    pub offered: u64,
    /// Of them, answered.
    pub answered: u64,
    /// Of them, answered within the standard.
    pub answered_within_standard: u64,
    /// Hung up while waiting.
    pub abandoned: u64,
    /// Of the abandoned, those before the short-abandon bound.
    pub short_abandons: u64,
    /// Left for a number or flow outside the queues.
    pub overflowed: u64,
    /// Took a callback.
    pub callbacks: u64,
    /// Left a message.
    pub voicemail: u64,
    /// Ended by the system.
    pub ended_by_system: u64,
    /// Average speed of answer, in seconds.
    pub asa_s: Option<f64>,
    /// Median wait of answered calls, in seconds.
    pub median_wait_s: Option<f64>,
    /// The wait that 95 % of answered calls did not exceed (nearest rank), in seconds.
    pub p95_wait_s: Option<f64>,
    /// The longest wait of an answered call, in seconds.
    pub longest_wait_s: Option<f64>,
    /// A_T / O.
    pub answered_within_of_offered: Option<f64>,
    /// A_T / A.
    pub answered_within_of_answered: Option<f64>,
    /// A_T / (O - short abandons).
    pub excluding_short_abandons: Option<f64>,
    /// A_T / (O - B_T).
    pub excluding_abandons_within: Option<f64>,
    /// Talk, hold and after-call work for each call whose conversation is over, in seconds.
    pub aht_s: Option<f64>,
    /// Time on contacts of time on contacts and ready, by the wall clock. Agents serve several
    /// queues, so only the row of all queues has it.
    pub occupancy: Option<f64>,
    /// Agents signed in, averaged over the half hour; in the row of all queues only.
    pub agents_signed_in: Option<f64>,
    /// Time that agents were not ready, by what for, in seconds; in the row of all queues only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_ready_s: BTreeMap<AwayReason, f64>,
    /// Calls of this row that still wait: while there are any, the row is provisional.
    pub still_waiting: u64,
    /// The standard that the figures were judged by, in seconds; none where queues differ.
    pub standard_s: Option<f64>,
    /// The short-abandon bound that they were judged by, in seconds; none where queues differ.
    pub short_abandon_s: Option<f64>,
}

/// The calls of one half hour that entered one queue first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) counts: Counts,
    pub(super) waits: Waits,
    thresholds: Thresholds,
}

/// One half hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct HalfHour {
    cells: BTreeMap<QueueName, Cell>,
    contact_us: u64,
    ready_us: u64,
    signed_in_us: u64,
    away_us: BTreeMap<AwayReason, u64>,
}

/// All half hours that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Intervals(BTreeMap<UnixMicros, HalfHour>);

impl Intervals {
    /// A call was offered.
    pub(super) fn offer(&mut self, place: &Place, thresholds: Thresholds) {
        self.forget_before(place.half_hour);
        let half_hour = self.0.entry(place.half_hour).or_default();
        let cell = half_hour.cells.entry(place.queue.clone()).or_default();
        cell.counts.offered += 1;
        cell.thresholds = thresholds;
    }

    /// A call's waiting ended.
    pub(super) fn settle(
        &mut self,
        place: &Place,
        outcome: Outcome,
        wait_us: u64,
        thresholds: Thresholds,
    ) {
        let Some(cell) = self.cell(place) else { return };
        cell.counts.settle(outcome, wait_us, thresholds);
        cell.thresholds = thresholds;
        if outcome == Outcome::Answered {
            cell.waits.push(wait_us);
        }
    }

    /// Work was done for a call; `first` ends its first conversation.
    pub(super) fn handle(&mut self, place: &Place, handle_us: u64, first: bool) {
        if let Some(cell) = self.cell(place) {
            cell.counts.handled += u64::from(first);
            cell.counts.handle_us = cell.counts.handle_us.saturating_add(handle_us);
        }
    }

    /// What was said of the calls there; none if the half hour is no longer kept.
    pub(super) fn said(&mut self, place: &Place) -> Option<&mut Said> {
        self.cell(place).map(|cell| &mut cell.counts.said)
    }

    /// None if the half hour is no longer kept.
    fn cell(&mut self, place: &Place) -> Option<&mut Cell> {
        self.0.get_mut(&place.half_hour)?.cells.get_mut(&place.queue)
    }

    /// Spreads an agent's time over the half hours that it lay in.
    pub(super) fn spend(&mut self, span: Span, zone: &Zone) {
        if span.state == AgentState::SignedOut || span.from >= span.to {
            return;
        }
        self.forget_before(span.to);
        let mut from = UnixMicros(span.from.0.max(span.to.0.saturating_sub(KEPT_US)));
        let mut start = zone.half_hour(from);
        while from < span.to {
            let end = UnixMicros(start.0.saturating_add(HALF_HOUR_US)).min(span.to);
            let spent_us = u64::try_from(end.0.saturating_sub(from.0)).unwrap_or(0);
            self.0.entry(start).or_default().spend(&span, spent_us);
            if end <= from {
                return;
            }
            (from, start) = (end, end);
        }
    }

    fn forget_before(&mut self, newest: UnixMicros) {
        let kept_from = UnixMicros(newest.0.saturating_sub(KEPT_US));
        while self.0.first_key_value().is_some_and(|(start, _)| *start < kept_from)
            || self.0.len() > KEPT_MAX
        {
            self.0.pop_first();
        }
    }

    /// The calls that were offered in `from..to`, by queue.
    pub(super) fn counts(&self, from: UnixMicros, to: UnixMicros) -> BTreeMap<&QueueName, Counts> {
        let mut counts: BTreeMap<&QueueName, Counts> = BTreeMap::new();
        for (queue, cell) in self.0.range(from..to).flat_map(|(_, half_hour)| &half_hour.cells) {
            counts.entry(queue).or_default().add(&cell.counts);
        }
        counts
    }

    /// The table as it stands at `at`: for each half hour every queue that had calls, then all
    /// queues together. `waiting` are the offered calls that still wait.
    pub(super) fn rows(
        &self,
        zone: &Zone,
        at: UnixMicros,
        waiting: &BTreeMap<Place, u64>,
    ) -> Vec<IntervalRow> {
        let mut rows = Vec::new();
        for (start, half_hour) in &self.0 {
            let interval_start = zone.show(*start);
            let mut whole = Cell::default();
            let mut whole_waiting = 0;
            for (queue, cell) in &half_hour.cells {
                whole.counts.add(&cell.counts);
                whole.waits.add(&cell.waits);
                let place = Place { half_hour: *start, queue: queue.clone() };
                let still_waiting = waiting.get(&place).copied().unwrap_or(0);
                whole_waiting += still_waiting;
                let mut row = cell.row(*start, &interval_start, Some(queue), still_waiting);
                row.judged_by(Some(cell.thresholds));
                rows.push(row);
            }
            let mut row = whole.row(*start, &interval_start, None, whole_waiting);
            row.judged_by(half_hour.common_thresholds());
            row.occupancy = half_hour.occupancy();
            row.agents_signed_in = half_hour.agents_signed_in(*start, at);
            let away = half_hour.away_us.iter();
            row.not_ready_s = away.map(|(it, us)| (it.clone(), seconds(*us))).collect();
            rows.push(row);
        }
        rows
    }
}

impl HalfHour {
    fn spend(&mut self, span: &Span, spent_us: u64) {
        let (contact, ready) = match span.state {
            AgentState::SignedOut => return,
            AgentState::Ready => (false, true),
            AgentState::Reserved
            | AgentState::Ringing
            | AgentState::Talking
            | AgentState::Hold
            | AgentState::Consulting
            | AgentState::WrapUp => (true, false),
            AgentState::NotReady | AgentState::Unreachable => (false, false),
        };
        self.signed_in_us = self.signed_in_us.saturating_add(spent_us);
        if contact {
            self.contact_us = self.contact_us.saturating_add(spent_us);
        }
        if ready {
            self.ready_us = self.ready_us.saturating_add(spent_us);
        }
        if let Some(reason) = span.away.clone() {
            let away_us = self.away_us.entry(reason).or_default();
            *away_us = away_us.saturating_add(spent_us);
        }
    }

    fn occupancy(&self) -> Option<f64> {
        let of = self.contact_us.saturating_add(self.ready_us);
        (of > 0).then(|| self.contact_us as f64 / of as f64)
    }

    fn agents_signed_in(&self, start: UnixMicros, at: UnixMicros) -> Option<f64> {
        let gone_us = at.0.saturating_sub(start.0).min(HALF_HOUR_US);
        (gone_us > 0).then(|| self.signed_in_us as f64 / gone_us as f64)
    }

    fn common_thresholds(&self) -> Option<Thresholds> {
        let mut all = self.cells.values().map(|cell| cell.thresholds);
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }
}

impl Cell {
    fn row(
        &self,
        start: UnixMicros,
        interval_start: &str,
        queue: Option<&QueueName>,
        still_waiting: u64,
    ) -> IntervalRow {
        let counts = &self.counts;
        IntervalRow {
            start,
            interval_start: interval_start.to_owned(),
            queue: queue.cloned(),
            offered: counts.offered,
            answered: counts.answered,
            answered_within_standard: counts.answered_within,
            abandoned: counts.abandoned,
            short_abandons: counts.short_abandons,
            overflowed: counts.overflowed,
            callbacks: counts.callbacks,
            voicemail: counts.voicemail,
            ended_by_system: counts.ended_by_system,
            asa_s: counts.asa_s(),
            median_wait_s: self.waits.median_s(),
            p95_wait_s: self.waits.percentile_s(95),
            longest_wait_s: counts.longest_wait_s(),
            answered_within_of_offered: counts.ratio(Formula::AnsweredWithinOfOffered),
            answered_within_of_answered: counts.ratio(Formula::AnsweredWithinOfAnswered),
            excluding_short_abandons: counts.ratio(Formula::ExcludingShortAbandons),
            excluding_abandons_within: counts.ratio(Formula::ExcludingAbandonsWithin),
            aht_s: counts.aht_s(),
            occupancy: None,
            agents_signed_in: None,
            not_ready_s: BTreeMap::new(),
            still_waiting,
            standard_s: None,
            short_abandon_s: None,
        }
    }
}

impl IntervalRow {
    fn judged_by(&mut self, thresholds: Option<Thresholds>) {
        self.standard_s = thresholds.map(|set| seconds(set.standard_us));
        self.short_abandon_s = thresholds.map(|set| seconds(set.short_abandon_us));
    }

    /// Offered calls less those that have an outcome or still wait: 0, or a defect.
    pub fn difference(&self) -> i64 {
        let known = self.answered
            + self.abandoned
            + self.overflowed
            + self.callbacks
            + self.voicemail
            + self.ended_by_system
            + self.still_waiting;
        self.offered.wrapping_sub(known).cast_signed()
    }
}
