//! The tables that a model reads, cut down to the dates that it needs.

use super::catalog::layered;
use super::{CompiledModel, GoldJob};
use crate::error::StageError;
use assay_lake::Snapshot;
use assay_pipeline::TableName;
use assay_sql::{Bound, Share, TableRef};
use chrono::NaiveDate;
use polars::prelude::{LazyFrame, PolarsResult, polars_err};
use std::collections::BTreeMap;

/// Rows that one query computes and writes at a time, where a model may be computed date by date:
/// its memory does not grow with the table.
const BATCH_ROWS: u64 = 200_000;
/// Rows that are read for one share of the groups, where a model needs all dates: fewer groups are held at a time.
pub(super) const SHARE_ROWS: u64 = 1_200_000;

/// What one query of a build computes.
pub(super) struct Part {
    /// `None` stands for all rows.
    pub(super) dates: Option<Vec<NaiveDate>>,
    pub(super) share: Share,
}

/// Snapshots, fixed for the whole build.
pub(super) struct Inputs {
    tables: Vec<Input>,
}

struct Input {
    table: TableRef,
    snapshot: Snapshot,
    /// Whether its rows of some dates alone give the model's rows of these dates.
    by_date: bool,
}

impl Inputs {
    pub(super) fn open(
        job: &GoldJob<'_>,
        compiled: &CompiledModel,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Self, StageError> {
        let partition = compiled.model.partition.as_ref();
        let cuts = partition.and_then(|column| compiled.bound.pushdown(column)).unwrap_or_default();
        let mut tables = Vec::new();
        for table in compiled.bound.reads() {
            let (layer, name) = layered(&table).ok_or_else(|| super::no_table(&table.name))?;
            let full = TableName::new(&job.pipeline.name, layer, &name);
            let snapshot = runtime
                .block_on(assay_lake::open(&job.lake.folder(&full)))?
                .ok_or_else(|| super::no_table(&full.to_string()))?;
            let by_date =
                cuts.iter().any(|(cut, column)| *cut == table && snapshot.partition_column() == Some(column.as_str()));
            tables.push(Input { table, snapshot, by_date });
        }
        Ok(Self { tables })
    }

    /// The table of a model that reads one alone.
    pub(super) fn only(&self) -> Option<&Snapshot> {
        match self.tables.as_slice() {
            [one] => Some(&one.snapshot),
            _ => None,
        }
    }

    /// Rows that a build of these dates reads.
    pub(super) fn rows(&self, dates: Option<&[NaiveDate]>) -> u64 {
        self.tables.iter().map(|input| input.rows(dates)).sum()
    }

    pub(super) fn scan(&self, table: &TableRef, dates: Option<&[NaiveDate]>) -> PolarsResult<LazyFrame> {
        let input = self.tables.iter().find(|input| input.table == *table);
        let input = input.ok_or_else(|| polars_err!(ComputeError: "the table {table} was not opened"))?;
        let dates = if input.by_date { dates } else { None };
        input.snapshot.scan(dates).map_err(|error| polars_err!(ComputeError: "{error}"))
    }

    /// The dates in parts of about [`BATCH_ROWS`], or the groups in shares where the model needs every date.
    pub(super) fn parts(&self, dates: Option<&[NaiveDate]>, bound: &Bound) -> Vec<Part> {
        if !self.tables.iter().any(|input| input.by_date) {
            let of = if bound.can_share() { self.rows(None).div_ceil(SHARE_ROWS).max(1) } else { 1 };
            let part = |part| Part { dates: dates.map(<[NaiveDate]>::to_vec), share: Share { part, of } };
            return (0..of).map(part).collect();
        }
        let whole = |dates| Part { dates: Some(dates), share: Share::WHOLE };
        self.batches(dates).into_iter().map(whole).collect()
    }

    fn batches(&self, dates: Option<&[NaiveDate]>) -> Vec<Vec<NaiveDate>> {
        let mut rows: BTreeMap<NaiveDate, u64> = dates.unwrap_or_default().iter().map(|date| (*date, 0)).collect();
        for partition in self.tables.iter().filter(|input| input.by_date).flat_map(|input| input.snapshot.partitions())
        {
            let Some(date) = partition.date else { continue };
            if dates.is_none_or(|dates| dates.contains(&date)) {
                *rows.entry(date).or_default() += partition.rows;
            }
        }
        let mut batches = Vec::new();
        let (mut batch, mut held) = (Vec::new(), 0);
        for (date, count) in rows {
            if held > 0 && held + count > BATCH_ROWS {
                batches.push(std::mem::take(&mut batch));
                held = 0;
            }
            batch.push(date);
            held += count;
        }
        batches.extend((!batch.is_empty()).then_some(batch));
        batches
    }
}

impl Input {
    fn rows(&self, dates: Option<&[NaiveDate]>) -> u64 {
        let Some(dates) = dates.filter(|_| self.by_date) else { return self.snapshot.rows() };
        let wanted = self.snapshot.files().iter().filter(|file| file.partition.is_some_and(|d| dates.contains(&d)));
        wanted.map(|file| file.rows).sum()
    }
}
