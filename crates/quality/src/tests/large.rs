//! More rows than one batch: order, counts, a cancel on the way, a file that cannot be written.

use super::*;
use crate::QualityError;
use polars::prelude::{ChunkedArray, Column, Int64Type, IntoColumn, NamedFrom, PlRefPath, Series};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

const ROWS: i64 = 400_000;

fn many() -> DataFrame {
    let ids: ChunkedArray<Int64Type> = (0..ROWS).map(Some).collect();
    let sevens: ChunkedArray<Int64Type> = (0..ROWS).map(|id| (id % 7 != 0).then_some(id % 7)).collect();
    let mut ids = ids.into_column();
    ids.rename("id".into());
    let mut sevens = sevens.into_column();
    sevens.rename("seven".into());
    let text = Series::new("text".into(), (0..ROWS).map(|id| format!("t{}", id / 2)).collect::<Vec<_>>());
    DataFrame::new_infer_height(vec![ids, sevens, Column::from(text)]).unwrap()
}

fn data<'a>(
    rows: LazyFrame,
    references: &'a BTreeMap<String, LazyFrame>,
    cancelled: &'a (dyn Fn() -> bool + Sync),
) -> Data<'a> {
    Data {
        rows,
        key: &[],
        references,
        files: None,
        history: &NoHistory,
        now: DateTime::from_timestamp(NOW, 0).unwrap(),
        profile: Profile::Glue,
        composites: Composites::Column,
        cancelled,
    }
}

fn read(path: &Path) -> DataFrame {
    LazyFrame::scan_parquet(PlRefPath::try_from_path(path).unwrap(), Default::default()).unwrap().collect().unwrap()
}

#[test]
fn failing_rows_keep_the_order_of_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failing.parquet");
    let rules = r#"IsComplete "seven", ColumnValues "id" < 399999, IsUnique "text", IsUnique "id""#;
    let found = with(rules, &many(), Profile::Glue, Composites::Column, Rows::Keep(&path));
    assert_eq!(found.failing, Some(ROWS as u64));
    let counts: Vec<u64> = found.verdicts.iter().map(|verdict| verdict.rows.unwrap().failed).collect();
    assert_eq!(counts, [57_143, 1, ROWS as u64, 0]);
    let file = read(&path);
    assert!(file.column("id").unwrap().i64().unwrap().iter().eq((0..ROWS).map(Some)));
}

#[test]
fn rules_of_which_each_is_broken_by_few_rows_keep_few() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failing.parquet");
    let found = with(r#"ColumnValues "id" > 1000"#, &many(), Profile::Glue, Composites::Column, Rows::Keep(&path));
    assert_eq!(found.failing, Some(1001));
    assert!(read(&path).column("id").unwrap().i64().unwrap().iter().eq((0..1001).map(Some)));
    let none = with(r#"ColumnValues "id" >= 0"#, &many(), Profile::Glue, Composites::Column, Rows::Keep(&path));
    assert_eq!((none.failing, path.exists()), (Some(0), false), "a file of before is no answer");
}

#[test]
fn a_cancel_on_the_way_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failing.parquet");
    let ruleset = assay_dqdl::parse(r#"Rules = [ ColumnValues "id" < 0, IsUnique "text" ]"#).unwrap();
    let references = BTreeMap::new();
    for looks in [0, 1, 2, 3] {
        let seen = AtomicUsize::new(0);
        let cancelled = || seen.fetch_add(1, Ordering::Relaxed) >= looks;
        // Whichever look it is that cancels: either all is done, or nothing is left.
        let result = evaluate(&ruleset, &data(many().lazy(), &references, &cancelled), Rows::Keep(&path));
        match result {
            Err(QualityError::Cancelled) => assert!(!path.exists(), "{looks}"),
            other => assert!(other.is_ok() && looks > 0, "{looks}: {other:?}"),
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent").join("failing.parquet");
    let ruleset = assay_dqdl::parse(r#"Rules = [ ColumnValues "id" < 0 ]"#).unwrap();
    let references = BTreeMap::new();
    let error = evaluate(&ruleset, &data(many().lazy(), &references, &|| false), Rows::Keep(&path)).unwrap_err();
    assert!(matches!(error, QualityError::Unwritable { .. }), "{error:?}");
    assert!(error.to_string().contains("absent"), "{error}");
}

#[test]
fn rows_that_cannot_be_read_are_an_error() {
    let path = PlRefPath::try_from_path(Path::new("/absent/rows.parquet")).unwrap();
    let references = BTreeMap::new();
    let ruleset = assay_dqdl::parse("Rules = [ RowCount > 0 ]").unwrap();
    let error = LazyFrame::scan_parquet(path, Default::default())
        .map_err(|source| QualityError::Unreadable { source })
        .and_then(|rows| evaluate(&ruleset, &data(rows, &references, &|| false), Rows::Count));
    assert!(matches!(error, Err(QualityError::Unreadable { .. })), "{error:?}");
}
