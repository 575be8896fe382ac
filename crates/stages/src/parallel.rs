//! Runs the same work for many items on a few threads.

use crate::error::StageError;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Applies `work` to every item on at most `threads` threads. The answers have the order of the items;
/// the first error stops what has not begun.
pub(crate) fn map<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, StageError> + Sync,
) -> Result<Vec<R>, StageError> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let answers: Vec<Mutex<Option<Result<R, StageError>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    run(threads.min(items.len()), |_| {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return Ok(()) };
            let answer = work(item);
            failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            *locked(&answers[index]) = Some(answer);
        }
        Ok(())
    })?;
    let mut given = Vec::with_capacity(items.len());
    let mut missing = false;
    for answer in answers {
        match answer.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(answer) => given.push(answer?),
            None => missing = true,
        }
    }
    if missing { Err(StageError::ThreadLost) } else { Ok(given) }
}

/// Runs `work` on `threads` threads, which is told its number; gives the first error. A panic is an error.
pub(crate) fn run(threads: usize, work: impl Fn(usize) -> Result<(), StageError> + Sync) -> Result<(), StageError> {
    let work = &work;
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.max(1)).map(|number| scope.spawn(move || work(number))).collect();
        let mut outcome = Ok(());
        for handle in handles {
            let answer = handle.join().unwrap_or(Err(StageError::ThreadLost));
            // One thread's failure makes the others give up as lost: the cause is what counts.
            if outcome.is_ok() || matches!(outcome, Err(StageError::ThreadLost)) && answer.is_err() {
                outcome = answer;
            }
        }
        outcome
    })
}

/// A lock whose holder panicked is still whole for what is kept in it here.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
