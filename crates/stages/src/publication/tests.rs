//! Copies of tables that are made for the test, read back with other code.
#![allow(clippy::unwrap_used)]

mod by_date;
mod by_source;

use super::*;
use crate::watch::{Level, Progress, Quiet};
use arrow::array::RecordBatch;
use assay_lake::{Replacement, Restore, RestoreTo, Scope, stage_frame};
use chrono::{NaiveDate, TimeDelta};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use polars::prelude::{Column, DataFrame, DataType, IntoLazy, NULL, col, lit};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};

/// A lake with one table, which a test fills.
struct Bench {
    folder: tempfile::TempDir,
    lake: Lake,
    table: TableName,
    partition: Option<&'static str>,
    /// Content tags by path.
    tags: BTreeMap<String, String>,
    processed_at: DateTime<Utc>,
}

impl Bench {
    fn new(layer: Layer, partition: Option<&'static str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path().join("lake").into(), "local");
        let table = TableName::new("shop", layer, "sales");
        let processed_at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        Self { folder, lake, table, partition, tags: BTreeMap::new(), processed_at }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn permit(environment: &str) -> Permit {
        Permit::issue(environment, "run", Self::now() + TimeDelta::hours(1))
    }

    /// Replaces these dates, or the whole table, with the rows.
    fn commit(&self, rows: DataFrame, dates: Option<&[&str]>) {
        let folder = self.lake.folder(&self.table);
        let schema: Vec<assay_lake::LakeField> = assay_lake::fields_of(rows.schema()).unwrap();
        let staged = stage_frame(rows.lazy(), &folder, self.partition, "run", &|| false).unwrap();
        let dates = dates.map(|dates| dates.iter().map(|text| date(text)).collect::<Vec<_>>());
        let change = Replacement {
            folder: folder.clone(),
            environment: "local",
            table: "shop/sales",
            schema: &schema,
            partition: self.partition,
            scope: dates.as_deref().map_or(Scope::Whole, Scope::dates),
            staged,
            run: "run",
            definition: "d",
            note: "",
            audit: &|_, _| Ok(()),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(assay_lake::replace(&Self::permit("local"), Self::now(), change)).unwrap();
    }

    /// Brings an older version back; its files are those of then.
    fn restore(&self, version: i64) {
        let folder = self.lake.folder(&self.table);
        let what = Restore {
            folder: folder.clone(),
            environment: "local",
            table: "shop/sales",
            to: RestoreTo::Version(version),
            seen: None,
            run: "run",
            definition: "d",
            note: "",
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(assay_lake::restore(&Self::permit("local"), Self::now(), what)).unwrap();
    }

    fn version(&self) -> i64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(assay_lake::open(&self.lake.folder(&self.table))).unwrap().unwrap().version()
    }

    fn publish(&self, publication: &Publication) -> Published {
        self.publish_with(publication, &Quiet).unwrap()
    }

    fn publish_with(&self, publication: &Publication, watch: &dyn Watch) -> Result<Published, StageError> {
        let job = PublishJob {
            lake: &self.lake,
            table: &self.table,
            publications: std::slice::from_ref(publication),
            tags: &|path| self.tags.get(path).cloned(),
            run: "run",
            processed_at: self.processed_at,
            permit: &Self::permit("local"),
            threads: 2,
            now: &Self::now,
        };
        publish(&job, watch)
    }

    fn out(&self, path: &str) -> PathBuf {
        self.lake.pipeline_folder("shop").folder().join(path)
    }

    /// Every file below a folder with its bytes, the record left out.
    fn files(&self, path: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.out(path);
        let mut found = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let place = entry.unwrap().path();
                if place.is_dir() {
                    folders.push(place);
                } else if !place.file_name().unwrap().to_string_lossy().starts_with(".published.") {
                    let name = place.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read(place).unwrap());
                }
            }
        }
        found
    }

    fn names(&self, path: &str) -> Vec<String> {
        self.files(path).into_keys().collect()
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.out(path)).unwrap()
    }
}

/// Cancels after it was asked so many times.
struct Cancels(AtomicI32);

impl Watch for Cancels {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
    fn progress(&self, _: Progress) {}
    fn log(&self, _: Level, _: &str) {}
}

fn publication(form: PublishedForm, path: &str) -> Publication {
    Publication { form, path: path.into(), files: PublishedFiles::ByDate }
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn frame(columns: Vec<Column>) -> DataFrame {
    let height = columns[0].len();
    DataFrame::new(height, columns).unwrap()
}

fn column(name: &str, values: Vec<Option<String>>, kind: DataType) -> Column {
    let texts = frame(vec![Column::new(name.into(), values)]).lazy();
    let value = match kind {
        DataType::Date => col(name).str().to_date(Default::default()),
        kind => col(name).cast(kind),
    };
    texts.select([value]).collect().unwrap().column(name).unwrap().clone()
}

/// Rows of a Parquet file, and the notes in its footer.
fn parquet(place: &std::path::Path) -> (RecordBatch, BTreeMap<String, String>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(place).unwrap()).unwrap();
    let notes = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let notes = notes.into_iter().filter_map(|note| Some((note.key, note.value?))).collect();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    (arrow::compute::concat_batches(&schema, &batches).unwrap(), notes)
}
