//! What goes wrong with queues, agents and skills of the database.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::config::registry::{LONGEST_NAME, MOST_ENTRIES};
use crate::server::registry::Refusal;
use crate::sheet::Mistake;

pub(super) fn slug(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Declared(..) => "declared-in-file",
        Refusal::Unknown(_) => "unknown-entry",
        Refusal::BadName(_) => "bad-name",
        Refusal::Unconditional(_) => "no-condition",
        Refusal::Changed(..) => "changed-meanwhile",
        Refusal::Wrong(_) => "refused",
        Refusal::InUse(..) => "in-use",
        Refusal::Full(_) => "entries-full",
        Refusal::Sheet(_) => "bad-sheet",
        Refusal::Store => "no-database",
    }
}

pub(super) fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Declared(..) | Refusal::InUse(..) | Refusal::Full(_) => StatusCode::CONFLICT,
        Refusal::Unknown(_) => StatusCode::NOT_FOUND,
        Refusal::Unconditional(_) => StatusCode::PRECONDITION_REQUIRED,
        Refusal::Changed(..) => StatusCode::PRECONDITION_FAILED,
        Refusal::BadName(_) | Refusal::Wrong(_) | Refusal::Sheet(_) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Refusal::Store => StatusCode::SERVICE_UNAVAILABLE,
    }
}

pub(super) fn title(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Declared(..) => "A file declares this",
        Refusal::Unknown(_) => "There is none of that name",
        Refusal::BadName(_) => "This cannot be a name",
        Refusal::Unconditional(_) => "It must be said which version is to be changed",
        Refusal::Changed(..) => "Somebody has changed it meanwhile",
        Refusal::Wrong(_) => "The checks refuse it",
        Refusal::InUse(..) => "It is needed",
        Refusal::Full(_) => "There is no room for more",
        Refusal::Sheet(_) => "The sheet is wrong",
        Refusal::Store => "The database cannot be used now",
    }
}

pub(super) fn detail(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Declared(key, place) => {
            format!("{place} declares {key}: change it there, the server reads it as it is saved.")
        }
        Refusal::Unknown(key) => {
            format!("There is no {key}. GET /api/v1/{} lists all.", key.kind.plural())
        }
        Refusal::BadName(_) => {
            format!("A name has 1 to {LONGEST_NAME} letters, digits and - _ . and nothing else.")
        }
        Refusal::Unconditional(key) => format!(
            "GET {key} first, and send its ETag as If-Match, so that nobody's change is lost \
             unseen; or `If-Match: *`."
        ),
        Refusal::Changed(key, Some(version)) => {
            format!("{key} is at version {version} now. Look at it before trying again.")
        }
        Refusal::Changed(key, None) => format!("There is no {key} any more, or not yet."),
        Refusal::Wrong(told) => {
            format!("Nothing was changed. {} to be mended: see `findings`.", told.len())
        }
        Refusal::InUse(key, told) => {
            format!("{key} stays. {} against it: see `findings`.", told.len())
        }
        Refusal::Full(kind) => {
            format!("The database has at most {MOST_ENTRIES} {}.", kind.plural())
        }
        Refusal::Sheet(mistakes) => {
            format!("Nothing was changed. {} mistakes: see `mistakes`.", mistakes.len())
        }
        Refusal::Store => "Nothing was changed. The log says why; try again later.".to_owned(),
    }
}

/// What is told besides.
pub(super) fn more(refusal: &Refusal) -> Option<(&'static str, Value)> {
    let mistake = |one: &Mistake| {
        let (line, column) = (one.place.line, one.place.column);
        json!({ "line": line, "column": column, "what": one.wrong.to_string() })
    };
    match refusal {
        Refusal::Wrong(told) | Refusal::InUse(_, told) => Some(("findings", json!(told))),
        Refusal::Sheet(mistakes) => {
            let told: Vec<Value> = mistakes.iter().map(mistake).collect();
            Some(("mistakes", Value::Array(told)))
        }
        Refusal::Declared(_, place) => Some(("place", json!(place))),
        Refusal::Unknown(_)
        | Refusal::BadName(_)
        | Refusal::Unconditional(_)
        | Refusal::Changed(..)
        | Refusal::Full(_)
        | Refusal::Store => None,
    }
}
