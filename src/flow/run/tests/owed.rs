//! Whatever comes at whatever time: a run waits for exactly one thing, or is over.

use super::*;
use crate::backend::Failed;
use crate::call::command::{CallbackAnswer, Heard};

/// What a call owes to its controller: the commands that will be answered.
#[derive(Default)]
struct Owed {
    playing: bool,
    timer: bool,
    hours: bool,
    queue: bool,
    message: bool,
    /// The queue has yet to say that the caller waits there.
    waiting: bool,
    callback: bool,
    outlook: bool,
    bulletin: bool,
    answer: bool,
    promise: bool,
    connect: bool,
    leads_on: bool,
    talking: bool,
    secret: bool,
    listening: bool,
    speaking: bool,
    over: bool,
}

impl Owed {
    fn note(&mut self, commands: &[Command]) {
        for command in commands {
            assert!(!self.over, "nothing comes after the end: {commands:?}");
            match command {
                Command::Enter { .. } | Command::Chose { .. } | Command::Note { .. } => {}
                Command::Said(_) | Command::Rate { .. } | Command::HandOver { .. } => {}
                Command::Listen { .. } => {
                    assert!(!self.listening && !self.speaking && !self.secret, "one at a time");
                    self.listening = true;
                }
                Command::StopListening => {
                    (self.listening, self.speaking) = (false, false);
                }
                Command::Secret { on } => {
                    assert_ne!(self.secret, *on, "said once");
                    self.secret = *on;
                }
                Command::PlayMusic => assert!(self.answer || self.queue || !self.playing),
                Command::AskOutlook { words } => {
                    assert!(self.queue && (words.position || words.wait), "who waits");
                    self.outlook = true;
                }
                Command::AskCallback { .. } => self.callback = true,
                Command::TakeCallback { .. } => {
                    (self.callback, self.queue, self.waiting) = (true, false, false);
                }
                Command::Request(_) => self.answer = true,
                Command::Connect { .. } => {
                    assert!(!self.playing && !self.timer, "nothing plays beside the music");
                    assert!(!self.listening, "whoever is rung listens");
                    (self.connect, self.queue, self.waiting) = (true, false, false);
                }
                // No longer than the timer that follows.
                Command::Send(_) => self.promise = true,
                Command::AskBulletin { .. } => self.bulletin = true,
                Command::Play { prompts } => {
                    assert!(!prompts.is_empty());
                    self.playing = true;
                }
                Command::StopPlaying => self.playing = false,
                Command::SetTimer { after } => {
                    assert!(*after >= Duration::from_secs(2));
                    self.timer = true;
                }
                Command::CancelTimer => self.timer = false,
                Command::AskHours { .. } => self.hours = true,
                Command::Queue { at_closing, after_call, .. } => {
                    self.leads_on = *after_call;
                    assert!(matches!(at_closing, AtClosing::Serve | AtClosing::Tell));
                    assert!(!self.playing && !self.timer, "nothing plays beside the music");
                    assert!(!self.listening, "advisers listen");
                    (self.queue, self.waiting) = (true, true);
                }
                Command::TakeMessage { .. } => {
                    assert!(!self.playing && !self.timer, "the caller hears the tone alone");
                    (self.message, self.queue, self.waiting) = (true, false, false);
                }
                Command::EndMessage => assert!(self.message),
                Command::HangUp { .. } => {
                    assert!(!self.playing && !self.timer, "all was said before");
                    assert!(!self.listening, "nobody is left who could be heard");
                    (self.over, self.queue) = (true, false);
                }
            }
        }
    }
}

proptest! {
    /// Whatever callers do and whenever it is answered: exactly one thing is waited for, or the run
    /// is over, and a caller who does nothing more comes to the end.
    #[test]
    fn every_run_waits_for_something_or_is_over(
        which in 0..8,
        all in proptest::collection::vec(notices(), 0..120),
    ) {
        let mut run = match which {
            0 => Walk::new().0,
            1 => business::walk().0,
            2 => callback::walk().0,
            3 => sent::walk().0,
            4 => waiting::walk().0,
            5 => transferred::walk().0,
            6 => callback::listened_to().0,
            _ => spoken::walk().0,
        };
        let mut owed = Owed::default();
        let mut started = false;
        for notice in all {
            // Only what the call could say at this moment: answers to what was asked, and keys.
            let may_come = match notice {
                Notice::Started => !std::mem::replace(&mut started, true),
                Notice::Played => std::mem::take(&mut owed.playing),
                Notice::TimerDone => !owed.callback && std::mem::take(&mut owed.timer),
                Notice::Hours { .. } => std::mem::take(&mut owed.hours),
                Notice::Waiting => owed.queue && std::mem::take(&mut owed.waiting),
                Notice::NotConnected(_) => std::mem::take(&mut owed.connect),
                Notice::Outlook(_) => std::mem::take(&mut owed.outlook),
                Notice::Callback(_) => std::mem::take(&mut owed.callback),
                Notice::QueueLeft(_) => {
                    let queued =
                        std::mem::take(&mut owed.queue) || std::mem::take(&mut owed.talking);
                    owed.waiting = false;
                    queued
                }
                // Whoever talks with somebody hears nothing of what was said before.
                Notice::Joined => {
                    let joined = owed.queue || owed.connect;
                    if joined {
                        let leads_on = owed.queue && owed.leads_on;
                        let (over, secret) = (owed.over, owed.secret);
                        owed = Owed { over, secret, leads_on, talking: true, ..Owed::default() };
                    }
                    joined
                }
                Notice::CallOver => owed.leads_on && std::mem::take(&mut owed.talking),
                Notice::CameBack => std::mem::take(&mut owed.talking),
                Notice::MessageEnded { .. } => std::mem::take(&mut owed.message),
                Notice::Bulletin { .. } => std::mem::take(&mut owed.bulletin),
                Notice::Answered(_) => std::mem::take(&mut owed.answer),
                Notice::Promised { .. } => std::mem::take(&mut owed.promise),
                Notice::Heard(Heard::Began) => {
                    owed.listening && !std::mem::replace(&mut owed.speaking, true)
                }
                Notice::Heard(Heard::Silence) => {
                    !owed.speaking && std::mem::take(&mut owed.listening)
                }
                Notice::Heard(_) => {
                    owed.speaking = false;
                    std::mem::take(&mut owed.listening)
                }
                Notice::Key(_) => !owed.secret,
                Notice::SecretKey(_) => owed.secret,
            };
            if may_come {
                owed.note(&run.handle(notice));
                // While a back end is asked, words are said besides.
                let playing = owed.playing && !owed.answer;
                // And while the journal is asked, time passes.
                let timer = owed.timer && !owed.callback;
                let waits = [playing, timer, owed.hours, owed.callback, owed.message];
                let waits = waits.into_iter().chain([owed.bulletin, owed.answer, owed.connect]);
                // Whoever waits is asked something by the way.
                let speaking = owed.speaking && !owed.queue;
                let waits = waits.chain([speaking, owed.talking, owed.over, !started]);
                let waits = waits.filter(|waits| *waits).count();
                // Whoever has a place in a queue may be told and asked something besides.
                prop_assert!(waits == 1 || waits == 0 && owed.queue, "{waits}");
            }
        }
        if !started {
            owed.note(&run.handle(Notice::Started));
        }
        let mut steps = 0;
        while !owed.over {
            steps += 1;
            prop_assert!(steps < 60, "a silent caller comes to an end");
            let next = if std::mem::take(&mut owed.speaking) {
                owed.listening = false;
                Notice::Heard(Heard::NoMatch)
            } else if std::mem::take(&mut owed.playing) {
                Notice::Played
            } else if std::mem::take(&mut owed.callback) {
                owed.timer = false;
                Notice::Callback(CallbackAnswer::NotNow)
            } else if !owed.queue && std::mem::take(&mut owed.timer) {
                Notice::TimerDone
            } else if std::mem::take(&mut owed.hours) {
                Notice::Hours { open: true }
            } else if std::mem::take(&mut owed.bulletin) {
                Notice::Bulletin { on: true }
            } else if std::mem::take(&mut owed.answer) {
                Notice::Answered(Err(Failed::TimedOut))
            } else if std::mem::take(&mut owed.talking) {
                Notice::CameBack
            } else if std::mem::take(&mut owed.connect) {
                Notice::NotConnected(TransferOutcome::Rejected)
            } else if std::mem::take(&mut owed.message) {
                Notice::MessageEnded { kept: false }
            } else {
                (owed.queue, owed.waiting) = (false, false);
                Notice::QueueLeft(QueueReturn::Full)
            };
            owed.note(&run.handle(next));
        }
    }

    #[test]
    fn no_notice_at_any_time_can_make_a_run_panic(all in proptest::collection::vec(notices(), 0..200)) {
        for mut run in [
            Walk::new().0,
            business::walk().0,
            callback::walk().0,
            sent::walk().0,
            waiting::walk().0,
            transferred::walk().0,
            callback::listened_to().0,
            spoken::walk().0,
        ] {
            for notice in &all {
                prop_assert!(run.handle(notice.clone()).len() < 80);
            }
        }
    }
}
