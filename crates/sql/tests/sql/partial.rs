//! Contributions of parts of a table give what the whole table gives.

use assay_sql::{Partials, TableRef, Type, Use};
use polars::prelude::*;
use proptest::prelude::*;

use crate::support::{Tables, dec, decimal, rows};

const GROUPS: &str = "with t2 as (select g, a, n, a * 2 as b from t where n <> 3)
    select g, abs(n) as odd, count(*) as rows, count(a) as some, count(distinct a) as values, count(distinct b) as others,
        sum(a) as total, sum(n) as whole, min(a) as low, max(g) as high,
        cast(round(sum(a) / count(*), 2) as decimal(38, 2)) as average,
        max_by(a, n, b) as last, max_by(n, a) filter (where a > 0) as top, count(*) filter (where a > 0) as above,
        count(distinct n) filter (where a < 0) as below,
        rank() over (partition by g order by sum(a) desc) as place
    from t2 group by g, abs(n) having count(*) > 0";

type Cells = (Option<u8>, Option<i16>, i8);

fn table(cells: &[Cells]) -> Tables {
    let g: Vec<String> = cells.iter().map(|c| c.0.map_or("null".to_owned(), |k| format!("g{k}"))).collect();
    let a: Vec<String> = cells.iter().map(|c| c.1.map_or("null".to_owned(), |v| decimal(v.into(), 2))).collect();
    let n: Vec<String> = cells.iter().map(|c| c.2.to_string()).collect();
    let texts = |column: &'_ [String]| column.iter().map(|cell| cell.to_string()).collect::<Vec<_>>();
    let (g, a, n) = (texts(&g), texts(&a), texts(&n));
    let cells = [&g, &a, &n].map(|column| column.iter().map(String::as_str).collect::<Vec<_>>());
    Tables::default()
        .with("t", &[("g", Type::String, &cells[0]), ("a", dec(6, 2), &cells[1]), ("n", Type::Int32, &cells[2])])
}

fn computed(frame: LazyFrame) -> Vec<Vec<String>> {
    let mut found = rows(&frame.collect_with_engine(Engine::Streaming).unwrap().unwrap_single());
    found.sort();
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn parts_give_the_whole(
        cells in prop::collection::vec((prop::option::of(0u8..3), prop::option::weighted(0.8, -300i16..300), -4i8..5), 0..20),
        cuts in prop::collection::vec(0usize..4, 20),
    ) {
        let whole = table(&cells);
        let bound = whole.bind(GROUPS, Use::Model).map_err(|e| TestCaseError::fail(format!("{e:?}")))?;
        let Partials { part, merge } = bound.partials().expect("every aggregate is exact");
        let contributions: Vec<LazyFrame> = (0..4).map(|cut| {
            let own: Vec<Cells> = cells.iter().zip(&cuts).filter(|(_, at)| **at == cut).map(|(c, _)| *c).collect();
            let frame = table(&own).0.remove(0).1;
            part.lower(&|_| Ok(frame.clone().lazy())).unwrap()
        }).collect();
        let all = concat(contributions, UnionArgs::default()).unwrap();
        let merged = merge.lower(&|table: &TableRef| {
            assert_eq!(*table, Partials::contributions());
            Ok(all.clone())
        });
        let frame = whole.0[0].1.clone();
        prop_assert_eq!(computed(merged.unwrap()), computed(bound.lower(&|_| Ok(frame.clone().lazy())).unwrap()));
        prop_assert_eq!(merge.fields(), bound.fields());
    }
}

#[test]
fn only_exact_groups_of_one_table_have_parts() {
    let tables = Tables::default()
        .with("t", &[("g", Type::String, &["x"]), ("d", Type::Double, &["1.5"]), ("n", Type::Int32, &["1"])]);
    let has = |sql: &str| tables.bind(sql, Use::Query).unwrap_or_else(|e| panic!("{sql}: {e:?}")).partials().is_some();
    for sql in
        ["select g, sum(n) as s from t group by g", "select g, min(d) as low from t group by g order by g limit 5"]
    {
        assert!(has(sql), "{sql}");
    }
    for sql in [
        "select g, n from t",
        "select count(*) as rows from t",
        "select g, sum(d) as s from t group by g",
        "select g, avg(d) as s from t group by g",
        "select l.g, count(*) as rows from t l join t r on l.g = r.g group by l.g",
        "with x as (select g, sum(n) as s from t group by g) select g, sum(s) as s from x group by g",
        "select g, count(*) as rows from t group by g union all select g, 1 as rows from t",
    ] {
        assert!(!has(sql), "{sql}");
    }
}
