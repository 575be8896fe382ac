//! Quarantine replay: refused records of a table are put through its contract again, and merged in.
//!
//! Everything is computed from the versions that the plan names, so that a replay that was stopped between its two
//! commits does the same again. The table is committed first: the quarantine lets go of a record when it has arrived.

mod chosen;
mod gauge;
mod origin;
mod rewrite;
mod sift;

use crate::error::StageError;
use crate::silver::columns::{self, Stamp};
use crate::silver::files::{Files, Groups};
use crate::silver::ingest::{IngestJob, judge_rows, stamp};
use crate::silver::publish::{Change, commit};
use crate::silver::shape::Shape;
use crate::silver::upsert::{Displaced, Incoming, RowPlace, Settled, Upsert, Waiting, same_columns, settle};
use crate::silver::{moment, refused};
use crate::watch::{Level, Watch};
use assay_lake::{LakeFile, Snapshot, StagedFile};
use assay_pipeline::{Layer, TableName};
use chosen::Entry;
pub use chosen::{Choice, RefusedGroup, refused_groups};
use chrono::NaiveDate;
use origin::{Found, Origin, Origins};
use parquet::errors::ParquetError;
use sift::{Sieve, Sifted};
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::Runtime;

/// What a replay is to do.
pub struct ReplayJob<'a> {
    /// As for an ingest; its files are the source files that are there as the ledger has them. A CSV or Parquet
    /// record is read by its file, a JSON record by its raw bytes alone.
    pub ingest: IngestJob<'a>,
    pub choice: Choice,
    /// Version of the quarantine whose records are put through.
    pub quarantine: i64,
    /// Version of the table that they are merged into; none when there is no table yet.
    pub table: Option<i64>,
    /// Files as they were read, by path.
    pub ledger: BTreeMap<String, ReadFile>,
}

/// A source file as it was when its records were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFile {
    pub tag: String,
    /// Nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
}

/// What became of the records: `put_through + more = accepted + refused + duplicates + not_replayable`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    pub put_through: u64,
    /// Rows beyond the first of records that are exploded only now.
    pub more: u64,
    pub accepted: u64,
    /// By primary reason.
    pub refused: BTreeMap<String, u64>,
    /// Refused because another record of the date has the same key and comes later.
    pub duplicates: u64,
    /// Why records stay as they are, with how many.
    pub not_replayable: BTreeMap<String, u64>,
    /// Rows of the table that gave way to later records with their keys, and are refused as duplicates now.
    pub displaced: u64,
    pub files: BTreeMap<String, FileChange>,
    /// Dates whose partitions changed.
    pub dates: Vec<NaiveDate>,
    pub before: Option<i64>,
    /// None when there is no table, and no record was accepted.
    pub version: Option<i64>,
    pub quarantine_version: i64,
    /// Why the step is flagged: a rule failed that lets it publish.
    pub flagged: Option<String>,
}

/// How the counts of a file change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChange {
    /// Records that are accepted now, less rows that gave way.
    pub accepted: i64,
    /// As in [`Replayed`].
    pub more: i64,
    pub dates: BTreeMap<NaiveDate, i64>,
}

/// Puts the chosen records through and merges them, unless the contract's gate does not hold over the dates that
/// change. On an error or when cancelled before the table's commit nothing
/// can be seen of it, and no file of it stays. Blocking, and not for a thread of a runtime.
pub fn replay(job: &ReplayJob<'_>, watch: &dyn Watch) -> Result<Replayed, StageError> {
    let ingest = &job.ingest;
    ingest.permit.check(ingest.lake.environment(), (ingest.now)())?;
    let mut shape = Shape::of(ingest.contract)?;
    let merges = shape.upsert.is_some();
    let upsert = shape.upsert.take().unwrap_or_else(|| Upsert::by_place(ingest.contract));
    // Waiting rows carry their place in the file then.
    shape.upsert = Some(upsert.clone());
    let name = TableName::new(&ingest.pipeline.name, Layer::Silver, &ingest.contract.table);
    let waiting = Waiting::new(ingest.scratch)?;
    let partition = &ingest.contract.partition;
    let files = |folder, column, schema| Files::new(folder, column, schema, ingest.run, &ingest.limits);
    let accepted = files(waiting.path().into(), partition.as_str(), columns::staged_schema(&shape));
    let silver = files(ingest.lake.folder(&name), partition.as_str(), columns::schema(&shape));
    let quarantine = files(ingest.lake.quarantine(&name), refused::DATE, refused::schema());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StageError::io("the runtime", "start", error))?;
    let replay = Replay {
        job,
        watch,
        shape: &shape,
        upsert: &upsert,
        merges,
        name: &name,
        stamp: stamp(ingest),
        origins: Origins::new(job, &shape, watch),
        written: BTreeSet::new(),
        told: Replayed::default(),
    };
    let done = replay.run(&runtime, &waiting, &accepted, &silver, &quarantine);
    if done.is_err() {
        silver.discard();
        quarantine.discard();
    }
    done
}

struct Replay<'a> {
    job: &'a ReplayJob<'a>,
    watch: &'a dyn Watch,
    shape: &'a Shape,
    upsert: &'a Upsert,
    /// The table is merged by key.
    merges: bool,
    name: &'a TableName,
    stamp: Stamp,
    origins: Origins<'a>,
    /// Dates for which the quarantine gets rows, in days.
    written: BTreeSet<Option<i32>>,
    told: Replayed,
}

/// Records that were accepted and lost against others, by path and place: with their date, and whether the table's
/// row had to stay because its record could not be fetched.
type Lost = BTreeMap<String, BTreeMap<u64, (Option<NaiveDate>, bool)>>;

/// The last record all of whose bytes were met; those of its elements that follow keep less of it.
#[derive(Default)]
struct Whole {
    place: Option<(String, u64)>,
    raw: Vec<u8>,
}

impl Whole {
    /// The entry's whole record; none when its bytes are not there.
    fn of<'e>(&'e mut self, entry: &Entry<'e>) -> Option<&'e [u8]> {
        let here = |place: &(String, u64)| place.0 == entry.path && place.1 == entry.offset;
        if entry.is_whole() {
            if entry.item > 0 {
                self.place = Some((entry.path.to_owned(), entry.offset));
                self.raw = entry.raw.to_vec();
            }
            return Some(entry.raw);
        }
        (entry.item > 0 && self.place.as_ref().is_some_and(here)).then_some(&self.raw)
    }
}

const CUT: &str = "their bytes were kept only in part, because of their length";
const NO_FILE: &str = "their source file, which names their fields, is not there as it was read";

/// Why the record cannot be put through.
fn obstacle(raw: Option<&[u8]>, origin: &Origin) -> Option<&'static str> {
    match (raw, origin.format) {
        (None, _) => Some(CUT),
        (Some(_), assay_pipeline::Format::Json) => None,
        (Some(_), _) => origin.fields.is_none().then_some(NO_FILE),
    }
}

impl Replay<'_> {
    fn run(
        mut self,
        runtime: &Runtime,
        waiting: &Waiting,
        accepted: &Files<'_>,
        silver: &Files<'_>,
        quarantine: &Files<'_>,
    ) -> Result<Replayed, StageError> {
        let ingest = &self.job.ingest;
        let folders = (ingest.lake.folder(self.name), ingest.lake.quarantine(self.name));
        let refused = runtime.block_on(assay_lake::open_version(&folders.1, self.job.quarantine))?;
        let now = (runtime.block_on(assay_lake::open(&folders.0))?, runtime.block_on(assay_lake::open(&folders.1))?);
        let table = match self.job.table {
            Some(version) => Some(runtime.block_on(assay_lake::open_version(&folders.0, version))?),
            None => None,
        };
        if let Some(table) = &table {
            drop(table.scan(Some(&[]))?);
            same_columns(table, self.shape, &folders.0)?;
        }
        self.sift(&refused, accepted, quarantine)?;
        let records = accepted.finish()?;
        let read = BTreeSet::new();
        let incoming = Incoming {
            shape: self.shape,
            upsert: self.upsert,
            partition: &ingest.contract.partition,
            rebuilt: None,
            folder: waiting.path(),
            waiting: &records,
            read: &read,
            keys: ingest.limits.keys,
            threads: ingest.threads,
            watch: self.watch,
            by_place: !self.merges,
        };
        let held = self.held(table.as_ref(), &records);
        if let Some(table) = &table {
            table.fetch(&held)?;
        }
        let keyed = !ingest.contract.key.is_empty();
        let mut settled = settle(&incoming, folders.0.folder(), &held, keyed)?;
        let lost = if self.merges { Lost::new() } else { self.losers(&incoming, &held, &mut settled, quarantine)? };
        let kept = self.rewrite(&refused, &lost, quarantine)?;
        let staged = settled.write(&incoming, folders.0.folder(), &held, silver)?;
        let touched: Vec<Option<NaiveDate>> = settled.touched().iter().copied().collect();
        self.told.dates = touched.iter().copied().flatten().collect();
        self.told.before = self.job.table;
        self.told.version = self.job.table;
        self.told.quarantine_version = self.job.quarantine;
        self.judge(&touched, &staged, &refused, &kept)?;
        if self.watch.cancelled() {
            return Err(StageError::Cancelled);
        }
        if !touched.is_empty() {
            let dates: Vec<NaiveDate> = touched.iter().copied().flatten().collect();
            self.told.flagged = judge_rows(ingest, self.name, self.shape, &staged, Some(&dates))?;
            let scope = assay_lake::Scope::Dates(touched);
            let note = format!("replayed {} refused records", self.told.accepted);
            let same = unmoved(now.0.as_ref());
            let change = Change::of_silver(ingest, self.name, self.shape, scope, staged, &note, &same);
            self.told.version = Some(runtime.block_on(commit(ingest, self.watch, change))?.version);
        }
        if !kept.0.is_empty() {
            let scope = assay_lake::Scope::Dates(kept.0);
            let note = format!("put {} refused records through again", self.told.put_through);
            let same = unmoved(now.1.as_ref());
            let change = Change::of_quarantine(ingest, self.name, scope, kept.1, &note, &same);
            self.told.quarantine_version = runtime.block_on(commit(ingest, self.watch, change))?.version;
        }
        Ok(self.told)
    }

    /// The table's files that can hold rows with the keys of the waiting ones.
    fn held(&self, table: Option<&Snapshot>, waiting: &[StagedFile]) -> Vec<LakeFile> {
        let dates: BTreeSet<Option<NaiveDate>> = waiting.iter().map(|file| file.partition).collect();
        let files = table.map(Snapshot::files).unwrap_or_default();
        files.iter().filter(|file| self.merges || dates.contains(&file.partition)).cloned().collect()
    }

    /// Judges the chosen records: accepted ones wait, refused ones go to the quarantine's new files.
    fn sift(&mut self, from: &Snapshot, accepted: &Files<'_>, quarantine: &Files<'_>) -> Result<(), StageError> {
        let choice = &self.job.choice;
        let files = chosen::files(from, |date| choice.has_date(date));
        let limits = &self.job.ingest.limits;
        let mut sieve = Sieve::new(self.shape, limits.kept, limits.record as u64);
        let (mut silver, mut refused) = (Groups::new(accepted), Groups::new(quarantine));
        let mut whole = Whole::default();
        chosen::pages(from, &files, |page| {
            if self.watch.cancelled() {
                return Err(StageError::Cancelled);
            }
            let mut open: Option<(String, Sifted)> = None;
            for row in 0..page.batch.num_rows() {
                let entry = page.entry(row, self.shape.explode.is_some(), choice);
                let raw = whole.of(&entry);
                if !entry.chosen {
                    continue;
                }
                self.told.put_through += 1;
                let origin = self.origins.of(entry.path)?;
                let Some(raw) = raw.filter(|raw| obstacle(Some(raw), &origin).is_none()) else {
                    let why = obstacle(raw, &origin).unwrap_or(CUT);
                    *self.told.not_replayable.entry(why.to_owned()).or_default() += 1;
                    continue;
                };
                let (path, mut sifted) = match open.take() {
                    Some((path, sifted)) if path == entry.path => (path, sifted),
                    before => {
                        self.close(before, &mut silver, &mut refused)?;
                        (entry.path.to_owned(), sieve.empty())
                    }
                };
                sieve.put(&entry, raw, &origin, &mut sifted)?;
                let change = self.told.files.entry(path.clone()).or_default();
                change.more -= 1;
                if let Some(date) = entry.date {
                    *change.dates.entry(date).or_default() -= 1;
                }
                open = Some((path, sifted));
            }
            self.close(open, &mut silver, &mut refused)
        })?;
        silver.finish()?;
        refused.finish()?;
        for (why, count) in &self.told.not_replayable {
            let text = format!("{count} records were not put through and stay refused: {why}");
            self.watch.log(Level::Warn, &text);
        }
        self.told.more = self.told.files.values().map(|change| change.more.max(0) as u64).sum();
        Ok(())
    }

    /// Hands what one file's records came to on to the writers.
    fn close(
        &mut self,
        open: Option<(String, Sifted)>,
        silver: &mut Groups<'_>,
        refused: &mut Groups<'_>,
    ) -> Result<(), StageError> {
        let Some((path, mut sifted)) = open else { return Ok(()) };
        let broken = |error: arrow::error::ArrowError| StageError::parquet(&path, ParquetError::from(error));
        let count = sifted.columns.len();
        let change = self.told.files.entry(path.clone()).or_default();
        change.accepted += count as i64;
        self.told.accepted += count as u64;
        for (days, results) in &sifted.dates {
            change.more += results;
            if let Some(date) = days.and_then(moment::date) {
                *change.dates.entry(date).or_default() += results;
            }
        }
        for (reason, count) in std::mem::take(&mut sifted.refused.reasons) {
            *self.told.refused.entry(reason.code(self.shape)).or_default() += count;
        }
        let rows = sifted.columns.finish(silver.schema(), &path, &self.stamp).map_err(broken)?;
        for (date, batch) in rows.by_date(&vec![false; count]).map_err(broken)? {
            silver.add(Some(date), &batch)?;
        }
        for (date, batch) in sifted.refused.finish(refused.schema(), &path, &self.stamp)? {
            self.written.insert(date);
            refused.add(date, &batch)?;
        }
        Ok(())
    }

    /// Within a date the later of two records with the same key stays. Rows of the table that give way go to the
    /// quarantine with their records, as far as these can be fetched; others stay.
    fn losers(
        &mut self,
        incoming: &Incoming<'_>,
        held: &[LakeFile],
        settled: &mut Settled,
        quarantine: &Files<'_>,
    ) -> Result<Lost, StageError> {
        let folder = self.job.ingest.lake.folder(self.name);
        let mut pairs = settled.displaced(incoming, folder.folder(), held)?;
        pairs.sort_by(|a, b| (&a.row.path, a.row.line, a.row.item).cmp(&(&b.row.path, b.row.line, b.row.item)));
        let mut held_back: BTreeSet<(String, Option<u64>)> = BTreeSet::new();
        let mut groups = Groups::new(quarantine);
        for pair in pairs {
            let same_line = (&pair.row.path, pair.row.line) == (&pair.winner.path, pair.winner.line);
            if same_line && pair.row.item.is_some() && pair.row.item == pair.winner.item {
                continue;
            }
            let found = self.origins.record(&pair.row.path, pair.row.line, pair.row.item)?;
            match found {
                // The only record of its line is the waiting one itself.
                Some(_) if same_line && pair.row.item.is_none() => {}
                Some(found) => self.displace(&pair, &found, &mut groups)?,
                None => {
                    settled.give_back(&pair);
                    held_back.insert((pair.winner.path.clone(), pair.winner.item));
                }
            }
        }
        groups.finish()?;
        let mut lost = Lost::new();
        for RowPlace { path, item, date, .. } in settled.lost(incoming)? {
            let back = held_back.contains(&(path.clone(), item));
            self.told.accepted -= 1;
            self.told.duplicates += 1;
            self.told.files.entry(path.clone()).or_default().accepted -= 1;
            lost.entry(path).or_default().insert(item.unwrap_or(0), (date, back));
        }
        Ok(lost)
    }

    fn displace(&mut self, pair: &Displaced, found: &Found, groups: &mut Groups<'_>) -> Result<(), StageError> {
        let RowPlace { path, line, date, .. } = &pair.row;
        let place =
            refused::Place { line: *line, offset: found.offset, item: found.item, raw: &found.raw, len: found.len };
        let mut refused = refused::Refused::new(self.job.ingest.limits.kept);
        refused.push(self.shape, date.map(moment::days), place, &rewrite::duplicate(false));
        for (date, batch) in refused.finish(groups.schema(), path, &self.stamp)? {
            self.written.insert(date);
            groups.add(date, &batch)?;
        }
        self.told.displaced += 1;
        self.told.files.entry(path.clone()).or_default().accepted -= 1;
        Ok(())
    }
}

/// Refuses when another run changed the table since.
fn unmoved(seen: Option<&Snapshot>) -> impl Fn(Option<&Snapshot>, &[StagedFile]) -> Result<(), String> + Sync + use<> {
    let seen = seen.map(Snapshot::version);
    move |now, _| match now.map(Snapshot::version) == seen {
        true => Ok(()),
        false => Err("another run changed the table".to_owned()),
    }
}
