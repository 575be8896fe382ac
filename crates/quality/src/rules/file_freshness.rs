//! `FileFreshness ["path"]`: when the files of the dataset were last written.
//!
//! A day is compared with the day of the writing, `now()` and `(now() - 3 hours)` with its moment, a time such as
//! `"9:30 AM"` with that time of today, to the minute, in UTC. `with threshold` is on the share of files that meet the
//! condition, else all must; `recentFiles` and `uriRegex` choose files.
//!
//! Nulls: there are none.
//! Rows: none; the rule is about files.
//! Profiles: no difference; evaluated over the listing of the lake.
//!
//! ```dqdl
//! FileFreshness > (now() - 24 hours) with threshold > 0.9
//! ```

use super::ask::names;
use super::{Planned, Refusal};
use crate::draft::Draft;
use crate::files::{by_share, chosen, listing, tags};
use assay_dqdl::tree::{Check, Condition, Date, Operator, Unit};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Timelike, Utc};
use std::cmp::Ordering;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let files = listing(draft)?;
    tags(check, &["recentFiles", "uriRegex", "failFast"])?;
    let Some(Condition::Date(test)) = &check.condition else {
        return Err(Refusal::failed("FileFreshness takes a condition on a date or a time"));
    };
    let now = draft.data.now;
    let points = test.operands.iter().map(|date| point(date, now)).collect::<Result<Vec<_>, _>>()?;
    let op = test.op;
    let list = chosen(check, files, names(check).first().copied())?;
    by_share(check, draft, "FileFreshness", &list, |file| holds(op, &points, file.modified))
}

/// What a moment is compared with.
#[derive(Clone, Copy)]
enum Point {
    Day(NaiveDate),
    Minute(DateTime<Utc>),
    Moment(DateTime<Utc>),
    Never,
}

fn point(date: &Date, now: DateTime<Utc>) -> Result<Point, Refusal> {
    let wrong = |text: &str| Refusal::failed(format!("{text} is no date or time"));
    Ok(match date {
        Date::Day(text) => Point::Day(text.parse().map_err(|_| wrong(text))?),
        Date::Time(text) => {
            Point::Minute(now.date_naive().and_time(time_of(text).ok_or_else(|| wrong(text))?).and_utc())
        }
        Date::Now => Point::Moment(now),
        Date::Offset { amount, unit, .. } => {
            let minutes = match unit {
                Unit::Days => 24 * 60,
                Unit::Hours => 60,
                Unit::Minutes => 1,
            };
            let moved = amount.checked_mul(minutes).and_then(Duration::try_minutes);
            let moment = moved.and_then(|by| now.checked_add_signed(by));
            Point::Moment(moment.ok_or_else(|| wrong("so far from now"))?)
        }
        Date::Null => Point::Never,
    })
}

/// A time of day as the language writes it: midnight is also `24:00`, and twelve before or after noon also 0.
fn time_of(text: &str) -> Option<NaiveTime> {
    let (time, half) = match text.rsplit_once(' ') {
        Some((time, half)) if half.eq_ignore_ascii_case("am") => (time, Some(0)),
        Some((time, half)) if half.eq_ignore_ascii_case("pm") => (time, Some(12)),
        _ => (text, None),
    };
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse().ok()?);
    let hour = match half {
        Some(later) if hour <= 12 => hour % 12 + later,
        Some(_) => return None,
        None if (hour, minute) == (24, 0) => 0,
        None => hour,
    };
    NaiveTime::from_hms_opt(hour, minute, 0)
}

fn compared(moment: DateTime<Utc>, point: &Point) -> Option<Ordering> {
    match point {
        Point::Day(day) => Some(moment.date_naive().cmp(day)),
        Point::Minute(at) => moment.with_second(0)?.with_nanosecond(0).map(|moment| moment.cmp(at)),
        Point::Moment(at) => Some(moment.cmp(at)),
        Point::Never => None,
    }
}

fn holds(op: Operator, points: &[Point], moment: DateTime<Utc>) -> bool {
    let order = |at: usize| points.get(at).and_then(|point| compared(moment, point));
    let among = || (0..points.len()).any(|at| order(at) == Some(Ordering::Equal));
    match op {
        Operator::Greater => order(0).is_some_and(Ordering::is_gt),
        Operator::GreaterOrEqual => order(0).is_some_and(Ordering::is_ge),
        Operator::Less => order(0).is_some_and(Ordering::is_lt),
        Operator::LessOrEqual => order(0).is_some_and(Ordering::is_le),
        Operator::Between => order(0).is_some_and(Ordering::is_gt) && order(1).is_some_and(Ordering::is_lt),
        Operator::NotBetween => order(0).is_some_and(Ordering::is_le) || order(1).is_some_and(Ordering::is_ge),
        Operator::Equal | Operator::In => among(),
        Operator::NotEqual | Operator::NotIn => !among(),
        Operator::Matches | Operator::NotMatches => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read_as_the_language_writes_them() {
        for (text, wanted) in [
            ("09:05", Some((9, 5))),
            ("9:05 AM", Some((9, 5))),
            ("9:05 pm", Some((21, 5))),
            ("12:00 AM", Some((0, 0))),
            ("12:30 PM", Some((12, 30))),
            ("0:30 AM", Some((0, 30))),
            ("00:59 PM", Some((12, 59))),
            ("24:00", Some((0, 0))),
            ("24:01", None),
            ("13:00 PM", None),
            ("9", None),
        ] {
            let wanted = wanted.and_then(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0));
            assert_eq!(time_of(text), wanted, "{text}");
        }
    }
}
