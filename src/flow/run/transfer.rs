//! Putting a caller through.

use super::{Phase, Walk};
use crate::call::command::Command;
use crate::event::TransferOutcome;
use crate::flow::model::Transfer;

impl Walk<'_> {
    /// Rings them. If they answer, the run is over.
    pub(super) fn transfer(&mut self, transfer: &Transfer) {
        self.run.keys.clear();
        self.run.secrets.clear();
        (self.run.place, self.run.left) = (None, None);
        self.run.phase = Phase::Connecting;
        self.hand_over();
        self.commands.push(Command::PlayMusic);
        self.commands.push(Command::Connect {
            flow: self.flow.name.clone(),
            to: transfer.to.clone(),
            rings: transfer.rings,
        });
    }

    /// They have not taken the call.
    pub(super) fn not_connected(&mut self, transfer: &Transfer, why: TransferOutcome) {
        self.commands.push(Command::StopPlaying);
        self.go(match why {
            TransferOutcome::Rejected => &transfer.on_busy,
            TransferOutcome::NoAnswer => &transfer.on_no_answer,
            TransferOutcome::Completed
            | TransferOutcome::Unreachable
            | TransferOutcome::NotTaken
            | TransferOutcome::NotAllowed
            | TransferOutcome::CallerLeft
            | TransferOutcome::Withdrawn => &transfer.on_unreachable,
        });
    }
}
