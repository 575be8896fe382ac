//! `assay run`: plans, starts the worker, shows progress, prints the summary.

use crate::args::RunArgs;
use crate::desk::{Desk, Ready};
use crate::exit;
use crate::launch::{self, Launched, Live};
use crate::pages::difference;
use crate::render::difference::brief;
use crate::render::live::Screen;
use crate::render::out::{self, say};
use crate::render::summary;
use assay_console::process::Heard;
use assay_console::{Planned, RunRequest, ScopeAsk};
use assay_contract::{Problem, Status};
use assay_pipeline::Environment;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub fn run(desk: &Desk, args: &RunArgs, json: bool) -> Result<u8, Problem> {
    desk.recover()?;
    let ready = desk.pipeline(&args.pipeline)?;
    let environment = desk.environment(&args.env.name)?;
    let screen = Arc::new(Screen::new(json));
    let hear = {
        let screen = Arc::clone(&screen);
        move |heard: Heard| screen.hear(heard)
    };
    let interrupts = Interrupts::listen(desk)?;
    if args.resume {
        let live = launch::again(desk, &ready, &environment, args.ask.confirmed(), hear)?;
        return attend(desk, live, interrupts, &screen, json);
    }
    let plan = match launch::plan(desk, &ready, &environment, &request(desk, args))? {
        Planned::Run(plan) => plan,
        Planned::Nothing(why) => return Ok(nothing(&why, json)),
        Planned::Already(run) => return Ok(nothing(&format!("Run {run} does this already."), json)),
    };
    if args.dry_run {
        return dry(&ready, &environment, &plan, json);
    }
    match launch::start(desk, &plan, None, hear)? {
        Launched::Run(live) => attend(desk, live, interrupts, &screen, json),
        Launched::Already(run) => Ok(nothing(&format!("Run {run} does this already."), json)),
    }
}

fn request(desk: &Desk, args: &RunArgs) -> RunRequest {
    let scope = match (args.all, args.dates.between()) {
        (true, _) => ScopeAsk::all(),
        (false, Some((from, to))) => ScopeAsk::dates(from, to),
        (false, None) => ScopeAsk::missing(),
    };
    RunRequest {
        stages: args.stages.clone(),
        scope,
        confirmed: args.ask.confirmed().map(str::to_owned),
        reason: args.ask.reason.clone(),
        asked_by: desk.person(),
        looking: args.dry_run,
        ..RunRequest::default()
    }
}

/// Follows the run to its end; an interrupt from the keyboard cancels it.
pub(super) fn attend(
    desk: &Desk,
    live: Live,
    interrupts: Interrupts,
    screen: &Screen,
    json: bool,
) -> Result<u8, Problem> {
    let live = Arc::new(live);
    let watched = Arc::clone(&live);
    desk.runtime.spawn(async move {
        interrupts.first().await;
        // Blocks for less than a second, on a thread that may.
        drop(tokio::task::spawn_blocking(move || watched.cancel()).await);
    });
    let status = live.wait(desk.journal()?);
    screen.end();
    let status = status?;
    let detail = desk.run(&live.run)?;
    if json {
        say!("{}", serde_json::json!(detail));
    } else {
        for line in summary::of(&detail) {
            say!("{line}");
        }
        if let Some(found) = difference::kept(&desk.state(), &live.run)? {
            say!("");
            for line in brief(&found) {
                say!("{line}");
            }
        }
        if matches!(status, Status::Failed | Status::Cancelled) {
            say!("Look further: assay logs {}; finish it: assay run {} --resume", live.run, detail.run.pipeline);
        }
    }
    Ok(exit::of_status(status))
}

/// The signals that cancel a run.
pub(super) struct Interrupts {
    signals: Vec<Signal>,
}

impl Interrupts {
    /// From now on these signals no longer end the program. Called before the worker starts, so that none comes between.
    pub(super) fn listen(desk: &Desk) -> Result<Self, Problem> {
        // A run is not cancelled because its output has no reader.
        out::go_on();
        let _runtime = desk.runtime.enter();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let signals = kinds.into_iter().map(signal).collect::<Result<_, _>>().map_err(|error| {
            exit::because("The program could not listen for Ctrl C.", &error, "Try again with fewer programs open.")
        })?;
        Ok(Self { signals })
    }

    /// Completes at the first signal.
    async fn first(mut self) {
        let waits = self.signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures::future::select_all(waits).await;
    }
}

pub(super) fn nothing(why: &str, json: bool) -> u8 {
    if json {
        say!("{}", serde_json::json!({ "nothing": why }));
    } else {
        say!("{why}");
    }
    exit::DONE
}

fn dry(ready: &Ready, environment: &Environment, plan: &assay_console::RunPlan, json: bool) -> Result<u8, Problem> {
    if json {
        say!("{}", serde_json::json!(plan));
    } else {
        for line in plan.describe() {
            say!("{line}");
        }
        say!("Nothing was changed in {} by this look at {}.", environment.name, ready.definition.name);
    }
    Ok(exit::DONE)
}
