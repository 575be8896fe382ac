//! `max_by` of every type against a reader of one row at a time, and its contributions against the whole.

use std::collections::BTreeMap;
use std::io::Cursor;

use assay_sql::{Partials, TableRef, Type, Use};
use polars::prelude::*;
use proptest::prelude::*;

use crate::support::{Tables, dec, decimal, rows};

/// A cell that sorts as its column does: units of a number, or a text. Dates and booleans sort as their texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Number(i128),
    Text(String),
}

/// The cells of the columns below.
type Row = [Option<Cell>; 7];

const COLUMNS: [(&str, Type); 7] = [
    ("g", Type::String),
    ("t", Type::String),
    ("i", Type::Int32),
    ("l", Type::Int64),
    ("d", dec(20, 2)),
    ("day", Type::Date),
    ("p", Type::Boolean),
];
const G: usize = 0;
const T: usize = 1;
const I: usize = 2;
const L: usize = 3;
const D: usize = 4;
const DAY: usize = 5;
const P: usize = 6;

/// Value and keys of each `max_by`; those of odd places are filtered.
const ASKED: [(usize, &[usize]); 8] = [
    (T, &[I, L]),
    (T, &[T]),
    (D, &[T, I]),
    (L, &[T, T, D]),
    (I, &[DAY]),
    (DAY, &[D, P]),
    (P, &[L, T]),
    (T, &[P, DAY, T]),
];

fn sql() -> String {
    let call = |(at, (value, keys)): (usize, &(usize, &[usize]))| {
        let list: Vec<&str> = [value].into_iter().chain(*keys).map(|column| COLUMNS[*column].0).collect();
        let filter = if at % 2 == 1 { " filter (where i > 0)" } else { "" };
        format!("max_by({}){filter} as r{at}", list.join(", "))
    };
    let calls: Vec<String> = ASKED.iter().enumerate().map(call).collect();
    format!("select g, {} from t group by g", calls.join(", "))
}

fn shown(cell: Option<&Cell>, column: usize) -> String {
    match (cell, COLUMNS[column].1) {
        (None, _) => "null".to_owned(),
        (Some(Cell::Text(text)), _) => text.clone(),
        (Some(Cell::Number(units)), Type::Decimal { scale, .. }) => decimal(*units, scale.into()),
        (Some(Cell::Number(number)), _) => number.to_string(),
    }
}

fn table(rows: &[Row]) -> Tables {
    let texts: Vec<Vec<String>> =
        (0..COLUMNS.len()).map(|at| rows.iter().map(|row| shown(row[at].as_ref(), at)).collect()).collect();
    let cells: Vec<Vec<&str>> = texts.iter().map(|column| column.iter().map(String::as_str).collect()).collect();
    let columns: Vec<(&str, Type, &[&str])> =
        COLUMNS.iter().zip(&cells).map(|((name, kind), cells)| (*name, *kind, cells.as_slice())).collect();
    Tables::default().with("t", &columns)
}

fn expected(rows: &[Row]) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(shown(row[G].as_ref(), G)).or_default().push(row);
    }
    let last = |rows: &[&Row], at: usize| {
        let (value, keys) = ASKED[at];
        let kept = rows.iter().filter(|row| at.is_multiple_of(2) || row[I] > Some(Cell::Number(0)));
        let ordered = kept.filter_map(|row| {
            let order: Option<Vec<Cell>> = keys.iter().map(|key| row[*key].clone()).collect();
            Some((order?, row[value].clone()))
        });
        shown(ordered.max().and_then(|(_, value)| value).as_ref(), value)
    };
    let line = |(group, rows): (String, Vec<&Row>)| {
        [group].into_iter().chain((0..ASKED.len()).map(|at| last(&rows, at))).collect::<Vec<_>>()
    };
    let mut lines: Vec<Vec<String>> = groups.into_iter().map(line).collect();
    lines.sort();
    lines
}

fn row() -> impl Strategy<Value = Row> {
    let text = |texts: &'static [&'static str]| {
        prop::option::weighted(0.8, prop::sample::select(texts).prop_map(|text| Cell::Text(text.to_owned())))
    };
    let number =
        |numbers: &'static [i128]| prop::option::weighted(0.8, prop::sample::select(numbers).prop_map(Cell::Number));
    // Prefixes, the characters that end and escape a text, digits of several lengths and characters of several bytes.
    let words =
        text(&["", "a", "ab", "a\0", "a\0b", "a\u{1}", "a\u{1}\u{1}", "a\u{2}", "9", "10", "é", "\u{ffff}", "😀"]);
    (
        text(&["g1", "g2"]),
        words,
        number(&[-2_147_483_648, -1, 0, 1, 2, 2_147_483_647]),
        number(&[i64::MIN as i128, -10, -9, 9, 10, i64::MAX as i128]),
        number(&[-99_999_999_999_999_999_999, -101, -99, 0, 99, 101, 99_999_999_999_999_999_999]),
        text(&["0001-01-01", "1969-12-31", "1970-01-01", "2026-01-31", "2026-02-01"]),
        text(&["false", "true"]),
    )
        .prop_map(|(g, t, i, l, d, day, p)| [g, t, i, l, d, day, p])
}

/// The frame, through the format that contributions are kept in.
fn kept(frame: LazyFrame) -> LazyFrame {
    let mut frame = frame.collect_with_engine(Engine::Streaming).unwrap().unwrap_single();
    let mut file = Vec::new();
    ParquetWriter::new(&mut file).finish(&mut frame).unwrap();
    ParquetReader::new(Cursor::new(file)).finish().unwrap().lazy()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_last_value_equals_a_reader_of_rows(rows in prop::collection::vec(row(), 0..16)) {
        let mut found = table(&rows).run(&sql()).unwrap();
        found.sort();
        prop_assert_eq!(found, expected(&rows));
    }

    #[test]
    fn contributions_of_parts_give_the_last_value(
        cells in prop::collection::vec(row(), 0..16),
        cuts in prop::collection::vec(0usize..3, 16),
    ) {
        let bound = table(&cells).bind(&sql(), Use::Model).unwrap();
        let Partials { part, merge } = bound.partials().expect("a greatest text is exact");
        let contributions: Vec<LazyFrame> = (0..3).map(|cut| {
            let own: Vec<Row> = cells.iter().zip(&cuts).filter(|(_, at)| **at == cut).map(|(row, _)| row.clone()).collect();
            let frame = table(&own).0.remove(0).1;
            kept(part.lower(&|_: &TableRef| Ok(frame.clone().lazy())).unwrap())
        }).collect();
        let all = concat(contributions, UnionArgs::default()).unwrap();
        let merged = merge.lower(&|_: &TableRef| Ok(all.clone())).unwrap();
        let mut found = rows(&merged.collect_with_engine(Engine::Streaming).unwrap().unwrap_single());
        found.sort();
        prop_assert_eq!(found, expected(&cells));
    }
}
