//! What callers say to flows.

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::super::live::Live;
use super::{count, family, labelled};

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let book = &live.speech;
    let utterances: Vec<Metric> = book
        .utterances
        .iter()
        .flat_map(|(asked, outcomes)| {
            outcomes.iter().map(move |(outcome, number)| {
                labelled(count(*number), &[("asked", asked), ("outcome", outcome)])
            })
        })
        .collect();
    let intents = book.intents.iter();
    let understood = intents
        .clone()
        .map(|(intent, it)| labelled(count(it.understood), &[("intent", intent.as_str())]));
    let finished = intents
        .clone()
        .map(|(intent, it)| labelled(count(it.contained), &[("intent", intent.as_str())]));
    let by_intent = intents.flat_map(|(intent, it)| {
        it.hand_overs.iter().map(move |(reason, number)| {
            labelled(count(*number), &[("intent", intent.as_str()), ("reason", reason)])
        })
    });
    let hand_overs = book
        .hand_overs
        .iter()
        .map(|(reason, number)| labelled(count(*number), &[("reason", reason)]));
    let counter = |name, help, metrics| family(name, help, MetricType::COUNTER, metrics);
    vec![
        counter(
            "switchboard_assistant_utterances_total",
            "What callers said to flows, by what they were asked for and by what became of it.",
            utterances,
        ),
        counter(
            "switchboard_assistant_intents_total",
            "Calls by what they are about, as far as that was understood from words.",
            understood.collect(),
        ),
        counter(
            "switchboard_assistant_intents_contained_total",
            "Of them, those that were finished without a person.",
            finished.collect(),
        ),
        counter(
            "switchboard_assistant_intents_handed_over_total",
            "Of them, those that were handed over to people, by why.",
            by_intent.collect(),
        ),
        counter(
            "switchboard_assistant_handovers_total",
            "Calls that flows handed over to people although they had meant to serve them, by why.",
            hand_overs.collect(),
        ),
        counter(
            "switchboard_calls_contained_total",
            "Calls that were completed and never asked for a person.",
            vec![count(book.contained)],
        ),
    ]
}
