//! The implicit subscription that a REFER makes, on our side of it (RFC 3515 section 2.4.4, RFC 6665
//! section 4.2): one for a leg at a time.
//!
//! ```text
//! Asked --accept--> Active --final--> Over
//!   |                 |  `--refused, expired, left--> Over
//!   |--accept, no subscription (RFC 4488)--> Silent
//!   `--refuse, left--> Over
//! ```

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The REFER waits for our user's word.
    Asked,
    /// The peer is told how the new call goes; the last status that it knows.
    Active(u16),
    /// Accepted, and the peer asked not to be told (RFC 4488).
    Silent,
    /// Over.
    Over,
}

/// What can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Our user takes the REFER.
    Accept {
        /// Whether the peer wants to be told how it goes.
        subscribed: bool,
    },
    /// Our user refuses it with this status.
    Refuse(u16),
    /// The new call has come so far.
    Progress(u16),
    /// The peer refused a NOTIFY: it does not know the subscription.
    NotifyRefused,
    /// It has lasted as long as was said.
    Expired,
    /// The leg ends.
    Left,
}

/// Why a subscription ends (RFC 6665 section 4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// What it was about is known.
    NoResource,
    /// It has expired.
    Timeout,
}

impl Ending {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Ending::NoResource => "noresource",
            Ending::Timeout => "timeout",
        }
    }
}

/// What it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Answer the REFER.
    Respond(u16),
    /// Send a NOTIFY with this status, and end the subscription with it if so it says.
    Notify(u16, Option<Ending>),
    /// Start the time that the subscription lasts.
    Start,
    /// Stop it.
    Stop,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    state: State,
}

impl Subscription {
    /// A REFER came.
    pub fn asked() -> Subscription {
        Subscription { state: State::Asked }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Takes an input; what has no arrow changes nothing.
    pub fn on(&mut self, input: Input, out: &mut Vec<Action>) {
        self.state = match (self.state, input) {
            (State::Asked, Input::Accept { subscribed: true }) => {
                // Section 2.4.4: a NOTIFY at once, whatever is known.
                out.extend([Action::Respond(202), Action::Start, Action::Notify(100, None)]);
                State::Active(100)
            }
            (State::Asked, Input::Accept { subscribed: false }) => {
                out.push(Action::Respond(202));
                State::Silent
            }
            (State::Asked, Input::Refuse(status)) => {
                out.push(Action::Respond(status));
                State::Over
            }
            (State::Asked, Input::Left) => {
                out.push(Action::Respond(481));
                State::Over
            }
            (State::Asked, Input::Progress(_) | Input::NotifyRefused | Input::Expired) => {
                State::Asked
            }

            // The same again is no news.
            (State::Active(last), Input::Progress(status)) if status == last => State::Active(last),
            (State::Active(_), Input::Progress(status @ ..200)) => {
                out.push(Action::Notify(status, None));
                State::Active(status)
            }
            (State::Active(_), Input::Progress(status)) => {
                out.extend([Action::Stop, Action::Notify(status, Some(Ending::NoResource))]);
                State::Over
            }
            (State::Active(_), Input::NotifyRefused) => {
                out.push(Action::Stop);
                State::Over
            }
            (State::Active(last), Input::Expired) => {
                out.push(Action::Notify(last, Some(Ending::Timeout)));
                State::Over
            }
            (State::Active(last), Input::Left) => {
                out.extend([Action::Stop, Action::Notify(last, Some(Ending::NoResource))]);
                State::Over
            }
            (State::Active(last), Input::Accept { .. } | Input::Refuse(_)) => State::Active(last),

            (State::Silent, Input::Progress(200..) | Input::Left) => State::Over,
            (
                State::Silent,
                Input::Accept { .. }
                | Input::Refuse(_)
                | Input::Progress(_)
                | Input::NotifyRefused
                | Input::Expired,
            ) => State::Silent,

            (State::Over, _) => State::Over,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: [Input; 10] = [
        Input::Accept { subscribed: true },
        Input::Accept { subscribed: false },
        Input::Refuse(603),
        Input::Progress(180),
        Input::Progress(100),
        Input::Progress(200),
        Input::Progress(486),
        Input::NotifyRefused,
        Input::Expired,
        Input::Left,
    ];

    /// The arrows; every pair that is not here leaves the state and does nothing.
    fn arrow(state: State, input: Input) -> (State, Vec<Action>) {
        use Action::*;
        use State::*;
        let over = Some(Ending::NoResource);
        match (state, input) {
            (Asked, Input::Accept { subscribed: true }) => {
                (Active(100), vec![Respond(202), Start, Notify(100, None)])
            }
            (Asked, Input::Accept { subscribed: false }) => (Silent, vec![Respond(202)]),
            (Asked, Input::Refuse(603)) => (Over, vec![Respond(603)]),
            (Asked, Input::Left) => (Over, vec![Respond(481)]),
            (Active(100), Input::Progress(180)) => (Active(180), vec![Notify(180, None)]),
            (Active(100), Input::Progress(status @ (200 | 486))) => {
                (Over, vec![Stop, Notify(status, over)])
            }
            (Active(_), Input::NotifyRefused) => (Over, vec![Stop]),
            (Active(100), Input::Expired) => (Over, vec![Notify(100, Some(Ending::Timeout))]),
            (Active(100), Input::Left) => (Over, vec![Stop, Notify(100, over)]),
            (Silent, Input::Progress(200 | 486) | Input::Left) => (Over, vec![]),
            (state, _) => (state, vec![]),
        }
    }

    #[test]
    fn every_state_takes_every_input() {
        for state in [State::Asked, State::Active(100), State::Silent, State::Over] {
            for input in INPUTS {
                let mut machine = Subscription { state };
                let mut actions = Vec::new();
                machine.on(input, &mut actions);
                assert_eq!((machine.state, actions), arrow(state, input), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn whoever_was_told_anything_is_told_the_end_once() {
        for first in INPUTS {
            for second in INPUTS {
                let mut machine = Subscription::asked();
                let mut actions = Vec::new();
                let begun = [Input::Accept { subscribed: true }, first, second, Input::Left];
                begun.into_iter().for_each(|input| machine.on(input, &mut actions));
                let ends = actions.iter().filter(|a| matches!(a, Action::Notify(_, Some(_))));
                let refused = [first, second].contains(&Input::NotifyRefused);
                assert!(ends.count() == 1 || refused, "{first:?} {second:?}: {actions:?}");
                assert_eq!(machine.state(), State::Over);
            }
        }
    }
}
