//! Random replacements by several writers against the simplest model: a map from date to rows.

use crate::fixture::{Rows, change, day, expected, frame, now, permit, rows_of, schema, stage};
use assay_lake::{Scope, open_version, replace};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone)]
struct Step {
    /// 4 stands for the rows without a date.
    dates: Vec<u8>,
    whole: bool,
    rows: i64,
}

impl Step {
    fn dates(&self) -> Vec<Option<chrono::NaiveDate>> {
        let mut dates: Vec<_> =
            self.dates.iter().map(|number| (*number < 4).then(|| day(u32::from(*number)))).collect();
        dates.sort();
        dates.dedup();
        dates
    }

    fn apply(&self, run: &str, model: &mut Rows) {
        if self.whole {
            model.clear();
        }
        for date in self.dates() {
            model.remove(&date);
            if self.rows > 0 {
                model.insert(date, expected(run, self.rows));
            }
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (prop::collection::vec(0u8..5, 1..4), prop::bool::weighted(0.15), 0i64..4);
    prop::collection::vec(step.prop_map(|(dates, whole, rows)| Step { dates, whole, rows }), 1..7)
}

/// Runs the writers side by side; gives which step made which version.
async fn run(folder: &std::path::Path, writers: &[Vec<Step>]) -> BTreeMap<i64, (String, Step)> {
    let schema = Arc::new(schema());
    let tasks = writers.iter().cloned().enumerate().map(|(writer, steps)| {
        let (folder, schema) = (folder.to_path_buf(), Arc::clone(&schema));
        tokio::spawn(async move {
            let mut made = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                let run = format!("w{writer}-{number}");
                let (rows, at, below) = (frame(&run, &step.dates(), step.rows), run.clone(), folder.clone());
                let staged = std::thread::spawn(move || stage(&below, rows, &at)).join().unwrap();
                let scope = if step.whole { Scope::Whole } else { Scope::Dates(step.dates()) };
                let done = replace(&permit(), now(), change(&folder, &schema, scope, staged, &run)).await.unwrap();
                if done.before != Some(done.version) {
                    made.push((done.version, (run, step)));
                }
            }
            made
        })
    });
    let mut made = BTreeMap::new();
    for task in tasks.collect::<Vec<_>>() {
        for (version, step) in task.await.unwrap() {
            assert!(made.insert(version, step).is_none(), "one commit for each version");
        }
    }
    made
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_version_is_what_the_commits_before_it_say(writers in prop::collection::vec(steps(), 1..4)) {
        let root = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let made = run(root.path(), &writers).await;
            let mut model = Rows::new();
            for (version, (run, step)) in made {
                step.apply(&run, &mut model);
                let found = open_version(root.path(), version).await.unwrap();
                assert_eq!(found.rows(), model.values().map(|rows| rows.len() as u64).sum::<u64>());
                assert_eq!(rows_of(found.scan(None).unwrap()), model, "version {version}");
            }
        });
    }
}
