//! A workspace of the sales lakehouse for journeys.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each journey uses some of it")]

use assay_testkit::delta::DeltaTable;
use assay_testkit::{Outcome, Running, Table, Workspace};
use serde_json::Value;
use std::path::PathBuf;

pub const PIPELINE: &str = "sales_lakehouse";
/// First business date of every shop.
const FIRST: &str = "2026-01-05";
const GOLD: [&str; 5] =
    ["sales_enriched", "daily_store_sales", "product_performance", "customer_segments", "store_performance"];

pub struct Shop {
    pub workspace: Workspace,
}

impl Shop {
    pub fn empty() -> Self {
        Self { workspace: Workspace::new().unwrap() }
    }

    pub fn with_demo(dates: u32, records: u64) -> Self {
        let shop = Self::empty();
        let (dates, records) = (dates.to_string(), records.to_string());
        let demo = shop.assay(&["demo", PIPELINE, "--first", FIRST, "--dates", &dates, "--records", &records]);
        assert_eq!(demo.code, Some(0), "{}{}", demo.stdout, demo.stderr);
        shop
    }

    pub fn assay(&self, words: &[&str]) -> Outcome {
        self.workspace.assay(words).unwrap()
    }

    pub fn start(&self, words: &[&str]) -> Running {
        self.workspace.start(words).unwrap()
    }

    /// The one JSON document that a verb prints.
    pub fn json(&self, words: &[&str]) -> Value {
        let all = self.json_all(words);
        assert_eq!(all.len(), 1, "{words:?} prints one document");
        all.into_iter().next().unwrap()
    }

    pub fn json_all(&self, words: &[&str]) -> Vec<Value> {
        let outcome = self.assay(&[words, &["--json"]].concat());
        assert_eq!(outcome.code, Some(0), "{words:?}: {}{}", outcome.stdout, outcome.stderr);
        json_lines(&outcome.stdout)
    }

    pub fn lake(&self) -> PathBuf {
        self.workspace.lake(PIPELINE)
    }

    pub fn silver(&self) -> DeltaTable {
        DeltaTable::read(&self.lake().join("silver/sales")).unwrap()
    }

    pub fn gold(&self, name: &str) -> DeltaTable {
        DeltaTable::read(&self.lake().join("gold").join(name)).unwrap()
    }

    /// Silver and gold tables by name.
    pub fn tables(&self) -> Vec<(String, DeltaTable)> {
        let gold = GOLD.iter().map(|name| ((*name).to_owned(), self.gold(name)));
        std::iter::once(("sales".to_owned(), self.silver())).chain(gold).collect()
    }

    /// Rows without the audit columns.
    pub fn rows(&self, table: &DeltaTable) -> Table {
        let names: Vec<String> = table.frame.get_column_names().iter().map(ToString::to_string).collect();
        let mut kept: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.starts_with('_')).collect();
        kept.sort_unstable();
        table.table(&kept).unwrap()
    }

    /// The n-th business date.
    pub fn date(&self, n: u64) -> String {
        let first: chrono::NaiveDate = FIRST.parse().unwrap();
        (first + chrono::Days::new(n)).to_string()
    }

    pub fn file(&self, date: &str, name: &str, bytes: &[u8]) -> PathBuf {
        self.workspace.write(PIPELINE, &format!("bronze/sales/date={date}/{name}"), bytes).unwrap()
    }

    /// Writes one record; `DATE` in it becomes the date.
    pub fn record(&self, date: &str, name: &str, record: &str) -> PathBuf {
        self.file(date, name, format!("{}\n", record.replace("DATE", date)).as_bytes())
    }

    pub fn settings(&self, text: &str) {
        self.workspace.write_at_root("assay.toml", text.as_bytes()).unwrap();
    }
}

pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
}
