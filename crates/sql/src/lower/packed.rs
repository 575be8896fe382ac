//! Several values as one text that sorts as they do, so that the greatest row of a group is the greatest text.
//!
//! A number becomes a fixed count of digits of base 64. A text is followed by a character that is less than any of its
//! own. The last value stands behind a mark that tells whether it is null, and as itself where it is a text.

use polars::chunked_array::ops::arity::{try_unary_elementwise, unary_elementwise};
use polars::prelude::*;

use super::column::{elementwise, failure, from_units, too_large, units};
use super::decimal::pow10;
use crate::error::Place;
use crate::types::Type;

/// The digits are this character and the 63 behind it: their order as text is that of their values.
const ZERO: u8 = b'0';
const BITS: u32 = 6;
/// Ends a text. Where a text has this character or the next itself, it becomes two of which neither is this.
const END: char = '\0';
const ESCAPE: char = '\u{1}';
const NULL: char = '0';
const VALUE: char = '1';

/// The text of the columns `inputs` of the types `kinds`. Null where any column but the last is null.
pub(super) fn pack(kinds: Vec<Type>, at: Place, inputs: Vec<Expr>) -> Expr {
    elementwise(inputs, Type::String, move |s| {
        let rows = s.iter().map(|s| s.len()).find(|len| *len != 1).unwrap_or(1);
        let columns =
            s.iter().zip(&kinds).map(|(s, kind)| Cells::of(s, *kind, at)).collect::<PolarsResult<Vec<_>>>()?;
        let Some((value, keys)) = columns.split_last() else { polars_bail!(ComputeError: "there is nothing to pack") };
        let name = s.first().map_or(PlSmallStr::EMPTY, |s| s.name().clone());
        let mut packed = StringChunkedBuilder::new(name, rows);
        let mut text = String::new();
        for row in 0..rows {
            text.clear();
            let mut whole = true;
            for key in keys {
                whole = whole && key.write(row, true, &mut text)?;
            }
            if !whole {
                packed.append_null();
                continue;
            }
            let marked = text.len();
            text.push(VALUE);
            if !value.write(row, false, &mut text)? {
                text.truncate(marked);
                text.push(NULL);
            }
            packed.append_value(&text);
        }
        Ok(packed.finish().into_series())
    })
}

/// The last value, of type `kind`, of texts that [`pack`] made; `before` are the types of the others.
pub(super) fn unpack(before: Vec<Type>, kind: Type, at: Place, input: Expr) -> Expr {
    elementwise(vec![input], kind, move |s| {
        let texts = s[0].str()?;
        let strange = || failure("a contribution does not fit the query that it was kept for", at);
        if kind == Type::String {
            let mut values = StringChunkedBuilder::new(texts.name().clone(), texts.len());
            for text in texts.iter() {
                match text.map(|text| value(text, &before).ok_or_else(strange)).transpose()?.flatten() {
                    Some(value) => values.append_value(value),
                    None => values.append_null(),
                }
            }
            return Ok(values.finish().into_series());
        }
        let numbers: Int128Chunked = try_unary_elementwise(texts, |text: Option<&str>| {
            let digits = text.map(|text| value(text, &before).ok_or_else(strange)).transpose()?.flatten();
            digits.map(|digits| whole(digits, kind).ok_or_else(strange)).transpose()
        })?;
        if kind == Type::Boolean {
            let flags: BooleanChunked = unary_elementwise(&numbers, |number: Option<i128>| number.map(|n| n != 0));
            return Ok(flags.into_series());
        }
        from_units(numbers, kind)
    })
}

/// What stands behind the mark: `Some(None)` is null, `None` a text that was not packed like this.
fn value<'t>(packed: &'t str, before: &[Type]) -> Option<Option<&'t str>> {
    let mut rest = packed;
    for kind in before {
        rest = match kind {
            Type::String => rest.split_once(END)?.1,
            kind => rest.get(width(*kind)..)?,
        };
    }
    match rest.strip_prefix(VALUE) {
        Some(value) => Some(Some(value)),
        None => (rest.len() == 1 && rest.starts_with(NULL)).then_some(None),
    }
}

/// A column that is read by row; one value stands for all rows.
struct Cells {
    values: Values,
    one: bool,
}

enum Values {
    Texts(StringChunked),
    Numbers { numbers: Int128Chunked, kind: Type, at: Place },
}

impl Cells {
    fn of(series: &Series, kind: Type, at: Place) -> PolarsResult<Self> {
        // One chunk, so that a row is found at once.
        let series = series.rechunk();
        let values = match kind {
            Type::String => Values::Texts(series.str()?.clone()),
            Type::Boolean => Values::Numbers { numbers: units(&series.cast(&DataType::Int32)?)?, kind, at },
            _ => Values::Numbers { numbers: units(&series)?, kind, at },
        };
        Ok(Self { values, one: series.len() == 1 })
    }

    /// Writes the value of `row`, so that it shows its own end where it is `ended`. False where it is null.
    fn write(&self, row: usize, ended: bool, out: &mut String) -> PolarsResult<bool> {
        let row = if self.one { 0 } else { row };
        match &self.values {
            Values::Texts(texts) => {
                let Some(text) = texts.get(row) else { return Ok(false) };
                if ended { escaped(text, out) } else { out.push_str(text) }
            }
            Values::Numbers { numbers, kind, at } => {
                let Some(number) = numbers.get(row) else { return Ok(false) };
                digits(number, *kind, out).ok_or_else(|| too_large(*kind, *at))?;
            }
        }
        Ok(true)
    }
}

fn escaped(text: &str, out: &mut String) {
    for part in text.split_inclusive([END, ESCAPE]) {
        match part.as_bytes().last() {
            Some(0) => out.extend([&part[..part.len() - 1], "\u{1}\u{1}"]),
            Some(1) => out.extend([&part[..part.len() - 1], "\u{1}\u{2}"]),
            _ => out.push_str(part),
        }
    }
    out.push(END);
}

/// How many digits the numbers of a type take.
fn width(kind: Type) -> usize {
    let bits = match kind {
        Type::Boolean => 2,
        Type::Int32 | Type::Date => 32,
        Type::Decimal { precision, .. } => 129 - pow10(precision).map_or(1, i128::leading_zeros),
        _ => 64,
    };
    bits.div_ceil(BITS) as usize
}

/// What is added so that the least number becomes zero.
fn half(width: usize) -> u128 {
    1 << (BITS * width as u32 - 1).min(127)
}

/// Writes a number; `None` where the type has no such number.
fn digits(number: i128, kind: Type, out: &mut String) -> Option<()> {
    let width = width(kind);
    let shifted = (number as u128).wrapping_add(half(width));
    if shifted.checked_shr(BITS * width as u32).unwrap_or(0) != 0 {
        return None;
    }
    out.extend((0..width as u32).rev().map(|at| char::from(ZERO + ((shifted >> (BITS * at)) & 63) as u8)));
    Some(())
}

/// Reads a number again; `None` where the text is not one of its type.
fn whole(text: &str, kind: Type) -> Option<i128> {
    let width = width(kind);
    let digit = |byte: u8| byte.checked_sub(ZERO).filter(|digit| *digit < 64).map(u128::from);
    let read = text.bytes().try_fold(0u128, |read, byte| Some((read << BITS) | digit(byte)?));
    (text.len() == width).then_some(read?.wrapping_sub(half(width)) as i128)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const fn decimal(precision: u8) -> Type {
        Type::Decimal { precision, scale: 0 }
    }

    fn packed(number: i128, kind: Type) -> Option<String> {
        let mut text = String::new();
        digits(number, kind, &mut text).map(|()| text)
    }

    fn ended(text: &str) -> String {
        let mut out = String::new();
        escaped(text, &mut out);
        out
    }

    #[test]
    fn the_ends_of_every_type_are_kept_and_ordered() {
        let nines = |precision: u8| pow10(precision).unwrap() - 1;
        let cases = [
            (Type::Int32, i32::MIN.into(), i32::MAX.into()),
            (Type::Date, i32::MIN.into(), i32::MAX.into()),
            (Type::Int64, i64::MIN.into(), i64::MAX.into()),
            (Type::TimestampUtc, i64::MIN.into(), i64::MAX.into()),
            (decimal(1), -9, 9),
            (decimal(10), -nines(10), nines(10)),
            (decimal(18), -nines(18), nines(18)),
            (decimal(37), -nines(37), nines(37)),
            (decimal(38), -nines(38), nines(38)),
        ];
        for (kind, least, greatest) in cases {
            let texts = [least, least + 1, 0, greatest - 1, greatest].map(|number| packed(number, kind).unwrap());
            assert!(texts.is_sorted(), "{kind}: {texts:?}");
            assert_eq!(whole(&texts[0], kind), Some(least), "{kind}");
            assert_eq!(whole(&texts[4], kind), Some(greatest), "{kind}");
        }
        let flags = [0, 1].map(|flag| packed(flag, Type::Boolean).unwrap());
        assert!(flags[0] < flags[1] && whole(&flags[1], Type::Boolean) == Some(1), "{flags:?}");
        assert_eq!(packed(1 << 40, Type::Int32), None);
        assert_eq!(packed(-(1 << 40), Type::Date), None);
    }

    #[test]
    fn texts_that_were_not_packed_like_this_are_told() {
        let good = format!("{}{}1x", packed(7, Type::Date).unwrap(), ended("a\0b"));
        assert_eq!(value(&good, &[Type::Date, Type::String]), Some(Some("x")));
        let cases: [(&str, &[Type]); 5] =
            [("", &[]), ("2x", &[]), ("0x", &[]), ("000", &[Type::Date]), ("abc1", &[Type::String])];
        for (text, before) in cases {
            assert_eq!(value(text, before), None, "{text}");
        }
        for text in ["", "00000", "0000000", "00000p", "00000/"] {
            assert_eq!(whole(text, Type::Int32), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_keep_their_order(a in any::<i64>(), b in any::<i64>(), near in -3i64..3, p in 19u8..=38) {
            for b in [b, a.saturating_add(near)] {
                for kind in [Type::Int64, decimal(p)] {
                    let (x, y) = (packed(a.into(), kind).unwrap(), packed(b.into(), kind).unwrap());
                    prop_assert_eq!(x.cmp(&y), a.cmp(&b));
                    prop_assert_eq!(whole(&x, kind), Some(a.into()));
                }
            }
        }

        #[test]
        fn texts_keep_their_order_whatever_follows(
            a in "[\\x00-\\x02az\u{7ff}\u{10ffff}]{0,5}", b in "[\\x00-\\x02az\u{7ff}\u{10ffff}]{0,5}", x in "[\\x00-\\x02a]{0,2}", y in "[\\x00-\\x02a]{0,2}"
        ) {
            let (left, right) = (ended(&a) + &x, ended(&b) + &y);
            prop_assert_eq!(left.cmp(&right), a.cmp(&b).then(x.cmp(&y)));
            prop_assert_eq!(left.split_once(END).unwrap().1, x.as_str());
        }
    }
}
