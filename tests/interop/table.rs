//! The table of what was tried, for a terminal and for the documentation.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::run::Outcome;
use crate::scenario::Scenario;

type Row<'a> = (&'a Scenario, &'a Outcome);

const BEGIN: &str =
    "<!-- table: begin (`make interop-docs` writes what is between these lines) -->";
const END: &str = "<!-- table: end -->";

/// The table for a terminal.
pub fn for_people(rows: &[Row<'_>]) -> String {
    let width = rows.iter().map(|(scenario, _)| scenario.peer.len()).max().unwrap_or(0).max(4);
    let longest = rows.iter().map(|(scenario, _)| scenario.feature.chars().count()).max();
    let longest = longest.unwrap_or(0).max(7);
    let mut text = String::new();
    let mut row = |peer: &str, transport: &str, feature: &str, result: &str| {
        writeln!(text, "{peer:<width$}  {transport:<9}  {feature:<longest$}  {result}")
            .expect("text");
    };
    row("peer", "transport", "feature", "result");
    for (scenario, outcome) in rows {
        let result = if outcome.failure.is_some() { "FAILED" } else { "passed" };
        let result = format!("{result} in {:.1} s", outcome.took.as_secs_f64());
        row(scenario.peer, &scenario.transport.to_string(), &scenario.feature, &result);
    }
    text
}

/// Replaces the table of a page, and the versions of the peers.
pub fn refresh(page: &Path, rows: &[Row<'_>]) {
    let old = std::fs::read_to_string(page).expect("the page");
    let (before, rest) = old.split_once(BEGIN).expect("the page marks where the table begins");
    let (_, after) = rest.split_once(END).expect("the page marks where the table ends");
    let table = for_the_page(rows);
    std::fs::write(page, format!("{before}{BEGIN}\n\n{table}\n{END}{after}")).expect("the page");
}

/// A row for each peer and feature, with the transports over which it passed.
fn for_the_page(rows: &[Row<'_>]) -> String {
    let mut text = String::from("| peer | version |\n| --- | --- |\n");
    for (peer, version) in versions() {
        writeln!(text, "| {peer} | {version} |").expect("text");
    }
    text.push_str("\n| peer | feature | transports |\n| --- | --- | --- |\n");
    let mut features: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for (scenario, _) in rows {
        let known = features
            .iter_mut()
            .find(|(peer, feature, _)| *peer == scenario.peer && *feature == scenario.feature);
        let transport = scenario.transport.to_string();
        match known {
            Some((_, _, transports)) => transports.push(transport),
            None => features.push((scenario.peer, &scenario.feature, vec![transport])),
        }
    }
    for (peer, feature, transports) in features {
        writeln!(text, "| {peer} | {feature} | {} |", transports.join(", ")).expect("text");
    }
    text
}

/// What is on this machine.
fn versions() -> Vec<(&'static str, String)> {
    [
        ("SIPp", "sipp -v"),
        ("baresip", "dpkg-query -W -f '${Version}' baresip-core"),
        ("Kamailio", "kamailio -v"),
        ("stunnel", "stunnel -version"),
        ("OpenSSL", "openssl version"),
        ("Wireshark (tshark)", "tshark --version"),
        ("JsSIP", "grep '\"version\"' tests/interop/webphones/node_modules/jssip/package.json"),
        ("SIP.js", "grep '\"version\"' tests/interop/webphones/node_modules/sip.js/package.json"),
        ("rsip, in the simulated phone", "grep -A1 'name = \"rsip\"' Cargo.lock"),
    ]
    .into_iter()
    .filter_map(|(peer, command)| {
        let said = Command::new("sh").args(["-c", command]).output().ok()?;
        let said = [said.stdout, said.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let number = said
            .split(|c: char| !(c.is_ascii_digit() || c == '.'))
            .find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()))?;
        Some((peer, number.trim_end_matches('.').to_owned()))
    })
    .collect()
}
