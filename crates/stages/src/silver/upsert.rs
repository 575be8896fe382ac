//! Merges accepted records into a table that holds one row for each key: the newest.
//!
//! The records wait in files of their own. Their keys are hashed, share by share when they are many; the table's
//! keys are read beside them, and only partitions in which a row comes or goes are written anew.

mod decide;
mod encode;
mod settle;
mod waiting;
mod write;

use crate::error::StageError;
use crate::silver::files::Files;
use crate::silver::ingest::{IngestJob, Scope, judge_rows};
use crate::silver::publish::{Change, Refused, commit, silver_fields};
use crate::silver::shape::Shape;
use crate::watch::{Level, Watch};
use assay_lake::{Committed, LakeError, LakeFile, Place, Snapshot, StagedFile};
use assay_pipeline::{Contract, SilverMode, TableName};
use chrono::NaiveDate;
use decide::Decided;
pub(crate) use encode::Reading;
pub(crate) use settle::{Displaced, RowPlace, Settled, settle};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Runtime;
pub(crate) use waiting::Waiting;

/// Tries while other runs change the table.
const TRIES: u32 = 5;

/// Of the rows with one key the one with the greatest version stays.
#[derive(Debug, Clone)]
pub(crate) struct Upsert {
    /// Names of the key's columns.
    pub(crate) key: Vec<String>,
    pub(crate) version: String,
}

/// What became of the accepted records, and of rows that the table held:
/// `accepted = inserted + updated + unchanged + older`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Records whose key the table did not hold.
    pub inserted: u64,
    /// Records that took the place of the table's row.
    pub updated: u64,
    /// Records whose row the table held already, value for value.
    pub unchanged: u64,
    /// Records to whose key there is a newer one, in these files or in the table.
    pub older: u64,
    /// Rows of the run's dates whose file was read and holds their key no more. An older version of such a key
    /// in a file that was not read is not looked for.
    pub dropped: u64,
}

/// What the merge did.
#[derive(Default)]
pub(crate) struct Merged {
    /// Dates whose partitions changed.
    pub(crate) dates: Vec<NaiveDate>,
    pub(crate) upserted: Upserted,
    /// Why the step is flagged, if it is.
    pub(crate) flagged: Option<String>,
}

/// A merge and the table that it changes.
pub(crate) struct Merge<'a> {
    pub(crate) job: &'a IngestJob<'a>,
    pub(crate) table: &'a TableName,
    pub(crate) incoming: Incoming<'a>,
}

/// The records that are to be merged.
pub(crate) struct Incoming<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) upsert: &'a Upsert,
    /// The partition column.
    pub(crate) partition: &'a str,
    /// Dates of which rows stay only as far as the files that were read still hold them.
    pub(crate) rebuilt: Option<&'a BTreeSet<NaiveDate>>,
    /// Folder of the waiting files.
    pub(crate) folder: &'a Path,
    pub(crate) waiting: &'a [StagedFile],
    /// Paths of the source files that were read.
    pub(crate) read: &'a BTreeSet<&'a str>,
    /// As in [`crate::Limits`].
    pub(crate) keys: u64,
    pub(crate) threads: usize,
    pub(crate) watch: &'a dyn Watch,
    /// Of records with the same key the later one in the files stays, also where their contents are equal.
    pub(crate) by_place: bool,
}

impl Upsert {
    /// For a table whose partitions are replaced: within a date, whatever its values, the place decides.
    pub(crate) fn by_place(contract: &Contract) -> Self {
        let mut key = contract.key.clone();
        if !key.is_empty() && !key.contains(&contract.partition) {
            key.push(contract.partition.clone());
        }
        Self { key, version: contract.partition.clone() }
    }

    /// None for a table whose partitions are replaced.
    pub(crate) fn of(contract: &Contract) -> Result<Option<Self>, String> {
        let SilverMode::Upsert { version } = &contract.mode else { return Ok(None) };
        if contract.key.is_empty() {
            return Err("rows are merged by key, and there is no key".to_owned());
        }
        for name in contract.key.iter().chain([version]) {
            if !contract.columns.iter().any(|column| column.name == *name) {
                return Err(format!("there is no column {name}"));
            }
        }
        Ok(Some(Self { key: contract.key.clone(), version: version.clone() }))
    }
}

impl Merge<'_> {
    /// Publishes the merged rows in one commit; none when nothing changes. On an error no file of it stays.
    /// The rules judge them first, then the refused records are published.
    pub(crate) fn publish(&self, runtime: &Runtime, refused: Refused<'_>) -> Result<(Committed, Merged), StageError> {
        let folder = self.job.lake.folder(self.table);
        let mut tries = 0;
        loop {
            let before = runtime.block_on(assay_lake::open(&folder))?;
            let held = self.held(before.as_ref(), &folder)?;
            let decided = decide::decide(&self.incoming, folder.folder(), &held)?;
            let schema = crate::silver::columns::schema(self.incoming.shape);
            let partition = &self.job.contract.partition;
            let files = Files::new(folder.clone(), partition, schema, self.job.run, &self.job.limits);
            let moved = AtomicBool::new(false);
            let written = write::write(&self.incoming, folder.folder(), &held, &decided, &files);
            let done = written.and_then(|staged| {
                let flagged = self.judge(&decided, &staged)?;
                refused()?;
                Ok((self.commit(runtime, before.as_ref(), &decided, staged, &moved)?, flagged))
            });
            match done {
                Ok((committed, flagged)) => return Ok((committed, Merged { flagged, ..self.merged(&decided) })),
                Err(error) => {
                    files.discard();
                    let again = moved.load(Ordering::Relaxed) && tries < TRIES;
                    if !again
                        || !matches!(&error, StageError::Lake(error) if matches!(**error, LakeError::Refused { .. }))
                    {
                        return Err(error);
                    }
                }
            }
            tries += 1;
            self.incoming.watch.log(Level::Info, "another run changed the table meanwhile; merging again");
        }
    }

    /// The table's files that take part: none when it is made anew from all source files.
    fn held(&self, before: Option<&Snapshot>, folder: &Place) -> Result<Vec<LakeFile>, StageError> {
        let Some(before) = before.filter(|_| self.job.scope != Scope::All) else { return Ok(Vec::new()) };
        // Refuses a table whose rows would be read wrongly.
        drop(before.scan(Some(&[]))?);
        same_columns(before, self.incoming.shape, folder)?;
        before.fetch(before.files())?;
        Ok(before.files().to_vec())
    }

    /// The partitions in which rows come or go are what is judged.
    fn judge(&self, decided: &Decided, staged: &[StagedFile]) -> Result<Option<String>, StageError> {
        let touched: Vec<NaiveDate> = decided.touched.iter().copied().flatten().collect();
        judge_rows(self.job, self.table, self.incoming.shape, staged, Some(&touched))
    }

    fn commit(
        &self,
        runtime: &Runtime,
        before: Option<&Snapshot>,
        decided: &Decided,
        staged: Vec<StagedFile>,
        moved: &AtomicBool,
    ) -> Result<Committed, StageError> {
        let scope = match self.job.scope {
            Scope::All => assay_lake::Scope::Whole,
            Scope::Dates(_) => assay_lake::Scope::Dates(decided.touched.iter().copied().collect()),
        };
        let version = before.map(Snapshot::version);
        let audit = |now: Option<&Snapshot>, _: &[StagedFile]| match now.map(Snapshot::version) == version {
            true => Ok(()),
            false => {
                moved.store(true, Ordering::Relaxed);
                Err("another run changed the table".to_owned())
            }
        };
        let note = self.note(decided);
        let change = Change::of_silver(self.job, self.table, self.incoming.shape, scope, staged, &note, &audit);
        Ok(runtime.block_on(commit(self.job, self.incoming.watch, change))?)
    }

    fn note(&self, decided: &Decided) -> String {
        let Upserted { inserted, updated, dropped, .. } = decided.upserted;
        let partitions = decided.touched.len();
        format!("inserted {inserted}, updated {updated}, dropped {dropped} rows in {partitions} partitions")
    }

    fn merged(&self, decided: &Decided) -> Merged {
        let Upserted { unchanged, older, dropped, .. } = decided.upserted;
        let watch = self.incoming.watch;
        watch.log(Level::Info, &format!("{}; {unchanged} unchanged, {older} older", self.note(decided)));
        if dropped > 0 {
            let text = format!(
                "{dropped} keys left the table: the files that were read do not hold them any more. \
                 Older versions in other files were not looked for; run all dates to find them"
            );
            watch.log(Level::Warn, &text);
        }
        let dates = decided.touched.iter().copied().flatten().collect();
        Merged { dates, upserted: decided.upserted, flagged: None }
    }
}

/// Refuses a table that has other columns than the contract gives it.
pub(crate) fn same_columns(before: &Snapshot, shape: &Shape, folder: &Place) -> Result<(), StageError> {
    let wanted = silver_fields(shape);
    let changed = before.fields().iter().find_map(|old| match wanted.iter().find(|new| new.name == old.name) {
        None => Some(format!("{} is gone", old.name)),
        Some(new) if new.kind != old.kind => {
            Some(format!("{} is {} and would become {}", old.name, old.kind, new.kind))
        }
        Some(_) => None,
    });
    match changed {
        Some(what) => Err(LakeError::SchemaChange { place: folder.to_string(), what }.into()),
        None => Ok(()),
    }
}
