//! Keys that phones tell in INFO.

use super::super::*;
use super::peer::{Desk, bodied, statuses};
use crate::sip::header::HeaderName;

#[test]
fn keys_come_in_two_formats_and_all_else_is_refused() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let mut seq = 1;
    let mut info = |desk: &mut Desk, lines: &str, content_type: &str, body: &str| {
        seq += 1;
        let head = desk.head_in("INFO", "a", seq, &tag) + lines;
        let got = desk.send_raw(bodied(&head, content_type, body));
        (statuses(&got), desk.events(), got)
    };
    let relay = "Signal=5\r\nDuration=160\r\n";
    let (status, events, _) = info(&mut desk, "", "application/dtmf-relay", relay);
    let key = |key, duration_ms| vec![SipEvent::Key { leg, key, duration_ms }];
    assert_eq!((status, events), (vec![200], key('5', 160)));
    let (status, events, _) = info(&mut desk, "", "application/dtmf", "#");
    assert_eq!((status, events), (vec![200], key('#', 0)));
    let (status, events, _) = info(&mut desk, "", "application/dtmf-relay", "Signal=hash");
    assert_eq!((status, events), (vec![400], vec![]));
    let (status, events, got) = info(&mut desk, "", "application/media_control+xml", "<x/>");
    assert_eq!((status, events), (vec![415], vec![]));
    assert_eq!(got[0].text(HeaderName::Accept), "application/dtmf-relay, application/dtmf");
    let (status, _, got) = info(&mut desk, "\nInfo-Package: foo", "application/foo", "x");
    assert_eq!(status, [469]);
    assert!(got[0].message.named("Recv-Info").next().is_some());
}
