//! How two columns vary together, from batches that come in any order.

/// Count, means and summed products of deviations of pairs of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Comoments {
    count: f64,
    mean: [f64; 2],
    square: [f64; 2],
    product: f64,
}

impl Comoments {
    /// Of a batch: means first, deviations after, so that large numbers that vary little keep their digits.
    pub fn of(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let (count, x, y) = pairs.clone().fold((0.0, 0.0, 0.0), |(n, x, y), (a, b)| (n + 1.0, x + a, y + b));
        if count == 0.0 {
            return Self::default();
        }
        let mut this = Self { count, mean: [x / count, y / count], ..Self::default() };
        for (a, b) in pairs {
            let (dx, dy) = (a - this.mean[0], b - this.mean[1]);
            this.square[0] += dx * dx;
            this.square[1] += dy * dy;
            this.product += dx * dy;
        }
        this
    }

    pub fn merge(self, other: Self) -> Self {
        if self.count == 0.0 || other.count == 0.0 {
            return if self.count == 0.0 { other } else { self };
        }
        let count = self.count + other.count;
        let apart = [other.mean[0] - self.mean[0], other.mean[1] - self.mean[1]];
        let weight = self.count * other.count / count;
        let share = other.count / count;
        Self {
            count,
            mean: [self.mean[0] + apart[0] * share, self.mean[1] + apart[1] * share],
            square: [0, 1].map(|at| self.square[at] + other.square[at] + apart[at] * apart[at] * weight),
            product: self.product + other.product + apart[0] * apart[1] * weight,
        }
    }

    /// Pearson's coefficient; NaN where a column does not vary, none without a pair.
    pub fn correlation(&self) -> Option<f64> {
        let known = self.square.iter().all(|square| square.is_finite());
        let coefficient = || self.product / (self.square[0] * self.square[1]).sqrt();
        (self.count > 0.0).then(|| if known { coefficient() } else { f64::NAN })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn batches_give_what_the_whole_gives() {
        let pairs: Vec<(f64, f64)> = (0..100).map(|at| (1e9 + f64::from(at), f64::from(at * at % 17))).collect();
        let whole = Comoments::of(pairs.iter().copied()).correlation().unwrap();
        let parts = pairs.chunks(7).map(|part| Comoments::of(part.iter().copied()));
        let merged = parts.fold(Comoments::default(), Comoments::merge).correlation().unwrap();
        assert!((whole - merged).abs() < 1e-12, "{whole} {merged}");
    }

    #[test]
    fn a_column_that_does_not_vary_has_no_correlation() {
        assert!(Comoments::of([(1.0, 1.0), (1.0, 2.0)].into_iter()).correlation().unwrap().is_nan());
        assert_eq!(Comoments::default().correlation(), None);
        let line = Comoments::of([(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)].into_iter());
        assert!((line.correlation().unwrap() - 1.0).abs() < 1e-15);
    }
}
