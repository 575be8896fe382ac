//! What a query may read: tables by name, with the columns of each.

use std::fmt;

use crate::types::Field;

/// The tables that a query may name.
pub trait Catalog {
    /// The columns of `table` in order, or `None` where there is no such table.
    fn fields(&self, table: &TableRef) -> Option<Vec<Field>>;
    /// The names of all tables as a query would write them (`silver.sales`), for suggestions only.
    fn tables(&self) -> Vec<String>;
}

/// A table as the query names it: `sales`, `silver.sales` or `sales_lakehouse.silver.sales`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableRef {
    pub pipeline: Option<String>,
    pub layer: Option<String>,
    pub name: String,
}

impl TableRef {
    /// The table `layer.name` of the pipeline that the query belongs to.
    pub fn new(layer: &str, name: &str) -> Self {
        Self { pipeline: None, layer: Some(layer.to_owned()), name: name.to_owned() }
    }

    /// The parts that were written, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.pipeline.as_deref().into_iter().chain(self.layer.as_deref()).chain([self.name.as_str()])
    }
}

impl fmt::Display for TableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().collect::<Vec<_>>().join("."))
    }
}

/// What a statement is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A gold model: a set of rows without an order, every column named.
    Model,
    /// A question at the prompt: also `order by`, `limit`, `offset`, `select *` and `distinct`.
    Query,
}
