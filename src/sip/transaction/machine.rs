//! The four machines as the table drives them: one set of inputs, one vocabulary of what they ask
//! for.

use std::time::Duration;

use super::client_invite::{self, ClientInvite};
use super::client_non_invite::{self, ClientNonInvite};
use super::server_invite::{self, ServerInvite};
use super::server_non_invite::{self, ServerNonInvite};
use super::timers::{Timer, Transport};

/// What any machine asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Send the request or the newest response.
    Send,
    /// Send the ACK of a failure.
    SendAck,
    /// The message is for the user.
    Deliver,
    /// The user is to know that nobody answered.
    TimedOut,
    /// The user is to know that the transport failed.
    TransportFailed,
    /// Start a timer.
    Start(Timer, Duration),
    /// Stop a timer.
    Stop(Timer),
}

/// One of the four.
#[derive(Debug)]
pub(super) enum Machine {
    InviteClient(ClientInvite),
    OtherClient(ClientNonInvite),
    InviteServer(ServerInvite),
    OtherServer(ServerNonInvite),
}

/// What can happen to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// Its request came again.
    Repeated,
    /// The ACK of its failure came.
    Acknowledged,
    /// Its user responds with this status.
    Respond(u16),
    /// A response with this status came.
    Response(u16),
    /// A timer fell due.
    Fired(Timer),
    /// Its user no longer waits for an answer.
    Abandon,
    /// The connection that it went over is closed.
    Closed,
}

impl Machine {
    /// The machine of a request of ours.
    pub(super) fn client(invite: bool, transport: Transport, out: &mut Vec<Action>) -> Machine {
        if invite {
            let mut asked = Vec::new();
            let machine = ClientInvite::start(transport, &mut asked);
            out.extend(asked.into_iter().map(Action::from));
            Machine::InviteClient(machine)
        } else {
            let mut asked = Vec::new();
            let machine = ClientNonInvite::start(transport, &mut asked);
            out.extend(asked.into_iter().map(Action::from));
            Machine::OtherClient(machine)
        }
    }

    /// The machine of a request that came in.
    pub(super) fn server(invite: bool, transport: Transport) -> Machine {
        if invite {
            Machine::InviteServer(ServerInvite::start(transport))
        } else {
            Machine::OtherServer(ServerNonInvite::start(transport))
        }
    }

    /// See [`ServerInvite::hush`].
    pub(super) fn hush(&mut self) {
        match self {
            Machine::InviteServer(machine) => machine.hush(),
            Machine::InviteClient(_) | Machine::OtherClient(_) | Machine::OtherServer(_) => {}
        }
    }

    /// Takes an input; one that the figure has no arrow for changes nothing.
    pub(super) fn on(&mut self, input: Input, out: &mut Vec<Action>) {
        match self {
            Machine::InviteClient(machine) => {
                use client_invite::Input as I;
                let input = match input {
                    Input::Response(..200) => I::Provisional,
                    Input::Response(200..300) => I::Success,
                    Input::Response(300..) => I::Failure,
                    Input::Fired(timer) => I::Fired(timer),
                    Input::Abandon => I::Abandon,
                    Input::Closed => I::TransportError,
                    Input::Repeated | Input::Acknowledged | Input::Respond(_) => return,
                };
                collect(out, |asked| machine.on(input, asked));
            }
            Machine::OtherClient(machine) => {
                use client_non_invite::Input as I;
                let input = match input {
                    Input::Response(..200) => I::Provisional,
                    Input::Response(200..) => I::Final,
                    Input::Fired(timer) => I::Fired(timer),
                    Input::Closed => I::TransportError,
                    Input::Repeated | Input::Acknowledged | Input::Respond(_) | Input::Abandon => {
                        return;
                    }
                };
                collect(out, |asked| machine.on(input, asked));
            }
            Machine::InviteServer(machine) => {
                use server_invite::Input as I;
                let input = match input {
                    Input::Repeated => I::Invite,
                    Input::Acknowledged => I::Ack,
                    Input::Respond(..200) => I::Provisional,
                    Input::Respond(200..300) => I::Success,
                    Input::Respond(300..) => I::Failure,
                    Input::Fired(timer) => I::Fired(timer),
                    // A response can still be sent over another connection (section 18.2.2).
                    Input::Response(_) | Input::Abandon | Input::Closed => return,
                };
                collect(out, |asked| machine.on(input, asked));
            }
            Machine::OtherServer(machine) => {
                use server_non_invite::Input as I;
                let input = match input {
                    Input::Repeated => I::Request,
                    Input::Respond(..200) => I::Provisional,
                    Input::Respond(200..) => I::Final,
                    Input::Fired(timer) => I::Fired(timer),
                    Input::Acknowledged | Input::Response(_) | Input::Abandon | Input::Closed => {
                        return;
                    }
                };
                collect(out, |asked| machine.on(input, asked));
            }
        }
    }

    /// Whether a response with this status may still be sent: a final one is never replaced.
    pub(super) fn takes_response(&self, status: u16) -> bool {
        match self {
            Machine::InviteServer(machine) => match machine.state() {
                server_invite::State::Proceeding => true,
                server_invite::State::Accepted => (200..300).contains(&status),
                server_invite::State::Completed
                | server_invite::State::Confirmed
                | server_invite::State::Terminated => false,
            },
            Machine::OtherServer(machine) => match machine.state() {
                server_non_invite::State::Trying | server_non_invite::State::Proceeding => true,
                server_non_invite::State::Completed | server_non_invite::State::Terminated => false,
            },
            Machine::InviteClient(_) | Machine::OtherClient(_) => false,
        }
    }

    /// Whether a 2xx was sent to its INVITE: then an ACK is the dialog's, not the transaction's.
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self, Machine::InviteServer(machine)
            if machine.state() == server_invite::State::Accepted)
    }

    /// Whether it can be forgotten.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Machine::InviteClient(m) => m.state() == client_invite::State::Terminated,
            Machine::OtherClient(m) => m.state() == client_non_invite::State::Terminated,
            Machine::InviteServer(m) => m.state() == server_invite::State::Terminated,
            Machine::OtherServer(m) => m.state() == server_non_invite::State::Terminated,
        }
    }
}

fn collect<A: Into<Action>>(out: &mut Vec<Action>, on: impl FnOnce(&mut Vec<A>)) {
    let mut asked = Vec::new();
    on(&mut asked);
    out.extend(asked.into_iter().map(Into::into));
}

impl From<client_invite::Action> for Action {
    fn from(action: client_invite::Action) -> Self {
        match action {
            client_invite::Action::SendRequest => Action::Send,
            client_invite::Action::SendAck => Action::SendAck,
            client_invite::Action::Deliver => Action::Deliver,
            client_invite::Action::InformTimeout => Action::TimedOut,
            client_invite::Action::InformTransportError => Action::TransportFailed,
            client_invite::Action::Start(timer, after) => Action::Start(timer, after),
            client_invite::Action::Stop(timer) => Action::Stop(timer),
        }
    }
}

impl From<client_non_invite::Action> for Action {
    fn from(action: client_non_invite::Action) -> Self {
        match action {
            client_non_invite::Action::SendRequest => Action::Send,
            client_non_invite::Action::Deliver => Action::Deliver,
            client_non_invite::Action::InformTimeout => Action::TimedOut,
            client_non_invite::Action::InformTransportError => Action::TransportFailed,
            client_non_invite::Action::Start(timer, after) => Action::Start(timer, after),
            client_non_invite::Action::Stop(timer) => Action::Stop(timer),
        }
    }
}

impl From<server_invite::Action> for Action {
    fn from(action: server_invite::Action) -> Self {
        match action {
            server_invite::Action::SendResponse => Action::Send,
            server_invite::Action::DeliverAck => Action::Deliver,
            server_invite::Action::InformTimeout => Action::TimedOut,
            server_invite::Action::InformTransportError => Action::TransportFailed,
            server_invite::Action::Start(timer, after) => Action::Start(timer, after),
            server_invite::Action::Stop(timer) => Action::Stop(timer),
        }
    }
}

impl From<server_non_invite::Action> for Action {
    fn from(action: server_non_invite::Action) -> Self {
        match action {
            server_non_invite::Action::SendResponse => Action::Send,
            server_non_invite::Action::InformTransportError => Action::TransportFailed,
            server_non_invite::Action::Start(timer, after) => Action::Start(timer, after),
        }
    }
}
