//! The contract's gate over the dates that a replay changes, before anything of it is committed.

use super::chosen::{self, Choice, Page};
use super::rewrite::Rewritten;
use super::sift::Sieve;
use super::{Replay, Whole, obstacle};
use crate::bronze::discover::date_of;
use crate::error::StageError;
use crate::silver::gate::{GatePlan, Gauge, decide, named};
use crate::silver::row::{Field, Row};
use crate::silver::upsert::Reading;
use crate::silver::{moment, parquet_rows};
use crate::watch::Level;
use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use assay_lake::{Snapshot, StagedFile};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

const SOURCE: &str = "_source_file";

/// Refused records by reason code.
type Reasons = BTreeMap<String, u64>;

impl Replay<'_> {
    /// Fails when the gate does not hold over all records of these dates as the replay leaves them: the rows that the
    /// table then has, those that were accepted before included, and the refused records. Those without a date belong
    /// to none of them.
    pub(super) fn judge(
        &mut self,
        touched: &[Option<NaiveDate>],
        rows: &[StagedFile],
        from: &Snapshot,
        kept: &Rewritten,
    ) -> Result<(), StageError> {
        let Some(gate) = &self.shape.gate else { return Ok(()) };
        let dates: BTreeSet<NaiveDate> = touched.iter().copied().flatten().collect();
        let (mut gauge, mut reasons) = (Gauge::default(), Reasons::new());
        for file in rows {
            self.accepted(gate, file, &mut gauge)?;
        }
        let of_dates = |date: Option<NaiveDate>| date.is_some_and(|date| dates.contains(&date));
        let place = self.job.ingest.lake.quarantine(self.name);
        for file in kept.1.iter().filter(|file| of_dates(file.partition)) {
            let path = place.folder().join(&file.path);
            let mut whole = Whole::default();
            chosen::pages_of(&path, file.partition, |page| {
                self.refused(gate, &page, &mut whole, &mut gauge, &mut reasons)
            })?;
        }
        // Partitions that no record left or joined are as they were.
        let same = chosen::files(from, |date| of_dates(date) && !kept.0.contains(&date));
        let mut whole = Whole::default();
        chosen::pages(from, &same, |page| self.refused(gate, &page, &mut whole, &mut gauge, &mut reasons))?;
        let told = decide(gate, &self.job.ingest.contract.table, gauge, || {
            let mut reasons: Vec<(String, u64)> = reasons.into_iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            named(&reasons)
        })?;
        self.watch.log(Level::Info, &told);
        Ok(())
    }

    /// Rows of the table's new files. What the gate leaves out is read from the columns that it names.
    fn accepted(&self, gate: &GatePlan, file: &StagedFile, gauge: &mut Gauge) -> Result<(), StageError> {
        let Some(columns) = gate.columns() else {
            gauge.counted += file.rows;
            gauge.accepted += file.rows;
            return Ok(());
        };
        let names: Vec<&str> = columns.iter().map(|at| self.shape.columns[*at].name.as_str()).chain([SOURCE]).collect();
        let place = self.job.ingest.lake.folder(self.name);
        let reading = Reading::open(&place.folder().join(&file.path))?;
        let partition = file.partition.map(|date| moment::Moment { days: moment::days(date), micros: 0 });
        let mut row = Row::new(self.shape);
        let mut store = String::new();
        for batch in reading.batches(None, Some(&names))? {
            let batch = batch.map_err(|error| reading.broken(error))?;
            let plain = |name: &str| batch.column_by_name(name).map(parquet_rows::plain).transpose();
            let cells: Vec<Option<ArrayRef>> = columns
                .iter()
                .map(|at| plain(&self.shape.columns[*at].name))
                .collect::<Result<_, _>>()
                .map_err(|error| reading.broken(error))?;
            let source = batch.column_by_name(SOURCE).map(|column| cast(column, &DataType::Utf8)).transpose();
            let source = source.map_err(|error| reading.broken(error))?;
            for at in 0..batch.num_rows() {
                row.begin();
                row.file_date = source.as_ref().and_then(|paths| self.file_date(paths.as_string::<i32>().value(at)));
                for (column, cells) in columns.iter().zip(&cells) {
                    let field = match (cells, partition) {
                        (Some(cells), _) => parquet_rows::field(cells, at, &mut store),
                        // The partition column is not stored in the files.
                        (None, Some(day)) => Field::Moment(day),
                        (None, None) => Field::Null,
                    };
                    row.set(*column, &self.shape.columns[*column], "", field);
                }
                let counts = gate.counts(row.view(""));
                gauge.note(counts);
                gauge.accepted += u64::from(counts);
            }
        }
        Ok(())
    }

    fn file_date(&self, path: &str) -> Option<i32> {
        let held = self.job.ledger.get(path).map(|file| file.modified_ns);
        date_of(self.job.ingest.source, path, held).map(moment::days)
    }

    /// Refused records; one that cannot be read counts, as one that cannot tell does.
    fn refused(
        &mut self,
        gate: &GatePlan,
        page: &Page,
        whole: &mut Whole,
        gauge: &mut Gauge,
        reasons: &mut Reasons,
    ) -> Result<(), StageError> {
        let limits = &self.job.ingest.limits;
        let mut sieve = Sieve::new(self.shape, limits.kept, limits.record as u64);
        let (mut sifted, every) = (sieve.empty(), Choice::default());
        for row in 0..page.batch.num_rows() {
            let entry = page.entry(row, self.shape.explode.is_some(), &every);
            *reasons.entry(page.reason(row).to_owned()).or_default() += 1;
            let raw = whole.of(&entry);
            if gate.columns().is_none() {
                gauge.counted += 1;
                continue;
            }
            let origin = self.origins.of(entry.path)?;
            match raw.filter(|raw| obstacle(Some(raw), &origin).is_none()) {
                Some(raw) => sieve.put(&entry, raw, &origin, &mut sifted)?,
                None => gauge.counted += 1,
            }
        }
        let results: i64 = sifted.dates.values().sum();
        gauge.counted += results.unsigned_abs() - sifted.excepted;
        gauge.excepted += sifted.excepted;
        Ok(())
    }
}
