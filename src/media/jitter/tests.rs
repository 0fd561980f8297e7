//! A stream that comes in every way that a network makes of it.

use super::*;
use crate::rtp::packet::Ssrc;

const FRAME: u32 = 160;

/// A buffer at 8 kHz, time, and what was handed out.
struct Rig {
    jitter: Jitter,
}

impl Rig {
    fn new() -> Rig {
        Rig { jitter: Jitter::new(8_000, 480) }
    }

    fn insert_at(&mut self, ms: u64, seq: u16, timestamp: u32, payload: &[u8]) -> Inserted {
        self.packet(ms, seq, timestamp, payload, false, true)
    }

    fn packet(
        &mut self,
        ms: u64,
        seq: u16,
        timestamp: u32,
        payload: &[u8],
        marker: bool,
        voice: bool,
    ) -> Inserted {
        let packet = Packet {
            ssrc: Ssrc(1),
            seq: SeqNo(seq),
            timestamp: Timestamp(timestamp),
            marker,
            payload_type: 0,
            payload,
        };
        self.jitter.insert(Time::from_millis(10_000 + ms), &packet, voice)
    }

    /// The frame with the number `at` of an even stream, `late_ms` after it is sent.
    fn frame(&mut self, at: u16, late_ms: u64) -> Inserted {
        let payload = [at as u8; FRAME as usize];
        let seq = 65_500_u16.wrapping_add(at);
        let timestamp = 0xffff_f000_u32.wrapping_add(u32::from(at) * FRAME);
        self.insert_at(u64::from(at) * 20 + late_ms, seq, timestamp, &payload)
    }

    /// What comes next, `ms` after the beginning: the first byte of the payload, or what there is
    /// instead.
    fn next_at(&mut self, ms: u64) -> Heard {
        match self.jitter.next(Time::from_millis(10_000 + ms), FRAME, FRAME) {
            Next::Voice(payload) => {
                let (first, len) = (payload.first().copied().unwrap_or(0), payload.len());
                self.jitter.played(len as u32);
                Heard::Frame(first)
            }
            Next::Lost { units, following } => Heard::Lost(units, following.map(|p| p[0])),
            Next::Dry => Heard::Dry,
            Next::Pause => Heard::Pause,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Frame(u8),
    Lost(u32, Option<u8>),
    Dry,
    Pause,
}

#[test]
fn an_even_stream_is_played_in_order_over_a_wrap_of_all_its_numbers() {
    let mut rig = Rig::new();
    for at in 0..3 {
        rig.frame(at, 0);
    }
    assert_eq!(rig.next_at(25), Heard::Pause, "the first waits for its time");
    for at in 0..200 {
        rig.frame(at + 3, 0);
        assert_eq!(rig.next_at(60 + u64::from(at) * 20), Heard::Frame(at as u8));
    }
    let counters = rig.jitter.counters();
    assert_eq!((counters.played, counters.lost, counters.restarts), (200, 0, 0));
    assert_eq!(counters.late + counters.duplicate + counters.reordered, 0);
}

#[test]
fn what_comes_out_of_order_or_twice_is_played_once_and_in_order() {
    let mut rig = Rig::new();
    for at in [0, 2, 1, 1, 3, 5, 4, 0] {
        rig.frame(at, 30);
    }
    let heard: Vec<Heard> = (0..6).map(|at| rig.next_at(100 + at * 20)).collect();
    assert_eq!(heard, (0..6).map(Heard::Frame).collect::<Vec<_>>());
    assert_eq!(rig.frame(3, 200), Inserted::Duplicate);
    let counters = rig.jitter.counters();
    assert_eq!((counters.duplicate, counters.reordered, counters.late), (3, 5, 0));
}

#[test]
fn what_is_lost_is_told_with_what_follows_and_counted_and_late_ones_too() {
    let mut rig = Rig::new();
    for at in [0, 1, 3, 6] {
        rig.frame(at, 0);
    }
    assert_eq!(rig.next_at(60), Heard::Frame(0));
    assert_eq!(rig.next_at(80), Heard::Frame(1));
    assert_eq!(rig.next_at(100), Heard::Lost(160, Some(3)));
    assert_eq!(rig.frame(2, 65), Inserted::Kept, "not yet passed over");
    assert_eq!(rig.next_at(120), Heard::Frame(2), "it is late by what was concealed");
    assert_eq!(rig.next_at(140), Heard::Frame(3));
    assert_eq!(rig.next_at(160), Heard::Lost(160, None));
    assert_eq!(rig.next_at(180), Heard::Lost(160, None));
    assert_eq!(rig.next_at(200), Heard::Frame(6));
    assert_eq!(rig.frame(4, 130), Inserted::Late);
    let counters = rig.jitter.counters();
    assert_eq!((counters.lost, counters.late, counters.duplicate), (2, 1, 0));
}

#[test]
fn a_stream_that_runs_dry_goes_on_with_the_next_that_comes() {
    let mut rig = Rig::new();
    rig.frame(0, 0);
    assert_eq!(rig.next_at(60), Heard::Frame(0));
    assert_eq!((rig.next_at(80), rig.next_at(100)), (Heard::Dry, Heard::Dry));
    // It was only late: nothing of it is thrown away.
    rig.frame(1, 85);
    rig.frame(2, 70);
    assert_eq!((rig.next_at(120), rig.next_at(140)), (Heard::Frame(1), Heard::Frame(2)));
    // Now one is lost while the stream is dry: what was concealed was that one.
    assert_eq!(rig.next_at(160), Heard::Dry);
    rig.frame(4, 85);
    assert_eq!(rig.next_at(180), Heard::Frame(4));
    assert_eq!(rig.jitter.counters().lost, 1);
}

#[test]
fn after_a_pause_a_talkspurt_begins_in_its_own_time() {
    let mut rig = Rig::new();
    for at in 0..100 {
        rig.frame(at, 0);
        rig.next_at(u64::from(at) * 20);
    }
    // The numbers go on, the timestamps leap: the peer was silent.
    let (seq, timestamp) = (65_500_u16.wrapping_add(100), 0xffff_f000_u32);
    let mut heard = Vec::new();
    for at in 0..60_u64 {
        let ms = 2_000 + at * 20;
        if at >= 50 {
            let number = at as u16 - 50;
            let timestamp = timestamp.wrapping_add((ms * 8) as u32);
            rig.packet(ms, seq + number, timestamp, &[200; 160], number == 0, true);
        }
        heard.push(rig.next_at(ms));
    }
    assert_eq!(heard.iter().filter(|heard| matches!(heard, Heard::Lost(..))).count(), 0);
    let dry = heard.iter().filter(|heard| **heard == Heard::Dry).count();
    assert!(dry <= 6, "{heard:?}");
    assert_eq!(heard[45..50], [Heard::Pause; 5]);
    let began = heard.iter().position(|heard| *heard == Heard::Frame(200)).expect("it begins");
    assert!((50..=52).contains(&began), "{began}");
    assert_eq!(rig.jitter.counters().lost, 0);
}

#[test]
fn keys_take_their_numbers_and_are_no_loss() {
    let mut rig = Rig::new();
    rig.frame(0, 0);
    for at in 1..4 {
        let seq = 65_500_u16.wrapping_add(at);
        rig.packet(u64::from(at) * 20, seq, 0xffff_f0a0, &[5, 10, 0, 160], at == 1, false);
    }
    rig.frame(4, 0);
    rig.frame(5, 0);
    assert_eq!(rig.next_at(60), Heard::Frame(0));
    let heard: Vec<Heard> = (4..10).map(|at| rig.next_at(at * 20)).collect();
    assert!(heard.contains(&Heard::Frame(4)) && heard.contains(&Heard::Frame(5)), "{heard:?}");
    assert_eq!(rig.jitter.counters().lost, 0);
}

#[test]
fn a_clock_that_jumps_and_another_source_begin_afresh() {
    let mut rig = Rig::new();
    for at in 0..20 {
        rig.frame(at, 0);
        rig.next_at(u64::from(at) * 20);
    }
    for (at, jump) in [(20_u16, 900_000_000_u32), (21, 900_000_160), (22, 900_000_320)] {
        let seq = 65_500_u16.wrapping_add(at);
        rig.insert_at(u64::from(at) * 20, seq, jump, &[77; 160]);
    }
    let heard: Vec<Heard> = (23..27).map(|at| rig.next_at(at * 20)).collect();
    assert!(heard.contains(&Heard::Frame(77)), "{heard:?}");
    assert_eq!((rig.jitter.counters().restarts, rig.jitter.counters().lost), (1, 0));
    rig.jitter.restart();
    assert_eq!(rig.next_at(560), Heard::Pause);
    rig.insert_at(580, 9, 5, &[88; 160]);
    assert_eq!(rig.next_at(640), Heard::Frame(88));
    assert_eq!(rig.jitter.counters().restarts, 2);
}

#[test]
fn a_flood_throws_away_the_oldest_and_memory_stays_what_it_was() {
    let mut rig = Rig::new();
    for at in 0..500_u16 {
        assert_eq!(rig.insert_at(0, at, u32::from(at) * 160, &[at as u8; 160]), Inserted::Kept);
    }
    assert_eq!(rig.jitter.counters().overflowed, 500 - SLOTS as u64);
    assert_eq!(rig.next_at(9_000), Heard::Frame((500 - SLOTS) as u8));
    assert_eq!(rig.insert_at(0, 500, 80_000, &[0; 481]), Inserted::TooLong);
    assert_eq!(rig.jitter.bytes.len(), SLOTS * 480);
    assert_eq!(rig.jitter.slots.len(), SLOTS);
}

#[test]
fn surplus_says_how_much_later_than_wanted_it_plays() {
    let mut rig = Rig::new();
    for at in 0..100 {
        rig.frame(at, 0);
        rig.next_at(u64::from(at) * 20 + 100);
    }
    // Packet 99 came at 1,980 and would be decoded next; it is 120 ms old at 2,100.
    rig.frame(100, 0);
    let surplus = rig.jitter.surplus_us(Time::from_millis(12_120), 0).expect("plays");
    assert_eq!(surplus + rig.jitter.target_us(), 120_000);
    let ready = rig.jitter.surplus_us(Time::from_millis(12_120), 160).expect("plays");
    assert_eq!(ready - surplus, 20_000);
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes, whenever: nothing panics, nothing is played twice, and what was taken in
        /// is accounted for.
        #[test]
        fn any_packets_at_any_time_are_borne_and_accounted_for(
            steps in proptest::collection::vec(
                (
                    prop_oneof![3 => Just(1_i32), 1 => -80..80, 1 => any::<i32>()],
                    prop_oneof![3 => Just(160_i32), 1 => -3_000..3_000, 1 => any::<i32>()],
                    0_usize..500,
                    any::<bool>(),
                    prop_oneof![9 => Just(true), 1 => Just(false)],
                    0_u64..60,
                ),
                1..300,
            ),
        ) {
            let mut rig = Rig::new();
            let (mut seq, mut timestamp, mut ms) = (0_u16, 0_u32, 0);
            let mut played = 0;
            for (ahead, later, len, marker, voice, pass) in steps {
                seq = seq.wrapping_add(ahead as u16);
                timestamp = timestamp.wrapping_add(later as u32);
                rig.packet(ms, seq, timestamp, &vec![1; len], marker, voice);
                ms += pass;
                for _ in 0..2 {
                    let now = Time::from_millis(10_000 + ms);
                    if let Next::Voice(payload) = rig.jitter.next(now, FRAME, FRAME) {
                        let len = payload.len() as u32;
                        played += 1;
                        rig.jitter.played(len);
                    }
                    rig.jitter.surplus_us(now, 160);
                    rig.jitter.has_next();
                }
            }
            let counters = rig.jitter.counters();
            prop_assert_eq!(counters.played, played);
            let gone = counters.played + counters.late + counters.duplicate;
            prop_assert!(gone <= counters.received, "{counters:?}");
        }

        /// Shuffled within what is waited for, each packet is played exactly once and in order.
        #[test]
        fn what_is_shuffled_within_the_target_is_played_in_order(
            lateness in proptest::collection::vec(0_u64..38, 120),
        ) {
            let mut rig = Rig::new();
            let mut arrivals: Vec<(u64, u16)> = lateness
                .iter()
                .enumerate()
                .map(|(at, late)| (at as u64 * 20 + late, at as u16))
                .collect();
            arrivals.sort_unstable();
            let mut arrivals = arrivals.into_iter().peekable();
            let mut heard = Vec::new();
            for tick in 0..130_u64 {
                while let Some((ms, at)) = arrivals.next_if(|(ms, _)| *ms <= tick * 20) {
                    rig.frame(at, ms - u64::from(at) * 20);
                }
                // Somewhat later than the target, so that nothing is too late.
                if tick >= 3 && let Heard::Frame(at) = rig.next_at(tick * 20) {
                    heard.push(at);
                }
            }
            let expected: Vec<u8> = (0..120).collect();
            prop_assert_eq!(&heard[..heard.len().min(120)], &expected[..heard.len().min(120)]);
            prop_assert!(heard.len() >= 115, "{}", heard.len());
        }
    }
}
