//! Questions in SQL over the lake's tables: bound, typed, streamed, read only.

use super::lake::sql_mistakes;
use crate::desk::Desk;
use crate::exit;
use crate::local::problems;
use assay_contract::Problem;
use assay_lake::Snapshot;
use assay_pipeline::{Layer, TableName};
use assay_sql::{Catalog, Field, TableRef, Use, field_of};
use polars::prelude::{DataFrame, Engine, LazyFrame, PolarsResult, polars_err};

#[derive(Debug)]
pub struct Answer {
    pub frame: DataFrame,
    /// Whether rows beyond the limit exist.
    pub more: bool,
}

/// Answers one SELECT with at most `limit` rows.
pub fn query(desk: &Desk, text: &str, limit: u32) -> Result<Answer, Problem> {
    let open = Open::all(desk)?;
    let bound = assay_sql::bind(text, &open, Use::Query)
        .map_err(|errors| sql_mistakes("The query cannot be answered.", text, &errors))?;
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
    tables: Vec<(TableName, Snapshot)>,
}

impl Open {
    fn all(desk: &Desk) -> Result<Self, Problem> {
        let lake = desk.lake(&desk.environment("local")?);
        let mut tables = Vec::new();
        for table in desk.tables().into_iter().filter(|table| matches!(table.layer, Layer::Silver | Layer::Gold)) {
            let opened = desk.runtime.block_on(assay_lake::open(&lake.folder(&table)));
            if let Some(snapshot) = opened.map_err(|error| problems::lake(&error))? {
                tables.push((table, snapshot));
            }
        }
        Ok(Self { tables })
    }

    /// The one table that a name fits; none where two pipelines have it and the name leaves the pipeline out.
    fn find(&self, asked: &TableRef) -> Option<&Snapshot> {
        let fits = |table: &TableName| {
            table.table == asked.name
                && asked.layer.as_deref().is_none_or(|layer| layer == table.layer.as_str())
                && asked.pipeline.as_deref().is_none_or(|pipeline| pipeline == table.pipeline)
        };
        let mut found = self.tables.iter().filter(|(table, _)| fits(table));
        match (found.next(), found.next()) {
            (Some((_, snapshot)), None) => Some(snapshot),
            _ => None,
        }
    }

    fn scan(&self, table: &TableRef) -> PolarsResult<LazyFrame> {
        let snapshot = self.find(table).ok_or_else(|| polars_err!(ComputeError: "{table} is gone"))?;
        snapshot.scan(None).map_err(|error| polars_err!(ComputeError: "{error}"))
    }
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
