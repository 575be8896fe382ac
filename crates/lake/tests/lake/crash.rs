//! Programs killed at any moment.

use crate::child;
use crate::fixture::{day, expected, put, rows};
use crate::race::check_every_version;
use assay_lake::{open, sweep};
use std::fs;
use std::path::Path;
use std::time::Duration;

const KILLS: u64 = 40;

fn data_files(folder: &Path) -> usize {
    let dates = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let dates = dates.filter(|path| path.is_dir() && !path.ends_with("_delta_log"));
    dates.map(|date| fs::read_dir(date).unwrap().count()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_leaves_the_version_before_or_after() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    put(folder, "first", &[Some(day(0)), Some(day(1))], 5).await.unwrap();
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut stopped_between = 0;
    for kill in 0..KILLS {
        // A new offset for each kill, the same in each run of the test.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(kill);
        let before = open(folder).await.unwrap().unwrap().version();
        let mut child = child::command("crash", folder, &format!("k{kill}-"), &[0, 1]).spawn().unwrap();
        let moment = if kill % 4 == 0 { "staging" } else { "committing" };
        assert!(child::wait_for(&mut child, moment));
        std::thread::sleep(Duration::from_micros((seed >> 33) % 12_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let after = open(folder).await.unwrap().unwrap().version();
        assert!(after >= before);
        stopped_between += u64::from(after == before);
        let found = rows(folder).await;
        for date in [day(0), day(1)] {
            let run = found[&Some(date)][0].0.clone();
            assert_eq!(found[&Some(date)], expected(&run, 5), "kill {kill}");
        }
        assert_eq!(found[&Some(day(0))], found[&Some(day(1))], "both dates of one commit");
    }
    assert!(stopped_between > 0 && stopped_between < KILLS, "{stopped_between} of {KILLS} kills came before a commit");
    check_every_version(folder, 5).await;

    let before = data_files(folder);
    let young = sweep(folder, Duration::from_secs(3600), chrono::Utc::now()).await.unwrap();
    assert_eq!(young.files, 0, "files of running programs stay");
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(2);
    let swept = sweep(folder, Duration::from_secs(3600), later).await.unwrap();
    assert!(swept.files > 0 && swept.bytes > 0, "{swept:?}");
    assert!(data_files(folder) < before);
    check_every_version(folder, 5).await;
    put(folder, "last", &[Some(day(0)), Some(day(1))], 5).await.unwrap();
    assert_eq!(rows(folder).await[&Some(day(1))], expected("last", 5));
}

fn staged_of(folder: &Path, run: &str) -> usize {
    let dates = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let names = dates.flat_map(|date| fs::read_dir(date).unwrap().map(|entry| entry.unwrap().file_name()));
    names.filter(|name| name.to_string_lossy().starts_with(&format!("part-{run}-"))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_program_staged_goes_with_the_next_commit_and_what_a_live_one_did_stays() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    put(folder, "first", &[Some(day(0)), Some(day(1))], 5).await.unwrap();
    let mut child = child::command("staged", folder, "k", &[1, 2]).spawn().unwrap();
    assert!(child::wait_for(&mut child, "staged"));
    put(folder, "second", &[Some(day(0))], 5).await.unwrap();
    assert_eq!(staged_of(folder, "k"), 2, "its program lives");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(staged_of(folder, "k"), 2);
    put(folder, "third", &[Some(day(0))], 5).await.unwrap();
    assert_eq!(staged_of(folder, "k"), 0);
    assert!(!folder.join(".staged").exists(), "nothing is noted any more");
    check_every_version(folder, 5).await;

    // What a dead program has committed is not its leftover, and goes on to be read in older versions.
    let mut child = child::command("committed", folder, "c", &[0, 1]).spawn().unwrap();
    assert!(child::wait_for(&mut child, "committed"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(folder.join(".staged").exists());
    for run in ["fourth", "fifth"] {
        put(folder, run, &[Some(day(0)), Some(day(1))], 5).await.unwrap();
        assert_eq!(staged_of(folder, "c"), 2);
    }
    assert!(!folder.join(".staged").exists());
    check_every_version(folder, 5).await;
}
