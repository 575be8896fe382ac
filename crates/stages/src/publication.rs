//! Publications: copies of a table's current rows in plain files, for programs that read no Delta.
//!
//! A copy follows its table after the commit. What it was made from is kept beside it, so that only what a commit
//! changed is written again, and a copy that was interrupted is finished by the next call.

mod by_date;
mod by_source;
mod form;
mod kept;
mod place;
mod record;
mod rows;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use crate::error::StageError;
use crate::watch::Watch;
use assay_lake::{Lake, Snapshot};
use assay_pipeline::{Layer, Permit, Publication, PublishedFiles, PublishedForm, TableName};
use chrono::{DateTime, Utc};
use kept::Kept;
use place::Place;
use record::Record;

/// Columns that silver adds to those of the contract.
const AUDIT: [&str; 5] = ["_source_file", "_source_line", "_source_item", "_run_id", "_processed_at"];

/// Gives the content tag of a source file, where the caller knows it.
pub type TagOf<'a> = dyn Fn(&str) -> Option<String> + Sync + 'a;

/// What the copies of one table need.
pub struct PublishJob<'a> {
    pub lake: &'a Lake,
    /// A silver or gold table; its newest version is copied.
    pub table: &'a TableName,
    pub publications: &'a [Publication],
    /// Of source files, by their paths below the pipeline's lake folder. A file that is not known here is read
    /// for its tag, where it still lies there.
    pub tags: &'a TagOf<'a>,
    pub run: &'a str,
    /// The moment that names of new files carry; the same for every attempt of a run.
    pub processed_at: DateTime<Utc>,
    pub permit: &'a Permit,
    pub threads: usize,
    pub now: &'a (dyn Fn() -> DateTime<Utc> + Sync),
}

/// What became of the copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Published {
    /// Files that were written.
    pub written: u64,
    /// Files that were removed: the table no longer has what they held.
    pub removed: u64,
    /// Files that were left as they are.
    pub unchanged: u64,
    /// Source files that got no output of their own, because another one has the same content.
    pub doubles: Vec<String>,
}

/// Brings every publication of a table to its newest version. Doing it twice changes nothing.
///
/// Each file is replaced in one step: a reader sees it before or after. Blocking, and not for a thread of a
/// runtime. Without a version of the table nothing is published.
pub fn publish(job: &PublishJob<'_>, watch: &dyn Watch) -> Result<Published, StageError> {
    job.permit.check(job.lake.environment(), (job.now)())?;
    let mut all = Published::default();
    if job.publications.is_empty() {
        return Ok(all);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StageError::io("the runtime", "start", error))?;
    let Some(snapshot) = runtime.block_on(assay_lake::open(&job.lake.folder(job.table)))? else { return Ok(all) };
    for publication in job.publications {
        let one = Copying::open(job, publication, &snapshot, watch)?.run()?;
        all.written += one.written;
        all.removed += one.removed;
        all.unchanged += one.unchanged;
        all.doubles.extend(one.doubles);
    }
    Ok(all)
}

/// One publication on its way to one version.
struct Copying<'a> {
    job: &'a PublishJob<'a>,
    form: PublishedForm,
    files: &'a PublishedFiles,
    snapshot: &'a Snapshot,
    watch: &'a dyn Watch,
    place: Place,
    record: Record,
    kept: Kept,
    done: Published,
}

impl<'a> Copying<'a> {
    fn open(
        job: &'a PublishJob<'a>,
        publication: &'a Publication,
        snapshot: &'a Snapshot,
        watch: &'a dyn Watch,
    ) -> Result<Self, StageError> {
        let place = Place::open(&job.lake.pipeline_folder(&job.table.pipeline), &publication.path)?;
        let kept = Kept::open(&place)?;
        let record = kept.record().clone();
        let (form, files, done) = (publication.form, &publication.files, Published::default());
        Ok(Self { job, form, files, snapshot, watch, place, record, kept, done })
    }

    fn run(mut self) -> Result<Published, StageError> {
        match self.files {
            PublishedFiles::ByDate => by_date::copy(&mut self)?,
            PublishedFiles::BySource { name } => by_source::copy(&mut self, name)?,
        }
        self.place.settle()?;
        Ok(self.done)
    }

    /// Makes the record durable, where it differs from what lies on disk.
    fn keep(&mut self) -> Result<(), StageError> {
        // A copy by date has few entries, which one file shows to whoever looks.
        self.kept.keep(&self.record, *self.files == PublishedFiles::ByDate, &self.place)
    }

    /// Columns of the copy, in the table's order; `with_date` includes the partition column.
    fn columns(&self, with_date: bool) -> Vec<String> {
        let audit = self.job.table.layer == Layer::Silver;
        let names = self.snapshot.fields().iter().map(|field| field.name.as_str());
        let kept = names.filter(|name| !(audit && AUDIT.contains(name)));
        kept.filter(|name| with_date || Some(*name) != self.snapshot.partition_column()).map(str::to_owned).collect()
    }

    /// The columns and their types: a change of them changes every file.
    fn shape(&self, columns: &[String]) -> String {
        let fields = self.snapshot.fields().iter().filter(|field| columns.contains(&field.name));
        fields.map(|field| format!("{} {}", field.name, field.kind)).collect::<Vec<_>>().join(", ")
    }

    fn check_cancelled(&self) -> Result<(), StageError> {
        if self.watch.cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
    }
}
