//! Keys in a conversation: pressed towards the other side if it would not hear of them by itself.

use super::*;
use crate::media::command::{Key, Told};

/// The keys that are pressed towards a leg.
fn pressed(case: &mut Case) -> Vec<(LegId, String)> {
    let asked = case.asked();
    asked
        .into_iter()
        .filter_map(|action| match action {
            Action::Media(media::Command::SendKeys { leg, keys }) => {
                Some((leg, keys.iter().map(|key| key.as_char()).collect()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn what_is_told_by_info_is_pressed_and_what_is_relayed_or_heard_is_not() {
    let (mut case, legs) = Case::offering(1);
    let (caller, phone) = (case.caller(), legs[0]);
    case.answer(phone);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    case.asked();
    let key = |c: char| Key::from_char(c).expect("a key");
    case.call.key(case.now, caller, key('4'), Told::Tones);
    case.call.key(case.now, phone, key('5'), Told::Event);
    assert_eq!(pressed(&mut case), []);
    case.call.key(case.now, caller, key('6'), Told::Info);
    assert_eq!(pressed(&mut case), [(phone, "6".to_owned())]);
    // The same press once more, in a better way: it was pressed already.
    case.call.key(case.now, caller, key('6'), Told::Event);
    assert_eq!(pressed(&mut case), []);
    // A leg that is none of the call's presses nothing.
    case.call.key(case.now, LegId(99), key('7'), Told::Info);
    assert_eq!(pressed(&mut case), []);
}
