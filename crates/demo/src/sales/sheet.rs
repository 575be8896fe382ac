//! One bronze file of sales in the making.

use super::row::Row;
use super::{malformed, render};
use crate::draft::Draft;
use crate::random::Random;
use crate::{DemoError, Written};
use std::path::PathBuf;

/// What a file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub name: &'static str,
    pub form: Form,
    pub gzip: bool,
    /// Hundredths of a date's records that lie in this file.
    pub share: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One object per line.
    Lines,
    /// One array, escaped to ASCII; every tenth element begins on the line of the one before.
    Array,
    /// LF, quotes where they are needed.
    Csv,
    /// CRLF, a byte-order mark, quotes round every text.
    WindowsCsv,
}

impl Form {
    fn line_end(self) -> &'static [u8] {
        if self == Self::WindowsCsv { b"\r\n" } else { b"\n" }
    }
}

pub(super) struct Sheet {
    draft: Draft,
    layout: Layout,
    written: Written,
}

impl Sheet {
    /// Begins the file at `path`, and its folder where it is missing.
    pub(super) fn create(path: PathBuf, layout: Layout) -> Result<Self, DemoError> {
        let mut draft = Draft::create(path, layout.gzip)?;
        match layout.form {
            Form::Lines => {}
            Form::Array => draft.buffer.extend_from_slice(b"[\n"),
            Form::Csv => render::csv_header(b"\n", &mut draft.buffer),
            Form::WindowsCsv => {
                draft.buffer.extend_from_slice(b"\xef\xbb\xbf");
                render::csv_header(b"\r\n", &mut draft.buffer);
            }
        }
        Ok(Self { draft, layout, written: Written::default() })
    }

    pub(super) fn records(&self) -> u64 {
        self.written.records
    }

    pub(super) fn put(&mut self, row: &Row<'_>) -> Result<(), DemoError> {
        self.separate();
        let buffer = &mut self.draft.buffer;
        match self.layout.form {
            Form::Lines => {
                render::json(row, false, buffer);
                buffer.push(b'\n');
            }
            Form::Array => render::json(row, true, buffer),
            Form::Csv => render::csv(row, false, b"\n", buffer),
            Form::WindowsCsv => render::csv(row, true, b"\r\n", buffer),
        }
        self.count()
    }

    pub(super) fn put_malformed(&mut self, row: &Row<'_>, random: &mut Random) -> Result<(), DemoError> {
        self.separate();
        let end = self.layout.form.line_end();
        match self.layout.form {
            Form::Lines => {
                malformed::line(row, random, &mut self.draft.buffer);
                self.draft.buffer.push(b'\n');
            }
            Form::Array => malformed::element(row, random, &mut self.draft.buffer),
            Form::Csv | Form::WindowsCsv => malformed::csv(row, end, random, &mut self.draft.buffer),
        }
        self.count()
    }

    pub(super) fn put_blank(&mut self) {
        self.draft.buffer.extend_from_slice(self.layout.form.line_end());
    }

    /// Completes the file and gives it its name.
    pub(super) fn finish(mut self) -> Result<Written, DemoError> {
        if self.layout.form == Form::Array {
            self.draft.buffer.extend_from_slice(b"\n]\n");
        }
        self.written.bytes = self.draft.finish(None)?;
        self.written.files = 1;
        Ok(self.written)
    }

    fn separate(&mut self) {
        if self.layout.form == Form::Array && self.written.records > 0 {
            let separator: &[u8] = if self.written.records.is_multiple_of(10) { b", " } else { b",\n" };
            self.draft.buffer.extend_from_slice(separator);
        }
    }

    fn count(&mut self) -> Result<(), DemoError> {
        self.written.records += 1;
        self.draft.settle()
    }
}
