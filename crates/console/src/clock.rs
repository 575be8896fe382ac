//! The real clock; only programs' entry points make one.

use crate::ports::Clock;
use chrono::{DateTime, Utc};

/// The machine's clock and random ids.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn new_id(&self) -> String {
        ulid::Ulid::generate().to_string()
    }
}
