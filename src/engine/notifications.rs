//! What callers are promised to be sent.

use crate::call::Action;
use crate::call::command::Notice;
use crate::event::{Event, NotificationEvent};
use crate::id::{CallId, NotificationId};
use crate::notification::{Bounce, Effect, Notification, Open};
use crate::stats::Restored;
use crate::time::Time;

use super::Engine;
use super::callbacks::Recorded;
use super::io::Output;

impl Engine {
    /// A flow wants the caller to be sent something.
    pub(super) fn promise(&mut self, now: Time, call: CallId, wanted: Notification) {
        let id = NotificationId(self.entropy.u64());
        let template = wanted.template.clone();
        match self.outbox.promise(now, &self.wall, id, call, wanted) {
            Ok(event) => {
                self.record(now, Event::Notification { notification: id, event });
                self.once_recorded(Recorded::Notification(id));
            }
            Err(why) => {
                let event = NotificationEvent::Unpromised { call, template, why };
                self.record(now, Event::Notification { notification: id, event });
                self.work.push_back((call, Action::Notify(Notice::Promised { kept: false })));
            }
        }
    }

    /// The journal has a promise.
    pub(super) fn promise_kept(&mut self, now: Time, id: NotificationId) {
        let effects = self.outbox.kept(now, &self.wall, id);
        self.notification_effects(now, effects);
    }

    /// An attempt to send something is over.
    pub(super) fn dispatched(
        &mut self,
        now: Time,
        id: NotificationId,
        outcome: Result<Option<String>, Bounce>,
    ) {
        let effects = self.outbox.dispatched(now, &self.wall, id, outcome);
        self.notification_effects(now, effects);
    }

    /// Sends what is due.
    pub(super) fn notifications_due(&mut self, now: Time) {
        let effects = self.outbox.handle_timeout(now, &self.wall);
        self.notification_effects(now, effects);
    }

    fn notification_effects(&mut self, now: Time, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Record(notification, event) => {
                    self.record(now, Event::Notification { notification, event });
                }
                Effect::Send(dispatch) => self.out.push_back(Output::Dispatch(dispatch)),
                Effect::Kept(call) => {
                    self.work.push_back((call, Action::Notify(Notice::Promised { kept: true })));
                }
            }
        }
    }

    /// What earlier runs promised and did not send.
    pub(super) fn restore_notifications(&mut self, now: Time, restored: &Restored) {
        for live in &restored.notifications {
            let open = Open {
                call: live.call,
                template: live.template.clone(),
                to: live.to.clone(),
                fields: live.fields.clone(),
                promised_at: live.promised_at,
                attempts: live.attempts,
            };
            self.outbox.restore(now, live.notification, open);
        }
    }
}
