//! The ledger's counts once refused records were put through again.

use crate::ports::LedgerEntry;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// How the counts of a file change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChange {
    /// Records that are accepted now, less those that gave way to others with their keys.
    pub accepted: i64,
    /// Rows beyond the first of records that are exploded only now.
    pub more: i64,
    pub dates: BTreeMap<NaiveDate, i64>,
}

/// The entries of these files with their changes, `read = accepted + quarantined + blank + elsewhere` as before.
///
/// Records that the file's last reading counted as elsewhere, because it was about other dates, stay there.
pub fn entries(ledger: &[LedgerEntry], changes: &BTreeMap<String, FileChange>) -> Vec<LedgerEntry> {
    let changed = ledger.iter().filter_map(|entry| Some((entry, changes.get(&entry.path)?)));
    changed.map(|(entry, change)| after(entry, change)).collect()
}

fn after(entry: &LedgerEntry, change: &FileChange) -> LedgerEntry {
    let mut entry = entry.clone();
    let counts = &mut entry.counts;
    let more = u64::try_from(change.more).unwrap_or(0);
    counts.read += more;
    counts.quarantined += more;
    let moved = change.accepted.unsigned_abs();
    let (from, to) = match change.accepted >= 0 {
        true => (&mut counts.quarantined, &mut counts.accepted),
        false => (&mut counts.accepted, &mut counts.quarantined),
    };
    let moved = moved.min(*from);
    *from -= moved;
    *to += moved;
    for (date, by) in &change.dates {
        let records = entry.dates.entry(*date).or_default();
        *records = records.saturating_add_signed(*by);
    }
    entry.dates.retain(|_, records| *records > 0);
    entry
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::suite::day;
    use assay_contract::Counts;

    fn entry(accepted: u64, quarantined: u64, elsewhere: u64) -> LedgerEntry {
        LedgerEntry {
            source: "sales".into(),
            path: "a".into(),
            size: 1,
            modified_ns: 1,
            tag: "t".into(),
            counts: Counts { read: accepted + quarantined + elsewhere + 1, accepted, quarantined, blank: 1, elsewhere },
            dates: BTreeMap::from([(day(1), accepted + quarantined)]),
        }
    }

    fn check(entry: &LedgerEntry, change: FileChange, accepted: u64, quarantined: u64, dates: &[(u32, u64)]) {
        let after = entries(std::slice::from_ref(entry), &BTreeMap::from([("a".to_owned(), change)]));
        let counts = after[0].counts;
        assert_eq!((counts.accepted, counts.quarantined), (accepted, quarantined));
        assert_eq!(counts.read, counts.accepted + counts.quarantined + counts.blank + counts.elsewhere);
        let dates: BTreeMap<NaiveDate, u64> = dates.iter().map(|(number, records)| (day(*number), *records)).collect();
        assert_eq!(after[0].dates, dates);
    }

    #[test]
    fn what_is_read_stays_what_became_of_it() {
        let one = entry(10, 3, 0);
        let moved = BTreeMap::from([(day(1), -2), (day(2), 2)]);
        check(&one, FileChange { accepted: 2, more: 0, dates: moved.clone() }, 12, 1, &[(1, 11), (2, 2)]);
        check(&one, FileChange { accepted: -4, more: 0, dates: BTreeMap::new() }, 6, 7, &[(1, 13)]);
        let exploded = FileChange { accepted: 3, more: 2, dates: BTreeMap::from([(day(1), 2)]) };
        check(&one, exploded, 13, 2, &[(1, 15)]);
        check(&entry(0, 1, 5), FileChange { accepted: 3, more: 0, dates: moved }, 1, 0, &[(2, 2)]);
        assert_eq!(entries(&[one], &BTreeMap::from([("b".to_owned(), FileChange::default())])), []);
    }
}
