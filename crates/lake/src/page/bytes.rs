//! Rows as Arrow bytes, in types that JavaScript reads.

use super::Page;
use crate::error::LakeError;
use crate::place::Place;
use polars::prelude::{CompatLevel, DataFrame, DataType, Expr, IpcStreamWriter, SerWriter, TimeUnit, col};
use std::sync::Arc;

/// A page is cut when its bytes exceed this; a single row may be larger.
const MOST_BYTES: usize = 1024 * 1024;

/// The column in a type that a window can decode; the others keep theirs.
pub(super) fn readable(name: &str, kind: &DataType) -> Expr {
    let column = col(name);
    match kind {
        DataType::Datetime(TimeUnit::Nanoseconds | TimeUnit::Milliseconds, zone) => {
            column.cast(DataType::Datetime(TimeUnit::Microseconds, zone.clone()))
        }
        DataType::Int128 | DataType::Null => column.cast(DataType::String),
        _ => column,
    }
}

/// As many of the first rows as fit.
pub(super) fn encode(
    place: &Place,
    rows: DataFrame,
    offset: u64,
    total: u64,
    version: Option<i64>,
) -> Result<Page, LakeError> {
    let mut keep = rows.height();
    loop {
        let given = rows.head(Some(keep));
        let ipc = stream(place, given, &said(offset, keep, total, version))?;
        if ipc.len() <= MOST_BYTES || keep <= 1 {
            return Ok(Page { ipc, rows: keep as u64, total, version });
        }
        // Rows differ in width: aim below the limit and look again.
        let fitting = (keep as u128 * MOST_BYTES as u128 * 9 / 10) / ipc.len() as u128;
        keep = usize::try_from(fitting).unwrap_or(1).clamp(1, keep - 1);
    }
}

fn said(offset: u64, rows: usize, total: u64, version: Option<i64>) -> Vec<(&'static str, String)> {
    let mut said = vec![
        ("assay.offset", offset.to_string()),
        ("assay.rows", rows.to_string()),
        ("assay.total", total.to_string()),
    ];
    said.extend(version.map(|version| ("assay.version", version.to_string())));
    said
}

fn stream(place: &Place, mut rows: DataFrame, said: &[(&'static str, String)]) -> Result<Vec<u8>, LakeError> {
    let mut ipc = Vec::new();
    let mut writer = IpcStreamWriter::new(&mut ipc).with_compat_level(CompatLevel::oldest());
    let metadata = said.iter().map(|(key, value)| ((*key).into(), value.as_str().into()));
    writer.set_custom_schema_metadata(Arc::new(metadata.collect()));
    rows.rechunk_mut();
    writer.finish(&mut rows).map_err(|error| LakeError::engine(place, "reading", error))?;
    drop(writer);
    Ok(ipc)
}
