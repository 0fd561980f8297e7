//! What kind of destination a number is, by Ofcom's National Telephone Numbering Plan: what decides
//! whether it may be dialled at the council's cost.
//!
//! | digits | kind |
//! | --- | --- |
//! | 999, 112, 18000 | emergency, the last by text |
//! | 01, 02 | geographic |
//! | 03 | UK-wide at a geographic rate |
//! | 055, 056 | corporate and location-independent numbers |
//! | 070, 076 | personal numbers, pagers |
//! | 07 otherwise | mobile |
//! | 080, 116xxx | free |
//! | 084, 087 | service charge up to 13p a minute |
//! | 09 | premium rate |
//! | 118xxx | directory enquiries |
//! | 1xx, 1xxx, 116xxx | short codes |
//!
//! Jersey, Guernsey and the Isle of Man share +44 and are charged like abroad; they have area codes
//! and mobile ranges of their own, which fraud uses because they look like ours.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{COUNTRY, Dialled, Number, is_emergency};

/// A kind of destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// 999, 112 and 18000 (emergency by text). Never refused.
    Emergency,
    /// 01 and 02.
    Geographic,
    /// 03: charged like geographic numbers.
    UkWide,
    /// 055 and 056.
    Corporate,
    /// 071 to 075 and 077 to 079.
    Mobile,
    /// 070: follow-me numbers.
    Personal,
    /// 076.
    Pager,
    /// 0800, 0808.
    Freephone,
    /// 084 and 087.
    Service,
    /// 09.
    Premium,
    /// 118xxx.
    Directory,
    /// 101, 105, 111, 116xxx, 119, 159 and other codes of three to six digits that begin with 1.
    ShortCode,
    /// Jersey, Guernsey and the Isle of Man, fixed and mobile.
    Islands,
    /// Any other country.
    International,
    /// None of these: a name, an extension, a number that the plan does not have.
    Unknown,
}

impl Class {
    /// Every class, for settings, tables and metrics.
    pub const ALL: [Class; 15] = [
        Class::Emergency,
        Class::Geographic,
        Class::UkWide,
        Class::Corporate,
        Class::Mobile,
        Class::Personal,
        Class::Pager,
        Class::Freephone,
        Class::Service,
        Class::Premium,
        Class::Directory,
        Class::ShortCode,
        Class::Islands,
        Class::International,
        Class::Unknown,
    ];

    /// The name used in settings, the journal and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Emergency => "emergency",
            Class::Geographic => "geographic",
            Class::UkWide => "uk_wide",
            Class::Corporate => "corporate",
            Class::Mobile => "mobile",
            Class::Personal => "personal",
            Class::Pager => "pager",
            Class::Freephone => "freephone",
            Class::Service => "service",
            Class::Premium => "premium",
            Class::Directory => "directory",
            Class::ShortCode => "short_code",
            Class::Islands => "islands",
            Class::International => "international",
            Class::Unknown => "unknown",
        }
    }

    /// The class of that name.
    pub fn named(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.as_str() == name)
    }

    /// What kind of destination a number is.
    pub fn of(number: &Number) -> Class {
        match number {
            Number::E164(digits) => match digits.strip_prefix(COUNTRY) {
                Some(rest) => of_national(rest),
                None => Class::International,
            },
            Number::Short(digits) => of_short(digits),
            Number::Code(_) | Number::Name(_) => Class::Unknown,
        }
    }

    /// What kind of destination is dialled, whatever stands in front of the number.
    pub fn of_dialled(text: &str) -> Class {
        Class::of(&Dialled::read(text).number)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The area codes and mobile ranges of Jersey, Guernsey and the Isle of Man.
const ISLANDS: [&str; 18] = [
    "1534", "1481", "1624", "7509", "7829", "7937", "77003", "77007", "77008", "7797", "7781",
    "7839", "79111", "79117", "7624", "7524", "7924", "74576",
];

/// The digits after the country's code.
fn of_national(rest: &str) -> Class {
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| rest.starts_with(prefix));
    let digits = rest.len();
    if digits == 10 && begins(&ISLANDS) {
        return Class::Islands;
    }
    match rest.as_bytes() {
        [b'1', ..] if matches!(digits, 9 | 10) => Class::Geographic,
        [b'2', ..] if digits == 10 => Class::Geographic,
        [b'3', ..] if digits == 10 => Class::UkWide,
        [b'5', b'5' | b'6', ..] if digits == 10 => Class::Corporate,
        [b'7', b'0', ..] if digits == 10 => Class::Personal,
        [b'7', b'6', ..] if digits == 10 => Class::Pager,
        [b'7', _, ..] if digits == 10 => Class::Mobile,
        [b'8', b'0', b'0', ..] | [b'8', b'0', b'8', ..] => Class::Freephone,
        [b'8', b'4', ..] | [b'8', b'7', ..] => Class::Service,
        [b'9', ..] => Class::Premium,
        _ => Class::Unknown,
    }
}

/// Digits that mean something in this country only.
fn of_short(digits: &str) -> Class {
    if is_emergency(digits) {
        return Class::Emergency;
    }
    match digits.as_bytes() {
        [b'1', b'1', b'8', _, _, _] => Class::Directory,
        [b'1', b'1', b'6', _, _, _] => Class::ShortCode,
        [b'1', _, _] | [b'1', _, _, _] => Class::ShortCode,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_of_the_plan_has_its_class() {
        for (text, class) in [
            ("999", Class::Emergency),
            ("112", Class::Emergency),
            ("18000", Class::Emergency),
            ("141999", Class::Emergency),
            ("+44999", Class::Emergency),
            ("0044112", Class::Emergency),
            ("01632 960123", Class::Geographic),
            ("0169772345", Class::Geographic),
            ("020 7946 0123", Class::Geographic),
            ("03069 990123", Class::UkWide),
            ("0345 600 0000", Class::UkWide),
            ("055 1234 5678", Class::Corporate),
            ("056 1234 5678", Class::Corporate),
            ("07700 900123", Class::Mobile),
            ("07400 123456", Class::Mobile),
            ("070 1234 5678", Class::Personal),
            ("07640 123456", Class::Pager),
            ("0800 111 999", Class::Freephone),
            ("0800 1111", Class::Freephone),
            ("08081 570123", Class::Freephone),
            ("0845 4647", Class::Service),
            ("0844 123 4567", Class::Service),
            ("0871 123 4567", Class::Service),
            ("0909 879 0123", Class::Premium),
            ("0982 123 4567", Class::Premium),
            ("118500", Class::Directory),
            ("101", Class::ShortCode),
            ("105", Class::ShortCode),
            ("111", Class::ShortCode),
            ("119", Class::ShortCode),
            ("159", Class::ShortCode),
            ("1471", Class::ShortCode),
            ("116 123", Class::ShortCode),
            ("01534 456789", Class::Islands),
            ("01481 256789", Class::Islands),
            ("01624 756789", Class::Islands),
            ("07797 712345", Class::Islands),
            ("07781 123456", Class::Islands),
            ("07624 123456", Class::Islands),
            ("07911 112345", Class::Islands),
            ("07911 212345", Class::Mobile),
            ("00 33 1 23 45 67 89", Class::International),
            ("+1 415 555 2671", Class::International),
            ("+882 12345678", Class::International),
            ("0500 123456", Class::Unknown),
            ("0600 1234567", Class::Unknown),
            ("1899", Class::ShortCode),
            ("434343", Class::Unknown),
            ("*70", Class::Unknown),
            ("amy", Class::Unknown),
            ("", Class::Unknown),
        ] {
            assert_eq!(Class::of_dialled(text), class, "{text}");
        }
    }

    #[test]
    fn nothing_in_front_of_a_number_makes_it_cheaper() {
        for number in ["0909 879 0123", "0044 909 879 0123", "00 33 1 23 45 67 89", "07797712345"] {
            let class = Class::of_dialled(number);
            for prefix in ["141", "1470", "18001", "18002", "14118002"] {
                assert_eq!(
                    Class::of_dialled(&format!("{prefix}{number}")),
                    class,
                    "{prefix}{number}"
                );
            }
            assert!(matches!(class, Class::Premium | Class::International | Class::Islands));
        }
    }

    #[test]
    fn names_lead_back_to_their_classes() {
        for class in Class::ALL {
            assert_eq!(Class::named(class.as_str()), Some(class));
        }
        assert_eq!(Class::named("abroad"), None);
    }
}
