//! Contributions of each month to a model over all dates, kept beside the lake: a run reads the months that changed
//! and adds up the rest.

use super::catalog::lake_field;
use super::inputs::{Inputs, SHARE_ROWS};
use super::{CompiledModel, GoldJob, all_or_none};
use crate::error::StageError;
use assay_lake::{LakeField, LakeFile, Place, Replacement, Scope, Snapshot, StagedFile};
use assay_sql::{Bound, Partials, Share, TableRef};
use chrono::{Datelike, NaiveDate};
use polars::prelude::{DataType, LazyFrame, PolarsResult, lit, polars_err};
use std::collections::BTreeMap;
use tokio::runtime::Handle;
use xxhash_rust::xxh3::Xxh3;

/// From this many months on a model keeps contributions; with fewer there is little to save.
const MONTHS: usize = 6;
/// The partition column: the first day of the month.
const MONTH: &str = "month";

/// Kept contributions that are those of the input as it was opened.
pub(super) struct Kept {
    merge: Bound,
    snapshot: Snapshot,
}

impl Kept {
    /// Computes the contributions of months whose input changed since they were kept. `None` where the model is
    /// to be computed from its input: it has no contributions, or its input has few months or no dates.
    pub(super) fn refreshed(
        job: &GoldJob<'_>,
        compiled: &CompiledModel,
        inputs: &Inputs,
        runtime: &Handle,
    ) -> Result<Option<Self>, StageError> {
        let (None, Some(input)) = (&compiled.model.partition, inputs.only()) else { return Ok(None) };
        let (Some(halves), Some(months)) = (compiled.bound.partials(), months(input)) else { return Ok(None) };
        if months.len() < MONTHS {
            return Ok(None);
        }
        let shelf = Shelf { job, name: &compiled.model.name, part: &halves.part, input, months };
        shelf.refresh(runtime)?;
        let snapshot = runtime.block_on(assay_lake::open(&shelf.folder()))?;
        Ok(snapshot.map(|snapshot| Self { merge: halves.merge, snapshot }))
    }

    /// Shares of the groups, so that a query holds about [`SHARE_ROWS`] contributions at a time.
    pub(super) fn shares(&self) -> impl Iterator<Item = Share> {
        let of = if self.merge.can_share() { self.snapshot.rows().div_ceil(SHARE_ROWS).max(1) } else { 1 };
        (0..of).map(move |part| Share { part, of })
    }

    /// The model's rows of one share.
    pub(super) fn rows(&self, share: Share) -> Result<LazyFrame, StageError> {
        Ok(self.merge.lower_share(share, &|_: &TableRef| scanned(&self.snapshot, None))?)
    }
}

/// The input's files by the first day of their month; none when a file has no date.
fn months(input: &Snapshot) -> Option<BTreeMap<NaiveDate, Vec<&LakeFile>>> {
    let mut months: BTreeMap<NaiveDate, Vec<&LakeFile>> = BTreeMap::new();
    for file in input.files() {
        months.entry(file.partition?.with_day(1)?).or_default().push(file);
    }
    Some(months)
}

struct Shelf<'a> {
    job: &'a GoldJob<'a>,
    name: &'a str,
    part: &'a Bound,
    input: &'a Snapshot,
    months: BTreeMap<NaiveDate, Vec<&'a LakeFile>>,
}

impl Shelf<'_> {
    fn folder(&self) -> Place {
        self.job.lake.pipeline_folder(&self.job.pipeline.name).join("contributions").join(self.name)
    }

    fn refresh(&self, runtime: &Handle) -> Result<(), StageError> {
        let folder = self.folder();
        let kept = runtime.block_on(assay_lake::open(&folder))?;
        let kept = kept.as_ref().map(Snapshot::files).unwrap_or_default();
        let stale: Vec<NaiveDate> = self.months.keys().copied().filter(|month| !self.holds(kept, *month)).collect();
        let gone = kept.iter().filter_map(|file| file.partition).filter(|month| !self.months.contains_key(month));
        let mut replaced: Vec<Option<NaiveDate>> = stale.iter().copied().chain(gone).map(Some).collect();
        replaced.dedup();
        if replaced.is_empty() {
            return Ok(());
        }
        let scope = if stale.len() == self.months.len() { Scope::Whole } else { Scope::Dates(replaced) };
        let staged = all_or_none(&folder, stale.iter().map(|month| self.stage(*month, &folder)))?;
        self.publish(&folder, scope, staged, stale.len(), runtime)
    }

    /// Whether the kept files of the month were computed from the input's files of the month: their names say so.
    fn holds(&self, kept: &[LakeFile], month: NaiveDate) -> bool {
        let tag = self.tag(month);
        let mut of_month = kept.iter().filter(|file| file.partition == Some(month)).peekable();
        of_month.peek().is_some() && of_month.all(|file| file.path.contains(&tag))
    }

    /// Of the definition, of how it is computed and of the input's files of the month.
    fn tag(&self, month: NaiveDate) -> String {
        let mut hash = Xxh3::new();
        hash.update(&Partials::FORM.to_le_bytes());
        hash.update(self.job.pipeline.digest.as_bytes());
        for file in self.months.get(&month).into_iter().flatten() {
            hash.update(file.path.as_bytes());
            hash.update(&file.size.to_le_bytes());
        }
        format!("{:032x}", hash.digest128())
    }

    fn stage(&self, month: NaiveDate, folder: &Place) -> Result<Vec<StagedFile>, StageError> {
        let files = self.months.get(&month).map(Vec::as_slice).unwrap_or_default();
        let dates: Vec<NaiveDate> = files.iter().filter_map(|file| file.partition).collect();
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let of = if self.part.can_share() { rows.div_ceil(SHARE_ROWS).max(1) } else { 1 };
        let tag = self.tag(month);
        let shares = (0..of).map(|part| {
            let scan = |_: &TableRef| scanned(self.input, Some(&dates));
            let frame = self.part.lower_share(Share { part, of }, &scan)?;
            let frame = frame.with_columns([lit(month).cast(DataType::Date).alias(MONTH)]);
            Ok(assay_lake::stage_frame(frame, folder, Some(MONTH), &tag, self.job.cancelled)?)
        });
        all_or_none(folder, shares)
    }

    fn publish(
        &self,
        folder: &Place,
        scope: Scope,
        staged: Vec<StagedFile>,
        months: usize,
        runtime: &Handle,
    ) -> Result<(), StageError> {
        let mut schema: Vec<LakeField> = self.part.fields().iter().map(lake_field).collect();
        schema.push(LakeField::new(MONTH, DataType::Date, true));
        let change = Replacement {
            folder: folder.clone(),
            environment: self.job.lake.environment(),
            table: &format!("{}/contributions/{}", self.job.pipeline.name, self.name),
            schema: &schema,
            partition: Some(MONTH),
            scope,
            staged,
            run: self.job.run,
            definition: &self.job.pipeline.digest,
            note: &format!("computed {months} months"),
            audit: &|_, _| Ok(()),
        };
        runtime.block_on(assay_lake::replace(self.job.permit, (self.job.now)(), change))?;
        Ok(())
    }
}

fn scanned(snapshot: &Snapshot, dates: Option<&[NaiveDate]>) -> PolarsResult<LazyFrame> {
    snapshot.scan(dates).map_err(|error| polars_err!(ComputeError: "{error}"))
}
