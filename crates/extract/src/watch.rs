//! How a landing tells of itself while it works, and hears that it is to stop.

use crate::error::ExtractError;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// How often a wait looks whether it is to end.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// Followed by a landing while it works.
pub trait Watch: Sync {
    /// True ends the landing within a second; nothing appears in the source's folder.
    fn cancelled(&self) -> bool;
    fn progress(&self, progress: Progress);
    /// Something that an operator should know: a wait, a start from the beginning.
    fn say(&self, text: &str);
}

/// How far a landing is. Rows and bytes are those of this call and of what it resumed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// None for a file, whose rows are not looked at.
    pub rows: Option<u64>,
    pub bytes: u64,
    /// None where the source does not tell it.
    pub bytes_total: Option<u64>,
}

/// A watch that never cancels and drops what it hears.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Watch for Quiet {
    fn cancelled(&self) -> bool {
        false
    }
    fn progress(&self, _: Progress) {}
    fn say(&self, _: &str) {}
}

/// Waits for `work`, and drops it when the landing is cancelled. For work on the network alone: what writes files is
/// waited for.
pub(crate) async fn heed<T>(watch: &dyn Watch, work: impl Future<Output = T>) -> Result<T, ExtractError> {
    let mut work = pin!(work);
    loop {
        // Before the first look as well: work that is always ready would never be interrupted.
        if watch.cancelled() {
            return Err(ExtractError::Cancelled);
        }
        if let Ok(done) = tokio::time::timeout(LOOK, &mut work).await {
            return Ok(done);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Stopped;

    impl Watch for Stopped {
        fn cancelled(&self) -> bool {
            true
        }
        fn progress(&self, _: Progress) {}
        fn say(&self, _: &str) {}
    }

    /// Cancelled at the third look.
    struct Later(AtomicU32);

    impl Watch for Later {
        fn cancelled(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) >= 2
        }
        fn progress(&self, _: Progress) {}
        fn say(&self, _: &str) {}
    }

    #[tokio::test]
    async fn a_cancel_ends_what_would_never_end_and_what_is_always_ready() {
        assert!(matches!(heed(&Stopped, std::future::ready(7)).await, Err(ExtractError::Cancelled)));
        let watch = Later(AtomicU32::new(0));
        assert!(matches!(heed(&watch, std::future::pending::<()>()).await, Err(ExtractError::Cancelled)));
        assert_eq!(heed(&Quiet, std::future::ready(7)).await.unwrap(), 7);
    }
}
