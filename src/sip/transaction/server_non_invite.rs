//! The server transaction of every request but INVITE and ACK: RFC 3261 figure 8. As RFC 6026
//! section 7.1 asks of server transactions, a transport error does not end it.

use std::time::Duration;

use super::timers::{GIVE_UP, Timer, Transport};

/// The states of the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No response has been sent.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// The final response was sent.
    Completed,
    /// Over.
    Terminated,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The request came again.
    Request,
    /// The user sends 100-199.
    Provisional,
    /// The user sends 200-699.
    Final,
    /// A timer fell due.
    Fired(Timer),
    /// The transport could not send.
    TransportError,
}

/// What it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send the user's newest response (again).
    SendResponse,
    /// Tell the user that the transport failed.
    InformTransportError,
    /// Start a timer.
    Start(Timer, Duration),
}

/// The machine; messages are kept by the [table](super::table).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerNonInvite {
    state: State,
    transport: Transport,
}

impl ServerNonInvite {
    /// Begins with a new request (section 17.2.2).
    pub fn start(transport: Transport) -> Self {
        ServerNonInvite { state: State::Trying, transport }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes one arrow of the figure.
    pub fn on(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match (self.state, input) {
            (State::Trying | State::Proceeding, Input::Provisional) => {
                out.push(Action::SendResponse);
                State::Proceeding
            }
            (State::Trying | State::Proceeding, Input::Final) => {
                out.extend([
                    Action::SendResponse,
                    Action::Start(Timer::J, self.transport.linger(GIVE_UP)),
                ]);
                State::Completed
            }
            (State::Trying, Input::Request | Input::Fired(_)) => State::Trying,
            (State::Proceeding, Input::Request) => {
                out.push(Action::SendResponse);
                State::Proceeding
            }
            (State::Proceeding, Input::Fired(_)) => State::Proceeding,

            (State::Completed, Input::Request) => {
                out.push(Action::SendResponse);
                State::Completed
            }
            (State::Completed, Input::Fired(Timer::J)) => State::Terminated,
            (State::Completed, Input::Provisional | Input::Final | Input::Fired(_)) => {
                State::Completed
            }

            (State::Trying | State::Proceeding | State::Completed, Input::TransportError) => {
                out.push(Action::InformTransportError);
                self.state
            }

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
        let mut inputs =
            vec![Input::Request, Input::Provisional, Input::Final, Input::TransportError];
        inputs.extend(Timer::ALL.map(Input::Fired));
        inputs
    }

    /// The arrows of the figure; every pair that is not here leaves the state and does nothing.
    fn arrow(state: State, input: Input) -> (State, Vec<Action>) {
        use Action::*;
        use State::*;
        match (state, input) {
            (Trying | Proceeding, Input::Provisional) => (Proceeding, vec![SendResponse]),
            (Trying | Proceeding, Input::Final) => {
                (Completed, vec![SendResponse, Start(Timer::J, Duration::from_secs(32))])
            }
            (Proceeding, Input::Request) => (Proceeding, vec![SendResponse]),
            (Completed, Input::Request) => (Completed, vec![SendResponse]),
            (Completed, Input::Fired(Timer::J)) => (Terminated, vec![]),
            (Trying | Proceeding | Completed, Input::TransportError) => {
                (state, vec![InformTransportError])
            }
            (state, _) => (state, vec![]),
        }
    }

    #[test]
    fn every_state_takes_every_input_as_figure_8_says() {
        for state in STATES {
            for input in inputs() {
                let mut machine = ServerNonInvite { state, transport: Transport::Unreliable };
                let mut actions = Vec::new();
                machine.on(input, &mut actions);
                assert_eq!((machine.state, actions), arrow(state, input), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn nothing_lingers_over_a_stream() {
        let mut machine = ServerNonInvite::start(Transport::Reliable);
        let mut actions = Vec::new();
        machine.on(Input::Final, &mut actions);
        assert_eq!(actions, [Action::SendResponse, Action::Start(Timer::J, Duration::ZERO)]);
    }
}
