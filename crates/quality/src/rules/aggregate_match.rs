//! `AggregateMatch "sum(column)" "sum(alias.column)"`: a sum or mean, as a share of one over a reference.
//!
//! `avg` is the other aggregate. Both columns may be of the dataset itself. Two zeros give 1, a second one alone 0.
//!
//! Nulls: they do not count; the sum or mean of nothing is 0.
//! Rows: none; the rule is about the dataset.
//! Profiles: no difference. Sums of floats depend on the order of the rows in their last digits.
//!
//! ```dqdl
//! AggregateMatch "sum(amount)" "sum(reference.amount)" = 1.0
//! ```

use super::ask::{condition, metric, names};
use super::{Finding, Planned, Refusal};
use crate::column::column;
use crate::draft::{Draft, MeasureId, QueryId};
use crate::measure::{Measure, number};
use crate::measured::Measured;
use crate::reference::{known, reference, unmet};
use assay_dqdl::tree::Check;
use polars::prelude::{DataType, PlSmallStr};

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let parameters = names(check);
    let [first, second] = parameters.as_slice() else {
        return Err(Refusal::failed("AggregateMatch takes two aggregates"));
    };
    let (first, first_name) = aggregate(first, draft)?;
    let (second, second_name) = aggregate(second, draft)?;
    let columns = if first_name == second_name { first_name } else { format!("{first_name},{second_name}") };
    let name = format!("Column.{columns}.AggregateMatch");
    let test = condition(check, &name, draft)?;
    Ok(Planned::whole(move |measured| {
        let value = match (first.of(measured), second.of(measured)) {
            (Ok(first), Ok(second)) => share(first, second),
            (Err(reason), _) | (_, Err(reason)) => return Finding::failed(reason, Vec::new()),
        };
        match test.holds(value) {
            true => Finding::passed(metric(name, value)),
            false => Finding::failed(unmet(value), metric(name, value)),
        }
    }))
}

fn share(first: f64, second: f64) -> f64 {
    match (first == 0.0, second == 0.0) {
        (true, true) => 1.0,
        (false, true) => 0.0,
        _ => first / second,
    }
}

enum Number {
    Own(MeasureId),
    /// Sum, and values that it is of.
    Theirs(QueryId, bool),
}

impl Number {
    fn of(&self, measured: &Measured) -> Result<f64, String> {
        match self {
            Self::Own(id) => Ok(measured.number(*id).unwrap_or_default()),
            Self::Theirs(id, mean) => {
                let found = measured.query(*id)?;
                let part = |at: usize| found.columns().get(at).and_then(|c| number(&c.get(0).ok()?)).unwrap_or_default();
                let (sum, count) = (part(0), part(1));
                Ok(if *mean && count > 0.0 { sum / count } else { sum })
            }
        }
    }
}

/// The aggregate and the name of its column.
fn aggregate(text: &str, draft: &mut Draft<'_>) -> Result<(Number, String), Refusal> {
    let unknown = || Refusal::failed(format!("{text} is no aggregate: write \"sum(column)\" or \"avg(alias.column)\""));
    let (function, rest) = text.trim().split_once('(').ok_or_else(unknown)?;
    let target = rest.strip_suffix(')').ok_or_else(unknown)?.trim();
    let mean = match function.trim().to_ascii_lowercase().as_str() {
        "sum" => false,
        "avg" => true,
        _ => return Err(unknown()),
    };
    let parted = if known(&draft.schema, target).is_some() { None } else { target.rsplit_once('.') };
    let Some((alias, name)) = parted.filter(|(alias, _)| *alias != "primary") else {
        let name = parted.map_or(target, |(_, name)| name);
        let (found, dtype) = draft.column(name)?;
        numeric(name, &dtype)?;
        let measure = if mean { Measure::Mean(found) } else { Measure::Sum(found) };
        return Ok((Number::Own(draft.measure(measure, None)), name.to_owned()));
    };
    let other = reference(draft, alias, &format!("{alias} not found in additional sources"))?;
    let (found, dtype) = crate::column::find(&other.schema, name)?;
    numeric(name, &dtype)?;
    let parts = Measure::Sum(found.clone()).parts(&other.schema);
    let parts: Vec<_> = parts
        .into_iter()
        .enumerate()
        .map(|(at, (value, total))| total.of(value).alias(PlSmallStr::from_string(format!("part{at}"))))
        .collect();
    // Unused columns of the reference are not read.
    let rows = other.rows.select([column(&found)]).select(parts);
    Ok((Number::Theirs(draft.query(format!("sum of {alias}.{found}"), rows), mean), name.to_owned()))
}

fn numeric(name: &str, dtype: &DataType) -> Result<(), Refusal> {
    match dtype.is_primitive_numeric() || dtype.is_decimal() {
        true => Ok(()),
        false if *dtype == DataType::String => {
            Err(Refusal::remote(format!("{name} holds text, of which only the service makes numbers to add up")))
        }
        false => Err(Refusal::failed(format!("{name} holds no numbers to add up"))),
    }
}
