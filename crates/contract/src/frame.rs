//! The framing between the window and the engine process.
//!
//! A frame is one JSON line, and after a line that says `"bytes": n` exactly n raw bytes.

use crate::{Answer, Ask, Event};
use serde::{Deserialize, Serialize};

/// From the window. `id` comes back in the [`Reply`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    #[serde(flatten)]
    pub ask: Ask,
}

/// From the engine process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub enum Reply {
    Answer {
        id: u64,
        #[serde(flatten)]
        answer: Answer,
        /// Length of the raw body that follows the line.
        #[serde(default)]
        bytes: u64,
    },
    Events {
        events: Vec<Event>,
    },
}

/// Longest accepted header line, in bytes; a longer one ends the connection.
pub const LINE_LIMIT: usize = 16 * 1024 * 1024;
/// Longest accepted body, in bytes.
pub const BODY_LIMIT: u64 = 64 * 1024 * 1024;
