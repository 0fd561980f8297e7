//! Where the boxes of a picture stand: in layers, so that every arrow points down
//! (K. Sugiyama's method, 1981). The same flow always comes out the same.

use std::collections::BTreeMap;

/// Rounds in which boxes are ordered and moved towards those that they are tied to.
const ROUNDS: usize = 12;

/// Boxes and arrows to be laid out.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Widths, by box.
    pub widths: Vec<f64>,
    /// The boxes at which the picture begins. Others that no arrow leads to stand as low as they can.
    pub roots: Vec<usize>,
    /// From box to box, each to a later one.
    pub arrows: Vec<(usize, usize)>,
    /// The space between neighbours.
    pub gap: f64,
}

/// Where everything stands.
#[derive(Debug, Default)]
pub(super) struct Laid {
    /// The layer of each box, from the top.
    pub layer: Vec<usize>,
    /// The middle of each box.
    pub x: Vec<f64>,
    /// For each arrow, where it passes the layers between its ends.
    pub bends: Vec<Vec<f64>>,
    /// The width of all.
    pub width: f64,
}

/// Lays out boxes, and bends of arrows that pass a layer, which take part as boxes without a width.
pub(super) fn lay_out(plan: &Plan) -> Laid {
    let boxes = plan.widths.len();
    let layer = layers(plan);
    let mut widths = plan.widths.clone();
    let mut layers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, layer) in layer.iter().enumerate() {
        layers.entry(*layer).or_default().push(at);
    }
    // An arrow becomes ties between neighbouring layers.
    let mut ties: Vec<(usize, usize)> = Vec::new();
    let mut ways: Vec<Vec<usize>> = Vec::new();
    for (from, to) in &plan.arrows {
        let (top, bottom) = (at(&layer, *from), at(&layer, *to));
        let mut way = Vec::new();
        let mut last = *from;
        for between in top + 1..bottom {
            let bend = widths.len();
            widths.push(0.0);
            layers.entry(between).or_default().push(bend);
            ties.push((last, bend));
            way.push(bend);
            last = bend;
        }
        ties.push((last, *to));
        ways.push(way);
    }
    let mut rows: Vec<Vec<usize>> = layers.into_values().collect();
    let mut x = vec![0.0; widths.len()];
    for row in &rows {
        for (place, one) in row.iter().enumerate() {
            set(&mut x, *one, place as f64);
        }
    }
    for round in 0..ROUNDS {
        let down = round % 2 == 0;
        each(&mut rows, down, |row| {
            let wished: BTreeMap<usize, f64> =
                row.iter().map(|one| (*one, middle(*one, &ties, &x, Some(down)))).collect();
            let wish = |one: &usize| wished.get(one).copied().unwrap_or_default();
            row.sort_by(|a, b| wish(a).total_cmp(&wish(b)));
            for (place, one) in row.iter().enumerate() {
                set(&mut x, *one, place as f64);
            }
        });
    }
    for round in 0..ROUNDS {
        each(&mut rows, round % 2 == 0, |row| {
            let wished = row.iter().map(|one| middle(*one, &ties, &x, None)).collect();
            let placed = apart(wished, row, &widths, plan.gap);
            for (one, place) in row.iter().zip(placed) {
                set(&mut x, *one, place);
            }
        });
    }
    let edges = x.iter().zip(&widths).map(|(x, width)| (x - width / 2.0, x + width / 2.0));
    let (left, right) = edges
        .fold((f64::MAX, f64::MIN), |(left, right), (from, to)| (left.min(from), right.max(to)));
    let x: Vec<f64> = x.into_iter().map(|x| x - left).collect();
    let bends = ways
        .iter()
        .map(|way| way.iter().map(|bend| x.get(*bend).copied().unwrap_or_default()).collect())
        .collect();
    Laid { layer, bends, width: (right - left).max(0.0), x: x.into_iter().take(boxes).collect() }
}

fn at(layer: &[usize], one: usize) -> usize {
    layer.get(one).copied().unwrap_or_default()
}

fn set(x: &mut [f64], one: usize, place: f64) {
    if let Some(x) = x.get_mut(one) {
        *x = place;
    }
}

fn each(rows: &mut [Vec<usize>], down: bool, mut work: impl FnMut(&mut Vec<usize>)) {
    match down {
        true => rows.iter_mut().for_each(&mut work),
        false => rows.iter_mut().rev().for_each(&mut work),
    }
}

/// The longest way from the top to each box; or as near as can be to what a box leads to, if nothing
/// leads there from where the picture begins.
fn layers(plan: &Plan) -> Vec<usize> {
    let boxes = plan.widths.len();
    let mut arrows = plan.arrows.clone();
    // Arrows lead to later boxes, so that whatever leads to a box is settled before it.
    arrows.sort_unstable();
    let mut layer = vec![0; boxes];
    let mut begun: Vec<bool> = (0..boxes).map(|one| plan.roots.contains(&one)).collect();
    for (from, to) in &arrows {
        let least = at(&layer, *from) + 1;
        if let Some(layer) = layer.get_mut(*to) {
            *layer = least.max(*layer);
        }
        if begun.get(*from) == Some(&true)
            && let Some(begun) = begun.get_mut(*to)
        {
            *begun = true;
        }
    }
    let bottom = layer.iter().copied().max().unwrap_or_default();
    for one in (0..boxes).rev().filter(|one| begun.get(*one) == Some(&false)) {
        let below = arrows.iter().filter(|(from, _)| *from == one).map(|(_, to)| at(&layer, *to));
        let lowest = below.min().map_or(bottom, |below| below.saturating_sub(1));
        if let Some(layer) = layer.get_mut(one) {
            *layer = lowest;
        }
    }
    layer
}

/// The middle of those that a box is tied to, above or below or both; where it is if there are none.
fn middle(one: usize, ties: &[(usize, usize)], x: &[f64], above: Option<bool>) -> f64 {
    let others = ties.iter().filter_map(|(from, to)| match (*from == one, *to == one) {
        (true, _) if above != Some(true) => Some(*to),
        (_, true) if above != Some(false) => Some(*from),
        _ => None,
    });
    let places: Vec<f64> = others.filter_map(|other| x.get(other).copied()).collect();
    match places.is_empty() {
        true => x.get(one).copied().unwrap_or_default(),
        false => places.iter().sum::<f64>() / places.len() as f64,
    }
}

/// As near to where they wish to be as they can stand without touching: neighbours that would touch
/// are moved together (least squares, by pooling adjacent violators).
fn apart(wished: Vec<f64>, row: &[usize], widths: &[f64], gap: f64) -> Vec<f64> {
    let width = |one: &usize| widths.get(*one).copied().unwrap_or_default();
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0.0;
    let mut before: Option<f64> = None;
    for one in row {
        offset += before.map_or(0.0, |before| before / 2.0 + gap + width(one) / 2.0);
        before = Some(width(one));
        offsets.push(offset);
    }
    // Groups that stand together: the sum of their wishes, and how many they are.
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for (wish, offset) in wished.iter().zip(&offsets) {
        groups.push((wish - offset, 1));
        while let [.., (left, lefts), (right, rights)] = groups.as_slice()
            && left / *lefts as f64 > right / *rights as f64
        {
            let joined = (left + right, lefts + rights);
            groups.truncate(groups.len() - 2);
            groups.push(joined);
        }
    }
    let bases =
        groups.iter().flat_map(|(sum, many)| std::iter::repeat_n(sum / *many as f64, *many));
    bases.zip(&offsets).map(|(base, offset)| base + offset).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(widths: Vec<f64>, arrows: Vec<(usize, usize)>) -> Plan {
        Plan { widths, arrows, roots: vec![0], gap: 16.0 }
    }

    #[test]
    fn what_nothing_leads_to_stands_low() {
        let laid = lay_out(&plan(vec![100.0; 6], vec![(0, 1), (1, 2), (3, 4), (4, 5)]));
        assert_eq!(laid.layer, [0, 1, 2, 0, 1, 2]);
        let laid = lay_out(&plan(vec![100.0; 5], vec![(0, 1), (1, 2), (3, 4)]));
        assert_eq!(laid.layer, [0, 1, 2, 1, 2]);
    }

    #[test]
    fn arrows_point_down_and_a_long_one_bends_in_between() {
        let laid = lay_out(&plan(vec![100.0; 4], vec![(0, 1), (1, 2), (0, 2), (2, 3)]));
        assert_eq!(laid.layer, [0, 1, 2, 3]);
        assert_eq!(laid.bends.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 1, 0]);
    }

    proptest! {
        #[test]
        fn no_two_boxes_of_a_layer_touch(
            widths in proptest::collection::vec(10.0_f64..200.0, 1..20),
            ways in proptest::collection::vec((0_usize..20, 0_usize..20), 0..40),
        ) {
            let boxes = widths.len();
            let arrows: Vec<_> = ways.into_iter().filter(|(from, to)| from < to && *to < boxes).collect();
            let laid = lay_out(&plan(widths.clone(), arrows.clone()));
            for (from, to) in arrows {
                prop_assert!(laid.layer[from] < laid.layer[to]);
            }
            for a in 0..boxes {
                prop_assert!(laid.x[a] >= widths[a] / 2.0 - 1e-6);
                prop_assert!(laid.x[a] + widths[a] / 2.0 <= laid.width + 1e-6);
                for b in (a + 1..boxes).filter(|b| laid.layer[a] == laid.layer[*b]) {
                    let apart = (laid.x[a] - laid.x[b]).abs();
                    prop_assert!(apart >= (widths[a] + widths[b]) / 2.0 + 16.0 - 1e-6);
                }
            }
        }
    }
}
