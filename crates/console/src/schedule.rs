//! When a pipeline's schedule is due: cron times in a zone, once across every change of the clock, and what the
//! journal says was done about them.

use crate::journal::{Action, Journal};
use assay_contract::Problem;
use assay_pipeline::{Environment, Schedule};
use chrono::{DateTime, LocalResult, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;
use std::collections::BTreeMap;

/// Who asks for scheduled runs.
pub const ASKED_BY: &str = "schedule";
/// A scheduled run that has not started for this long after its time is late.
pub const GRACE: TimeDelta = TimeDelta::minutes(10);
/// The word in an action's `after` for the time up to which the schedule was kept.
const KEPT: &str = "kept";
/// The longest that clocks skip at once: a day, at the date line.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(25);

/// What a schedule asks for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody kept this schedule yet, or only with a clock that ran far ahead: it counts from now on.
    Begin,
    /// Nothing until the next time.
    Wait,
    /// A run for this time. Earlier ones that were missed are caught up by it.
    Due(DateTime<Utc>),
}

/// What a person sees of a schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outlook {
    /// The time that is due, or the next one; none when the schedule never comes again.
    pub next_run: Option<DateTime<Utc>>,
    /// A run was due and has not started for longer than [`GRACE`].
    pub late: bool,
}

/// The first time after `after`; none when there is none within some years.
///
/// A local time that the clock skips counts as the moment after the gap, one that comes twice as its first one;
/// times that become the same moment are one time.
pub fn next(schedule: &Schedule, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (cron, zone) = parse(schedule)?;
    // What lies before this on the clock's face never comes after this moment.
    let mut local = local(zone, after);
    loop {
        local = cron.find_next_occurrence(&local, false).ok()?;
        let at = moment(zone, local)?;
        if at > after {
            return Some(at);
        }
    }
}

/// The last time at or before `now`.
pub fn latest(schedule: &Schedule, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (cron, zone) = parse(schedule)?;
    let mut at_most = local(zone, now);
    if let LocalResult::Ambiguous(first, second) = zone.from_local_datetime(&at_most)
        && now >= second
    {
        // The whole doubled range was passed once already.
        at_most += second - first;
    }
    let mut inclusive = true;
    loop {
        at_most = cron.find_previous_occurrence(&at_most, inclusive).ok()?;
        inclusive = false;
        let at = moment(zone, at_most)?;
        if at <= now {
            return Some(at);
        }
    }
}

/// What is to be done, when the schedule was kept up to `kept`. A clock that jumps back asks for nothing twice.
pub fn standing(schedule: &Schedule, kept: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Standing {
    match kept {
        Some(kept) if kept <= now + LONGEST_GAP => match latest(schedule, now) {
            Some(at) if at > kept => Standing::Due(at),
            _ => Standing::Wait,
        },
        _ => Standing::Begin,
    }
}

/// The schedule as it stands by the journal.
pub fn outlook(
    schedule: &Schedule,
    journal: &dyn Journal,
    pipeline: &str,
    environment: &Environment,
    now: DateTime<Utc>,
) -> Result<Outlook, Problem> {
    let kept = kept(journal, pipeline, &environment.name)?;
    Ok(match standing(schedule, kept, now) {
        Standing::Due(at) => Outlook { next_run: Some(at), late: now - at > GRACE },
        Standing::Begin | Standing::Wait => Outlook { next_run: next(schedule, now), late: false },
    })
}

/// The id of the request for one time: whoever asks, and however often, it is one run.
pub fn request_id(pipeline: &str, environment: &str, at: DateTime<Utc>) -> String {
    format!("{ASKED_BY} {pipeline} {environment} {}", stamp(at))
}

/// Up to when the schedule was kept.
pub fn kept(journal: &dyn Journal, pipeline: &str, environment: &str) -> Result<Option<DateTime<Utc>>, Problem> {
    let last = journal.last_action(ASKED_BY, pipeline, environment)?;
    let stamp = last.and_then(|action| action.after.get(KEPT).cloned());
    Ok(stamp.and_then(|stamp| Some(DateTime::parse_from_rfc3339(&stamp).ok()?.to_utc())))
}

/// The journal's entry that a schedule was kept up to `at`; `what` says how, `run` names the run if there is one.
pub fn keep(
    pipeline: &str,
    environment: &str,
    at: DateTime<Utc>,
    run: Option<&str>,
    what: &str,
    now: DateTime<Utc>,
) -> Action {
    Action {
        at: now,
        by: ASKED_BY.into(),
        what: ASKED_BY.into(),
        pipeline: pipeline.to_owned(),
        environment: environment.to_owned(),
        run: run.map(str::to_owned),
        reason: what.to_owned(),
        before: BTreeMap::new(),
        after: BTreeMap::from([(KEPT.to_owned(), stamp(at))]),
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The definition's reader has checked both; none for what it would refuse.
fn parse(schedule: &Schedule) -> Option<(Cron, Tz)> {
    Some((schedule.cron.parse().ok()?, schedule.zone.parse().ok()?))
}

fn local(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    let local = at.with_timezone(&zone).naive_local();
    local.with_nanosecond(0).unwrap_or(local)
}

/// The first moment at which the zone's clock shows this time or, where it skips it, the first one after the gap.
fn moment(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    let mut shown = local;
    while shown - local <= LONGEST_GAP {
        if let Some(at) = zone.from_local_datetime(&shown).earliest() {
            return Some(at.to_utc());
        }
        shown += TimeDelta::minutes(1);
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake::MemoryJournal;
    use proptest::prelude::*;

    fn schedule(cron: &str, zone: &str) -> Schedule {
        Schedule { cron: cron.into(), zone: zone.into() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// The next times after a moment, until the list is full.
    fn following(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
        let times = std::iter::successors(Some(at(after)), |after| next(schedule, *after));
        times.skip(1).take(count).map(stamp).collect()
    }

    #[test]
    fn a_skipped_time_runs_once_after_the_gap() {
        // On 29 March 2026 Lisbon goes from 01:00 to 02:00, which is 01:00 UTC.
        let half_past = schedule("30 1 * * *", "Europe/Lisbon");
        assert_eq!(
            following(&half_past, "2026-03-28T00:00:00Z", 3),
            ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        let quarters = schedule("*/15 1,2 * * *", "Europe/Lisbon");
        assert_eq!(
            following(&quarters, "2026-03-29T00:00:00Z", 3),
            ["2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z", "2026-03-29T01:30:00Z"]
        );
        // Samoa left out 30 December 2011.
        let noon = schedule("0 12 * * *", "Pacific/Apia");
        assert_eq!(
            following(&noon, "2011-12-29T00:00:00Z", 3),
            ["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"]
        );
    }

    #[test]
    fn a_doubled_time_runs_once() {
        // On 25 October 2026 Lisbon goes from 02:00 back to 01:00, which is 01:00 UTC.
        let half_past = schedule("30 1 * * *", "Europe/Lisbon");
        assert_eq!(following(&half_past, "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        assert_eq!(latest(&half_past, at("2026-10-25T01:10:00Z")), Some(at("2026-10-25T00:30:00Z")));
        let hourly = schedule("0 * * * *", "Europe/Lisbon");
        assert_eq!(
            following(&hourly, "2026-10-24T23:30:00Z", 3),
            ["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"]
        );
    }

    #[test]
    fn a_schedule_that_never_comes_ends() {
        let never = schedule("0 0 31 2 *", "UTC");
        assert_eq!(next(&never, at("2026-01-01T00:00:00Z")), None);
        assert_eq!(latest(&never, at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn days_of_month_and_week_are_either() {
        let either = schedule("0 4 1 * mon", "UTC");
        assert_eq!(
            following(&either, "2026-07-30T00:00:00Z", 3),
            ["2026-08-01T04:00:00Z", "2026-08-03T04:00:00Z", "2026-08-10T04:00:00Z"]
        );
        let sunday = schedule("0 4 * * 7", "UTC");
        assert_eq!(following(&sunday, "2026-07-30T00:00:00Z", 1), ["2026-08-02T04:00:00Z"]);
    }

    #[test]
    fn missed_times_are_caught_up_once_and_a_clock_that_jumps_back_doubles_nothing() {
        let hourly = schedule("0 * * * *", "UTC");
        let (kept, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-03T10:20:00Z"));
        assert_eq!(standing(&hourly, None, now), Standing::Begin);
        let due = at("2026-01-03T10:00:00Z");
        assert_eq!(standing(&hourly, Some(kept), now), Standing::Due(due));
        assert_eq!(standing(&hourly, Some(due), now), Standing::Wait);
        assert_eq!(standing(&hourly, Some(due), at("2026-01-02T23:30:00Z")), Standing::Wait);
        assert_eq!(standing(&hourly, Some(at("2126-01-01T00:00:00Z")), now), Standing::Begin);
    }

    #[test]
    fn late_after_the_grace() {
        let journal = MemoryJournal::default();
        let environment = Environment::new("local", assay_pipeline::Guard::Open, "/lake".into());
        let daily = schedule("0 4 * * *", "UTC");
        let look = |now| outlook(&daily, &journal, "shop", &environment, at(now)).unwrap();
        let four = at("2026-01-02T04:00:00Z");
        let nobody = Outlook { next_run: Some(four), late: false };
        assert_eq!(look("2026-01-02T03:00:00Z"), nobody);
        let begun =
            keep("shop", "local", at("2026-01-01T12:00:00Z"), None, "kept from now on", at("2026-01-01T12:00:00Z"));
        journal.append_action(&begun).unwrap();
        let other = keep("other", "local", at("2026-01-05T12:00:00Z"), None, "kept", at("2026-01-01T12:00:00Z"));
        journal.append_action(&other).unwrap();
        assert_eq!(look("2026-01-02T04:05:00Z"), Outlook { next_run: Some(four), late: false });
        assert_eq!(look("2026-01-02T04:11:00Z"), Outlook { next_run: Some(four), late: true });
        journal.append_action(&keep("shop", "local", four, Some("R"), "started", four)).unwrap();
        assert_eq!(look("2026-01-02T04:11:00Z"), Outlook { next_run: Some(at("2026-01-03T04:00:00Z")), late: false });
    }

    #[test]
    fn one_time_is_one_request() {
        let id = request_id("shop", "local", at("2026-01-02T04:00:00Z"));
        assert_eq!(id, "schedule shop local 2026-01-02T04:00:00Z");
    }

    /// Fields of minutes and hours that a test can match by itself.
    fn field(values: u32) -> impl Strategy<Value = (String, Vec<u32>)> {
        let one = (0..values).prop_map(|value| (value.to_string(), vec![value]));
        let step =
            (2..values / 2).prop_map(move |step| (format!("*/{step}"), (0..values).step_by(step as usize).collect()));
        prop_oneof![one, step, Just(("*".to_owned(), (0..values).collect()))]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// A time is the first minute at which the zone's clock shows at least that time.
        #[test]
        fn times_agree_with_a_walk_over_every_minute(
            minutes in field(60),
            hours in field(24),
            place in prop::sample::select(vec![
                ("Europe/Lisbon", "2026-03-28T06:00:00Z"), ("Europe/Lisbon", "2026-10-24T06:00:00Z"),
                ("Australia/Lord_Howe", "2026-04-04T00:00:00Z"), ("Australia/Lord_Howe", "2026-10-03T00:00:00Z"),
                ("America/New_York", "2026-11-01T00:00:00Z"), ("Pacific/Apia", "2011-12-29T20:00:00Z"), ("UTC", "2026-01-01T00:00:00Z"),
            ]),
            from in 0i64..2400,
        ) {
            let schedule = schedule(&format!("{} {} * * *", minutes.0, hours.0), place.0);
            let zone: Tz = place.0.parse().unwrap();
            let begin = at(place.1) - TimeDelta::days(2);
            let mut times = Vec::new();
            let mut shown = local(zone, begin);
            for minute in 1..=8 * 1440 {
                let now = begin + TimeDelta::minutes(minute);
                let face = local(zone, now);
                let mut due = false;
                while shown < face {
                    shown += TimeDelta::minutes(1);
                    due |= minutes.1.contains(&shown.minute()) && hours.1.contains(&shown.hour());
                }
                if due {
                    times.push(now);
                }
            }
            let after = at(place.1) + TimeDelta::minutes(from) + TimeDelta::seconds(from % 60);
            prop_assert_eq!(next(&schedule, after), times.iter().copied().find(|time| *time > after));
            prop_assert_eq!(latest(&schedule, after), times.iter().copied().rfind(|time| *time <= after));
        }
    }
}
