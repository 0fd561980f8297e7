//! E-mails through a mail server (RFC 5321).
//!
//! A mail server cannot be asked whether it has something. One that broke off after it had taken an e-mail
//! is given it again under the same `Message-ID`, by which mailboxes know it (RFC 5322 section 3.6.4).

use std::time::Duration;

use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::PostError;
use crate::event::SendFault;
use crate::notification::{Bounce, Dispatch, Security, SmtpSettings};
use crate::server::secret_file;
use crate::server::stream::tls;

/// A mail server.
pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mail {
    pub(super) fn new(settings: &SmtpSettings) -> Result<Self, PostError> {
        tls::provide_for_clients();
        let from: Mailbox =
            settings.from.parse().map_err(|_| PostError::Sender(settings.from.clone()))?;
        let parameters = || TlsParameters::new(settings.host.clone()).map_err(PostError::Mail);
        let encryption = match settings.security {
            Security::Tls => Tls::Wrapper(parameters()?),
            Security::Starttls => Tls::Required(parameters()?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port())
            .tls(encryption)
            .timeout(Some(Duration::from_millis(settings.timeout_ms.into())))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let (Some(user), Some(path)) = (&settings.username, &settings.password_file) {
            let password = secret_file::line(path).map_err(PostError::Password)?;
            let credentials = Credentials::new(user.clone(), password.to_string());
            builder = builder.credentials(credentials);
        }
        Ok(Mail { transport: builder.build(), from })
    }

    /// Hands an e-mail over.
    pub(super) async fn send(
        &self,
        dispatch: &Dispatch,
        subject: &str,
        text: &str,
    ) -> Result<Option<String>, Bounce> {
        let id = format!("<{}@{}>", dispatch.reference(), self.from.email.domain());
        let refused =
            |words: String| Bounce { why: SendFault::Refused, words: Some(words), arrived: false };
        let to: Mailbox =
            dispatch.to.parse().map_err(|_| refused("the address cannot be read".to_owned()))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .message_id(Some(id.clone()))
            // Nobody is to be told that somebody is away (RFC 3834 section 5).
            .raw_header(header::HeaderValue::new(
                header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(header::ContentType::TEXT_PLAIN)
            .body(text.to_owned())
            .map_err(|error| refused(error.to_string()))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(Some(id)),
            Err(error) => Err(bounce(&error)),
        }
    }
}

fn bounce(error: &lettre::transport::smtp::Error) -> Bounce {
    // 530, 534, 535, 538: who we are was asked for or not believed (RFC 4954 section 6).
    let code = error.status().map(u16::from);
    let why = match code {
        Some(530 | 534 | 535 | 538) => SendFault::NotAllowed,
        _ if error.is_permanent() => SendFault::Refused,
        _ if error.is_transient() => SendFault::Busy,
        _ if error.is_timeout() => SendFault::TimedOut,
        _ if error.is_client() => SendFault::NotAllowed,
        _ if error.is_response() => SendFault::Broken,
        _ => SendFault::Unreachable,
    };
    Bounce { why, words: Some(error.to_string()), arrived: false }
}
