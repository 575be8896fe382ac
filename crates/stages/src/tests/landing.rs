//! Files as a database's rows land in them: every type that Parquet has for the contract's types.

#![allow(clippy::unwrap_used)]
use super::contracts::{Rules, column, contract, shop_of};
use super::shop::Shop;
use arrow::array::*;
use arrow::datatypes::{DataType, TimeUnit};
use proptest::prelude::*;
use std::sync::Arc;

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// A shop with one column besides the day, and what it made of a Parquet column.
fn landed(kind: &str, array: ArrayRef) -> (Shop, Vec<String>) {
    let shop = shop_of(contract(vec![
        column("day", "date").required().is("file_date()"),
        column("v", kind).formats(if kind == "timestamp" { &["%Y-%m-%d %H:%M:%S"] } else { &[] }),
    ]));
    shop.put("2024-01-01/a.parquet", parquet(vec![("v", array)]));
    let done = shop.ingest().unwrap();
    let mut rows = Vec::new();
    if done.counts.accepted > 0 {
        rows.extend(shop.silver_columns(&["_source_line", "v"]));
    }
    if done.counts.quarantined > 0 {
        rows.extend(shop.quarantine(&["_source_line", "reason"]));
    }
    rows.sort_by_key(|row| row.split('|').next().unwrap().parse::<u64>().unwrap());
    let rows = rows.iter().map(|row| row.split_once('|').unwrap().1.to_owned()).collect();
    (shop, rows)
}

#[track_caller]
fn assert_landed(kind: &str, array: impl Array + 'static, expected: &[&str]) {
    let from = array.data_type().clone();
    assert_eq!(landed(kind, Arc::new(array)).1, expected, "{from} as {kind}");
}

#[test]
fn each_type_of_a_database_keeps_its_value() {
    assert_landed("boolean", BooleanArray::from(vec![Some(true), Some(false), None]), &["true", "false", "null"]);
    assert_landed("int32", Int16Array::from(vec![i16::MIN, i16::MAX]), &["-32768", "32767"]);
    assert_landed("int32", Int32Array::from(vec![Some(i32::MIN), None]), &["-2147483648", "null"]);
    assert_landed("int32", Int64Array::from(vec![2_147_483_648, 7]), &["type.v", "7"]);
    assert_landed(
        "int64",
        Int64Array::from(vec![i64::MIN, i64::MAX]),
        &["-9223372036854775808", "9223372036854775807"],
    );
    assert_landed("int64", UInt64Array::from(vec![u64::MAX, 1]), &["type.v", "1"]);
    assert_landed("string", StringArray::from(vec![Some(" a\u{a0}"), Some(" "), None]), &["a", "null", "null"]);
    assert_landed("string", Int64Array::from(vec![7]), &["7"]);
    assert_landed("double", Float64Array::from(vec![0.1, -0.0, f64::NAN, 1e300]), &["0.1", "-0.0", "type.v", "1e300"]);
    assert_landed("double", Decimal128Array::from(vec![10]).with_precision_and_scale(3, 2).unwrap(), &["0.1"]);
    assert_landed(
        "date",
        Date32Array::from(vec![Some(-1), Some(19_723), None, Some(i32::MAX)]),
        &["1969-12-31", "2024-01-01", "null", "type.v"],
    );
    assert_landed("date", Date64Array::from(vec![86_400_000, 86_400_001]), &["1970-01-02", "type.v"]);
    assert_landed("int64", NullArray::new(2), &["null", "null"]);
}

#[test]
fn decimals_are_exact() {
    let largest = 99_999_999_999_999_999_999_999_999_999_999_999_999i128;
    let wide = Decimal128Array::from(vec![largest, -largest, 0]).with_precision_and_scale(38, 4).unwrap();
    assert_landed(
        "decimal(38,4)",
        wide.clone(),
        &["9999999999999999999999999999999999.9999", "-9999999999999999999999999999999999.9999", "0.0000"],
    );
    assert_landed("decimal(10,2)", wide, &["type.v", "type.v", "0.00"]);
    let cents = Decimal128Array::from(vec![12_340, 12_345]).with_precision_and_scale(10, 3).unwrap();
    assert_landed("decimal(10,2)", cents.clone(), &["12.34", "type.v"]);
    assert_landed("string", cents, &["12.340", "12.345"]);
    assert_landed("decimal(10,2)", Decimal32Array::from(vec![-5]).with_precision_and_scale(4, 1).unwrap(), &["-0.50"]);
    assert_landed(
        "decimal(10,2)",
        Decimal64Array::from(vec![500]).with_precision_and_scale(12, 1).unwrap(),
        &["50.00"],
    );
    assert_landed(
        "int32",
        Decimal128Array::from(vec![70, 75]).with_precision_and_scale(10, 1).unwrap(),
        &["7", "type.v"],
    );
}

#[test]
fn moments_keep_every_unit_exactly() {
    const DAY: i64 = 86_400;
    let (last, next) = ("1969-12-31T23:59:59.000000", "1970-01-02T00:00:00.000000");
    for kind in ["instant", "timestamp"] {
        for zone in [None, Some("UTC"), Some("+02:00"), Some("Europe/Zurich")] {
            let seconds = TimestampSecondArray::from(vec![-1, DAY]).with_timezone_opt(zone);
            assert_landed(kind, seconds, &[last, next]);
            let millis = TimestampMillisecondArray::from(vec![-1000, DAY * 1000, i64::MAX]).with_timezone_opt(zone);
            assert_landed(kind, millis, &[last, next, "type.v"]);
            let micros =
                TimestampMicrosecondArray::from(vec![-1_000_000, 1, i64::MAX, i64::MIN]).with_timezone_opt(zone);
            assert_landed(kind, micros, &[last, "1970-01-01T00:00:00.000001", "type.v", "type.v"]);
            let nanos = TimestampNanosecondArray::from(vec![-1000, 1000, 1, -1, i64::MAX / 1000 * 1000]);
            let nanos = nanos.with_timezone_opt(zone);
            assert_landed(
                kind,
                nanos,
                &[
                    "1969-12-31T23:59:59.999999",
                    "1970-01-01T00:00:00.000001",
                    "type.v",
                    "type.v",
                    "2262-04-11T23:47:16.854775",
                ],
            );
        }
    }
    assert_landed("date", TimestampMicrosecondArray::from(vec![-86_400_000_000, 1]), &["1969-12-31", "type.v"]);
    assert_landed("instant", Date32Array::from(vec![1]), &[next]);
    assert_landed("instant", StringArray::from(vec!["1970-01-02T01:00:00+01:00", "1970-01-02"]), &[next, "type.v"]);
    assert_landed("instant", Int64Array::from(vec![1]), &["type.v"]);
}

#[test]
fn stored_instants_have_their_zone() {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let (shop, _) = landed("instant", Arc::new(TimestampMillisecondArray::from(vec![1]).with_timezone("UTC")));
    let mut folders = vec![shop.folder_of_table()];
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|ending| ending == "parquet") {
                let file = std::fs::File::open(entry.path()).unwrap();
                let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
                let kind = builder.schema().field_with_name("v").unwrap().data_type().clone();
                assert_eq!(kind, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
                found += 1;
            }
        }
    }
    assert_eq!(found, 1);
}

/// The same values as JSON lines and as CSV must come out as they do from Parquet.
fn as_text(texts: &[Option<String>], kind: &str, name: &str) -> Vec<String> {
    let shop = shop_of(contract(vec![column("day", "date").required().is("file_date()"), column("v", kind)]));
    let bytes: String = match name {
        "a.csv" => std::iter::once("v,w\n".to_owned())
            .chain(texts.iter().map(|text| format!("{},x\n", text.as_deref().unwrap_or_default())))
            .collect(),
        _ => texts.iter().map(|text| serde_json::json!({ "v": text }).to_string() + "\n").collect(),
    };
    shop.put(&format!("2024-01-01/{name}"), bytes);
    shop.ingest().unwrap();
    let mut rows = shop.silver_columns(&["_source_line", "v"]);
    let first = if name == "a.csv" { 2 } else { 1 };
    rows.sort_by_key(|row| row.split('|').next().unwrap().parse::<u64>().unwrap());
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row.split('|').next().unwrap(), (at + first).to_string());
    }
    rows.iter().map(|row| row.split_once('|').unwrap().1.to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn instants_are_the_same_in_every_form(
        micros in prop::collection::vec(prop::option::of(-62_000_000_000_000_000i64..253_000_000_000_000_000), 1..12),
        offset in -1439i32..=1439,
    ) {
        let zone = chrono::FixedOffset::east_opt(offset * 60).unwrap();
        let text = |micros: &i64| {
            let moment = chrono::DateTime::from_timestamp_micros(*micros).unwrap();
            moment.with_timezone(&zone).to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
        };
        let texts: Vec<Option<String>> = micros.iter().map(|micros| micros.as_ref().map(text)).collect();
        let array = TimestampMicrosecondArray::from(micros.clone()).with_timezone("UTC");
        let expected: Vec<String> = micros.iter().map(|micros| micros.map_or("null".to_owned(), |micros| {
            chrono::DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
        })).collect();
        prop_assert_eq!(&landed("instant", Arc::new(array)).1, &expected);
        prop_assert_eq!(&as_text(&texts, "instant", "a.json"), &expected);
        prop_assert_eq!(&as_text(&texts, "instant", "a.csv"), &expected);
    }
}
