//! A model of the chat-completions kind, over HTTP: what it is asked and what of its answers is taken.

use std::sync::Mutex;

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::server::assistant;

type Asked = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A model that answers with this, and what it is asked.
async fn model(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let at = listener.local_addr().expect("an address");
    let asked = Asked::default();
    let seen = asked.clone();
    let complete = move |headers: HeaderMap, Json(body): Json<Value>| {
        seen.lock().expect("no panic").push((headers, body));
        let answer = answer();
        async move { answer }
    };
    let router = Router::new().route("/v1/chat/completions", post(complete));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{at}/v1/chat/completions"), asked)
}

fn says(content: &str) -> Response {
    let message = json!({"role": "assistant", "content": content});
    Json(json!({"id": "1", "choices": [{"index": 0, "message": message}]})).into_response()
}

async fn opinion(settings: LanguageModelSettings) -> Option<String> {
    let flows = concat!(env!("CARGO_MANIFEST_DIR"), "/ivr-flows");
    let known = assistant::of_flows(flows.as_ref()).expect("is right").expect("has intents");
    let known = Arc::new(known);
    let model = LanguageModel::new(&settings, Handle::current()).expect("an address");
    let (tell, told) = oneshot::channel();
    let ask =
        AskOpinion { id: ListenId(7), text: "them lot left it".to_owned(), understanding: known };
    model.expect("is there").ask(ask, move |id, answer| {
        assert_eq!(id, ListenId(7));
        tell.send(answer).expect("somebody waits");
    });
    told.await.expect("an answer, or none")
}

#[tokio::test]
async fn a_model_is_asked_for_one_of_the_intents_by_a_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "secret\n").expect("written");
    const ANSWER: &str = r#"{"intent": "missed-bin", "things": {}}"#;
    let (url, asked) = model(|| says(ANSWER)).await;
    let settings = LanguageModelSettings {
        url: Some(url),
        model: "small".to_owned(),
        token_file: Some(file),
        ..LanguageModelSettings::default()
    };
    assert_eq!(opinion(settings).await.as_deref(), Some(ANSWER));
    let asked = asked.lock().expect("no panic");
    let (headers, body) = &asked[0];
    assert_eq!(headers["authorization"], "Bearer secret");
    assert_eq!((&body["model"], &body["temperature"]), (&json!("small"), &json!(0)));
    assert_eq!(body["messages"][1], json!({"role": "user", "content": "them lot left it"}));
    let format = &body["response_format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["json_schema"]["strict"], true);
    let intents = &format["json_schema"]["schema"]["properties"]["intent"]["enum"];
    let intents = intents.as_array().expect("a list");
    assert!(intents.contains(&json!("missed-bin")) && intents.contains(&Value::Null));
}

#[tokio::test]
async fn a_model_that_fails_has_no_opinion() {
    let large = || ("x".repeat(MOST_ANSWER + 1)).into_response();
    let answers: [fn() -> Response; 4] = [
        || StatusCode::TOO_MANY_REQUESTS.into_response(),
        || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        || "<html>".into_response(),
        || Json(json!({"choices": []})).into_response(),
    ];
    for answer in answers.into_iter().chain([large as fn() -> Response]) {
        let (url, asked) = model(answer).await;
        let settings = LanguageModelSettings { url: Some(url), ..LanguageModelSettings::default() };
        assert_eq!(opinion(settings).await, None);
        assert_eq!(asked.lock().expect("no panic").len(), 1);
    }
    // Nobody is there; and nobody may wait.
    let (url, asked) = model(|| says("{}")).await;
    let settings = LanguageModelSettings { url: Some(url), at_once: 0, ..Default::default() };
    assert_eq!(opinion(settings).await, None);
    assert!(asked.lock().expect("no panic").is_empty());
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let url = Some(format!("http://{}/v1", gone.local_addr().expect("an address")));
    drop(gone);
    assert_eq!(opinion(LanguageModelSettings { url, ..Default::default() }).await, None);
}

#[tokio::test]
async fn a_model_that_is_slow_is_not_waited_for() {
    // It takes the connection, and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let url = Some(format!("http://{}/v1", listener.local_addr().expect("an address")));
    let settings = LanguageModelSettings { url, timeout_ms: 50, ..Default::default() };
    assert_eq!(opinion(settings).await, None);
}

/// `switchboard check` opens what settings name, as a start does.
#[tokio::test]
async fn a_token_that_is_not_there_is_found_before_a_start() {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/switchboard.toml");
    let Ok((mut settings, _)) = crate::server::settings_file::read(config.as_ref()) else {
        panic!("the shipped settings are right");
    };
    assert!(crate::server::run::others(&settings).is_ok());
    settings.language_model.url = Some("http://127.0.0.1:9/v1/chat/completions".to_owned());
    settings.language_model.token_file = Some("/nowhere/token".into());
    let refused = crate::server::run::others(&settings).err().expect("is not there");
    assert!(refused.to_string().contains("/nowhere/token"), "{refused}");
}
