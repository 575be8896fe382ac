//! The daemon's watched pipelines: looks at their sources, and runs what is complete.

use super::folders::Folders;
use super::{Daemon, Word, said};
use crate::launch;
use crate::local::LocalSources;
use crate::render::words;
use assay_console::ports::Sources;
use assay_console::watching::{After, Decision, FileKey, Patience, ReadyFiles, RunEnd, Watching};
use assay_console::{Journal, Planned, RunRequest};
use assay_contract::{Problem, ProblemKind, RunDetail, Status};
use assay_pipeline::Pipeline;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Who asks for runs of new files.
const ASKED_BY: &str = "watch";
/// Between looks, however much moves.
const LEAST: Duration = Duration::from_millis(200);
/// Between looks of a pipeline that is at work.
const BUSY: Duration = Duration::from_millis(500);

/// One watched pipeline.
pub(super) struct Watched {
    watching: Watching,
    folders: Folders,
    digest: String,
    looked: Duration,
    /// When it looks next, in time since the daemon began.
    pub(super) at: Duration,
    /// The run that it waits for.
    run: Option<String>,
}

impl Watched {
    pub(super) fn new(pipeline: &Pipeline, folder: PathBuf, patience: Patience, tell: Sender<Word>) -> Self {
        Self {
            watching: Watching::new(patience),
            folders: Folders::new(pipeline, folder, tell),
            digest: pipeline.digest.clone(),
            looked: Duration::ZERO,
            at: Duration::ZERO,
            run: None,
        }
    }

    /// Takes in the definition as it is now.
    pub(super) fn define(&mut self, pipeline: &Pipeline, now: Duration) {
        if self.digest != pipeline.digest {
            self.digest.clone_from(&pipeline.digest);
            self.folders.define(pipeline);
            self.watching.again();
            self.at = now;
        }
    }

    pub(super) fn moved(&mut self, now: Duration) {
        self.at = self.at.min(now.max(self.looked + LEAST));
    }
}

impl Daemon {
    /// Looks where it is time to, and starts runs of what is complete.
    pub(super) fn keep_watches(&mut self) {
        let now = self.begun.elapsed();
        let names: Vec<String> =
            self.watched.iter().filter(|(_, watched)| watched.at <= now).map(|(name, _)| name.clone()).collect();
        for name in names {
            let Some(mut watched) = self.watched.remove(&name) else { continue };
            watched.looked = now;
            match self.look(&name, &mut watched, now) {
                Ok(at) => {
                    watched.at = at;
                    self.said.well(&name, "watch");
                }
                Err(problem) => {
                    watched.at = now + self.charge.patience.sweep;
                    self.said.once(&name, "watch", &problem.message);
                }
            }
            self.watched.insert(name, watched);
        }
    }

    /// Gives when to look again.
    fn look(&mut self, name: &str, watched: &mut Watched, now: Duration) -> Result<Duration, Problem> {
        if let Some(trouble) = watched.folders.arm() {
            self.said.once(name, "events", &trouble);
        }
        let Some(pipeline) = self.pipelines.get(name) else { return Ok(now + self.charge.patience.sweep) };
        let environment = &self.charge.environment;
        let files = LocalSources { desk: &self.desk }.files(pipeline, environment)?;
        let ledger = self.desk.journal()?.ledger(name, &environment.name)?;
        match watched.watching.look(now, &files, &ledger) {
            Decision::Wait(time) => Ok(now + time),
            Decision::Run { .. } if self.full() || self.busy(name)?.is_some() => Ok(now + BUSY),
            Decision::Run { ready, unready } => self.run_ready(name, watched, now, ready, &unready),
        }
    }

    fn run_ready(
        &mut self,
        name: &str,
        watched: &mut Watched,
        now: Duration,
        ready: usize,
        unready: &BTreeSet<FileKey>,
    ) -> Result<Duration, Problem> {
        watched.watching.begin(unready);
        let why = why(ready, unready.len());
        let started = match self.plan_ready(name, unready, &why) {
            Ok(Planned::Run(plan)) => self.start(&plan, None, &why).map(Some),
            Ok(Planned::Already(_) | Planned::Nothing(_)) => Ok(None),
            Err(problem) => Err(problem),
        };
        match started {
            Ok(Some(run)) => {
                watched.run = Some(run);
                Ok(now + self.charge.patience.sweep)
            }
            Ok(None) => {
                watched.watching.end(now, RunEnd::Done);
                Ok(now + LEAST)
            }
            Err(problem) => {
                let end = if problem.kind == ProblemKind::Conflict { RunEnd::Changed } else { RunEnd::Failed };
                let after = watched.watching.end(now, end);
                self.said.line(name, "refused", None, &format!("{}{}", problem.message, afterwards(after)));
                Ok(now + LEAST)
            }
        }
    }

    fn plan_ready(&self, name: &str, unready: &BTreeSet<FileKey>, why: &str) -> Result<Planned, Problem> {
        let ready = self.ready(name)?;
        let request = RunRequest {
            confirmed: self.charge.confirmed.clone(),
            reason: why.to_owned(),
            asked_by: ASKED_BY.to_owned(),
            ..RunRequest::default()
        };
        let (sources, journal) = (LocalSources { desk: &self.desk }, self.desk.journal()?);
        let sources = ReadyFiles { sources: &sources, journal, unready };
        launch::plan_from(&self.desk, &ready, &self.charge.environment, &request, &sources)
    }

    /// Tells a watch how the run that it waits for ended.
    pub(super) fn end_watch(
        &mut self,
        pipeline: &str,
        run: &str,
        status: &Result<Status, Problem>,
        detail: Option<&RunDetail>,
    ) {
        let now = self.begun.elapsed();
        let Some(watched) = self.watched.get_mut(pipeline) else { return };
        watched.at = now;
        if watched.run.as_deref() != Some(run) {
            return;
        }
        watched.run = None;
        let end = match status {
            Ok(Status::Succeeded | Status::Flagged | Status::Skipped) => RunEnd::Done,
            _ if detail.is_some_and(said::met_a_change) => RunEnd::Changed,
            _ => RunEnd::Failed,
        };
        let after = watched.watching.end(now, end);
        if after != After::Nothing {
            let text = format!("its files were not all taken{}", afterwards(after));
            self.said.line(pipeline, "again", Some(run), &text);
        }
    }
}

fn why(ready: usize, unready: usize) -> String {
    let files = |count: usize| words::counted(count as u64, "file");
    match (ready, unready) {
        (0, _) => "what earlier runs left undone".to_owned(),
        (ready, 0) => format!("{} new, changed or gone", files(ready)),
        (ready, unready) => {
            let unready = words::count(unready as u64);
            format!("{} new, changed or gone; {unready} more not complete yet", files(ready))
        }
    }
}

fn afterwards(after: After) -> String {
    match after {
        After::Nothing => String::new(),
        After::Retry(wait) => format!("; they are tried again in {} s, once they keep still", wait.as_secs()),
        After::Held => "; they wait until a file or the definition changes".to_owned(),
    }
}
