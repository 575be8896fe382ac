//! Columns that two versions have in common, and the type in which their values are compared.

use super::{DifferenceAsk, SchemaDifference};
use crate::error::LakeError;
use crate::field::LakeField;
use crate::snapshot::Snapshot;
use arrow::datatypes::{DataType as ArrowType, TimeUnit};
use arrow::row::{RowConverter, SortField};
use polars::prelude::DataType;

/// Most digits of a decimal.
const DIGITS: u8 = 38;
/// Digits of the greatest 64-bit number.
const LONG: u8 = 19;

/// A compared column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// In which the values of both sides are compared.
    pub(super) kind: ArrowType,
}

/// What is compared: key columns, then the others.
pub(super) struct Columns {
    pub(super) all: Vec<Column>,
    /// So many of the first are the key; all of them when rows are compared whole.
    pub(super) keys: usize,
    /// Whether rows are told apart by the key alone.
    pub(super) keyed: bool,
    pub(super) schema: Vec<SchemaDifference>,
    pub(super) key_rows: RowConverter,
    pub(super) value_rows: RowConverter,
}

impl Columns {
    pub(super) fn of(before: Option<&Snapshot>, after: &Snapshot, ask: &DifferenceAsk<'_>) -> Result<Self, LakeError> {
        let old = before.map_or(after.fields(), Snapshot::fields);
        let new = after.fields();
        let key_first = ask.key.iter().map(|name| {
            let find = |snapshot: &Snapshot, fields: &[LakeField]| field(snapshot, fields, name).cloned();
            let (old, new) = (find(before.unwrap_or(after), old)?, find(after, new)?);
            let kind = shared(&old.kind, &new.kind).ok_or_else(|| LakeError::Unsupported {
                place: after.place(),
                what: format!("has the key column {name} as {} and had it as {}", new.kind, old.kind),
                advice: "Compare versions in which the key has one type".to_owned(),
            })?;
            Ok(Column { name: name.clone(), kind })
        });
        let mut all: Vec<Column> = key_first.collect::<Result<_, LakeError>>()?;
        let keyed = !all.is_empty();
        for field in new.iter().filter(|field| !is_audit(&field.name) && !ask.key.contains(&field.name)) {
            let known = old.iter().find(|old| old.name == field.name);
            if let Some(kind) = known.and_then(|old| shared(&old.kind, &field.kind)) {
                all.push(Column { name: field.name.clone(), kind });
            }
        }
        let keys = if keyed { ask.key.len() } else { all.len() };
        let rows = |columns: &[Column]| {
            let fields = columns.iter().map(|column| SortField::new(column.kind.clone()));
            RowConverter::new(fields.collect()).map_err(|error| LakeError::Engine {
                place: after.place(),
                doing: "comparing",
                what: "a column has a type that cannot be compared".to_owned(),
                source: Some(Box::new(error)),
            })
        };
        let (key_rows, value_rows) = (rows(&all[..keys])?, rows(&all[keys..])?);
        let schema = if before.is_some() { schema(old, new) } else { Vec::new() };
        Ok(Self { all, keys, keyed, schema, key_rows, value_rows })
    }

    pub(super) fn values(&self) -> &[Column] {
        &self.all[self.keys..]
    }
}

/// Columns whose names begin with `_` say how a row came about, not what it says.
fn is_audit(name: &str) -> bool {
    name.starts_with('_')
}

fn field<'a>(snapshot: &Snapshot, fields: &'a [LakeField], name: &str) -> Result<&'a LakeField, LakeError> {
    fields.iter().find(|field| field.name == name).ok_or_else(|| {
        let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        LakeError::NoColumn { place: snapshot.place(), column: name.to_owned(), known: known.join(", ") }
    })
}

fn schema(old: &[LakeField], new: &[LakeField]) -> Vec<SchemaDifference> {
    let find = |fields: &[LakeField], name: &str| {
        fields.iter().find(|field| field.name == name).map(|field| field.kind.clone())
    };
    let gone = old.iter().filter(|field| find(new, &field.name).is_none());
    let names = new.iter().chain(gone).map(|field| field.name.as_str());
    let changes =
        names.map(|name| SchemaDifference { column: name.to_owned(), before: find(old, name), after: find(new, name) });
    changes.filter(|change| change.before != change.after).collect()
}

/// The type that holds the values of both exactly; none when they are of different kinds.
fn shared(old: &DataType, new: &DataType) -> Option<ArrowType> {
    let (old, new) = (compared(old)?, compared(new)?);
    if old == new {
        return Some(new);
    }
    let (old_digits, old_scale) = decimal(&old)?;
    let (new_digits, new_scale) = decimal(&new)?;
    let scale = old_scale.max(new_scale);
    let whole = old_digits.saturating_sub(old_scale).max(new_digits.saturating_sub(new_scale));
    (whole + scale <= DIGITS).then(|| ArrowType::Decimal128(DIGITS, scale.cast_signed()))
}

/// Digits and decimal places of an exact number.
fn decimal(kind: &ArrowType) -> Option<(u8, u8)> {
    match kind {
        ArrowType::Int64 => Some((LONG, 0)),
        ArrowType::Decimal128(precision, scale) => Some((*precision, u8::try_from(*scale).ok()?)),
        _ => None,
    }
}

/// One Arrow type for each kind of value, whatever width or layout a file has it in.
fn compared(kind: &DataType) -> Option<ArrowType> {
    Some(match kind {
        DataType::String => ArrowType::Utf8,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => ArrowType::Int64,
        DataType::Float32 | DataType::Float64 => ArrowType::Float64,
        DataType::Boolean => ArrowType::Boolean,
        DataType::Binary => ArrowType::Binary,
        DataType::Date => ArrowType::Date32,
        DataType::Datetime(_, None) => ArrowType::Timestamp(TimeUnit::Microsecond, None),
        // An offset and not a name: names need a table of zones to be shown.
        DataType::Datetime(_, Some(_)) => ArrowType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        DataType::Decimal(precision, scale) => {
            ArrowType::Decimal128(u8::try_from(*precision).ok()?, i8::try_from(*scale).ok()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_numbers_meet_in_the_wider_one_and_other_kinds_do_not_meet() {
        let decimal = |precision, scale| DataType::Decimal(precision, scale);
        let cases = [
            (DataType::Int32, DataType::Int64, Some(ArrowType::Int64)),
            (DataType::Int32, decimal(10, 2), Some(ArrowType::Decimal128(38, 2))),
            (decimal(10, 2), decimal(10, 2), Some(ArrowType::Decimal128(10, 2))),
            (decimal(10, 2), decimal(12, 4), Some(ArrowType::Decimal128(38, 4))),
            (decimal(38, 0), decimal(38, 1), None),
            (DataType::String, DataType::Int64, None),
            (DataType::Float64, decimal(10, 2), None),
        ];
        for (old, new, kind) in cases {
            assert_eq!(shared(&old, &new), kind, "{old} {new}");
            assert_eq!(shared(&new, &old), kind, "{new} {old}");
        }
    }
}
