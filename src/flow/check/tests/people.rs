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
fn a_promise_to_ring_back_without_a_trunk_is_warned_of() {
    let known = Known { no_trunk: true, ..known() };
    let file = FlowFile { name: "main".into(), shown: "main.yaml".into(), text: GOOD.to_owned() };
    let loaded = crate::flow::load(&[file], &known).expect("is no error");
    let found: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["main.yaml:9:15: nobody can be rung back: the settings have no trunk"]);
    let help = loaded.warnings[0].help().expect("says so").to_string();
    assert!(help.contains("[trunk.NAME]"), "{help}");
}
