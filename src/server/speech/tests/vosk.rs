//! A server that speaks as vosk-server's `asr_server.py` does: settings are not answered, every frame of
//! samples is, and `eof` with what is left.

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::*;

type Socket = WebSocketStream<TcpStream>;

/// What it has been sent.
struct Sent {
    config: serde_json::Value,
    bytes: usize,
}

/// Serves one connection; `answers` are the results, one for each but the last after as many frames.
async fn serve(listener: TcpListener, results: Vec<&'static str>) -> Sent {
    let (stream, _) = listener.accept().await.expect("a client");
    let mut socket = accept_async(stream).await.expect("a WebSocket");
    let first = socket.next().await.expect("settings").expect("a message");
    let config = serde_json::from_str(first.to_text().expect("text")).expect("JSON");
    let (mut bytes, mut results) = (0, results.into_iter());
    while let Some(Ok(message)) = socket.next().await {
        let answer = match message {
            Message::Binary(samples) => {
                bytes += samples.len();
                let early = if bytes > 32_000 && results.len() > 1 { results.next() } else { None };
                early.unwrap_or("{\n  \"partial\" : \"to an\"\n}")
            }
            Message::Text(text) => {
                assert_eq!(text.as_str(), "{\"eof\" : 1}");
                results.next().expect("a result")
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => continue,
        };
        let over = results.len() == 0;
        socket.send(Message::text(answer)).await.expect("sent");
        if over {
            break;
        }
    }
    let _ = socket.close(None).await;
    Sent { config, bytes }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let at = listener.local_addr().expect("an address");
    (listener, at)
}

/// Serves one connection whatever way, once its settings have come.
async fn misbehaving<F: Future<Output = ()> + Send + 'static>(
    settings: impl FnOnce(SpeechSettings) -> SpeechSettings,
    then: impl FnOnce(Socket) -> F + Send + 'static,
) -> Result<Verdict, Deaf> {
    let (listener, at) = listener().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut socket = accept_async(stream).await.expect("a WebSocket");
        socket.next().await.expect("settings").expect("a message");
        then(socket).await;
    });
    verdict(&settings(vosk_at(at)), phrases()).await
}

#[tokio::test]
async fn words_come_with_their_confidences_from_several_results() {
    let (listener, at) = listener().await;
    let results = vec![
        r#"{"result": [{"conf": 1.0, "end": 0.5, "start": 0.1, "word": "to"}], "text": "to"}"#,
        r#"{"result": [{"conf": 0.9, "end": 1.0, "start": 0.6, "word": "an"},
            {"conf": 0.8, "end": 1.4, "start": 1.0, "word": "adviser"}], "text": "an adviser"}"#,
    ];
    let server = tokio::spawn(serve(listener, results));
    let Ok(Verdict::Heard(heard)) = verdict(&vosk_at(at), phrases()).await else { panic!("deaf") };
    assert_eq!(heard.text, "to an adviser");
    assert!((heard.confidence - 0.9).abs() < 1e-6, "{heard:?}");
    assert_eq!(heard.words[2], Word { text: "adviser".to_owned(), confidence: 0.8 });
    let sent = server.await.expect("served");
    let config = serde_json::json!({
        "config": {
            "sample_rate": 16_000,
            "words": 1,
            "phrase_list": ["council tax", "to an adviser", "[unk]"],
        }
    });
    assert_eq!(sent.config, config);
    // The sentence and what is around it, not all of the three seconds of nobody.
    let all = sentence().len() * 2;
    assert!(sent.bytes < all && sent.bytes + 3 * 32_000 > all, "{} of {all}", sent.bytes);
}

#[tokio::test]
async fn what_is_unsure_or_none_of_the_words_is_not_acted_on() {
    let unsure = r#"{"result": [{"conf": 0.3, "word": "council"}], "text": "council"}"#;
    for (result, text) in [
        (unsure, Some("council")),
        (r#"{"result": [{"conf": 1.0, "word": "[unk]"}], "text": "[unk]"}"#, None),
        (r#"{"text": ""}"#, None),
    ] {
        let (listener, at) = listener().await;
        tokio::spawn(serve(listener, vec![result]));
        let verdict = verdict(&vosk_at(at), phrases()).await;
        match text {
            Some(text) => {
                assert!(matches!(&verdict, Ok(Verdict::Unsure(heard)) if heard.text == text));
            }
            None => assert_eq!(verdict, Ok(Verdict::NoMatch), "{result}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_talks_rubbish_or_too_much_is_told() {
    let same = |settings| settings;
    assert_eq!(misbehaving(same, async |socket| drop(socket)).await, Err(Deaf::BrokeOff));
    let says = |what: Message| {
        async move |mut socket: Socket| {
            let _ = socket.send(what).await;
            // What it is sent is read until the other side has had enough.
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    for what in [
        Message::text("<html>"),
        Message::text("[]"),
        Message::binary(vec![0; 10]),
        Message::text(format!(r#"{{"text": "{}"}}"#, "so on ".repeat(1_000))),
        Message::text(format!(r#"{{"text": "{}"}}"#, "a".repeat(1_000_000))),
    ] {
        assert_eq!(misbehaving(same, says(what)).await, Err(Deaf::Garbage));
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for_longer_than_set() {
    let soon = |settings| SpeechSettings { timeout_ms: 200, ..settings };
    let reads = async |mut socket: Socket| while let Some(Ok(_)) = socket.next().await {};
    assert_eq!(misbehaving(soon, reads).await, Err(Deaf::Slow));
    // One that takes the connection and never says a word.
    let (listener, at) = listener().await;
    let holds = tokio::spawn(async move { listener.accept().await.expect("a client") });
    assert_eq!(verdict(&soon(vosk_at(at)), phrases()).await, Err(Deaf::Slow));
    drop(holds.await);
}
