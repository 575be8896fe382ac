//! The models of the shipped pipelines: all compile, and those that look for a last record find it.

#![allow(clippy::unwrap_used)]
use crate::gold::{Tables, compile, contract_fields};
use assay_pipeline::Pipeline;
use assay_sql::{TableRef, Type, Use, bind, dtype_of};
use assay_testkit::{Table, table_of};
use chrono::{DateTime, Days, NaiveDate};
use polars::prelude::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines").join(name)
}

#[test]
fn every_model_compiles() {
    let mut seen = 0;
    for entry in std::fs::read_dir(shipped("")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let pipeline = Pipeline::read(&folder).unwrap();
        let compiled = compile(&pipeline).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(compiled.len(), pipeline.models.len());
        seen += compiled.len();
    }
    assert!(seen >= 15, "{seen}");
}

/// A number stands for days, microseconds, whole numbers and unscaled decimals.
#[derive(Debug, Clone)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
}

/// Rows of a silver table under some of its columns; the others are null.
type Rows = (&'static str, &'static [&'static str], Vec<Vec<Cell>>);

/// What a model gives over silver tables.
fn rows_of(pipeline: &str, model: &str, silver: &[Rows]) -> Table {
    let pipeline = Pipeline::read(&shipped(pipeline)).unwrap();
    let model = pipeline.models.iter().find(|found| found.name == model).unwrap();
    let bound = bind(&model.sql, &Tables::of_silver(&pipeline), Use::Model).unwrap();
    let scan = |table: &TableRef| {
        let (name, columns, rows) = silver.iter().find(|(name, _, _)| *name == table.name).unwrap();
        let contract = pipeline.contracts.iter().find(|contract| contract.table == *name).unwrap();
        let series = contract_fields(contract).into_iter().map(|field| {
            let at = columns.iter().position(|column| *column == field.name);
            let cells = rows.iter().map(|row| at.map_or(Cell::Null, |at| row[at].clone())).collect::<Vec<_>>();
            column(&field.name, field.kind, &cells)
        });
        Ok(DataFrame::new(rows.len(), series.collect())?.lazy())
    };
    let lazy = bound.lower(&scan).unwrap();
    let frame = lazy.collect_with_engine(Engine::Streaming).unwrap().unwrap_single();
    let names: Vec<&str> = bound.fields().iter().map(|field| field.name.as_str()).collect();
    table_of(&frame, &names).unwrap()
}

fn column(name: &str, kind: Type, cells: &[Cell]) -> Column {
    if kind == Type::String {
        let texts = cells.iter().map(|cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None });
        return Series::new(name.into(), texts.collect::<Vec<_>>()).into_column();
    }
    let numbers = cells.iter().map(|cell| if let Cell::Number(number) = cell { Some(*number) } else { None });
    let series = match kind {
        Type::Decimal { precision, scale } => {
            let units: Vec<Option<i128>> = numbers.map(|number| number.map(i128::from)).collect();
            let units = Series::new(name.into(), units);
            units.i128().unwrap().clone().into_decimal_unchecked(precision.into(), scale.into()).into_series()
        }
        Type::Date => {
            let days: Vec<Option<i32>> = numbers.map(|number| number.map(|days| days as i32)).collect();
            Series::new(name.into(), days).cast(&DataType::Date).unwrap()
        }
        kind => Series::new(name.into(), numbers.collect::<Vec<_>>()).cast(&dtype_of(kind)).unwrap(),
    };
    series.into_column()
}

fn text(text: impl ToString) -> Cell {
    Cell::Text(text.to_string())
}

fn or_null(value: Option<u8>) -> Cell {
    value.map_or(Cell::Null, |value| text(name(value)))
}

fn name(value: u8) -> String {
    format!("name {value}")
}

fn some(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

fn hundredths(value: i64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

fn moment(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

const DAY: i64 = 86_400_000_000;

/// Store, day, whether name and city are there and which.
type Sale = (u8, i64, Option<u8>, Option<u8>);

#[derive(Debug, Clone)]
struct Line {
    invoice: u8,
    article: u8,
    description: u8,
    time: i64,
    price: i64,
    customer: u8,
    country: u8,
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (0u8..3, 0u8..3, 0u8..3, 0i64..3, 1i64..4, 0u8..3, 0u8..3).prop_map(
        |(invoice, article, description, time, price, customer, country)| Line {
            invoice,
            article,
            description,
            time,
            price,
            customer,
            country,
        },
    );
    prop::collection::vec(line, 0..25)
}

/// The greatest of each group by the order, its columns as text.
fn last<K: Ord + Copy, O: Ord>(
    lines: &[Line],
    group: impl Fn(&Line) -> K,
    order: impl Fn(&Line) -> O,
) -> BTreeMap<K, O> {
    let mut found: BTreeMap<K, O> = BTreeMap::new();
    for line in lines {
        let order = order(line);
        match found.get(&group(line)) {
            Some(kept) if *kept >= order => {}
            _ => {
                found.insert(group(line), order);
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_dimension_has_the_last_value_of_each_attribute(
        sales in prop::collection::vec((0u8..3, 0i64..4, prop::option::of(0u8..5), prop::option::of(0u8..5)), 0..30)
    ) {
        // A transaction is one of its date. Numbers as text are not in their order: 10 comes before 9.
        let mut on_date = [0; 4];
        let numbered = sales.into_iter().map(|sale| {
            on_date[sale.1 as usize] += 1;
            ((on_date[sale.1 as usize] * 7 % 31).to_string(), sale)
        });
        let sales: Vec<(String, Sale)> = numbered.collect();
        let rows = sales.iter().map(|(id, (store, day, name, city))| {
            vec![text(id), text(store), Cell::Number(*day), or_null(*name), or_null(*city)]
        });
        let columns = &["transaction_id", "store_id", "date", "store_name", "city"];
        let found = rows_of("sales_star", "dim_store", &[("sales", columns, rows.collect())]);
        let mut sorted: Vec<_> = sales.iter().collect();
        sorted.sort_by_key(|(id, (_, day, _, _))| (*day, id.clone()));
        let mut expected: BTreeMap<u8, (Option<u8>, Option<u8>)> = BTreeMap::new();
        for (_, (store, _, name, city)) in sorted {
            let kept = expected.entry(*store).or_default();
            *kept = (name.or(kept.0), city.or(kept.1));
        }
        let expected = expected.into_iter().map(|(store, (n, c))| vec![some(store), n.map(name), c.map(name)]);
        prop_assert_eq!(found, Table::new(&["store_id", "store_name", "city"], expected.collect()));
    }

    #[test]
    fn customers_and_products_are_those_of_the_last_line(lines in lines()) {
        let rows = lines.iter().map(|line| {
            vec![
                text(line.invoice), text(line.article), text(name(line.description)), Cell::Number(line.time * DAY),
                Cell::Number(line.price), text(line.customer), text(name(line.country)),
            ]
        });
        let columns: &[&str] =
            &["invoiceno", "stockcode", "description", "invoicedate", "unitprice", "customerid", "country"];
        let silver = [("online_retail", columns, rows.collect::<Vec<_>>())];
        let customers = last(&lines, |l| l.customer, |l| (l.time, l.invoice, l.article, l.country));
        let customers = customers.into_iter().map(|(customer, last)| vec![some(customer), some(name(last.3))]);
        prop_assert_eq!(
            rows_of("online_retail", "customers", &silver),
            Table::new(&["customerid", "country"], customers.collect())
        );
        let products = last(&lines, |l| l.article, |l| (l.time, l.invoice, l.price, l.description));
        let products = products.into_iter().map(|(article, (_, _, price, description))| {
            vec![some(article), some(name(description)), some(format!("0.{price:03}"))]
        });
        prop_assert_eq!(
            rows_of("online_retail", "products", &silver),
            Table::new(&["stockcode", "description", "unitprice"], products.collect())
        );
    }

    #[test]
    fn revenue_counts_each_order_once(
        orders in prop::collection::vec((0i64..5, 0i64..4 * DAY, 0usize..4), 0..12),
        items in prop::collection::vec((0i64..12, 1i64..5, 1i64..900), 0..30),
    ) {
        const STATUSES: [&str; 4] = ["paid", "shipped", "cancelled", "returned"];
        // Customer 4 is not known, so its country is not either.
        let country = |customer: i64| (customer < 4).then(|| name(customer as u8 % 2));
        let customers = (0..4).map(|id| vec![Cell::Number(id), text(name(id as u8 % 2))]);
        let order_rows = orders.iter().enumerate().map(|(id, (customer, at, status))| {
            vec![
                Cell::Number(id as i64), Cell::Number(*customer), text(STATUSES[*status]), Cell::Number(*at),
                Cell::Number(at / DAY),
            ]
        });
        let item_rows = items.iter().map(|(order, quantity, cents)| [*order, *quantity, *cents].map(Cell::Number).to_vec());
        let silver: [Rows; 3] = [
            ("customers", &["customer_id", "country"], customers.collect()),
            ("orders", &["order_id", "customer_id", "status", "ordered_at", "order_date"], order_rows.collect()),
            ("order_items", &["order_id", "quantity", "unit_price"], item_rows.collect()),
        ];
        let mut days: BTreeMap<(i64, Option<String>), (i64, i64, i64)> = BTreeMap::new();
        let mut values: BTreeMap<i64, (i64, i64, i64, i64)> = BTreeMap::new();
        for (id, (customer, at, status)) in orders.iter().enumerate().filter(|(_, order)| order.2 < 2) {
            let of_order = || items.iter().filter(|(order, _, _)| *order == id as i64);
            let units: i64 = of_order().map(|(_, quantity, _)| quantity).sum();
            let cents: i64 = of_order().map(|(_, quantity, cents)| quantity * cents).sum();
            let day = days.entry((at / DAY, country(*customer))).or_default();
            *day = (day.0 + 1, day.1 + units, day.2 + cents);
            let value = values.entry(*customer).or_insert((*at, *at, 0, 0));
            *value = (value.0.min(*at), value.1.max(*at), value.2 + 1, value.3 + cents);
            prop_assert!(*status < 2);
        }
        let date = |days: i64| NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + Days::new(days as u64);
        let days = days.into_iter().map(|((day, country), (orders, units, cents))| {
            vec![some(date(day)), country, some(orders), some(units), some(hundredths(cents))]
        });
        let columns = ["order_date", "country", "orders", "units", "revenue"];
        prop_assert_eq!(rows_of("operational_lake", "daily_revenue", &silver), Table::new(&columns, days.collect()));
        let values = values.into_iter().map(|(customer, (first, last, orders, cents))| {
            vec![some(customer), some(moment(first)), some(moment(last)), some(orders), some(hundredths(cents))]
        });
        let columns = ["customer_id", "first_order", "last_order", "orders", "revenue"];
        prop_assert_eq!(rows_of("operational_lake", "customer_value", &silver), Table::new(&columns, values.collect()));
    }
}
