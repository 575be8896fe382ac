//! Conditions that compare with earlier values: `last(k)` and what is made of it.

use crate::data::History;
use crate::rules::Refusal;
use assay_dqdl::tree::{Arithmetic, Body, Check, Condition, Number, Rule, Test};

/// Deeper operands are refused before anything walks them.
const DEPTH: usize = 200;
/// The service keeps statistics of two years; no rule looks further back than this many runs.
const MOST: usize = 10_000;

/// The condition with numbers in the place of every call. `metric` and `filter` name the statistic of which `last`
/// speaks. Without earlier values `last` is 0.
pub(crate) fn resolve(
    test: &Test<Number>,
    metric: &str,
    filter: Option<&str>,
    history: &dyn History,
) -> Result<Test<Number>, Refusal> {
    if test.operands.iter().any(too_deep) {
        return Err(Refusal::failed(format!("an operand is nested deeper than {DEPTH} levels")));
    }
    let past = Past { metric, filter, history };
    let operands = test.operands.iter().map(|operand| past.plain(operand)).collect::<Result<_, _>>()?;
    Ok(Test { op: test.op, operands, span: test.span.clone() })
}

/// The text of a rule with the conditions in which earlier values were put in; none where the rule has none of them.
pub(crate) fn spelled(rule: &Rule, resolved: &[Test<Number>]) -> Option<String> {
    let of = |test: &Test<Number>| resolved.iter().find(|found| found.span == test.span);
    let condition = |check: &Check| match &check.condition {
        Some(Condition::Number(test)) => of(test).cloned(),
        _ => None,
    };
    let threshold = |check: &Check| check.threshold.as_ref().and_then(of).cloned();
    let some = rule.checks().any(|check| condition(check).is_some() || threshold(check).is_some());
    if !some || rule.checks().count() > DEPTH {
        return None;
    }
    let mut rule = rule.clone();
    let mut waiting = vec![&mut rule];
    while let Some(rule) = waiting.pop() {
        match &mut rule.body {
            Body::Check(check) => {
                if let Some(found) = condition(check) {
                    check.condition = Some(Condition::Number(found));
                }
                if let Some(found) = threshold(check) {
                    check.threshold = Some(found);
                }
            }
            Body::Both { left, right, .. } => waiting.extend([left.as_mut(), right.as_mut()]),
        }
    }
    Some(assay_dqdl::canonical::rule(&rule))
}

fn too_deep(operand: &Number) -> bool {
    let mut waiting = vec![(operand, 0usize)];
    while let Some((number, depth)) = waiting.pop() {
        if depth > DEPTH {
            return true;
        }
        match number {
            Number::Literal(_) | Number::Null => {}
            Number::Group(inner) => waiting.push((inner, depth + 1)),
            Number::Call { arguments, .. } => waiting.extend(arguments.iter().map(|inner| (inner, depth + 1))),
            Number::Binary { left, right, .. } => waiting.extend([(&**left, depth + 1), (&**right, depth + 1)]),
        }
    }
    false
}

struct Past<'a> {
    metric: &'a str,
    filter: Option<&'a str>,
    history: &'a dyn History,
}

/// What an argument of a call is.
enum Value {
    One(f64),
    /// Newest first.
    Several(Vec<f64>),
}

impl Past<'_> {
    /// The operand without calls.
    fn plain(&self, number: &Number) -> Result<Number, Refusal> {
        Ok(match number {
            Number::Literal(_) | Number::Null => number.clone(),
            Number::Group(inner) => Number::Group(Box::new(self.plain(inner)?)),
            Number::Binary { op, left, right } => {
                Number::Binary { op: *op, left: Box::new(self.plain(left)?), right: Box::new(self.plain(right)?) }
            }
            Number::Call { name, arguments } => match self.call(name, arguments)? {
                // Written without an exponent, whatever its size.
                Value::One(value) => Number::Literal(value.to_string()),
                Value::Several(_) => return Err(several(name)),
            },
        })
    }

    fn value(&self, number: &Number) -> Result<Value, Refusal> {
        Ok(match number {
            Number::Literal(text) => match text.parse() {
                Ok(value) => Value::One(value),
                Err(_) => return Err(Refusal::failed(format!("{text} is no number"))),
            },
            Number::Null => return Err(Refusal::failed("NULL is no argument of a function")),
            Number::Group(inner) => self.value(inner)?,
            Number::Call { name, arguments } => self.call(name, arguments)?,
            Number::Binary { op, left, right } => {
                let (left, right) = (self.one(left)?, self.one(right)?);
                Value::One(match op {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide => left / right,
                })
            }
        })
    }

    fn one(&self, number: &Number) -> Result<f64, Refusal> {
        match self.value(number)? {
            Value::One(value) => Ok(value),
            Value::Several(_) => Err(several("last")),
        }
    }

    fn call(&self, name: &str, arguments: &[Number]) -> Result<Value, Refusal> {
        match (name, arguments) {
            ("last", []) => Ok(Value::One(self.last(1).first().copied().unwrap_or_default())),
            ("last", [count]) => {
                let count = whole(self.one(count)?).filter(|count| (1..=MOST).contains(count));
                let count = count.ok_or_else(|| Refusal::failed(format!("last takes a count from 1 to {MOST}")))?;
                let mut values = self.last(count);
                if values.is_empty() {
                    values.push(0.0);
                }
                Ok(if count == 1 { Value::One(values[0]) } else { Value::Several(values) })
            }
            ("index", [list, place]) => {
                let values = self.values(list)?;
                let found = whole(self.one(place)?).and_then(|place| values.get(place).copied());
                let missing =
                    || Refusal::failed(format!("index finds none at this place: there are {} values", values.len()));
                found.map(Value::One).ok_or_else(missing)
            }
            ("abs", [number]) => Ok(Value::One(self.one(number)?.abs())),
            ("avg" | "median" | "max" | "min" | "sum" | "std", [list]) => {
                Ok(Value::One(aggregated(name, self.values(list)?)))
            }
            _ => {
                Err(Refusal::failed(format!("{name} with {} arguments is no function of conditions", arguments.len())))
            }
        }
    }

    fn values(&self, number: &Number) -> Result<Vec<f64>, Refusal> {
        Ok(match self.value(number)? {
            Value::One(value) => vec![value],
            Value::Several(values) => values,
        })
    }

    fn last(&self, count: usize) -> Vec<f64> {
        self.history.last(self.metric, self.filter, count)
    }
}

fn several(name: &str) -> Refusal {
    Refusal::failed(format!("{name} gives several values here; put avg, median, max, min, sum, std or index around it"))
}

fn whole(value: f64) -> Option<usize> {
    let fits = (0.0..=1e9).contains(&value) && value.fract() == 0.0;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fits.then_some(value as usize)
}

/// One number of at least one value.
fn aggregated(name: &str, mut values: Vec<f64>) -> f64 {
    let count = values.len() as f64;
    let sum = |values: &[f64]| values.iter().sum::<f64>();
    match name {
        "avg" => sum(&values) / count,
        "sum" => sum(&values),
        "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "std" => {
            let mean = sum(&values) / count;
            (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
        }
        _ => {
            values.sort_by(f64::total_cmp);
            let (low, high) = ((values.len() - 1) / 2, values.len() / 2);
            f64::midpoint(values[low], values[high])
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::data::NoHistory;
    use crate::numbers::NumberTest;
    use assay_dqdl::tree::{Body, Condition};

    struct Fixed(Vec<f64>);

    impl History for Fixed {
        fn last(&self, metric: &str, filter: Option<&str>, count: usize) -> Vec<f64> {
            assert_eq!((metric, filter), ("Dataset.*.RowCount", Some("a > 1")));
            self.0.iter().copied().take(count).collect()
        }
    }

    fn test_of(condition: &str) -> Test<Number> {
        let ruleset = assay_dqdl::parse(&format!("Rules = [ RowCount {condition} ]")).unwrap();
        let Body::Check(check) = &ruleset.rules[0].body else { panic!("no check") };
        let Some(Condition::Number(test)) = &check.condition else { panic!("no number") };
        test.clone()
    }

    fn resolved(condition: &str, history: &dyn History) -> Result<Vec<Option<f64>>, Refusal> {
        let test = resolve(&test_of(condition), "Dataset.*.RowCount", Some("a > 1"), history)?;
        Ok(NumberTest::of(&test).unwrap().operands)
    }

    #[test]
    fn earlier_values_become_numbers() {
        let history = Fixed(vec![10.0, 20.0, 60.0, 30.0]);
        let cases = [
            ("> last()", 10.0),
            ("> last(1)", 10.0),
            ("> avg(last(3))", 30.0),
            ("> median(last(4))", 25.0),
            ("> median(last(3))", 20.0),
            ("> max(last(10))", 60.0),
            ("> min(last(3))", 10.0),
            ("> sum(last(3))", 90.0),
            ("> std(last(2))", 5.0),
            ("> index(last(3), 2)", 60.0),
            ("> abs(last() - 15)", 5.0),
            ("> 2 * avg(last(2))", 30.0),
            ("> (avg(last(2)) + 1) * 2", 32.0),
            ("> 5", 5.0),
        ];
        for (condition, expected) in cases {
            assert_eq!(resolved(condition, &history), Ok(vec![Some(expected)]), "{condition}");
        }
    }

    #[test]
    fn without_a_past_it_is_zero() {
        for condition in ["> last()", "> avg(last(5))", "> median(last(2))", "> index(last(3), 0)", "> std(last(3))"] {
            assert_eq!(resolved(condition, &NoHistory), Ok(vec![Some(0.0)]), "{condition}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let history = Fixed(vec![1.0]);
        for condition in ["> last(3)", "> last(0)", "> nothing(3)", "> index(last(2), 5)", "> avg()", "> last(1.5)"] {
            assert!(matches!(resolved(condition, &history), Err(Refusal::Failed(_))), "{condition}");
        }
        let chain = format!("> {}", vec!["1"; 1000].join(" + "));
        assert!(matches!(resolved(&chain, &history), Err(Refusal::Failed(reason)) if reason.contains("deeper")));
    }
}
