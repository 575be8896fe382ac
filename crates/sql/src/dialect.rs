//! Whose SQL a text is.

/// The language of a text: its grammar, its types and what its operators give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Gold models and the prompt: the standard's semantics.
    Gold,
    /// Spark 3.5 with ANSI mode off and its session in UTC: implicit casts, and null where something has no value.
    Spark {
        /// Microseconds since 1970-01-01 in UTC.
        now: i64,
    },
}
