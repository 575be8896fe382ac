//! Rows that are the elements of an array within a record.

use crate::silver::shape::Branch;
use assay_pipeline::Contract;

/// The array whose elements are the rows, as the contract says it.
#[derive(Debug)]
pub(crate) struct Explode {
    /// Its path, joined with points.
    pub(crate) name: String,
    /// Where the values of an element lie.
    pub(crate) tree: Branch,
    /// Places of the columns that an element gives.
    pub(crate) columns: Vec<usize>,
}

impl Explode {
    /// None when a record is a row. Marks the array in the record's tree.
    pub(crate) fn of(contract: &Contract, record: &mut Branch, nodes: &mut usize) -> Result<Option<Self>, String> {
        let path = &contract.explode;
        let Some(array) = record.node(path, nodes) else { return Ok(None) };
        array.array = true;
        let mut explode = Self { name: path.join("."), tree: Branch::default(), columns: Vec::new() };
        for (at, column) in contract.columns.iter().enumerate().filter(|(_, column)| column.computed.is_none()) {
            let Some(below) = column.path.strip_prefix(path.as_slice()) else { continue };
            if below.is_empty() {
                return Err(format!("the column {} is the array that is exploded", column.name));
            }
            explode.columns.push(at);
            explode.tree.add(below, at, nodes);
        }
        Ok(Some(explode))
    }
}
