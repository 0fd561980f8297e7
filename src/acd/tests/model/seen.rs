//! What the queue and its model must agree on.

use super::*;

/// What both must agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::acd::tests) enum Seen {
    Entered(CallId, Time, Option<QueueName>),
    Relaxed(CallId, Vec<Ability>),
    WaitsForAnybody(CallId, AgentId, NotWaitedFor),
    Offer(CallId, AgentId),
    Cancel(CallId, AgentId, OfferOutcome),
    Claimed(CallId, AgentId, Time),
    ClaimRefused(CallId, AgentId),
    Returned(CallId, QueueReturn, bool),
    Reserved(CallId, AgentId),
    ReserveRefused(CallId, AgentId, ReserveError),
    DirectClaimed(CallId, AgentId),
    Refused(AgentId, ChoiceError),
    AwayTooLong(AgentId, AwayReason),
}

pub(in crate::acd::tests) fn seen(effects: &[AcdEffect]) -> Vec<Seen> {
    let seen = effects.iter().filter_map(|effect| match effect.clone() {
        AcdEffect::Entered { call, first_at, moved_from, .. } => {
            Some(Seen::Entered(call, first_at, moved_from))
        }
        AcdEffect::Relaxed { call, skills, .. } => Some(Seen::Relaxed(call, skills)),
        AcdEffect::WaitsForAnybody { call, agent, why, .. } => {
            Some(Seen::WaitsForAnybody(call, agent, why))
        }
        AcdEffect::Offer { call, agent, .. } => Some(Seen::Offer(call, agent)),
        AcdEffect::CancelOffer { call, agent, outcome } => Some(Seen::Cancel(call, agent, outcome)),
        AcdEffect::Claimed { call, agent, first_at, .. } => {
            Some(Seen::Claimed(call, agent, first_at))
        }
        AcdEffect::ClaimRefused { call, agent } => Some(Seen::ClaimRefused(call, agent)),
        AcdEffect::Returned { call, why, had_entered, .. } => {
            Some(Seen::Returned(call, why, had_entered))
        }
        AcdEffect::Reserved { call, agent, .. } => Some(Seen::Reserved(call, agent)),
        AcdEffect::ReserveRefused { call, agent, why } => {
            Some(Seen::ReserveRefused(call, agent, why))
        }
        AcdEffect::DirectClaimed { call, agent } => Some(Seen::DirectClaimed(call, agent)),
        AcdEffect::ChoiceRefused { agent, error } => Some(Seen::Refused(agent, error)),
        AcdEffect::AwayTooLong { agent, away, .. } => Some(Seen::AwayTooLong(agent, away)),
        AcdEffect::AgentChanged { .. } => None,
    });
    seen.collect()
}
