//! One press, one key, however it is told: as an event in the voice (RFC 4733), in an INFO, or as tones
//! that anybody hears. Some phones tell in two ways at once.

use std::time::Duration;

use crate::media::command::{Key, Told};
use crate::time::Time;

/// A key that is told again in another way within this time is the same press: an INFO is sent when
/// the key is let go, and may be sent again.
const SAME_PRESS: Duration = Duration::from_secs(2);

/// What is known of a peer's keypad.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keypad {
    /// The best way in which the peer has told a key, the last key told so, and when.
    last: Option<(Told, Key, Time)>,
}

impl Keypad {
    /// Whether a key that was told is a new press. Who has told in a better way is not believed in a
    /// worse one any more.
    pub(super) fn pressed(&mut self, now: Time, key: Key, told: Told) -> bool {
        let new = match self.last {
            None => true,
            Some((best, ..)) if told < best => return false,
            Some((best, last, at)) => told == best || key != last || now.since(at) > SAME_PRESS,
        };
        self.last = Some((told, key, now));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presses(told: &[(u64, char, Told)]) -> String {
        let mut keypad = Keypad::default();
        let new = told.iter().filter(|(ms, key, told)| {
            let key = Key::from_char(*key).expect("a key");
            keypad.pressed(Time::from_millis(*ms), key, *told)
        });
        new.map(|(_, key, _)| *key).collect()
    }

    #[test]
    fn a_press_that_is_told_in_two_ways_is_one() {
        use Told::{Event, Info, Tones};
        assert_eq!(presses(&[(0, '1', Event), (90, '1', Info), (300, '1', Event)]), "11");
        // The worse way was quicker, for the first press only.
        assert_eq!(presses(&[(0, '1', Tones), (90, '1', Info), (300, '1', Tones)]), "1");
        assert_eq!(presses(&[(0, '1', Info), (10, '1', Event), (400, '1', Info)]), "1");
        assert_eq!(presses(&[(0, '1', Info), (10, '1', Event), (400, '1', Event)]), "11");
    }

    #[test]
    fn one_way_alone_is_believed_and_another_key_is_another_press() {
        for told in [Told::Tones, Told::Info, Told::Event] {
            assert_eq!(presses(&[(0, '5', told), (120, '5', told), (240, '6', told)]), "556");
        }
        assert_eq!(presses(&[(0, '1', Told::Tones), (90, '2', Told::Info)]), "12");
        assert_eq!(presses(&[(0, '1', Told::Tones), (2_001, '1', Told::Info)]), "11");
    }
}
