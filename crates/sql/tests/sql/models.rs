//! The gold models of `sales_lakehouse`: types, lineage, which dates a date needs, and rows by hand.

use std::collections::BTreeSet;

use assay_sql::{Bound, Catalog, ColumnLineage, Field, Share, TableRef, Type, Use, bind, dtype_of};
use polars::prelude::*;

use crate::support::{Tables, dec, messages};

const MODELS: [(&str, &str); 5] = [
    ("sales_enriched", include_str!("../../../../pipelines/sales_lakehouse/gold/sales_enriched.sql")),
    ("daily_store_sales", include_str!("../../../../pipelines/sales_lakehouse/gold/daily_store_sales.sql")),
    ("product_performance", include_str!("../../../../pipelines/sales_lakehouse/gold/product_performance.sql")),
    ("customer_segments", include_str!("../../../../pipelines/sales_lakehouse/gold/customer_segments.sql")),
    ("store_performance", include_str!("../../../../pipelines/sales_lakehouse/gold/store_performance.sql")),
];

const COLUMNS: [(&str, Type, bool); 14] = [
    ("transaction_id", Type::String, false),
    ("date", Type::Date, false),
    ("store_id", Type::String, false),
    ("store_name", Type::String, true),
    ("city", Type::String, true),
    ("product_id", Type::String, false),
    ("product_name", Type::String, true),
    ("category", Type::String, true),
    ("customer_id", Type::String, false),
    ("customer_name", Type::String, true),
    ("quantity_sold", Type::Int32, false),
    ("unit_price", dec(10, 2), false),
    ("total_amount", dec(15, 2), true),
    ("payment_method", Type::String, true),
];

/// The silver table as its contract declares it.
struct Silver;

impl Catalog for Silver {
    fn fields(&self, table: &TableRef) -> Option<Vec<Field>> {
        let field = |(name, kind, nullable): (&str, Type, bool)| Field { name: name.to_owned(), kind, nullable };
        (*table == TableRef::new("silver", "sales")).then(|| COLUMNS.map(field).to_vec())
    }

    fn tables(&self) -> Vec<String> {
        vec!["silver.sales".to_owned()]
    }
}

fn model(name: &str) -> Bound {
    let (_, sql) = MODELS.iter().find(|(model, _)| *model == name).unwrap();
    bind(sql, &Silver, Use::Model).map_err(|e| messages(&e)).unwrap()
}

fn outline(bound: &Bound) -> String {
    let source = |(_, column): &(TableRef, String)| column.clone();
    let line = |(field, lineage): (&Field, ColumnLineage)| {
        let sources = lineage.sources.iter().map(source).collect::<Vec<_>>().join(" ");
        let null = if field.nullable { "" } else { " not null" };
        format!("{} {}{null} {} {sources}", field.name, field.kind, if lineage.copy { "=" } else { "<-" })
    };
    bound.fields().iter().zip(bound.lineage()).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_model_binds_and_reads_silver_only() {
    for (name, _) in MODELS {
        assert_eq!(model(name).reads(), [TableRef::new("silver", "sales")], "{name}");
    }
}

#[test]
fn columns_have_their_types_and_origins() {
    insta::assert_snapshot!(outline(&model("daily_store_sales")), @r#"
    date date not null = date
    store_id string not null = store_id
    store_name string <- store_name
    city string <- city
    transactions int64 not null <- 
    units int64 not null <- quantity_sold
    revenue decimal(38,2) <- total_amount
    average_basket decimal(15,2) <- total_amount
    "#);
    insta::assert_snapshot!(outline(&model("product_performance")), @r#"
    product_id string not null = product_id
    product_name string <- product_name
    category string <- category
    transactions int64 not null <- 
    units int64 not null <- quantity_sold
    revenue decimal(38,2) <- total_amount
    category_rank int64 not null <- category total_amount
    "#);
    insta::assert_snapshot!(outline(&model("customer_segments")), @r#"
    customer_id string not null = customer_id
    customer_name string <- customer_name
    first_purchase date not null <- date
    last_purchase date not null <- date
    transactions int64 not null <- 
    total_spent decimal(38,2) <- total_amount
    average_order decimal(15,2) <- total_amount
    segment string not null <- total_amount
    "#);
    insta::assert_snapshot!(outline(&model("store_performance")), @r#"
    store_id string not null = store_id
    year int32 not null <- date
    month int32 not null <- date
    store_name string <- store_name
    city string <- city
    transactions int64 not null <- 
    units int64 not null <- quantity_sold
    revenue decimal(38,2) <- total_amount
    customers int64 not null <- customer_id
    "#);
    let enriched = outline(&model("sales_enriched"));
    insta::assert_snapshot!(enriched.lines().skip(12).collect::<Vec<_>>().join("\n"), @r#"
    total_amount decimal(15,2) = total_amount
    payment_method string = payment_method
    year int32 not null <- date
    month int32 not null <- date
    day_of_week int32 not null <- date
    "#);
}

#[test]
fn the_value_of_a_last_record_comes_from_its_keys_too() {
    let sql = "select store_id, max_by(city, date, transaction_id) filter (where city is not null) as city, \
               max_by(date, transaction_id) as day, max_by(quantity_sold, total_amount) as units \
               from silver.sales group by store_id";
    let bound = bind(sql, &Silver, Use::Model).map_err(|e| messages(&e)).unwrap();
    insta::assert_snapshot!(outline(&bound), @r"
    store_id string not null = store_id
    city string <- city date transaction_id
    day date not null <- date transaction_id
    units int32 <- quantity_sold total_amount
    ");
    assert!(bound.can_share());
    assert!(bound.partials().is_some());
}

#[test]
fn a_date_of_a_partitioned_model_needs_that_date_of_silver_only() {
    let date = Some(vec![(TableRef::new("silver", "sales"), "date".to_owned())]);
    assert_eq!(model("sales_enriched").pushdown("date"), date);
    assert_eq!(model("daily_store_sales").pushdown("date"), date);
    assert_eq!(model("daily_store_sales").pushdown("revenue"), None);
    assert_eq!(model("customer_segments").pushdown("first_purchase"), None);
    assert_eq!(model("sales_enriched").pushdown("year"), None);
    assert_eq!(model("sales_enriched").pushdown("nothing"), None);
}

#[test]
fn filters_are_pushed_only_where_that_changes_nothing() {
    let sales = || (TableRef::new("silver", "sales"), "date".to_owned());
    let cases: &[(&str, bool)] = &[
        ("select date, count(*) as n from silver.sales group by date", true),
        ("select max(date) as date from silver.sales", false),
        ("select date, rank() over (partition by date order by total_amount) as r from silver.sales", true),
        ("select date, rank() over (partition by city order by total_amount) as r from silver.sales", false),
        ("select date from silver.sales union all select date from silver.sales", true),
        ("select date from silver.sales union all select date '2026-01-01'", false),
        (
            "with d as (select date, count(*) as n from silver.sales group by date) select s.date, n from silver.sales s join d on s.date = d.date",
            true,
        ),
        (
            "with d as (select date, count(*) as n from silver.sales group by date) select s.date, n from silver.sales s left join d on s.date = d.date",
            true,
        ),
        (
            "with d as (select date, count(*) as n from silver.sales group by date) select d.date, s.city from silver.sales s left join d on s.date = d.date",
            false,
        ),
        // The same table is also read for all dates.
        (
            "with d as (select city, count(*) as n from silver.sales group by city) select s.date, n from silver.sales s join d on s.city = d.city",
            false,
        ),
        ("select distinct date from silver.sales", true),
        ("select date from silver.sales where city = 'Bern'", true),
        ("select date from silver.sales limit 5", false),
        ("select coalesce(date, date) as date from silver.sales", false),
    ];
    for (sql, pushed) in cases {
        let bound = bind(sql, &Silver, Use::Query).map_err(|e| messages(&e)).unwrap();
        assert_eq!(bound.pushdown("date"), pushed.then(|| vec![sales()]), "{sql}");
    }
}

#[test]
fn rows_are_those_worked_out_by_hand() {
    let silver = Tables::default().with(
        "silver.sales",
        &[
            ("transaction_id", Type::String, &["t1", "t2", "t3", "t4"]),
            ("date", Type::Date, &["2026-01-04", "2026-01-04", "2026-01-04", "2026-02-01"]),
            ("store_id", Type::String, &["s1", "s1", "s1", "s1"]),
            ("store_name", Type::String, &["Alt", "Neu", "null", "Neu"]),
            ("city", Type::String, &["null", "null", "null", "Bern"]),
            ("product_id", Type::String, &["p1", "p2", "p3", "p1"]),
            ("product_name", Type::String, &["Tee", "Kaffee", "Salz", "Tee"]),
            ("category", Type::String, &["drink", "drink", "food", "drink"]),
            ("customer_id", Type::String, &["c1", "c2", "c2", "c1"]),
            ("customer_name", Type::String, &["Ann", "Bo", "Bo", "Ann"]),
            ("quantity_sold", Type::Int32, &["1", "2", "3", "4"]),
            ("unit_price", dec(10, 2), &["5.00", "2.50", "0.01", "2500.00"]),
            ("total_amount", dec(15, 2), &["5.00", "5.00", "0.03", "10000.00"]),
            ("payment_method", Type::String, &["cash", "cash", "card", "card"]),
        ],
    );
    let rows = |name: &str| {
        let (_, sql) = MODELS.iter().find(|(model, _)| *model == name).unwrap();
        let mut rows: Vec<String> = silver.run(sql).unwrap().iter().map(|r| r.join("|")).collect();
        rows.sort();
        rows
    };
    assert_eq!(
        rows("daily_store_sales"),
        // 10.03 / 3 = 3.343...
        ["2026-01-04|s1|Neu|null|3|6|10.03|3.34", "2026-02-01|s1|Neu|Bern|1|4|10000.00|10000.00"]
    );
    assert_eq!(
        rows("product_performance"),
        ["p1|Tee|drink|2|5|10005.00|1", "p2|Kaffee|drink|1|2|5.00|2", "p3|Salz|food|1|3|0.03|1"]
    );
    assert_eq!(
        rows("customer_segments"),
        [
            // 10005.00 / 2 and 5.03 / 2 = 2.515, half up
            "c1|Ann|2026-01-04|2026-02-01|2|10005.00|5002.50|high_value",
            "c2|Bo|2026-01-04|2026-01-04|2|5.03|2.52|regular",
        ]
    );
    assert_eq!(rows("store_performance"), ["s1|2026|1|Neu|null|3|6|10.03|2", "s1|2026|2|Neu|Bern|1|4|10000.00|1"]);
    assert_eq!(rows("sales_enriched")[0], "t1|2026-01-04|s1|Alt|null|p1|Tee|drink|c1|Ann|1|5.00|5.00|cash|2026|1|7");
}

#[test]
fn shares_of_the_groups_are_the_whole() {
    let shared = ["customer_segments", "store_performance", "daily_store_sales"];
    for (name, _) in MODELS {
        assert_eq!(model(name).can_share(), shared.contains(&name), "{name}: ranks and plain rows need all rows");
    }
    let keys: Vec<Option<String>> = (0..500).map(|i| (i % 9 != 4).then(|| format!("c{}", i * 31 % 97))).collect();
    let frame = df!["customer_id" => keys, "quantity_sold" => (0..500).collect::<Vec<i32>>()].unwrap();
    let tables = Tables(vec![("silver.sales".to_owned(), frame.clone())]);
    let sql = "select customer_id, count(*) as n, sum(quantity_sold) as units from silver.sales \
               group by customer_id having count(*) > 1";
    let bound = tables.bind(sql, Use::Model).unwrap();
    let rows = |share: Share| {
        let lazy = bound.lower_share(share, &|_: &TableRef| Ok(frame.clone().lazy())).unwrap();
        lazy.sort(["customer_id"], SortMultipleOptions::default()).collect().unwrap()
    };
    let parts: Vec<DataFrame> = (0..3).map(|part| rows(Share { part, of: 3 })).collect();
    assert!(parts.iter().all(|part| part.height() > 10), "every share has some of the groups");
    let mut together = parts[0].clone();
    for part in &parts[1..] {
        together.vstack_mut(part).unwrap();
    }
    let together = together.sort(["customer_id"], SortMultipleOptions::default()).unwrap();
    assert_eq!(together.height(), 98, "97 keys and null");
    assert!(together.equals_missing(&rows(Share::WHOLE)));
}

#[test]
fn pushing_a_date_down_gives_the_same_rows() {
    let days: Vec<Option<i32>> = (0..60).map(|i| (i % 7 != 3).then_some(20_000 + i % 5)).collect();
    let amounts =
        Int128Chunked::from_iter_options("total_amount".into(), (0..60).map(|i| Some(i128::from(i * 37 % 101))));
    let mut frame = df!["city" => (0..60).map(|i| ["a", "b", "c"][i % 3]).collect::<Vec<_>>()].unwrap();
    let days = Column::new("date".into(), days).cast(&DataType::Date).unwrap();
    frame.with_column(days).unwrap();
    frame.with_column(amounts.into_decimal(15, 2).unwrap().into_series().into_column()).unwrap();
    let whole = Tables(vec![("silver.sales".to_owned(), frame.clone())]);
    let sql = "with d as (select date, city, sum(total_amount) as total from silver.sales group by date, city) \
               select date, city, total, rank() over (partition by date order by total desc) as r from d";
    let bound = whole.bind(sql, Use::Model).unwrap();
    let pushed = bound.pushdown("date").unwrap();
    let chosen: BTreeSet<i32> = [20_001, 20_004].into();
    let keep = |column: &str| {
        chosen.iter().map(|d| col(column).eq(lit(*d).cast(dtype_of(Type::Date)))).reduce(Expr::or).unwrap()
    };
    let run = |narrow: bool| {
        let frames = |_: &TableRef| {
            let lazy = frame.clone().lazy();
            Ok(if narrow { lazy.filter(keep(&pushed[0].1)) } else { lazy })
        };
        let lazy = bound.lower(&frames).unwrap();
        let lazy = if narrow { lazy } else { lazy.filter(keep("date")) };
        lazy.sort(["date", "city"], SortMultipleOptions::default()).collect().unwrap()
    };
    assert!(run(true).height() > 0);
    assert!(run(true).equals_missing(&run(false)));
}
