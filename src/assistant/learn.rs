//! Multinomial logistic regression over sparse features, by gradient descent in a fixed order: the
//! same examples give the same weights, bit for bit. Why our own: docs/dependencies.md.

/// Features by number, each with its value.
pub type Sparse = Vec<(u32, f32)>;

/// How many classes are handled at once. Rows are padded to a multiple of it.
const LANES: usize = 8;
/// How often every example is seen.
const EPOCHS: usize = 8;
/// How far the first steps go; they shrink towards the end.
const RATE: f32 = 6.0;
/// How much weights shrink with each example (L2), so that no rare word decides alone.
const SHRINK: f32 = 2e-6;
/// The bias learns more slowly than words do: what is common should not win by being common.
const BIAS_RATE: f32 = 0.1;
/// A class whose chance is right to this is left as it is.
const CLOSE_ENOUGH: f32 = 1e-3;

/// What was learned.
#[derive(Debug, Clone)]
pub struct Weights {
    classes: usize,
    /// Floats for each feature: `classes`, padded.
    stride: usize,
    rows: Vec<f32>,
    bias: Vec<f32>,
}

impl Weights {
    /// Learns from examples, each with its class (below `classes`) and its features (below
    /// `features`).
    pub fn learn(examples: &[(usize, Sparse)], classes: usize, features: usize) -> Weights {
        let stride = classes.next_multiple_of(LANES);
        let rows = vec![0.0; features * stride];
        let mut weights = Weights { classes, stride, rows, bias: vec![0.0; stride] };
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut draws = 0x9e37_79b9_7f4a_7c15;
        // Rows hold weights divided by `scale`: to shrink all of them is one multiplication.
        let mut scale = 1.0_f32;
        let mut wrong = vec![0.0; stride];
        let steps = (EPOCHS * examples.len()) as f32;
        let mut step = 0.0;
        for _ in 0..EPOCHS {
            shuffle(&mut order, &mut draws);
            for (class, features) in order.iter().filter_map(|at| examples.get(*at)) {
                let rate = RATE * (1.0 - step / steps);
                step += 1.0;
                weights.sum(features, scale, &mut wrong);
                softmax(&mut wrong, classes);
                scale *= 1.0 - rate * SHRINK;
                let mut most_wrong = 0.0_f32;
                for (of, chance) in wrong.iter_mut().enumerate().take(classes) {
                    let apart = f32::from(of == *class) - *chance;
                    most_wrong = most_wrong.max(apart.abs());
                    *chance = rate * apart;
                }
                if most_wrong < CLOSE_ENOUGH {
                    continue;
                }
                add(&mut weights.bias, &wrong, BIAS_RATE);
                for &(feature, value) in features {
                    add(weights.row_mut(feature), &wrong, value / scale);
                }
            }
        }
        weights.rows.iter_mut().for_each(|weight| *weight *= scale);
        weights
    }

    /// The chance of each class; they add up to 1. A `temperature` above 1 makes it less sure.
    pub fn chances(&self, features: &Sparse, temperature: f32) -> Vec<f32> {
        let mut sums = vec![0.0; self.stride];
        self.sum(features, 1.0, &mut sums);
        sums.iter_mut().for_each(|sum| *sum /= temperature);
        softmax(&mut sums, self.classes);
        sums.truncate(self.classes);
        sums
    }

    fn sum(&self, features: &Sparse, scale: f32, into: &mut [f32]) {
        into.copy_from_slice(&self.bias);
        for &(feature, value) in features {
            let start = feature as usize * self.stride;
            if let Some(row) = self.rows.get(start..start + self.stride) {
                add(into, row, value * scale);
            }
        }
    }

    fn row_mut(&mut self, feature: u32) -> &mut [f32] {
        let start = feature as usize * self.stride;
        self.rows.get_mut(start..start + self.stride).unwrap_or_default()
    }
}

/// `to += by * times`, written out so that a build without optimisation is quick too: tests learn.
fn add(to: &mut [f32], by: &[f32], times: f32) {
    let (to, _) = to.as_chunks_mut::<LANES>();
    let (by, _) = by.as_chunks::<LANES>();
    for (t, b) in to.iter_mut().zip(by) {
        t[0] += b[0] * times;
        t[1] += b[1] * times;
        t[2] += b[2] * times;
        t[3] += b[3] * times;
        t[4] += b[4] * times;
        t[5] += b[5] * times;
        t[6] += b[6] * times;
        t[7] += b[7] * times;
    }
}

/// Turns sums into chances; the padding behind `classes` becomes nothing.
fn softmax(sums: &mut [f32], classes: usize) {
    let (sums, padding) = sums.split_at_mut(classes.min(sums.len()));
    padding.fill(0.0);
    let most = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for sum in sums.iter_mut() {
        *sum = (*sum - most).exp();
        total += *sum;
    }
    sums.iter_mut().for_each(|sum| *sum /= total);
}

/// Fisher and Yates with xorshift: the order matters to learning, and must be the same every time.
fn shuffle(order: &mut [usize], draws: &mut u64) {
    for last in (1..order.len()).rev() {
        *draws ^= *draws << 13;
        *draws ^= *draws >> 7;
        *draws ^= *draws << 17;
        order.swap(last, (*draws % (last as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_classes_apart_is_learned_the_same_every_time() {
        let examples: Vec<(usize, Sparse)> = (0..60)
            .map(|n| (n % 3, vec![((n % 3) as u32, 0.9), (3 + (n % 7) as u32, 0.4)]))
            .collect();
        let (once, again) = (Weights::learn(&examples, 3, 10), Weights::learn(&examples, 3, 10));
        assert_eq!(once.rows, again.rows);
        for (class, features) in &examples {
            let chances = once.chances(features, 1.0);
            assert!(chances[*class] > 0.8, "{chances:?}");
            assert!((chances.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
        let unsure = once.chances(&vec![], 1.0);
        assert!(unsure.iter().all(|chance| *chance < 0.5), "{unsure:?}");
        assert!(once.chances(&examples[0].1, 3.0)[0] < once.chances(&examples[0].1, 1.0)[0]);
    }
}
