//! Pages of a log.

use super::reaches;
use super::segment::{self, Line};
use crate::ports::Level;
use crate::problem::ConsoleError;
use assay_contract::LogPage;
use std::path::Path;

/// Most lines of one page.
const PAGE: u32 = 1000;

/// Lines from index `from` among those of `least` and above, oldest first, at most `limit` and at most 1,000.
///
/// Reads the whole log, which its limit bounds, and holds one page of it. A run without a log has an empty page.
pub fn page(folder: &Path, from: u32, limit: u32, least: Option<Level>) -> Result<LogPage, ConsoleError> {
    let read = || -> std::io::Result<LogPage> {
        let limit = limit.min(PAGE) as usize;
        let mut page = LogPage { lines: Vec::new(), from, matching: 0, hidden: 0, dropped: 0, torn: 0 };
        let mut next = 0u64;
        for mut segment in segment::open_all(folder)? {
            page.dropped += small(segment.first.saturating_sub(next));
            next = segment.first;
            while let Some(line) = segment.lines.next()? {
                next += 1;
                match line {
                    Line::Whole(line) if reaches(&line, least) => {
                        if page.matching >= from && page.lines.len() < limit {
                            page.lines.push(line);
                        }
                        page.matching += 1;
                    }
                    Line::Whole(_) => page.hidden += 1,
                    Line::Torn | Line::Open => page.torn += 1,
                }
            }
        }
        Ok(page)
    };
    read().map_err(|source| ConsoleError::Log { path: folder.join(segment::HEAD), source })
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
