//! One file for each date, or one for a table without dates.

use super::form::{FormWriter, ending};
use super::record::{self, Part, Record};
use super::{Copying, rows};
use crate::error::StageError;
use crate::parallel;
use arrow::datatypes::SchemaRef;
use assay_pipeline::PublishedForm;
use polars::prelude::{Expr, col};

/// Files that are written at the same time.
const AT_ONCE: usize = 4;
/// The folder of rows without a date, as other programs name it.
const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Writes the files of the partitions that changed since the last copy, and removes those of partitions that are gone.
pub(super) fn copy(copying: &mut Copying<'_>) -> Result<(), StageError> {
    // Text has no other place for the date than a column; programs that read Parquet take it from the path.
    let columns = copying.columns(copying.form != PublishedForm::Parquet);
    let schema = rows::schema(copying.snapshot, &columns)?;
    let (shape, pattern) = (copying.shape(&columns), pattern(copying));
    let parts = record::parts(copying.snapshot);
    if copying.record.pattern != pattern {
        remove_all(copying)?;
    }
    let same = copying.record.shape == shape && copying.record.pattern == pattern;
    let is_copied = |record: &Record, key: &str, part: &Part| {
        same && record.parts.get(key) == Some(&Some(part.digest())) && copying.place.has(&name(&pattern, key))
    };
    let stale: Vec<(&String, &Part)> =
        parts.iter().filter(|(key, part)| !is_copied(&copying.record, key, part)).collect();
    let gone: Vec<String> = copying.record.parts.keys().filter(|key| !parts.contains_key(*key)).cloned().collect();
    copying.done.unchanged += (parts.len() - stale.len()) as u64;
    if !stale.is_empty() || !gone.is_empty() {
        copying.record.shape = shape;
        copying.record.pattern.clone_from(&pattern);
        let touched = stale.iter().map(|(key, _)| (*key).clone()).chain(gone.iter().cloned());
        copying.record.parts.extend(touched.map(|key| (key, None)));
        copying.keep()?;
    }
    for key in gone {
        copying.done.removed += u64::from(copying.place.remove(&name(&pattern, &key))?);
        copying.record.parts.remove(&key);
    }
    let written = parallel::map(copying.job.threads.clamp(1, AT_ONCE), &stale, |(key, part)| {
        copying.check_cancelled()?;
        write(copying, &name(&pattern, key), part, &schema)?;
        Ok(((*key).clone(), Some(part.digest())))
    })?;
    copying.done.written += written.len() as u64;
    copying.record.parts.extend(written);
    copying.place.settle()?;
    copying.keep()
}

/// `<column>=*/<table>.<ending>`, without the folder for a table without partitions.
fn pattern(copying: &Copying<'_>) -> String {
    let file = format!("{}.{}", copying.job.table.table, ending(copying.form));
    match copying.snapshot.partition_column() {
        Some(column) => format!("{column}=*/{file}"),
        None => file,
    }
}

fn name(pattern: &str, key: &str) -> String {
    pattern.replace('*', if key.is_empty() { NO_DATE } else { key })
}

/// Removes the files of an earlier form. Their record stays until the new ones are about to be written.
fn remove_all(copying: &mut Copying<'_>) -> Result<(), StageError> {
    for key in copying.record.parts.keys() {
        copying.done.removed += u64::from(copying.place.remove(&name(&copying.record.pattern, key))?);
    }
    Ok(())
}

fn write(copying: &Copying<'_>, name: &str, part: &Part, schema: &SchemaRef) -> Result<(), StageError> {
    let snapshot = copying.snapshot;
    let frame = match (part.date, snapshot.partition_column()) {
        (Some(date), _) => snapshot.scan(Some(&[date]))?,
        (None, Some(column)) => snapshot.scan(None)?.filter(col(column).is_null()),
        (None, None) => snapshot.scan(None)?,
    };
    let columns: Vec<Expr> = schema.fields().iter().map(|field| col(field.name().as_str())).collect();
    let path = copying.place.path(name);
    copying.place.replace(name, |file| {
        let mut writer = FormWriter::new(copying.form, schema, Vec::new(), file, &path)?;
        rows::each(frame.select(columns), copying.watch, |batch| writer.write(&rows::batch(batch, schema)?, &path))?;
        writer.finish(&path)
    })
}
