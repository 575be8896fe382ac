//! `IsPrimaryKey "column" …`: no two rows have the same key, and every row has a value in every key column.
//!
//! Nulls: a null in a key column fails.
//! Rows: a row fails when another row has the same key or when it has a null in its key.
//! Profiles: with several columns `deequ` looks at uniqueness alone.
//!
//! ```dqdl
//! IsPrimaryKey "order_id" "line"
//! ```

use super::ask::{columns, key_metric, names};
use super::completeness::{present, share};
use super::{Finding, Planned, Refusal, shown, unmet};
use crate::column::column;
use crate::data::Profile;
use crate::draft::{Aside, Counted, Draft, FilterId, KeysId, Lookup, RowTest, RowsId};
use assay_dqdl::tree::Check;
use polars::prelude::{Expr, PlSmallStr};

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let columns = columns(check, draft)?;
    let filter = draft.filter(check)?;
    let keys = draft.keys(columns.clone(), filter);
    let complete: Vec<_> = columns.iter().map(|name| present(draft, name.clone(), filter)).collect();
    let judged_complete = columns.len() == 1 || draft.profile() == Profile::Glue;
    let rows = keyed(draft, columns, keys, filter, judged_complete);
    let written: Vec<String> = names(check).into_iter().map(str::to_owned).collect();
    Ok(Planned::by_row(rows, move |measured| {
        let names: Vec<&str> = written.iter().map(String::as_str).collect();
        let Some(unique) = measured.keys(keys).uniqueness() else {
            return Finding::empty("Uniqueness", &format!("List({})", names.join(", ")), filter.is_some());
        };
        let mut metrics = vec![(key_metric(&names, "Uniqueness"), unique)];
        let mut unmet_by: Vec<f64> = [unique].into_iter().filter(|share| *share != 1.0).collect();
        for (name, rows) in names.iter().zip(&complete) {
            let Some(value) = share(measured, *rows) else { continue };
            if judged_complete {
                metrics.push((format!("Column.{name}.Completeness"), value));
            }
            if judged_complete && value != 1.0 {
                unmet_by.push(value);
            }
        }
        match unmet_by.is_empty() {
            true => Finding::passed(metrics),
            false => {
                let reasons: Vec<String> = unmet_by.into_iter().map(|value| unmet(&shown(value))).collect();
                Finding::failed(reasons.join("\n"), metrics)
            }
        }
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
    let (lookup, repeated) = draft.lookup(Lookup::Repeated(keys));
    let present = columns.iter().map(|name| column(name).is_not_null());
    let (test, counted) = match complete {
        true => (present.fold(repeated.not(), Expr::and), Counted::RepeatedOrNull(keys)),
        false => (repeated.not(), Counted::Repeated(keys)),
    };
    let mut test = RowTest::of(test, filter, columns, "is no key: it occurs in another row too");
    test.lookups = vec![lookup];
    test.counted = Some(counted);
    draft.rows_aside(test, Aside::Tested)
}
