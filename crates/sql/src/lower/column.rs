//! Row-wise functions on Polars columns: the engine calls them per batch, so that queries keep streaming.

use polars::prelude::*;

use crate::error::Place;
use crate::literal::Literal;
use crate::types::{Type, dtype_of};

/// A function of whole columns that gives one value per row. Columns that hold one value for all rows arrive with a
/// length of one.
pub(super) fn elementwise(
    inputs: Vec<Expr>,
    kind: Type,
    function: impl Fn(&[Series]) -> PolarsResult<Series> + Send + Sync + 'static,
) -> Expr {
    of_type(inputs, dtype_of(kind), function)
}

/// The same for a type that the subset does not have.
pub(super) fn of_type(
    inputs: Vec<Expr>,
    dtype: DataType,
    function: impl Fn(&[Series]) -> PolarsResult<Series> + Send + Sync + 'static,
) -> Expr {
    let call = move |columns: &mut [Column]| {
        let rows = columns.iter().map(Column::len).find(|len| *len != 1).unwrap_or(1);
        let series: Vec<Series> = columns.iter().map(single).collect();
        let result = function(&series)?;
        let result = if result.len() == 1 && rows != 1 { result.new_from_index(0, rows) } else { result };
        Ok(result.into_column())
    };
    let field = move |_: &Schema, fields: &[Field]| {
        let name = fields.first().map_or(PlSmallStr::EMPTY, |f| f.name().clone());
        Ok(Field::new(name, dtype.clone()))
    };
    map_multiple(call, inputs, field)
}

fn single(column: &Column) -> Series {
    match column.as_scalar_column() {
        Some(scalar) => scalar.as_single_value_series(),
        None => column.as_materialized_series().clone(),
    }
}

/// The whole numbers behind a column: units of a decimal, days of a date, microseconds of a timestamp.
pub(super) fn units(series: &Series) -> PolarsResult<Int128Chunked> {
    match series.dtype() {
        DataType::Decimal(..) => Ok(series.decimal()?.physical().clone()),
        _ => Ok(series.to_physical_repr().cast(&DataType::Int128)?.i128()?.clone()),
    }
}

/// The column of type `kind` with these units.
pub(super) fn from_units(units: Int128Chunked, kind: Type) -> PolarsResult<Series> {
    match kind {
        Type::Decimal { precision, scale } => {
            Ok(units.into_decimal_unchecked(precision.into(), scale.into()).into_series())
        }
        Type::Date => units.into_series().cast(&DataType::Int32)?.cast(&dtype_of(kind)),
        Type::Timestamp | Type::TimestampUtc => units.into_series().cast(&DataType::Int64)?.cast(&dtype_of(kind)),
        _ => units.into_series().cast(&dtype_of(kind)),
    }
}

/// A constant.
pub(super) fn constant(value: &Literal, kind: Type) -> Expr {
    let dtype = dtype_of(kind);
    let any = match (value, kind) {
        (Literal::Null, _) => return scalar(Scalar::null(dtype)),
        (Literal::Boolean(b), _) => AnyValue::Boolean(*b),
        (Literal::Integer(n), Type::Int32) => match i32::try_from(*n) {
            Ok(n) => AnyValue::Int32(n),
            Err(_) => AnyValue::Int64(*n),
        },
        (Literal::Integer(n), _) => AnyValue::Int64(*n),
        (Literal::Decimal(units), _) => {
            let (precision, scale) = kind.digits().unwrap_or((38, 0));
            AnyValue::Decimal(*units, precision.into(), scale.into())
        }
        (Literal::Text(text), _) => AnyValue::StringOwned(text.as_str().into()),
        (Literal::Date(days), _) => AnyValue::Date(*days),
        (Literal::Timestamp(micros), Type::TimestampUtc) => {
            AnyValue::DatetimeOwned(*micros, TimeUnit::Microseconds, Some(std::sync::Arc::new(TimeZone::UTC)))
        }
        (Literal::Timestamp(micros), _) => AnyValue::DatetimeOwned(*micros, TimeUnit::Microseconds, None),
    };
    scalar(Scalar::new(dtype, any))
}

fn scalar(value: Scalar) -> Expr {
    Expr::Literal(LiteralValue::Scalar(value))
}

/// A column by its exact name; `col` would take some names for patterns.
pub(super) fn column(name: impl Into<PlSmallStr>) -> Expr {
    Expr::Column(name.into())
}

/// A failure of the query on its data. Names the place in the text, and no value.
pub(super) fn failure(message: &str, at: Place) -> PolarsError {
    PolarsError::ComputeError(format!("{message} ({at} of the query)").into())
}

/// The failure of a result that does not fit its type.
pub(super) fn too_large(kind: Type, at: Place) -> PolarsError {
    failure(&format!("a value is out of range for {kind}"), at)
}
