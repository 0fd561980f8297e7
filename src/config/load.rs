//! From text to settings: every unknown key and every value that does not fit, each with its place.

use std::ops::Range;

use miette::{Report, Severity};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::problem::Problem;
use super::settings::Settings;
use super::source::Source;
use super::suggest::closest;

/// Findings beyond this many are not worth reading before the first are mended.
const MAX_FINDINGS: usize = 20;

/// Reads settings, or says what is wrong with the text: file, line, column, what, and what would be
/// right. `file_name` is only shown. Values may still mean nothing: see [`super::check::check`].
pub fn load(text: &str, file_name: &str) -> Result<(Settings, Source), Vec<Report>> {
    let mut source = Source::new(file_name, text);
    let mut table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(found) => {
            let what = Problem::Syntax { error: found.message().to_owned() };
            return Err(vec![source.finding(found.span(), Severity::Error, what)]);
        }
    };
    source.learn(table.get_ref());
    let mut findings: Vec<(Option<Range<usize>>, Problem)> = Vec::new();
    let mut taken_out: Vec<TakenOut> = Vec::new();
    // What does not fit is taken out and the rest read again, so that all is found at once.
    while findings.len() < MAX_FINDINGS {
        let found = match Settings::deserialize(toml::Deserializer::from(table.clone())) {
            Ok(settings) if findings.is_empty() => return Ok((settings, source)),
            Ok(_) => break,
            Err(found) => found,
        };
        let place = found.span();
        let secret = place.as_ref().is_some_and(|place| source.is_secret(place));
        let what = problem(found.message(), secret);
        let mended = place.as_ref().and_then(|place| take_out(table.get_mut(), place));
        let missing = match &what {
            Problem::Missing { key } => Some(key.as_str()),
            _ => None,
        };
        let unknown = matches!(what, Problem::UnknownKey { .. });
        let ours = |out: &TakenOut| out.key.as_deref() == missing && missing.is_some();
        if !taken_out.iter().any(ours) {
            let place = match missing {
                Some(_) => place.map(|place| first_line(text, place)),
                None => place,
            };
            findings.push((place, what));
        }
        let Some(out) = mended else { break };
        if unknown {
            // The key may be a mistyped secret's.
            source.hide(&out.texts);
        }
        taken_out.push(out);
    }
    findings.sort_by_key(|(place, _)| place.as_ref().map(|place| place.start));
    let report = |(place, what)| source.finding(place, Severity::Error, what);
    Err(findings.into_iter().map(report).collect())
}

/// What serde's message means.
pub(super) fn problem(message: &str, secret: bool) -> Problem {
    let quoted: Vec<String> =
        message.split('`').skip(1).step_by(2).map(|word| word.to_owned()).collect();
    let word = || quoted.first().cloned().unwrap_or_default();
    let known = || quoted.iter().skip(1).cloned().collect::<Vec<_>>();
    let near = || closest(&word(), quoted.iter().skip(1).map(String::as_str)).map(str::to_owned);
    if message.starts_with("unknown field") {
        Problem::UnknownKey { key: word(), near: near(), known: known() }
    } else if secret {
        // The message would quote it.
        Problem::SecretNotText
    } else if message.starts_with("unknown variant") {
        Problem::UnknownWord { value: word(), near: near(), known: known() }
    } else if message.starts_with("missing field") {
        Problem::Missing { key: word() }
    } else {
        Problem::Value { error: plain(message) }
    }
}

/// The programmer's words for types in the operator's.
fn plain(message: &str) -> String {
    let Some((found, expected)) = message.split_once(", expected ") else {
        return match message {
            "invalid socket address syntax" => {
                "it is not an address and port; write one as in 0.0.0.0:5060".to_owned()
            }
            "invalid IP address syntax" => {
                "it is not an IP address; write one as in 192.0.2.10".to_owned()
            }
            _ => message.to_owned(),
        };
    };
    let expected = match expected {
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a string" | "a borrowed string" => "text in quotes",
        "a sequence" => "a list in [ ]",
        "a map" => "a table of keys and values",
        "a boolean" => "true or false",
        "socket address" => "an address and port, as in \"0.0.0.0:5060\"",
        "IP address" => "an IP address, as in \"192.0.2.10\"",
        "path string" => "a path in quotes",
        other if other.starts_with("struct ") => "a table of keys and values",
        other => other,
    };
    let found = found.trim_start_matches("invalid type: ").trim_start_matches("invalid value: ");
    format!("found {found}, expected {expected}")
}

/// The place's first line only: where something is missing, the whole table would be underlined.
fn first_line(text: &str, place: Range<usize>) -> Range<usize> {
    let line = text.get(place.clone()).and_then(|text| text.find('\n'));
    place.start..line.map_or(place.end, |end| place.start + end)
}

/// Something that was taken out of the table.
struct TakenOut {
    /// Its key; none for an element of a list.
    key: Option<String>,
    /// The places of the texts in it.
    texts: Vec<Range<usize>>,
}

impl TakenOut {
    fn new(key: Option<String>, value: &Spanned<DeValue<'_>>) -> Self {
        let mut texts = Vec::new();
        texts_in(value, &mut texts);
        TakenOut { key, texts }
    }
}

fn texts_in(value: &Spanned<DeValue<'_>>, texts: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::String(_) => texts.push(value.span()),
        DeValue::Table(table) => table.values().for_each(|value| texts_in(value, texts)),
        DeValue::Array(array) => array.iter().for_each(|value| texts_in(value, texts)),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

/// Takes the key, value or element at a place out of the table.
fn take_out(table: &mut DeTable<'_>, place: &Range<usize>) -> Option<TakenOut> {
    let found = table
        .iter()
        .find(|(key, value)| key.span() == *place || value.span() == *place)
        .map(|(key, _)| key.get_ref().to_string());
    if let Some(key) = found {
        let value = table.remove(key.as_str())?;
        return Some(TakenOut::new(Some(key), &value));
    }
    table.iter_mut().find_map(|(_, value)| take_out_of_value(value, place))
}

fn take_out_of_value(value: &mut Spanned<DeValue<'_>>, place: &Range<usize>) -> Option<TakenOut> {
    match value.get_mut() {
        DeValue::Table(table) => take_out(table, place),
        DeValue::Array(array) => {
            if let Some(value) = array.iter().find(|value| value.span() == *place) {
                let out = TakenOut::new(None, value);
                let rest = std::mem::replace(array, DeArray::new()).into_iter();
                *array = rest.filter(|value| value.span() != *place).collect();
                return Some(out);
            }
            array.iter_mut().find_map(|value| take_out_of_value(value, place))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}
