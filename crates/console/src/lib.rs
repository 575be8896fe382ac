//! What an operator can do: plan, run, watch, recover. The only crate that decides.
//!
//! It names the ports ([`ports`]) that the journal and the local runner implement; the programs join them.

pub mod plan;
pub mod ports;

pub use plan::{PlannedFile, PlannedStep, RunPlan, RunScope};
