//! What a recording has of those who come and go: colleagues, supervisors, a third party, another phone.
//! It has what the caller says and hears, and nothing that they do not.

use switchboard::engine::io::{Reply, Request};
use switchboard::event::{EndCause, Supervision};
use switchboard::server::recording::manifest::GapReason;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::world::PersonId;

use crate::recording::{Kept, names, town_that_records, written};
use crate::supervise::conference_in;
use crate::town::*;
use crate::transfers::amy_talks;

/// The one recording of a town.
fn the_recording(town: &mut Town) -> Kept {
    let mut kept = written(town);
    assert_eq!(kept.len(), 1, "{}", town.story());
    kept.remove(0)
}

/// Whose voices are in each second of a side, alone or mixed, runs made one.
fn voices(side: &[i16]) -> Vec<Vec<u32>> {
    let in_second = |second: usize| {
        let shares = [CALLER, AMY, BEN, MUSIC].map(|hz| (hz, Kept::share(side, second, hz)));
        let all: f64 = shares.iter().map(|(_, share)| share).sum();
        // What begins or ends in this second is neither.
        (all > 0.95).then(|| {
            shares.into_iter().filter(|(_, share)| *share > 0.03).map(|(hz, _)| hz).collect()
        })
    };
    let mut voices: Vec<Vec<u32>> = (0..side.len() / 8_000).filter_map(in_second).collect();
    voices.dedup();
    voices
}

fn waits(seconds: u64) -> Vec<Step> {
    vec![Step::Wait(secs(seconds)), Step::HangUp]
}

#[test]
fn a_pause_belongs_to_the_call_and_whoever_has_it_then_ends_it() {
    for asked in [false, true] {
        let mut town = town_that_records(|_| {});
        let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), waits(40));
        let call = town.the_call();
        let pause = |town: &mut Town, pause, who: &str| {
            let agent = Some(who.into());
            town.ask(who, true, Request::PauseRecording { call, pause, agent })
        };
        town.run_for(secs(4));
        assert_eq!(pause(&mut town, true, "amy"), Some(Reply::Done));
        town.run_for(secs(2));
        match asked {
            false => town.hands_on(amy, "202"),
            true => {
                town.consults(amy, "202");
                assert!(town.hears(amy, BEN), "{}", town.story());
                town.run_for(secs(2));
                town.brings_together(amy);
            }
        }
        assert!(town.hears(ben, CALLER), "{}", town.story());
        town.run_for(secs(4));
        // Amy has no part in it any more; nobody has said that it goes on.
        assert!(matches!(pause(&mut town, false, "amy"), Some(Reply::TransferRefused(_))));
        town.run_for(secs(2));
        assert_eq!(pause(&mut town, false, "ben"), Some(Reply::Done));
        town.see_off(resident);
        let one = the_recording(&mut town);
        assert_eq!(Kept::heard(&one.right), [Some(AMY), None, Some(BEN)], "asked first: {asked}");
        assert_eq!(Kept::heard(&one.left), [Some(CALLER), None, Some(CALLER)]);
        let [gap] = &*one.done.manifest.gaps else { panic!("{:?}", one.done.manifest.gaps) };
        assert!(gap.to_us - gap.from_us > 8_000_000 && gap.reason == GapReason::Asked, "{gap:?}");
        assert_eq!(names(&town.close()), ["Started", "Paused", "Resumed", "Ended"]);
    }
}

#[test]
fn a_consultation_is_music_to_the_caller_and_the_colleague_is_in_the_same_recording() {
    let mut town = town_that_records(|_| {});
    let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), waits(25));
    town.run_for(secs(3));
    town.consults(amy, "202");
    assert!(town.hears(amy, BEN) && town.hears(ben, AMY), "{}", town.story());
    town.run_for(secs(5));
    town.brings_together(amy);
    assert!(town.hears(ben, CALLER), "{}", town.story());
    town.see_off(resident);
    let one = the_recording(&mut town);
    assert_eq!(voices(&one.right), [[AMY], [MUSIC], [BEN]]);
    assert_eq!(voices(&one.left), [[CALLER]]);
    assert_eq!(one.done.manifest.agents, ["amy", "ben"]);
    let town = town.close();
    assert_eq!(names(&town), ["Started", "Ended"]);
    assert_eq!(town.causes(), [EndCause::Merged, EndCause::CallerHungUp]);
}

#[test]
fn a_conversation_that_moves_to_another_phone_or_colleague_is_recorded_on() {
    for colleague in [false, true] {
        let mut town = town_that_records(|_| {});
        let (amy, ben, resident) = amy_talks(&mut town, Habits::default(), waits(12));
        town.run_for(secs(3));
        let dialog = town.person(amy).phone().dialog().expect("is up");
        let takes: PersonId = match colleague {
            true => ben,
            false => town.adviser("amy", "amy's", Habits::default(), |phone| {
                phone.sound = switchboard::sim::tone::Sound::Tone(BEN);
            }),
        };
        town.run_for(secs(1));
        town.adviser_mut(takes, |phone, now| phone.phone_mut().take(now, &dialog));
        assert!(town.hears(takes, CALLER), "{}", town.story());
        town.see_off(resident);
        let one = the_recording(&mut town);
        assert_eq!(voices(&one.right), [[AMY], [BEN]], "colleague: {colleague}");
        assert_eq!(voices(&one.left), [[CALLER]]);
        let agents: &[&str] = if colleague { &["amy", "ben"] } else { &["amy"] };
        assert_eq!(one.done.manifest.agents, agents);
        assert_eq!(names(&town.close()), ["Started", "Ended"]);
    }
}

#[test]
fn all_three_of_a_conference_are_in_the_callers_recording() {
    let town = town_that_records(|_| {});
    let then = vec![hear(MUSIC), Step::Wait(secs(12)), Step::HangUp];
    let (mut town, amy, _, resident) = conference_in(town, then);
    town.run_for(secs(3));
    town.hangs_up(amy);
    town.see_off(resident);
    let one = the_recording(&mut town);
    let heard = voices(&one.right);
    let at = |voices: &[u32]| heard.iter().position(|heard| heard == voices);
    assert_eq!(heard.first().map(Vec::as_slice), Some(&[AMY][..]), "{heard:?}");
    assert!(
        at(&[AMY, BEN]).is_some() && heard.last().is_some_and(|last| *last == [BEN]),
        "{heard:?}"
    );
    assert_eq!(voices(&one.left), [[CALLER]]);
    assert_eq!(one.done.manifest.agents, ["amy", "ben"]);
    assert_eq!(names(&town.close()), ["Started", "Ended"]);
}

#[test]
fn a_supervisor_is_in_the_recording_when_the_caller_hears_them_and_at_no_other_time() {
    let mut town = town_that_records(|_| {});
    let (_, _, resident) = amy_talks(&mut town, Habits::default(), waits(40));
    town.lets_in(Supervision::Listen);
    town.run_for(secs(5));
    assert_eq!(town.as_what(Supervision::Whisper), Reply::Done);
    town.run_for(secs(5));
    assert_eq!(town.as_what(Supervision::Barge), Reply::Done);
    town.run_for(secs(5));
    assert_eq!(town.as_what(Supervision::Whisper), Reply::Done);
    town.run_for(secs(5));
    town.see_off(resident);
    let one = the_recording(&mut town);
    assert_eq!(voices(&one.right), [vec![AMY], vec![AMY, BEN], vec![AMY]]);
    assert_eq!(voices(&one.left), [[CALLER]]);
    // Not even a word of it: five seconds of Ben, and those at the edges.
    let seconds = 0..one.right.len() / 8_000;
    let with_ben = seconds.filter(|second| Kept::share(&one.right, *second, BEN) > 1e-4).count();
    assert!((5..=6).contains(&with_ben), "{with_ben} s");
    assert_eq!(one.done.manifest.agents, ["amy", "ben"]);
    assert_eq!(names(&town.close()), ["Started", "Ended"]);
}
