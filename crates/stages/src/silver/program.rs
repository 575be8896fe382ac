//! Expressions of a contract, typed once and computed exactly for every record without allocating.

use crate::silver::moment;
use crate::silver::number::POWERS;
use crate::silver::row::{Cell, View};
use assay_pipeline::expression::{Arithmetic, Comparison, Expression, Number};
use assay_pipeline::{Column, ColumnType};
use std::cmp::Ordering;

/// The result would have more digits than an exact computation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// An expression with what it gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A number of this scale.
    Number(Sum, u8),
    /// A date, a timestamp or an instant, as this type stores it.
    Moment(Sum, ColumnType),
    Text(Text),
    Truth(Condition),
}

/// Computes an unscaled number, days, or microseconds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sum {
    Column(usize),
    Constant(i128),
    Absolute(Box<Sum>),
    Negate(Box<Sum>),
    Add(Box<Sum>, Box<Sum>),
    Subtract(Box<Sum>, Box<Sum>),
    Multiply(Box<Sum>, Box<Sum>),
    /// The day (UTC) of microseconds.
    DayOf(Box<Sum>),
    /// The day of the file that holds the record.
    FileDate,
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
    StartsWith(Text, String),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

impl Value {
    /// Fails with the reason when the expression has no value over these columns.
    pub(crate) fn compile(expression: &Expression, columns: &[Column]) -> Result<Self, String> {
        Ok(match expression {
            Expression::Column(name) => return column(name, columns),
            Expression::Text(text) => Self::Text(Text::Constant(text.clone())),
            Expression::Number(Number { unscaled, scale }) => Self::Number(Sum::Constant(*unscaled), *scale),
            Expression::Absolute(inner) => {
                let (sum, scale) = number(inner, columns)?;
                Self::Number(Sum::Absolute(Box::new(sum)), scale)
            }
            Expression::Negate(inner) => {
                let (sum, scale) = number(inner, columns)?;
                Self::Number(Sum::Negate(Box::new(sum)), scale)
            }
            Expression::Arithmetic(left, operation, right) => {
                let (sum, scale) = arithmetic(number(left, columns)?, *operation, number(right, columns)?)?;
                Self::Number(sum, scale)
            }
            Expression::DateOf(inner) => match Self::compile(inner, columns)? {
                Self::Moment(sum, ColumnType::Timestamp | ColumnType::Instant) => {
                    Self::Moment(Sum::DayOf(Box::new(sum)), ColumnType::Date)
                }
                other => return Err(format!("date() takes a timestamp or an instant, and this is {}", other.words())),
            },
            Expression::FileDate => Self::Moment(Sum::FileDate, ColumnType::Date),
            Expression::Compare(..)
            | Expression::StartsWith(..)
            | Expression::Not(_)
            | Expression::And(..)
            | Expression::Or(..) => Self::Truth(Condition::compile(expression, columns)?),
        })
    }

    /// True when the value can be stored in a column of the type; a number may still be too large for it.
    pub(crate) fn suits(&self, kind: ColumnType) -> bool {
        match self {
            Self::Number(..) => {
                matches!(kind, ColumnType::Int32 | ColumnType::Int64 | ColumnType::Decimal { .. } | ColumnType::Double)
            }
            Self::Moment(_, own) => *own == kind,
            Self::Text(_) => matches!(kind, ColumnType::String { .. }),
            Self::Truth(_) => kind == ColumnType::Boolean,
        }
    }

    /// The columns that it needs.
    pub(crate) fn columns(&self) -> Vec<usize> {
        listed(|note| match self {
            Self::Number(sum, _) | Self::Moment(sum, _) => sum.each_column(note),
            Self::Text(text) => text.each_column(note),
            Self::Truth(condition) => condition.each_column(note),
        })
    }

    /// As in `a text`, for messages.
    fn words(&self) -> String {
        match self {
            Self::Number(..) => "a number".to_owned(),
            Self::Moment(_, ColumnType::Instant) => "an instant".to_owned(),
            Self::Moment(_, kind) => format!("a {kind}"),
            Self::Text(_) => "a text".to_owned(),
            Self::Truth(_) => "a condition".to_owned(),
        }
    }
}

fn column(name: &str, columns: &[Column]) -> Result<Value, String> {
    let at = columns.iter().position(|column| column.name == name).ok_or(format!("there is no column {name}"))?;
    match columns[at].kind {
        ColumnType::String { .. } => Ok(Value::Text(Text::Column(at))),
        ColumnType::Int32 | ColumnType::Int64 => Ok(Value::Number(Sum::Column(at), 0)),
        ColumnType::Decimal { scale, .. } => Ok(Value::Number(Sum::Column(at), scale)),
        kind @ (ColumnType::Date | ColumnType::Timestamp | ColumnType::Instant) => {
            Ok(Value::Moment(Sum::Column(at), kind))
        }
        ColumnType::Boolean => Ok(Value::Truth(Condition::Column(at))),
        ColumnType::Double => Err(format!("{name} is a double, which no exact expression can use")),
    }
}

/// An expression that has to be a number, and its scale.
fn number(expression: &Expression, columns: &[Column]) -> Result<(Sum, u8), String> {
    match Value::compile(expression, columns)? {
        Value::Number(sum, scale) => Ok((sum, scale)),
        other => Err(format!("{} stands where a number is needed", other.words())),
    }
}

fn arithmetic(left: (Sum, u8), operation: Arithmetic, right: (Sum, u8)) -> Result<(Sum, u8), String> {
    if operation == Arithmetic::Multiply {
        let scale = left.1.checked_add(right.1).filter(|scale| *scale <= 38);
        let scale = scale.ok_or("the product has more than 38 digits behind the point")?;
        return Ok((Sum::Multiply(Box::new(left.0), Box::new(right.0)), scale));
    }
    let (left, right, scale) = aligned(left, right)?;
    let (left, right) = (Box::new(left), Box::new(right));
    Ok((if operation == Arithmetic::Add { Sum::Add(left, right) } else { Sum::Subtract(left, right) }, scale))
}

/// Places in ascending order, each once.
fn listed(each: impl FnOnce(&mut dyn FnMut(usize))) -> Vec<usize> {
    let mut all = Vec::new();
    each(&mut |at| all.push(at));
    all.sort_unstable();
    all.dedup();
    all
}

impl Sum {
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
            Self::DayOf(inner) => match inner.compute(row)? {
                Some(micros) => Ok(Some(moment::day_of(i64::try_from(micros).map_err(|_| TooLarge)?).into())),
                None => Ok(None),
            },
            Self::FileDate => Ok(row.file_date.map(i128::from)),
        }
    }

    fn each_column(&self, note: &mut dyn FnMut(usize)) {
        match self {
            Self::Column(at) => note(*at),
            Self::Constant(_) | Self::FileDate => {}
            Self::Absolute(inner) | Self::Negate(inner) | Self::DayOf(inner) => inner.each_column(note),
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

    fn each_column(&self, note: &mut dyn FnMut(usize)) {
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
                comparing(Value::compile(left, columns)?, *comparison, Value::compile(right, columns)?)
            }
            Expression::StartsWith(inner, start) => match Value::compile(inner, columns)? {
                Value::Text(text) => Ok(Self::StartsWith(text, start.clone())),
                other => Err(format!("starts_with() takes a text, and this is {}", other.words())),
            },
            Expression::Not(inner) => Ok(Self::Not(Box::new(Self::compile(inner, columns)?))),
            Expression::And(left, right) => {
                Ok(Self::And(Box::new(Self::compile(left, columns)?), Box::new(Self::compile(right, columns)?)))
            }
            Expression::Or(left, right) => {
                Ok(Self::Or(Box::new(Self::compile(left, columns)?), Box::new(Self::compile(right, columns)?)))
            }
            other => match Value::compile(other, columns)? {
                Value::Truth(condition) => Ok(condition),
                value => Err(format!("{} stands where a condition is needed", value.words())),
            },
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
            Self::StartsWith(text, start) => text.compute(row).map(|text| text.starts_with(start.as_str())),
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
        listed(|note| self.each_column(note))
    }

    fn each_column(&self, note: &mut dyn FnMut(usize)) {
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
            Self::StartsWith(text, _) => text.each_column(note),
            Self::Not(inner) => inner.each_column(note),
            Self::And(left, right) | Self::Or(left, right) => {
                left.each_column(note);
                right.each_column(note);
            }
        }
    }
}

fn comparing(left: Value, comparison: Comparison, right: Value) -> Result<Condition, String> {
    match (left, right) {
        (Value::Number(left, left_scale), Value::Number(right, right_scale)) => {
            let (left, right, _) = aligned((left, left_scale), (right, right_scale))?;
            Ok(Condition::Numbers(left, comparison, right))
        }
        (Value::Moment(left, kind), Value::Moment(right, other)) if kind == other => {
            Ok(Condition::Numbers(left, comparison, right))
        }
        (Value::Text(left), Value::Text(right)) => Ok(Condition::Texts(left, comparison, right)),
        (left, right) => Err(format!("{} is compared with {}", left.words(), right.words())),
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
            formats: match kind {
                ColumnType::Instant => Vec::new(),
                ColumnType::Timestamp => vec!["%Y-%m-%d %H:%M:%S".to_owned()],
                _ => vec!["%Y-%m-%d".to_owned()],
            },
            required: name == "day",
            range: None,
            clean: Vec::new(),
            pii: false,
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
                column("at", ColumnType::Timestamp),
                column("seen", ColumnType::Instant),
                column("later", ColumnType::Date),
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
        row.file_date = Some(19_723);
        row.begin();
        let fields = [
            Field::Text(&record[..10]),
            Field::Number("7"),
            Field::Number("0.10"),
            Field::Text(&record[10..]),
            Field::Null,
            Field::Boolean(true),
            Field::Number("1"),
            Field::Text("1969-12-31 23:59:59"),
            Field::Text("2024-01-01T01:30:00+02:00"),
            Field::Null,
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
            ("starts_with(name, 'Ad')", Ok(Some(true))),
            ("starts_with(name, 'ad')", Ok(Some(false))),
            ("starts_with(name, 'da')", Ok(Some(false))),
            ("starts_with(name, '')", Ok(Some(true))),
            ("starts_with(name, 'Adam')", Ok(Some(false))),
            ("not starts_with(name, 'B')", Ok(Some(true))),
            ("name in ('Bea', 'Ada')", Ok(Some(true))),
            ("n not in (6, 8)", Ok(Some(true))),
            ("file_date() = day", Ok(Some(true))),
            ("date(seen) < day", Ok(Some(true))),
            ("date(at) < date(seen)", Ok(Some(true))),
            ("day < later", Ok(None)),
            ("day < later or sure", Ok(Some(true))),
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
    fn days_are_those_of_utc() {
        let columns = contract().columns;
        let shape = Shape::of(&contract()).unwrap();
        let mut row = Row::new(&shape);
        let day = Value::compile(&Expression::parse("date(seen)").unwrap(), &columns).unwrap();
        let file = Value::compile(&Expression::parse("file_date()").unwrap(), &columns).unwrap();
        let (Value::Moment(day, ColumnType::Date), Value::Moment(file, ColumnType::Date)) = (day, file) else {
            panic!("no dates");
        };
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("1969-12-31T00:00:00Z", -1),
            ("1969-12-30T23:59:59.999999Z", -2),
            ("0000-01-01T00:00:00Z", -719_528),
            ("9999-12-31T23:59:59.999999Z", 2_932_896),
            ("2024-03-01T00:30:00+01:00", 19_782),
        ] {
            row.begin();
            row.set(8, &shape.columns[8], text, Field::Text(text));
            assert_eq!(day.compute(row.view(text)), Ok(Some(expected)), "{text}");
        }
        row.begin();
        assert_eq!(day.compute(row.view("")), Ok(None));
        assert_eq!(file.compute(row.view("")), Ok(None));
    }

    #[test]
    fn expressions_that_mean_nothing_are_refused_with_the_reason() {
        for (text, words) in [
            ("n = 'x'", "a number is compared with a text"),
            ("rough > 1", "rough is a double"),
            ("missing > 1", "there is no column missing"),
            ("name + 1 > 2", "a text stands where a number is needed"),
            ("sure > 1", "a condition is compared with a number"),
            ("day > 19000", "a date is compared with a number"),
            ("day = at", "a date is compared with a timestamp"),
            ("at = seen", "a timestamp is compared with an instant"),
            ("day + 1 > day", "a date stands where a number is needed"),
            ("date(day) = day", "date() takes a timestamp or an instant, and this is a date"),
            ("starts_with(n, '7')", "starts_with() takes a text, and this is a number"),
            ("n", "a number stands where a condition is needed"),
        ] {
            let refused = Condition::compile(&Expression::parse(text).unwrap(), &contract().columns).unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
