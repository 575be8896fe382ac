//! `Uniqueness "column" …`: the share of rows whose key occurs in no other row, 0 to 1.
//!
//! Nulls: a row that is null in all key columns counts neither above nor below; null in some of several columns is a
//! value like another.
//! Rows: a row fails when another row has the same key. Two rows with a null key have the same key, so both fail while
//! the share does not see them; a single one passes.
//! Profiles: no difference.
//!
//! ```dqdl
//! Uniqueness "invoice" "stock_code" > 0.98
//! ```

use super::ask::{columns, condition, key_metric, metric, names};
use super::{Fate, Fates, Finding, Planned, Refusal};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Aside, Counted, Draft, FilterId, KeysId, Lookup, LookupId, RowTest, RowsId, filter_column};
use crate::keys::Occurrences;
use crate::numbers::NumberTest;
use assay_dqdl::RuleType;
use assay_dqdl::tree::{Check, Operator};
use polars::prelude::{Expr, PlSmallStr};

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = key_metric(&names(check), "Uniqueness");
    let test = condition(check, &name, draft)?;
    planned(check, draft, name, test, Occurrences::uniqueness)
}

/// All rows must have a key of their own.
pub(super) fn plan_whole(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let name = key_metric(&names(check), "Uniqueness");
    planned(check, draft, name, NumberTest { op: Operator::Equal, operands: vec![Some(1.0)] }, Occurrences::uniqueness)
}

pub(super) fn planned(
    check: &Check,
    draft: &mut Draft<'_>,
    name: String,
    test: NumberTest,
    value: fn(&Occurrences) -> Option<f64>,
) -> Result<Planned, Refusal> {
    let columns = columns(check, draft)?;
    let filter = draft.filter(check)?;
    let keys = draft.keys(columns.clone(), filter);
    let written = format!("List({})", names(check).join(", "));
    // The open evaluator computes this ratio without looking whether there is anything.
    let passes_empty = check.kind != RuleType::UniqueValueRatio || draft.profile() == Profile::Glue;
    let rows = unrepeated(draft, columns, keys, filter);
    let fate = silent_without_keys(draft, keys);
    let planned = Planned::by_row(rows, move |measured| match value(measured.keys(keys)) {
        Some(value) => Finding::of(test.holds(value), value, metric(name, value)),
        None => Finding::empty("Uniqueness", &written, filter.is_some() && passes_empty),
    });
    Ok(planned.fated(fate))
}

/// Without a key in any row the open evaluator says nothing of rows.
pub(super) fn silent_without_keys(draft: &Draft<'_>, keys: KeysId) -> Option<Fates> {
    (draft.profile() == Profile::Deequ).then(|| -> Fates {
        Box::new(move |measured| if measured.keys(keys).present() == 0 { Fate::Silent } else { Fate::AsTested })
    })
}

/// The meaning of uniqueness for a row.
fn unrepeated(draft: &mut Draft<'_>, columns: Vec<PlSmallStr>, keys: KeysId, filter: Option<FilterId>) -> RowsId {
    let (lookups, once) = once(draft, &columns, keys, filter);
    let mut test = RowTest::of(once, filter, columns, "occurs in another row too");
    test.lookups = lookups;
    test.counted = Some(Counted::Repeated(keys));
    draft.rows_aside(test, Aside::Tested)
}

/// Whether the row's key occurs in one of the rows that the filter keeps, and what to look up for it.
pub(super) fn once(
    draft: &mut Draft<'_>,
    columns: &[PlSmallStr],
    keys: KeysId,
    filter: Option<FilterId>,
) -> (Vec<LookupId>, Expr) {
    let (lookup, repeated) = draft.lookup(Lookup::Repeated(keys));
    let Some(FilterId(filter)) = filter.filter(|_| draft.profile() == Profile::Deequ) else {
        return (vec![lookup], repeated.not());
    };
    // A row for which the filter is null is none of those that are counted, yet the open evaluator tests it.
    let own: Vec<Expr> = columns.iter().map(column).collect();
    let frame = draft.data.rows.clone().filter(draft.filters[filter].1.clone());
    let (known, kept) = draft.lookup(Lookup::Among { keys: own.clone(), others: own, frame, nulls: true });
    let counted = Expr::Column(filter_column(filter)).is_not_null();
    (vec![lookup, known], repeated.not().and(counted.or(kept)))
}
