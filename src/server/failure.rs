//! Why a command failed.

use std::fmt;

use crate::id::CallId;

use super::demo::council::CouncilError;
use super::explain::NoQueue;
use super::installation::Problems;
use super::prompts::RenderError;
use super::recording::command as recording;
use super::registry::command as registry;
use super::rehearsal::RehearsalError;
use super::run::ServeError;
use super::simulate::SimulateError;
use super::staffing::StaffingError;
use super::store::StoreError;

/// Why a command failed, in words for the person who gave it.
#[derive(Debug)]
pub enum Failure {
    /// Settings, flows or sounds are not right.
    Problems(Problems),
    /// The server cannot start or had to end.
    Serve(ServeError),
    /// Prompts cannot be rendered.
    Render(RenderError),
    /// The journal cannot be read.
    Store(StoreError),
    /// Flows cannot be rehearsed, or their tests have failed.
    Rehearsal(RehearsalError),
    /// A day cannot be simulated.
    Simulate(SimulateError),
    /// There is no answer on staffing.
    Staffing(StaffingError),
    /// The journal knows of no wait of the call.
    NeverWaited(CallId),
    /// There is no such queue.
    Queue(NoQueue),
    /// Entries of the database cannot be told or taken in.
    Registry(registry::CommandError),
    /// Recordings cannot be read, or are not whole.
    Recordings(recording::CommandError),
    /// The demo's back end cannot begin.
    Council(CouncilError),
    /// The operating system refuses something basic.
    System(std::io::Error),
}

impl Failure {
    /// Whether it is only that nobody reads any more what is printed (`| head`).
    pub fn nobody_reads(&self) -> bool {
        match self {
            Failure::System(error) | Failure::Rehearsal(RehearsalError::Terminal(error)) => {
                error.kind() == std::io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Problems(problems) => problems.fmt(f),
            Failure::Serve(ServeError::Installation(problems)) => problems.fmt(f),
            Failure::Serve(error) => write!(f, "switchboard: {error}"),
            Failure::Render(RenderError::Findings(_)) => f.write_str("nothing was rendered"),
            Failure::Render(error) => write!(f, "switchboard: {error}"),
            Failure::Store(error) => write!(f, "switchboard: {error}"),
            Failure::Rehearsal(error) => writeln!(f, "{error}"),
            Failure::Simulate(error) => error.fmt(f),
            Failure::Staffing(error) => error.fmt(f),
            Failure::NeverWaited(call) => {
                writeln!(f, "switchboard: the journal knows of no wait of call {call}")
            }
            Failure::Queue(error) => write!(f, "switchboard: {error}"),
            Failure::Registry(error) => write!(f, "switchboard: {error}"),
            Failure::Recordings(error) => write!(f, "switchboard: {error}"),
            Failure::Council(error) => write!(f, "switchboard: {error}"),
            Failure::System(error) => write!(f, "switchboard: {error}"),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Failure::Problems(problems)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Failure::Serve(error)
    }
}

impl From<RehearsalError> for Failure {
    fn from(error: RehearsalError) -> Self {
        Failure::Rehearsal(error)
    }
}

impl From<SimulateError> for Failure {
    fn from(error: SimulateError) -> Self {
        Failure::Simulate(error)
    }
}

impl From<StaffingError> for Failure {
    fn from(error: StaffingError) -> Self {
        Failure::Staffing(error)
    }
}

impl From<registry::CommandError> for Failure {
    fn from(error: registry::CommandError) -> Self {
        Failure::Registry(error)
    }
}

impl From<recording::CommandError> for Failure {
    fn from(error: recording::CommandError) -> Self {
        Failure::Recordings(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}
