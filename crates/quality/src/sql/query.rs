//! A query over the dataset and its references, which are tables by their aliases.

use super::{Open, fields, has_open_word, refused};
use crate::data::Data;
use crate::rules::Refusal;
use assay_sql::{Catalog, Field, TableRef, spark};
use polars::prelude::{LazyFrame, PolarsResult, Schema};

/// The name of the dataset itself.
const PRIMARY: &str = "primary";

/// A query that was understood.
pub(crate) struct Query {
    pub frame: LazyFrame,
    /// The names of its columns.
    pub columns: Vec<String>,
}

/// Understands a query of Spark's SQL over `primary` and the aliases.
pub(crate) fn query(sql: &str, data: &Data<'_>, primary: &Schema) -> Result<Query, Refusal> {
    let failed = |_| Refusal::failed("Error executing SQL statement: a dataset that it may read cannot be opened");
    let mut tables = vec![Table::of(PRIMARY, &data.rows, primary)];
    for (alias, rows) in data.references {
        let schema = rows.clone().collect_schema().map_err(failed)?;
        tables.push(Table::of(alias, rows, &schema));
    }
    let catalog = Tables(tables);
    let bound = spark::bind(sql, &catalog, data.now.timestamp_micros()).map_err(|errors| {
        let names = catalog.0.iter().any(|table| table.untyped);
        refused(
            &errors,
            Open { names, words: has_open_word(sql, primary) },
            "Error executing SQL statement",
            "the query",
        )
    })?;
    let columns = bound.fields().iter().map(|field| field.name.clone()).collect();
    let frame = bound.lower(&|table| catalog.rows(table));
    let frame = frame.map_err(|error| Refusal::remote(format!("the query cannot be prepared here: {error}")))?;
    Ok(Query { frame, columns })
}

struct Table {
    name: String,
    fields: Vec<Field>,
    /// It has columns of types that the subset has not.
    untyped: bool,
    rows: LazyFrame,
}

impl Table {
    fn of(name: &str, rows: &LazyFrame, schema: &Schema) -> Self {
        let fields = fields(schema);
        Self { name: name.to_owned(), untyped: fields.len() < schema.len(), fields, rows: rows.clone() }
    }
}

struct Tables(Vec<Table>);

impl Tables {
    /// Names have no case; an alias may hold a dot.
    fn find(&self, table: &TableRef) -> Option<&Table> {
        let written = table.to_string();
        self.0.iter().find(|known| known.name.eq_ignore_ascii_case(&written))
    }

    fn rows(&self, table: &TableRef) -> PolarsResult<LazyFrame> {
        match self.find(table) {
            Some(known) => Ok(known.rows.clone()),
            None => Err(polars::prelude::PolarsError::ComputeError("a table is not there any more".into())),
        }
    }
}

impl Catalog for Tables {
    fn fields(&self, table: &TableRef) -> Option<Vec<Field>> {
        self.find(table).map(|known| known.fields.clone())
    }

    fn tables(&self) -> Vec<String> {
        self.0.iter().map(|known| known.name.clone()).collect()
    }
}
