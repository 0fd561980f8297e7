//! Texts and e-mails that a caller is sent.

use crate::flow::wording::Template;
use crate::id::{NodeName, TemplateName, ValueName};

/// Promises to send the caller a text message or an e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Which of the settings' templates.
    pub template: TemplateName,
    /// The value that has the number or the address.
    pub to: ValueName,
    /// What stands in the template, by its names. Values are written as people write them.
    pub fields: Vec<(String, Template)>,
    /// What comes next once it is promised.
    pub then: NodeName,
    /// What comes next if it cannot be sent there, or no more can be sent now.
    pub otherwise: NodeName,
}
