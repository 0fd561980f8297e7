//! `switchboard simulate`: a day on paper, from files and into files.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::failure::Failure;
use super::installation::Declared;
use crate::sheet::Mistakes;
use crate::sim::day::{
    self, Audience, ModelCall, Report, Rules, RulesError, Shift, WhatIf, WhatIfError,
};
use crate::stats::IntervalRow;
use crate::stats::table;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// `calls.csv`.
    pub calls: PathBuf,
    /// `agents.csv`.
    pub agents: PathBuf,
    /// Whose queues serve the calls; none for the plain rules.
    pub config: Option<PathBuf>,
    /// Where files are written.
    pub out: Option<PathBuf>,
    /// How long phones ring, in milliseconds.
    pub ring_ms: u64,
    /// Opening, in milliseconds of the day.
    pub open_ms: u64,
    /// Closing, in milliseconds of the day.
    pub close_ms: u64,
    /// The date of the first day.
    pub date: Date,
    /// What is to be compared with it.
    pub what_if: Vec<Alternative>,
    /// JSON instead of a table.
    pub json: bool,
}

/// Something to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alternative {
    /// More agents or fewer.
    Agents(WhatIf, String),
    /// The queues of another settings file.
    Config(PathBuf),
    /// Other calls: those that another flow lets through, or another day's.
    Calls(PathBuf),
    /// Another roster.
    Roster(PathBuf),
}

impl std::str::FromStr for Alternative {
    type Err = WhatIfError;

    fn from_str(text: &str) -> Result<Self, WhatIfError> {
        if let Some((what, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) {
            match what {
                "config" => return Ok(Alternative::Config(file.into())),
                "calls" => return Ok(Alternative::Calls(file.into())),
                "agents" => return Ok(Alternative::Roster(file.into())),
                _ => {}
            }
        }
        Ok(Alternative::Agents(text.parse()?, text.to_owned()))
    }
}

impl Alternative {
    fn name(&self) -> String {
        match self {
            Alternative::Agents(_, text) => text.clone(),
            Alternative::Config(file) | Alternative::Calls(file) | Alternative::Roster(file) => {
                shown(file)
            }
        }
    }
}

/// Why a day cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A file is not there.
    #[error("{}: the file cannot be read: {error}\n", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written: {error}\n", file.display())]
    Unwritable {
        /// Which.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A sheet is not right.
    #[error("{0}")]
    Mistakes(#[from] Mistakes),
    /// The rules are not.
    #[error("switchboard simulate: {0}\n")]
    Rules(#[from] RulesError),
    /// The comparison is not.
    #[error("switchboard simulate: {0}\n")]
    WhatIf(#[from] WhatIfError),
}

/// Progress on a terminal.
struct Terminal {
    shown: bool,
    what: String,
}

impl Audience for Terminal {
    fn progress(&mut self, done: usize, of: usize) {
        if self.shown {
            eprint!("\r{}: {done} of {of} calls", self.what);
            if done == of {
                eprintln!();
            }
            let _ = std::io::stderr().flush();
        }
    }
}

/// Simulates, writes, and prints.
pub fn simulate(request: &Request) -> Result<(), Failure> {
    let text = answer(request)?;
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(Failure::System)
}

fn answer(request: &Request) -> Result<String, Failure> {
    let calls = calls(&request.calls)?;
    let shifts = shifts(&request.agents)?;
    let rules = rules(request, request.config.as_deref())?;
    warn(request, &calls, &shifts, &rules)?;
    let first = run(&calls, &shifts, &rules, "as it is")?;
    let mut others = Vec::new();
    for alternative in &request.what_if {
        let name = alternative.name();
        let report = match alternative {
            Alternative::Agents(what_if, _) => {
                let wanted = day::wanted(&calls, &rules).map_err(SimulateError::from)?;
                let shifts = what_if.apply(&shifts, &wanted).map_err(SimulateError::from)?;
                run(&calls, &shifts, &rules, &name)
            }
            Alternative::Config(file) => {
                run(&calls, &shifts, &self::rules(request, Some(file))?, &name)
            }
            Alternative::Calls(file) => run(&self::calls(file)?, &shifts, &rules, &name),
            Alternative::Roster(file) => run(&calls, &self::shifts(file)?, &rules, &name),
        }?;
        others.push((name, report));
    }
    if let Some(dir) = &request.out {
        write(dir, &first)?;
        for (n, (_, report)) in others.iter().enumerate() {
            write(&dir.join(format!("what-if-{}", n + 1)), report)?;
        }
        forget(dir, others.len() + 1);
    }
    Ok(match request.json {
        true => in_json(&first, &others),
        false => in_words(&first, &others, std::io::stdout().is_terminal()),
    })
}

fn calls(file: &Path) -> Result<Vec<ModelCall>, SimulateError> {
    Ok(day::read_calls(&shown(file), &read(file)?)?)
}

fn shifts(file: &Path) -> Result<Vec<Shift>, SimulateError> {
    Ok(day::read_shifts(&shown(file), &read(file)?)?)
}

fn run(
    calls: &[ModelCall],
    shifts: &[Shift],
    rules: &Rules,
    what: &str,
) -> Result<Report, SimulateError> {
    // A day is over before anybody has read it.
    let shown = std::io::stderr().is_terminal() && calls.len() >= 20_000;
    let mut terminal = Terminal { shown, what: what.to_owned() };
    Ok(day::run(calls, shifts, rules, &mut terminal)?)
}

/// Says of calls that nobody could ever answer: they are hardly meant.
fn warn(
    request: &Request,
    calls: &[ModelCall],
    shifts: &[Shift],
    rules: &Rules,
) -> Result<(), SimulateError> {
    for service in day::unserved(calls, shifts, rules)? {
        let of_it: Vec<&ModelCall> = calls.iter().filter(|call| call.service == service).collect();
        let Some(first) = of_it.first() else { continue };
        eprintln!(
            "warning: {}: nobody in {} can serve `{service}`, which {} of the calls are for, `{}` \
             first: a service is a skill, and skills are separated by | (waste|housing)",
            shown(&request.calls),
            shown(&request.agents),
            of_it.len(),
            first.id,
        );
    }
    Ok(())
}

fn rules(request: &Request, config: Option<&Path>) -> Result<Rules, Failure> {
    let &Request { open_ms, close_ms, ring_ms, date, .. } = request;
    let plain = Rules { open_ms, close_ms, ring_ms, date, ..Rules::default() };
    let Some(config) = config else { return Ok(plain) };
    let Declared { settings, .. } = Declared::read(config, None)?;
    Ok(Rules {
        time_zone: settings.time_zone,
        organisation: settings.organisation,
        queues: Some(settings.queues),
        turns: settings.turns,
        ..plain
    })
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

fn read(file: &Path) -> Result<Vec<u8>, SimulateError> {
    std::fs::read(file).map_err(|error| SimulateError::Unreadable { file: file.to_owned(), error })
}

fn write(dir: &Path, report: &Report) -> Result<(), SimulateError> {
    let put = |file: &Path, bytes: &[u8]| {
        std::fs::write(file, bytes)
            .map_err(|error| SimulateError::Unwritable { file: file.to_owned(), error })
    };
    std::fs::create_dir_all(dir)
        .map_err(|error| SimulateError::Unwritable { file: dir.to_owned(), error })?;
    put(&dir.join("calls_out.csv"), &report.calls_out())?;
    put(&dir.join("intervals.csv"), &report.intervals_csv())?;
    let summary = serde_json::to_string_pretty(&report.summary()).unwrap_or_default() + "\n";
    put(&dir.join("summary.json"), summary.as_bytes())
}

/// Removes what a run with more comparisons has left.
fn forget(dir: &Path, from: usize) {
    let old = (from..).map(|n| dir.join(format!("what-if-{n}")));
    for old in old.take_while(|old| old.is_dir()) {
        for name in ["calls_out.csv", "intervals.csv", "summary.json"] {
            let _ = std::fs::remove_file(old.join(name));
        }
        // A folder that has something else in it stays.
        let _ = std::fs::remove_dir(old);
    }
}

fn in_json(first: &Report, others: &[(String, Report)]) -> String {
    let one = |what: &str, report: &Report| {
        serde_json::json!({
            "what": what,
            "summary": report.summary(),
            "intervals": report.intervals,
        })
    };
    let mut lines = format!("{}\n", one("as it is", first));
    for (name, report) in others {
        let _ = writeln!(lines, "{}", one(name, report));
    }
    lines
}

/// On a terminal the columns that fit; every column for programs and files.
fn in_words(first: &Report, others: &[(String, Report)], terminal: bool) -> String {
    let mut text = match terminal {
        true => table::intervals(&first.intervals),
        false => table::whole(&first.intervals),
    };
    text.push('\n');
    let mut columns = vec![("as it is", first)];
    columns.extend(others.iter().map(|(name, report)| (name.as_str(), report)));
    text.push_str(&side_by_side(&columns));
    if !others.is_empty() {
        text.push('\n');
        text.push_str(&by_half_hour(&columns));
    }
    text
}

fn figure(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.1}"))
}

fn per_cent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// The whole of each, a column each.
fn side_by_side(columns: &[(&str, &Report)]) -> String {
    let width = columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(9) + 2;
    let mut text = String::new();
    let mut line = |what: &str, of: &dyn Fn(&Report) -> String| {
        let _ = write!(text, "{what:<28}");
        for (_, report) in columns {
            let _ = write!(text, "{:>width$}", of(report));
        }
        text.push('\n');
    };
    line("offered", &|report| report.figures.offered.to_string());
    line("answered", &|report| report.figures.answered.to_string());
    line("answered_within_standard", &|report| report.figures.answered_within_standard.to_string());
    line("abandoned", &|report| report.figures.abandoned.to_string());
    line("short_abandons", &|report| report.figures.short_abandons.to_string());
    line("asa_s", &|report| figure(report.figures.asa_s));
    line("longest_wait_s", &|report| figure(report.figures.longest_wait_s));
    line("max_queue_length", &|report| report.max_queue_length.to_string());
    line("answered_within_of_offered", &|r| per_cent(r.figures.answered_within_of_offered));
    line("answered_within_of_answered", &|r| per_cent(r.figures.answered_within_of_answered));
    line("excluding_short_abandons", &|r| per_cent(r.figures.excluding_short_abandons));
    line("excluding_abandons_within", &|r| per_cent(r.figures.excluding_abandons_within));
    if columns.len() == 1 {
        return text;
    }
    let names = columns.iter().map(|(name, _)| format!("{name:>width$}"));
    format!("{:<28}{}\n{text}", "", names.collect::<String>())
}

/// The headline and the average wait of each half hour, two columns for each.
fn by_half_hour(columns: &[(&str, &Report)]) -> String {
    let width = columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(20) + 2;
    let of_all = |report: &Report| -> Vec<IntervalRow> {
        report.intervals.iter().filter(|row| row.queue.is_none()).cloned().collect()
    };
    let rows: Vec<Vec<IntervalRow>> = columns.iter().map(|(_, report)| of_all(report)).collect();
    let starts = rows.iter().flatten().filter(|row| row.offered > 0);
    let starts: std::collections::BTreeMap<_, _> =
        starts.map(|row| (row.start, (row.interval_start.clone(), row.offered))).collect();
    let mut text = format!("{:<27}{:>8}", "within standard, asa_s", "offered");
    for (name, _) in columns {
        let _ = write!(text, "{name:>width$}");
    }
    text.push('\n');
    for (start, (shown, offered)) in starts {
        let _ = write!(text, "{shown:<27}{offered:>8}");
        for rows in &rows {
            let row = rows.iter().find(|row| row.start == start);
            let within = per_cent(row.and_then(|row| row.answered_within_of_offered));
            let cell = format!("{within:>9}{:>9}", figure(row.and_then(|row| row.asa_s)));
            let _ = write!(text, "{cell:>width$}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLS: &str = "call_id,arrive_ms,caller,service,priority,kind,ivr_ms,patience_ms,talk_ms,wrap_ms\n\
        1,36000000,07700 900001,waste,1,call,10000,60000,120000,30000\n\
        2,36001000,07700 900002,waste,1,call,10000,120000,60000,0\n\
        3,36002000,07700 900003,waste,1,ivr_abandon,5000,,,\n\
        4,36003000,07700 900004,waste,0,call,10000,1000,60000,0\n\
        5,1000,07700 900005,waste,0,call,10000,1000,60000,0\n";
    const AGENTS: &str = "agent_id,skills,login_ms,logout_ms,breaks\n\
        amy,waste|parks,32400000,62100000,43200000+1800000\n";

    fn request(dir: &Path) -> Request {
        std::fs::write(dir.join("calls.csv"), CALLS).expect("written");
        std::fs::write(dir.join("agents.csv"), AGENTS).expect("written");
        let rules = Rules::default();
        Request {
            calls: dir.join("calls.csv"),
            agents: dir.join("agents.csv"),
            config: None,
            out: Some(dir.join("out")),
            ring_ms: 0,
            open_ms: rules.open_ms,
            close_ms: rules.close_ms,
            date: rules.date,
            what_if: vec!["agents+1@09:00-17:15".parse().expect("understood")],
            json: true,
        }
    }

    #[test]
    fn files_have_the_names_and_columns_that_are_fixed() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = answer(&request(dir.path())).expect("simulated");
        assert_eq!(text.lines().count(), 2, "a line for each");
        let read = |name: &str| {
            std::fs::read_to_string(dir.path().join("out").join(name)).expect("written")
        };
        assert_eq!(
            read("calls_out.csv"),
            "call_id,outcome,wait_ms,agent_id\n1,answered,0,amy\n2,abandoned,120000,\n\
             3,ivr_abandon,,\n4,abandoned,1000,\n5,closed,,\n"
        );
        assert!(read("what-if-1/calls_out.csv").contains("2,answered,0,extra-1"));
        let summary: serde_json::Value = serde_json::from_str(&read("summary.json")).expect("JSON");
        let expected = serde_json::json!({
            "offered": 3, "answered": 1, "abandoned": 2, "short_abandons": 1,
            "answered_within_standard": 1, "asa_s": 0.0, "longest_wait_s": 0.0,
            "max_queue_length": 2, "answered_within_of_offered": 1.0 / 3.0,
            "answered_within_of_answered": 1.0, "excluding_short_abandons": 0.5,
            "excluding_abandons_within": 0.5,
        });
        assert_eq!(summary, expected);
        let intervals = read("intervals.csv");
        assert_eq!(intervals.lines().next(), Some(table::COLUMNS.join(",").as_str()));
        assert!(
            intervals.contains("\n2026-01-05T10:00:00+00:00,waste,3,1,1,2,1,0,0,0,0,0,0,0,0,0.333"),
            "{intervals}"
        );
    }

    #[test]
    fn other_calls_and_another_roster_are_compared_with() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut request = request(dir.path());
        // A shorter menu: the second caller waits for the first one's work all the same.
        let (calls, agents) = (dir.path().join("short.csv"), dir.path().join("two.csv"));
        std::fs::write(&calls, CALLS.replace(",10000,", ",2000,")).expect("written");
        std::fs::write(&agents, format!("{AGENTS}ben,waste,32400000,62100000,\n"))
            .expect("written");
        let what_if =
            [format!("calls={}", calls.display()), format!("agents={}", agents.display())];
        request.what_if = what_if.iter().map(|text| text.parse().expect("understood")).collect();
        request.json = false;
        let text = answer(&request).expect("simulated");
        assert!(text.contains("short.csv") && text.contains("two.csv"), "{text}");
        let out = |what: &str| {
            let file = dir.path().join("out").join(what).join("calls_out.csv");
            std::fs::read_to_string(file).expect("written")
        };
        assert!(out("what-if-1").contains("1,answered,0,amy\n2,abandoned,120000,\n"));
        assert!(out("what-if-2").contains("1,answered,0,amy\n2,answered,0,ben\n"));
        request.what_if = vec!["calls=nowhere.csv".parse().expect("understood")];
        let error = answer(&request).expect_err("is not there").to_string();
        assert!(error.starts_with("nowhere.csv: the file cannot be read"), "{error}");
        let wrong = "agents=".parse::<Alternative>().expect_err("says nothing");
        assert!(wrong.to_string().ends_with("calls=FILE or agents=FILE"), "{wrong}");
    }

    #[test]
    fn what_is_printed_compares_side_by_side() {
        let dir = tempfile::tempdir().expect("a folder");
        let request = request(dir.path());
        let calls = day::read_calls("calls.csv", CALLS.as_bytes()).expect("right");
        let shifts = day::read_shifts("agents.csv", AGENTS.as_bytes()).expect("right");
        let rules = rules(&request, None).expect("right");
        let report = run(&calls, &shifts, &rules, "").expect("simulated");
        let text = in_words(&report, &[("other".to_owned(), report.clone())], false);
        assert!(text.starts_with("interval_start"), "{text}");
        assert!(text.contains("\nanswered                              1          1\n"), "{text}");
        assert!(text.contains("within standard, asa_s"), "{text}");
    }

    #[test]
    fn mistakes_in_both_sheets_are_told_with_their_place() {
        let wrong = CALLS.replace("07700 900002,waste,1,call", "07700 900002,,1,call");
        let wrong = wrong.replace("4,36003000", "1,36003000").replace("ivr_abandon", "IVR abandon");
        let mistakes = day::read_calls("calls.csv", wrong.as_bytes()).expect_err("mistakes");
        assert_eq!(
            mistakes.to_string(),
            "calls.csv:3:25: `service` is blank\n\
             calls.csv:4:33: no kind of call is called `IVR abandon`: did you mean `ivr_abandon`?\n\
             calls.csv:5:1: `1` is in `call_id` of line 2 already: each row needs one of its own\n"
        );
        for (from, to, told) in [
            ("waste|parks", "|", "agents.csv:2:5: the agent has no skill"),
            ("62100000", "32400000", "agents.csv:2:26: the shift ends at 32400000 and begins at"),
            ("+1800000", "-1800000", "agents.csv:2:35: `43200000-1800000` is not a break"),
            ("32400000,", "9:00,", "agents.csv:2:17: `9:00` in `login_ms` is not a whole number"),
        ] {
            let wrong = AGENTS.replace(from, to);
            let mistakes = day::read_shifts("agents.csv", wrong.as_bytes()).expect_err("mistakes");
            assert!(mistakes.to_string().starts_with(told), "{mistakes}");
        }
    }
}
