//! The single pass over the rows: totals, counts of row tests, failing rows.

use crate::column::column;
use crate::comoments::Comoments;
use crate::draft::{Draft, FilterId, RowTest, RowsId, filter_column, outcome_column, row_column};
use crate::engine::{self, Stop, if_wanted};
use crate::error::QualityError;
use crate::failing::{Keeper, PLACE};
use crate::lookup::with_lookup;
use crate::measure::Total;
use crate::report::RowCounts;
use polars::prelude::{
    AllowedOptimizations, AnyValue, BooleanChunked, DataFrame, DataType, Expr, LazyFrame, OptFlags, PlSmallStr,
    PolarsResult, Schema, SchemaExt, len, lit,
};
use std::sync::{Arc, Mutex, PoisonError};

/// What the pass is to compute beside the draft's measures.
pub(crate) struct Wanted<'a> {
    /// For each row test, whether it is evaluated for each row.
    pub tests: &'a [bool],
    /// Keys that occur more than once, by key set.
    pub repeated: &'a [Option<DataFrame>],
    /// Whether the draft's measures are taken; else they have no numbers.
    pub measures: bool,
    /// Where failing rows go.
    pub keeper: Option<Arc<Keeper>>,
}

/// What the pass found.
pub(crate) struct Passed {
    pub rows: u64,
    pub numbers: Vec<Option<f64>>,
    /// Of tests that were evaluated for each row.
    pub counts: Vec<RowCounts>,
}

pub(crate) fn pass(draft: &Draft<'_>, wanted: &Wanted<'_>, stop: &Stop) -> Result<Passed, QualityError> {
    let inputs = Inputs::of(draft, wanted.measures);
    let looker = Arc::new(Looker::of(draft, wanted, &inputs, stop));
    let prepared = prepared(draft, wanted, &inputs, stop)?;
    let names: Vec<PlSmallStr> = (0..inputs.values.len()).map(value_column).collect();
    let (look, shape) = (Arc::clone(&looker), names.clone());
    let schema = move |input: &Schema| {
        let field = |name: &PlSmallStr| input.try_get_field(name);
        Ok(Arc::new(shape.iter().map(field).collect::<PolarsResult<Schema>>()?))
    };
    // The function counts beside its result, so that no column may be left out before it.
    let flags: AllowedOptimizations = OptFlags::STREAMING;
    let seen = prepared.map(move |rows| look.batch(rows, &names), flags, Some(Arc::new(schema)), Some("rules"));
    let totals = engine::collect(seen.select(inputs.totals()), stop, draft.data.cancelled)?;
    let state = looker.state.lock().unwrap_or_else(PoisonError::into_inner);
    let finished = inputs.finish(draft, &totals, &state.pairs);
    Ok(Passed { rows: state.rows, numbers: finished, counts: state.counts.clone() })
}

/// The values that measures add up, each once.
struct Inputs {
    values: Vec<Expr>,
    totals: Vec<(usize, Total)>,
    /// For each measure, which totals it is made of.
    parts: Vec<Vec<usize>>,
    /// Two values each, and the measure that they are for.
    pairs: Vec<(usize, [Expr; 2])>,
}

impl Inputs {
    fn of(draft: &Draft<'_>, measures: bool) -> Self {
        // Rows are seen by a value, also when nothing is measured.
        let mut this = Self { values: vec![lit(true)], totals: Vec::new(), parts: Vec::new(), pairs: Vec::new() };
        for (at, (measure, filter)) in draft.measures.iter().enumerate().filter(|_| measures) {
            let parts = measure.parts(&draft.schema).into_iter();
            let parts = parts.map(|(value, total)| this.total(draft.kept(value, *filter), total)).collect();
            this.parts.push(parts);
            if let Some(pair) = measure.pair() {
                this.pairs.push((at, pair.map(|value| draft.kept(value, *filter))));
            }
        }
        this
    }

    fn total(&mut self, value: Expr, total: Total) -> usize {
        let value = place_of(&mut self.values, value);
        place_of(&mut self.totals, (value, total))
    }

    fn columns(&self) -> Vec<Expr> {
        let values = self.values.iter().enumerate().map(|(at, value)| value.clone().alias(value_column(at)));
        let sides = |(at, (_, pair)): (usize, &(usize, [Expr; 2]))| {
            [0, 1].map(|side| pair[side].clone().alias(pair_column(at, side)))
        };
        values.chain(self.pairs.iter().enumerate().flat_map(sides)).collect()
    }

    fn totals(&self) -> Vec<Expr> {
        let total = |(at, (value, total)): (usize, &(usize, Total))| {
            total.of(column(&value_column(*value))).alias(PlSmallStr::from_string(format!("total{at}")))
        };
        // Without a total there would be nothing to select, and the batches would not be asked for.
        let rows = len().alias("rows");
        self.totals.iter().enumerate().map(total).chain([rows]).collect()
    }

    fn finish(&self, draft: &Draft<'_>, totals: &DataFrame, pairs: &[Comoments]) -> Vec<Option<f64>> {
        let value = |at: &usize| totals.columns().get(*at).and_then(|total| total.get(0).ok());
        let number = |(at, (measure, _)): (usize, &(crate::measure::Measure, Option<FilterId>))| {
            let pair = self.pairs.iter().position(|(of, _)| *of == at);
            match pair.and_then(|pair| pairs.get(pair)) {
                Some(pair) => pair.correlation(),
                None if self.parts.is_empty() => None,
                None => measure
                    .finish(&self.parts[at].iter().map(|at| value(at).unwrap_or(AnyValue::Null)).collect::<Vec<_>>()),
            }
        };
        draft.measures.iter().enumerate().map(number).collect()
    }
}

fn place_of<T: PartialEq>(known: &mut Vec<T>, wanted: T) -> usize {
    known.iter().position(|known| *known == wanted).unwrap_or_else(|| {
        known.push(wanted);
        known.len() - 1
    })
}

fn value_column(at: usize) -> PlSmallStr {
    PlSmallStr::from_string(format!("\u{1}value{at}"))
}

fn pair_column(at: usize, side: usize) -> PlSmallStr {
    PlSmallStr::from_string(format!("\u{1}pair{at}{}", ["x", "y"][side]))
}

/// The rows with everything that a batch is asked for, and no column more.
fn prepared(draft: &Draft<'_>, wanted: &Wanted<'_>, inputs: &Inputs, stop: &Stop) -> Result<LazyFrame, QualityError> {
    let mut rows = engine::gated(draft.data.rows.clone(), stop);
    if wanted.keeper.is_some() {
        rows = rows.with_row_index(PLACE, None);
    }
    let tests = || draft.rows.iter().enumerate().filter(|(at, _)| wanted.tests[*at]);
    let mut lookups: Vec<usize> = tests().flat_map(|(_, test)| test.lookups.iter().map(|id| id.0)).collect();
    lookups.sort_unstable();
    lookups.dedup();
    for id in lookups {
        rows = with_lookup(rows, draft, id, wanted.repeated, stop)?;
    }
    let filters: Vec<Expr> = (draft.filters.iter().enumerate())
        .map(|(at, (_, kept))| kept.clone().cast(DataType::Boolean).alias(filter_column(at)))
        .collect();
    let (simple, composed): (Vec<_>, Vec<_>) = tests().partition(|(_, test)| test.parts.is_empty());
    let every = wanted.keeper.as_ref().is_some_and(|keeper| keeper.every());
    let in_parts = |at: usize| draft.rows.iter().any(|test| test.parts.contains(&RowsId(at)));
    let outcome = |at: usize| draft.outcome(RowsId(at)).alias(outcome_column(at));
    let outcomes = |tests: &[(usize, &RowTest)]| -> Vec<Expr> {
        tests.iter().filter(|(at, _)| every || in_parts(*at)).map(|(at, _)| outcome(*at)).collect()
    };
    let columns: Vec<PlSmallStr> = match wanted.keeper {
        Some(_) => [PLACE.into()].into_iter().chain(draft.schema.iter_names().cloned()).collect(),
        None => Vec::new(),
    };
    let kept = columns.into_iter().chain((0..filters.len()).map(filter_column));
    let kept = kept.chain(tests().map(|(at, _)| row_column(at)));
    let kept = kept.chain(tests().filter(|_| every).map(|(at, _)| outcome_column(at)));
    let kept = kept.chain((0..inputs.values.len()).map(value_column));
    let kept = kept.chain((0..inputs.pairs.len()).flat_map(|at| [0, 1].map(|side| pair_column(at, side))));
    let kept: Vec<Expr> = kept.map(|name| column(&name)).collect();
    rows = rows.with_columns(filters).with_columns(said(&simple)).with_columns(outcomes(&simple));
    rows = rows.with_columns(said(&composed)).with_columns(outcomes(&composed));
    // A literal selected alone would be one row.
    Ok(rows.with_columns(inputs.columns()).select(kept))
}

fn said(tests: &[(usize, &RowTest)]) -> Vec<Expr> {
    let said = |(at, test): &(usize, &RowTest)| test.test.clone().cast(DataType::Boolean).alias(row_column(*at));
    tests.iter().map(said).collect()
}

/// Looks at every batch, in whatever order and on whatever thread it comes.
struct Looker {
    stop: Stop,
    /// Row tests and their filters; none for a test that is not evaluated for each row.
    tests: Vec<Option<Option<FilterId>>>,
    pairs: usize,
    keeper: Option<Arc<Keeper>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rows: u64,
    counts: Vec<RowCounts>,
    pairs: Vec<Comoments>,
}

impl Looker {
    fn of(draft: &Draft<'_>, wanted: &Wanted<'_>, inputs: &Inputs, stop: &Stop) -> Self {
        let tests: Vec<_> =
            draft.rows.iter().zip(wanted.tests).map(|(test, wanted)| wanted.then_some(test.filter)).collect();
        let state = State {
            rows: 0,
            counts: vec![RowCounts::default(); tests.len()],
            pairs: vec![Comoments::default(); inputs.pairs.len()],
        };
        Self {
            stop: Arc::clone(stop),
            tests,
            pairs: inputs.pairs.len(),
            keeper: wanted.keeper.clone(),
            state: Mutex::new(state),
        }
    }

    fn batch(&self, rows: DataFrame, values: &[PlSmallStr]) -> PolarsResult<DataFrame> {
        if_wanted(&self.stop)?;
        let mut counts = vec![RowCounts::default(); self.tests.len()];
        let mut failing: Vec<Option<BooleanChunked>> = vec![None; self.tests.len()];
        for (at, filter) in self.tests.iter().enumerate() {
            let Some(filter) = filter else { continue };
            let said = rows.column(&row_column(at))?.bool()?;
            let (count, fails) = match filter {
                Some(id) => counted(said, Some(rows.column(&filter_column(id.0))?.bool()?)),
                None => counted(said, None),
            };
            counts[at] = count;
            failing[at] = (count.failed > 0).then_some(fails);
        }
        let pairs = (0..self.pairs).map(|at| pair(&rows, at)).collect::<PolarsResult<Vec<_>>>()?;
        if let Some(keeper) = &self.keeper {
            if keeper.every() {
                for (at, fails) in failing.iter_mut().enumerate().filter(|(at, _)| self.tests[*at].is_some()) {
                    let said = rows.column(&outcome_column(at))?.bool()?;
                    *fails = Some(!said);
                }
            }
            keeper.batch(&rows, &failing)?;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rows += rows.height() as u64;
        for (sum, count) in state.counts.iter_mut().zip(counts) {
            sum.passed += count.passed;
            sum.failed += count.failed;
            sum.skipped += count.skipped;
        }
        for (sum, pair) in state.pairs.iter_mut().zip(pairs) {
            *sum = sum.merge(pair);
        }
        drop(state);
        rows.select(values.iter().cloned())
    }
}

/// Counts of what a test says of the rows that its filter keeps, and the rows of which it says no.
fn counted(said: &BooleanChunked, filter: Option<&BooleanChunked>) -> (RowCounts, BooleanChunked) {
    let fails = !said;
    let (passes, fails) = match filter {
        Some(kept) => (said & kept, fails & kept.clone()),
        None => (said.clone(), fails),
    };
    let number = |column: &BooleanChunked| u64::from(column.sum().unwrap_or_default());
    let kept = filter.map_or(said.len() as u64, number);
    let (passed, failed) = (number(&passes), number(&fails));
    (RowCounts { passed, failed, skipped: kept - passed - failed }, fails)
}

fn pair(rows: &DataFrame, at: usize) -> PolarsResult<Comoments> {
    let side = |side| rows.column(&pair_column(at, side))?.f64().cloned();
    let (left, right) = (side(0)?, side(1)?);
    let both: Vec<(f64, f64)> = left.iter().zip(right.iter()).filter_map(|(x, y)| x.zip(y)).collect();
    Ok(Comoments::of(both.iter().copied()))
}
