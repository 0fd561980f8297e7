//! Nodes that put callers through.

use super::*;
use crate::flow::{NoReach, Reach};

const GOOD: &str = "\
start: police
nodes:
  police: {transfer: 101, ring_s: 40, on_busy: end, on_no_answer: end, on_unreachable: end}
  end: {hang_up: busy}
";

fn changed(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    let reach = Reach::new(|flow, dialled| match (flow.as_str(), dialled) {
        ("main", "101" | "amy") => Ok(()),
        ("main", "999") => Err(NoReach::Emergency),
        ("main", "09098790123") => Err(NoReach::Forbidden),
        _ => Err(NoReach::Nobody),
    });
    let known = Known { reach, ..known() };
    match load_text(&"main".into(), "main.yaml", &GOOD.replace(from, to), &known) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn callers_are_put_through_only_to_whom_the_settings_let_them() {
    assert!(changed("101", "amy").is_empty());
    assert!(changed("on_busy: end, ", "otherwise: end, ").is_empty());
    for (from, to, finding) in [
        ("101", "amie", "3:22: `amie` leads to nobody whom a caller can be put through to"),
        ("101", "\"09098790123\"", "3:22: the settings do not let this flow ring `09098790123`"),
        ("101", "09098790123", "3:22: `transfer` must be in \"quotes\", or its 0 is lost"),
        ("101", "999", "3:22: a flow never puts callers through to `999`"),
        ("ring_s: 40", "ring_s: 4", "3:35: `ring_s` is 4, which is out of range"),
        ("on_busy: end, ", "", "3:3: `police` needs `on_busy:`"),
        ("on_busy: end", "on_busy: ended", "3:48: there is no node `ended` in this flow"),
    ] {
        let found = changed(from, to);
        let line = format!("main.yaml:{finding}");
        assert!(found.iter().any(|it| it.starts_with(&line)), "{to}: {found:#?}");
    }
}
