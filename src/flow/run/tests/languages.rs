//! Callers who choose another language hear it wherever there are words in it.

use super::*;

const FLOW: &str = "\
start: first
nodes:
  first:
    menu: {en: 'For English, press 1.', cy: 'Am Gymraeg, gwasgwch 2.'}
    keys: {1: bins, 2: welsh}
    otherwise: bins
  welsh: {language: cy, then: bins}
  bins: {say: {en: 'On {today} we collect.', cy: 'Rydym yn casglu ar {today}.'}, then: more}
  more: {say: In English only., then: who}
  who: {if: 'language == \"cy\"', then: bye, otherwise: gone}
  bye: {hang_up: completed}
  gone: {hang_up: busy}
";

#[test]
fn a_language_that_is_chosen_is_spoken_from_then_on() {
    for (chosen, said, end) in [('1', "play bins+", "Limit"), ('2', "play bins.cy+", "Completed")] {
        let flow = load_text(&"main".into(), "main.yaml", FLOW, &known()).expect("is good");
        let mut walk = Walk::through(Arc::new(flow));
        assert_eq!(walk.on(Notice::Started), ">first, play first");
        let heard = walk.on(key(chosen));
        assert!(heard.contains(said) || heard.contains(&said.replace('+', "-1+")), "{heard}");
        assert_eq!(walk.on(Notice::Played), ">more, play more");
        assert!(walk.on(Notice::Played).ends_with(&format!("hang up {end}")));
    }
}
