//! Result types, conditions over columns of any name, and frames that are not what the query was bound to.

use assay_sql::{LowerError, TableRef, Type, Use, condition};
use polars::prelude::*;

use crate::support::{Tables, messages, tables};

#[test]
fn result_types_follow_the_standard() {
    let tables = tables();
    let cases = [
        ("select i + i, i * b, i / 2 from n", None),
        (
            "select i + i as a, i * b as b, -b as c, sum(i) as d from n group by i, b",
            Some("int32, int64, int64, int64"),
        ),
        ("select d + e as a, d * e as b, d - 1 as c from n", Some("decimal(12,3), decimal(15,5), decimal(11,2)")),
        ("select d / e as a from n", Some("decimal(19,8)")),
        (
            "select sum(d) as a, avg(d) as b, sum(d) / count(*) as c from n",
            Some("decimal(38,2), decimal(38,6), decimal(38,6)"),
        ),
        (
            "select round(sum(d) / count(*), 2) as a, round(d, 1) as b, round(d) as c from n group by d",
            Some("decimal(38,2), decimal(10,1), decimal(9,0)"),
        ),
        ("select d + f as a, extract(year from date '2026-01-01') as b from n", Some("double, int32")),
        (
            "select 5 as a, 5000000000 as b, 99999999999999999999 as c, 1.50 as d",
            Some("int32, int64, decimal(20,0), decimal(3,2)"),
        ),
        ("select case when p then 1 else d end as a, coalesce(i, b) as b from n", Some("decimal(10,2), int64")),
        ("select count(*) as a, rank() over (order by count(*)) as b from n", Some("int64, int64")),
    ];
    for (sql, kinds) in cases {
        match kinds {
            Some(kinds) => assert_eq!(tables.kinds(sql), kinds, "{sql}"),
            None => assert!(tables.bind(sql, Use::Model).is_err(), "{sql}"),
        }
    }
}

#[test]
fn nullability_is_known() {
    let tables = tables();
    let sql = "select k, i, k + 1 as a, count(*) as b, sum(k) as c, coalesce(i, 0) as d, max(i) as e \
               from n group by k, i";
    let bound = tables.bind(sql, Use::Model).unwrap();
    let nullable: Vec<bool> = bound.fields().iter().map(|f| f.nullable).collect();
    assert_eq!(nullable, [false, true, false, false, false, false, true]);
    let whole = tables.bind("select count(*) as n, sum(k) as s from n", Use::Model).unwrap();
    assert_eq!(whole.fields().iter().map(|f| f.nullable).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn conditions_use_the_names_of_the_columns() {
    let frame =
        df!["InvoiceNo" => ["1", "C2", "3"], "c0" => [Some(5i64), None, Some(7)], "^x$" => [1i32, 2, 3]].unwrap();
    let field = |name: &str, kind| assay_sql::Field { name: name.to_owned(), kind, nullable: true };
    let fields = [field("InvoiceNo", Type::String), field("c0", Type::Int64), field("^x$", Type::Int32)];
    let kept = |text: &str| {
        let filter = condition(text, &fields).map_err(|e| messages(&e))?;
        Ok::<_, String>(frame.clone().lazy().filter(filter).collect().unwrap().height())
    };
    assert_eq!(kept("invoiceno like 'C%'"), Ok(1));
    assert_eq!(kept("c0 <> 5"), Ok(1));
    assert_eq!(kept("not (c0 = 5)"), Ok(1));
    assert_eq!(kept("\"^x$\" in (1, 3) and true"), Ok(2));
    assert_eq!(kept("true"), Ok(3));
    assert_eq!(kept("c1 = 5"), Err("1:1 2 there is no column `c1` (did you mean `c0`)".to_owned()));
    assert_eq!(kept("c0"), Err("1:1 2 a condition is true, false or null, and this is int64".to_owned()));
    assert_eq!(kept("sum(c0) > 1"), Err("1:1 6 the aggregate `sum` cannot stand in a condition".to_owned()));
    assert_eq!(kept("c0 = 1 c0"), Err("1:8 2 `c0` follows a complete condition".to_owned()));
    assert_eq!(
        kept("1 / 0 = 1").unwrap_err(),
        "1:1 9 division by zero; guard the divisor with `nullif(..., 0)` (line 1, column 1 of the query)"
    );
}

#[test]
fn a_frame_that_changed_is_refused() {
    let tables = tables();
    let bound = tables.bind("select k, d from n", Use::Model).unwrap();
    let lower = |frame: DataFrame| bound.lower(&|_: &TableRef| Ok(frame.clone().lazy())).err().map(|e| e.to_string());
    let narrow = df!["k" => [1i16]].unwrap();
    assert_eq!(
        lower(narrow).unwrap(),
        "table n has no column i any more; validate the query against the table as it is now"
    );
    let changed = tables.0[0].1.clone().lazy().with_columns([lit(1.5).alias("d")]).collect().unwrap();
    assert!(lower(changed).unwrap().contains("column d of table n is f64 and was decimal(10,2)"));
    let failed = bound.lower(&|_: &TableRef| Err(PolarsError::ComputeError("no such folder".into())));
    assert!(matches!(failed, Err(LowerError::Table { .. })));
}

#[test]
fn reads_name_each_table_once() {
    let sql = "with q as (select k from n) select a.k from q a join q b on a.k = b.k join s on s.k = a.k";
    let bound = Tables::bind(&tables(), sql, Use::Model).unwrap();
    assert_eq!(bound.reads().iter().map(ToString::to_string).collect::<Vec<_>>(), ["n", "s"]);
}
