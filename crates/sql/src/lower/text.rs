//! Text: `like` and `substring`.

use polars::chunked_array::ops::arity::{try_unary_elementwise, unary_elementwise};
use polars::prelude::*;

use super::column::{elementwise, failure};
use crate::error::Place;
use crate::plan::Wild;
use crate::types::Type;

/// Whether the text matches a `like` pattern. Usual shapes use the engine's own searches.
pub(super) fn like(input: Expr, pieces: &[Wild]) -> Expr {
    match pieces {
        [] => input.eq(lit("")),
        [Wild::Text(text)] => input.eq(lit(text.as_str())),
        [Wild::Text(text), Wild::Any] => input.str().starts_with(lit(text.as_str())),
        [Wild::Any, Wild::Text(text)] => input.str().ends_with(lit(text.as_str())),
        [Wild::Any, Wild::Text(text), Wild::Any] => input.str().contains_literal(lit(text.as_str())),
        _ => {
            let pattern = flat(pieces);
            elementwise(vec![input], Type::Boolean, move |s| {
                let test = |text: Option<&str>| text.map(|t| matches(t, &pattern));
                let result: BooleanChunked = unary_elementwise(s[0].str()?, test);
                Ok(result.into_series())
            })
        }
    }
}

/// The characters from position `from` (counted from 1), `length` of them if given.
pub(super) fn substring(inputs: Vec<Expr>, at: Place) -> Expr {
    elementwise(inputs, Type::String, move |s| {
        let rows = s.iter().map(|s| s.len()).find(|len| *len != 1).unwrap_or(1);
        let text = spread(&s[0], rows);
        let (from, length) = (spread(&s[1], rows), s.get(2).map(|l| spread(l, rows)));
        let (text, from) = (text.str()?, from.i64()?);
        let length = length.as_ref().map(|l| l.i64()).transpose()?;
        let mut row = 0usize;
        let result: StringChunked = try_unary_elementwise(text, |text: Option<&str>| {
            let (start, count) = (from.get(row), length.map(|l| l.get(row)));
            row += 1;
            match (text, start, count) {
                (Some(text), Some(start), None) => Ok(Some(cut(text, start, None))),
                (Some(_), Some(_), Some(Some(count))) if count < 0 => {
                    Err(failure("the length of a `substring` is negative", at))
                }
                (Some(text), Some(start), Some(Some(count))) => Ok(Some(cut(text, start, Some(count)))),
                _ => Ok(None),
            }
        })?;
        Ok(result.into_series())
    })
}

fn spread(series: &Series, rows: usize) -> Series {
    if series.len() == 1 && rows != 1 { series.new_from_index(0, rows) } else { series.clone() }
}

/// Positions before the first character count too: the standard's window is from `from` to `from + length`.
fn cut(text: &str, from: i64, length: Option<i64>) -> String {
    let end = length.map_or(i64::MAX, |length| from.saturating_add(length));
    let start = from.max(1);
    let count = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
    text.chars().skip(usize::try_from(start - 1).unwrap_or(0)).take(count).collect()
}

/// A pattern, one character a step.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Exactly(char),
    One,
    Any,
}

fn flat(pieces: &[Wild]) -> Vec<Step> {
    let mut flat = Vec::new();
    for piece in pieces {
        match piece {
            Wild::Text(text) => flat.extend(text.chars().map(Step::Exactly)),
            Wild::One => flat.push(Step::One),
            Wild::Any => flat.push(Step::Any),
        }
    }
    flat
}

/// Greedy matching that goes back to the last `%` only: earlier ones can have no better place.
fn matches(text: &str, pattern: &[Step]) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut t, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Step::Any) => {
                back = Some((p, t));
                p += 1;
            }
            Some(Step::One) => (t, p) = (t + 1, p + 1),
            Some(Step::Exactly(c)) if *c == text[t] => (t, p) = (t + 1, p + 1),
            _ => match back {
                Some((any, from)) => {
                    back = Some((any, from + 1));
                    (t, p) = (from + 1, any + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|step| *step == Step::Any)
}
