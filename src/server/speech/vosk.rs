//! A Vosk server's WebSocket protocol: settings as JSON, samples as binary frames, `eof`, and an answer to
//! each frame.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WebSocketError;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::http::{Request, Uri};
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};

use super::expected::Expected;
use super::{Deaf, Heard, HearingError, MOST_TEXT, Samples, Word, plain, token};
use crate::config::settings::SpeechSettings;

/// The longest message that is taken.
const MOST_MESSAGE: usize = 64 * 1_024;
/// Where a Vosk server listens unless it is told otherwise.
const PORT: u16 = 2_700;
/// What the server compares with, byte for byte.
const EOF: &str = "{\"eof\" : 1}";
/// What stands for any other word in a list of phrases.
const UNKNOWN: &str = "[unk]";

/// Where the server is.
pub(super) struct Vosk {
    request: Request<()>,
    host: String,
    port: u16,
    connect_within: Duration,
}

/// An answer: partial ones have neither.
#[derive(Deserialize)]
struct Answer {
    text: Option<String>,
    #[serde(default)]
    result: Vec<AnswerWord>,
}

#[derive(Deserialize)]
struct AnswerWord {
    word: String,
    conf: f32,
}

impl Vosk {
    pub(super) fn new(settings: &SpeechSettings) -> Result<Vosk, HearingError> {
        let url = settings.url.as_deref().unwrap_or_default();
        let wrong = || HearingError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("ws")).ok_or_else(wrong)?;
        let (host, port) =
            (host.trim_matches(['[', ']']).to_owned(), uri.port_u16().unwrap_or(PORT));
        let mut request = uri.into_client_request().map_err(|_| wrong())?;
        if let Some(token) = token(settings)? {
            request.headers_mut().insert(AUTHORIZATION, token);
        }
        let connect_within = Duration::from_millis(u64::from(settings.timeout_ms));
        Ok(Vosk { request, host, port, connect_within })
    }

    pub(super) async fn recognise(
        &self,
        expected: &Expected,
        mut samples: Samples,
    ) -> Result<Option<Heard>, Deaf> {
        let opens = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
            let stream = stream.map_err(|_| Deaf::Down)?;
            let _ = stream.set_nodelay(true);
            let limits = WebSocketConfig::default()
                .max_message_size(Some(MOST_MESSAGE))
                .max_frame_size(Some(MOST_MESSAGE));
            let opened = client_async_with_config(self.request.clone(), stream, Some(limits)).await;
            opened.map(|(socket, _)| socket).map_err(deaf)
        };
        let mut socket = timeout(self.connect_within, opens).await.map_err(|_| Deaf::Slow)??;
        let mut config = serde_json::json!({ "sample_rate": 16_000, "words": 1 });
        if let (Some(mut phrases), Some(config)) = (expected.phrases(), config.as_object_mut()) {
            phrases.push(UNKNOWN.to_owned());
            config.insert("phrase_list".to_owned(), phrases.into());
        }
        let config = serde_json::json!({ "config": config }).to_string();
        socket.send(Message::text(config)).await.map_err(deaf)?;
        let (mut to, mut from) = socket.split();
        let mut said = Said::default();
        // Each frame is answered, the last one too: what is not yet.
        let (mut unanswered, mut open) = (0_usize, true);
        while open || unanswered > 0 {
            tokio::select! {
                more = samples.recv(), if open => {
                    let message = match more {
                        Some(samples) => {
                            let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes());
                            Message::binary(bytes.collect::<Vec<u8>>())
                        }
                        None => {
                            open = false;
                            Message::text(EOF)
                        }
                    };
                    unanswered += 1;
                    to.send(message).await.map_err(deaf)?;
                }
                message = from.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        unanswered = unanswered.saturating_sub(1);
                        said.take_in(&text)?;
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Binary(_))) => return Err(Deaf::Garbage),
                    // It closes once it has said all.
                    Some(Ok(Message::Close(_))) | None if !open && said.answered => break,
                    Some(Ok(Message::Close(_))) | None => return Err(Deaf::BrokeOff),
                    Some(Err(error)) => return Err(deaf(error)),
                },
            }
        }
        Ok(said.heard())
    }
}

/// What was said until now: the server may find several utterances in one.
#[derive(Default)]
struct Said {
    words: Vec<Word>,
    length: usize,
    answered: bool,
}

impl Said {
    fn take_in(&mut self, text: &str) -> Result<(), Deaf> {
        let answer: Answer = serde_json::from_str(text).map_err(|_| Deaf::Garbage)?;
        let Some(text) = answer.text else { return Ok(()) };
        self.answered = true;
        let without = |word: &str| Word { text: word.to_owned(), confidence: 0.0 };
        // A server that was built without confidences gives the text alone.
        let words: Vec<Word> = match answer.result.is_empty() {
            true => text.split_whitespace().map(without).collect(),
            false => answer
                .result
                .into_iter()
                .map(|word| Word { text: word.word, confidence: word.conf.clamp(0.0, 1.0) })
                .collect(),
        };
        self.length += words.iter().map(|word| word.text.len() + 1).sum::<usize>();
        if self.length > MOST_TEXT {
            return Err(Deaf::Garbage);
        }
        self.words.extend(words);
        Ok(())
    }

    fn heard(self) -> Option<Heard> {
        let all = self.words.len() as f32;
        let known = self.words.into_iter().filter(|word| word.text != UNKNOWN);
        let words = known.map(|word| Word { text: plain(&word.text), confidence: word.confidence });
        let words: Vec<Word> = words.filter(|word| !word.text.is_empty()).collect();
        if words.is_empty() {
            return None;
        }
        // What was none of the words counts as unsure.
        let confidence = words.iter().map(|word| word.confidence).sum::<f32>() / all;
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        Some(Heard { text, confidence, words })
    }
}

fn deaf(error: WebSocketError) -> Deaf {
    match error {
        WebSocketError::Io(_)
        | WebSocketError::ConnectionClosed
        | WebSocketError::AlreadyClosed
        | WebSocketError::Tls(_) => Deaf::BrokeOff,
        WebSocketError::Http(_) => Deaf::Refused,
        WebSocketError::Capacity(_)
        | WebSocketError::Protocol(_)
        | WebSocketError::WriteBufferFull(_)
        | WebSocketError::Utf8(_)
        | WebSocketError::AttackAttempt
        | WebSocketError::Url(_)
        | WebSocketError::HttpFormat(_) => Deaf::Garbage,
    }
}
