//! Conditions and sums in flows: the expressions of Jinja (`balance > 100 and language == "cy-GB"`),
//! read and worked out by `minijinja` with nothing but the call's values in reach.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::{Environment, UndefinedBehavior};

use super::value::{Value, Values};

/// Steps that an expression may take: it is a condition, not a program.
const FUEL: u64 = 10_000;
/// The longest expression: what is longer is nested deeper than readers can go.
const LONGEST: usize = 1_000;
/// The longest text that an expression may make.
const MAX_TEXT: usize = 1_000;

/// Filters and tests only; nothing that reads a file or knows the time.
static WORLD: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut world = Environment::new();
    world.set_undefined_behavior(UndefinedBehavior::Lenient);
    world.set_fuel(Some(FUEL));
    world
});

/// An expression that can be worked out.
#[derive(Clone)]
pub struct Expression {
    written: Arc<str>,
    compiled: Arc<minijinja::Expression<'static, 'static>>,
}

impl Expression {
    /// Reads an expression of at most 1,000 bytes; what is wrong with it otherwise, in the words of its
    /// reader.
    pub fn read(written: &str) -> Result<Self, String> {
        if written.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} letters"));
        }
        let compiled = WORLD
            .compile_expression_owned(written.to_owned())
            .map_err(|error| error.detail().unwrap_or("it is not complete").to_owned())?;
        Ok(Expression { written: written.into(), compiled: Arc::new(compiled) })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The values that it asks for, in order.
    pub fn names(&self) -> BTreeSet<String> {
        self.compiled.undeclared_variables(false).into_iter().collect()
    }

    /// Works it out. What cannot be worked out (a sum of words, text without end) is nothing.
    pub fn value(&self, values: &Values) -> Value {
        self.work_out(values).map_or(Value::Nothing, |found| read(&found))
    }

    /// Whether it holds. What cannot be worked out does not.
    pub fn holds(&self, values: &Values) -> bool {
        self.work_out(values).is_some_and(|found| found.is_true())
    }

    fn work_out(&self, values: &Values) -> Option<minijinja::Value> {
        let context: BTreeMap<String, minijinja::Value> =
            values.iter().map(|(name, value)| (name.as_str().to_owned(), shown(value))).collect();
        self.compiled.eval(minijinja::Value::from(context)).ok()
    }
}

/// A value as expressions see it: sums in pounds, days and times as they are written, so that they
/// compare as they should.
fn shown(value: &Value) -> minijinja::Value {
    match value {
        Value::Nothing => minijinja::Value::from(()),
        Value::Truth(truth) => (*truth).into(),
        Value::Whole(number) => (*number).into(),
        // Exact to the penny far beyond any council's budget: a double has 53 bits.
        Value::Pence(pence) => (*pence as f64 / 100.0).into(),
        Value::Date(_) | Value::Time(_) | Value::Text(_) => value.to_string().into(),
    }
}

fn read(found: &minijinja::Value) -> Value {
    use minijinja::value::ValueKind;
    match found.kind() {
        ValueKind::Bool => Value::Truth(found.is_true()),
        ValueKind::Number => match i64::try_from(found.clone()) {
            Ok(whole) if found.is_integer() => Value::Whole(whole),
            Ok(_) | Err(_) => match f64::try_from(found.clone()) {
                Ok(pounds) if pounds.abs() < 1e12 => Value::Pence((pounds * 100.0).round() as i64),
                Ok(_) | Err(_) => Value::Nothing,
            },
        },
        ValueKind::String => Value::Text(found.to_string().chars().take(MAX_TEXT).collect()),
        _ => Value::Nothing,
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::value::Kind;

    fn values() -> Values {
        let kind = |kind: Kind, written| kind.read(written).expect("is good");
        [
            ("balance", kind(Kind::Money, "120.10")),
            ("paid", kind(Kind::Money, "0.20")),
            ("tries", Value::Whole(2)),
            ("name", Value::Text("Ann".to_owned())),
            ("due", kind(Kind::Date, "2026-12-01")),
            ("today", kind(Kind::Date, "2026-11-26")),
            ("gone", Value::Nothing),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
    }

    fn value(written: &str) -> Value {
        Expression::read(written).expect("is good").value(&values())
    }

    #[test]
    fn sums_and_conditions_are_worked_out() {
        assert_eq!(value("tries + 1"), Value::Whole(3));
        assert_eq!(value("balance + paid"), Value::Pence(12_030));
        assert_eq!(value("balance > 100 and not gone"), Value::Truth(true));
        assert_eq!(value("due > today"), Value::Truth(true));
        assert_eq!(value("name ~ 'a'"), Value::Text("Anna".to_owned()));
        assert_eq!(value("'late' if tries > 1 else 'early'"), Value::Text("late".to_owned()));
        assert_eq!(value("name|upper == 'ANN'"), Value::Truth(true));
        assert_eq!(value("gone is none"), Value::Truth(true));
    }

    #[test]
    fn what_cannot_be_worked_out_is_nothing_and_does_not_hold() {
        for written in ["name + 1", "nobody.there", "balance / 0", "[1, 2]"] {
            assert_eq!(value(written), Value::Nothing, "{written}");
        }
        assert!(!Expression::read("name + 1 > 0").expect("is read").holds(&values()));
        assert!(!Expression::read("unheard_of").expect("is read").holds(&values()));
    }

    #[test]
    fn an_expression_ends_and_reaches_nothing_outside() {
        assert_eq!(value("range(100000000)|list|length"), Value::Nothing);
        let long = value("name ~ name ~ ('x' * 100)");
        assert!(matches!(long, Value::Nothing | Value::Text(_)));
        assert!(
            Expression::read("include('/etc/passwd')")
                .map_or(true, |e| e.value(&values()) == Value::Nothing)
        );
    }

    #[test]
    fn a_slip_is_told_and_names_are_known() {
        assert!(Expression::read("balance >").is_err());
        assert!(Expression::read("").is_err());
        let asked = Expression::read("a > b and c.d").expect("is good").names();
        assert_eq!(asked.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
