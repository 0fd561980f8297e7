//! Amounts of money: pounds and pence, as `12.50`.

use super::Found;
use super::number::{below_hundred, cardinal, row};
use super::token::{Token, covered, word};

/// More is no bill.
const MOST_POUNDS: u32 = 10_000_000;

/// The first amount; without a word for the currency ("twelve fifty") only if nothing else is
/// `expected`.
pub fn find(tokens: &[Token], expected: bool) -> Option<Found> {
    let said = |at| amount(tokens, at);
    let first = (0..tokens.len()).find_map(|at| said(at).map(|(pence, end)| (at, pence, end)));
    let bare =
        || (0..tokens.len()).find_map(|at| bare(tokens, at).map(|(pence, end)| (at, pence, end)));
    let (at, pence, end) = first.or_else(|| if expected { bare() } else { None })?;
    let value = format!("{}.{:02}", pence / 100, pence % 100);
    Some(Found { value, span: covered(tokens, at, end) })
}

/// An amount in pence that names its currency, and the place behind it.
fn amount(tokens: &[Token], at: usize) -> Option<(u64, usize)> {
    match word(tokens, at)? {
        "£" => return sign_first(tokens, at + 1),
        "fiver" => return Some((500, at + 1)),
        "tenner" => return Some((1_000, at + 1)),
        "a" => match word(tokens, at + 1) {
            Some("fiver") => return Some((500, at + 2)),
            Some("tenner") => return Some((1_000, at + 2)),
            Some("grand") => return Some((100_000, at + 2)),
            Some("pound" | "quid") => return pounds(tokens, 1, at + 2),
            Some("penny") => return Some((1, at + 2)),
            Some(_) | None => {}
        },
        _ => {}
    }
    if let Some(pence) = glued(&tokens.get(at)?.word, "p") {
        return (pence < 100).then_some((u64::from(pence), at + 1));
    }
    let (number, next) = cardinal(tokens, at)?;
    if let Some((pence, after)) = point(tokens, next) {
        let after = if matches!(word(tokens, after), Some("pounds" | "pound" | "quid")) {
            after + 1
        } else {
            after
        };
        return Some((hundredfold(number)? + u64::from(pence), after));
    }
    // "two and a half thousand pounds".
    if word(tokens, next) == Some("and")
        && word(tokens, next + 1) == Some("a")
        && word(tokens, next + 2) == Some("half")
    {
        let scale = match word(tokens, next + 3) {
            Some("thousand" | "grand") => 100_000,
            Some("hundred") => 10_000,
            Some(_) | None => 100,
        };
        let end = if scale > 100 { next + 4 } else { next + 3 };
        let end = if matches!(word(tokens, end), Some("pounds" | "quid")) { end + 1 } else { end };
        return (number < 1_000).then_some((u64::from(number) * scale + scale / 2, end));
    }
    if let Some((pence, after)) = decimals(tokens, next)
        && matches!(word(tokens, after), Some("pounds" | "pound" | "quid"))
    {
        return Some((hundredfold(number)? + u64::from(pence), after + 1));
    }
    let grand = tokens.get(at..next)?.iter().any(|t| t.word == "grand");
    match word(tokens, next) {
        Some("pounds" | "pound" | "quid") => pounds(tokens, number, next + 1),
        Some("pence" | "penny" | "p") if number < 100 => Some((u64::from(number), next + 1)),
        Some(_) | None if grand => Some((hundredfold(number)?, next)),
        Some(_) | None => None,
    }
}

/// "£12.50", "£1,234", "£40".
fn sign_first(tokens: &[Token], at: usize) -> Option<(u64, usize)> {
    let (number, next) = cardinal(tokens, at)?;
    match decimals(tokens, next) {
        Some((pence, after)) => Some((hundredfold(number)? + u64::from(pence), after)),
        None => Some((hundredfold(number)?, next)),
    }
}

/// What stands behind the pounds: "fifty", "and fifty pence", "50p".
fn pounds(tokens: &[Token], number: u32, next: usize) -> Option<(u64, usize)> {
    let whole = hundredfold(number)?;
    let and = word(tokens, next) == Some("and");
    let from = if and { next + 1 } else { next };
    if and && word(tokens, from) == Some("a") && word(tokens, from + 1) == Some("penny") {
        return Some((whole + 1, from + 2));
    }
    let glued_pence = tokens.get(from).and_then(|token| glued(&token.word, "p"));
    if let Some(pence) = glued_pence.filter(|pence| *pence < 100) {
        return Some((whole + u64::from(pence), from + 1));
    }
    let pence = small(tokens, from);
    match pence {
        Some((pence, after)) => match word(tokens, after) {
            Some("pence" | "p" | "penny") => Some((whole + u64::from(pence), after + 1)),
            // "twelve pounds and fifty" may go on to anything; "twelve pounds fifty" may not.
            Some(_) | None if !and && pence > 9 => Some((whole + u64::from(pence), after)),
            Some(_) | None => Some((whole, next)),
        },
        None => Some((whole, next)),
    }
}

/// A number below 100 in words or digits.
fn small(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let written = tokens.get(at)?.number().filter(|number| *number < 100);
    written.map(|number| (number, at + 1)).or_else(|| below_hundred(tokens, at))
}

/// "point six oh", "point five".
fn point(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    if word(tokens, at) != Some("point") {
        return None;
    }
    let (digits, next) = row(tokens, at + 1)?;
    match digits.len() {
        1 => Some((digits.parse::<u32>().ok()? * 10, next)),
        2 => Some((digits.parse().ok()?, next)),
        _ => None,
    }
}

/// ".50" behind pounds in digits.
fn decimals(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let token = tokens.get(at)?;
    let fits = token.joined_by == Some('.') && token.word.len() == 2;
    token.number().filter(|_| fits).map(|pence| (pence, at + 1))
}

/// Only where an amount is asked for: "12.50", "twelve fifty", "forty".
fn bare(tokens: &[Token], at: usize) -> Option<(u64, usize)> {
    let (number, next) = cardinal(tokens, at)?;
    if let Some((pence, after)) = decimals(tokens, next) {
        return Some((hundredfold(number)? + u64::from(pence), after));
    }
    match below_hundred(tokens, next) {
        Some((pence, after)) if pence > 9 => Some((hundredfold(number)? + u64::from(pence), after)),
        Some(_) | None => Some((hundredfold(number)?, next)),
    }
}

fn hundredfold(pounds: u32) -> Option<u64> {
    (pounds <= MOST_POUNDS).then_some(u64::from(pounds) * 100)
}

/// The number in "50p".
fn glued(word: &str, end: &str) -> Option<u32> {
    let digits = word.strip_suffix(end)?;
    let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::token::tokens;
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        find(&tokens(text), false).map(|found| found.value)
    }

    #[test]
    fn amounts_are_read_as_people_say_them() {
        for (said, amount) in [
            ("twelve pounds fifty", "12.50"),
            ("twelve pound fifty", "12.50"),
            ("twelve pounds and fifty pence", "12.50"),
            ("£12.50", "12.50"),
            ("I'd like to pay £1,234.56 please", "1234.56"),
            ("£40", "40.00"),
            ("12 pounds", "12.00"),
            ("12.50 pounds", "12.50"),
            ("a hundred and forty quid", "140.00"),
            ("fifty pence", "0.50"),
            ("50p", "0.50"),
            ("£3 50p", "3.00"),
            ("3 pounds 50p", "3.50"),
            ("a fiver", "5.00"),
            ("two hundred and six pounds thirty two", "206.32"),
            ("one thousand two hundred pounds", "1200.00"),
            ("a pound", "1.00"),
            ("two grand", "2000.00"),
            ("forty pounds two weeks ago", "40.00"),
        ] {
            assert_eq!(read(said).as_deref(), Some(amount), "{said}");
        }
        assert_eq!(read("two bins"), None);
        let expected = find(&tokens("twelve fifty"), true).map(|found| found.value);
        assert_eq!(expected.as_deref(), Some("12.50"));
    }

    proptest! {
        #[test]
        fn every_amount_is_read_back(pounds in 0_u32..1_000_000, pence in 0_u32..100) {
            prop_assert_eq!(
                read(&format!("£{pounds}.{pence:02}")),
                Some(format!("{pounds}.{pence:02}"))
            );
        }
    }
}
