//! Staging: types, cancelling, cleaning up.

use crate::fixture::{change, day, frame, now, permit, put, schema, stage};
use assay_lake::{Job, Kind, Scope, discard, open, replace, stage_frame, stage_frames, sweep};
use polars::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with(".staged") => {}
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn staged_files_say_what_they_hold() {
    let root = tempfile::tempdir().unwrap();
    let staged = stage(root.path(), frame("a", &[Some(day(0)), Some(day(1)), None], 4), "run/1");
    let told: Vec<_> = staged.iter().map(|file| (file.partition, file.rows)).collect();
    assert_eq!(told, [(Some(day(0)), 4), (Some(day(1)), 4), (None, 4)]);
    let names: Vec<_> = staged.iter().map(|file| file.path.clone()).collect();
    assert_eq!(names, files(root.path()));
    assert!(names[0].starts_with("date=2024-01-01/part-run_1-"), "{}", names[0]);
    assert!(names[2].starts_with("date=__HIVE_DEFAULT_PARTITION__/"), "{}", names[2]);
    for file in &staged {
        assert_eq!(file.size, fs::metadata(root.path().join(&file.path)).unwrap().len());
        let mut reader = ParquetReader::new(fs::File::open(root.path().join(&file.path)).unwrap());
        let columns: Vec<String> = reader.schema().unwrap().iter_names().map(|name| name.to_string()).collect();
        assert_eq!(columns, ["run", "id"], "the date is in the path alone");
    }
    // A second run of the same dates overwrites nothing.
    assert_eq!(stage(root.path(), frame("a", &[Some(day(0))], 4), "run/1").len(), 1);
    assert_eq!(files(root.path()).len(), 4);
}

#[test]
fn no_rows_are_no_files() {
    let root = tempfile::tempdir().unwrap();
    for partition in [Some("date"), None] {
        let staged = stage_frame(frame("a", &[], 0), root.path(), partition, "r", &|| false).unwrap();
        assert!(staged.is_empty());
        assert!(files(root.path()).is_empty());
    }
}

#[test]
fn several_tables_are_staged_in_one_pass() {
    let root = tempfile::tempdir().unwrap();
    let (facts, totals) = (root.path().join("facts"), root.path().join("totals"));
    let reads = std::sync::Arc::new(AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&reads);
    let base = frame("a", &[Some(day(0)), Some(day(1))], 4).map(
        move |rows| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(rows)
        },
        OptFlags::default(),
        None,
        None,
    );
    let total = base.clone().group_by([col("run")]).agg([col("id").sum()]);
    let jobs = vec![
        Job { frame: base, folder: facts.as_path().into(), partition: Some("date") },
        Job { frame: total, folder: totals.as_path().into(), partition: None },
    ];
    let staged = stage_frames(jobs, "r", &|| false).unwrap();
    let rows: Vec<u64> = staged.iter().map(|files| files.iter().map(|file| file.rows).sum()).collect();
    assert_eq!(rows, [8, 1]);
    assert_eq!(reads.load(Ordering::SeqCst), 1, "what they share is computed once");
}

#[test]
fn a_frame_that_fails_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let fail = |rows: DataFrame| match rows.height() {
        0 => Ok(rows),
        _ => Err(PolarsError::ComputeError("value 4711".into())),
    };
    let rows = frame("a", &[Some(day(0))], 9).map(fail, OptFlags::default(), None, None);
    let error = stage_frame(rows, root.path(), Some("date"), "r", &|| false).unwrap_err();
    assert_eq!(error.kind(), Kind::Io);
    assert!(!error.to_string().contains("4711"), "{error}");
    let panicking = frame("a", &[Some(day(0))], 9).map(|_| panic!("no"), OptFlags::default(), None, None);
    let error = stage_frame(panicking, root.path(), Some("date"), "r", &|| false).unwrap_err();
    assert!(error.to_string().contains("the engine"), "{error}");
    let unsigned = frame("a", &[Some(day(0))], 9).with_columns([col("id").cast(DataType::UInt32)]);
    let error = stage_frame(unsigned, root.path(), Some("date"), "r", &|| false).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    let error = stage_frame(frame("a", &[], 0), root.path(), Some("run"), "r", &|| false).unwrap_err();
    assert!(error.to_string().contains("run is no date column"), "{error}");
    assert!(files(root.path()).is_empty(), "{:?}", files(root.path()));
}

#[test]
fn a_cancelled_frame_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let asked = AtomicU32::new(0);
    // Many rows, so that the engine is still at work when it is asked to stop.
    let rows = frame("a", &[Some(day(0)), Some(day(1))], 3_000_000);
    let cancelled = || asked.fetch_add(1, Ordering::SeqCst) > 0;
    let error = stage_frame(rows, root.path(), Some("date"), "r", &cancelled).unwrap_err();
    assert_eq!(error.kind(), Kind::Cancelled, "{error}");
    assert!(files(root.path()).is_empty(), "{:?}", files(root.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn discarding_removes_staged_files_and_no_others() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0))], 2).await.unwrap();
    let staged = stage(root.path(), frame("b", &[Some(day(0))], 2), "b");
    assert_eq!(files(root.path()).len(), 3);
    discard(root.path(), &staged);
    assert_eq!(files(root.path()).len(), 2);
    let committed = stage(root.path(), frame("c", &[Some(day(0))], 2), "c");
    let columns = schema();
    let done = change(root.path(), &columns, Scope::dates(&[day(0)]), committed.clone(), "c");
    replace(&permit(), now(), done).await.unwrap();
    discard(root.path(), &committed);
    assert_eq!(open(root.path()).await.unwrap().unwrap().rows(), 2);
    assert_eq!(files(root.path()).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_keeps_every_version_and_foreign_files() {
    let root = tempfile::tempdir().unwrap();
    for run in 0..23 {
        put(root.path(), &format!("r{run}"), &[Some(day(0))], 2).await.unwrap();
    }
    let kept = files(root.path());
    // As after a cleanup: the versions before the first checkpoint are gone.
    for version in 0..9 {
        fs::remove_file(root.path().join(format!("_delta_log/{version:020}.json"))).unwrap();
    }
    stage(root.path(), frame("dead", &[Some(day(0)), Some(day(7))], 2), "dead");
    fs::write(root.path().join("date=2024-01-01/mine.parquet"), "x").unwrap();
    fs::write(root.path().join("_delta_log/.00000000000000000030.json.0.tmp"), "x").unwrap();
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(2);
    let swept = sweep(root.path(), Duration::from_secs(3600), later).await.unwrap();
    // Two staged files, one draft, and the data of the versions 0 to 8, which no longer exist.
    assert_eq!(swept.files, 3 + 9);
    let left = files(root.path());
    assert!(left.contains(&"date=2024-01-01/mine.parquet".to_owned()));
    assert!(!left.iter().any(|name| name.contains("dead") || name.ends_with(".tmp")));
    assert!(!root.path().join("date=2024-01-08").exists());
    assert_eq!(left.len(), kept.len() - 9 - 9 + 1);
    for version in 9..23 {
        let snapshot = assay_lake::open_version(root.path(), version).await.unwrap();
        assert!(snapshot.files().iter().all(|file| root.path().join(&file.path).exists()), "version {version}");
    }
    assert_eq!(sweep(&root.path().join("none"), Duration::ZERO, later).await.unwrap().files, 0);
}
