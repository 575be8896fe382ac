//! Counts and sums of a warehouse table, as exact text.

use crate::connection::Warehouse;
use crate::error::WarehouseError;
use crate::job::iso_dates;
use crate::load_log;
use crate::quote::{check_names, identifier, table};
use crate::reconcile::Measures;
use chrono::NaiveDate;

impl Warehouse {
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
