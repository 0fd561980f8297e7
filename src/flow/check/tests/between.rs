//! Flows that lead to other flows.

use super::*;
use crate::flow::load;

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<FlowFile> = files
        .iter()
        .map(|(name, text)| FlowFile {
            name: (*name).into(),
            shown: format!("{name}.yaml"),
            text: (*text).to_owned(),
        })
        .collect();
    match load(&files, &known()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

const MAIN: &str = "\
start: who
nodes:
  who: {flow: identify, with: {need: 1}, returns: {found: end, unknown: end}}
  end: {hang_up: completed}
";
const IDENTIFY: &str = "\
start: ask
takes: {need: number}
nodes:
  ask: {if: need > 0, then: yes, otherwise: no}
  yes: {return: found}
  no: {return: unknown}
";

#[test]
fn what_a_flow_comes_back_with_must_lead_somewhere() {
    assert!(found(&[("main", MAIN), ("identify", IDENTIFY)]).is_empty());
    let main = MAIN.replace(", unknown: end", "");
    let lines = found(&[("main", &main), ("identify", IDENTIFY)]);
    assert_eq!(
        lines,
        ["main.yaml:3:3: `identify` can come back with `unknown`, which leads nowhere here"]
    );
    let main = MAIN.replace("unknown: end", "unknown: end, lost: end");
    let lines = found(&[("main", &main), ("identify", IDENTIFY)]);
    assert_eq!(lines, ["main.yaml:3:78: `identify` never comes back with `lost`"]);
    let main = MAIN.replace("with: {need: 1}, ", "");
    let lines = found(&[("main", &main), ("identify", IDENTIFY)]);
    assert_eq!(lines, ["main.yaml:3:3: `identify` must be told `need`"]);
}

#[test]
fn a_flow_that_is_not_there_is_missed_unless_its_file_cannot_be_read() {
    let lines = found(&[("main", MAIN)]);
    assert_eq!(lines, ["main.yaml:3:15: there is no flow `identify`"]);
    let lines = found(&[("main", MAIN), ("identify", "start: [")]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("identify.yaml:1:"), "{lines:?}");
}

#[test]
fn flows_that_lead_in_a_circle_are_found_once() {
    let to = |flow: &str| {
        format!("start: a\nnodes:\n  a: {{flow: {flow}, returns: {{x: b}}}}\n  b: {{return: x}}\n")
    };
    let lines = found(&[("one", &to("two")), ("two", &to("three")), ("three", &to("one"))]);
    assert_eq!(
        lines,
        ["one.yaml:3:13: these flows lead to one another in a circle: one -> two -> three -> one"]
    );
    let lines = found(&[("one", &to("one"))]);
    assert_eq!(lines, ["one.yaml:3:13: these flows lead to one another in a circle: one -> one"]);
}

#[test]
fn a_name_means_the_same_in_all_flows() {
    let other = IDENTIFY.replace("takes: {need: number}", "takes: {need: money}");
    let lines = found(&[("a", &other), ("main", MAIN), ("identify", IDENTIFY)]);
    assert!(
        lines.contains(&"identify.yaml:2:9: `need` is money elsewhere, and number here".to_owned()),
        "{lines:?}"
    );
}
