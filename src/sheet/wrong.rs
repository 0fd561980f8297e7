//! What can be wrong in a sheet, and what would be right.

use csv::StringRecord;

/// What is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "each variant's text says what it is; fields are what the text names"
)]
pub enum Wrong {
    #[error("this is not UTF-8 text: save the sheet as CSV in UTF-8")]
    NotText,
    #[error("the file is empty: its first line must name the columns")]
    NoHeading,
    #[error("there is no column `{name}`{hint}; the heading has: {known}")]
    MissingColumn { name: &'static str, hint: String, known: String },
    #[error("the column `{name}` is there twice: which is meant? Rename or remove one")]
    ColumnTwice { name: &'static str },
    #[error(
        "this row has {have} values and the heading has {want}: write a value for each, separated by \
         commas, and put a value that contains a comma into quotes"
    )]
    Ragged { have: usize, want: usize },
    #[error("a service cannot be called `all`: so the table calls all of them together")]
    NamedAll,
    #[error("`{column}` is blank: write its value, 0 if it is none")]
    BlankNumber { column: &'static str },
    #[error("a quote is not closed: the rest of the sheet is taken as one value")]
    OpenQuote,
    #[error("`{column}` is blank")]
    Blank { column: &'static str },
    #[error("`{value}` in `{column}` is not a whole number from {least} to {most}, as in 1500")]
    NoNumber { column: &'static str, value: String, least: i64, most: i64 },
    #[error("`{value}` in `{column}` is not a number of 0 or more, as in 42 or 42.5")]
    NoAmount { column: &'static str, value: String },
    #[error("`{id}` is in `{column}` of line {line} already: each row needs one of its own")]
    Twice { column: &'static str, id: String, line: u64 },
    #[error("no kind of call is called `{kind}`: did you mean `{meant}`?")]
    UnknownKind { kind: String, meant: &'static str },
    #[error("the agent has no skill: name the services that they answer, as in waste|housing")]
    NoSkill,
    #[error("{why}")]
    BadSkill { why: crate::id::AbilityError },
    #[error("`{text}` is not a break: write start_ms+duration_ms, as in 43200000+1800000")]
    NoBreak { text: String },
    #[error("the shift ends at {logout_ms} and begins at {login_ms}: it must end after it begins")]
    EndsBeforeItBegins { login_ms: u64, logout_ms: u64 },
    #[error("{why}")]
    Refused { why: String },
}

impl Wrong {
    pub(super) fn missing(name: &'static str, heading: &StringRecord) -> Wrong {
        let alike = |known: &&str| {
            let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
            plain(known) == plain(name)
        };
        let hint = match heading.iter().find(alike) {
            Some(near) => format!(" (rename `{near}`)"),
            None if heading.len() == 1 && heading.iter().any(|only| only.contains([';', '\t'])) => {
                " (values must be separated by commas)".to_owned()
            }
            None => String::new(),
        };
        let known = heading.iter().collect::<Vec<_>>().join(", ");
        Wrong::MissingColumn { name, hint, known }
    }
}
