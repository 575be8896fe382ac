//! The hash by which the open evaluator compares rows: Murmur3 of 32 bits as Spark computes it. A null leaves the hash
//! as it is, and values of different types have different hashes.

use crate::text::mapped;
use polars::prelude::{
    Column, DataType, Expr, Int32Chunked, IntoColumn, PlSmallStr, PolarsResult, TimeUnit, as_struct,
};

const SEED: u32 = 42;

/// The hash of a row's values in these columns, in this order.
pub(crate) fn of_row(columns: Vec<Expr>) -> Expr {
    let named = |(at, column): (usize, Expr)| column.alias(PlSmallStr::from_string(format!("h{at}")));
    let row = as_struct(columns.into_iter().enumerate().map(named).collect());
    mapped(row, "hash", DataType::Int32, |row| {
        let mut hashes = vec![SEED; row.len()];
        for field in row.struct_()?.fields_as_series() {
            extend(&mut hashes, &field.into_column())?;
        }
        Ok(hashes.into_iter().map(|hash| Some(hash as i32)).collect::<Int32Chunked>().into_column())
    })
}

fn extend(hashes: &mut [u32], column: &Column) -> PolarsResult<()> {
    fn each<T>(hashes: &mut [u32], values: impl Iterator<Item = Option<T>>, hashed: impl Fn(T, u32) -> u32) {
        for (hash, value) in hashes.iter_mut().zip(values) {
            if let Some(value) = value {
                *hash = hashed(value, *hash);
            }
        }
    }
    match column.dtype() {
        DataType::String => each(hashes, column.str()?.iter(), |text: &str, seed| bytes(text.as_bytes(), seed)),
        DataType::Binary => each(hashes, column.binary()?.iter(), bytes),
        DataType::Boolean => each(hashes, column.bool()?.iter(), |value, seed| int(i32::from(value), seed)),
        DataType::Float32 => each(hashes, column.f32()?.iter(), |value, seed| int(float_bits(value), seed)),
        DataType::Float64 => each(hashes, column.f64()?.iter(), |value, seed| long(double_bits(value), seed)),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Date => {
            each(hashes, column.cast(&DataType::Int32)?.i32()?.iter(), int);
        }
        DataType::Decimal(precision, _) => {
            let short = *precision <= 18;
            each(hashes, column.decimal()?.physical().iter(), |units: i128, seed| match i64::try_from(units) {
                Ok(units) if short => long(units, seed),
                _ => bytes(&minimal(units), seed),
            });
        }
        DataType::Datetime(_, zone) => {
            let micros = column.cast(&DataType::Datetime(TimeUnit::Microseconds, zone.clone()))?;
            each(hashes, micros.cast(&DataType::Int64)?.i64()?.iter(), long);
        }
        _ => each(hashes, column.cast(&DataType::Int64)?.i64()?.iter(), long),
    }
    Ok(())
}

/// The bits of a number, all that are not one being alike, and zeros too.
fn float_bits(value: f32) -> i32 {
    match value {
        value if value.is_nan() => 0x7fc0_0000,
        0.0 => 0,
        value => value.to_bits() as i32,
    }
}

fn double_bits(value: f64) -> i64 {
    match value {
        value if value.is_nan() => 0x7ff8_0000_0000_0000,
        0.0 => 0,
        value => value.to_bits() as i64,
    }
}

/// The least bytes that hold a whole number, the highest first.
fn minimal(units: i128) -> Vec<u8> {
    let all = units.to_be_bytes();
    let sign = if units < 0 { 0xff } else { 0 };
    let more = |at: &usize| all[*at] == sign && (all[at + 1] ^ sign) & 0x80 == 0;
    let first = (0..all.len() - 1).take_while(more).count();
    all[first..].to_vec()
}

fn int(value: i32, seed: u32) -> u32 {
    finished(mixed(seed, value as u32), 4)
}

fn long(value: i64, seed: u32) -> u32 {
    finished(mixed(mixed(seed, value as u32), (value as u64 >> 32) as u32), 8)
}

/// Four bytes at a time, the lowest first; the bytes that are left count as numbers with a sign.
fn bytes(value: &[u8], seed: u32) -> u32 {
    let words = value.chunks_exact(4);
    let rest = words.remainder();
    let hash =
        words.fold(seed, |hash, word| mixed(hash, word.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte))));
    let hash = rest.iter().fold(hash, |hash, byte| mixed(hash, *byte as i8 as i32 as u32));
    finished(hash, value.len() as u32)
}

fn mixed(hash: u32, word: u32) -> u32 {
    let word = word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    (hash ^ word).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

fn finished(hash: u32, length: u32) -> u32 {
    let hash = hash ^ length;
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hashes_are_those_of_spark() {
        for (found, wanted) in [
            (int(0, SEED), 933_211_791),
            (int(1, SEED), -559_580_957),
            (long(1, SEED), -1_712_319_331),
            (bytes(b"", SEED), 142_593_372),
            (bytes(b"Spark", SEED), 228_093_765),
            (bytes("\u{e9}".as_bytes(), SEED), 2_119_106_806),
            (bytes(&minimal(123_456_789_012_345_678_905_000_000_000), SEED), -1_366_861_748),
            (long(-150, SEED), -1_998_913_259),
            (long(double_bits(f64::NAN), SEED), -1_281_358_385),
            (long(double_bits(-0.0), SEED), -1_670_924_195),
            (int(float_bits(0.1), SEED), 38_965_448),
            (bytes(b"ab", int(1, SEED)), -2_026_801_136),
        ] {
            assert_eq!(found as i32, wanted);
        }
        for (units, wanted) in
            [(0i128, vec![0]), (127, vec![127]), (128, vec![0, 128]), (-128, vec![128]), (-129, vec![255, 127])]
        {
            assert_eq!(minimal(units), wanted, "{units}");
        }
    }
}
