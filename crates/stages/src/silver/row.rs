//! One record on its way through the contract: its typed cells and the reasons to refuse it.

use crate::silver::fault::{Reason, Words};
use crate::silver::moment::Moment;
use crate::silver::number::{self, NumberFault, POWERS};
use crate::silver::program::Value;
use crate::silver::shape::{Plan, Shape};
use assay_pipeline::{Clean, ColumnType};

/// A typed value. Numbers are unscaled at the column's scale, dates are days, timestamps microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Null,
    /// There is a value, but not of the column's type.
    Failed,
    Number(i128),
    Double(f64),
    Boolean(bool),
    Text(Span),
}

/// Where a text lies: in the record, or in the row's own store when it had to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    own: bool,
    start: u32,
    end: u32,
}

/// A value as a format gives it, before it has the column's type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    Null,
    Text(&'a str),
    /// Text of a number.
    Number(&'a str),
    Boolean(bool),
    /// An object or an array.
    Nested,
    /// Already a date or a time, as Parquet has them.
    Moment(Moment),
    /// A time of day with parts of a microsecond.
    TooFine,
}

/// The cells of the record that is being looked at; reused for every record.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    own: String,
    /// In no order; see [`Row::reasons`].
    reasons: Vec<(Reason, Words)>,
    /// For each node of the shape's tree the record in which it was last seen.
    seen: Vec<u64>,
    record: u64,
    /// The last date text, and what it is: dates repeat.
    last_date: (String, usize, i32),
}

/// What an expression sees of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) cells: &'a [Cell],
    record: &'a str,
    own: &'a str,
}

impl<'a> View<'a> {
    #[inline]
    pub(crate) fn number(self, at: usize) -> Option<i128> {
        match self.cells[at] {
            Cell::Number(value) => Some(value),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn text(self, at: usize) -> Option<&'a str> {
        match self.cells[at] {
            Cell::Text(span) => self.span(span),
            _ => None,
        }
    }

    #[inline]
    fn span(self, span: Span) -> Option<&'a str> {
        let place = if span.own { self.own } else { self.record };
        place.get(span.start as usize..span.end as usize)
    }
}

impl Row {
    pub(crate) fn new(shape: &Shape) -> Self {
        Self {
            cells: vec![Cell::Null; shape.columns.len()],
            own: String::new(),
            reasons: Vec::new(),
            seen: vec![0; shape.nodes],
            record: 0,
            last_date: (String::new(), usize::MAX, 0),
        }
    }

    /// Forgets the record before.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.cells.fill(Cell::Null);
        self.own.clear();
        self.reasons.clear();
        self.record += 1;
    }

    /// False when the node was met before in this record.
    #[inline]
    pub(crate) fn first_of(&mut self, node: usize) -> bool {
        std::mem::replace(&mut self.seen[node], self.record) != self.record
    }

    pub(crate) fn view<'a>(&'a self, record: &'a str) -> View<'a> {
        View { cells: &self.cells, record, own: &self.own }
    }

    /// Refuses the record as a whole; gives false for the reader that found it so.
    pub(crate) fn malformed(&mut self, words: impl Into<Words>) -> bool {
        self.cells.fill(Cell::Null);
        self.reasons.clear();
        self.reasons.push((Reason::Malformed, words.into()));
        false
    }

    /// In their order, the primary one first; empty for an accepted record.
    pub(crate) fn reasons(&mut self) -> &[(Reason, Words)] {
        self.reasons.sort_by_key(|(reason, _)| *reason);
        &self.reasons
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Gives a column its value.
    #[inline]
    pub(crate) fn set(&mut self, at: usize, plan: &Plan, record: &str, field: Field<'_>) {
        let fault = match self.typed(at, plan, record, field) {
            Ok(cell) => {
                self.cells[at] = cell;
                return;
            }
            Err(fault) => fault,
        };
        self.cells[at] = Cell::Failed;
        self.reasons.push((Reason::Type(at as u16), fault.into()));
    }

    #[inline]
    fn typed(&mut self, at: usize, plan: &Plan, record: &str, field: Field<'_>) -> Result<Cell, &'static str> {
        let text = match field {
            Field::Null => return Ok(Cell::Null),
            Field::Text(text) => match trimmed(text) {
                "" => return Ok(Cell::Null),
                text => text,
            },
            Field::Number(text) => text,
            Field::Boolean(value) => return self.boolean(plan, value),
            Field::Nested => return Err("an object or an array stands where a single value is needed"),
            Field::Moment(moment) => return moment_cell(plan.kind, moment),
            Field::TooFine => return Err("the time has parts of a microsecond"),
        };
        let quoted = matches!(field, Field::Text(_));
        match plan.kind {
            ColumnType::String { .. } => Ok(self.string(plan, record, text)),
            ColumnType::Int32 => integer(text, i128::from(i32::MIN), i128::from(i32::MAX)),
            ColumnType::Int64 => integer(text, i128::from(i64::MIN), i128::from(i64::MAX)),
            ColumnType::Decimal { precision, scale } => {
                number::read(text.as_bytes(), precision, scale).map(Cell::Number).map_err(words)
            }
            ColumnType::Double => double(text),
            ColumnType::Boolean if quoted => match text {
                "true" => Ok(Cell::Boolean(true)),
                "false" => Ok(Cell::Boolean(false)),
                _ => Err("the text is neither true nor false"),
            },
            ColumnType::Boolean => Err("a number stands where a boolean is needed"),
            ColumnType::Date | ColumnType::Timestamp | ColumnType::Instant if !quoted => {
                Err("a number stands where a date is needed")
            }
            ColumnType::Date => self.date(at, plan, text),
            ColumnType::Timestamp | ColumnType::Instant => {
                let moment = plan.formats.iter().find_map(|format| format.read(text.as_bytes()));
                moment_cell(plan.kind, moment.ok_or(NO_FORMAT)?)
            }
        }
    }

    fn boolean(&mut self, plan: &Plan, value: bool) -> Result<Cell, &'static str> {
        match plan.kind {
            ColumnType::Boolean => Ok(Cell::Boolean(value)),
            ColumnType::String { .. } => Ok(self.string(plan, "", if value { "true" } else { "false" })),
            _ => Err("a boolean stands where another type is needed"),
        }
    }

    fn date(&mut self, at: usize, plan: &Plan, text: &str) -> Result<Cell, &'static str> {
        if self.last_date.1 == at && self.last_date.0 == text {
            return Ok(Cell::Number(i128::from(self.last_date.2)));
        }
        let moment = plan.formats.iter().find_map(|format| format.read(text.as_bytes())).ok_or(NO_FORMAT)?;
        self.last_date.0.clear();
        self.last_date.0.push_str(text);
        (self.last_date.1, self.last_date.2) = (at, moment.days);
        Ok(Cell::Number(i128::from(moment.days)))
    }

    #[inline]
    fn string(&mut self, plan: &Plan, record: &str, text: &str) -> Cell {
        if plan.clean.is_empty() {
            // A part of the record is pointed at; anything else is kept by the row.
            let start = (text.as_ptr() as usize).wrapping_sub(record.as_ptr() as usize);
            if record.get(start..start.wrapping_add(text.len())).is_some() {
                return Cell::Text(Span { own: false, start: start as u32, end: (start + text.len()) as u32 });
            }
        }
        let start = self.own.len();
        self.own.push_str(text);
        for clean in &plan.clean {
            cleaned(&mut self.own, start, *clean);
        }
        Cell::Text(Span { own: true, start: start as u32, end: self.own.len() as u32 })
    }

    /// Defaults, required columns, ranges and checks.
    #[inline]
    pub(crate) fn judge(&mut self, shape: &Shape, record: &str) {
        for (at, plan) in shape.columns.iter().enumerate() {
            if self.cells[at] == Cell::Null
                && let Some(default) = &plan.default
            {
                self.fill(at, plan, default, record);
            }
            match self.cells[at] {
                Cell::Null if plan.required => self.reasons.push((Reason::Missing(at as u16), MISSING.into())),
                Cell::Null | Cell::Failed | Cell::Boolean(_) => {}
                Cell::Number(value) => {
                    if plan.range.is_some_and(|range| !range.hold(value)) {
                        self.reasons.push((Reason::Range(at as u16), RANGE.into()));
                    }
                }
                Cell::Double(value) => {
                    if plan.range.is_some_and(|range| !range.hold_double(value)) {
                        self.reasons.push((Reason::Range(at as u16), RANGE.into()));
                    }
                }
                Cell::Text(span) => self.limit(at, plan, span, record),
            }
        }
        for (at, check) in shape.checks.iter().enumerate() {
            if check.columns.iter().any(|column| self.cells[*column] == Cell::Failed) {
                continue;
            }
            let reason = match check.condition.holds(self.view(record)) {
                Ok(None | Some(true)) => continue,
                Ok(Some(false)) => "the check does not hold",
                Err(_) => "the numbers of the check are too large",
            };
            self.reasons.push((Reason::Check(at as u16), reason.into()));
        }
    }

    fn limit(&mut self, at: usize, plan: &Plan, span: Span, record: &str) {
        let ColumnType::String { limit: Some(limit) } = plan.kind else { return };
        let limit = limit as usize;
        let bytes = (span.end - span.start) as usize;
        // A character has at least one byte.
        if bytes > limit && self.view(record).span(span).is_some_and(|text| text.chars().count() > limit) {
            let words = format!("the text is longer than {limit} characters");
            self.reasons.push((Reason::Range(at as u16), words.into()));
        }
    }

    fn fill(&mut self, at: usize, plan: &Plan, default: &Value, record: &str) {
        match default {
            Value::Text(text) => {
                if let Some(text) = text.compute(self.view(record)).map(str::to_owned) {
                    self.cells[at] = self.string(plan, record, &text);
                }
            }
            Value::Number(sum, scale) => match sum.compute(self.view(record)) {
                Ok(None) => {}
                Ok(Some(value)) => match fitted(value, *scale, plan.kind) {
                    Some(value) => self.cells[at] = Cell::Number(value),
                    None => self.unfit(at),
                },
                Err(_) => self.unfit(at),
            },
        }
    }

    fn unfit(&mut self, at: usize) {
        self.cells[at] = Cell::Failed;
        self.reasons.push((Reason::Range(at as u16), "the computed default does not fit the column".into()));
    }
}

const NO_FORMAT: &str = "the text has none of the declared formats";
const MISSING: &str = "a value is required";
const RANGE: &str = "the value is out of range";

#[inline]
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

fn words(fault: NumberFault) -> &'static str {
    match fault {
        NumberFault::NotANumber => "the text is no number",
        NumberFault::Fraction => "the number has more digits behind the point than the column",
        NumberFault::Overflow => "the number has more digits than the column",
    }
}

fn integer(text: &str, low: i128, high: i128) -> Result<Cell, &'static str> {
    let value = number::read(text.as_bytes(), 19, 0).map_err(words)?;
    if (low..=high).contains(&value) { Ok(Cell::Number(value)) } else { Err(words(NumberFault::Overflow)) }
}

fn double(text: &str) -> Result<Cell, &'static str> {
    if !number::is_number(text.as_bytes()) {
        return Err(words(NumberFault::NotANumber));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Cell::Double(value)),
        _ => Err(words(NumberFault::Overflow)),
    }
}

fn moment_cell(kind: ColumnType, moment: Moment) -> Result<Cell, &'static str> {
    match kind {
        ColumnType::Date if moment.micros == 0 => Ok(Cell::Number(i128::from(moment.days))),
        ColumnType::Date => Err("a time of day stands where a date is needed"),
        ColumnType::Timestamp | ColumnType::Instant => {
            Ok(Cell::Number(i128::from(moment.days) * 86_400_000_000 + i128::from(moment.micros)))
        }
        _ => Err("a date or a time stands where another type is needed"),
    }
}

/// The number at the column's scale, when that takes no digit from it and the column has room for it.
fn fitted(value: i128, scale: u8, kind: ColumnType) -> Option<i128> {
    let (precision, wanted) = match kind {
        ColumnType::Decimal { precision, scale } => (precision, scale),
        _ => (38, 0),
    };
    let value = match scale.checked_sub(wanted) {
        Some(down) => {
            let power = POWERS.get(usize::from(down))?;
            (value % power == 0).then(|| value / power)?
        }
        None => value.checked_mul(*POWERS.get(usize::from(wanted - scale))?)?,
    };
    let fits = match kind {
        ColumnType::Int32 | ColumnType::Date => i32::try_from(value).is_ok(),
        ColumnType::Int64 | ColumnType::Timestamp | ColumnType::Instant => i64::try_from(value).is_ok(),
        _ => value.unsigned_abs() < POWERS[usize::from(precision)].unsigned_abs(),
    };
    fits.then_some(value)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Changes the text from `start` on.
fn cleaned(own: &mut String, start: usize, clean: Clean) {
    let text = &own[start..];
    let changed = match clean {
        Clean::Lower if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) => return,
        Clean::Upper if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()) => return,
        Clean::Underscore if text.bytes().all(|byte| byte.is_ascii_graphic()) => return,
        Clean::Lower => text.to_lowercase(),
        Clean::Upper => text.to_uppercase(),
        Clean::Underscore => text.split_whitespace().collect::<Vec<_>>().join("_"),
        Clean::WholeNumber => match text.split_once('.') {
            Some((whole, zeros)) if is_digits(whole) && !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
                whole.to_owned()
            }
            _ => return,
        },
    };
    own.truncate(start);
    own.push_str(&changed);
}
