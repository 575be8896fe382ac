//! A dataset of a case as a frame.

use polars::prelude::*;
use serde_json::Value;

pub fn frame(data: &Value) -> Result<LazyFrame, String> {
    let schema = data["schema"].as_array().ok_or("no `schema`")?;
    let rows = data["rows"].as_array().ok_or("no `rows`")?;
    let column = |(at, field): (usize, &Value)| {
        let name = field["name"].as_str().ok_or("a column without a name")?;
        let values: Vec<&Value> = rows.iter().map(|row| row.get(at).unwrap_or(&Value::Null)).collect();
        series(name, &field["type"], &values).map(IntoColumn::into_column).map_err(|error| format!("{name}: {error}"))
    };
    let columns = schema.iter().enumerate().map(column).collect::<Result<Vec<_>, String>>()?;
    DataFrame::new(rows.len(), columns).map(IntoLazy::lazy).map_err(|error| error.to_string())
}

fn series(name: &str, kind: &Value, values: &[&Value]) -> Result<Series, String> {
    if let Some(fields) = kind["fields"].as_array() {
        return nested(name, fields, values);
    }
    // Lists and maps are opaque: no rule looks into them.
    let kind = kind.as_str().unwrap_or("binary");
    let name = PlSmallStr::from_str(name);
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let texts = || StringChunked::from_iter_options(name.clone(), values.iter().map(|value| text(value))).into_series();
    let done = match kind {
        "string" => Ok(texts()),
        "boolean" => {
            Ok(BooleanChunked::from_iter_options(name, values.iter().map(|value| value.as_bool())).into_series())
        }
        "byte" | "short" | "integer" | "int" | "long" | "bigint" => {
            let number = |value: &Value| {
                value.as_i64().or_else(|| text(value).and_then(|text| assay_sql::spark::integer(&text)))
            };
            let whole = Int64Chunked::from_iter_options(name, values.iter().map(|value| number(value)));
            whole.into_series().strict_cast(&match kind {
                "byte" => DataType::Int8,
                "short" => DataType::Int16,
                "long" | "bigint" => DataType::Int64,
                _ => DataType::Int32,
            })
        }
        "float" | "double" => {
            let number = |value: &Value| value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
            let numbers = Float64Chunked::from_iter_options(name, values.iter().map(|value| number(value)));
            numbers.into_series().strict_cast(&if kind == "float" { DataType::Float32 } else { DataType::Float64 })
        }
        "date" => {
            let days = |value: &Value| value.as_str().and_then(assay_sql::spark::date);
            Int32Chunked::from_iter_options(name, values.iter().map(|value| days(value)))
                .into_series()
                .cast(&DataType::Date)
        }
        "timestamp" | "timestamp_ntz" => {
            let micros = |value: &Value| value.as_str().and_then(|text| assay_sql::spark::timestamp(text, 0));
            let whole = Int64Chunked::from_iter_options(name, values.iter().map(|value| micros(value)));
            whole.into_series().cast(&DataType::Datetime(TimeUnit::Microseconds, None))
        }
        "binary" => texts().cast(&DataType::Binary),
        _ => match digits(kind) {
            Some((precision, scale)) => {
                let units = |value: &Value| assay_sql::spark::decimal(&text(value)?, precision, scale);
                let units = Int128Chunked::from_iter_options(name, values.iter().map(|value| units(value)));
                Ok(units.into_decimal_unchecked(precision.into(), scale.into()).into_series())
            }
            None => return Err(format!("the type {kind} is not known")),
        },
    };
    let done = done.map_err(|error| error.to_string())?;
    let lost =
        values.iter().enumerate().find(|(at, value)| !value.is_null() && done.get(*at).is_ok_and(|v| v.is_null()));
    lost.map_or(Ok(done), |(_, value)| Err(format!("{value} is no {kind}")))
}

fn digits(kind: &str) -> Option<(u8, u8)> {
    let (precision, scale) = kind.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

fn nested(name: &str, fields: &[Value], values: &[&Value]) -> Result<Series, String> {
    let part = |(at, field): (usize, &Value)| {
        let own = field["name"].as_str().ok_or("a field without a name")?;
        let values: Vec<&Value> =
            values.iter().map(|value| value.get(at).or_else(|| value.get(own)).unwrap_or(&Value::Null)).collect();
        series(own, &field["type"], &values)
    };
    let parts = fields.iter().enumerate().map(part).collect::<Result<Vec<_>, String>>()?;
    let whole = StructChunked::from_series(PlSmallStr::from_str(name), values.len(), parts.iter());
    whole.map(IntoSeries::into_series).map_err(|error| error.to_string())
}
