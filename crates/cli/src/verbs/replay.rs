//! `assay replay`: puts refused records through a contract again.

use super::reprocess::show_and_carry_out;
use crate::args::ReplayArgs;
use crate::desk::Desk;
use crate::exit;
use crate::launch;
use assay_console::{ReplayAsk, plan_replay};
use assay_contract::Problem;
use assay_pipeline::{Layer, TableName};

pub fn run(desk: &Desk, args: &ReplayArgs, json: bool) -> Result<u8, Problem> {
    desk.recover()?;
    let table = silver(desk, &args.table)?;
    let ready = desk.pipeline(&table.pipeline)?;
    let environment = desk.environment(&args.env.name)?;
    let person = desk.person();
    let ask = ReplayAsk {
        table: &table.table,
        between: args.dates.between(),
        reasons: &args.reason_codes,
        confirmed: args.ask.confirmed(),
        reason: &args.ask.reason,
        asked_by: &person,
        looking: args.look.only,
    };
    let plan = launch::with_inputs(desk, &ready, &environment, |inputs| plan_replay(&ask, inputs))?;
    show_and_carry_out(desk, &ready, &environment, &plan, args.look.only, json)
}

fn silver(desk: &Desk, text: &str) -> Result<TableName, Problem> {
    let table = desk.table(text)?;
    match table.layer {
        Layer::Silver => Ok(table),
        _ => Err(exit::misuse(
            format!("{table} is no silver table; only these refuse records."),
            "Write it as silver.TABLE; `assay tables` lists all.",
        )),
    }
}
