//! Where the rows of a load wait: a table of the session, or a lasting one in the staging schema.

use crate::error::WarehouseError;
use crate::job::{LoadJob, Replace, WarehouseType};
use crate::quote::{identifier, literal, table};
use crate::refusal::{CHECK_PREFIX, STAGING};
use crate::table::{Existing, ensure_schema};
use tokio_postgres::{Error, Transaction};

/// Tells our lasting tables from those of people.
const NOTE: &str = "Rows of the last load by Assay, before they replace others";

pub(crate) struct Staging<'a> {
    job: &'a LoadJob,
    /// Schema of the lasting table.
    pub(crate) schema: Option<&'a str>,
}

impl<'a> Staging<'a> {
    pub(crate) fn of(job: &'a LoadJob) -> Self {
        Self { job, schema: job.staging.as_deref() }
    }

    /// As a statement names it.
    pub(crate) fn place(&self) -> String {
        match self.schema {
            Some(schema) => table(schema, &self.job.table),
            None => format!("pg_temp.{STAGING}"),
        }
    }

    /// As the server's errors name it.
    pub(crate) fn relation(&self) -> &str {
        if self.schema.is_some() { &self.job.table } else { STAGING }
    }

    /// What ends with the load.
    pub(crate) fn end(&self) -> String {
        match self.schema {
            Some(_) => String::new(),
            None => format!("DROP TABLE {};", self.place()),
        }
    }

    /// Makes the session's table anew.
    pub(crate) fn make_temporary(&self) -> String {
        let columns: Vec<String> = self.columns().into_iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        let place = self.place();
        let made = format!("DROP TABLE IF EXISTS {place}; CREATE TEMP TABLE {STAGING} ({});", columns.join(", "));
        format!("{made} {}", self.checks(&place))
    }

    /// Makes or empties the lasting table. One of other columns is made anew; one that Assay did not make is refused.
    pub(crate) async fn make_lasting(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), WarehouseError> {
        let action = format!("the staging of {}", self.job.place());
        let failed = |error| WarehouseError::of(&action, &[], error);
        let found = Existing::find(transaction, schema, &self.job.table).await.map_err(failed)?;
        if let Some(found) = found.as_ref().filter(|found| found.comment() != Some(NOTE)) {
            let columns = found.columns.len();
            let problems =
                vec![format!("a table of {columns} columns that Assay did not make lies in the staging schema")];
            return Err(WarehouseError::Schema { table: format!("{schema}.{}", self.job.table), problems });
        }
        self.make(transaction, schema, found.as_ref()).await.map_err(failed)
    }

    async fn make(&self, transaction: &Transaction<'_>, schema: &str, found: Option<&Existing>) -> Result<(), Error> {
        let place = self.place();
        let columns = self.columns();
        let wanted = self.job.columns.iter().zip(&columns).map(|(column, (_, kind))| (&column.name, kind.as_str()));
        let fits = found.is_some_and(|found| found.columns.iter().map(|(name, kind)| (name, kind.as_str())).eq(wanted));
        if fits {
            // Not TRUNCATE, which Redshift commits at once.
            transaction.batch_execute(&format!("DELETE FROM {place}")).await?;
            let drops = (0..self.job.columns.len())
                .map(|at| format!("ALTER TABLE {place} DROP CONSTRAINT IF EXISTS {CHECK_PREFIX}{at};"));
            transaction.batch_execute(&drops.collect::<String>()).await?;
        } else {
            ensure_schema(transaction, schema).await?;
            let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
            let drop = if found.is_some() { format!("DROP TABLE {place};") } else { String::new() };
            let create = format!("{drop} CREATE TABLE {place} ({});", columns.join(", "));
            transaction.batch_execute(&create).await?;
            transaction.batch_execute(&format!("COMMENT ON TABLE {place} IS {}", literal(NOTE))).await?;
        }
        transaction.batch_execute(&self.checks(&place)).await
    }

    /// Quoted names and types. Decimals keep every digit here, so that a check refuses what the typed column would
    /// round.
    fn columns(&self) -> Vec<(String, String)> {
        let kind = |kind: WarehouseType| match kind {
            WarehouseType::Decimal { .. } => "numeric".to_owned(),
            other => other.sql(),
        };
        self.job.columns.iter().map(|column| (identifier(&column.name), kind(column.kind))).collect()
    }

    /// What every row must hold; the number of the column is in the name.
    fn checks(&self, place: &str) -> String {
        let date_column = match &self.job.mode {
            Replace::Dates { column, .. } => Some(column),
            Replace::All => None,
        };
        let dates = literal(&format!("{{{}}}", self.job.dates().join(",")));
        let checks = self.job.columns.iter().enumerate().filter_map(|(at, column)| {
            let name = identifier(&column.name);
            let check = match column.kind {
                WarehouseType::Decimal { precision, scale } => {
                    format!("{name} = round({name}, {scale}) AND abs({name}) < 1e{}", precision - scale)
                }
                WarehouseType::Date if Some(&column.name) == date_column => {
                    format!("{name} IS NOT NULL AND {name} = ANY({dates}::date[])")
                }
                _ => return None,
            };
            Some(format!("ALTER TABLE {place} ADD CONSTRAINT {CHECK_PREFIX}{at} CHECK ({check});"))
        });
        checks.collect()
    }
}
