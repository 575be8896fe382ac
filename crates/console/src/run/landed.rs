//! Files that a step reads besides those of the plan: what a feed brought, and what the ledger knows.

use super::schedule::{Outcomes, ancestors, with_dates};
use crate::journal::Journal;
use crate::plan::{PlannedFile, PlannedStep, RunPlan};
use crate::ports::{FilesNow, LedgerEntry, Within};
use assay_contract::Problem;
use assay_pipeline::Layer;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// Adds the files that bronze steps before this one landed for its source. One that took the place of a file which
/// was read before brings the dates of that content along, with all of their files.
pub(super) fn take(
    plan: &mut RunPlan,
    step: &PlannedStep,
    done: &Outcomes,
    journal: &dyn Journal,
    files_now: &FilesNow<'_>,
) -> Result<(), Problem> {
    if step.stage != Layer::Silver {
        return Ok(());
    }
    let before = ancestors(plan, step);
    let outcomes = before.iter().filter_map(|id| done.get(*id));
    let mut landed: Vec<PlannedFile> = outcomes
        .flat_map(|outcome| &outcome.landed)
        .filter(|file| step.source.as_ref() == Some(&file.source))
        .cloned()
        .collect();
    if landed.is_empty() {
        return Ok(());
    }
    let mut held: BTreeMap<String, LedgerEntry> = journal
        .ledger(&plan.pipeline, &plan.environment.name)?
        .into_iter()
        .filter(|entry| step.source.as_ref() == Some(&entry.source))
        .map(|entry| (entry.path.clone(), entry))
        .collect();
    let mut dates = BTreeSet::new();
    for file in &mut landed {
        file.known_dates = held.remove(&file.path).map(|entry| entry.dates.into_keys().collect()).unwrap_or_default();
        dates.extend(file.known_dates.iter().copied());
    }
    if !dates.is_empty() {
        let dates: Vec<NaiveDate> = dates.into_iter().collect();
        plan.scope = with_dates(&plan.scope, &dates);
        let more = files_of_dates(plan, &dates, journal, files_now)?;
        add(plan, more.into_iter().filter(|file| step.source.as_ref() == Some(&file.source)).collect());
    }
    let paths: BTreeSet<String> = landed.iter().map(|file| file.path.clone()).collect();
    plan.files.retain(|file| step.source.as_ref() != Some(&file.source) || !paths.contains(&file.path));
    add(plan, landed);
    Ok(())
}

fn add(plan: &mut RunPlan, files: Vec<PlannedFile>) {
    let known: BTreeSet<(String, String)> =
        plan.files.iter().map(|file| (file.source.clone(), file.path.clone())).collect();
    plan.files.extend(files.into_iter().filter(|file| !known.contains(&(file.source.clone(), file.path.clone()))));
    plan.files.sort_by(|a, b| (&a.source, &a.path).cmp(&(&b.source, &b.path)));
}

/// Files of the ledger that contributed to any of these dates, as they lie there now.
pub(super) fn files_of_dates(
    plan: &RunPlan,
    dates: &[NaiveDate],
    journal: &dyn Journal,
    files_now: &FilesNow<'_>,
) -> Result<Vec<PlannedFile>, Problem> {
    let entries = journal.files_of_dates(&plan.pipeline, &plan.environment.name, dates)?;
    let known: BTreeMap<(String, String), Vec<NaiveDate>> =
        entries.into_iter().map(|entry| ((entry.source, entry.path), entry.dates.into_keys().collect())).collect();
    let within = Within { dates: BTreeSet::new(), paths: known.keys().cloned().collect() };
    let mut files = files_now(Some(&within))?;
    files.retain_mut(|file| match known.get(&(file.source.clone(), file.path.clone())) {
        Some(dates) => {
            file.known_dates.clone_from(dates);
            true
        }
        None => false,
    });
    Ok(files)
}

/// Paths by content tag of the source's files that were read, gave rows or refused records, and are still there.
pub(super) fn read_before(
    plan: &RunPlan,
    source: &str,
    journal: &dyn Journal,
    files_now: &FilesNow<'_>,
) -> Result<BTreeMap<String, String>, Problem> {
    let there: BTreeSet<(String, String)> = files_now(None)?.into_iter().map(|file| (file.source, file.path)).collect();
    let entries = journal.ledger(&plan.pipeline, &plan.environment.name)?;
    // A copy of another file counts all of its records as being elsewhere.
    let gave =
        |entry: &LedgerEntry| entry.counts.elsewhere == 0 || entry.counts.accepted + entry.counts.quarantined > 0;
    let mut paths = BTreeMap::new();
    for entry in entries.into_iter().filter(|entry| entry.source == source).filter(gave) {
        if there.contains(&(entry.source.clone(), entry.path.clone())) {
            paths.entry(entry.tag).or_insert(entry.path);
        }
    }
    Ok(paths)
}
