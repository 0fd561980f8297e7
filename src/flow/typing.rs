//! What expressions come to, found out before any call: a comparison that can never hold, a sum of what
//! is no number, a value that becomes what it cannot be.

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, UnaryOpKind};
use minijinja::machinery::parse_expr;
use minijinja::value::ValueKind;

use super::expression::Expression;
use super::value::Kind;
use crate::event::Channel;

/// What something is, as far as that is known before a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// It shows in a call.
    Any,
    /// Yes or no.
    Truth,
    /// A number.
    Number,
    /// These words.
    Words(String),
    /// A value of this kind.
    Of(Kind),
}

/// Values that do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Two sides that are never equal and in no order.
    #[error("{left} is compared with {right}, which can mean nothing")]
    Compared {
        /// One side.
        left: String,
        /// The other.
        right: String,
        /// What would be right.
        right_is: String,
    },
    /// Words that nothing of a kind is ever written like.
    #[error("{what} is never written like `{written}`")]
    Spelling {
        /// What is compared.
        what: &'static str,
        /// The words.
        written: String,
        /// How it is written.
        right_is: String,
    },
    /// Something in a sum that is no number.
    #[error("{what} cannot be part of a sum")]
    Sum {
        /// What.
        what: String,
    },
    /// A value would become what it is not elsewhere.
    #[error("`{name}` is {wanted}, and this is {found}")]
    Becomes {
        /// The value.
        name: String,
        /// What it is.
        wanted: &'static str,
        /// What it would become.
        found: &'static str,
    },
    /// Something that a node needs is of another kind.
    #[error("`{field}` must name {wanted}, and `{name}` is {found}")]
    Needs {
        /// The node's field.
        field: &'static str,
        /// The value.
        name: String,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
}

impl Misfit {
    /// Words that no value of a kind is.
    pub fn value(kind: Kind, written: &str) -> Self {
        let (what, written) = (described(&Type::Of(kind)), written.to_owned());
        Misfit::Spelling { what, written, right_is: format!("write it as in `{}`", example(kind)) }
    }

    /// What would be right.
    pub fn advice(&self) -> String {
        match self {
            Misfit::Compared { right_is, .. } | Misfit::Spelling { right_is, .. } => {
                right_is.clone()
            }
            Misfit::Sum { .. } => {
                "add numbers and sums of money only; `~` joins words; a day stands in quotes, as in \
                 `'2026-12-01'`"
                    .to_owned()
            }
            Misfit::Becomes { wanted, .. } => {
                format!("give it {wanted}, or give one of the two another name")
            }
            Misfit::Needs { wanted, .. } => {
                format!("name {wanted}: a `collect` with that `form`, or an `answer` of that kind")
            }
        }
    }
}

/// What an expression comes to, and everything in it that does not go together. `known` says what values
/// are.
pub fn of(expression: &Expression, known: &dyn Fn(&str) -> Type) -> (Type, Vec<Misfit>) {
    let mut reader = Reader { written: expression.as_str(), known, found: Vec::new() };
    let comes_to = match parse_expr(expression.as_str()) {
        Ok(read) => reader.walk(&read),
        // That is told where it is read.
        Err(_) => Type::Any,
    };
    (comes_to, reader.found)
}

/// Whether a value of a kind can become this.
pub fn becomes(name: &str, kind: Kind, found: &Type) -> Result<(), Misfit> {
    let fits = match found {
        Type::Any => true,
        _ if kind == Kind::Text => true,
        Type::Words(words) => return spelled(kind, words, false),
        Type::Truth => kind == Kind::YesNo,
        Type::Number => {
            let written = matches!(kind, Kind::Digits | Kind::Reference | Kind::HouseNumber);
            written || class(&Type::Of(kind)) == Class::Number
        }
        // Text of another system can be anything.
        Type::Of(Kind::Text) => true,
        Type::Of(other) => {
            let loose = |kind: Kind| matches!(kind, Kind::Digits | Kind::Reference);
            let classes = (class(&Type::Of(kind)), class(found));
            *other == kind
                || classes == (Class::Number, Class::Number)
                || classes == (Class::Words, Class::Words) && (loose(kind) || loose(*other))
        }
    };
    let (wanted, found) = (described(&Type::Of(kind)), described(found));
    if fits { Ok(()) } else { Err(Misfit::Becomes { name: name.to_owned(), wanted, found }) }
}

/// Whether something can come to the word of a case.
pub fn case(found: &Type, word: &str) -> Result<(), Misfit> {
    match found {
        Type::Any | Type::Words(_) => Ok(()),
        Type::Truth => spelled(Kind::YesNo, word, true),
        Type::Number if spelled(Kind::Number, word, true).is_err() => {
            spelled(Kind::Money, word, true)
        }
        Type::Number => Ok(()),
        Type::Of(kind) => spelled(*kind, word, true),
    }
}

/// Whether a value can be sent something to.
pub fn recipient(name: &str, by: Option<Channel>, found: &Type) -> Result<(), Misfit> {
    let wanted = match by {
        Some(Channel::Text) | None => "a telephone number",
        Some(Channel::Email) => "an e-mail address",
    };
    match found {
        Type::Any | Type::Words(_) | Type::Of(Kind::Text) => Ok(()),
        Type::Of(Kind::Phone | Kind::Digits) if by != Some(Channel::Email) => Ok(()),
        _ => Err(needs("to", name, wanted, found)),
    }
}

/// Whether a value can be when somebody is rung back.
pub fn appointed(field: &'static str, name: &str, kind: Kind, found: &Type) -> Result<(), Misfit> {
    match found {
        Type::Any => Ok(()),
        Type::Of(found) if *found == kind => Ok(()),
        _ => Err(needs(field, name, described(&Type::Of(kind)), found)),
    }
}

fn needs(field: &'static str, name: &str, wanted: &'static str, found: &Type) -> Misfit {
    Misfit::Needs { field, name: name.to_owned(), wanted, found: described(found) }
}

/// What two can be either of.
pub fn either(one: Type, other: Type) -> Type {
    match (one, other) {
        (one, other) if one == other => one,
        (Type::Words(_), Type::Words(_)) => Type::Of(Kind::Text),
        (_, _) => Type::Any,
    }
}

/// How values of a kind compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Any,
    Truth,
    Number,
    Day,
    Time,
    Words,
}

fn class(of: &Type) -> Class {
    match of {
        Type::Any => Class::Any,
        Type::Truth | Type::Of(Kind::YesNo) => Class::Truth,
        Type::Number | Type::Of(Kind::Number | Kind::Money) => Class::Number,
        Type::Of(Kind::Date) => Class::Day,
        Type::Of(Kind::Time) => Class::Time,
        Type::Words(_)
        | Type::Of(
            Kind::Text
            | Kind::Digits
            | Kind::Reference
            | Kind::Postcode
            | Kind::HouseNumber
            | Kind::Registration
            | Kind::Phone
            | Kind::Business,
        ) => Class::Words,
    }
}

/// What it is, in words.
fn described(of: &Type) -> &'static str {
    match of {
        Type::Any => "anything",
        Type::Truth | Type::Of(Kind::YesNo) => "yes or no",
        Type::Number | Type::Of(Kind::Number) => "a number",
        Type::Words(_) => "words",
        Type::Of(Kind::Text) => "text",
        Type::Of(Kind::Digits) => "digits",
        Type::Of(Kind::Reference) => "a reference",
        Type::Of(Kind::Money) => "a sum of money",
        Type::Of(Kind::Date) => "a day",
        Type::Of(Kind::Time) => "a time",
        Type::Of(Kind::Postcode) => "a postcode",
        Type::Of(Kind::HouseNumber) => "a house's number",
        Type::Of(Kind::Registration) => "a vehicle's registration",
        Type::Of(Kind::Phone) => "a telephone number",
        Type::Of(Kind::Business) => "what a call is about",
    }
}

/// Whether words are how a value of a kind is written where it is compared.
fn spelled(kind: Kind, words: &str, exact: bool) -> Result<(), Misfit> {
    let read = kind.read(words).map(|value| value.to_string());
    let good = match &read {
        // Without words there is no value, of whatever kind.
        _ if kind == Kind::Text || words.is_empty() => true,
        Some(written) => !exact || written == words,
        None => false,
    };
    if good {
        return Ok(());
    }
    Err(match read {
        Some(right) => Misfit::Spelling {
            what: described(&Type::Of(kind)),
            written: words.to_owned(),
            right_is: format!("write it as `{right}`"),
        },
        None => Misfit::value(kind, words),
    })
}

/// How a value of a kind is written.
fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Date => "2026-12-01",
        Kind::Time => "14:30",
        Kind::Money => "12.50",
        Kind::YesNo => "yes` or `no",
        Kind::Postcode => "RM1 3BD",
        Kind::Registration => "AB12 CDE",
        Kind::Phone => "+441708434343",
        Kind::HouseNumber => "14a",
        Kind::Reference => "W-417-206",
        Kind::Business => "missed-bin",
        Kind::Number | Kind::Digits | Kind::Text => "12345",
    }
}

/// Whether an expression has a day in it that nobody has put into quotes.
fn has_bare_day(written: &str) -> bool {
    let bare = written.split(['\'', '"']).step_by(2);
    let day = |word: &str| {
        let parts: Vec<&str> = word.split(['-', '/']).collect();
        let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(digits)
    };
    bare.flat_map(str::split_whitespace).any(day)
}

/// A side of a comparison, and what it comes to.
struct Side<'e> {
    read: &'e Expr<'e>,
    of: Type,
}

impl Side<'_> {
    fn is_a_bit(&self) -> bool {
        let Expr::Const(constant) = self.read else { return false };
        matches!(constant.value.to_string().as_str(), "0" | "1")
    }
}

/// Whether words that are no value of a kind can still be before or after one: part of a postcode, a
/// year, the end of the day.
fn is_bound(kind: Kind, words: &str) -> bool {
    match class(&Type::Of(kind)) {
        Class::Words => true,
        Class::Day => {
            let parts: Vec<&str> = words.split('-').collect();
            let digits =
                |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
            match parts[..] {
                [year] => digits(year, 4),
                [year, month] => digits(year, 4) && digits(month, 2),
                _ => false,
            }
        }
        Class::Time => words == "24:00",
        Class::Any | Class::Truth | Class::Number => false,
    }
}

struct Reader<'a> {
    written: &'a str,
    known: &'a dyn Fn(&str) -> Type,
    found: Vec<Misfit>,
}

impl Reader<'_> {
    fn walk(&mut self, read: &Expr<'_>) -> Type {
        match read {
            Expr::Var(var) => (self.known)(var.id),
            Expr::Const(constant) => match constant.value.kind() {
                ValueKind::Bool => Type::Truth,
                ValueKind::Number => Type::Number,
                ValueKind::String => Type::Words(constant.value.to_string()),
                _ => Type::Any,
            },
            Expr::UnaryOp(unary) => {
                let of = self.walk(&unary.expr);
                match unary.op {
                    UnaryOpKind::Not => Type::Truth,
                    UnaryOpKind::Neg => {
                        self.number(&unary.expr, &of);
                        Type::Number
                    }
                }
            }
            Expr::BinOp(two) => self.two(two.op, &two.left, &two.right),
            Expr::Compare(chain) => {
                let mut left = self.side(&chain.expr);
                for next in &chain.ops {
                    let ordered = match next.op {
                        CompareOpKind::In | CompareOpKind::NotIn => {
                            left = self.member(&left, &next.expr);
                            continue;
                        }
                        CompareOpKind::Eq | CompareOpKind::Ne => false,
                        CompareOpKind::Lt
                        | CompareOpKind::Lte
                        | CompareOpKind::Gt
                        | CompareOpKind::Gte => true,
                    };
                    let right = self.side(&next.expr);
                    self.compare(&left, &right, ordered);
                    left = right;
                }
                Type::Truth
            }
            Expr::IfExpr(choice) => {
                self.walk(&choice.test_expr);
                let one = self.walk(&choice.true_expr);
                let other = choice.false_expr.as_ref().map(|other| self.walk(other));
                other.map_or(Type::Any, |other| either(one, other))
            }
            Expr::Filter(filter) => {
                filter.expr.iter().for_each(|inner| drop(self.walk(inner)));
                self.arguments(&filter.args);
                match filter.name {
                    "length" | "count" | "int" | "float" | "round" | "abs" => Type::Number,
                    "upper" | "lower" | "title" | "capitalize" | "trim" | "replace" => {
                        Type::Of(Kind::Text)
                    }
                    _ => Type::Any,
                }
            }
            Expr::Test(test) => {
                self.walk(&test.expr);
                self.arguments(&test.args);
                Type::Truth
            }
            Expr::List(list) => {
                list.items.iter().for_each(|item| drop(self.walk(item)));
                Type::Any
            }
            Expr::Call(call) => {
                self.arguments(&call.args);
                Type::Any
            }
            Expr::GetAttr(_)
            | Expr::GetItem(_)
            | Expr::Slice(_)
            | Expr::Tuple(_)
            | Expr::Map(_) => Type::Any,
        }
    }

    fn arguments(&mut self, all: &[CallArg<'_>]) {
        for argument in all {
            match argument {
                CallArg::Pos(inner)
                | CallArg::Kwarg(_, inner)
                | CallArg::PosSplat(inner)
                | CallArg::KwargSplat(inner) => drop(self.walk(inner)),
            }
        }
    }

    fn two(&mut self, op: BinOpKind, left: &Expr<'_>, right: &Expr<'_>) -> Type {
        match op {
            BinOpKind::Eq | BinOpKind::Ne => {
                let (one, other) = (self.side(left), self.side(right));
                self.compare(&one, &other, false);
                Type::Truth
            }
            BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte => {
                let (one, other) = (self.side(left), self.side(right));
                self.compare(&one, &other, true);
                Type::Truth
            }
            BinOpKind::In => {
                let one = self.side(left);
                self.member(&one, right);
                Type::Truth
            }
            BinOpKind::ScAnd | BinOpKind::ScOr => {
                let (one, other) = (self.walk(left), self.walk(right));
                either(one, other)
            }
            BinOpKind::Concat => {
                self.walk(left);
                self.walk(right);
                Type::Of(Kind::Text)
            }
            BinOpKind::Add => {
                let (one, other) = (self.walk(left), self.walk(right));
                match (class(&one), class(&other)) {
                    (Class::Any, Class::Any) => Type::Any,
                    // Words are joined by it as well, and days and times to words.
                    (Class::Words, Class::Words | Class::Any | Class::Day | Class::Time)
                    | (Class::Any | Class::Day | Class::Time, Class::Words) => Type::Of(Kind::Text),
                    (_, _) => {
                        self.number(left, &one);
                        self.number(right, &other);
                        Type::Number
                    }
                }
            }
            BinOpKind::Sub
            | BinOpKind::Mul
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem
            | BinOpKind::Pow => {
                let (one, other) = (self.walk(left), self.walk(right));
                self.number(left, &one);
                self.number(right, &other);
                Type::Number
            }
        }
    }

    /// Whether something can be part of a sum.
    fn number(&mut self, read: &Expr<'_>, of: &Type) {
        if !matches!(class(of), Class::Any | Class::Number) {
            self.found.push(Misfit::Sum { what: shown(read, of) });
        }
    }

    /// A side of a comparison, looked at once.
    fn side<'e>(&mut self, read: &'e Expr<'e>) -> Side<'e> {
        Side { read, of: self.walk(read) }
    }

    /// Whether something can be one of several; the several.
    fn member<'e>(&mut self, one: &Side<'_>, all: &'e Expr<'e>) -> Side<'e> {
        let Expr::List(list) = all else { return self.side(all) };
        for item in &list.items {
            let item = self.side(item);
            self.compare(one, &item, false);
        }
        Side { read: all, of: Type::Any }
    }

    /// Whether two can be equal, or in an order.
    fn compare(&mut self, left: &Side<'_>, right: &Side<'_>, ordered: bool) {
        let (one, other) = (&left.of, &right.of);
        match (one, other) {
            (Type::Of(kind), Type::Words(words)) | (Type::Words(words), Type::Of(kind))
                if !matches!(class(&Type::Of(*kind)), Class::Number | Class::Truth) =>
            {
                if !(ordered && is_bound(*kind, words)) {
                    self.found.extend(spelled(*kind, words, true).err());
                }
                return;
            }
            (_, _) => {}
        }
        let good = match (class(one), class(other)) {
            (Class::Any, _) | (_, Class::Any) => true,
            (Class::Truth, Class::Truth) => !ordered,
            // Yes is 1 and no is 0.
            (Class::Truth, Class::Number) => !ordered && right.is_a_bit(),
            (Class::Number, Class::Truth) => !ordered && left.is_a_bit(),
            // Another system's text can be a day as it is written.
            (Class::Words, Class::Day | Class::Time) => *one == Type::Of(Kind::Text),
            (Class::Day | Class::Time, Class::Words) => *other == Type::Of(Kind::Text),
            (one, other) => one == other,
        };
        if !good {
            let right_is = self.instead(one, other);
            let (left, right) = (shown(left.read, one), shown(right.read, other));
            let told = Misfit::Compared { left, right, right_is };
            if !self.found.contains(&told) {
                self.found.push(told);
            }
        }
    }

    fn instead(&self, one: &Type, other: &Type) -> String {
        let is = |wanted| class(one) == wanted || class(other) == wanted;
        match () {
            () if has_bare_day(self.written) => {
                "put the day into quotes, as in `today > '2026-12-01'`: without them it is a sum"
            }
            () if is(Class::Day) => "compare a day with another, as in `today > '2026-12-01'`",
            () if is(Class::Time) => "compare a time with another, as in `now < '14:30'`",
            () if is(Class::Truth) => {
                "it is yes or no: its name alone is the condition, as in `relay` or `not relay`"
            }
            () => {
                "numbers stand without quotes; words, and digits that are none, in quotes: `'0123'`"
            }
        }
        .to_owned()
    }
}

/// A side as people read it.
fn shown(read: &Expr<'_>, of: &Type) -> String {
    match (read, of) {
        (Expr::Var(var), _) => format!("`{}` ({})", var.id, described(of)),
        (_, Type::Words(words)) => format!("`'{words}'`"),
        (_, _) => described(of).to_owned(),
    }
}
