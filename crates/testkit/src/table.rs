//! Tables as canonical text, and their comparison.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The cells of a row as canonical text: decimals with their scale, dates in ISO form; `None` is null.
pub type Row = Vec<Option<String>>;

/// A table whose rows are sorted, since rows have no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

impl Table {
    /// A table of these rows, which become sorted.
    pub fn new(columns: &[&str], mut rows: Vec<Row>) -> Self {
        rows.sort_unstable();
        Self { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows }
    }
}

/// Panics with the first rows of either side that the other lacks, counting how often a row occurs.
#[track_caller]
pub fn assert_same_rows(expected: &Table, actual: &Table) {
    assert_eq!(expected.columns, actual.columns, "the tables have different columns");
    if let Some(difference) = difference(expected, actual) {
        panic!("{difference}");
    }
}

/// What differs between two tables with the same columns, as text; `None` when they are equal.
pub fn difference(expected: &Table, actual: &Table) -> Option<String> {
    let mut balance: BTreeMap<&Row, i64> = BTreeMap::new();
    expected.rows.iter().for_each(|row| *balance.entry(row).or_default() += 1);
    actual.rows.iter().for_each(|row| *balance.entry(row).or_default() -= 1);
    balance.retain(|_, times| *times != 0);
    if balance.is_empty() {
        return None;
    }
    let mut text = format!("the tables differ: {} rows expected, {} there", expected.rows.len(), actual.rows.len());
    describe(&mut text, "only expected", &expected.columns, balance.iter().filter(|(_, times)| **times > 0));
    describe(&mut text, "only there", &expected.columns, balance.iter().filter(|(_, times)| **times < 0));
    Some(text)
}

const SHOWN: usize = 10;

fn describe<'a>(text: &mut String, side: &str, columns: &[String], rows: impl Iterator<Item = (&'a &'a Row, &'a i64)>) {
    let rows: Vec<_> = rows.collect();
    let count: u64 = rows.iter().map(|(_, times)| times.unsigned_abs()).sum();
    let _ = write!(text, "\n{side}: {count} rows");
    if rows.is_empty() {
        return;
    }
    let _ = write!(text, "\n  {}", columns.join(" | "));
    for (row, times) in rows.iter().take(SHOWN) {
        let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("null")).collect();
        let _ = write!(text, "\n  {}", cells.join(" | "));
        if times.unsigned_abs() > 1 {
            let _ = write!(text, "  ({} times)", times.unsigned_abs());
        }
    }
    if rows.len() > SHOWN {
        let _ = write!(text, "\n  and {} other rows that are not shown", rows.len() - SHOWN);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn table(rows: &[(&str, Option<&str>)]) -> Table {
        let rows = rows.iter().map(|(id, name)| vec![Some((*id).to_owned()), name.map(str::to_owned)]).collect();
        Table::new(&["id", "name"], rows)
    }

    #[test]
    fn order_does_not_matter_and_how_often_does() {
        let expected = table(&[("1", Some("a")), ("2", None), ("2", None)]);
        assert_eq!(difference(&expected, &table(&[("2", None), ("1", Some("a")), ("2", None)])), None);
        let text = difference(&expected, &table(&[("1", Some("a")), ("2", None), ("3", Some(""))])).unwrap();
        assert_eq!(
            text,
            "the tables differ: 3 rows expected, 3 there\nonly expected: 1 rows\n  id | name\n  2 | null\n\
             only there: 1 rows\n  id | name\n  3 | "
        );
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let many: Vec<String> = (0..25).map(|number| format!("{number:02}")).collect();
        let rows: Vec<(&str, Option<&str>)> = many.iter().map(|id| (id.as_str(), None)).collect();
        let text = difference(&table(&rows), &table(&[])).unwrap();
        assert!(text.contains("\n  09 | null\n  and 15 other rows that are not shown\nonly there: 0 rows"), "{text}");
    }
}
