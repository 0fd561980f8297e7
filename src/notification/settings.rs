//! `[notifications]`: who sends texts and e-mails, what they say, and how patiently it is tried.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Letter, Needs};
use crate::event::Channel;
use crate::id::TemplateName;

/// `[notifications]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotificationSettings {
    /// GOV.UK Notify, or what speaks as it does.
    pub notify: Option<NotifySettings>,
    /// A mail server.
    pub smtp: Option<SmtpSettings>,
    /// What callers can be sent, by name.
    #[serde(rename = "template")]
    pub templates: BTreeMap<TemplateName, TemplateSettings>,
    /// How often it is tried to send something.
    pub attempts: u32,
    /// How long after the first attempt the second follows, in seconds; each pause is three times the
    /// one before, up to half an hour.
    pub again_s: u32,
    /// How many are sent at once.
    pub at_once: usize,
    /// How many may wait to be sent.
    pub waiting: usize,
    /// How many one number or address is sent in 24 hours.
    pub a_day: u32,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        NotificationSettings {
            notify: None,
            smtp: None,
            templates: BTreeMap::new(),
            attempts: 8,
            again_s: 10,
            at_once: 10,
            waiting: 10_000,
            a_day: 10,
        }
    }
}

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1_800);

impl NotificationSettings {
    /// What each template needs.
    pub fn needs(&self) -> BTreeMap<TemplateName, Needs> {
        let needs =
            |template: &TemplateSettings| Needs { by: template.by, fields: template.needs() };
        self.templates.iter().map(|(name, template)| (name.clone(), needs(template))).collect()
    }

    /// How long after the attempt of this number, counted from 1, the next one follows; none if it was
    /// the last.
    pub fn pause_after(&self, attempt: u32) -> Option<Duration> {
        let growth = 3_u32.saturating_pow(attempt.saturating_sub(1));
        let pause = Duration::from_secs(u64::from(self.again_s) * u64::from(growth));
        (attempt < self.attempts).then(|| pause.min(LONGEST_PAUSE))
    }
}

/// `[notifications.notify]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifySettings {
    /// Where it is.
    pub url: String,
    /// A file with the API key as Notify gives it: a name, the service's id and the secret.
    pub key_file: Option<PathBuf>,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: u32,
}

impl Default for NotifySettings {
    fn default() -> Self {
        NotifySettings {
            url: "https://api.notifications.service.gov.uk".to_owned(),
            key_file: None,
            timeout_ms: 10_000,
        }
    }
}

/// `[notifications.smtp]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// The mail server's name or address.
    pub host: String,
    /// Its port; 465 with `tls`, 587 with `starttls` and 25 with `none` if it is left out.
    pub port: Option<u16>,
    /// Whether the connection is encrypted.
    #[serde(default)]
    pub security: Security,
    /// As whom we submit (RFC 4954).
    pub username: Option<String>,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
    /// Who it is from: `Harbourside Council <no-reply@harbourside.example>`.
    pub from: String,
    /// How long the server may take for each command, in milliseconds.
    #[serde(default = "smtp_timeout_ms")]
    pub timeout_ms: u32,
}

const fn smtp_timeout_ms() -> u32 {
    30_000
}

impl SmtpSettings {
    /// The port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::Tls => 465,
            Security::Starttls => 587,
            Security::None => 25,
        })
    }
}

/// Whether a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// From the first byte (RFC 8314 section 3.3).
    Tls,
    /// After STARTTLS, without which nothing is sent (RFC 3207).
    #[default]
    Starttls,
    /// Never: for a server on this machine.
    None,
}

/// `[notifications.template.missed-bin]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateSettings {
    /// Whether it is a text or an e-mail.
    pub by: Channel,
    /// The template at GOV.UK Notify: its id there.
    pub notify: Option<String>,
    /// What stands in that template as `((name))`.
    #[serde(default)]
    pub fields: Vec<String>,
    /// An e-mail of our own: its subject.
    pub subject: Option<String>,
    /// What it says, with `{names}` in it.
    pub text: Option<String>,
}

impl TemplateSettings {
    /// The names that it needs.
    pub fn needs(&self) -> Vec<String> {
        let mut names = self.fields.clone();
        for words in self.subject.iter().chain(&self.text) {
            names.extend(field_names(words).map(str::to_owned));
        }
        names.sort();
        names.dedup();
        names
    }

    /// Filled in. None if it says neither whose it is nor what it says.
    pub fn letter(&self, fields: &BTreeMap<String, String>) -> Option<Letter> {
        if let Some(template) = &self.notify {
            let (by, template, fields) = (self.by, template.clone(), fields.clone());
            return Some(Letter::Notify { by, template, fields });
        }
        let (subject, text) = (self.subject.as_ref()?, self.text.as_ref()?);
        Some(Letter::Mail { subject: filled(subject, fields), text: filled(text, fields) })
    }
}

/// The names in braces.
pub fn field_names(words: &str) -> impl Iterator<Item = &str> {
    words.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// Words with what stands for the names in braces; nothing that is filled in is read again.
fn filled(words: &str, fields: &BTreeMap<String, String>) -> String {
    let mut parts = words.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}') {
            Some((name, rest)) => {
                filled.push_str(fields.get(name).map_or("", String::as_str));
                filled.push_str(rest);
            }
            None => {
                filled.push('{');
                filled.push_str(part);
            }
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_once() {
        let template: TemplateSettings = toml::from_str(
            "by = 'email'\nsubject = 'Your {what}'\ntext = 'It is {reference}, {what}. {'",
        )
        .expect("settings");
        assert_eq!(template.needs(), ["reference", "what"]);
        let fields = [("what", "bin {reference}"), ("reference", "W-1")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let Some(Letter::Mail { subject, text }) = template.letter(&fields) else { panic!() };
        assert_eq!(subject, "Your bin {reference}");
        assert_eq!(text, "It is W-1, bin {reference}. {");
    }

    #[test]
    fn pauses_grow_and_end() {
        let settings = NotificationSettings { attempts: 8, ..NotificationSettings::default() };
        let pauses: Vec<u64> =
            (1..=9).map_while(|at| settings.pause_after(at)).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [10, 30, 90, 270, 810, 1_800, 1_800]);
    }
}
