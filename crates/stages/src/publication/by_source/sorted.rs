//! Reads the rows of many sources at a time, puts them in order and writes a file for each.

use super::{Columns, FILE};
use crate::error::StageError;
use crate::parallel;
use crate::publication::form::FormWriter;
use crate::publication::record::Output;
use crate::publication::{Copying, rows};
use arrow::array::{AsArray, RecordBatch};
use chrono::NaiveDate;
use polars::prelude::{
    DataFrame, Engine, Expr, IntoSeries, LazyFrame, NamedFrom, Series, SortMultipleOptions, col, lit,
};
use std::collections::BTreeSet;
use std::ops::Range;

/// Rows that are held and sorted at a time.
#[cfg(not(test))]
const HELD_ROWS: u64 = 250_000;
#[cfg(test)]
const HELD_ROWS: u64 = 40;
/// Files that are written at the same time.
const AT_ONCE: usize = 4;

/// A source and its output.
pub(super) type Wanted<'a> = (&'a String, &'a Output);

/// Writes the output of every wanted source.
pub(super) fn write(copying: &Copying<'_>, columns: &Columns, wanted: &[Wanted<'_>]) -> Result<(), StageError> {
    let mut order: Vec<&Wanted<'_>> = wanted.iter().collect();
    // Sources of the same dates are neighbours, so that a group reads few partitions.
    order.sort_by_key(|(path, output)| (output.rows.keys().next(), *path));
    let mut group: Vec<&Wanted<'_>> = Vec::new();
    let mut held = 0;
    for source in order {
        copying.check_cancelled()?;
        let rows = count(source.1);
        if rows > HELD_ROWS {
            write_large(copying, columns, source)?;
            continue;
        }
        if held + rows > HELD_ROWS {
            write_group(copying, columns, &group)?;
            group.clear();
            held = 0;
        }
        group.push(source);
        held += rows;
    }
    write_group(copying, columns, &group)
}

fn count(output: &Output) -> u64 {
    output.rows.values().map(|rows| rows.count).sum()
}

/// Several sources whose rows fit into memory: one read, one sort.
fn write_group(copying: &Copying<'_>, columns: &Columns, group: &[&Wanted<'_>]) -> Result<(), StageError> {
    if group.is_empty() {
        return Ok(());
    }
    let paths: Vec<&str> = group.iter().map(|(path, _)| path.as_str()).collect();
    let paths = Series::new("paths".into(), paths).implode().map_err(StageError::CopyRead)?;
    let frame = scan(copying, columns, group)?.filter(col(FILE).is_in(lit(paths.into_series()), false));
    let frame = sorted(frame, columns)?;
    let place = rows::batch(&frame, &columns.place)?;
    let spans = spans(&place);
    parallel::map(copying.job.threads.clamp(1, AT_ONCE), group, |source| {
        let span = spans.iter().find(|(path, _)| *path == source.0.as_str()).map_or(0..0, |(_, span)| span.clone());
        let part = frame.slice(i64::try_from(span.start).unwrap_or(0), span.len());
        write_file(copying, columns, source, |give| give(&part))
    })
    .map(drop)
}

/// A source that is too large to be held: its rows in shares of neighbouring places, one after the other.
fn write_large(copying: &Copying<'_>, columns: &Columns, source: &Wanted<'_>) -> Result<(), StageError> {
    let mine = || Ok::<_, StageError>(scan(copying, columns, &[source])?.filter(col(FILE).eq(lit(source.0.as_str()))));
    let axis = axis(mine()?, columns)?;
    let shares = count(source.1).div_ceil(HELD_ROWS);
    write_file(copying, columns, source, |give| {
        for range in cut(axis.range.clone(), shares) {
            copying.check_cancelled()?;
            let place = col(axis.column.as_str());
            let within = place.clone().gt_eq(lit(range.start)).and(place.lt(lit(range.end)));
            give(&sorted(mine()?.filter(within), columns)?)?;
        }
        Ok(())
    })
}

/// The column along which a source is cut.
struct Axis {
    column: String,
    range: Range<i64>,
}

/// Lines, or items where everything lies on one line.
fn axis(frame: LazyFrame, columns: &Columns) -> Result<Axis, StageError> {
    let order = columns.order();
    let ends = order[1..].iter().flat_map(|name| [col(*name).min().alias(format!("{name} least")), col(*name).max()]);
    let ends = frame.select(ends.collect::<Vec<Expr>>()).collect_with_engine(Engine::Streaming);
    let ends = ends.map_err(StageError::CopyRead)?.unwrap_single();
    let at = |name: &str| -> Result<i64, StageError> {
        Ok(ends.column(name).and_then(|column| Ok(column.i64()?.get(0))).map_err(StageError::CopyRead)?.unwrap_or(0))
    };
    let mut found = Axis { column: order[1].to_owned(), range: 0..0 };
    for name in &order[1..] {
        let (first, last) = (at(&format!("{name} least"))?, at(name)?);
        found = Axis { column: (*name).to_owned(), range: first..last.saturating_add(1) };
        if first < last {
            break;
        }
    }
    Ok(found)
}

fn cut(range: Range<i64>, shares: u64) -> Vec<Range<i64>> {
    let length = u64::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
    let step = i64::try_from(length.div_ceil(shares.max(1)).max(1)).unwrap_or(i64::MAX);
    let mut ranges = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let end = start.saturating_add(step).min(range.end);
        ranges.push(start..end);
        start = end;
    }
    ranges
}

fn scan(copying: &Copying<'_>, columns: &Columns, sources: &[&Wanted<'_>]) -> Result<LazyFrame, StageError> {
    let keys: BTreeSet<&String> = sources.iter().flat_map(|(_, output)| output.rows.keys()).collect();
    let dates: Option<Vec<NaiveDate>> = keys.iter().map(|key| key.parse().ok()).collect();
    // A key that is no date stands for rows without one: then the whole table is looked through.
    Ok(copying.snapshot.scan(dates.as_deref())?.select(columns.exprs()))
}

fn sorted(frame: LazyFrame, columns: &Columns) -> Result<DataFrame, StageError> {
    let frame = frame.collect_with_engine(Engine::Streaming).map_err(StageError::CopyRead)?.unwrap_single();
    let order = columns.order();
    let frame = frame.sort(order, SortMultipleOptions::default().with_maintain_order(true));
    frame.map_err(StageError::CopyRead)
}

/// The rows of each source in a sorted frame.
fn spans(place: &RecordBatch) -> Vec<(&str, Range<usize>)> {
    let files = place.column(0).as_string::<i32>();
    let mut spans: Vec<(&str, Range<usize>)> = Vec::new();
    for (row, file) in files.iter().enumerate() {
        match spans.last_mut() {
            Some((path, span)) if Some(*path) == file => span.end = row + 1,
            _ => spans.push((file.unwrap_or_default(), row..row + 1)),
        }
    }
    spans
}

fn write_file(
    copying: &Copying<'_>,
    columns: &Columns,
    (path, output): &Wanted<'_>,
    fill: impl FnOnce(&mut dyn FnMut(&DataFrame) -> Result<(), StageError>) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let Some(name) = &output.name else { return Ok(()) };
    let shown = copying.place.path(name);
    let mut notes = vec![("assay.source", (*path).clone()), ("assay.run", copying.job.run.to_owned())];
    notes.extend(output.tag.iter().map(|tag| ("assay.tag", tag.clone())));
    copying.place.replace(name, |file| {
        let mut writer = FormWriter::new(copying.form, &columns.shown, notes, file, &shown)?;
        let mut written = 0;
        fill(&mut |frame| {
            written += frame.height() as u64;
            writer.write(&rows::batch(frame, &columns.shown)?, &shown)
        })?;
        writer.finish(&shown)?;
        if written == count(output) { Ok(()) } else { Err(lost(&shown, written, count(output))) }
    })
}

/// The rows that were counted and those that were written are read from one version: they cannot differ.
fn lost(path: &str, written: u64, counted: u64) -> StageError {
    let text = format!("{counted} rows were counted and {written} read");
    StageError::copy(path, std::io::Error::other(text))
}
