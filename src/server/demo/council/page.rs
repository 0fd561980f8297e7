//! The page on which people see what callers have had done.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::reference::Kind;
use super::store::Report;
use super::texts::Text;
use super::trouble::Trouble;
use super::{Council, store, texts};

/// The newest that are shown.
const MOST: i64 = 100;

const HEAD: &str = r#"<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reports – Harbourside Council (demonstration)</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { font-weight: 600; padding-block: 0.5rem; text-align: start; }
th, td { border-block-end: 1px solid GrayText; padding: 0.5rem 0.75rem 0.5rem 0; text-align: start; vertical-align: top; }
th { white-space: nowrap; }
</style>
</head>
<body>
<main>
<h1>Reports</h1>
<p>What callers have had done, the newest first. Nobody here is real: this is the back end of
<code>switchboard demo</code>.</p>
"#;

/// `GET /`.
pub(super) async fn reports(State(council): State<Council>) -> Result<Response, Trouble> {
    let mut store = council.store.lock().await;
    let reports = store::reports(&mut store, MOST).await?;
    let texts = texts::last(&mut store, MOST).await?;
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    Ok((headers, page(&reports, &texts)).into_response())
}

fn page(reports: &[Report], texts: &[Text]) -> String {
    let body = match reports {
        [] => "<p>There are none yet.</p>\n".to_owned(),
        [..] => table(reports),
    };
    let sent = match texts {
        [] => "<p>There are none yet.</p>\n".to_owned(),
        [..] => table_of_texts(texts),
    };
    format!(
        "{HEAD}{body}<h2>Texts</h2>\n<p>What callers were sent, the newest first. Nobody gets them.</p>\n\
         {sent}</main>\n</body>\n</html>\n"
    )
}

fn table(reports: &[Report]) -> String {
    let columns = ["Reference", "What", "Where", "Detail", "Made", "Due"];
    let heads: String =
        columns.iter().map(|column| format!("<th scope=\"col\">{column}</th>")).collect();
    let rows: String = reports
        .iter()
        .map(|report| {
            let cells = [
                Kind::title(&report.kind),
                &report.place,
                &report.detail,
                &report.made.get(..16).unwrap_or(&report.made).replace('T', " "),
                &report.due,
            ];
            let cells: String =
                cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escaped(&report.reference))
        })
        .collect();
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"Reports\" tabindex=\"0\">\n<table>\n\
         <caption>The last {count}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table>\n</div>\n",
        count = reports.len()
    )
}

fn table_of_texts(texts: &[Text]) -> String {
    let rows: String = texts
        .iter()
        .map(|text| {
            let made = text.made.get(..16).unwrap_or(&text.made).replace('T', " ");
            let (to, words) = (escaped(&text.recipient), escaped(&text.words));
            format!("<tr><th scope=\"row\">{to}</th><td>{words}</td><td>{made}</td></tr>\n")
        })
        .collect();
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"Texts\" tabindex=\"0\">\n<table>\n\
         <caption>The last {count}</caption>\n<thead><tr><th scope=\"col\">To</th>\
         <th scope=\"col\">Text</th><th scope=\"col\">Sent</th></tr></thead>\n<tbody>\n{rows}\
         </tbody>\n</table>\n</div>\n",
        count = texts.len()
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_stays_text() {
        let report = Report {
            reference: "W-417-206".to_owned(),
            kind: "missed-bin".to_owned(),
            made: "2026-11-26T10:00:00".to_owned(),
            place: "<script>\"&".to_owned(),
            detail: "rubbish bin".to_owned(),
            due: "2026-11-30".to_owned(),
        };
        let text = Text {
            recipient: "+447700900123".to_owned(),
            words: "<b>".to_owned(),
            made: "2026-11-26T10:00:00".to_owned(),
        };
        let page = page(&[report], &[text]);
        assert!(page.contains("+447700900123</th><td>&lt;b&gt;</td><td>2026-11-26 10:00</td>"));
        assert!(page.contains("<td>&lt;script&gt;&quot;&amp;</td>"), "{page}");
        assert!(page.contains("<th scope=\"row\">W-417-206</th><td>Missed bin</td>"), "{page}");
        assert!(page.contains("<td>2026-11-26 10:00</td>"), "{page}");
    }
}
