//! Reads dates and timestamps strictly: by declared formats, and moments as RFC 3339 has them.

use chrono::{Datelike, NaiveDate};

/// A declared format, taken apart once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MomentFormat(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(u8),
    Year4,
    Year2,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A date and a time of day as they stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Days since 1970-01-01.
    pub(crate) days: i32,
    /// Microseconds since midnight.
    pub(crate) micros: i64,
}

impl MomentFormat {
    /// None when the format holds a specifier that is not known, or names no complete date.
    pub(crate) fn parse(format: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut bytes = format.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                parts.push(Part::Literal(byte));
                continue;
            }
            match bytes.next()? {
                b'Y' => parts.push(Part::Year4),
                b'y' => parts.push(Part::Year2),
                b'm' => parts.push(Part::Month),
                b'd' => parts.push(Part::Day),
                b'H' => parts.push(Part::Hour),
                b'M' => parts.push(Part::Minute),
                b'S' => parts.push(Part::Second),
                b'%' => parts.push(Part::Literal(b'%')),
                _ => return None,
            }
        }
        let has = |part| parts.contains(&part);
        let dated = (has(Part::Year4) || has(Part::Year2)) && has(Part::Month) && has(Part::Day);
        dated.then_some(Self(parts))
    }

    /// The moment, when the whole text has this format and the calendar has the day.
    pub(crate) fn read(&self, text: &[u8]) -> Option<Moment> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let (mut hour, mut minute, mut second) = (0, 0, 0);
        let mut rest = text;
        for part in &self.0 {
            match part {
                Part::Literal(byte) => rest = rest.strip_prefix(&[*byte])?,
                Part::Year4 => year = exactly(&mut rest, 4)?,
                Part::Year2 => {
                    let short = exactly(&mut rest, 2)?;
                    year = if short <= 68 { 2000 + short } else { 1900 + short };
                }
                Part::Month => month = one_or_two(&mut rest)?,
                Part::Day => day = one_or_two(&mut rest)?,
                Part::Hour => hour = one_or_two(&mut rest)?,
                Part::Minute => minute = exactly(&mut rest, 2)?,
                Part::Second => second = exactly(&mut rest, 2)?,
            }
        }
        if !rest.is_empty() || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        let seconds = i64::from(hour * 3600 + minute * 60 + second);
        Some(Moment { days: days(date), micros: seconds * 1_000_000 })
    }
}

/// Reads `2024-01-31T08:26:00.5+01:00`: RFC 3339, at most nine digits behind the point, and zeros behind the sixth.
/// Fails with the reason, in words for the quarantine.
pub(crate) fn instant(text: &[u8]) -> Result<Moment, &'static str> {
    Rfc3339::read(text).ok_or(NO_INSTANT)?.moment()
}

const NO_INSTANT: &str = "the text is no moment of RFC 3339, such as 2024-01-31T08:26:00Z";
pub(crate) const TOO_FINE: &str = "the time has parts of a microsecond";

/// The fields of an RFC 3339 text.
struct Rfc3339 {
    date: NaiveDate,
    second_of_day: u32,
    nanos: u32,
    /// True for a minute's sixty-first second.
    leap: bool,
    /// Minutes ahead of UTC.
    offset: i32,
}

impl Rfc3339 {
    fn read(text: &[u8]) -> Option<Self> {
        let mut rest = text;
        let year = exactly(&mut rest, 4)?;
        let month = behind(&mut rest, b"-").and_then(|()| exactly(&mut rest, 2))?;
        let day = behind(&mut rest, b"-").and_then(|()| exactly(&mut rest, 2))?;
        let hour = behind(&mut rest, b"Tt").and_then(|()| exactly(&mut rest, 2))?;
        let minute = behind(&mut rest, b":").and_then(|()| exactly(&mut rest, 2))?;
        let second = behind(&mut rest, b":").and_then(|()| exactly(&mut rest, 2))?;
        let nanos = fraction(&mut rest)?;
        let offset = offset(rest)?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        Some(Self { date, second_of_day: hour * 3600 + minute * 60 + second, nanos, leap: second == 60, offset })
    }

    fn moment(&self) -> Result<Moment, &'static str> {
        if self.leap {
            return Err("the time is a leap second, which microseconds since 1970 do not have");
        }
        if !self.nanos.is_multiple_of(1000) {
            return Err(TOO_FINE);
        }
        let second = i64::from(self.second_of_day) - i64::from(self.offset) * 60;
        let micros = i64::from(days(self.date)) * DAY + second * 1_000_000 + i64::from(self.nanos / 1000);
        Ok(Moment { days: day_of(micros), micros: micros.rem_euclid(DAY) })
    }
}

/// Takes one of these bytes.
fn behind(rest: &mut &[u8], wanted: &[u8]) -> Option<()> {
    let (first, more) = rest.split_first()?;
    *rest = more;
    wanted.contains(first).then_some(())
}

/// Nanoseconds behind the point; zero without a point.
fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let Some(behind) = rest.strip_prefix(b".") else { return Some(0) };
    let count = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (digits, more) = behind.split_at(count);
    *rest = more;
    Some(number(digits)? * 10u32.pow(9 - count as u32))
}

/// Minutes ahead of UTC, from the end of a text.
fn offset(text: &[u8]) -> Option<i32> {
    let (sign, mut rest) = match text {
        [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let hours = exactly(&mut rest, 2)?;
    let minutes = behind(&mut rest, b":").and_then(|()| exactly(&mut rest, 2))?;
    let within = rest.is_empty() && hours <= 23 && minutes <= 59;
    within.then(|| sign * i32::try_from(hours * 60 + minutes).unwrap_or(0))
}

/// The day (UTC) of microseconds since 1970, also before.
pub(crate) fn day_of(micros: i64) -> i32 {
    // 2^63 microseconds are 107 million days.
    micros.div_euclid(DAY) as i32
}

/// True for the years 0 to 9999, which every format of dates can write.
pub(crate) fn is_usual(days: i32) -> bool {
    (-719_528..=2_932_896).contains(&days)
}

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// Days since 1970-01-01.
pub(crate) fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH
}

/// None beyond the calendar.
pub(crate) fn date(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH)?)
}

const EPOCH: i32 = 719_163;

fn exactly(rest: &mut &[u8], count: usize) -> Option<u32> {
    let (digits, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    number(digits)
}

fn one_or_two(rest: &mut &[u8]) -> Option<u32> {
    let count = if rest.get(1).is_some_and(u8::is_ascii_digit) { 2 } else { 1 };
    exactly(rest, count)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_only_what_the_format_says() {
        for (format, text, expected) in [
            ("%Y-%m-%d", "2024-01-31", Some("2024-01-31")),
            ("%Y-%m-%d", "2024-1-3", Some("2024-01-03")),
            ("%Y-%m-%d", "24-01-03", None),
            ("%Y-%m-%d", "02024-01-03", None),
            ("%Y-%m-%d", "2024-02-30", None),
            ("%Y-%m-%d", "2024-01-03 ", None),
            ("%Y-%m-%d", "2024-01-003", None),
            ("%d/%m/%Y", "31/12/2023", Some("2023-12-31")),
            ("%d/%m/%Y", "1/2/2023", Some("2023-02-01")),
            ("%d/%m/%Y", "12/31/2023", None),
            ("%d-%m-%y %H:%M", "01-12-10 8:26", Some("2010-12-01 08:26:00")),
            ("%d-%m-%y %H:%M", "01-12-2010 08:26", None),
            ("%m/%d/%Y %H:%M", "12/1/2010 8:26", Some("2010-12-01 08:26:00")),
            ("%m/%d/%Y %H:%M", "12/1/10 8:26", None),
            ("%m/%d/%Y %H:%M", "12/1/2010 8:6", None),
            ("%m/%d/%y %H:%M", "1/2/10 08:26", Some("2010-01-02 08:26:00")),
            ("%m/%d/%y %H:%M", "13/2/10 08:26", None),
            ("%m/%d/%y %H:%M", "1/2/2010 08:26", None),
            ("%Y-%m-%d %H:%M", "2010-1-2 8:26", Some("2010-01-02 08:26:00")),
            ("%Y-%m-%d %H:%M", "2010-1-2  8:26", None),
            ("%Y-%m-%d %H:%M:%S", "2010-01-02 08:26", None),
            ("%d%m%Y", "312024", None),
            ("%d.%m.%Y", "+3.1.2024", None),
            ("%m/%d/%y", "12/31/68", Some("2068-12-31")),
            ("%m/%d/%y", "12/31/69", Some("1969-12-31")),
            ("%Y-%m-%d %H:%M:%S", "2024-01-31 23:59:59", Some("2024-01-31 23:59:59")),
            ("%Y-%m-%d %H:%M:%S", "2024-01-31 23:59:60", None),
            ("%Y-%m-%d %H:%M:%S", "2024-01-31 24:00:00", None),
            ("%Y-%m-%d %H:%M", "2024-01-31 23:5", None),
        ] {
            let given = MomentFormat::parse(format).unwrap().read(text.as_bytes());
            let shown = given.map(|moment| {
                let day = date(moment.days).unwrap();
                let second = u32::try_from(moment.micros / 1_000_000).unwrap();
                let time = chrono::NaiveTime::from_num_seconds_from_midnight_opt(second, 0).unwrap();
                if format.contains("%H") { format!("{day} {time}") } else { day.to_string() }
            });
            assert_eq!(shown.as_deref(), expected, "{text} as {format}");
        }
    }

    #[test]
    fn a_format_without_a_whole_date_is_refused() {
        assert_eq!(MomentFormat::parse("%Y-%m"), None);
        assert_eq!(MomentFormat::parse("%Y-%m-%d %Q"), None);
        assert_eq!(MomentFormat::parse("%Y-%m-%d %"), None);
    }

    /// As RFC 3339 text at UTC, or the reason for a refusal.
    fn told(text: &str) -> String {
        match instant(text.as_bytes()) {
            Ok(moment) => {
                let micros = i64::from(moment.days) * DAY + moment.micros;
                chrono::DateTime::from_timestamp_micros(micros).unwrap().to_rfc3339()
            }
            Err(reason) => reason.split(',').next().unwrap().to_owned(),
        }
    }

    #[test]
    fn moments_are_read_as_rfc_3339_has_them() {
        const NONE: &str = "the text is no moment of RFC 3339";
        for (text, expected) in [
            ("2024-01-31T08:26:00Z", "2024-01-31T08:26:00+00:00"),
            ("2024-01-31t08:26:00z", "2024-01-31T08:26:00+00:00"),
            ("2024-01-31T00:26:00.5+01:00", "2024-01-30T23:26:00.500+00:00"),
            ("2024-12-31T23:30:00-00:45", "2025-01-01T00:15:00+00:00"),
            ("2024-01-31T08:26:00-00:00", "2024-01-31T08:26:00+00:00"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999+00:00"),
            ("1969-12-31T23:59:59.999999000Z", "1969-12-31T23:59:59.999999+00:00"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00+00:00"),
            ("2024-02-29T23:59:59.000001+23:59", "2024-02-29T00:00:59.000001+00:00"),
            ("2024-01-31T08:26:00.0000001Z", TOO_FINE),
            ("2024-01-31T08:26:00.123456789Z", TOO_FINE),
            ("2016-12-31T23:59:60Z", "the time is a leap second"),
            ("2024-01-31T08:26:61Z", NONE),
            ("2024-01-31T08:26:00.1234567890Z", NONE),
            ("2024-01-31T08:26:00.Z", NONE),
            ("2024-01-31T08:26:00,5Z", NONE),
            ("2024-01-31T08:26:00", NONE),
            ("2024-01-31T08:26Z", NONE),
            ("2024-01-31 08:26:00Z", NONE),
            ("2024-1-31T08:26:00Z", NONE),
            ("2024-01-31T8:26:00Z", NONE),
            ("2024-02-30T08:26:00Z", NONE),
            ("2024-01-31T24:00:00Z", NONE),
            ("2024-01-31T08:60:00Z", NONE),
            ("2024-01-31T08:26:00+0100", NONE),
            ("2024-01-31T08:26:00+01", NONE),
            ("2024-01-31T08:26:00+24:00", NONE),
            ("2024-01-31T08:26:00+01:60", NONE),
            ("2024-01-31T08:26:00+01:00 ", NONE),
            ("2024-01-31T08:26:00ZZ", NONE),
            ("+2024-01-31T08:26:00Z", NONE),
            ("２024-01-31T08:26:00Z", NONE),
            ("", NONE),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    proptest! {
        /// Whatever is read is what a general reader reads; that one also takes forms that are refused here.
        #[test]
        fn moments_agree_with_a_general_reader(
            year in 0u32..10_000, month in 0u32..14, day in 0u32..33, hour in 0u32..25, minute in 0u32..61,
            second in 0u32..62, digits in "[.][0-9]{1,10}|", zone in "Z|z|[+-][0-2][0-9]:[0-6][0-9]|",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{digits}{zone}");
            let general = chrono::DateTime::parse_from_rfc3339(&text);
            match instant(text.as_bytes()) {
                Ok(moment) => {
                    let nanos = general.unwrap().to_utc() - chrono::DateTime::UNIX_EPOCH;
                    let micros = i64::from(moment.days) * DAY + moment.micros;
                    prop_assert_eq!(nanos, chrono::TimeDelta::microseconds(micros));
                    prop_assert!((0..DAY).contains(&moment.micros));
                }
                Err(NO_INSTANT) => prop_assert!(general.is_err() || digits.len() > 10),
                Err(TOO_FINE) => prop_assert!(general.unwrap().timestamp_subsec_nanos() % 1000 != 0),
                Err(_) => prop_assert_eq!(second, 60),
            }
        }

        #[test]
        fn no_text_is_a_moment_by_accident(text in "[-0-9TtZz:.+ ]{0,36}", bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = instant(&bytes);
            if instant(text.as_bytes()).is_ok() {
                prop_assert!(chrono::DateTime::parse_from_rfc3339(&text).is_ok());
            }
        }

        #[test]
        fn days_are_floored(micros in any::<i64>()) {
            let day = i128::from(day_of(micros));
            let (of, micros) = (i128::from(DAY), i128::from(micros));
            prop_assert!(day * of <= micros && micros < (day + 1) * of);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,20}", bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            for format in ["%Y-%m-%d", "%d/%m/%y %H:%M:%S"] {
                let format = MomentFormat::parse(format).unwrap();
                let _ = (format.read(text.as_bytes()), format.read(&bytes));
            }
        }

        /// Written part by part, with or without the zeros that may be left out.
        #[test]
        fn every_moment_comes_back_in_every_format(
            seconds in -62_167_219_200i64..=253_402_300_799, zeros in any::<[bool; 3]>(),
            format in proptest::sample::select(vec![
                "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%y %H:%M", "%m/%d/%y %H:%M", "%y%%%m.%d %H:%M",
            ]),
        ) {
            use chrono::Timelike;
            let moment = chrono::DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
            let padded = |value: u32, zero: bool| if zero { format!("{value:02}") } else { value.to_string() };
            let text = format
                .replace("%Y", &format!("{:04}", moment.year()))
                .replace("%y", &format!("{:02}", moment.year() % 100))
                .replace("%m", &padded(moment.month(), zeros[0]))
                .replace("%d", &padded(moment.day(), zeros[1]))
                .replace("%H", &padded(moment.hour(), zeros[2]))
                .replace("%M", &format!("{:02}", moment.minute()))
                .replace("%S", &format!("{:02}", moment.second()))
                .replace("%%", "%");
            let century = if moment.year() % 100 <= 68 { 2000 } else { 1900 };
            let year = if format.contains("%y") { century + moment.year() % 100 } else { moment.year() };
            let second = if format.contains("%S") { moment.second() } else { 0 };
            let expected = NaiveDate::from_ymd_opt(year, moment.month(), moment.day()).map(|date| Moment {
                days: days(date),
                micros: i64::from(moment.num_seconds_from_midnight() - moment.second() + second) * 1_000_000,
            });
            prop_assert_eq!(MomentFormat::parse(format).unwrap().read(text.as_bytes()), expected, "{}", text);
        }

        #[test]
        fn every_day_comes_back(day in -200_000i32..2_000_000) {
            prop_assume!(date(day).is_some_and(|date| (0..=9999).contains(&date.year())));
            let format = MomentFormat::parse("%Y-%m-%d").unwrap();
            prop_assert_eq!(format.read(date(day).unwrap().to_string().as_bytes()).unwrap().days, day);
        }
    }
}
