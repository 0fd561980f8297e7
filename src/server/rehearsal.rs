//! `switchboard test-flows` and `switchboard flow try`: flows without a telephone.

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use jiff::civil::{Date, DateTime};
use miette::Report;

use crate::acd::AcdPlan;
use crate::assistant::Understanding;
use crate::call::command::{CallbackAnswer, Question, Utterance};
use crate::config;
use crate::flow::rehearsal::{Conditions, Happening, Stage, Theatre, Waiting, rehearse};
use crate::flow::{self, About, Fault, FlowFile, Known};
use crate::id::CalendarName;
use crate::media::command::Key;

use super::checked_flows;
use super::clock::Clock;
use super::installation::{Declared, Problems};
use super::{assistant, flows};

/// Why flows were not rehearsed, or what their tests have found.
#[derive(Debug)]
pub enum RehearsalError {
    /// Settings or flows are not right.
    Problems(Problems),
    /// Tests have failed.
    Failed(usize),
    /// Ways that no test takes.
    Missed(usize),
    /// There is no such flow.
    NoFlow(String),
    /// The terminal is gone.
    Terminal(io::Error),
}

impl fmt::Display for RehearsalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RehearsalError::Problems(problems) => problems.fmt(f),
            RehearsalError::Failed(1) => f.write_str("1 test has failed"),
            RehearsalError::Failed(count) => write!(f, "{count} tests have failed"),
            RehearsalError::Missed(count) => write!(f, "no test takes {count} of the ways"),
            RehearsalError::NoFlow(name) => write!(f, "switchboard: there is no flow `{name}`"),
            RehearsalError::Terminal(error) => write!(f, "switchboard: {error}"),
        }
    }
}

impl From<io::Error> for RehearsalError {
    fn from(error: io::Error) -> Self {
        RehearsalError::Terminal(error)
    }
}

fn problems(faults: Vec<Fault>) -> RehearsalError {
    RehearsalError::Problems(Problems(faults.into_iter().map(Report::new).collect()))
}

/// Runs the tests of all flows and prints what became of them.
pub fn test_flows(config: &Path, every_way: bool) -> Result<(), RehearsalError> {
    let rehearsed = Rehearsed::read(config).map_err(RehearsalError::Problems)?;
    let open = |calendar: &CalendarName, at: DateTime| rehearsed.is_open(calendar, at);
    let understand = rehearsed.understanding();
    let theatre =
        Theatre::new(&rehearsed.files, &rehearsed.known, &open, &understand).map_err(problems)?;
    let report = rehearse(&rehearsed.files, &theatre).map_err(problems)?;
    let mut out = io::stdout().lock();
    let (good, bad) = match io::stdout().is_terminal() {
        true => ("\u{1b}[32mok\u{1b}[0m    ", "\u{1b}[31mFAILED\u{1b}[0m"),
        false => ("ok    ", "FAILED"),
    };
    let mut failed = 0;
    for outcome in &report.outcomes {
        let mark = if outcome.fault.is_some() { bad } else { good };
        writeln!(out, "{mark} {}: {}", outcome.flow, outcome.name)?;
    }
    for fault in report.outcomes.into_iter().filter_map(|outcome| outcome.fault) {
        failed += 1;
        writeln!(out, "\n{:?}", Report::new(fault))?;
    }
    let coverage = &report.coverage;
    let taken = coverage.ways - coverage.missed.len();
    writeln!(out, "\n{taken} of {} ways from node to node are taken by a test", coverage.ways)?;
    for (flow, from, to) in &coverage.missed {
        writeln!(out, "  not taken: {flow}: {from} -> {to}")?;
    }
    match (failed, coverage.missed.len()) {
        (0, missed) if missed > 0 && every_way => Err(RehearsalError::Missed(missed)),
        (0, _) => Ok(()),
        (failed, _) => Err(RehearsalError::Failed(failed)),
    }
}

/// What rehearsals need of an installation; prompts need not be there.
struct Rehearsed {
    files: Vec<FlowFile>,
    known: Known,
    acd: AcdPlan,
    understanding: Option<Arc<Understanding>>,
}

impl Rehearsed {
    fn read(config: &Path) -> Result<Self, Problems> {
        let Declared { settings, bank_holidays, .. } = Declared::read(config, None)?;
        let (files, findings) = flows::sources(&settings.files.flows);
        if !findings.is_empty() {
            return Err(Problems(findings));
        }
        let acd = config::plan::acd(&settings, &bank_holidays)
            .map_err(|error| Problems(vec![Report::msg(error)]))?;
        let understanding = assistant::of_flows(&settings.files.flows).map_err(Problems)?;
        let known = checked_flows::known(&settings, understanding.as_ref());
        Ok(Rehearsed { files, known, acd, understanding: understanding.map(Arc::new) })
    }

    /// What words mean.
    fn understanding(&self) -> impl Fn(&Question, &str, Date) -> Utterance + use<> {
        let known = self.understanding.clone();
        move |question, text, today| {
            crate::assistant::utterance(known.as_deref(), question, text, true, today)
        }
    }

    /// Without a trunk nobody can be rung back.
    fn conditions(&self) -> Conditions {
        let queues = self.known.queues.iter().filter(|_| self.known.no_trunk);
        let callbacks = queues.map(|queue| (queue.clone(), CallbackAnswer::NotNow)).collect();
        Conditions { callbacks, ..Conditions::default() }
    }

    /// Whether a calendar is open when the council's clocks show this. One that is not there is.
    fn is_open(&self, calendar: &CalendarName, at: DateTime) -> bool {
        let at = at.to_zoned(self.acd.zone.clone());
        let calendar = self.acd.calendars.get(calendar);
        calendar.is_none_or(|calendar| at.is_ok_and(|at| calendar.is_open(&at)))
    }
}

/// Prints a flow as a picture.
pub fn graph(config: &Path, flow: &str, svg: bool) -> Result<(), RehearsalError> {
    let rehearsed = Rehearsed::read(config).map_err(RehearsalError::Problems)?;
    let loaded = flow::load(&rehearsed.files, &rehearsed.known).map_err(problems)?;
    let found = loaded.flows.get(flow);
    let found = found.ok_or_else(|| RehearsalError::NoFlow(flow.to_owned()))?;
    let picture = if svg { flow::svg(found) } else { flow::mermaid(found) };
    write!(io::stdout().lock(), "{picture}")?;
    Ok(())
}

const HELP: &str = "Keys are what you press: `1`, `12345678#`. Other words are what you say. An empty line \
    is a caller who does nothing. `quit` hangs up.";

/// Walks through a flow: what is said is printed, and a line of keys is what the caller presses.
pub fn try_flow(config: &Path, flow: &str, at: Option<DateTime>) -> Result<(), RehearsalError> {
    let rehearsed = Rehearsed::read(config).map_err(RehearsalError::Problems)?;
    let open = |calendar: &CalendarName, at: DateTime| rehearsed.is_open(calendar, at);
    let understand = rehearsed.understanding();
    let theatre =
        Theatre::new(&rehearsed.files, &rehearsed.known, &open, &understand).map_err(problems)?;
    let now = || Clock::start().wall().zoned(&rehearsed.acd.zone).datetime();
    let about = About {
        caller: Some("+447700900123".to_owned()),
        called: "+441708434343".to_owned(),
        relay: false,
        history: Default::default(),
        hears: true,
        now: at.unwrap_or_else(now),
    };
    let stage = Stage::new(&theatre, &flow.into(), about, &[], rehearsed.conditions());
    let mut stage = stage.ok_or_else(|| RehearsalError::NoFlow(flow.to_owned()))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{HELP}\n")?;
    let mut lines = io::stdin().lock().lines();
    loop {
        for happening in stage.take_happened() {
            show(&mut out, &happening)?;
        }
        match stage.waiting() {
            Waiting::Over => return Ok(()),
            Waiting::Caller(patience) => write!(out, "[{} s] > ", patience.as_secs())?,
            Waiting::Message => write!(out, "[speak after the tone] > ")?,
            Waiting::Adviser => {
                writeln!(out, "  An adviser answers from here on.")?;
                return Ok(());
            }
        }
        out.flush()?;
        let Some(line) = lines.next().transpose()? else { return Ok(()) };
        match line.trim() {
            "quit" => return Ok(()),
            "" => stage.stay_silent(),
            keys => match keys.chars().map(Key::from_char).collect::<Option<Vec<_>>>() {
                Some(keys) => keys.into_iter().for_each(|key| stage.press(key)),
                None if stage.listens() => stage.say(keys),
                None => writeln!(out, "Nobody listens now. {HELP}")?,
            },
        }
    }
}

fn show(out: &mut impl Write, happening: &Happening) -> io::Result<()> {
    match happening {
        Happening::Entered(flow, node) => writeln!(out, "  ({flow}/{node})"),
        Happening::Heard(words) => writeln!(out, "{words}"),
        Happening::Queued(queue, skills) => {
            let skills: Vec<String> = skills.iter().map(|skill| skill.to_string()).collect();
            writeln!(out, "  Music. You wait for {queue} [{}].", skills.join(", "))
        }
        Happening::Rated(question, score) => writeln!(out, "  Counted for {question}: {score}"),
        Happening::Noted(label, fact) => writeln!(out, "  The adviser sees {label}: {fact}"),
        Happening::Asked(asked, _) => writeln!(out, "  {asked} (nobody answers here)"),
        Happening::Transferred(to) => writeln!(out, "  You are put through to {to}."),
        Happening::Sent(sent) => {
            let says = |(name, value): (&String, &String)| format!("{name}: {value}");
            let fields: Vec<String> = sent.fields.iter().map(says).collect();
            let fields = fields.join(", ");
            writeln!(out, "  {} is sent to {} [{fields}]", sent.template, sent.to)
        }
        Happening::Message(queue) => writeln!(out, "  Tone. Your message for {queue} is recorded."),
        Happening::Promised(queue, number) => {
            writeln!(out, "  An adviser of {queue} will ring {number}.")
        }
        Happening::Secret(true) => writeln!(out, "  (the recording pauses; nobody sees your keys)"),
        Happening::Secret(false) => writeln!(out, "  (the recording goes on)"),
        Happening::HandedOver(reason) => {
            writeln!(out, "  You are handed over to people: {}.", reason.as_str())
        }
        Happening::Ended(cause) => writeln!(out, "  The call is over: {}.", cause.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_the_shipped_flows_pass_and_take_every_way() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let done = test_flows(&root.join("config/switchboard.toml"), true);
        assert!(done.is_ok(), "run `switchboard test-flows --every-way`: {done:?}");
    }
}
