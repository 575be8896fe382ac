//! A few rows from any place of a table, as Arrow bytes that a window can show.

mod bytes;

use crate::engine::{aside, guarded};
use crate::error::LakeError;
use crate::place::Place;
use crate::snapshot::{LakeFile, Snapshot, open, open_version};
use crate::staged::footer_rows;
use bytes::encode;
use polars::prelude::{DataFrame, Engine, Expr, IdxSize, LazyFrame, PlRefPath, ScanArgsParquet, Schema, col, len};
use std::path::Path;

/// More rows are never given at once.
const MOST_ROWS: u32 = 10_000;

/// Which rows to give.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// None for the newest.
    pub version: Option<i64>,
    /// Rows to skip, of those that pass the filter.
    pub offset: u64,
    /// Rows to give; at most 10,000, and fewer when they are wide.
    pub limit: u32,
    /// In this order; empty for all.
    pub columns: Vec<String>,
    /// Rows for which it is not true are left out. A filter makes the whole table be read.
    pub filter: Option<Expr>,
}

/// Rows as one uncompressed Arrow IPC stream of about 1 MB at most.
///
/// The schema's metadata says what it holds: `assay.offset`, `assay.rows` (given, which can be fewer than
/// asked for), `assay.total`, and `assay.version` for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub ipc: Vec<u8>,
    pub rows: u64,
    /// Rows that pass the filter.
    pub total: u64,
    /// None for a file that is no table.
    pub version: Option<i64>,
}

/// Rows of the table in `folder`, in an order that is the same for every page of a version: by partition,
/// file and place in the file.
pub async fn page(folder: impl Into<Place>, request: PageRequest) -> Result<Page, LakeError> {
    let folder = &folder.into();
    let snapshot = match request.version {
        Some(version) => open_version(folder, version).await?,
        None => open(folder).await?.ok_or_else(|| LakeError::NotFound { place: folder.to_string() })?,
    };
    aside(folder, "reading", move || read(&snapshot, request)).await
}

/// Rows that were read elsewhere, as a page: `place` says where, for errors. Blocking.
pub fn frame_page(place: impl Into<Place>, rows: DataFrame, offset: u64, total: u64) -> Result<Page, LakeError> {
    encode(&place.into(), rows, offset, total, None)
}

/// Rows of a Parquet file of this disk. Blocking.
pub fn parquet_page(file: &Path, offset: u64, limit: u32) -> Result<Page, LakeError> {
    let place = Place::from(file);
    guarded(&place, "reading", || {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let total = footer_rows(&Place::from(file.parent().unwrap_or(Path::new(""))), name)?;
        let failed = |error| LakeError::engine(&place, "reading", error);
        let args = ScanArgsParquet { glob: false, ..Default::default() };
        let path = PlRefPath::try_from_path(file).map_err(failed)?;
        let mut frame = LazyFrame::scan_parquet(path, args).map_err(failed)?;
        let schema = frame.collect_schema().map_err(failed)?;
        let rows = collect(&place, shown(frame.slice(signed(offset), count(limit)), &schema))?;
        encode(&place, rows, offset, total, None)
    })
}

fn read(snapshot: &Snapshot, request: PageRequest) -> Result<Page, LakeError> {
    let columns = columns(snapshot, &request.columns)?;
    let limit = count(request.limit);
    let (frame, total) = match request.filter {
        Some(filter) => filtered(snapshot, filter, request.offset, limit)?,
        None => placed(snapshot, request.offset, limit)?,
    };
    let mut frame = frame.select(columns);
    let schema = frame.collect_schema().map_err(|error| LakeError::engine(&snapshot.folder, "reading", error))?;
    let rows = collect(&snapshot.folder, shown(frame, &schema))?;
    encode(&snapshot.folder, rows, request.offset, total, Some(snapshot.version()))
}

/// Without a filter the log says in which files the rows are; the others are not opened.
fn placed(snapshot: &Snapshot, offset: u64, limit: IdxSize) -> Result<(LazyFrame, u64), LakeError> {
    let end = offset.saturating_add(u64::from(limit));
    let mut files: Vec<&LakeFile> = Vec::new();
    let (mut start, mut skip) = (0u64, 0u64);
    for file in snapshot.files() {
        let next = start + file.rows;
        if start < end && next > offset {
            if files.is_empty() {
                skip = offset - start.min(offset);
            }
            files.push(file);
        }
        start = next;
    }
    Ok((snapshot.scan_files(&files)?.slice(signed(skip), limit), snapshot.rows()))
}

fn filtered(snapshot: &Snapshot, filter: Expr, offset: u64, limit: IdxSize) -> Result<(LazyFrame, u64), LakeError> {
    let kept = snapshot.scan(None)?.filter(filter);
    let counted = collect(&snapshot.folder, kept.clone().select([len().alias("rows")]))?;
    let total = counted.column("rows").and_then(|rows| rows.get(0).map(|value| value.extract::<u64>()));
    let total = total.map_err(|error| LakeError::engine(&snapshot.folder, "reading", error))?.unwrap_or(0);
    Ok((kept.slice(signed(offset), limit), total))
}

fn columns(snapshot: &Snapshot, wanted: &[String]) -> Result<Vec<Expr>, LakeError> {
    let known = || snapshot.fields().iter().map(|field| field.name.as_str());
    if let Some(unknown) = wanted.iter().find(|name| !known().any(|known| known == name.as_str())) {
        return Err(LakeError::NoColumn {
            place: snapshot.place(),
            column: unknown.clone(),
            known: known().collect::<Vec<_>>().join(", "),
        });
    }
    Ok(match wanted {
        [] => known().map(col).collect(),
        wanted => wanted.iter().map(|name| col(name.as_str())).collect(),
    })
}

fn shown(frame: LazyFrame, schema: &Schema) -> LazyFrame {
    frame.select(schema.iter().map(|(name, kind)| bytes::readable(name, kind)).collect::<Vec<_>>())
}

fn collect(place: &Place, frame: LazyFrame) -> Result<DataFrame, LakeError> {
    let result = frame.collect_with_engine(Engine::Streaming);
    Ok(result.map_err(|error| LakeError::engine(place, "reading", error))?.unwrap_single())
}

fn count(limit: u32) -> IdxSize {
    limit.min(MOST_ROWS)
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
