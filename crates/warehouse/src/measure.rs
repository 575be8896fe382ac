//! Counts and sums of a warehouse table, as exact text.

use crate::connection::Warehouse;
use crate::error::WarehouseError;
use crate::job::iso_dates;
use crate::load_log;
use crate::quote::{check_names, identifier, table};
use crate::reconcile::Measures;
use chrono::NaiveDate;
use std::time::Duration;

/// Counting for a look may take this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rows of a warehouse table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadedRows {
    pub rows: u64,
    /// Of the dates that were asked for; all rows when none were.
    pub dated: u64,
    /// They were counted; else they are as the last loads left them.
    pub counted: bool,
}

impl Warehouse {
    /// Rows of a table and of some of its dates, as their last loads left them. Counted where the load log does not
    /// tell, which fails after five seconds. A table that is not there has none. Changes nothing.
    pub async fn loaded(
        &mut self,
        schema: &str,
        name: &str,
        dates: Option<(&str, &[NaiveDate])>,
    ) -> Result<LoadedRows, WarehouseError> {
        check_names(schema, name, dates.iter().map(|(column, _)| (*column).to_owned()).collect::<Vec<_>>().iter())?;
        self.revive().await?;
        let failed = |error| WarehouseError::of(&format!("the row count of {schema}.{name}"), &[], error);
        let transaction = self.read(PATIENCE).await.map_err(failed)?;
        let place = table(schema, name);
        let there =
            transaction.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&place]).await.map_err(failed)?;
        if !there.get::<_, bool>(0) {
            return Ok(LoadedRows { rows: 0, dated: 0, counted: true });
        }
        let asked = dates.map(|(_, dates)| iso_dates(dates)).unwrap_or_default();
        let logged = match load_log::exists(&transaction).await.map_err(failed)? {
            true => load_log::rows_of(&transaction, schema, name, &asked).await.map_err(failed)?,
            false => (None, None),
        };
        match (logged, dates) {
            ((Some(rows), _), None) => {
                Ok(LoadedRows { rows: rows.unsigned_abs(), dated: rows.unsigned_abs(), counted: false })
            }
            ((Some(rows), Some(dated)), Some(_)) => {
                Ok(LoadedRows { rows: rows.unsigned_abs(), dated: dated.unsigned_abs(), counted: false })
            }
            _ => {
                let of_dates = dates.map_or_else(String::new, |(column, _)| {
                    format!(" FILTER (WHERE {} = ANY($1::text[]::date[]))", identifier(column))
                });
                let query = format!("SELECT count(*), count(*){of_dates} FROM {place} WHERE $1::text[] IS NOT NULL");
                let row = transaction.query_one(&query, &[&asked]).await.map_err(failed)?;
                let number = |at| row.get::<_, i64>(at).unsigned_abs();
                Ok(LoadedRows { rows: number(0), dated: number(1), counted: true })
            }
        }
    }

    /// Rows of a table that was loaded, as its last load left them: what others do to dates that no load replaces is
    /// not seen before the next whole load. Counted where the load log is too old to tell.
    pub async fn rows(&self, schema: &str, name: &str) -> Result<u64, WarehouseError> {
        let failed = |error| WarehouseError::of(&format!("the measuring of {schema}.{name}"), &[], error);
        match load_log::rows(&self.client, schema, name).await.map_err(failed)? {
            Some(rows) => Ok(rows.unsigned_abs()),
            None => Ok(self.measure(schema, name, &[], None).await?.rows),
        }
    }

    /// Row count and the sums of numeric columns, in one statement, so of one moment.
    ///
    /// `dates` names a date column and keeps to its dates; none measures the whole table. The sum of no value is none.
    pub async fn measure(
        &self,
        schema: &str,
        name: &str,
        sums: &[String],
        dates: Option<(&str, &[NaiveDate])>,
    ) -> Result<Measures, WarehouseError> {
        let date_column = dates.map(|(column, _)| column.to_owned());
        check_names(schema, name, sums.iter().chain(&date_column))?;
        let counted = std::iter::once("count(*)".to_owned());
        let summed = sums.iter().map(|column| format!("sum({})::text", identifier(column)));
        let values = counted.chain(summed).collect::<Vec<_>>().join(", ");
        let place = table(schema, name);
        let failed = |error| WarehouseError::of(&format!("the measuring of {schema}.{name}"), sums, error);
        let row = match dates {
            None => self.client.query_one(&format!("SELECT {values} FROM {place}"), &[]).await,
            Some((column, dates)) => {
                let column = identifier(column);
                let query = format!("SELECT {values} FROM {place} WHERE {column} = ANY($1::text[]::date[])");
                self.client.query_one(&query, &[&iso_dates(dates)]).await
            }
        };
        let row = row.map_err(failed)?;
        let rows: i64 = row.get(0);
        Ok(Measures { rows: rows.unsigned_abs(), sums: (1..=sums.len()).map(|at| row.get(at)).collect() })
    }
}
