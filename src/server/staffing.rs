//! `switchboard staffing`: how many agents a demand needs, and what so many make of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::failure::Failure;
use crate::sheet::{Mistake, Mistakes, Sheet, Wrong};
use crate::stats::erlang::{self, Demand, ErlangError, Outlook};

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// What so many agents make of a demand.
    Outlook {
        /// The demand.
        demand: Demand,
        /// How many.
        agents: u32,
    },
    /// How many agents it takes.
    Agents {
        /// The demand.
        demand: Demand,
        /// The share that is to be answered within the target.
        service_level: f64,
        /// The share of their time for which agents are paid and not there: leave, training, breaks.
        shrinkage: f64,
    },
    /// How many agents each interval of a forecast takes.
    Forecast {
        /// The file: `interval_start`, `calls` and, where it differs, `aht_s`.
        file: PathBuf,
        /// What is the same in every interval.
        demand: Demand,
        /// The share that is to be answered within the target.
        service_level: f64,
        /// As above.
        shrinkage: f64,
    },
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum StaffingError {
    /// The numbers.
    #[error("switchboard staffing: {0}\n")]
    Erlang(#[from] ErlangError),
    /// A share of time that is none.
    #[error("switchboard staffing: the shrinkage is {0}: it must be 0 or more and less than 1\n")]
    Shrinkage(f64),
    /// The forecast is not there.
    #[error("{}: the file cannot be read: {error}\n", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The forecast is not right.
    #[error("{0}")]
    Mistakes(#[from] Mistakes),
}

/// The machine's answer. The names are fixed.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aht_s: Option<f64>,
    /// Only where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    agents: Option<u32>,
    /// Agents to be rostered so that those are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    rostered: Option<u32>,
    p_wait: f64,
    asa_s: Option<f64>,
    service_level: f64,
    occupancy: f64,
    abandoned: f64,
}

impl From<Outlook> for Answer {
    fn from(outlook: Outlook) -> Self {
        let Outlook { p_wait, asa_s, service_level, occupancy, abandoned } = outlook;
        Answer {
            interval_start: None,
            calls: None,
            aht_s: None,
            agents: None,
            rostered: None,
            p_wait,
            asa_s,
            service_level,
            occupancy,
            abandoned,
        }
    }
}

/// Answers on stdout: a table, or a line of JSON for each answer.
pub fn staffing(question: &Question, json: bool) -> Result<(), Failure> {
    let text = answer(question, json)?;
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::System)
}

fn answer(question: &Question, json: bool) -> Result<String, StaffingError> {
    let answers = match question {
        Question::Outlook { demand, agents } => {
            vec![Answer::from(erlang::outlook(demand, *agents)?)]
        }
        Question::Agents { demand, service_level, shrinkage } => {
            let roster = Roster::new(*shrinkage)?;
            let agents = erlang::agents_for(demand, *service_level)?;
            let outlook = Answer::from(erlang::outlook(demand, agents)?);
            vec![Answer { agents: Some(agents), rostered: roster.of(agents), ..outlook }]
        }
        Question::Forecast { file, demand, service_level, shrinkage } => {
            forecast(file, demand, *service_level, *shrinkage)?
        }
    };
    if json {
        let lines = answers.iter().filter_map(|answer| serde_json::to_string(answer).ok());
        return Ok(lines.map(|line| line + "\n").collect());
    }
    Ok(match question {
        Question::Outlook { demand, agents } => in_words(demand, *agents, &answers),
        Question::Agents { demand, .. } => {
            in_words(demand, answers.first().and_then(|one| one.agents).unwrap_or(0), &answers)
        }
        Question::Forecast { .. } => table(&answers),
    })
}

fn forecast(
    file: &Path,
    demand: &Demand,
    service_level: f64,
    shrinkage: f64,
) -> Result<Vec<Answer>, StaffingError> {
    let roster = Roster::new(shrinkage)?;
    let bytes = std::fs::read(file)
        .map_err(|error| StaffingError::Unreadable { file: file.to_owned(), error })?;
    let volumes = volumes(&file.display().to_string(), &bytes)?;
    let answer = |(interval_start, calls, aht_s): (String, f64, Option<f64>)| {
        let demand = Demand { calls, aht_s: aht_s.unwrap_or(demand.aht_s), ..*demand };
        let agents = erlang::agents_for(&demand, service_level)?;
        let outlook = Answer::from(erlang::outlook(&demand, agents)?);
        let agents = if calls > 0.0 { agents } else { 0 };
        Ok(Answer {
            interval_start: Some(interval_start),
            calls: Some(calls),
            aht_s: Some(demand.aht_s),
            agents: Some(agents),
            rostered: roster.of(agents),
            ..outlook
        })
    };
    volumes.into_iter().map(answer).collect()
}

/// How many are rostered so that some are there.
#[derive(Debug, Clone, Copy)]
struct Roster {
    shrinkage: f64,
}

impl Roster {
    fn new(shrinkage: f64) -> Result<Roster, StaffingError> {
        match (0.0..1.0).contains(&shrinkage) {
            true => Ok(Roster { shrinkage }),
            false => Err(StaffingError::Shrinkage(shrinkage)),
        }
    }

    /// None if everybody is always there.
    fn of(self, agents: u32) -> Option<u32> {
        // A whole number that arithmetic has made a little more is not one more.
        let rostered = (f64::from(agents) / (1.0 - self.shrinkage) - 1e-9).ceil();
        (self.shrinkage > 0.0).then_some(rostered as u32)
    }
}

/// Interval, calls, and handle time where the interval has one of its own.
fn volumes(file: &str, bytes: &[u8]) -> Result<Vec<(String, f64, Option<f64>)>, Mistakes> {
    let mut sheet = Sheet::open(file, bytes).map_err(Mistakes::one)?;
    let [start, calls] = sheet.columns(["interval_start", "calls"])?;
    let aht = sheet.column_if_any("aht_s");
    let (mut volumes, mut mistakes) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<String, u64> = BTreeMap::new();
    while let Some(row) = sheet.next_row() {
        let volume = row.and_then(|row| {
            let own = aht.filter(|aht| !row.get(*aht).is_empty());
            let aht_s = own.map(|aht| row.amount(aht)).transpose()?;
            let name = row.text(start)?.to_owned();
            if let Some(line) = known.insert(name.clone(), row.line()) {
                let wrong = Wrong::Twice { column: start.name, id: name, line };
                return Err(row.mistake(start, wrong));
            }
            Ok::<_, Mistake>((name, row.amount(calls)?, aht_s))
        });
        match volume {
            Ok(volume) => volumes.push(volume),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    Mistakes::or(mistakes, volumes)
}

fn per_cent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn asa(asa_s: Option<f64>) -> String {
    asa_s.map_or_else(|| "no bound".to_owned(), |asa_s| format!("{asa_s:.1} s"))
}

fn in_words(demand: &Demand, agents: u32, answers: &[Answer]) -> String {
    let Some(answer) = answers.first() else { return String::new() };
    let Demand { calls, interval_s, aht_s, target_s, patience_s } = demand;
    let formula = match patience_s {
        None => "Erlang C (callers wait for ever)".to_owned(),
        Some(0.0) => "Erlang B (callers do not wait)".to_owned(),
        Some(patience_s) => format!("Erlang A (callers give up after {patience_s} s on average)"),
    };
    let mut text = format!(
        "{calls} calls in {interval_s} s, {aht_s} s each: {:.2} erlang. {formula}.\n\n",
        demand.load()
    );
    let within = format!("answered within {target_s} s");
    for (what, figure) in [
        ("agents", agents.to_string()),
        ("to be rostered", answer.rostered.map_or(String::new(), |it| it.to_string())),
        ("have to wait", per_cent(answer.p_wait)),
        ("average speed of answer", asa(answer.asa_s)),
        (within.as_str(), per_cent(answer.service_level)),
        ("give up", per_cent(answer.abandoned)),
        ("agents are busy", per_cent(answer.occupancy)),
    ] {
        if !figure.is_empty() {
            let _ = writeln!(text, "{what:<28}{figure:>10}");
        }
    }
    if answer.asa_s.is_none() {
        text.push_str("\nThere is more work than agents: the queue only grows.\n");
    }
    text
}

fn table(answers: &[Answer]) -> String {
    let rostered = answers.iter().any(|answer| answer.rostered.is_some());
    let first = |answer: &Answer| answer.interval_start.clone().unwrap_or_default();
    let width = answers.iter().map(|answer| first(answer).len()).max().unwrap_or(0).max(8);
    let mut text = format!(
        "{:<width$}{:>9}{:>8}{:>8}{}{:>9}{:>10}{:>9}{:>9}{:>9}\n",
        "interval",
        "calls",
        "aht_s",
        "agents",
        if rostered { "  rostered" } else { "" },
        "wait",
        "asa",
        "in time",
        "give up",
        "busy",
    );
    for answer in answers {
        let whole = |number: Option<u32>| number.map_or(String::new(), |it| it.to_string());
        let _ = writeln!(
            text,
            "{:<width$}{:>9}{:>8}{:>8}{}{:>9}{:>10}{:>9}{:>9}{:>9}",
            first(answer),
            answer.calls.unwrap_or(0.0),
            answer.aht_s.unwrap_or(0.0),
            whole(answer.agents),
            if rostered { format!("{:>10}", whole(answer.rostered)) } else { String::new() },
            per_cent(answer.p_wait),
            asa(answer.asa_s),
            per_cent(answer.service_level),
            per_cent(answer.abandoned),
            per_cent(answer.occupancy),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMAND: Demand = Demand {
        calls: 100.0,
        interval_s: 1_800.0,
        aht_s: 180.0,
        target_s: 20.0,
        patience_s: None,
    };

    #[test]
    fn the_machines_answer_has_exactly_the_names_that_are_fixed() {
        let text =
            answer(&Question::Outlook { demand: DEMAND, agents: 14 }, true).expect("answers");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let mut names: Vec<_> = value.as_object().expect("an object").keys().collect();
        names.sort();
        assert_eq!(names, ["abandoned", "asa_s", "occupancy", "p_wait", "service_level"]);
        let swamped = answer(&Question::Outlook { demand: DEMAND, agents: 9 }, true);
        assert!(swamped.expect("answers").contains("\"asa_s\":null"));
    }

    #[test]
    fn the_answer_for_people_says_what_was_assumed() {
        let text =
            answer(&Question::Agents { demand: DEMAND, service_level: 0.8, shrinkage: 0.3 }, false);
        let text = text.expect("answers");
        assert!(
            text.starts_with("100 calls in 1800 s, 180 s each: 10.00 erlang. Erlang C"),
            "{text}"
        );
        assert!(text.contains("agents                              14\n"), "{text}");
        assert!(text.contains("to be rostered                      20\n"), "{text}");
        assert!(text.contains("answered within 20 s            88.8 %\n"), "{text}");
    }

    #[test]
    fn a_forecast_gives_the_agents_of_each_half_hour() {
        let bytes = b"interval_start,calls,aht_s\n09:00,100,\n09:30,50,200\n10:00,0,\n";
        assert_eq!(
            volumes("f.csv", bytes).expect("right"),
            [
                ("09:00".to_owned(), 100.0, None),
                ("09:30".to_owned(), 50.0, Some(200.0)),
                ("10:00".to_owned(), 0.0, None)
            ]
        );
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("f.csv");
        std::fs::write(&file, bytes).expect("written");
        let answers = forecast(&file, &DEMAND, 0.8, 0.3).expect("answers");
        let agents: Vec<_> = answers.iter().map(|one| (one.agents, one.rostered)).collect();
        assert_eq!(agents, [(Some(14), Some(20)), (Some(9), Some(13)), (Some(0), Some(0))]);
        assert!(table(&answers).lines().nth(1).expect("a row").starts_with("09:00"));
        assert!(matches!(forecast(&file, &DEMAND, 0.8, 1.0), Err(StaffingError::Shrinkage(_))));
    }

    #[test]
    fn nobody_can_always_be_away() {
        for shrinkage in [1.0, -0.1, f64::NAN] {
            let question = Question::Agents { demand: DEMAND, service_level: 0.8, shrinkage };
            assert!(matches!(answer(&question, true), Err(StaffingError::Shrinkage(_))));
        }
    }

    #[test]
    fn a_forecast_with_a_mistake_is_told_where() {
        let twice = volumes("f.csv", b"interval_start,calls\n09:00,1\n09:00,2\n");
        assert!(twice.expect_err("wrong").to_string().contains("`09:00` is in `interval_start`"));

        let mistakes = volumes("f.csv", b"interval_start,calls\n09:00,many\n").expect_err("wrong");
        assert_eq!(
            mistakes.to_string(),
            "f.csv:2:7: `many` in `calls` is not a number of 0 or more, as in 42 or 42.5\n"
        );
    }
}
