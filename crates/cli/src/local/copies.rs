//! The part of a step after the commit: the table's copies in plain files.

use super::LocalRunner;
use super::watch::StageWatch;
use crate::render::words::{count, counted};
use assay_console::RunPlan;
use assay_console::ports::{Level, StepContext};
use assay_pipeline::{Layer, Publication, TableName};
use assay_stages::StageError;
use assay_stages::publication::{PublishJob, Published, TagOf, publish};

impl LocalRunner<'_> {
    /// Brings a table's copies to its newest version. Doing it twice changes nothing, so a step that is done again
    /// finishes what an interrupted one left. `tags` are those of source files that the step read.
    pub(super) fn copy(
        &self,
        plan: &RunPlan,
        (layer, table): (Layer, &str),
        context: &StepContext<'_>,
        tags: &TagOf<'_>,
    ) -> Result<(), StageError> {
        let publications = self.publications(layer, table);
        if publications.is_empty() {
            return Ok(());
        }
        let job = PublishJob {
            lake: &self.lake,
            table: &TableName::new(&plan.pipeline, layer, table),
            publications,
            tags,
            run: &plan.run,
            processed_at: plan.queued_at,
            permit: &plan.permit,
            threads: self.threads,
            now: &|| self.time.now(),
        };
        let done = publish(&job, &StageWatch::new(context.watch))?;
        context.watch.log(Level::Info, &words(&done));
        if !done.doubles.is_empty() {
            let (doubles, first) = (count(done.doubles.len() as u64), &done.doubles[0]);
            let text =
                format!("files with the content of another file, whose copy they share: {doubles}, such as {first}");
            context.watch.log(Level::Info, &text);
        }
        Ok(())
    }

    fn publications(&self, layer: Layer, table: &str) -> &[Publication] {
        let definition = &self.ready.definition;
        let silver = definition.contracts.iter().filter(|_| layer == Layer::Silver);
        let silver = silver.filter(|contract| contract.table == table).map(|contract| contract.publish.as_slice());
        let gold = definition.models.iter().filter(|_| layer == Layer::Gold);
        let gold = gold.filter(|model| model.name == table).map(|model| model.publish.as_slice());
        silver.chain(gold).next().unwrap_or_default()
    }
}

fn words(done: &Published) -> String {
    let removed = if done.removed > 0 { format!(", {} removed", count(done.removed)) } else { String::new() };
    format!("copies: {} written, {} unchanged{removed}", counted(done.written, "file"), count(done.unchanged))
}
