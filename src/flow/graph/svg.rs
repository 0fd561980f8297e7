//! A flow as a picture that any browser shows: boxes in layers, arrows down.
//!
//! Ways back up, and ways to nodes that many others lead to (an adviser), are written in the box that
//! they leave instead of drawn: a picture full of lines to one place shows nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::layers::{Laid, Plan, lay_out};
use super::{cases, escaped, more};
use crate::flow::model::{Flow, Node};
use crate::id::NodeName;

/// So many ways into a node are drawn; more are written.
const DRAWN: usize = 3;
/// The widths of letters, by the class of a line: as wide as those of the widest usual type.
const WIDTHS: [(&str, f64); 3] = [("k", 6.6), ("n", 8.9), ("w", 6.7)];
const LINE: f64 = 17.0;
const PAD: f64 = 12.0;
const MARGIN: f64 = 24.0;
const BETWEEN: f64 = 54.0;
/// No line of a box has more letters.
const LETTERS: usize = 44;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#14202b}\
.k{font-size:11px;fill:#3d4c5a}.n{font-weight:600}.w{font-size:12px}\
.c{font-size:12px;paint-order:stroke;stroke:#fff;stroke-width:4px}\
path{fill:none;stroke:#4a5a68;stroke-width:1.4}rect{stroke-width:1.4}";

/// A box: its node, and its lines.
struct Card<'f> {
    name: &'f NodeName,
    node: &'f Node,
    lines: Vec<(&'static str, String)>,
    width: f64,
    height: f64,
}

/// The flowchart as SVG 1.1 with a title and a description.
pub fn svg(flow: &Flow) -> String {
    let order = order(flow);
    let place: BTreeMap<&NodeName, usize> =
        order.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    let hubs = hubs(flow, &order);
    let starts = [Some(&flow.start), flow.relay_start.as_ref()].into_iter().flatten();
    let roots = starts.filter_map(|start| place.get(start).copied()).collect();
    let mut plan = Plan { gap: 28.0, roots, ..Plan::default() };
    let mut labels: Vec<String> = Vec::new();
    let mut cards: Vec<Card<'_>> = Vec::new();
    for (at, name) in order.iter().enumerate() {
        let Some(node) = flow.nodes.get(*name) else { continue };
        let mut lines = vec![("k", kind(node).to_owned()), ("n", name.to_string())];
        let more = more(node);
        if !more.is_empty() {
            lines.push(("w", cut(&more)));
        }
        for (to, case) in cases(node) {
            match place.get(to) {
                Some(down) if *down > at && !hubs.contains(to) => {
                    plan.arrows.push((at, *down));
                    labels.push(case);
                }
                Some(_) | None => {
                    let case = if case.is_empty() { String::new() } else { format!("{case} ") };
                    lines.push(("w", cut(&format!("{case}→ {to}"))));
                }
            }
        }
        let width = lines.iter().map(|(class, line)| line_width(class, line)).fold(0.0, f64::max);
        let width = width + 2.0 * PAD;
        plan.widths.push(width);
        let height = lines.len() as f64 * LINE + PAD;
        cards.push(Card { name, node, lines, width, height });
    }
    draw(flow, &cards, &plan, &lay_out(&plan), &labels)
}

fn line_width(class: &str, line: &str) -> f64 {
    let letter = WIDTHS.iter().find(|(known, _)| *known == class).map_or(7.0, |(_, width)| *width);
    line.chars().count() as f64 * letter
}

/// The nodes such that most ways lead to a later one: the reverse of the order in which a walk through
/// all ways leaves them. Ways back to an earlier one close a circle.
fn order(flow: &Flow) -> Vec<&NodeName> {
    let mut left = Vec::new();
    let mut seen = BTreeSet::new();
    let starts = [Some(&flow.start), flow.relay_start.as_ref(), flow.adviser.as_ref()];
    for start in starts.into_iter().flatten().chain(flow.nodes.keys()) {
        // A node, and those that it leads to and that are still to be walked.
        let mut walk: Vec<(&NodeName, Vec<&NodeName>)> = Vec::new();
        let enter = |name| flow.nodes.get_key_value(name).map(|(name, node)| (name, targets(node)));
        if seen.insert(start) {
            walk.extend(enter(start));
        }
        while let Some((name, next)) = walk.last_mut() {
            match next.pop() {
                Some(to) if seen.insert(to) => walk.extend(enter(to)),
                Some(_) => {}
                None => {
                    left.push(*name);
                    walk.pop();
                }
            }
        }
    }
    left.reverse();
    left
}

/// Where a node leads, in the order of its ways.
fn targets(node: &Node) -> Vec<&NodeName> {
    node.ways().into_iter().map(|(_, to)| to).collect()
}

/// The nodes that many others lead to.
fn hubs<'f>(flow: &'f Flow, order: &[&'f NodeName]) -> BTreeSet<&'f NodeName> {
    let mut into: BTreeMap<&NodeName, usize> = BTreeMap::new();
    for node in flow.nodes.values() {
        let ways: BTreeSet<&NodeName> = targets(node).into_iter().collect();
        ways.into_iter().for_each(|to| *into.entry(to).or_default() += 1);
    }
    let many = |name: &&&NodeName| into.get(**name).is_some_and(|ways| *ways > DRAWN);
    order.iter().filter(many).copied().collect()
}

/// What a node does, in a word.
fn kind(node: &Node) -> &'static str {
    match node {
        Node::Say(_) => "says",
        Node::Bulletin(_) => "bulletin",
        Node::Menu(_) => "menu",
        Node::Ask(_) => "asks",
        Node::Collect(_) => "collects",
        Node::Hours(_) => "opening hours",
        Node::Set(_) => "remembers",
        Node::If(_) | Node::Choose(_) => "decides",
        Node::Note(_) => "notes",
        Node::Request(_) => "asks a back end",
        Node::Send(_) => "sends",
        Node::Flow(_) => "another flow",
        Node::Return(_) => "goes back",
        Node::Queue(_) => "waits for a person",
        Node::Transfer(_) => "puts through",
        Node::Voicemail(_) => "takes a message",
        Node::Callback(_) => "promises to ring back",
        Node::HangUp(_) => "hangs up",
    }
}

/// Fill and line: questions, people, other systems, ends, and all else.
fn colours(node: &Node) -> (&'static str, &'static str) {
    match node {
        Node::Menu(_) | Node::Collect(_) | Node::Ask(_) => ("#e6f0fa", "#1d5a96"),
        Node::Queue(_) | Node::Transfer(_) | Node::Voicemail(_) | Node::Callback(_) => {
            ("#e7f4ea", "#256b38")
        }
        Node::Request(_) | Node::Send(_) => ("#f4ecf8", "#6b3a86"),
        Node::HangUp(_) | Node::Return(_) => ("#eceff1", "#37474f"),
        Node::Hours(_) | Node::If(_) | Node::Choose(_) => ("#fdf3dd", "#7a5600"),
        Node::Say(_) | Node::Bulletin(_) | Node::Set(_) | Node::Note(_) | Node::Flow(_) => {
            ("#ffffff", "#4a5a68")
        }
    }
}

fn cut(line: &str) -> String {
    match line.chars().count() > LETTERS {
        true => line.chars().take(LETTERS - 1).chain(['…']).collect(),
        false => line.to_owned(),
    }
}

fn draw(flow: &Flow, cards: &[Card<'_>], plan: &Plan, laid: &Laid, labels: &[String]) -> String {
    let layer = |one: usize| laid.layer.get(one).copied().unwrap_or_default();
    let x = |one: usize| laid.x.get(one).copied().unwrap_or_default() + MARGIN;
    let mut heights: BTreeMap<usize, f64> = BTreeMap::new();
    for (at, card) in cards.iter().enumerate() {
        let height = heights.entry(layer(at)).or_default();
        *height = height.max(card.height);
    }
    // The top of each layer, and its height.
    let mut tops: Vec<(f64, f64)> = Vec::new();
    let mut y = MARGIN;
    for height in heights.values() {
        tops.push((y, *height));
        y += height + BETWEEN;
    }
    let (width, height) = (laid.width + 2.0 * MARGIN, y - BETWEEN + MARGIN);
    let top = |layer: usize| tops.get(layer).copied().unwrap_or_default();
    let (name, start) = (escaped(flow.name.as_str()), escaped(flow.start.as_str()));
    let count = cards.len();
    // Writing to a String cannot fail, here and below.
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"title what\">\n\
         <title id=\"title\">The flow {name}</title>\n\
         <desc id=\"what\">A call begins at {start}. {count} nodes, from the top down: {}</desc>\n\
         <style>{STYLE}</style>\n\
         <defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" style=\"fill:#4a5a68;stroke:none\"/>\
         </marker></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        escaped(&told(flow, cards))
    );
    for (((from, to), bends), label) in plan.arrows.iter().zip(&laid.bends).zip(labels) {
        // First below the highest box of the layer, so that none is crossed.
        let (from_top, high) = top(layer(*from));
        let from_y = from_top + high;
        let card = from_top + cards.get(*from).map_or(0.0, |card| card.height);
        let mut path = format!("M{:.1} {card:.1}V{from_y:.1}", x(*from));
        let mut last = (x(*from), from_y);
        let mut first = None;
        let many = |ends: &dyn Fn(&(usize, usize)) -> bool| {
            plan.arrows.iter().filter(|arrow| ends(arrow)).count()
        };
        let spreads = many(&|(other, _)| other == from) >= many(&|(_, other)| other == to);
        let passed = bends.iter().zip(layer(*from) + 1..);
        let passed = passed.map(|(bend, layer)| (bend + MARGIN, top(layer)));
        let end = (x(*to), (top(layer(*to)).0 - 1.0, 0.0));
        for (next, (y, through)) in passed.chain([end]) {
            let half = (y - last.1) / 2.0;
            let (a, b) = (last.1 + half, y - half);
            let _ = write!(path, "C{:.1} {a:.1} {next:.1} {b:.1} {next:.1} {y:.1}", last.0);
            // Near the end that it shares with fewer others.
            let (along, down) = if spreads { (0.84, 0.7) } else { (0.16, 0.3) };
            let label = (last.0 + (next - last.0) * along, last.1 + (y - last.1) * down);
            first.get_or_insert(label);
            if through > 0.0 {
                let _ = write!(path, "V{:.1}", y + through);
            }
            last = (next, y + through);
        }
        let _ = writeln!(svg, "<path d=\"{path}\" marker-end=\"url(#end)\"/>");
        if let Some((x, y)) = first.filter(|_| !label.is_empty()) {
            let label = escaped(&cut(label));
            let _ = writeln!(
                svg,
                "<text class=\"c\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{label}</text>"
            );
        }
    }
    for (at, card) in cards.iter().enumerate() {
        let (left, top) = (x(at) - card.width / 2.0, top(layer(at)).0);
        let (fill, line) = colours(card.node);
        let thick = if *card.name == flow.start { ";stroke-width:3" } else { "" };
        let _ = writeln!(
            svg,
            "<g><title>{}</title><rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" \
             height=\"{:.1}\" rx=\"6\" style=\"fill:{fill};stroke:{line}{thick}\"/>",
            escaped(card.name.as_str()),
            card.width,
            card.height
        );
        for (place, (class, words)) in card.lines.iter().enumerate() {
            let (x, y) = (left + PAD, top + LINE * (place as f64 + 1.0));
            let words = escaped(words);
            let _ =
                writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>");
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// Every node and where it leads, for those who do not see the picture.
fn told(flow: &Flow, cards: &[Card<'_>]) -> String {
    let node = |card: &Card<'_>| {
        let ways = flow.nodes.get(card.name).map(cases).unwrap_or_default().into_iter();
        let ways: Vec<String> = ways
            .map(|(to, case)| match case.is_empty() {
                true => format!("to {to}"),
                false => format!("{case} to {to}"),
            })
            .collect();
        match ways.is_empty() {
            true => format!("{} {}.", card.name, kind(card.node)),
            false => format!("{} {}: {}.", card.name, kind(card.node), ways.join("; ")),
        }
    };
    cards.iter().map(node).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::flow::{Known, load_text};

    const TEXT: &str = "\
start: offer
adviser: person
nodes:
  offer: {menu: \"For a, press 1. For b, press 2.\", keys: {1: a, 2: b}, otherwise: person}
  a: {say: A., then: last}
  b: {if: \"today > '2026-01-01'\", then: last, otherwise: person}
  last: {menu: \"For c, press 1. Again, press 2.\", keys: {1: c, 2: offer}, otherwise: person}
  c: {say: C., then: person}
  person: {queue: general, otherwise: end}
  end: {hang_up: completed}
";

    fn picture() -> String {
        let known = Known { queues: vec!["general".into()], ..Known::default() };
        let flow = load_text(&"main".into(), "main.yaml", TEXT, &known).expect("is good");
        super::svg(&flow)
    }

    #[test]
    fn every_node_is_a_box_and_every_way_is_drawn_or_written() {
        let svg = picture();
        assert_eq!(svg.matches("<g>").count(), 7, "{svg}");
        // offer to a and b, a and b to last, last to c, person to end.
        assert_eq!(svg.matches("marker-end").count(), 6, "{svg}");
        // Many lead to a person, and one way goes back.
        assert!(svg.contains(">otherwise → person<"), "{svg}");
        assert!(svg.contains(">2 → offer<"), "{svg}");
        assert!(svg.contains("today &gt; '2026-01-01'") && !svg.contains("today > "), "{svg}");
        assert!(
            svg.contains(
                "person waits for a person: closed, full, waited too long, nobody to end."
            )
        );
    }

    #[test]
    fn the_same_flow_is_the_same_picture_and_is_well_formed() {
        let svg = picture();
        assert_eq!(svg, picture());
        let opened = svg.matches("<text").count();
        assert_eq!(opened, svg.matches("</text>").count());
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
