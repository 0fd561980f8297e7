//! Why this adviser, and why this wait: a call's time in queues, told from the journal in plain words.

mod several;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{
    CallEvent, Choose, Decision, Entry, Event, LastAgent, NotWaitedFor, OfferOutcome, Outcome,
    Outlook, Place, TurnedAway, seconds_in_words,
};
use crate::id::{Ability, AgentId, CallId, QueueName};
use crate::time::UnixMicros;

use self::several::{Rung, Told};

/// So many of those who were served before the caller although they came later are told of one by one.
const PASSED_TOLD: usize = 10;

/// Something that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When.
    pub at: UnixMicros,
    /// Since the call came, in microseconds.
    pub after_us: u64,
    /// What.
    pub text: String,
}

/// What happened to a call from its first queue to its last answer, in the order of time. `own` are the
/// call's entries; `meanwhile` those of all calls from its first queue entry on, which may be more
/// or be cut short.
pub fn why(call: CallId, own: &[Entry], meanwhile: &[Entry]) -> Vec<Line> {
    let Some(first) = own.first() else { return Vec::new() };
    let mut lines = Vec::new();
    let mut say = |entry: &Entry, text: String| {
        let after_us = entry.time.as_micros().saturating_sub(first.time.as_micros());
        lines.push((entry.seq, Line { at: entry.at, after_us, text }));
    };
    let (mut asked, mut rung) = (Vec::new(), Rung::default());
    for (at, entry) in own.iter().enumerate() {
        if let Event::Call { event, .. } = &entry.event {
            if let CallEvent::QueueEntered { skills, .. } = event {
                asked.clone_from(skills);
            }
            let text = match rung.told(own.get(at..).unwrap_or_default()) {
                Told::Here(text) => Some(text),
                Told::Already => None,
                Told::Alone => told(event, &asked),
            };
            if let Some(text) = text {
                say(entry, text);
            }
        }
    }
    let mut more = 0;
    for (count, (entry, text)) in passed_by(call, own, meanwhile).into_iter().enumerate() {
        if count < PASSED_TOLD {
            say(entry, text);
        } else {
            more += 1;
        }
    }
    lines.sort_by_key(|(seq, _)| *seq);
    let mut lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    if let (Some(last), true) = (lines.last().cloned(), more > 0) {
        let text = format!("{more} more who came later were offered to somebody before");
        lines.push(Line { text, ..last });
    }
    lines
}

/// What an event of the call's own means for its wait; none for what has nothing to do with it.
fn told(event: &CallEvent, asked: &[Ability]) -> Option<String> {
    match event {
        CallEvent::QueueEntered { queue, skills, place, .. } => Some(entered(queue, skills, place)),
        CallEvent::Told { outlook, .. } => Some(told_of(outlook)),
        CallEvent::TurnedAway { queue, why } => Some(format!(
            "is not taken by `{queue}`: {}",
            match why {
                TurnedAway::Closed => "it is closed",
                TurnedAway::Full => "as many wait as may",
                TurnedAway::NobodyOnDuty => "nobody who could serve this caller is signed in",
                TurnedAway::UnknownQueue => "the settings have no such queue",
            }
        )),
        CallEvent::Relaxed { skills, visit_us, .. } => Some(format!(
            "has waited {}: from now on whoever has {} may serve this caller too",
            seconds_in_words(visit_us / 1_000_000),
            listed(skills)
        )),
        CallEvent::WaitsForAnybody { agent, why, visit_us, .. } => {
            let waited = seconds_in_words(visit_us / 1_000_000);
            let because = match why {
                NotWaitedFor::TooLong => format!("has waited {waited} for {agent}"),
                NotWaitedFor::Away => format!("{agent} is not to be had any more after {waited}"),
                NotWaitedFor::Settings => format!("the settings have changed after {waited}"),
            };
            Some(format!("{because}: from now on anybody may serve this caller"))
        }
        CallEvent::Offered { agent, decision, .. } => Some(offered(agent, decision, asked)),
        CallEvent::OfferEnded { agent, outcome, rang_us } => {
            let rang = seconds_in_words(rang_us / 1_000_000);
            let text = match outcome {
                OfferOutcome::Accepted | OfferOutcome::AnsweredElsewhere => return None,
                OfferOutcome::NoAnswer => format!("{agent} did not answer in {rang}"),
                OfferOutcome::Rejected => format!("{agent} refused after {rang}"),
                OfferOutcome::Unreachable => format!("no phone of {agent} could be reached"),
                OfferOutcome::CallerLeft => format!("the caller left while {agent} was rung"),
                OfferOutcome::Withdrawn => format!("the offer to {agent} was taken back"),
            };
            Some(text)
        }
        CallEvent::Prefaced { agent, whispered_us, greeted_us, .. } => {
            let mut text = format!("{agent} picks up");
            let said = [(whispered_us, "is told who it is"), (greeted_us, "both are greeted")];
            for (lasted_us, what) in said.into_iter().filter(|(lasted_us, _)| **lasted_us > 0) {
                text += &format!(", {what} for {:.1} s", *lasted_us as f64 / 1e6);
            }
            Some(text)
        }
        CallEvent::Joined { queue, agent, wait_us, .. } => Some(format!(
            "{agent} answers; the caller had waited {} for somebody of `{queue}`",
            seconds_in_words(wait_us / 1_000_000)
        )),
        CallEvent::QueueLeft { queue, outcome, wait_us, .. } => {
            let waited = seconds_in_words(wait_us / 1_000_000);
            match outcome {
                Outcome::Answered => None,
                Outcome::Abandoned => Some(format!("gives up after {waited} in `{queue}`")),
                Outcome::Moved => Some(format!("leaves `{queue}` for another after {waited}")),
                Outcome::Overflowed => Some(format!("is let go by `{queue}` after {waited}")),
                Outcome::CallbackTaken => Some(format!("will be rung back, after {waited}")),
                Outcome::Voicemail => Some(format!("leaves a message, after {waited}")),
                Outcome::EndedBySystem => Some(format!("is told that it is over, after {waited}")),
            }
        }
        CallEvent::Arrived { .. }
        | CallEvent::LegAnswered { .. }
        | CallEvent::NodeEntered { .. }
        | CallEvent::Chose { .. }
        | CallEvent::Noted { .. }
        | CallEvent::Asked(_)
        | CallEvent::Said(_)
        | CallEvent::Rated { .. }
        | CallEvent::HandedOver { .. }
        | CallEvent::Parted { .. }
        | CallEvent::Dialled { .. }
        | CallEvent::DialEnded { .. }
        | CallEvent::Connected { .. }
        | CallEvent::Disconnected { .. }
        | CallEvent::PhoneChanged { .. }
        | CallEvent::TransferStarted { .. }
        | CallEvent::TransferEnded { .. }
        | CallEvent::TransferRefused { .. }
        | CallEvent::WrappedUp(_)
        | CallEvent::SupervisorAsked { .. }
        | CallEvent::SupervisorJoined { .. }
        | CallEvent::SupervisorChanged { .. }
        | CallEvent::SupervisorLeft { .. }
        | CallEvent::ConferenceJoined { .. }
        | CallEvent::ConferenceLeft { .. }
        | CallEvent::MessageBegan { .. }
        | CallEvent::MessageSpoken { .. }
        | CallEvent::LegClosed { .. }
        | CallEvent::Recording { .. }
        | CallEvent::Ended { .. } => None,
    }
}

fn entered(queue: &QueueName, skills: &[Ability], place: &Place) -> String {
    let mut text = format!("begins to wait in `{queue}`");
    if !skills.is_empty() {
        text += &format!(" for somebody with {}", listed(skills));
    }
    if place.priority != 0 {
        text += &format!(", priority {}", place.priority);
    }
    text += &match place.ahead {
        0 => "; nobody there goes first".to_owned(),
        ahead => format!("; {ahead} there go first"),
    };
    text += &match place.able {
        0 => "; nobody is signed in who could serve this caller".to_owned(),
        1 => "; 1 is signed in who could serve this caller".to_owned(),
        able => format!("; {able} are signed in who could serve this caller"),
    };
    if let Some(LastAgent { agent, for_us }) = &place.last_agent {
        text += &match for_us / 1_000_000 {
            0 => format!("; {agent}, who spoke with this caller last, is not there for them"),
            for_s => {
                let bound = seconds_in_words(for_s);
                format!("; {agent}, who spoke with this caller last, goes first for {bound}")
            }
        };
    }
    for one in &place.unable {
        text += &format!("; {} is free and lacks {}", one.agent, listed(&one.lacks));
    }
    text
}

fn told_of(outlook: &Outlook) -> String {
    let place = outlook.position.map(|position| format!("number {position}"));
    let wait = outlook.wait.map(|wait| match wait.least_min {
        0 => format!("at most {} minutes more", wait.most_min),
        least => format!("{least} to {} minutes more", wait.most_min),
    });
    let what: Vec<String> = place.into_iter().chain(wait).collect();
    let sorry = if outlook.worse { ", and that it is worse than before" } else { "" };
    format!("is told: {}{sorry}", what.join(", "))
}

fn offered(agent: &AgentId, decision: &Decision, asked: &[Ability]) -> String {
    let mut text = format!("{agent} is rung: {}", decision.in_words());
    if decision.last_agent {
        return text;
    }
    let others: Vec<String> = decision
        .candidates
        .iter()
        .skip(1)
        .map(|one| {
            let figure = match decision.choose {
                Choose::LongestIdle | Choose::RingAll => {
                    format!("idle {}", seconds_in_words(one.idle_us / 1_000_000))
                }
                Choose::MostSkilled => {
                    format!(
                        "levels {}, idle {}",
                        one.levels,
                        seconds_in_words(one.idle_us / 1_000_000)
                    )
                }
                Choose::LeastOccupied => format!("{} % on calls", one.occupied_ppm / 10_000),
                Choose::FewestCalls => format!("{} calls", one.answered),
                Choose::RoundRobin => "later by name".to_owned(),
            };
            format!("{} ({figure})", one.agent)
        })
        .collect();
    if !others.is_empty() {
        text += &format!("; before {}", others.join(", "));
    }
    if decision.relaxed > 0 && !asked.is_empty() {
        text += &format!("; the caller had waited for somebody with {}", listed(asked));
    }
    text
}

/// A call's place in a queue.
#[derive(Clone)]
struct Held {
    /// Since which entry.
    since: u64,
    priority: i32,
    /// Whom the caller is to have, and nobody else.
    waits_for: Option<AgentId>,
}

/// Offers of other callers who came later, while the call waited, and why they were made.
fn passed_by<'a>(call: CallId, own: &[Entry], meanwhile: &'a [Entry]) -> Vec<(&'a Entry, String)> {
    // From when until when the call waited and nobody was being rung for it, with its place.
    let mut waits: Vec<(u64, u64, Held)> = Vec::new();
    let mut held: Option<Held> = None;
    let mut rung = 0_usize;
    for entry in own {
        let Event::Call { event, .. } = &entry.event else { continue };
        let begins = match event {
            CallEvent::QueueEntered { place, .. } => {
                let last = place.last_agent.as_ref().filter(|last| last.for_us > 0);
                held = Some(Held {
                    since: entry.seq,
                    priority: place.priority,
                    waits_for: last.map(|last| last.agent.clone()),
                });
                held.clone()
            }
            CallEvent::WaitsForAnybody { .. } | CallEvent::OfferEnded { .. } => {
                if let CallEvent::OfferEnded { .. } = event {
                    rung = rung.saturating_sub(1);
                }
                held = held.map(|held| Held { waits_for: None, ..held });
                held.clone().filter(|_| rung == 0)
            }
            CallEvent::QueueLeft { .. } => {
                held = None;
                None
            }
            CallEvent::Offered { .. } => {
                rung += 1;
                None
            }
            _ => continue,
        };
        if let Some(last) = waits.last_mut() {
            last.1 = last.1.min(entry.seq);
        }
        waits.extend(begins.map(|place| (entry.seq, u64::MAX, place)));
    }
    let mut came: BTreeMap<CallId, (u64, i32)> = BTreeMap::new();
    let mut passed = Vec::new();
    for entry in meanwhile {
        let Event::Call { call: other, event } = &entry.event else { continue };
        if *other == call {
            continue;
        }
        if let CallEvent::QueueEntered { place, .. } = event {
            came.entry(*other).or_insert((entry.seq, place.priority));
        }
        let CallEvent::Offered { queue, agent, .. } = event else { continue };
        let wait = waits.iter().find(|(from, to, ..)| (*from..*to).contains(&entry.seq));
        let (Some((.., held)), Some((at, theirs))) = (wait, came.get(other)) else { continue };
        if *at < held.since {
            continue;
        }
        let because = if *theirs < held.priority {
            format!("more urgent, priority {theirs} before {}", held.priority)
        } else if let Some(last) = held.waits_for.as_ref().filter(|last| *last != agent) {
            format!("this caller waited for {last}")
        } else {
            format!(
                "{agent} could not serve this caller then, or the standard of `{queue}` was to be \
                 missed sooner"
            )
        };
        let text =
            format!("{agent} is rung for call {other} of `{queue}`, which came later: {because}");
        passed.push((entry, text));
    }
    passed
}

fn listed(skills: &[Ability]) -> String {
    let skills: Vec<String> = skills.iter().map(Ability::to_string).collect();
    if skills.is_empty() { "any skill".to_owned() } else { and(&skills) }
}

fn and(names: &[String]) -> String {
    match names {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        [..] => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Candidate, Unable};
    use crate::id::LegId;
    use crate::time::Time;

    pub(super) fn call(number: u128) -> CallId {
        CallId(uuid::Uuid::from_u128(number))
    }

    pub(super) fn entry(seq: u64, second: u64, number: u128, event: CallEvent) -> Entry {
        let at = UnixMicros(1_000_000 * (1_000 + second) as i64);
        let event = Event::Call { call: call(number), event };
        Entry { seq, at, time: Time::from_millis(second * 1_000), event }
    }

    pub(super) fn waits(queue: &str, skills: &[&str], place: Place) -> CallEvent {
        let skills = skills.iter().map(|skill| skill.parse().expect("a skill")).collect();
        CallEvent::QueueEntered { queue: queue.into(), skills, first: true, episode: 1, place }
    }

    pub(super) fn rings(queue: &str, agent: &str, others: &[&str]) -> CallEvent {
        let candidate = |name: &&str| Candidate {
            agent: (*name).into(),
            idle_us: 9_000_000,
            preferred: 0,
            levels: 3,
            occupied_ppm: 0,
            answered: 0,
        };
        let candidates: Vec<_> = [agent].iter().chain(others).map(candidate).collect();
        let able = candidates.len() as u64;
        let decision = Decision { able, candidates, relaxed: 1, ..Decision::default() };
        let (queue, agent) = (queue.into(), agent.into());
        CallEvent::Offered { queue, agent, legs: vec![LegId(1)], decision }
    }

    pub(super) fn texts(number: u128, journal: &[Entry]) -> Vec<String> {
        let own: Vec<Entry> = journal
            .iter()
            .filter(
                |entry| matches!(&entry.event, Event::Call { call: c, .. } if *c == call(number)),
            )
            .cloned()
            .collect();
        why(call(number), &own, journal).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_wait_is_told_in_the_order_of_time_with_everybody_who_passed() {
        let unable = Unable { agent: "amy".into(), lacks: vec!["waste:3".parse().expect("one")] };
        let place = Place { ahead: 2, able: 1, unable: vec![unable], ..Place::default() };
        let urgent = Place { priority: -20, ..Place::default() };
        let no_answer = OfferOutcome::NoAnswer;
        let left = CallEvent::QueueLeft {
            queue: "waste".into(),
            outcome: Outcome::Answered,
            wait_us: 70_000_000,
            episode: 1,
        };
        let joined = CallEvent::Joined {
            queue: "waste".into(),
            agent: "ben".into(),
            leg: LegId(2),
            wait_us: 70_000_000,
            visit_us: 70_000_000,
            to_person_us: 80_000_000,
            episode: 1,
        };
        let relaxed = CallEvent::Relaxed {
            queue: "waste".into(),
            skills: vec!["waste".into()],
            visit_us: 30_000_000,
        };
        let failed =
            CallEvent::OfferEnded { agent: "amy".into(), outcome: no_answer, rang_us: 20_000_000 };
        let journal = [
            entry(1, 0, 8, waits("waste", &[], Place::default())),
            entry(2, 5, 1, waits("waste", &["waste:3", "welsh"], place)),
            entry(3, 6, 8, rings("waste", "dev", &[])),
            entry(4, 7, 2, waits("waste", &[], urgent)),
            entry(5, 8, 2, rings("waste", "ben", &[])),
            entry(6, 9, 3, waits("parks", &[], Place::default())),
            entry(7, 10, 3, rings("parks", "ed", &[])),
            entry(8, 35, 1, relaxed),
            entry(9, 35, 1, rings("waste", "amy", &["chloe"])),
            // Nobody passes who is being rung for.
            entry(10, 40, 4, waits("waste", &[], Place::default())),
            entry(11, 41, 4, rings("waste", "fay", &[])),
            entry(12, 55, 1, failed),
            entry(13, 75, 1, joined),
            entry(14, 75, 1, left),
            entry(15, 80, 2, rings("waste", "ben", &[])),
        ];
        let (two, three) = (call(2), call(3));
        assert_eq!(
            texts(1, &journal),
            [
                "begins to wait in `waste` for somebody with waste:3 and welsh; 2 there go first; 1 is \
                 signed in who could serve this caller; amy is free and lacks waste:3"
                    .to_owned(),
                format!(
                    "ben is rung for call {two} of `waste`, which came later: more urgent, priority -20 \
                     before 0"
                ),
                format!(
                    "ed is rung for call {three} of `parks`, which came later: ed could not serve this \
                     caller then, or the standard of `parks` was to be missed sooner"
                ),
                "has waited 30 s: from now on whoever has waste may serve this caller too".to_owned(),
                "amy is rung: idle 9 s, longest of 2 ready who can serve this caller; before chloe \
                 (idle 9 s); the caller had waited for somebody with waste:3 and welsh"
                    .to_owned(),
                "amy did not answer in 20 s".to_owned(),
                "ben answers; the caller had waited 1 min 10 s for somebody of `waste`".to_owned(),
            ]
        );
        assert_eq!(texts(9, &journal), [""; 0], "a call that never was");
    }

    #[test]
    fn whoever_is_waited_for_is_told_of_and_why_no_longer() {
        let place = |for_s: u64| {
            let (agent, for_us) = ("amy".into(), for_s * 1_000_000);
            Place { last_agent: Some(LastAgent { agent, for_us }), ..Place::default() }
        };
        let over = |why| CallEvent::WaitsForAnybody {
            queue: "waste".into(),
            agent: "amy".into(),
            why,
            visit_us: 30_000_000,
        };
        let CallEvent::Offered { queue, agent, legs, mut decision } = rings("waste", "amy", &[])
        else {
            unreachable!("an offer")
        };
        decision.last_agent = true;
        let wanted = CallEvent::Offered { queue, agent, legs, decision };
        let journal = [
            entry(1, 0, 1, waits("waste", &[], place(30))),
            entry(2, 30, 1, over(NotWaitedFor::TooLong)),
            entry(3, 40, 2, waits("waste", &[], place(30))),
            entry(4, 40, 2, over(NotWaitedFor::Away)),
            entry(5, 50, 3, waits("waste", &[], place(30))),
            entry(6, 55, 3, wanted),
            entry(7, 60, 4, waits("waste", &[], place(0))),
            // Somebody else is served by another meanwhile, and by nobody for whom the caller waits.
            entry(8, 70, 5, waits("waste", &[], place(30))),
            entry(9, 71, 6, waits("waste", &[], Place::default())),
            entry(10, 72, 6, rings("waste", "ben", &[])),
        ];
        let begins = "begins to wait in `waste`; nobody there goes first; nobody is signed in who could serve \
                      this caller; amy, who spoke with this caller last, ";
        let first = format!("{begins}goes first for 30 s");
        let anybody = "from now on anybody may serve this caller";
        let told = |number| {
            let mut lines = texts(number, &journal);
            lines.retain(|line| !line.contains("which came later"));
            lines
        };
        assert_eq!(told(1), [first.clone(), format!("has waited 30 s for amy: {anybody}")]);
        assert_eq!(
            told(2),
            [first.clone(), format!("amy is not to be had any more after 30 s: {anybody}")]
        );
        assert_eq!(told(3), [first, "amy is rung: spoke with this caller last".to_owned()]);
        assert_eq!(told(4), [format!("{begins}is not there for them")]);
        assert_eq!(
            texts(5, &journal)[1..],
            [format!(
                "ben is rung for call {} of `waste`, which came later: this caller waited for amy",
                call(6)
            )]
        );
    }

    #[test]
    fn many_who_passed_are_counted() {
        let place = || Place { priority: -1, ..Place::default() };
        let mut journal = vec![entry(1, 0, 1, waits("waste", &[], Place::default()))];
        for number in 2..20 {
            let seq = number as u64 * 2;
            journal.push(entry(seq, seq, number, waits("waste", &[], place())));
            journal.push(entry(seq + 1, seq, number, rings("waste", "amy", &[])));
        }
        let told = texts(1, &journal);
        assert_eq!(told.len(), 1 + PASSED_TOLD + 1);
        assert_eq!(told[11], "8 more who came later were offered to somebody before");
    }
}
