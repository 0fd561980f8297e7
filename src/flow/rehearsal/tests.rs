//! Tests of flows that pass, and that fail as they should.

use super::*;
use crate::call::command::{Candidate, Question, Utterance};
use crate::flow::Known;

const FLOW: &str = r#"
start: doors
nodes:
  doors: {hours: main, open: ask, closed: shut}
  ask:
    collect: Your account?
    as: account
    keys: 4
    tries: 2
    then: look
    otherwise: person
  look: {request: tax, path: "/a/{account}", answer: {balance: money}, then: tell, otherwise: person}
  tell: {say: "You owe {balance}.", then: note}
  note: {note: {Account: "{account}"}, then: card}
  card: {collect: Card., as: card, keys: 12 to 19, secret: true, then: bye, otherwise: person}
  bye: {hang_up: completed}
  person: {queue: general, otherwise: message}
  message: {voicemail: general, greeting: Speak., then: left, otherwise: gone}
  left: {hang_up: message_left}
  gone: {hang_up: busy}
  shut: {say: We are closed., then: closed}
  closed: {hang_up: closed}
tests:
  - name: a caller pays
    answers: [{body: {balance: 12.5}}]
    steps:
      - hears: your account
      - presses: 1234
      - asked: GET tax /a/1234
      - hears: You owe twelve pounds and fifty pence.
      - noted: {Account: 1234}
      - secret: true
      - presses: 4111111111111111#
      - secret: false
      - ended: completed
  - name: nobody is there, so a message is taken
    queues: {general: nobody}
    steps:
      - silent: true
      - silent: true
      - queued: general
      - hears: Speak
      - message: general
      - silent: true
      - ended: message_left
  - name: a message is lost
    queues: {general: full}
    message_lost: true
    steps: [{silent: true}, {silent: true}, {presses: "1"}, {ended: busy}]
  - name: at night
    at: 2026-11-26 23:00
    steps: [{hears: closed}, {ended: closed}]
"#;

/// Callers who wait and hang up.
const WAITING: &str = r#"
start: doors
nodes:
  doors: {hours: main, open: news, closed: shut}
  news: {bulletin: flood, say: There is a flood., then: ask}
  ask:
    menu: For a person, press 1.
    keys: {1: person}
    no_input: {after_s: 8, say: Here it is again.}
    otherwise: late
  late: {hours: main, open: person, closed: shut}
  person:
    queue: general
    otherwise: message
    while_waiting: {say: "To leave a message, press 2.", keys: {2: message}}
  message: {voicemail: general, greeting: Speak., longest_s: 60, then: left, otherwise: shut}
  left: {hang_up: message_left}
  shut: {hang_up: closed}
tests:
  - name: who says nothing for sixteen seconds comes to a person
    steps: [{waits: 7 s}, {hears: For a person}, {waits: 1 s}, {hears: again}, {waits: 8s}, {queued: general}]
  - name: who hangs up in the menu has left it
    bulletins: [flood]
    steps: [{hears: flood}, {waits: 3}, {hangs_up: true}, {ended: caller_left_flow}]
  - name: who hangs up in the queue has given up
    steps: [{presses: 1}, {waits: 30 s}, {hears: To leave a message}, {hangs_up: true}, {ended: caller_abandoned}]
  - name: what was said before hanging up is kept
    queues: {general: full}
    steps: [{presses: 1}, {waits: 20 s}, {hangs_up: true}, {message: general}, {ended: message_left}]
  - name: a message ends after a minute
    queues: {general: full}
    steps: [{presses: 1}, {message: general}, {waits: 1 min}, {ended: message_left}]
  - name: the office closes while the caller thinks
    at: 2026-11-26 16:59:50
    steps: [{waits: 16 s}, {ended: closed}]
"#;

fn known() -> Known {
    Known {
        queues: vec!["general".into()],
        calendars: vec!["main".into()],
        backends: vec!["tax".into()],
        ..Known::default()
    }
}

/// Who says "bins" means them, "yes" is yes, and "help" cannot wait.
fn understand(question: &Question, text: &str, _: Date) -> Utterance {
    let meant = text.contains("bins");
    let bins = Candidate { intent: "bins".into(), says: "bins".to_owned(), chance: 900 };
    Utterance {
        text: text.to_owned(),
        sure: true,
        answer: (*question == Question::YES_NO && text == "yes").then(|| text.to_owned()),
        ranked: meant.then_some(bins).into_iter().collect(),
        meant,
        urgent: text
            .contains("help")
            .then(|| ("help".into(), "help".to_owned()))
            .into_iter()
            .collect(),
        ..Utterance::default()
    }
}

fn report(text: &str) -> Result<Report, Vec<String>> {
    let file = FlowFile { name: "main".into(), shown: "main.yaml".into(), text: text.to_owned() };
    let lines = |faults: Vec<Fault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    let open = |_: &CalendarName, at: DateTime| (9..17).contains(&at.hour());
    let files = [file];
    let theatre = Theatre::new(&files, &known(), &open, &understand).map_err(lines)?;
    rehearse(&files, &theatre).map_err(lines)
}

/// What is wrong, one line each.
fn wrong(text: &str) -> Vec<String> {
    let report = report(text).expect("runs");
    report.outcomes.iter().filter_map(|it| it.fault.as_ref()).map(ToString::to_string).collect()
}

#[test]
fn a_good_flow_passes_and_says_which_ways_were_not_taken() {
    assert!(wrong(FLOW).is_empty(), "{:#?}", wrong(FLOW));
    let report = report(FLOW).expect("runs");
    assert_eq!(report.outcomes.len(), 4);
    let missed: Vec<String> =
        report.coverage.missed.iter().map(|(_, from, to)| format!("{from} -> {to}")).collect();
    assert_eq!(missed, ["card -> person", "look -> person"]);
}

#[test]
fn what_does_not_happen_is_told_at_the_step_that_waits_for_it() {
    let mut missed = Vec::new();
    for (from, to, line) in [
        (
            "twelve pounds",
            "ten pounds",
            "main.yaml:30:9: a caller pays: \"You owe ten pounds and fifty pence.\" was not said; instead: said \"You owe twelve pounds and fifty pence\"; noted Account: 1234",
        ),
        (
            "{Account: 1234}",
            "{Account: 99}",
            "main.yaml:31:9: a caller pays: `Account` is \"1234\"",
        ),
        (
            "GET tax /a/1234",
            "GET tax /b",
            "main.yaml:29:9: a caller pays: nobody asked `GET tax /b`",
        ),
        (
            "ended: completed\n  -",
            "ended: busy\n  -",
            "main.yaml:35:9: a caller pays: the call ended as `completed`",
        ),
        (
            "queued: general",
            "queued: waste",
            "main.yaml:41:9: nobody is there, so a message is taken: the caller does not wait for `waste`",
        ),
        (
            "      - secret: true",
            "      - secret: false",
            "main.yaml:32:9: a caller pays: what the caller keys in is secret",
        ),
        ("23:00", "12:00", "main.yaml:52:14: at night: \"closed\" was not said"),
    ] {
        assert!(FLOW.contains(from), "{from}");
        let found = wrong(&FLOW.replacen(from, to, 1));
        if !found.iter().any(|it| it.starts_with(line)) {
            missed.push((line, found));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn slips_in_tests_have_their_places() {
    let mut missed = Vec::new();
    for (from, to, line) in [
        (
            "      - hears: your",
            "      - hear: your",
            "main.yaml:27:9: `hear` means nothing in a step",
        ),
        (
            "at: 2026-11-26 23:00",
            "at: tonight",
            "main.yaml:51:9: `tonight` is not a day and a time",
        ),
        ("presses: 1234", "presses: abc", "main.yaml:28:18: `abc` is not a key of a telephone"),
        (
            "general: nobody",
            "general: gone",
            "main.yaml:37:23: `gone` is not something that `general` can be",
        ),
        (
            "- name: at night",
            "- title: at night",
            "main.yaml:50:5: `title` means nothing in a test",
        ),
    ] {
        assert!(FLOW.contains(from), "{from}");
        let found = report(&FLOW.replacen(from, to, 1)).expect_err("is found");
        if !found.iter().any(|it| it.starts_with(line)) {
            missed.push((line, found));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn callers_wait_and_hang_up_when_they_like() {
    assert!(wrong(WAITING).is_empty(), "{:#?}", wrong(WAITING));
    let late = WAITING.replace("waits: 7 s", "waits: 8 s").replace("{waits: 1 s}, ", "");
    assert!(wrong(&late).is_empty(), "{:#?}", wrong(&late));
    let found = wrong(&WAITING.replace("{waits: 8s}, ", ""));
    assert!(found[0].contains("the caller does not wait for `general`"), "{found:#?}");
    let found = wrong(&WAITING.replace("{waits: 1 min}", "{waits: 1 min}, {hangs_up: true}"));
    assert!(found[0].ends_with("the call is over"), "{found:#?}");
}

#[test]
fn what_a_test_would_leave_out_in_silence_is_told() {
    let mut missed = Vec::new();
    for (from, to, line) in [
        (
            "{waits: 7 s}",
            "{waits: 7 s, presses: 1}",
            "21:26: a step is one thing, not `waits` and `presses` at once",
        ),
        (
            "{waits: 7 s}",
            "{waits: 7 s, skills: welsh}",
            "21:26: `skills` means nothing beside `waits`",
        ),
        ("{waits: 7 s}", "{waits: a bit}", "21:21: `a bit` is not a time to wait"),
        ("[flood]", "[floods]", "23:17: there is no bulletin `floods` in the flows"),
        (
            "queues: {general: full}",
            "queues: {generel: full}",
            "28:14: there is no queue `generel` in the settings",
        ),
        (
            "queues: {general: full}",
            "callbacks: {generel: known}",
            "28:17: there is no queue `generel` in the settings",
        ),
        (
            "queues: {general: full}",
            "transfers: {hospital: busy}",
            "28:17: there is no destination `hospital` in the flows",
        ),
        (
            "    bulletins: [flood]",
            "    calendars: {mian: open}",
            "23:17: there is no calendar `mian` in the settings",
        ),
        (
            "    bulletins: [flood]",
            "    values: {acount: 12}",
            "23:14: nothing in the flows ever says what `acount` is",
        ),
        (
            "    bulletins: [flood]",
            "    values: {today: soon}",
            "23:21: a day is never written like `soon`",
        ),
        (
            "    bulletins: [flood]",
            "    called: 01708434343",
            "23:13: YAML takes `called` for a number and drops its leading 0",
        ),
        (
            "{presses: 1}, {message",
            "{presses: 01}, {message",
            "32:23: YAML takes `presses` for a number",
        ),
        (
            "    bulletins: [flood]",
            "    answers: [{status: 404}]",
            "23:15: who hangs up in the menu has left it: no other system was asked",
        ),
        (
            "    bulletins: [flood]",
            "    outlooks: [{position: 4}]",
            "23:16: who hangs up in the menu has left it: nobody who waits was told this",
        ),
        ("[{waits: 16 s}, {ended: closed}]", "[]", "35:12: `steps` is empty"),
        (
            "name: a message ends after a minute",
            "name: who hangs up in the queue has given up",
            "30:11: there are two tests `who hangs up in the queue has given up`",
        ),
    ] {
        assert!(WAITING.contains(from), "{from}");
        let text = WAITING.replacen(from, to, 1);
        // The first step of the second test would miss it as well.
        let text = text.replace(if to.contains("flood") { "" } else { "{hears: flood}, " }, "");
        let found = report(&text).map_or_else(|found| found, |_| wrong(&text));
        if !found.iter().any(|it| it.starts_with(&format!("main.yaml:{line}"))) {
            missed.push((line, found));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_slip_in_a_test_is_found_without_running_it() {
    let text = WAITING.replace("{hears: again}", "{heers: again}");
    let faults = crate::flow::load_text(&"main".into(), "main.yaml", &text, &known());
    let faults = faults.expect_err("is found");
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["main.yaml:21:65: `heers` means nothing in a step"]);
    let advice = miette::Diagnostic::help(&faults[0]).expect("advises").to_string();
    assert!(advice.starts_with("did you mean `hears`?"), "{advice}");
}
