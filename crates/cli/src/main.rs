//! The `assay` program: every verb of the console without a window; also the worker process.

mod args;
mod daemon;
mod desk;
mod exit;
mod launch;
mod local;
mod names;
mod pages;
mod render;
mod serve;
mod shipped;
mod verbs;
mod worker;

use clap::Parser;
use std::process::ExitCode;

/// The reader allocates from several threads at once; this allocator is measurably faster there than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let invocation = match args::Invocation::try_parse() {
        Ok(invocation) => invocation,
        Err(error) => {
            // Help and version are asked for and end with 0; everything else is misuse and ends with 2.
            let asked = !error.use_stderr();
            return match error.print() {
                Ok(()) if asked => ExitCode::SUCCESS,
                _ => ExitCode::from(exit::MISUSE),
            };
        }
    };
    let json = invocation.json;
    match verbs::run(invocation) {
        // A script must not take what it got for all of it.
        Ok(exit::DONE) if render::out::is_lost() => ExitCode::from(exit::FAILED),
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            exit::print(&problem, json);
            ExitCode::from(exit::code(&problem))
        }
    }
}
