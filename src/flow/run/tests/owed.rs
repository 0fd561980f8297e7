//! Whatever comes at whatever time: a run waits for exactly one thing, or is over.

use super::*;
use crate::backend::Failed;
use crate::call::command::Heard;

/// What a call owes to its controller: the commands that will be answered.
#[derive(Default)]
struct Owed {
    playing: bool,
    timer: bool,
    hours: bool,
    queue: bool,
    message: bool,
    bulletin: bool,
    answer: bool,
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
                Command::Said(_) | Command::HandOver { .. } => {}
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
                Command::PlayMusic => assert!(self.answer),
                Command::Request(_) => self.answer = true,
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
                Command::Queue { at_closing, .. } => {
                    assert!(matches!(at_closing, AtClosing::Serve | AtClosing::Tell));
                    assert!(!self.playing && !self.timer, "nothing plays beside the music");
                    assert!(!self.listening, "advisers listen");
                    self.queue = true;
                }
                Command::TakeMessage { .. } => {
                    assert!(!self.playing && !self.timer, "the caller hears the tone alone");
                    self.message = true;
                }
                Command::EndMessage => assert!(self.message),
                Command::HangUp { .. } => {
                    assert!(!self.playing && !self.timer, "all was said before");
                    assert!(!self.listening, "nobody is left who could be heard");
                    self.over = true;
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
        which in 0..3,
        all in proptest::collection::vec(notices(), 0..120),
    ) {
        let mut run = match which {
            0 => Walk::new().0,
            1 => business::walk().0,
            _ => spoken::walk().0,
        };
        let mut owed = Owed::default();
        let mut started = false;
        for notice in all {
            // Only what the call could say at this moment: answers to what was asked, and keys.
            let may_come = match notice {
                Notice::Started => !std::mem::replace(&mut started, true),
                Notice::Played => std::mem::take(&mut owed.playing),
                Notice::TimerDone => std::mem::take(&mut owed.timer),
                Notice::Hours { .. } => std::mem::take(&mut owed.hours),
                Notice::QueueLeft(_) | Notice::CameBack => std::mem::take(&mut owed.queue),
                Notice::MessageEnded { .. } => std::mem::take(&mut owed.message),
                Notice::Bulletin { .. } => std::mem::take(&mut owed.bulletin),
                Notice::Answered(_) => std::mem::take(&mut owed.answer),
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
                let waits = [playing, owed.timer, owed.hours, owed.queue, owed.message];
                let waits = waits.into_iter().chain([owed.bulletin, owed.answer]);
                let waits = waits.chain([owed.speaking, owed.over, !started]);
                prop_assert_eq!(waits.filter(|waits| *waits).count(), 1);
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
            } else if std::mem::take(&mut owed.timer) {
                Notice::TimerDone
            } else if std::mem::take(&mut owed.hours) {
                Notice::Hours { open: true }
            } else if std::mem::take(&mut owed.bulletin) {
                Notice::Bulletin { on: true }
            } else if std::mem::take(&mut owed.answer) {
                Notice::Answered(Err(Failed::TimedOut))
            } else if std::mem::take(&mut owed.message) {
                Notice::MessageEnded { kept: false }
            } else {
                owed.queue = false;
                Notice::QueueLeft(QueueReturn::Full)
            };
            owed.note(&run.handle(next));
        }
    }

    #[test]
    fn no_notice_at_any_time_can_make_a_run_panic(all in proptest::collection::vec(notices(), 0..200)) {
        for mut run in [Walk::new().0, business::walk().0, spoken::walk().0] {
            for notice in &all {
                prop_assert!(run.handle(notice.clone()).len() < 80);
            }
        }
    }
}
