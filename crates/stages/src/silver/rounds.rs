//! The passes of a silver step over its files, and what they came to.

use crate::bronze::{DeadLetter, DeadLetters, Surveyed, survey_or_set_aside};
use crate::error::StageError;
use crate::silver::columns::Stamp;
use crate::silver::copies;
use crate::silver::fault::Reason;
use crate::silver::files::Files;
use crate::silver::ingest::{Counts, FileReport, IngestJob, Ingested, PlannedFile, Scope};
use crate::silver::moment;
use crate::silver::pass::{Pass, PassFile, Share, Tally, Totals};
use crate::silver::publish;
use crate::silver::shape::Shape;
use crate::silver::upsert::Upserted;
use crate::watch::{Level, Watch};
use assay_pipeline::Format;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

/// Passes over the files until no record is left whose date nobody wrote.
pub(crate) struct Rounds<'a> {
    job: &'a IngestJob<'a>,
    watch: &'a dyn Watch,
    shape: &'a Shape,
    stamp: &'a Stamp,
    letters: &'a DeadLetters<'a>,
    /// By path.
    planned: BTreeMap<String, PlannedFile>,
    surveyed: BTreeMap<String, Surveyed>,
    pub(crate) read: BTreeMap<String, Tally>,
    /// Files whose content was read under another path, by their own.
    copies: BTreeMap<String, String>,
    dead: Vec<DeadLetter>,
    written: BTreeSet<i32>,
    totals: Totals,
}

/// A record of an exploded file is taken to have no more than one element for so many bytes.
const ELEMENT: u64 = 48;

impl<'a> Rounds<'a> {
    /// `dead` are files that were found to be unreadable before.
    pub(crate) fn new(
        job: &'a IngestJob<'a>,
        watch: &'a dyn Watch,
        shape: &'a Shape,
        stamp: &'a Stamp,
        letters: &'a DeadLetters<'a>,
        dead: Vec<DeadLetter>,
    ) -> Self {
        Self {
            job,
            watch,
            shape,
            stamp,
            letters,
            copies: BTreeMap::new(),
            dead,
            planned: BTreeMap::new(),
            surveyed: job.surveyed.iter().map(|file| (file.path.clone(), file.clone())).collect(),
            read: BTreeMap::new(),
            written: BTreeSet::new(),
            totals: Totals::default(),
        }
    }

    pub(crate) fn run(&mut self, silver: &Files<'_>, quarantine: &Files<'_>) -> Result<(), StageError> {
        let mut files = self.plan(self.job.files.clone());
        let mut scope = match &self.job.scope {
            // A record of any date can be the newest of its key.
            _ if self.shape.upsert.is_some() => None,
            Scope::All => None,
            Scope::Dates(dates) => Some(dates.iter().copied().map(moment::days).collect::<BTreeSet<_>>()),
        };
        loop {
            self.survey(&files)?;
            self.leave_copies(&mut files);
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
        let gone = |path: &str| self.dead.iter().any(|letter| letter.path == path);
        for file in files.into_iter().filter(|file| !gone(&file.path)) {
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
        let (found, dead) =
            survey_or_set_aside(job.source, &new, self.letters, job.scratch, job.threads, &job.limits, self.watch)?;
        self.surveyed.extend(found.into_iter().map(|file| (file.path.clone(), file)));
        for letter in &dead {
            self.watch.log(Level::Warn, &letter.told());
            self.planned.remove(&letter.path);
        }
        self.dead.extend(dead);
        let exploded = self.shape.explode.is_some();
        match files.iter().filter_map(|path| self.surveyed.get(path)).find(|file| file.format != Format::Json) {
            Some(file) if exploded => Err(StageError::NoArrays { path: file.path.clone() }),
            _ => Ok(()),
        }
    }

    /// Takes files out whose content is read under another path; their records are elsewhere.
    fn leave_copies(&mut self, files: &mut BTreeSet<String>) {
        if !self.job.source.once {
            return;
        }
        let read: BTreeSet<&str> = self.read.keys().map(String::as_str).collect();
        let new = copies::copies(files, &self.surveyed, &read, &self.copies, self.job.known);
        for (path, original) in new {
            let Some(surveyed) = self.surveyed.get(&path) else { continue };
            self.watch.log(Level::Info, &format!("{path} has the content of {original} and is not read again"));
            let elsewhere = surveyed.records - surveyed.blank;
            let tally = Tally { read: surveyed.records, blank: surveyed.blank, elsewhere, ..Tally::default() };
            self.read.insert(path.clone(), tally);
            self.copies.insert(path, original);
        }
        files.retain(|path| !self.copies.contains_key(path));
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
        let rows = |surveyed: &Surveyed| match self.shape.explode {
            Some(_) => surveyed.records.max(surveyed.content.len / ELEMENT),
            None => surveyed.records,
        };
        let records: u64 = files.iter().map(|(_, surveyed)| rows(surveyed)).sum();
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

    /// Dates of which the files hold records, or held some when they were read before.
    pub(crate) fn touched(&self) -> BTreeSet<NaiveDate> {
        let held = self.read.values().flat_map(|tally| tally.dates.keys()).filter_map(|date| moment::date(*date));
        let known = self.job.files.iter().chain(self.planned.values());
        held.chain(known.flat_map(|file| file.known_dates.iter().copied())).collect()
    }

    /// Paths of the files that were read or found to be unreadable.
    pub(crate) fn paths(&self) -> BTreeSet<&str> {
        let dead = self.dead.iter().map(|letter| letter.path.as_str());
        self.read.keys().map(String::as_str).chain(dead).collect()
    }

    /// Dates whose partitions are replaced.
    pub(crate) fn dates(&self) -> Vec<NaiveDate> {
        let found = self.read.values().flat_map(|tally| tally.dates.keys());
        let all: BTreeSet<i32> = match self.job.scope {
            Scope::All => found.chain(&self.written).copied().collect(),
            Scope::Dates(_) => self.written.clone(),
        };
        all.into_iter().filter_map(moment::date).collect()
    }

    pub(crate) fn ingested(
        self,
        dates: Vec<NaiveDate>,
        committed: publish::Published,
        upserted: Option<Upserted>,
    ) -> Ingested {
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
            dead: self.dead,
            upserted,
            flagged: None,
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
            copy_of: self.copies.get(&surveyed.path).cloned(),
        }
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
