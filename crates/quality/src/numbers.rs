//! Conditions on a number.

use crate::rules::Refusal;
use assay_dqdl::tree::{Arithmetic, Number, Operator, Test};

/// A number condition whose operands are numbers, or null.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NumberTest {
    pub op: Operator,
    pub operands: Vec<Option<f64>>,
}

impl NumberTest {
    /// Reads literals and computes arithmetic; calls such as `avg(last(3))` must have been replaced by literals.
    pub fn of(test: &Test<Number>) -> Result<Self, Refusal> {
        let operands = test.operands.iter().map(value).collect::<Result<_, _>>()?;
        Ok(Self { op: test.op, operands })
    }

    /// Whether a number of the dataset meets the condition. `between` leaves out both ends; no number equals null.
    pub fn holds(&self, number: f64) -> bool {
        let first = self.operands.first().copied().flatten();
        let last = self.operands.last().copied().flatten();
        let any = || self.operands.iter().flatten().any(|operand| same(number, *operand));
        match self.op {
            Operator::Greater => first.is_some_and(|operand| number > operand),
            Operator::GreaterOrEqual => first.is_some_and(|operand| number >= operand),
            Operator::Less => first.is_some_and(|operand| number < operand),
            Operator::LessOrEqual => first.is_some_and(|operand| number <= operand),
            Operator::Between => first.zip(last).is_some_and(|(low, high)| number > low && number < high),
            Operator::NotBetween => first.zip(last).is_some_and(|(low, high)| number <= low || number >= high),
            Operator::Equal | Operator::In => any(),
            Operator::NotEqual | Operator::NotIn => !any(),
            Operator::Matches | Operator::NotMatches => false,
        }
    }
}

/// Equal as the service's doubles are: NaN equals itself, and 0 is not -0.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// The value of an operand; none for NULL, also within arithmetic. Operands nest as deep as the text is long, so this
/// walks without recursion.
fn value(number: &Number) -> Result<Option<f64>, Refusal> {
    enum Visit<'n> {
        Operand(&'n Number),
        Compute(Arithmetic),
    }
    let mut ahead = vec![Visit::Operand(number)];
    let mut values: Vec<Option<f64>> = Vec::new();
    while let Some(visit) = ahead.pop() {
        match visit {
            Visit::Operand(Number::Literal(text)) => match text.parse() {
                Ok(value) => values.push(Some(value)),
                Err(_) => return Err(Refusal::failed(format!("{text} is no number"))),
            },
            Visit::Operand(Number::Null) => values.push(None),
            Visit::Operand(Number::Group(inner)) => ahead.push(Visit::Operand(inner)),
            Visit::Operand(Number::Call { name, .. }) => {
                return Err(Refusal::failed(format!("{name} is no number here: a literal is expected")));
            }
            Visit::Operand(Number::Binary { op, left, right }) => {
                ahead.extend([Visit::Compute(*op), Visit::Operand(right), Visit::Operand(left)]);
            }
            Visit::Compute(op) => {
                let (right, left) = (values.pop().flatten(), values.pop().flatten());
                values.push(left.zip(right).map(|(left, right)| computed(op, left, right)));
            }
        }
    }
    Ok(values.pop().flatten())
}

fn computed(op: Arithmetic, left: f64, right: f64) -> f64 {
    match op {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn between_leaves_out_both_ends() {
        let test = |op, operands: &[f64]| NumberTest { op, operands: operands.iter().copied().map(Some).collect() };
        for (op, number, holds) in [
            (Operator::Between, 1.0, false),
            (Operator::Between, 1.5, true),
            (Operator::Between, 2.0, false),
            (Operator::NotBetween, 1.0, true),
            (Operator::NotBetween, 1.5, false),
            (Operator::In, 2.0, true),
            (Operator::NotIn, 2.0, false),
            (Operator::Greater, f64::NAN, false),
        ] {
            assert_eq!(test(op, &[1.0, 2.0]).holds(number), holds, "{op:?} {number}");
        }
        assert!(!NumberTest { op: Operator::Equal, operands: vec![None] }.holds(0.0));
    }
}
