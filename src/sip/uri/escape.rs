//! Escapes in URIs: `%` and two hexadecimal digits (RFC 3261 section 19.1.2).

fn hex_pair(rest: &[u8]) -> Option<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    match rest {
        [high, low, ..] => Some(digit(high)? * 16 + digit(low)?),
        _ => None,
    }
}

pub(super) fn escapes_ok(text: &str) -> bool {
    text.as_bytes().split(|b| *b == b'%').skip(1).all(|after| hex_pair(after).is_some())
}

/// `text` with its escapes undone: once, so that `%2541` is `%41`.
pub fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        match hex_pair(after) {
            Some(byte) if *first == b'%' => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `text` with everything escaped that may not stand in a user part (RFC 3261's `user`).
pub fn escape_user(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// For comparison: escapes undone except those of reserved characters, which differ from the
/// characters themselves (RFC 3261 section 19.1.4).
pub(super) fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        match hex_pair(after) {
            Some(byte) if *first == b'%' => {
                if byte.is_ascii_graphic() && !b";/?:@&=+$,%".contains(&byte) {
                    out.push(char::from(byte));
                } else {
                    out.push_str(&format!("%{byte:02X}"));
                }
                rest = after.get(2..).unwrap_or_default();
            }
            _ if first.is_ascii() => {
                out.push(char::from(*first));
                rest = after;
            }
            _ => {
                out.push_str(&format!("%{first:02X}"));
                rest = after;
            }
        }
    }
    out
}
