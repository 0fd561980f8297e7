//! How callers are heard: what is wrong with it.

use super::*;

fn findings(speech: &str) -> Vec<String> {
    check_findings(&format!("[speech]\n{speech}\n"))
}

#[test]
fn a_recogniser_is_spoken_to_where_it_is() {
    for fine in [
        "",
        "engine = \"vosk\"\nurl = \"ws://10.0.0.7:2700\"",
        "engine = \"whisper\"\nurl = \"https://speech.example/v1/audio/transcriptions\"",
    ] {
        assert_eq!(findings(fine), findings(""), "{fine}");
    }
    for (speech, finding) in [
        ("engine = \"vosk\"", "6:10 nothing says where the recogniser is"),
        (
            "engine = \"vosk\"\nurl = \"http://10.0.0.7:2700\"",
            "7:7 `http://10.0.0.7:2700` is not where a recogniser of this kind is spoken to",
        ),
        (
            "engine = \"whisper\"\nurl = \"10.0.0.7\"",
            "7:7 `10.0.0.7` is not where a recogniser of this kind is spoken to",
        ),
        ("at_once = 0", "6:11 speech.at_once must not be 0"),
        ("timeout_ms = 0", "6:14 speech.timeout_ms must not be 0"),
        ("confidence = 1.5", "6:14 how sure a recogniser is lies between 0 and 1"),
        ("confidence = nan", "6:14 how sure a recogniser is lies between 0 and 1"),
    ] {
        assert!(findings(speech).contains(&finding.to_owned()), "{speech}: {:?}", findings(speech));
    }
    let text = format!("{LEAST}[speech]\nengine = \"kaldi\"\n");
    let refused = load(&text, "switchboard.toml").expect_err("unknown");
    assert_eq!(brief(&refused, &text), ["6:10 `kaldi` cannot be said here"]);
}

#[test]
fn pocketsphinx_must_have_been_built_in() {
    let finding = "6:10 this program was built without PocketSphinx".to_owned();
    let built = cfg!(feature = "pocketsphinx");
    assert_eq!(findings("engine = \"pocketsphinx\"").contains(&finding), !built);
}
