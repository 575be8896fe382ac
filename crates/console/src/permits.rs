//! The only place that issues permits.

use crate::problem::ConsoleError;
use assay_pipeline::{Environment, Guard, Permit};
use chrono::{DateTime, TimeDelta, Utc};

/// A run that takes longer than this asks again.
const HOURS: i64 = 6;

/// A permit for one run in one environment, as its guard allows.
///
/// `confirmed` is the environment's name as the person typed it.
pub fn grant(
    environment: &Environment,
    run: &str,
    confirmed: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Permit, ConsoleError> {
    match environment.guard {
        Guard::Open => {}
        Guard::Confirm if confirmed == Some(environment.name.as_str()) => {}
        Guard::Confirm => return Err(ConsoleError::NotConfirmed { environment: environment.name.clone() }),
        Guard::Locked => return Err(ConsoleError::Locked { environment: environment.name.clone() }),
    }
    Ok(Permit::issue(&environment.name, run, now + TimeDelta::hours(HOURS)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(guard: Guard, confirmed: Option<&str>, granted: bool) {
        let environment = Environment::new("prod", guard, "/lake".into());
        let now = DateTime::UNIX_EPOCH;
        let permit = grant(&environment, "R", confirmed, now);
        assert_eq!(permit.is_ok(), granted, "{guard:?} {confirmed:?}");
        if let Ok(permit) = permit {
            permit.check("prod", now + TimeDelta::hours(5)).unwrap();
            assert!(permit.check("prod", now + TimeDelta::hours(6)).is_err());
            assert!(permit.check("local", now).is_err());
        }
    }

    #[test]
    fn a_guard_decides() {
        check(Guard::Open, None, true);
        check(Guard::Confirm, None, false);
        check(Guard::Confirm, Some("Prod"), false);
        check(Guard::Confirm, Some("prod"), true);
        check(Guard::Locked, Some("prod"), false);
    }
}
