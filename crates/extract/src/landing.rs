//! A landing of pages: goes on where the same run stopped, and appears in the source's folder in one step.

use crate::disk::{self, blocking};
use crate::error::ExtractError;
use crate::job::{LandJob, Landed, LandedFile};
use crate::manifest::{Manifest, Page, Part};
use crate::place;
use crate::state::State;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::fs;
use std::path::{Path, PathBuf};

/// Complete landings that are remembered; one is needed, the others serve when newer ones are removed by hand.
const REMEMBERED: usize = 50;

/// Pages that no reader sees yet, and their record.
pub(crate) struct Landing<'a> {
    job: &'a LandJob<'a>,
    state: PathBuf,
    pub manifest: Manifest,
    /// The last complete landing of the same shape whose folder is still there.
    pub before: Option<Manifest>,
    /// The run has pages of an earlier attempt.
    pub resumed: bool,
}

/// What a run finds when it begins.
pub(crate) enum Begun<'a> {
    Landing(Box<Landing<'a>>),
    /// The run had already landed everything.
    Done(Manifest),
}

struct Found {
    own: Option<Manifest>,
    before: Option<Manifest>,
}

impl<'a> Landing<'a> {
    /// Settles what earlier runs left, and begins or goes on. `shape` is the digest of what is read from where.
    pub(crate) async fn begin(
        job: &'a LandJob<'a>,
        state: &State,
        shape: String,
        parts: usize,
    ) -> Result<Begun<'a>, ExtractError> {
        let Some(folder) = place::landing(&job.source.path, job.started_at) else {
            let reason = "its path must name one folder, with `extracted_at=*` at its end or nothing left open";
            return Err(ExtractError::definition(job, reason));
        };
        let (lake, at, run, wanted) = (job.folder.to_owned(), state.folder.clone(), job.run.to_owned(), shape.clone());
        let found = blocking(&state.folder, move || settle(&lake, &at, &run, &wanted)).await?;
        if let Some(own) = found.own.as_ref().filter(|own| own.complete) {
            return Ok(Begun::Done(own.clone()));
        }
        let resumed = found.own.as_ref().is_some_and(|own| own.pages().next().is_some());
        let manifest = found.own.unwrap_or_else(|| Manifest {
            run: job.run.to_owned(),
            shape,
            extracted_at: job.started_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            folder,
            complete: false,
            snapshots: 0,
            since: None,
            until: None,
            parts: vec![Part::default(); parts],
        });
        let landing = Landing { job, state: state.folder.clone(), manifest, before: found.before, resumed };
        Ok(Begun::Landing(Box::new(landing)))
    }

    /// Where the pages are written.
    pub(crate) fn pages_folder(&self) -> PathBuf {
        pages_folder(&self.state, &self.manifest.run)
    }

    /// Records how far the landing is. Needs the permit, as each page does.
    pub(crate) async fn save(&self) -> Result<(), ExtractError> {
        self.job.check_permit()?;
        let (manifest, state) = (self.manifest.clone(), self.state.clone());
        blocking(&self.state, move || manifest.write(&state)).await
    }

    /// Puts the pages in their place, all at once.
    pub(crate) async fn publish(mut self, note: String) -> Result<Landed, ExtractError> {
        self.job.check_permit()?;
        self.manifest.complete = true;
        let (lake, state, mut manifest) = (self.job.folder.to_owned(), self.state.clone(), self.manifest);
        let manifest = blocking(&self.state, move || {
            put_in_place(&lake, &state, &mut manifest)?;
            forget(&state)?;
            Ok(manifest)
        });
        Ok(landed(&manifest.await?, note))
    }

    /// Leaves nothing of this landing.
    pub(crate) async fn discard(self, note: String) -> Result<Landed, ExtractError> {
        let (state, manifest) = (self.state.clone(), self.manifest);
        blocking(&self.state, move || leave_nothing(&state, &manifest)).await?;
        Ok(Landed { files: Vec::new(), note })
    }
}

/// The files of a complete landing.
pub(crate) fn landed(manifest: &Manifest, note: String) -> Landed {
    let file = |page: &Page| LandedFile {
        path: format!("{}/{}", manifest.folder, page.file),
        rows: Some(page.rows),
        bytes: page.bytes,
    };
    let mut files: Vec<LandedFile> = manifest.pages().map(file).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Landed { files, note }
}

fn pages_folder(state: &Path, run: &str) -> PathBuf {
    state.join(format!("pages-{run}"))
}

/// Finishes landings that were complete but not in place, and removes those that were not complete and are of another
/// run or of another shape.
fn settle(lake: &Path, state: &Path, run: &str, shape: &str) -> Result<Found, ExtractError> {
    let mut found = Found { own: None, before: None };
    for path in Manifest::list(state)? {
        let mut manifest = Manifest::read(&path)?;
        if manifest.complete && pages_folder(state, &manifest.run).is_dir() {
            put_in_place(lake, state, &mut manifest)?;
        }
        let own = manifest.run == run && manifest.shape == shape;
        let in_place = manifest.complete && lake.join(&manifest.folder).is_dir();
        if own && (in_place || !manifest.complete) {
            found.own = Some(manifest);
        } else if !manifest.complete {
            leave_nothing(state, &manifest)?;
        } else if found.before.is_none() && in_place && manifest.shape == shape {
            found.before = Some(manifest);
        }
    }
    if found.own.is_none() {
        // Pages that were written before their landing had a record.
        disk::remove(&pages_folder(state, run))?;
    }
    if let Some(own) = found.own.as_ref().filter(|own| !own.complete) {
        remove_unrecorded(&pages_folder(state, run), own)?;
    }
    Ok(found)
}

/// The record says `complete` before the folder moves, so that a crash between the two is finished by the next run.
fn put_in_place(lake: &Path, state: &Path, manifest: &mut Manifest) -> Result<(), ExtractError> {
    let pages = pages_folder(state, &manifest.run);
    // The record of a landing that takes a later second keeps the name that it has.
    while lake.join(&manifest.folder).exists() {
        manifest.folder = next_second(&manifest.folder);
    }
    manifest.write(state)?;
    remove_unrecorded(&pages, manifest)?;
    disk::sync(&pages)?;
    let target = lake.join(&manifest.folder);
    if let Some(above) = target.parent() {
        disk::make_folder(above)?;
    }
    disk::rename(&pages, &target)
}

/// The same folder, named a second later.
fn next_second(folder: &str) -> String {
    let (above, stamp) = folder.rsplit_once('=').unwrap_or((folder, ""));
    let moment = chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").unwrap_or_default();
    let later: DateTime<Utc> = (moment + TimeDelta::seconds(1)).and_utc();
    format!("{above}={}", place::stamp(later))
}

fn leave_nothing(state: &Path, manifest: &Manifest) -> Result<(), ExtractError> {
    disk::remove(&pages_folder(state, &manifest.run))?;
    disk::remove(&manifest.path(state))
}

/// A page whose record was not written is read again.
fn remove_unrecorded(folder: &Path, manifest: &Manifest) -> Result<(), ExtractError> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(ExtractError::disk(folder, "list"))? {
        let entry = entry.map_err(ExtractError::disk(folder, "list"))?;
        if !manifest.pages().any(|page| entry.file_name() == *page.file) {
            disk::remove(&entry.path())?;
        }
    }
    Ok(())
}

fn forget(state: &Path) -> Result<(), ExtractError> {
    Manifest::list(state)?.iter().skip(REMEMBERED).try_for_each(|path| disk::remove(path))
}
