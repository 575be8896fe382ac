//! The gate of a contract: whether enough records were accepted for a table to be published.

use crate::error::StageError;
use crate::silver::fault::Reason;
use crate::silver::pass::Tally;
use crate::silver::program::Condition;
use crate::silver::row::View;
use crate::silver::shape::Shape;
use assay_pipeline::expression::Number;
use assay_pipeline::{Column, Gate};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A gate taken apart once.
#[derive(Debug)]
pub(crate) struct GatePlan {
    /// Least share of accepted records, in percent.
    accepted: Number,
    except: Option<Condition>,
}

/// Records that a gate looks at: those that the run accepts or refuses. Others are elsewhere, and not its concern.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gauge {
    pub(crate) counted: u64,
    /// Of the counted ones.
    pub(crate) accepted: u64,
    /// Records that the gate leaves out.
    pub(crate) excepted: u64,
}

/// What the gate saw of one file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gauges {
    pub(crate) dated: Gauge,
    /// Refused records without a date.
    pub(crate) undated: Gauge,
}

/// Reasons that are named when a gate does not hold.
const NAMED: usize = 5;

impl GatePlan {
    pub(crate) fn compile(gate: &Gate, columns: &[Column]) -> Result<Self, String> {
        let whole = Number { unscaled: 100, scale: 0 };
        if gate.accepted.unscaled < 0 || gate.accepted.compare(whole).is_gt() {
            return Err(format!("the gate asks for {} percent, which is no share", gate.accepted));
        }
        let except = gate.except.as_ref().map(|except| Condition::compile(except, columns));
        Ok(Self { accepted: gate.accepted, except: except.transpose()? })
    }

    /// False for a record that is known to be left out; one that cannot tell counts.
    pub(crate) fn counts(&self, row: View<'_>) -> bool {
        self.except.as_ref().is_none_or(|except| except.holds(row) != Ok(Some(true)))
    }

    /// Columns that tell whether a record is left out; none when no record is.
    pub(crate) fn columns(&self) -> Option<Vec<usize>> {
        self.except.as_ref().map(Condition::columns)
    }

    /// Without a counted record the gate holds.
    fn holds(&self, gauge: Gauge) -> bool {
        let wanted = u128::try_from(self.accepted.unscaled).unwrap_or(0);
        let percent = u32::from(self.accepted.scale).min(38);
        let given = (u128::from(gauge.accepted) * 100, u128::from(gauge.counted));
        gauge.counted == 0 || compare(given, (wanted, 10u128.pow(percent))).is_ge()
    }
}

impl Gauge {
    pub(crate) fn note(&mut self, counts: bool) {
        *(if counts { &mut self.counted } else { &mut self.excepted }) += 1;
    }

    fn add(&mut self, other: Self) {
        self.counted += other.counted;
        self.accepted += other.accepted;
        self.excepted += other.excepted;
    }
}

impl Gauges {
    pub(crate) fn add(&mut self, other: Self) {
        self.dated.add(other.dated);
        self.undated.add(other.undated);
    }
}

/// Judges all that a run accepted and refused; fails when the table's gate does not hold.
/// Gives what there is to say of a gate that holds.
///
/// Records without a date belong to no date of a run. They are judged with their file, by a run that writes every
/// dated record of it: a date of a file can be read again whatever else the file holds.
pub(crate) fn judge<'t>(
    shape: &Shape,
    table: &str,
    tallies: impl Iterator<Item = &'t Tally>,
) -> Result<Option<String>, StageError> {
    let Some(gate) = &shape.gate else { return Ok(None) };
    let mut gauge = Gauge::default();
    let mut reasons: BTreeMap<Reason, u64> = BTreeMap::new();
    for tally in tallies {
        gauge.add(tally.gauges.dated);
        if tally.elsewhere == 0 {
            gauge.add(tally.gauges.undated);
        }
        for (reason, count) in &tally.reasons {
            *reasons.entry(*reason).or_default() += count;
        }
    }
    let told = decide(gate, table, gauge, || {
        let mut reasons: Vec<(Reason, u64)> = reasons.into_iter().collect();
        reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
        let coded: Vec<(String, u64)> = reasons.iter().map(|(reason, count)| (reason.code(shape), *count)).collect();
        named(&coded)
    });
    told.map(Some)
}

/// What there is to say of a gate that holds; the error says what `refused` gives of the reasons.
pub(crate) fn decide(
    gate: &GatePlan,
    table: &str,
    gauge: Gauge,
    refused: impl FnOnce() -> String,
) -> Result<String, StageError> {
    let (share, asked) = (share(gauge), gate.accepted.to_string());
    let Gauge { counted, accepted, excepted } = gauge;
    if gate.holds(gauge) {
        return Ok(format!(
            "gate: {accepted} of {counted} records accepted, {share}; {asked} % is asked for, {excepted} left out"
        ));
    }
    Err(StageError::Gate { table: table.to_owned(), accepted, counted, share, asked, excepted, refused: refused() })
}

/// The first of these reasons with their counts, and how many records the others have.
pub(crate) fn named(reasons: &[(String, u64)]) -> String {
    let shown = reasons.iter().take(NAMED).map(|(reason, count)| format!("{reason} {count}"));
    let mut shown: Vec<String> = shown.collect();
    let rest: u64 = reasons.iter().skip(NAMED).map(|(_, count)| count).sum();
    if rest > 0 {
        shown.push(format!("other reasons {rest}"));
    }
    shown.join(", ")
}

/// In percent, cut off behind two places: a share that is too small never looks large enough.
fn share(gauge: Gauge) -> String {
    let hundredths = u128::from(gauge.accepted) * 10_000 / u128::from(gauge.counted.max(1));
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Compares two fractions by their whole parts, then by what is left of them; no product is ever formed.
fn compare(left: (u128, u128), right: (u128, u128)) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        let whole = (left.0 / left.1).cmp(&(right.0 / right.1));
        if whole.is_ne() {
            return whole;
        }
        let rest = (left.0 % left.1, right.0 % right.1);
        match rest {
            (0, 0) => return Ordering::Equal,
            (0, _) => return Ordering::Less,
            (_, 0) => return Ordering::Greater,
            // Of two proper fractions the one with the larger inverse is the smaller.
            (l, r) => (left, right) = ((right.1, r), (left.1, l)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn gate(percent: &str) -> GatePlan {
        let gate = Gate { accepted: Number::parse(percent).unwrap(), except: None };
        GatePlan::compile(&gate, &[]).unwrap()
    }

    fn holds(percent: &str, accepted: u64, counted: u64) -> bool {
        gate(percent).holds(Gauge { counted, accepted, excepted: 0 })
    }

    #[test]
    fn shares_are_exact() {
        for (percent, accepted, counted, expected) in [
            ("60", 3, 5, true),
            ("60", 59, 99, false),
            ("60", 0, 0, true),
            ("0", 0, 5, true),
            ("0.1", 0, 5, false),
            ("100", 5, 5, true),
            ("100", u64::MAX - 1, u64::MAX, false),
            ("33.33333333333333333333333333333333333", 1, 3, true),
            ("33.33333333333333333333333333333333334", 1, 3, false),
            ("60.0000000000000000000000000000000000", u64::MAX / 5 * 3, u64::MAX, true),
            ("60.0000000000000000000000000000000001", u64::MAX / 5 * 3, u64::MAX, false),
        ] {
            assert_eq!(holds(percent, accepted, counted), expected, "{accepted} of {counted} against {percent}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for percent in ["-0.01", "100.01"] {
            let gate = Gate { accepted: Number::parse(percent).unwrap(), except: None };
            assert!(GatePlan::compile(&gate, &[]).unwrap_err().contains(percent));
        }
    }

    #[test]
    fn a_share_never_looks_larger_than_it_is() {
        let shown = |accepted, counted| share(Gauge { counted, accepted, excepted: 0 });
        assert_eq!(shown(59_999_999, 100_000_000), "59.99 %");
        assert_eq!(shown(1, 3), "33.33 %");
        assert_eq!(shown(5, 5), "100.00 %");
        assert_eq!(shown(0, 0), "0.00 %");
    }

    proptest! {
        #[test]
        fn fractions_compare_as_their_products_do(a in 0u64.., b in 1u64.., c in 0u64.., d in 1u64..) {
            let [a, b, c, d] = [a, b, c, d].map(u128::from);
            prop_assert_eq!(compare((a, b), (c, d)), (a * d).cmp(&(c * b)));
            prop_assert_eq!(compare((a * d, b * d), (a, b)), Ordering::Equal);
        }
    }
}
