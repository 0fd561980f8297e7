//! Nodes that send the caller something.

use super::*;
use crate::event::Channel;
use crate::notification::Needs;

const GOOD: &str = "\
start: ask
nodes:
  ask: {collect: Your mobile?, as: mobile, form: mobile, then: send, otherwise: end}
  send:
    send: bin
    to: mobile
    with: {reference: \"{called}\", day: \"{today}\"}
    then: end
    otherwise: end
  end: {hang_up: completed}
";

fn changed(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    let fields = vec!["day".to_owned(), "reference".to_owned()];
    let templates = [("bin".into(), Needs { by: Channel::Text, fields })].into();
    let known = Known { templates, ..known() };
    match load_text(&"main".into(), "main.yaml", &GOOD.replace(from, to), &known) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_template_is_given_what_stands_in_it_and_nothing_else() {
    assert!(changed("bin", "bin").is_empty());
    for (from, to, finding) in [
        ("send: bin", "send: bins", "5:11: there is no template `bins` in the settings"),
        (", day: \"{today}\"", "", "5:11: `bin` needs `day`"),
        ("day: \"{today}\"", "day: \"{today}\", x: y", "5:11: nothing in `bin` is called `x`"),
        ("\"{today}\"", "\"{toady}\"", "7:40: nothing in the flows ever says what `toady` is"),
        ("to: mobile", "to: moble", "6:9: nothing in the flows ever says what `moble` is"),
        ("    to: mobile\n", "", "4:3: `send` needs `to:`"),
        ("    otherwise: end\n", "", "4:3: `send` needs `otherwise:`"),
        ("as: mobile, form: mobile", "as: mobile, secret: true", "6:9: `mobile` is secret and"),
    ] {
        let found = changed(from, to);
        let line = format!("main.yaml:{finding}");
        assert!(found.iter().any(|it| it.starts_with(&line)), "{to}: {found:#?}");
    }
}
