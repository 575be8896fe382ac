//! `FileMatch`: whether files are the ones that are expected, by their content.
//!
//! With two paths, each file of the first has a file of the same content at the second; with `matchFileName = "true"` also
//! of the same name. With a list, the digest of each file is in the list. `hashAlgorithm` is `MD5`, or `SHA-256`.
//!
//! Nulls: there are none.
//! Rows: none; the rule is about files.
//! Profiles: no difference; evaluated over the listing of the lake.
//!
//! ```dqdl
//! FileMatch "orders/2026-01-01.csv" in ["3ee0d8617ac041793154713e5ef8f319"] with hashAlgorithm = "MD5"
//! ```

use super::ask::names;
use super::{Finding, Planned, Refusal};
use crate::draft::Draft;
use crate::files::{LISTED_HERE, algorithm, chosen, digests, listing, tags, text};
use assay_dqdl::tree::{Check, Condition, Operator, Text};
use std::collections::BTreeSet;

pub(super) fn plan(check: &Check, draft: &mut Draft<'_>) -> Result<Planned, Refusal> {
    let files = listing(draft)?;
    tags(check, &["hashAlgorithm", "matchFileName", "recentFiles", "uriRegex"])?;
    let digest = algorithm(check)?;
    let paths = names(check);
    let list = chosen(check, files, paths.first().copied())?;
    let found = digests(files, &list, digest)?;
    let lost: Vec<&str> = match (&check.condition, paths.as_slice()) {
        (Some(condition), _) => {
            let (wanted, inside) = listed(condition)?;
            list.iter().zip(&found).filter(|(_, sum)| wanted.contains(*sum) != inside).map(|(f, _)| f.path.as_str()).collect()
        }
        (None, [_, second]) => {
            let others = chosen(check, files, Some(second))?;
            let named = text(check, "matchFileName").is_some_and(|word| word == "true");
            let name = |path: &str| if named { last(path).to_owned() } else { String::new() };
            let known: BTreeSet<(String, String)> =
                others.iter().map(|file| name(&file.path)).zip(digests(files, &others, digest)?).collect();
            let is_lost = |path: &str, sum: &String| !known.contains(&(name(path), sum.clone()));
            list.iter().zip(&found).filter(|(file, sum)| is_lost(&file.path, sum)).map(|(f, _)| f.path.as_str()).collect()
        }
        _ => return Err(Refusal::failed("FileMatch takes two paths, or a list of digests")),
    };
    let finding = match lost.first() {
        None => Finding::passed(Vec::new()),
        Some(first) => Finding::failed(format!("{} files do not match, {first} first", lost.len()), Vec::new()),
    };
    Ok(Planned::whole(move |_| finding).may_differ(LISTED_HERE))
}

/// The digests that a condition lists, and whether files must be among them.
fn listed(condition: &Condition) -> Result<(BTreeSet<String>, bool), Refusal> {
    let wrong = || Refusal::failed("FileMatch takes a list of digests");
    let Condition::Text(test) = condition else { return Err(wrong()) };
    let inside = match test.op {
        Operator::In | Operator::Equal => true,
        Operator::NotIn | Operator::NotEqual => false,
        _ => return Err(wrong()),
    };
    let sum = |operand: &Text| match operand {
        Text::Literal(text) => Some(text.to_ascii_lowercase()),
        _ => None,
    };
    let wanted = test.operands.iter().map(sum).collect::<Option<_>>().ok_or_else(wrong)?;
    Ok((wanted, inside))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
