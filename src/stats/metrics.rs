//! The page at /metrics: the snapshot and the wire's counters in Prometheus' text format.
//!
//! Families are built from one [`Live`] for each scrape, so that no counter exists besides the
//! fold's. Counters continue over restarts and never reset at midnight; ratios cover the current
//! day and are absent while there are no calls.

use std::collections::BTreeMap;

use prometheus::TextEncoder;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::event::{Met, Outcome, TurnedAway};

use super::live::{Live, QueueLive, Totals, WAIT_BOUNDS_S};
use super::service_level::Formula;

mod away;
mod backends;
mod callbacks;
mod last_agents;
mod messages;
mod notifications;
mod recordings;
mod speech;
mod surveys;
mod trunks;
mod voice;
mod wrap_ups;

pub use recordings::RecordingWire;
pub use trunks::TrunkWire;

/// What the shell counts on the wire since the process began, and how far the journal lags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wire {
    /// SIP requests (status 0) and responses received, by method and status.
    pub sip_received: BTreeMap<(&'static str, u16), u64>,
    /// SIP requests (status 0) and responses sent, by method and status.
    pub sip_sent: BTreeMap<(&'static str, u16), u64>,
    /// SIP datagrams and requests refused or dropped, by reason.
    pub sip_rejected: BTreeMap<&'static str, u64>,
    /// Connections open now, by protocol.
    pub sip_connections: BTreeMap<&'static str, u64>,
    /// RTP packets received and accepted.
    pub rtp_received: u64,
    /// RTP packets sent.
    pub rtp_sent: u64,
    /// RTP packets dropped, by reason.
    pub rtp_dropped: BTreeMap<&'static str, u64>,
    /// RTP packets that were put in order to be decoded (rooms, taps), by what became of them.
    pub rtp_ordered: BTreeMap<&'static str, u64>,
    /// How recordings fare.
    pub recordings: RecordingWire,
    /// Events that wait to be committed to the journal.
    pub journal_lag_events: u64,
    /// Entries of the database that are not in force, by their kind.
    pub set_aside: BTreeMap<&'static str, u64>,
    /// How trunks fare.
    pub trunks: Vec<TrunkWire>,
    /// Calls to the outside that were not made, by reason.
    pub outbound_refused: BTreeMap<&'static str, u64>,
}

/// The text of /metrics.
pub fn render(live: &Live, wire: &Wire) -> String {
    let mut families = calls(live);
    families.extend(queues(live));
    families.extend(books(live, wire));
    families.extend(traffic(live, wire));
    families.extend(messages::families(live).into_iter().chain(callbacks::families(live)));
    families.extend(backends::families(live).into_iter().chain(last_agents::families(live)));
    families.extend(notifications::families(live).into_iter().chain(wrap_ups::families(live)));
    families.extend(speech::families(live).into_iter().chain(voice::families(live)));
    families.extend(surveys::families(live).into_iter().chain(away::families(live)));
    families.extend(trunks::families(wire));
    families.extend(recordings::recordings(&wire.recordings));
    // A family without a sample is an error to the encoder, and no news to a reader.
    families.retain(|family| !family.get_metric().is_empty());
    match TextEncoder::new().encode_to_string(&families) {
        Ok(text) => text,
        Err(error) => format!("# {error}\n"),
    }
}

fn calls(live: &Live) -> Vec<MetricFamily> {
    let counter = |name, help, value: fn(&QueueLive) -> u64| {
        family(name, help, MetricType::COUNTER, by_queue(live, |queue| count(value(queue))))
    };
    let histogram = |name, help, value: fn(&QueueLive) -> (&[u64], f64)| {
        let samples = by_queue(live, |queue| {
            let (buckets, sum_s) = value(queue);
            distribution(&WAIT_BOUNDS_S, buckets, sum_s)
        });
        family(name, help, MetricType::HISTOGRAM, samples)
    };
    let abandoned = live.queues.iter().flat_map(|queue| {
        let total = &queue.total;
        [("true", total.abandoned_short), ("false", total.abandoned_long)].map(|(short, value)| {
            labelled(count(value), &[("queue", queue.queue.as_str()), ("short", short)])
        })
    });
    let told = live.queues.iter().flat_map(|queue| {
        [Met::Sooner, Met::Within, Met::Later].map(|met| {
            let value = queue.total.told.get(&met).copied().unwrap_or(0);
            labelled(count(value), &[("queue", queue.queue.as_str()), ("met", met.as_str())])
        })
    });
    let ended = live
        .ended_total
        .iter()
        .map(|(cause, value)| labelled(count(*value), &[("cause", cause.as_str())]));
    let transfers = live
        .transfers_total
        .iter()
        .map(|(outcome, value)| labelled(count(*value), &[("outcome", outcome.as_str())]));
    vec![
        counter(
            "switchboard_calls_offered_total",
            "Calls that entered a queue asking for a person, by the queue entered first; once per \
             call, however often it is moved.",
            |queue| queue.total.offered,
        ),
        counter(
            "switchboard_calls_answered_total",
            "Offered calls that were joined to an adviser, by the queue entered first.",
            |queue| queue.total.answered,
        ),
        counter(
            "switchboard_calls_answered_within_standard_total",
            "Offered calls answered with a wait of no more than the queue's standard (60 seconds \
             unless set otherwise; exactly 60.000000 counts), by the queue entered first.",
            |queue| queue.total.answered_within_standard,
        ),
        family(
            "switchboard_calls_abandoned_total",
            "Offered calls whose caller hung up while waiting, by the queue entered first; short \
             if before the short-abandon bound (5 seconds unless set otherwise).",
            MetricType::COUNTER,
            abandoned.collect(),
        ),
        family(
            "switchboard_calls_ended_total",
            "Calls that ended, by cause; every call has exactly one.",
            MetricType::COUNTER,
            ended.collect(),
        ),
        histogram(
            "switchboard_answer_wait_seconds",
            "Wait of answered calls in seconds, from the first entry into any queue to the answer, \
             by the queue entered first.",
            |queue| (&queue.total.wait_buckets, queue.total.wait_sum_s),
        ),
        histogram(
            "switchboard_time_to_person_seconds",
            "Time to a person in seconds, from the INVITE's arrival to the answer (menus \
             included), by the queue entered first.",
            |queue| (&queue.total.person_buckets, queue.total.person_sum_s),
        ),
        family(
            "switchboard_estimates_total",
            "Answered callers who had been told how long the wait would probably be, by the queue \
             that answered and by how the wait came out: sooner, within what they were told first, \
             or later.",
            MetricType::COUNTER,
            told.collect(),
        ),
        family(
            "switchboard_transfers_total",
            "Calls that advisers handed on, by what came of it.",
            MetricType::COUNTER,
            transfers.collect(),
        ),
        family(
            "switchboard_calls_active",
            "Calls that are up now.",
            MetricType::GAUGE,
            vec![gauge(live.calls_active as f64)],
        ),
    ]
}

fn queues(live: &Live) -> Vec<MetricFamily> {
    let outcomes = |of: fn(&Totals) -> &BTreeMap<Outcome, u64>| {
        let samples = live.queues.iter().flat_map(move |queue| {
            of(&queue.total).iter().map(|(outcome, value)| {
                let labels = [("queue", queue.queue.as_str()), ("outcome", outcome_name(*outcome))];
                labelled(count(*value), &labels)
            })
        });
        samples.collect()
    };
    let turned_away = live.queues.iter().flat_map(|queue| {
        TurnedAway::ALL.map(|why| {
            let labels = [("queue", queue.queue.as_str()), ("reason", why.as_str())];
            let value = queue.total.turned_away.get(&why).copied().unwrap_or(0);
            labelled(count(value), &labels)
        })
    });
    let ratios = live.queues.iter().flat_map(|queue| {
        Formula::ALL.into_iter().filter_map(|formula| {
            let labels = [("queue", queue.queue.as_str()), ("formula", formula.as_str())];
            Some(labelled(gauge(queue.today.service_level(formula)?), &labels))
        })
    });
    let mut formulas = String::from(
        "Service level of today's calls, 0 to 1, by the queue entered first; absent while there are no calls.",
    );
    for formula in Formula::ALL {
        formulas.push_str(&format!(" {}: {}.", formula.as_str(), formula.words()));
    }
    let agents = live
        .agents
        .iter()
        .map(|(state, value)| labelled(gauge(*value as f64), &[("state", state.as_str())]));
    vec![
        family(
            "switchboard_queue_waiting",
            "Callers who wait in the queue now.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.waiting as f64)),
        ),
        family(
            "switchboard_queue_longest_wait_seconds",
            "How long the longest of those who wait now has waited, in seconds, since the first \
             entry into any queue; 0 if nobody waits.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.longest_wait_s.unwrap_or(0.0))),
        ),
        family(
            "switchboard_queue_outcomes_total",
            "Visits to the queue that ended, by how; a call that is moved makes a visit to each \
             queue.",
            MetricType::COUNTER,
            outcomes(|total| &total.outcomes),
        ),
        family(
            "switchboard_queue_turned_away_total",
            "Calls that the queue did not take, by why not; what came then is the flow's.",
            MetricType::COUNTER,
            turned_away.collect(),
        ),
        family(
            "switchboard_later_waits_total",
            "Waits after an answer, as when an adviser hands a caller on to a queue, by how they \
             ended; in none of the figures of calls offered.",
            MetricType::COUNTER,
            outcomes(|total| &total.later_outcomes),
        ),
        family("switchboard_service_level_ratio", &formulas, MetricType::GAUGE, ratios.collect()),
        family(
            "switchboard_agents",
            "Advisers by what they are doing now.",
            MetricType::GAUGE,
            agents.collect(),
        ),
    ]
}

fn books(live: &Live, wire: &Wire) -> Vec<MetricFamily> {
    let set_aside = wire.set_aside.iter();
    let set_aside =
        set_aside.map(|(kind, value)| labelled(gauge(*value as f64), &[("kind", kind)]));
    vec![
        family(
            "switchboard_books_difference",
            "Visits to the queue that began, less those that ended and those that wait: 0, or a \
             defect.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.books_difference as f64)),
        ),
        family(
            "switchboard_offered_difference",
            "Today's offered calls by the queue entered first, less those with an outcome and \
             those that still wait: 0, or a defect.",
            MetricType::GAUGE,
            by_queue(live, |queue| gauge(queue.today.difference() as f64)),
        ),
        family(
            "switchboard_journal_lag_events",
            "Events that wait to be committed to the journal.",
            MetricType::GAUGE,
            vec![gauge(wire.journal_lag_events as f64)],
        ),
        family(
            "switchboard_entries_set_aside",
            "Queues, agents and skills of the database that are not in force: a file declares them, or \
             the checks refuse them.",
            MetricType::GAUGE,
            set_aside.collect(),
        ),
    ]
}

fn traffic(live: &Live, wire: &Wire) -> Vec<MetricFamily> {
    let messages = [("in", &wire.sip_received), ("out", &wire.sip_sent)];
    let messages = messages.into_iter().flat_map(|(direction, counts)| {
        counts.iter().map(move |((method, status), value)| {
            let status = if *status == 0 { "request".to_owned() } else { status.to_string() };
            let labels = [("direction", direction), ("method", method), ("status", &status)];
            labelled(count(*value), &labels)
        })
    });
    let packets = [("in", wire.rtp_received), ("out", wire.rtp_sent)];
    vec![
        family(
            "switchboard_rtp_packets_total",
            "RTP packets received and accepted (in) and sent (out) since the process began.",
            MetricType::COUNTER,
            packets
                .map(|(direction, value)| labelled(count(value), &[("direction", direction)]))
                .to_vec(),
        ),
        family(
            "switchboard_rtp_dropped_total",
            "RTP packets received and dropped since the process began, by reason.",
            MetricType::COUNTER,
            reasons(&wire.rtp_dropped),
        ),
        family(
            "switchboard_rtp_ordered_total",
            "RTP packets put in order to be decoded since the process began, by fate.",
            MetricType::COUNTER,
            wire.rtp_ordered
                .iter()
                .map(|(fate, packets)| labelled(count(*packets), &[("fate", fate)]))
                .collect(),
        ),
        family(
            "switchboard_sip_messages_total",
            "SIP messages received (in) and sent (out) since the process began, by method; status \
             is that of a response, or request.",
            MetricType::COUNTER,
            messages.collect(),
        ),
        family(
            "switchboard_banned_sources",
            "Sources whose SIP is dropped unread now, because they attacked or a supervisor asked for \
             it.",
            MetricType::GAUGE,
            vec![gauge(live.bans.len() as f64)],
        ),
        family(
            "switchboard_sip_rejected_total",
            "SIP messages and connections refused or dropped since the process began, by reason.",
            MetricType::COUNTER,
            reasons(&wire.sip_rejected),
        ),
        family(
            "switchboard_sip_connections",
            "Connections of phones and trunks that are open now, by protocol.",
            MetricType::GAUGE,
            wire.sip_connections
                .iter()
                .map(|(protocol, open)| labelled(gauge(*open as f64), &[("protocol", protocol)]))
                .collect(),
        ),
    ]
}

/// The name used in metrics' labels.
fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Abandoned => "abandoned",
        Outcome::Overflowed => "overflowed",
        Outcome::CallbackTaken => "callback_taken",
        Outcome::Voicemail => "voicemail",
        Outcome::EndedBySystem => "ended_by_system",
        Outcome::Moved => "moved",
    }
}

fn family(name: &str, help: &str, kind: MetricType, samples: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(samples);
    family
}

fn by_queue(live: &Live, sample: impl Fn(&QueueLive) -> Metric) -> Vec<Metric> {
    let with_label =
        |queue: &QueueLive| labelled(sample(queue), &[("queue", queue.queue.as_str())]);
    live.queues.iter().map(with_label).collect()
}

/// A count for each reason.
fn reasons(counts: &BTreeMap<&'static str, u64>) -> Vec<Metric> {
    counts.iter().map(|(reason, n)| labelled(count(*n), &[("reason", reason)])).collect()
}

fn labelled(mut sample: Metric, labels: &[(&str, &str)]) -> Metric {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    sample.set_label(labels.iter().map(pair).collect());
    sample
}

fn count(value: u64) -> Metric {
    counter(value as f64)
}

fn counter(value: f64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(value);
    let mut sample = Metric::default();
    sample.set_counter(counter);
    sample
}

fn gauge(value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    Metric::from_gauge(gauge)
}

/// `buckets` has a count for each of `bounds`, not cumulative, and one more.
fn distribution(bounds: &[f64], buckets: &[u64], sum: f64) -> Metric {
    let mut cumulative = 0;
    let bounds = bounds.iter().zip(buckets).map(|(bound, in_bucket)| {
        cumulative += in_bucket;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(cumulative);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(bounds.collect());
    histogram.set_sample_count(buckets.iter().sum());
    histogram.set_sample_sum(sum);
    let mut sample = Metric::default();
    sample.set_histogram(histogram);
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EndCause;
    use crate::stats::stream::{S, Stream};

    fn wire() -> Wire {
        Wire {
            sip_received: BTreeMap::from([(("INVITE", 0), 3), (("INVITE", 200), 1)]),
            sip_sent: BTreeMap::from([(("INVITE", 503), 2)]),
            sip_rejected: BTreeMap::from([("malformed", 4)]),
            sip_connections: BTreeMap::from([("tls", 12)]),
            rtp_received: 50,
            rtp_sent: 49,
            rtp_dropped: BTreeMap::from([("late", 2)]),
            rtp_ordered: BTreeMap::from([("lost", 5)]),
            recordings: RecordingWire {
                active: 3,
                failures: BTreeMap::from([("disk_full", 1)]),
                ..RecordingWire::default()
            },
            journal_lag_events: 7,
            set_aside: BTreeMap::from([("queue", 2)]),
            trunks: vec![TrunkWire {
                trunk: "carrier".to_owned(),
                servers: vec![
                    ("udp:192.0.2.1:5060".to_owned(), Some(true)),
                    ("udp:192.0.2.2:5060".to_owned(), Some(false)),
                    ("udp:192.0.2.3:5060".to_owned(), None),
                ],
                registered: Some(false),
                calls: 3,
            }],
            outbound_refused: BTreeMap::from([("not_allowed", 5)]),
        }
    }

    fn has(text: &str, line: &str) {
        assert!(text.lines().any(|found| found == line), "no line {line:?} in:\n{text}");
    }

    #[test]
    fn a_day_with_calls_is_rendered_with_the_names_of_the_design() {
        let mut stream = Stream::starting("2026-11-23T12:00:00Z");
        let mut call = stream.arrive();
        stream.pass(20 * S);
        stream.enter(&mut call, "waste");
        stream.pass(60 * S);
        stream.answer(&mut call, "amy");
        let short = stream.queued("waste");
        stream.pass(S);
        stream.abandon(short);
        stream.end(&call, EndCause::CallerHungUp);
        stream.queued("waste");
        stream.pass(3 * S / 2);
        let text = render(&stream.live(), &wire());
        for line in [
            r#"switchboard_calls_offered_total{queue="waste"} 3"#,
            r#"switchboard_calls_offered_total{queue="parking"} 0"#,
            r#"switchboard_calls_answered_total{queue="waste"} 1"#,
            r#"switchboard_calls_answered_within_standard_total{queue="waste"} 1"#,
            r#"switchboard_calls_abandoned_total{queue="waste",short="true"} 1"#,
            r#"switchboard_calls_abandoned_total{queue="waste",short="false"} 0"#,
            r#"switchboard_calls_ended_total{cause="caller_abandoned"} 1"#,
            r#"switchboard_answer_wait_seconds_bucket{queue="waste",le="45"} 0"#,
            r#"switchboard_answer_wait_seconds_bucket{queue="waste",le="60"} 1"#,
            r#"switchboard_answer_wait_seconds_bucket{queue="waste",le="+Inf"} 1"#,
            r#"switchboard_answer_wait_seconds_sum{queue="waste"} 60"#,
            r#"switchboard_answer_wait_seconds_count{queue="waste"} 1"#,
            r#"switchboard_time_to_person_seconds_sum{queue="waste"} 80"#,
            r#"switchboard_queue_waiting{queue="waste"} 1"#,
            r#"switchboard_queue_longest_wait_seconds{queue="waste"} 1.5"#,
            r#"switchboard_queue_outcomes_total{queue="waste",outcome="answered"} 1"#,
            r#"switchboard_queue_turned_away_total{queue="waste",reason="full"} 0"#,
            r#"switchboard_service_level_ratio{queue="waste",formula="excluding_short_abandons"} 0.5"#,
            r#"switchboard_agents{state="signed_out"} 2"#,
            r#"switchboard_agents{state="ready"} 0"#,
            "switchboard_calls_active 1",
            "switchboard_recordings_active 3",
            r#"switchboard_recording_failures_total{reason="disk_full"} 1"#,
            "switchboard_journal_lag_events 7",
            r#"switchboard_entries_set_aside{kind="queue"} 2"#,
            r#"switchboard_trunk_up{trunk="carrier",host="udp:192.0.2.1:5060"} 1"#,
            r#"switchboard_trunk_up{trunk="carrier",host="udp:192.0.2.2:5060"} 0"#,
            r#"switchboard_trunk_registered{trunk="carrier"} 0"#,
            r#"switchboard_trunk_calls{trunk="carrier"} 3"#,
            r#"switchboard_outbound_refused_total{reason="not_allowed"} 5"#,
            r#"switchboard_books_difference{queue="waste"} 0"#,
            r#"switchboard_offered_difference{queue="waste"} 0"#,
            r#"switchboard_rtp_packets_total{direction="in"} 50"#,
            r#"switchboard_rtp_dropped_total{reason="late"} 2"#,
            r#"switchboard_rtp_ordered_total{fate="lost"} 5"#,
            r#"switchboard_sip_messages_total{direction="in",method="INVITE",status="request"} 3"#,
            r#"switchboard_sip_messages_total{direction="out",method="INVITE",status="503"} 2"#,
            r#"switchboard_sip_rejected_total{reason="malformed"} 4"#,
            r#"switchboard_sip_connections{protocol="tls"} 12"#,
            "# TYPE switchboard_answer_wait_seconds histogram",
        ] {
            has(&text, line);
        }
        assert!(
            !text.contains(r#"switchboard_service_level_ratio{queue="parking""#),
            "no calls, no ratio"
        );
    }

    #[test]
    fn every_family_has_help_a_type_and_one_block() {
        let mut stream = Stream::starting("2026-11-23T12:00:00Z");
        let call = stream.queued("waste");
        stream.abandon(call);
        let text = render(&stream.live(), &wire());
        let types: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let helps = text.lines().filter(|line| line.starts_with("# HELP ")).count();
        let mut names: Vec<_> =
            types.iter().filter_map(|line| line.split_once(' ')).map(|(name, _)| name).collect();
        assert_eq!(helps, names.len());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), types.len());
        assert!(names.len() >= 20, "{names:?}");
    }

    #[test]
    fn names_are_escaped() {
        let mut stream = Stream::starting("2026-11-23T12:00:00Z");
        stream.queued("a \"quoted\" \\ name\n");
        let text = render(&stream.live(), &Wire::default());
        has(&text, r#"switchboard_queue_waiting{queue="a \"quoted\" \\ name\n"} 1"#);
    }

    #[test]
    fn every_outcome_has_the_name_that_the_journal_writes() {
        for outcome in [
            Outcome::Answered,
            Outcome::Abandoned,
            Outcome::Overflowed,
            Outcome::CallbackTaken,
            Outcome::Voicemail,
            Outcome::EndedBySystem,
            Outcome::Moved,
        ] {
            assert_eq!(serde_json::to_value(outcome).expect("writes"), outcome_name(outcome));
        }
    }
}
