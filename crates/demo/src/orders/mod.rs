//! Orders of a web shop as nested JSON: arrays, lines and single objects, and files that are none of these.

mod order;
#[cfg(test)]
mod tests;

use crate::draft::Draft;
use crate::random::Random;
use crate::sales::Catalogue;
use crate::{DemoError, Scale, Written};
use chrono::NaiveDate;
use order::Writer;
use std::path::{Path, PathBuf};

/// Writes the files of each date below `orders_json_incoming/` of the pipeline's lake folder: an array, lines and up
/// to three single orders, which look as if they had arrived at noon (UTC) of the date. The first date also brings a
/// file that is no JSON, the last date of several one with the content of an earlier file.
pub(crate) fn write(scale: &Scale, lake: &Path, progress: &mut dyn FnMut(u64)) -> Result<Written, DemoError> {
    let dates = crate::all_dates(scale.first_date, scale.dates)?;
    let folder = lake.join("orders_json_incoming");
    let catalogue = Catalogue::new();
    let mut total = Written::default();
    for (place, date) in dates.iter().enumerate() {
        let random = Random::new(scale.seed, 2_000 + place as u64);
        let mut day = Day { folder: &folder, date: *date, writer: Writer::new(&catalogue, *date, random) };
        let alone = scale.records_per_date.min(3);
        let lines = (scale.records_per_date - alone) * 2 / 5;
        let array = scale.records_per_date - alone - lines;
        for written in [day.array(array)?, day.lines(lines)?] {
            add(&mut total, written);
        }
        for number in 0..alone {
            let bytes = single(&catalogue, (scale.seed, *date), number);
            add(&mut total, whole(day.path(&format!("single_{number}"), "json"), &bytes, *date)?);
        }
        if place == 0 {
            add(&mut total, whole(day.path("page", "json"), NO_JSON, *date)?);
        } else if place + 1 == dates.len() {
            let again = single(&catalogue, (scale.seed, dates[0]), 0);
            add(&mut total, whole(day.path("z_again", "json"), &again, *date)?);
        }
        progress(total.records);
    }
    Ok(total)
}

/// What a web server says instead of orders.
const NO_JSON: &[u8] = b"<html>\n<head><title>502 Bad Gateway</title></head>\n<body>upstream</body>\n</html>\n";

/// The content of a single order of a date.
fn single(catalogue: &Catalogue, (seed, date): (u64, NaiveDate), number: u64) -> Vec<u8> {
    let day = date.signed_duration_since(NaiveDate::default()).num_days().unsigned_abs();
    Writer::new(catalogue, date, Random::new(seed, 3_000_000 + day * 10 + number)).single(number)
}

struct Day<'a> {
    folder: &'a Path,
    date: NaiveDate,
    writer: Writer<'a>,
}

impl Day<'_> {
    fn path(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("orders_{}_{name}.{ending}", self.date.format("%Y%m%d")))
    }

    fn array(&mut self, records: u64) -> Result<Written, DemoError> {
        let mut draft = Draft::create(self.path("array", "json"), false)?;
        draft.buffer.push(b'[');
        for number in 0..records {
            draft.buffer.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
            self.writer.order(number == 0, false, &mut draft.buffer);
            draft.settle()?;
        }
        draft.buffer.extend_from_slice(b"\n]\n");
        Ok(Written { files: 1, records, bytes: draft.finish(Some(self.date))? })
    }

    fn lines(&mut self, records: u64) -> Result<Written, DemoError> {
        let mut draft = Draft::create(self.path("lines", "jsonl"), false)?;
        for number in 0..records {
            if number % 50 == 49 {
                draft.buffer.push(b'\n');
            }
            self.writer.order(number == 0, true, &mut draft.buffer);
            draft.buffer.push(b'\n');
            draft.settle()?;
        }
        Ok(Written { files: 1, records, bytes: draft.finish(Some(self.date))? })
    }
}

/// Writes a file of one record, or of none that can be read.
fn whole(path: PathBuf, bytes: &[u8], date: NaiveDate) -> Result<Written, DemoError> {
    let records = u64::from(bytes.starts_with(b"{"));
    let mut draft = Draft::create(path, false)?;
    draft.buffer.extend_from_slice(bytes);
    Ok(Written { files: 1, records, bytes: draft.finish(Some(date))? })
}

fn add(total: &mut Written, part: Written) {
    total.files += part.files;
    total.records += part.records;
    total.bytes += part.bytes;
}
