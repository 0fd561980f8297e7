//! Time not ready, by what for.

use super::*;
use crate::event::{AgentEvent, AwayInForce, Entry, StateReason};
use crate::id::AwayReason;

const MINUTE: u64 = 60 * S;

impl Stream {
    fn away(&mut self, from: AgentState, why: StateReason, away: Option<&str>) {
        let (to, by, lasted_us, away) = (AgentState::NotReady, None, 0, away.map(Into::into));
        let event = AgentEvent::State { from, to, reason: why, by, lasted_us, away };
        self.push(Event::Agent { agent: "amy".into(), event });
    }

    fn reasons(&mut self) {
        let lunch = AwayInForce {
            title: "Lunch".to_owned(),
            limit_us: Some(30 * MINUTE),
            at_once: Some(2),
        };
        self.push(Event::System {
            event: SystemEvent::SettingsInForce {
                bulletins: Vec::new(),
                history_us: 0,
                wrap_up: Default::default(),
                away: [("lunch".into(), lunch)].into(),
                phones: Vec::new(),
                organisation: "Havering".to_owned(),
                time_zone: "Europe/London".to_owned(),
                queues: Vec::new(),
                agents: vec![("amy".into(), "Amy".to_owned())],
            },
        });
    }

    fn amy(&self) -> (Option<String>, bool, Vec<(String, f64)>) {
        let live = self.live();
        let amy = live.agent_list.iter().find(|one| one.agent.as_str() == "amy").expect("is there");
        let today = amy.not_ready_today_s.iter();
        let today = today.map(|(reason, spent)| (reason.to_string(), *spent)).collect();
        (amy.reason.as_ref().map(ToString::to_string), amy.over_limit, today)
    }
}

#[test]
fn time_not_ready_is_counted_by_what_for_and_a_call_by_name_interrupts_it() {
    let mut stream = Stream::starting(NOON);
    stream.reasons();
    stream.away(AgentState::Ready, StateReason::Own, Some("lunch"));
    stream.pass(20 * MINUTE);
    stream.state("amy", AgentState::NotReady, AgentState::Talking, 0);
    stream.pass(15 * MINUTE);
    assert_eq!(stream.amy().0, None, "who talks is not away");
    stream.away(AgentState::Talking, StateReason::Call, Some("lunch"));
    let too_long = AgentEvent::AwayTooLong { away: "lunch".into(), limit_us: 30 * MINUTE };
    stream.push(Event::Agent { agent: "amy".into(), event: too_long });
    stream.pass(10 * MINUTE);
    let lunch = |s| vec![("lunch".to_owned(), s)];
    assert_eq!(stream.amy(), (Some("lunch".to_owned()), true, lunch(1_800.0)));
    let live = stream.live();
    let [away] = live.away.as_slice() else { panic!("{:?}", live.away) };
    assert_eq!(
        (away.title.as_str(), away.limit_s, away.at_once),
        ("Lunch", Some(1_800.0), Some(2))
    );
    assert_eq!((away.agents, away.over_limit, away.total_s), (1, 1, 1_800.0));
    let since = stream.fold.restore_point().away["amy"].since;
    assert_eq!(since, at(NOON), "the call in between is part of it");

    stream.away(AgentState::NotReady, StateReason::Own, Some("training"));
    stream.pass(5 * MINUTE);
    assert!(!stream.amy().1);
    stream.state("amy", AgentState::NotReady, AgentState::Ready, 0);
    let live = stream.live();
    let totals: Vec<_> = live.away.iter().map(|one| (one.total_s, one.over_limit_total)).collect();
    assert_eq!(totals, [(1_800.0, 1), (300.0, 0)]);
    let row = |start| stream.row(start, None).not_ready_s;
    let of = |reason: &str, s: f64| (AwayReason::from(reason), s);
    assert_eq!(row("2026-11-23T12:00:00+00:00"), [of("lunch", 1_200.0)].into());
    let second = [of("lunch", 600.0), of("training", 300.0)].into();
    assert_eq!(row("2026-11-23T12:30:00+00:00"), second);

    // A new day begins with nothing, in the middle of a break too.
    stream.until("2026-11-23T23:30:00Z");
    stream.away(AgentState::Ready, StateReason::Own, Some("lunch"));
    stream.until("2026-11-24T00:10:00Z");
    assert_eq!(stream.amy().2, lunch(600.0));
}

#[test]
fn what_follows_from_calls_has_reasons_of_its_own() {
    for (why, reason) in [
        (StateReason::Rona, AwayReason::NO_ANSWER),
        (StateReason::Refused, AwayReason::DECLINED),
        (StateReason::WrapUpOver, AwayReason::NO_CODE),
        (StateReason::Own, AwayReason::UNSAID),
    ] {
        let mut stream = Stream::starting(NOON);
        stream.away(AgentState::Ringing, why, None);
        stream.pass(MINUTE);
        assert_eq!(stream.amy().0.as_deref(), Some(reason), "{why:?}");
        let live = stream.live();
        let away = live.away.first().expect("is told");
        assert!(!away.chosen && away.title != reason && away.total_s == 60.0, "{away:?}");
    }
}

#[test]
fn a_break_goes_on_over_a_restart_without_what_lay_between() {
    let mut stream = Stream::starting(NOON);
    stream.away(AgentState::Ready, StateReason::Own, Some("lunch"));
    stream.pass(10 * MINUTE);
    stream.state("amy", AgentState::NotReady, AgentState::Talking, 0);
    stream.pass(60 * MINUTE);
    stream.close_last_run();
    stream.start();
    stream.away(AgentState::SignedOut, StateReason::Restored, Some("lunch"));
    stream.pass(10 * MINUTE);
    let away = stream.fold.restore_point().away["amy"].clone();
    assert_eq!((away.reason.as_str(), away.since, away.over), ("lunch", at(NOON), false));
    assert_eq!(stream.amy().2, [("lunch".to_owned(), 1_200.0)]);
}

#[test]
fn what_earlier_versions_wrote_reads_as_before() {
    let line = r#"{"seq":9,"at":1,"time":2,"event":{"of":"agent","agent":"amy","event":"state","from":"ringing","to":"not_ready","reason":"rona","by":null,"lasted_us":20000000}}"#;
    let entry: Entry = serde_json::from_str(line).expect("reads");
    let Event::Agent { event: AgentEvent::State { away, .. }, .. } = &entry.event else {
        panic!("{entry:?}");
    };
    assert_eq!(*away, None);
    assert_eq!(serde_json::to_string(&entry).expect("writes"), line);
}
