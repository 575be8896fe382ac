//! `assay undo`: brings back what was there before a run.

use super::reprocess::show_and_carry_out;
use crate::args::UndoArgs;
use crate::desk::Desk;
use crate::launch;
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
        confirmed: args.ask.confirmed(),
        reason: &args.ask.reason,
        asked_by: &person,
        looking: args.look.only,
    };
    let plan = launch::with_inputs(desk, &ready, &environment, |inputs| plan_undo(&ask, inputs))?;
    show_and_carry_out(desk, &ready, &environment, &plan, args.look.only, json)
}
