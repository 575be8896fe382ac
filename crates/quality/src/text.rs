//! Tests and readings of texts by a function, as columns. The input must be text.

use assay_sql::{Type, dtype_of, field_of, spark};
use polars::prelude::{
    BooleanChunked, Column, DataType, Expr, Field, Float64Chunked, Int32Chunked, Int64Chunked, IntoColumn,
    PolarsResult, StringChunked,
};

/// What `test` says of each text; null where the text is null or the test says nothing. Tests of the same name on the
/// same column must be the same.
pub(crate) fn tested(input: Expr, name: &str, test: impl Fn(&str) -> Option<bool> + Send + Sync + 'static) -> Expr {
    let test = std::sync::Arc::new(test);
    tested_by(input, name, move || {
        let test = std::sync::Arc::clone(&test);
        move |text: &str| test(text)
    })
}

/// As [`tested`], with a test that is made for every batch.
pub(crate) fn tested_by<T: Fn(&str) -> Option<bool>>(
    input: Expr,
    name: &str,
    made: impl Fn() -> T + Send + Sync + 'static,
) -> Expr {
    mapped(input, name, DataType::Boolean, move |column| {
        let test = made();
        Ok(column.str()?.iter().map(|text| text.and_then(&test)).collect::<BooleanChunked>().into_column())
    })
}

/// Days since 1970-01-01, as `read` finds them in texts.
pub(crate) fn days(input: Expr, name: &str, read: fn(&str) -> Option<i32>) -> Expr {
    mapped(input, name, DataType::Int32, move |column| {
        Ok(column.str()?.iter().map(|text| text.and_then(read)).collect::<Int32Chunked>().into_column())
    })
}

/// Whole numbers, as `read` finds them in texts.
pub(crate) fn longs(input: Expr, name: &str, read: impl Fn(&str) -> Option<i64> + Send + Sync + 'static) -> Expr {
    mapped(input, name, DataType::Int64, move |column| {
        Ok(column.str()?.iter().map(|text| text.and_then(&read)).collect::<Int64Chunked>().into_column())
    })
}

/// A column of type `to`, as `apply` makes it of another, under the same name. Functions of the same name on the same
/// column must be the same.
pub(crate) fn mapped(
    input: Expr,
    name: &str,
    to: DataType,
    apply: impl Fn(&Column) -> PolarsResult<Column> + Send + Sync + 'static,
) -> Expr {
    let apply = move |column: Column| -> PolarsResult<Column> {
        let mut found = apply(&column)?;
        found.rename(column.name().clone());
        Ok(found)
    };
    let output = move |_: &_, field: &Field| Ok(Field::new(field.name().clone(), to.clone()));
    input.map_with_fmt_str(apply, output, name)
}

/// What `test` says of each number; null where the number is null.
pub(crate) fn tested_longs(input: Expr, name: &str, test: impl Fn(i64) -> bool + Send + Sync + 'static) -> Expr {
    mapped(input, name, DataType::Boolean, move |column| {
        Ok(column.i64()?.iter().map(|value| value.map(&test)).collect::<BooleanChunked>().into_column())
    })
}

/// Values of any type as the service writes them into text; none for a type without texts.
pub(crate) fn of_any(value: Expr, dtype: &DataType) -> Option<Expr> {
    match (dtype, field_of(dtype)) {
        (DataType::String, _) => Some(value),
        (DataType::Float32, _) => Some(of_doubles(widened(value))),
        (dtype, _) if dtype.is_float() => Some(of_doubles(value)),
        (DataType::Binary, _) => Some(value.cast(DataType::String)),
        (_, kind) => kind.map(|kind| spark::cast(value.cast(dtype_of(kind)), kind, Type::String)),
    }
}

/// Floats of 32 bits as the doubles that their texts are: 0.1, not the 0.10000000149 that its bits are.
pub(crate) fn widened(input: Expr) -> Expr {
    let wide = |value: f32| if value.is_finite() { format!("{value}").parse().ok() } else { Some(f64::from(value)) };
    mapped(input, "widened", DataType::Float64, move |column| {
        Ok(column.f32()?.iter().map(|value| value.and_then(wide)).collect::<Float64Chunked>().into_column())
    })
}

/// Texts of doubles, as the service writes them.
pub(crate) fn of_doubles(input: Expr) -> Expr {
    mapped(input.cast(DataType::Float64), "double text", DataType::String, |column| {
        Ok(column.f64()?.iter().map(|value| value.map(spark::double_text)).collect::<StringChunked>().into_column())
    })
}
