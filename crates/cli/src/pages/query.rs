//! Questions in SQL over the lake's tables: bound, typed, streamed, read only.

use super::lake::sql_mistakes;
use crate::desk::Desk;
use crate::exit;
use crate::local::problems;
use crate::names::Names;
use assay_contract::Problem;
use assay_lake::Snapshot;
use assay_pipeline::{Layer, TableName};
use assay_sql::{Catalog, Field, TableRef, Use, field_of};
use polars::prelude::{DataFrame, Engine, LazyFrame, PolarsResult, polars_err};
use std::sync::{Mutex, PoisonError};

#[derive(Debug)]
pub struct Answer {
    pub frame: DataFrame,
    /// Whether rows beyond the limit exist.
    pub more: bool,
}

/// Answers one SELECT with at most `limit` rows.
pub fn query(desk: &Desk, text: &str, limit: u32) -> Result<Answer, Problem> {
    let open = Open::all(desk)?;
    let bound = assay_sql::bind(text, &open, Use::Query).map_err(|errors| {
        let unclear = std::mem::take(&mut *open.unclear.lock().unwrap_or_else(PoisonError::into_inner));
        unclear.unwrap_or_else(|| sql_mistakes("The query cannot be answered.", text, &errors))
    })?;
    let frame = bound.lower(&|table| open.scan(table)).map_err(|error| {
        exit::because("The query could not be prepared.", &error, "Check the tables with `assay tables`.")
    })?;
    let frame = frame.limit(limit.saturating_add(1)).collect_with_engine(Engine::Streaming);
    let frame = frame.map_err(|error| problems::engine("The query stopped.", &error))?.unwrap_single();
    let more = frame.height() > limit as usize;
    Ok(Answer { frame: frame.head(Some(limit as usize)), more })
}

/// Every lake table that exists, at its newest version.
struct Open {
    names: Names,
    tables: Vec<(TableName, Snapshot)>,
    /// Why a name was not followed, where that is more than that there is no such table.
    unclear: Mutex<Option<Problem>>,
}

impl Open {
    fn all(desk: &Desk) -> Result<Self, Problem> {
        let lake = desk.lake(&desk.environment("local")?);
        let mut tables = Vec::new();
        let names = Names::of(desk)?;
        for table in names.known().iter().filter(|table| matches!(table.layer, Layer::Silver | Layer::Gold)) {
            let opened = desk.runtime.block_on(assay_lake::open(&lake.folder(table)));
            if let Some(snapshot) = opened.map_err(|error| problems::lake(&error))? {
                tables.push((table.clone(), snapshot));
            }
        }
        Ok(Self { names, tables, unclear: Mutex::default() })
    }

    /// The one table that a name fits; none where two pipelines have it and the name leaves the pipeline out.
    fn find(&self, asked: &TableRef) -> Option<&Snapshot> {
        let fits = |table: &TableName| {
            table.table == asked.name
                && asked.layer.as_deref().is_none_or(|layer| layer == table.layer.as_str())
                && asked.pipeline.as_deref().is_none_or(|pipeline| pipeline == table.pipeline)
        };
        let found: Vec<_> = self.tables.iter().filter(|(table, _)| fits(table)).collect();
        let names: Vec<&TableName> = found.iter().map(|(table, _)| table).collect();
        // With its pipeline a name is a table's own.
        let others = if asked.pipeline.is_some() { &[] } else { names.as_slice() };
        let unclear = match found.as_slice() {
            [_] if asked.pipeline.is_some() => None,
            [] | [_] => self.names.hidden(&asked.to_string(), fits, others),
            many => Some(ambiguous(asked, many.iter().map(|(table, _)| table))),
        };
        match (found.as_slice(), unclear) {
            ([(_, snapshot)], None) => Some(snapshot),
            (_, unclear) => {
                let mut first = self.unclear.lock().unwrap_or_else(PoisonError::into_inner);
                *first = first.take().or(unclear);
                None
            }
        }
    }

    fn scan(&self, table: &TableRef) -> PolarsResult<LazyFrame> {
        let snapshot = self.find(table).ok_or_else(|| polars_err!(ComputeError: "{table} is gone"))?;
        snapshot.scan(None).map_err(|error| polars_err!(ComputeError: "{error}"))
    }
}

fn ambiguous<'a>(asked: &TableRef, tables: impl Iterator<Item = &'a TableName>) -> Problem {
    let names = tables.map(ToString::to_string).collect::<Vec<_>>().join(", ");
    exit::misuse(format!("{asked} fits several tables."), format!("Write one of: {names}."))
}

impl Catalog for Open {
    fn fields(&self, table: &TableRef) -> Option<Vec<Field>> {
        let field = |field: &assay_lake::LakeField| {
            Some(Field { name: field.name.clone(), kind: field_of(&field.kind)?, nullable: field.nullable })
        };
        Some(self.find(table)?.fields().iter().filter_map(field).collect())
    }

    fn tables(&self) -> Vec<String> {
        self.tables.iter().map(|(table, _)| format!("{}.{}", table.layer, table.table)).collect()
    }
}
