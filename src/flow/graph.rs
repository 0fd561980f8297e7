//! A flow as a picture: in the language of Mermaid (<https://mermaid.js.org>), or as SVG.

mod layers;
mod svg;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::model::{Flow, Node};
use crate::id::NodeName;

pub use self::svg::svg;

/// The flowchart in Mermaid: questions are rhombs, ends are round, waiting for people is a stadium.
pub fn mermaid(flow: &Flow) -> String {
    let mut chart = format!("flowchart TD\n  start((start)) --> {}\n", id(&flow.start));
    if let Some(start) = &flow.relay_start {
        line(&mut chart, format_args!("relay((relay)) --> {}", id(start)));
    }
    for (name, node) in &flow.nodes {
        let (open, close) = shape(node);
        line(&mut chart, format_args!("{}{open}\"{}\"{close}", id(name), label(name, node)));
        for (to, case) in cases(node) {
            match case.is_empty() {
                true => line(&mut chart, format_args!("{} --> {}", id(name), id(to))),
                false => {
                    let case = escaped(&case);
                    line(&mut chart, format_args!("{} -->|\"{case}\"| {}", id(name), id(to)));
                }
            }
        }
    }
    chart
}

/// Where a node leads, by name, and in which cases: several that lead to one node are one arrow.
fn cases(node: &Node) -> Vec<(&NodeName, String)> {
    let mut cases: BTreeMap<&NodeName, Vec<String>> = BTreeMap::new();
    for (case, to) in node.ways() {
        cases.entry(to).or_default().push(case);
    }
    let cases = cases.into_iter().map(|(to, mut cases)| {
        if cases.iter().all(String::is_empty) {
            cases.clear();
        }
        (to, cases.join(", "))
    });
    cases.collect()
}

fn line(chart: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(chart, "  {what}");
}

/// `end` and the like mean something to Mermaid.
fn id(name: &NodeName) -> String {
    format!("n_{}", name.as_str().replace('-', "_"))
}

fn shape(node: &Node) -> (&'static str, &'static str) {
    match node {
        Node::Menu(_)
        | Node::Ask(_)
        | Node::Collect(_)
        | Node::Hours(_)
        | Node::If(_)
        | Node::Choose(_) => ("{", "}"),
        Node::Queue(_) | Node::Transfer(_) | Node::Voicemail(_) | Node::Callback(_) => ("([", "])"),
        Node::HangUp(_) | Node::Return(_) => ("((", "))"),
        Node::Flow(_) => ("[[", "]]"),
        Node::Request(_) => ("[(", ")]"),
        Node::Send(_) => ("[/", "/]"),
        Node::Say(_) | Node::Bulletin(_) | Node::Set(_) | Node::Note(_) => ("[", "]"),
    }
}

/// What a node does it with.
fn more(node: &Node) -> String {
    match node {
        Node::Hours(hours) => hours.calendar.to_string(),
        Node::If(condition) => condition.condition.as_str().to_owned(),
        Node::Choose(choose) => choose.value.as_str().to_owned(),
        Node::Collect(collect) if collect.secret => format!("{} (secret)", collect.name),
        Node::Collect(collect) => collect.name.to_string(),
        Node::Request(request) => format!("{} {}", request.method.as_str(), request.backend),
        Node::Send(send) => send.template.to_string(),
        Node::Flow(sub) => sub.flow.to_string(),
        Node::Queue(queue) => format!("queue {}", queue.queue),
        Node::Transfer(transfer) => transfer.to.clone(),
        Node::Voicemail(voicemail) => format!("message for {}", voicemail.queue),
        Node::Callback(callback) => format!("call back by {}", callback.queue),
        Node::Bulletin(bulletin) => format!("bulletin {}", bulletin.name),
        Node::Menu(menu) => menu.rates.clone().unwrap_or_default(),
        Node::HangUp(_)
        | Node::Return(_)
        | Node::Say(_)
        | Node::Ask(_)
        | Node::Set(_)
        | Node::Note(_) => String::new(),
    }
}

fn label(name: &NodeName, node: &Node) -> String {
    let more = more(node);
    match more.is_empty() {
        true => escaped(name.as_str()),
        false => format!("{}<br/>{}", escaped(name.as_str()), escaped(&more)),
    }
}

/// As XML writes it. Mermaid reads entities too, within quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use crate::flow::{Known, load_text};

    #[test]
    fn every_node_and_way_is_drawn() {
        let text = "\
start: doors
nodes:
  doors: {hours: main, open: test, closed: end}
  test: {if: \"today > '2026-01-01'\", then: end, otherwise: person}
  person: {queue: general, otherwise: end}
  end: {hang_up: completed}
";
        let known = Known {
            queues: vec!["general".into()],
            calendars: vec!["main".into()],
            ..Known::default()
        };
        let flow = load_text(&"main".into(), "main.yaml", text, &known).expect("is good");
        let expected = "\
flowchart TD
  start((start)) --> n_doors
  n_doors{\"doors<br/>main\"}
  n_doors -->|\"closed\"| n_end
  n_doors -->|\"open\"| n_test
  n_end((\"end\"))
  n_person([\"person<br/>queue general\"])
  n_person -->|\"closed, full, waited too long, nobody\"| n_end
  n_test{\"test<br/>today &gt; '2026-01-01'\"}
  n_test -->|\"yes\"| n_end
  n_test -->|\"otherwise\"| n_person
";
        assert_eq!(super::mermaid(&flow), expected);
    }
}
