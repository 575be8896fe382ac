//! Frames as canonical text.

use crate::TestkitError;
use crate::table::{Row, Table};
use polars::prelude::{AnyValue, Column, DataFrame, TimeUnit};

/// The named columns of a frame as a table of canonical text; other columns, such as audit columns, are left out.
pub fn table_of(frame: &DataFrame, columns: &[&str]) -> Result<Table, TestkitError> {
    let mut rows: Vec<Row> = vec![Vec::with_capacity(columns.len()); frame.height()];
    for name in columns {
        let column = frame.column(name)?;
        for (place, row) in rows.iter_mut().enumerate() {
            row.push(cell(column, place)?);
        }
    }
    Ok(Table::new(columns, rows))
}

fn cell(column: &Column, place: usize) -> Result<Option<String>, TestkitError> {
    let kind = || TestkitError::Kind { column: column.name().to_string(), kind: column.dtype().to_string() };
    Ok(Some(match column.get(place)? {
        AnyValue::Null => return Ok(None),
        AnyValue::String(text) => text.to_owned(),
        AnyValue::StringOwned(text) => text.to_string(),
        AnyValue::Boolean(value) => value.to_string(),
        AnyValue::Decimal(unscaled, _, scale) => decimal(unscaled, scale),
        AnyValue::Date(days) => date(i64::from(days)).ok_or_else(kind)?,
        AnyValue::Datetime(value, unit, _) => timestamp(value, unit).ok_or_else(kind)?,
        AnyValue::DatetimeOwned(value, unit, _) => timestamp(value, unit).ok_or_else(kind)?,
        AnyValue::Float64(value) => format!("{value:?}"),
        AnyValue::Float32(value) => format!("{value:?}"),
        AnyValue::Int8(value) => value.to_string(),
        AnyValue::Int16(value) => value.to_string(),
        AnyValue::Int32(value) => value.to_string(),
        AnyValue::Int64(value) => value.to_string(),
        AnyValue::Int128(value) => value.to_string(),
        AnyValue::UInt8(value) => value.to_string(),
        AnyValue::UInt16(value) => value.to_string(),
        AnyValue::UInt32(value) => value.to_string(),
        AnyValue::UInt64(value) => value.to_string(),
        _ => return Err(kind()),
    }))
}

/// A decimal with all the places of its scale.
fn decimal(unscaled: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn date(days: i64) -> Option<String> {
    let date = chrono::NaiveDate::default().checked_add_signed(chrono::TimeDelta::try_days(days)?)?;
    Some(date.to_string())
}

/// ISO form with microseconds and without a zone.
fn timestamp(value: i64, unit: TimeUnit) -> Option<String> {
    let micros = match unit {
        TimeUnit::Nanoseconds => value.div_euclid(1_000),
        TimeUnit::Microseconds => value,
        TimeUnit::Milliseconds => value.checked_mul(1_000)?,
    };
    let moment = chrono::DateTime::from_timestamp_micros(micros)?;
    Some(moment.format("%Y-%m-%dT%H:%M:%S%.6f").to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::{DataType, IntoColumn, IntoSeries, NamedFrom, Series};

    #[test]
    fn every_type_has_one_text() {
        let column = |series: Series, kind: DataType| series.cast(&kind).unwrap().into_column();
        let amount = Series::new("a".into(), [Some(-5_i128), Some(1_290), None]);
        let amount = amount.i128().unwrap().clone().into_decimal_unchecked(15, 2).into_series().into_column();
        let micros = DataType::Datetime(TimeUnit::Microseconds, None);
        let columns = vec![
            amount,
            column(Series::new("d".into(), [Some(0), Some(20_454), None]), DataType::Date),
            column(Series::new("t".into(), [Some(-1_i64), Some(0), None]), micros),
            Series::new("s".into(), [Some(""), Some("é"), None]).into_column(),
            Series::new("_audit".into(), [true, false, true]).into_column(),
        ];
        let frame = DataFrame::new(3, columns).unwrap();
        let table = table_of(&frame, &["s", "a", "d", "t"]).unwrap();
        let row = |cells: [&str; 4]| cells.map(|cell| Some(cell.to_owned())).to_vec();
        assert_eq!(
            table.rows,
            [
                vec![None; 4],
                row(["", "-0.05", "1970-01-01", "1969-12-31T23:59:59.999999"]),
                row(["é", "12.90", "2026-01-01", "1970-01-01T00:00:00.000000"]),
            ]
        );
        assert!(table_of(&frame, &["absent"]).is_err());
    }

    #[test]
    fn decimals_keep_their_scale() {
        for (unscaled, scale, text) in [(0, 2, "0.00"), (7, 0, "7"), (-1, 3, "-0.001"), (123_456, 2, "1234.56")] {
            assert_eq!(decimal(unscaled, scale), text);
        }
    }
}
