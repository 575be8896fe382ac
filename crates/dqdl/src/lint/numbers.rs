//! Findings about numbers: equality, precedence, functions.

use crate::RuleType;
use crate::canonical;
use crate::catalogue::FUNCTIONS;
use crate::fault::Fault;
use crate::print;
use crate::tree::{Arithmetic, Check, Number, Operator, Test};

pub(super) fn lints(check: &Check, test: &Test<Number>, found: &mut Vec<Fault>) {
    equality(check, test, found);
    operands(test, found);
}

/// Findings that do not depend on the rule type.
pub(super) fn operands(test: &Test<Number>, found: &mut Vec<Fault>) {
    precedence(test, found);
    for operand in &test.operands {
        functions(operand, test, found);
    }
}

/// Values that are computed as floating point numbers are seldom exactly another one.
fn equality(check: &Check, test: &Test<Number>, found: &mut Vec<Fault>) {
    let exact = matches!(test.op, Operator::Equal | Operator::NotEqual | Operator::In | Operator::NotIn);
    let computed = matches!(
        check.kind,
        RuleType::Mean
            | RuleType::Sum
            | RuleType::StandardDeviation
            | RuleType::Variance
            | RuleType::Entropy
            | RuleType::ColumnCorrelation
            | RuleType::AggregateMatch
    );
    let whole = |number: &Number| matches!(number, Number::Literal(text) if matches!(text.parse::<f64>(), Ok(value) if value == 0.0 || value == 1.0));
    let ratio = check.kind.is_ratio() && !test.operands.iter().all(whole);
    if exact && (computed || ratio) {
        let message = "Numbers are compared exactly, and this one is computed: it is seldom equal to another. Use \
                       `>=`, `<=` or `between`.";
        found.push(Fault::warning("W9", test.span.clone(), message));
    }
}

/// `a + b * c` is read from left to right.
fn precedence(test: &Test<Number>, found: &mut Vec<Fault>) {
    let surprising = |number: &&Number| {
        let Number::Binary { op: Arithmetic::Multiply | Arithmetic::Divide, left, .. } = number else { return false };
        matches!(left.as_ref(), Number::Binary { op: Arithmetic::Add | Arithmetic::Subtract, .. })
    };
    if !test.operands.iter().flat_map(Number::upwards).any(|number| surprising(&number)) {
        return;
    }
    let operands = test.operands.iter().map(grouped).collect();
    let meant = canonical::tested(&Test { op: test.op, operands, span: test.span.clone() }, print::number);
    let message = "`+ - * /` are read from left to right, all alike. Write the parentheses that are meant.";
    let fault = Fault::warning("W2", test.span.clone(), message);
    found.push(fault.replacing("Write the parentheses that are read", test.span.clone(), meant));
}

/// The same number with parentheses around what is computed first against the custom of arithmetic.
fn grouped(number: &Number) -> Number {
    let mut done: Vec<Number> = Vec::new();
    for number in number.upwards() {
        let copy = match number {
            Number::Binary { op, .. } => {
                let (right, left) = (done.pop().unwrap_or(Number::Null), done.pop().unwrap_or(Number::Null));
                let first = matches!(op, Arithmetic::Multiply | Arithmetic::Divide)
                    && matches!(left, Number::Binary { op: Arithmetic::Add | Arithmetic::Subtract, .. });
                let left = if first { Number::Group(Box::new(left)) } else { left };
                Number::Binary { op: *op, left: Box::new(left), right: Box::new(right) }
            }
            Number::Group(_) => Number::Group(Box::new(done.pop().unwrap_or(Number::Null))),
            Number::Call { name, arguments } => {
                let arguments = done.split_off(done.len().saturating_sub(arguments.len()));
                Number::Call { name: name.clone(), arguments }
            }
            Number::Literal(_) | Number::Null => number.clone(),
        };
        done.push(copy);
    }
    done.pop().unwrap_or(Number::Null)
}

fn functions(operand: &Number, test: &Test<Number>, found: &mut Vec<Fault>) {
    for number in operand.upwards() {
        let Number::Call { name, arguments } = number else { continue };
        if name == "now" && arguments.is_empty() {
            continue;
        }
        let message = match FUNCTIONS.iter().find(|(known, ..)| known == name) {
            None => {
                let near = FUNCTIONS.iter().find(|(known, ..)| strsim::damerau_levenshtein(known, name) <= 2);
                let hint = near.map_or(String::new(), |(known, ..)| format!(" The nearest is `{known}`."));
                format!("No function `{name}` is documented.{hint}")
            }
            Some((_, least, most)) if arguments.len() < *least || arguments.len() > *most => {
                format!("`{name}` takes {most} arguments at most, {least} at least, and here are {}.", arguments.len())
            }
            Some(_) => continue,
        };
        found.push(Fault::warning("W10", test.span.clone(), message));
    }
    if is_many(operand) {
        let message = "`last(k)` gives k values. Take one of them, as in `avg(last(k))`.";
        found.push(Fault::warning("W10", test.span.clone(), message));
    }
}

/// Several earlier values that no function makes one of.
fn is_many(operand: &Number) -> bool {
    let mut waiting = vec![operand];
    while let Some(number) = waiting.pop() {
        match number {
            Number::Call { name, arguments } if name == "last" => {
                let several = |k: &Number| matches!(k, Number::Literal(text) if text != "1");
                if arguments.first().is_some_and(several) {
                    return true;
                }
            }
            Number::Binary { left, right, .. } => waiting.extend([left.as_ref(), right.as_ref()]),
            Number::Group(inside) => waiting.push(inside),
            Number::Call { .. } | Number::Literal(_) | Number::Null => {}
        }
    }
    false
}
