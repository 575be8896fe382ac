//! What faults have in common: moments to strike at, and what the journal says afterwards.
#![allow(clippy::unwrap_used)]

use crate::journey::{self, Journey, columns};
use assay_testkit::table::difference;
use assay_testkit::{Changes, Layers, Outcome, Table, assert_same_rows, copies, sales_star};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Everything that a run of the pipeline writes, but for the cluster of the warehouse.
pub fn changes(journey: &Journey) -> Changes {
    Changes::of(&[&journey.lake()], &[&journey.workspace.root().join(".assay")]).unwrap()
}

/// Runs the verb to its good end, and gives how many moments it has.
pub fn length(journey: &Journey, words: &[&str]) -> u64 {
    let changes = changes(journey);
    let (outcome, moments) = changes.kill_at(journey.workspace.start(words).unwrap(), u64::MAX).unwrap();
    assert_eq!(outcome.code, Some(0), "{words:?}: {}{}", outcome.stdout, outcome.stderr);
    moments
}

/// Kills the verb at its n-th moment.
pub fn kill(journey: &Journey, words: &[&str], moment: u64) -> Outcome {
    let changes = changes(journey);
    changes.kill_at(journey.workspace.start(words).unwrap(), moment).unwrap().0
}

/// Moments that are spread over the whole length, from the first one on.
pub fn moments(kills: u64, length: u64) -> impl Iterator<Item = u64> {
    (0..kills).map(move |kill| 1 + kill * length / kills)
}

/// The newest run, once nobody answers for a dead one any more: the locks of a killed program go a moment after it.
pub fn settled(journey: &Journey) -> Value {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let last = journey.last();
        let status = last["run"]["status"].as_str().unwrap();
        if status != "running" && status != "queued" {
            return last;
        }
        assert!(Instant::now() < until, "the run is still {status}");
    }
}

/// After a kill: the run is journalled as interrupted and resumed, done steps stay done; a run that was not journalled
/// yet is asked for again. `before` is the newest run before the verb. Gives the run that did it.
pub fn finish(journey: &Journey, words: &[&str], before: &str) -> Value {
    let killed = settled(journey);
    let id = killed["run"]["id"].as_str().unwrap();
    if id == before {
        journey.succeed(words);
    } else if killed["run"]["status"] != "succeeded" {
        assert_eq!(killed["run"]["status"], "failed", "{killed}");
        assert!(killed["run"]["note"].as_str().unwrap().starts_with("interrupted"), "{}", killed["run"]);
        journey.run(&["--resume"]);
        expect_resumed(&killed, &journey.json(&["show", id]).remove(0));
    }
    let done = journey.last();
    assert_eq!(done["run"]["status"], "succeeded", "{done}");
    assert_eq!(done["balanced"], true, "{}", done["counts"]);
    assert!(done["steps"].as_array().unwrap().iter().all(|step| step["status"] != "failed"), "{done}");
    done
}

fn expect_resumed(killed: &Value, resumed: &Value) {
    let attempts = |detail: &Value| {
        let attempts = detail["attempts"].as_array().unwrap();
        attempts.iter().map(|attempt| attempt["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut expected = attempts(killed);
    assert!(expected.iter().all(|status| status == "failed"), "{expected:?}");
    expected.push("succeeded".to_owned());
    assert_eq!(attempts(resumed), expected);
    let step = |detail: &Value, id: &Value| {
        let steps = detail["steps"].as_array().unwrap();
        steps.iter().find(|step| step["id"] == *id).unwrap().clone()
    };
    for done in killed["steps"].as_array().unwrap().iter().filter(|step| step["status"] == "succeeded") {
        let after = step(resumed, &done["id"]);
        assert_eq!(after["attempt"], done["attempt"], "{} was done and is not done again", done["id"]);
    }
}

/// Every data file of a table is one of a version: nothing of a dead program is left.
pub fn expect_no_leftovers(journey: &Journey) {
    let files = copies::files(&journey.lake()).unwrap();
    let logs = files.iter().filter(|file| {
        file.to_string_lossy().contains("/_delta_log/") && file.extension().is_some_and(|end| end == "json")
    });
    let named: String = logs.map(|log| std::fs::read_to_string(log).unwrap()).collect();
    let name = |file: &std::path::PathBuf| file.file_name().unwrap().to_string_lossy().into_owned();
    // Copies of tables have names of that kind, too.
    let in_table = |file: &&std::path::PathBuf| {
        ["/tables/", "/quarantine/", "/contributions/"].iter().any(|folder| file.to_string_lossy().contains(folder))
    };
    let staged = files.iter().filter(in_table).filter(|file| name(file).starts_with("part-"));
    let left: Vec<_> = staged
        .filter(|file| file.extension().is_some_and(|end| end == "parquet"))
        .filter(|file| !named.contains(&name(file)))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The star of sales, whose file of one date has one of two contents.
pub struct Star {
    pub journey: Journey,
    /// The date of the file.
    pub date: String,
    contents: [Vec<u8>; 2],
    pub expected: [Layers; 2],
}

const TABLES: [&str; 4] = ["fact_sales", "dim_store", "dim_product", "dim_customer"];

impl Star {
    /// Everything is done for the first content.
    pub fn new(records: u64) -> Self {
        Self::with(Journey::new("sales_star"), records)
    }

    /// As [`Star::new`], in a workspace that may have its lake elsewhere.
    pub fn with(journey: Journey, records: u64) -> Self {
        journey.demo(3, records, &[]);
        journey.run(&[]);
        let first = sales_star(&journey.lake()).unwrap();
        let date = journey.date(1);
        let path = file(&date);
        let with = std::fs::read(journey.lake().join(&path)).unwrap();
        let text = String::from_utf8_lossy(&with);
        let mut of_date = first.silver["sales"].rows.iter().filter(|row| row[1].as_deref() == Some(&date));
        let sale = of_date.find_map(|row| row[0].clone().filter(|id| text.contains(id.as_str()))).unwrap();
        journey.take_out(&path, &sale);
        let without = std::fs::read(journey.lake().join(&path)).unwrap();
        let second = sales_star(&journey.lake()).unwrap();
        assert_eq!(second.silver["sales"].rows.len() + 1, first.silver["sales"].rows.len());
        let star = Self { journey, date, contents: [with, without], expected: [first, second] };
        star.put(0);
        star
    }

    /// Gives the file this content.
    pub fn put(&self, content: usize) {
        self.journey.write(&file(&self.date), &self.contents[content]);
    }

    pub fn words(&self) -> [&str; 4] {
        ["reprocess", "sales_star", "--date", &self.date]
    }

    pub fn versions(&self) -> BTreeMap<String, u64> {
        folders().map(|(folder, ..)| (folder.clone(), self.journey.table(&folder).version)).collect()
    }

    /// Every table and copy is that of the one content or of the other, and each table has at most one commit since.
    pub fn expect_either(&self, before: &BTreeMap<String, u64>) {
        for (folder, table, copies) in folders() {
            let version = self.journey.table(&folder).version;
            assert!((before[&folder]..=before[&folder] + 1).contains(&version), "{folder} is at version {version}");
            let [first, second] = [0, 1].map(|content| self.of(content, table));
            let there = self.journey.table(&folder).table(&columns(first)).unwrap();
            expect_one_of(&folder, first, second, &there);
            for copy in copies {
                expect_one_of(&copy, first, second, &self.copy(&copy, first));
            }
        }
    }

    /// Every layer of the lake and every copy is that of this content.
    pub fn expect(&self, content: usize) {
        for (folder, table, copies) in folders() {
            let expected = self.of(content, table);
            self.journey.expect_table(&folder, expected);
            for copy in copies {
                assert_same_rows(expected, &self.copy(&copy, expected));
            }
        }
    }

    pub fn expect_warehouse(&self, content: usize) {
        for table in TABLES {
            self.journey.expect_warehouse(table, self.of(content, table));
        }
    }

    /// Each table of the warehouse is that of the one content or of the other.
    pub fn expect_warehouse_either(&self) {
        for table in TABLES {
            let [first, second] = [0, 1].map(|content| self.of(content, table));
            let there = self.journey.warehouse(table, first);
            expect_one_of(table, &journey::moments(first), &journey::moments(second), &there);
        }
    }

    pub fn of(&self, content: usize, table: &str) -> &Table {
        let layers = &self.expected[content];
        layers.gold.get(table).unwrap_or_else(|| &layers.silver[table])
    }

    fn copy(&self, folder: &str, like: &Table) -> Table {
        let place = self.journey.lake().join(folder);
        let read = if folder.contains("/csv/") { copies::text } else { copies::parquet };
        read(&place, &columns(like)).unwrap()
    }
}

fn file(date: &str) -> String {
    format!("raw/sales/date={date}/part-000.jsonl")
}

/// Folder of every table, its name and the folders of its copies.
fn folders() -> impl Iterator<Item = (String, &'static str, Vec<String>)> {
    let silver = ("tables/silver/sales".to_owned(), "sales", vec!["silver/sales".to_owned()]);
    let gold = TABLES
        .iter()
        .map(|name| (format!("tables/gold/{name}"), *name, vec![format!("gold/{name}"), format!("gold/csv/{name}")]));
    std::iter::once(silver).chain(gold)
}

fn expect_one_of(place: &str, first: &Table, second: &Table, there: &Table) {
    if let (Some(one), Some(other)) = (difference(first, there), difference(second, there)) {
        panic!("{place} is neither as before:\n{one}\nnor as after:\n{other}");
    }
}
