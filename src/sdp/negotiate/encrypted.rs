//! Encrypted audio: who offers, who answers what, and which keys stay (RFC 4568, RFC 8643).

use proptest::prelude::*;

use crate::id::Entropy;
use crate::media::command::{Codec, Encryption, Negotiated, SrtpKeys, Suite};
use crate::sdp::{
    Beside, Codecs, Keyring, Local, SdpError, Terms, acceptable, answer, offer, read_answer,
};

const HEAD: &str = "v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\n";
const KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
const OTHER: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const GCM: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaQ==";
const BOTH: [bool; 2] = [false, true];

fn local() -> Local {
    Local { rtp: ([198, 51, 100, 1], 20_000).into(), session_id: 7, version: 1 }
}

fn from() -> std::net::IpAddr {
    [203, 0, 113, 5].into()
}

fn terms(encryption: Encryption, private: bool) -> Terms {
    Terms { encryption, private, codecs: Codecs::new([Codec::Pcma, Codec::Pcmu]) }
}

fn ring(encryption: Encryption, private: bool) -> Keyring {
    Keyring::new(terms(encryption, private), &mut Entropy::from_seed([3; 32]))
}

fn answered(text: &str, ring: &mut Keyring) -> Result<(String, Negotiated), SdpError> {
    answer(text.replace('\n', "\r\n").as_bytes(), &local(), from(), ring, Beside::default())
}

fn read(text: &str, ring: &mut Keyring) -> Result<Negotiated, SdpError> {
    read_answer(text.replace('\n', "\r\n").as_bytes(), from(), ring, Beside::default())
}

/// An audio stream with these `a=crypto`.
fn stream(profile: &str, cryptos: &[&str]) -> String {
    let mut text = format!("m=audio 4000 {profile} 8\n");
    for crypto in cryptos {
        text += &format!("a=crypto:{crypto}\n");
    }
    text
}

fn counter(tag: u32, key: &str) -> String {
    format!("{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}")
}

fn cryptos(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("a=crypto:")).collect()
}

fn keys(negotiated: &Negotiated) -> &SrtpKeys {
    negotiated.srtp.as_deref().expect("keys")
}

#[test]
fn an_offer_is_answered_as_the_terms_say() {
    use Encryption::{Off, Optional, Required};
    use SdpError::{NoCommonEncryption, NotEncrypted};
    let key = counter(1, KEY);
    let plain = stream("RTP/AVP", &[]);
    let opportunistic = stream("RTP/AVP", &[&key]);
    let secure = stream("RTP/SAVP", &[&key]);
    let keyless = stream("RTP/SAVP", &[]);
    let unusable = stream("RTP/SAVP", &["1 F8_128_HMAC_SHA1_80 inline:x", &format!("{key} KDR=1")]);
    let strange = stream("RTP/AVP", &["1 F8_128_HMAC_SHA1_80 inline:x"]);
    for (encryption, offered, want) in [
        (Off, &plain, Ok(("RTP/AVP", false))),
        (Off, &opportunistic, Ok(("RTP/AVP", false))),
        (Off, &secure, Err(NoCommonEncryption)),
        (Optional, &plain, Ok(("RTP/AVP", false))),
        (Optional, &opportunistic, Ok(("RTP/AVP", true))),
        (Optional, &secure, Ok(("RTP/SAVP", true))),
        (Optional, &keyless, Err(NoCommonEncryption)),
        (Optional, &unusable, Err(NoCommonEncryption)),
        (Optional, &strange, Ok(("RTP/AVP", false))),
        (Required, &plain, Err(NotEncrypted)),
        (Required, &strange, Err(NotEncrypted)),
        (Required, &opportunistic, Ok(("RTP/AVP", true))),
        (Required, &secure, Ok(("RTP/SAVP", true))),
        (Required, &unusable, Err(NoCommonEncryption)),
    ] {
        for private in BOTH {
            let text = format!("{HEAD}{offered}");
            let mut ring = ring(encryption, private);
            let got = answered(&text, &mut ring);
            let label = format!("{encryption:?} {offered}");
            assert_eq!(
                acceptable(text.replace('\n', "\r\n").as_bytes(), terms(encryption, false)).err(),
                want.err(),
                "{label}"
            );
            match (got, want) {
                (Ok((answer, negotiated)), Ok((profile, encrypted))) => {
                    assert!(answer.contains(&format!("m=audio 20000 {profile} 8\r\n")), "{label}");
                    assert_eq!(negotiated.srtp.is_some(), encrypted, "{label}");
                    assert_eq!(cryptos(&answer).len(), usize::from(encrypted), "{label}");
                }
                (got, want) => assert_eq!(got.err(), want.err(), "{label}"),
            }
        }
    }
}

#[test]
fn the_strongest_suite_is_taken_under_the_peers_tag() {
    let lines = [
        format!("10 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^20|1:4"),
        counter(20, KEY),
        format!("30 AEAD_AES_128_GCM inline:{GCM}"),
        counter(40, OTHER),
    ];
    let tagged = |take: &[usize]| {
        let lines: Vec<&str> = take.iter().map(|at| lines[*at].as_str()).collect();
        let text = format!("{HEAD}{}", stream("RTP/SAVP", &lines));
        let (text, agreed) =
            answered(&text, &mut ring(Encryption::Optional, false)).expect("is answered");
        let line = cryptos(&text)[0].to_owned();
        assert_eq!(keys(&agreed).send.suite(), keys(&agreed).receive.suite());
        assert_ne!(keys(&agreed).send, keys(&agreed).receive);
        line.rsplit_once(" inline:").map(|(line, _)| line.to_owned()).expect("a key")
    };
    assert_eq!(tagged(&[0, 1, 2, 3]), "30 AEAD_AES_128_GCM");
    assert_eq!(tagged(&[0, 1, 3]), "20 AES_CM_128_HMAC_SHA1_80");
    assert_eq!(tagged(&[0]), "10 AES_CM_128_HMAC_SHA1_32");
}

#[test]
fn an_encrypted_stream_goes_before_a_plain_one_unless_it_may_not_be() {
    let both = format!(
        "{HEAD}{}m=audio 4002 RTP/SAVP 0\na=crypto:{}\n",
        stream("RTP/AVP", &[]),
        counter(1, KEY)
    );
    let (text, agreed) =
        answered(&both, &mut ring(Encryption::Optional, false)).expect("an answer");
    assert!(text.contains("m=audio 0 RTP/AVP 8\r\nm=audio 20000 RTP/SAVP 0\r\n"), "{text}");
    assert!(agreed.srtp.is_some() && agreed.remote.port() == 4_002);
    let (text, agreed) = answered(&both, &mut ring(Encryption::Off, false)).expect("an answer");
    assert!(text.contains("m=audio 20000 RTP/AVP 8\r\n"), "{text}");
    assert!(text.contains("m=audio 0 RTP/SAVP 0\r\n") && agreed.srtp.is_none(), "{text}");
}

#[test]
fn our_offer_carries_keys_where_they_must_be_or_nobody_can_read_them() {
    use Encryption::{Off, Optional, Required};
    for (encryption, private, profile, count) in [
        (Off, false, "RTP/AVP", 0),
        (Off, true, "RTP/AVP", 0),
        (Optional, false, "RTP/AVP", 0),
        (Optional, true, "RTP/AVP", 3),
        (Required, false, "RTP/SAVP", 3),
        (Required, true, "RTP/SAVP", 3),
    ] {
        let text = offer(&local(), &mut ring(encryption, private), Beside::default());
        assert!(text.contains(&format!("m=audio 20000 {profile} 8 0 101\r\n")), "{text}");
        let suites: Vec<_> =
            cryptos(&text).iter().filter_map(|line| line.split_once(" inline:")).collect();
        let names: Vec<_> = suites.iter().map(|(name, _)| *name).collect();
        let all = ["1 AEAD_AES_256_GCM", "2 AEAD_AES_128_GCM", "3 AES_CM_128_HMAC_SHA1_80"];
        assert_eq!(names, all[..count], "{text}");
        assert!(suites.windows(2).all(|pair| pair[0].1 != pair[1].1), "each has its own key");
    }
}

#[test]
fn the_answer_to_our_offer_must_be_as_the_terms_say() {
    use Encryption::{Optional, Required};
    use SdpError::{NoCommonEncryption, NotEncrypted};
    let ours = counter(3, KEY);
    for (encryption, private, profile, line, want) in [
        (Required, true, "RTP/SAVP", Some(&ours), Ok(true)),
        (Required, false, "RTP/SAVP", Some(&ours), Ok(true)),
        // Some write the other profile's name and mean it all the same.
        (Required, false, "RTP/AVP", Some(&ours), Ok(true)),
        (Required, true, "RTP/AVP", None, Err(NotEncrypted)),
        (Required, true, "RTP/SAVP", None, Err(NoCommonEncryption)),
        (Required, true, "RTP/SAVP", Some(&counter(1, KEY)), Err(NoCommonEncryption)),
        (Required, true, "RTP/SAVP", Some(&counter(4, KEY)), Err(NoCommonEncryption)),
        (Optional, true, "RTP/AVP", Some(&ours), Ok(true)),
        (Optional, true, "RTP/SAVP", Some(&ours), Ok(true)),
        (Optional, true, "RTP/AVP", None, Ok(false)),
        (Optional, true, "RTP/AVP", Some(&counter(9, KEY)), Ok(false)),
        // Keys that we have not asked for decrypt nothing.
        (Optional, false, "RTP/AVP", Some(&ours), Ok(false)),
        (Optional, false, "RTP/SAVP", Some(&ours), Err(NoCommonEncryption)),
    ] {
        let mut ring = ring(encryption, private);
        let offered = offer(&local(), &mut ring, Beside::default());
        let lines: Vec<&str> = line.iter().map(|line| line.as_str()).collect();
        let got = read(&format!("{HEAD}{}", stream(profile, &lines)), &mut ring);
        let label = format!("{encryption:?} {private} {profile} {line:?}");
        assert_eq!(
            got.as_ref().map(|agreed| agreed.srtp.is_some()),
            want.as_ref().copied(),
            "{label}"
        );
        if let Ok(agreed) = got
            && agreed.srtp.is_some()
        {
            let sent = super::Crypto::parse(cryptos(&offered)[2]).expect("our line");
            assert_eq!(keys(&agreed).send, sent.key, "{label}");
        }
    }
}

#[test]
fn keys_stay_while_the_peer_keeps_its_own_and_change_with_it() {
    let mut ring = ring(Encryption::Optional, false);
    let text = |lines: &[&str]| format!("{HEAD}{}", stream("RTP/SAVP", lines));
    let first = text(&[&counter(1, KEY), &format!("2 AES_CM_128_HMAC_SHA1_32 inline:{OTHER}")]);
    let (described, agreed) = answered(&first, &mut ring).expect("an answer");
    // Held and resumed, under another tag even, beside a stronger suite: nothing changes.
    for again in [
        first.clone() + "a=sendonly\n",
        text(&[&counter(7, KEY)]),
        text(&[&format!("1 AEAD_AES_128_GCM inline:{GCM}"), &counter(2, KEY)]),
    ] {
        let (_, later) = answered(&again, &mut ring).expect("an answer");
        assert_eq!(later.srtp, agreed.srtp, "{again}");
    }
    // We change something: the same key again, alone, under the tag of before.
    let ours = offer(&local(), &mut ring, Beside::default());
    assert!(ours.contains("m=audio 20000 RTP/SAVP 8 0 101\r\n"), "{ours}");
    let (ours, described) = (cryptos(&ours), cryptos(&described));
    let key = |line: &str| line.split_once("inline:").map(|(_, key)| key.to_owned());
    assert_eq!((ours.len(), key(ours[0])), (1, key(described[0])));
    let kept = read(&text(&[&counter(2, KEY)]), &mut ring).expect("agreed");
    assert_eq!(kept.srtp, agreed.srtp);
    // The peer has a new key: so have we, and the next stays again.
    let renewed = text(&[&counter(1, OTHER)]);
    let (_, changed) = answered(&renewed, &mut ring).expect("an answer");
    assert_ne!(keys(&changed).receive, keys(&agreed).receive);
    assert_ne!(keys(&changed).send, keys(&agreed).send);
    let (_, later) = answered(&renewed, &mut ring).expect("an answer");
    assert_eq!(later.srtp, changed.srtp);
    // An identifier makes it another key.
    let (_, marked) =
        answered(&text(&[&(counter(1, OTHER) + "|2^31|1:1")]), &mut ring).expect("an answer");
    assert_ne!(keys(&marked).send, keys(&changed).send);
    // Plain, and encrypted again: never with a key that was used before.
    let (_, plain) =
        answered(&format!("{HEAD}{}", stream("RTP/AVP", &[])), &mut ring).expect("an answer");
    assert_eq!(plain.srtp, None);
    let (_, again) = answered(&renewed, &mut ring).expect("an answer");
    assert_ne!(keys(&again).send, keys(&changed).send);
}

#[test]
fn a_refused_change_leaves_keys_as_they_are() {
    let mut ring = ring(Encryption::Required, true);
    let text = format!("{HEAD}{}", stream("RTP/SAVP", &[&counter(1, KEY)]));
    let (_, agreed) = answered(&text, &mut ring).expect("an answer");
    let plain = format!("{HEAD}{}", stream("RTP/AVP", &[]));
    assert_eq!(answered(&plain, &mut ring).err(), Some(SdpError::NotEncrypted));
    offer(&local(), &mut ring, Beside::default());
    assert_eq!(read(&plain, &mut ring).err(), Some(SdpError::NotEncrypted));
    let (_, later) = answered(&text, &mut ring).expect("an answer");
    assert_eq!(later.srtp, agreed.srtp);
}

#[test]
fn every_phone_that_answers_a_fork_is_believed_with_its_own_key() {
    let mut ring = ring(Encryption::Required, true);
    offer(&local(), &mut ring, Beside::default());
    let [early, at_last] = [counter(3, KEY), counter(3, OTHER)].map(|line| {
        read(&format!("{HEAD}{}", stream("RTP/SAVP", &[&line])), &mut ring).expect("agreed")
    });
    assert_eq!(keys(&early).send, keys(&at_last).send);
    assert_ne!(keys(&early).receive, keys(&at_last).receive);
}

#[test]
fn no_key_is_printed() {
    let mut ring = ring(Encryption::Required, true);
    let text = offer(&local(), &mut ring, Beside::default());
    let line = super::Crypto::parse(cryptos(&text)[0]).expect("our line");
    let bytes = format!("{:?}", &line.key.reveal()[..4]);
    let inner = bytes.trim_matches(['[', ']']);
    let agreed = read(&format!("{HEAD}{}", stream("RTP/SAVP", &[&counter(3, KEY)])), &mut ring);
    for shown in [format!("{ring:?}"), format!("{agreed:?}"), format!("{line:?}")] {
        assert!(shown.contains("(secret)") && !shown.contains(inner), "{shown}");
    }
}

proptest! {
    #[test]
    fn two_of_us_agree_whatever_their_terms(
        a in 0usize..3, b in 0usize..3, private: bool, seeds: [[u8; 32]; 2], rounds in 1usize..4,
    ) {
        const ALL: [Encryption; 3] =
            [Encryption::Off, Encryption::Optional, Encryption::Required];
        let (a, b) = (ALL[a], ALL[b]);
        let ring = |encryption, seed| {
            Keyring::new(terms(encryption, private), &mut Entropy::from_seed(seed))
        };
        let (mut at_a, mut at_b) = (ring(a, seeds[0]), ring(b, seeds[1]));
        let mut before: Option<Option<Box<SrtpKeys>>> = None;
        for round in 0..rounds {
            // They take turns in changing the session.
            let (offerer, answerer) =
                if round % 2 == 0 { (&mut at_a, &mut at_b) } else { (&mut at_b, &mut at_a) };
            let text = offer(&local(), offerer, Beside::default());
            let Ok((text, theirs)) = answer(text.as_bytes(), &local(), from(), answerer, Beside::default()) else {
                prop_assert_eq!(round, 0);
                prop_assert!(matches!(
                    (a, b, private),
                    (Encryption::Required, Encryption::Off, _)
                        | (Encryption::Off, Encryption::Required, _)
                        | (Encryption::Optional, Encryption::Required, false)
                ));
                return Ok(());
            };
            let ours = read_answer(text.as_bytes(), from(), offerer, Beside::default()).expect("agreed");
            let (ours, theirs) = if round % 2 == 0 { (ours, theirs) } else { (theirs, ours) };
            match (&ours.srtp, &theirs.srtp) {
                (Some(ours), Some(theirs)) => {
                    prop_assert_eq!(&ours.send, &theirs.receive);
                    prop_assert_eq!(&ours.receive, &theirs.send);
                    prop_assert_ne!(&ours.send, &ours.receive);
                    prop_assert_eq!(ours.send.suite(), Suite::AeadAes256Gcm);
                }
                (None, None) => prop_assert!(a != Encryption::Required && b != Encryption::Required),
                other => prop_assert!(false, "one side only: {:?}", other),
            }
            if let Some(before) = before.replace(ours.srtp.clone()) {
                prop_assert_eq!(before, ours.srtp);
            }
        }
    }

    #[test]
    fn any_keys_are_answered_once_or_not_at_all(
        lines in proptest::collection::vec("[1-9][0-9]{0,2} (AES_CM_128_HMAC_SHA1_(80|32)|AEAD_AES_128_GCM|X) inline:[A-Za-z0-9+/]{36,41}={0,2}(\\|2\\^[0-9]{1,2})?(\\|[0-9]{1,3}:[0-9])?( [A-Z_]{1,8}(=[0-9])?)?", 0..20),
        secure: bool, encryption in 0usize..3, private: bool,
    ) {
        let encryption = [Encryption::Off, Encryption::Optional, Encryption::Required][encryption];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let text = format!("{HEAD}{}", stream(if secure { "RTP/SAVP" } else { "RTP/AVP" }, &lines));
        if let Ok((answer, agreed)) = answered(&text, &mut ring(encryption, private)) {
            let ours = cryptos(&answer);
            prop_assert_eq!(ours.len(), usize::from(agreed.srtp.is_some()));
            if let Some(ours) = ours.first() {
                let head = ours.split(' ').take(2).collect::<Vec<_>>();
                let offered = lines.iter().any(|line| line.split(' ').take(2).eq(head.iter().copied()));
                prop_assert!(offered, "{} to {:?}", ours, lines);
            }
        }
    }
}
