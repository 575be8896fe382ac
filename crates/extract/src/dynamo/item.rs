//! Attributes of items, exactly, into columns of a landing; keys as JSON, for the record.

use crate::column::{Builder, Chain, Kind};
use crate::exact;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Adds the attribute and gives how many bytes it has; an absent one is null. Fails with what it is instead.
pub(crate) fn append(
    builder: &mut Builder,
    chain: &mut Chain,
    attribute: Option<&AttributeValue>,
) -> Result<usize, &'static str> {
    let text = match attribute {
        None | Some(AttributeValue::Null(_)) => None,
        Some(AttributeValue::S(text) | AttributeValue::N(text)) => Some(text.as_str()),
        Some(AttributeValue::Bool(true)) => Some("true"),
        Some(AttributeValue::Bool(false)) => Some("false"),
        Some(other) => return Err(found(other)),
    };
    chain.value(text.map(str::as_bytes));
    let Some((attribute, text)) = attribute.zip(text) else {
        append_null(builder);
        return Ok(1);
    };
    const NOT_WHOLE: &str = "a number that is not a whole number in the type's range";
    match (builder, attribute) {
        (Builder::Text(values), AttributeValue::S(_)) => values.append_value(text),
        (Builder::Boolean(values), AttributeValue::Bool(value)) => values.append_value(*value),
        (Builder::Int32(values), AttributeValue::N(_)) => {
            let value = exact::integer(text).and_then(|value| i32::try_from(value).ok());
            values.append_value(value.ok_or(NOT_WHOLE)?);
        }
        (Builder::Int64(values), AttributeValue::N(_)) => {
            values.append_value(exact::integer(text).ok_or(NOT_WHOLE)?);
        }
        (Builder::Decimal(values, precision, scale), AttributeValue::N(_)) => {
            let value = exact::unscaled(text, *precision, *scale);
            values.append_value(value.ok_or("a number with more digits than the type has")?);
        }
        (Builder::Double(values), AttributeValue::N(_)) => {
            values.append_value(text.parse().map_err(|_| "a number that cannot be read")?);
        }
        (_, other) => return Err(found(other)),
    }
    Ok(text.len())
}

fn append_null(builder: &mut Builder) {
    match builder {
        Builder::Int16(values) => values.append_null(),
        Builder::Int32(values) => values.append_null(),
        Builder::Int64(values) => values.append_null(),
        Builder::Decimal(values, ..) => values.append_null(),
        Builder::Text(values) => values.append_null(),
        Builder::Boolean(values) => values.append_null(),
        Builder::Date(values) => values.append_null(),
        Builder::Micros(values) => values.append_null(),
        Builder::Double(values) => values.append_null(),
    }
}

fn found(attribute: &AttributeValue) -> &'static str {
    match attribute {
        AttributeValue::S(_) => "a string",
        AttributeValue::N(_) => "a number",
        AttributeValue::Bool(_) => "a boolean",
        AttributeValue::B(_) => "bytes",
        AttributeValue::Ss(_) | AttributeValue::Ns(_) | AttributeValue::Bs(_) => "a set",
        AttributeValue::L(_) => "a list",
        AttributeValue::M(_) => "a map",
        _ => "an attribute of an unknown type",
    }
}

/// The type as a definition names it.
pub(crate) fn declared(kind: Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::Int16 | Kind::Int32 => "int32".to_owned(),
        Kind::Int64 => "int64".to_owned(),
        Kind::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        Kind::Double => "double".to_owned(),
        Kind::Date | Kind::Timestamp | Kind::Instant => "a date or a time".to_owned(),
    }
}

/// A place between items, as the service gave it: strings, numbers and bytes are all that a key can hold.
pub(crate) fn key_to_json(key: &HashMap<String, AttributeValue>) -> Value {
    let value = |attribute: &AttributeValue| match attribute {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(text) => json!({ "N": text }),
        AttributeValue::B(bytes) => json!({ "B": hex(bytes.as_ref()) }),
        _ => Value::Null,
    };
    key.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect::<serde_json::Map<_, _>>().into()
}

/// None when the record is of no such form.
pub(crate) fn key_from_json(key: &Value) -> Option<HashMap<String, AttributeValue>> {
    let value = |value: &Value| {
        let (kind, text) = value.as_object()?.iter().next()?;
        let text = text.as_str()?;
        match kind.as_str() {
            "S" => Some(AttributeValue::S(text.to_owned())),
            "N" => Some(AttributeValue::N(text.to_owned())),
            "B" => Some(AttributeValue::B(unhex(text)?.into())),
            _ => None,
        }
    };
    key.as_object()?.iter().map(|(name, attribute)| Some((name.clone(), value(attribute)?))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::column::Rows;

    fn try_append(kind: Kind, attribute: &AttributeValue) -> Result<usize, &'static str> {
        let mut rows = Rows::new(&[("a".to_owned(), kind)]);
        append(&mut rows.builders[0], &mut Chain::after(""), Some(attribute))
    }

    #[test]
    fn types_are_held_exactly_or_refused() {
        let number = |text: &str| AttributeValue::N(text.to_owned());
        let text = AttributeValue::S("12".to_owned());
        let money = Kind::Decimal { precision: 5, scale: 2 };
        let cases = [
            (Kind::Int32, number("2147483647"), true),
            (Kind::Int32, number("2147483648"), false),
            (Kind::Int32, number("1.5"), false),
            (Kind::Int64, number("-9223372036854775808"), true),
            (Kind::Int64, number("1E3"), true),
            (money, number("123.45"), true),
            (money, number("123.456"), false),
            (money, number("1234.5"), false),
            (Kind::Double, number("1.5"), true),
            (Kind::Int32, text.clone(), false),
            (Kind::Text, text, true),
            (Kind::Text, number("1"), false),
            (Kind::Boolean, AttributeValue::Bool(true), true),
            (Kind::Boolean, AttributeValue::N("1".to_owned()), false),
            (Kind::Text, AttributeValue::L(Vec::new()), false),
            (Kind::Int32, AttributeValue::Null(true), true),
        ];
        for (kind, attribute, fits) in cases {
            assert_eq!(try_append(kind, &attribute).is_ok(), fits, "{kind:?} {attribute:?}");
        }
    }

    #[test]
    fn keys_come_back_from_the_record() {
        let key = HashMap::from([
            ("id".to_owned(), AttributeValue::S("a\"é".to_owned())),
            ("no".to_owned(), AttributeValue::N("38".to_owned())),
            ("raw".to_owned(), AttributeValue::B(vec![0, 255, 16].into())),
        ]);
        assert_eq!(key_from_json(&key_to_json(&key)), Some(key));
        assert_eq!(key_from_json(&json!({ "id": { "B": "zz" } })), None);
        assert_eq!(key_from_json(&json!([])), None);
    }
}
