//! What a caller's step through the shipped flow costs the control thread: a key, an answer, an utterance.
//!
//! `cargo bench --bench flow`

use std::path::Path;
use std::sync::Arc;

use divan::{Bencher, black_box};
use jiff::civil::date;

use switchboard::assistant::{Understanding, utterance};
use switchboard::call::command::{Command, Heard, Notice, Question};
use switchboard::flow::{About, Flows, Run};
use switchboard::id::FlowName;
use switchboard::media::command::Key;
use switchboard::server::installation::{Installation, Overrides};
use switchboard::server::listeners;

fn main() {
    divan::main();
}

fn shipped() -> (Arc<Flows>, Arc<Understanding>) {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/switchboard.toml");
    let installation = Installation::read(&config, &Overrides::default()).expect("is right");
    let at = installation.settings.sip.addresses();
    let plan = installation.plan(listeners::foreseen(&at)).expect("is right");
    (plan.flows, plan.understanding.expect("has intents"))
}

/// A call that is being asked what it is about.
fn asked(flows: &Arc<Flows>) -> Run {
    let about = About {
        caller: Some("+447700900123".to_owned()),
        called: "+441708434343".to_owned(),
        relay: false,
        history: Default::default(),
        hears: true,
        now: date(2026, 11, 26).at(10, 0, 0, 0),
    };
    let flow = flows.get(&FlowName::from("main")).expect("is shipped").clone();
    let mut run = Run::new(flows.clone(), flow, about);
    let mut notice = Some(Notice::Started);
    while let Some(next) = notice.take() {
        for command in run.handle(next) {
            notice = match command {
                Command::Listen { .. } => return run,
                Command::AskHours { .. } => Some(Notice::Hours { open: true }),
                Command::AskBulletin { .. } => Some(Notice::Bulletin { on: false }),
                Command::Play { .. } => Some(Notice::Played),
                _ => notice,
            };
        }
    }
    panic!("the shipped flow asks what the call is about");
}

#[divan::bench]
fn a_call_begins(bencher: Bencher<'_, '_>) {
    let (flows, _) = shipped();
    bencher.bench_local(|| asked(black_box(&flows)));
}

#[divan::bench]
fn a_key(bencher: Bencher<'_, '_>) {
    let (flows, _) = shipped();
    bencher
        .with_inputs(|| asked(&flows))
        .bench_local_values(|mut run| (run.handle(Notice::Key(Key::ZERO)), run));
}

/// From the words to the commands that answer them: what is understood, and the flow's step.
#[divan::bench]
fn an_utterance(bencher: Bencher<'_, '_>) {
    let (flows, known) = shipped();
    let today = date(2026, 11, 26);
    let question = Question::Business(Vec::new());
    bencher.with_inputs(|| asked(&flows)).bench_local_values(|mut run| {
        let said = black_box("hello my bin wasn't collected on tuesday at fourteen acacia avenue");
        let words = utterance(Some(&known), &question, said, true, today);
        (run.handle(Notice::Heard(Heard::Words(Box::new(words)))), run)
    });
}
