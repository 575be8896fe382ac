//! The three words for what of its dates a run takes: the same in plans, on the command line and on the wire.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ScopeWord {
    #[default]
    Missing,
    Failed,
    All,
}

impl ScopeWord {
    pub const WORDS: [ScopeWord; 3] = [Self::Missing, Self::Failed, Self::All];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::All => "all",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|word| word.as_str() == text)
    }

    /// What the word means, as one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Missing => "Files that are new, changed or gone, and steps that have not followed their inputs yet.",
            Self::Failed => {
                "Steps whose last try failed or was cancelled, with the dates of that try and what follows them."
            }
            Self::All => "Every date, whatever was done before.",
        }
    }
}

impl std::fmt::Display for ScopeWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_comes_back_and_is_the_one_on_the_wire() {
        for word in ScopeWord::WORDS {
            assert_eq!(ScopeWord::parse(word.as_str()), Some(word));
            assert_eq!(serde_json::json!(word), serde_json::json!(word.as_str()));
        }
        assert_eq!(ScopeWord::parse("new"), None);
    }
}
