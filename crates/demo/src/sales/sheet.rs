//! One bronze file in the making: appears under its name when it is complete.

use super::row::Row;
use super::{malformed, render};
use crate::random::Random;
use crate::{DemoError, Written};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

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
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
    layout: Layout,
    buffer: Vec<u8>,
    written: Written,
}

impl Sheet {
    /// Begins the file at `path`, and its folder where it is missing.
    pub(super) fn create(path: PathBuf, layout: Layout) -> Result<Self, DemoError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        std::fs::create_dir_all(folder).map_err(|source| DemoError::Folder { path: folder.to_path_buf(), source })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let part = path.with_file_name(format!(".{name}.part"));
        let file = File::create(&part).map_err(|source| DemoError::File { path: path.clone(), source })?;
        let mut buffer = Vec::with_capacity(2 * BLOCK);
        match layout.form {
            Form::Lines => {}
            Form::Array => buffer.extend_from_slice(b"[\n"),
            Form::Csv => render::csv_header(b"\n", &mut buffer),
            Form::WindowsCsv => {
                buffer.extend_from_slice(b"\xef\xbb\xbf");
                render::csv_header(b"\r\n", &mut buffer);
            }
        }
        Ok(Self { path, part, out: BufWriter::new(file), layout, buffer, written: Written::default() })
    }

    pub(super) fn records(&self) -> u64 {
        self.written.records
    }

    pub(super) fn put(&mut self, row: &Row<'_>) -> Result<(), DemoError> {
        self.separate();
        let buffer = &mut self.buffer;
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
                malformed::line(row, random, &mut self.buffer);
                self.buffer.push(b'\n');
            }
            Form::Array => malformed::element(row, random, &mut self.buffer),
            Form::Csv | Form::WindowsCsv => malformed::csv(row, end, random, &mut self.buffer),
        }
        self.count()
    }

    pub(super) fn put_blank(&mut self) {
        self.buffer.extend_from_slice(self.layout.form.line_end());
    }

    /// Completes the file and gives it its name.
    pub(super) fn finish(mut self) -> Result<Written, DemoError> {
        if self.layout.form == Form::Array {
            self.buffer.extend_from_slice(b"\n]\n");
        }
        let done = self.flush().and_then(|()| self.out.flush()).and_then(|()| std::fs::rename(&self.part, &self.path));
        done.map_err(|source| DemoError::File { path: self.path.clone(), source })?;
        self.written.files = 1;
        Ok(self.written)
    }

    fn separate(&mut self) {
        if self.layout.form == Form::Array && self.written.records > 0 {
            self.buffer.extend_from_slice(if self.written.records.is_multiple_of(10) { b", " } else { b",\n" });
        }
    }

    fn count(&mut self) -> Result<(), DemoError> {
        self.written.records += 1;
        if self.buffer.len() < BLOCK {
            return Ok(());
        }
        self.flush().map_err(|source| DemoError::File { path: self.path.clone(), source })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let packed;
        let bytes = if self.layout.gzip {
            packed = gzip_member(&self.buffer);
            &packed
        } else {
            &self.buffer
        };
        self.out.write_all(bytes)?;
        self.written.bytes += bytes.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Bytes that are gathered before they are written, and packed into one gzip member.
const BLOCK: usize = 1 << 20;

/// A complete gzip member; a gzip file is any number of them.
fn gzip_member(bytes: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    member.extend_from_slice(&miniz_oxide::deflate::compress_to_vec(bytes, 6));
    member.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    member.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    member
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;

    #[test]
    fn members_one_after_the_other_unpack_to_the_whole() {
        let file = [gzip_member(b"one\n"), gzip_member(b"two\n")].concat();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\n");
    }
}
