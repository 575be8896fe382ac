//! A set of single keys, asked row by row: where it fits, it spares the pass a join of all columns.

use crate::text::mapped;
use polars::prelude::{BooleanChunked, Column, DataType, Expr, IntoColumn, PlHashSet, PolarsResult};
use std::sync::Arc;

/// More keys are joined instead.
const MOST: usize = 1_000_000;

/// Distinct keys of one column.
#[derive(Debug)]
pub(crate) struct Known {
    keys: Keys,
    /// Whether null is one of them, where nulls are equal.
    null: bool,
}

#[derive(Debug)]
enum Keys {
    Longs(PlHashSet<i64>),
    Texts(PlHashSet<Box<str>>),
}

impl Known {
    /// The set of a column's values; none for types whose values are not compared as whole numbers or texts, and for
    /// very many. `nulls`: whether a null is found among nulls.
    pub fn of(column: &Column, nulls: bool) -> PolarsResult<Option<Self>> {
        let keys = match column.dtype() {
            _ if column.len() > MOST => return Ok(None),
            DataType::String => Keys::Texts(column.str()?.iter().flatten().map(Box::from).collect()),
            dtype if is_long(dtype) => Keys::Longs(column.cast(&DataType::Int64)?.i64()?.iter().flatten().collect()),
            _ => return Ok(None),
        };
        Ok(Some(Self { keys, null: nulls && column.null_count() > 0 }))
    }

    /// Whether this set holds values of the type.
    pub fn compares_with(&self, dtype: &DataType) -> bool {
        match self.keys {
            Keys::Texts(_) => *dtype == DataType::String,
            Keys::Longs(_) => is_long(dtype),
        }
    }

    /// A boolean that is true where the value is in the set, and never null.
    pub fn holds(self, value: Expr, name: &str) -> Expr {
        let this = Arc::new(self);
        mapped(value, name, DataType::Boolean, move |column| {
            let found: BooleanChunked = match &this.keys {
                Keys::Texts(keys) => {
                    column.str()?.iter().map(|text| Some(text.map_or(this.null, |text| keys.contains(text)))).collect()
                }
                Keys::Longs(keys) => {
                    let longs = column.cast(&DataType::Int64)?;
                    longs.i64()?.iter().map(|long| Some(long.map_or(this.null, |long| keys.contains(&long)))).collect()
                }
            };
            Ok(found.into_column())
        })
    }
}

fn is_long(dtype: &DataType) -> bool {
    matches!(
        dtype,
        DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::Date
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::{IntoLazy, NamedFrom, Series, col, df};

    #[test]
    fn values_are_found_and_nulls_where_they_are_equal() {
        let rows = df!("t" => [Some("a"), None, Some("x")], "n" => [Some(1i32), None, Some(3)]).unwrap();
        let texts = Column::from(Series::new("k".into(), [Some("a"), None]));
        let longs = Column::from(Series::new("k".into(), [Some(3i64), None]));
        for (nulls, found) in [(true, true), (false, false)] {
            let known = |keys: &Column, of: &str| Known::of(keys, nulls).unwrap().unwrap().holds(col(of), "known");
            let answer = rows.clone().lazy().select([known(&texts, "t"), known(&longs, "n")]).collect().unwrap();
            let column = |name| answer.column(name).unwrap().bool().unwrap().iter().flatten().collect::<Vec<_>>();
            assert_eq!((column("t"), column("n")), (vec![true, found, false], vec![false, found, true]));
        }
        assert!(Known::of(&Column::from(Series::new("k".into(), [1.5])), true).unwrap().is_none());
    }
}
