//! One record on its way through the contract: its typed cells and the reasons to refuse it.

use crate::silver::fault::{Reason, Words};
use crate::silver::moment::{self, Moment};
use crate::silver::number::{self, NumberFault, POWERS};
use crate::silver::program::{Text, TooLarge, Value};
use crate::silver::shape::{Computed, Plan, Shape};
use assay_pipeline::expression::Number;
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
    /// A value that no column can hold, and why.
    Unfit(&'static str),
}

/// The cells of the record that is being looked at; reused for every record.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    own: String,
    /// In no order; see [`Row::reasons`].
    reasons: Vec<(Reason, Words)>,
    /// What the elements of a record share; see [`Row::keep`].
    shared: Shared,
    /// For each node of the shape's tree the record in which it was last seen.
    seen: Vec<u64>,
    record: u64,
    /// Day of the file that is being read.
    pub(crate) file_date: Option<i32>,
    /// The last date text, and what it is: dates repeat.
    last_date: (String, usize, i32),
}

/// The part of a row that comes from the record around an element.
#[derive(Debug, Default)]
struct Shared {
    cells: Vec<Cell>,
    own: usize,
    reasons: Vec<(Reason, Words)>,
}

/// What an expression sees of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) cells: &'a [Cell],
    pub(crate) file_date: Option<i32>,
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
            shared: Shared::default(),
            seen: vec![0; shape.nodes],
            record: 0,
            file_date: None,
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

    /// Remembers the row as it is, for each element of the record to begin with.
    pub(crate) fn keep(&mut self) {
        self.shared.cells.clone_from(&self.cells);
        self.shared.own = self.own.len();
        self.shared.reasons.clone_from(&self.reasons);
    }

    /// Goes back to what was remembered: the next element of the same record begins.
    pub(crate) fn again(&mut self) {
        self.cells.copy_from_slice(&self.shared.cells);
        self.own.truncate(self.shared.own);
        self.reasons.clone_from(&self.shared.reasons);
        self.record += 1;
    }

    /// Adds a reason; these columns are not judged any more.
    pub(crate) fn refuse(&mut self, reason: Reason, words: impl Into<Words>, columns: &[usize]) {
        for at in columns {
            self.cells[*at] = Cell::Failed;
        }
        self.reasons.push((reason, words.into()));
    }

    /// Bytes of its texts.
    pub(crate) fn text_bytes(&self) -> u64 {
        let length = |cell: &Cell| match cell {
            Cell::Text(span) => u64::from(span.end - span.start),
            _ => 0,
        };
        self.cells.iter().map(length).sum()
    }

    pub(crate) fn view<'a>(&'a self, record: &'a str) -> View<'a> {
        View { cells: &self.cells, file_date: self.file_date, record, own: &self.own }
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
            Field::Unfit(why) => return Err(why),
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
            ColumnType::Instant if plan.formats.is_empty() => moment_cell(plan.kind, moment::instant(text.as_bytes())?),
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
        self.kept(start)
    }

    /// What the row's own store holds from here on.
    fn kept(&self, start: usize) -> Cell {
        Cell::Text(Span { own: true, start: start as u32, end: self.own.len() as u32 })
    }

    /// Defaults, required columns, ranges, computed columns and checks.
    #[inline]
    pub(crate) fn judge(&mut self, shape: &Shape, record: &str) {
        for (at, plan) in shape.columns.iter().enumerate() {
            if self.cells[at] == Cell::Null
                && let Some(default) = &plan.default
            {
                self.fill(at, plan, default, "the computed default does not fit the column", record);
            }
            match self.cells[at] {
                Cell::Null if plan.required => self.reasons.push((Reason::Missing(at as u16), MISSING.into())),
                _ => self.bounds(at, plan, record),
            }
        }
        for computed in &shape.computed {
            self.compute(shape, computed, record);
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

    #[inline]
    fn bounds(&mut self, at: usize, plan: &Plan, record: &str) {
        let holds = match self.cells[at] {
            Cell::Null | Cell::Failed | Cell::Boolean(_) => return,
            Cell::Number(value) => plan.range.is_none_or(|range| range.hold(value)),
            Cell::Double(value) => plan.range.is_none_or(|range| range.hold_double(value)),
            Cell::Text(span) => return self.limit(at, plan, span, record),
        };
        if !holds {
            self.reasons.push((Reason::Range(at as u16), RANGE.into()));
        }
    }

    /// A column that needs a refused value fails without a reason of its own: the other's reason says it all.
    fn compute(&mut self, shape: &Shape, computed: &Computed, record: &str) {
        let at = computed.at;
        let plan = &shape.columns[at];
        let refused = |read: &usize| match self.cells[*read] {
            Cell::Failed => true,
            Cell::Null => shape.columns[*read].required,
            _ => false,
        };
        if computed.reads.iter().any(refused) {
            self.cells[at] = Cell::Failed;
            return;
        }
        self.fill(at, plan, &computed.value, "the computed value does not fit the column", record);
        if self.cells[at] == Cell::Null && computed.required {
            self.cells[at] = Cell::Failed;
            self.reasons.push((Reason::Missing(at as u16), MISSING.into()));
        }
        self.bounds(at, plan, record);
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

    /// Gives a column the value of an expression; `unfit` says why it can have none.
    fn fill(&mut self, at: usize, plan: &Plan, value: &Value, unfit: &'static str, record: &str) {
        match self.evaluated(plan, value, record) {
            Ok(cell) => self.cells[at] = cell,
            Err(TooLarge) => {
                self.cells[at] = Cell::Failed;
                self.reasons.push((Reason::Range(at as u16), unfit.into()));
            }
        }
    }

    fn evaluated(&mut self, plan: &Plan, value: &Value, record: &str) -> Result<Cell, TooLarge> {
        let view = self.view(record);
        Ok(match value {
            Value::Number(sum, scale) => match sum.compute(view)? {
                Some(value) => fitted(value, *scale, plan.kind).ok_or(TooLarge)?,
                None => Cell::Null,
            },
            Value::Moment(sum, _) => sum.compute(view)?.map_or(Cell::Null, Cell::Number),
            Value::Truth(condition) => condition.holds(view)?.map_or(Cell::Null, Cell::Boolean),
            Value::Text(Text::Column(from)) => self.cells[*from],
            Value::Text(Text::Constant(text)) => {
                let start = self.own.len();
                self.own.push_str(text);
                self.kept(start)
            }
        })
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
    if !moment::is_usual(moment.days) {
        return Err("the date lies outside the years 0 to 9999");
    }
    match kind {
        ColumnType::Date if moment.micros == 0 => Ok(Cell::Number(i128::from(moment.days))),
        ColumnType::Date => Err("a time of day stands where a date is needed"),
        ColumnType::Timestamp | ColumnType::Instant => {
            Ok(Cell::Number(i128::from(moment.days) * i128::from(moment::DAY) + i128::from(moment.micros)))
        }
        _ => Err("a date or a time stands where another type is needed"),
    }
}

/// The number at the column's scale, when that takes no digit from it and the column has room for it.
fn fitted(value: i128, scale: u8, kind: ColumnType) -> Option<Cell> {
    let (precision, wanted) = match kind {
        ColumnType::Double => return Number { unscaled: value, scale }.to_string().parse().ok().map(Cell::Double),
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
        ColumnType::Int32 => i32::try_from(value).is_ok(),
        ColumnType::Int64 => i64::try_from(value).is_ok(),
        _ => value.unsigned_abs() < POWERS.get(usize::from(precision))?.unsigned_abs(),
    };
    fits.then_some(Cell::Number(value))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// How long a whole number is without the fraction of zeros that it is written with.
fn whole(text: &str) -> Option<usize> {
    let (whole, zeros) = text.split_once('.')?;
    let is_whole = is_digits(whole.strip_prefix('-').unwrap_or(whole)) && is_digits(zeros);
    (is_whole && zeros.bytes().all(|byte| byte == b'0')).then_some(whole.len())
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
        Clean::WholeNumber => {
            if let Some(length) = whole(text) {
                own.truncate(start + length);
            }
            return;
        }
    };
    own.truncate(start);
    own.push_str(&changed);
}
