//! Sending a caller something.

use std::time::Duration;

use super::{Phase, Walk};
use crate::call::command::Command;
use crate::flow::model::Send;
use crate::id::NodeName;
use crate::notification::Notification;

/// How many texts and e-mails one call can send: whoever wants more plays with us.
const MOST_SENT: u32 = 5;
/// How long the journal may take to have the promise. Callers hear nothing meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

impl Walk<'_> {
    /// Asks for the promise; where to go on if there is nobody to send it to.
    pub(super) fn send(&mut self, send: &Send) -> Option<NodeName> {
        let to = self.written(&send.to);
        if to.is_empty() || self.run.sent >= MOST_SENT {
            return Some(send.otherwise.clone());
        }
        self.run.sent += 1;
        let kinds = &self.flow.kinds;
        let values = &self.run.values;
        let fields = send.fields.iter().map(|(name, template)| {
            let filled = template.filled(|name| {
                let value = values.get(name).cloned().unwrap_or_default();
                value.in_writing(kinds.get(name).copied())
            });
            (name.clone(), filled)
        });
        let wanted = Notification { template: send.template.clone(), to, fields: fields.collect() };
        self.run.phase = Phase::Promising;
        self.commands.push(Command::Send(wanted));
        self.commands.push(Command::SetTimer { after: PATIENCE });
        None
    }

    /// It is promised, or it is not.
    pub(super) fn promised(&mut self, send: &Send, kept: bool) {
        self.commands.push(Command::CancelTimer);
        self.go(if kept { &send.then } else { &send.otherwise });
    }
}
