//! A table that this process keeps is brought forward by what was committed since; it must be what the log says.

use crate::fixture::{change, day, frame, now, permit, put, schema, stage};
use assay_lake::{LakeField, Scope, Snapshot, open, replace};
use polars::prelude::{DataType, lit};
use std::path::Path;

/// The table as a process reads it that has never seen it: under a name of its own, nothing is kept.
async fn read_anew(folder: &Path, name: &str) -> Snapshot {
    let link = folder.with_file_name(name);
    std::os::unix::fs::symlink(folder, &link).unwrap();
    open(&link).await.unwrap().unwrap()
}

async fn same_as_read_anew(folder: &Path, name: &str) {
    let (kept, anew) = (open(folder).await.unwrap().unwrap(), read_anew(folder, name).await);
    assert_eq!(kept.version(), anew.version(), "{name}");
    assert_eq!(kept.fields(), anew.fields(), "{name}");
    assert_eq!(kept.files(), anew.files(), "{name}");
    assert_eq!(kept.partition_column(), anew.partition_column(), "{name}");
    assert_eq!(kept.table_id().unwrap(), anew.table_id().unwrap(), "{name}");
    assert_eq!(kept.committed_at(), anew.committed_at(), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_since_then_checkpoints_and_new_columns_are_followed() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("sales");
    // More commits than lie between two checkpoints.
    for number in 0..25u32 {
        let dates = [Some(day(1 + number % 3)), Some(day(4))];
        put(&folder, &format!("r{number}"), &dates, i64::from(number % 4)).await.unwrap();
        same_as_read_anew(&folder, &format!("at-{number}")).await;
    }
    let wider: Vec<_> = schema().into_iter().chain([LakeField::new("note", DataType::String, true)]).collect();
    let rows = frame("wide", &[Some(day(9))], 2).with_columns([lit("n").alias("note")]);
    let below = folder.clone();
    let staged = std::thread::spawn(move || stage(&below, rows, "wide")).join().unwrap();
    replace(&permit(), now(), change(&folder, &wider, Scope::Whole, staged, "wide")).await.unwrap();
    same_as_read_anew(&folder, "wide").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_made_anew_in_the_same_folder_is_no_continuation() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("sales");
    for run in ["a", "b"] {
        put(&folder, run, &[Some(day(1))], 1).await.unwrap();
    }
    open(&folder).await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    for run in ["c", "d", "e"] {
        let elsewhere = root.path().join("made-elsewhere");
        put(&elsewhere, run, &[Some(day(2))], 2).await.unwrap();
    }
    std::fs::rename(root.path().join("made-elsewhere"), &folder).unwrap();
    same_as_read_anew(&folder, "anew").await;
}
