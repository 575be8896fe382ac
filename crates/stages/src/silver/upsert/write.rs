//! Writes the partitions in which rows come or go: what stays of their rows, and what enters.

use super::Incoming;
use super::decide::Decided;
use super::encode::{Reading, typed};
use crate::error::StageError;
use crate::parallel;
use crate::silver::files::{Files, Groups};
use crate::silver::moment;
use arrow::array::{BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use assay_lake::{LakeFile, StagedFile};
use chrono::NaiveDate;
use std::path::Path;
use std::sync::Arc;

/// Several partitions at once, each file from its beginning to its end.
pub(super) fn write(
    incoming: &Incoming<'_>,
    folder: &Path,
    held: &[LakeFile],
    decided: &Decided,
    files: &Files<'_>,
) -> Result<Vec<StagedFile>, StageError> {
    let dates: Vec<Option<NaiveDate>> = decided.touched.iter().copied().collect();
    parallel::map(incoming.threads, &dates, |date| {
        let mut groups = Groups::new(files);
        for (at, file) in held.iter().enumerate().filter(|(_, file)| file.partition == *date) {
            let gone = decided.gone.get(&at);
            let stays = |row: usize| !gone.is_some_and(|gone| gone.get_bit(row));
            copy(incoming, &folder.join(&file.path), *date, stays, &mut groups)?;
        }
        for (file, kept) in incoming.waiting.iter().zip(&decided.kept).filter(|(file, _)| file.partition == *date) {
            if any(kept) {
                copy(incoming, &incoming.folder.join(&file.path), *date, |row| kept.get_bit(row), &mut groups)?;
            }
        }
        groups.finish()
    })?;
    files.finish()
}

fn any(bits: &BooleanBufferBuilder) -> bool {
    (0..bits.len()).any(|at| bits.get_bit(at))
}

fn copy(
    incoming: &Incoming<'_>,
    place: &Path,
    date: Option<NaiveDate>,
    stays: impl Fn(usize) -> bool,
    groups: &mut Groups<'_>,
) -> Result<(), StageError> {
    let reading = Reading::open(place)?;
    let mut first = 0;
    for batch in reading.batches(None, None)? {
        let batch = batch.map_err(|error| reading.broken(error))?;
        incoming.check_cancelled()?;
        let chosen: BooleanArray = (first..first + batch.num_rows()).map(|row| Some(stays(row))).collect();
        first += batch.num_rows();
        let batch = shaped(&batch, &chosen, groups).map_err(|error| reading.broken(error))?;
        groups.add(date.map(moment::days), &batch)?;
    }
    Ok(())
}

/// The chosen rows with the columns of the table's files, in their order.
fn shaped(batch: &RecordBatch, chosen: &BooleanArray, groups: &Groups<'_>) -> Result<RecordBatch, ArrowError> {
    let batch = filter_record_batch(batch, chosen)?;
    let schema = groups.schema();
    let columns = schema.fields().iter().map(|field| typed(&batch, field.name(), field.data_type()));
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<Vec<_>, _>>()?)
}
