//! `assay reprocess`: plans dates again, prints the plan, carries it out exactly.

use super::run::{Interrupts, attend, nothing};
use crate::args::{DefinitionWord, Order, ReprocessArgs};
use crate::desk::{Desk, Ready};
use crate::exit;
use crate::launch::{self, Launched};
use crate::render::live::Screen;
use crate::render::out::say;
use crate::render::plan as render;
use assay_console::process::Heard;
use assay_console::{Journal, Planned, RunPlan, RunRequest, RunScope, ScopeAsk, Settings, StepsAsk, definitions};
use assay_contract::{PlanDetail, Problem, ScopeWord};
use assay_pipeline::Environment;
use chrono::NaiveDate;
use std::sync::Arc;

type Range = Option<(NaiveDate, NaiveDate)>;

pub fn run(desk: &Desk, args: &ReprocessArgs, json: bool) -> Result<u8, Problem> {
    desk.recover()?;
    let environment = desk.environment(&args.env.name)?;
    let between = args.dates.between();
    let word = word(args, between)?;
    if args.each {
        return each(desk, args, &environment, word, between, json);
    }
    let (ready, original) = definition(desk, args, &environment, between)?;
    let request = request(desk, args, ScopeAsk { word, between }, original)?;
    match launch::plan(desk, &ready, &environment, &request)? {
        Planned::Nothing(why) => Ok(nothing(&why, json)),
        Planned::Already(run) => Ok(nothing(&format!("Run {run} does this already."), json)),
        Planned::Run(plan) => show_and_carry_out(desk, &ready, &environment, &plan, args.look.only, json),
    }
}

/// Prints the plan, unless a script wants the run alone, and carries it out, unless it was only to be shown.
pub fn show_and_carry_out(
    desk: &Desk,
    ready: &Ready,
    environment: &Environment,
    plan: &RunPlan,
    only_shown: bool,
    json: bool,
) -> Result<u8, Problem> {
    if only_shown || !json {
        print(&launch::detail(desk, ready, environment, plan)?, json);
    }
    if only_shown {
        return Ok(exit::DONE);
    }
    if !json {
        say!("");
    }
    carry_out(desk, plan, Interrupts::listen(desk)?, json)
}

/// Journals the plan, starts its worker and follows it to its end.
fn carry_out(desk: &Desk, plan: &RunPlan, interrupts: Interrupts, json: bool) -> Result<u8, Problem> {
    let screen = Arc::new(Screen::new(json));
    let hear = {
        let screen = Arc::clone(&screen);
        move |heard: Heard| screen.hear(heard)
    };
    match launch::start(desk, plan, None, hear)? {
        Launched::Run(live) => attend(desk, live, interrupts, &screen, json),
        Launched::Already(run) => Ok(nothing(&format!("Run {run} does this already."), json)),
    }
}

fn print(detail: &PlanDetail, json: bool) {
    if json {
        say!("{}", serde_json::json!(detail));
    } else {
        for line in render::of(detail) {
            say!("{line}");
        }
    }
}

/// One run for each date, in order, planned when the one before has ended. The first that does not end well is the
/// last.
fn each(
    desk: &Desk,
    args: &ReprocessArgs,
    environment: &Environment,
    word: ScopeWord,
    between: Range,
    json: bool,
) -> Result<u8, Problem> {
    let (ready, original) = definition(desk, args, environment, between)?;
    let mut look = request(desk, args, ScopeAsk { word, between }, original)?;
    look.looking = true;
    let dates = match launch::plan(desk, &ready, environment, &look)? {
        Planned::Nothing(why) => return Ok(nothing(&why, json)),
        Planned::Already(run) => return Ok(nothing(&format!("Run {run} does this already."), json)),
        Planned::Run(plan) => ordered(dates(desk, &plan)?, args.order),
    };
    if !json {
        let words = dates.iter().map(NaiveDate::to_string).collect::<Vec<_>>().join(", ");
        say!("One run for each of {} dates, in this order: {words}", dates.len());
    }
    let mut interrupts = Interrupts::listen(desk)?;
    for (done, date) in dates.iter().enumerate() {
        let between = Some((*date, *date));
        let (ready, original) = definition(desk, args, environment, between)?;
        let request = request(desk, args, ScopeAsk { word, between }, original)?;
        let Planned::Run(plan) = launch::plan(desk, &ready, environment, &request)? else { continue };
        if args.look.only || !json {
            print(&launch::detail(desk, &ready, environment, &plan)?, json);
        }
        if args.look.only {
            continue;
        }
        // A signal that comes between two runs waits for the next one.
        let next = Interrupts::listen(desk)?;
        let code = carry_out(desk, &plan, std::mem::replace(&mut interrupts, next), json)?;
        if !matches!(code, exit::DONE | exit::FLAGGED) {
            if !json {
                say!("{} of {} dates were not begun.", dates.len() - done - 1, dates.len());
            }
            return Ok(code);
        }
    }
    Ok(exit::DONE)
}

fn dates(desk: &Desk, plan: &RunPlan) -> Result<Vec<NaiveDate>, Problem> {
    match &plan.scope {
        RunScope::Dates(dates) => Ok(dates.clone()),
        RunScope::All => desk.journal()?.dates(&plan.pipeline, &plan.environment.name),
    }
}

fn ordered(mut dates: Vec<NaiveDate>, order: Order) -> Vec<NaiveDate> {
    dates.sort_unstable();
    if order == Order::Newest {
        dates.reverse();
    }
    dates
}

/// With dates everything of them is meant; without, it must be said what of all dates.
fn word(args: &ReprocessArgs, between: Range) -> Result<ScopeWord, Problem> {
    match (&args.scope, between) {
        (Some(text), _) => ScopeWord::parse(text).ok_or_else(|| {
            let words: Vec<String> =
                ScopeWord::WORDS.into_iter().map(|word| format!("{word}: {}", word.sentence())).collect();
            exit::misuse(format!("`{text}` is no scope; nothing was started."), words.join(" "))
        }),
        (None, Some(_)) => Ok(ScopeWord::All),
        (None, None) => Err(exit::misuse(
            "It is not said which dates; nothing was started.",
            "Give --date, or --from and --to, or --scope missing, failed or all.",
        )),
    }
}

fn definition(
    desk: &Desk,
    args: &ReprocessArgs,
    environment: &Environment,
    between: Range,
) -> Result<(Ready, bool), Problem> {
    let today = || Ok((desk.pipeline(&args.pipeline)?, false));
    if args.definition == DefinitionWord::Today {
        return today();
    }
    desk.known(&args.pipeline)?;
    let original = definitions::original(&args.pipeline, &environment.name, between, desk.journal()?)?;
    // One that cannot be read any more is not the original: it may be broken by now.
    match desk.pipeline(&args.pipeline) {
        Ok(ready) if ready.definition.digest == original.digest => Ok((ready, false)),
        _ => Ok((desk.kept(&original.digest)?, true)),
    }
}

fn request(desk: &Desk, args: &ReprocessArgs, scope: ScopeAsk, original: bool) -> Result<RunRequest, Problem> {
    let mut settings = Settings { at_once: args.at_once, ..Settings::default() };
    for text in &args.set {
        settings.set(text)?;
    }
    Ok(RunRequest {
        stages: args.stages.clone(),
        steps: match (&args.from_step, &args.only_step) {
            (Some(step), _) => StepsAsk::From(step.clone()),
            (None, Some(step)) => StepsAsk::Only(step.clone()),
            (None, None) => StepsAsk::All,
        },
        scope,
        confirmed: args.ask.confirmed().map(str::to_owned),
        reason: args.ask.reason.clone(),
        asked_by: desk.person(),
        request_id: None,
        settings,
        original,
        exact: true,
        looking: args.look.only,
    })
}
