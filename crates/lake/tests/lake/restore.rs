//! Going back to older versions: rows, columns, refusals, and random sequences against a model.

use crate::fixture::{Rows, change, day, expected, frame, now, permit, put, rows, rows_of, schema, stage};
use assay_lake::{Committed, Kind, LakeError, LakeField, Restore, RestoreTo, Scope, history, open, open_version};
use assay_lake::{replace, restore};
use assay_pipeline::Permit;
use polars::prelude::DataType;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn to<'a>(folder: &'a Path, to: RestoreTo, seen: Option<i64>) -> Restore<'a> {
    let (environment, table) = ("local", "shop/silver/sales");
    Restore { folder: folder.into(), environment, table, to, seen, run: "undo", definition: "d1", note: "undid run a" }
}

async fn back(folder: &Path, version: i64) -> Result<Committed, LakeError> {
    restore(&permit(), now(), to(folder, RestoreTo::Version(version), None)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_comes_back_in_a_new_commit_and_only_once() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0)), Some(day(1)), None], 3).await.unwrap();
    put(root.path(), "b", &[Some(day(1)), None], 2).await.unwrap();
    put(root.path(), "c", &[Some(day(2))], 1).await.unwrap();
    let done = back(root.path(), 0).await.unwrap();
    assert_eq!((done.version, done.before, done.rows_replaced), (3, Some(2), 5));
    let first = rows_of(open_version(root.path(), 0).await.unwrap().scan(None).unwrap());
    assert_eq!(rows(root.path()).await, first);
    let again = back(root.path(), 0).await.unwrap();
    assert_eq!((again.version, again.before, again.rows_replaced), (3, Some(3), 0));
    let told = history(root.path(), 9).await.unwrap();
    assert_eq!(told.len(), 4);
    assert_eq!((told[0].what.as_str(), told[0].run.as_deref()), ("undid run a", Some("undo")));
    assert_eq!((told[0].files_added, told[0].files_removed), (2, 3));
    // The date that both versions share is not touched, and the others can be gone to as before.
    let commit = fs::read_to_string(root.path().join("_delta_log/00000000000000000003.json")).unwrap();
    let ids: BTreeSet<&str> = commit.split("\"appId\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let expected_ids =
        ["shop/silver/sales/date=2024-01-02", "shop/silver/sales/date=2024-01-03", "shop/silver/sales/date=none"];
    assert_eq!(ids, BTreeSet::from(expected_ids));
    back(root.path(), 2).await.unwrap();
    assert_eq!(rows(root.path()).await[&Some(day(2))], expected("c", 1));
    put(root.path(), "d", &[Some(day(0))], 1).await.unwrap();
    assert_eq!(rows(root.path()).await[&Some(day(0))], expected("d", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_can_be_emptied_and_filled_again() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(back(root.path(), 0).await.unwrap_err().kind(), Kind::NotFound);
    let empty = async || restore(&permit(), now(), to(root.path(), RestoreTo::Empty, None)).await;
    assert_eq!(empty().await.unwrap_err().kind(), Kind::NotFound);
    put(root.path(), "a", &[Some(day(0)), None], 3).await.unwrap();
    assert_eq!(empty().await.unwrap().rows_replaced, 6);
    assert_eq!(empty().await.unwrap().version, 1);
    let found = open(root.path()).await.unwrap().unwrap();
    assert_eq!((found.rows(), found.fields()), (0, schema().as_slice()));
    back(root.path(), 0).await.unwrap();
    assert_eq!(rows(root.path()).await[&None], expected("a", 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_and_partitions_of_then_come_back() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0))], 2).await.unwrap();
    let other = vec![LakeField::new("date", DataType::Date, true), LakeField::new("run", DataType::String, true)];
    let narrow = frame("b", &[Some(day(0)), Some(day(1))], 1)
        .select([polars::prelude::col("date"), polars::prelude::col("run")]);
    let folder = root.path().to_path_buf();
    let staged = std::thread::spawn(move || assay_lake::stage_frame(narrow, &folder, None, "b", &|| false).unwrap());
    let mut whole = change(root.path(), &other, Scope::Whole, staged.join().unwrap(), "b");
    whole.partition = None;
    replace(&permit(), now(), whole).await.unwrap();
    let id = open(root.path()).await.unwrap().unwrap().table_id().unwrap();
    back(root.path(), 0).await.unwrap();
    let found = open(root.path()).await.unwrap().unwrap();
    assert_eq!((found.fields(), found.partition_column()), (schema().as_slice(), Some("date")));
    assert_eq!(rows_of(found.scan(None).unwrap())[&Some(day(0))], expected("a", 2));
    assert_eq!(found.table_id().unwrap(), id);
    back(root.path(), 1).await.unwrap();
    let found = open(root.path()).await.unwrap().unwrap();
    assert_eq!((found.fields(), found.partition_column()), (other.as_slice(), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_a_moved_table_and_a_wrong_permit_refuse() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), "a", &[Some(day(0)), Some(day(1))], 3).await.unwrap();
    put(root.path(), "b", &[Some(day(1))], 2).await.unwrap();
    let moved = to(root.path(), RestoreTo::Version(0), Some(0));
    let error = restore(&permit(), now(), moved).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.to_string().contains("at version 1 and no longer at version 0"), "{error}");
    let elsewhere = Permit::issue("production", "r", now() + chrono::TimeDelta::hours(1));
    let refused = restore(&elsewhere, now(), to(root.path(), RestoreTo::Version(0), None)).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Permit);

    let old = open_version(root.path(), 0).await.unwrap();
    let lost = old.files().iter().find(|file| file.partition == Some(day(1))).unwrap();
    let kept = fs::read(root.path().join(&lost.path)).unwrap();
    fs::remove_file(root.path().join(&lost.path)).unwrap();
    let error = back(root.path(), 0).await.unwrap_err();
    assert!(matches!(error, LakeError::Gone { version: 0, .. }), "{error}");
    assert!(error.to_string().contains(&lost.path), "{error}");
    fs::write(root.path().join(&lost.path), &kept[1..]).unwrap();
    assert!(matches!(back(root.path(), 0).await.unwrap_err(), LakeError::Gone { .. }), "a file cut short is no file");
    assert_eq!(open(root.path()).await.unwrap().unwrap().version(), 1);
    fs::write(root.path().join(&lost.path), &kept).unwrap();
    restore(&permit(), now(), to(root.path(), RestoreTo::Version(0), Some(1))).await.unwrap();
    assert_eq!(rows(root.path()).await[&Some(day(1))], expected("a", 3));
}

#[derive(Debug, Clone)]
enum Step {
    /// 4 stands for the rows without a date.
    Put { dates: Vec<u8>, whole: bool, rows: i64 },
    /// To this version modulo those that there are; one more is empty.
    Back(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let dates = prop::collection::vec(0u8..5, 1..4);
    let put = (dates, prop::bool::weighted(0.2), 0i64..3);
    let put = put.prop_map(|(dates, whole, rows)| Step::Put { dates, whole, rows });
    prop::collection::vec(
        prop_oneof![3 => put, 2 => any::<prop::sample::Index>().prop_map(|at| Step::Back(at.index(1000)))],
        1..14,
    )
}

async fn play(folder: &Path, steps: &[Step]) -> Vec<Rows> {
    let columns = schema();
    let mut versions: Vec<Rows> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let run = format!("r{number}");
        let mut model = versions.last().cloned().unwrap_or_default();
        let made = match step {
            Step::Put { dates, whole, rows } => {
                let dates: BTreeSet<_> = dates.iter().map(|date| (*date < 4).then(|| day(u32::from(*date)))).collect();
                let dates: Vec<_> = dates.into_iter().collect();
                if *whole {
                    model.clear();
                }
                for date in &dates {
                    model.remove(date);
                    if *rows > 0 {
                        model.insert(*date, expected(&run, *rows));
                    }
                }
                let (rows, below, name) = (frame(&run, &dates, *rows), folder.to_path_buf(), run.clone());
                let staged = std::thread::spawn(move || stage(&below, rows, &name)).join().unwrap();
                let scope = if *whole { Scope::Whole } else { Scope::Dates(dates) };
                replace(&permit(), now(), change(folder, &columns, scope, staged, &run)).await.unwrap()
            }
            Step::Back(_) if versions.is_empty() => continue,
            Step::Back(at) => {
                let at = at % (versions.len() + 1);
                model = versions.get(at).cloned().unwrap_or_default();
                let target =
                    if at < versions.len() { RestoreTo::Version(i64::try_from(at).unwrap()) } else { RestoreTo::Empty };
                restore(&permit(), now(), to(folder, target, None)).await.unwrap()
            }
        };
        if made.before == Some(made.version) {
            assert_eq!(versions.last(), Some(&model), "no commit means no change");
        } else {
            assert_eq!(made.version, i64::try_from(versions.len()).unwrap());
            versions.push(model);
        }
    }
    versions
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_version_is_what_replacements_and_returns_say(steps in steps()) {
        let root = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let versions = play(root.path(), &steps).await;
            for (version, model) in versions.iter().enumerate() {
                let found = open_version(root.path(), i64::try_from(version).unwrap()).await.unwrap();
                assert_eq!(&rows_of(found.scan(None).unwrap()), model, "version {version}");
            }
        });
    }
}
