//! Dates written after a Java pattern such as `dd/MM/yyyy`.

use chrono::NaiveDate;

/// A pattern, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatePattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// A number of at least and at most so many digits.
    Number(Field, usize, usize),
    /// `MMM`: `Jan`; `MMMM`: `January`.
    Month(&'static [&'static str; 12]),
    /// `AM` or `PM`.
    Half,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    ShortYear,
    Month,
    Day,
    /// Of the day or below; what matters is only that it is within its limit.
    Clock(u32),
    Fraction,
}

const SHORT: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const LONG: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl DatePattern {
    /// Reads a pattern of years, months, days and times; none where it has other letters.
    pub fn of(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if c == '\'' {
                let (literal, behind) = rest[1..].split_once('\'')?;
                parts.push(Part::Literal(if literal.is_empty() { "'".to_owned() } else { literal.to_owned() }));
                rest = behind;
                continue;
            }
            let count = rest.chars().take_while(|other| *other == c).count();
            if c.is_ascii_alphabetic() {
                parts.push(part(c, count)?);
            } else {
                parts.push(Part::Literal(c.to_string().repeat(count)));
            }
            rest = &rest[count * c.len_utf8()..];
        }
        (!parts.is_empty()).then_some(Self(parts))
    }

    /// Whether the text is a date of this pattern. A part that the pattern lacks is taken from 2000-01-01.
    pub fn reads(&self, text: &str) -> bool {
        let (mut year, mut month, mut day) = (2000, 1, 1);
        let mut rest = text;
        for part in &self.0 {
            match part {
                Part::Literal(literal) => match rest.strip_prefix(literal.as_str()) {
                    Some(behind) => rest = behind,
                    None => return false,
                },
                Part::Half => match rest.get(..2).filter(|half| ["AM", "PM"].contains(half)) {
                    Some(_) => rest = &rest[2..],
                    None => return false,
                },
                Part::Month(names) => match names.iter().position(|name| rest.starts_with(name)) {
                    Some(at) => {
                        rest = &rest[names[at].len()..];
                        month = u32::try_from(at).unwrap_or_default() + 1;
                    }
                    None => return false,
                },
                Part::Number(field, least, most) => {
                    let digits = rest.bytes().take(*most).take_while(u8::is_ascii_digit).count();
                    let Some(value) = rest[..digits].parse::<u32>().ok().filter(|_| digits >= *least) else {
                        return false;
                    };
                    rest = &rest[digits..];
                    match field {
                        Field::Year => year = i32::try_from(value).unwrap_or_default(),
                        Field::ShortYear => year = 2000 + i32::try_from(value).unwrap_or_default(),
                        Field::Month => month = value,
                        Field::Day => day = value,
                        Field::Clock(limit) if value >= *limit => return false,
                        Field::Clock(_) | Field::Fraction => {}
                    }
                }
            }
        }
        rest.is_empty() && NaiveDate::from_ymd_opt(year, month, day).is_some()
    }
}

fn part(letter: char, count: usize) -> Option<Part> {
    let number = |field| Part::Number(field, count, if count == 1 { 2 } else { count });
    Some(match (letter, count) {
        ('y' | 'u', 2) => Part::Number(Field::ShortYear, 2, 2),
        ('y' | 'u', 1 | 4) => Part::Number(Field::Year, 4, 4),
        ('M' | 'L', 1 | 2) => number(Field::Month),
        ('M' | 'L', 3) => Part::Month(&SHORT),
        ('M' | 'L', 4) => Part::Month(&LONG),
        ('d', 1 | 2) => number(Field::Day),
        ('H', 1 | 2) => number(Field::Clock(24)),
        ('h', 1 | 2) => number(Field::Clock(13)),
        ('m' | 's', 1 | 2) => number(Field::Clock(60)),
        ('S', 1..=9) => Part::Number(Field::Fraction, count, count),
        ('a', 1) => Part::Half,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn dates_are_read_strictly() {
        for (pattern, text, reads) in [
            ("dd/MM/yyyy", "31/12/2024", true),
            ("dd/MM/yyyy", "1/12/2024", false),
            ("d/M/yyyy", "1/2/2024", true),
            ("dd/MM/yyyy", "30/02/2024", false),
            ("yyyy-MM-dd", "2024-02-29", true),
            ("yyyy-MM-dd", "2023-02-29", false),
            ("yyyy-MM-dd", "2024-02-29 ", false),
            ("dd-MM", "29-02", true),
            ("MM/yyyy", "13/2024", false),
            ("dd MMM yyyy", "01 Jan 2024", true),
            ("d MMMM yyyy", "1 January 2024", true),
            ("yyyy-MM-dd'T'HH:mm:ss", "2024-01-01T23:59:59", true),
            ("yyyy-MM-dd'T'HH:mm:ss", "2024-01-01T24:00:00", false),
            ("dd.MM.yy", "01.02.24", true),
        ] {
            assert_eq!(DatePattern::of(pattern).unwrap().reads(text), reads, "{pattern} {text}");
        }
        assert_eq!(DatePattern::of("qqq"), None);
        assert_eq!(DatePattern::of(""), None);
    }
}
