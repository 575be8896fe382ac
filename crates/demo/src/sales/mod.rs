//! Sales of a chain of stores: bronze files of the contract `sales` with fourteen columns.

mod blemish;
mod catalogue;
mod dirt;
mod malformed;
mod render;
mod row;
mod sale;
mod sheet;
#[cfg(test)]
mod tests;

pub(crate) use catalogue::{Catalogue, customer_name};
pub use dirt::Dirt;

use crate::random::Random;
use crate::{DemoError, Scale, Written};
use chrono::NaiveDate;
use dirt::{Dice, Kind};
use row::Row;
use sale::World;
use sheet::{Form, Layout, Sheet};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Sales to generate: the same values give the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sales {
    pub seed: u64,
    pub first_date: NaiveDate,
    /// Number of consecutive dates.
    pub dates: u32,
    /// Records in the folder of each date, refused ones and duplicates included.
    pub records_per_date: u64,
    pub dirt: Dirt,
}

impl From<Scale> for Sales {
    fn from(Scale { seed, first_date, dates, records_per_date, lines: _ }: Scale) -> Self {
        Self { seed, first_date, dates, records_per_date, dirt: Dirt::default() }
    }
}

impl Sales {
    /// Writes five files of different forms per date below `bronze/sales/date=YYYY-MM-DD/` of the pipeline's lake
    /// folder, replacing files of the same names. `progress` hears the records written so far.
    pub fn write(&self, pipeline_lake: &Path, progress: &mut dyn FnMut(u64)) -> Result<Written, DemoError> {
        let bronze = pipeline_lake.join("bronze").join("sales");
        self.write_files(LAYOUTS, &|date, layout| bronze.join(format!("date={date}")).join(layout.name), progress)
    }

    /// Writes three files of JSON (lines, an array, packed lines) per date below `raw/sales/date=YYYY-MM-DD/` of the
    /// pipeline's lake folder, as [`Self::write`] does.
    pub fn write_json(&self, pipeline_lake: &Path, progress: &mut dyn FnMut(u64)) -> Result<Written, DemoError> {
        let raw = pipeline_lake.join("raw").join("sales");
        self.write_files(JSON, &|date, layout| raw.join(format!("date={date}")).join(layout.name), progress)
    }

    /// Writes one file of JSON lines per date to the path that `path_per_date` gives, in its full size quickly.
    pub fn write_lines(
        &self,
        path_per_date: &dyn Fn(NaiveDate) -> PathBuf,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Written, DemoError> {
        self.write_files(ONE_FILE, &|date, _| path_per_date(date), progress)
    }

    fn write_files(
        &self,
        layouts: &[Layout],
        path: &dyn Fn(NaiveDate, &Layout) -> PathBuf,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Written, DemoError> {
        let dice = Dice::new(&self.dirt)?;
        let dates = crate::all_dates(self.first_date, self.dates)?;
        let world = World::new(u64::from(self.dates).saturating_mul(self.records_per_date));
        let mut total = Written::default();
        for (place, date) in dates.into_iter().enumerate() {
            let mut day = Day::new(self, &world, &dice, place as u64, date);
            let mut before = 0;
            for (number, layout) in layouts.iter().enumerate() {
                let last = number + 1 == layouts.len();
                let upto =
                    if last { self.records_per_date } else { before + self.records_per_date * layout.share / 100 };
                let mut sheet = Sheet::create(path(date, layout), *layout)?;
                day.fill(&mut sheet, upto - before, last, &mut |records| progress(total.records + records))?;
                before = upto;
                let written = sheet.finish()?;
                total.files += written.files;
                total.records += written.records;
                total.bytes += written.bytes;
            }
        }
        progress(total.records);
        Ok(total)
    }
}

const LAYOUTS: &[Layout] = &[
    Layout { name: "part-000.jsonl", form: Form::Lines, gzip: false, share: 40 },
    Layout { name: "part-001.json", form: Form::Array, gzip: false, share: 20 },
    Layout { name: "part-002.csv", form: Form::Csv, gzip: false, share: 15 },
    Layout { name: "part-003.csv", form: Form::WindowsCsv, gzip: false, share: 15 },
    Layout { name: "part-004.jsonl.gz", form: Form::Lines, gzip: true, share: 10 },
];
const JSON: &[Layout] = &[
    Layout { name: "part-000.jsonl", form: Form::Lines, gzip: false, share: 50 },
    Layout { name: "part-001.json", form: Form::Array, gzip: false, share: 35 },
    Layout { name: "part-002.jsonl.gz", form: Form::Lines, gzip: true, share: 15 },
];
const ONE_FILE: &[Layout] = &[Layout { name: "", form: Form::Lines, gzip: false, share: 100 }];

/// Records between a record and its duplicate that are kept in memory at most.
const LATER: usize = 1_000;
const TWINS_EVERY: u64 = 97;
const PROGRESS_EVERY: u64 = 4_096;

/// The folder of one date in the making.
struct Day<'a> {
    sales: &'a Sales,
    world: &'a World,
    dice: &'a Dice,
    random: Random,
    date: NaiveDate,
    /// Number of the date's first sale in the whole data set.
    first_number: u64,
    /// Sales made so far.
    made: u64,
    /// Records that may still be written.
    left: u64,
    /// Written as soon as possible: the second of two twins, or a duplicate.
    next: Option<Row<'a>>,
    /// Duplicates for the next file.
    later: VecDeque<Row<'a>>,
}

impl<'a> Day<'a> {
    fn new(sales: &'a Sales, world: &'a World, dice: &'a Dice, place: u64, date: NaiveDate) -> Self {
        let random = Random::new(sales.seed, place);
        let first_number = place * sales.records_per_date;
        let left = sales.records_per_date;
        Self { sales, world, dice, random, date, first_number, made: 0, left, next: None, later: VecDeque::new() }
    }

    /// Writes `records` records; in the `last` file none is put off.
    fn fill(
        &mut self,
        sheet: &mut Sheet,
        records: u64,
        last: bool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), DemoError> {
        let mut due = self.later.len();
        for _ in 0..records {
            self.left -= 1;
            if let Some(row) = self.next.take() {
                sheet.put(&row)?;
            } else if due > 0 {
                due -= 1;
                if let Some(row) = self.later.pop_front() {
                    sheet.put(&row)?;
                }
            } else {
                self.put_new(sheet, last)?;
            }
            if sheet.records().is_multiple_of(PROGRESS_EVERY) {
                progress(sheet.records());
            }
        }
        Ok(())
    }

    fn put_new(&mut self, sheet: &mut Sheet, last: bool) -> Result<(), DemoError> {
        let room = self.left > self.later.len() as u64;
        if self.made.is_multiple_of(TWINS_EVERY) && room {
            let [left, right] = self.world.twins(self.date, self.made, &mut self.random);
            self.made += 2;
            self.next = Some(right);
            return sheet.put(&left);
        }
        let mut row = self.world.sale(self.date, self.made, self.first_number + self.made, &mut self.random);
        self.made += 1;
        // How a file begins tells its form, so its first record is clean.
        let kind = if sheet.records() == 0 { None } else { self.dice.roll(&mut self.random) };
        let Some(kind) = kind else { return sheet.put(&row) };
        blemish::apply(kind, &mut row, (self.sales.first_date, self.sales.dates), &mut self.random);
        match kind {
            Kind::Malformed => return sheet.put_malformed(&row, &mut self.random),
            Kind::BlankLine => sheet.put_blank(),
            Kind::Duplicate if room => self.repeat(&row, last),
            _ => {}
        }
        sheet.put(&row)
    }

    fn repeat(&mut self, row: &Row<'a>, last: bool) {
        let again = blemish::again(row, &mut self.random);
        if last || self.later.len() >= LATER || self.random.below(2) == 0 {
            self.next = Some(again);
        } else {
            self.later.push_back(again);
        }
    }
}
