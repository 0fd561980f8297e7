//! Secrets that stand in files of their own: tokens, passwords and keys.
//!
//! Every file that the settings name is read when they are checked, so that a wrong one is found where it
//! is named, and again by whoever uses it.

use std::path::Path;

use miette::{Report, Severity};
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use super::notifications::NotifyKey;
use super::recording::sealed::Key;
use crate::config::problem::{Problem, SecretProblem};
use crate::config::settings::Settings;
use crate::config::source::Source;

/// A secret of one line, without the white space around it.
pub fn line(path: &Path) -> Result<Zeroizing<String>, SecretProblem> {
    let text = text(path)?;
    let line = Zeroizing::new(text.trim().to_owned());
    if line.is_empty() {
        return Err(SecretProblem::Empty { path: path.display().to_string() });
    }
    if line.chars().any(char::is_control) {
        return Err(SecretProblem::NotOneLine { path: path.display().to_string() });
    }
    Ok(line)
}

/// What a token makes of itself in a request: `Authorization: Bearer` (RFC 6750 section 2.1).
pub fn bearer(path: &Path) -> Result<HeaderValue, SecretProblem> {
    let token = line(path)?;
    let wrong = || SecretProblem::NotAToken { path: path.display().to_string() };
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong());
    }
    let text = Zeroizing::new(format!("Bearer {}", *token));
    let mut value = HeaderValue::from_str(&text).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok(value)
}

/// An API key of GOV.UK Notify, as Notify shows it.
pub fn notify_key(path: &Path) -> Result<NotifyKey, SecretProblem> {
    let wrong = || SecretProblem::NotOfNotify { path: path.display().to_string() };
    NotifyKey::read(&line(path)?).ok_or_else(wrong)
}

/// A key that recordings are encrypted or signed with: 64 hexadecimal digits.
pub fn recording_key(path: &Path) -> Result<Key, SecretProblem> {
    let key = line(path)?;
    Key::parse(&key).map_err(|_| SecretProblem::NotAKey { path: path.display().to_string() })
}

/// An access key of an object store: its id and its secret, a line each.
pub fn access_key(path: &Path) -> Result<(String, Zeroizing<String>), SecretProblem> {
    let text = text(path)?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next(), lines.next()) {
        (Some(id), Some(secret), None) => Ok((id.to_owned(), Zeroizing::new(secret.to_owned()))),
        _ => Err(SecretProblem::NotAnAccessKey { path: path.display().to_string() }),
    }
}

fn text(path: &Path) -> Result<Zeroizing<String>, SecretProblem> {
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        let (path, error) = (path.display().to_string(), error.to_string());
        SecretProblem::Unreadable { path, error }
    })
}

/// What is wrong with the files that a server reads, each where the settings name it.
pub fn check(settings: &Settings, source: &Source) -> Vec<Report> {
    let mut check = Check { source, findings: Vec::new() };
    for (name, backend) in &settings.backends {
        check.file(&["backend", name.as_str(), "token_file"], &backend.token_file, bearer);
    }
    if settings.speech.engine.is_some() {
        check.file(&["speech", "token_file"], &settings.speech.token_file, bearer);
    }
    if settings.language_model.url.is_some() {
        check.file(&["language_model", "token_file"], &settings.language_model.token_file, bearer);
    }
    if let Some(notify) = &settings.notifications.notify {
        check.file(&["notifications", "notify", "key_file"], &notify.key_file, notify_key);
    }
    if let Some(smtp) = &settings.notifications.smtp {
        check.file(&["notifications", "smtp", "password_file"], &smtp.password_file, line);
    }
    let recording = &settings.recording;
    check.file(&["recording", "key_file"], &recording.key_file, recording_key);
    check.file(&["recording", "signing_key_file"], &recording.signing_key_file, recording_key);
    for (index, old) in recording.old_key_files.iter().enumerate() {
        let path = ["recording", "old_key_files", &index.to_string()];
        check.file(&path, &Some(old), recording_key);
    }
    let credentials = &recording.store.credentials_file;
    check.file(&["recording", "store", "credentials_file"], credentials, access_key);
    check.findings
}

struct Check<'a> {
    source: &'a Source,
    findings: Vec<Report>,
}

impl Check<'_> {
    fn file<T>(
        &mut self,
        key: &[&str],
        path: &Option<impl AsRef<Path>>,
        read: fn(&Path) -> Result<T, SecretProblem>,
    ) {
        if let Some(Err(problem)) = path.as_ref().map(|path| read(path.as_ref())) {
            let (place, what) = (self.source.value(key), Problem::SecretFile(problem));
            self.findings.push(self.source.finding(place, Severity::Error, what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<T>(
        read: fn(&Path) -> Result<T, SecretProblem>,
        text: &[u8],
    ) -> Result<T, SecretProblem> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, text).expect("written");
        read(&path)
    }

    #[test]
    fn a_secret_is_one_line() {
        assert_eq!(*told(line, b" p\xc3\xa4ss word \r\n").expect("a line"), "päss word");
        for empty in [&b""[..], b"\n", b" \r\n\t"] {
            assert!(matches!(told(line, empty), Err(SecretProblem::Empty { .. })));
        }
        for more in [&b"one\ntwo\n"[..], b"one\rtwo", b"a\0b"] {
            assert!(matches!(told(line, more), Err(SecretProblem::NotOneLine { .. })));
        }
        assert!(matches!(told(line, b"\xff\xfe"), Err(SecretProblem::Unreadable { .. })));
        let nowhere = line(Path::new("/nowhere/at/all"));
        assert!(matches!(nowhere, Err(SecretProblem::Unreadable { .. })));
    }

    #[test]
    fn a_token_is_sent_as_one_and_never_shown() {
        let value = told(bearer, b"abc.DEF-1~+/=\n").expect("a token");
        assert_eq!(value.as_bytes(), b"Bearer abc.DEF-1~+/=");
        assert!(!format!("{value:?}").contains("abc"));
        for none in ["two words", "tökén"] {
            let told = told(bearer, none.as_bytes());
            assert!(matches!(told, Err(SecretProblem::NotAToken { .. })), "{none}");
        }
    }

    #[test]
    fn an_access_key_is_two_lines() {
        let (id, secret) = told(access_key, b"AKIA\nsecret\n\n").expect("a key");
        assert_eq!((id.as_str(), secret.as_str()), ("AKIA", "secret"));
        for none in [&b"AKIA\n"[..], b"", b"a\nb\nc\n"] {
            assert!(matches!(told(access_key, none), Err(SecretProblem::NotAnAccessKey { .. })));
        }
    }

    /// Settings beside which stands one file, `secret`.
    const SETTINGS: &str = r#"
organisation = "Harbourside Council"

[numbers]

[backend.council]
url = "https://example.gov.uk"
token_file = "secret"

[speech]
engine = "whisper"
url = "http://127.0.0.1:9/v1/audio/transcriptions"
token_file = "secret"

[language_model]
url = "http://127.0.0.1:9/v1/chat/completions"
token_file = "secret"

[notifications.notify]
key_file = "secret"

[notifications.smtp]
host = "mail.example.gov.uk"
username = "switchboard"
password_file = "secret"
from = "no-reply@example.gov.uk"

[recording]
key_file = "secret"
signing_key_file = "secret"
old_key_files = ["secret", "secret"]

[recording.store]
bucket = "recordings"
credentials_file = "secret"
"#;

    fn findings(secret: &[u8]) -> Vec<Report> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config/a.toml");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(&file, SETTINGS).expect("written");
        std::fs::write(folder.path().join("secret"), secret).expect("written");
        let (settings, base) = super::super::settings_file::unchecked(&file).expect("reads");
        check(&settings, &base.source)
    }

    #[test]
    fn every_file_is_read_where_the_settings_are_checked() {
        let count = SETTINGS.matches("\"secret\"").count();
        let told = findings(b"");
        assert_eq!(told.len(), count);
        assert!(told.iter().all(|finding| crate::config::problem::place_of(&**finding).is_some()));
        // A line like any other is a token (3) or a password, and neither a key nor two lines.
        assert_eq!(findings(b"secret").len(), 6);
    }
}
