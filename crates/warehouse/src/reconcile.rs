//! Comparing what the lake and the warehouse hold, exactly.

use serde::{Deserialize, Serialize};

/// Row count of a table or some of its dates, and sums as decimal text; the sum of no value is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    pub rows: u64,
    pub sums: Vec<Option<String>>,
}

/// A measure in which lake and warehouse are not equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `rows`, or `sum of <column>`.
    pub what: String,
    /// None is no value, or nothing measured.
    pub lake: Option<String>,
    pub warehouse: Option<String>,
}

/// Every difference between two measurements of the columns `names`; `10.00` equals `10`.
///
/// A column that either side did not measure is a difference: nothing is equal unmeasured.
pub fn reconcile(lake: &Measures, warehouse: &Measures, names: &[String]) -> Vec<Difference> {
    let mut differences = Vec::new();
    if lake.rows != warehouse.rows {
        let (lake, warehouse) = (Some(lake.rows.to_string()), Some(warehouse.rows.to_string()));
        differences.push(Difference { what: "rows".to_owned(), lake, warehouse });
    }
    for (at, name) in names.iter().enumerate() {
        let (left, right) = (lake.sums.get(at), warehouse.sums.get(at));
        if !left.zip(right).is_some_and(|(left, right)| equal(left.as_deref(), right.as_deref())) {
            let (lake, warehouse) = (left.cloned().flatten(), right.cloned().flatten());
            differences.push(Difference { what: format!("sum of {name}"), lake, warehouse });
        }
    }
    differences
}

fn equal(left: Option<&str>, right: Option<&str>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => match (Decimal::read(left), Decimal::read(right)) {
            (Some(left), Some(right)) => left == right,
            // Not numbers, such as NaN: equal only as text.
            _ => left == right,
        },
        _ => false,
    }
}

/// `0.digits * 10^point`, digits without zeros at either end; zero has no digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    point: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Decimal> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, i64::from(exponent.parse::<i32>().ok()?)),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = all.trim_start_matches('0');
        let leading = i64::try_from(all.len() - digits.len()).ok()?;
        let digits = digits.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, point: 0 });
        }
        let point = i64::try_from(whole.len()).ok()? - leading + exponent;
        Some(Decimal { negative, digits, point })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_compared_by_value() {
        let cases = [
            ("10.00", "10", true),
            ("10", "1e1", true),
            ("0.0100", ".01", true),
            ("-0.00", "0", true),
            ("+5", "5.", true),
            ("123456789012345678901234567890.01", "123456789012345678901234567890.010", true),
            ("123456789012345678901234567890.01", "123456789012345678901234567890.02", false),
            ("10", "-10", false),
            ("10", "100", false),
            ("0.1", "0.01", false),
            ("NaN", "NaN", true),
            ("NaN", "0", false),
            ("", "0", false),
            ("1e99999999999", "1e99999999999", true),
            ("1e2147483647", "1e2147483646", false),
        ];
        for (left, right, expected) in cases {
            assert_eq!(equal(Some(left), Some(right)), expected, "{left} {right}");
            assert_eq!(equal(Some(right), Some(left)), expected, "{right} {left}");
        }
        assert!(!equal(None, Some("0")));
    }

    #[test]
    fn each_difference_is_told_and_what_was_not_measured_differs() {
        let measures = |rows, sums: &[Option<&str>]| Measures {
            rows,
            sums: sums.iter().map(|sum| sum.map(str::to_owned)).collect(),
        };
        let names = ["a".to_owned(), "b".to_owned()];
        let lake = measures(3, &[Some("1.50"), None]);
        assert_eq!(reconcile(&lake, &measures(3, &[Some("1.5"), None]), &names), []);
        let told = reconcile(&lake, &measures(4, &[Some("1.51"), Some("0")]), &names);
        let whats: Vec<&str> = told.iter().map(|difference| difference.what.as_str()).collect();
        assert_eq!(whats, ["rows", "sum of a", "sum of b"]);
        assert_eq!(told[0].warehouse.as_deref(), Some("4"));
        assert_eq!(reconcile(&lake, &measures(3, &[Some("1.5")]), &names).len(), 1);
        assert_eq!(reconcile(&measures(3, &[]), &measures(3, &[]), &names).len(), 2);
    }

    proptest! {
        #[test]
        fn zeros_at_the_ends_never_matter_and_a_unit_always_does(
            unscaled in any::<i64>(), scale in 0usize..12, zeros in 0usize..5,
        ) {
            let text = |unscaled: i128| {
                let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                let sign = if unscaled < 0 { "-" } else { "" };
                (sign, whole.to_owned(), fraction.to_owned())
            };
            let (sign, whole, fraction) = text(unscaled.into());
            let plain = format!("{sign}{whole}.{fraction}");
            let padded = format!("{sign}{pad}{whole}.{fraction}{pad}", pad = "0".repeat(zeros));
            prop_assert!(equal(Some(&plain), Some(&padded)));
            let (sign, whole, fraction) = text(i128::from(unscaled) + 1);
            let next = format!("{sign}{whole}.{fraction}");
            prop_assert!(!equal(Some(&plain), Some(&next)));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            prop_assert!(equal(Some(&text), Some(&text)));
        }
    }
}
