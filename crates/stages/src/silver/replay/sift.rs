//! Judges refused records once more, by the contract as it is now.

use super::chosen::Entry;
use super::origin::{Origin, Origins};
use crate::bronze::cut::Oddity;
use crate::bronze::survey::oddity_text;
use crate::error::StageError;
use crate::silver::columns::Columns;
use crate::silver::csv;
use crate::silver::explode::Explode;
use crate::silver::fault::Reason;
use crate::silver::json::{self, Element, Exploded, Ignored};
use crate::silver::parquet_rows;
use crate::silver::pass::{NO_ARRAY, NO_OBJECT, WRONG};
use crate::silver::refused::{Place, Refused};
use crate::silver::row::{Cell, Row};
use crate::silver::shape::Shape;
use assay_pipeline::Format;
use parquet::errors::ParquetError;
use std::collections::BTreeMap;

/// What records of one file came to, before duplicates are known.
pub(super) struct Sifted {
    pub(super) columns: Columns,
    pub(super) refused: Refused,
    /// Results by date, in days.
    pub(super) dates: BTreeMap<Option<i32>, i64>,
    /// Results that the contract's gate leaves out.
    pub(super) excepted: u64,
}

pub(super) struct Sieve<'a> {
    shape: &'a Shape,
    row: Row,
    ignored: Ignored,
    kept: usize,
    record: u64,
}

impl<'a> Sieve<'a> {
    /// With the limits of bytes that are kept of a long record, and that are read.
    pub(super) fn new(shape: &'a Shape, kept: usize, record: u64) -> Self {
        Self { shape, row: Row::new(shape), ignored: Ignored::new(0), kept, record }
    }

    pub(super) fn empty(&self) -> Sifted {
        let (columns, refused) = (Columns::new(self.shape, 16), Refused::new(self.kept));
        Sifted { columns, refused, dates: BTreeMap::new(), excepted: 0 }
    }

    /// Puts one entry through, whose whole record is `raw`.
    pub(super) fn put(
        &mut self,
        entry: &Entry<'_>,
        raw: &[u8],
        origin: &Origin,
        into: &mut Sifted,
    ) -> Result<(), StageError> {
        self.row.file_date = origin.date;
        let place = Place { line: entry.line, offset: entry.offset, item: 0, raw, len: raw.len() as u64 };
        // What such a record is depends on the bytes around it, which are not here.
        let odd = [Oddity::Tail, Oddity::Unclosed].map(oddity_text).into_iter().find(|words| *words == entry.message);
        let decoded = csv::decoded(raw, origin.encoding);
        let text = match (odd, decoded, origin.format) {
            (Some(words), ..) => return self.malformed(words, place, origin, into),
            (None, _, Format::Parquet) => return self.parquet(entry, place, origin, into),
            (None, None, _) => return self.malformed("the record is not valid UTF-8", place, origin, into),
            (None, Some(text), _) => text,
        };
        if let Some(explode) = &self.shape.explode {
            self.elements(explode, entry.item, &text, place, origin, into);
            return Ok(());
        }
        let readable = match (&origin.fields, origin.format) {
            (Some(fields), Format::Csv) => csv::read(&text, fields, self.shape, &mut self.row),
            _ => json::read(&text, self.shape, &mut self.row, &mut self.ignored),
        };
        if readable {
            self.row.judge(self.shape, &text);
        }
        self.take(&text, place, origin, into);
        Ok(())
    }

    fn malformed(
        &mut self,
        words: &'static str,
        place: Place<'_>,
        origin: &Origin,
        into: &mut Sifted,
    ) -> Result<(), StageError> {
        self.row.begin();
        self.row.malformed(words);
        self.take("", place, origin, into);
        Ok(())
    }

    fn parquet(
        &mut self,
        entry: &Entry<'_>,
        place: Place<'_>,
        origin: &Origin,
        into: &mut Sifted,
    ) -> Result<(), StageError> {
        let (Some(batch), Some(fields)) = (Origins::row(origin, entry.line)?, &origin.fields) else {
            return self.malformed("the file has no such row", place, origin, into);
        };
        let mut store = String::new();
        self.row.begin();
        for (at, column) in batch.columns().iter().enumerate().filter(|(at, _)| !fields.columns(*at).is_empty()) {
            let column = parquet_rows::plain(column).map_err(|error| StageError::BadParquet {
                path: entry.path.to_owned(),
                source: ParquetError::from(error),
            })?;
            let field = parquet_rows::field(&column, 0, &mut store);
            for column in fields.columns(at) {
                self.row.set(*column, &self.shape.columns[*column], "", field);
            }
        }
        self.row.judge(self.shape, "");
        self.take("", place, origin, into);
        Ok(())
    }

    /// The element of that ordinal alone, or all of them for a record that was refused as one.
    fn elements(
        &mut self,
        explode: &Explode,
        item: u64,
        text: &str,
        place: Place<'_>,
        origin: &Origin,
        into: &mut Sifted,
    ) {
        let Some(array) = json::read_around(text, self.shape, &mut self.row, &mut self.ignored) else {
            return self.take(text, place, origin, into);
        };
        let (reason, words) =
            if array == Exploded::Wrong { (Reason::TypeOfArray, WRONG) } else { (Reason::NoArray, NO_ARRAY) };
        let array = if let Exploded::Of(array) = array { array } else { "" };
        let count = json::elements(array).count() as u64;
        if count < item.max(1) {
            self.row.refuse(reason, words, &explode.columns);
            self.row.judge(self.shape, text);
            return self.take(text, place, origin, into);
        }
        if self.row.text_bytes().saturating_mul(count) > self.record {
            self.row.malformed("the record's texts repeated for each element are more bytes than are read");
            return self.take(text, place, origin, into);
        }
        self.row.keep();
        for (at, element) in (1..).zip(json::elements(array)).filter(|(at, _)| item == 0 || item == *at) {
            self.row.again();
            match json::read_element(text, element, explode, self.shape, &mut self.row, &mut self.ignored) {
                Element::Read => self.row.judge(self.shape, text),
                Element::Malformed => {}
                Element::NoObject => {
                    self.row.refuse(Reason::TypeOfArray, NO_OBJECT, &explode.columns);
                    self.row.judge(self.shape, text);
                }
            }
            self.take(text, Place { item: at, ..place }, origin, into);
        }
    }

    fn take(&mut self, text: &str, place: Place<'_>, origin: &Origin, into: &mut Sifted) {
        let own = match self.row.cells[self.shape.partition] {
            Cell::Number(days) => Some(days as i32),
            _ => None,
        };
        let date = own.or(origin.date);
        *into.dates.entry(date).or_default() += 1;
        let counts = self.shape.gate.as_ref().is_none_or(|gate| gate.counts(self.row.view(text)));
        into.excepted += u64::from(!counts);
        match (self.row.is_accepted(), own) {
            (true, Some(date)) => into.columns.push(&self.row, text, place, date),
            _ => into.refused.push(self.shape, date, place, self.row.reasons()),
        }
    }
}
