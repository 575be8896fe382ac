//! How long a plan may take, from how long its steps took before.

use crate::journal::Timing;
use crate::plan::{RunPlan, RunScope};
use assay_contract::Estimate;
use std::collections::{BTreeMap, BTreeSet};

/// Whether an estimate needs to know how many dates everything is.
pub(super) fn counts_dates(plan: &RunPlan, timings: &[Timing], dated: &dyn Fn(&str) -> bool) -> bool {
    let whole = plan.steps.iter().any(|step| dated(&step.id) && matches!(plan.scope_of(step), RunScope::All));
    whole || timings.iter().any(|timing| dated(&timing.step) && timing.dates.is_none())
}

/// Steps one after the other, each with the median of its past tries, scaled by dates where it goes by dates.
/// `dated` tells which steps do; `known` is how many dates everything is, where
/// [`counts_dates`] asks for it.
pub(super) fn estimate(plan: &RunPlan, timings: &[Timing], dated: &dyn Fn(&str) -> bool, known: usize) -> Estimate {
    let mut past: BTreeMap<&str, Vec<&Timing>> = BTreeMap::new();
    timings.iter().for_each(|timing| past.entry(&timing.step).or_default().push(timing));
    let (mut total, mut runs, mut unknown) = (None, BTreeSet::new(), Vec::new());
    for step in plan.steps.iter().filter(|step| !step.follows) {
        let Some(tries) = past.get(step.id.as_str()) else {
            unknown.push(step.id.clone());
            continue;
        };
        let wanted = match plan.scope_of(step) {
            RunScope::Dates(dates) => dates.len(),
            RunScope::All => known,
        };
        let scaled = tries.iter().map(|timing| match dated(&step.id) {
            false => timing.milliseconds,
            true => {
                let had = timing.dates.map_or(known as u64, u64::from).max(1);
                scale(timing.milliseconds, wanted as u64, had)
            }
        });
        runs.extend(tries.iter().map(|timing| timing.run.as_str()));
        total = Some(total.unwrap_or(0u64).saturating_add(median(scaled.collect())));
    }
    Estimate { milliseconds: total, runs: u32::try_from(runs.len()).unwrap_or(u32::MAX), unknown }
}

fn scale(milliseconds: u64, wanted: u64, had: u64) -> u64 {
    u64::try_from(u128::from(milliseconds) * u128::from(wanted.max(1)) / u128::from(had)).unwrap_or(u64::MAX)
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{day, sample_plan};
    use chrono::DateTime;

    fn timing(run: &str, step: &str, milliseconds: u64, dates: Option<u32>) -> Timing {
        Timing { run: run.into(), step: step.into(), milliseconds, dates }
    }

    #[test]
    fn past_runs_are_scaled_by_dates_and_counted() {
        let mut plan = sample_plan("R", DateTime::UNIX_EPOCH);
        plan.scope = RunScope::Dates((1..=4).map(day).collect());
        let dated = |step: &str| step != "warehouse.daily";
        let nothing = estimate(&plan, &[], &dated, 10);
        assert_eq!((nothing.milliseconds, nothing.runs, nothing.unknown.len()), (None, 0, 3));
        let past = [
            timing("A", "silver.sales", 1000, None),
            timing("B", "silver.sales", 600, Some(2)),
            timing("C", "silver.sales", 100, Some(1)),
            timing("C", "warehouse.daily", 70, Some(1)),
        ];
        // 1,000 over 10 dates, 600 over 2 and 100 over 1 are 400, 1,200 and 400 for 4 dates.
        assert!(counts_dates(&plan, &past, &dated), "one ran over every date");
        assert!(!counts_dates(&plan, &past[1..], &dated));
        let some = estimate(&plan, &past, &dated, 10);
        assert_eq!((some.milliseconds, some.runs, some.unknown), (Some(470), 3, vec!["gold.daily".to_owned()]));
    }
}
