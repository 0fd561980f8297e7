//! Asking a back end, and what its answer means.

use zeroize::Zeroizing;

use super::{Phase, Walk};
use crate::backend::{Answer, Ask, Failed};
use crate::call::command::Command;
use crate::event::HandOver;
use crate::flow::model::{Body, Request};
use crate::flow::value::Value;
use crate::id::ValueName;

impl Walk<'_> {
    /// Sends the request. The caller hears the node's words, and music after them.
    pub(super) fn request(&mut self, request: &Request) {
        let path = request.path.filled(|name| encoded(&self.written(name)));
        // Points alone would mean another place (RFC 3986 section 5.2.4).
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return self.go_without(request);
        }
        let body = request.body.as_ref().map(|body| {
            let json = self.body(body);
            Zeroizing::new(json.to_string())
        });
        match &request.words {
            Some(words) => self.say(Phase::Telling, &[words]),
            None => self.wait_with_music(),
        }
        self.commands.push(Command::Request(Ask {
            backend: request.backend.clone(),
            method: request.method,
            path,
            body,
        }));
    }

    /// There is nothing more to say until the answer is there.
    pub(super) fn wait_with_music(&mut self) {
        self.run.phase = Phase::Requesting;
        self.commands.push(Command::PlayMusic);
    }

    /// A body filled in. Values go in whole, as JSON writes them, so that none can end its string.
    fn body(&self, body: &Body) -> serde_json::Value {
        match body {
            Body::Plain(value) => value.clone(),
            Body::List(items) => items.iter().map(|item| self.body(item)).collect(),
            Body::Map(entries) => {
                entries.iter().map(|(name, body)| (name.clone(), self.body(body))).collect()
            }
            Body::Text(template) => match template.alone() {
                Some(name) => match (self.run.secrets.get(name), self.run.values.get(name)) {
                    (Some(secret), _) => secret.reveal().into(),
                    (None, Some(value)) => value.to_json(),
                    (None, None) => serde_json::Value::Null,
                },
                None => template.filled(|name| self.sent(name)).into(),
            },
        }
    }

    fn sent(&self, name: &ValueName) -> String {
        match self.run.secrets.get(name) {
            Some(secret) => secret.reveal().to_owned(),
            None => self.written(name),
        }
    }

    pub(super) fn answered(&mut self, request: &Request, answer: Result<Answer, Failed>) {
        let Ok(answer) = answer else { return self.go_without(request) };
        if let Some(to) = request.statuses.get(&answer.status) {
            return self.go(to);
        }
        let taken: Option<Vec<(ValueName, Value)>> = request
            .answer
            .iter()
            .map(|taken| {
                let found = at(&answer.body, &taken.from);
                let value = found.and_then(|json| Value::from_json(json, taken.kind));
                match (value, found) {
                    (Some(value), _) => Some((taken.name.clone(), value)),
                    (None, None | Some(serde_json::Value::Null)) if taken.optional => {
                        Some((taken.name.clone(), Value::Nothing))
                    }
                    (None, _) => None,
                }
            })
            .collect();
        match taken.filter(|_| (200..300).contains(&answer.status)) {
            Some(taken) => {
                for (name, value) in taken {
                    self.remember(&name, value);
                }
                self.go(&request.then);
            }
            None => self.go_without(request),
        }
    }

    /// On without an answer that makes sense.
    fn go_without(&mut self, request: &Request) {
        self.run.reason = Some(HandOver::Backend);
        self.go(&request.otherwise);
    }
}

/// What is at a place of an answer: names and positions with points between them.
fn at<'j>(json: &'j serde_json::Value, place: &str) -> Option<&'j serde_json::Value> {
    place.split('.').try_fold(json, |json, step| match json {
        serde_json::Value::Object(map) => map.get(step),
        serde_json::Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Percent-encoded, but for what a path's segment can have (RFC 3986 section 2.3).
fn encoded(value: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            byte => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_one_segment_of_a_path() {
        assert_eq!(encoded("a/../b?c=d&e#f"), "a%2F..%2Fb%3Fc%3Dd%26e%23f");
        assert_eq!(encoded("RM1 3BD\r\n"), "RM1%203BD%0D%0A");
    }

    #[test]
    fn answers_are_searched_by_names_and_positions() {
        let json = serde_json::json!({"slots": [{"date": "2026-12-01"}], "n": null});
        assert_eq!(at(&json, "slots.0.date"), Some(&"2026-12-01".into()));
        assert_eq!(at(&json, "slots.1.date"), None);
        assert_eq!(at(&json, "slots.date"), None);
        assert_eq!(at(&json, "n.x"), None);
    }
}
