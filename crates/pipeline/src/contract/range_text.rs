//! Ranges as text: `> 0`, `>= 0 and <= 100`.

use super::{Bound, Range};
use crate::diagnostic::TextMistake;
use crate::expression::Number;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |f: &mut fmt::Formatter<'_>, sign, bound: Bound| {
            write!(f, "{sign}{} {}", if bound.inclusive { "=" } else { "" }, bound.value)
        };
        if let Some(low) = self.low {
            side(f, ">", low)?;
        }
        if self.low.is_some() && self.high.is_some() {
            f.write_str(" and ")?;
        }
        self.high.map_or(Ok(()), |high| side(f, "<", high))
    }
}

impl FromStr for Range {
    type Err = TextMistake;

    fn from_str(text: &str) -> Result<Self, TextMistake> {
        let mut range = Range { low: None, high: None };
        let mut at = 0;
        for part in text.split(" and ") {
            let start = at + part.len() - part.trim_start().len();
            at += part.len() + " and ".len();
            let part = part.trim();
            let place = start..start + part.len();
            let (is_low, bound) = bound(part).ok_or_else(|| {
                TextMistake::new(place.clone(), "a range is a sign and a number, such as `> 0` or `>= 0 and <= 100`")
            })?;
            let side = if is_low { &mut range.low } else { &mut range.high };
            if side.replace(bound).is_some() {
                return Err(TextMistake::new(place, "this side of the range has two bounds"));
            }
        }
        if is_empty(&range) {
            return Err(TextMistake::new(0..text.len(), "no number lies in this range"));
        }
        Ok(range)
    }
}

/// One bound, and whether it is the low one.
fn bound(text: &str) -> Option<(bool, Bound)> {
    let (is_low, rest) = match text.strip_prefix('>') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('<')?),
    };
    let (inclusive, rest) = match rest.strip_prefix('=') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    Some((is_low, Bound { value: Number::parse(rest.trim_start())?, inclusive }))
}

fn is_empty(range: &Range) -> bool {
    let (Some(low), Some(high)) = (range.low, range.high) else { return false };
    match low.value.compare(high.value) {
        Ordering::Less => false,
        Ordering::Equal => !(low.inclusive && high.inclusive),
        Ordering::Greater => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_each_side() {
        let bound = |unscaled, scale, inclusive| Some(Bound { value: Number { unscaled, scale }, inclusive });
        for (text, low, high) in [
            ("> 0", bound(0, 0, false), None),
            ("<=-1.50", None, bound(-150, 2, true)),
            (">= 0 and <= 100", bound(0, 0, true), bound(100, 0, true)),
            ("< 5 and > 1", bound(1, 0, false), bound(5, 0, false)),
            (">= 1 and <= 1.0", bound(1, 0, true), bound(10, 1, true)),
        ] {
            assert_eq!(text.parse(), Ok(Range { low, high }), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_range() {
        let mut found = String::new();
        for text in ["", "0", "= 0", "> x", ">= 0 and", "> 0 and > 5", "> 5 and < 5", "> 5 and <= 5.0", ">= 6 and <= 5"]
        {
            let mistake = text.parse::<Range>().unwrap_err();
            found.push_str(&format!("{text} [{}]: {}\n", &text[mistake.range], mistake.message));
        }
        insta::assert_snapshot!(found, @r#"
         []: a range is a sign and a number, such as `> 0` or `>= 0 and <= 100`
        0 [0]: a range is a sign and a number, such as `> 0` or `>= 0 and <= 100`
        = 0 [= 0]: a range is a sign and a number, such as `> 0` or `>= 0 and <= 100`
        > x [> x]: a range is a sign and a number, such as `> 0` or `>= 0 and <= 100`
        >= 0 and [>= 0 and]: a range is a sign and a number, such as `> 0` or `>= 0 and <= 100`
        > 0 and > 5 [> 5]: this side of the range has two bounds
        > 5 and < 5 [> 5 and < 5]: no number lies in this range
        > 5 and <= 5.0 [> 5 and <= 5.0]: no number lies in this range
        >= 6 and <= 5 [>= 6 and <= 5]: no number lies in this range
        "#);
    }

    proptest! {
        #[test]
        fn ranges_survive_their_text(low in -900i32..900, width in 1i32..900, scale in 0u8..3, signs in 0u8..4, sides in 1u8..4) {
            let bound = |at: i32, inclusive| Bound { value: Number { unscaled: at.into(), scale }, inclusive };
            let range = Range {
                low: (sides & 1 > 0).then(|| bound(low, signs & 1 > 0)),
                high: (sides & 2 > 0).then(|| bound(low + width, signs & 2 > 0)),
            };
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn no_text_panics(text in "(?s)[<>]?=?.{0,6}( and )?.{0,12}") {
            if let Err(mistake) = text.parse::<Range>() {
                prop_assert!(text.get(mistake.range).is_some());
            }
        }
    }
}
