//! How often keys occur: one grouping for each set of columns serves all rules on it.

use std::collections::BTreeMap;

/// Which parts of a key are null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Nulls {
    None,
    Some,
    All,
}

/// For each number of rows that share a key: how many keys there are of it. Nulls are equal to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Occurrences {
    keys: BTreeMap<(u64, Nulls), u64>,
}

impl Occurrences {
    /// `keys` more keys that occur in `rows` rows each.
    pub fn add(&mut self, rows: u64, nulls: Nulls, keys: u64) {
        *self.keys.entry((rows, nulls)).or_default() += keys;
    }

    fn sum(&self, of: impl Fn(u64, Nulls, u64) -> u64) -> u64 {
        self.keys.iter().map(|((rows, nulls), keys)| of(*rows, *nulls, *keys)).sum()
    }

    /// All rows, those whose key is null too.
    pub fn rows(&self) -> u64 {
        self.sum(|rows, _, keys| rows * keys)
    }

    /// Rows with a value in at least one key column.
    pub fn present(&self) -> u64 {
        self.sum(|rows, nulls, keys| if nulls == Nulls::All { 0 } else { rows * keys })
    }

    /// Keys that occur in one row; a key that is null in all columns is none.
    pub fn once(&self) -> u64 {
        self.sum(|rows, nulls, keys| if nulls != Nulls::All && rows == 1 { keys } else { 0 })
    }

    /// Different keys, without the one that is null in all columns.
    pub fn distinct(&self) -> u64 {
        self.sum(|_, nulls, keys| if nulls == Nulls::All { 0 } else { keys })
    }

    /// Different keys, null being one.
    pub fn distinct_with_null(&self) -> u64 {
        self.sum(|_, _, keys| keys)
    }

    /// Rows whose key another row has too; two nulls are the same.
    pub fn repeated(&self) -> u64 {
        self.sum(|rows, _, keys| if rows > 1 { rows * keys } else { 0 })
    }

    /// Those, and rows with a null in the key.
    pub fn repeated_or_null(&self) -> u64 {
        self.sum(|rows, nulls, keys| if rows > 1 || nulls != Nulls::None { rows * keys } else { 0 })
    }

    /// Keys that occur once by rows with a key; none without such rows.
    pub fn uniqueness(&self) -> Option<f64> {
        ratio(self.once(), self.present())
    }

    /// Keys that occur once by different keys.
    pub fn unique_value_ratio(&self) -> Option<f64> {
        ratio(self.once(), self.distinct())
    }

    /// Of the values' shares, with the natural logarithm.
    pub fn entropy(&self) -> Option<f64> {
        let all = self.present() as f64;
        let keys = self.keys.iter().filter(|((_, nulls), _)| *nulls != Nulls::All);
        let term = |rows: u64, keys: u64| -(keys as f64) * (rows as f64 / all) * (rows as f64 / all).ln();
        (all > 0.0).then(|| keys.map(|((rows, _), keys)| term(*rows, *keys)).sum::<f64>() + 0.0)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// a, b, b, c, null, null: what each number is can be counted on fingers.
    fn sample() -> Occurrences {
        let mut sample = Occurrences::default();
        sample.add(1, Nulls::None, 2);
        sample.add(2, Nulls::None, 1);
        sample.add(2, Nulls::All, 1);
        sample
    }

    #[test]
    fn nulls_are_no_value_but_one_key() {
        let sample = sample();
        assert_eq!((sample.rows(), sample.present(), sample.once()), (6, 4, 2));
        assert_eq!((sample.distinct(), sample.distinct_with_null()), (3, 4));
        assert_eq!((sample.repeated(), sample.repeated_or_null()), (4, 4));
        assert_eq!((sample.uniqueness(), sample.unique_value_ratio()), (Some(0.5), Some(2.0 / 3.0)));
    }

    #[test]
    fn entropy_is_of_shares() {
        let wanted = -(0.25f64.ln() * 0.25 * 2.0 + 0.5f64.ln() * 0.5);
        assert!((sample().entropy().unwrap() - wanted).abs() < 1e-12);
        assert_eq!(Occurrences::default().entropy(), None);
    }
}
