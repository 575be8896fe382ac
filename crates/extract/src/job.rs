//! What is to be landed, under which permit, and what came of it.

use crate::error::ExtractError;
use crate::outside::Outside;
use assay_pipeline::{Feed, Permit, Source};
use assay_postgres::Server;
use chrono::{DateTime, Utc};
use std::path::Path;
use std::time::Duration;

/// One source to fill.
#[derive(Clone, Copy)]
pub struct LandJob<'a> {
    /// The pipeline's lake folder.
    pub folder: &'a Path,
    pub source: &'a Source,
    /// The source's feed.
    pub feed: &'a Feed,
    /// Of the feed's kind.
    pub origin: Origin<'a>,
    pub permit: &'a Permit,
    /// Name of the environment.
    pub environment: &'a str,
    /// The run's id: letters, digits, `-` and `_`.
    pub run: &'a str,
    /// Becomes the landing's `extracted_at`.
    pub started_at: DateTime<Utc>,
    /// Reads everything again: a file that is already there, a whole table despite its watermark.
    pub refresh: bool,
    pub outside: &'a dyn Outside,
    pub limits: Limits,
}

impl LandJob<'_> {
    /// There is no write without a live permit for the environment.
    pub(crate) fn check_permit(&self) -> Result<(), ExtractError> {
        Ok(self.permit.check(self.environment, self.outside.now())?)
    }
}

/// Where the data comes from.
#[derive(Clone, Copy)]
pub enum Origin<'a> {
    /// Base URL of the API, [`KAGGLE`](crate::KAGGLE) unless it is a copy of it.
    Kaggle { base: &'a str },
    Postgres {
        server: &'a Server,
        /// Id of a [`Snapshot`](crate::Snapshot), so that several tables are of one moment; without one the landing
        /// takes its own.
        snapshot: Option<&'a str>,
    },
    /// Keys come from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, where there is one, `AWS_SESSION_TOKEN`.
    DynamoDb {
        /// Of an emulator; the region's own when absent.
        endpoint: Option<&'a str>,
        region: &'a str,
    },
}

/// Bounds on what a foreign server may make this machine do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a download.
    pub download: u64,
    /// Bytes of a file of an archive, unpacked.
    pub unpacked: u64,
    /// Entries of an archive.
    pub entries: usize,
    /// How many times its packed size a file of an archive may have, beyond the first [`Limits::FREE`] bytes.
    pub ratio: u64,
    /// Requests in a row that may fail or be turned away before the landing fails.
    pub tries: u32,
    /// The longest wait that a server may ask for.
    pub wait: Duration,
}

impl Limits {
    /// Unpacked bytes that are no danger at any ratio.
    pub const FREE: u64 = 1 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            download: 32 << 30,
            unpacked: 128 << 30,
            entries: 10_000,
            ratio: 250,
            tries: 8,
            wait: Duration::from_secs(600),
        }
    }
}

/// What a landing left in the source's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// The files of this landing, in byte order of their paths; none when nothing was new.
    pub files: Vec<LandedFile>,
    /// One line for people.
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandedFile {
    /// Below the pipeline's lake folder, with `/`.
    pub path: String,
    /// None for a downloaded file.
    pub rows: Option<u64>,
    pub bytes: u64,
}

/// A count with thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its word: `1 row`, `1,000 rows`.
pub(crate) fn counted(number: u64, word: &str) -> String {
    format!("{} {word}{}", count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_readable() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!([counted(1, "page"), counted(2000, "page")], ["1 page", "2,000 pages"]);
    }
}
