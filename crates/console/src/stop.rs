//! The word that a run is to end before its work is done, and where it came from.

use std::sync::atomic::{AtomicU8, Ordering};

/// Raised once and never lowered; the first reason stays.
#[derive(Debug, Default)]
pub struct Stop(AtomicU8);

/// Why a run is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody asked for it.
    Asked,
    /// The program that waited for the run is gone; nobody asked.
    Alone,
}

impl Stop {
    /// Gives the reason that stays.
    pub fn raise(&self, why: Why) -> Why {
        let before = self.0.compare_exchange(0, why.code(), Ordering::AcqRel, Ordering::Acquire);
        before.err().and_then(Why::of).unwrap_or(why)
    }

    pub fn is_raised(&self) -> bool {
        self.why().is_some()
    }

    pub fn why(&self) -> Option<Why> {
        Why::of(self.0.load(Ordering::Acquire))
    }
}

impl Why {
    /// As the journal has it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Asked => "cancelled on request",
            Self::Alone => "the program that waited for the run ended",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Asked => 1,
            Self::Alone => 2,
        }
    }

    fn of(code: u8) -> Option<Self> {
        [Self::Asked, Self::Alone].into_iter().find(|why| why.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays() {
        for (first, second) in [(Why::Asked, Why::Alone), (Why::Alone, Why::Asked)] {
            let stop = Stop::default();
            assert!(!stop.is_raised());
            assert_eq!((stop.raise(first), stop.raise(second), stop.why()), (first, first, Some(first)));
        }
    }
}
