//! What callers were promised to be sent, and who may see it.

use super::*;

use crate::event::{Channel, NotificationEvent, SendFault};
use crate::id::{CallId, NotificationId};
use crate::stats::NotificationBook;

pub(super) fn promised() -> NotificationBook {
    let mut book = NotificationBook::default();
    for id in [2, 1, 3] {
        let promised = NotificationEvent::Promised {
            call: CallId(uuid::Uuid::nil()),
            template: "report".into(),
            by: Channel::Text,
            to: format!("+44770090012{id}"),
            fields: [("reference".to_owned(), "W-417-206".to_owned())].into(),
        };
        book.see(NotificationId(id), &promised, UnixMicros(id.cast_signed()));
    }
    let words = Some("ValidationError: phone_number".to_owned());
    let failed = NotificationEvent::Failed { why: SendFault::Refused, words, attempts: 1 };
    book.see(NotificationId(3), &failed, UnixMicros(9));
    book
}

#[tokio::test]
async fn a_supervisor_sees_who_waits_for_a_text_and_who_waits_in_vain() {
    let server = Server::new();
    let path = "/api/v1/notifications";
    server.get(LOCAL, path, None).await.problem(401, "no-token");
    server.get(LOCAL, path, Some("amys")).await.problem(403, "supervisors-only");
    let got = server.get(LOCAL, path, Some("sues")).await;
    assert_eq!(got.status, StatusCode::OK);
    let got = got.json();
    assert_eq!(got["waiting"][0]["to"], "+447700900121");
    assert_eq!(got["waiting"][1]["fields"], json!({"reference": "W-417-206"}));
    let failed = &got["failed"][0];
    assert_eq!((&failed["why"], &failed["attempts"]), (&json!("refused"), &json!(1)));
    assert_eq!(failed["words"], "ValidationError: phone_number");
    assert!(got["failed"][1].is_null());
}

#[tokio::test]
async fn metrics_count_them() {
    let text = crate::stats::metrics::render(&live(), &Default::default());
    for line in [
        "switchboard_notifications_promised_total{template=\"report\"} 3",
        "switchboard_notifications_total{template=\"report\",outcome=\"refused\"} 1",
        "switchboard_notifications_waiting 2",
    ] {
        assert!(text.contains(line), "{line}\nis not in\n{text}");
    }
}
