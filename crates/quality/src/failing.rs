//! Failing rows on their way into a Parquet file: all columns, which rules failed, and why in words.

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{
    BooleanChunked, ChunkFilter, Column, DataFrame, IdxCa, IntoColumn, ListBuilderTrait, ListPrimitiveChunkedBuilder,
    ListStringChunkedBuilder, ParquetCompression, ParquetWriter, PlSmallStr, PolarsError, PolarsResult, UInt32Type,
};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The row's number in the data, while the pass runs.
pub(crate) const PLACE: &str = "\u{1}place";
/// Numbers of the rules that a row made fail.
pub(crate) const RULES: &str = "_rules";
/// One text for each of them.
pub(crate) const REASONS: &str = "_reasons";
/// Numbers of the rules that say nothing of a row; only where every row is written.
pub(crate) const SKIPPED: &str = "_skipped";

/// Rows that are gathered before they are written as one group.
const GROUP: usize = 65_536;
/// Batches that may wait for one that is late; beyond it the rows are no longer in the order of the data.
const WAITING: usize = 256;

/// What a failing row is told of a rule.
#[derive(Clone)]
pub(crate) struct Told {
    /// From 1.
    pub number: u32,
    /// The rule's row test; none for a rule without row meaning.
    pub test: Option<usize>,
    pub reasons: Vec<Reason>,
}

/// Sentences about a row for which a test failed.
#[derive(Clone)]
pub(crate) struct Reason {
    pub test: usize,
    columns: Vec<PlSmallStr>,
    plain: String,
    /// For each column, what is said where it is null.
    nulls: Vec<String>,
}

impl Reason {
    /// A test about columns, and what a row does not do.
    pub fn of(test: usize, columns: &[PlSmallStr], requirement: &str) -> Self {
        let plain = match columns.is_empty() {
            true => requirement.to_owned(),
            false => format!("{}: {requirement}", columns.join(", ")),
        };
        let nulls = columns.iter().map(|column| format!("{column}: NULL {requirement}")).collect();
        Self { test, columns: columns.to_vec(), plain, nulls }
    }

    /// What is said of a row; `nulls` has the rows in which a column is null.
    fn said(&self, nulls: &BTreeMap<&PlSmallStr, BooleanChunked>, row: usize) -> &str {
        let null = |column: &PlSmallStr| nulls.get(column).and_then(|nulls| nulls.get(row)) == Some(true);
        self.columns.iter().position(null).and_then(|at| self.nulls.get(at)).unwrap_or(&self.plain)
    }
}

/// Writes failing rows of batches that come in any order, in the order of the data.
pub(crate) struct Keeper {
    path: PathBuf,
    /// The columns of the file but for those about rules.
    columns: Vec<PlSmallStr>,
    rules: Vec<Told>,
    /// Whether rows that fail no rule are written too.
    every: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failing: u64,
    /// Batches by the number of their first row, until all before them are there.
    waiting: BTreeMap<u64, (u64, Option<DataFrame>)>,
    next: u64,
    gathered: Option<DataFrame>,
    writer: Option<BatchedWriter<File>>,
    broken: bool,
}

impl Keeper {
    /// `columns` are all columns of the data, in the file's order.
    pub fn new(path: &Path, columns: Vec<PlSmallStr>, rules: Vec<Told>, every: bool) -> Self {
        Self { path: path.to_owned(), columns, rules, every, state: Mutex::default() }
    }

    pub fn every(&self) -> bool {
        self.every
    }

    /// Takes over the failing rows of a batch. `failing` has the rows of which each test says no.
    pub fn batch(&self, rows: &DataFrame, failing: &[Option<BooleanChunked>]) -> PolarsResult<()> {
        if rows.height() == 0 {
            return Ok(());
        }
        let places: &IdxCa = rows.column(PLACE)?.idx()?;
        let first = u64::from(places.get(0).unwrap_or_default());
        let failed = self.rules.iter().filter_map(|rule| failing.get(rule.test?)?.as_ref());
        let any = failed.cloned().reduce(|any, fails| any | fails);
        let count = any.as_ref().and_then(BooleanChunked::sum).unwrap_or_default();
        let told = match (self.every, &any) {
            (true, _) => Some(self.told(rows, failing, None)?),
            (false, Some(any)) if count > 0 => Some(self.told(rows, failing, Some(any))?),
            _ => None,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failing += u64::from(count);
        state.waiting.insert(first, (rows.height() as u64, told));
        let flushed = self.flush(&mut state, WAITING);
        state.broken |= flushed.is_err();
        flushed
    }

    /// Writes what waits. Gives the number of failing rows; there is no file when there was no row to write.
    pub fn finish(&self) -> PolarsResult<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.flush(&mut state, 0)?;
        self.write(&mut state)?;
        match state.writer.take() {
            Some(writer) => _ = writer.finish()?,
            None => self.remove()?,
        }
        Ok(state.failing)
    }

    /// Whether rows could not be written.
    pub fn broken(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).broken
    }

    /// Removes what an evaluation that failed has written.
    pub fn discard(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).writer = None;
        // The evaluation's own error is told; without its footer no reader takes the file for a whole one.
        let _ = self.remove();
    }

    fn remove(&self) -> std::io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn flush(&self, state: &mut State, patience: usize) -> PolarsResult<()> {
        while let Some((first, _)) = state.waiting.first_key_value() {
            if *first > state.next && state.waiting.len() <= patience {
                break;
            }
            let Some((first, (height, rows))) = state.waiting.pop_first() else { break };
            state.next = state.next.max(first + height);
            let Some(rows) = rows else { continue };
            match &mut state.gathered {
                Some(gathered) => {
                    gathered.vstack_mut(&rows)?;
                }
                None => state.gathered = Some(rows),
            }
            if state.gathered.as_ref().is_some_and(|gathered| gathered.height() >= GROUP) {
                self.write(state)?;
            }
        }
        Ok(())
    }

    fn write(&self, state: &mut State) -> PolarsResult<()> {
        let Some(mut rows) = state.gathered.take() else { return Ok(()) };
        rows.rechunk_mut();
        if state.writer.is_none() {
            let file = File::create(&self.path)?;
            let writer = ParquetWriter::new(file).with_compression(ParquetCompression::Snappy).set_parallel(false);
            state.writer = Some(writer.batched(rows.schema())?);
        }
        match &mut state.writer {
            Some(writer) => writer.write_batch(&rows),
            None => Err(PolarsError::ComputeError("the file of failing rows is not open".into())),
        }
    }

    /// The chosen rows with what is told of them.
    fn told(
        &self,
        rows: &DataFrame,
        failing: &[Option<BooleanChunked>],
        chosen: Option<&BooleanChunked>,
    ) -> PolarsResult<DataFrame> {
        let pick = |column: &BooleanChunked| match chosen {
            Some(chosen) => column.filter(chosen),
            None => Ok(column.clone()),
        };
        let fails =
            failing.iter().map(|fails| fails.as_ref().map(pick).transpose()).collect::<PolarsResult<Vec<_>>>()?;
        let picked = match chosen {
            Some(chosen) => rows.filter(chosen)?,
            None => rows.clone(),
        };
        let mut file = picked.select(self.columns.iter().cloned())?;
        let (numbers, reasons) = self.texts(&picked, &fails)?;
        file.with_column(numbers)?;
        file.with_column(reasons)?;
        if self.every {
            file.with_column(self.skipped(&picked)?)?;
        }
        Ok(file)
    }

    /// `_rules` and `_reasons` of the picked rows.
    fn texts(&self, rows: &DataFrame, fails: &[Option<BooleanChunked>]) -> PolarsResult<(Column, Column)> {
        let height = rows.height();
        let says_no = |test: usize, row: usize| {
            fails.get(test).and_then(Option::as_ref).and_then(|fails| fails.get(row)) == Some(true)
        };
        let mut nulls: BTreeMap<&PlSmallStr, BooleanChunked> = BTreeMap::new();
        let spoken = |reason: &&Reason| fails.get(reason.test).is_some_and(Option::is_some);
        for reason in self.rules.iter().flat_map(|rule| &rule.reasons).filter(spoken) {
            for column in &reason.columns {
                let missing = rows.column(column)?;
                if missing.null_count() > 0 && !nulls.contains_key(column) {
                    nulls.insert(column, missing.is_null());
                }
            }
        }
        let mut numbers = ListPrimitiveChunkedBuilder::<UInt32Type>::new(
            RULES.into(),
            height,
            height,
            polars::prelude::DataType::UInt32,
        );
        let mut reasons = ListStringChunkedBuilder::new(REASONS.into(), height, height);
        let speaking: Vec<&Told> = (self.rules.iter())
            .filter(|rule| rule.test.is_some_and(|test| fails.get(test).is_some_and(Option::is_some)))
            .collect();
        for row in 0..height {
            let failed = || speaking.iter().filter(|rule| rule.test.is_some_and(|test| says_no(test, row)));
            numbers.append_slice(&failed().map(|rule| rule.number).collect::<Vec<_>>());
            let texts: Vec<Cow<'_, str>> = failed()
                .map(|rule| {
                    let mut said = rule.reasons.iter().filter(|reason| says_no(reason.test, row));
                    let first = said.next().map_or("", |reason| reason.said(&nulls, row));
                    said.fold(Cow::Borrowed(first), |text, reason| {
                        Cow::Owned(format!("{text}; {}", reason.said(&nulls, row)))
                    })
                })
                .collect();
            reasons.append_values_iter(texts.iter().map(AsRef::as_ref));
        }
        Ok((numbers.finish().into_column(), reasons.finish().into_column()))
    }

    fn skipped(&self, rows: &DataFrame) -> PolarsResult<Column> {
        let height = rows.height();
        let mut numbers = ListPrimitiveChunkedBuilder::<UInt32Type>::new(
            SKIPPED.into(),
            height,
            height,
            polars::prelude::DataType::UInt32,
        );
        let said = |rule: &Told| match rule.test {
            Some(test) => rows.column(&crate::draft::outcome_column(test)).map(|column| column.is_null()).map(Some),
            None => Ok(None),
        };
        let said = self.rules.iter().map(said).collect::<PolarsResult<Vec<_>>>()?;
        for row in 0..height {
            let silent = self
                .rules
                .iter()
                .zip(&said)
                .filter(|(_, nulls)| nulls.as_ref().is_none_or(|nulls| nulls.get(row) == Some(true)));
            numbers.append_slice(&silent.map(|(rule, _)| rule.number).collect::<Vec<_>>());
        }
        Ok(numbers.finish().into_column())
    }
}
