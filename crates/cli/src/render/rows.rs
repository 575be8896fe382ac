//! Rows of a frame as text and as JSON, exactly: decimals keep their scale, null is null.

use polars::prelude::{AnyValue, DataFrame, DataType};
use serde_json::{Map, Value};

use super::grid::{Side, lines};

/// A table of a frame's rows for a terminal; null is printed as `null`.
pub fn text(frame: &DataFrame) -> Vec<String> {
    let header: Vec<(&str, Side)> = frame
        .columns()
        .iter()
        .map(|column| (column.name().as_str(), if column.dtype().is_numeric() { Side::Right } else { Side::Left }))
        .collect();
    let rows: Vec<Vec<String>> = (0..frame.height())
        .map(|row| frame.columns().iter().map(|c| c.get(row).map(|v| cell(&v)).unwrap_or_default()).collect())
        .collect();
    lines(&header, &rows)
}

/// One JSON object a row. Decimals are strings, so that no reader rounds them.
pub fn json(frame: &DataFrame) -> Vec<Value> {
    (0..frame.height())
        .map(|row| {
            let fields = frame.columns().iter().map(|column| {
                let value = column.get(row).map(|value| json_cell(&value)).unwrap_or(Value::Null);
                (column.name().to_string(), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        })
        .collect()
}

/// A cell as text: ISO dates, decimals with their scale, bytes as UTF-8 with replacements.
pub fn cell(value: &AnyValue<'_>) -> String {
    match value {
        AnyValue::Null => "null".into(),
        AnyValue::String(text) => (*text).to_owned(),
        AnyValue::StringOwned(text) => text.to_string(),
        AnyValue::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        AnyValue::BinaryOwned(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => other.to_string(),
    }
}

fn json_cell(value: &AnyValue<'_>) -> Value {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(value) => Value::Bool(*value),
        AnyValue::Float64(value) => serde_json::Number::from_f64(*value).map_or(Value::Null, Value::Number),
        other if is_integer(&other.dtype()) => other.extract::<i64>().map_or(Value::Null, Value::from),
        other => Value::String(cell(other)),
    }
}

fn is_integer(kind: &DataType) -> bool {
    kind.is_integer() && !matches!(kind, DataType::Int128)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::*;

    #[test]
    fn a_decimal_keeps_its_scale_in_text_and_json() {
        let money = Series::new("m".into(), [1250i128, 3]).into_decimal(15, 2).unwrap();
        let frame = DataFrame::new_infer_height(vec![money.into()]).unwrap();
        assert_eq!(text(&frame), ["    m", "12.50", " 0.03"]);
        assert_eq!(json(&frame)[0], serde_json::json!({ "m": "12.50" }));
    }
}
