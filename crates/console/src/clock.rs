//! The real clock; only programs' entry points make one.

use crate::ports::Clock;
use chrono::{DateTime, Utc};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The machine's clock and random ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn steady(&self) -> Duration {
        BEGAN.elapsed()
    }

    fn new_id(&self) -> String {
        ulid::Ulid::generate().to_string()
    }
}
