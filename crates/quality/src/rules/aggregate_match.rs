//! `AggregateMatch "sum(column)" "sum(alias.column)"`: a sum or mean, as a share of one over a reference.
//!
//! `avg` is the other aggregate. Both columns may be of the dataset itself. Two zeros give 1, a second one alone 0.
//!
//! Nulls: they do not count; the sum or mean of nothing is 0. Text counts as the numbers that it holds, a time as its
//! seconds since 1970.
//! Rows: none; the rule is about the dataset.
//! Profiles: in `deequ` sums beyond 64 bits begin anew at the other end, and those of more than 38 digits are 0. Sums of
//! floats depend on the order of the rows in their last digits.
//!
//! ```dqdl
//! AggregateMatch "sum(amount)" "sum(reference.amount)" = 1.0
//! ```

use super::ask::{condition, names};
use super::{Finding, Planned, Refusal};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Draft, MeasureId, QueryId};
use crate::measure::{Beyond, Measure};
use crate::measured::Measured;
use crate::reference::{judged, known, reference};
use assay_dqdl::tree::Check;
use polars::prelude::{AnyValue, DataType, PlSmallStr};

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
        judged(test.holds(value), value, name)
    }))
}

fn share(first: f64, second: f64) -> f64 {
    match (first == 0.0, second == 0.0) {
        (true, true) => 1.0,
        (false, true) => 0.0,
        _ => first / second,
    }
}

/// A sum or mean that is measured, and the places that it is rounded to.
struct Number {
    of: Of,
    places: Option<usize>,
}

enum Of {
    Own(MeasureId),
    Theirs(QueryId, Measure),
}

impl Number {
    /// 0 where there is none.
    fn of(&self, measured: &Measured) -> Result<f64, String> {
        let value = match &self.of {
            Of::Own(id) => measured.number(*id),
            Of::Theirs(id, measure) => {
                let found = measured.query(*id)?;
                let parts = found.columns().iter().map(|part| part.get(0).unwrap_or(AnyValue::Null));
                measure.finish(&parts.collect::<Vec<_>>())
            }
        };
        let value = value.unwrap_or_default();
        Ok(self.places.and_then(|places| format!("{value:.places$}").parse().ok()).unwrap_or(value))
    }
}

/// The aggregate and the name of its column.
fn aggregate(text: &str, draft: &mut Draft<'_>) -> Result<(Number, String), Refusal> {
    let unknown = || Refusal::failed(format!("{text} is no aggregate: write \"sum(column)\" or \"avg(alias.column)\""));
    let (function, rest) = text.split_once('(').ok_or_else(unknown)?;
    let target = rest.strip_suffix(')').ok_or_else(unknown)?;
    let mean = match function {
        "sum" | "SUM" => false,
        "avg" | "AVG" => true,
        _ => return Err(unknown()),
    };
    let whole = draft.profile() == Profile::Glue && known(&draft.schema, target, Profile::Glue).is_some();
    let parted = if whole { None } else { target.rsplit_once('.') };
    let Some((alias, name)) = parted.filter(|(alias, _)| *alias != "primary") else {
        let name = parted.map_or(target, |(_, name)| name);
        let (found, dtype) = draft.column(name)?;
        let (measure, places) = measure(name, found, &dtype, mean, draft.beyond())?;
        return Ok((Number { of: Of::Own(draft.measure(measure, None)), places }, name.to_owned()));
    };
    let other = reference(draft, alias, &format!("{alias} not found in additional sources"))?;
    let (found, dtype) = known(&other.schema, name, draft.profile()).ok_or_else(|| Refusal::failed(format!("{alias} has no column {name}")))?;
    let (measure, places) = measure(name, found.clone(), &dtype, mean, draft.beyond())?;
    let parts: Vec<_> = (measure.parts(&other.schema).into_iter().enumerate())
        .map(|(at, (value, total))| total.of(value).alias(PlSmallStr::from_string(format!("part{at}"))))
        .collect();
    // Unused columns of the reference are not read.
    let rows = other.rows.select([column(&found)]).select(parts);
    let query = draft.query(format!("{} of {alias}.{found}", if mean { "mean" } else { "sum" }), rows);
    Ok((Number { of: Of::Theirs(query, measure), places }, name.to_owned()))
}

/// What is measured of a column of this type. A mean of decimals has four places more than they have.
fn measure(
    name: &str,
    found: PlSmallStr,
    dtype: &DataType,
    mean: bool,
    beyond: Beyond,
) -> Result<(Measure, Option<usize>), Refusal> {
    if !(dtype.is_primitive_numeric() || dtype.is_decimal() || matches!(dtype, DataType::String | DataType::Datetime(..))) {
        return Err(Refusal::failed(format!("{name} holds no numbers to add up")));
    }
    Ok(match (mean, dtype) {
        (true, DataType::Decimal(_, scale)) => (Measure::Mean(found, beyond), Some((scale + 4).min(38))),
        (true, _) => (Measure::Mean(found, Beyond::Kept), None),
        (false, _) => (Measure::Sum(found, beyond), None),
    })
}
