//! Nodes that lead to people.

use super::*;

const GOOD: &str = "\
start: bins
nodes:
  bins:
    queue: waste
    skills: [welsh:2]
    on_full: offer
    otherwise: bye
  offer:
    callback: waste
    offer: We ring you on {callback_number}.
    ask: Your number?
    then: bye
    already: bye
    otherwise: bye
  bye: {hang_up: busy}
";

#[test]
fn a_skill_is_asked_for_once() {
    assert_eq!(findings(GOOD), Vec::<String>::new());
    let twice = GOOD.replace("[welsh:2]", "[welsh:2, welsh:3]");
    let expected = "main.yaml:5:23: `welsh` is asked for twice; the first time as `welsh:2`";
    assert_eq!(findings(&twice), [expected]);
}

#[test]
fn phrases_stand_for_a_key_that_leads_somewhere() {
    let flow = |keys: &str| {
        let meanwhile = format!(
            "    while_waiting: {{say: Press 1., keys: {{1: offer}}, phrases: {{{keys}}}}}\n"
        );
        GOOD.replace("    on_full: offer\n", &meanwhile)
    };
    assert_eq!(findings(&flow("1: ring me back")), Vec::<String>::new());
    assert_eq!(
        findings(&flow("2: ring me back")),
        ["main.yaml:6:64: `2` is none of the keys here"]
    );
    let found = findings(&flow("one: ring me back"));
    assert_eq!(found, ["main.yaml:6:64: `one` is not a key of a telephone"]);
}

#[test]
fn a_promise_to_ring_back_without_a_trunk_is_warned_of() {
    let known = Known { no_trunk: true, ..known() };
    let file = FlowFile { name: "main".into(), shown: "main.yaml".into(), text: GOOD.to_owned() };
    let loaded = crate::flow::load(&[file], &known).expect("is no error");
    let found: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["main.yaml:9:15: nobody can be rung back: the settings have no trunk"]);
    let help = loaded.warnings[0].help().expect("says so").to_string();
    assert!(help.contains("[trunk.NAME]"), "{help}");
}
