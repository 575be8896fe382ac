//! Reads dates and timestamps strictly by declared formats.

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

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,20}", bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            for format in ["%Y-%m-%d", "%d/%m/%y %H:%M:%S"] {
                let format = MomentFormat::parse(format).unwrap();
                let _ = (format.read(text.as_bytes()), format.read(&bytes));
            }
        }

        #[test]
        fn every_day_comes_back(day in -200_000i32..2_000_000) {
            prop_assume!(date(day).is_some_and(|date| (0..=9999).contains(&date.year())));
            let format = MomentFormat::parse("%Y-%m-%d").unwrap();
            prop_assert_eq!(format.read(date(day).unwrap().to_string().as_bytes()).unwrap().days, day);
        }
    }
}
