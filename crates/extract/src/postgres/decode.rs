//! Values as the server sends them, exactly, into columns of a landing.

use crate::column::Builder;
use std::error::Error;
use tokio_postgres::types::{FromSql, Type};

/// A value's bytes as they came.
pub(crate) struct Raw<'a>(pub &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What a value is that has no exact place in a column.
pub(crate) type Fault = &'static str;

const DAMAGED: Fault = "a value that is not of the column's type";
const INFINITE: Fault = "an infinite date or time";
const TOO_FAR: Fault = "a date or time that is too far away";
const NO_NUMBER: Fault = "a NaN or an infinite number";
const NO_TEXT: Fault = "a text that is not UTF-8";
const TOO_LONG: Fault = "a number with more digits than its type allows";

/// Days and microseconds from 1970 to 2000, where the server's count begins.
const DAYS: i32 = 10_957;
const MICROS: i64 = 946_684_800_000_000;

/// Adds the value; `number` is true for a number that is read as text.
pub(crate) fn append(builder: &mut Builder, raw: Option<&[u8]>, number: bool) -> Result<(), Fault> {
    match builder {
        Builder::Int16(values) => values.append_option(raw.map(int2).transpose()?),
        Builder::Int32(values) => values.append_option(raw.map(int4).transpose()?),
        Builder::Int64(values) => values.append_option(raw.map(int8).transpose()?),
        Builder::Decimal(values, precision, scale) => {
            values.append_option(raw.map(|raw| numeric(raw, *precision, *scale)).transpose()?);
        }
        Builder::Text(values) => values.append_option(raw.map(|raw| text(raw, number)).transpose()?),
        Builder::Boolean(values) => values.append_option(raw.map(boolean).transpose()?),
        Builder::Date(values) => values.append_option(raw.map(date).transpose()?),
        Builder::Micros(values) => values.append_option(raw.map(moment).transpose()?),
        Builder::Double(values) => values.append_option(raw.map(fixed).transpose()?.map(f64::from_be_bytes)),
    }
    Ok(())
}

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], Fault> {
    raw.try_into().map_err(|_| DAMAGED)
}

fn int2(raw: &[u8]) -> Result<i16, Fault> {
    fixed(raw).map(i16::from_be_bytes)
}

fn int4(raw: &[u8]) -> Result<i32, Fault> {
    fixed(raw).map(i32::from_be_bytes)
}

fn int8(raw: &[u8]) -> Result<i64, Fault> {
    fixed(raw).map(i64::from_be_bytes)
}

fn boolean(raw: &[u8]) -> Result<bool, Fault> {
    match raw {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(DAMAGED),
    }
}

fn text(raw: &[u8], number: bool) -> Result<&str, Fault> {
    let text = std::str::from_utf8(raw).map_err(|_| NO_TEXT)?;
    if number && !text.ends_with(|c: char| c.is_ascii_digit()) {
        return Err(NO_NUMBER);
    }
    Ok(text)
}

fn date(raw: &[u8]) -> Result<i32, Fault> {
    match int4(raw)? {
        i32::MIN | i32::MAX => Err(INFINITE),
        days => days.checked_add(DAYS).ok_or(TOO_FAR),
    }
}

fn moment(raw: &[u8]) -> Result<i64, Fault> {
    match int8(raw)? {
        i64::MIN | i64::MAX => Err(INFINITE),
        micros => micros.checked_add(MICROS).ok_or(TOO_FAR),
    }
}

/// Digits to the base of 10,000; the first has the weight that the header tells.
fn numeric(raw: &[u8], precision: u8, scale: u8) -> Result<i128, Fault> {
    let word = |at: usize| raw.get(2 * at..2 * at + 2).and_then(|two| two.try_into().ok()).map(i16::from_be_bytes);
    let header = |at: usize| word(at).ok_or(DAMAGED);
    let (count, weight, sign) = (header(0)?, header(1)?, header(2)?.cast_unsigned());
    let negative = match sign {
        0x0000 => false,
        0x4000 => true,
        0xC000 | 0xD000 | 0xF000 => return Err(NO_NUMBER),
        _ => return Err(DAMAGED),
    };
    let count = usize::try_from(count).map_err(|_| DAMAGED)?;
    let mut value: i128 = 0;
    for at in 0..count {
        let digit = header(4 + at)?;
        if !(0..10_000).contains(&digit) {
            return Err(DAMAGED);
        }
        let at = i32::try_from(at).map_err(|_| DAMAGED)?;
        // Places of the digit's last figure above the last place of the scale.
        let shift = 4 * (i32::from(weight) - at) + i32::from(scale);
        let digit = i128::from(digit);
        let part = match u32::try_from(shift) {
            Ok(up) => 10i128.checked_pow(up).and_then(|power| digit.checked_mul(power)).ok_or(TOO_LONG)?,
            Err(_) => {
                let power = 10i128.checked_pow(shift.unsigned_abs()).ok_or(TOO_LONG)?;
                if digit % power != 0 {
                    return Err(TOO_LONG);
                }
                digit / power
            }
        };
        value = value.checked_add(part).ok_or(TOO_LONG)?;
    }
    if value >= 10i128.checked_pow(u32::from(precision)).ok_or(DAMAGED)? {
        return Err(TOO_LONG);
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numerics_are_exact_or_refused() {
        let cases: [(&[u16], Result<i128, Fault>); 9] = [
            (&[0, 0, 0, 2], Ok(0)),
            // 12345.67 is 1, 2345, 6700.
            (&[3, 1, 0, 2, 1, 2345, 6700], Ok(1_234_567)),
            (&[3, 1, 0x4000, 2, 1, 2345, 6700], Ok(-1_234_567)),
            (&[1, 0xffff, 0, 2, 100], Ok(1)),
            (&[1, 0xffff, 0, 3, 150], Err(TOO_LONG)),
            (&[1, 2, 0, 0, 1], Err(TOO_LONG)),
            (&[0, 0, 0xC000, 0], Err(NO_NUMBER)),
            (&[0, 0, 0xF000, 0], Err(NO_NUMBER)),
            (&[2, 0, 0, 0, 1], Err(DAMAGED)),
        ];
        for (raw, expected) in cases {
            assert_eq!(numeric(&words(raw), 8, 2), expected, "{raw:?}");
        }
    }

    #[test]
    fn what_no_column_holds_is_named() {
        assert_eq!(date(&i32::MAX.to_be_bytes()), Err(INFINITE));
        assert_eq!(date(&(i32::MAX - 1).to_be_bytes()), Err(TOO_FAR));
        assert_eq!(date(&0i32.to_be_bytes()), Ok(DAYS));
        assert_eq!(moment(&i64::MIN.to_be_bytes()), Err(INFINITE));
        assert_eq!(moment(&1i64.to_be_bytes()), Ok(946_684_800_000_001));
        assert_eq!(text(b"NaN", true), Err(NO_NUMBER));
        assert_eq!(text(b"-Infinity", true), Err(NO_NUMBER));
        assert_eq!(text(b"NaN", false), Ok("NaN"));
        assert_eq!(text(&[0xff], false), Err(NO_TEXT));
        assert_eq!(int4(&[1]), Err(DAMAGED));
        assert_eq!(boolean(&[2]), Err(DAMAGED));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(raw in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = numeric(&raw, 38, 10);
        }
    }
}
