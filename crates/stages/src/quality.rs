//! Rules before publication: the rows that a step is about to publish are judged, and an error stops it.
//!
//! What a rule calls its dataset is what the step is about to write: the rows of the dates that it replaces, all of
//! them together, or the whole table where the table has no dates. Uniqueness and counts are those of these rows.

mod changes;
mod compile;
mod digest;
mod dimension;
mod failing;
mod judge;
mod kept;
mod mask;
mod suggest;
#[cfg(test)]
mod tests;

pub use changes::{RowChanges, RulePair, Sides, changes};
pub use compile::{CompiledRules, RuleWords, Severity, compile_rules, lints, masked};
pub use failing::{FailingRows, RowForm, Valued, dates_of};
pub use judge::{Dataset, Judged, Judging, Past, Rules, judge, judge_table};
pub use kept::FailingPart;
pub use suggest::{Suggested, SuggestedRule, suggest};

pub(crate) use judge::{Written, gate, listed};
