//! What the council's back end can be asked: look-ups, and orders that make something.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::order::{self, Appointment, FlyTipping, MissedBin, Order, Renewal};
use super::reference::Reference;
use super::trouble::Trouble;
use super::{Council, page, store, texts};
use crate::flow::value::Kind;

/// The largest body.
const MOST_BYTES: usize = 4_096;
/// The longest `Idempotency-Key`.
const LONGEST_KEY: usize = 128;

/// All routes.
pub(super) fn router(council: Council) -> Router {
    let api = Router::new()
        .route("/addresses/{postcode}/{house}", get(address))
        .route("/collections/{address}/{bin}", get(collection))
        .route("/missed-bins", post(missed_bin))
        .route("/fly-tipping", post(fly_tipping))
        .route("/council-tax/{account}/{postcode}", get(council_tax))
        .route("/permits/{permit}", get(permit))
        .route("/permits/{permit}/renewals", post(renewal))
        .route("/appointments/{about}/after/{slot}", get(appointment))
        .route("/appointments", post(book))
        .route("/reports/{reference}", get(report))
        .layer(axum::middleware::from_fn_with_state(council.clone(), known));
    Router::new()
        .route("/", get(page::reports))
        .route("/v2/notifications", get(texts::find))
        .route("/v2/notifications/sms", post(texts::take))
        .merge(api)
        .fallback(async || Trouble::Unknown("address of this service"))
        .layer(axum::extract::DefaultBodyLimit::max(MOST_BYTES))
        .with_state(council)
}

type Answer = Result<Json<Value>, Trouble>;

/// Whoever has the token may ask.
async fn known(
    State(council): State<Council>,
    headers: HeaderMap,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let shown = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = shown.and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
    match bool::from(token.as_bytes().ct_eq(council.keys.token.as_bytes())) {
        true => next.run(request).await,
        false => Trouble::Stranger.into_response(),
    }
}

/// A postcode in one spelling; its keys are left as they are.
fn postcode(written: &str) -> Result<String, Trouble> {
    if (5..=7).contains(&written.len()) && written.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(written.to_owned());
    }
    let read = Kind::Postcode.read(written).ok_or(Trouble::Invalid("postcode"))?;
    Ok(read.to_string())
}

async fn address(
    State(council): State<Council>,
    Path((at, house)): Path<(String, String)>,
) -> Answer {
    let house = house.trim_start_matches('0').to_ascii_lowercase();
    let mut store = council.store.lock().await;
    match store::addresses(&mut store, &postcode(&at)?, &house).await?.as_slice() {
        [] => Err(Trouble::Unknown("address")),
        [one] => Ok(Json(json!({
            "address": one.id,
            "postcode": one.postcode,
            "house_number": one.house,
            "street": one.street,
            "place": one.place(),
        }))),
        [..] => Err(Trouble::Several),
    }
}

async fn collection(
    State(council): State<Council>,
    Path((address, bin)): Path<(i64, String)>,
) -> Answer {
    let today = (council.now)().date();
    let mut store = council.store.lock().await;
    let found = order::collection(&mut store, address, &bin, today).await?;
    Ok(Json(json!({
        "state": found.state(),
        "last": found.last.to_string(),
        "next": found.next.to_string(),
        "reference": found.reported.map(|report| report.reference),
    })))
}

async fn council_tax(
    State(council): State<Council>,
    Path((account, at)): Path<(String, String)>,
) -> Answer {
    let mut store = council.store.lock().await;
    let found = store::account(&mut store, &account, &postcode(&at)?).await?;
    let account = found.ok_or(Trouble::Unknown("account at this postcode"))?;
    let state = match account.owed_pence {
        0 => "clear",
        ..0 => "credit",
        1.. => "owing",
    };
    let next = account
        .next
        .map(|(pence, due)| json!({"sum": order::pounds(pence), "due": due.to_string()}));
    let balance = order::pounds(account.owed_pence.abs());
    Ok(Json(json!({"state": state, "balance": balance, "next": next})))
}

async fn permit(State(council): State<Council>, Path(number): Path<String>) -> Answer {
    let today = (council.now)().date();
    let mut store = council.store.lock().await;
    let permit = store::permit(&mut store, &number).await?.ok_or(Trouble::Unknown("permit"))?;
    Ok(Json(json!({
        "permit": number,
        // With a hyphen where the plate has its gap: it is spoken so.
        "registration": permit.registration.replace(' ', "-"),
        "ends": permit.ends.to_string(),
        "price": order::pounds(permit.price_pence),
        "state": order::standing(&permit, today),
    })))
}

async fn appointment(
    State(council): State<Council>,
    Path((about, after)): Path<(String, i64)>,
) -> Answer {
    let today = (council.now)().date();
    let mut store = council.store.lock().await;
    let slot = store::next_slot(&mut store, &about, after, today).await?;
    let slot = slot.ok_or(Trouble::Unknown("free time"))?;
    Ok(Json(json!({"slot": slot.id, "day": slot.day, "time": slot.time})))
}

async fn report(State(council): State<Council>, Path(reference): Path<String>) -> Answer {
    let reference = Reference::read(&reference).ok_or(Trouble::Invalid("reference"))?.to_string();
    let mut store = council.store.lock().await;
    let report = store::report_of(&mut store, &reference).await?;
    let report = report.ok_or(Trouble::Unknown("report"))?;
    Ok(Json(json!({
        "reference": report.reference,
        "kind": report.kind,
        "made": report.made,
        "place": report.place,
        "detail": report.detail,
        "due": report.due,
    })))
}

type Sent<T> = Result<Json<T>, JsonRejection>;

async fn missed_bin(
    State(council): State<Council>,
    headers: HeaderMap,
    body: Sent<MissedBin>,
) -> Result<Response, Trouble> {
    make(&council, &headers, Order::MissedBin(read(body)?)).await
}

async fn fly_tipping(
    State(council): State<Council>,
    headers: HeaderMap,
    body: Sent<FlyTipping>,
) -> Result<Response, Trouble> {
    make(&council, &headers, Order::FlyTipping(read(body)?)).await
}

async fn renewal(
    State(council): State<Council>,
    Path(permit): Path<String>,
    headers: HeaderMap,
    body: Sent<Renewal>,
) -> Result<Response, Trouble> {
    make(&council, &headers, Order::Renewal(permit, read(body)?)).await
}

async fn book(
    State(council): State<Council>,
    headers: HeaderMap,
    body: Sent<Appointment>,
) -> Result<Response, Trouble> {
    make(&council, &headers, Order::Appointment(read(body)?)).await
}

/// What is wrong with a body never repeats it: it may have a card in it.
fn read<T>(body: Sent<T>) -> Result<T, Trouble> {
    let Json(body) = body.map_err(|error| {
        let why = match &error {
            JsonRejection::JsonDataError(_) => {
                "The body does not have what is needed, no less and no more."
            }
            JsonRejection::JsonSyntaxError(_) => "The body is not JSON.",
            JsonRejection::MissingJsonContentType(_) => "Send `Content-Type: application/json`.",
            _ => "The body cannot be read.",
        };
        Trouble::Malformed(error.status(), why.to_owned())
    })?;
    Ok(body)
}

/// Carries out an order, once for each `Idempotency-Key`
/// (draft-ietf-httpapi-idempotency-key-header): who asks again is told the same again.
async fn make(council: &Council, headers: &HeaderMap, order: Order) -> Result<Response, Trouble> {
    let key = match headers.get("idempotency-key").map(|key| key.to_str()) {
        None => None,
        Some(Ok(key)) if (1..=LONGEST_KEY).contains(&key.len()) => Some(key),
        Some(Ok(_) | Err(_)) => return Err(Trouble::Invalid("Idempotency-Key")),
    };
    use sqlx::Connection as _;
    let now = (council.now)();
    let mut store = council.store.lock().await;
    let mut all = store.begin_with("BEGIN IMMEDIATE").await?;
    let asked = order.asked();
    if let Some(key) = key
        && let Some((before, status, body)) = store::answered(&mut all, key).await?
    {
        if before != asked {
            return Err(Trouble::KeyReused);
        }
        return Ok(answer(u16::try_from(status).unwrap_or(200), body));
    }
    let (status, body) = order.carry_out(&mut all, now).await?;
    let body = body.to_string();
    if let Some(key) = key {
        store::answer(&mut all, key, &asked, status, &body).await?;
    }
    all.commit().await?;
    Ok(answer(status, body))
}

fn answer(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    (status, [(axum::http::header::CONTENT_TYPE, "application/json")], body).into_response()
}
