//! Invoices of an online shop: one CSV in windows-1252 as people pass it on, with cancellations and repairs by hand.

mod goods;
mod line;
#[cfg(test)]
mod tests;

use crate::draft::Draft;
use crate::random::Random;
use crate::{DemoError, Scale, Written};
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use goods::Article;
use line::{HEADER, Invoice, Line, STYLES};
use std::path::Path;

/// Writes `raw-data/online_retail.csv` below the pipeline's lake folder. The seed also chooses the line ends: its
/// remainder by 3 means LF, CRLF and CR.
pub(crate) fn write(scale: &Scale, lake: &Path, progress: &mut dyn FnMut(u64)) -> Result<Written, DemoError> {
    let dates = crate::all_dates(scale.first_date, scale.dates)?;
    let mut file = File {
        draft: Draft::create(lake.join("raw-data/online_retail.csv"), false)?,
        end: [&b"\n"[..], b"\r\n", b"\r"][(scale.seed % 3) as usize],
        records: 0,
    };
    file.put(HEADER);
    let articles = goods::articles();
    for (place, date) in dates.into_iter().enumerate() {
        let first = place as u64 * scale.records_per_date;
        let random = Random::new(scale.seed, 1_000 + place as u64);
        Day { articles: &articles, date, first, left: scale.records_per_date, random, later: Vec::new() }
            .fill(&mut file, progress)?;
    }
    progress(file.records);
    Ok(Written { files: 1, records: file.records, bytes: file.draft.finish(None)? })
}

struct File {
    draft: Draft,
    end: &'static [u8],
    records: u64,
}

impl File {
    /// A line as it is, and its end.
    fn put(&mut self, text: &str) {
        text.chars().for_each(|character| encode(character, self.end, &mut self.draft.buffer));
        self.draft.buffer.extend_from_slice(self.end);
    }

    fn record(&mut self, text: &str) -> Result<(), DemoError> {
        self.put(text);
        self.records += 1;
        self.draft.settle()
    }
}

/// windows-1252, and the file's own line end for a line break.
fn encode(character: char, end: &[u8], out: &mut Vec<u8>) {
    match character {
        '\n' => out.extend_from_slice(end),
        '€' => out.push(0x80),
        '\u{2019}' => out.push(0x92),
        _ => out.push(u8::try_from(u32::from(character)).unwrap_or(b'?')),
    }
}

/// The lines of one date in the making.
struct Day<'a> {
    articles: &'a [Article],
    date: NaiveDate,
    /// Lines of the dates before.
    first: u64,
    /// Records that may still be written.
    left: u64,
    random: Random,
    /// Duplicates for the end of the date.
    later: Vec<Line>,
}

/// Customers of the shop; about a fifth of the invoices name none.
const CUSTOMERS: u64 = 900;
const LATER: usize = 1_000;

impl Day<'_> {
    fn fill(mut self, file: &mut File, progress: &mut dyn FnMut(u64)) -> Result<(), DemoError> {
        let mut number = 0;
        while self.left > self.later.len() as u64 {
            let invoice = self.invoice(number);
            number += 1;
            for _ in 0..self.random.between(1, 12) {
                if self.left <= self.later.len() as u64 {
                    break;
                }
                self.line(&invoice, file)?;
            }
            progress(file.records);
        }
        for line in std::mem::take(&mut self.later) {
            file.record(&csv(&line.fields))?;
        }
        Ok(())
    }

    fn invoice(&mut self, number: u64) -> Invoice {
        let customer = (self.random.below(5) > 0).then(|| 12_346 + self.random.below(CUSTOMERS));
        let country = match customer {
            Some(customer) => goods::country(customer),
            None => goods::guest_country(&mut self.random),
        };
        let minutes = TimeDelta::minutes((480 + number % 900) as i64);
        let cancelled = self.random.below(33) == 0;
        Invoice {
            number: format!("{}{}", if cancelled { "C" } else { "" }, 536_365 + self.first + number),
            moment: self.date.and_time(NaiveTime::MIN) + minutes,
            style: *self.random.pick(STYLES),
            customer,
            country,
        }
    }

    /// Writes one line, and its duplicate where that comes next.
    fn line(&mut self, invoice: &Invoice, file: &mut File) -> Result<(), DemoError> {
        let article = &self.articles[self.random.below(self.articles.len() as u64) as usize];
        let random = &mut self.random;
        let quantity = 1 + random.below(24).min(random.below(24)) as i64;
        let mut line = Line::new(invoice, article, quantity, random);
        self.left -= 1;
        if invoice.number.starts_with('C') {
            line.negate();
            return file.record(&csv(&line.fields));
        }
        let room = self.left > self.later.len() as u64;
        match random.below(1_000) {
            0..8 => line.negate(),
            8..14 => line.worthless(random),
            14..30 => line.describe_otherwise(random),
            30..42 if room => {
                file.record(&csv(&line.fields))?;
                self.left -= 1;
                line = line.again(random);
            }
            42..52 if room && self.later.len() < LATER => self.later.push(line.again(random)),
            52..60 => return file.record(&malformed(&line.fields, random)),
            60..70 => line.mistype(random),
            70..76 => line.lose(random),
            76..78 => line.outgrow(),
            78..90 => line.lower_code(),
            90..102 => line.write_numbers_otherwise(random),
            102..114 => line.break_line(),
            114..124 => line.pad(),
            124..128 => file.put(""),
            _ => {}
        }
        file.record(&csv(&line.fields))
    }
}

fn csv(fields: &[String]) -> String {
    let quoted = fields.iter().map(|field| match field.contains([',', '"', '\n']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.clone(),
    });
    quoted.collect::<Vec<_>>().join(",")
}

/// A line that is no record: too few fields, too many, or a quote inside a bare field.
fn malformed(fields: &[String], random: &mut Random) -> String {
    match random.below(3) {
        0 => csv(&fields[..5]),
        1 => format!("{},", csv(fields)),
        _ => format!("{},{},5\" NAIL,1,{},1.25,,France", fields[0], fields[1], fields[4]),
    }
}
