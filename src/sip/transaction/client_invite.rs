//! The INVITE client transaction: RFC 3261 figure 5 as corrected by RFC 6026 (state Accepted).

use std::time::Duration;

use super::timers::{ABSORB_FAILURES, GIVE_UP, T1, Timer, Transport};

/// The states of the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The INVITE was sent, nothing came back.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// A 300-699 came and was acknowledged.
    Completed,
    /// A 2xx came; further 2xx go to the user (RFC 6026 section 7.2).
    Accepted,
    /// Over.
    Terminated,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// 100-199.
    Provisional,
    /// 200-299.
    Success,
    /// 300-699.
    Failure,
    /// A timer fell due.
    Fired(Timer),
    /// The transport could not send.
    TransportError,
    /// The user no longer wants an answer (RFC 3261 section 9.1, the end of a CANCEL).
    Abandon,
}

/// What it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send the INVITE (again).
    SendRequest,
    /// Send the ACK of the failure (RFC 3261 section 17.1.1.3).
    SendAck,
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
pub struct ClientInvite {
    state: State,
    transport: Transport,
    gap: Duration,
}

impl ClientInvite {
    /// Begins: the INVITE goes out (section 17.1.1.2).
    pub fn start(transport: Transport, out: &mut Vec<Action>) -> Self {
        out.push(Action::SendRequest);
        if transport == Transport::Unreliable {
            out.push(Action::Start(Timer::A, T1));
        }
        out.push(Action::Start(Timer::B, GIVE_UP));
        ClientInvite { state: State::Calling, transport, gap: T1 }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes one arrow of the figure.
    pub fn on(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match (self.state, input) {
            (State::Terminated, _) => State::Terminated,
            (_, Input::Abandon) => State::Terminated,

            (State::Calling, Input::Fired(Timer::A)) => {
                self.gap *= 2;
                out.extend([Action::SendRequest, Action::Start(Timer::A, self.gap)]);
                State::Calling
            }
            (State::Calling, Input::Fired(Timer::B)) => {
                out.push(Action::InformTimeout);
                State::Terminated
            }
            // Over a stream: its end. No response can come any more, not even to a phone that rang
            // (RFC 3261 section 18.4); the figure knows this arrow from Calling only.
            (State::Calling | State::Proceeding, Input::TransportError) => {
                out.push(Action::InformTransportError);
                State::Terminated
            }
            (State::Calling, Input::Provisional) => {
                out.extend([Action::Stop(Timer::A), Action::Stop(Timer::B), Action::Deliver]);
                State::Proceeding
            }
            (State::Calling, Input::Success) => {
                out.extend([Action::Stop(Timer::A), Action::Stop(Timer::B)]);
                accept(out)
            }
            (State::Calling, Input::Failure) => {
                out.extend([Action::Stop(Timer::A), Action::Stop(Timer::B)]);
                self.complete(out)
            }
            (State::Calling, Input::Fired(_)) => State::Calling,

            (State::Proceeding, Input::Provisional) => {
                out.push(Action::Deliver);
                State::Proceeding
            }
            (State::Proceeding, Input::Success) => accept(out),
            (State::Proceeding, Input::Failure) => self.complete(out),
            (State::Proceeding, Input::Fired(_)) => State::Proceeding,

            (State::Completed, Input::Failure) => {
                out.push(Action::SendAck);
                State::Completed
            }
            (State::Completed, Input::Fired(Timer::D)) => State::Terminated,
            (State::Completed, Input::TransportError) => {
                out.push(Action::InformTransportError);
                State::Terminated
            }
            (State::Completed, Input::Provisional | Input::Success | Input::Fired(_)) => {
                State::Completed
            }

            (State::Accepted, Input::Success) => {
                out.push(Action::Deliver);
                State::Accepted
            }
            (State::Accepted, Input::Fired(Timer::M)) => State::Terminated,
            (
                State::Accepted,
                Input::Provisional | Input::Failure | Input::TransportError | Input::Fired(_),
            ) => State::Accepted,
        };
    }

    fn complete(&self, out: &mut Vec<Action>) -> State {
        out.extend([
            Action::SendAck,
            Action::Deliver,
            Action::Start(Timer::D, self.transport.linger(ABSORB_FAILURES)),
        ]);
        State::Completed
    }
}

fn accept(out: &mut Vec<Action>) -> State {
    out.extend([Action::Deliver, Action::Start(Timer::M, GIVE_UP)]);
    State::Accepted
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] =
        [State::Calling, State::Proceeding, State::Completed, State::Accepted, State::Terminated];

    fn inputs() -> Vec<Input> {
        let mut inputs = vec![
            Input::Provisional,
            Input::Success,
            Input::Failure,
            Input::TransportError,
            Input::Abandon,
        ];
        inputs.extend(Timer::ALL.map(Input::Fired));
        inputs
    }

    /// The arrows of the figure; every pair that is not here leaves the state and does nothing.
    fn arrow(state: State, input: Input) -> (State, Vec<Action>) {
        use Action::*;
        use State::*;
        let stop = [Stop(Timer::A), Stop(Timer::B)];
        let done = [SendAck, Deliver, Start(Timer::D, Duration::from_secs(32))];
        let taken = [Deliver, Start(Timer::M, Duration::from_secs(32))];
        match (state, input) {
            (Calling | Proceeding | Completed | Accepted, Input::Abandon) => (Terminated, vec![]),
            (Calling, Input::Fired(Timer::A)) => {
                (Calling, vec![SendRequest, Start(Timer::A, Duration::from_secs(1))])
            }
            (Calling, Input::Fired(Timer::B)) => (Terminated, vec![InformTimeout]),
            (Calling | Proceeding, Input::TransportError) => {
                (Terminated, vec![InformTransportError])
            }
            (Calling, Input::Provisional) => (Proceeding, [&stop[..], &[Deliver]].concat()),
            (Calling, Input::Success) => (Accepted, [&stop[..], &taken[..]].concat()),
            (Calling, Input::Failure) => (Completed, [&stop[..], &done[..]].concat()),
            (Proceeding, Input::Provisional) => (Proceeding, vec![Deliver]),
            (Proceeding, Input::Success) => (Accepted, taken.to_vec()),
            (Proceeding, Input::Failure) => (Completed, done.to_vec()),
            (Completed, Input::Failure) => (Completed, vec![SendAck]),
            (Completed, Input::Fired(Timer::D)) => (Terminated, vec![]),
            (Completed, Input::TransportError) => (Terminated, vec![InformTransportError]),
            (Accepted, Input::Success) => (Accepted, vec![Deliver]),
            (Accepted, Input::Fired(Timer::M)) => (Terminated, vec![]),
            (state, _) => (state, vec![]),
        }
    }

    #[test]
    fn every_state_takes_every_input_as_figure_5_and_rfc_6026_say() {
        for state in STATES {
            for input in inputs() {
                let mut machine = ClientInvite { state, transport: Transport::Unreliable, gap: T1 };
                let mut actions = Vec::new();
                machine.on(input, &mut actions);
                assert_eq!((machine.state, actions), arrow(state, input), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn an_invite_is_sent_seven_times_over_datagrams_before_we_give_up() {
        let mut actions = Vec::new();
        let mut machine = ClientInvite::start(Transport::Unreliable, &mut actions);
        let (mut at, mut sent) = (Duration::ZERO, 1);
        while let Some(Action::Start(_, gap)) =
            actions.iter().rev().find(|a| matches!(a, Action::Start(Timer::A, _)))
        {
            at += *gap;
            if at >= GIVE_UP {
                break;
            }
            actions.clear();
            machine.on(Input::Fired(Timer::A), &mut actions);
            sent += 1;
        }
        assert_eq!(sent, 7);
    }

    #[test]
    fn nothing_is_retransmitted_over_a_stream() {
        let mut actions = Vec::new();
        let mut machine = ClientInvite::start(Transport::Reliable, &mut actions);
        assert_eq!(actions, [Action::SendRequest, Action::Start(Timer::B, GIVE_UP)]);
        actions.clear();
        machine.on(Input::Failure, &mut actions);
        assert!(actions.contains(&Action::Start(Timer::D, Duration::ZERO)));
    }
}
