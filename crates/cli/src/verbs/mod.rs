//! One file a verb: each takes its words, does the thing through the console and the lake, prints, gives an exit code.

mod cancel;
mod connect;
mod daemon;
mod data;
mod demo;
mod diff;
mod doctor;
mod init;
pub mod logs;
mod open;
mod pipelines;
mod quality;
mod replay;
mod reprocess;
mod run;
mod runs;
mod tables;
mod undo;
mod unlock;
mod validate;

use crate::args::{Invocation, Verb};
use crate::desk::Desk;
use crate::render::out::Bytes;
use crate::{exit, serve, worker};
use assay_contract::Problem;
use clap::CommandFactory;

/// Carries out one invocation and gives its exit code.
pub fn run(invocation: Invocation) -> Result<u8, Problem> {
    let json = invocation.json;
    let desk = || Desk::open(invocation.workspace.as_deref());
    match invocation.verb {
        Verb::Init { folder } => init::run(folder.or(invocation.workspace), json),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Invocation::command(), "assay", &mut Bytes);
            Ok(exit::DONE)
        }
        Verb::Doctor(args) => doctor::run(invocation.workspace.as_deref(), &args, json),
        Verb::Connect(args) => connect::run(&args, json),
        Verb::Demo(args) => demo::run(&desk()?, &args, json),
        Verb::Validate { pipeline } => validate::run(&desk()?, pipeline.as_deref(), json),
        Verb::Run(args) => run::run(&desk()?, &args, json),
        Verb::Reprocess(args) => reprocess::run(&desk()?, &args, json),
        Verb::Replay(args) => replay::run(&desk()?, &args, json),
        Verb::Undo(args) => undo::run(&desk()?, &args, json),
        Verb::Cancel { run, reason } => cancel::run(&desk()?, &run, &reason, json),
        Verb::Unlock(args) => unlock::run(&desk()?, &args, json),
        Verb::Daemon(args) => daemon::daemon(desk()?, args, json),
        Verb::Watch(args) => daemon::watch(desk()?, args, json),
        Verb::Pipelines => pipelines::run(&desk()?, json),
        Verb::Runs { pipeline, limit } => runs::list(&desk()?, pipeline.as_deref(), limit, json),
        Verb::Show { run } => runs::show(&desk()?, &run, json),
        Verb::Logs { run, follow, level } => logs::run(&desk()?, &run, follow, &level, json),
        Verb::Tables { pipeline } => tables::run(&desk()?, pipeline.as_deref(), json),
        Verb::Preview(args) => data::preview(&desk()?, &args, json),
        Verb::Sql { query, limit } => data::sql(&desk()?, &query, limit, json),
        Verb::Diff(args) => diff::run(&desk()?, &args, json),
        Verb::Quarantine { table, date, reason, limit } => {
            data::quarantine(&desk()?, &table, date, reason.as_deref(), limit, json)
        }
        Verb::Quality(args) => quality::run(&desk()?, &args, json),
        Verb::Open => open::run(&desk()?),
        Verb::Worker { run } => worker::run(&desk()?, &run),
        Verb::Serve { stdio: _ } => serve::run(desk()?),
    }
}
