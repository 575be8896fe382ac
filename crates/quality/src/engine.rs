//! Running a query: on a thread of its own, stopped when nobody wants it any more, panics turned into errors.

use crate::error::QualityError;
use polars::prelude::{AllowedOptimizations, DataFrame, Engine, LazyFrame, OptFlags, PolarsError, PolarsResult};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How often a running query is asked whether it is still wanted.
const LOOK: Duration = Duration::from_millis(20);

/// Set when a query is to end.
pub(crate) type Stop = Arc<AtomicBool>;

/// Collects a lazy query; batches stop at the next one when `cancelled` says so, if `gated` is in the query.
pub(crate) fn collect(
    frame: LazyFrame,
    stop: &Stop,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<DataFrame, QualityError> {
    if cancelled() {
        return Err(QualityError::Cancelled);
    }
    // Two functions of the same name on the same frame would count as the same subplan.
    let frame = frame.with_comm_subplan_elim(false);
    let ended = std::thread::scope(|scope| {
        let (done, ended) = channel::<()>();
        let worker = scope.spawn(move || {
            let _done = done;
            guarded(|| frame.collect_with_engine(Engine::Streaming).map(|result| result.unwrap_single()))
        });
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            if cancelled() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        worker.join().unwrap_or_else(|_| Err(PolarsError::ComputeError("its thread ended without a result".into())))
    });
    match ended {
        _ if stop.load(Ordering::Relaxed) => Err(QualityError::Cancelled),
        Err(source) => Err(QualityError::Unreadable { source }),
        Ok(frame) => Ok(frame),
    }
}

/// Runs `work` here. The engine panics in normal use: a panic becomes an error. Only fixed texts are kept: a formatted
/// one can quote the data.
pub(crate) fn guarded<T>(work: impl FnOnce() -> PolarsResult<T>) -> PolarsResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&'static str>().copied();
        let text = text.map_or_else(|| "the engine gave up".to_owned(), |text| format!("the engine gave up ({text})"));
        Err(PolarsError::ComputeError(text.into()))
    })
}

/// The rows, with a gate through which no batch goes once the query is to end.
pub(crate) fn gated(rows: LazyFrame, stop: &Stop) -> LazyFrame {
    let stop = Arc::clone(stop);
    let gate = move |rows| if_wanted(&stop).map(|()| rows);
    // Without the streaming flag the engine would hold the whole frame in memory for the gate.
    let flags: AllowedOptimizations = OptFlags::default() | OptFlags::STREAMING;
    rows.map(gate, flags, None, Some("gate"))
}

/// An error once the query is to end.
pub(crate) fn if_wanted(stop: &AtomicBool) -> PolarsResult<()> {
    match stop.load(Ordering::Relaxed) {
        true => Err(PolarsError::ComputeError("cancelled".into())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use polars::prelude::{IntoLazy, df};

    #[test]
    fn a_panic_becomes_an_error_without_data() {
        let secret = String::from("4711");
        let error = guarded::<()>(|| panic!("value {secret}")).unwrap_err();
        assert_eq!(error.to_string(), "the engine gave up");
    }

    #[test]
    fn a_query_that_nobody_wants_is_not_run() {
        let rows = df!("a" => [1]).unwrap().lazy();
        let result = collect(rows, &Stop::default(), &|| true);
        assert!(matches!(result, Err(QualityError::Cancelled)));
    }

    #[test]
    fn a_running_query_ends_when_it_is_not_wanted_any_more() {
        let stop = Stop::default();
        let seen = Arc::new(AtomicBool::new(false));
        let (started, wait) = (Arc::clone(&seen), Arc::clone(&stop));
        // The batch waits until the cancel has come through, so that the gate behind it is met with the mark set.
        let slow = move |rows| {
            started.store(true, Ordering::Relaxed);
            while !wait.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            Ok(rows)
        };
        let rows = df!("a" => [1]).unwrap().lazy();
        let rows = gated(rows.map(slow, OptFlags::default() | OptFlags::STREAMING, None, Some("slow")), &stop);
        assert!(matches!(collect(rows, &stop, &|| seen.load(Ordering::Relaxed)), Err(QualityError::Cancelled)));
    }
}
