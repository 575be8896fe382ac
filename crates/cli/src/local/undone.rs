//! A step of an undo: the table, its quarantine and its copies go back to what they were.

use super::{LocalRunner, dates_of, problems};
use assay_console::plan::{Back, Restore};
use assay_console::ports::{Level, StepContext, StepOutcome};
use assay_console::{PlannedStep, RunPlan, Work};
use assay_contract::Problem;
use assay_lake::{Committed, RestoreTo};
use assay_pipeline::{Layer, TableName};

impl LocalRunner<'_> {
    /// Restores what the plan says. Doing it twice changes nothing.
    pub(super) fn restore(
        &self,
        plan: &RunPlan,
        step: &PlannedStep,
        restore: Restore,
        context: &StepContext<'_>,
    ) -> Result<StepOutcome, Problem> {
        let table = TableName::new(&plan.pipeline, step.stage, &step.table);
        let mut outcome = StepOutcome { dates: dates_of(plan), ..StepOutcome::default() };
        if let Some(back) = restore.quarantine {
            let place = (self.lake.quarantine(&table), self.lake.quarantine_name(&table));
            outcome.quarantine_version = Some(self.restore_table(plan, &place, back)?.version);
        }
        if let Some(back) = restore.table {
            let place = (self.lake.folder(&table), self.lake.name(&table));
            let committed = self.restore_table(plan, &place, back)?;
            let opened = self.runtime.block_on(assay_lake::open(&place.0)).map_err(|error| problems::lake(&error))?;
            outcome.version_before = committed.before;
            outcome.version_after = Some(committed.version);
            outcome.rows_out = opened.map(|snapshot| snapshot.rows());
            outcome.table_rows = outcome.rows_out;
            let was = match back {
                Back::Version(version) => format!("is again as in version {version}"),
                Back::Empty => "has no rows, as before its first version".to_owned(),
            };
            context.watch.log(Level::Info, &format!("{} {was}; this is version {}", step.id, committed.version));
        }
        if matches!(step.stage, Layer::Silver | Layer::Gold) {
            let copied = self.copy(plan, (step.stage, &step.table), context, &|_| None);
            copied.map_err(|error| problems::stage(&error))?;
        }
        Ok(outcome)
    }

    fn restore_table(
        &self,
        plan: &RunPlan,
        (folder, name): &(assay_lake::Place, String),
        back: Back,
    ) -> Result<Committed, Problem> {
        let of = match &plan.work {
            Work::Undo(reversal) => reversal.of.join(", "),
            Work::Process | Work::Replay(_) => String::new(),
        };
        let what = assay_lake::Restore {
            folder: folder.clone(),
            environment: self.lake.environment(),
            table: name,
            to: match back {
                Back::Version(version) => RestoreTo::Version(version),
                Back::Empty => RestoreTo::Empty,
            },
            // The plan's versions were compared when the run's turn came; an earlier attempt may have restored it.
            seen: None,
            run: &plan.run,
            definition: &self.ready.definition.digest,
            note: &format!("undid {of}"),
        };
        let restored = self.runtime.block_on(assay_lake::restore(&plan.permit, self.time.now(), what));
        restored.map_err(|error| problems::lake(&error))
    }
}
