//! The rules of a simulated day, one test each. The days of `tests/simulate.rs` are held against a plain
//! reference and against closed forms.

use super::*;
use crate::acd::command::Priority;
use crate::id::Ability;

/// A caller for waste whose menu takes no time and who is patient for an hour.
fn call(id: &str, arrive_ms: u64, talk_ms: u64) -> ModelCall {
    ModelCall {
        id: id.to_owned(),
        arrive_ms,
        caller: String::new(),
        service: "waste".into(),
        priority: Priority(0),
        kind: Kind::Person,
        ivr_ms: 0,
        patience_ms: 3_600_000,
        talk_ms,
        wrap_ms: 0,
    }
}

fn shift(agent: &str, skills: &[&str], login_ms: u64, logout_ms: u64) -> Shift {
    Shift {
        agent: agent.into(),
        skills: skills.iter().map(|skill| Ability::from(*skill)).collect(),
        login_ms,
        logout_ms,
        breaks: Vec::new(),
    }
}

/// What became of each call: `answered 250 amy`, `abandoned 1000`, `closed`.
fn fates(report: &Report) -> Vec<String> {
    let words = |(_, fate): &(String, Fate)| match fate {
        Fate::Answered { wait_ms, agent } => format!("answered {wait_ms} {agent}"),
        Fate::Abandoned { wait_ms } => format!("abandoned {wait_ms}"),
        Fate::Closed | Fate::LeftMenu | Fate::ClosedInMenu | Fate::Overflowed => {
            fate.as_str().to_owned()
        }
    };
    report.fates.iter().map(words).collect()
}

fn simulate(calls: &[ModelCall], shifts: &[Shift], rules: &Rules) -> Report {
    run(calls, shifts, rules, &mut ()).expect("the rules are right")
}

/// 09:00.
const NINE: u64 = 9 * 3_600_000;
const CLOSING: u64 = 62_100_000;

#[track_caller]
fn expect(calls: &[ModelCall], shifts: &[Shift], expected: &[&str]) {
    assert_eq!(fates(&simulate(calls, shifts, &Rules::default())), expected);
}

#[test]
fn lines_open_and_close_to_the_millisecond() {
    let amy = [shift("amy", &["waste"], 0, DAY_MS)];
    let late = ModelCall { ivr_ms: 1_000, ..call("d", CLOSING - 1_000, 1) };
    let just = ModelCall { ivr_ms: 999, ..call("e", CLOSING - 1_000, 1) };
    let menu = ModelCall { kind: Kind::LeavesMenu, ivr_ms: 5_000, ..call("f", CLOSING - 1, 1) };
    let early = call("a", 31_499_999, 1);
    let calls = [early, call("b", 31_500_000, 1), call("c", CLOSING, 1), late, just, menu];
    expect(
        &calls,
        &amy,
        &["closed", "answered 0 amy", "closed", "closed_in_ivr", "answered 0 amy", "ivr_abandon"],
    );
}

#[test]
fn an_agent_freed_in_the_millisecond_in_which_a_caller_gives_up_answers_that_caller() {
    let amy = [shift("amy", &["waste"], 0, DAY_MS)];
    let patient = |patience_ms| ModelCall { patience_ms, ..call("b", NINE + 100, 1) };
    let first = ModelCall { wrap_ms: 400, ..call("a", NINE, 600) };
    expect(&[first.clone(), patient(900)], &amy, &["answered 0 amy", "answered 900 amy"]);
    expect(&[first, patient(899)], &amy, &["answered 0 amy", "abandoned 899"]);
}

#[test]
fn the_lowest_priority_number_goes_first_then_the_earliest_then_by_name() {
    let amy = [shift("amy", &["waste"], 0, DAY_MS)];
    let with = |id: &str, at: u64, priority| ModelCall {
        priority: Priority(priority),
        ..call(id, NINE + at, 1_000)
    };
    let calls =
        [with("a", 0, 5), with("e", 3, 1), with("d", 3, 1), with("c", 1, 2), with("b", 9, -1)];
    expect(
        &calls,
        &amy,
        &[
            "answered 0 amy",
            "answered 2997 amy",
            "answered 1997 amy",
            "answered 3999 amy",
            "answered 991 amy",
        ],
    );
}

#[test]
fn the_longest_idle_agent_answers_and_equals_go_by_name() {
    let amy = shift("amy", &["waste"], 10, DAY_MS);
    let ben = shift("ben", &["waste"], 5, DAY_MS);
    let cat = shift("cat", &["waste"], 5, DAY_MS);
    let dan = shift("dan", &["parks"], 0, DAY_MS);
    let calls = [
        call("1", NINE, 100),
        call("2", NINE + 1, 100),
        call("3", NINE + 2, 100),
        call("4", NINE + 103, 1),
    ];
    expect(
        &calls,
        &[amy, cat, ben, dan],
        &["answered 0 ben", "answered 0 cat", "answered 0 amy", "answered 0 ben"],
    );
}

#[test]
fn a_break_begins_when_it_is_due_or_after_the_work_and_lasts_in_full() {
    let one = Break { start_ms: NINE + 1_000, end: BreakEnd::After(5_000) };
    let amy = [Shift { breaks: vec![one], ..shift("amy", &["waste"], 0, DAY_MS) }];
    let after = |at| call("b", NINE + at, 1);
    // Idle: from 1,000 to 6,000.
    expect(&[after(2_000)], &amy, &["answered 4000 amy"]);
    // At work until 1,500: from then to 6,500.
    let busy = ModelCall { wrap_ms: 500, ..call("a", NINE, 1_000) };
    expect(&[busy, after(2_000)], &amy, &["answered 0 amy", "answered 4500 amy"]);
    // Work that ends in the millisecond in which the break is due leaves time for the next caller.
    let until = ModelCall { wrap_ms: 0, ..call("a", NINE, 1_000) };
    expect(
        &[until, call("b", NINE + 1, 3_000), call("c", NINE + 2, 1)],
        &amy,
        &["answered 0 amy", "answered 999 amy", "answered 8998 amy"],
    );
    // Two that fall together follow each other.
    let two = Break { start_ms: NINE + 3_000, end: BreakEnd::After(2_000) };
    let amy = [Shift { breaks: vec![one, two], ..shift("amy", &["waste"], 0, DAY_MS) }];
    expect(&[after(2_000)], &amy, &["answered 6000 amy"]);
}

#[test]
fn a_shift_that_ends_before_closing_ends_after_the_work_under_way() {
    let amy = [shift("amy", &["waste"], 0, NINE + 1_000)];
    let calls = [call("a", NINE, 2_000), call("b", NINE + 500, 1)];
    expect(&calls, &amy, &["answered 0 amy", "abandoned 3600000"]);
    let calls = [call("a", NINE, 1_000), call("b", NINE + 500, 1)];
    expect(&calls, &amy, &["answered 0 amy", "answered 500 amy"]);
    expect(&[call("a", NINE + 1_000, 1)], &amy, &["abandoned 3600000"]);
}

#[test]
fn a_shift_that_ends_at_closing_leaves_nobody_behind() {
    let amy = shift("amy", &["waste"], 0, CLOSING);
    let parks = shift("ben", &["parks"], 0, CLOSING);
    let calls =
        [call("a", CLOSING - 10, 5_000), call("b", CLOSING - 9, 5_000), call("c", CLOSING - 8, 1)];
    expect(
        &calls,
        &[amy.clone(), parks],
        &["answered 0 amy", "answered 4999 amy", "answered 9998 amy"],
    );
    // Whoever is on a break at closing comes back for those who wait.
    let tea = Break { start_ms: CLOSING - 100, end: BreakEnd::After(1_000) };
    let amy = Shift { breaks: vec![tea], ..amy };
    expect(&[call("a", CLOSING - 50, 5_000)], &[amy], &["answered 950 amy"]);
}

#[test]
fn phones_ring_if_they_are_asked_to_and_callers_may_give_up_meanwhile() {
    let rules = Rules { ring_ms: 4_000, ..Rules::default() };
    let tea = Break { start_ms: NINE + 1_000, end: BreakEnd::After(60_000) };
    let amy = Shift { breaks: vec![tea], ..shift("amy", &["waste"], 0, DAY_MS) };
    let impatient = |id, patience_ms| ModelCall { patience_ms, ..call(id, NINE, 1) };
    let fates_of =
        |calls: &[ModelCall]| fates(&simulate(calls, std::slice::from_ref(&amy), &rules));
    assert_eq!(fates_of(&[impatient("a", 4_000)]), ["answered 4000 amy"]);
    assert_eq!(fates_of(&[impatient("a", 3_999)]), ["abandoned 3999"]);
    // The break that fell due while the phone rang begins when the caller has given up.
    let calls = [impatient("a", 3_999), ModelCall { arrive_ms: NINE + 1, ..call("b", 0, 1) }];
    assert_eq!(fates_of(&calls), ["abandoned 3999", "answered 67998 amy"]);
}

/// Each is a day's two rows of `all`: agents signed in, and how much of their time was busy.
#[track_caller]
fn staffed(calls: &[ModelCall], shifts: &[Shift], ring_ms: u64, expected: &[(f64, f64)]) {
    let rules = Rules { ring_ms, ..Rules::default() };
    let report = simulate(calls, shifts, &rules);
    let all = report.intervals.iter().filter(|row| row.queue.is_none());
    let row =
        |row: &IntervalRow| (row.agents_signed_in.unwrap_or(-1.0), row.occupancy.unwrap_or(-1.0));
    assert_eq!(all.map(row).collect::<Vec<_>>(), expected);
}

#[test]
fn what_fell_due_while_a_phone_rang_is_in_the_table_from_when_it_stopped() {
    let ten = NINE + 3_600_000;
    let gives_up = ModelCall { patience_ms: 900_000, ..call("a", ten, 1) };
    // The shift was over by then: gone after a quarter, in which the phone rang.
    let amy = shift("amy", &["waste"], ten, ten + 600_000);
    staffed(std::slice::from_ref(&gives_up), &[amy], 1_000_000, &[(0.5, 1.0)]);
    // A break for the rest of the half hour and the next one, then ready for half an hour.
    let tea = Break { start_ms: ten + 600_000, end: BreakEnd::After(2_700_000) };
    let amy = Shift { breaks: vec![tea], ..shift("amy", &["waste"], ten, ten + 5_400_000) };
    staffed(&[gives_up], &[amy], 1_000_000, &[(1.0, 1.0), (1.0, -1.0), (1.0, 0.0)]);
}

#[test]
fn the_last_half_hour_is_as_long_as_any_other() {
    let amy = [shift("amy", &["waste"], NINE, NINE + 900_000)];
    staffed(&[call("a", NINE, 450_000)], &amy, 0, &[(0.5, 0.5)]);
}

#[test]
fn whoever_is_away_is_back_when_it_was_said_however_late_they_left() {
    let away = Break { start_ms: NINE + 1_000, end: BreakEnd::At(NINE + 5_000) };
    let amy = [Shift { breaks: vec![away], ..shift("amy", &["waste"], 0, DAY_MS) }];
    let calls = [call("a", NINE, 3_000), call("b", NINE + 3_500, 1)];
    expect(&calls, &amy, &["answered 0 amy", "answered 1500 amy"]);
    // Work that takes until then leaves nothing of it.
    let calls = [call("a", NINE, 5_000), call("b", NINE + 3_500, 1)];
    expect(&calls, &amy, &["answered 0 amy", "answered 1500 amy"]);
}

#[test]
fn services_that_nobody_can_serve_are_found() {
    let housing = ModelCall { service: "housing".into(), ..call("b", NINE, 1) };
    let calls = [call("a", NINE, 1), housing];
    let amy = [shift("amy", &["waste,housing", "housing"], NINE, CLOSING)];
    let found = unserved(&calls, &amy, &Rules::default()).expect("the rules are right");
    assert_eq!(found, ["waste".into()]);
}

#[test]
fn a_later_day_has_the_same_shifts_and_its_own_half_hours() {
    let amy = [shift("amy", &["waste"], NINE, CLOSING)];
    let spring = Rules { date: jiff::civil::date(2026, 3, 27), ..Rules::default() };
    let calls = [call("a", NINE, 1), call("b", 7 * DAY_MS + NINE + 5, 1), call("c", 7 * DAY_MS, 1)];
    let report = simulate(&calls, &amy, &spring);
    assert_eq!(fates(&report), ["answered 0 amy", "answered 0 amy", "closed"]);
    let offered: Vec<&str> = report
        .intervals
        .iter()
        .filter(|row| row.offered > 0 && row.queue.is_none())
        .map(|row| row.interval_start.as_str())
        .collect();
    assert_eq!(offered, ["2026-03-27T09:00:00+00:00", "2026-04-03T09:00:00+01:00"]);
    // Shifts that are written for each day are taken as they are.
    let once =
        [shift("amy", &["waste"], NINE, CLOSING), shift("ben", &["waste"], 7 * DAY_MS, 8 * DAY_MS)];
    let report = simulate(&calls, &once, &spring);
    assert_eq!(fates(&report), ["answered 0 amy", "answered 0 ben", "closed"]);
}

#[test]
fn a_year_has_all_its_half_hours_although_the_fold_keeps_two_months() {
    let amy = [shift("amy", &["waste"], NINE, CLOSING)];
    let calls: Vec<ModelCall> =
        (0..365).map(|day| call(&format!("{day:03}"), day * DAY_MS + NINE + 1, 1)).collect();
    let report = simulate(&calls, &amy, &Rules::default());
    let rows: Vec<_> = report.intervals.iter().filter(|row| row.queue.is_none()).collect();
    assert_eq!(rows.iter().map(|row| row.answered).sum::<u64>(), 365);
    assert_eq!(report.figures.answered, 365);
    assert!(rows.windows(2).all(|pair| pair[0].start < pair[1].start));
}

#[test]
fn work_and_rest_are_in_the_table_of_half_hours() {
    // Signed in from 09:00 to 09:30, at work for 10 minutes of it.
    let amy = [shift("amy", &["waste"], NINE, NINE + 1_800_000)];
    let calls = [ModelCall { wrap_ms: 240_000, ..call("a", NINE + 60_000, 360_000) }];
    let report = simulate(&calls, &amy, &Rules::default());
    let all = report.intervals.iter().find(|row| row.queue.is_none()).expect("a row");
    assert_eq!((all.occupancy, all.agents_signed_in), (Some(1.0 / 3.0), Some(1.0)));
    assert_eq!((all.aht_s, all.offered, all.difference()), (Some(600.0), 1, 0));
}

#[test]
fn the_longest_queue_counts_those_who_had_to_wait() {
    let amy = [shift("amy", &["waste"], 0, DAY_MS)];
    let calls: Vec<ModelCall> =
        (0..5).map(|n| call(&n.to_string(), NINE + n * 10, 1_000)).collect();
    assert_eq!(simulate(&calls, &amy, &Rules::default()).max_queue_length, 4);
    assert_eq!(simulate(&calls[..1], &amy, &Rules::default()).max_queue_length, 0);
    assert_eq!(simulate(&calls[..3], &[], &Rules::default()).max_queue_length, 3);
}

#[test]
fn the_settings_queues_have_their_limits_and_standards() {
    let queue = |skill: &str| QueueSettings {
        standard_s: 20,
        max_waiting: Some(1),
        ring_s: 20,
        ..toml::from_str(&format!("title = \"x\"\nskills = [\"{skill}\"]")).expect("a queue")
    };
    let queues = BTreeMap::from([("rubbish".into(), queue("waste"))]);
    let rules = Rules { queues: Some(queues), ..Rules::default() };
    let amy = [shift("amy", &["waste"], 0, DAY_MS)];
    let calls = [call("a", NINE, 30_000), call("b", NINE + 1, 1), call("c", NINE + 2, 1)];
    let report = simulate(&calls, &amy, &rules);
    assert_eq!(fates(&report), ["answered 0 amy", "answered 29999 amy", "overflowed"]);
    assert_eq!(report.figures.answered_within_standard, 1);
    let parks = [ModelCall { service: "parks".into(), ..call("a", NINE, 1) }];
    let error = run(&parks, &amy, &rules, &mut ()).expect_err("no such queue");
    assert!(error.to_string().starts_with("no queue for the service `parks`"), "{error}");
    let slow = Rules { ring_ms: 20_001, ..rules };
    assert!(matches!(run(&calls, &amy, &slow, &mut ()), Err(RulesError::RingsTooLong { .. })));
}

#[test]
fn a_caller_who_comes_again_waits_for_whoever_served_them_as_the_settings_say() {
    let queue: QueueSettings =
        toml::from_str("title = \"x\"\nskills = [\"waste\"]\nlast_agent_s = 10").expect("a queue");
    let queues = BTreeMap::from([("waste".into(), queue)]);
    let rules = Rules { queues: Some(queues), ..Rules::default() };
    let both = [shift("amy", &["waste"], 0, DAY_MS), shift("ben", &["waste"], 0, DAY_MS)];
    let of = |caller: &str, one| ModelCall { caller: caller.to_owned(), ..one };
    let calls = [
        of("x", call("a", NINE, 1_000)),
        of("y", call("b", NINE + 2_000, 1_000)),
        // Amy is idle longest, Ben has served them before.
        of("y", call("c", NINE + 5_000, 1_000)),
        // Amy talks with another, for longer than x waits for her, and for less.
        of("z", call("d", NINE + 10_000, 12_000)),
        of("x", call("e", NINE + 11_000, 1_000)),
        of("z", call("f", NINE + 40_000, 4_000)),
        of("z", call("g", NINE + 41_000, 1_000)),
    ];
    let report = simulate(&calls, &both, &rules);
    let expected = [
        "answered 0 amy",
        "answered 0 ben",
        "answered 0 ben",
        "answered 0 amy",
        "answered 10000 ben",
        "answered 0 amy",
        "answered 3000 amy",
    ];
    assert_eq!(fates(&report), expected);
    let plain = Rules { queues: None, ..rules };
    assert_eq!(fates(&simulate(&calls, &both, &plain))[2], "answered 0 amy");
}

#[test]
fn several_who_are_rung_at_once_answer_one_caller_each_as_they_would_alone() {
    let queue: QueueSettings =
        toml::from_str("title = \"x\"\nskills = [\"waste\"]\nchoose = \"ring_all\"")
            .expect("a queue");
    let queues = BTreeMap::from([("waste".into(), queue)]);
    let rules = Rules { queues: Some(queues), ring_ms: 2_000, ..Rules::default() };
    let both = [shift("amy", &["waste"], 0, DAY_MS), shift("ben", &["waste"], 0, DAY_MS)];
    // The second comes while both phones ring for the first.
    let calls = [call("a", NINE, 60_000), call("b", NINE + 1_000, 60_000)];
    let report = simulate(&calls, &both, &rules);
    assert_eq!(fates(&report), ["answered 2000 amy", "answered 3000 ben"]);
}

#[test]
fn what_if_agents_come_or_go() {
    let shifts = [shift("amy", &["waste"], NINE, CLOSING), shift("ben", &["parks"], NINE, CLOSING)];
    let apply = |text: &str| {
        text.parse::<WhatIf>().expect("understood").apply(&shifts, &["tax".into()].into())
    };
    let more = apply("agents+2@12:00-14:00").expect("possible");
    assert_eq!(
        more[2],
        shift("extra-1", &["parks", "tax", "waste"], 12 * 3_600_000, 14 * 3_600_000)
    );
    assert_eq!(more.len(), 4);
    let parks = apply("agents+1:parks@08:45-09:00:30.5").expect("possible");
    assert_eq!(parks[2], shift("extra-1", &["parks"], 31_500_000, NINE + 30_500));
    let fewer = apply("agents-1@12:00-14:00").expect("possible");
    let lunch = Break { start_ms: 12 * 3_600_000, end: BreakEnd::At(14 * 3_600_000) };
    assert_eq!((fewer[0].breaks.len(), &fewer[1].breaks), (0, &vec![lunch]));
    assert!(matches!(apply("agents-3@12:00-14:00"), Err(WhatIfError::TooFew { there: 2, .. })));
    for wrong in [
        "agents@12:00-14:00",
        "agents2@12:00-14:00",
        "agents+0@12:00-14:00",
        "agents+1@12-14",
        "agents+1@25:00-26:00",
        "staff+1@12:00-14:00",
    ] {
        assert_eq!(wrong.parse::<WhatIf>(), Err(WhatIfError::Form(wrong.to_owned())));
    }
    let nobodys = apply("agents+1:waste|roads@12:00-14:00");
    assert!(
        matches!(nobodys, Err(WhatIfError::NoSuchSkill { skill, .. }) if skill == "roads".into())
    );
    let level = "agents+1:waste:9@12:00-14:00".parse::<WhatIf>();
    assert!(matches!(level, Err(WhatIfError::BadSkill { .. })));
    let backwards = "agents+1@14:00-12:00".parse::<WhatIf>();
    assert!(matches!(backwards, Err(WhatIfError::Backwards(_))));
}

/// The example of docs/simulate.md.
#[test]
fn the_small_example_is_as_it_is_told() {
    let with = |id: &str, at: u64, priority, patience_ms, talk_ms| ModelCall {
        priority: Priority(priority),
        patience_ms,
        ..call(id, NINE + at, talk_ms)
    };
    let calls = [
        with("c1", 0, 1, 60_000, 120_000),
        with("c2", 1_000, 1, 119_000, 60_000),
        with("c3", 2_000, 0, 60_000, 60_000),
    ];
    let amy = shift("amy", &["waste"], 0, CLOSING);
    let ben = shift("ben", &["waste"], NINE + 30_000, CLOSING);
    expect(
        &calls,
        &[amy.clone(), ben],
        &["answered 0 amy", "answered 89000 ben", "answered 28000 ben"],
    );
    expect(&calls, &[amy], &["answered 0 amy", "answered 119000 amy", "abandoned 60000"]);
}
