//! Sizes that bound the memory of a stage.

/// Sizes that bound memory; the defaults are what the stages use, tests take smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that are cut and parsed at a time.
    pub chunk: usize,
    /// A longer record is quarantined as malformed without being held in memory, in bytes.
    pub record: usize,
    /// Bytes that are kept of a record longer than `record`.
    pub kept: usize,
    /// Rows of a row group.
    pub group_rows: usize,
    /// Rows after which a file is finished and the next one begun.
    pub file_rows: u64,
    /// Bytes after which a file is finished and the next one begun.
    pub file_bytes: u64,
    /// Bytes of unfinished row groups that one thread may hold; beyond them the largest is written.
    pub open_bytes: usize,
    /// Dates for which one thread may hold an unfinished row group.
    pub open_dates: usize,
    /// Keys that are held to find duplicates, about 20 bytes each; with more records the files are read again
    /// for each share of the keys.
    pub keys: u64,
    /// Names of ignored fields that are listed for a file; the rest is counted.
    pub ignored: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chunk: 4 << 20,
            record: 16 << 20,
            kept: 64 << 10,
            group_rows: 128 << 10,
            file_rows: 1 << 20,
            file_bytes: 256 << 20,
            open_bytes: 48 << 20,
            open_dates: 64,
            keys: 56 << 20,
            ignored: 100,
        }
    }
}
