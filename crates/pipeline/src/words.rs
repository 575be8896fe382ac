//! The closed sets of words of a definition.

use crate::contract::Clean;
use crate::definition::{Encoding, FileDates, Format, LoadMode, PublishedForm};
use crate::environment::Guard;

/// A value that a definition writes as one of a few words.
pub trait Word: Copy + PartialEq + 'static {
    /// As in `a format`, for messages.
    const NAME: &'static str;
    const WORDS: &'static [(&'static str, Self)];

    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(text, _)| *text == word).map(|(_, value)| *value)
    }

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(text, _)| text)
    }
}

impl Word for Format {
    const NAME: &'static str = "a format";
    const WORDS: &'static [(&'static str, Self)] =
        &[("csv", Format::Csv), ("json", Format::Json), ("parquet", Format::Parquet)];
}

impl Word for Encoding {
    const NAME: &'static str = "an encoding";
    const WORDS: &'static [(&'static str, Self)] =
        &[("utf-8", Encoding::Utf8), ("latin-1", Encoding::Latin1), ("windows-1252", Encoding::Windows1252)];
}

impl Word for Clean {
    const NAME: &'static str = "a cleaning";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("lower", Clean::Lower),
        ("upper", Clean::Upper),
        ("underscore", Clean::Underscore),
        ("whole_number", Clean::WholeNumber),
    ];
}

impl Word for FileDates {
    const NAME: &'static str = "a file's date";
    const WORDS: &'static [(&'static str, Self)] = &[("folder", FileDates::Folder), ("arrival", FileDates::Arrival)];
}

/// The words are also the endings of the files.
impl Word for PublishedForm {
    const NAME: &'static str = "a published format";
    const WORDS: &'static [(&'static str, Self)] =
        &[("parquet", PublishedForm::Parquet), ("csv", PublishedForm::Csv), ("tsv", PublishedForm::Tsv)];
}

impl Word for LoadMode {
    const NAME: &'static str = "a load mode";
    const WORDS: &'static [(&'static str, Self)] =
        &[("replace_dates", LoadMode::ReplaceDates), ("replace_all", LoadMode::ReplaceAll)];
}

impl Word for Guard {
    const NAME: &'static str = "a guard";
    const WORDS: &'static [(&'static str, Self)] =
        &[("open", Guard::Open), ("confirm", Guard::Confirm), ("locked", Guard::Locked)];
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn each_word_comes_back<W: Word + std::fmt::Debug>() {
        for (word, value) in W::WORDS {
            assert_eq!((W::from_word(word), value.word()), (Some(*value), *word));
        }
    }

    #[test]
    fn words_and_values_are_pairs() {
        each_word_comes_back::<Format>();
        each_word_comes_back::<Encoding>();
        each_word_comes_back::<Clean>();
        each_word_comes_back::<FileDates>();
        each_word_comes_back::<PublishedForm>();
        each_word_comes_back::<LoadMode>();
        each_word_comes_back::<Guard>();
    }
}
