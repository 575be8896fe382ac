//! Runs as the window sees them: those it started, and those that other programs started on this workspace.

use super::wire::Outlet;
use crate::desk::Desk;
use crate::exit;
use crate::launch::{self, Launched, Live};
use assay_console::journal::{Journal, RunFilter};
use assay_console::process::Heard;
use assay_console::{Planned, RunRequest};
use assay_contract::{Event, Problem, RunAsk, RunDetail, RunRow, RunTicket};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// Between looks at runs of other programs.
const LOOK: Duration = Duration::from_millis(700);
/// Newest runs that are looked at: an older one has ended.
const LOOKED_AT: u32 = 50;

pub struct Runs {
    desk: Arc<Desk>,
    outlet: Arc<Outlet>,
    live: Mutex<HashMap<String, Arc<Live>>>,
    watching: AtomicBool,
    stop: Mutex<Option<mpsc::Sender<()>>>,
}

impl Runs {
    pub fn new(desk: Arc<Desk>, outlet: Arc<Outlet>) -> Result<Self, Problem> {
        desk.recover()?;
        Ok(Self { desk, outlet, live: Mutex::default(), watching: AtomicBool::new(false), stop: Mutex::default() })
    }

    /// Plans and starts a run; a repeated request id gives the first run again.
    pub fn start(self: &Arc<Self>, ask: &RunAsk) -> Result<RunTicket, Problem> {
        let ready = self.desk.pipeline(&ask.pipeline)?;
        let environment = self.desk.environment(&ask.environment)?;
        let request = RunRequest::of(ask, &self.desk.person())?;
        // One at a time: two asks with the same id must not both be planned.
        let mut live = held(&self.live);
        let plan = match launch::plan(&self.desk, &ready, &environment, &request)? {
            Planned::Run(plan) => plan,
            Planned::Already(run) => return Ok(RunTicket { run }),
            Planned::Nothing(why) => return Err(exit::misuse(why, "Choose dates, or all of them, to run again.")),
        };
        let outlet = Arc::clone(&self.outlet);
        let hear = move |heard| {
            if let Heard::Event(event) = heard {
                outlet.events(vec![*event]);
            }
        };
        match launch::start(&self.desk, &plan, Some(&ask.request_id), hear)? {
            Launched::Already(run) => Ok(RunTicket { run }),
            Launched::Run(started) => {
                let started = Arc::new(started);
                live.insert(started.run.clone(), Arc::clone(&started));
                drop(live);
                let runs = Arc::clone(self);
                let run = started.run.clone();
                std::thread::spawn(move || runs.attend(&started));
                Ok(RunTicket { run })
            }
        }
    }

    /// Waits for a run's end, settles it and tells the window.
    fn attend(&self, live: &Live) {
        let settled = self.desk.journal().and_then(|journal| live.wait(journal));
        held(&self.live).remove(&live.run);
        match settled.and_then(|_| self.desk.run(&live.run)) {
            Ok(detail) => self.tell(&detail),
            Err(problem) => self.outlet.events(vec![Event::Lost { reason: problem.message }]),
        }
    }

    /// The run's row and every step, so that nothing that a killed worker did not say is missed.
    fn tell(&self, detail: &RunDetail) {
        let run = detail.run.id.clone();
        let steps = detail.steps.iter().map(|step| Event::Step { run: run.clone(), step: step.clone() });
        self.outlet.events(steps.chain([Event::Run { run: detail.run.clone() }]).collect());
    }

    pub fn cancel(&self, run: &str) -> Result<(), Problem> {
        let live = held(&self.live).get(run).cloned();
        match live {
            Some(live) => {
                live.cancel();
                Ok(())
            }
            // Another program started it.
            None => self.desk.cancel(run, "").map(drop),
        }
    }

    /// From now on the window also hears of runs that other programs started.
    pub fn watch(self: &Arc<Self>) {
        if self.watching.swap(true, Ordering::AcqRel) {
            return;
        }
        let (stop, stopped) = mpsc::channel();
        *held(&self.stop) = Some(stop);
        let runs = Arc::clone(self);
        std::thread::spawn(move || {
            let mut seen = HashMap::new();
            while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK) {
                // A journal that cannot be read now is read at the next look; the window's own asks say why.
                drop(runs.look(&mut seen));
            }
        });
    }

    fn look(&self, seen: &mut HashMap<String, RunRow>) -> Result<(), Problem> {
        self.desk.recover()?;
        let rows = self.desk.journal()?.runs(&RunFilter::default(), LOOKED_AT)?;
        let first = seen.is_empty();
        for row in rows {
            let known = seen.insert(row.id.clone(), row.clone());
            let own = held(&self.live).contains_key(&row.id);
            if first || own || known.as_ref() == Some(&row) {
                continue;
            }
            if let Some(detail) = self.desk.journal()?.run(&row.id)? {
                self.tell(&detail);
            }
        }
        Ok(())
    }

    /// The window is gone: its runs are cancelled, as they were its children.
    pub fn end(&self) {
        held(&self.stop).take();
        let live: Vec<_> = held(&self.live).values().cloned().collect();
        for run in live {
            run.cancel();
            // Settled here too: the thread that attends may not get to it before the process ends.
            drop(self.desk.journal().and_then(|journal| run.wait(journal)));
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
