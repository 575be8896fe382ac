//! What one writer sees: creation, replacement, versions, columns, refusals.

use crate::fixture::{change, day, expected, frame, now, permit, put, rows, rows_of, schema, stage};
use assay_lake::{Kind, LakeField, Scope, change_of_run, history, open, open_version, replace};
use assay_pipeline::Permit;
use chrono::TimeDelta;
use parquet::file::reader::{FileReader, SerializedFileReader};
use polars::prelude::{DataType, TimeUnit};
use std::fs;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_with_its_first_rows_and_only_named_dates_change() {
    for above in ["plain", "names with spaces, [brackets] * and ä", "a=1"] {
        let root = tempfile::tempdir().unwrap();
        one_table(&root.path().join(above).join("t")).await;
    }
}

async fn one_table(folder: &Path) {
    assert!(open(folder).await.unwrap().is_none());
    let first = put(folder, "a", &[Some(day(0)), Some(day(1)), None], 3).await.unwrap();
    assert_eq!((first.version, first.before, first.rows_replaced), (0, None, 0));
    let second = put(folder, "b", &[Some(day(1))], 2).await.unwrap();
    assert_eq!((second.version, second.before, second.rows_replaced), (1, Some(0), 3));
    let third = put(folder, "c", &[None], 1).await.unwrap();
    assert_eq!((third.version, third.rows_replaced), (2, 3));
    let found = rows(folder).await;
    assert_eq!(found[&Some(day(0))], expected("a", 3));
    assert_eq!(found[&Some(day(1))], expected("b", 2));
    assert_eq!(found[&None], expected("c", 1));

    let snapshot = open(folder).await.unwrap().unwrap();
    assert_eq!((snapshot.version(), snapshot.rows()), (2, 6));
    assert_eq!(snapshot.fields(), schema());
    assert_eq!(snapshot.partition_column(), Some("date"));
    assert_eq!(snapshot.committed_at(), Some(now()));
    let partitions = snapshot.partitions();
    let partitions: Vec<_> = partitions.iter().map(|info| (info.date, info.rows, info.files)).collect();
    assert_eq!(partitions, [(Some(day(0)), 3, 1), (Some(day(1)), 2, 1), (None, 1, 1)]);
    assert_eq!(snapshot.bytes(), snapshot.files().iter().map(|file| file.size).sum::<u64>());
    let one = rows_of(snapshot.scan(Some(&[day(1)])).unwrap());
    assert_eq!(one.into_iter().collect::<Vec<_>>(), [(Some(day(1)), expected("b", 2))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_stay_readable() {
    let root = tempfile::tempdir().unwrap();
    for run in 0..4 {
        put(root.path(), &format!("r{run}"), &[Some(day(0))], run + 1).await.unwrap();
    }
    for version in 0..4 {
        let old = open_version(root.path(), version).await.unwrap();
        let found = rows_of(old.scan(None).unwrap());
        assert_eq!(found[&Some(day(0))], expected(&format!("r{version}"), version + 1));
    }
    let error = open_version(root.path(), 9).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(error.to_string().contains("no version 9"), "{error}");
    assert_eq!(open_version(root.path(), -1).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_names_runs_and_counts_files() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0)), Some(day(1))], 1).await.unwrap();
    put(root.path(), "b", &[Some(day(1))], 1).await.unwrap();
    let found = history(root.path(), 10).await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|one| (one.version, one.run.as_deref().unwrap(), one.files_added, one.files_removed))
        .collect();
    assert_eq!(told, [(1, "b", 1, 1), (0, "a", 2, 0)]);
    assert_eq!((found[0].at, found[0].what.as_str()), (Some(now()), "replaced some dates"));
    assert_eq!(history(root.path(), 1).await.unwrap().len(), 1);
    assert!(history(&root.path().join("none"), 1).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_changed_ends_where_another_began() {
    let root = tempfile::tempdir().unwrap();
    for run in ["a", "b", "a", "a", "c"] {
        put(root.path(), run, &[Some(day(0))], 1).await.unwrap();
    }
    let change = async |run, limit| change_of_run(root.path(), run, limit).await.unwrap().map(|c| (c.before, c.after));
    assert_eq!(change("a", 9).await, Some((Some(1), 3)));
    assert_eq!(change("b", 9).await, Some((Some(0), 1)));
    assert_eq!(change("a", 2).await, Some((Some(2), 3)), "as far as was looked");
    assert_eq!(change("d", 9).await, None);
    let other = tempfile::tempdir().unwrap();
    put(other.path(), "a", &[Some(day(0))], 1).await.unwrap();
    assert_eq!(change_of_run(other.path(), "a", 9).await.unwrap().unwrap().before, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_made_and_read() {
    let root = tempfile::tempdir().unwrap();
    for run in 0..25 {
        put(root.path(), &format!("r{run}"), &[Some(day(run % 3))], 2).await.unwrap();
    }
    let log = root.path().join("_delta_log");
    for version in [9, 19] {
        assert!(log.join(format!("{version:020}.checkpoint.parquet")).exists());
    }
    // The checkpoint is really used: without the commits before it the table is the same.
    for version in 0..19 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let read = open_version(root.path(), 24).await.unwrap();
    let found = rows_of(read.scan(None).unwrap());
    for (number, run) in [(0, "r24"), (1, "r22"), (2, "r23")] {
        assert_eq!(found[&Some(day(number))], expected(run, 2));
    }
    assert_eq!(history(root.path(), 100).await.unwrap().len(), 6);
    assert_eq!(open_version(root.path(), 5).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_commit_has_a_checkpoint_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let dates: Vec<_> = (0..250).map(|number| Some(day(number))).collect();
    put(root.path(), "a", &dates, 1).await.unwrap();
    put(root.path(), "b", &dates[..1], 2).await.unwrap();
    let log = root.path().join("_delta_log");
    assert!(log.join("00000000000000000000.checkpoint.parquet").exists());
    assert!(!log.join("00000000000000000001.checkpoint.parquet").exists());
    // A reader of one date reads all of it: names that share their text take little room.
    let paths = path_bytes(&log.join("00000000000000000000.checkpoint.parquet"));
    assert!(paths < 250 * 12, "{paths} bytes for the names of 250 files");
    // Really used: without its text the long commit is still there.
    fs::remove_file(log.join("00000000000000000000.json")).unwrap();
    let found = rows_of(open_version(root.path(), 1).await.unwrap().scan(None).unwrap());
    assert_eq!((found.len(), &found[&dates[0]], &found[&dates[249]]), (250, &expected("b", 2), &expected("a", 1)));
}

/// What the names of a checkpoint's files take on disk.
fn path_bytes(checkpoint: &Path) -> i64 {
    let reader = SerializedFileReader::new(fs::File::open(checkpoint).unwrap()).unwrap();
    let groups = reader.metadata().row_groups().iter().flat_map(|group| group.columns());
    groups.filter(|column| column.column_path().string() == "add.path").map(|column| column.compressed_size()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_others_change_or_make_anew_is_read_anew() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("table");
    let holds = async |run: &str, count: i64| {
        for _ in 0..2 {
            assert_eq!(rows(&folder).await[&Some(day(0))], expected(run, count));
        }
    };
    put(&folder, "a", &[Some(day(0))], 1).await.unwrap();
    holds("a", 1).await;
    let first = open(&folder).await.unwrap().unwrap().table_id().unwrap();
    put(&folder, "b", &[Some(day(0))], 2).await.unwrap();
    holds("b", 2).await;
    fs::rename(&folder, root.path().join("old")).unwrap();
    assert!(open(&folder).await.unwrap().is_none());
    put(&folder, "c", &[Some(day(0))], 3).await.unwrap();
    put(&folder, "d", &[Some(day(0))], 4).await.unwrap();
    holds("d", 4).await;
    assert_ne!(open(&folder).await.unwrap().unwrap().table_id().unwrap(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_sees_the_files_and_stops_the_commit() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0))], 3).await.unwrap();
    let columns = schema();
    let staged = stage(root.path(), frame("b", &[Some(day(0))], 5), "b");
    let mut refusing = change(root.path(), &columns, Scope::dates(&[day(0)]), staged, "b");
    refusing.audit = &|before, staged| {
        assert_eq!(before.unwrap().rows(), 3);
        Err(format!("{} rows are too many", staged.iter().map(|file| file.rows).sum::<u64>()))
    };
    let error = replace(&permit(), now(), refusing).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.to_string().contains("5 rows are too many"), "{error}");
    assert_eq!(rows(root.path()).await[&Some(day(0))], expected("a", 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_valid_permit_nothing_is_written() {
    let root = tempfile::tempdir().unwrap();
    let columns = schema();
    let ended = Permit::issue("local", "r", now());
    let elsewhere = Permit::issue("production", "r", now() + TimeDelta::hours(1));
    for permit in [ended, elsewhere] {
        let staged = stage(root.path(), frame("a", &[Some(day(0))], 1), "a");
        let refused = replace(&permit, now(), change(root.path(), &columns, Scope::Whole, staged, "a")).await;
        assert_eq!(refused.unwrap_err().kind(), Kind::Permit);
        assert!(open(root.path()).await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_change_is_no_commit_and_an_empty_table_is_a_table() {
    let root = tempfile::tempdir().unwrap();
    let columns = schema();
    let made = replace(&permit(), now(), change(root.path(), &columns, Scope::Whole, vec![], "a")).await.unwrap();
    assert_eq!(made.version, 0);
    let empty = open(root.path()).await.unwrap().unwrap();
    assert_eq!((empty.rows(), empty.fields().len()), (0, 3));
    assert!(rows_of(empty.scan(None).unwrap()).is_empty());
    let again = change(root.path(), &columns, Scope::dates(&[day(4)]), vec![], "b");
    let again = replace(&permit(), now(), again).await.unwrap();
    assert_eq!((again.version, again.before), (0, Some(0)));
    assert_eq!(history(root.path(), 9).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_can_be_emptied() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0)), Some(day(1))], 3).await.unwrap();
    let columns = schema();
    let emptied = change(root.path(), &columns, Scope::dates(&[day(0)]), vec![], "b");
    assert_eq!(replace(&permit(), now(), emptied).await.unwrap().rows_replaced, 3);
    assert_eq!(rows(root.path()).await.into_keys().collect::<Vec<_>>(), [Some(day(1))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_outside_the_scope_or_the_columns_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let columns = schema();
    let stray = stage(root.path(), frame("a", &[Some(day(0)), Some(day(1))], 1), "a");
    let stray = change(root.path(), &columns, Scope::dates(&[day(0)]), stray, "a");
    assert!(replace(&permit(), now(), stray).await.unwrap_err().to_string().contains("does not replace"));

    let mut other = columns.clone();
    other[2].kind = DataType::Int32;
    let staged = stage(root.path(), frame("a", &[Some(day(0))], 1), "a");
    let wrong = replace(&permit(), now(), change(root.path(), &other, Scope::Whole, staged.clone(), "a")).await;
    assert!(wrong.unwrap_err().to_string().contains("has id as i64 and not as i32"));

    let mut lying = staged.clone();
    lying[0].rows += 1;
    let lying = replace(&permit(), now(), change(root.path(), &columns, Scope::Whole, lying, "a")).await;
    assert!(lying.unwrap_err().to_string().contains("changed after it was staged"));

    let mut elsewhere = staged;
    elsewhere[0].path = format!("../t/{}", elsewhere[0].path);
    let elsewhere = replace(&permit(), now(), change(root.path(), &columns, Scope::Whole, elsewhere, "a")).await;
    assert_eq!(elsewhere.unwrap_err().kind(), Kind::Refused);
    assert!(open(root.path()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_may_be_added_by_dates_and_changed_only_as_a_whole() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0)), Some(day(1))], 2).await.unwrap();
    let mut wider = schema();
    wider.push(LakeField::new("at", DataType::Datetime(TimeUnit::Microseconds, None), true));
    let staged = stage(root.path(), frame("b", &[Some(day(1))], 1), "b");
    let added = change(root.path(), &wider, Scope::dates(&[day(1)]), staged, "b");
    replace(&permit(), now(), added).await.unwrap();
    let snapshot = open(root.path()).await.unwrap().unwrap();
    assert_eq!(snapshot.fields(), wider);
    assert_eq!(rows(root.path()).await[&Some(day(0))], expected("a", 2));

    let mut changed = wider.clone();
    changed[2].kind = DataType::String;
    let breaking = [
        (changed.clone(), "id is i64 and would become str"),
        (wider[..3].to_vec(), "at is gone"),
        (wider.iter().map(|field| LakeField { nullable: false, ..field.clone() }).collect(), "would be required"),
    ];
    for (columns, why) in breaking {
        let partial = change(root.path(), &columns, Scope::dates(&[day(1)]), vec![], "c");
        let error = replace(&permit(), now(), partial).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.to_string().contains(why) && error.to_string().contains("Run all dates"), "{error}");
    }
    let whole = change(root.path(), &changed, Scope::Whole, vec![], "d");
    assert_eq!(replace(&permit(), now(), whole).await.unwrap().rows_replaced, 3);
    assert_eq!(open(root.path()).await.unwrap().unwrap().fields(), changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_the_engine_would_misread_are_refused() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0))], 1).await.unwrap();
    let commit = root.path().join("_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&commit).unwrap();
    fs::write(&commit, text.replace(r#""configuration":{"#, r#""configuration":{"delta.columnMapping.mode":"name","#))
        .unwrap();
    let error = match open(root.path()).await {
        Ok(snapshot) => snapshot.unwrap().scan(None).err().unwrap(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Kind::Unsupported, "{error}");
}
