//! Column types as text: `string(100)`, `int32`, `decimal(10,2)`, `date`.

use super::ColumnType;
use crate::diagnostic::{TextMistake, closest};
use crate::expression::DIGITS;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

pub(crate) const TYPE_WORDS: [&str; 9] =
    ["string", "int32", "int64", "decimal", "double", "boolean", "date", "timestamp", "instant"];

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnType::String { limit: None } => f.write_str("string"),
            ColumnType::String { limit: Some(limit) } => write!(f, "string({limit})"),
            ColumnType::Int32 => f.write_str("int32"),
            ColumnType::Int64 => f.write_str("int64"),
            ColumnType::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            ColumnType::Double => f.write_str("double"),
            ColumnType::Boolean => f.write_str("boolean"),
            ColumnType::Date => f.write_str("date"),
            ColumnType::Timestamp => f.write_str("timestamp"),
            ColumnType::Instant => f.write_str("instant"),
        }
    }
}

impl ColumnType {
    /// As in `an int32`, for messages.
    pub(crate) fn named(self) -> String {
        let article =
            if matches!(self, ColumnType::Int32 | ColumnType::Int64 | ColumnType::Instant) { "an" } else { "a" };
        format!("{article} {self}")
    }
}

impl FromStr for ColumnType {
    type Err = TextMistake;

    fn from_str(text: &str) -> Result<Self, TextMistake> {
        let (word, arguments) = split(text)?;
        let plain = match word {
            "string" if arguments.is_empty() => return Ok(ColumnType::String { limit: None }),
            "string" => return string(text, &arguments),
            "decimal" => return decimal(text, &arguments),
            "int32" => ColumnType::Int32,
            "int64" => ColumnType::Int64,
            "double" => ColumnType::Double,
            "boolean" => ColumnType::Boolean,
            "date" => ColumnType::Date,
            "timestamp" => ColumnType::Timestamp,
            "instant" => ColumnType::Instant,
            _ => {
                let message = format!("a type is one of {}", TYPE_WORDS.join(", "));
                return Err(TextMistake::new(0..word.len(), message).suggesting(closest(word, TYPE_WORDS)));
            }
        };
        match arguments.is_empty() {
            true => Ok(plain),
            false => Err(TextMistake::new(word.len()..text.len(), format!("`{word}` takes no numbers"))),
        }
    }
}

type Argument<'t> = (&'t str, Range<usize>);

/// The word and what stands between its parentheses, separated by commas.
fn split(text: &str) -> Result<(&str, Vec<Argument<'_>>), TextMistake> {
    let Some((word, rest)) = text.split_once('(') else { return Ok((text, Vec::new())) };
    let Some(inside) = rest.strip_suffix(')') else {
        return Err(TextMistake::new(word.len()..text.len(), "expected `)` at the end"));
    };
    let mut at = word.len() + 1;
    let mut arguments = Vec::new();
    for part in inside.split(',') {
        let lead = part.len() - part.trim_start().len();
        let argument = part.trim();
        arguments.push((argument, at + lead..at + lead + argument.len()));
        at += part.len() + 1;
    }
    Ok((word, arguments))
}

fn string(text: &str, arguments: &[Argument<'_>]) -> Result<ColumnType, TextMistake> {
    let [(limit, range)] = arguments else {
        return Err(TextMistake::new(0..text.len(), "`string` takes one number: `string(100)`"));
    };
    match digits::<u32>(limit) {
        Some(limit) if limit > 0 => Ok(ColumnType::String { limit: Some(limit) }),
        _ => Err(TextMistake::new(range.clone(), "the limit of a string is a number of characters above 0")),
    }
}

fn decimal(text: &str, arguments: &[Argument<'_>]) -> Result<ColumnType, TextMistake> {
    let [(precision, precision_range), (scale, scale_range)] = arguments else {
        let message = "`decimal` takes precision and scale: `decimal(10,2)`";
        return Err(TextMistake::new(0..text.len(), message));
    };
    let Some(precision) = digits::<u8>(precision).filter(|precision| (1..=DIGITS).contains(precision)) else {
        return Err(TextMistake::new(precision_range.clone(), "the precision of a decimal is 1 to 38 digits"));
    };
    match digits::<u8>(scale).filter(|scale| *scale <= precision) {
        Some(scale) => Ok(ColumnType::Decimal { precision, scale }),
        None => {
            let message = format!("the scale of a decimal is 0 to its precision, {precision}");
            Err(TextMistake::new(scale_range.clone(), message))
        }
    }
}

/// Digits alone: the standard library's reading also takes a sign.
fn digits<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mistakes_point_at_the_part() {
        let mut found = String::new();
        for text in [
            "int",
            "strin(5)",
            "string(0)",
            "string(+5)",
            "string()",
            "string(1,2)",
            "string(99999999999)",
            "decimal",
            "decimal(10)",
            "decimal(39, 2)",
            "decimal(0,0)",
            "decimal(10,11)",
            "decimal(10, x)",
            "date(3)",
            "decimal(10",
            "decimal(10,2) ",
            "",
            "é(",
        ] {
            let mistake = text.parse::<ColumnType>().unwrap_err();
            let suggestion = mistake.suggestion.map_or(String::new(), |meant| format!(" ({meant}?)"));
            found.push_str(&format!("{text} [{}]: {}{suggestion}\n", &text[mistake.range], mistake.message));
        }
        insta::assert_snapshot!(found, @r#"
        int [int]: a type is one of string, int32, int64, decimal, double, boolean, date, timestamp, instant (int32?)
        strin(5) [strin]: a type is one of string, int32, int64, decimal, double, boolean, date, timestamp, instant (string?)
        string(0) [0]: the limit of a string is a number of characters above 0
        string(+5) [+5]: the limit of a string is a number of characters above 0
        string() []: the limit of a string is a number of characters above 0
        string(1,2) [string(1,2)]: `string` takes one number: `string(100)`
        string(99999999999) [99999999999]: the limit of a string is a number of characters above 0
        decimal [decimal]: `decimal` takes precision and scale: `decimal(10,2)`
        decimal(10) [decimal(10)]: `decimal` takes precision and scale: `decimal(10,2)`
        decimal(39, 2) [39]: the precision of a decimal is 1 to 38 digits
        decimal(0,0) [0]: the precision of a decimal is 1 to 38 digits
        decimal(10,11) [11]: the scale of a decimal is 0 to its precision, 10
        decimal(10, x) [x]: the scale of a decimal is 0 to its precision, 10
        date(3) [(3)]: `date` takes no numbers
        decimal(10 [(10]: expected `)` at the end
        decimal(10,2)  [(10,2) ]: expected `)` at the end
         []: a type is one of string, int32, int64, decimal, double, boolean, date, timestamp, instant
        é( [(]: expected `)` at the end
        "#);
    }

    proptest! {
        #[test]
        fn types_survive_their_text(word in 0usize..10, limit in 1u32.., precision in 1u8..=38, scale in 0u8..=38) {
            let kind = [
                ColumnType::String { limit: None },
                ColumnType::String { limit: Some(limit) },
                ColumnType::Int32,
                ColumnType::Int64,
                ColumnType::Decimal { precision, scale: scale.min(precision) },
                ColumnType::Double,
                ColumnType::Boolean,
                ColumnType::Date,
                ColumnType::Timestamp,
                ColumnType::Instant,
            ][word];
            prop_assert_eq!(kind.to_string().parse(), Ok(kind));
        }

        #[test]
        fn no_text_panics(text in "(?s)(string|decimal|int32|)[(]?.{0,12}") {
            if let Err(mistake) = text.parse::<ColumnType>() {
                prop_assert!(text.get(mistake.range).is_some());
            }
        }
    }
}
