//! Values compared with numbers.

use super::super::completeness::lost;
use super::{Target, by_share, null_reason, requirement, unsaid, wanted_share};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Aside, Draft, RowTest};
use crate::exact::{Comparison, Literal, compare, floats};
use crate::measure::Measure;
use crate::numbers::NumberTest;
use crate::rules::ask::type_name;
use crate::text::widened;
use crate::rules::{Finding, Planned, Refusal};
use assay_dqdl::tree::{Check, Number, Operator, Test};
use polars::prelude::{DataType, Expr, lit, when};

/// Beyond this a double does not tell neighbours apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn plan(
    check: &Check,
    test: &Test<Number>,
    target: Target,
    draft: &mut Draft<'_>,
) -> Result<Planned, Refusal> {
    let literal = |number: &Number| matches!(number, Number::Literal(_) | Number::Null);
    if draft.profile() == Profile::Deequ && !test.operands.iter().all(literal) {
        let reason = "ColumnValues rule only supports numeric operands or NULL keyword in conditions.";
        return Err(Refusal::failed(format!("Rule (or nested rule) not supported due to: {reason}")));
    }
    let metric = target.metric(if is_less(test.op) { "Maximum" } else { "Minimum" });
    let resolved = draft.resolved(test, &metric, check.filter.as_deref())?;
    let operands = operands(&resolved)?;
    let null = resolved.operands.iter().any(|operand| matches!(operand, Number::Null));
    if bounds(test.op) && test.op != Operator::Equal && operands.is_empty() && draft.profile() == Profile::Deequ {
        return by_nothing(target, test.op, draft);
    }
    let meets = meets(&target, test.op, &operands, null, draft.profile())?;
    let bounded = bounds(test.op) && !operands.is_empty();
    if bounded || test.op == Operator::Between {
        draft.column(&target.written)?;
    }
    match (bounded, test.op) {
        (true, op) => {
            // The open evaluator asks the bound itself, and there NaN is neither greater nor equal.
            let float = draft.profile() == Profile::Deequ && target.dtype.is_float();
            let meets = if float { meets.and(column(&target.name).is_not_nan()) } else { meets };
            by_bounds(check, target, op, meets, draft)
        }
        (_, Operator::Between) => by_between(check, target, meets, draft),
        _ => by_share(check, target, meets, "ColumnValues.Compliance", Aside::Passes, draft),
    }
}

/// Whether the least and the greatest value tell.
fn bounds(op: Operator) -> bool {
    matches!(
        op,
        Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual | Operator::Equal
    )
}

/// Compared with NULL: the open evaluator shows the bound, and fails when it looks for a number.
fn by_nothing(target: Target, op: Operator, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    Compared::of(&target, op, Profile::Deequ)?;
    draft.column(&target.written)?;
    draft.complete(&target.written, &target.name, target.filter);
    let (what, measure) = match is_less(op) {
        true => ("Maximum", Measure::Maximum(target.name.clone())),
        false => ("Minimum", Measure::Minimum(target.name.clone())),
    };
    let (metric, filtered) = (target.metric(what), target.filter.is_some());
    let bound = draft.measure(measure, target.filter);
    Ok(Planned::whole(move |measured| match measured.number(bound) {
        Some(value) => Finding::failed("NULL is no number to compare values with", vec![(metric, value)]),
        None => Finding::empty(what, &target.written, filtered),
    }))
}

fn is_less(op: Operator) -> bool {
    matches!(op, Operator::Less | Operator::LessOrEqual)
}

/// The operands but NULL. Literals are taken as written, so that no digit is lost.
fn operands(test: &Test<Number>) -> Result<Vec<Literal>, Refusal> {
    let each = test.operands.iter().map(|operand| match operand {
        Number::Null => Ok(None),
        Number::Literal(text) => match Literal::of(text) {
            Some(literal) => Ok(Some(literal)),
            None => Err(Refusal::failed(format!("{text} is no number"))),
        },
        other => {
            let one = Test { op: test.op, operands: vec![other.clone()], span: test.span.clone() };
            let values = NumberTest::of(&one)?.operands;
            Ok(values.first().copied().flatten().map(Literal::of_number))
        }
    });
    Ok(each.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Whether a row's value meets the condition.
fn meets(target: &Target, op: Operator, operands: &[Literal], null: bool, profile: Profile) -> Result<Expr, Refusal> {
    let name = &target.name;
    let missing = || column(name).is_null();
    let present = || column(name).is_not_null();
    if operands.is_empty() {
        return Ok(match op {
            Operator::Equal | Operator::In => if null { missing() } else { lit(false) },
            Operator::NotEqual | Operator::NotIn => if null { present() } else { lit(true) },
            _ => return Err(Refusal::failed("ColumnValues rule requires at least one numeric operand.")),
        });
    }
    let compared = Compared::of(target, op, profile)?;
    let is = |with, literal| compared.with(with, literal);
    let first = operands[0];
    let last = operands[operands.len() - 1];
    let any = || operands.iter().map(|operand| is(Comparison::Equal, *operand)).reduce(Expr::or).unwrap_or(lit(false));
    Ok(match op {
        Operator::Greater => present().and(is(Comparison::Greater, first)),
        Operator::GreaterOrEqual => present().and(is(Comparison::GreaterOrEqual, first)),
        Operator::Less => present().and(is(Comparison::Less, first)),
        Operator::LessOrEqual => present().and(is(Comparison::LessOrEqual, first)),
        Operator::Between => present().and(is(Comparison::Greater, first)).and(is(Comparison::Less, last)),
        Operator::NotBetween => {
            present().and(is(Comparison::LessOrEqual, first).or(is(Comparison::GreaterOrEqual, last)))
        }
        Operator::Equal | Operator::In if null => missing().or(any()),
        Operator::Equal | Operator::In => present().and(any()),
        Operator::NotEqual | Operator::NotIn if null => present().and(any().not()),
        Operator::NotEqual | Operator::NotIn => missing().or(any().not()),
        Operator::Matches | Operator::NotMatches => return Err(Refusal::failed("numbers match no pattern")),
    })
}

/// How the column's values are compared with a number.
enum Compared<'t> {
    /// Digit by digit.
    Numbers(&'t Target),
    /// As doubles.
    Doubles(&'t Target),
    /// As the SQL of the open evaluator does it: a literal with an exponent is a double there.
    Literals(&'t Target),
    /// Text read as a double.
    Read(&'t Target),
    /// Text as it is, with the text of the number.
    Texts(&'t Target),
}

impl<'t> Compared<'t> {
    fn of(target: &'t Target, op: Operator, profile: Profile) -> Result<Self, Refusal> {
        let dtype = &target.dtype;
        let bounds = bounds(op);
        match (dtype, profile) {
            (dtype, Profile::Deequ) if is_number(dtype) && bounds => Ok(Self::Doubles(target)),
            // SQL makes 1 of true where it asks whether it equals a number, and nowhere else.
            (DataType::Boolean, Profile::Deequ) if op == Operator::NotEqual => Ok(Self::Doubles(target)),
            (DataType::Float32, _) if bounds => Ok(Self::Doubles(target)),
            (dtype, Profile::Deequ) if is_number(dtype) => Ok(Self::Literals(target)),
            (dtype, _) if is_number(dtype) => Ok(Self::Numbers(target)),
            (DataType::String, _) if matches!(op, Operator::In | Operator::NotIn) => Ok(Self::Texts(target)),
            (DataType::String, _) if !bounds => Ok(Self::Read(target)),
            (other, _) => {
                let found = type_name(other);
                let reason =
                    format!("Expected type of column {} to be a number's, but found {found} instead!", target.written);
                Err(if bounds { Refusal::unfit(reason) } else { Refusal::unread(reason) })
            }
        }
    }

    fn with(&self, with: Comparison, literal: Literal) -> Expr {
        let doubles = |value: Expr| floats(value.cast(DataType::Float64), with, lit(literal.float()));
        match self {
            Self::Numbers(target) => compare(&target.name, &target.dtype, with, literal),
            Self::Doubles(target) if target.dtype == DataType::Float32 => doubles(widened(column(&target.name))),
            Self::Doubles(target) => doubles(column(&target.name)),
            Self::Literals(target) => {
                let text = assay_sql::spark::double_text(literal.float());
                match Literal::of(&text).filter(|_| !text.contains('E')) {
                    Some(written) => within(target, &text, compare(&target.name, &target.dtype, with, written)),
                    None => doubles(column(&target.name)),
                }
            }
            Self::Texts(target) => {
                column(&target.name).eq(lit(assay_sql::spark::double_text(literal.float())))
            }
            Self::Read(target) => {
                let bound = literal.float();
                let label = format!("{with:?} {bound}");
                crate::text::tested(column(&target.name), &label, move |text| {
                    let value = assay_sql::spark::double(text)?;
                    Some(match with {
                        Comparison::Greater => value > bound || value.is_nan(),
                        Comparison::GreaterOrEqual => value >= bound || value.is_nan(),
                        Comparison::Less => value < bound,
                        Comparison::LessOrEqual => value <= bound,
                        Comparison::Equal => value == bound,
                    })
                })
            }
        }
    }
}

/// A comparison of a decimal with a literal of this text, which Spark casts to one type of both: null where that has too
/// few digits before the point.
fn within(target: &Target, text: &str, compared: Expr) -> Expr {
    let DataType::Decimal(precision, scale) = target.dtype else { return compared };
    let (whole, places) = text.trim_start_matches('-').split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0').len();
    let scale_of_both = scale.max(places.len());
    let room = 38usize.saturating_sub(scale_of_both);
    if (precision - scale).max(whole) <= room {
        return compared;
    }
    let null = || lit(polars::prelude::NULL).cast(DataType::Boolean);
    if whole > room {
        return null();
    }
    let limit = |units: i128| Literal::Exact { units, scale: 0 };
    let Some(most) = u32::try_from(room).ok().and_then(|room| 10i128.checked_pow(room)) else { return compared };
    let below = compare(&target.name, &target.dtype, Comparison::Less, limit(most));
    let above = compare(&target.name, &target.dtype, Comparison::Greater, limit(-most));
    when(below.and(above)).then(compared).otherwise(null())
}

fn is_number(dtype: &DataType) -> bool {
    dtype.is_primitive_numeric() || dtype.is_decimal()
}

/// A rule whose metrics are the least and the greatest value.
fn by_bounds(
    check: &Check,
    target: Target,
    op: Operator,
    meets: Expr,
    draft: &mut Draft<'_>,
) -> Result<Planned, Refusal> {
    let (low, high) = (target.metric("Minimum"), target.metric("Maximum"));
    let wanted = wanted_share(check, &low, draft)?;
    let by_threshold = check.threshold.is_some() && draft.profile() == Profile::Glue;
    let minimum = draft.measure(Measure::Minimum(target.name.clone()), target.filter);
    let maximum = draft.measure(Measure::Maximum(target.name.clone()), target.filter);
    let present = draft.measure(Measure::Present(target.name.clone()), target.filter);
    let test_of_row = RowTest::of(meets, target.filter, vec![target.name.clone()], requirement(check));
    let rows = draft.rows_aside(test_of_row, Aside::Skips);
    let resolved = match &check.condition {
        Some(assay_dqdl::tree::Condition::Number(test)) => draft.resolved(test, &low, check.filter.as_deref())?,
        _ => return Err(Refusal::failed("the rule has no condition on a number")),
    };
    let test = NumberTest::of(&resolved)?;
    let profile = draft.profile();
    let fate = lost(draft, target.filter);
    draft.complete(&target.written, &target.name, target.filter);
    let planned = Planned::by_row(rows, move |measured| {
        let counts = measured.rows(rows);
        let all = counts.passed + counts.failed + counts.skipped;
        let (least, greatest) = (measured.number(minimum), measured.number(maximum));
        let Some((least, greatest)) = least.zip(greatest) else {
            let analyzer = if is_less(op) { "Maximum" } else { "Minimum" };
            let empty = Finding::empty(analyzer, &target.written, target.filter.is_some());
            return if all > 0 { with_nulls(empty) } else { empty };
        };
        let metrics = match op {
            Operator::Equal => vec![(low, least), (high, greatest)],
            op if is_less(op) => vec![(high, greatest)],
            _ => vec![(low, least)],
        };
        let share = counts.passed as f64 / all as f64;
        if by_threshold {
            return differing(Finding::of(wanted.holds(share), share, metrics), [least, greatest]);
        }
        let nulls = all as f64 - measured.count(present);
        let met = match profile {
            Profile::Glue => counts.passed == all,
            Profile::Deequ => nulls == 0.0 && metrics.iter().all(|(_, value)| meets_bound(&test, *value)),
        };
        let finding = match met {
            true => Finding::passed(metrics),
            false => unmet_bounds(&metrics, &test, nulls > 0.0),
        };
        differing(finding, [least, greatest])
    });
    Ok(planned.fated(fate))
}

/// The reasons of the bounds that do not meet the condition, and of nulls.
fn unmet_bounds(metrics: &[(String, f64)], test: &NumberTest, nulls: bool) -> Finding {
    let wrong = metrics.iter().filter(|(_, value)| !holds(test, *value));
    let mut reasons: Vec<String> =
        wrong.map(|(_, value)| crate::rules::unmet(&crate::rules::shown(*value))).collect();
    if nulls {
        reasons.push(null_reason());
    }
    let reason = match reasons.is_empty() {
        // The bounds look as if they met it: doubles do not tell these values apart.
        true => "a value does not meet the constraint requirement by less than a double shows".to_owned(),
        false => reasons.join("\n"),
    };
    Finding::failed(reason, metrics.to_vec())
}

fn holds(test: &NumberTest, value: f64) -> bool {
    match (test.op, test.operands.first().copied().flatten()) {
        (Operator::Greater | Operator::GreaterOrEqual, Some(bound)) if value.is_nan() => !bound.is_nan(),
        _ => test.holds(value),
    }
}

/// To the open evaluator the bounds are equal to 0 whatever its sign.
fn meets_bound(test: &NumberTest, value: f64) -> bool {
    test.holds(value) || test.op == Operator::Equal && value == 0.0 && test.operands.first() == Some(&Some(-value))
}

fn with_nulls(finding: Finding) -> Finding {
    match finding.passed {
        true => Finding::failed(null_reason(), Vec::new()),
        false => finding.and(Finding::failed(null_reason(), Vec::new())),
    }
}

fn differing(finding: Finding, bounds: [f64; 2]) -> Finding {
    match bounds.iter().any(|bound| bound.abs() > EXACT) {
        true => finding.may_differ("values of more than 15 digits are compared exactly here, as doubles by the service"),
        false => finding,
    }
}

/// `between`: all values within, and no null.
fn by_between(check: &Check, target: Target, meets: Expr, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    if draft.profile() == Profile::Deequ && target.written.contains('`') {
        return Err(Refusal::unread("the open evaluator puts a name in backticks into backticks again"));
    }
    let name = target.metric("ColumnValues.Compliance");
    let wanted = wanted_share(check, &name, draft)?;
    let by_threshold = check.threshold.is_some() && draft.profile() == Profile::Glue;
    let present = draft.measure(Measure::Present(target.name.clone()), target.filter);
    let test_of_row = RowTest::of(meets, target.filter, vec![target.name.clone()], requirement(check));
    let rows = draft.rows_aside(test_of_row, Aside::Skips);
    let profile = draft.profile();
    draft.complete(&target.written, &target.name, target.filter);
    let fate = match target.filter {
        Some(_) => lost(draft, target.filter),
        None => unsaid(profile, rows, "Compliance", false),
    };
    let planned = Planned::by_row(rows, move |measured| {
        let counts = measured.rows(rows);
        let all = (counts.passed + counts.failed + counts.skipped) as f64;
        let silent = counts.passed + counts.failed == 0 && profile == Profile::Deequ;
        if all == 0.0 || silent && measured.count(present) > 0.0 {
            return Finding::empty("Compliance", &target.written, target.filter.is_some());
        }
        let share = counts.passed as f64 / all;
        let metrics = if profile == Profile::Glue { vec![(name, share)] } else { Vec::new() };
        if by_threshold {
            return Finding::of(wanted.holds(share), share, metrics);
        }
        let nulls = all - measured.count(present);
        let within = (counts.passed as f64 + nulls) / all;
        let mut finding = Finding::of(within == 1.0, within, metrics);
        if nulls > 0.0 {
            finding = finding.and(Finding::failed(null_reason(), Vec::new()));
        }
        finding
    });
    Ok(planned.fated(fate))
}
