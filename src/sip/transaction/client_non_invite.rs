//! The client transaction of every request but INVITE and ACK: RFC 3261 figure 6.

use std::time::Duration;

use super::timers::{GIVE_UP, T1, T2, T4, Timer, Transport, doubled};

/// The states of the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The request was sent, nothing came back.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// The final response came.
    Completed,
    /// Over.
    Terminated,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// 100-199.
    Provisional,
    /// 200-699.
    Final,
    /// A timer fell due.
    Fired(Timer),
    /// The transport could not send.
    TransportError,
}

/// What it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send the request (again).
    SendRequest,
    /// Give the response to the user.
    Deliver,
    /// Tell the user that nobody answered.
    InformTimeout,
    /// Tell the user that the transport failed.
    InformTransportError,
    /// Start a timer.
    Start(Timer, Duration),
    /// Stop a timer.
    Stop(Timer),
}

/// The machine; messages are kept by the [table](super::table).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientNonInvite {
    state: State,
    transport: Transport,
    gap: Duration,
}

impl ClientNonInvite {
    /// Begins: the request goes out (section 17.1.2.2).
    pub fn start(transport: Transport, out: &mut Vec<Action>) -> Self {
        out.push(Action::SendRequest);
        if transport == Transport::Unreliable {
            out.push(Action::Start(Timer::E, T1));
        }
        out.push(Action::Start(Timer::F, GIVE_UP));
        ClientNonInvite { state: State::Trying, transport, gap: T1 }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes one arrow of the figure.
    pub fn on(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match (self.state, input) {
            (State::Trying, Input::Fired(Timer::E)) => {
                self.gap = doubled(self.gap);
                out.extend([Action::SendRequest, Action::Start(Timer::E, self.gap)]);
                State::Trying
            }
            (State::Proceeding, Input::Fired(Timer::E)) => {
                out.extend([Action::SendRequest, Action::Start(Timer::E, T2)]);
                State::Proceeding
            }
            (State::Trying | State::Proceeding, Input::Fired(Timer::F)) => {
                out.push(Action::InformTimeout);
                State::Terminated
            }
            (State::Trying | State::Proceeding, Input::TransportError) => {
                out.push(Action::InformTransportError);
                State::Terminated
            }
            (State::Trying | State::Proceeding, Input::Provisional) => {
                out.push(Action::Deliver);
                State::Proceeding
            }
            (State::Trying | State::Proceeding, Input::Final) => {
                out.extend([
                    Action::Stop(Timer::E),
                    Action::Stop(Timer::F),
                    Action::Deliver,
                    Action::Start(Timer::K, self.transport.linger(T4)),
                ]);
                State::Completed
            }
            (State::Trying | State::Proceeding, Input::Fired(_)) => self.state,

            (State::Completed, Input::Fired(Timer::K)) => State::Terminated,
            (
                State::Completed,
                Input::Provisional | Input::Final | Input::TransportError | Input::Fired(_),
            ) => State::Completed,

            (State::Terminated, _) => State::Terminated,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 4] =
        [State::Trying, State::Proceeding, State::Completed, State::Terminated];

    fn inputs() -> Vec<Input> {
        let mut inputs = vec![Input::Provisional, Input::Final, Input::TransportError];
        inputs.extend(Timer::ALL.map(Input::Fired));
        inputs
    }

    /// The arrows of the figure; every pair that is not here leaves the state and does nothing.
    fn arrow(state: State, input: Input) -> (State, Vec<Action>) {
        use Action::*;
        use State::*;
        match (state, input) {
            (Trying, Input::Fired(Timer::E)) => {
                (Trying, vec![SendRequest, Start(Timer::E, Duration::from_secs(1))])
            }
            (Proceeding, Input::Fired(Timer::E)) => {
                (Proceeding, vec![SendRequest, Start(Timer::E, Duration::from_secs(4))])
            }
            (Trying | Proceeding, Input::Fired(Timer::F)) => (Terminated, vec![InformTimeout]),
            (Trying | Proceeding, Input::TransportError) => {
                (Terminated, vec![InformTransportError])
            }
            (Trying | Proceeding, Input::Provisional) => (Proceeding, vec![Deliver]),
            (Trying | Proceeding, Input::Final) => (
                Completed,
                vec![
                    Stop(Timer::E),
                    Stop(Timer::F),
                    Deliver,
                    Start(Timer::K, Duration::from_secs(5)),
                ],
            ),
            (Completed, Input::Fired(Timer::K)) => (Terminated, vec![]),
            (state, _) => (state, vec![]),
        }
    }

    #[test]
    fn every_state_takes_every_input_as_figure_6_says() {
        for state in STATES {
            for input in inputs() {
                let mut machine =
                    ClientNonInvite { state, transport: Transport::Unreliable, gap: T1 };
                let mut actions = Vec::new();
                machine.on(input, &mut actions);
                assert_eq!((machine.state, actions), arrow(state, input), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn nothing_is_retransmitted_and_nothing_lingers_over_a_stream() {
        let mut actions = Vec::new();
        let mut machine = ClientNonInvite::start(Transport::Reliable, &mut actions);
        assert_eq!(actions, [Action::SendRequest, Action::Start(Timer::F, GIVE_UP)]);
        actions.clear();
        machine.on(Input::Final, &mut actions);
        assert!(actions.contains(&Action::Start(Timer::K, Duration::ZERO)));
    }
}
