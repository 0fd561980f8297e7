//! The INVITE server transaction: RFC 3261 figure 7 as corrected by RFC 6026 (state Accepted; a
//! transport error no longer ends the transaction, so that retransmissions stay absorbed).

use std::time::Duration;

use super::timers::{GIVE_UP, T1, T4, Timer, Transport, doubled};

/// The states of the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No final response has been sent.
    Proceeding,
    /// A 2xx was sent; its retransmission is the user's (RFC 6026 section 7.1).
    Accepted,
    /// A 300-699 was sent and waits for its ACK.
    Completed,
    /// The ACK of a 300-699 came.
    Confirmed,
    /// Over.
    Terminated,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The INVITE came again.
    Invite,
    /// An ACK came that matches this transaction.
    Ack,
    /// The user sends 100-199.
    Provisional,
    /// The user sends 200-299.
    Success,
    /// The user sends 300-699.
    Failure,
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
    /// Give the ACK to the user.
    DeliverAck,
    /// Tell the user that the failure was never acknowledged.
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
pub struct ServerInvite {
    state: State,
    transport: Transport,
    gap: Duration,
    hushed: bool,
}

impl ServerInvite {
    /// Begins with a new INVITE (section 17.2.1); the user sends 100 at once.
    pub fn start(transport: Transport) -> Self {
        ServerInvite { state: State::Proceeding, transport, gap: T1, hushed: false }
    }

    /// Sends a failure once and never starts timer G: the address that the INVITE came from may be
    /// forged, and eleven copies of an answer must not go to somebody who asked for none. A client
    /// that is there repeats its INVITE, and gets the failure again.
    pub fn hush(&mut self) {
        self.hushed = true;
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes one arrow of the figure.
    pub fn on(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match (self.state, input) {
            (State::Proceeding, Input::Invite | Input::Provisional) => {
                out.push(Action::SendResponse);
                State::Proceeding
            }
            (State::Proceeding, Input::Success) => {
                out.extend([Action::SendResponse, Action::Start(Timer::L, GIVE_UP)]);
                State::Accepted
            }
            (State::Proceeding, Input::Failure) => {
                out.push(Action::SendResponse);
                if self.transport == Transport::Unreliable && !self.hushed {
                    out.push(Action::Start(Timer::G, T1));
                }
                out.push(Action::Start(Timer::H, GIVE_UP));
                State::Completed
            }
            (State::Proceeding, Input::Ack | Input::Fired(_)) => State::Proceeding,

            (State::Accepted, Input::Success) => {
                out.push(Action::SendResponse);
                State::Accepted
            }
            (State::Accepted, Input::Ack) => {
                out.push(Action::DeliverAck);
                State::Accepted
            }
            (State::Accepted, Input::Fired(Timer::L)) => State::Terminated,
            (
                State::Accepted,
                Input::Invite | Input::Provisional | Input::Failure | Input::Fired(_),
            ) => State::Accepted,

            (State::Completed, Input::Invite) => {
                out.push(Action::SendResponse);
                State::Completed
            }
            (State::Completed, Input::Fired(Timer::G)) => {
                self.gap = doubled(self.gap);
                out.extend([Action::SendResponse, Action::Start(Timer::G, self.gap)]);
                State::Completed
            }
            (State::Completed, Input::Ack) => {
                out.extend([
                    Action::Stop(Timer::G),
                    Action::Stop(Timer::H),
                    Action::Start(Timer::I, self.transport.linger(T4)),
                ]);
                State::Confirmed
            }
            (State::Completed, Input::Fired(Timer::H)) => {
                out.push(Action::InformTimeout);
                State::Terminated
            }
            (
                State::Completed,
                Input::Provisional | Input::Success | Input::Failure | Input::Fired(_),
            ) => State::Completed,

            (State::Confirmed, Input::Fired(Timer::I)) => State::Terminated,
            (
                State::Confirmed,
                Input::Invite
                | Input::Ack
                | Input::Provisional
                | Input::Success
                | Input::Failure
                | Input::TransportError
                | Input::Fired(_),
            ) => State::Confirmed,

            // RFC 6026 section 7.1: the state stays; its timers end it.
            (State::Proceeding | State::Accepted | State::Completed, Input::TransportError) => {
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

    const STATES: [State; 5] =
        [State::Proceeding, State::Accepted, State::Completed, State::Confirmed, State::Terminated];

    fn inputs() -> Vec<Input> {
        let mut inputs = vec![
            Input::Invite,
            Input::Ack,
            Input::Provisional,
            Input::Success,
            Input::Failure,
            Input::TransportError,
        ];
        inputs.extend(Timer::ALL.map(Input::Fired));
        inputs
    }

    /// The arrows of the figure; every pair that is not here leaves the state and does nothing.
    fn arrow(state: State, input: Input) -> (State, Vec<Action>) {
        use Action::*;
        use State::*;
        let give_up = Duration::from_secs(32);
        match (state, input) {
            (Proceeding, Input::Invite | Input::Provisional) => (Proceeding, vec![SendResponse]),
            (Proceeding, Input::Success) => {
                (Accepted, vec![SendResponse, Start(Timer::L, give_up)])
            }
            (Proceeding, Input::Failure) => (
                Completed,
                vec![
                    SendResponse,
                    Start(Timer::G, Duration::from_millis(500)),
                    Start(Timer::H, give_up),
                ],
            ),
            (Accepted, Input::Success) => (Accepted, vec![SendResponse]),
            (Accepted, Input::Ack) => (Accepted, vec![DeliverAck]),
            (Accepted, Input::Fired(Timer::L)) => (Terminated, vec![]),
            (Completed, Input::Invite) => (Completed, vec![SendResponse]),
            (Completed, Input::Fired(Timer::G)) => {
                (Completed, vec![SendResponse, Start(Timer::G, Duration::from_secs(1))])
            }
            (Completed, Input::Ack) => (
                Confirmed,
                vec![Stop(Timer::G), Stop(Timer::H), Start(Timer::I, Duration::from_secs(5))],
            ),
            (Completed, Input::Fired(Timer::H)) => (Terminated, vec![InformTimeout]),
            (Confirmed, Input::Fired(Timer::I)) => (Terminated, vec![]),
            (Proceeding | Accepted | Completed, Input::TransportError) => {
                (state, vec![InformTransportError])
            }
            (state, _) => (state, vec![]),
        }
    }

    #[test]
    fn every_state_takes_every_input_as_figure_7_and_rfc_6026_say() {
        for state in STATES {
            for input in inputs() {
                let mut machine = ServerInvite {
                    state,
                    transport: Transport::Unreliable,
                    gap: T1,
                    hushed: false,
                };
                let mut actions = Vec::new();
                machine.on(input, &mut actions);
                assert_eq!((machine.state, actions), arrow(state, input), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn a_failure_is_not_retransmitted_over_a_stream_and_its_ack_ends_it_at_once() {
        let mut machine = ServerInvite::start(Transport::Reliable);
        let mut actions = Vec::new();
        machine.on(Input::Failure, &mut actions);
        assert_eq!(actions, [Action::SendResponse, Action::Start(Timer::H, GIVE_UP)]);
        actions.clear();
        machine.on(Input::Ack, &mut actions);
        assert!(actions.contains(&Action::Start(Timer::I, Duration::ZERO)));
    }
    #[test]
    fn a_failure_for_a_caller_who_may_not_be_there_is_sent_again_only_with_the_invite() {
        let mut machine = ServerInvite::start(Transport::Unreliable);
        machine.hush();
        let mut out = Vec::new();
        machine.on(Input::Failure, &mut out);
        assert_eq!(out, [Action::SendResponse, Action::Start(Timer::H, GIVE_UP)]);
        out.clear();
        machine.on(Input::Invite, &mut out);
        assert_eq!(out, [Action::SendResponse]);
    }
}
