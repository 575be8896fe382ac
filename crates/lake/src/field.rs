//! Columns of a table, and their types in the engine, in Arrow and in the Delta log.

use crate::error::LakeError;
use crate::place::Place;
use arrow::datatypes::{DataType as ArrowType, Field as ArrowField, TimeUnit as ArrowUnit};
use polars::prelude::{DataType, Schema, SchemaRef, TimeUnit, TimeZone};
use serde_json::{Value, json};
use std::sync::Arc;

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct LakeField {
    pub name: String,
    pub kind: DataType,
    pub nullable: bool,
}

impl LakeField {
    pub fn new(name: impl Into<String>, kind: DataType, nullable: bool) -> Self {
        Self { name: name.into(), kind, nullable }
    }
}

/// The fields of a frame's schema, all nullable. Fails for types that a Delta table cannot hold.
pub fn fields_of(schema: &Schema) -> Result<Vec<LakeField>, LakeError> {
    let fields = schema.iter().map(|(name, kind)| LakeField::new(name.as_str(), kind.clone(), true));
    let fields: Vec<LakeField> = fields.collect();
    fields.iter().try_for_each(|field| delta_type(field, &Place::on_disk("the new table")).map(drop))?;
    Ok(fields)
}

/// The schema that the engine sees, partition column included.
pub(crate) fn schema_of<'a>(fields: impl IntoIterator<Item = &'a LakeField>) -> SchemaRef {
    Arc::new(Schema::from_iter(fields.into_iter().map(|field| (field.name.as_str().into(), field.kind.clone()))))
}

/// The `schemaString` of the log.
pub(crate) fn schema_string(fields: &[LakeField], place: &Place) -> Result<String, LakeError> {
    let columns = fields.iter().map(|field| {
        let kind = delta_type(field, place)?;
        Ok(json!({"name": field.name, "type": kind, "nullable": field.nullable, "metadata": {}}))
    });
    let columns: Vec<Value> = columns.collect::<Result<_, LakeError>>()?;
    Ok(json!({"type": "struct", "fields": columns}).to_string())
}

/// A timestamp without a zone needs a feature of the protocol that older readers lack.
pub(crate) fn needs_zoneless(fields: &[LakeField]) -> bool {
    fields.iter().any(|field| matches!(field.kind, DataType::Datetime(_, None)))
}

fn delta_type(field: &LakeField, place: &Place) -> Result<String, LakeError> {
    let name = match &field.kind {
        DataType::String => "string",
        DataType::Int64 => "long",
        DataType::Int32 => "integer",
        DataType::Int16 => "short",
        DataType::Int8 => "byte",
        DataType::Float64 => "double",
        DataType::Float32 => "float",
        DataType::Boolean => "boolean",
        DataType::Binary => "binary",
        DataType::Date => "date",
        DataType::Datetime(TimeUnit::Microseconds, None) => "timestamp_ntz",
        DataType::Datetime(TimeUnit::Microseconds, Some(zone)) if zone.as_str() == "UTC" => "timestamp",
        DataType::Decimal(precision, scale) => return Ok(format!("decimal({precision},{scale})")),
        other => return Err(unsupported(place, &field.name, &other.to_string())),
    };
    Ok(name.to_owned())
}

/// A column as an Arrow schema has it: that of the log, or of a data file.
pub(crate) fn from_arrow(field: &ArrowField, place: &Place) -> Result<LakeField, LakeError> {
    let kind = match field.data_type() {
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::String,
        ArrowType::Int64 => DataType::Int64,
        ArrowType::Int32 => DataType::Int32,
        ArrowType::Int16 => DataType::Int16,
        ArrowType::Int8 => DataType::Int8,
        ArrowType::Float64 => DataType::Float64,
        ArrowType::Float32 => DataType::Float32,
        ArrowType::Boolean => DataType::Boolean,
        ArrowType::Binary | ArrowType::LargeBinary | ArrowType::BinaryView => DataType::Binary,
        ArrowType::Date32 => DataType::Date,
        ArrowType::Timestamp(ArrowUnit::Microsecond, None) => DataType::Datetime(TimeUnit::Microseconds, None),
        ArrowType::Timestamp(ArrowUnit::Microsecond, Some(zone)) if is_utc(zone) => {
            DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))
        }
        ArrowType::Decimal128(precision, scale) if *scale >= 0 => {
            DataType::Decimal(usize::from(*precision), usize::from(scale.unsigned_abs()))
        }
        other => return Err(unsupported(place, field.name(), &other.to_string())),
    };
    Ok(LakeField::new(field.name(), kind, field.is_nullable()))
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "+00:00" | "Z")
}

fn unsupported(place: &Place, column: &str, kind: &str) -> LakeError {
    LakeError::Unsupported {
        place: place.to_string(),
        what: format!("has the column {column} of type {kind}"),
        advice: "Cast the column to another type".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn types_have_their_delta_names() {
        let cases = [
            (DataType::String, "string"),
            (DataType::Int8, "byte"),
            (DataType::Decimal(15, 2), "decimal(15,2)"),
            (DataType::Datetime(TimeUnit::Microseconds, None), "timestamp_ntz"),
            (DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)), "timestamp"),
        ];
        for (kind, name) in cases {
            assert_eq!(delta_type(&LakeField::new("c", kind, true), &Place::on_disk("t")).unwrap(), name);
        }
    }

    #[test]
    fn types_that_delta_lacks_are_refused_by_name() {
        for kind in [DataType::UInt32, DataType::Int128, DataType::Datetime(TimeUnit::Nanoseconds, None)] {
            let schema = Schema::from_iter([("units".into(), kind)]);
            let text = fields_of(&schema).unwrap_err().to_string();
            assert!(text.contains("column units of type"), "{text}");
        }
    }
}
