//! The silver step: files in, one commit of the quarantine and one of the table out.

use crate::bronze::{Surveyed, survey};
use crate::error::StageError;
use crate::limits::Limits;
use crate::silver::columns::{self, Stamp};
use crate::silver::fault::Reason;
use crate::silver::files::Files;
use crate::silver::pass::{Pass, PassFile, Share, Tally, Totals};
use crate::silver::publish::{self, Publication};
use crate::silver::shape::Shape;
use crate::silver::{gate, moment, refused};
use crate::watch::{Level, Watch};
use assay_lake::Lake;
use assay_pipeline::{Contract, Layer, Permit, Pipeline, Source, TableName};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering;

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
    Dates(BTreeSet<NaiveDate>),
}

/// The files that hold records of these dates.
pub type FilesOf<'a> = &'a dyn Fn(&[NaiveDate]) -> Result<Vec<PlannedFile>, StageError>;

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
    pub scope: Scope,
    pub run: &'a str,
    pub processed_at: DateTime<Utc>,
    pub permit: &'a Permit,
    pub threads: usize,
    /// An existing folder for decompressed data.
    pub scratch: &'a Path,
    pub limits: Limits,
    pub now: &'a dyn Fn() -> DateTime<Utc>,
}

/// `read = accepted + quarantined + blank + elsewhere`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub read: u64,
    pub accepted: u64,
    pub quarantined: u64,
    pub blank: u64,
    /// Records of dates that the run does not write.
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
}

/// Reads the files, writes accepted and refused records, and publishes both: the quarantine first, then the
/// table. Until then nothing of it can be seen, and on an error or when cancelled no file of it stays.
/// Blocking, and not for a thread of a runtime.
pub fn ingest(job: &IngestJob<'_>, watch: &dyn Watch) -> Result<Ingested, StageError> {
    job.permit.check(job.lake.environment(), (job.now)())?;
    let shape = Shape::of(job.contract)?;
    let table = TableName::new(&job.pipeline.name, Layer::Silver, &job.contract.table);
    let (folder, beside) = (job.lake.folder(&table), job.lake.quarantine(&table));
    let silver = Files::new(folder, &job.contract.partition, columns::schema(&shape), job.run, &job.limits);
    let quarantine = Files::new(beside, refused::DATE, refused::schema(), job.run, &job.limits);
    let stamp = Stamp { run: job.run.to_owned(), processed_at: job.processed_at.timestamp_micros() };
    let mut rounds = Rounds::new(job, watch, &shape, &stamp);
    let done = rounds.run(&silver, &quarantine).and_then(|()| {
        if let Some(told) = gate::judge(&shape, &job.contract.table, rounds.read.values())? {
            watch.log(Level::Info, &told);
        }
        let dates = rounds.dates();
        let read: BTreeSet<&str> = rounds.read.keys().map(String::as_str).collect();
        let publication = Publication { job, table: &table, shape: &shape, dates: &dates, read: &read, watch };
        let committed = publish::publish(&publication, &silver, &quarantine)?;
        Ok((dates, committed))
    });
    match done {
        Ok((dates, committed)) => Ok(rounds.ingested(dates, committed)),
        Err(error) => {
            silver.discard();
            quarantine.discard();
            Err(error)
        }
    }
}

/// Passes over the files until no record is left whose date nobody wrote.
struct Rounds<'a> {
    job: &'a IngestJob<'a>,
    watch: &'a dyn Watch,
    shape: &'a Shape,
    stamp: &'a Stamp,
    /// By path.
    planned: BTreeMap<String, PlannedFile>,
    surveyed: BTreeMap<String, Surveyed>,
    read: BTreeMap<String, Tally>,
    written: BTreeSet<i32>,
    totals: Totals,
}

impl<'a> Rounds<'a> {
    fn new(job: &'a IngestJob<'a>, watch: &'a dyn Watch, shape: &'a Shape, stamp: &'a Stamp) -> Self {
        Self {
            job,
            watch,
            shape,
            stamp,
            planned: BTreeMap::new(),
            surveyed: job.surveyed.iter().map(|file| (file.path.clone(), file.clone())).collect(),
            read: BTreeMap::new(),
            written: BTreeSet::new(),
            totals: Totals::default(),
        }
    }

    fn run(&mut self, silver: &Files<'_>, quarantine: &Files<'_>) -> Result<(), StageError> {
        let mut files = self.plan(self.job.files.clone());
        let mut scope = match &self.job.scope {
            Scope::All => None,
            Scope::Dates(dates) => Some(dates.iter().copied().map(moment::days).collect::<BTreeSet<_>>()),
        };
        loop {
            self.survey(&files)?;
            self.written.extend(scope.iter().flatten());
            let strays = self.pass(&files, scope.as_ref(), silver, quarantine)?;
            if strays.is_empty() {
                return Ok(());
            }
            let dates: Vec<NaiveDate> = strays.iter().copied().filter_map(moment::date).collect();
            self.say_strays(&dates);
            files = self.plan((self.job.more)(&dates)?);
            let holders = self.read.iter().filter(|(_, tally)| tally.dates.keys().any(|date| strays.contains(date)));
            files.extend(holders.map(|(path, _)| path.clone()));
            scope = Some(strays);
        }
    }

    fn plan(&mut self, files: Vec<PlannedFile>) -> BTreeSet<String> {
        let paths = files.iter().map(|file| file.path.clone()).collect();
        for file in files {
            self.planned.entry(file.path.clone()).or_insert(file);
        }
        paths
    }

    fn survey(&mut self, files: &BTreeSet<String>) -> Result<(), StageError> {
        let known = |file: &PlannedFile| {
            let surveyed = self.surveyed.get(&file.path);
            surveyed.is_some_and(|known| known.size == file.size && known.modified_ns == file.modified_ns)
        };
        let new = files.iter().filter_map(|path| self.planned.get(path)).filter(|file| !known(file));
        let new: Vec<PlannedFile> = new.cloned().collect();
        let job = self.job;
        let folder = job.lake.pipeline_folder(&job.pipeline.name);
        let found = survey(job.source, &folder, &new, job.scratch, job.threads, &job.limits, self.watch)?;
        self.surveyed.extend(found.into_iter().map(|file| (file.path.clone(), file)));
        Ok(())
    }

    /// Gives the dates of records that neither this pass nor one before it wrote, nor the ledger knows.
    fn pass(
        &mut self,
        files: &BTreeSet<String>,
        scope: Option<&BTreeSet<i32>>,
        silver: &Files<'_>,
        quarantine: &Files<'_>,
    ) -> Result<BTreeSet<i32>, StageError> {
        // The order of a set of strings is the byte order of the paths.
        let files: Vec<(&PlannedFile, &Surveyed)> =
            files.iter().filter_map(|path| Some((self.planned.get(path)?, self.surveyed.get(path)?))).collect();
        let records: u64 = files.iter().map(|(_, surveyed)| surveyed.records).sum();
        let shares = if self.shape.key.is_empty() { 1 } else { records.div_ceil(self.job.limits.keys.max(1)).max(1) };
        let bytes: u64 = files.iter().map(|(_, surveyed)| surveyed.content.len).sum();
        self.totals.bytes_total.fetch_add(bytes * shares, Ordering::Relaxed);
        let mut pass = Pass {
            shape: self.shape,
            scope: scope.map(|dates| dates.iter().copied().collect()),
            share: Share { number: 0, of: shares },
            files: files.iter().map(|(planned, surveyed)| self.pass_file(planned, surveyed)).collect(),
            stamp: self.stamp,
            silver,
            quarantine,
            limits: &self.job.limits,
            threads: self.job.threads,
            watch: self.watch,
            progress: &self.totals,
        };
        let mut tallies = pass.run()?;
        for number in 1..shares {
            pass.share.number = number;
            pass.files.iter_mut().for_each(|file| file.undated = false);
            for (tally, other) in tallies.iter_mut().zip(pass.run()?) {
                tally.again(other);
            }
        }
        let paths: Vec<String> = files.iter().map(|(planned, _)| planned.path.clone()).collect();
        let mut strays = BTreeSet::new();
        for (path, tally) in paths.into_iter().zip(tallies) {
            strays.extend(tally.strays.iter().filter(|date| !self.written.contains(date)));
            match self.read.get_mut(&path) {
                Some(before) => before.again(tally),
                None => drop(self.read.insert(path, tally)),
            }
        }
        Ok(strays)
    }

    fn pass_file<'f>(&self, planned: &PlannedFile, surveyed: &'f Surveyed) -> PassFile<'f> {
        PassFile {
            surveyed,
            folder_date: planned.folder_date,
            known: planned.known_dates.iter().copied().map(moment::days).collect(),
            undated: !self.read.contains_key(&planned.path),
        }
    }

    fn say_strays(&self, dates: &[NaiveDate]) {
        let named: Vec<String> = dates.iter().take(10).map(NaiveDate::to_string).collect();
        let more = if dates.len() > named.len() { ", and others" } else { "" };
        let text = format!("records of other dates were found; these are processed too: {}{more}", named.join(", "));
        self.watch.log(Level::Info, &text);
    }

    /// Dates whose partitions are replaced.
    fn dates(&self) -> Vec<NaiveDate> {
        let found = self.read.values().flat_map(|tally| tally.dates.keys());
        let all: BTreeSet<i32> = match self.job.scope {
            Scope::All => found.chain(&self.written).copied().collect(),
            Scope::Dates(_) => self.written.clone(),
        };
        all.into_iter().filter_map(moment::date).collect()
    }

    fn ingested(self, dates: Vec<NaiveDate>, committed: publish::Published) -> Ingested {
        let mut counts = Counts::default();
        let mut reasons: BTreeMap<Reason, u64> = BTreeMap::new();
        let mut files = Vec::with_capacity(self.read.len());
        for (path, tally) in &self.read {
            counts.add(tally.counts());
            for (reason, count) in &tally.reasons {
                *reasons.entry(*reason).or_default() += count;
            }
            files.extend(self.surveyed.get(path).map(|surveyed| self.report(surveyed, tally)));
        }
        Ingested {
            files,
            dates,
            counts,
            reasons: reasons.into_iter().map(|(reason, count)| (reason.code(self.shape), count)).collect(),
            version: committed.version,
            before: committed.before,
            quarantine_version: committed.quarantine_version,
        }
    }

    fn report(&self, surveyed: &Surveyed, tally: &Tally) -> FileReport {
        let mut ignored: Vec<String> = tally.ignored.iter().take(self.job.limits.ignored).cloned().collect();
        if tally.ignored.len() > ignored.len() {
            ignored.push("(and more)".to_owned());
        }
        let dates = tally.dates.iter().filter_map(|(date, count)| Some((moment::date(*date)?, *count)));
        FileReport {
            path: surveyed.path.clone(),
            tag: surveyed.tag.clone(),
            size: surveyed.size,
            modified_ns: surveyed.modified_ns,
            counts: tally.counts(),
            dates: dates.collect(),
            ignored,
        }
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.read += other.read;
        self.accepted += other.accepted;
        self.quarantined += other.quarantined;
        self.blank += other.blank;
        self.elsewhere += other.elsewhere;
    }
}

impl Tally {
    fn counts(&self) -> Counts {
        Counts {
            read: self.read,
            accepted: self.accepted,
            quarantined: self.quarantined,
            blank: self.blank,
            elsewhere: self.elsewhere,
        }
    }

    /// Adds what another pass over the same file wrote: the same records, of other dates or keys.
    fn again(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.quarantined += other.quarantined;
        self.elsewhere = self.elsewhere.saturating_sub(other.accepted + other.quarantined);
        self.gauges.add(other.gauges);
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }
}
