//! Following a log while it is written.

use super::reaches;
use super::segment::{self, Line, Segment};
use crate::ports::Level;
use crate::problem::ConsoleError;
use assay_contract::LogLine;
use std::path::{Path, PathBuf};

/// Remembers how far it read; ask it again as often as lines are wanted.
#[derive(Debug)]
pub struct Follower {
    folder: PathBuf,
    least: Option<Level>,
    /// Index of the next line.
    next: u64,
    /// File (by its first index) and byte behind the last line that was read.
    place: Option<(u64, u64)>,
}

/// What came since the last question.
#[derive(Debug, Default, PartialEq)]
pub struct Followed {
    pub lines: Vec<LogLine>,
    /// Lines that the log's limit dropped before they were read.
    pub missed: u64,
    /// Unreadable lines.
    pub torn: u64,
}

impl Follower {
    /// Begins at the first line that is kept. A log that does not exist yet is an empty one.
    pub fn new(folder: &Path, least: Option<Level>) -> Self {
        Self { folder: folder.to_owned(), least, next: 0, place: None }
    }

    /// At most `limit` whole lines; an empty answer means that nothing more is there now.
    pub fn more(&mut self, limit: usize) -> Result<Followed, ConsoleError> {
        self.read(limit).map_err(|source| ConsoleError::Log { path: self.folder.join(segment::HEAD), source })
    }

    fn read(&mut self, limit: usize) -> std::io::Result<Followed> {
        let mut followed = Followed::default();
        let held = self.place.map_or(0, |(first, _)| first);
        for segment in segment::open_all(&self.folder)?.into_iter().filter(|segment| segment.first >= held) {
            if followed.lines.len() >= limit {
                break;
            }
            self.read_segment(segment, limit, &mut followed)?;
        }
        Ok(followed)
    }

    fn read_segment(&mut self, mut segment: Segment, limit: usize, followed: &mut Followed) -> std::io::Result<()> {
        match self.place {
            Some((first, byte)) if first == segment.first => segment.lines.seek(byte)?,
            _ => {
                followed.missed += segment.first.saturating_sub(self.next);
                self.next = segment.first;
                self.place = Some((segment.first, segment.lines.position));
            }
        }
        while followed.lines.len() < limit {
            match segment.lines.next()? {
                None | Some(Line::Open) => return Ok(()),
                Some(Line::Whole(line)) if reaches(&line, self.least) => followed.lines.push(line),
                Some(Line::Whole(_)) => {}
                Some(Line::Torn) => followed.torn += 1,
            }
            self.next += 1;
            self.place = Some((segment.first, segment.lines.position));
        }
        Ok(())
    }
}
