//! `DistinctValuesCount "column"`: how many different values the column has.
//!
//! Nulls: null counts as one value.
//! Rows: none; the rule is about the dataset.
//! Numbers: NaN is one value; 0.0 and -0.0 are two, as their texts differ.
//! Profiles: in `deequ` null and the text `NullValue` are the same value.
//!
//! ```dqdl
//! DistinctValuesCount "country" between 2 and 250
//! ```

use super::ask::{condition, metric, one_column};
use super::{Finding, Planned, Refusal};
use crate::column::column;
use crate::data::Profile;
use crate::draft::Draft;
use crate::measure::Measure;
use assay_dqdl::tree::Check;
use polars::prelude::{DataType, lit};

/// What the open evaluator puts in the place of null.
const NULL_TEXT: &str = "NullValue";

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let written = one_column(check)?;
    let name = format!("Column.{written}.DistinctValuesCount");
    let (found, dtype) = draft.column(written)?;
    if draft.profile() == Profile::Deequ && written.contains('`') {
        return Err(Refusal::failed(format!("Column {written} not found")));
    }
    let test = condition(check, &name, draft)?;
    let filter = draft.filter(check)?;
    let keys = draft.keys(vec![found.clone()], filter);
    let zeros = dtype.is_float().then(|| {
        let zero = || column(&found).eq(lit(0.0));
        let negative = || (lit(1.0) / column(&found)).lt(lit(0.0));
        [zero().and(negative()), zero().and(negative().not())].map(|sign| draft.measure(Measure::True(sign), filter))
    });
    let texts = (dtype == DataType::String && draft.profile() == Profile::Deequ).then(|| {
        let tests = [column(&found).eq(lit(NULL_TEXT)), column(&found).is_null()];
        tests.map(|test| draft.measure(Measure::True(test), filter))
    });
    Ok(Planned::whole(move |measured| {
        let both = |pair: &Option<[_; 2]>| pair.is_some_and(|ids| ids.iter().all(|id| measured.count(*id) > 0.0));
        let more = f64::from(u8::from(both(&zeros))) - f64::from(u8::from(both(&texts)));
        let value = measured.keys(keys).distinct_with_null() as f64 + more;
        Finding::of_count(test.holds(value), value, metric(name, value))
    }))
}
