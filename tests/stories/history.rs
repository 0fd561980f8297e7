//! Callers who ring again are known, also over a restart.

use switchboard::event::CallEvent;
use switchboard::sim::caller::Step;

use crate::town::*;

const AGAIN: u32 = 1_400;

const FLOW: &str = r#"
start: before
nodes:
  before: {if: gave_up_before and calls_before > 0, then: again, otherwise: bins}
  again: {say: "We are sorry that you had to give up.", then: bins}
  bins: {queue: waste, otherwise: gone}
  gone: {hang_up: busy}
"#;

fn town(within_h: u32) -> Town {
    town_with(|town| {
        town.flow = FLOW;
        town.sounds = vec![("main/again", AGAIN)];
        town.settings.history.within_h = within_h;
    })
}

fn gives_up(town: &mut Town) {
    let resident = town.resident(ring().then([hear(MUSIC), Step::HangUp]));
    town.see_off(resident);
    town.run_for(secs(1));
}

fn greeted(town: &Town) -> usize {
    town.count(
        |event| matches!(event, CallEvent::NodeEntered { node, .. } if node.as_str() == "again"),
    )
}

#[test]
fn who_gave_up_is_told_that_it_is_known_also_after_a_restart() {
    let mut town = town(24);
    gives_up(&mut town);
    assert_eq!(greeted(&town), 0);
    let again = town.resident(ring().then([hear(AGAIN), hear(MUSIC), Step::HangUp]));
    town.see_off(again);
    town.run_for(secs(1));
    town.restart();
    let again = town.resident(ring().then([hear(AGAIN), hear(MUSIC), Step::HangUp]));
    town.see_off(again);
    assert_eq!(greeted(&town), 2);
}

#[test]
fn nothing_is_known_where_the_settings_do_not_ask_for_it() {
    let mut town = town(0);
    gives_up(&mut town);
    gives_up(&mut town);
    assert_eq!(greeted(&town), 0);
}
