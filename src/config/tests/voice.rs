//! Which voice speaks prompts: what is wrong with it.

use super::*;

#[test]
fn a_voice_is_a_service_with_an_address_or_the_machines_own() {
    let findings = |voice: &str| check_findings(&format!("[voice]\n{voice}\n"));
    for fine in ["", "url = \"http://10.0.0.7:8000/v1/audio/speech\"\nname = \"alice\""] {
        assert_eq!(findings(fine), findings(""), "{fine}");
    }
    for (voice, finding) in [
        ("url = \"10.0.0.7\"", "6:7 `10.0.0.7` is not where a voice is"),
        ("timeout_ms = 0", "6:14 voice.timeout_ms must not be 0"),
    ] {
        assert!(findings(voice).contains(&finding.to_owned()), "{voice}: {:?}", findings(voice));
    }
}
