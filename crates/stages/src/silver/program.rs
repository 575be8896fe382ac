//! Expressions of a contract, typed once and computed exactly for every record without allocating.

use crate::silver::number::POWERS;
use crate::silver::row::{Cell, View};
use assay_pipeline::expression::{Arithmetic, Comparison, Expression, Number};
use assay_pipeline::{Column, ColumnType};
use std::cmp::Ordering;

/// The result would have more digits than an exact computation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// An expression whose value is a number of a known scale, or a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(Sum, u8),
    Text(Text),
}

/// Computes an unscaled number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sum {
    Column(usize),
    Constant(i128),
    Absolute(Box<Sum>),
    Negate(Box<Sum>),
    Add(Box<Sum>, Box<Sum>),
    Subtract(Box<Sum>, Box<Sum>),
    Multiply(Box<Sum>, Box<Sum>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Text {
    Column(usize),
    Constant(String),
}

/// A condition with three values; nothing known is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Column(usize),
    Numbers(Sum, Comparison, Sum),
    Texts(Text, Comparison, Text),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

impl Value {
    /// Fails with the reason when the expression is no value over these columns.
    pub(crate) fn compile(expression: &Expression, columns: &[Column]) -> Result<Self, String> {
        match expression {
            Expression::Text(text) => Ok(Self::Text(Text::Constant(text.clone()))),
            Expression::Column(name) => column(name, columns),
            _ => Sum::compile(expression, columns).map(|(sum, scale)| Self::Number(sum, scale)),
        }
    }
}

fn column(name: &str, columns: &[Column]) -> Result<Value, String> {
    let at = columns.iter().position(|column| column.name == name).ok_or(format!("there is no column {name}"))?;
    match columns[at].kind {
        ColumnType::String { .. } => Ok(Value::Text(Text::Column(at))),
        ColumnType::Int32 | ColumnType::Int64 | ColumnType::Date | ColumnType::Timestamp | ColumnType::Instant => {
            Ok(Value::Number(Sum::Column(at), 0))
        }
        ColumnType::Decimal { scale, .. } => Ok(Value::Number(Sum::Column(at), scale)),
        ColumnType::Double => Err(format!("{name} is a double, which no exact expression can use")),
        ColumnType::Boolean => Err(format!("{name} is a boolean, not a number or a text")),
    }
}

impl Sum {
    fn compile(expression: &Expression, columns: &[Column]) -> Result<(Self, u8), String> {
        match expression {
            Expression::Number(Number { unscaled, scale }) => Ok((Self::Constant(*unscaled), *scale)),
            Expression::Column(name) => match column(name, columns)? {
                Value::Number(sum, scale) => Ok((sum, scale)),
                Value::Text(_) => Err(format!("{name} is a text, not a number")),
            },
            Expression::Absolute(inner) => {
                Self::compile(inner, columns).map(|(sum, scale)| (Self::Absolute(Box::new(sum)), scale))
            }
            Expression::Negate(inner) => {
                Self::compile(inner, columns).map(|(sum, scale)| (Self::Negate(Box::new(sum)), scale))
            }
            Expression::Arithmetic(left, operation, right) => {
                let (left, right) = (Self::compile(left, columns)?, Self::compile(right, columns)?);
                Self::arithmetic(left, *operation, right)
            }
            _ => Err("a condition stands where a number is needed".to_owned()),
        }
    }

    fn arithmetic(left: (Self, u8), operation: Arithmetic, right: (Self, u8)) -> Result<(Self, u8), String> {
        if operation == Arithmetic::Multiply {
            let scale = left.1.checked_add(right.1).filter(|scale| *scale <= 38);
            let scale = scale.ok_or("the product has more than 38 digits behind the point")?;
            return Ok((Self::Multiply(Box::new(left.0), Box::new(right.0)), scale));
        }
        let (left, right, scale) = aligned(left, right)?;
        let (left, right) = (Box::new(left), Box::new(right));
        Ok((if operation == Arithmetic::Add { Self::Add(left, right) } else { Self::Subtract(left, right) }, scale))
    }

    /// None when a column that it needs is null.
    pub(crate) fn compute(&self, row: View<'_>) -> Result<Option<i128>, TooLarge> {
        match self {
            Self::Column(at) => Ok(row.number(*at)),
            Self::Constant(value) => Ok(Some(*value)),
            Self::Absolute(inner) => inner.compute(row)?.map(|value| value.checked_abs().ok_or(TooLarge)).transpose(),
            Self::Negate(inner) => inner.compute(row)?.map(|value| value.checked_neg().ok_or(TooLarge)).transpose(),
            Self::Add(left, right) => both(left, right, row, i128::checked_add),
            Self::Subtract(left, right) => both(left, right, row, i128::checked_sub),
            Self::Multiply(left, right) => both(left, right, row, i128::checked_mul),
        }
    }

    fn each_column(&self, note: &mut impl FnMut(usize)) {
        match self {
            Self::Column(at) => note(*at),
            Self::Constant(_) => {}
            Self::Absolute(inner) | Self::Negate(inner) => inner.each_column(note),
            Self::Add(left, right) | Self::Subtract(left, right) | Self::Multiply(left, right) => {
                left.each_column(note);
                right.each_column(note);
            }
        }
    }
}

fn both(
    left: &Sum,
    right: &Sum,
    row: View<'_>,
    operation: fn(i128, i128) -> Option<i128>,
) -> Result<Option<i128>, TooLarge> {
    match (left.compute(row)?, right.compute(row)?) {
        (Some(left), Some(right)) => operation(left, right).map(Some).ok_or(TooLarge),
        _ => Ok(None),
    }
}

/// Both numbers at the larger of their scales.
fn aligned(left: (Sum, u8), right: (Sum, u8)) -> Result<(Sum, Sum, u8), String> {
    let scale = left.1.max(right.1);
    let raised = |(sum, from): (Sum, u8)| match (sum, scale - from) {
        (sum, 0) => Ok(sum),
        (Sum::Constant(value), by) => {
            let value = POWERS.get(usize::from(by)).and_then(|power| value.checked_mul(*power));
            value.map(Sum::Constant).ok_or("a number has too many digits".to_owned())
        }
        (sum, by) => {
            let power = POWERS.get(usize::from(by)).ok_or("a number has too many digits")?;
            Ok(Sum::Multiply(Box::new(sum), Box::new(Sum::Constant(*power))))
        }
    };
    Ok((raised(left)?, raised(right)?, scale))
}

impl Text {
    pub(crate) fn compute<'a>(&'a self, row: View<'a>) -> Option<&'a str> {
        match self {
            Self::Column(at) => row.text(*at),
            Self::Constant(text) => Some(text),
        }
    }

    fn each_column(&self, note: &mut impl FnMut(usize)) {
        if let Self::Column(at) = self {
            note(*at);
        }
    }
}

impl Condition {
    /// Fails with the reason when the expression is no condition over these columns.
    pub(crate) fn compile(expression: &Expression, columns: &[Column]) -> Result<Self, String> {
        match expression {
            Expression::Compare(left, comparison, right) => {
                match (Value::compile(left, columns)?, Value::compile(right, columns)?) {
                    (Value::Number(left, left_scale), Value::Number(right, right_scale)) => {
                        let (left, right, _) = aligned((left, left_scale), (right, right_scale))?;
                        Ok(Self::Numbers(left, *comparison, right))
                    }
                    (Value::Text(left), Value::Text(right)) => Ok(Self::Texts(left, *comparison, right)),
                    _ => Err("a text is compared with a number".to_owned()),
                }
            }
            Expression::Not(inner) => Ok(Self::Not(Box::new(Self::compile(inner, columns)?))),
            Expression::And(left, right) => {
                Ok(Self::And(Box::new(Self::compile(left, columns)?), Box::new(Self::compile(right, columns)?)))
            }
            Expression::Or(left, right) => {
                Ok(Self::Or(Box::new(Self::compile(left, columns)?), Box::new(Self::compile(right, columns)?)))
            }
            Expression::Column(name) => columns
                .iter()
                .position(|column| column.name == *name && column.kind == ColumnType::Boolean)
                .map(Self::Column)
                .ok_or(format!("{name} is no boolean column")),
            _ => Err("a value stands where a condition is needed".to_owned()),
        }
    }

    pub(crate) fn holds(&self, row: View<'_>) -> Result<Option<bool>, TooLarge> {
        Ok(match self {
            Self::Column(at) => match row.cells[*at] {
                Cell::Boolean(value) => Some(value),
                _ => None,
            },
            Self::Numbers(left, comparison, right) => match (left.compute(row)?, right.compute(row)?) {
                (Some(left), Some(right)) => Some(compare(left.cmp(&right), *comparison)),
                _ => None,
            },
            Self::Texts(left, comparison, right) => match (left.compute(row), right.compute(row)) {
                (Some(left), Some(right)) => Some(compare(left.cmp(right), *comparison)),
                _ => None,
            },
            Self::Not(inner) => inner.holds(row)?.map(|value| !value),
            Self::And(left, right) => match (left.holds(row)?, right.holds(row)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(left, right) => match (left.holds(row)?, right.holds(row)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        })
    }

    /// The columns that it needs.
    pub(crate) fn columns(&self) -> Vec<usize> {
        let mut all = Vec::new();
        self.each_column(&mut |at| all.push(at));
        all.sort_unstable();
        all.dedup();
        all
    }

    fn each_column(&self, note: &mut impl FnMut(usize)) {
        match self {
            Self::Column(at) => note(*at),
            Self::Numbers(left, _, right) => {
                left.each_column(note);
                right.each_column(note);
            }
            Self::Texts(left, _, right) => {
                left.each_column(note);
                right.each_column(note);
            }
            Self::Not(inner) => inner.each_column(note),
            Self::And(left, right) | Self::Or(left, right) => {
                left.each_column(note);
                right.each_column(note);
            }
        }
    }
}

fn compare(order: Ordering, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::silver::row::{Field, Row};
    use crate::silver::shape::Shape;
    use assay_pipeline::Contract;

    fn column(name: &str, kind: ColumnType) -> Column {
        Column {
            name: name.to_owned(),
            path: vec![name.to_owned()],
            kind,
            formats: vec!["%Y-%m-%d".to_owned()],
            required: kind == ColumnType::Date,
            range: None,
            clean: Vec::new(),
            default: None,
            computed: None,
        }
    }

    fn contract() -> Contract {
        Contract {
            table: "t".to_owned(),
            source: "s".to_owned(),
            columns: vec![
                column("day", ColumnType::Date),
                column("n", ColumnType::Int64),
                column("price", ColumnType::Decimal { precision: 38, scale: 2 }),
                column("name", ColumnType::String { limit: None }),
                column("nothing", ColumnType::Int64),
                column("sure", ColumnType::Boolean),
                column("rough", ColumnType::Double),
            ],
            checks: Vec::new(),
            key: Vec::new(),
            partition: "day".to_owned(),
            mode: assay_pipeline::SilverMode::Replace,
            explode: Vec::new(),
            gate: None,
            folder: None,
            publish: Vec::new(),
        }
    }

    #[test]
    fn conditions_are_exact_and_know_three_values() {
        let contract = contract();
        let shape = Shape::of(&contract).unwrap();
        let record = "2024-01-01Ada";
        let mut row = Row::new(&shape);
        row.begin();
        let fields = [
            Field::Text(&record[..10]),
            Field::Number("7"),
            Field::Number("0.10"),
            Field::Text(&record[10..]),
            Field::Null,
            Field::Boolean(true),
            Field::Number("1"),
        ];
        for (at, field) in fields.into_iter().enumerate() {
            row.set(at, &shape.columns[at], record, field);
        }
        for (text, expected) in [
            ("n * price = 0.7", Ok(Some(true))),
            ("n * price = 0.700001", Ok(Some(false))),
            ("price + price + price = 0.3", Ok(Some(true))),
            ("abs(price - n) <= 6.9", Ok(Some(true))),
            ("abs(price - n) < 6.9", Ok(Some(false))),
            ("-n < -6.99", Ok(Some(true))),
            ("name = 'Ada' and sure", Ok(Some(true))),
            ("name > 'B' or not sure", Ok(Some(false))),
            ("nothing > 0", Ok(None)),
            ("nothing > 0 and n = 7", Ok(None)),
            ("nothing > 0 and n = 8", Ok(Some(false))),
            ("n = 7 or nothing > 0", Ok(Some(true))),
            ("not nothing > 0", Ok(None)),
            (
                "n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n * n > 0",
                Err(TooLarge),
            ),
        ] {
            let condition = Condition::compile(&Expression::parse(text).unwrap(), &contract.columns).unwrap();
            assert_eq!(condition.holds(row.view(record)), expected, "{text}");
        }
    }

    #[test]
    fn expressions_that_mean_nothing_are_refused_with_the_reason() {
        for (text, words) in [
            ("n = 'x'", "a text is compared with a number"),
            ("rough > 1", "rough is a double"),
            ("missing > 1", "there is no column missing"),
            ("name + 1 > 2", "name is a text"),
            ("sure > 1", "sure is a boolean"),
            ("n", "n is no boolean column"),
        ] {
            let refused = Condition::compile(&Expression::parse(text).unwrap(), &contract().columns).unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
