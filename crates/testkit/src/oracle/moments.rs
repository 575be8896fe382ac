//! Dates and moments read by their formats.

use chrono::{NaiveDate, NaiveDateTime};

/// The date that the whole text is in this format; `None` for anything else.
pub(super) fn read_date(text: &str, format: &str) -> Option<NaiveDate> {
    Fields::read(text, format)?.date()
}

/// The moment that the whole text is in this format.
pub(super) fn read_moment(text: &str, format: &str) -> Option<NaiveDateTime> {
    let fields = Fields::read(text, format)?;
    fields.date()?.and_hms_opt(fields.hour, fields.minute, fields.second)
}

#[derive(Default)]
struct Fields {
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
}

impl Fields {
    fn read(text: &str, format: &str) -> Option<Self> {
        let mut fields = Self::default();
        let (mut rest, mut format) = (text, format.chars());
        while let Some(wanted) = format.next() {
            if wanted != '%' {
                rest = rest.strip_prefix(wanted)?;
                continue;
            }
            let field = format.next()?;
            // Day, month and hour may lack the leading zero; the others have all their digits.
            let (least, most) = match field {
                'Y' => (4, 4),
                'd' | 'm' | 'H' => (1, 2),
                _ => (2, 2),
            };
            let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            if digits < least {
                return None;
            }
            let number: u32 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            match field {
                'Y' => fields.year = number as i32,
                'y' => fields.year = number as i32 + if number <= 68 { 2000 } else { 1900 },
                'm' => fields.month = number,
                'd' => fields.day = number,
                'H' => fields.hour = number,
                'M' => fields.minute = number,
                'S' => fields.second = number,
                _ => return None,
            }
        }
        rest.is_empty().then_some(fields)
    }

    fn date(&self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn whole_texts_alone_are_moments() {
        for (format, text, moment) in [
            ("%Y-%m-%d %H:%M:%S", "2010-12-01 08:26:59", Some("2010-12-01T08:26:59")),
            ("%Y-%m-%d %H:%M:%S", "2010-12-1 8:26:00", Some("2010-12-01T08:26:00")),
            ("%Y-%m-%d %H:%M:%S", "2010-12-01 08:26:60", None),
            ("%Y-%m-%d %H:%M:%S", "2010-12-01 08:26:5", None),
            ("%Y-%m-%d %H:%M", "2010-12-01 8:6", None),
            ("%m/%d/%Y %H:%M", "12/1/2010 8:26", Some("2010-12-01T08:26:00")),
            ("%m/%d/%Y %H:%M", "13/1/2010 8:26", None),
            ("%m/%d/%Y %H:%M", "12/1/10 8:26", None),
            ("%m/%d/%Y %H:%M", "12/1/2010 24:00", None),
            ("%m/%d/%Y %H:%M", "12/1/2010  8:26", None),
            ("%d-%m-%y %H:%M", "01-12-10 8:26", Some("2010-12-01T08:26:00")),
            ("%d-%m-%y %H:%M", "01-12-68 8:26", Some("2068-12-01T08:26:00")),
            ("%d-%m-%y %H:%M", "01-12-69 8:26", Some("1969-12-01T08:26:00")),
            ("%d-%m-%y %H:%M", "01-12-2010 8:26", None),
            ("%m/%d/%y %H:%M", "2/29/12 23:59", Some("2012-02-29T23:59:00")),
            ("%m/%d/%y %H:%M", "2/29/11 23:59", None),
            ("%m/%d/%y %H:%M", "2/28/11 23:59 ", None),
            ("%m/%d/%y %H:%M", "٢/28/11 23:59", None),
        ] {
            let read = read_moment(text, format).map(|moment| moment.format("%Y-%m-%dT%H:%M:%S").to_string());
            assert_eq!(read.as_deref(), moment, "{text:?} as {format}");
        }
        assert_eq!(read_date("5/1/2026", "%d/%m/%Y"), NaiveDate::from_ymd_opt(2026, 1, 5));
        assert_eq!(read_date("5/1/26", "%d/%m/%Y"), None);
    }
}
