//! The quarantine's partitions once records have left them.

use super::chosen::{self, Entry, Page};
use super::{Lost, Replay, Whole, obstacle};
use crate::error::StageError;
use crate::silver::fault::{Reason, Words};
use crate::silver::files::{Files, Groups};
use crate::silver::moment;
use crate::silver::refused::{Place, Refused};
use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use assay_lake::{Snapshot, StagedFile};
use chrono::NaiveDate;
use parquet::errors::ParquetError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const LATER: &str = "another record of this date has the same key and comes later";
const HELD_BACK: &str = "the table holds an earlier record of this date with the same key, which cannot be fetched from \
                         its source to be refused in place of this one";

pub(super) fn duplicate(held_back: bool) -> [(Reason, Words); 1] {
    [(Reason::Duplicate, if held_back { HELD_BACK.into() } else { LATER.into() })]
}

/// Partitions that change, and all of their files.
pub(super) type Rewritten = (Vec<Option<NaiveDate>>, Vec<StagedFile>);

impl Replay<'_> {
    /// Copies what stays of the partitions that lose or get rows, and adds the records that lost.
    pub(super) fn rewrite(
        &mut self,
        from: &Snapshot,
        lost: &Lost,
        quarantine: &Files<'_>,
    ) -> Result<Rewritten, StageError> {
        let put = self.told.put_through > self.told.not_replayable.values().sum();
        if !put {
            return Ok((Vec::new(), quarantine.finish()?));
        }
        let choice = self.job.choice.clone();
        let mut dates: BTreeSet<Option<NaiveDate>> =
            chosen::files(from, |date| choice.has_date(date)).iter().map(|file| file.partition).collect();
        dates.extend(self.written.iter().map(|days| days.and_then(moment::date)));
        dates.extend(lost.values().flat_map(BTreeMap::values).map(|(date, _)| *date));
        let files = chosen::files(from, |date| dates.contains(&date));
        let mut groups = Groups::new(quarantine);
        let mut carry = Carry::default();
        chosen::pages(from, &files, |page| {
            if self.watch.cancelled() {
                return Err(StageError::Cancelled);
            }
            self.page(&page, lost, &mut carry, &mut groups)
        })?;
        groups.finish()?;
        Ok((dates.into_iter().collect(), quarantine.finish()?))
    }

    fn page(&mut self, page: &Page, lost: &Lost, carry: &mut Carry, groups: &mut Groups<'_>) -> Result<(), StageError> {
        let choice = self.job.choice.clone();
        let mut stays = Vec::with_capacity(page.batch.num_rows());
        let mut mended: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let mut date = None;
        for row in 0..page.batch.num_rows() {
            let entry = page.entry(row, self.shape.explode.is_some(), &choice);
            date = entry.date;
            let raw = carry.whole.of(&entry);
            let origin = self.origins.of(entry.path)?;
            let leaves = entry.chosen && obstacle(raw, &origin).is_none();
            stays.push(!leaves);
            if leaves {
                self.push_lost(&entry, raw.unwrap_or_default(), lost, groups)?;
                carry.left |= entry.is_whole() && entry.item > 0;
            } else if entry.is_whole() {
                carry.left = false;
            } else if let Some(raw) = raw.filter(|_| carry.left) {
                // The element that carried the whole record has left: the next one carries it.
                mended.insert(row, raw.to_vec());
                carry.left = false;
            }
        }
        let kept = kept(&page.batch, stays, &mended);
        let kept = kept.map_err(|error| StageError::parquet(&self.name.to_string(), ParquetError::from(error)))?;
        groups.add(date.map(moment::days), &kept)
    }

    /// The results of this entry that lost become duplicates.
    fn push_lost(&self, entry: &Entry<'_>, raw: &[u8], lost: &Lost, groups: &mut Groups<'_>) -> Result<(), StageError> {
        let Some(of_file) = lost.get(entry.path) else { return Ok(()) };
        let exploded = self.shape.explode.is_some();
        let first = entry.offset + entry.item.max(1);
        let last = if exploded && entry.item == 0 { entry.offset + entry.len } else { first };
        let mut refused = Refused::new(self.job.ingest.limits.kept);
        for (place, (date, held_back)) in of_file.range(first..=last) {
            let item = if exploded { place - entry.offset } else { 0 };
            let place = Place { line: entry.line, offset: entry.offset, item, raw, len: raw.len() as u64 };
            refused.push(self.shape, date.map(moment::days), place, &duplicate(*held_back));
        }
        for (date, batch) in refused.finish(groups.schema(), entry.path, &self.stamp)? {
            groups.add(date, &batch)?;
        }
        Ok(())
    }
}

/// What is known of the entries before.
#[derive(Default)]
struct Carry {
    whole: Whole,
    /// The last entry that carried a whole record has left.
    left: bool,
}

/// The rows that stay, some with other bytes.
fn kept(batch: &RecordBatch, stays: Vec<bool>, mended: &BTreeMap<usize, Vec<u8>>) -> Result<RecordBatch, ArrowError> {
    let stays = BooleanArray::from(stays);
    let at = batch.schema().index_of("raw")?;
    if mended.is_empty() {
        return filter_record_batch(batch, &stays);
    }
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    let old = batch.column(at).as_binary::<i32>();
    let mut raw = BinaryBuilder::new();
    for row in 0..old.len() {
        raw.append_value(mended.get(&row).map_or(old.value(row), Vec::as_slice));
    }
    columns[at] = Arc::new(raw.finish());
    filter_record_batch(&RecordBatch::try_new(batch.schema(), columns)?, &stays)
}
