//! A service of Whisper's kind: a form with a WAV file in, JSON out.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::*;

type Sent = (HeaderMap, Bytes);

#[derive(Clone)]
struct Service {
    answer: Arc<dyn Fn() -> Response + Send + Sync>,
    sent: UnboundedSender<Sent>,
}

async fn transcribe(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    service.sent.send((headers, body)).expect("somebody looks");
    (service.answer)()
}

/// What comes of a sentence that such a service hears, and what it was sent.
async fn heard_by(
    answer: impl Fn() -> Response + Send + Sync + 'static,
    settings: impl FnOnce(SpeechSettings) -> SpeechSettings,
) -> (Result<Verdict, Deaf>, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let at = listener.local_addr().expect("an address");
    let (sent, mut sends) = unbounded_channel();
    let router = Router::new()
        .route("/v1/audio/transcriptions", post(transcribe))
        .layer(DefaultBodyLimit::max(1 << 20))
        .with_state(Service { answer: Arc::new(answer), sent });
    let served = tokio::spawn(async move { axum::serve(listener, router).await });
    let verdict = verdict(&settings(whisper_at(at)), phrases()).await;
    let sent = sends.recv().await.expect("a request");
    served.abort();
    (verdict, sent)
}

fn json(text: &str) -> Response {
    ([("content-type", "application/json")], text.to_owned()).into_response()
}

#[tokio::test]
async fn an_utterance_is_a_wav_file_in_a_form_and_its_text_is_heard() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "secret\n").expect("written");
    let answer = r#"{"task": "transcribe", "language": "english", "duration": 2.0,
        "text": " To an adviser.", "segments": [{"id": 0, "avg_logprob": -0.105, "no_speech_prob": 0.0}]}"#;
    let with_token = |settings| SpeechSettings { token_file: Some(file.clone()), ..settings };
    let (verdict, (headers, body)) = heard_by(move || json(answer), with_token).await;
    let Ok(Verdict::Heard(heard)) = verdict else { panic!("{verdict:?}") };
    assert_eq!(heard.text, "to an adviser");
    assert!((heard.confidence - 0.9).abs() < 0.001, "{heard:?}");
    assert_eq!(headers["authorization"], "Bearer secret");
    let kind = headers["content-type"].to_str().expect("text");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
    let form = String::from_utf8_lossy(&body);
    for (name, value) in [
        ("model", "whisper-1"),
        ("language", "en"),
        ("response_format", "verbose_json"),
        ("prompt", "council tax, to an adviser"),
    ] {
        let field = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        assert!(form.contains(&field), "{name}");
    }
    assert!(body.ends_with(format!("\r\n--{boundary}--\r\n").as_bytes()));
    let at = body.windows(4).position(|window| window == b"RIFF").expect("a WAV file");
    let end = body.len() - boundary.len() - 8;
    let wav = hound::WavReader::new(&body[at..end]).expect("a whole one");
    assert_eq!(
        (wav.spec().sample_rate, wav.spec().channels, wav.spec().bits_per_sample),
        (16_000, 1, 16)
    );
    let all = sentence().len();
    let samples = wav.len() as usize;
    assert!(samples < all && samples + 3 * 16_000 > all, "{samples} of {all}");
    assert_eq!(end - at, 44 + 2 * samples);
}

#[tokio::test]
async fn what_is_unsure_or_nobody_is_not_acted_on() {
    let same = |settings| settings;
    for (answer, unsure) in [
        (
            r#"{"text": "Thank you.", "segments": [{"avg_logprob": -1.5, "no_speech_prob": 0.9}]}"#,
            true,
        ),
        (r#"{"text": "", "segments": []}"#, false),
        (r#"{"text": " ... "}"#, false),
    ] {
        let (verdict, _) = heard_by(move || json(answer), same).await;
        match unsure {
            true => assert!(matches!(verdict, Ok(Verdict::Unsure(_))), "{verdict:?}"),
            false => assert_eq!(verdict, Ok(Verdict::NoMatch)),
        }
    }
    // The short shape has no figures: it is taken at the settings' word.
    let careful = |settings| SpeechSettings { confidence: 0.6, ..settings };
    let (verdict, _) = heard_by(|| json(r#"{"text": "Council tax"}"#), careful).await;
    assert!(matches!(verdict, Ok(Verdict::Unsure(_))), "{verdict:?}");
}

#[tokio::test]
async fn a_service_that_refuses_fails_talks_rubbish_or_too_much_is_told() {
    type Answer = fn() -> Response;
    let answers: [(Answer, Deaf); 7] = [
        (|| StatusCode::UNAUTHORIZED.into_response(), Deaf::Refused),
        (|| StatusCode::FOUND.into_response(), Deaf::Refused),
        (|| StatusCode::TOO_MANY_REQUESTS.into_response(), Deaf::TooMany),
        (|| StatusCode::INTERNAL_SERVER_ERROR.into_response(), Deaf::BrokeOff),
        (|| json("<html>"), Deaf::Garbage),
        (|| json(r#"{"text": 7}"#), Deaf::Garbage),
        (|| json(&format!(r#"{{"text": "{}"}}"#, "a".repeat(1_000_000))), Deaf::Garbage),
    ];
    for (answer, deaf) in answers {
        let (verdict, _) = heard_by(answer, |settings| settings).await;
        assert_eq!(verdict, Err(deaf));
    }
}

#[tokio::test]
async fn a_service_that_never_ends_its_answer_is_not_waited_for_longer_than_set() {
    let never = || {
        let one = futures_util::stream::once(async { Ok::<_, std::io::Error>(Bytes::from("{")) });
        let endless = futures_util::StreamExt::chain(one, futures_util::stream::pending());
        Body::from_stream(endless).into_response()
    };
    let soon = |settings| SpeechSettings { timeout_ms: 200, ..settings };
    assert_eq!(heard_by(never, soon).await.0, Err(Deaf::Slow));
}
