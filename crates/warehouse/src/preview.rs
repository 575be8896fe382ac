//! Looking at the warehouse: its tables, and pages of their rows, within fixed bounds.

use crate::connection::Warehouse;
use crate::error::WarehouseError;
use crate::load_log;
use crate::quote::{check_names, identifier, literal, table};
use crate::table::Existing;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;
use tokio_postgres::{Error, RowStream};

const MOST_ROWS: u32 = 10_000;
/// A page ends with the row that reaches so many bytes of text.
const MOST_BYTES: usize = 4 << 20;
const MOST_TABLES: i64 = 500;
/// Longer texts are cut, in characters.
const LONGEST_CELL: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(5);

/// Some rows of a table, every value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub columns: Vec<PageColumn>,
    pub rows: Vec<Vec<Option<String>>>,
    /// Columns that the rows are ordered by; rows that are equal in them keep one order while the table stays.
    pub order: Vec<String>,
    /// Whether rows follow after these.
    pub more: bool,
    /// Cells that were cut to 1,000 characters.
    pub shortened: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageColumn {
    pub name: String,
    /// The type as PostgreSQL spells it.
    pub kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableList {
    /// By name.
    pub tables: Vec<TableSummary>,
    /// Whether the schema has more than the 500 listed.
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    pub name: String,
    /// None when counting took longer than 5 seconds.
    pub rows: Option<u64>,
    /// The last load; none when Assay never loaded the table.
    pub loaded_at: Option<DateTime<Utc>>,
    pub lake_version: Option<i64>,
    pub run: Option<String>,
}

impl Warehouse {
    /// At most 10,000 rows and about 4 MB from `offset` on, ordered by the sort key; fails after 5 seconds.
    pub async fn page(&mut self, schema: &str, name: &str, offset: u64, limit: u32) -> Result<Page, WarehouseError> {
        check_names(schema, name, [])?;
        self.revive().await?;
        let failed = |error| WarehouseError::of(&format!("the page of {schema}.{name}"), &[], error);
        let transaction = self.read(PATIENCE).await.map_err(failed)?;
        let Some(existing) = Existing::find(&transaction, schema, name).await.map_err(failed)? else {
            let problems = vec!["it does not exist".to_owned()];
            return Err(WarehouseError::Schema { table: format!("{schema}.{name}"), problems });
        };
        let limit = limit.min(MOST_ROWS);
        let order = existing.note().map(|note| note.sort_key).unwrap_or_default();
        let order: Vec<String> =
            order.into_iter().filter(|key| existing.columns.iter().any(|(c, _)| c == key)).collect();
        let query = page_query(&existing, &table(schema, name), &order, limit);
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let found = transaction.query_raw(&query, [offset]).await.map_err(failed)?;
        let (rows, more, shortened) = taken(found, existing.columns.len(), limit as usize).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;

        let columns = existing.columns.into_iter().map(|(name, kind)| PageColumn { name, kind }).collect();
        Ok(Page { columns, rows, order, more, shortened })
    }

    /// The schema's tables with exact row counts and their last loads; none when there is no such schema.
    pub async fn tables(&mut self, schema: &str) -> Result<TableList, WarehouseError> {
        check_names(schema, "tables", [])?;
        self.revive().await?;
        let failed = |error| WarehouseError::of(&format!("the tables of {schema}"), &[], error);
        let transaction = self.read(PATIENCE).await.map_err(failed)?;
        let query = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                     WHERE n.nspname = $1::text AND c.relkind IN ('r', 'p') ORDER BY 1 LIMIT $2";
        let found = transaction.query(query, &[&schema, &(MOST_TABLES + 1)]).await.map_err(failed)?;
        let mut names: Vec<String> = found.iter().map(|row| row.get(0)).collect();
        let more = names.len() as i64 > MOST_TABLES;
        names.truncate(MOST_TABLES as usize);
        let mut loads = if load_log::exists(&transaction).await.map_err(failed)? {
            load_log::last(&transaction, schema).await.map_err(failed)?
        } else {
            HashMap::new()
        };
        transaction.commit().await.map_err(failed)?;

        let mut tables = Vec::with_capacity(names.len());
        for name in names {
            let rows = self.count(schema, &name).await?;
            let load = loads.remove(&name);
            let (loaded_at, lake_version, run) = match load {
                Some(load) => (Some(load.loaded_at), Some(load.lake_version), Some(load.run)),
                None => (None, None, None),
            };
            tables.push(TableSummary { name, rows, loaded_at, lake_version, run });
        }
        Ok(TableList { tables, more })
    }

    async fn count(&mut self, schema: &str, name: &str) -> Result<Option<u64>, WarehouseError> {
        let failed = |error| WarehouseError::of(&format!("the row count of {schema}.{name}"), &[], error);
        let transaction = self.read(PATIENCE).await.map_err(failed)?;
        let counted = transaction.query_one(&format!("SELECT count(*) FROM {}", table(schema, name)), &[]).await;
        match counted {
            Ok(row) => Ok(Some(row.get::<_, i64>(0).unsigned_abs())),
            Err(error) if timed_out(&error) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Too slow, or waiting for a load that makes the table anew.
fn timed_out(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| matches!(code.code(), "57014" | "55P03"))
}

/// The rows are found by their keys and places alone, so that a page far down sorts no wide rows.
fn page_query(existing: &Existing, place: &str, order: &[String], limit: u32) -> String {
    let values = existing.columns.iter().map(|(name, kind)| {
        let name = identifier(name);
        // The time zone is the session's, UTC; the type's own text is what people know from psql.
        let text = format!("left(t.{name}::text, {})", LONGEST_CELL + 1);
        if kind == "bytea" { format!("{} || octet_length(t.{name})", literal("bytes: ")) } else { text }
    });
    let values: Vec<String> = values.collect();
    // The place on disk makes rows with equal keys keep their order from page to page.
    let order: Vec<String> = order
        .iter()
        .map(|key| format!("t.{}", identifier(key)))
        .chain(["t.tableoid".into(), "t.ctid".into()])
        .collect();
    let (values, order, limit) = (values.join(", "), order.join(", "), u64::from(limit) + 1);
    format!(
        "WITH page AS MATERIALIZED (SELECT t.tableoid AS part, t.ctid AS spot FROM {place} t ORDER BY {order} \
         LIMIT {limit} OFFSET $1) \
         SELECT {values} FROM page JOIN {place} t ON t.ctid = page.spot AND t.tableoid = page.part ORDER BY {order}"
    )
}

/// Rows until one of the bounds, whether more follow, and how many cells were cut. The others are dropped as they come.
async fn taken(found: RowStream, width: usize, limit: usize) -> Result<(Vec<Vec<Option<String>>>, bool, u64), Error> {
    let mut found = pin!(found);
    let (mut rows, mut shortened, mut bytes) = (Vec::new(), 0, 0);
    while let Some(row) = found.try_next().await? {
        if rows.len() >= limit || bytes >= MOST_BYTES {
            return Ok((rows, true, shortened));
        }
        let cells: Vec<Option<String>> = (0..width).map(|at| cut(row.get(at), &mut shortened)).collect();
        bytes += cells.iter().flatten().map(String::len).sum::<usize>();
        rows.push(cells);
    }
    Ok((rows, false, shortened))
}

fn cut(cell: Option<String>, shortened: &mut u64) -> Option<String> {
    let text = cell?;
    match text.char_indices().nth(LONGEST_CELL) {
        Some((end, _)) => {
            *shortened += 1;
            Some(text[..end].to_owned())
        }
        None => Some(text),
    }
}
