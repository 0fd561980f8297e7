//! Which packets of a source have been (RFC 3711 section 3.3.2), and how its 16-bit sequence numbers
//! are continued (section 3.3.1).

/// As many packets behind the newest are told apart; older ones are taken for replayed. Two and a
/// half seconds of voice.
const WIDTH: u64 = 128;

/// The packets of one source that have been.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    newest: u64,
    /// Bit n stands for `newest - n`.
    seen: u128,
}

impl Window {
    /// Nothing has been but `index`.
    pub(super) fn beginning_with(index: u64) -> Self {
        Window { newest: index, seen: 1 }
    }

    /// The index of the packet with sequence number `seq`: the nearest to the newest that is not
    /// before the stream's beginning.
    pub(super) fn index_of(&self, seq: u16) -> u64 {
        let ahead = seq.wrapping_sub(self.newest as u16).cast_signed();
        let nearest = self.newest.checked_add_signed(i64::from(ahead));
        nearest.unwrap_or(u64::from(seq))
    }

    /// Whether a packet has not been yet and is young enough to be sure of it.
    pub(super) fn is_fresh(&self, index: u64) -> bool {
        match self.newest.checked_sub(index) {
            None => true,
            Some(behind) => behind < WIDTH && self.seen >> behind & 1 == 0,
        }
    }

    /// Notes that a packet has been.
    pub(super) fn note(&mut self, index: u64) {
        match index.checked_sub(self.newest) {
            Some(ahead) => {
                let by = u32::try_from(ahead).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(by).unwrap_or(0) | 1;
                self.newest = index;
            }
            None => {
                let bit = u32::try_from(self.newest - index).unwrap_or(u32::MAX);
                self.seen |= 1u128.checked_shl(bit).unwrap_or(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_continued_over_the_wrap_and_back() {
        let mut window = Window::beginning_with(65_530);
        assert_eq!(window.index_of(3), 65_539);
        window.note(65_539);
        assert_eq!(window.index_of(65_533), 65_533);
        assert_eq!(window.index_of(4), 65_540);
        assert_eq!(Window::beginning_with(10).index_of(65_530), 65_530, "none is before 0");
    }

    #[test]
    fn a_jump_of_any_length_is_followed() {
        let mut window = Window::beginning_with(5);
        window.note(5 + (1 << 40));
        assert!(!window.is_fresh(5 + (1 << 40)) && !window.is_fresh(5));
        assert!(window.is_fresh(4 + (1 << 40)));
    }

    proptest! {
        #[test]
        fn nothing_is_taken_twice_and_nothing_young_is_refused(
            steps in proptest::collection::vec(-140i64..140, 1..300),
        ) {
            let first = 1_000_000u64;
            let (mut window, mut seen) = (Window::beginning_with(first), BTreeSet::from([first]));
            for step in steps {
                let newest = seen.last().copied().unwrap_or(first);
                let index = newest.saturating_add_signed(step);
                let young = newest.saturating_sub(index) < WIDTH;
                prop_assert_eq!(window.is_fresh(index), young && !seen.contains(&index));
                if window.is_fresh(index) {
                    window.note(index);
                    seen.insert(index);
                }
            }
        }
    }
}
