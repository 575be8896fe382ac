//! Values compared with texts and patterns.

use super::{Target, by_share};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Aside, Draft};
use crate::pattern::Pattern;
use crate::rules::ask::type_name;
use crate::rules::{Finding, Planned, Refusal};
use crate::text::{of_any, tested, tested_by};
use assay_dqdl::tree::{Check, Condition, Operator, Test, Text};
use polars::prelude::{DataType, Expr, lit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn plan(
    check: &Check,
    test: &Test<Text>,
    target: Target,
    draft: &mut Draft<'_>,
) -> Result<Planned, Refusal> {
    match test.op {
        Operator::Matches | Operator::NotMatches => matches(check, test, target, draft),
        op => {
            let negated = matches!(op, Operator::NotEqual | Operator::NotIn);
            let deequ = draft.profile() == Profile::Deequ;
            let meets = among(&target, &test.operands, negated, !deequ && ignores_case(check), deequ)?;
            by_share(check, target, meets, "ColumnValues.Compliance", Aside::Passes, draft)
        }
    }
}

/// `with ignoreCase = "true"`.
fn ignores_case(check: &Check) -> bool {
    let set = |condition: &Condition| match condition {
        Condition::Text(test) => test.operands.iter().any(|text| matches!(text, Text::Literal(word) if word.eq_ignore_ascii_case("true"))),
        _ => false,
    };
    check.tags.iter().any(|tag| tag.name.eq_ignore_ascii_case("ignoreCase") && set(&tag.value))
}

/// Whether a row's value is among the operands, or is not.
fn among(target: &Target, operands: &[Text], negated: bool, fold: bool, deequ: bool) -> Result<Expr, Refusal> {
    let value = || as_text(target);
    let has = |wanted: Text| operands.contains(&wanted);
    let (null, empty, blank) = (has(Text::Null), has(Text::Empty), has(Text::WhitespacesOnly));
    let literal = |text: &Text| match text {
        Text::Literal(text) if deequ => Some(unescaped(text)),
        Text::Literal(text) => Some(if fold { text.to_lowercase() } else { text.clone() }),
        _ => None,
    };
    let mut words: Vec<String> = operands.iter().filter_map(literal).collect();
    words.sort();
    words.dedup();
    let listed = |value: Expr| -> Expr {
        let name = format!("among {fold} {words:?}");
        let words = words.clone();
        tested(value, &name, move |text| {
            let folded = fold.then(|| text.to_lowercase());
            let text = folded.as_deref().unwrap_or(text);
            Some(words.binary_search_by(|word| word.as_str().cmp(text)).is_ok())
        })
    };
    let name = &target.name;
    let (missing, present) = (|| column(name).is_null(), || column(name).is_not_null());
    let is_blank = |value: Expr| {
        tested(value, "blank", |text| Some(!text.is_empty() && text.bytes().all(|byte| byte == b' ')))
    };
    let mut parts = Vec::new();
    if null {
        parts.push(if negated { present() } else { missing() });
    }
    // Without a null of its own in the list, a null neither is such a text nor is it none.
    let exempt = |test: Expr| match (deequ, negated, null) {
        (true, ..) | (_, _, true) => test,
        (false, true, false) => missing().or(test),
        (false, false, false) => present().and(test),
    };
    if empty {
        // The open evaluator reads the empty text as a value of the column's type, which it is of none but text.
        let is = match deequ && target.dtype != DataType::String {
            true => lit(polars::prelude::NULL).cast(DataType::Boolean),
            false => value()?.eq(lit("")),
        };
        parts.push(exempt(if negated { is.not() } else { is }));
    }
    if blank {
        let is = is_blank(value()?);
        parts.push(exempt(if negated { is.not() } else { is }));
    }
    if !words.is_empty() {
        if deequ && operands.iter().any(|text| matches!(text, Text::Literal(text) if text.contains('\''))) {
            // A quote ends the text in the SQL that it writes.
            return Err(Refusal::unread("the open evaluator has no text with a single quote"));
        }
        if matches!(target.dtype, DataType::Boolean | DataType::Binary) {
            let found = type_name(&target.dtype);
            return Err(Refusal::unread(format!("Column {} of type {found} cannot be compared with texts!", target.written)));
        }
        let is = listed(value()?);
        parts.push(if negated { missing().or(is.not()) } else { present().and(is) });
    }
    let join = if negated { Expr::and } else { Expr::or };
    Ok(parts.into_iter().reduce(join).unwrap_or_else(|| lit(negated)))
}

/// What the SQL of the open evaluator makes of a text that it writes between quotes.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let number = |from: usize, digits: usize, radix: u32| {
            let digits = after.get(from..from + digits)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).map(|c| (c, from + digits.len()))
        };
        let octal = || number(0, 3, 8).filter(|_| after.starts_with(['0', '1']));
        let numbered = match after.chars().next() {
            Some('u') => number(1, 4, 16),
            Some('U') => number(1, 8, 16),
            _ => octal(),
        };
        let Some(first) = after.chars().next() else {
            out.push('\\');
            return out;
        };
        let (c, taken) = numbered.unwrap_or((first, first.len_utf8()));
        match (numbered.is_some(), c) {
            (true, c) => out.push(c),
            (false, '0') => out.push('\0'),
            (false, 'b') => out.push('\u{8}'),
            (false, 'n') => out.push('\n'),
            (false, 'r') => out.push('\r'),
            (false, 't') => out.push('\t'),
            (false, 'Z') => out.push('\u{1a}'),
            (false, c @ ('%' | '_')) => out.extend(['\\', c]),
            (false, c) => out.push(c),
        }
        rest = &after[taken..];
    }
    out.push_str(rest);
    out
}

/// The column's values as the service writes them into text.
pub(super) fn as_text(target: &Target) -> Result<Expr, Refusal> {
    of_any(column(&target.name), &target.dtype).ok_or_else(|| {
        let found = type_name(&target.dtype);
        Refusal::unfit(format!("Column {} of type {found} cannot be compared with texts!", target.written))
    })
}

fn matches(check: &Check, test: &Test<Text>, target: Target, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let Some(Text::Literal(java)) = test.operands.first() else {
        return Err(Refusal::failed("matches needs a pattern"));
    };
    draft.column(&target.written)?;
    if target.dtype != DataType::String {
        let found = type_name(&target.dtype);
        return Err(Refusal::unfit(format!(
            "Expected type of column {} to be StringType, but found {found} instead!",
            target.written
        )));
    }
    let negated = test.op == Operator::NotMatches;
    let meets = match draft.profile() {
        Profile::Glue => Meets::whole(java, negated)?,
        Profile::Deequ => Meets::half_anchored(java, negated)?,
    };
    let late = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&late);
    let name = format!("{:?} {negated} {java}", draft.profile());
    let said = tested_by(column(&target.name), &name, move || {
        let (meets, noted) = (meets.clone(), Arc::clone(&noted));
        move |text: &str| {
            let said = meets.says(text);
            if said.is_none() {
                noted.store(true, Ordering::Relaxed);
            }
            said
        }
    });
    // A null meets no pattern; a text on which the pattern takes too long is left open.
    let said = column(&target.name).is_not_null().and(said);
    let planned = by_share(check, target, said, "PatternMatch", Aside::Tested, draft)?;
    let judge = planned.judge;
    let judge = Box::new(move |measured: &_| match late.load(Ordering::Relaxed) {
        true => Finding::unknown("the pattern takes too long on some values to be evaluated here"),
        false => judge(measured),
    });
    let differs = (negated && draft.profile() == Profile::Glue)
        .then(|| "the documentation leaves open what `not matches` means for part of a text".to_owned());
    Ok(Planned { judge, differs, ..planned })
}

/// What `matches` says of a text. Clones share no scratch memory, over which threads would wait for each other.
#[derive(Clone)]
enum Meets {
    /// Whether the pattern is found, or is not.
    Found(Pattern, bool),
    Filled(Pattern),
    /// Nothing found by the first, something by the second.
    Without(Pattern, Pattern),
}

impl Meets {
    /// The pattern means the whole text.
    fn whole(java: &str, negated: bool) -> Result<Self, Refusal> {
        Pattern::of(java)?;
        Ok(Self::Found(Pattern::of(&format!("^(?:{java}){END_JAVA}"))?, !negated))
    }

    /// `^` and `$` are written around the pattern without a group, and a match without characters is none.
    fn half_anchored(java: &str, negated: bool) -> Result<Self, Refusal> {
        if !negated {
            return Ok(Self::Filled(Pattern::of(&format!("^{java}$"))?));
        }
        // `^(?!\bpattern\b).*$`: nothing at the start of the text, and one line that is not empty.
        let start = Pattern::of(&format!(r"^(?:\b{java}\b)"))?;
        Ok(Self::Without(start, Pattern::of("^.*$")?))
    }

    /// None where finding out takes too long.
    fn says(&self, text: &str) -> Option<bool> {
        match self {
            Self::Found(pattern, wanted) => pattern.is_in(text).map(|found| found == *wanted),
            Self::Filled(pattern) => pattern.is_filled_in(text),
            Self::Without(start, line) => Some(!start.is_in(text)? && line.is_filled_in(text)?),
        }
    }
}

/// Java's `$`.
const END_JAVA: &str = r"\Z";
