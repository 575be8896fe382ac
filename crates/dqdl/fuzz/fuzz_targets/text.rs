//! Any text: nothing panics, nothing is lost, what is accepted reads back. Run with `cargo fuzz run text`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/tests/holds.rs"]
mod holds;

fuzz_target!(|text: &str| holds::holds(text));
