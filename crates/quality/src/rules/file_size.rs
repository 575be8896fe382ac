//! `FileSize ["path"]`: how large the files of the dataset are.
//!
//! Sizes are powers of 1024; a number without a unit is of bytes; `between` leaves out both ends. `with threshold` is on
//! the share of files that meet the condition, else all must; `recentFiles` and `uriRegex` choose files.
//!
//! Nulls: there are none.
//! Rows: none; the rule is about files.
//! Profiles: no difference; evaluated over the listing of the lake.
//!
//! ```dqdl
//! FileSize "orders/" > 1 MB
//! ```

use super::ask::names;
use super::{Planned, Refusal};
use crate::draft::Draft;
use crate::files::{by_share, chosen, listing, tags};
use assay_dqdl::tree::{Check, Condition, Number, Operator, Size, SizeUnit};

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let files = listing(draft)?;
    tags(check, &["recentFiles", "uriRegex", "failFast"])?;
    let wrong = || Refusal::failed("FileSize takes a condition on a size");
    let (op, sizes) = match &check.condition {
        Some(Condition::Size(test)) => (test.op, test.operands.iter().map(bytes).collect::<Option<Vec<_>>>()),
        Some(Condition::Number(test)) => (test.op, test.operands.iter().map(whole).collect()),
        _ => return Err(wrong()),
    };
    let sizes = sizes.ok_or_else(wrong)?;
    let list = chosen(check, files, names(check).first().copied())?;
    by_share(check, draft, "FileSize", &list, |file| holds(op, &sizes, i128::from(file.size)))
}

fn bytes(size: &Size) -> Option<i128> {
    let power = match size.unit {
        SizeUnit::Bytes => 0,
        SizeUnit::Kilobytes => 1,
        SizeUnit::Megabytes => 2,
        SizeUnit::Gigabytes => 3,
        SizeUnit::Terabytes => 4,
    };
    i128::from(size.amount).checked_mul(1024i128.pow(power))
}

fn whole(number: &Number) -> Option<i128> {
    match number {
        Number::Literal(text) => text.parse().ok(),
        _ => None,
    }
}

fn holds(op: Operator, sizes: &[i128], size: i128) -> bool {
    let (first, last) = (sizes.first().copied(), sizes.last().copied());
    match op {
        Operator::Greater => first.is_some_and(|wanted| size > wanted),
        Operator::GreaterOrEqual => first.is_some_and(|wanted| size >= wanted),
        Operator::Less => first.is_some_and(|wanted| size < wanted),
        Operator::LessOrEqual => first.is_some_and(|wanted| size <= wanted),
        Operator::Between => first.is_some_and(|low| size > low) && last.is_some_and(|high| size < high),
        Operator::NotBetween => first.is_some_and(|low| size <= low) || last.is_some_and(|high| size >= high),
        Operator::Equal | Operator::In => sizes.contains(&size),
        Operator::NotEqual | Operator::NotIn => !sizes.contains(&size),
        Operator::Matches | Operator::NotMatches => false,
    }
}
