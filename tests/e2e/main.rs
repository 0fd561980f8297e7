//! The whole path on real sockets, against programs that other people wrote: SIPp rings, baresip
//! answers, and what each side heard is measured.

mod clock;
mod process;
mod softphone;
mod street;

use std::time::Duration;

use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::tone::Sound;

use crate::softphone::{Setup, Softphone};
use crate::street::Street;

const TEN_SECONDS: Duration = Duration::from_secs(10);

/// The simulated phones speak a SIP that others understand: otherwise nothing that they prove
/// about the server would count.
#[test]
fn a_simulated_phone_and_baresip_hear_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let softphone = Softphone::start(
        folder.path(),
        &Setup {
            user: "amy",
            password: "secret",
            server: ([127, 0, 0, 1], 9).into(),
            registers: false,
            answers: true,
            tone_hz: 620,
        },
    );
    let mut street = Street::new();
    let caller = street.caller(
        "01632960001",
        softphone.signalling,
        |phone| phone.sound = Sound::Tone(440),
        vec![
            Step::Ring("amy".to_owned()),
            Step::UntilAnswered { within: TEN_SECONDS },
            Step::UntilHears {
                what: Expect::Tone(620),
                within: TEN_SECONDS,
                otherwise: Otherwise::Fail,
            },
            Step::Wait(Duration::from_secs(2)),
            Step::HangUp,
        ],
    );
    let done = street.live(Duration::from_secs(30), |street| street.get(caller).is_done());
    assert!(done && street.get(caller).failed().is_none(), "{:#?}", street.get(caller).diary());
    let heard = clock::wait_for(TEN_SECONDS, || softphone.heard_tone(440).then_some(()));
    assert!(heard.is_some(), "baresip heard {:?}\n{}", softphone.heard(1.0), softphone.words());
}
