//! The order in which the servers of SRV records are tried (RFC 2782).

use crate::id::Entropy;

/// One SRV record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SrvRecord {
    /// The lower, the sooner.
    pub priority: u16,
    /// Among equal priorities: how often it is tried first, in proportion.
    pub weight: u16,
    /// Where.
    pub port: u16,
    /// On which host.
    pub target: String,
}

/// Puts `servers` into the order in which they are to be tried: by `key` (what goes before
/// everything, and the priority), and drawn by weight among equals. The order changes with each
/// draw, as the load is to be shared by it.
pub fn order<T, K: Ord>(
    mut servers: Vec<T>,
    key: impl Fn(&T) -> K,
    weight: impl Fn(&T) -> u16,
    entropy: &mut Entropy,
) -> Vec<T> {
    servers.sort_by_key(&key);
    let mut ordered = Vec::with_capacity(servers.len());
    while let Some(first) = servers.first() {
        let best = key(first);
        let equals = servers.iter().take_while(|server| key(server) == best).count();
        let mut group: Vec<T> = servers.drain(..equals).collect();
        // Those without weight stand first, so that they have a small chance of being drawn.
        group.sort_by_key(|server| weight(server) > 0);
        while !group.is_empty() {
            let sum: u32 = group.iter().map(|server| u32::from(weight(server))).sum();
            let drawn = entropy.below(sum + 1);
            let mut running = 0;
            let at = group.iter().position(|server| {
                running += u32::from(weight(server));
                running >= drawn
            });
            ordered.push(group.remove(at.unwrap_or(0)));
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, target: &str) -> SrvRecord {
        SrvRecord { priority, weight, port: 5060, target: target.to_owned() }
    }

    fn draw(records: &[SrvRecord], entropy: &mut Entropy) -> Vec<String> {
        order(records.to_vec(), |record| record.priority, |record| record.weight, entropy)
            .into_iter()
            .map(|record| record.target)
            .collect()
    }

    #[test]
    fn lower_priorities_always_come_first() {
        let records = [record(20, 100, "late"), record(10, 0, "b"), record(10, 0, "a")];
        let mut entropy = Entropy::from_seed([1; 32]);
        for _ in 0..100 {
            let drawn = draw(&records, &mut entropy);
            assert_eq!(drawn.last().map(String::as_str), Some("late"));
            assert_eq!(drawn.len(), 3);
        }
        assert!(draw(&[], &mut entropy).is_empty());
    }

    #[test]
    fn equals_share_the_load_by_their_weights() {
        let records = [
            record(1, 60, "big"),
            record(1, 20, "one"),
            record(1, 20, "two"),
            record(1, 0, "spare"),
        ];
        let mut entropy = Entropy::from_seed([2; 32]);
        let mut firsts = std::collections::BTreeMap::<String, u32>::new();
        for _ in 0..10_000 {
            let drawn = draw(&records, &mut entropy);
            assert_eq!(drawn.len(), 4);
            *firsts.entry(drawn.first().cloned().unwrap_or_default()).or_default() += 1;
        }
        let count = |name: &str| firsts.get(name).copied().unwrap_or(0);
        assert!((5_700..6_200).contains(&count("big")), "{firsts:?}");
        assert!((1_800..2_200).contains(&count("one")), "{firsts:?}");
        assert!((1_800..2_200).contains(&count("two")), "{firsts:?}");
        assert!((20..300).contains(&count("spare")), "{firsts:?}");
    }
}
