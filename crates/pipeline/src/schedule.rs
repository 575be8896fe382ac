//! Schedules: five cron fields and a time zone, checked and in words.

use crate::definition::Schedule;
use crate::diagnostic::{TextMistake, closest};
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

struct Field {
    name: &'static str,
    values: RangeInclusive<u32>,
    /// Words for values, from the lowest value on.
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const DAYS: [&str; 7] = ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", values: 0..=59, names: &[] },
    Field { name: "hour", values: 0..=23, names: &[] },
    Field { name: "day of the month", values: 1..=31, names: &[] },
    Field { name: "month", values: 1..=12, names: MONTHS },
    Field { name: "day of the week", values: 0..=7, names: WEEKDAYS },
];

impl Schedule {
    /// `Every 4 hours`, `Daily at 02:00 UTC`, `Mondays at 06:00 UTC`; the cron text where no words fit.
    pub fn words(&self) -> String {
        let fields: Vec<&str> = self.cron.split_ascii_whitespace().collect();
        let step = |field: &str, of: u32| {
            let step: u32 = field.strip_prefix("*/")?.parse().ok()?;
            // A step that does not divide its field runs unevenly, so "every" would be wrong.
            (step > 0 && of.is_multiple_of(step)).then_some(step)
        };
        let every = |count: u32, unit: &str| match count {
            1 => format!("Every {unit}"),
            _ => format!("Every {count} {unit}s"),
        };
        let day = |weekday: &str| match weekday {
            "*" => Some("Daily"),
            _ => weekday.parse::<usize>().ok().and_then(|number| DAYS.get(number % 7)).copied(),
        };
        match fields[..] {
            ["*", "*", "*", "*", "*"] => every(1, "minute"),
            [minute, "*", "*", "*", "*"] if step(minute, 60).is_some() => {
                every(step(minute, 60).unwrap_or(1), "minute")
            }
            ["0", "*", "*", "*", "*"] => every(1, "hour"),
            ["0", hour, "*", "*", "*"] if step(hour, 24).is_some() => every(step(hour, 24).unwrap_or(1), "hour"),
            [minute, hour, "*", "*", weekday] => match (minute.parse::<u32>(), hour.parse::<u32>(), day(weekday)) {
                (Ok(minute), Ok(hour), Some(day)) => format!("{day} at {hour:02}:{minute:02} {}", self.zone),
                _ => self.cron.clone(),
            },
            _ => self.cron.clone(),
        }
    }
}

/// Fails at the field that is not cron.
pub(crate) fn check_cron(text: &str) -> Result<(), TextMistake> {
    let fields: Vec<(&str, Range<usize>)> = words(text);
    if fields.len() != FIELDS.len() {
        let message =
            format!("a schedule has five fields (minute, hour, day, month, weekday), and this has {}", fields.len());
        return Err(TextMistake::new(0..text.len(), message));
    }
    fields.into_iter().zip(&FIELDS).try_for_each(|((word, range), field)| {
        word.split(',').all(|part| is_part(part, field)).then_some(()).ok_or_else(|| {
            let (low, high) = (field.values.start(), field.values.end());
            let message =
                format!("the {} is `*`, a number from {low} to {high}, a range, a step or a list", field.name);
            TextMistake::new(range, message)
        })
    })
}

/// Fails when the zone is not one of the IANA database.
pub(crate) fn check_zone(text: &str) -> Result<(), TextMistake> {
    match chrono_tz::Tz::from_str(text) {
        Ok(_) => Ok(()),
        Err(_) => {
            let lower = text.to_lowercase();
            let same = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).find(|name| name.to_lowercase() == lower);
            let near = same.or_else(|| closest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())));
            let message = "this time zone is not known; zones have names such as `UTC` or `America/Recife`";
            Err(TextMistake::new(0..text.len(), message).suggesting(near))
        }
    }
}

fn words(text: &str) -> Vec<(&str, Range<usize>)> {
    let mut at = 0;
    let parts = text.split([' ', '\t']).map(|word| {
        let start = at;
        at += word.len() + 1;
        (word, start..start + word.len())
    });
    parts.filter(|(word, _)| !word.is_empty()).collect()
}

fn is_part(part: &str, field: &Field) -> bool {
    let (values, step) = match part.split_once('/') {
        Some((values, step)) => (values, Some(step)),
        None => (part, None),
    };
    let is_step = |step: &str| number(step).is_some_and(|step| step > 0 && step <= *field.values.end());
    let is_range = match values.split_once('-') {
        Some((low, high)) => match (value(low, field), value(high, field)) {
            (Some(low), Some(high)) => low <= high,
            _ => false,
        },
        // A step counts from `*` or through a range; from one value it means nothing.
        None => values == "*" || (step.is_none() && value(values, field).is_some()),
    };
    is_range && step.is_none_or(is_step)
}

fn value(word: &str, field: &Field) -> Option<u32> {
    let lower = word.to_ascii_lowercase();
    let named = field.names.iter().position(|name| !name.is_empty() && *name == lower);
    let value = named.and_then(|at| u32::try_from(at).ok()).or_else(|| number(word))?;
    field.values.contains(&value).then_some(value)
}

fn number(word: &str) -> Option<u32> {
    word.bytes().all(|b| b.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_only_where_they_are_true() {
        for (cron, expected) in [
            ("0 */4 * * *", "Every 4 hours"),
            ("0 */1 * * *", "Every hour"),
            ("0 * * * *", "Every hour"),
            ("*/15 * * * *", "Every 15 minutes"),
            ("* * * * *", "Every minute"),
            ("0 2 * * *", "Daily at 02:00 Europe/Lisbon"),
            ("5 14 * * *", "Daily at 14:05 Europe/Lisbon"),
            ("0 */5 * * *", "0 */5 * * *"),
            ("30 */4 * * *", "30 */4 * * *"),
            ("*/7 * * * *", "*/7 * * * *"),
            ("0 2 * * 1", "Mondays at 02:00 Europe/Lisbon"),
            ("0 2 * * 7", "Sundays at 02:00 Europe/Lisbon"),
            ("0 2 * * 1-5", "0 2 * * 1-5"),
            ("0 2,14 * * *", "0 2,14 * * *"),
        ] {
            assert!(check_cron(cron).is_ok(), "{cron}");
            assert_eq!(Schedule { cron: cron.into(), zone: "Europe/Lisbon".into() }.words(), expected, "{cron}");
        }
    }

    #[test]
    fn cron_is_checked_field_by_field() {
        for cron in ["0,30 8-18/2 1,15 jan-MAR mon-fri", "59 23 31 12 7", "  0\t4 * * *  "] {
            assert_eq!(check_cron(cron), Ok(()), "{cron}");
        }
        let mut found = String::new();
        for cron in [
            "0 4 * *",
            "0 4 * * * *",
            "",
            "60 4 * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "0 0 * 13 *",
            "0 0 * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "+5 * * * *",
            "0 0 * * monday",
            "5/10 * * * *",
            "0 ,4 * * *",
            "0 0 * * -",
        ] {
            let mistake = check_cron(cron).unwrap_err();
            found.push_str(&format!("{cron} [{}]: {}\n", &cron[mistake.range], mistake.message));
        }
        insta::assert_snapshot!(found, @r#"
        0 4 * * [0 4 * *]: a schedule has five fields (minute, hour, day, month, weekday), and this has 4
        0 4 * * * * [0 4 * * * *]: a schedule has five fields (minute, hour, day, month, weekday), and this has 6
         []: a schedule has five fields (minute, hour, day, month, weekday), and this has 0
        60 4 * * * [60]: the minute is `*`, a number from 0 to 59, a range, a step or a list
        0 24 * * * [24]: the hour is `*`, a number from 0 to 23, a range, a step or a list
        0 0 0 * * [0]: the day of the month is `*`, a number from 1 to 31, a range, a step or a list
        0 0 * 13 * [13]: the month is `*`, a number from 1 to 12, a range, a step or a list
        0 0 * * 8 [8]: the day of the week is `*`, a number from 0 to 7, a range, a step or a list
        */0 * * * * [*/0]: the minute is `*`, a number from 0 to 59, a range, a step or a list
        5-1 * * * * [5-1]: the minute is `*`, a number from 0 to 59, a range, a step or a list
        +5 * * * * [+5]: the minute is `*`, a number from 0 to 59, a range, a step or a list
        0 0 * * monday [monday]: the day of the week is `*`, a number from 0 to 7, a range, a step or a list
        5/10 * * * * [5/10]: the minute is `*`, a number from 0 to 59, a range, a step or a list
        0 ,4 * * * [,4]: the hour is `*`, a number from 0 to 23, a range, a step or a list
        0 0 * * - [-]: the day of the week is `*`, a number from 0 to 7, a range, a step or a list
        "#);
    }

    #[test]
    fn zones_are_those_of_the_database() {
        assert!(check_zone("UTC").is_ok() && check_zone("America/Recife").is_ok());
        assert_eq!(check_zone("america/recife").unwrap_err().suggestion.as_deref(), Some("America/Recife"));
        assert_eq!(check_zone("Europe/Lisbonn").unwrap_err().suggestion.as_deref(), Some("Europe/Lisbon"));
        assert_eq!(check_zone("Atlantis/Poseidonis").unwrap_err().suggestion, None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(?s)[0-9*/, -]{0,20}.{0,6}") {
            if let Err(mistake) = check_cron(&text) {
                prop_assert!(text.get(mistake.range).is_some());
            }
        }
    }
}
