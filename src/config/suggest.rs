//! "Did you mean": the known word that is closest to a mistyped one.

/// The closest of `known` to `word`, if any is close enough to have been meant.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No word that anybody meant is this long; the cost grows with the product of the lengths.
    if word.len() > 64 {
        return None;
    }
    let allowed = (word.chars().count() / 3).max(1);
    let near = known.into_iter().filter(|known| known.len() <= 64).map(|known| {
        let plain = |text: &str| text.to_lowercase().replace('_', "-");
        (distance(&plain(word), &plain(known)), known)
    });
    near.filter(|(distance, _)| *distance <= allowed).min().map(|(_, known)| known)
}

/// How many letters must be put in, taken out or replaced (Levenshtein).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (to, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let best = (*cell + 1).min(left + 1).min(diagonal + usize::from(from != *to));
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("wrap_up_s", "wrapup_s", 1),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn the_closest_word_is_suggested_and_a_far_one_is_not() {
        let known = ["standard_s", "ring_s", "wrap_up_s"];
        assert_eq!(closest("standart_s", known), Some("standard_s"));
        assert_eq!(closest("Wrap-Up-s", known), Some("wrap_up_s"));
        assert_eq!(closest("colour", known), None);
        assert_eq!(closest(&"x".repeat(1_000_000), known), None);
    }
}
