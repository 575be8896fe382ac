//! `IsPrimaryKey "column" …`: no two rows have the same key, and every row has a value in every key column.
//!
//! Nulls: a null in a key column fails.
//! Rows: a row fails when another row has the same key or when it has a null in its key.
//! Profiles: with several columns `deequ` looks at uniqueness alone.
//!
//! ```dqdl
//! IsPrimaryKey "order_id" "line"
//! ```

use super::ask::{columns, key_metric, names, one_column};
use super::completeness::{lost, present, share};
use super::uniqueness::{once, silent_without_keys};
use super::{Fate, Fates, Finding, Planned, Refusal, shown, unmet};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Aside, Counted, Draft, FilterId, KeysId, RowTest, RowsId, filter_column};
use assay_dqdl::tree::Check;
use polars::prelude::{Expr, NULL, PlSmallStr, lit, when};

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let columns = columns(check, draft)?;
    let filter = draft.filter(check)?;
    let keys = draft.keys(columns.clone(), filter);
    let complete: Vec<_> = columns.iter().map(|name| present(draft, name.clone(), filter)).collect();
    let judged_complete = names(check).len() == 1 || draft.profile() == Profile::Glue;
    if judged_complete {
        draft.complete(one_column(check)?, &columns[0], filter);
    }
    let rows = keyed(draft, columns, keys, filter, judged_complete);
    let fate = fate(draft, keys, filter, complete.first().copied().filter(|_| judged_complete));
    let written: Vec<String> = names(check).into_iter().map(str::to_owned).collect();
    let planned = Planned::by_row(rows, move |measured| {
        let names: Vec<&str> = written.iter().map(String::as_str).collect();
        let mut shares = Vec::new();
        for (name, rows) in names.iter().zip(&complete).filter(|_| judged_complete) {
            let Some(value) = share(measured, *rows) else { continue };
            shares.push((format!("Column.{name}.Completeness"), value));
        }
        let wrong = shares.iter().filter(|(_, share)| *share != 1.0);
        let reasons: Vec<String> = wrong.map(|(_, share)| unmet(&shown(*share))).collect();
        let complete = match reasons.is_empty() {
            true => Finding::passed(shares),
            false => Finding::failed(reasons.join("\n"), shares),
        };
        let unique = match measured.keys(keys).uniqueness() {
            Some(unique) => Finding::of(unique == 1.0, unique, vec![(key_metric(&names, "Uniqueness"), unique)]),
            None => Finding::empty("Uniqueness", &format!("List({})", names.join(", ")), filter.is_some()),
        };
        // Of a key of several columns the open evaluator shows what other rules take.
        let others = names.iter().map(|name| format!("Column.{name}.Completeness")).filter(|_| !judged_complete);
        let others = others.filter_map(|name| measured.complete(&name).map(|share| (name, share)));
        unique.and(complete).and(Finding::passed(others.collect()))
    });
    Ok(planned.fated(fate))
}

/// Where no row has a key, the open evaluator asks rows whether they are complete, and of a key of several columns
/// nothing.
fn fate(draft: &mut Draft<'_>, keys: KeysId, filter: Option<FilterId>, complete: Option<RowsId>) -> Option<Fates> {
    let silent = silent_without_keys(draft, keys)?;
    let Some(complete) = complete else { return Some(silent) };
    let lost = lost(draft, filter);
    Some(Box::new(move |measured| match lost.as_ref().map_or(Fate::AsTested, |lost| lost(measured)) {
        Fate::AsTested if silent(measured) == Fate::Silent => Fate::As(complete),
        fate => fate,
    }))
}

/// The meaning of a primary key for a row.
fn keyed(
    draft: &mut Draft<'_>,
    columns: Vec<PlSmallStr>,
    keys: KeysId,
    filter: Option<FilterId>,
    complete: bool,
) -> RowsId {
    let (lookups, once) = once(draft, &columns, keys, filter);
    let mut present = columns.iter().map(|name| column(name).is_not_null());
    let (test, counted) = match (complete, filter, draft.profile()) {
        // Completeness says nothing of a row for which the filter is null.
        (true, Some(FilterId(filter)), Profile::Deequ) => {
            let said = when(Expr::Column(filter_column(filter)).is_not_null());
            let present = present.next().unwrap_or(lit(true));
            (once.and(said.then(present).otherwise(lit(NULL))), Counted::RepeatedOrNull(keys))
        }
        (true, ..) => (present.fold(once, Expr::and), Counted::RepeatedOrNull(keys)),
        (false, ..) => (once, Counted::Repeated(keys)),
    };
    let mut test = RowTest::of(test, filter, columns, "is no key: it occurs in another row too");
    test.lookups = lookups;
    test.counted = Some(counted);
    draft.rows_aside(test, Aside::Tested)
}
