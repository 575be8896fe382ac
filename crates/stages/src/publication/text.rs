//! Rows as comma- or tab-separated text (RFC 4180): null is empty, an empty text is `""`.

use arrow::array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use chrono::{DateTime, Timelike, Utc};
use std::io::{self, Write};

/// Writes the names of the columns and a line feed.
pub(crate) fn header<'n>(names: impl Iterator<Item = &'n str>, separator: u8, into: &mut impl Write) -> io::Result<()> {
    for (at, name) in names.enumerate() {
        if at > 0 {
            into.write_all(&[separator])?;
        }
        text(name, separator, into)?;
    }
    into.write_all(b"\n")
}

/// Writes one row and a line feed.
pub(crate) fn row(batch: &RecordBatch, row: usize, separator: u8, into: &mut impl Write) -> io::Result<()> {
    for (at, column) in batch.columns().iter().enumerate() {
        if at > 0 {
            into.write_all(&[separator])?;
        }
        if column.is_valid(row) {
            value(column, row, separator, into)?;
        }
    }
    into.write_all(b"\n")
}

/// A value that is not null, a text as it is.
pub(crate) fn plain(column: &dyn Array, at: usize, into: &mut impl Write) -> io::Result<()> {
    match column.data_type() {
        DataType::Utf8 => into.write_all(column.as_string::<i32>().value(at).as_bytes()),
        _ => value(column, at, b',', into),
    }
}

fn value(column: &dyn Array, row: usize, separator: u8, into: &mut impl Write) -> io::Result<()> {
    match column.data_type() {
        DataType::Utf8 => text(column.as_string::<i32>().value(row), separator, into),
        DataType::Int8 => write!(into, "{}", column.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => write!(into, "{}", column.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => write!(into, "{}", column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => write!(into, "{}", column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => double(column.as_primitive::<Float32Type>().value(row), into),
        DataType::Float64 => double(column.as_primitive::<Float64Type>().value(row), into),
        DataType::Boolean => into.write_all(if column.as_boolean().value(row) { b"true" } else { b"false" }),
        DataType::Decimal128(_, scale) => decimal(column.as_primitive::<Decimal128Type>().value(row), *scale, into),
        DataType::Date32 => match column.as_primitive::<Date32Type>().value_as_date(row) {
            Some(date) => write!(into, "{}", date.format("%Y-%m-%d")),
            None => Err(beyond()),
        },
        DataType::Timestamp(_, zone) => {
            timestamp(column.as_primitive::<TimestampMicrosecondType>(), row, zone.is_some(), into)
        }
        other => Err(io::Error::other(format!("no text form of {other}"))),
    }
}

fn text(value: &str, separator: u8, into: &mut impl Write) -> io::Result<()> {
    let special = |byte: u8| byte == separator || matches!(byte, b'"' | b'\n' | b'\r');
    if !value.is_empty() && !value.bytes().any(special) {
        return into.write_all(value.as_bytes());
    }
    into.write_all(b"\"")?;
    for (at, part) in value.split('"').enumerate() {
        if at > 0 {
            into.write_all(b"\"\"")?;
        }
        into.write_all(part.as_bytes())?;
    }
    into.write_all(b"\"")
}

fn decimal(value: i128, scale: i8, into: &mut impl Write) -> io::Result<()> {
    let scale = usize::from(scale.unsigned_abs());
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    write!(into, "{sign}{whole}{point}{fraction}")
}

/// The shortest digits that read back as the same number; very large and very small ones with an exponent.
fn double<F: Into<f64> + Copy + std::fmt::Display + std::fmt::LowerExp>(
    value: F,
    into: &mut impl Write,
) -> io::Result<()> {
    let size: f64 = value.into().abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) || !size.is_finite() {
        write!(into, "{value}")
    } else {
        write!(into, "{value:e}")
    }
}

fn timestamp(column: &TimestampMicrosecondArray, row: usize, utc: bool, into: &mut impl Write) -> io::Result<()> {
    let at: DateTime<Utc> = DateTime::from_timestamp_micros(column.values()[row]).ok_or_else(beyond)?;
    let micros = at.nanosecond() / 1000;
    write!(into, "{}", at.format(if utc { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }))?;
    if micros > 0 {
        write!(into, ".{micros:06}")?;
    }
    if utc { into.write_all(b"Z") } else { Ok(()) }
}

fn beyond() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a date lies beyond the calendar")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut into = Vec::new();
        write(&mut into).unwrap();
        String::from_utf8(into).unwrap()
    }

    #[test]
    fn decimals_keep_their_scale() {
        for (value, scale, expected) in [
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (123456, 3, "123.456"),
            (-7, 0, "-7"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(written(|into| decimal(value, scale, into)), expected);
        }
    }

    #[test]
    fn moments_show_a_fraction_only_where_there_is_one() {
        let moments = [0, 1, -1, 1_700_000_000_500_000];
        let column = TimestampMicrosecondArray::from(moments.to_vec());
        let all = |utc| -> Vec<String> {
            (0..moments.len()).map(|row| written(|into| timestamp(&column, row, utc, into))).collect()
        };
        assert_eq!(
            all(false),
            [
                "1970-01-01 00:00:00",
                "1970-01-01 00:00:00.000001",
                "1969-12-31 23:59:59.999999",
                "2023-11-14 22:13:20.500000"
            ]
        );
        assert_eq!(all(true)[3], "2023-11-14T22:13:20.500000Z");
        assert_eq!(all(true)[0], "1970-01-01T00:00:00Z");
    }

    #[test]
    fn doubles_are_short() {
        for (value, expected) in
            [(0.1, "0.1"), (1.0, "1"), (-0.0, "-0"), (1e15, "1000000000000000"), (1e16, "1e16"), (2.5e-7, "2.5e-7")]
        {
            assert_eq!(written(|into| double(value, into)), expected);
        }
        assert_eq!(written(|into| double(0.1f32, into)), "0.1");
    }

    /// A reader of RFC 4180 that keeps apart what was quoted: the other half of the writer, written on its own.
    fn read(line: &str, separator: char) -> Vec<(String, bool)> {
        let mut fields = Vec::new();
        let mut rest = line.strip_suffix('\n').unwrap();
        loop {
            let (field, quoted, after) = match rest.strip_prefix('"') {
                Some(mut inner) => {
                    let mut field = String::new();
                    loop {
                        let (before, after) = inner.split_once('"').unwrap();
                        field.push_str(before);
                        match after.strip_prefix('"') {
                            Some(next) => {
                                field.push('"');
                                inner = next;
                            }
                            None => break (field, true, after),
                        }
                    }
                }
                None => {
                    let end = rest.find(separator).unwrap_or(rest.len());
                    (rest[..end].to_owned(), false, &rest[end..])
                }
            };
            fields.push((field, quoted));
            match after.strip_prefix(separator) {
                Some(next) => rest = next,
                None => {
                    assert_eq!(after, "");
                    return fields;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn texts_come_back_as_they_were(texts in prop::collection::vec("(?s)[a-b\"\\r\n,\t é]{0,6}", 1..5), tab: bool) {
            let separator = if tab { b'\t' } else { b',' };
            let line = written(|into| header(texts.iter().map(String::as_str), separator, into));
            let back = read(&line, char::from(separator));
            prop_assert_eq!(back.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>(), texts);
            for (text, quoted) in back {
                prop_assert!(quoted || !text.is_empty(), "an empty text must not look like null");
            }
        }

        #[test]
        fn doubles_read_back_the_same(value: f64) {
            prop_assume!(!value.is_nan());
            let text = written(|into| double(value, into));
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{}", text);
        }
    }
}
