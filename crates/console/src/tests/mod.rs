//! Tests of the console as a whole, with a scripted runner and a journal in memory.
#![allow(clippy::unwrap_used)]

mod ending;
mod executing;
mod journalling;
mod planning;
mod replaying;
mod reprocessing;
mod resuming;
mod undoing;
pub(crate) mod world;
