//! What the rules of a ruleset ask for, each thing once, before any row is read.

use crate::data::{Data, Profile};
use crate::measure::{Beyond, Measure};
use crate::rules::{Fate, Refusal};
use assay_dqdl::tree::{Check, Number, Test};
use polars::prelude::{DataType, Expr, LazyFrame, LiteralValue, PlSmallStr, SchemaRef, lit, when};
use std::cell::RefCell;

/// A filter of rows: what a `where` keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FilterId(pub usize);
/// A number over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MeasureId(pub usize);
/// How often each key occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeysId(pub usize);
/// Whether a row is among the rows of another frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LookupId(pub usize);
/// What a rule says of each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowsId(pub usize);
/// A small frame computed beside the pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct QueryId(pub usize);

/// What is known of a dataset before it is read, and what rules asked of it.
pub(crate) struct Draft<'a> {
    pub data: &'a Data<'a>,
    pub schema: SchemaRef,
    pub filters: Vec<(String, Expr)>,
    pub measures: Vec<(Measure, Option<FilterId>)>,
    pub keys: Vec<KeySet>,
    pub lookups: Vec<Lookup>,
    pub queries: Vec<(String, LazyFrame)>,
    pub rows: Vec<RowTest>,
    /// Metrics of completeness that the open evaluator takes for one rule and shows with others on the same column.
    pub complete: Vec<Complete>,
    /// Conditions with earlier values put in, each with the place of the condition that it is of.
    pub resolved: RefCell<Vec<Test<Number>>>,
}

/// A metric's name, and the rows with a value by the rows that it is made of.
#[derive(Debug, Clone)]
pub(crate) struct Complete {
    pub metric: String,
    pub present: MeasureId,
    pub rows: MeasureId,
}

/// Columns whose values together are a key, and the rows that count.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeySet {
    pub columns: Vec<PlSmallStr>,
    pub filter: Option<FilterId>,
}

/// Adds a boolean column that is true where the row's key is among the keys of another frame, and never null.
#[allow(clippy::large_enum_variant, reason = "a ruleset has few of them")]
pub(crate) enum Lookup {
    /// Keys that occur more than once in the dataset itself; nulls are equal to each other.
    Repeated(KeysId),
    Among {
        /// Over the dataset's own columns.
        keys: Vec<Expr>,
        /// As many, over `frame`; it need not be distinct.
        others: Vec<Expr>,
        frame: LazyFrame,
        /// Whether a null is found among nulls; else a row with a null in its key is not found.
        nulls: bool,
    },
}

/// A rule's meaning for a row.
#[derive(Clone)]
pub(crate) struct RowTest {
    /// True, false, or null for a row of which the rule says nothing. Never fails on data.
    pub test: Expr,
    /// Rows that it leaves out pass, and are not counted.
    pub filter: Option<FilterId>,
    /// What is said of a row for which the filter is neither true nor false.
    pub aside: Aside,
    /// Lookups whose column `test` reads.
    pub lookups: Vec<LookupId>,
    /// What a failing row's reason names; where one of them is null in the row, the reason says so.
    pub columns: Vec<PlSmallStr>,
    /// What the row does not do, without values: `does not meet the constraint > 0`.
    pub requirement: String,
    /// Where the counts follow from the occurrences of keys, so that counting alone needs no lookup.
    pub counted: Option<Counted>,
    /// Tests of which this one is composed; `test` reads their outcomes.
    pub parts: Vec<RowsId>,
}

impl RowTest {
    /// A test of the row by itself.
    pub fn of(test: Expr, filter: Option<FilterId>, columns: Vec<PlSmallStr>, requirement: impl Into<String>) -> Self {
        Self {
            test,
            filter,
            aside: Aside::Passes,
            lookups: Vec::new(),
            columns,
            requirement: requirement.into(),
            counted: None,
            parts: Vec::new(),
        }
    }
}

/// What a rule says of a row for which its filter is null. The open evaluator is of several minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Aside {
    #[default]
    Passes,
    Skips,
    /// The test decides.
    Tested,
}

/// Which rows fail by how often their key occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Those whose key another row has too.
    Repeated(KeysId),
    /// Those, and those with a null in the key.
    RepeatedOrNull(KeysId),
}

impl<'a> Draft<'a> {
    pub fn new(data: &'a Data<'a>, schema: SchemaRef) -> Self {
        Self {
            data,
            schema,
            filters: Vec::new(),
            measures: Vec::new(),
            keys: Vec::new(),
            lookups: Vec::new(),
            queries: Vec::new(),
            rows: Vec::new(),
            complete: Vec::new(),
            resolved: RefCell::default(),
        }
    }

    pub fn profile(&self) -> Profile {
        self.data.profile
    }

    /// What becomes of sums that their type does not hold.
    pub fn beyond(&self) -> Beyond {
        match self.profile() {
            Profile::Glue => Beyond::Kept,
            Profile::Deequ => Beyond::AsSpark,
        }
    }

    /// The column of this name, capitals aside, as the dataset spells it, and its type.
    pub fn column(&self, name: &str) -> Result<(PlSmallStr, DataType), Refusal> {
        match self.profile() {
            Profile::Glue => self.quoted_column(name),
            Profile::Deequ => crate::column::find_plain(&self.schema, name),
        }
    }

    /// The same where the open evaluator puts the name in backticks itself, so that it may hold a dot.
    pub fn quoted_column(&self, name: &str) -> Result<(PlSmallStr, DataType), Refusal> {
        if self.profile() == Profile::Deequ {
            return crate::column::find_alone(&self.schema, name);
        }
        match crate::column::find(&self.schema, name) {
            // The language leaves a quote escaped in a name, where no service could find the column.
            Err(refusal) if name.contains("\\\"") => {
                crate::column::find(&self.schema, &name.replace("\\\"", "\"")).map_err(|_| refusal)
            }
            found => found,
        }
    }

    /// What the check's `where` keeps; none where it has none.
    pub fn filter(&mut self, check: &Check) -> Result<Option<FilterId>, Refusal> {
        let Some(text) = &check.filter else { return Ok(None) };
        if let Some(known) = self.filters.iter().position(|(known, _)| known == text) {
            return Ok(Some(FilterId(known)));
        }
        let kept = crate::sql::filter(text, &self.schema, self.data.now).map_err(|refusal| match refusal {
            Refusal::Failed(reason) => Refusal::Unread(reason),
            other => other,
        })?;
        self.filters.push((text.clone(), kept));
        Ok(Some(FilterId(self.filters.len() - 1)))
    }

    /// The condition with earlier values of the metric in the place of `last(k)`.
    pub fn resolved(&self, test: &Test<Number>, metric: &str, filter: Option<&str>) -> Result<Test<Number>, Refusal> {
        let found = crate::history::resolve(test, metric, filter, self.data.history)?;
        if found != *test {
            self.resolved.borrow_mut().push(found.clone());
        }
        Ok(found)
    }

    pub fn measure(&mut self, measure: Measure, filter: Option<FilterId>) -> MeasureId {
        MeasureId(once(&mut self.measures, (measure, filter)))
    }

    /// Notes that a rule takes the completeness of a column.
    pub fn complete(&mut self, written: &str, column: &PlSmallStr, filter: Option<FilterId>) {
        if self.profile() == Profile::Deequ {
            let present = self.measure(Measure::Present(column.clone()), filter);
            let rows = self.measure(Measure::Rows, filter);
            self.complete.push(Complete { metric: format!("Column.{written}.Completeness"), present, rows });
        }
    }

    /// Columns as the dataset spells them.
    pub fn keys(&mut self, columns: Vec<PlSmallStr>, filter: Option<FilterId>) -> KeysId {
        let mut distinct: Vec<PlSmallStr> = Vec::with_capacity(columns.len());
        columns.into_iter().for_each(|column| _ = once(&mut distinct, column));
        KeysId(once(&mut self.keys, KeySet { columns: distinct, filter }))
    }

    /// The boolean column that the lookup adds, for use in a row test that names the lookup.
    pub fn lookup(&mut self, lookup: Lookup) -> (LookupId, Expr) {
        let known = match &lookup {
            Lookup::Repeated(keys) => {
                self.lookups.iter().position(|other| matches!(other, Lookup::Repeated(known) if known == keys))
            }
            Lookup::Among { .. } => None,
        };
        let id = known.unwrap_or_else(|| {
            self.lookups.push(lookup);
            self.lookups.len() - 1
        });
        (LookupId(id), Expr::Column(lookup_column(id)))
    }

    /// A frame of few rows, computed beside the pass; `name` tells apart what is asked, so that it is asked once.
    pub fn query(&mut self, name: String, frame: LazyFrame) -> QueryId {
        if let Some(known) = self.queries.iter().position(|(known, _)| *known == name) {
            return QueryId(known);
        }
        self.queries.push((name, frame));
        QueryId(self.queries.len() - 1)
    }

    pub fn rows(&mut self, test: RowTest) -> RowsId {
        self.rows.push(test);
        RowsId(self.rows.len() - 1)
    }

    /// Puts other tests in the place of those that are not as they were asked.
    pub fn settle(&mut self, fates: &[(RowsId, Fate)]) {
        for (id, fate) in fates {
            self.rows[id.0] = match fate {
                Fate::AsTested | Fate::Silent => continue,
                Fate::Fails => RowTest::of(lit(false), None, Vec::new(), "nothing of it could be measured"),
                Fate::As(other) => self.rows[other.0].clone(),
            };
        }
    }

    /// A number that is 0 where the filter is null for every row; none without a filter.
    pub fn filter_says(&mut self, filter: Option<FilterId>) -> Option<MeasureId> {
        filter.map(|FilterId(id)| self.measure(Measure::True(Expr::Column(filter_column(id)).is_not_null()), None))
    }

    /// `value` for rows that the filter keeps, else null.
    pub fn kept(&self, value: Expr, filter: Option<FilterId>) -> Expr {
        match filter {
            Some(FilterId(id)) => when(Expr::Column(filter_column(id))).then(value).otherwise(null()),
            None => value,
        }
    }

    /// Registers a test whose filter, where it is null, means `aside` to the open evaluator.
    pub fn rows_aside(&mut self, mut test: RowTest, aside: Aside) -> RowsId {
        if self.profile() == Profile::Deequ {
            test.aside = aside;
        }
        self.rows(test)
    }

    /// What a test says of a row in the end, rows that its filter leaves out passing.
    pub fn outcome(&self, id: RowsId) -> Expr {
        let (test, said) = (&self.rows[id.0], Expr::Column(row_column(id.0)));
        let Some(FilterId(filter)) = test.filter else { return said };
        let kept = || Expr::Column(filter_column(filter));
        let aside = match test.aside {
            Aside::Passes => lit(true),
            Aside::Skips => null().cast(DataType::Boolean),
            Aside::Tested => said.clone(),
        };
        when(kept().is_null()).then(aside).otherwise(when(kept()).then(said).otherwise(lit(true)))
    }
}

fn null() -> Expr {
    lit(LiteralValue::untyped_null())
}

fn once<T: PartialEq>(known: &mut Vec<T>, wanted: T) -> usize {
    known.iter().position(|known| *known == wanted).unwrap_or_else(|| {
        known.push(wanted);
        known.len() - 1
    })
}

/// Columns that the pass adds; no column of data begins with this character.
pub(crate) fn filter_column(id: usize) -> PlSmallStr {
    PlSmallStr::from_string(format!("\u{1}filter{id}"))
}

pub(crate) fn lookup_column(id: usize) -> PlSmallStr {
    PlSmallStr::from_string(format!("\u{1}found{id}"))
}

pub(crate) fn row_column(id: usize) -> PlSmallStr {
    PlSmallStr::from_string(format!("\u{1}row{id}"))
}

pub(crate) fn outcome_column(id: usize) -> PlSmallStr {
    PlSmallStr::from_string(format!("\u{1}outcome{id}"))
}
