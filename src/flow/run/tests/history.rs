//! Callers who rang before.

use super::*;
use crate::event::History;

const FLOW: &str = "\
start: again
nodes:
  again: {if: calls_before > 1 and gave_up_before, then: first, otherwise: bin}
  bin: {if: 'last_about == \"missed-bin\"', then: about-the-bin, otherwise: anybody}
  first: {queue: waste, priority: high, otherwise: gone}
  about-the-bin: {say: Is it about your bin?, then: anybody}
  anybody: {queue: waste, otherwise: gone}
  gone: {hang_up: busy}
";

#[test]
fn who_rang_before_is_treated_as_such() {
    let flow = load_text(&"main".into(), "main.yaml", FLOW, &known()).expect("is good");
    let flow = Arc::new(flow);
    for (history, said) in [
        (
            History { calls: 2, about: None, gave_up: true },
            ">again, >first, queue waste [] Serve at -10",
        ),
        (
            History { calls: 1, about: None, gave_up: true },
            ">again, >bin, >anybody, queue waste [] Serve",
        ),
        (
            History { calls: 1, about: Some("missed-bin".into()), gave_up: false },
            ">again, >bin, >about-the-bin, play about-the-bin",
        ),
        (History::default(), ">again, >bin, >anybody, queue waste [] Serve"),
    ] {
        let about = About { history, ..about() };
        let mut walk = Walk(Run::new(Arc::default(), Arc::clone(&flow), about));
        assert_eq!(walk.on(Notice::Started), said);
    }
}
