//! Random expressions and groupings against a reader of one row at a time that shares nothing with the product.

use std::collections::{BTreeMap, BTreeSet};

use assay_sql::{Type, Use};
use proptest::prelude::*;

use crate::support::{Tables, dec, decimal};

/// A number expression. Columns: `a` decimal(6,2), `b` decimal(6,1), `i` int32 taken as a number without places.
#[derive(Debug, Clone)]
enum Num {
    A,
    B,
    Lit(i128, u32),
    Neg(Box<Num>),
    Abs(Box<Num>),
    Add(Box<Num>, Box<Num>),
    Sub(Box<Num>, Box<Num>),
    Mul(Box<Num>, Box<Num>),
    Round(Box<Num>, u32),
    Ratio(Box<Num>, Box<Num>, u32),
    Case(Box<Cond>, Box<Num>, Box<Num>),
    Coalesce(Box<Num>, Box<Num>),
}

#[derive(Debug, Clone)]
enum Cond {
    Less(Num, Num),
    Equal(Num, Num),
    Null(Num),
    In(Num, Vec<i128>, bool),
    Between(Num, i128, i128),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
    Not(Box<Cond>),
}

type Row = (Option<i128>, Option<i128>);
/// A value with its number of places.
type Value = (Option<i128>, u32);

fn ten(n: u32) -> i128 {
    10i128.pow(n)
}

fn at_scale((value, scale): Value, to: u32) -> Option<i128> {
    let value = value?;
    if to >= scale {
        return Some(value * ten(to - scale));
    }
    Some(half_away(value, ten(scale - to)))
}

/// `n / d` to the nearest whole number, halves away from zero.
fn half_away(n: i128, d: i128) -> i128 {
    let magnitude = (2 * n.abs() + d.abs()) / (2 * d.abs());
    if (n < 0) != (d < 0) { -magnitude } else { magnitude }
}

impl Num {
    fn sql(&self) -> String {
        match self {
            Num::A => "a".to_owned(),
            Num::B => "b".to_owned(),
            Num::Lit(units, scale) => decimal(*units, *scale as usize),
            Num::Neg(x) => format!("(- {})", x.sql()),
            Num::Abs(x) => format!("abs({})", x.sql()),
            Num::Add(x, y) => format!("({} + {})", x.sql(), y.sql()),
            Num::Sub(x, y) => format!("({} - {})", x.sql(), y.sql()),
            Num::Mul(x, y) => format!("({} * {})", x.sql(), y.sql()),
            Num::Round(x, n) => format!("round({}, {n})", x.sql()),
            Num::Ratio(x, y, n) => format!("round({} / nullif({}, 0), {n})", x.sql(), y.sql()),
            Num::Case(c, x, y) => format!("case when {} then {} else {} end", c.sql(), x.sql(), y.sql()),
            Num::Coalesce(x, y) => format!("coalesce({}, {})", x.sql(), y.sql()),
        }
    }

    fn value(&self, row: Row) -> Value {
        let both = |x: &Num, y: &Num| {
            let (x, y) = (x.value(row), y.value(row));
            let scale = x.1.max(y.1);
            (at_scale(x, scale), at_scale(y, scale), scale)
        };
        match self {
            Num::A => (row.0, 2),
            Num::B => (row.1, 1),
            Num::Lit(units, scale) => (Some(*units), *scale),
            Num::Neg(x) => (x.value(row).0.map(|v| -v), x.value(row).1),
            Num::Abs(x) => (x.value(row).0.map(i128::abs), x.value(row).1),
            Num::Add(x, y) => {
                let (x, y, scale) = both(x, y);
                (x.zip(y).map(|(x, y)| x + y), scale)
            }
            Num::Sub(x, y) => {
                let (x, y, scale) = both(x, y);
                (x.zip(y).map(|(x, y)| x - y), scale)
            }
            Num::Mul(x, y) => {
                let (x, y) = (x.value(row), y.value(row));
                (x.0.zip(y.0).map(|(x, y)| x * y), x.1 + y.1)
            }
            Num::Round(x, n) => (at_scale(x.value(row), *n), *n),
            Num::Ratio(x, y, n) => {
                let (x, y) = (x.value(row), y.value(row));
                let ratio = |(p, q): (i128, i128)| (q != 0).then(|| half_away(p * ten(y.1 + n), q * ten(x.1)));
                (x.0.zip(y.0).and_then(ratio), *n)
            }
            Num::Case(c, x, y) => {
                let (x, y, scale) = both(x, y);
                (if c.value(row) == Some(true) { x } else { y }, scale)
            }
            Num::Coalesce(x, y) => {
                let (x, y, scale) = both(x, y);
                (x.or(y), scale)
            }
        }
    }
}

impl Cond {
    fn sql(&self) -> String {
        match self {
            Cond::Less(x, y) => format!("({} < {})", x.sql(), y.sql()),
            Cond::Equal(x, y) => format!("({} = {})", x.sql(), y.sql()),
            Cond::Null(x) => format!("({} is null)", x.sql()),
            Cond::In(x, list, null) => {
                let mut items: Vec<String> = list.iter().map(|v| decimal(*v, 1)).collect();
                items.extend(null.then(|| "null".to_owned()));
                format!("({} in ({}))", x.sql(), items.join(", "))
            }
            Cond::Between(x, low, high) => {
                format!("({} between {} and {})", x.sql(), decimal(*low, 1), decimal(*high, 1))
            }
            Cond::And(x, y) => format!("({} and {})", x.sql(), y.sql()),
            Cond::Or(x, y) => format!("({} or {})", x.sql(), y.sql()),
            Cond::Not(x) => format!("(not {})", x.sql()),
        }
    }

    fn value(&self, row: Row) -> Option<bool> {
        let order = |x: Value, y: Value| {
            let scale = x.1.max(y.1);
            at_scale(x, scale).zip(at_scale(y, scale)).map(|(x, y)| x.cmp(&y))
        };
        match self {
            Cond::Less(x, y) => order(x.value(row), y.value(row)).map(|o| o.is_lt()),
            Cond::Equal(x, y) => order(x.value(row), y.value(row)).map(|o| o.is_eq()),
            Cond::Null(x) => Some(x.value(row).0.is_none()),
            Cond::In(x, list, null) => {
                let found = list.iter().map(|v| order(x.value(row), (Some(*v), 1)).map(|o| o.is_eq()));
                let found = found.chain(null.then_some(None));
                found.fold(Some(false), or)
            }
            Cond::Between(x, low, high) => {
                let above = order(x.value(row), (Some(*low), 1)).map(|o| o.is_ge());
                let below = order(x.value(row), (Some(*high), 1)).map(|o| o.is_le());
                and(above, below)
            }
            Cond::And(x, y) => and(x.value(row), y.value(row)),
            Cond::Or(x, y) => or(x.value(row), y.value(row)),
            Cond::Not(x) => x.value(row).map(|v| !v),
        }
    }
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    and(a.map(|v| !v), b.map(|v| !v)).map(|v| !v)
}

fn leaf() -> impl Strategy<Value = Num> {
    prop_oneof![Just(Num::A), Just(Num::B), (-999i128..1000, 1u32..3).prop_map(|(u, s)| Num::Lit(u, s))]
}

fn number() -> impl Strategy<Value = Num> {
    leaf().prop_recursive(2, 8, 2, |inner| {
        let two = || (inner.clone(), inner.clone()).prop_map(|(x, y)| (Box::new(x), Box::new(y)));
        let test = (inner.clone(), inner.clone()).prop_map(|(x, y)| Box::new(Cond::Less(x, y)));
        prop_oneof![
            inner.clone().prop_map(|x| Num::Neg(Box::new(x))),
            inner.clone().prop_map(|x| Num::Abs(Box::new(x))),
            two().prop_map(|(x, y)| Num::Add(x, y)),
            two().prop_map(|(x, y)| Num::Sub(x, y)),
            two().prop_map(|(x, y)| Num::Mul(x, y)),
            (inner.clone(), 0u32..4).prop_map(|(x, n)| Num::Round(Box::new(x), n)),
            (leaf(), leaf(), 0u32..4).prop_map(|(x, y, n)| Num::Ratio(Box::new(x), Box::new(y), n)),
            (test, two()).prop_map(|(c, (x, y))| Num::Case(c, x, y)),
            two().prop_map(|(x, y)| Num::Coalesce(x, y)),
        ]
    })
}

fn condition() -> impl Strategy<Value = Cond> {
    let simple = prop_oneof![
        (number(), number()).prop_map(|(x, y)| Cond::Less(x, y)),
        (number(), number()).prop_map(|(x, y)| Cond::Equal(x, y)),
        number().prop_map(Cond::Null),
        (leaf(), prop::collection::vec(-50i128..50, 1..7), any::<bool>()).prop_map(|(x, l, n)| Cond::In(x, l, n)),
        (leaf(), -500i128..500, -500i128..500).prop_map(|(x, l, h)| Cond::Between(x, l, h)),
    ];
    simple.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(x, y)| Cond::And(Box::new(x), Box::new(y))),
            (inner.clone(), inner.clone()).prop_map(|(x, y)| Cond::Or(Box::new(x), Box::new(y))),
            inner.prop_map(|x| Cond::Not(Box::new(x))),
        ]
    })
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let cell = || prop::option::weighted(0.8, prop_oneof![-60i128..60, -999_999i128..1_000_000]);
    prop::collection::vec((cell(), cell()), 0..12)
}

fn cell(value: Option<i128>, scale: u32) -> String {
    value.map_or("null".to_owned(), |v| decimal(v, scale as usize))
}

fn table(rows: &[Row], keys: &[Option<u8>]) -> Tables {
    let texts = |f: &dyn Fn(usize) -> String| (0..rows.len()).map(f).collect::<Vec<_>>();
    let (n, a, b) = (texts(&|r| r.to_string()), texts(&|r| cell(rows[r].0, 2)), texts(&|r| cell(rows[r].1, 1)));
    let g = texts(&|r| keys.get(r).copied().flatten().map_or("null".to_owned(), |k| format!("g{k}")));
    let columns = [("n", Type::Int32, &n), ("a", dec(6, 2), &a), ("b", dec(6, 1), &b), ("g", Type::String, &g)];
    let cells: Vec<Vec<&str>> = columns.iter().map(|(_, _, c)| c.iter().map(String::as_str).collect()).collect();
    let columns: Vec<(&str, Type, &[&str])> =
        columns.iter().zip(&cells).map(|((name, kind, _), cells)| (*name, *kind, cells.as_slice())).collect();
    Tables::default().with("t", &columns)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn expressions_equal_a_reader_of_rows(rows in rows(), x in number(), kept in condition(), shown in condition()) {
        let sql = format!("select n, {} as x, {} as c from t where {}", x.sql(), shown.sql(), kept.sql());
        let mut found = table(&rows, &[]).run(&sql).unwrap();
        found.sort();
        let mut expected: Vec<Vec<String>> = rows.iter().enumerate().filter(|(_, row)| kept.value(**row) == Some(true)).map(|(n, row)| {
            let (value, scale) = x.value(*row);
            let shown = shown.value(*row).map_or("null".to_owned(), |b| b.to_string());
            vec![n.to_string(), cell(value, scale), shown]
        }).collect();
        expected.sort();
        prop_assert_eq!(found, expected, "{}", sql);
    }

    #[test]
    fn groups_equal_a_reader_of_rows(rows in rows(), keys in prop::collection::vec(prop::option::of(0u8..3), 12), x in number()) {
        let sql = format!(
            "select g, count(*) as n, count({0}) as c, count(distinct {0}) as d, sum({0}) as s, min({0}) as lo, max({0}) as hi, \
             round(avg(a), 1) as m, rank() over (order by count(*) desc, g nulls first) as r from t group by g", x.sql());
        let mut groups: BTreeMap<Option<String>, Vec<Row>> = BTreeMap::new();
        for (row, key) in rows.iter().zip(&keys) {
            groups.entry(key.map(|k| format!("g{k}"))).or_default().push(*row);
        }
        let mut ranking: Vec<(i64, Option<String>)> = groups.iter().map(|(g, r)| (-(r.len() as i64), g.clone())).collect();
        ranking.sort();
        let scale = x.value((None, None)).1;
        let mut expected: Vec<Vec<String>> = groups.iter().map(|(group, rows)| {
            let values: Vec<i128> = rows.iter().filter_map(|r| x.value(*r).0).collect();
            let of_a: Vec<i128> = rows.iter().filter_map(|r| r.0).collect();
            let mean = (!of_a.is_empty()).then(|| half_away(of_a.iter().sum::<i128>(), of_a.len() as i128 * 10));
            let some = !values.is_empty();
            let rank = ranking.iter().position(|(_, g)| g == group).unwrap() + 1;
            vec![
                group.clone().unwrap_or_else(|| "null".to_owned()),
                rows.len().to_string(),
                values.len().to_string(),
                values.iter().collect::<BTreeSet<_>>().len().to_string(),
                cell(some.then(|| values.iter().sum()), scale),
                cell(values.iter().min().copied(), scale),
                cell(values.iter().max().copied(), scale),
                cell(mean, 1),
                rank.to_string(),
            ]
        }).collect();
        expected.sort();
        let mut found = table(&rows, &keys).run(&sql).unwrap();
        found.sort();
        prop_assert_eq!(found, expected, "{}", sql);
    }

    #[test]
    fn any_text_is_bound_or_refused(words in prop::collection::vec(prop_oneof![
        Just("select"), Just("k"), Just("from"), Just("n"), Just("where"), Just("("), Just(")"), Just(","), Just("+"),
        Just("sum"), Just("group by"), Just("as"), Just("case"), Just("when"), Just("end"), Just("'x'"), Just("1"), Just("over"),
        Just("like"), Just("in"), Just("join"), Just("on"), Just("="), Just("null"), Just("union all"), Just("*"), Just("."), Just("-"),
    ], 0..25)) {
        let tables = crate::support::tables();
        if let Err(errors) = tables.bind(&words.join(" "), Use::Query) {
            prop_assert!(!errors.is_empty());
        }
    }
}
