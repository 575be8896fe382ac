//! `assay serve --stdio`: answers the window, one frame a line, until its standard input ends.

mod answer;
pub mod overview;
mod runs;
mod schedules;
mod table;
mod wire;

use crate::desk::Desk;
use crate::exit;
use assay_contract::frame::{LINE_LIMIT, Request};
use assay_contract::{Answer, Problem};
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use runs::Runs;
use schedules::Schedules;
use wire::Outlet;

/// Asks that are answered at the same time; further ones wait in the pipe.
const THREADS: usize = 4;

/// Ends when the window closes its end; runs that it started are cancelled then.
pub fn run(desk: Desk) -> Result<u8, Problem> {
    let desk = Arc::new(desk);
    let outlet = Arc::new(Outlet::stdout());
    let runs = Arc::new(Runs::new(Arc::clone(&desk), Arc::clone(&outlet))?);
    let schedules = Schedules::kept(&desk);
    let (send, receive) = sync_channel::<Request>(THREADS);
    let receive = Arc::new(std::sync::Mutex::new(receive));
    let workers: Vec<_> = (0..THREADS)
        .map(|_| {
            let (desk, outlet, runs, receive) =
                (Arc::clone(&desk), Arc::clone(&outlet), Arc::clone(&runs), Arc::clone(&receive));
            std::thread::spawn(move || {
                loop {
                    let next = receive.lock().map(|queue| queue.recv());
                    let Ok(Ok(request)) = next else { return };
                    reply(&desk, &runs, &outlet, request);
                }
            })
        })
        .collect();
    let end = read(&outlet, |request| send.send(request).is_ok());
    drop(send);
    for worker in workers {
        // A thread that panicked has answered nothing more; the others are still joined.
        drop(worker.join());
    }
    drop(schedules);
    runs.end();
    desk.end().and(end).map(|()| exit::DONE)
}

/// Reads requests until the input ends. A line that is no request is answered as a problem with id 0.
fn read(outlet: &Outlet, mut take: impl FnMut(Request) -> bool) -> Result<(), Problem> {
    let mut input = BufReader::new(std::io::stdin().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = LINE_LIMIT as u64 + 1;
        let count = (&mut input).take(limit).read_until(b'\n', &mut line).map_err(|error| {
            exit::because("The window's requests could not be read.", &error, "Open the window again.")
        })?;
        if count == 0 {
            return Ok(());
        }
        if line.len() > LINE_LIMIT {
            return Err(exit::misuse("A request is too long; the connection was ended.", "Open the window again."));
        }
        match serde_json::from_slice::<Request>(&line) {
            Ok(request) => {
                if !take(request) {
                    return Ok(());
                }
            }
            Err(error) => {
                let problem = exit::because(
                    "The window sent something that is no request.",
                    &error,
                    "The window and the engine are of different versions: install both anew.",
                );
                outlet.answer(0, Answer::Problem(problem), &[]);
            }
        }
    }
}

fn reply(desk: &Desk, runs: &Arc<Runs>, outlet: &Outlet, request: Request) {
    let (answer, body) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| answer::to(desk, runs, request.ask)))
        .unwrap_or_else(|_| {
            Err(exit::problem(
                assay_contract::ProblemKind::Failed,
                "The engine stopped at a defect while it answered.",
                "Try again; report it if it happens again.",
            ))
        })
        .unwrap_or_else(|problem| (Answer::Problem(problem), Vec::new()));
    outlet.answer(request.id, answer, &body);
}
