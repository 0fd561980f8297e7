//! Reliable provisional responses (RFC 3262): the sender's machine, one response at a time, and the
//! receiver's order.
//!
//! ```text
//! Quiet --provisional--> Waiting --PRACK--> Quiet
//!   |                       |  `--64*T1--> Over (504)
//!   `--answer--> Over       `--answer--> (waits for the PRACK if SDP is under way) --> Over
//! ```

use std::time::Duration;

use crate::sip::transaction::timers::{GIVE_UP, T1};

/// Where the sender stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing waits for its PRACK.
    Quiet,
    /// A response waits for its PRACK.
    Waiting {
        /// Whether it carries SDP: no 2xx may be sent before its PRACK (section 3).
        sdp: bool,
    },
    /// The INVITE has its final response. A response that was not acknowledged may still be.
    Answered {
        /// Whether there is one.
        waiting: bool,
    },
    /// Given up.
    Over,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Our user has a provisional response.
    Provisional {
        /// Whether it carries SDP.
        sdp: bool,
    },
    /// Our user has the 2xx.
    Answer,
    /// A PRACK came.
    Prack {
        /// Whether it names the response that waits.
        matches: bool,
    },
    /// The response is to be sent again.
    Repeat,
    /// 64*T1 are over.
    GiveUp,
}

/// What it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send the response, and again after so long.
    Send(Duration),
    /// Start the time after which we give up.
    StartGiveUp(Duration),
    /// Stop both timers.
    Stop,
    /// Keep what our user has until the PRACK comes.
    Keep,
    /// Send what was kept, if anything was.
    Next,
    /// Send the 2xx.
    Answer,
    /// Take the PRACK.
    Accept,
    /// Answer the PRACK with 481.
    Refuse,
    /// Refuse the INVITE with 504.
    Fail,
}

/// The sender's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    state: State,
    gap: Duration,
}

impl Default for Sender {
    fn default() -> Self {
        Sender { state: State::Quiet, gap: T1 }
    }
}

impl Sender {
    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes an input; what has no arrow changes nothing.
    pub fn on(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match (self.state, input) {
            (State::Quiet, Input::Provisional { sdp }) => {
                self.gap = T1;
                out.extend([Action::Send(T1), Action::StartGiveUp(GIVE_UP)]);
                State::Waiting { sdp }
            }
            (State::Quiet, Input::Answer) => {
                out.push(Action::Answer);
                State::Answered { waiting: false }
            }

            (waiting @ State::Waiting { .. }, Input::Provisional { .. })
            | (waiting @ State::Waiting { sdp: true }, Input::Answer) => {
                out.push(Action::Keep);
                waiting
            }
            (State::Waiting { sdp: false }, Input::Answer) => {
                out.extend([Action::Stop, Action::Answer]);
                State::Answered { waiting: true }
            }
            (State::Waiting { .. }, Input::Prack { matches: true }) => {
                out.extend([Action::Stop, Action::Accept, Action::Next]);
                State::Quiet
            }
            (waiting @ State::Waiting { .. }, Input::Repeat) => {
                // Section 3: the gap doubles without a bound but the end.
                self.gap *= 2;
                out.push(Action::Send(self.gap));
                waiting
            }
            (State::Waiting { .. }, Input::GiveUp) => {
                out.extend([Action::Stop, Action::Fail]);
                State::Over
            }

            (State::Answered { waiting: true }, Input::Prack { matches: true }) => {
                out.push(Action::Accept);
                State::Answered { waiting: false }
            }

            (state, Input::Prack { .. }) => {
                out.push(Action::Refuse);
                state
            }
            (state @ (State::Quiet | State::Answered { .. } | State::Over), _) => state,
        };
    }
}

/// What a reliable provisional response is to its receiver (section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The next: it is acknowledged.
    Next,
    /// It came before.
    Repeated,
    /// One before it is missing: it is as if it had not come.
    Early,
}

/// The numbers that came on one early dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Receiver {
    last: Option<u32>,
}

impl Receiver {
    /// A reliable provisional response with this RSeq came.
    pub fn take(&mut self, rseq: u32) -> Order {
        match self.last {
            None => {}
            Some(last) if rseq <= last => return Order::Repeated,
            Some(last) if rseq - last > 1 => return Order::Early,
            Some(_) => {}
        }
        self.last = Some(rseq);
        Order::Next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 6] = [
        State::Quiet,
        State::Waiting { sdp: true },
        State::Waiting { sdp: false },
        State::Answered { waiting: true },
        State::Answered { waiting: false },
        State::Over,
    ];

    const INPUTS: [Input; 7] = [
        Input::Provisional { sdp: true },
        Input::Provisional { sdp: false },
        Input::Answer,
        Input::Prack { matches: true },
        Input::Prack { matches: false },
        Input::Repeat,
        Input::GiveUp,
    ];

    /// The arrows; every pair that is not here leaves the state and does nothing.
    fn arrow(state: State, input: Input) -> (State, Vec<Action>) {
        use State::*;
        let second = Duration::from_secs(1);
        match (state, input) {
            (Quiet, Input::Provisional { sdp }) => {
                (Waiting { sdp }, vec![Action::Send(T1), Action::StartGiveUp(GIVE_UP)])
            }
            (Quiet, Input::Answer) => (Answered { waiting: false }, vec![Action::Answer]),
            (Waiting { .. }, Input::Provisional { .. }) => (state, vec![Action::Keep]),
            (Waiting { sdp: true }, Input::Answer) => (state, vec![Action::Keep]),
            (Waiting { sdp: false }, Input::Answer) => {
                (Answered { waiting: true }, vec![Action::Stop, Action::Answer])
            }
            (Waiting { .. }, Input::Prack { matches: true }) => {
                (Quiet, vec![Action::Stop, Action::Accept, Action::Next])
            }
            (Waiting { .. }, Input::Repeat) => (state, vec![Action::Send(second)]),
            (Waiting { .. }, Input::GiveUp) => (Over, vec![Action::Stop, Action::Fail]),
            (Answered { waiting: true }, Input::Prack { matches: true }) => {
                (Answered { waiting: false }, vec![Action::Accept])
            }
            (state, Input::Prack { .. }) => (state, vec![Action::Refuse]),
            (state, _) => (state, vec![]),
        }
    }

    #[test]
    fn every_state_takes_every_input_as_rfc_3262_says() {
        for state in STATES {
            for input in INPUTS {
                let mut machine = Sender { state, gap: T1 };
                let mut actions = Vec::new();
                machine.on(input, &mut actions);
                assert_eq!((machine.state, actions), arrow(state, input), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn a_response_is_sent_seven_times_before_we_give_up() {
        let mut machine = Sender::default();
        let mut actions = Vec::new();
        machine.on(Input::Provisional { sdp: true }, &mut actions);
        let (mut at, mut sent) = (Duration::ZERO, 0);
        while let Some(Action::Send(gap)) = actions.first().copied() {
            sent += 1;
            at += gap;
            if at >= GIVE_UP {
                break;
            }
            actions.clear();
            machine.on(Input::Repeat, &mut actions);
        }
        assert_eq!(sent, 7);
    }

    #[test]
    fn responses_are_taken_in_their_order() {
        let mut receiver = Receiver::default();
        let taken = [7, 7, 9, 8, 9, 7].map(|rseq| receiver.take(rseq));
        use Order::*;
        assert_eq!(taken, [Next, Repeated, Early, Next, Next, Repeated]);
    }
}
