//! Reading failing rows that a run kept: of one rule, of one date, batch by batch.

use super::kept::{RULES, UNDATED, rules_of};
use crate::error::StageError;
use crate::publication::text;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, UInt32Type};
use arrow::error::ArrowError;
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows that are held at a time.
const BATCH: usize = 8_192;
/// Values that are counted at most, give or take a batch.
const VALUES: usize = 1_000_000;

/// The form in which rows leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    Parquet,
    /// With a header; the rules of a row are separated by spaces, its reasons by `; `.
    Csv,
}

/// A value of a column as text, and how many rows have it.
pub type Valued = (Option<String>, u64);

/// Failing rows of a table in one run.
pub struct FailingRows {
    files: Vec<PathBuf>,
    rule: Option<u32>,
}

/// The dates for which rows were kept in a table's folder, oldest first; none stands for rows without a date.
pub fn dates_of(folder: &Path) -> Result<Vec<Option<NaiveDate>>, StageError> {
    let mut found = Vec::new();
    for name in names(folder)? {
        match name.parse::<NaiveDate>() {
            Ok(date) => found.push(Some(date)),
            Err(_) if name == UNDATED => found.push(None),
            Err(_) => {}
        }
    }
    found.sort_unstable();
    Ok(found)
}

impl FailingRows {
    /// Rows in a table's folder: of these dates, or all; that made this rule fail, or any.
    pub fn open(folder: &Path, dates: Option<&[Option<NaiveDate>]>, rule: Option<u32>) -> Result<Self, StageError> {
        let mut files = Vec::new();
        for date in dates_of(folder)?.into_iter().filter(|date| dates.is_none_or(|dates| dates.contains(date))) {
            let below = folder.join(date.map_or(UNDATED.to_owned(), |date| date.to_string()));
            files.extend(
                names(&below)?.into_iter().filter(|name| name.ends_with(".parquet")).map(|name| below.join(name)),
            );
        }
        Ok(Self { files, rule })
    }

    /// Gives every batch of rows that has any. `take` says whether it wants more.
    pub fn batches(&self, mut take: impl FnMut(RecordBatch) -> Result<bool, StageError>) -> Result<(), StageError> {
        for path in &self.files {
            let place = path.display().to_string();
            let file = File::open(path).map_err(|error| StageError::io(&place, "read", error))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(file);
            let reader = reader.and_then(|reader| reader.with_batch_size(BATCH).build());
            for batch in reader.map_err(|error| StageError::parquet(&place, error))? {
                let wanted = batch.and_then(|batch| self.wanted(&batch));
                let wanted = wanted.map_err(|error| StageError::parquet(&place, error.into()))?;
                if wanted.num_rows() > 0 && !take(wanted)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Writes all of them; gives how many.
    pub fn write(&self, form: RowForm, into: impl Write + Send, place: &str) -> Result<u64, StageError> {
        match form {
            RowForm::Parquet => self.write_parquet(into, place),
            RowForm::Csv => self.write_csv(into, place),
        }
    }

    fn write_parquet(&self, into: impl Write + Send, place: &str) -> Result<u64, StageError> {
        let (mut into, mut writer, mut rows) = (Some(into), None, 0);
        self.batches(|batch| {
            rows += batch.num_rows() as u64;
            if let Some(into) = into.take() {
                let made = ArrowWriter::try_new(into, batch.schema(), None);
                writer = Some(made.map_err(|error| StageError::parquet(place, error))?);
            }
            if let Some(writer) = &mut writer {
                writer.write(&batch).map_err(|error| StageError::parquet(place, error))?;
            }
            Ok(true)
        })?;
        if let Some(writer) = writer {
            let mut into = writer.into_inner().map_err(|error| StageError::parquet(place, error))?;
            into.flush().map_err(|error| StageError::write(place, error))?;
        }
        Ok(rows)
    }

    fn write_csv(&self, mut into: impl Write, place: &str) -> Result<u64, StageError> {
        let mut rows = 0;
        let failed = |error| StageError::write(place, error);
        self.batches(|batch| {
            let batch = flat(&batch).map_err(|error| StageError::parquet(place, error.into()))?;
            if rows == 0 {
                let schema = batch.schema();
                let names = schema.fields().iter().map(|field| field.name().as_str());
                text::header(names, b',', &mut into).map_err(failed)?;
            }
            rows += batch.num_rows() as u64;
            (0..batch.num_rows()).try_for_each(|row| text::row(&batch, row, b',', &mut into)).map_err(failed)?;
            Ok(true)
        })?;
        into.flush().map_err(failed)?;
        Ok(rows)
    }

    /// At most `limit` rows from `offset` on as texts with their header, and how many there are in all.
    #[allow(clippy::type_complexity, reason = "a header and rows of texts")]
    pub fn page(&self, offset: u64, limit: u64) -> Result<(Vec<String>, Vec<Vec<Option<String>>>, u64), StageError> {
        let (mut header, mut page, mut seen) = (Vec::new(), Vec::new(), 0u64);
        self.batches(|batch| {
            let count = batch.num_rows() as u64;
            let wanted = offset.max(seen)..offset.saturating_add(limit).min(seen + count);
            if !wanted.is_empty() || header.is_empty() {
                let batch = flat(&batch).map_err(|error| StageError::parquet("the failing rows", error.into()))?;
                header = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
                for row in wanted {
                    page.push(texts(&batch, (row - seen) as usize)?);
                }
            }
            seen += count;
            Ok(true)
        })?;
        Ok((header, page, seen))
    }

    /// The columns of the rows; none where no row was kept.
    pub fn columns(&self) -> Result<Vec<String>, StageError> {
        let mut found = Vec::new();
        self.batches(|batch| {
            found = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
            Ok(false)
        })?;
        Ok(found)
    }

    /// How many rows have each value of one of the columns, most rows first, then in the order of the values. None
    /// where there are more than a million values.
    pub fn by(&self, column: &str) -> Result<Option<Vec<Valued>>, StageError> {
        let mut found: HashMap<Option<String>, u64> = HashMap::new();
        self.batches(|batch| {
            let chosen = batch.schema().index_of(column).and_then(|at| batch.project(&[at]));
            let chosen = chosen.and_then(|chosen| flat(&chosen));
            let chosen = chosen.map_err(|error| StageError::parquet("the failing rows", error.into()))?;
            for row in 0..chosen.num_rows() {
                *found.entry(texts(&chosen, row)?.pop().flatten()).or_default() += 1;
            }
            Ok(found.len() <= VALUES)
        })?;
        if found.len() > VALUES {
            return Ok(None);
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort_unstable_by(|(value, rows), (other, others)| others.cmp(rows).then_with(|| value.cmp(other)));
        Ok(Some(found))
    }

    fn wanted(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let Some(rule) = self.rule else { return Ok(batch.clone()) };
        let chosen: BooleanArray = rules_of(batch)?.iter().map(|rules| Some(rules.contains(&rule))).collect();
        filter_record_batch(batch, &chosen)
    }
}

/// A row as texts.
pub(super) fn texts(batch: &RecordBatch, row: usize) -> Result<Vec<Option<String>>, StageError> {
    let cell = |column: &ArrayRef| {
        if !column.is_valid(row) {
            return Ok(None);
        }
        let mut text = Vec::new();
        text::plain(column, row, &mut text).map_err(|error| StageError::io("the failing rows", "read", error))?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    };
    batch.columns().iter().map(cell).collect()
}

/// Lists as texts.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let column: ArrayRef = match column.data_type() {
            DataType::List(_) => Arc::new(joined(column, if field.name() == RULES { " " } else { "; " })?),
            _ => column.clone(),
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn joined(column: &ArrayRef, between: &str) -> Result<StringArray, ArrowError> {
    let lists = column.as_list::<i32>();
    let one = |row: usize| -> Result<Option<String>, ArrowError> {
        if !lists.is_valid(row) {
            return Ok(None);
        }
        let items = lists.value(row);
        let texts: Vec<String> = match items.data_type() {
            DataType::UInt32 => items.as_primitive::<UInt32Type>().values().iter().map(u32::to_string).collect(),
            _ => cast(&items, &DataType::Utf8)?.as_string::<i32>().iter().flatten().map(str::to_owned).collect(),
        };
        Ok(Some(texts.join(between)))
    };
    let joined = (0..lists.len()).map(one).collect::<Result<Vec<_>, _>>()?;
    Ok(StringArray::from(joined))
}

/// Names of what lies in a folder, sorted; none where there is no folder.
fn names(folder: &Path) -> Result<Vec<String>, StageError> {
    let unreadable = |error| StageError::io(&folder.display().to_string(), "read", error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
