//! The silver step: files in, one commit of the quarantine and one of the table out.

use crate::bronze::{DeadLetter, DeadLetters, Surveyed};
use crate::error::StageError;
use crate::limits::Limits;
use crate::quality::{Rules, Written, gate, listed};
use crate::silver::columns::{self, Stamp};
use crate::silver::files::Files;
use crate::silver::publish::{self, Publication};
use crate::silver::rounds::Rounds;
use crate::silver::shape::Shape;
use crate::silver::upsert::{Incoming, Merge, Merged, Upsert, Upserted, Waiting};
use crate::silver::{gate as contract_gate, refused};
use crate::watch::{Level, Watch};
use assay_lake::{Lake, StagedFile};
use assay_pipeline::{Contract, Layer, Permit, Pipeline, Source, TableName};
use assay_quality::ListedFile;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A file that a run is to read, as it was when the run was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Below the pipeline's lake folder, with `/`.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
    /// Dates that the ledger knows of the file: its records of other dates are strays.
    pub known_dates: Vec<NaiveDate>,
    /// The date of the folder in which it lies.
    pub folder_date: Option<NaiveDate>,
}

/// Which dates a run writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The whole table is replaced by what the files hold.
    All,
    /// These partitions are replaced. The files must be all that ever contributed to them.
    ///
    /// In a table that is merged by key, every record of the files is merged, whatever its date; and rows of these
    /// dates whose file is among those read stay only as far as the files still hold them.
    Dates(BTreeSet<NaiveDate>),
}

/// The files that hold records of these dates.
pub type FilesOf<'a> = &'a dyn Fn(&[NaiveDate]) -> Result<Vec<PlannedFile>, StageError>;

/// The path of the file with this content tag.
pub type PathOf<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What the silver step is to do.
pub struct IngestJob<'a> {
    pub pipeline: &'a Pipeline,
    pub contract: &'a Contract,
    pub source: &'a Source,
    pub lake: &'a Lake,
    pub files: Vec<PlannedFile>,
    /// Files that the bronze step of the same process surveyed; they are not surveyed again.
    pub surveyed: Vec<Surveyed>,
    /// The files that the ledger and the folders know for these dates.
    pub more: FilesOf<'a>,
    /// The path under which the ledger has a content of which rows were taken, by content tag. Asked where the
    /// source's content is read once.
    pub known: PathOf<'a>,
    pub scope: Scope,
    pub run: &'a str,
    pub processed_at: DateTime<Utc>,
    pub permit: &'a Permit,
    pub threads: usize,
    /// An existing folder for decompressed data.
    pub scratch: &'a Path,
    pub limits: Limits,
    pub now: &'a dyn Fn() -> DateTime<Utc>,
    /// The rules of the table, where it has any.
    pub rules: Option<&'a Rules<'a>>,
}

/// `read = accepted + quarantined + blank + elsewhere`, in records; where records are exploded, in elements, and one
/// for a record without elements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub read: u64,
    pub accepted: u64,
    pub quarantined: u64,
    pub blank: u64,
    /// Records of dates that the run does not write, or of a file whose content is read under another path.
    pub elsewhere: u64,
}

/// What a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    pub path: String,
    /// xxh3-128 of the file's bytes, in hex.
    pub tag: String,
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since 1970 (UTC).
    pub modified_ns: i64,
    pub counts: Counts,
    /// Records by business date, those outside the run's scope too.
    pub dates: BTreeMap<NaiveDate, u64>,
    /// Names of fields that no column takes, at most [`Limits::ignored`]; a last entry says that there are more.
    pub ignored: Vec<String>,
    /// The path under which the same content is read instead.
    pub copy_of: Option<String>,
}

/// What the silver step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// In byte order of their paths.
    pub files: Vec<FileReport>,
    /// Dates whose partitions were replaced, in order.
    pub dates: Vec<NaiveDate>,
    pub counts: Counts,
    /// Quarantined records by primary reason.
    pub reasons: BTreeMap<String, u64>,
    /// Version of the silver table that holds the result.
    pub version: i64,
    /// The version before; none when the table was made.
    pub before: Option<i64>,
    pub quarantine_version: i64,
    /// Files that could not be read at all and were moved away.
    pub dead: Vec<DeadLetter>,
    /// What the merge did, for a table that is merged by key.
    pub upserted: Option<Upserted>,
    /// Why the step is flagged: a rule failed that lets it publish.
    pub flagged: Option<String>,
}

/// Reads the files, writes accepted and refused records, and publishes both: the quarantine first, then the
/// table. Until then nothing of it can be seen, and on an error or when cancelled no file of it stays.
/// Blocking, and not for a thread of a runtime.
pub fn ingest(job: &IngestJob<'_>, watch: &dyn Watch) -> Result<Ingested, StageError> {
    let now = (job.now)();
    job.permit.check(job.lake.environment(), now)?;
    let shape = Shape::of(job.contract)?;
    let letters = DeadLetters::new(job.source, job.lake, &job.pipeline.name, job.run, job.permit, now)?;
    let mut dead = Vec::new();
    loop {
        let done = match &shape.upsert {
            Some(upsert) => merge(job, watch, &shape, upsert, &letters, dead.clone()),
            None => replace(job, watch, &shape, &letters, dead.clone()),
        };
        // Damage within a Parquet file shows only when its rows are read: then all begins again without it.
        match done {
            Err(StageError::BadParquet { path, source }) => {
                let error = StageError::BadParquet { path: path.clone(), source };
                match job.files.iter().find(|file| file.path == path) {
                    Some(planned) => {
                        let letter = letters.set_aside(planned, error)?;
                        watch.log(Level::Warn, &letter.told());
                        dead.push(letter);
                    }
                    None => return Err(error),
                }
            }
            done => return done,
        }
    }
}

/// The dates' partitions, or the whole table, become what the files hold for them.
fn replace(
    job: &IngestJob<'_>,
    watch: &dyn Watch,
    shape: &Shape,
    letters: &DeadLetters<'_>,
    dead: Vec<DeadLetter>,
) -> Result<Ingested, StageError> {
    let table = TableName::new(&job.pipeline.name, Layer::Silver, &job.contract.table);
    let folder = job.lake.folder(&table);
    let silver = Files::new(folder, &job.contract.partition, columns::schema(shape), job.run, &job.limits);
    let quarantine = quarantine(job, &table);
    let stamp = stamp(job);
    let mut rounds = Rounds::new(job, watch, shape, &stamp, letters, dead);
    let done = rounds.run(&silver, &quarantine).and_then(|()| {
        judge(job, watch, shape, &rounds)?;
        let (dates, read, mended) = (rounds.dates(), rounds.paths(), BTreeSet::new());
        let publication = Publication { job, table: &table, shape, dates: &dates, mended: &mended, read: &read, watch };
        let staged = silver.finish()?;
        let replaced = matches!(job.scope, Scope::Dates(_)).then_some(dates.as_slice());
        let flagged = judge_rows(job, &table, shape, &staged, replaced)?;
        let committed = publish::publish(&publication, &quarantine, |runtime, refused| {
            refused()?;
            runtime.block_on(publication.silver(staged))
        })?;
        Ok((dates, committed, flagged))
    });
    match done {
        Ok((dates, committed, flagged)) => Ok(Ingested { flagged, ..rounds.ingested(dates, committed, None) }),
        Err(error) => {
            silver.discard();
            quarantine.discard();
            Err(error)
        }
    }
}

/// The files' records are merged into the table, by key.
fn merge(
    job: &IngestJob<'_>,
    watch: &dyn Watch,
    shape: &Shape,
    upsert: &Upsert,
    letters: &DeadLetters<'_>,
    dead: Vec<DeadLetter>,
) -> Result<Ingested, StageError> {
    let table = TableName::new(&job.pipeline.name, Layer::Silver, &job.contract.table);
    let waiting = Waiting::new(job.scratch)?;
    let schema = columns::staged_schema(shape);
    let silver = Files::new(waiting.path().into(), &job.contract.partition, schema, job.run, &job.limits);
    let quarantine = quarantine(job, &table);
    let stamp = stamp(job);
    let mut rounds = Rounds::new(job, watch, shape, &stamp, letters, dead);
    let done = rounds.run(&silver, &quarantine).and_then(|()| {
        judge(job, watch, shape, &rounds)?;
        let read = rounds.paths();
        // What cannot be read any more says nothing of the rows that came from it.
        let held = rounds.read.keys().map(String::as_str).collect();
        let records = silver.finish()?;
        let incoming = Incoming {
            shape,
            upsert,
            partition: &job.contract.partition,
            rebuilt: match &job.scope {
                Scope::All => None,
                Scope::Dates(dates) => Some(dates),
            },
            folder: waiting.path(),
            waiting: &records,
            read: &held,
            keys: job.limits.keys,
            threads: job.threads,
            watch,
            by_place: false,
        };
        let merge = Merge { job, table: &table, incoming };
        let mended = rounds.touched();
        let publication = Publication { job, table: &table, shape, dates: &[], mended: &mended, read: &read, watch };
        let mut merged = None;
        let committed = publish::publish(&publication, &quarantine, |runtime, refused| {
            let (committed, told) = merge.publish(runtime, refused)?;
            merged = Some(told);
            Ok(committed)
        })?;
        Ok((merged, committed))
    });
    match done {
        Ok((merged, committed)) => {
            let Merged { dates, upserted, flagged } = merged.unwrap_or_default();
            Ok(Ingested { flagged, ..rounds.ingested(dates, committed, Some(upserted)) })
        }
        Err(error) => {
            quarantine.discard();
            Err(error)
        }
    }
}

fn quarantine<'a>(job: &'a IngestJob<'_>, table: &TableName) -> Files<'a> {
    Files::new(job.lake.quarantine(table), refused::DATE, refused::schema(), job.run, &job.limits)
}

pub(crate) fn stamp(job: &IngestJob<'_>) -> Stamp {
    Stamp { run: job.run.to_owned(), processed_at: job.processed_at.timestamp_micros() }
}

/// Asks the table's rules of rows that wait for their commit; gives why the step is flagged, if it is.
pub(crate) fn judge_rows(
    job: &IngestJob<'_>,
    table: &TableName,
    shape: &Shape,
    staged: &[StagedFile],
    dates: Option<&[NaiveDate]>,
) -> Result<Option<String>, StageError> {
    let files: Vec<ListedFile> = job.files.iter().map(|file| listed(&file.path, file.size, file.modified_ns)).collect();
    let written = Written {
        table,
        folder: &job.lake.folder(table),
        fields: &publish::silver_fields(shape),
        partition: Some(&job.contract.partition),
        staged,
        dates,
        files: Some(&files),
    };
    gate(job.rules, job.lake, &written, (job.now)())
}

fn judge(job: &IngestJob<'_>, watch: &dyn Watch, shape: &Shape, rounds: &Rounds<'_>) -> Result<(), StageError> {
    if let Some(told) = contract_gate::judge(shape, &job.contract.table, rounds.read.values())? {
        watch.log(Level::Info, &told);
    }
    Ok(())
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.read += other.read;
        self.accepted += other.accepted;
        self.quarantined += other.quarantined;
        self.blank += other.blank;
        self.elsewhere += other.elsewhere;
    }
}
