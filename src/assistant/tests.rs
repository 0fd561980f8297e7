//! The shipped intents against what callers say: alike and apart, urgent or not, honest about itself.

use std::path::Path;
use std::sync::LazyLock;

use jiff::civil::date;

use super::*;

/// A Thursday.
const TODAY: Date = date(2026, 11, 26);

/// The files of the repository, as `File`s own them.
static SHIPPED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr-flows/intents");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("is there")
        .map(|entry| entry.expect("reads").path())
        .collect();
    paths.sort();
    let read = |path: &Path| std::fs::read_to_string(path).expect("reads");
    paths.iter().map(|path| (path.display().to_string(), read(path))).collect()
});

pub(super) static UNDERSTANDING: LazyLock<Understanding> =
    LazyLock::new(|| Understanding::load(&shipped()).unwrap_or_else(|faults| panic!("{faults:?}")));

fn shipped() -> Vec<File<'static>> {
    SHIPPED.iter().map(|(shown, text)| File { shown, text }).collect()
}

fn intent(text: &str) -> Option<String> {
    UNDERSTANDING.understand(text, TODAY).intent.map(|name| name.to_string())
}

#[test]
fn what_sounds_alike_is_kept_apart() {
    for (said, expected) in [
        ("I want to pay my council tax", "council-tax-payment"),
        ("how much council tax do I owe", "council-tax-balance"),
        ("pay my rent", "rent-payment"),
        ("what do I owe on my rent", "rent-balance"),
        ("there's a mattress dumped in our alley", "fly-tipping"),
        ("I've got a mattress I need taking away", "bulky-waste"),
        ("my bin wasn't emptied", "missed-bin"),
        ("when is my bin emptied", "bin-day"),
        ("book an appointment to register a death", "register-death"),
        ("I want to complain about your staff", "complaint"),
        ("I want to complain about the noise next door", "noise"),
    ] {
        assert_eq!(intent(said).as_deref(), Some(expected), "{said}");
    }
}

#[test]
fn what_may_mean_this_or_that_is_asked_back() {
    for (said, meant) in [
        ("my bin", ["missed-bin", "new-bin"]),
        ("it's about my bin please", ["missed-bin", "new-bin"]),
        ("um the bins", ["bin-day", "missed-bin"]),
        ("council tax", ["council-tax-balance", "council-tax-payment"]),
        ("it's my rent", ["rent-balance", "rent-payment"]),
        ("parking", ["parking-fine", "parking-permit"]),
        ("housing", ["housing-register", "housing-repair"]),
    ] {
        let ranked = UNDERSTANDING.understand(said, TODAY).ranked;
        let mut first: Vec<&str> = ranked.iter().take(2).map(|(name, _)| name.as_str()).collect();
        first.sort_unstable();
        assert_eq!(first, meant, "{said}: {ranked:?}");
        // Flows ask below 80 %.
        assert!(ranked[0].1 < 0.8 && ranked[1].1 > 0.2, "{said}: {ranked:?}");
    }
}

#[test]
fn what_is_none_of_the_councils_business_has_no_intent() {
    for said in [
        "I need to see my GP",
        "what time is the train to Leeds",
        "order me a pizza",
        "renew my passport",
        "la la la",
        "",
    ] {
        assert_eq!(intent(said), None, "{said}");
    }
}

#[test]
fn noises_and_spelling_change_nothing() {
    for said in [
        "um hello er my bin wasnt collected please",
        "MY BIN WAS NOT COLLECTED!",
        "my bin wasn’t collected.",
    ] {
        assert_eq!(intent(said).as_deref(), Some("missed-bin"), "{said}");
    }
}

#[test]
fn what_is_named_by_the_way_is_found() {
    let understood = UNDERSTANDING.understand(
        "my bin wasn't collected on Tuesday, it's 14 Acacia Avenue, r m one three b d",
        TODAY,
    );
    let slots: Vec<(&str, &str)> =
        understood.slots.iter().map(|(kind, found)| (kind.name(), found.value.as_str())).collect();
    assert_eq!(
        slots,
        [
            ("postcode", "RM1 3BD"),
            ("date", "2026-11-24"),
            ("house_number", "14"),
            ("street", "Acacia Avenue"),
        ]
    );
}

#[test]
fn the_same_files_give_the_same_answers_bit_for_bit() {
    let again = Understanding::load(&shipped()).expect("loads");
    for said in ["my bin", "i want to pay", "something about a permit for my mum's bin"] {
        let (a, b) = (UNDERSTANDING.understand(said, TODAY), again.understand(said, TODAY));
        assert_eq!(a.confidence.to_bits(), b.confidence.to_bits(), "{said}");
        assert_eq!(a.ranked, b.ranked, "{said}");
    }
}

#[test]
fn what_cannot_wait_is_found_whatever_the_call_is_about() {
    let urgent = |text: &str| -> Vec<String> {
        let found = UNDERSTANDING.understand(text, TODAY).urgent;
        found.iter().map(ToString::to_string).collect()
    };
    for (said, kind) in [
        ("I can smell gas", "gas-leak"),
        ("there's a smell of gas in the hall", "gas-leak"),
        ("the carbon monoxide alarm is going off", "gas-leak"),
        ("my husband hits me and I need to get out", "domestic-abuse"),
        ("I'm scared of my ex he keeps threatening me", "domestic-abuse"),
        ("we've got nowhere to sleep tonight", "homeless-tonight"),
        ("I've been kicked out and I'm homeless tonight", "homeless-tonight"),
        ("we've got no heating and a six week old baby", "no-heating"),
        ("the boiler's packed up and my mum's ninety and poorly", "no-heating"),
        ("I think the little boy next door is being hit", "child-at-risk"),
        ("she leaves her kids home alone at night", "child-at-risk"),
        ("I just want to end it all", "self-harm"),
        ("I don't want to be here any more", "self-harm"),
        ("the flat next door is on fire", "emergency"),
        ("my dad's collapsed on the floor", "emergency"),
    ] {
        assert!(urgent(said).contains(&kind.to_owned()), "{said}: {:?}", urgent(said));
    }
    for said in [
        "the gas fire needs a service",
        "I want to pay my council tax",
        "my boiler needs its gas safety check",
        "I hit a pothole and it hurt my back",
        "my bin was set on fire last week",
        "the fire door is broken",
        "my neighbour's dog hurt my cat",
        "I want to end my garden waste subscription",
        "my heating isn't working",
        "next door's children are screaming and I can't sleep",
        "I've left my husband so I want the single person discount",
        "a homeless charity shop collection",
        "the carbon monoxide alarm needs a new battery",
    ] {
        assert_eq!(urgent(said), Vec::<String>::new(), "{said}");
    }
}

/// Five times a fifth of the examples is kept from learning and asked afterwards. The examples differ
/// from each other on purpose, so this is harder than callers are.
#[test]
fn cross_validation_finds_it_right_and_honest_about_itself() {
    let declared = declared::read(&shipped()).expect("reads");
    let outside = declared.intents.len();
    let all: Vec<(usize, &str)> = declared
        .intents
        .iter()
        .enumerate()
        .flat_map(|(class, intent)| intent.examples.iter().map(move |text| (class, text.as_str())))
        .chain(declared.out_of_scope.iter().map(|text| (outside, text.as_str())))
        .collect();
    let (mut right, mut meant, mut rejected, mut foreign) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut bins = [(0.0_f32, 0_u32, 0_u32); 10];
    for fold in 0..5 {
        let classifier = learn(&declared, |at| at % 5 != fold);
        for (class, text) in all.iter().enumerate().filter(|(at, _)| at % 5 == fold).map(|(_, e)| e)
        {
            let judged = judge(&classifier.chances(text));
            let hit = judged.class.unwrap_or(outside) == *class;
            if *class == outside {
                (foreign, rejected) = (foreign + 1, rejected + u32::from(hit));
            } else {
                (meant, right) = (meant + 1, right + u32::from(hit));
            }
            let bin = &mut bins[((judged.confidence * 10.0) as usize).min(9)];
            *bin = (bin.0 + judged.confidence, bin.1 + u32::from(hit), bin.2 + 1);
        }
    }
    let accuracy = f64::from(right) / f64::from(meant);
    let rejection = f64::from(rejected) / f64::from(foreign);
    let apart: f32 = bins.iter().map(|(sum, hits, _)| (sum - *hits as f32).abs()).sum();
    let error = apart / all.len() as f32;
    println!("intents {accuracy:.3}, out of scope {rejection:.3}, calibration error {error:.3}");
    for (at, (sum, hits, count)) in bins.iter().enumerate().filter(|(_, bin)| bin.2 > 0) {
        let (said, was) = (sum / *count as f32, *hits as f32 / *count as f32);
        println!(
            "  confidence {:.1}: {count} times, said {said:.2}, was right {was:.2}",
            at as f32 / 10.0
        );
    }
    assert!(accuracy > 0.85 && rejection > 0.85 && error < 0.04);
}

#[test]
fn a_mistake_is_shown_with_its_place_and_what_would_be_right() {
    let text = "intents:\n  missed-bin:\n    says: a missed bin\n    slots: [post_code]\n    examples:\n      - my bin\n      - My bin!\n  Bad Name:\n    say: x\n";
    let urgent = "sets:\n  none: [no]\nurgent:\n  gas:\n    says: gas\n    any:\n      - <nome> gas\n      - ' + '\n";
    let files = [File { shown: "waste.yaml", text }, File { shown: "urgent.yaml", text: urgent }];
    let faults = Understanding::load(&files).expect_err("is refused");
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "waste.yaml:2:3: `missed-bin` has 1 examples; the least is 10",
            "waste.yaml:4:13: `post_code` is not something that `slots` can be",
            "waste.yaml:7:9: the example `My bin!` is here twice",
            "waste.yaml:8:3: `Bad Name` cannot be a name",
            "waste.yaml:8:3: `Bad Name` needs `says:`",
            "waste.yaml:8:3: `Bad Name` needs `examples:`",
            "waste.yaml:9:5: `say` means nothing in `Bad Name`",
            "urgent.yaml:7:9: there is no set `nome` in this file",
            "urgent.yaml:8:9: the pattern `+` has a part without words",
        ]
    );
}

#[test]
fn the_same_intent_in_two_files_is_a_finding_in_the_second() {
    let text = |says: &str| {
        let examples: String = (0..10).map(|n| format!("      - {says} number {n}\n")).collect();
        format!("intents:\n  bin:\n    says: {says}\n    examples:\n{examples}")
    };
    let (first, second) = (text("one"), text("two"));
    let files = [File { shown: "a.yaml", text: &first }, File { shown: "b.yaml", text: &second }];
    let faults = Understanding::load(&files).expect_err("is refused");
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].to_string(), "b.yaml:2:3: the intent `bin` is declared twice");
}

#[test]
fn what_may_mean_two_things_stands_with_both_and_is_an_example_of_neither() {
    let text = |name: &str, perhaps: &str| {
        let examples: String = (0..10).map(|n| format!("      - {name} number {n}\n")).collect();
        format!("  {name}:\n    says: {name}\n    perhaps: [{perhaps}]\n    examples:\n{examples}")
    };
    let good = format!("intents:\n{}{}", text("box", "my thing"), text("bin", "my thing"));
    let known = Understanding::load(&[File { shown: "a.yaml", text: &good }]).expect("is good");
    let ranked = known.understand("my thing", TODAY).ranked;
    assert!(ranked.len() == 2 && ranked[0].1 < 0.6, "{ranked:?}");
    let bad = format!("intents:\n{}{}", text("box", "it, it"), text("bin", "box number 3"));
    let faults = Understanding::load(&[File { shown: "a.yaml", text: &bad }]).expect_err("is bad");
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "a.yaml:4:19: the example `it` is here twice",
            "a.yaml:18:15: the example `box number 3` is here twice",
        ]
    );
}
