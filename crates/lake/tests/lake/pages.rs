//! Pages against a full read.

use crate::fixture::{change, day, now, permit};
use assay_lake::{Kind, LakeField, Page, PageRequest, Scope, open, page, parquet_page, replace, stage_frame};
use polars::prelude::*;
use proptest::prelude::*;
use std::io::Cursor;
use std::path::Path;

fn columns() -> Vec<LakeField> {
    vec![
        LakeField::new("id", DataType::Int64, true),
        LakeField::new("date", DataType::Date, true),
        LakeField::new("amount", DataType::Decimal(15, 2), true),
        LakeField::new("name", DataType::String, true),
    ]
}

/// Ids from `from`, for one date (none: without a date).
fn frame(date: Option<chrono::NaiveDate>, from: i64, count: i64, width: usize) -> LazyFrame {
    let ids: Vec<i64> = (from..from + count).collect();
    let dates = vec![date; ids.len()];
    let names: Vec<String> = ids.iter().map(|id| format!("{id}").repeat(width)).collect();
    let date = DateChunked::from_naive_date_options("date".into(), dates).into_series();
    let columns = vec![Column::new("id".into(), ids), date.into_column(), Column::new("name".into(), names)];
    let amount = (col("id").cast(DataType::Decimal(15, 2)) / lit(4).cast(DataType::Decimal(15, 2))).alias("amount");
    let frame =
        DataFrame::new_infer_height(columns).unwrap().lazy().with_columns([amount.cast(DataType::Decimal(15, 2))]);
    frame.select([col("id"), col("date"), col("amount"), col("name")])
}

/// Dates with one, two and three files, and rows without a date.
async fn table(folder: &Path, rows: i64, width: usize) {
    let files = [(Some(day(2)), 1), (Some(day(0)), 2), (None, 1), (Some(day(1)), 3)];
    let mut staged = Vec::new();
    let mut from = 0;
    for (date, count) in files {
        for _ in 0..count {
            let (rows_of_file, owned) = (frame(date, from, rows, width), folder.to_path_buf());
            let work = move || stage_frame(rows_of_file, &owned, Some("date"), "r", &|| false).unwrap();
            staged.extend(std::thread::spawn(work).join().unwrap());
            from += rows;
        }
    }
    let columns = columns();
    replace(&permit(), now(), change(folder, &columns, Scope::Whole, staged, "r")).await.unwrap();
}

fn decode(page: &Page) -> DataFrame {
    let frame = IpcStreamReader::new(Cursor::new(&page.ipc)).finish().unwrap();
    assert_eq!(frame.height() as u64, page.rows);
    frame
}

fn said(page: &Page, key: &str) -> Option<String> {
    let metadata = IpcStreamReader::new(Cursor::new(&page.ipc)).custom_metadata().unwrap()?;
    metadata.get(key).map(|value| value.to_string())
}

/// The whole version in the order of its files, read without the code under test.
fn full_read(snapshot: &assay_lake::Snapshot, folder: &Path) -> DataFrame {
    let mut all: Option<DataFrame> = None;
    for file in snapshot.files() {
        let reader = ParquetReader::new(std::fs::File::open(folder.join(&file.path)).unwrap());
        let mut part = reader.finish().unwrap();
        let date = DateChunked::from_naive_date_options("date".into(), vec![file.partition; part.height()]);
        part.with_column(date.into_series().into_column()).unwrap();
        let part = part.select(["id", "date", "amount", "name"]).unwrap();
        match &mut all {
            Some(all) => drop(all.vstack_mut(&part).unwrap()),
            None => all = Some(part),
        }
    }
    all.unwrap()
}

#[test]
fn pages_are_slices_of_the_whole() {
    let root = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(table(root.path(), 300, 1));
    let snapshot = runtime.block_on(open(root.path())).unwrap().unwrap();
    let (whole, folder) = (full_read(&snapshot, root.path()), root.path());
    let total = whole.height() as u64;
    assert_eq!(total, 2100);
    let dates: Vec<_> = snapshot.partitions().iter().map(|info| info.date).collect();
    assert_eq!(dates, [Some(day(0)), Some(day(1)), Some(day(2)), None]);
    proptest!(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() },
        |(offset in 0u64..2300, limit in 0u32..700, below in prop::option::of(0i64..2100), wanted in 0usize..3)| {
        let columns: &[&str] = [&[][..], &["amount"], &["name", "id"]][wanted];
        let request = PageRequest {
            offset,
            limit,
            columns: columns.iter().map(|name| name.to_string()).collect(),
            filter: below.map(|below| col("id").lt(lit(below))),
            ..Default::default()
        };
        let page = runtime.block_on(page(folder, request)).unwrap();
        let kept = match below {
            Some(below) => whole.filter(&whole.column("id").unwrap().i64().unwrap().lt(below)).unwrap(),
            None => whole.clone(),
        };
        let expected = kept.slice(offset as i64, limit as usize);
        let expected = if columns.is_empty() { expected } else { expected.select(columns.iter().copied()).unwrap() };
        prop_assert!(decode(&page).equals_missing(&expected), "offset {offset} limit {limit} below {below:?}");
        prop_assert_eq!(page.total, kept.height() as u64);
        prop_assert_eq!(said(&page, "assay.offset"), Some(offset.to_string()));
        prop_assert_eq!(said(&page, "assay.total"), Some(page.total.to_string()));
        prop_assert_eq!(said(&page, "assay.rows"), Some(page.rows.to_string()));
        prop_assert_eq!(said(&page, "assay.version"), Some("0".to_owned()));
    });
}

#[tokio::test]
async fn a_page_of_wide_rows_is_cut_and_says_so() {
    let root = tempfile::tempdir().unwrap();
    table(root.path(), 100, 20_000).await;
    let wide = page(root.path(), PageRequest { limit: 100, ..Default::default() }).await.unwrap();
    assert!(wide.ipc.len() <= 1024 * 1024, "{} bytes", wide.ipc.len());
    assert!(wide.rows > 5 && wide.rows < 100, "{} rows", wide.rows);
    assert_eq!(said(&wide, "assay.rows"), Some(wide.rows.to_string()));
    let next = PageRequest { offset: wide.rows, limit: 1, columns: vec!["id".to_owned()], ..Default::default() };
    let next = decode(&page(root.path(), next).await.unwrap());
    let last = decode(&wide).column("id").unwrap().i64().unwrap().last().unwrap();
    assert_eq!(next.column("id").unwrap().i64().unwrap().get(0), Some(last + 1));
}

#[tokio::test]
async fn an_older_version_has_its_own_pages() {
    let root = tempfile::tempdir().unwrap();
    table(root.path(), 10, 1).await;
    let columns = columns();
    replace(&permit(), now(), change(root.path(), &columns, Scope::Whole, vec![], "r2")).await.unwrap();
    let empty = page(root.path(), PageRequest { limit: 5, ..Default::default() }).await.unwrap();
    assert_eq!((empty.rows, empty.total, empty.version), (0, 0, Some(1)));
    assert_eq!(decode(&empty).width(), 4);
    let old = page(root.path(), PageRequest { version: Some(0), limit: 5, ..Default::default() }).await.unwrap();
    assert_eq!((old.rows, old.total, old.version), (5, 70, Some(0)));
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let root = tempfile::tempdir().unwrap();
    let missing = page(&root.path().join("none"), PageRequest::default()).await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound);
    table(root.path(), 1, 1).await;
    let request = PageRequest { columns: vec!["amuont".to_owned()], ..Default::default() };
    let error = page(root.path(), request).await.unwrap_err();
    assert!(error.to_string().contains("no column amuont. Its columns are id, date, amount, name"), "{error}");
    let filter = Some(col("nothing").eq(lit(1)));
    let error = page(root.path(), PageRequest { filter, limit: 1, ..Default::default() }).await.unwrap_err();
    assert!(error.to_string().contains("nothing"), "{error}");
}

#[test]
fn a_bronze_file_is_shown_in_types_that_javascript_reads() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("a*[b].parquet");
    let at = Column::new("at".into(), [1_700_000_000_123_456_789i64, 0]);
    let at = at.cast(&DataType::Datetime(TimeUnit::Nanoseconds, None)).unwrap();
    let mut rows = DataFrame::new_infer_height(vec![at, Column::new("id".into(), [7i64, 8])]).unwrap();
    ParquetWriter::new(std::fs::File::create(&file).unwrap()).finish(&mut rows).unwrap();
    let shown = parquet_page(&file, 1, 5).unwrap();
    assert_eq!((shown.rows, shown.total, shown.version), (1, 2, None));
    let whole = decode(&parquet_page(&file, 0, 5).unwrap());
    assert_eq!(whole.column("at").unwrap().dtype(), &DataType::Datetime(TimeUnit::Microseconds, None));
    assert_eq!(
        whole.column("at").unwrap().cast(&DataType::Int64).unwrap().i64().unwrap().get(0),
        Some(1_700_000_000_123_456)
    );

    std::fs::write(root.path().join("b.parquet"), b"PAR1 no").unwrap();
    assert_eq!(parquet_page(&root.path().join("b.parquet"), 0, 5).unwrap_err().kind(), Kind::Corrupt);
    assert_eq!(parquet_page(&root.path().join("c.parquet"), 0, 5).unwrap_err().kind(), Kind::Corrupt);
}
