//! Runs that nobody asks for one by one: schedules and watched sources, until a signal.
//!
//! What was done is in the journal, so that a program that starts again, or a second one, doubles nothing.

mod folders;
mod said;
mod scheduled;
mod watched;

use crate::desk::{Desk, Ready};
use crate::exit;
use crate::launch;
use crate::launch::{Launched, Live};
use assay_console::journal::{Journal, RunFilter};
use assay_console::watching::Patience;
use assay_console::{RunPlan, schedule};
use assay_contract::{Problem, Status};
use assay_pipeline::{Environment, Pipeline};
use chrono::Utc;
use said::Said;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use watched::Watched;

/// The longest that it sleeps: a machine that wakes up, or a clock that was set, is noticed after this.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// Between looks at the definitions.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// What a daemon is to keep.
pub struct Charge {
    pub environment: Environment,
    /// The environment's name as the person typed it.
    pub confirmed: Option<String>,
    /// Pipelines whose runs go on side by side; each has one run at a time.
    pub at_once: usize,
    /// This pipeline is watched; without one all schedules are kept, and sources whose files are dated by their
    /// arrival are watched.
    pub only: Option<String>,
    /// It belongs to a window: the end of its standard input is a signal, and pipelines that nobody has run are left
    /// alone, so that looking at shipped definitions starts nothing.
    pub attached: bool,
    pub patience: Patience,
}

/// Something that ends its sleep.
pub(crate) enum Word {
    /// Something moved in the folders of a pipeline's sources.
    Moved(String),
    Ended {
        pipeline: String,
        run: String,
        status: Result<Status, Problem>,
    },
    Signal,
}

pub struct Daemon {
    desk: Arc<Desk>,
    charge: Charge,
    said: Said,
    begun: Instant,
    read_at: Option<Instant>,
    pipelines: BTreeMap<String, Pipeline>,
    watched: BTreeMap<String, Watched>,
    /// By pipeline.
    live: BTreeMap<String, Arc<Live>>,
    tell: Sender<Word>,
    words: Receiver<Word>,
    signals: u32,
}

impl Daemon {
    /// Looks around and says what it keeps; nothing has run yet.
    pub fn new(desk: Desk, charge: Charge, json: bool) -> Result<Self, Problem> {
        desk.recover()?;
        if let Some(name) = &charge.only {
            desk.pipeline(name)?;
        }
        let (tell, words) = channel();
        listen(&desk, &tell)?;
        if charge.attached {
            follow(&tell);
        }
        let mut daemon = Self {
            desk: Arc::new(desk),
            charge,
            said: Said::new(json),
            begun: Instant::now(),
            read_at: None,
            pipelines: BTreeMap::new(),
            watched: BTreeMap::new(),
            live: BTreeMap::new(),
            tell,
            words,
            signals: 0,
        };
        daemon.read_definitions();
        Ok(daemon)
    }

    /// Keeps its charge until a signal; gives the exit code. The first signal lets running runs finish, the second
    /// cancels them.
    pub fn keep(&mut self) -> u8 {
        self.said.line("daemon", "keeps", None, &self.summary());
        while self.signals == 0 || !self.live.is_empty() {
            if self.signals == 0 {
                self.read_definitions();
                self.keep_schedules();
                self.keep_watches();
            }
            match self.words.recv_timeout(self.sleep()) {
                Ok(word) => self.hear(word),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            while let Ok(word) = self.words.try_recv() {
                self.hear(word);
            }
        }
        self.said.line("daemon", "stopped", None, "stopped; no run is going on");
        if self.signals > 1 { exit::CANCELLED } else { exit::DONE }
    }

    fn summary(&self) -> String {
        let names = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let watched = names(self.watched.keys().map(String::as_str).collect());
        if self.charge.only.is_some() {
            return format!("watches {watched}; Ctrl C ends it");
        }
        let scheduled = self.scheduled().map(|(name, _)| name).collect();
        format!("schedules: {}; watches: {watched}; Ctrl C ends it", names(scheduled))
    }

    fn sleep(&self) -> Duration {
        let now = self.begun.elapsed();
        let looks = self.watched.values().map(|watched| watched.at.saturating_sub(now));
        let least = looks.chain(self.until_due()).min().unwrap_or(LONGEST_SLEEP);
        least.clamp(Duration::from_millis(20), LONGEST_SLEEP)
    }

    fn hear(&mut self, word: Word) {
        match word {
            Word::Moved(pipeline) => {
                if let Some(watched) = self.watched.get_mut(&pipeline) {
                    watched.moved(self.begun.elapsed());
                }
            }
            Word::Ended { pipeline, run, status } => {
                self.live.remove(&pipeline);
                self.tell_end(&pipeline, &run, &status);
            }
            Word::Signal => self.stop(),
        }
    }

    fn stop(&mut self) {
        self.signals += 1;
        let runs: Vec<String> = self.live.values().map(|live| live.run.clone()).collect();
        match self.signals {
            _ if runs.is_empty() => {}
            1 => {
                let text = format!("finishes run {}; a second signal cancels", runs.join(", "));
                self.said.line("daemon", "stopping", None, &text);
            }
            _ => {
                self.said.line("daemon", "cancelling", None, &format!("cancels run {}", runs.join(", ")));
                for live in self.live.values() {
                    let live = live.clone();
                    // Blocks for less than a second; its end is heard as every other one.
                    std::thread::spawn(move || live.cancel());
                }
            }
        }
    }

    /// Definitions may be changed, added and removed meanwhile. Broken ones are said once and left alone.
    fn read_definitions(&mut self) {
        if self.read_at.is_some_and(|at| at.elapsed() < READ_AGAIN) {
            return;
        }
        self.read_at = Some(Instant::now());
        let mut pipelines = BTreeMap::new();
        for (name, found) in self.desk.workspace.pipelines() {
            if self.charge.only.as_ref().is_some_and(|only| *only != name) || self.is_untouched(&name) {
                continue;
            }
            match found {
                Ok(pipeline) => {
                    self.said.well(&name, "definition");
                    pipelines.insert(name, pipeline);
                }
                Err(_) => self.said.once(&name, "definition", "its definition is wrong; `assay validate` tells where"),
            }
        }
        self.pipelines = pipelines;
        self.watched.retain(|name, _| self.pipelines.contains_key(name));
        for (name, pipeline) in &self.pipelines {
            if self.charge.only.is_none() && !pipeline.watches() {
                continue;
            }
            match self.watched.get_mut(name) {
                Some(watched) => watched.define(pipeline, self.begun.elapsed()),
                None => {
                    let folder = self.desk.lake(&self.charge.environment).pipeline_folder(name);
                    // A bucket tells of no changes: it is only looked at now and then.
                    let folder = folder.folder().to_path_buf();
                    let watched = Watched::new(pipeline, folder, self.charge.patience, self.tell.clone());
                    self.watched.insert(name.clone(), watched);
                }
            }
        }
    }

    /// Whether a window's daemon leaves the pipeline alone; also while the journal does not tell.
    fn is_untouched(&self, pipeline: &str) -> bool {
        let filter = RunFilter {
            pipeline: Some(pipeline.to_owned()),
            environment: Some(self.charge.environment.name.clone()),
            ..RunFilter::default()
        };
        let runs = || self.desk.journal()?.runs(&filter, 1);
        self.charge.attached && runs().map_or(true, |runs| runs.is_empty())
    }

    /// The run that works on a pipeline or waits to, whoever asked for it.
    fn busy(&self, pipeline: &str) -> Result<Option<String>, Problem> {
        if let Some(live) = self.live.get(pipeline) {
            return Ok(Some(live.run.clone()));
        }
        let filter = RunFilter {
            pipeline: Some(pipeline.to_owned()),
            environment: Some(self.charge.environment.name.clone()),
            statuses: vec![Status::Queued, Status::Running],
        };
        let journal = self.desk.journal()?;
        if journal.runs(&filter, 1)?.is_empty() {
            return Ok(None);
        }
        // It may have died meanwhile.
        self.desk.recover()?;
        Ok(journal.runs(&filter, 1)?.into_iter().next().map(|row| row.id))
    }

    /// Starts a run and a thread that waits for its end; gives the run, which another program may have started.
    fn start(&mut self, plan: &RunPlan, request_id: Option<&str>, why: &str) -> Result<String, Problem> {
        match launch::start(&self.desk, plan, request_id, |_| {})? {
            Launched::Already(run) => Ok(run),
            Launched::Run(live) => {
                let (live, run) = (Arc::new(live), plan.run.clone());
                self.live.insert(plan.pipeline.clone(), Arc::clone(&live));
                self.said.line(&plan.pipeline, "started", Some(&run), &format!("run {run} started: {why}"));
                let (desk, tell, pipeline) = (Arc::clone(&self.desk), self.tell.clone(), plan.pipeline.clone());
                std::thread::spawn(move || {
                    let status = desk.journal().and_then(|journal| live.wait(journal));
                    // Nobody listens any more when the program ends.
                    drop(tell.send(Word::Ended { pipeline, run: live.run.clone(), status }));
                });
                Ok(run)
            }
        }
    }

    fn tell_end(&mut self, pipeline: &str, run: &str, status: &Result<Status, Problem>) {
        let detail = self.desk.run(run).ok();
        let text = match (status, &detail) {
            (Ok(_), Some(detail)) => said::ended(detail),
            (Ok(status), None) => format!("run {run} {}", assay_console::views::status_word(*status)),
            (Err(problem), _) => format!("run {run}: {}", problem.message),
        };
        self.said.line(pipeline, "ended", Some(run), &text);
        self.end_watch(pipeline, run, status, detail.as_ref());
    }

    fn ready(&self, pipeline: &str) -> Result<Ready, Problem> {
        self.desk.pipeline(pipeline)
    }

    fn full(&self) -> bool {
        self.live.len() >= self.charge.at_once.max(1)
    }

    /// Pipelines with a schedule, when schedules are kept.
    fn scheduled(&self) -> impl Iterator<Item = (&str, &assay_pipeline::Schedule)> {
        let kept = self.charge.only.is_none();
        let all = self.pipelines.iter().filter(move |_| kept);
        all.filter_map(|(name, pipeline)| Some((name.as_str(), pipeline.schedule.as_ref()?)))
    }

    fn until_due(&self) -> impl Iterator<Item = Duration> {
        let now = Utc::now();
        let next = self.scheduled().filter_map(move |(_, schedule)| schedule::next(schedule, now));
        next.map(move |at| (at - now).to_std().unwrap_or(Duration::ZERO))
    }
}

/// The end of the standard input becomes a signal: the window is gone.
fn follow(tell: &Sender<Word>) {
    let tell = tell.clone();
    std::thread::spawn(move || {
        // What is written there does not matter, nor why it cannot be read any more.
        drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        drop(tell.send(Word::Signal));
    });
}

/// Signals become words. From now on they no longer end the program.
fn listen(desk: &Desk, tell: &Sender<Word>) -> Result<(), Problem> {
    let _runtime = desk.runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signals = signal(kind).map_err(|error| {
            exit::because("The program could not listen for Ctrl C.", &error, "Try again with fewer programs open.")
        })?;
        let tell = tell.clone();
        desk.runtime.spawn(async move {
            while signals.recv().await.is_some() {
                if tell.send(Word::Signal).is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}
