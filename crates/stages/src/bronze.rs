//! Bronze: finds the files of a source and cuts them into records, byte by byte.

pub(crate) mod content;
pub(crate) mod cut;
mod dead_letter;
pub(crate) mod discover;
mod layout;
mod objects;
mod records;
pub(crate) mod survey;
pub(crate) mod window;

pub use content::Compression;
pub use dead_letter::{DeadLetter, DeadLetters, set_aside_by};
pub use discover::{Discovered, FoundFile, discover, discover_within};
pub use objects::SENDING;
pub use records::{RawRecord, records};
pub(crate) use survey::{Chunk, Piece};
pub use survey::{Surveyed, survey, survey_or_set_aside};
