//! What an operator can do: plan, run, watch, recover. The only crate that decides.
//!
//! It names the ports ([`ports`], [`journal`]) that the journal and the local runner implement; the programs join them.

pub mod cancel;
pub mod clock;
pub mod definitions;
pub mod find;
pub mod folder;
pub mod journal;
pub mod log;
pub mod permits;
pub mod plan;
pub mod ports;
pub mod problem;
pub mod process;
pub mod quality;
pub mod recover;
pub mod replay;
pub mod resume;
pub mod run;
pub mod schedule;
pub mod stop;
pub mod undo;
pub mod views;
pub mod watching;
pub mod worker;

#[cfg(any(test, feature = "fake"))]
pub mod fake;
#[cfg(any(test, feature = "fake"))]
pub mod suite;

pub use cancel::cancel;
pub use clock::SystemClock;
pub use folder::RunFolder;
pub use journal::Journal;
pub use log::RunLog;
pub use plan::ask::{RunRequest, ScopeAsk, Settings, StepsAsk};
pub use plan::draw::{PlanInputs, Planned, plan_run};
pub use plan::{PlannedFile, PlannedStep, RunPlan, RunScope, Work};
pub use problem::ConsoleError;
pub use process::WorkerHandle;
pub use recover::{recover, settle};
pub use replay::{ReplayAsk, plan_replay};
pub use resume::resume;
pub use run::{Execution, execute, queue_run};
pub use stop::Stop;
pub use undo::{UndoAsk, plan_undo};

#[cfg(test)]
mod tests;
