//! Rankings: one sort of the rows by partition and order, then one pass.

use polars::chunked_array::ops::row_encode::_get_rows_encoded_ca;
use polars::prelude::*;

use crate::plan::Ranking;

/// How the rows of a window are sorted.
#[derive(Clone)]
pub(super) struct Ordering {
    pub ranking: Ranking,
    /// How many of the columns are the partition; the others are the order.
    pub partition: usize,
    pub descending: Vec<bool>,
    pub nulls_last: Vec<bool>,
}

/// The ranking over `columns`, partition first. Needs all rows at once.
pub(super) fn ranking(columns: Vec<Expr>, ordering: Ordering) -> Expr {
    let call = move |columns: &mut [Column]| rank(columns, &ordering);
    let field = |_: &Schema, fields: &[Field]| {
        let name = fields.first().map_or(PlSmallStr::EMPTY, |f| f.name().clone());
        Ok(Field::new(name, DataType::Int64))
    };
    apply_multiple(call, columns, field, false)
}

fn rank(columns: &[Column], ordering: &Ordering) -> PolarsResult<Column> {
    let rows = columns.first().map_or(0, Column::len);
    let (partition, order) = columns.split_at(ordering.partition);
    let none = vec![false; partition.len()];
    let partition = if partition.is_empty() { None } else { Some(encoded(partition, &none, &none)?) };
    let order = encoded(order, &ordering.descending, &ordering.nulls_last)?;
    let of_partition = |row: usize| partition.as_ref().map_or(&[][..], |p| bytes(p, row));
    let of_order = |row: usize| bytes(&order, row);
    let mut sorted: Vec<usize> = (0..rows).collect();
    // Rows that tie in everything keep the order in which they came.
    sorted.sort_unstable_by(|a, b| (of_partition(*a), of_order(*a), *a).cmp(&(of_partition(*b), of_order(*b), *b)));
    let mut ranks = vec![0i64; rows];
    let (mut number, mut rank, mut dense) = (0, 0, 0);
    let mut before: Option<usize> = None;
    for &row in &sorted {
        let same_partition = before.is_some_and(|b| of_partition(b) == of_partition(row));
        if !same_partition {
            (number, rank, dense) = (0, 0, 0);
        }
        number += 1;
        if !(same_partition && before.is_some_and(|b| of_order(b) == of_order(row))) {
            rank = number;
            dense += 1;
        }
        ranks[row] = match ordering.ranking {
            Ranking::Rank => rank,
            Ranking::DenseRank => dense,
            Ranking::RowNumber => number,
        };
        before = Some(row);
    }
    let name = columns.first().map_or(PlSmallStr::EMPTY, |c| c.name().clone());
    Ok(Column::new(name, ranks))
}

/// The columns of a row as bytes that sort as the row does.
fn encoded(columns: &[Column], descending: &[bool], nulls_last: &[bool]) -> PolarsResult<BinaryOffsetChunked> {
    _get_rows_encoded_ca(PlSmallStr::EMPTY, columns, descending, nulls_last, false)
}

fn bytes(rows: &BinaryOffsetChunked, row: usize) -> &[u8] {
    rows.get(row).unwrap_or_default()
}
