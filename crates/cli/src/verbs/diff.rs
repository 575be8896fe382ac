//! `assay diff`: what differs between two versions of a table, or what a run changed.

use crate::args::DiffArgs;
use crate::desk::Desk;
use crate::exit;
use crate::pages::difference::{self, EXAMPLES, Versioned, Versions, Wanted};
use crate::render::difference as render;
use crate::render::out::say;
use assay_contract::Problem;
use serde::Serialize;

pub fn run(desk: &Desk, args: &DiffArgs, json: bool) -> Result<u8, Problem> {
    match args.table.strip_prefix("run:") {
        Some(run) => of_run(desk, args, run, json),
        None => of_table(desk, args, json),
    }
}

fn of_run(desk: &Desk, args: &DiffArgs, run: &str, json: bool) -> Result<u8, Problem> {
    if args.before.is_some() || args.date.is_some() || args.quarantine {
        return Err(exit::misuse(
            "A run's difference is shown whole.",
            "For one table of the run write: assay diff TABLE run:RUN",
        ));
    }
    let run = desk.run(run)?.run.id;
    let examples = examples(args);
    let kept = if examples > EXAMPLES { None } else { difference::kept(&desk.state(), &run)? };
    let found = match kept {
        Some(kept) => kept,
        None => difference::run_difference(desk, &run, examples, &|| false)?,
    };
    print(&found, render::run(&found, examples), json)
}

fn of_table(desk: &Desk, args: &DiffArgs, json: bool) -> Result<u8, Problem> {
    let table = desk.table(&args.table)?;
    let ready = desk.pipeline(&table.pipeline)?;
    let lake = desk.lake(&difference::local(desk)?);
    let versioned = match args.quarantine {
        true => Versioned::quarantine(&lake, &table)?,
        false => Versioned::table(&ready, &lake, &table)?,
    };
    let versions = versions(desk, args, &versioned)?;
    let dates = args.date.map(|date| vec![date]);
    let wanted = Wanted { dates: dates.as_deref(), examples: examples(args), cancelled: &|| false };
    let found = versioned.difference(desk, versions, &wanted)?;
    print(&found, render::table(&found, examples(args)), json)
}

fn versions(desk: &Desk, args: &DiffArgs, versioned: &Versioned) -> Result<Versions, Problem> {
    let before = args.before.as_deref().unwrap_or("-1");
    if let Some(run) = before.strip_prefix("run:") {
        let run = desk.run(run)?.run.id;
        return versioned.of_run(desk, &run)?.ok_or_else(|| {
            exit::misuse(
                format!("The run {run} has no commit among the newest of {}.", versioned.name),
                "`assay show RUN` tells what the run did.",
            )
        });
    }
    let after = versioned.version(desk, args.after.as_deref().unwrap_or("latest"))?;
    if args.before.is_none() && after == 0 {
        return Ok(Versions { before: None, after });
    }
    Ok(Versions { before: Some(versioned.version(desk, before)?), after })
}

fn examples(args: &DiffArgs) -> usize {
    usize::try_from(args.examples).unwrap_or(EXAMPLES)
}

fn print(found: &impl Serialize, lines: Vec<String>, json: bool) -> Result<u8, Problem> {
    if json {
        say!("{}", serde_json::json!(found));
    } else {
        for line in lines {
            say!("{line}");
        }
    }
    Ok(exit::DONE)
}
