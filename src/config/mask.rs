//! Secrets are hidden before any part of a settings file is shown: a finding quotes the lines around
//! its place, and a password may be on one of them.

use std::ops::Range;

use super::suggest::distance;

/// Keys whose values are secrets, and pieces that give a mistyped one away.
const SECRETS: [&str; 5] = ["password", "md5", "sha256", "ha1", "pin"];
const TELLTALES: [&str; 7] = ["pass", "secret", "token", "pwd", "md5", "sha", "ha1"];
/// Tables with these names are no secrets themselves.
const HARMLESS: [&str; 1] = ["token"];

/// The text with every secret replaced by as many asterisks as it has bytes, so that places stay
/// what they are; and where those are.
///
/// Works on the text and not on what was parsed, since the text may not parse.
pub(super) fn mask(text: &str) -> (String, Vec<Range<usize>>) {
    let mut masked = String::with_capacity(text.len());
    let mut ranges = Vec::new();
    let mut rest = text;
    while let Some(equals) = rest.find('=') {
        let (before, after) = rest.split_at(equals);
        let value = after.strip_prefix('=').unwrap_or(after);
        masked.push_str(before);
        masked.push('=');
        rest = value;
        if !is_secret(last_key(before)) {
            continue;
        }
        let blank = value.len() - value.trim_start_matches([' ', '\t']).len();
        let (space, value) = value.split_at(blank);
        masked.push_str(space);
        let length = value_length(value);
        if length > 0 {
            ranges.push(masked.len()..masked.len() + length);
        }
        masked.extend(std::iter::repeat_n('*', length));
        rest = value.get(length..).unwrap_or("");
    }
    masked.push_str(rest);
    (masked, ranges)
}

/// The key before an equals sign: the last word of the text before it, without quotes.
fn last_key(before: &str) -> &str {
    let line = before.rsplit(['\n', ',', '{', '.']).next().unwrap_or(before);
    line.trim().trim_matches(['"', '\''])
}

fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    if HARMLESS.contains(&key.as_str()) || key.len() > 64 {
        return false;
    }
    let near = |secret: &&str| {
        key == **secret || key.len() > 3 && distance(&key, secret) <= secret.len() / 3
    };
    SECRETS.iter().any(near) || TELLTALES.iter().any(|word| key.contains(word))
}

/// How long the value is at the start of `text`: a string with its quotes, an inline table or a
/// list, or whatever else stands there up to the end of the line.
fn value_length(text: &str) -> usize {
    for quotes in ["\"\"\"", "'''"] {
        if let Some(inside) = text.strip_prefix(quotes) {
            let end = inside.find(quotes).map(|at| quotes.len() + at + quotes.len());
            return end.unwrap_or(text.len());
        }
    }
    let line = text.split('\n').next().unwrap_or(text).trim_end_matches('\r');
    // A table of secrets (`ha1 = { ... }`): its own keys are looked at one by one.
    if line.starts_with('{') {
        return 0;
    }
    for quote in ['"', '\''] {
        if let Some(inside) = line.strip_prefix(quote) {
            let mut escaped = false;
            for (at, c) in inside.char_indices() {
                if c == quote && !escaped {
                    return 1 + at + 1;
                }
                escaped = c == '\\' && !escaped && quote == '"';
            }
            return line.len();
        }
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let (masked, ranges) = mask(text);
        assert_eq!(masked.len(), text.len(), "places stay");
        for range in ranges {
            assert!(masked.get(range).is_some_and(|hidden| hidden.bytes().all(|b| b == b'*')));
        }
        masked
    }

    #[test]
    fn secrets_are_hidden_however_they_are_written() {
        for (text, shown) in [
            (
                "password = \"hunter2\" # why\nname = \"x\"",
                "password = ********* # why\nname = \"x\"",
            ),
            ("password = 'a\"b'", "password = *****"),
            (r#"password = "a\"b" "#, "password = ****** "),
            ("password = hunter2\nring_s = 1", "password = *******\nring_s = 1"),
            ("password = \"hunter2\nring_s = 1", "password = ********\nring_s = 1"),
            ("pasword=\"é\"", "pasword=****"),
            (
                "a = { name = \"x\", \"password\" = \"y\" }",
                "a = { name = \"x\", \"password\" = *** }",
            ),
            ("ha1.md5 = \"00\"\r\n", "ha1.md5 = ****\r\n"),
            ("ha1 = { md5 = \"00\" }", "ha1 = { md5 = **** }"),
            ("password = \"\"\"a\nb\"\"\"\nx = 1", "password = *********\nx = 1"),
            ("sha256 = \"\"", "sha256 = **"),
            ("password =", "password ="),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        let text = "[[token]]\nactor = \"desk\"\nrole = \"agent\"\nmusic = \"a=b\"\nring_s = 20";
        assert_eq!(masked(text), text);
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_masked(text in "(password|sha256|a|=|\"|'|\\\\|\n|\r|\\{|,| |é){0,40}") {
            masked(&text);
        }
    }
}
