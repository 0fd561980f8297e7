//! A Whisper-style HTTP service: an utterance as a WAV file in a form, and its text as JSON
//! (`POST .../v1/audio/transcriptions`).

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

use super::expected::Expected;
use super::{Deaf, Heard, HearingError, Samples, token};
use crate::config::settings::SpeechSettings;
use crate::server::http_client::{self, Cut};

/// The longest answer that is taken.
const MOST_ANSWER: usize = 256 * 1_024;
/// Of what can be said, so many characters tell the service what to expect: it reads no more than some
/// 224 tokens of it.
const MOST_PROMPT: usize = 600;
/// What a text without any figures counts as.
const UNRATED: f32 = 0.5;
const BOUNDARY: &str = "switchboard-7f1c0b52e6d94a";

/// Where the service is.
pub(super) struct Whisper {
    client: Client,
    url: Url,
    model: String,
    token: Option<HeaderValue>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    #[serde(default)]
    segments: Vec<Segment>,
}

#[derive(Deserialize)]
struct Segment {
    /// The mean of its tokens' logarithms of probability.
    avg_logprob: f32,
    #[serde(default)]
    no_speech_prob: f32,
}

impl Whisper {
    pub(super) fn new(settings: &SpeechSettings) -> Result<Whisper, HearingError> {
        let text = settings.url.as_deref().unwrap_or_default();
        let wrong = || HearingError::Url(text.to_owned());
        let url = Url::parse(text).map_err(|_| wrong())?;
        let within = Duration::from_millis(u64::from(settings.timeout_ms));
        let client = http_client::client().timeout(within);
        Ok(Whisper {
            client: client.build().map_err(|_| wrong())?,
            url,
            model: settings.model.clone(),
            token: token(settings)?,
        })
    }

    pub(super) async fn recognise(
        &self,
        expected: &Expected,
        mut samples: Samples,
    ) -> Result<Option<Heard>, Deaf> {
        let mut all = Vec::new();
        while let Some(more) = samples.recv().await {
            all.extend(more);
        }
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut request = self.client.post(self.url.clone()).header(CONTENT_TYPE, kind);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        let answer = request.body(self.form(expected, &all)).send().await.map_err(deaf)?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                return Err(Deaf::TooMany);
            }
            status if status.is_server_error() => return Err(Deaf::BrokeOff),
            _ => return Err(Deaf::Refused),
        }
        let body = http_client::body(answer, MOST_ANSWER).await.map_err(|cut| match cut {
            Cut::TooLong => Deaf::Garbage,
            Cut::Broke(error) => deaf(error),
        })?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| Deaf::Garbage)?;
        Ok(Heard::whole(&answer.text, sure(&answer.segments)))
    }

    fn form(&self, expected: &Expected, samples: &[i16]) -> Vec<u8> {
        let mut body = Vec::with_capacity(samples.len() * 2 + 2_048);
        let mut field = |name: &str, value: &str| {
            let head = format!("Content-Disposition: form-data; name=\"{name}\"");
            body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n{value}\r\n").bytes());
        };
        field("model", &self.model);
        field("language", "en");
        field("response_format", "verbose_json");
        field("temperature", "0");
        if let Some(prompt) = prompt(expected) {
            field("prompt", &prompt);
        }
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"said.wav\"";
        let kind = "Content-Type: audio/wav";
        body.extend(format!("--{BOUNDARY}\r\n{head}\r\n{kind}\r\n\r\n").bytes());
        body.extend(wav_head(samples.len()));
        body.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
        body
    }
}

/// As many of the phrases as have room.
fn prompt(expected: &Expected) -> Option<String> {
    let mut prompt = String::new();
    for phrase in expected.phrases()? {
        if prompt.len() + phrase.len() + 2 > MOST_PROMPT {
            break;
        }
        prompt.push_str(if prompt.is_empty() { "" } else { ", " });
        prompt.push_str(&phrase);
    }
    Some(prompt)
}

/// How sure: the probability of a token in the middle, less that of nobody having spoken.
fn sure(segments: &[Segment]) -> f32 {
    if segments.is_empty() {
        return UNRATED;
    }
    let of = |segment: &Segment| segment.avg_logprob.exp() * (1.0 - segment.no_speech_prob);
    let sure = segments.iter().map(of).sum::<f32>() / segments.len() as f32;
    // Not a number is not sure at all.
    if sure.is_nan() { 0.0 } else { sure.clamp(0.0, 1.0) }
}

/// The head of a WAV file of so many samples, 16 bits at 16 kHz.
fn wav_head(samples: usize) -> Vec<u8> {
    let bytes = u32::try_from(samples * 2).unwrap_or(u32::MAX - 36);
    let mut head = Vec::with_capacity(44);
    head.extend(b"RIFF");
    head.extend((bytes.saturating_add(36)).to_le_bytes());
    head.extend(b"WAVEfmt ");
    head.extend(16_u32.to_le_bytes());
    // Linear samples, one channel.
    head.extend([1, 0, 1, 0]);
    head.extend(16_000_u32.to_le_bytes());
    head.extend(32_000_u32.to_le_bytes());
    head.extend([2, 0, 16, 0]);
    head.extend(b"data");
    head.extend(bytes.to_le_bytes());
    head
}

fn deaf(error: reqwest::Error) -> Deaf {
    if error.is_timeout() {
        Deaf::Slow
    } else if error.is_connect() {
        Deaf::Down
    } else {
        Deaf::BrokeOff
    }
}
