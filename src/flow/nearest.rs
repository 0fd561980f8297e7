//! "Did you mean": the nearest of the names that would have been right.

/// The known name that `wrong` was most likely meant to be, if one is near enough: at most a third
/// of its letters differ. The first of several equally near ones.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = plain(wrong);
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in known {
        let letters = plain(candidate);
        let limit = wrong.len().max(letters.len()).div_ceil(3);
        let apart = distance(&wrong, &letters);
        if apart <= limit && best.is_none_or(|(least, _)| apart < least) {
            best = Some((apart, candidate));
        }
    }
    best.map(|(_, name)| name)
}

/// Case, hyphens, underscores and spaces are what people confuse most, so they do not count. Long
/// input is cut: it is no slip of the finger.
fn plain(name: &str) -> Vec<char> {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .take(64)
        .collect()
}

/// How many letters must be added, removed, replaced or swapped with their neighbour to turn one
/// into the other (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    for (row, from) in a.iter().enumerate() {
        let mut line = vec![row + 1; width];
        for (column, to) in b.iter().enumerate() {
            let replaced = above[column] + usize::from(from != to);
            let mut least = replaced.min(above[column + 1] + 1).min(line[column] + 1);
            let swapped = row > 0 && column > 0 && a[row - 1] == *to && b[column - 1] == *from;
            if swapped {
                least = least.min(before[column - 1] + 1);
            }
            line[column + 1] = least;
        }
        before = std::mem::replace(&mut above, line);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_name_that_was_meant() {
        let known = ["welcome", "council-tax", "housing", "closed"];
        assert_eq!(nearest("wellcome", known), Some("welcome"));
        assert_eq!(nearest("welcoem", known), Some("welcome"));
        assert_eq!(nearest("council_tax", known), Some("council-tax"));
        assert_eq!(nearest("Housing", known), Some("housing"));
    }

    #[test]
    fn a_name_that_resembles_nothing_finds_nothing() {
        assert_eq!(nearest("parking", ["welcome", "closed"]), None);
        assert_eq!(nearest("", ["welcome"]), None);
        assert_eq!(nearest("x", []), None);
        assert_eq!(nearest(&"w".repeat(10_000), ["welcome"]), None);
    }
}
