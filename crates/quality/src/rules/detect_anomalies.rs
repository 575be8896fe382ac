//! `DetectAnomalies "metric" …`: the service compares a metric with what it learned of earlier ones.
//!
//! Rows: none; the rule is about the dataset.
//! Profiles: evaluated by the service alone; its model is not public.
//!
//! ```dqdl
//! DetectAnomalies "RowCount"
//! ```

use super::{Planned, Refusal};
use crate::draft::Draft;
use assay_dqdl::tree::Check;

pub(super) fn plan(_: &Check, _: &mut Draft<'_>) -> Result<Planned, Refusal> {
    Err(Refusal::remote("anomalies are found by a model that only the service has"))
}
