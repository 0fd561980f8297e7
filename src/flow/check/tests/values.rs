//! Values, expressions and what is asked of other systems.

use super::*;

const GOOD: &str = "\
start: ask
takes: {reason: text}
nodes:
  ask:
    collect: Your account?
    as: account
    keys: 8
    then: look
    otherwise: end
  look:
    request: tax
    path: /a/{account}
    answer: {balance: money, name: text}
    then: tell
    otherwise: end
  tell: {say: \"It is {balance}.\", then: test}
  test: {if: balance > 10, then: card, otherwise: end}
  card: {collect: Card., as: card, form: card, secret: true, then: pay, otherwise: end}
  pay: {request: tax, method: POST, path: /p, body: {card: \"{card}\"}, then: end, otherwise: end}
  end: {hang_up: completed}
";

fn changed(from: &str, to: &str) -> Vec<String> {
    assert!(super::findings(GOOD).is_empty(), "{:?}", super::findings(GOOD));
    assert!(GOOD.contains(from));
    findings(&GOOD.replace(from, to))
}

#[test]
fn every_slip_with_values_is_found_at_its_place() {
    let mut missed = Vec::new();
    for (from, to, finding) in [
        ("/a/{account}", "/a/{acount}", "12:11: nothing in the flows ever says what `acount` is"),
        ("{balance}.", "{balance.", "16:15: a `{` here has no `}` that belongs to it"),
        ("{balance}.", "{name}.", "16:15: `name` is text, and text that is not known before"),
        ("{balance}.", "{balance as cash}.", "16:15: `cash` is not something that `as` can be"),
        ("{balance}.", "{card}.", "16:15: `card` is secret and can only be sent in the body"),
        ("path: /p,", "path: \"/p/{card}\",", "19:43: `card` is secret"),
        ("balance > 10", "balance >", "17:14: this condition or sum cannot be read"),
        ("balance > 10", "card > 10", "17:14: `card` is secret"),
        ("balance > 10", "paid > 10", "17:14: nothing in the flows ever says what `paid` is"),
        ("as: account", "as: Account", "6:9: `Account` cannot be the name of a value"),
        ("as: account", "as: not", "6:9: `not` cannot be the name of a value"),
        ("keys: 8", "keys: 8 to 4", "7:11: this is not a number of keys that it can have"),
        ("keys: 8", "keys: 40", "7:11: this is not a number of keys that it can have"),
        ("name: text", "account: money", "13:30: `account` is digits elsewhere, and money here"),
        (
            "request: tax\n",
            "request: taxes\n",
            "11:14: there is no back end `taxes` in the settings",
        ),
        ("form: card, ", "form: cards, ", "18:42: `cards` is not something that `form` can be"),
        (
            "secret: true,",
            "secret: true, confirm: Right?,",
            "18:71: what is secret must not be read back",
        ),
        ("    answer:", "    on_status: {99: end}\n    answer:", "13:17: `99` is not a status"),
        ("path: /a/{account}", "path: a/{account}", "12:11: the path `a/{account}` does not begin"),
        ("path: /a/{account}", "path: \"{account}\"", "12:11: the path `{account}` does not begin"),
        ("secret: true,", "", "18:42: the number of a payment card is asked for without `secret"),
        ("balance > 10", "today > 2026-12-01", "17:14: `today` (a day) is compared with a number"),
        ("balance > 10", "today > '01/12/2026'", "17:14: a day is never written like `01/12/2026`"),
        ("balance > 10", "now < '9:00'", "17:14: a time is never written like `9:00`"),
        ("balance > 10", "relay > 3", "17:14: `relay` (yes or no) is compared with a number"),
        (
            "balance > 10",
            "account == 12345678",
            "17:14: `account` (digits) is compared with a number",
        ),
        (
            "balance > 10",
            "balance == 'much'",
            "17:14: `balance` (a sum of money) is compared with `'much'`",
        ),
        (
            "balance > 10",
            "caller == '01708 434343'",
            "17:14: a telephone number is never written like",
        ),
        (
            "balance > 10",
            "\"relay in [1, 2]\"",
            "17:14: `relay` (yes or no) is compared with a number",
        ),
        ("balance > 10", "today + 1 > 3", "17:14: `today` (a day) cannot be part of a sum"),
        (
            "balance > 10",
            "not (today < now)",
            "17:14: `today` (a day) is compared with `now` (a time)",
        ),
        (
            "{if: balance > 10, then: card, otherwise: end}",
            "{choose: relay, cases: {true: card}, otherwise: end}",
            "17:33: yes or no is never written like `true`",
        ),
        (
            "{if: balance > 10, then: card, otherwise: end}",
            "{set: {balance: caller}, then: card}",
            "17:25: `balance` is a sum of money, and this is a telephone number",
        ),
        (
            "{if: balance > 10, then: card, otherwise: end}",
            "{set: {due: today}, then: due}\n  due: {if: due > 3, then: card, otherwise: end}",
            "18:13: `due` (a day) is compared with a number",
        ),
        (
            "{if: balance > 10, then: card, otherwise: end}",
            "{callback: waste, at: caller, offer: Yes?, ask: No?, then: card, already: end, otherwise: end}",
            "17:31: `at` must name a time, and `caller` is a telephone number",
        ),
        (
            "{if: balance > 10, then: card, otherwise: end}",
            "{send: bin, to: today, then: card, otherwise: end}",
            "17:25: `to` must name a telephone number, and `today` is a day",
        ),
    ] {
        let found = changed(from, to);
        let place = format!("main.yaml:{finding}");
        if !found.iter().any(|line| line.starts_with(&place)) {
            missed.push((finding, found));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_goes_together_is_left_alone() {
    for good in [
        "balance > 10.5 and not relay",
        "today > '2026-12-01' or now < '14:30'",
        "caller == '+441708434343' and urgent in ['gas', 'fire']",
        "name == '2026-12-01' or name is none or name|upper == 'ANN'",
        "account|length > 7 and account ~ 'x' != 'x'",
        "(balance if relay else 0) * 2 - 1 < 100",
        "calls_before + 1 > 2 and balance == 0",
        "relay == true and relay != caller_mobile",
        "unless_told is none",
        "now >= '22:00' and now < '24:00'",
        "today < '2027' and today >= '2026-12'",
        "caller < '+4' and account != ''",
        "relay == 1 or 0 == relay",
        "'due ' + today == 'x' and today + ' ' + now != ''",
        // Each side is looked at once, however deep it stands.
        &format!("{}balance{}", "(".repeat(40), " in [1, 1])".repeat(40)),
    ] {
        let text = GOOD.replace("balance > 10", &format!("\"{good}\""));
        let found = findings(&text.replace("takes: {", "takes: {unless_told: date, "));
        assert!(found.is_empty(), "{good}: {found:?}");
    }
    let long = format!("not {}relay", "not ".repeat(300));
    assert!(changed("balance > 10", &long)[0].contains("longer than 1000 letters"));
    let advice = |condition| advice(&GOOD.replace("balance > 10", condition)).join(" ");
    assert!(advice("today > 2026-12-01").contains("put the day into quotes"));
    assert!(advice("caller == '01708 434343'").contains("write it as `+441708434343`"));
    assert!(advice("relay == 'yes'").contains("its name alone is the condition"));
}

#[test]
fn a_flow_is_told_what_it_takes_and_nothing_else() {
    let file = |name: &str, text: &str| FlowFile {
        name: name.into(),
        shown: format!("{name}.yaml"),
        text: text.to_owned(),
    };
    let pay = file(
        "pay",
        "start: a\ntakes: {sum: money}\nnodes:\n  a: {say: \"{sum}.\", then: b}\n  b: {return: paid}\n",
    );
    let main = |sum: &str| {
        let text = format!(
            "start: a\nnodes:\n  a: {{flow: pay, with: {{sum: {sum}}}, returns: {{paid: b}}}}\n  b: {{hang_up: completed}}\n"
        );
        let loaded = crate::flow::load(&[file("main", &text), pay.clone()], &known());
        loaded
            .map_or_else(|faults| faults.iter().map(ToString::to_string).collect(), |_| Vec::new())
    };
    assert_eq!(main("12"), [""; 0]);
    assert_eq!(main("calls_before * 20"), [""; 0]);
    let found = "main.yaml:3:30: `sum` is a sum of money, and this is a telephone number";
    assert_eq!(main("caller"), [found]);
}

#[test]
fn a_value_that_stands_alone_is_told_how_it_is_spoken() {
    let advice = advice(&GOOD.replace("{balance}.", "{name}."));
    assert_eq!(advice, ["if it has letters and digits only, say how: `{name as reference}`"]);
    assert!(changed("{balance}.", "{name as reference}.").is_empty());
}

fn warnings(text: &str) -> Vec<String> {
    let file = FlowFile { name: "main".into(), shown: "main.yaml".into(), text: text.to_owned() };
    let loaded = crate::flow::load(&[file], &known()).expect("runs nevertheless");
    loaded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn menus_that_callers_find_hard_are_warned_of() {
    let menu = |name: &str, to: &str| {
        format!("  {name}: {{menu: \"For bins, press 1.\", keys: {{1: {to}}}, otherwise: {to}}}\n")
    };
    let end = "  end: {hang_up: completed}\n  bins: {queue: waste, otherwise: end}\n";
    let good = format!("start: a\nnodes:\n{}{end}", menu("a", "bins"));
    assert!(warnings(&good).is_empty(), "{:?}", warnings(&good));
    let five = good.replace("{1: bins}", "{1: bins, 2: bins, 3: bins, 4: bins, 5: bins}");
    let found = warnings(&five);
    assert_eq!(found[0], "main.yaml:3:3: this menu has 5 choices; callers remember four");
    let first = good.replace("For bins, press 1.", "Press 1 for bins.");
    let found = warnings(&first);
    assert_eq!(found, ["main.yaml:3:13: the key is said before what it does: \"Press 1 for\""]);
    let deep = [menu("a", "b"), menu("b", "c"), menu("c", "d"), menu("d", "bins")].concat();
    let found = warnings(&format!("start: a\nnodes:\n{deep}{end}"));
    assert!(found.contains(&"main.yaml:6:3: this menu comes after 3 others; callers lose their way after three levels".to_owned()), "{found:#?}");
    assert!(
        found.iter().any(|it| it.starts_with("main.yaml:3:3: whoever cannot choose")),
        "{found:#?}"
    );
    let person = format!("start: a\nadviser: bins\nnodes:\n{deep}{end}");
    assert!(!warnings(&person).iter().any(|it| it.contains("whoever cannot choose")));
}
