//! The assistant's intents on the disk, and `switchboard assistant`.

use std::io::{self, BufRead, Write};
use std::path::Path;

use jiff::civil::Date;
use serde::Serialize;

use super::failure::Failure;
use super::flows::{FileError, yaml_files};
use super::installation::Problems;
use crate::assistant::{File, Understanding, Understood};
use crate::flow::Finding;

/// The folder of intents within the folder of flows.
pub const FOLDER: &str = "intents";

/// Reads and checks every `*.yaml` of the folder of intents and learns from them; all findings at once.
pub fn load(folder: &Path) -> Result<Understanding, Vec<Finding>> {
    let (sources, mut findings) = yaml_files(folder);
    if sources.is_empty() && findings.is_empty() {
        findings.push(FileError::NoIntents { path: folder.to_owned() }.into());
    }
    let files: Vec<File<'_>> =
        sources.iter().map(|source| File { shown: &source.shown, text: &source.text }).collect();
    match Understanding::load(&files) {
        Ok(understanding) if findings.is_empty() => Ok(understanding),
        Ok(_) => Err(findings),
        Err(faults) => {
            findings.extend(faults.into_iter().map(Finding::new));
            Err(findings)
        }
    }
}

/// The understanding of an installation whose flows are in `flows`; none if it declares no intents.
pub fn of_flows(flows: &Path) -> Result<Option<Understanding>, Vec<Finding>> {
    let folder = flows.join(FOLDER);
    match folder.try_exists() {
        Ok(false) => Ok(None),
        Ok(true) => load(&folder).map(Some),
        Err(error) => Err(vec![FileError::Unreadable { path: folder, error }.into()]),
    }
}

/// `switchboard assistant understand`: an utterance a line in, what was understood a line out.
pub fn understand(folder: &Path, today: Option<Date>, json: bool) -> Result<(), Failure> {
    let understanding = load(folder).map_err(Problems)?;
    #[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
    let today = today.unwrap_or_else(|| jiff::Zoned::now().date());
    let mut out = io::stdout().lock();
    answer(&understanding, today, json, io::stdin().lock(), &mut out).map_err(Failure::System)
}

fn answer(
    understanding: &Understanding,
    today: Date,
    json: bool,
    utterances: impl BufRead,
    out: &mut impl Write,
) -> io::Result<()> {
    for utterance in utterances.split(b'\n') {
        // A recogniser's bytes may be anything.
        let utterance = String::from_utf8_lossy(&utterance?).into_owned();
        let text = utterance.trim_end_matches('\r');
        let understood = understanding.understand(text, today);
        if json {
            let line = Line { text, understood: &understood };
            serde_json::to_writer(&mut *out, &line)?;
            writeln!(out)?;
        } else {
            show(understanding, text, &understood, out)?;
        }
        out.flush()?;
    }
    Ok(())
}

/// A line of JSON.
#[derive(Serialize)]
struct Line<'l> {
    text: &'l str,
    #[serde(flatten)]
    understood: &'l Understood,
}

/// For people: what was understood, and what else it may have been.
fn show(
    understanding: &Understanding,
    text: &str,
    understood: &Understood,
    out: &mut impl Write,
) -> io::Result<()> {
    let percent = |chance: f32| (chance * 100.0).round();
    writeln!(out, "{text}")?;
    let confidence = percent(understood.confidence);
    match &understood.intent {
        Some(intent) => {
            let says = understanding.says(intent).unwrap_or_default();
            writeln!(out, "  {confidence:>3} %  {intent}: {says}")?;
        }
        None => writeln!(out, "  {confidence:>3} %  none of the intents")?,
    }
    for (name, chance) in &understood.ranked {
        if understood.intent.as_ref() != Some(name) {
            writeln!(out, "  {:>3} %  or {name}", percent(*chance))?;
        }
    }
    for (kind, found) in &understood.slots {
        writeln!(out, "         {} = {}", kind.name(), found.value)?;
    }
    for kind in &understood.urgent {
        let says = understanding.says_urgent(kind).unwrap_or_default();
        writeln!(out, "         URGENT {kind}: {says}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 26);

    fn shipped() -> Understanding {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let understood = of_flows(&root.join("ivr-flows")).unwrap_or_else(|e| panic!("{e:?}"));
        understood.expect("intents are shipped")
    }

    #[test]
    fn a_line_in_is_a_line_of_json_out() {
        let utterances: &[u8] =
            b"my bin wasn't collected on tuesday\norder a pizza\r\n\xff\n\nI can smell gas\n";
        let mut out = Vec::new();
        answer(&shipped(), TODAY, true, utterances, &mut out).expect("writes");
        let lines: Vec<serde_json::Value> = String::from_utf8(out)
            .expect("is text")
            .lines()
            .map(|line| serde_json::from_str(line).expect("is JSON"))
            .collect();
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0]["text"], "my bin wasn't collected on tuesday");
        assert_eq!(lines[0]["intent"], "missed-bin");
        assert!(lines[0]["confidence"].as_f64().is_some_and(|sure| sure > 0.5));
        assert_eq!(lines[0]["slots"], serde_json::json!({"date": "2026-11-24"}));
        assert_eq!(lines[1]["intent"], serde_json::Value::Null);
        assert_eq!(lines[1]["text"], "order a pizza");
        assert_eq!(lines[4]["urgent"], serde_json::json!(["gas-leak"]));
    }

    #[test]
    fn people_read_what_was_understood() {
        let mut out = Vec::new();
        let utterances: &[u8] = b"I want to pay 40 pounds off my rent\n";
        answer(&shipped(), TODAY, false, utterances, &mut out).expect("writes");
        let out = String::from_utf8(out).expect("is text");
        assert!(out.contains("rent-payment: paying rent"), "{out}");
        assert!(out.contains("money = 40.00"), "{out}");
    }

    #[test]
    fn a_folder_without_intents_has_no_understanding_and_a_bad_file_is_a_finding() {
        let folder = tempfile::tempdir().expect("makes a folder");
        assert!(of_flows(folder.path()).is_ok_and(|none| none.is_none()));
        let intents = folder.path().join(FOLDER);
        std::fs::create_dir(&intents).expect("makes a folder");
        let findings = of_flows(folder.path()).expect_err("is refused");
        assert!(findings[0].to_string().ends_with("there are no intents in this folder"));
        std::fs::write(intents.join("waste.yaml"), "intents:\n  bin:\n    says: x\n")
            .expect("writes");
        let findings = of_flows(folder.path()).expect_err("is refused");
        let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(shown[0].ends_with("waste.yaml:2:3: `bin` needs `examples:`"), "{shown:?}");
    }
}
