//! Every finding, and the line and column where it is shown.

mod between;
mod meant;
mod people;
mod sending;
mod transfer;
mod values;

use std::collections::BTreeMap;

use miette::Diagnostic as _;
use proptest::prelude::*;

use crate::flow::prompt::{Fingerprint, Rendered};
use crate::flow::{Fault, Flow, FlowFile, Known, load_text, own_texts, texts};
use crate::id::PromptName;

fn known() -> Known {
    Known {
        queues: vec!["waste".into(), "housing".into()],
        unserved: Vec::new(),
        no_trunk: false,
        calendars: vec!["main".into()],
        skills: vec!["welsh".into()],
        backends: vec!["tax".into()],
        templates: Default::default(),
        reach: Default::default(),
        entered: Default::default(),
        intents: Default::default(),
        prompts: None,
    }
}

fn load(text: &str) -> Result<Flow, Vec<Fault>> {
    load_text(&"main".into(), "main.yaml", text, &known())
}

/// The findings as people see them, one line each.
fn findings(text: &str) -> Vec<String> {
    match load(text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// What would be right, according to each finding.
fn advice(text: &str) -> Vec<String> {
    let faults = load(text).expect_err("has findings");
    faults.iter().map(|fault| fault.help().expect("advises").to_string()).collect()
}

const GOOD: &str = "\
start: hello
nodes:
  hello:
    say: Good day.
    then: services
  services:
    menu: For bins, press 1.
    keys:
      1: bins
      \"#\": hello
    no_input:
      after_s: 5
      say: Nothing came.
    wrong_key:
      say: That was wrong.
    tries: 3
    otherwise: bins
  bins:
    queue: waste
    skills: welsh
    at_closing: tell
    otherwise: bye
  bye:
    hang_up: busy
";

/// The good flow with a line changed.
fn with(line: &str, instead: &str) -> String {
    assert!(GOOD.contains(line), "{line}");
    GOOD.replacen(line, instead, 1)
}

#[test]
fn a_good_flow_has_no_findings() {
    let flow = load(GOOD).expect("is good");
    assert_eq!(flow.nodes.len(), 4);
    assert_eq!(flow.start.as_str(), "hello");
}

#[test]
fn an_unknown_node_is_shown_where_it_is_named_with_the_one_that_was_meant() {
    let text = with("    then: services", "    then: servises");
    assert_eq!(findings(&text), ["main.yaml:5:11: there is no node `servises` in this flow"]);
    assert!(advice(&text)[0].starts_with("did you mean `services`?"));
    let text = with("      1: bins", "      1: parking");
    assert_eq!(findings(&text), ["main.yaml:9:10: there is no node `parking` in this flow"]);
    assert_eq!(advice(&text), ["add a node `parking:` below `nodes:`"]);
}

#[test]
fn what_the_settings_do_not_have_is_shown_with_what_they_have() {
    let text = with("    queue: waste", "    queue: wate");
    assert_eq!(findings(&text), ["main.yaml:19:12: there is no queue `wate` in the settings"]);
    assert!(advice(&text)[0].starts_with("did you mean `waste`?"));
    let text = with("    skills: welsh", "    skills: [welsh, juggling]");
    assert_eq!(findings(&text), ["main.yaml:20:21: there is no skill `juggling` in the settings"]);
    assert_eq!(advice(&text), ["the settings have: `welsh`"]);
    let text = with(
        "    say: Good day.\n    then: services",
        "    hours: mian\n    open: services\n    closed: bye",
    );
    assert_eq!(findings(&text), ["main.yaml:4:12: there is no calendar `mian` in the settings"]);
}

#[test]
fn a_key_or_node_that_is_there_twice_is_shown_at_the_second() {
    let text = with("      \"#\": hello", "      1: hello");
    assert_eq!(findings(&text), ["main.yaml:10:7: `1` is here twice"]);
    assert_eq!(advice(&text), ["remove one of the two; the first is in line 9"]);
    let text = with("  bye:\n", "  hello:\n    hang_up: closed\n  bye:\n");
    assert_eq!(findings(&text), ["main.yaml:23:3: `hello` is here twice"]);
    let text = with("    then: services", "    then: services\n    then: bins");
    assert_eq!(findings(&text), ["main.yaml:6:5: `then` is here twice"]);
}

#[test]
fn a_flow_without_a_start_or_without_nodes_is_refused() {
    let text = with("start: hello\n", "");
    assert_eq!(findings(&text), ["main.yaml:1:1: the flow does not say where it starts"]);
    assert_eq!(advice(&text), ["add a line `start: hello` with the name of the first node"]);
    assert_eq!(findings("start: hello"), ["main.yaml:1:1: a flow needs `nodes:`",]);
    for empty in ["", "\n", "# only a remark\n"] {
        assert_eq!(findings(empty), ["main.yaml:1:1: the flow does not say where it starts"]);
    }
    let text = with("start: hello", "start: helo");
    assert_eq!(findings(&text), ["main.yaml:1:8: there is no node `helo` in this flow"]);
    assert_eq!(
        findings("start:\nnodes:\n"),
        ["main.yaml:1:1: `start` is empty", "main.yaml:2:1: `nodes` is empty"]
    );
}

#[test]
fn a_node_that_nobody_can_reach_is_shown() {
    let text = with("  bye:\n", "  island:\n    hang_up: closed\n  bye:\n");
    assert_eq!(findings(&text), ["main.yaml:23:3: no caller can ever come to `island`"]);
}

#[test]
fn a_dead_end_is_shown() {
    let text = with("    then: services\n", "");
    assert_eq!(
        findings(&text),
        ["main.yaml:3:3: `hello` is a dead end: it does not say what comes next"]
    );
}

#[test]
fn a_loop_without_a_callers_key_is_shown_with_its_way() {
    let text = with("    otherwise: bye", "    otherwise: hello");
    let text = text.replace("  bye:\n    hang_up: busy\n", "");
    assert_eq!(
        findings(&text),
        [
            "main.yaml:22:16: a caller who presses nothing goes round for ever: hello -> services -> \
         bins -> hello"
        ]
    );
    let text = with("    then: services", "    then: hello");
    assert!(
        findings(&text).contains(
            &"main.yaml:5:11: a caller who presses nothing goes round for ever: hello -> hello"
                .to_owned()
        )
    );
    // A key may lead back: the caller decides.
    assert!(findings(GOOD).is_empty());
}

#[test]
fn numbers_out_of_range_are_shown_with_their_range() {
    let text = with("      after_s: 5", "      after_s: 0").replace("tries: 3", "tries: 99");
    assert_eq!(
        findings(&text),
        [
            "main.yaml:12:16: `after_s` is 0, which is out of range",
            "main.yaml:16:12: `tries` is 99, which is out of range"
        ]
    );
    assert_eq!(advice(&text), ["`after_s` can be 2 to 120", "`tries` can be 1 to 5"]);
    let text = with("    tries: 3", "    tries: often");
    assert_eq!(findings(&text), ["main.yaml:16:12: `tries` must be a whole number, not text"]);
    let text = with("    tries: 3", "    tries: -1");
    assert_eq!(findings(&text), ["main.yaml:16:12: `tries` is -1, which is out of range"]);
}

#[test]
fn a_word_that_means_nothing_is_shown_with_what_was_meant() {
    let text = with("    wrong_key:", "    wrong_keys:");
    assert_eq!(findings(&text), ["main.yaml:14:5: `wrong_keys` means nothing in `services`"]);
    assert!(advice(&text)[0].starts_with("did you mean `wrong_key`?"));
    let text = with("start: hello", "start: hello\nlanguage: en");
    assert_eq!(findings(&text), ["main.yaml:2:1: `language` means nothing in a flow"]);
    let text = with("    at_closing: tell", "    at_closing: sing");
    assert_eq!(
        findings(&text),
        ["main.yaml:21:17: `sing` is not something that `at_closing` can be"]
    );
    assert_eq!(advice(&text), ["write one of: `serve`, `tell`"]);
    let text = with("    hang_up: busy", "    hang_up: bored");
    assert_eq!(
        findings(&text),
        ["main.yaml:24:14: `bored` is not something that `hang_up` can be"]
    );
    let text = with("      say: Nothing came.", "      says: Nothing came.");
    assert_eq!(
        findings(&text),
        ["main.yaml:13:7: `says` means nothing in `no_input` of `services`"]
    );
}

#[test]
fn languages_are_named_as_everybody_names_them_and_chosen_only_where_something_is_said_in_them() {
    let flow = |say: &str, choose: &str| {
        format!(
            "start: a\nnodes:\n  a: {{say: {say}, then: b}}\n  b: {{language: {choose}, then: c}}\n  \
             c: {{hang_up: completed}}\n"
        )
    };
    assert_eq!(findings(&flow("{en: Hello., cy: Helo.}", "cy")), [""; 0]);
    assert_eq!(findings(&flow("{en: Hello., cy: Helo.}", "en")), [""; 0]);
    let none = "main.yaml:4:17: no flow says anything in `pl`";
    assert_eq!(findings(&flow("{en: Hello., cy: Helo.}", "pl")), [none]);
    let bad = "main.yaml:3:19: `Welsh` is not a language";
    assert_eq!(
        findings(&flow("{en: Hello., Welsh: Helo.}", "en"))[0].split(':').next_back(),
        bad.split(':').next_back()
    );
}

#[test]
fn a_node_does_one_thing() {
    let text = with("    hang_up: busy", "    hangup: busy");
    assert_eq!(findings(&text), ["main.yaml:23:3: it is not clear what `bye` does"]);
    assert!(advice(&text)[0].starts_with("did you mean `hang_up`?"));
    let text = with("    hang_up: busy", "    hang_up: busy\n    say: Goodbye.");
    assert_eq!(findings(&text), ["main.yaml:25:5: `bye` cannot be `hang_up` and `say` at once"]);
    let text = with("    hang_up: busy", "    - hang_up");
    assert_eq!(
        findings(&text),
        ["main.yaml:24:5: `bye` must be keys and values, each on its own line, not a list"]
    );
}

#[test]
fn what_a_node_needs_is_named() {
    let text = with("    otherwise: bins\n", "");
    assert_eq!(findings(&text), ["main.yaml:6:3: `services` needs `otherwise:`"]);
    let text = with("    otherwise: bye\n", "    on_full: bye\n");
    assert_eq!(
        findings(&text),
        [
            "main.yaml:18:3: `bins` needs `on_closed:`",
            "main.yaml:18:3: `bins` needs `on_waited_too_long:`",
            "main.yaml:18:3: `bins` needs `on_nobody:`"
        ]
    );
    let text =
        with("    say: Good day.\n    then: services", "    hours: main\n    open: services");
    assert_eq!(findings(&text), ["main.yaml:3:3: `hello` needs `closed:`"]);
    let text = with("    keys:\n      1: bins\n      \"#\": hello\n", "    keys: {}\n");
    assert_eq!(findings(&text), ["main.yaml:8:11: `keys` is empty"]);
}

#[test]
fn keys_and_names_that_cannot_be_are_refused() {
    let text = with("      1: bins", "      12: bins");
    assert_eq!(findings(&text), ["main.yaml:9:7: `12` is not a key of a telephone"]);
    let text = with("  bye:", "  Bye Bye:").replace("otherwise: bye", "otherwise: Bye Bye");
    assert_eq!(findings(&text), ["main.yaml:23:3: `Bye Bye` cannot be a name"]);
    let faults = load_text(&"../main".into(), "x.yaml", GOOD, &known()).expect_err("is refused");
    assert_eq!(faults[0].to_string(), "x.yaml:1:1: `../main` cannot be a name");
}

#[test]
fn texts_that_cannot_be_spoken_are_refused() {
    let text = with("    say: Good day.", "    say:");
    assert_eq!(findings(&text), ["main.yaml:4:5: `say` is empty"]);
    let text = with("Good day.", &"word ".repeat(300));
    assert_eq!(findings(&text), ["main.yaml:4:10: this text has 1499 letters; the most is 1200"]);
    let text = with("    then: services", "    must_hear: maybe\n    then: services");
    assert_eq!(
        findings(&text),
        ["main.yaml:5:16: `must_hear` must be `true` or `false`, not text"]
    );
}

#[test]
fn two_texts_never_share_a_file() {
    let more = "  services-no-input:\n    say: Clash.\n    then: bye\n  bye:\n";
    let text = with("  bye:\n", more).replace("otherwise: bye", "otherwise: services-no-input");
    assert_eq!(
        findings(&text),
        ["main.yaml:24:10: the prompt of `services-no-input` would be kept in the same file as \
         another node's: main/services-no-input"]
    );
}

#[test]
fn every_prompt_needs_a_sound_file_made_from_its_text() {
    let file = |text: &str| Rendered { text_hash: Some(Fingerprint::of(text.as_bytes())) };
    let mut prompts: BTreeMap<PromptName, Rendered> = BTreeMap::from([
        ("main/hello".into(), file("Good day.")),
        ("main/services".into(), file("For bins, press 2.")),
        ("main/services-no-input".into(), Rendered { text_hash: None }),
    ]);
    let load = |prompts: &BTreeMap<PromptName, Rendered>| {
        let known = Known { prompts: Some(prompts.clone()), ..known() };
        load_text(&"main".into(), "main.yaml", GOOD, &known)
    };
    let faults = load(&prompts).expect_err("has findings");
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "main.yaml:7:11: the sound file of the prompt `main/services` was made from another text",
            "main.yaml:13:12: the sound file of the prompt `main/services-no-input` was made from \
         another text",
            "main.yaml:15:12: the prompt `main/services-wrong-key` has no sound file",
        ]
    );
    let help = faults[2].help().expect("advises").to_string();
    assert_eq!(help, "run `switchboard prompts render`");
    let (name, shown) = ("main".into(), "main.yaml".to_owned());
    let file_of = FlowFile { name, shown, text: GOOD.to_owned() };
    for text in texts(&[file_of], &Default::default()).expect("reads") {
        prompts.insert(text.prompt.clone(), file(&text.text));
    }
    assert!(load(&prompts).is_ok());
}

#[test]
fn all_findings_come_at_once_in_the_order_of_the_file() {
    let text = GOOD
        .replace("then: services", "then: servics")
        .replace("1: bins", "x: bins")
        .replace("after_s: 5", "after_s: soon")
        .replace("queue: waste", "queue: nowhere")
        .replace("at_closing: tell", "at_closing: never")
        .replace("hang_up: busy", "hang_up: busy\n    loud: true");
    let lines: Vec<String> = findings(&text)
        .iter()
        .map(|line| line.split(':').skip(1).take(2).collect::<Vec<_>>().join(":"))
        .collect();
    assert_eq!(lines, ["5:11", "9:7", "12:16", "19:12", "21:17", "25:5"]);
}

#[test]
fn what_is_not_yaml_is_shown_with_its_line() {
    let text = with("    tries: 3", "    tries: 3: 4");
    let found = findings(&text);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("main.yaml:16:"), "{found:?}");
    assert!(found[0].contains("cannot be read as YAML"), "{found:?}");
    let text = with("      \"#\": hello", "      *: hello");
    assert!(findings(&text)[0].starts_with("main.yaml:10:"), "{:?}", findings(&text));
    assert_eq!(findings(""), ["main.yaml:1:1: the flow does not say where it starts"]);
    assert_eq!(findings("- a\n- b\n").len(), 1);
}

#[test]
fn a_finding_shows_its_place_with_a_caret() {
    let text = with("    then: services", "    then: servises");
    let fault = load(&text).expect_err("has a finding").remove(0);
    let mut drawn = String::new();
    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none())
        .render_report(&mut drawn, &fault)
        .expect("draws");
    assert!(drawn.contains("main.yaml:5:11"), "{drawn}");
    assert!(drawn.contains("    then: servises"), "{drawn}");
    assert!(drawn.contains("did you mean `services`?"), "{drawn}");
}

#[test]
fn letters_beyond_ascii_do_not_shift_the_place() {
    let text =
        with("say: Good day.", "say: Ünïcödé 🙂 day.").replace("      1: bins", "      1: bïns");
    let fault = load(&text).expect_err("has a finding").remove(0);
    assert_eq!((fault.place.line, fault.place.column), (9, 10));
    assert_eq!(&text[fault.place.offset..][..fault.place.len], "bïns");
    let windows = GOOD.replace('\n', "\r\n");
    assert!(load(&windows).is_ok());
    let windows = windows.replace("queue: waste", "queue: wate");
    assert_eq!(findings(&windows), ["main.yaml:19:12: there is no queue `wate` in the settings"]);
}

#[test]
fn texts_that_no_flow_says_are_checked_likewise() {
    let good = "agent/signed-in: a\nagent/signed-out: b\nagent/ready: c\nagent/not-ready: d\n\
                agent/refused: e\nagent/more-time: f\nagent/extension: g\nagent/pin: h\n\
                agent/not-recognised: i\n";
    assert_eq!(own_texts("prompts.yaml", good, None).expect("reads").len(), 9);
    let shown = |text: &str| -> Vec<String> {
        let faults = own_texts("prompts.yaml", text, None).expect_err("has findings");
        faults.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        shown(&good.replace("agent/ready: c\n", "")),
        ["prompts.yaml:1:1: the prompts needs `agent/ready:`"]
    );
    assert_eq!(
        shown(&format!("{good}../../etc/passwd: f\n")),
        ["prompts.yaml:10:1: `../../etc/passwd` cannot be a name"]
    );
    let faults = own_texts("prompts.yaml", good, Some(&BTreeMap::new())).expect_err("is missing");
    assert_eq!(faults.len(), 9);
}

/// Words of the language and its punctuation, so that random texts come near to flows.
fn near_yaml() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("start: hello\n".to_owned()),
        Just("nodes:\n".to_owned()),
        Just("  hello:\n".to_owned()),
        Just("    say: Good day.\n".to_owned()),
        Just("    menu: x\n    keys: {1: hello, 2: bye}\n".to_owned()),
        Just("    then: hello\n".to_owned()),
        Just("    no_input: {after_s: 3}\n".to_owned()),
        Just("  bye: {hang_up: closed}\n".to_owned()),
        Just("&a ".to_owned()),
        Just("*a ".to_owned()),
        Just("<<: *a\n".to_owned()),
        "[ -~\n\té🙂]{0,12}",
        Just("? [a]\n: b\n".to_owned()),
        Just("!!binary ".to_owned()),
        Just("---\n".to_owned()),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_can_make_the_loader_panic(text in near_yaml()) {
        if let Err(faults) = load(&text) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(fault.place.line >= 1 && fault.place.column >= 1);
                prop_assert!(text.get(fault.place.offset..fault.place.offset + fault.place.len).is_some());
                let mut drawn = String::new();
                let handler =
                    miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none());
                prop_assert!(handler.render_report(&mut drawn, &fault).is_ok());
            }
        }
    }

    #[test]
    fn no_bytes_can_make_the_loader_panic(text in any::<String>()) {
        let _ = load(&text);
        let _ = own_texts("prompts.yaml", &text, None);
    }

    #[test]
    fn a_good_flow_with_one_letter_changed_never_panics(at in 0..GOOD.len(), letter in any::<char>()) {
        let mut text = GOOD.to_owned();
        text.replace_range(at..=at, &letter.to_string());
        let _ = load(&text);
    }
}

#[test]
fn a_message_for_a_queue_that_nobody_serves_is_shown() {
    let text = "\
start: box
nodes:
  box:
    voicemail: housing
    greeting: Speak.
    then: bye
    otherwise: bye
  bye: {hang_up: message_left}
";
    assert_eq!(findings(text), Vec::<String>::new());
    let known = Known { unserved: vec!["housing".into()], ..known() };
    let faults = load_text(&"main".into(), "main.yaml", text, &known).expect_err("a finding");
    let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let expected = "main.yaml:4:16: nobody would ever hear the messages for `housing`: no agent has its skills";
    assert_eq!(found, [expected]);
}
