//! What a call knows before its first step.

use super::{About, Run};
use crate::event::Channel;
use crate::flow::value::{Kind, Value, Values};
use crate::flow::wording::LANGUAGE;
use crate::id::ValueName;
use crate::notification::recipient;

/// What every call knows from the start, for expressions and texts.
pub const KNOWN_FROM_THE_START: [(&str, Kind); 11] = [
    ("caller", Kind::Phone),
    ("caller_mobile", Kind::YesNo),
    ("called", Kind::Phone),
    ("relay", Kind::YesNo),
    ("today", Kind::Date),
    ("now", Kind::Time),
    // What cannot wait, once the caller has said so.
    ("urgent", Kind::Text),
    // What language the caller has chosen.
    (LANGUAGE, Kind::Text),
    // Of earlier calls, if they are remembered.
    ("calls_before", Kind::Number),
    ("last_about", Kind::Text),
    ("gave_up_before", Kind::YesNo),
];

/// The same of one call.
pub(super) fn values(about: &About) -> Values {
    let text = |text: &str, kind: Kind| kind.read(text).unwrap_or_default();
    let caller = about.caller.as_deref();
    let mobile = caller.is_some_and(|it| recipient(Channel::Text, it).is_some());
    let values = [
        ("caller", caller.map_or(Value::Nothing, |it| text(it, Kind::Phone))),
        ("caller_mobile", Value::Truth(mobile)),
        ("called", text(&about.called, Kind::Phone)),
        ("relay", Value::Truth(about.relay)),
        ("today", Value::Date(about.now.date())),
        ("now", Value::Time(about.now.time())),
        ("urgent", Value::Nothing),
        (LANGUAGE, Value::Nothing),
        ("calls_before", Value::Whole(about.history.calls.into())),
        (
            "last_about",
            about.history.about.as_ref().map_or(Value::Nothing, |it| Value::Text(it.to_string())),
        ),
        ("gave_up_before", Value::Truth(about.history.gave_up)),
    ];
    values.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

impl Run {
    /// The call knows a value before its first step, as if another flow had told it.
    pub fn know(&mut self, name: &ValueName, written: &str) {
        let kind = self.flow.kinds.get(name).copied().unwrap_or(Kind::Text);
        self.values.insert(name.clone(), kind.read(written).unwrap_or_default());
    }
}
