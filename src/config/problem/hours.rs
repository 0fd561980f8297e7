//! What can be wrong with hours that read well.

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "each variant's text says what it is; fields are what the text names"
)]
pub enum HoursProblem {
    #[error("`{day}` is not named and so closed, between days that are open")]
    NotNamed { day: &'static str },
    #[error("this leaves the lines closed from {from} to {to}")]
    Gap { from: String, to: String },
}

impl HoursProblem {
    /// What would be right.
    pub(super) fn remedy(&self) -> String {
        match self {
            HoursProblem::NotNamed { day } => {
                format!("write the hours of `{day}`, or `{day} = []` if it is closed")
            }
            HoursProblem::Gap { .. } => {
                "let one span end where the next begins; a day ends at 24:00".to_owned()
            }
        }
    }
}
