//! Several writers at once: threads and programs, same and different dates, a table that is not there yet.

use crate::child;
use crate::fixture::{day, expected, put};
use assay_lake::{history, open, open_version};
use std::collections::BTreeSet;
use std::path::Path;

/// In every version each date holds all rows of exactly one run. Gives the runs of the newest.
pub async fn check_every_version(folder: &Path, count: i64) -> Vec<String> {
    let newest = open(folder).await.unwrap().unwrap().version();
    let mut last = Vec::new();
    for version in 0..=newest {
        let found = crate::fixture::rows_of(open_version(folder, version).await.unwrap().scan(None).unwrap());
        last = found
            .values()
            .map(|rows| {
                let run = rows[0].0.clone();
                assert_eq!(rows, &expected(&run, count), "version {version}");
                run
            })
            .collect();
    }
    last
}

async fn threads(dates: [Vec<u32>; 2]) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("t");
    let writers = dates.into_iter().zip(["a", "b"]).map(|(dates, name)| {
        let folder = folder.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let dates: Vec<_> = dates.iter().map(|number| Some(day(*number))).collect();
            runtime.block_on(async {
                for number in 0..15 {
                    put(&folder, &format!("{name}{number}"), &dates, 5).await.unwrap();
                }
            });
        })
    });
    writers.collect::<Vec<_>>().into_iter().for_each(|writer| writer.join().unwrap());
    check_every_version(&folder, 5).await;
    assert_eq!(history(&folder, 99).await.unwrap().len(), 30, "each replacement is one commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_threads_on_the_same_date() {
    threads([vec![0], vec![0]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_threads_on_overlapping_dates() {
    threads([vec![0, 1], vec![1, 2]]).await;
}

/// Runs two programs at the same time and gives the runs that the newest version holds.
async fn programs(dates: [&[u32]; 2]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("t");
    let start = |name: &str, dates| child::command("race", &folder, name, dates).spawn().unwrap();
    let mut children = [start("a", dates[0]), start("b", dates[1])];
    for child in &mut children {
        assert!(child::wait_for(child, "done"), "both finish");
        assert!(child.wait().unwrap().success());
    }
    let runs = history(&folder, 99).await.unwrap();
    let runs: BTreeSet<String> = runs.into_iter().map(|version| version.run.unwrap()).collect();
    assert_eq!(runs.len(), 24, "each replacement is one commit");
    check_every_version(&folder, 5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_on_the_same_date_of_a_missing_table() {
    let last = programs([&[0], &[0]]).await;
    assert!(last == ["a11"] || last == ["b11"], "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_on_different_dates() {
    assert_eq!(programs([&[0, 1], &[2]]).await, ["a11", "a11", "b11"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_on_overlapping_dates() {
    let last = programs([&[0, 1], &[1, 2]]).await;
    assert_eq!((last[0].as_str(), last[2].as_str()), ("a11", "b11"));
}
