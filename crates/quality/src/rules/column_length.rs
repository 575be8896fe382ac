//! `ColumnLength "column"`: how many characters each row's text has.
//!
//! Nulls: have the length 0.
//! Rows: a row fails when its length does not meet the condition.
//! Text: a character is a Unicode code point; only columns of text have lengths.
//! Profiles: `deequ` skips nulls, but counts them as 0 for `in`, `not in` and `not between` in ways of their own; its
//! `!=` asks only the least and the greatest length.
//!
//! ```dqdl
//! ColumnLength "postal_code" = 5
//! ```

use super::ask::{condition, one_column, text_column, threshold};
use super::completeness::share;
use super::{Fate, Fates, Finding, Planned, Refusal, shown, unmet};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Draft, MeasureId, RowTest, RowsId};
use crate::measure::Measure;
use crate::numbers::NumberTest;
use crate::text::of_doubles;
use assay_dqdl::tree::{Check, Condition, Number, Operator};
use polars::prelude::{DataType, Expr, PlSmallStr, lit};

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let written = one_column(check)?.to_owned();
    let (low, high, compliance) = (
        format!("Column.{written}.MinimumLength"),
        format!("Column.{written}.MaximumLength"),
        format!("Column.{written}.LengthCompliance"),
    );
    let deequ = draft.profile() == Profile::Deequ;
    let literal = |test: &assay_dqdl::tree::Test<Number>| test.operands.iter().all(|one| matches!(one, Number::Literal(_)));
    if deequ && matches!(&check.condition, Some(Condition::Number(test)) if !literal(test)) {
        let reason = "ColumnLength rule only supports atomic operands in conditions.";
        return Err(Refusal::failed(format!("Rule (or nested rule) not supported due to: {reason}")));
    }
    let test = condition(check, &low, draft)?;
    let wanted = threshold(check, &compliance, draft)?;
    let set = matches!(test.op, Operator::In | Operator::NotIn | Operator::NotBetween);
    let (name, dtype) = draft.quoted_column(&written)?;
    let name = if deequ && set { name } else { text_column(&written, draft)? };
    let filter = draft.filter(check)?;
    let text = if dtype.is_float() { of_doubles(column(&name)) } else { column(&name).cast(DataType::String) };
    let meets = meets(&name, text, &test, deequ, set);
    let length = match deequ {
        true => column(&name).str().len_chars(),
        false => column(&name).str().len_chars().fill_null(lit(0u32)),
    };
    let bounds = (!set).then(|| {
        [Measure::Shortest(length.clone()), Measure::Longest(length.clone())].map(|measure| draft.measure(measure, filter))
    });
    let requirement = match &check.condition {
        Some(condition) => format!("its length does not meet the constraint {}", assay_dqdl::canonical::condition(condition)),
        None => "its length does not meet the constraint".to_owned(),
    };
    let rows = draft.rows(RowTest::of(meets, filter, vec![name], requirement));
    let fate = deequ.then(|| fate(rows, bounds.map(|[shortest, _]| shortest), filter.is_some()));
    let planned = Planned::by_row(rows, move |measured| {
        let counts = measured.rows(rows);
        if deequ && set && counts.passed + counts.failed == 0 {
            return Finding::empty("Compliance", &written, filter.is_some());
        }
        let Some(met) = share(measured, rows) else {
            return Finding::empty("MinLength", &written, filter.is_some());
        };
        let Some([shortest, longest]) = bounds else {
            let holds = wanted.map_or(met == 1.0, |wanted| wanted.holds(met));
            return Finding::of(holds, met, vec![(compliance, met)]);
        };
        let Some((shortest, longest)) = measured.number(shortest).zip(measured.number(longest)) else {
            return Finding::empty("MinLength", &written, filter.is_some());
        };
        let metrics = match test.op {
            Operator::Greater | Operator::GreaterOrEqual => vec![(low, shortest)],
            Operator::Less | Operator::LessOrEqual => vec![(high, longest)],
            _ => vec![(low, shortest), (high, longest)],
        };
        match wanted {
            Some(wanted) => Finding::of(wanted.holds(met), met, metrics),
            None if deequ && metrics.iter().all(|(_, length)| test.holds(*length)) => Finding::passed(metrics),
            None if !deequ && counts.failed == 0 => Finding::passed(metrics),
            None => {
                let wrong = metrics.iter().filter(|(_, length)| !test.holds(*length));
                let mut reasons: Vec<String> = wrong.map(|(_, length)| unmet(&shown(*length))).collect();
                if reasons.is_empty() {
                    reasons.push(unmet(&shown(met)));
                }
                Finding::failed(reasons.join("\n"), metrics)
            }
        }
    });
    Ok(planned.fated(fate))
}

/// To the open evaluator every row fails where no row has a length, or where a condition on lengths as a set says nothing
/// of any row.
fn fate(rows: RowsId, shortest: Option<MeasureId>, filtered: bool) -> Fates {
    Box::new(move |measured| {
        let counts = measured.rows(rows);
        let lost = match shortest {
            Some(shortest) => measured.number(shortest).is_none(),
            None => !filtered && counts.passed + counts.failed == 0,
        };
        if lost { Fate::Fails } else { Fate::AsTested }
    })
}

/// Whether a row's length meets the condition.
fn meets(name: &PlSmallStr, text: Expr, test: &NumberTest, deequ: bool, set: bool) -> Expr {
    let length = text.str().len_chars();
    let counted = if deequ { length } else { length.fill_null(lit(0u32)) };
    let held = held(counted, test.clone());
    if !deequ || !set {
        return held;
    }
    let zero = test.operands.contains(&Some(0.0));
    match (test.op, zero) {
        (Operator::In, true) => column(name).is_null().or(held),
        (Operator::In, false) => column(name).is_not_null().and(held),
        (_, true) => column(name).is_not_null().or(held),
        (_, false) => column(name).is_null().or(held),
    }
}

fn held(length: Expr, test: NumberTest) -> Expr {
    let name = format!("length {test:?}");
    crate::text::tested_longs(length.cast(DataType::Int64), &name, move |length| test.holds(length as f64))
}
