//! `assay daemon` and `assay watch`: runs by schedule and by arrival, until a signal.

use crate::args::{DaemonArgs, WatchArgs};
use crate::daemon::{Charge, Daemon};
use crate::desk::Desk;
use crate::exit;
use assay_console::watching::Patience;
use assay_contract::Problem;
use assay_pipeline::{Environment, Guard};
use std::time::Duration;

pub fn daemon(desk: Desk, args: DaemonArgs, json: bool) -> Result<u8, Problem> {
    let environment = allowed(&desk, &args.env.name, args.guard.confirm.as_deref())?;
    let charge = Charge {
        environment,
        confirmed: args.guard.confirm,
        at_once: usize::from(args.at_once),
        only: None,
        attached: args.attached,
        patience: Patience::default(),
    };
    Ok(Daemon::new(desk, charge, json)?.keep())
}

pub fn watch(desk: Desk, args: WatchArgs, json: bool) -> Result<u8, Problem> {
    let environment = allowed(&desk, &args.env.name, args.guard.confirm.as_deref())?;
    let patience = Patience {
        settle: Duration::from_millis(args.settle),
        sweep: Duration::from_secs(args.sweep),
        ..Patience::default()
    };
    let charge = Charge {
        environment,
        confirmed: args.guard.confirm,
        at_once: 1,
        only: Some(args.pipeline),
        attached: false,
        patience,
    };
    Ok(Daemon::new(desk, charge, json)?.keep())
}

/// A guard that would refuse every run is said at once.
fn allowed(desk: &Desk, name: &str, confirmed: Option<&str>) -> Result<Environment, Problem> {
    let environment = desk.environment(name)?;
    match environment.guard {
        Guard::Confirm if confirmed != Some(name) => Err(exit::misuse(
            format!("The environment {name} asks for confirmation; nothing was started."),
            format!("Give --confirm {name}: it holds for every run until this program ends."),
        )),
        Guard::Locked => Err(exit::misuse(
            format!("The environment {name} is locked; nothing was started."),
            "Only a person can unlock it, for a time: runs by themselves need another guard or environment.",
        )),
        _ => Ok(environment),
    }
}
