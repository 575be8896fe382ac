//! `assay quality check`: the rules of a pipeline on its tables as they are.

use super::Looked;
use crate::args::quality::CheckArgs;
use crate::desk::{Desk, Ready};
use crate::exit;
use crate::local::problems;
use crate::local::verdicts::evaluation;
use crate::render::out::say;
use crate::render::quality as render;
use assay_contract::{Evaluation, Problem, RuleOutcome, Severity};
use assay_stages::quality::{CompiledRules, Judging, judge_table};
use chrono::Utc;

pub fn run(desk: &Desk, args: &CheckArgs, json: bool) -> Result<u8, Problem> {
    let ready = desk.pipeline(&args.pipeline)?;
    let chosen = chosen(&ready, args)?;
    let lake = desk.lake(&desk.environment(&args.env)?);
    let mut worst = exit::DONE;
    for (place, rules) in chosen.into_iter().enumerate() {
        let step = rules.ruleset.step();
        let past = Looked { desk, pipeline: &args.pipeline, environment: &args.env, table: &step };
        let judging = Judging {
            lake: &lake,
            pipeline: &args.pipeline,
            now: Utc::now(),
            cancelled: &|| false,
            runtime: desk.runtime.handle(),
            past: &past,
            failing: None,
        };
        let dates = args.date.map(|date| vec![date]);
        let judged = judge_table(rules, dates.as_deref(), &judging).map_err(|error| problems::stage(&error))?;
        let found = judged.map(|judged| evaluation(&judged));
        if json {
            say!("{}", serde_json::json!({ "pipeline": args.pipeline, "table": step, "evaluation": found }));
        } else {
            if place > 0 {
                say!("");
            }
            match &found {
                Some(found) => render::evaluation(found).iter().for_each(|line| say!("{line}")),
                None => say!("{step}: there is no table yet; `assay run {}` makes it", args.pipeline),
            }
        }
        worst = heavier(worst, found.as_ref().map_or(exit::DONE, code));
    }
    Ok(worst)
}

fn chosen<'r>(ready: &'r Ready, args: &CheckArgs) -> Result<Vec<&'r CompiledRules>, Problem> {
    let steps = || ready.rules.iter().map(|rules| rules.ruleset.step()).collect::<Vec<_>>().join(", ");
    if ready.rules.is_empty() {
        return Err(exit::misuse(
            format!("{} has no rules.", args.pipeline),
            "Name a ruleset beside a table: quality = { rules = \"quality/<name>.dqdl\" }.",
        ));
    }
    let Some(table) = &args.table else { return Ok(ready.rules.iter().collect()) };
    let full = |rules: &&CompiledRules| {
        let step = rules.ruleset.step();
        step == *table || format!("{}.{step}", args.pipeline) == *table
    };
    let found: Vec<&CompiledRules> = ready.rules.iter().filter(full).collect();
    if found.is_empty() {
        return Err(exit::misuse(
            format!("No rules of {} judge {table}.", args.pipeline),
            format!("Tables with rules: {}.", steps()),
        ));
    }
    Ok(found)
}

fn code(found: &Evaluation) -> u8 {
    let failed = |severity| found.verdicts.iter().any(|v| v.outcome == RuleOutcome::Failed && v.severity == severity);
    match (failed(Severity::Error), failed(Severity::Warn)) {
        (true, _) => exit::FAILED,
        (false, true) => exit::FLAGGED,
        (false, false) => exit::DONE,
    }
}

/// An error weighs more than a warning.
fn heavier(one: u8, other: u8) -> u8 {
    let weight = |code| [exit::DONE, exit::FLAGGED, exit::FAILED].iter().position(|known| *known == code);
    if weight(other) > weight(one) { other } else { one }
}
