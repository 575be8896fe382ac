//! One file for each date.

use super::*;
use arrow::array::AsArray;
use arrow::datatypes::{DataType as ArrowType, Decimal128Type, TimeUnit};
use polars::prelude::{TimeUnit as PolarsUnit, TimeZone};
use std::os::unix::fs::MetadataExt;

/// Two rows of each date: a name and an amount.
fn sales(dates: &[&str], amount: &str) -> DataFrame {
    let twice = |value: &str| [value.to_owned(), value.to_owned()].map(Some);
    let days: Vec<_> = dates.iter().flat_map(|date| twice(date)).collect();
    let names: Vec<String> = (0..days.len()).map(|row| format!("n{row}")).collect();
    let amounts = days.iter().map(|_| Some(amount.to_owned())).collect();
    frame(vec![
        column("date", days, DataType::Date),
        Column::new("name".into(), names),
        column("amount", amounts, DataType::Decimal(10, 2)),
    ])
}

/// One row with a value of every type, and one with nulls.
fn everything() -> DataFrame {
    let text = frame(vec![Column::new("text".into(), vec![Some("a,\"b\"\nc"), Some("")])]);
    let utc = DataType::Datetime(PolarsUnit::Microseconds, Some(TimeZone::UTC));
    let naive = DataType::Datetime(PolarsUnit::Microseconds, None);
    let or_null = |value: polars::prelude::Expr, name: &str, kind: DataType| {
        polars::prelude::when(col("text").neq(lit("")))
            .then(value.cast(kind.clone()))
            .otherwise(lit(NULL).cast(kind))
            .alias(name)
    };
    text.lazy()
        .select([
            col("text"),
            or_null(lit("-1234567890.05"), "money", DataType::Decimal(20, 2)),
            or_null(lit(7), "small", DataType::Int8),
            or_null(lit(i64::MAX), "large", DataType::Int64),
            or_null(lit(0.1), "double", DataType::Float64),
            or_null(lit(true), "flag", DataType::Boolean),
            or_null(lit(date("2024-02-29")), "day", DataType::Date),
            or_null(lit(1_700_000_000_123_456i64), "local", naive),
            or_null(lit(1_700_000_000_000_000i64), "moment", utc),
        ])
        .collect()
        .unwrap()
}

#[test]
fn a_table_without_dates_is_one_file_with_exact_values() {
    let bench = Bench::new(Layer::Gold, None);
    bench.commit(everything(), None);
    let done = bench.publish(&publication(PublishedForm::Csv, "gold/csv/sales"));
    assert_eq!(done, Published { written: 1, ..Published::default() });
    assert_eq!(
        bench.text("gold/csv/sales/sales.csv"),
        "text,money,small,large,double,flag,day,local,moment\n\
         \"a,\"\"b\"\"\nc\",-1234567890.05,7,9223372036854775807,0.1,true,2024-02-29,2023-11-14 22:13:20.123456,2023-11-14T22:13:20Z\n\
         \"\",,,,,,,,\n"
    );
    bench.publish(&publication(PublishedForm::Tsv, "tsv"));
    assert!(bench.text("tsv/sales.tsv").starts_with("text\tmoney\tsmall"));
    assert!(bench.text("tsv/sales.tsv").contains("\"a,\"\"b\"\"\nc\"\t-1234567890.05\t7\t"));

    bench.publish(&publication(PublishedForm::Parquet, "parquet"));
    let (rows, _) = parquet(&bench.out("parquet/sales.parquet"));
    let kind = |name: &str| rows.schema().field_with_name(name).unwrap().data_type().clone();
    assert_eq!(kind("money"), ArrowType::Decimal128(20, 2));
    assert_eq!(kind("small"), ArrowType::Int8);
    assert_eq!(kind("local"), ArrowType::Timestamp(TimeUnit::Microsecond, None));
    assert_eq!(kind("moment"), ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(kind("day"), ArrowType::Date32);
    assert_eq!(rows.column_by_name("money").unwrap().as_primitive::<Decimal128Type>().value(0), -123_456_789_005);
    assert!(rows.columns()[1..].iter().all(|column| column.is_null(1) && !column.is_null(0)));
    assert_eq!(rows.column(0).as_string::<i32>().value(1), "");
}

#[test]
fn an_empty_table_is_a_file_without_rows() {
    let bench = Bench::new(Layer::Gold, None);
    bench.commit(sales(&["2026-01-01"], "1.00").head(Some(0)), None);
    bench.publish(&publication(PublishedForm::Csv, "out"));
    assert_eq!(bench.text("out/sales.csv"), "date,name,amount\n");
}

#[test]
fn only_dates_that_changed_are_written_again() {
    let bench = Bench::new(Layer::Gold, Some("date"));
    let out = publication(PublishedForm::Csv, "out");
    bench.commit(sales(&["2026-01-01", "2026-01-02", "2026-01-03"], "1.00"), None);
    assert_eq!(bench.publish(&out).written, 3);
    assert_eq!(
        bench.text("out/date=2026-01-02/sales.csv"),
        "date,name,amount\n2026-01-02,n2,1.00\n2026-01-02,n3,1.00\n"
    );
    let inode = |day: u32| fs::metadata(bench.out(&format!("out/date=2026-01-0{day}/sales.csv"))).unwrap().ino();
    let before = [1, 2, 3].map(inode);
    assert_eq!(bench.publish(&out), Published { unchanged: 3, ..Published::default() });
    assert_eq!(before, [1, 2, 3].map(inode));
    bench.commit(sales(&["2026-01-02"], "2.50"), Some(&["2026-01-02"]));
    assert_eq!(bench.publish(&out), Published { written: 1, unchanged: 2, ..Published::default() });
    assert_eq!(
        bench.text("out/date=2026-01-02/sales.csv"),
        "date,name,amount\n2026-01-02,n0,2.50\n2026-01-02,n1,2.50\n"
    );
    assert_eq!([before[0], before[2]], [inode(1), inode(3)]);
    bench.commit(sales(&["2026-01-03"], "1.00").head(Some(0)), Some(&["2026-01-03"]));
    assert_eq!(bench.publish(&out), Published { removed: 1, unchanged: 2, ..Published::default() });
    assert_eq!(bench.names("out"), ["date=2026-01-01/sales.csv", "date=2026-01-02/sales.csv"]);
    assert!(!bench.out("out/date=2026-01-03").exists());
}

#[test]
fn parquet_has_the_date_in_its_path_alone() {
    let bench = Bench::new(Layer::Gold, Some("date"));
    bench.commit(sales(&["2026-01-01"], "1.00"), None);
    bench.publish(&publication(PublishedForm::Parquet, "out"));
    let (rows, _) = parquet(&bench.out("out/date=2026-01-01/sales.parquet"));
    let names: Vec<_> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!((names, rows.num_rows()), (vec!["name".to_owned(), "amount".to_owned()], 2));
}

#[test]
fn rows_without_a_date_have_a_file_of_their_own() {
    let bench = Bench::new(Layer::Gold, Some("date"));
    let rows = sales(&["2026-01-01", "2026-01-02"], "1.00").lazy();
    let first = col("date").eq(lit(date("2026-01-01")));
    let rows =
        rows.with_columns([polars::prelude::when(first).then(col("date")).otherwise(lit(NULL))]).collect().unwrap();
    bench.commit(rows, None);
    bench.publish(&publication(PublishedForm::Csv, "out"));
    assert_eq!(bench.text("out/date=__HIVE_DEFAULT_PARTITION__/sales.csv"), "date,name,amount\n,n2,1.00\n,n3,1.00\n");
    assert_eq!(bench.names("out").len(), 2);
}

#[test]
fn audit_columns_of_silver_stay_behind() {
    let bench = Bench::new(Layer::Silver, Some("date"));
    let rows = sales(&["2026-01-01"], "1.00").lazy();
    let audit = [lit("a.csv").alias("_source_file"), lit(1i64).alias("_source_line"), lit("r").alias("_run_id")];
    bench.commit(rows.with_columns(audit).collect().unwrap(), None);
    bench.publish(&publication(PublishedForm::Csv, "out"));
    assert!(bench.text("out/date=2026-01-01/sales.csv").starts_with("date,name,amount\n"));
}

#[test]
fn a_copy_that_was_interrupted_is_finished_whatever_the_table_became_meanwhile() {
    let bench = Bench::new(Layer::Gold, Some("date"));
    let out = publication(PublishedForm::Csv, "out");
    let days = ["2026-01-01", "2026-01-02"];
    bench.commit(sales(&days, "1.00"), None);
    bench.publish(&out);
    let first = bench.files("out");
    let record = fs::read(bench.out("out/.published.json")).unwrap();
    for checks in 0..4 {
        bench.commit(sales(&days, "2.00"), None);
        let error = bench.publish_with(&out, &Cancels(AtomicI32::new(checks))).unwrap_err();
        assert!(matches!(error, StageError::Cancelled), "{error}");
        assert!(bench.names("out").iter().all(|name| !name.ends_with(".tmp")));
        assert_ne!(fs::read(bench.out("out/.published.json")).unwrap(), record, "it must say that files are in doubt");
        // Back to the first files: the record of before must not hide what the interrupted copy wrote.
        bench.restore(0);
        bench.publish(&out);
        assert_eq!(bench.files("out"), first);
    }
    // What a killed process leaves is written over.
    fs::write(bench.out("out/date=2026-01-01/.sales.csv.tmp"), "half").unwrap();
    bench.commit(sales(&days, "1.00"), None);
    bench.publish(&out);
    assert_eq!(bench.files("out"), first);
}

#[test]
fn a_file_that_somebody_removed_comes_back() {
    let bench = Bench::new(Layer::Gold, Some("date"));
    let out = publication(PublishedForm::Csv, "out");
    bench.commit(sales(&["2026-01-01", "2026-01-02"], "1.00"), None);
    bench.publish(&out);
    let first = bench.files("out");
    fs::remove_file(bench.out("out/date=2026-01-02/sales.csv")).unwrap();
    assert_eq!(bench.publish(&out).written, 1);
    assert_eq!(bench.files("out"), first);
}

#[test]
fn other_columns_and_another_form_change_every_file() {
    let bench = Bench::new(Layer::Gold, Some("date"));
    let days = ["2026-01-01", "2026-01-02"];
    bench.commit(sales(&days, "1.00"), None);
    bench.publish(&publication(PublishedForm::Csv, "out"));
    let wider = sales(&days[..1], "1.00").lazy().with_columns([lit(5i64).alias("more")]).collect().unwrap();
    bench.commit(wider, Some(&days[..1]));
    assert_eq!(bench.publish(&publication(PublishedForm::Csv, "out")).written, 2);
    assert_eq!(bench.text("out/date=2026-01-02/sales.csv").lines().nth(1), Some("2026-01-02,n2,1.00,"));
    let done = bench.publish(&publication(PublishedForm::Tsv, "out"));
    assert_eq!((done.written, done.removed), (2, 2));
    assert_eq!(bench.names("out"), ["date=2026-01-01/sales.tsv", "date=2026-01-02/sales.tsv"]);
}

#[test]
fn nothing_is_written_outside_the_lake_folder_or_without_a_permit() {
    let bench = Bench::new(Layer::Gold, None);
    bench.commit(sales(&["2026-01-01"], "1.00"), None);
    let elsewhere = bench.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, bench.out("link")).unwrap();
    for path in ["../up", "/abs", "a/../../b", "link", "link/below", "", "."] {
        let error = bench.publish_with(&publication(PublishedForm::Csv, path), &Quiet).unwrap_err();
        assert!(matches!(error, StageError::CopyOutside { .. }), "{path}: {error}");
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count(), 0);
    let job = PublishJob {
        lake: &bench.lake,
        table: &bench.table,
        publications: &[publication(PublishedForm::Csv, "out")],
        tags: &|_| None,
        run: "run",
        processed_at: Bench::now(),
        permit: &Bench::permit("other"),
        threads: 1,
        now: &Bench::now,
    };
    assert!(matches!(publish(&job, &Quiet), Err(StageError::Permit(_))));
    assert!(!bench.out("out").exists());
}

#[test]
fn a_record_that_somebody_edited_is_refused() {
    let bench = Bench::new(Layer::Gold, None);
    bench.commit(sales(&["2026-01-01"], "1.00"), None);
    fs::create_dir_all(bench.out("out")).unwrap();
    fs::write(bench.out("out/.published.json"), "{").unwrap();
    let error = bench.publish_with(&publication(PublishedForm::Csv, "out"), &Quiet).unwrap_err();
    insta::assert_snapshot!(error, @"out/.published.json: the record of the copy cannot be understood (EOF while parsing an object at line 1 column 1); the table is whole. Put back an earlier record, or remove the folder to make the copy anew, then run again");
}

#[test]
fn a_table_that_is_not_there_has_no_copy() {
    let bench = Bench::new(Layer::Gold, None);
    assert_eq!(bench.publish(&publication(PublishedForm::Csv, "out")), Published::default());
    assert!(!bench.out("out").exists());
}
