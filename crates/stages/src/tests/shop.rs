//! A lake in a temporary folder, with one source and one silver table.

#![allow(clippy::unwrap_used)]
use crate::gold::{GoldJob, build, compile};
use crate::*;
use assay_lake::{Lake, open};
use assay_pipeline::{Layer, Permit, Pipeline, TableName};
use assay_testkit::{Table, table_of};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use polars::prelude::{DataFrame, Engine};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tokio::runtime::Runtime;

/// Sizes at which every boundary is met often.
pub const TINY: Limits = Limits {
    chunk: 64,
    record: 1 << 12,
    kept: 100,
    group_rows: 7,
    file_rows: 20,
    file_bytes: 1 << 20,
    open_bytes: 1 << 20,
    open_dates: 2,
    keys: 1 << 20,
    ignored: 3,
};

pub struct Shop {
    pub folder: tempfile::TempDir,
    pub pipeline: Pipeline,
    pub lake: Lake,
    pub limits: Limits,
    pub threads: usize,
    /// Dates that the ledger knows of a file.
    pub ledger: Mutex<Vec<(String, Vec<NaiveDate>)>>,
    /// Paths that the ledger knows of a content.
    pub tags: Mutex<BTreeMap<String, String>>,
}

impl Shop {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let definition = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/sales_lakehouse");
        let pipeline = Pipeline::read(&definition).unwrap();
        let lake = Lake::new(folder.path().join("lake").into(), "local");
        fs::create_dir_all(folder.path().join("scratch")).unwrap();
        Self { folder, pipeline, lake, limits: TINY, threads: 3, ledger: Mutex::default(), tags: Mutex::default() }
    }

    pub fn bronze(&self) -> PathBuf {
        self.lake.pipeline_folder(&self.pipeline.name).folder().to_path_buf()
    }

    /// Writes a file below the bronze folder of a date: `put("2024-01-01/a.json", …)`.
    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = format!("bronze/sales/date={name}");
        let place = self.bronze().join(&path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
        path
    }

    pub fn planned(&self) -> Vec<PlannedFile> {
        let found = discover(&self.pipeline.sources[0], &self.bronze().into()).unwrap();
        let ledger = self.ledger.lock().unwrap();
        let known = |path: &str| ledger.iter().find(|(known, _)| known == path).map(|(_, dates)| dates.clone());
        let planned = found.files.into_iter().map(|file| PlannedFile {
            known_dates: known(&file.path).unwrap_or_default(),
            path: file.path,
            size: file.size,
            modified_ns: file.modified_ns,
            folder_date: file.folder_date,
        });
        planned.collect()
    }

    pub fn ingest(&self) -> Result<Ingested, StageError> {
        self.ingest_files(self.planned(), Scope::All, &Quiet)
    }

    /// Processes dates as a console would: the files of their folders, and those that the ledger knows.
    pub fn ingest_dates(&self, dates: &[&str]) -> Result<Ingested, StageError> {
        let dates: BTreeSet<NaiveDate> = dates.iter().map(|text| date(text)).collect();
        let files = self.files_of(&dates.iter().copied().collect::<Vec<_>>());
        let done = self.ingest_files(files, Scope::Dates(dates), &Quiet)?;
        let mut ledger = self.ledger.lock().unwrap();
        for file in &done.files {
            ledger.retain(|(path, _)| *path != file.path);
            ledger.push((file.path.clone(), file.dates.keys().copied().collect()));
        }
        Ok(done)
    }

    fn files_of(&self, dates: &[NaiveDate]) -> Vec<PlannedFile> {
        let of = |file: &PlannedFile| {
            file.folder_date.is_some_and(|date| dates.contains(&date))
                || file.known_dates.iter().any(|date| dates.contains(date))
        };
        self.planned().into_iter().filter(of).collect()
    }

    pub fn ingest_files(
        &self,
        files: Vec<PlannedFile>,
        scope: Scope,
        watch: &dyn Watch,
    ) -> Result<Ingested, StageError> {
        let now: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let permit = Permit::issue("local", "run", now + TimeDelta::hours(1));
        let more = |dates: &[NaiveDate]| Ok(self.files_of(dates));
        let job = IngestJob {
            pipeline: &self.pipeline,
            contract: &self.pipeline.contracts[0],
            source: &self.pipeline.sources[0],
            lake: &self.lake,
            files,
            surveyed: Vec::new(),
            more: &more,
            known: &|tag| self.tags.lock().unwrap().get(tag).cloned(),
            scope,
            run: "run",
            processed_at: now,
            permit: &permit,
            threads: self.threads,
            scratch: &self.folder.path().join("scratch"),
            limits: self.limits,
            now: &|| now,
            rules: None,
        };
        ingest(&job, watch)
    }

    fn name(&self) -> TableName {
        TableName::new(&self.pipeline.name, Layer::Silver, "sales")
    }

    fn frame(folder: &assay_lake::Place) -> DataFrame {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let snapshot = runtime.block_on(open(folder)).unwrap().expect("the table");
        snapshot.scan(None).unwrap().collect_with_engine(Engine::InMemory).unwrap().unwrap_single()
    }

    /// The folder of the silver table.
    pub fn folder_of_table(&self) -> PathBuf {
        self.lake.folder(&self.name()).folder().to_path_buf()
    }

    /// The silver table's contract columns.
    pub fn silver(&self) -> Table {
        let contract = &self.pipeline.contracts[0];
        let columns: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
        table_of(&Self::frame(&self.lake.folder(&self.name())), &columns).unwrap()
    }

    /// These columns of the silver table.
    pub fn silver_columns(&self, columns: &[&str]) -> Vec<String> {
        lines(&table_of(&Self::frame(&self.lake.folder(&self.name())), columns).unwrap())
    }

    /// These columns of the quarantine.
    pub fn quarantine(&self, columns: &[&str]) -> Vec<String> {
        lines(&self.quarantine_table(columns))
    }

    pub fn quarantine_table(&self, columns: &[&str]) -> Table {
        table_of(&Self::frame(&self.lake.quarantine(&self.name())), columns).unwrap()
    }

    /// The raw bytes of each quarantined record, with its file, line and offset.
    pub fn raw(&self) -> Vec<(String, i64, i64, Vec<u8>)> {
        let frame = Self::frame(&self.lake.quarantine(&self.name()));
        let (file, line) = (frame.column("_source_file").unwrap(), frame.column("_source_line").unwrap());
        let (offset, raw) = (frame.column("_byte_offset").unwrap(), frame.column("raw").unwrap());
        let mut rows: Vec<_> = (0..frame.height())
            .map(|row| {
                let bytes = raw.binary().unwrap().get(row).unwrap().to_vec();
                let file = file.str().unwrap().get(row).unwrap().to_owned();
                (file, line.i64().unwrap().get(row).unwrap(), offset.i64().unwrap().get(row).unwrap(), bytes)
            })
            .collect();
        rows.sort();
        rows
    }

    /// Builds a model over all dates; gives these columns of the rows that it holds then.
    pub fn gold(&self, runtime: &Runtime, model: &str, columns: &[&str]) -> Vec<Vec<Option<String>>> {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        let permit = Permit::issue("local", "run", now + TimeDelta::hours(1));
        let job = GoldJob {
            pipeline: &self.pipeline,
            lake: &self.lake,
            run: "run",
            permit: &permit,
            dates: None,
            now: &|| now,
            cancelled: &|| false,
            rules: None,
        };
        let models = compile(&self.pipeline).unwrap();
        let compiled = models.iter().find(|compiled| compiled.model.name == model).unwrap();
        build(&job, compiled, runtime.handle()).unwrap();
        let table = TableName::new(&self.pipeline.name, Layer::Gold, model);
        table_of(&Self::frame(&self.lake.folder(&table)), columns).unwrap().rows
    }

    /// Every file below the table's folder that is no part of its log.
    pub fn data_files(&self) -> usize {
        let mut count = 0;
        let tables = [self.lake.folder(&self.name()), self.lake.quarantine(&self.name())];
        let mut open: Vec<PathBuf> = tables.iter().map(|table| table.folder().to_path_buf()).collect();
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true if entry.file_name() == "_delta_log" => {}
                    true => open.push(entry.path()),
                    false => count += 1,
                }
            }
        }
        count
    }
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn lines(table: &Table) -> Vec<String> {
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "null".to_owned());
    table.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

/// A sound record as JSON, with these fields put in place of its own; `null` text removes nothing but the value.
pub fn sale(id: &str, changes: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("transaction_id", format!("\"{id}\"")),
        ("date", "\"2024-01-01\"".to_owned()),
        ("store_id", "\"S1\"".to_owned()),
        ("product_id", "\"P1\"".to_owned()),
        ("customer_id", "\"C1\"".to_owned()),
        ("quantity_sold", "2".to_owned()),
        ("unit_price", "1.50".to_owned()),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, (*value).to_owned()));
    }
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}
