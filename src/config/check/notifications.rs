//! What callers can be sent, and by whom.

use crate::config::problem::Problem;
use crate::event::Channel;
use crate::notification::{Security, TemplateSettings, recipient};

use super::Check;
use super::backends::is_this_machine;

impl Check<'_> {
    pub(super) fn notifications(&mut self) {
        let settings = &self.settings.notifications;
        let table = "notifications";
        for (key, what, value) in [
            ("attempts", "the number of attempts", u64::from(settings.attempts)),
            ("again_s", "the pause before another attempt", u64::from(settings.again_s)),
            ("at_once", "the number that is sent at once", settings.at_once as u64),
            ("waiting", "the number that may wait", settings.waiting as u64),
            ("a_day", "the number in a day", u64::from(settings.a_day)),
        ] {
            self.not_zero(&[table, key], what, value);
        }
        if let Some(notify) = &settings.notify {
            let at = |key| [table, "notify", key];
            self.service(&at("url"), &notify.url);
            self.not_zero(&at("timeout_ms"), "the time for an answer", notify.timeout_ms.into());
        }
        if let Some(smtp) = &settings.smtp {
            let at = |key| [table, "smtp", key];
            self.text(&at("host"), "the mail server", &smtp.host);
            self.not_zero(&at("timeout_ms"), "the time for an answer", smtp.timeout_ms.into());
            let address = smtp.from.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
            if recipient(Channel::Email, address.unwrap_or(&smtp.from)).is_none() {
                let address = smtp.from.clone();
                self.error(&at("from"), Problem::BadAddress { address });
            }
            match (&smtp.username, &smtp.password_file) {
                (Some(_), None) => {
                    let (key, other) = ("username", "password_file");
                    self.error(&at(key), Problem::Alone { key, other });
                }
                (None, Some(_)) => {
                    let (key, other) = ("password_file", "username");
                    self.error(&at(key), Problem::Alone { key, other });
                }
                (Some(_), Some(_)) | (None, None) => {}
            }
            if smtp.security == Security::None && !is_this_machine(&smtp.host) {
                self.warning(&at("security"), Problem::PlainMail);
            }
        }
        for (name, template) in &settings.templates {
            self.template(name.as_str(), template);
        }
    }

    fn template(&mut self, name: &str, template: &TemplateSettings) {
        let settings = &self.settings.notifications;
        let at = |key| ["notifications", "template", name, key];
        let own = template.subject.is_some() || template.text.is_some();
        let owner = || name.to_owned();
        let (sends, table) = match (&template.notify, template.by) {
            (Some(_), _) if own => {
                return self.error(&at("notify"), Problem::TwoTexts { template: owner() });
            }
            (Some(_), _) => (settings.notify.is_some(), "notifications.notify"),
            (None, Channel::Email) if template.subject.is_some() && template.text.is_some() => {
                (settings.smtp.is_some(), "notifications.smtp")
            }
            (None, Channel::Text | Channel::Email) => {
                return self.error(&at("by"), Problem::NoText { template: owner() });
            }
        };
        if !sends {
            self.error(&at("by"), Problem::NobodySends { template: owner(), table });
        }
        if let Some(id) = template.notify.as_ref().filter(|id| uuid::Uuid::parse_str(id).is_err()) {
            self.error(&at("notify"), Problem::BadTemplateId { id: id.clone() });
        }
        for field in template.needs() {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if field.is_empty() || field.len() > 48 || !field.bytes().all(plain) {
                let key = if template.notify.is_some() { "fields" } else { "text" };
                self.error(&at(key), Problem::BadTemplateField { name: field });
            }
        }
    }
}
