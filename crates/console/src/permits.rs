//! The only place that issues permits, and that unlocks locked environments for a spell.

use crate::journal::{Action, Journal, Unlock};
use crate::ports::Clock;
use crate::problem::ConsoleError;
use assay_contract::Problem;
use assay_pipeline::{Environment, Guard, Permit};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::time::Duration;

/// A run that takes longer than this asks again.
const HOURS: i64 = 6;
/// Longest spell, in minutes.
const LONGEST: i64 = 8 * 60;

/// Who wants to write where, and why.
#[derive(Debug, Clone, Copy)]
pub struct PermitAsk<'a> {
    pub environment: &'a Environment,
    /// The environment's name as the person typed it.
    pub confirmed: Option<&'a str>,
    pub reason: &'a str,
    pub by: &'a str,
}

/// A permit for one run in one environment, as its guard allows. It never outlives the spell of a locked one.
///
/// A spell belongs to a person and a workspace: it is looked up in the workspace's journal under the person's name.
pub fn grant(ask: &PermitAsk<'_>, run: &str, journal: &dyn Journal, now: DateTime<Utc>) -> Result<Permit, Problem> {
    let environment = ask.environment;
    let name = || environment.name.clone();
    if environment.needs_reason && ask.reason.trim().is_empty() {
        return Err(ConsoleError::NoReason { environment: name() }.into());
    }
    let mut until = now + TimeDelta::hours(HOURS);
    match environment.guard {
        Guard::Open => {}
        Guard::Confirm if ask.confirmed == Some(environment.name.as_str()) => {}
        Guard::Confirm => return Err(ConsoleError::NotConfirmed { environment: name() }.into()),
        Guard::Locked => {
            // A clock that jumped back to before the spell does not lengthen it.
            let spell =
                journal.unlocked(&environment.name, ask.by)?.filter(|spell| spell.at <= now && now < spell.until);
            let spell = spell.ok_or_else(|| ConsoleError::Locked { environment: name() })?;
            until = until.min(spell.until);
        }
    }
    Ok(Permit::issue(&environment.name, run, until).issued_at(now))
}

/// The time against which a process holds a permit: it never stands before the permit was issued, and goes on at least
/// as fast as the clock that nobody can set. A wall clock that jumps back lengthens no permit.
pub struct PermitTime<'a> {
    clock: &'a dyn Clock,
    began: DateTime<Utc>,
    steady: Duration,
}

impl<'a> PermitTime<'a> {
    /// From now on, for the rest of this process.
    pub fn of(permit: &Permit, clock: &'a dyn Clock) -> Self {
        let now = clock.now();
        Self { clock, began: permit.issued().map_or(now, |issued| now.max(issued)), steady: clock.steady() }
    }

    pub fn now(&self) -> DateTime<Utc> {
        let passed = self.clock.steady().saturating_sub(self.steady);
        let least = TimeDelta::from_std(passed).ok().and_then(|passed| self.began.checked_add_signed(passed));
        self.clock.now().max(least.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

/// The permit of a plan: granted, or one that allows nothing any more where the plan is only looked at.
pub(crate) fn of_plan(
    ask: &PermitAsk<'_>,
    looking: bool,
    run: &str,
    journal: &dyn Journal,
    now: DateTime<Utc>,
) -> Result<Permit, Problem> {
    match looking {
        true => Ok(Permit::issue(&ask.environment.name, run, now)),
        false => grant(ask, run, journal, now),
    }
}

/// Unlocks a locked environment for a person, and says until when; an earlier spell ends with it.
pub fn unlock(
    environment: &Environment,
    by: &str,
    minutes: i64,
    reason: &str,
    journal: &dyn Journal,
    now: DateTime<Utc>,
) -> Result<Unlock, Problem> {
    if environment.guard != Guard::Locked {
        return Err(ConsoleError::NotLocked { environment: environment.name.clone() }.into());
    }
    if reason.trim().is_empty() {
        return Err(ConsoleError::NoReason { environment: environment.name.clone() }.into());
    }
    if !(1..=LONGEST).contains(&minutes) {
        return Err(ConsoleError::BadSpell { minutes }.into());
    }
    begin(environment, by, now + TimeDelta::minutes(minutes), reason, journal, now)
}

/// Ends a person's spell. A run that is going on keeps its permit until the spell would have ended.
pub fn lock(environment: &Environment, by: &str, journal: &dyn Journal, now: DateTime<Utc>) -> Result<(), Problem> {
    begin(environment, by, now, "", journal, now).map(drop)
}

fn begin(
    environment: &Environment,
    by: &str,
    until: DateTime<Utc>,
    reason: &str,
    journal: &dyn Journal,
    now: DateTime<Utc>,
) -> Result<Unlock, Problem> {
    let held = journal.unlocked(&environment.name, by)?.filter(|spell| spell.at <= now && now < spell.until);
    let word = |until: Option<DateTime<Utc>>| match until.filter(|until| *until > now) {
        Some(until) => format!("unlocked until {}", crate::views::time(until)),
        None => "locked".to_owned(),
    };
    let guard = |word: String| BTreeMap::from([("guard".to_owned(), word)]);
    let spell = Unlock {
        environment: environment.name.clone(),
        by: by.to_owned(),
        at: now,
        until,
        reason: reason.trim().to_owned(),
    };
    let action = Action {
        at: now,
        by: by.to_owned(),
        what: if until > now { "unlock" } else { "lock" }.into(),
        pipeline: String::new(),
        environment: environment.name.clone(),
        run: None,
        reason: spell.reason.clone(),
        before: guard(word(held.map(|spell| spell.until))),
        after: guard(word(Some(until))),
    };
    journal.unlock(&spell, &action)?;
    Ok(spell)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake::MemoryJournal;
    use crate::tests::world::TestClock;

    fn environment(guard: Guard) -> Environment {
        Environment::new("prod", guard, "/lake".into())
    }

    fn check(guard: Guard, confirmed: Option<&str>, granted: bool) {
        let (environment, now) = (environment(guard), DateTime::UNIX_EPOCH);
        let ask = PermitAsk { environment: &environment, confirmed, reason: "", by: "ann" };
        let permit = grant(&ask, "R", &MemoryJournal::default(), now);
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

    #[test]
    fn a_clock_that_jumps_back_lengthens_no_permit() {
        let clock = TestClock::default();
        let (prod, start) = (environment(Guard::Open), clock.now());
        let ask = PermitAsk { environment: &prod, confirmed: None, reason: "", by: "ann" };
        let permit = grant(&ask, "R", &MemoryJournal::default(), start).unwrap();
        // Between two processes: the one that works begins at a time before the permit.
        clock.set_back(TimeDelta::hours(3));
        let time = PermitTime::of(&permit, &clock);
        assert_eq!(time.now(), start);
        // Within the process: five hours pass, and the clock is set back by two more.
        clock.advance(TimeDelta::hours(5));
        clock.set_back(TimeDelta::hours(2));
        assert_eq!((clock.now(), time.now()), (start, start + TimeDelta::hours(5)));
        permit.check("prod", time.now()).unwrap();
        clock.advance(TimeDelta::hours(1));
        assert!(permit.check("prod", clock.now()).is_ok(), "the wall clock alone would let it go on");
        assert!(permit.check("prod", time.now()).is_err());
        // A clock that is set forward ends it at once.
        let later = PermitTime::of(&permit, &clock);
        clock.set_back(TimeDelta::hours(-9));
        assert_eq!(later.now(), clock.now());
    }

    #[test]
    fn a_reason_is_needed_where_the_environment_says_so() {
        let mut environment = environment(Guard::Open);
        environment.needs_reason = true;
        for (reason, granted) in [("", false), ("  ", false), ("vendor resent", true)] {
            let ask = PermitAsk { environment: &environment, confirmed: None, reason, by: "ann" };
            assert_eq!(grant(&ask, "R", &MemoryJournal::default(), DateTime::UNIX_EPOCH).is_ok(), granted, "{reason}");
        }
    }

    #[test]
    fn a_spell_is_one_persons_and_no_permit_outlives_it() {
        let (environment, journal, start) =
            (environment(Guard::Locked), MemoryJournal::default(), DateTime::UNIX_EPOCH);
        let at = |minutes| start + TimeDelta::minutes(minutes);
        let granted = |by: &str, now| {
            let ask = PermitAsk { environment: &environment, confirmed: None, reason: "", by };
            grant(&ask, "R", &journal, now)
        };
        assert!(unlock(&environment, "ann", 30, " ", &journal, start).is_err(), "a reason is needed");
        assert!(unlock(&environment, "ann", 0, "why", &journal, start).is_err());
        assert!(unlock(&environment, "ann", 481, "why", &journal, start).is_err());
        unlock(&environment, "ann", 30, "vendor resent", &journal, start).unwrap();
        let permit = granted("ann", at(10)).unwrap();
        permit.check("prod", at(29)).unwrap();
        assert!(permit.check("prod", at(30)).is_err());
        assert!(granted("ben", at(10)).unwrap_err().message.contains("is locked"));
        assert!(granted("ann", at(30)).is_err());
        assert!(granted("ann", at(-1)).is_err(), "a clock before the spell");
        lock(&environment, "ann", &journal, at(12)).unwrap();
        assert!(granted("ann", at(13)).is_err());
        let words: Vec<_> = journal
            .actions(9)
            .unwrap()
            .iter()
            .map(|action| format!("{} {} -> {}", action.what, action.before["guard"], action.after["guard"]))
            .collect();
        assert_eq!(
            words,
            [
                "lock unlocked until 1970-01-01T00:30:00.000Z -> locked",
                "unlock locked -> unlocked until 1970-01-01T00:30:00.000Z"
            ]
        );
        let open = Environment::new("local", Guard::Open, "/lake".into());
        assert!(unlock(&open, "ann", 30, "why", &journal, start).unwrap_err().message.contains("is not locked"));
    }
}
