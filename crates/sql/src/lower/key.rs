//! Columns that rows are grouped and joined by: the engine, as it is built here, hashes no 128-bit number, so a decimal
//! becomes one or three of 64 bits.

use polars::prelude::*;

use super::column::{column, elementwise, from_units, of_type, units};
use crate::types::Type;

/// A decimal of this many digits fits 64 bits.
const SHORT: u8 = 18;
const LOW: i128 = 1 << 62;

/// The columns to hash in place of `key`. Null stays null in all of them.
pub(super) fn parts(key: Expr, kind: Type) -> Vec<Expr> {
    let part = |of: fn(i128) -> i128| {
        of_type(vec![key.clone()], DataType::Int64, move |s| {
            units(&s[0])?.apply_values(of).into_series().cast(&DataType::Int64)
        })
    };
    match kind {
        Type::Decimal { precision, .. } if precision <= SHORT => vec![part(|n| n)],
        Type::Decimal { .. } => vec![part(|n| n / LOW / LOW), part(|n| n / LOW % LOW), part(|n| n % LOW)],
        _ => vec![key],
    }
}

/// The key again, from columns of these names.
pub(super) fn whole(names: &[PlSmallStr], kind: Type) -> Expr {
    let columns: Vec<Expr> = names.iter().map(|name| column(name.clone())).collect();
    match (kind, columns.as_slice()) {
        (Type::Decimal { .. }, _) => elementwise(columns, kind, move |s| {
            let mut parts = s.iter().map(units);
            let first = parts.next().unwrap_or_else(|| polars_bail!(ComputeError: "a key has no parts"))?;
            let joined =
                parts.try_fold(first, |upper, lower| PolarsResult::Ok(upper.apply_values(|n| n * LOW) + lower?))?;
            from_units(joined, kind)
        }),
        (_, [single]) => single.clone(),
        _ => column(PlSmallStr::EMPTY),
    }
}
