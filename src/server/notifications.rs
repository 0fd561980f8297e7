//! Sends the texts and e-mails that callers were promised.

mod mail;
mod notify;

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::config::problem::SecretProblem;
use crate::event::SendFault;
use crate::id::NotificationId;
use crate::notification::{Bounce, Dispatch, Letter, NotificationSettings};

use self::mail::Mail;
use self::notify::Notify;
pub use self::notify::NotifyKey;

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// There is no key of GOV.UK Notify in its file.
    #[error("the key of GOV.UK Notify: {0}")]
    Key(SecretProblem),
    /// There is no password in its file.
    #[error("the password for the mail server: {0}")]
    Password(SecretProblem),
    /// There is no HTTP client on this machine.
    #[error("GOV.UK Notify cannot be asked over HTTP: {0}")]
    Client(reqwest::Error),
    /// The mail server cannot be spoken to.
    #[error("e-mails cannot be sent: {0}")]
    Mail(lettre::transport::smtp::Error),
    /// The sender's address is none.
    #[error("`{0}` is not an address that e-mails can come from")]
    Sender(String),
}

/// Sends texts and e-mails. Cheap to copy.
#[derive(Clone)]
pub struct Post {
    notify: Option<Arc<Notify>>,
    mail: Option<Arc<Mail>>,
    runtime: Handle,
}

/// The mail client's connections end on the runtime, wherever the last copy is dropped.
impl Drop for Post {
    fn drop(&mut self) {
        let _in_it = self.runtime.enter();
        drop(self.mail.take());
    }
}

impl Post {
    /// Reads the secrets and makes the clients.
    pub fn new(settings: &NotificationSettings, runtime: Handle) -> Result<Self, PostError> {
        let notify = settings.notify.as_ref().map(Notify::new).transpose()?.map(Arc::new);
        let mail = settings.smtp.as_ref().map(Mail::new).transpose()?.map(Arc::new);
        Ok(Post { notify, mail, runtime })
    }

    /// Sends something and tells from another thread what came of it.
    pub fn send(
        &self,
        dispatch: Dispatch,
        tell: impl FnOnce(NotificationId, Result<Option<String>, Bounce>) + Send + 'static,
    ) {
        let (notify, mail) = (self.notify.clone(), self.mail.clone());
        self.runtime.spawn(async move {
            let id = dispatch.id;
            let outcome = match (&dispatch.letter, notify, mail) {
                (Letter::Notify { by, template, fields }, Some(notify), _) => {
                    notify.send(&dispatch, *by, template, fields).await
                }
                (Letter::Mail { subject, text }, _, Some(mail)) => {
                    mail.send(&dispatch, subject, text).await
                }
                (Letter::Notify { .. }, None, _) | (Letter::Mail { .. }, _, None) => {
                    Err(Bounce { why: SendFault::NotSet, words: None, arrived: false })
                }
            };
            tell(id, outcome);
        });
    }
}

#[cfg(test)]
mod tests;
