//! Text messages and e-mails that callers are promised: to whom, in which words, what is under way, and
//! when one is tried again. Sending them is for the shell.

mod desk;
mod settings;

use std::collections::BTreeMap;

use crate::event::{Channel, SendFault};
use crate::id::{NotificationId, TemplateName};
use crate::number::Number;
use crate::number::class::Class;

pub use self::desk::{Effect, Open, Outbox};
pub use self::settings::{
    NotificationSettings, NotifySettings, Security, SmtpSettings, TemplateSettings, field_names,
};

/// What a caller is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Which of the settings' templates.
    pub template: TemplateName,
    /// To which number or address, in any spelling.
    pub to: String,
    /// What stands in it, by the template's names.
    pub fields: BTreeMap<String, String>,
}

/// What a template needs to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// How it is sent, and so what it is sent to.
    pub by: Channel,
    /// The names of what stands in it.
    pub fields: Vec<String>,
}

/// One attempt to send something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// Comes back with what came of it, and is the same for every attempt.
    pub id: NotificationId,
    /// To whom: a number as `+447700900123`, or an address.
    pub to: String,
    /// What.
    pub letter: Letter,
    /// Whether the provider may have it already, so that it is asked first.
    pub perhaps_there: bool,
}

impl Dispatch {
    /// By which the provider knows it: the same for every attempt.
    pub fn reference(&self) -> String {
        format!("switchboard-{}", self.id)
    }
}

/// What is sent, and through whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter {
    /// GOV.UK Notify has the words.
    Notify {
        /// How.
        by: Channel,
        /// The template there.
        template: String,
        /// What stands in it (`personalisation`).
        fields: BTreeMap<String, String>,
    },
    /// An e-mail in our words.
    Mail {
        /// Its subject.
        subject: String,
        /// What it says.
        text: String,
    },
}

/// Why an attempt has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounce {
    /// Why.
    pub why: SendFault,
    /// The provider's words.
    pub words: Option<String>,
    /// Whether the provider may have taken it all the same.
    pub arrived: bool,
}

/// The recipient in one spelling; none if nothing can reach them so. Texts go to mobiles of the United
/// Kingdom only: landlines would read them out, and abroad they cost whatever somebody there likes.
pub fn recipient(by: Channel, written: &str) -> Option<String> {
    match by {
        Channel::Text => {
            let number = Number::read(written);
            (Class::of(&number) == Class::Mobile && number.canonical().len() == MOBILE)
                .then(|| number.canonical())
        }
        Channel::Email => {
            let written = written.trim();
            let (user, host) = written.rsplit_once('@')?;
            let plain =
                written.bytes().all(|b| b.is_ascii_graphic() && !b"<>,;:\"()[]\\".contains(&b));
            let dotted =
                host.split('.').count() > 1 && host.split('.').all(|part| !part.is_empty());
            let fits = !user.is_empty() && !user.contains('@') && written.len() <= LONGEST_ADDRESS;
            (plain && dotted && fits).then(|| written.to_owned())
        }
    }
}

/// `+447700900123`.
const MOBILE: usize = 13;
/// RFC 5321 section 4.5.3.1.3, without the angle brackets.
const LONGEST_ADDRESS: usize = 254;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_go_to_mobiles_of_this_country_and_to_nothing_else() {
        let text = |written| recipient(Channel::Text, written);
        for good in ["07700 900123", "+447700900123", "447700900123", "00447700900123"] {
            assert_eq!(text(good).as_deref(), Some("+447700900123"), "{good}");
        }
        let bad =
            ["01708434343", "07012345678", "07624123456", "+33612345678", "0770090012", "999"];
        for bad in bad.into_iter().chain(["anonymous", "", "077009001234"]) {
            assert_eq!(text(bad), None, "{bad}");
        }
    }

    #[test]
    fn e_mails_go_to_one_address() {
        let mail = |written| recipient(Channel::Email, written);
        assert_eq!(mail(" a.b+c@example.org ").as_deref(), Some("a.b+c@example.org"));
        for bad in [
            "a@b",
            "@example.org",
            "a@example.org,b@example.org",
            "a@example..org",
            "a b@example.org",
        ] {
            assert_eq!(mail(bad), None, "{bad}");
        }
        assert_eq!(mail("a@example.org\r\nBcc: b@example.org"), None);
        assert_eq!(mail("Ann <a@example.org>"), None);
    }

    proptest! {
        #[test]
        fn no_recipient_breaks_it(written in "\\PC{0,40}") {
            for by in [Channel::Text, Channel::Email] {
                if let Some(to) = recipient(by, &written) {
                    prop_assert_eq!(recipient(by, &to), Some(to.clone()));
                }
            }
        }
    }
}
