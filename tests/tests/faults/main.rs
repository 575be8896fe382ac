//! Faults: programs that are killed, a warehouse that dies, runs that meet, a disk that is full, a storage that fails.
//! Nothing is lost, nothing is doubled, and the journal tells what happened.

#[path = "../journey/mod.rs"]
mod journey;

mod disk;
mod killed;
mod killed_landing;
mod s3;
mod s3_killed;
mod scene;
mod together;
mod warehouse;
