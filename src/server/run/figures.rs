//! What the pages, the API and `/metrics` are given of a server that runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::oneshot;

use crate::config::registry::Kind;
use crate::engine::Plan;
use crate::event::OutboundRefusal;
use crate::media::DropReason;
use crate::media::jitter::JitterCounters;
use crate::server::clock::Clock;
use crate::server::control::{ControlHandle, Message};
use crate::server::installation::Installation;
use crate::server::media_thread::MediaThreads;
use crate::server::recording::Recordings;
use crate::server::store::JournalHandle;
use crate::server::stream::Streams;
use crate::stats::{
    self,
    metrics::{TrunkWire, Wire},
};
use crate::trunk::TrunkStatus;
use crate::trunk::health::Life;
use crate::web::{
    self, Asked, CallsFuture, NotReady, PortClosed, Readiness, SoundFuture, Token, WebState,
    WhyFuture,
};

use super::orders::Orders;

/// How many entries of the database are not in force, by their kind.
pub(super) type SetAside = BTreeMap<&'static str, u64>;

pub(super) fn set_aside(installation: &Installation) -> SetAside {
    let mut aside: SetAside = Kind::ALL.into_iter().map(|kind| (kind.word(), 0)).collect();
    for key in installation.aside.keys() {
        *aside.entry(key.kind.word()).or_default() += 1;
    }
    aside
}

/// What the pages and figures are made of.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) aside: Arc<ArcSwap<SetAside>>,
    pub(super) orders: Orders,
    pub(super) control: ControlHandle,
    pub(super) journal: JournalHandle,
    pub(super) media: Arc<MediaThreads>,
    pub(super) streams: Streams,
    pub(super) recordings: Arc<Recordings>,
}

pub(super) fn web_state(
    tokens: Arc<ArcSwap<Vec<Token>>>,
    plan: &Plan,
    clock: Clock,
    parts: &Parts,
) -> WebState {
    let Parts { control, journal, .. } = parts;
    let live = {
        let journal = journal.clone();
        Arc::new(move || journal.live(clock.now(), clock.wall()))
    };
    let metrics = {
        let (live, parts) = (live.clone(), parts.clone());
        Arc::new(move || stats::metrics::render(&live(), &wire(&parts)))
    };
    let ready = {
        let (control, journal) = (control.clone(), journal.clone());
        Arc::new(move || {
            let mut reasons = Vec::new();
            if journal.status().health.full {
                reasons.push(NotReady::JournalFull);
            }
            if control.state().draining {
                reasons.push(NotReady::Draining);
            }
            Readiness::from_reasons(reasons)
        })
    };
    let requests = {
        let control = control.clone();
        Arc::new(move |asked: Asked| -> web::ReplyFuture {
            let (reply, answer) = oneshot::channel();
            let Asked { actor, own, request } = asked;
            control.send(Message::Request { actor, own, request, reply });
            Box::pin(async move { answer.await.map_err(|_| PortClosed) })
        })
    };
    let sounds = {
        let listener = parts.recordings.listener().clone();
        Arc::new(move |message, kept_at: Option<String>| -> SoundFuture {
            let listener = listener.clone();
            Box::pin(async move {
                match listener.wav(message, kept_at.as_deref()).await {
                    Ok(sound) => Some(sound),
                    Err(error) => {
                        tracing::error!(%message, %error, "a message cannot be heard");
                        None
                    }
                }
            })
        })
    };
    let why = {
        let reader = journal.reader();
        Arc::new(move |call| -> WhyFuture {
            let reader = reader.clone();
            Box::pin(async move {
                let told = crate::server::why::read(&reader, call).await;
                told.inspect_err(|error| tracing::error!(%error, "the journal cannot be read")).ok()
            })
        })
    };
    let calls = {
        let reader = journal.reader();
        Arc::new(move |before, limit| -> CallsFuture {
            let reader = reader.clone();
            Box::pin(async move {
                let told = reader.read_calls(before, limit).await;
                told.inspect_err(|error| tracing::error!(%error, "the journal cannot be read")).ok()
            })
        })
    };
    let registry = {
        let orders = parts.orders.clone();
        Arc::new(move |order| -> web::OrderFuture {
            let orders = orders.clone();
            Box::pin(async move { orders.give(order).await.ok_or(PortClosed) })
        })
    };
    let zone = plan.acd.zone.clone();
    WebState { live, metrics, ready, requests, registry, sounds, why, calls, tokens, zone }
}

fn wire(parts: &Parts) -> Wire {
    let Parts { aside, control, journal, media, streams, recordings, .. } = parts;
    let state = control.state();
    let rtp = media.counters();
    let mut sip_rejected = state.sip.rejected.clone();
    for (reason, count) in streams.refused() {
        *sip_rejected.entry(reason).or_default() += count;
    }
    Wire {
        sip_connections: streams.connections(),
        sip_received: state.sip.received.clone(),
        sip_sent: state.sip.sent.clone(),
        sip_rejected,
        rtp_received: rtp.received,
        rtp_sent: rtp.sent,
        rtp_dropped: DropReason::ALL
            .into_iter()
            .map(|reason| (reason.as_str(), rtp.dropped_for(reason)))
            .collect(),
        rtp_ordered: JitterCounters::LABELS.into_iter().zip(rtp.ordered.to_array()).collect(),
        recordings: recordings.counters().wire(),
        journal_lag_events: journal.status().health.backlog as u64,
        set_aside: aside.load().as_ref().clone(),
        trunks: state.trunks.iter().map(trunk_wire).collect(),
        outbound_refused: OutboundRefusal::ALL
            .into_iter()
            .map(|reason| {
                (reason.as_str(), state.outbound_refused.get(&reason).copied().unwrap_or(0))
            })
            .collect(),
    }
}

fn trunk_wire(status: &TrunkStatus) -> TrunkWire {
    let up = |life: &Life| match life {
        Life::Up => Some(true),
        Life::Down => Some(false),
        Life::Unknown => None,
    };
    TrunkWire {
        trunk: status.trunk.to_string(),
        servers: status.servers.iter().map(|(server, life)| (server.clone(), up(life))).collect(),
        registered: status.registered,
        calls: status.calls,
    }
}
