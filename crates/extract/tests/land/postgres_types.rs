//! Every value of a PostgreSQL table comes out of the Parquet file as the server has it.

use crate::cluster::{Cluster, shared};
use crate::postgres::{feed, land};
use crate::support::{World, column, types};
use arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, Float64Array, Int16Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use assay_extract::Quiet;
use proptest::option::of;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::path::Path;

/// Days and microseconds from 1970 to 2000, from where the SQL below counts.
const DAYS: i32 = 10_957;
const MICROS: i64 = 946_684_800_000_000;

#[derive(Debug, Clone)]
struct Row {
    small: Option<i16>,
    medium: Option<i32>,
    large: Option<i64>,
    money: Option<i128>,
    wide: Option<i128>,
    free: Option<String>,
    text: Option<String>,
    yes: Option<bool>,
    day: Option<i32>,
    local: Option<i64>,
    instant: Option<i64>,
    double: Option<f64>,
    id: Option<u128>,
    json: Option<String>,
}

fn row() -> impl Strategy<Value = Row> {
    let micros = -210_000_000_000_000_000i64..9_000_000_000_000_000_000;
    let numbers = (
        of(any::<i16>()),
        of(any::<i32>()),
        of(any::<i64>()),
        of(-(10i128.pow(12) - 1)..10i128.pow(12)),
        of(-(10i128.pow(38) - 1)..10i128.pow(38)),
        of("-?(0|[1-9][0-9]{0,60})(\\.[0-9]{0,40}[1-9])?"),
    );
    let others = (
        of("[^\\x00]{0,20}"),
        of(any::<bool>()),
        of(-2_400_000i32..2_000_000),
        of(micros.clone()),
        of(micros),
        of(prop::num::f64::ANY),
        of(any::<u128>()),
        of("[a-z\"\\\\]{0,10}"),
    );
    (numbers, others).prop_map(|(numbers, others)| {
        let (small, medium, large, money, wide, free) = numbers;
        let (text, yes, day, local, instant, double, id, json) = others;
        // The server has no negative zero.
        let free = free.map(|free| {
            if free.trim_start_matches('-').bytes().all(|b| b == b'0' || b == b'.') { "0".to_owned() } else { free }
        });
        let json = json.map(|text| serde_json::json!({ "a": [text] }).to_string());
        Row { small, medium, large, money, wide, free, text, yes, day, local, instant, double, id, json }
    })
}

/// SQL for a value, written without the code under test.
fn sql<T>(value: Option<&T>, text: impl FnOnce(&T) -> String) -> String {
    value.map_or("NULL".to_owned(), text)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn values(at: usize, row: &Row) -> String {
    let decimal = |value: &i128, scale: u32| {
        let (whole, fraction) = (value.unsigned_abs() / 10u128.pow(scale), value.unsigned_abs() % 10u128.pow(scale));
        format!("'{}{whole}.{fraction:0>1$}'", if *value < 0 { "-" } else { "" }, scale as usize)
    };
    let fields = [
        at.to_string(),
        sql(row.small.as_ref(), |value| format!("'{value}'")),
        sql(row.medium.as_ref(), |value| format!("'{value}'")),
        sql(row.large.as_ref(), |value| format!("'{value}'")),
        sql(row.money.as_ref(), |value| decimal(value, 2)),
        sql(row.wide.as_ref(), |value| decimal(value, 10)),
        sql(row.free.as_ref(), |value| quoted(value)),
        sql(row.text.as_ref(), |value| quoted(value)),
        sql(row.yes.as_ref(), bool::to_string),
        sql(row.day.as_ref(), |days| format!("date '2000-01-01' + ({days})")),
        sql(row.local.as_ref(), |micros| format!("timestamp '2000-01-01' + {}", interval(*micros))),
        sql(row.instant.as_ref(), |micros| format!("timestamptz '2000-01-01 00:00:00Z' + {}", interval(*micros))),
        sql(row.double.as_ref(), |value| format!("'{value:?}'")),
        sql(row.id.as_ref(), |value| format!("'{value:032x}'")),
        sql(row.json.as_ref(), |value| quoted(value)),
    ];
    format!("({})", fields.join(", "))
}

fn interval(micros: i64) -> String {
    format!("interval '{} seconds {} microseconds'", micros / 1_000_000, micros % 1_000_000)
}

async fn check(cluster: &Cluster, rows: &[Row]) {
    let world = World::new(&[]);
    let client = cluster.client().await;
    client
        .batch_execute(
            "DROP SCHEMA IF EXISTS types CASCADE; CREATE SCHEMA types; CREATE TABLE types.t (n int PRIMARY KEY, \
             small int2, medium int4, large int8, money numeric(12,2), wide numeric(38,10), free numeric, \
             text varchar(40), yes bool, day date, local timestamp, instant timestamptz, double float8, id uuid, json json)",
        )
        .await
        .unwrap();
    let values: Vec<String> = rows.iter().enumerate().map(|(at, row)| values(at, row)).collect();
    client.batch_execute(&format!("INSERT INTO types.t VALUES {}", values.join(", "))).await.unwrap();
    let landed = land(&world, cluster, &feed("types.t", &["n"], None, 1000), "r1", &Quiet).await.unwrap();
    let path = world.path(&landed.files[0].path);
    let texts =
        |name: &str| column::<StringArray>(&path, name).iter().map(|it| it.map(str::to_owned)).collect::<Vec<_>>();
    let of = |pick: fn(&Row) -> Option<String>| rows.iter().map(pick).collect::<Vec<_>>();
    macro_rules! same {
        ($array:ty, $name:literal, $pick:expr) => {
            let found: Vec<_> = column::<$array>(&path, $name).iter().collect();
            assert_eq!(found, rows.iter().map($pick).collect::<Vec<_>>(), $name);
        };
    }
    same!(Int16Array, "small", |row| row.small);
    same!(Int32Array, "medium", |row| row.medium);
    same!(Int64Array, "large", |row| row.large);
    same!(Decimal128Array, "money", |row| row.money);
    same!(Decimal128Array, "wide", |row| row.wide);
    same!(BooleanArray, "yes", |row| row.yes);
    same!(Date32Array, "day", |row| row.day.map(|days| days + DAYS));
    same!(TimestampMicrosecondArray, "local", |row| row.local.map(|micros| micros + MICROS));
    same!(TimestampMicrosecondArray, "instant", |row| row.instant.map(|micros| micros + MICROS));
    let doubles: Vec<_> = column::<Float64Array>(&path, "double").iter().map(|it| it.map(canonical)).collect();
    assert_eq!(doubles, rows.iter().map(|row| row.double.map(canonical)).collect::<Vec<_>>());
    assert_eq!(texts("free"), of(|row| row.free.clone()));
    assert_eq!(texts("text"), of(|row| row.text.clone()));
    assert_eq!(texts("json"), of(|row| row.json.clone()));
    let ids: Vec<_> = texts("id").into_iter().map(|it| it.map(|it| it.replace('-', ""))).collect();
    assert_eq!(ids, of(|row| row.id.map(|id| format!("{id:032x}"))));
}

/// All NaNs are one to the server.
fn canonical(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

#[test]
fn every_row_comes_out_as_it_is() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let cluster = runtime.block_on(shared());
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    runner
        .run(&prop::collection::vec(row(), 1..60), |rows| {
            runtime.block_on(check(&cluster, &rows));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn types_are_those_of_the_catalogue() {
    let (cluster, world) = (shared().await, World::new(&[]));
    let client = cluster.client().await;
    client
        .batch_execute(
            "CREATE SCHEMA catalogue; CREATE TABLE catalogue.t (n int PRIMARY KEY, gone int, small int2, large int8, \
             money numeric(10,2), free numeric, huge numeric(50,2), odd numeric(4,-2), text text, short varchar(3), yes bool, \
             day date, local timestamp(0), instant timestamptz, double float8, id uuid, j json, b jsonb); \
             ALTER TABLE catalogue.t DROP COLUMN gone; \
             INSERT INTO catalogue.t (n, huge, odd, b) VALUES (1, 123456789012345678901234567890123456789012345678.25, 12345, '{\"b\":1,\"a\":2}')",
        )
        .await
        .unwrap();
    let landed = land(&world, &cluster, &feed("catalogue.t", &["n"], None, 10), "r1", &Quiet).await.unwrap();
    let path = world.path(&landed.files[0].path);
    let expected = [
        "n Int32",
        "small Int16",
        "large Int64",
        "money Decimal128(10, 2)",
        "free Utf8",
        "huge Utf8",
        "odd Utf8",
        "text Utf8",
        "short Utf8",
        "yes Boolean",
        "day Date32",
        "local Timestamp(µs)",
        "instant Timestamp(µs, \"UTC\")",
        "double Float64",
        "id Utf8",
        "j Utf8",
        "b Utf8",
    ];
    assert_eq!(types(&path), expected);
    let text = |name| column::<StringArray>(Path::new(&path), name).value(0).to_owned();
    assert_eq!(text("huge"), "123456789012345678901234567890123456789012345678.25");
    assert_eq!((text("odd"), text("b")), ("12300".to_owned(), "{\"a\": 2, \"b\": 1}".to_owned()));
}
