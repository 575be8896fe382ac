//! A bounded buffer that moves over content from its beginning to its end, hashing what it reads.

use crate::bronze::content::Content;
use crate::error::StageError;
use crate::watch::Watch;
use xxhash_rust::xxh3::Xxh3;

pub(crate) struct Window<'a> {
    content: &'a Content,
    watch: &'a dyn Watch,
    buffer: Vec<u8>,
    filled: usize,
    /// Place of the buffer's first byte in the content.
    pub(crate) base: u64,
    hash: Box<Xxh3>,
    hashed: u64,
}

impl<'a> Window<'a> {
    pub(crate) fn new(content: &'a Content, watch: &'a dyn Watch) -> Self {
        Self { content, watch, buffer: Vec::new(), filled: 0, base: 0, hash: Box::new(Xxh3::new()), hashed: 0 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    /// True when nothing comes after the buffer.
    pub(crate) fn at_end(&self) -> bool {
        self.base + self.filled as u64 >= self.content.len
    }

    /// Reads on until the buffer holds `size` bytes or the content ends.
    pub(crate) fn fill(&mut self, size: usize) -> Result<(), StageError> {
        if self.watch.cancelled() {
            return Err(StageError::Cancelled);
        }
        let left = self.content.len - (self.base + self.filled as u64);
        let size = size.min(self.filled + usize::try_from(left).unwrap_or(usize::MAX));
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        if self.filled < size {
            let at = self.base + self.filled as u64;
            self.content.read_exact_at(at, &mut self.buffer[self.filled..size])?;
            self.tag(at, self.filled, size);
            self.filled = size;
        }
        Ok(())
    }

    /// Drops the first bytes of the buffer.
    pub(crate) fn consume(&mut self, count: usize) {
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
        self.base += count as u64;
    }

    /// Goes to another place; what was read before is not hashed again.
    pub(crate) fn seek(&mut self, at: u64) {
        self.base = at;
        self.filled = 0;
    }

    /// Digest of the whole content; reads what is left of it.
    pub(crate) fn finish(mut self, size: usize) -> Result<u128, StageError> {
        self.seek(self.hashed);
        while !self.at_end() {
            self.fill(size)?;
            self.consume(self.filled);
        }
        Ok(self.hash.digest128())
    }

    fn tag(&mut self, at: u64, from: usize, to: usize) {
        let end = at + (to - from) as u64;
        if at <= self.hashed && self.hashed < end {
            let skip = usize::try_from(self.hashed - at).unwrap_or(0);
            self.hash.update(&self.buffer[from + skip..to]);
            self.hashed = end;
        }
    }
}
