//! Who gives a second opinion: what is wrong with it.

use super::*;

#[test]
fn a_language_model_has_an_address_and_takes_its_time() {
    let findings = |model: &str| check_findings(&format!("[language_model]\n{model}\n"));
    for fine in ["", "url = \"http://10.0.0.7:8000/v1/chat/completions\"\nmodel = \"small\""] {
        assert_eq!(findings(fine), findings(""), "{fine}");
    }
    for (model, finding) in [
        ("url = \"10.0.0.7\"", "6:7 `10.0.0.7` is not where a language model is"),
        ("timeout_ms = 0", "6:14 language_model.timeout_ms must not be 0"),
        ("at_once = 0", "6:11 language_model.at_once must not be 0"),
    ] {
        assert!(findings(model).contains(&finding.to_owned()), "{model}: {:?}", findings(model));
    }
}
