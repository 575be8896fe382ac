//! `assay undo`: brings back what was there before a run.

use super::reprocess::{carry_out, print};
use super::run::Interrupts;
use crate::args::UndoArgs;
use crate::desk::Desk;
use crate::exit;
use crate::launch;
use crate::render::out::say;
use assay_console::{UndoAsk, plan_undo};
use assay_contract::Problem;

pub fn run(desk: &Desk, args: &UndoArgs, json: bool) -> Result<u8, Problem> {
    desk.recover()?;
    let row = desk.run(&args.run)?.run;
    let ready = desk.pipeline(&row.pipeline)?;
    let environment = desk.environment(&row.environment)?;
    let person = desk.person();
    let ask = UndoAsk {
        run: &row.id,
        cascade: args.cascade,
        confirmed: args.confirm.as_deref(),
        reason: &args.reason,
        asked_by: &person,
        looking: args.plan,
    };
    let plan = launch::with_inputs(desk, &ready, &environment, |inputs| plan_undo(&ask, inputs))?;
    if args.plan || !json {
        print(&launch::detail(desk, &ready, &environment, &plan)?, json);
    }
    if args.plan {
        return Ok(exit::DONE);
    }
    if !json {
        say!("");
    }
    let interrupts = Interrupts::listen(desk)?;
    carry_out(desk, &plan, interrupts, json)
}
