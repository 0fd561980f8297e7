//! Queues: levels, steps, and whether everybody is served in the end.

use super::*;
use crate::config::check::check_priorities;

const AGENTS: &str = "[agent.amy]\nname = \"Amy\"\npassword = \"a\"\nskills = [\"waste:3\"]\n\
                      [agent.ben]\nname = \"Ben\"\npassword = \"b\"\nskills = [\"general\"]\n";

/// What is found in a queue for waste with these settings; it begins in line 5.
fn of_queue(settings: &str) -> Vec<String> {
    check_findings(&format!("[queue.waste]\ntitle = \"W\"\n{settings}\n{AGENTS}"))
}

#[test]
fn a_level_that_nobody_has_is_found() {
    assert_eq!(of_queue("skills = [\"waste:3\"]"), [""; 0]);
    assert_eq!(
        of_queue("skills = [\"waste:4\"]\nprefers = [\"general\", \"welsh\"]"),
        [
            "7:1 no agent has every skill that queue `waste` needs (waste:4)",
            "8:23 no agent has the skill `welsh` that is preferred here",
        ]
    );
}

#[test]
fn a_level_that_is_none_is_refused_where_it_is_written() {
    let text = format!("{LEAST}[queue.waste]\ntitle = \"W\"\nskills = [\"waste:6\"]\n");
    let findings = load(&text, "test.toml").expect_err("there is no level 6");
    let found = brief(&findings, &text);
    assert_eq!(
        found,
        [
            "7:10 the value does not fit: the level of a skill is a number from 1 to 5, as in waste:3"
        ]
    );
}

#[test]
fn steps_that_are_never_reached_or_let_nobody_in_are_found() {
    let relax = |steps: &str| {
        of_queue(&format!("skills = [\"waste:3\"]\nmax_wait_s = 60\nrelax = [{steps}]"))
    };
    assert_eq!(relax("{ after_s = 30, skills = [\"general\"] }"), [""; 0]);
    assert_eq!(
        relax("{ after_s = 30, skills = [\"general\"] }, { after_s = 30, skills = [\"waste\"] }"),
        [
            "9:62 a step after 30 s that comes behind one after 30 s",
            "9:75 whoever may serve callers after this step could do so before it",
        ]
    );
    assert_eq!(
        relax("{ after_s = 0, skills = [\"general\"] }"),
        ["9:22 a step after 0 s that comes behind one after 0 s"]
    );
    assert_eq!(
        relax("{ after_s = 60, skills = [\"general:5\"] }"),
        ["9:22 nobody ever waits for 60 s: after 60 s callers leave the queue"]
    );
    assert_eq!(
        relax("{ after_s = 5, skills = [\"parks\"] }"),
        ["9:34 no agent has every skill that queue `waste` needs (parks)"]
    );
}

#[test]
fn a_queue_that_is_never_open_is_found() {
    let found = of_queue(
        "skills = [\"waste\"]\nhours = \"none\"\n[calendar.none.week]\nmon = []\n\
         [calendar.none.exceptions]\n\"2026-12-24\" = []",
    );
    assert_eq!(found, ["8:9 queue `waste` is never open: calendar `none` has no hours"]);
}

#[test]
fn numbers_of_offers_and_times_of_steps_are_not_0() {
    let found = of_queue("skills = [\"waste\"]\nnot_ready_after = 0\n[turns]\nageing_s = 0");
    assert_eq!(
        found,
        ["8:19 the number of offers must not be 0", "10:12 the time of a step must not be 0"]
    );
}

#[test]
fn as_many_are_rung_at_once_as_are_worth_it() {
    let all =
        |more: &str| of_queue(&format!("skills = [\"waste\"]\nchoose = \"ring_all\"\n{more}"));
    assert_eq!(all(""), [""; 0]);
    assert_eq!(all("ring_at_most = 20"), [""; 0]);
    for rung in [0, 21] {
        let found = all(&format!("ring_at_most = {rung}"));
        assert_eq!(found, [format!("9:16 {rung} cannot be rung at once: from 1 to 20 can")]);
    }
    assert_eq!(
        of_queue("skills = [\"waste\"]\nring_at_most = 3"),
        ["8:16 this queue rings one agent at a time, whatever `ring_at_most` is"]
    );
}

#[test]
fn whoever_waits_for_one_agent_can_still_be_served_in_time() {
    let waits = |more: &str| of_queue(&format!("skills = [\"waste\"]\n{more}"));
    assert_eq!(waits("last_agent_s = 59"), [""; 0]);
    assert_eq!(waits("last_agent_s = 30\nlast_agent_within_h = 168"), [""; 0]);
    assert_eq!(
        waits("last_agent_s = 60"),
        ["8:16 callers who wait 60 s for one agent are answered after the standard (60 s)"]
    );
    assert_eq!(
        waits("last_agent_s = 40\nmax_wait_s = 40"),
        ["8:16 nobody waits 40 s for one agent: after 40 s callers leave the queue"]
    );
    assert_eq!(waits("last_agent_s = 0"), ["8:16 the wait for one agent must not be 0"]);
    assert_eq!(
        waits("last_agent_s = 30\nlast_agent_within_h = 169"),
        ["9:23 169 h cannot be remembered: from 1 to 168 h can"]
    );
    assert_eq!(
        waits("last_agent_within_h = 48"),
        ["8:23 nobody waits for one agent here, so nothing is remembered"]
    );
}

#[test]
fn priorities_that_let_somebody_wait_for_ever_are_found() {
    let found = |more: &str, given: &[(&str, i32)]| {
        let text =
            format!("{LEAST}[queue.waste]\ntitle = \"W\"\n[queue.parks]\ntitle = \"P\"\n{more}");
        let (settings, source) = read(&text);
        let given: Vec<_> =
            given.iter().map(|(queue, priority)| ((*queue).into(), *priority)).collect();
        let findings = check_priorities(&settings, &source, &given);
        assert!(!findings.iter().any(is_error), "simulated days have such rules");
        brief(&findings, &text)
    };
    let starving =
        "7:8 callers of queue `parks` may wait for ever: flows let others go before them";
    let mixed = [("waste", -20), ("parks", 0)];
    assert_eq!(found("", &mixed), [starving]);
    assert_eq!(found("[turns]\nageing_s = 60\n", &mixed), [""; 0]);
    assert_eq!(found("", &[("waste", -20), ("parks", -20)]), [""; 0], "nobody is less urgent");
}

#[test]
fn what_callers_did_is_remembered_for_a_month_at_most() {
    let of = |hours: u32| of_queue(&format!("skills = [\"waste\"]\n[history]\nwithin_h = {hours}"));
    assert_eq!(of(744), [""; 0]);
    assert_eq!(of(745), ["9:12 745 h cannot be remembered: from 1 to 744 h can"]);
}

#[test]
fn no_phone_rings_for_hours_and_nobody_is_tried_for_ever() {
    let text = format!(
        "[queue.waste]\ntitle = \"W\"\nskills = [\"waste\"]\nring_s = 181\n\
         [queue.waste.callback]\nring_s = 3600\nretries = 100\n{AGENTS}\
         [transfers]\nrecall_s = 4000000000\n\
         [backend.tax]\nurl = \"https://tax.example.gov.uk\"\ntimeout_ms = 4000000000\nretries = 11\n\
         [speech]\ntimeout_ms = 60001\n[language_model]\ntimeout_ms = 60001\n"
    );
    let found = check_findings(&text);
    let too_much: Vec<&str> =
        found.iter().filter(|it| it.contains("too much")).map(String::as_str).collect();
    assert_eq!(
        too_much,
        [
            "8:10 181 is too much for the ringing time",
            "10:10 3600 is too much for the ringing time",
            "11:11 100 is too much for the number of further tries",
            "21:12 4000000000 is too much for the ringing time of a recall",
            "24:14 4000000000 is too much for the time for an answer",
            "25:11 11 is too much for the number of further tries",
            "27:14 60001 is too much for speech.timeout_ms",
            "29:14 60001 is too much for language_model.timeout_ms",
        ]
    );
}
