//! How often each kind of dirt occurs, and which kind a record gets.

use crate::{DemoError, random::Random};

/// Rates of each kind, in records per 100,000. One record has at most one kind.
///
/// The kinds from `malformed` to `several` are refused by the contract, the others are cleaned by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dirt {
    /// Cut lines, no object, a key twice, invalid UTF-8; too few or too many fields in CSV.
    pub malformed: u32,
    pub missing: u32,
    pub wrong_type: u32,
    pub out_of_range: u32,
    pub too_long: u32,
    pub wrong_total: u32,
    /// The record occurs again with other attributes, soon after it or in a later file.
    pub duplicate: u32,
    /// More than one of the above in one record.
    pub several: u32,
    pub other_date_format: u32,
    /// The record lies in the folder of another date. Nothing where there is one date only.
    pub other_folder: u32,
    /// A blank line before the record.
    pub blank_line: u32,
    pub number_as_text: u32,
    pub text_as_number: u32,
    /// The same number in another form: exponents, zeros beyond the scale.
    pub number_form: u32,
    pub white_space: u32,
    pub payment_words: u32,
    pub null_total: u32,
    /// A total that is a cent off, which the contract allows.
    pub rounded_total: u32,
    pub other_name: u32,
    pub line_break: u32,
    pub missing_optional: u32,
}

impl Dirt {
    /// 3 % refused, without the kinds of which other engines have another opinion: torn records, white space
    /// beyond the space, numbers where text belongs, other forms of a number. For benchmarks.
    pub fn comparable() -> Self {
        let refused = Self { malformed: 0, wrong_type: 900, ..Self::default() };
        Self { text_as_number: 0, number_form: 0, white_space: 0, blank_line: 0, line_break: 0, ..refused }
    }
}

impl Default for Dirt {
    fn default() -> Self {
        Self {
            malformed: 300,
            missing: 450,
            wrong_type: 600,
            out_of_range: 450,
            too_long: 100,
            wrong_total: 400,
            duplicate: 600,
            several: 100,
            other_date_format: 600,
            other_folder: 300,
            blank_line: 200,
            number_as_text: 500,
            text_as_number: 50,
            number_form: 300,
            white_space: 400,
            payment_words: 1_000,
            null_total: 800,
            rounded_total: 200,
            other_name: 400,
            line_break: 100,
            missing_optional: 400,
        }
    }
}

impl Dirt {
    /// No dirt at all.
    pub fn none() -> Self {
        Self {
            malformed: 0,
            missing: 0,
            wrong_type: 0,
            out_of_range: 0,
            too_long: 0,
            wrong_total: 0,
            duplicate: 0,
            several: 0,
            other_date_format: 0,
            other_folder: 0,
            blank_line: 0,
            number_as_text: 0,
            text_as_number: 0,
            number_form: 0,
            white_space: 0,
            payment_words: 0,
            null_total: 0,
            rounded_total: 0,
            other_name: 0,
            line_break: 0,
            missing_optional: 0,
        }
    }

    /// Records per 100,000 that the contract refuses.
    pub fn refused(&self) -> u64 {
        self.rates()[..REFUSED].iter().map(|&(_, rate)| u64::from(rate)).sum()
    }

    fn rates(&self) -> [(Kind, u32); 21] {
        [
            (Kind::Malformed, self.malformed),
            (Kind::Missing, self.missing),
            (Kind::WrongType, self.wrong_type),
            (Kind::OutOfRange, self.out_of_range),
            (Kind::TooLong, self.too_long),
            (Kind::WrongTotal, self.wrong_total),
            (Kind::Duplicate, self.duplicate),
            (Kind::Several, self.several),
            (Kind::OtherDateFormat, self.other_date_format),
            (Kind::OtherFolder, self.other_folder),
            (Kind::BlankLine, self.blank_line),
            (Kind::NumberAsText, self.number_as_text),
            (Kind::TextAsNumber, self.text_as_number),
            (Kind::NumberForm, self.number_form),
            (Kind::WhiteSpace, self.white_space),
            (Kind::PaymentWords, self.payment_words),
            (Kind::NullTotal, self.null_total),
            (Kind::RoundedTotal, self.rounded_total),
            (Kind::OtherName, self.other_name),
            (Kind::LineBreak, self.line_break),
            (Kind::MissingOptional, self.missing_optional),
        ]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Malformed,
    Missing,
    WrongType,
    OutOfRange,
    TooLong,
    WrongTotal,
    Duplicate,
    Several,
    OtherDateFormat,
    OtherFolder,
    BlankLine,
    NumberAsText,
    TextAsNumber,
    NumberForm,
    WhiteSpace,
    PaymentWords,
    NullTotal,
    RoundedTotal,
    OtherName,
    LineBreak,
    MissingOptional,
}

const REFUSED: usize = 8;
const OF: u64 = 100_000;

/// Rates summed up, ready for choosing.
pub(super) struct Dice([(Kind, u64); 21]);

impl Dice {
    pub(super) fn new(dirt: &Dirt) -> Result<Self, DemoError> {
        let mut sum = 0;
        let steps = dirt.rates().map(|(kind, rate)| {
            sum += u64::from(rate);
            (kind, sum)
        });
        if sum > OF { Err(DemoError::Dirt { sum }) } else { Ok(Self(steps)) }
    }

    /// The kind of the next record; `None` for a clean one.
    pub(super) fn roll(&self, random: &mut Random) -> Option<Kind> {
        let face = random.below(OF);
        self.0.iter().find(|(_, below)| face < *below).map(|(kind, _)| *kind)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn three_percent_are_refused_by_default() {
        assert_eq!(Dirt::default().refused(), 3_000);
    }

    #[test]
    fn kinds_occur_at_their_rates() {
        let dice = Dice::new(&Dirt { missing: 20_000, line_break: 30_000, ..Dirt::none() }).unwrap();
        let mut random = Random::new(1, 1);
        let rolls: Vec<_> = (0..100_000).map(|_| dice.roll(&mut random)).collect();
        let count = |kind| rolls.iter().filter(|roll| **roll == kind).count();
        assert!(count(Some(Kind::Missing)).abs_diff(20_000) < 600);
        assert!(count(Some(Kind::LineBreak)).abs_diff(30_000) < 600);
        assert_eq!(count(Some(Kind::Missing)) + count(Some(Kind::LineBreak)) + count(None), 100_000);
    }

    #[test]
    fn more_dirt_than_records_is_refused() {
        let dirt = Dirt { missing: 60_000, malformed: 60_000, ..Dirt::none() };
        assert!(matches!(Dice::new(&dirt), Err(DemoError::Dirt { sum: 120_000 })));
    }
}
