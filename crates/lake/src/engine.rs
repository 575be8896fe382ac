//! Running the query engine: on a plain thread, with its panics turned into errors.

use crate::error::LakeError;
use crate::place::Place;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work` here. The engine panics in normal use: a panic becomes an error.
pub(crate) fn guarded<T>(
    place: &Place,
    doing: &'static str,
    work: impl FnOnce() -> Result<T, LakeError>,
) -> Result<T, LakeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(place, doing, panic.as_ref())))
}

/// Runs `work` on a thread of its own: inside a runtime with one thread the engine would panic.
pub(crate) async fn aside<T: Send + 'static>(
    place: &Place,
    doing: &'static str,
    work: impl FnOnce() -> Result<T, LakeError> + Send + 'static,
) -> Result<T, LakeError> {
    let (send, receive) = tokio::sync::oneshot::channel();
    let folder = place.clone();
    std::thread::Builder::new()
        .name("lake".to_owned())
        .spawn(move || {
            // The receiver is gone when the caller gave up: then nobody wants the result.
            let _ = send.send(guarded(&folder, doing, work));
        })
        .map_err(|error| LakeError::disk(place, doing, error))?;
    receive.await.unwrap_or_else(|_| Err(ended(place, doing)))
}

fn ended(place: &Place, doing: &'static str) -> LakeError {
    let what = "its thread ended without a result".to_owned();
    LakeError::Engine { place: place.to_string(), doing, what, source: None }
}

fn panicked(place: &Place, doing: &'static str, panic: &(dyn Any + Send)) -> LakeError {
    // Only fixed texts are kept: a formatted one can quote the data.
    let what = match panic.downcast_ref::<&'static str>() {
        Some(text) => format!("the engine gave up ({text})"),
        None => "the engine gave up".to_owned(),
    };
    LakeError::Engine { place: place.to_string(), doing, what, source: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let error = guarded::<()>(&Place::on_disk("t"), "reading", || panic!("not implemented")).unwrap_err();
        assert!(error.to_string().starts_with("reading t failed: the engine gave up (not implemented);"), "{error}");
    }

    #[tokio::test]
    async fn a_panic_aside_becomes_an_error() {
        let secret = String::from("4711");
        let error = aside::<()>(&Place::on_disk("t"), "reading", move || panic!("value {secret}")).await.unwrap_err();
        assert!(error.to_string().starts_with("reading t failed: the engine gave up;"), "{error}");
    }
}
