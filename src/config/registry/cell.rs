//! A row of a sheet as a table of the settings: texts become what the settings' own structures ask for.

use std::collections::BTreeMap;

use serde::Deserializer;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, IntoDeserializer, Unexpected, Visitor};
use serde_json::{Error, Value};

/// What separates the elements of a list in a cell.
pub(super) const BETWEEN: char = '|';

/// A table of which cells of a sheet say something.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    /// A cell's text.
    Text(String),
    /// What no cell says anything of.
    Said(Value),
    /// What several columns say something of.
    Table(BTreeMap<String, Cell>),
}

impl Cell {
    /// A table as it was before the sheet.
    pub(super) fn table(said: serde_json::Map<String, Value>) -> Self {
        let keys = said.into_iter().map(|(key, value)| match value {
            Value::Object(inner) => (key, Cell::table(inner)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => (key, Cell::Said(value)),
        });
        Cell::Table(keys.collect())
    }

    /// Says something of a key (`callback.ring_s`); a blank text says what is usual.
    pub(super) fn say(&mut self, path: &str, text: &str) {
        let Cell::Table(table) = self else { return };
        match path.split_once('.') {
            Some((key, rest)) => {
                let inner = table.entry(key.to_owned());
                let inner = inner.or_insert_with(|| Cell::Table(BTreeMap::new()));
                if !matches!(inner, Cell::Table(_)) {
                    *inner = Cell::Table(BTreeMap::new());
                }
                inner.say(rest, text);
                if matches!(inner, Cell::Table(inner) if inner.is_empty()) {
                    table.remove(key);
                }
            }
            None if text.is_empty() => drop(table.remove(path)),
            None => drop(table.insert(path.to_owned(), Cell::Text(text.to_owned()))),
        }
    }
}

impl<'de> IntoDeserializer<'de, Error> for Cell {
    type Deserializer = Cell;
    fn into_deserializer(self) -> Cell {
        self
    }
}

/// A text that is JSON by its first character.
fn json(text: &str, first: char) -> Option<Result<Value, Error>> {
    text.starts_with(first).then(|| serde_json::from_str(text))
}

fn number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Error> {
    if let Ok(number) = text.parse::<u64>() {
        visitor.visit_u64(number)
    } else if let Ok(number) = text.parse::<i64>() {
        visitor.visit_i64(number)
    } else if let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) {
        visitor.visit_f64(number)
    } else {
        Err(de::Error::invalid_type(Unexpected::Str(text), &visitor))
    }
}

/// Numbers of every size, by their one way.
macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self {
                Cell::Text(text) => number(&text, visitor),
                Cell::Said(value) => value.$method(visitor),
                Cell::Table(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Cell {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Cell::Text(text) => visitor.visit_string(text),
            Cell::Said(value) => value.deserialize_any(visitor),
            Cell::Table(table) => visitor.visit_map(MapDeserializer::new(table.into_iter())),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            // Spreadsheets write them large.
            Cell::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                _ => Err(de::Error::invalid_type(Unexpected::Str(&text), &visitor)),
            },
            Cell::Said(_) | Cell::Table(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Cell::Said(Value::Null) => visitor.visit_none(),
            Cell::Text(_) | Cell::Said(_) | Cell::Table(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Cell::Text(text) => match json(&text, '[') {
                Some(value) => value?.deserialize_seq(visitor),
                None => {
                    let parts = text.split(BETWEEN).map(|part| Cell::Text(part.trim().to_owned()));
                    let parts: Vec<Cell> = parts.collect();
                    visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
                }
            },
            Cell::Said(_) | Cell::Table(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Cell::Text(text) => match json(&text, '{') {
                Some(value) => value?.deserialize_map(visitor),
                None => visitor.visit_string(text),
            },
            Cell::Said(_) | Cell::Table(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Cell::Text(text) => match json(&text, '{') {
                Some(value) => value?.deserialize_enum(name, variants, visitor),
                None => visitor.visit_enum(text.into_deserializer()),
            },
            Cell::Said(value) => value.deserialize_enum(name, variants, visitor),
            Cell::Table(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}
